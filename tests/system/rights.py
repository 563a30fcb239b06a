# SPDX-License-Identifier: BSD-2-Clause
"""Rights, as the shell gives and takes them."""
import os
import re

import machine
from suite import Machine, equal, image, match, test

for _name in ("monitor", "spin"):
    image("r_" + _name)(lambda name=_name: os.path.join(machine.BUILD, "guest", name + ".elf"))
SPEC = Machine(images=("r_monitor", "r_spin"))


def held(m, who):
    """target -> what `rights` says that it has over it"""
    out = m.do("rights " + who)
    return {k: v.split() for k, v in re.findall(r"^(\S+) +(.*)$", out, re.M)}


@test(SPEC, quick=True)
def a_monitor_looks_and_no_more(m):
    """the domain of guest/demo/monitor.c; then the same with its right taken away before it begins"""
    number = match(r"domain (\d+) ", m.do("create r_spin --name watched --paused"))[1]
    for name in ("a", "b"):
        m.do('create r_monitor --name %s --paused --rights "mem-read,regs watched" --args %s' % (name, number))
        equal(held(m, name)["watched"], ["mem-read", "regs"], "the rights over it")
    m.do("rights b -all watched")
    m.do("unpause a b")
    m.do("wait a --timeout 20")
    m.do("wait b --timeout 20")
    out = m.do("console a --log")
    match(r"memory at 1 MiB of domain %s: 64 bytes" % number, out)
    match(r"its registers: 0, rip [1-9a-f]", out)
    match(r"writing to it: -1, pausing it: -1, handing the right on: -1, looking at domain 0: -1$", out)
    match(r"looking again, the right dropped: -1$", out)
    out = m.do("console b --log")
    match(r"memory at 1 MiB of domain %s: -1 bytes" % number, out)
    match(r"its registers: -1, ", out)


@test(SPEC, quick=True)
def given_taken_and_shown(m):
    m.do("create r_spin --name a --paused")
    equal(held(m, "a")["self"], ["info", "event"], "what everybody has over itself")
    equal(held(m, "a")["machine"], ["-"], "what everybody has over the machine")
    m.do("rights a +build +info")
    m.do("rights a +sched domains")
    m.do("rights a +dm 0")
    got = held(m, "a")
    equal((got["machine"], got["domains"], got["control"]), (["info", "build"], ["sched"], ["dm"]), "what it was given")
    m.do("rights a -build")
    m.do("rights a -event self")
    equal((held(m, "a")["machine"], held(m, "a")["self"]), (["info"], ["info"]), "what is left")
    match(r"no right fly", m.fail("rights a +fly"))
    m.fail("rights nobody")
    m.fail("rights a +info nobody")
    match(r"no right fly", m.fail('create r_spin --name z --rights "fly"'))
    m.fail("list z")
    # the control domain drops one of its own, for good
    m.do("rights control -sched domains")
    m.fail("rights control +sched domains")
    m.fail("rights a +sched domains")
    m.do("sched a --weight 300")            # over what it built it still has all
