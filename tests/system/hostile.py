# SPDX-License-Identifier: BSD-2-Clause
"""Hostile guests: each wall of guest/hostile is attacked by a few seeds.  The domain may end as it likes, or not at all; what has
to hold is outside of it.  scripts/soak does the same for longer."""
import os
import re

import common
import emu
import machine
from suite import Machine, check, equal, image, match, rows, test

image("hostile")(lambda: os.path.join(machine.BUILD, "guest", "hostile.elf"))

# name -> options of create.  Where no vCPU ends by itself, the wait for it ends after a second of the machine
WALLS = {
    "calls": "--vcpus 2",
    "msrs": "",
    "regs": "",
    "ports": "",
    "code": "--vcpus 2",
    "real": "",
    "mmio": "--vcpus 3",
    "traps": "",
    "irqs": "--vcpus 3",
    "insns": "--vcpus 2",
    "memory": "--lazy",
    "build": "--vcpus 2 --rights build",
}


SHARE_RECORDS = 48      # pages: what two domains can hold at a time


class Watch:
    """what must not change: the neighbour's memory, the number of free frames, the control domain's answers"""

    def __init__(self, m):
        self.m, self.asked = m, 0
        for name in ("warm", "victim"):         # the first domains cost what later ones find there
            m.do("create hostile --name %s --memory 16 --vcpus 3 --testdev --args \"victim 7\"" % name)
        m.do("destroy warm")
        self.hash = self.ask("")
        self.frames, self.hv = self.count()
        self.spare = SHARE_RECORDS

    def ask(self, key="x"):
        if key:
            self.m.do('console victim --send "%s"' % key)
        self.m.do('console victim --expect "ok%d." --timeout 60' % self.asked, 120)
        found = match(r"hash %d ([0-9a-f]+) ok" % self.asked, self.m.do("console victim --log"))
        self.asked += 1
        return found[1]

    def count(self):
        i = common.info(self.m)
        return i["frames_free"] - i["frames_reserved"], i["frames_hv"]

    def check(self, what):
        equal(self.ask(), self.hash, "the hash of the neighbour's memory after " + what)
        frames, hv = self.count()
        if 0 < self.frames - frames == hv - self.hv <= self.spare:      # of records, which are kept for the next shares
            self.spare -= hv - self.hv
            self.frames, self.hv = frames, hv
        equal(frames, self.frames, "free frames after " + what)
        said = self.m.do("dmesg", 60)
        check("PANIC" not in said and "panic" not in said, "the hypervisor panicked: " + said[-500:])


STATS_ROW = re.compile(r"  (\S.*?) +(\d+) +\d+ +\d+ +(\d+)  [0-9a-f]+$")


def exits(m):
    """what hostile domains and those that they built have made: domain -> {exit: (count, worst)}"""
    found, at = {}, None
    for line in m.do("stats", 60).replace("\r", "").splitlines():
        domain, row = re.match(r"domain (\d+) \((.*)\)$", line), STATS_ROW.match(line)
        if domain:
            at = None if domain[2] in ("control", "victim") else found.setdefault(int(domain[1]), {})
        elif row and at is not None:
            at[row[1]] = int(row[2]), int(row[3])
    return found


def attack(m, wall, seed, ms=150, before_it_goes=None):
    """one hostile domain; it is gone afterwards"""
    what = "%s %d %d" % (wall, seed, ms)
    try:
        m.do('create hostile --name evil --memory 16 --testdev --no-reboot %s --args "%s on=%s"' % (WALLS[wall], what, m.spec.platform))
        out, _ = m.run("wait evil --timeout %d" % (1 + ms // 500), 120)
        log = m.do("console evil --log") if "ended: exit" in out else ""
        check("HOLE" not in log, "`%s`: %s" % (what, log[-300:]))
        if before_it_goes:
            before_it_goes()
        m.do("destroy evil", 60)
        for d in rows(m, "list", "domains"):    # what it built
            if d["id"] and d["name"] != "victim":
                m.do("destroy %d" % d["id"], 60)
    except emu.EmuError as e:
        raise emu.EmuError("hostile guest `%s`: %s" % (what, e)) from None
    return out


IRQS_OFF = 20000        # ticks; with one CPU of Bochs instructions


def irqs_off(m):
    """the longest time with interrupts off in root mode since the boot, and in what; the machine is one with debug="lean\""""
    found = re.findall(r"interrupts were off for (\d+) ticks, (by 0x\w+, call \d+)", m.text())
    check(found, "the hypervisor does not tell how long interrupts were off")
    longest = max((int(ticks), what) for ticks, what in found)
    check(longest[0] <= IRQS_OFF, "interrupts were off for %d ticks, %s" % longest)
    return longest


@test(Machine(images=("hostile",), debug="lean"), only=("bochs",), timeout=240)
def interrupts_off(m):
    """domains that are built, attacked and destroyed: root mode lets interrupts in every 20,000 instructions at the latest"""
    Watch(m)
    for wall, seed in ("build", 1), ("build", 2), ("calls", 1), ("real", 1), ("memory", 1), ("ports", 1):
        attack(m, wall, seed)
    irqs_off(m)


SEEDS = (1, 2)


def wall_test(wall):
    def run(m):
        watch = Watch(m)
        for seed in SEEDS:
            attack(m, wall, seed)
            watch.check("`%s %d`" % (wall, seed))
    run.__name__, run.__module__ = wall, __name__
    run.__doc__ = "the wall `%s` holds" % wall
    return test(Machine(images=("hostile",)), quick=True)(run)


for _wall in WALLS:
    wall_test(_wall)
