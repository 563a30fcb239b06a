# SPDX-License-Identifier: BSD-2-Clause
"""The control domain crashes, or is destroyed: the hypervisor starts it again, and it takes the domains over that run."""
import os

import machine
from common import SMALL, Guest, free
from suite import Machine, check, domains, image, match, test

image("c_end")(lambda: os.path.join(machine.BUILD, "guest", "end.elf"))


def crash(m):
    """up to the prompt of the next control domain"""
    m.type("crash")
    m.emu.expect(rb"the control domain ended: ", 60)
    m.emu.expect(rb"taken over", 60)
    m.ready(30)


@test(Machine(images=("linux",) + SMALL), timeout=240)
def guests_live_through_a_crash_of_the_control_domain(m):
    """one that computes, one that sleeps, one at its shell, whose UART is driven by interrupts, and one that ended: all are there
    afterwards, with their names, and answer; nothing is lost by it"""
    m.do("create spin --memory 8 --name s")
    m.do("create halt --memory 8 --name h --no-reboot")
    m.fail("create crash --memory 8 --name c --wait")
    linux = Guest(m, "l")
    linux.run("echo before >/tmp/note")
    before = None
    for n in range(2):
        m.fail("wait s --timeout 1")    # one that crashes within half a second of its start is left as it is
        crash(m)
        names = domains(m)
        check({"s", "h", "l", "c"} <= set(names), "domains are gone: %s" % sorted(names))
        check("before" in linux.run("cat /tmp/note"), "Linux does not answer")
        runs = domains(m)["s"]["run_ns"]
        m.do("create exit0 --memory 8 --wait")
        now = free(m)
        check(before is None or now == before, "%s frames were free, now %s" % (before, now))
        before = now
    check(domains(m)["s"]["run_ns"] > runs, "the one that computes stands still")
    linux.type("poweroff -f")
    check("power-off" in m.do("wait l --timeout 60", 60), "no power-off")
    m.do("destroy s h c")


@test(Machine(images=("c_end", "spin", "exit0")), quick=True)
def another_domain_destroys_the_control_domain(m):
    """who has no right to is refused; who has it goes on, and so do all others, under a new control domain"""
    m.do("create spin --memory 8 --name s")
    out = m.run('create c_end --name weak --rights "info 0" --args 0 --wait')[0]
    match(r"domain 0 destroyed: -1\b", out)
    m.fail("wait s --timeout 1")    # one that crashes within half a second of its start is left as it is
    m.type('create c_end --name strong --no-reboot --rights "life 0" --args 0')
    m.emu.expect(rb"the control domain ended: destroyed by domain \d+", 60)
    m.emu.expect(rb"2 domains taken over", 60)
    m.ready(30)
    match(r"exit 0", m.do("wait strong --timeout 30", 40))
    match(r"domain 0 destroyed: 0\b", m.do("console strong --log"))
    runs = domains(m)["s"]["run_ns"]
    m.do("create exit0 --memory 8 --wait")
    check(domains(m)["s"]["run_ns"] > runs, "the one that computes stands still")
