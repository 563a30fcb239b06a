# SPDX-License-Identifier: BSD-2-Clause
"""The hypervisor that checks itself: make DEBUG=1."""
import dataclasses
import os
import re

import hostile
import machine
from common import SMALL, free
from suite import Failure, Machine, check, equal, test

CHECKED = Machine(images=SMALL + ("hostile",), hv_args="fail_alloc", debug=True)
CREATE = "create %s --memory 8 --no-reboot --testdev --vcpus 2 --name a"


# Where memory is asked for at boot alone, or not on this processor; the 1 GiB block is host/memory_giant's
BOOT = ("arch/x86/svm/svm.c", "arch/x86/vmx/vmx.c", "arch/x86/vmx/apicv.c")
ELSEWHERE = {"bochs": "arch/x86/svm/", "ryzen": "arch/x86/vmx/"}
OTHERS = ("FRAME_ORDER_1G", "void *page = frame_hv_alloc(FRAME_OWNER_HV, 0);")


def sites(elf, platform):
    """FILE:LINE of each place that asks for memory while domains are there, from the hypervisor's own image"""
    with open(elf, "rb") as f:
        found = {m.decode() for m in re.findall(rb"(?<![\w/.:])((?:hv|arch)/[\w/]+\.c:\d+)(?=\0)", f.read())}
    for site in sorted(found):
        name, line = site.split(":")
        text = open(os.path.join(machine.TOP, name)).read().splitlines()[int(line) - 1]
        if name in BOOT or name.startswith(ELSEWHERE[platform]) or any(word in text for word in OTHERS):
            found.remove(site)
    return found


def refused(m):
    """every allocation of every call that `create`, a rebuild, a trace and a hostile builder make is refused once: an error in words,
    nothing is lost, nothing is left half done, and the next try succeeds; no place that asks for memory is left out"""
    before = free(m)
    for command in CREATE % "exit0" + " --wait", CREATE % "exit0" + " --wait --lazy", CREATE % "halt", "destroy a", "trace on", "trace off":
        for tries in range(80):
            begin = len(m.text())
            out, good = m.run(command, 60)
            if good:
                break
            found = re.findall(r"fail_alloc: allocation", m.text()[begin:])
            check(found and "error: " in out, "`%s` fails by itself: %s" % (command, out))
            equal(free(m), before, "free frames after a failed `%s`" % command)
        check(good, "`%s` does not succeed in the end" % command)
        before = free(m)
    for tries in range(20):
        if m.run("create hostile --name v --memory 16", 60)[1]:
            break
    for seed in 1, 2:
        for tries in range(20):     # the builder's own creation is refused, too, where it is new
            try:
                hostile.attack(m, "build", seed)
                break
            except Failure:
                pass
    for n in range(40):             # until the control domain holds more shares than there are records
        if "refused, hv/share.c" in m.text():
            break
        m.run("create halt --memory 2 --testdev --no-reboot --paused --name n%d" % n, 60)
    wanted = sites(machine.DEBUG, "ryzen" if m.spec.cpu == machine.RYZEN else "bochs")
    names = set(re.findall(r"fail_alloc: allocation \d+ of call \d+ is refused, (\S+)", m.text()))
    check(len(wanted) >= 13, "the image names only %d places that ask for memory" % len(wanted))
    equal(wanted - names, set(), "places that were never refused")


@test(CHECKED, only=("bochs",), timeout=300)
def refused_allocations(m):
    refused(m)


@test(dataclasses.replace(CHECKED, cpu=machine.RYZEN), timeout=300)
def refused_allocations_svm(m):
    refused(m)


for _test in refused_allocations, refused_allocations_svm:
    _test.__doc__ = refused.__doc__
