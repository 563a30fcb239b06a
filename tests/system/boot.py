# SPDX-License-Identifier: BSD-2-Clause
"""From GRUB to the control prompt: what is found there, what is refused, and how the machine ends."""
import os
import re
import struct

import common
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
    intel = ("EPT", "VPID", "unrestricted guest", "VMX")
    amd = ("SVM", "nested paging", "ASIDs", "VM_CR", "next-RIP save", "AVIC")
    for name in intel if common.info(m)["vendor"] == "VMX" else amd:
        match(r"(?i)\b%s\b" % name, out, "doctor")
    rows = common.rows(m, "doctor", "doctor")
    check(len(rows) >= 40, "doctor has only %d rows" % len(rows))


@test(ONE, quick=True, only=("bochs", "ryzen"))
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
    """a processor of Intel's without VMX: named, with what to switch on; and the machine stands still, it does not fall"""
    m = t.boot(Machine(cpu="p4_prescott_celeron_336", images=()), ready=False)
    refused(m, r"missing: VMX\b")


@test(timeout=120, only=("qemu",))
def no_svm(t):
    """one of AMD's without SVM, in either emulator"""
    for spec in Machine(platform="qemu", cpu="EPYC-v3,-svm", images=()), Machine(cpu="athlon64_venice", images=()):
        m = t.boot(spec, ready=False)
        refused(m, r"missing: SVM\b")
        m.emu.close()


@test(timeout=120, only=("qemu",))
def no_nested_paging(t):
    m = t.boot(Machine(platform="qemu", cpu="EPYC-v3,+svm,-npt", images=()), ready=False)
    refused(m, r"missing: SVM nested paging")


def staged(msr, value):
    """the hypervisor with a small stage before it that does what a firmware might: at its entry, in 32-bit mode, it sets an MSR.
    It stands where a loaded part of the file is all zeros up to its end"""
    # mov esi, eax; mov ecx, msr; mov eax, value; xor edx, edx; wrmsr; mov eax, esi; jmp near
    stage = bytes.fromhex("89c6 b9") + struct.pack("<IBI", msr, 0xb8, value) + bytes.fromhex("31d2 0f30 89f0 e9")
    with open(machine.HYPERVISOR, "rb") as f:
        image = bytearray(f.read())
    entry, headers = struct.unpack_from("<QQ", image, 24)
    for n in range(struct.unpack_from("<H", image, 56)[0]):
        kind, flags, offset, virtual, _, size = struct.unpack_from("<IIQQQQ", image, headers + 56 * n)
        if kind == 1 and flags & 1 and virtual <= entry < virtual + size:
            room = stage + struct.pack("<i", 0)
            at = offset + size
            check(not any(image[at:at + len(room)]), "no room for the stage")
            where = virtual + size
            image[at:at + len(room)] = stage + struct.pack("<i", entry - (where + len(room)))
            tag = image.index(struct.pack("<HHII", 3, 0, 12, entry))    # multiboot2's entry address tag
            struct.pack_into("<I", image, tag + 8, where)
            struct.pack_into("<Q", image, headers + 56 * n + 32, size + len(room))
            path = os.path.join(SCRATCH, "staged.elf")
            with open(path, "wb") as f:
                f.write(image)
            return path
    check(False, "no segment holds the entry point")


@test(timeout=120, only=("ryzen",))
def svm_locked_off(t):
    """firmware that has disabled SVM and locked it: the doctor says so, by name"""
    os.makedirs(SCRATCH, exist_ok=True)
    path = os.path.join(SCRATCH, "staged.iso")
    iso.caisson(path, staged(0xc0010114, 0x18), machine.CONTROL, (), "", ("bios",))
    e = t.use(machine.start("bochs", path, cpu=machine.RYZEN, log=t.path()))
    e.expect(rb"missing: VM_CR: SVM is not disabled = 0x18, locked", 60, no=machine.PROMPT)
    e.expect(rb"(?i)locked.*firmware", 10, no=machine.PROMPT)


@test(timeout=120, only=("bochs",))
def x2apic_left_on(t):
    """firmware that left x2APIC on: kept, whatever the command line says, since there is no way back but a reset"""
    os.makedirs(SCRATCH, exist_ok=True)
    path = os.path.join(SCRATCH, "staged.iso")
    iso.caisson(path, staged(0x1b, 0xfee00d00), machine.CONTROL, [made("exit0")], "x2apic=off", ("bios",))
    shell = machine.Shell(t.use(machine.start("bochs", path, log=t.path())))
    shell.ready(60)
    match(r"^local APIC mode +found +used +- +x2APIC; the firmware had left x2APIC on", shell.do("doctor"), "doctor")
    shell.do("create exit0 --memory 16 --wait", 60)


@test(timeout=120)
def no_long_mode(t):
    m = t.boot(Machine(cpu="atom_n270", images=()), ready=False)
    m.emu.expect(rb"(?i)(long|64-bit) mode", 60, no=machine.PROMPT)
    check(settled(m) and m.emu.why in (None, "port-8900", "acpi-off"), "the machine fell: %s" % m.emu.why)


@test(timeout=120)
def no_ept(t):
    """a processor with VMX that lacks what is required (EPT, unrestricted guest)"""
    m = t.boot(Machine(cpu="core2_penryn_t9600", images=()), ready=False)
    refused(m, r"VMX control PROC2\.EPT\b")


@test(timeout=120)
def no_unrestricted_guest(t):
    m = t.boot(Machine(cpu="corei5_lynnfield_750", images=()), ready=False)
    refused(m, r"(?i)\bunrestricted.guest\b")


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


@test(timeout=300, only=("qemu",))
def bios_and_uefi(t):
    """One ISO, by BIOS and by UEFI: to the prompt, where a domain runs, and off again, on both of QEMU's boards.  By UEFI the
    memory map and the RSDP are that firmware's"""
    path = os.path.join(SCRATCH, "both.iso")
    os.makedirs(SCRATCH, exist_ok=True)
    iso.caisson(path, machine.HYPERVISOR, machine.CONTROL, [made("exit0")], "", ("bios", "efi"))
    for board, firmware in ("pc", "bios"), ("pc", "efi"), ("q35", "efi"):
        e = t.use(machine.start("qemu", path, 2, 512, log=t.path(), board=board, firmware=firmware))
        shell = machine.Shell(e)
        shell.ready(90)
        shell.do("create exit0 --memory 16 --wait", 60)
        equal(common.info(shell)["cpus"], 2, "CPUs on %s by %s" % (board, firmware))
        shell.poweroff()
