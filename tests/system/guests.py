# SPDX-License-Identifier: BSD-2-Clause
"""Guest tests of tests/guest that need more than one domain, and the small guests of guest/demo."""
import os

import machine
from suite import Machine, check, domains, image, match, test

GUEST = os.path.join(machine.BUILD, "guest")
for name in ("test_xstate", "test_smp_msrs"):
    image(name)(lambda name=name: os.path.join(GUEST, name + ".elf"))
image("demo_spin")(lambda: os.path.join(GUEST, "spin.elf"))     # "spin" is the other tests' own


@test(Machine(images=("test_xstate", "test_smp_msrs")), timeout=120, only=("bochs", "ryzen"))
def state_is_its_own(m):
    """domains that share a CPU, each with other values in every register that the processor has only once"""
    m.do("create test_xstate --name a --args 1 --paused")
    m.do("create test_xstate --name b --args 2000003 --paused")
    m.do("create test_smp_msrs --name c --vcpus 3 --paused")
    for name in "abc":
        m.do("unpause " + name)
    for name in "abc":
        out = m.do("wait %s --timeout 60" % name, 100)
        match(r"ended: exit 0", out, name)
        match(r"[1-9]\d* checks, 0 failed", m.do("console %s --log" % name), name)


@test(Machine(images=("hello", "hypercall", "tiny", "demo_spin")), quick=True)
def demos(m):
    """the examples do what they say"""
    match(r"Hello from a domain", m.do("create hello --wait"))
    match(r"ended: exit 7", m.fail("create hello --name h7 --args 7 --wait"))
    out = m.do("create hypercall --wait")
    match(r"ABI version \d+", out)
    match(r"switching the machine off: -1 ", out)
    for n in range(5):
        m.do("create tiny --name t%d --memory 1" % n)
    m.do("create demo_spin --name spin")
    m.fail("wait spin --timeout 1")
    match(r"spinning", m.do("console spin --log"))
    before = domains(m)
    check(before["spin"]["state"] == "running", "spin is " + before["spin"]["state"])
    for n in range(5):
        d = before["t%d" % n]
        check(d["state"] == "blocked" and d["pages"] == 256, "tiny is %s and has %d pages" % (d["state"], d["pages"]))
        check(d["exits"] < 10, "an idle domain took %d exits" % d["exits"])
