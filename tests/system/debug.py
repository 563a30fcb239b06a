# SPDX-License-Identifier: BSD-2-Clause
"""The hypervisor that checks itself: make DEBUG=1."""
import re

from common import SMALL, free
from suite import Machine, check, equal, test

CHECKED = Machine(images=SMALL, hv_args="fail_alloc", debug=True)
CREATE = "create %s --memory 8 --no-reboot --testdev --vcpus 2 --name a"


@test(CHECKED, only=("bochs", "ryzen"), timeout=180)
def refused_allocations(m):
    """every allocation of every call that `create`, a rebuild and a trace make is refused once: an error in words, nothing is
    lost, nothing is left half done, and the next try succeeds"""
    before, refused = free(m), 0
    for command in CREATE % "exit0" + " --wait", CREATE % "exit0" + " --wait --lazy", CREATE % "halt", "destroy a", "trace on", "trace off":
        for tries in range(40):
            begin = len(m.text())
            out, good = m.run(command, 60)
            if good:
                break
            found = re.findall(r"fail_alloc: allocation", m.text()[begin:])
            check(found and "error: " in out, "`%s` fails by itself: %s" % (command, out))
            equal(free(m), before, "free frames after a failed `%s`" % command)
            refused += len(found)
        check(good, "`%s` does not succeed in the end" % command)
        before = free(m)
    check(refused >= 8, "only %d allocations were refused" % refused)
