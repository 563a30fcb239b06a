# SPDX-License-Identifier: BSD-2-Clause
"""From GRUB to the control prompt: what is found there, what is refused, and how the machine ends."""
import os
import re

import common
import emu
import iso
import machine
from suite import SCRATCH, Machine, check, equal, made, match, test

ONE = Machine()


@test(ONE, quick=True)
def prompt_and_images(m):
    out = m.do("images")
    for name in ("linux",):
        match(r"^.*\b%s\b" % name, out, "images")
    match(re.escape(machine.LINUX_ARGS), out, "the default arguments of linux")


@test(ONE, quick=True)
def doctor_names_what_is_there(m):
    out = m.do("doctor")
    for name in ("EPT", "VPID", "unrestricted guest", "VMX"):
        match(r"(?i)\b%s\b" % name, out, "doctor")
    rows = common.rows(m, "doctor", "doctor")
    check(len(rows) >= 40, "doctor has only %d rows" % len(rows))


@test(ONE, quick=True)
def machine_is_measured(m):
    """Bochs runs at the frequency that it was told, whatever CPUID says (3.5 GHz)"""
    i = common.info(m)
    equal(i["cpus"], 1, "CPUs")
    check(abs(i["tsc_khz"] / (machine.IPS / 1000) - 1) < 0.01, "the TSC runs at %d kHz, not %d" % (i["tsc_khz"], machine.IPS / 1000))
    total = i["frames_total"] * 4 / 1024
    check(900 < total <= 1024, "%d MiB of 1024" % total)


@test(Machine(cpus=4, images=common.SMALL), timeout=240)
def four_cpus(m):
    equal(common.info(m)["cpus"], 4, "CPUs")
    m.do("create spin --name there --memory 16 --vcpus 1")
    for cpu in range(4):
        m.do("vcpu-pin there 0 %d" % cpu)
        m.run("wait there --timeout 1", 60)
        rows = [v for v in common.rows(m, "vcpu-list there", "vcpus")]
        equal([v["cpu"] for v in rows], [cpu], "where the pinned vCPU ran")
    m.fail("vcpu-pin there 0 7")


@test(timeout=120)
def no_vmx(t):
    """an Intel processor without VMX: named, with what to switch on; and the machine stands still, it does not fall"""
    m = t.boot(Machine(cpu="p4_prescott_celeron_336", images=()), ready=False)
    refused(m, r"(?i)missing: VMX\b")


@test(timeout=120)
def no_svm(t):
    m = t.boot(Machine(cpu="athlon64_venice", images=()), ready=False)
    refused(m, r"(?i)missing: SVM\b")


@test(timeout=120)
def no_long_mode(t):
    m = t.boot(Machine(cpu="atom_n270", images=()), ready=False)
    m.emu.expect(rb"(?i)(long|64-bit) mode", 60, no=machine.PROMPT)
    check(settled(m) and m.emu.why in (None, "port-8900", "acpi-off"), "the machine fell: %s" % m.emu.why)


@test(timeout=120)
def no_ept(t):
    """a processor with VMX that lacks what is required (EPT, unrestricted guest)"""
    m = t.boot(Machine(cpu="core2_penryn_t9600", images=()), ready=False)
    refused(m, r"\bEPT\b")


@test(timeout=120)
def no_unrestricted_guest(t):
    m = t.boot(Machine(cpu="corei5_lynnfield_750", images=()), ready=False)
    refused(m, r"(?i)\bunrestricted guest\b")


def refused(m, pattern):
    """the boot stops with the name of what is missing, and no control prompt; the processor is not reset"""
    m.emu.expect(pattern.encode(), 30, no=machine.PROMPT)
    match(r"(?i)(firmware|BIOS|QEMU|-cpu)", settled(m), "a hint of what to switch on")
    check(m.emu.why in (None, "port-8900", "acpi-off"), "the machine fell: %s" % m.emu.why)


def settled(m, seconds=3):
    """all that is printed until nothing more comes for some seconds"""
    size = -1
    while size != len(m.emu.log) and not m.emu.why:
        size = len(m.emu.log)
        end = m.emu.seconds() + seconds
        while m.emu.seconds() < end and m.emu.pump(0.2):
            pass
    return m.text()


@test(timeout=120)
def older_processors(t):
    """no APICv (corei3_cnl), no PML or posted interrupts (broadwell): a domain runs there all the same"""
    for cpu in ("corei3_cnl", "broadwell_ult", "corei7_ivy_bridge_3770k"):
        with t.boot(Machine(cpu=cpu, images=("exit0",))) as m:
            m.do("create exit0 --memory 16 --wait", 60)


@test(timeout=90)
def poweroff(t):
    m = t.boot(Machine(images=()))
    m.poweroff()
    equal(m.emu.why, "acpi-off", "the end of the machine")


@test(timeout=120)
def reboot(t):
    m = t.boot(Machine(images=()))
    m.emu.send(b"poweroff --reboot\r")
    m.emu.expect(rb"\n", 10)
    m.ready(60)
    m.poweroff()


@test(timeout=120)
def by_uefi(t):
    """By UEFI (OVMF, in QEMU, which emulates SVM): memory map and RSDP come from that firmware"""
    path = os.path.join(SCRATCH, "uefi.iso")
    iso.caisson(path, machine.HYPERVISOR, machine.CONTROL, [made("exit0")], "", ("efi",))
    e = t.use(emu.Qemu(path, memory=512, log=t.path(), extra=(
        "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd")))
    shell = machine.Shell(e)
    shell.ready(100)
    shell.do("create exit0 --memory 16 --wait")
    shell.poweroff()
