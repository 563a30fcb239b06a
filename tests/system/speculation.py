# SPDX-License-Identifier: BSD-2-Clause
"""Measures against speculation: guests run under each, the doctor tells of them, barriers come where they are due."""
import json
import os
import struct
import subprocess

import machine
import payload
from suite import Machine, check, equal, image, match, test

# touches a debug register first
image("dr_spin")(lambda: payload.elf(b"\x0f\x23\xc0" + payload.SPIN))
# each vCPU in a loop of its own: a jump to itself at 0x8000, INIT and SIPI to all others, then the same here
image("both_spin")(lambda: payload.elf(b"\x66\xc7\x05\x00\x80\x00\x00\xeb\xfe" + b"".join(
    b"\xc7\x05\x00\x03\xe0\xfe" + struct.pack("<I", icr) for icr in (0xc4500, 0xc4608)) + payload.SPIN))


def measures(m):
    return json.loads(m.do("info --json"))["mitigations"]


def doctor(m):
    return {row["name"]: row for row in json.loads(m.do("doctor --json"))}


@test(Machine(images=("exit0", "exit7", "spin"), hv_args="mitigations=regs,rsb,verw,l1d"), quick=True)
def what_every_processor_can_take(m):
    """registers cleared, return stack filled, VERW, L1D read: guests that exit, ask their device model and are preempted"""
    equal(measures(m), "regs,rsb,verw,l1d", "measures")
    m.do("create spin --memory 8 --name s")
    for _ in range(3):
        m.do("create exit0 --memory 8 --wait")
    out = m.run("create exit7 --memory 8 --wait")[0]
    match(r"ended: exit 7", out)
    m.do("destroy s")
    equal(doctor(m)["return stack across exits"]["value"].replace("not affected", "mitigated"), "mitigated", "the return stack")


@test(Machine(images=("exit0",), hv_args="mitigations=off,aibrs,what"))
def what_it_cannot(m):
    """is not done, and the log says so"""
    equal(measures(m), "off", "measures")
    match(r"mitigations=off,aibrs,what: not all of it", m.do("dmesg"))
    row = doctor(m)["return stack across exits"]
    equal((row["value"], row["note"]), ("vulnerable", "switched off by mitigations="), "the return stack")
    m.do("create exit0 --memory 8 --wait")


def steps(m, seconds):
    """while the control domain sleeps: (vCPUs that came onto the CPU, barriers)"""
    def now():
        switches = sum(v["switches"] for v in json.loads(m.do("vcpu-list --json")))
        return switches, json.loads(m.do("info --json"))["barriers"]
    a = now()
    m.run("wait a --timeout %d" % seconds)
    b = now()
    return b[0] - a[0], b[1] - a[1]


@test(Machine(cpu="tigerlake", images=("spin", "dr_spin", "both_spin"), hv_args="mitigations=auto"))
def barriers_between_domains(m):
    """IBPB: at every switch from one domain to another (also to one whose debug registers are not switched any more), at none from one vCPU of a domain to the other"""
    equal(measures(m), "regs,rsb,verw,ibpb,eibrs", "what this processor needs")
    row = doctor(m)["Spectre v2"]
    equal((row["value"], row["note"]), ("mitigated", "ibpb,eibrs"), "Spectre v2")
    m.do("create spin --memory 8 --name a")
    m.do("create dr_spin --memory 8 --name b")
    switches, barriers = steps(m, 2)
    check(switches > 50 and abs(switches - barriers) < 20, "two domains: %d switches, %d barriers" % (switches, barriers))
    m.do("destroy a")
    m.do("destroy b")
    m.do("create both_spin --memory 8 --vcpus 2 --name a")
    switches, barriers = steps(m, 2)
    check(switches > 50 and barriers * 2 < switches, "two vCPUs of one domain: %d switches, %d barriers" % (switches, barriers))


@test(Machine(cpu="tigerlake", images=("exit0", "spin"), hv_args="mitigations=ibrs,ibpb_exit,ibpb,eibrs,l1d"))
def what_needs_an_msr(m):
    """SPEC_CTRL, PRED_CMD, FLUSH_CMD at exits and entries"""
    equal(measures(m), "ibrs,ibpb_exit,l1d,ibpb,eibrs", "measures")
    m.do("create spin --memory 8 --name s")
    m.do("create exit0 --memory 8 --wait")
    m.do("destroy s")


PATTERN = 0xc4e7                # bits 31 to 16 of all registers of tests/guest/regs_kept.c, so that a half of one is seen, too
image("regs_kept")(lambda: os.path.join(machine.BUILD, "guest", "test_regs_kept.elf"))


def symbol(path, name):
    said = subprocess.run(["nm", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    return int(match(r"^(\w+) \w %s$" % name, said)[1], 16)


@test(only=("bochs",))
def registers_are_cleared(m):
    """where the handler of exits begins, on Intel and on AMD, no general register holds anything of the guest's"""
    guest = symbol(os.path.join(machine.BUILD, "guest", "test_regs_kept.elf"), "regs_full")
    for cpu, handler in (None, "vmx_exit"), (machine.RYZEN, "svm_exit"):
        on = m.boot(Machine(cpu=cpu, images=("regs_kept",), hv_args="mitigations=regs", debugger=True))
        before, after = on.emu.registers((guest, symbol(machine.HYPERVISOR, handler)), b"create regs_kept\r")
        full, found = ([name for name, value in regs.items() if value >> 16 & 0xffff == PATTERN] for regs in (before, after))
        equal(len(full), 15, "registers that the guest has filled")
        equal(found, [], "registers that %s finds filled" % handler)
