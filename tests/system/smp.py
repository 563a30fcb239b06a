# SPDX-License-Identifier: BSD-2-Clause
"""Domains with many vCPUs on several CPUs, and what is done to them while they run"""
import os
import re
import time

import common
import machine
from suite import Machine, check, image, test

image("ipi")(lambda: os.path.join(machine.BUILD, "guest", "test_ipi_stress.elf"))
image("iorace")(lambda: os.path.join(machine.BUILD, "guest", "test_io_race.elf"))


def disturbed(m, rounds):
    """pause, move, pin and let go the vCPUs of a domain that counts its own IPIs"""
    m.do("create ipi --name s --vcpus 8 --memory 16")
    for n in range(rounds):
        m.do("pause s")
        m.do("vcpu-pin s %d %d" % (n % 8, n % 3))
        m.do("unpause s")
        m.do("vcpu-pin s %d all" % ((n + 3) % 8))
    text = m.do("wait s --timeout 300", 200)
    check("exit 0" in text, "it ended otherwise: " + text)


@test(Machine(images=("ipi",), cpus=3))
def ipis_arrive_once(m):
    """eight vCPUs on three CPUs: each IPI arrives once while they are paused, pinned and moved"""
    disturbed(m, 25)


@test(Machine(images=("ipi",), cpus=3, hv_args="apicv=off"))
def ipis_arrive_once_without_apicv(m):
    """the same by the software path"""
    disturbed(m, 25)


@test(Machine(cpus=2), timeout=600)
def four_vcpus_on_two_cpus(m):
    """Debian's kernel with four vCPUs on two CPUs: all come up, interrupts and clocks of all go on, idle costs little"""
    g = common.Guest(m, "smp", "--memory 256 --vcpus 4", 400)
    check(g.run("grep -c ^processor /proc/cpuinfo").strip() == "4", "not four processors")
    table = g.run("cat /proc/interrupts")
    for name in ("LOC", "RES", "CAL"):
        row = re.search(r"%s:((?:\s+\d+){4})" % name, table)
        check(row, "no row %s in %s" % (name, table))
        check(name != "LOC" or all(int(n) > 0 for n in row[1].split()), "a vCPU without timer interrupts: " + row[0])


@test(Machine(images=("iorace",), cpus=2), quick=True)
def requests_of_another_cpu(m):
    """the device model on one CPU, five vCPUs that ask it without a pause on the other: none waits for ever"""
    m.do("create iorace --name r --vcpus 5 --memory 16 --paused")
    m.do("vcpu-pin control 0 1")
    for n in range(5):
        m.do("vcpu-pin r %d 0" % n)
    m.do("unpause r")
    # what is shown wakes the device model too, while it is on its way to sleep
    m.type("console r")
    for _ in range(20):
        m.emu.send(b"and what is typed")
        time.sleep(0.02)
    m.emu.expect(rb" 0 failed", 60)
    m.emu.send(b"\x1d")
    m.emu.expect(machine.PROMPT, 10)
    m.do("vcpu-pin control 0 all")
    text = m.do("wait r --timeout 60", 60)
    check("exit 0" in text, "it ended otherwise: " + text)
