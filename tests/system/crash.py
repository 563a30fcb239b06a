# SPDX-License-Identifier: BSD-2-Clause
"""The hypervisor's own crash report: every CPU, and names by scripts/backtrace."""
import os
import re
import struct
import subprocess

import time

import machine
import payload
from suite import Machine, check, equal, image, match, test


@test(timeout=120)
def every_cpu_is_in_the_report(t):
    """a machine check, which QEMU can make: CPU 2 panics, the others say where they were, in the guest or idle"""
    m = t.boot(Machine(platform="qemu", cpus=4, images=("spin",)))
    m.do("create spin --memory 8")
    m.do("vcpu-pin spin 0 0")       # in a guest QEMU would give the machine check to the guest
    m.do("vcpu-pin control 0 1")
    m.emu.monitor("mce 2 1 0xbd00000000000134 5 0x1000 0")
    m.emu.expect(rb"end of the panic report", 30)
    text = m.text().replace("\r", "")
    report = text[text.index("*** Caisson panic"):]
    match(r"machine check on CPU 2", report)
    match(r"bank 1: status bd00000000000134 address 0000000000001000", report)
    equal(sorted(re.findall(r"(?m)^CPU (\d), APIC id", report)), list("0123"), "CPUs in the report")
    match(r"has vCPU 1:0", report, "who ran the guest")
    done = subprocess.run([os.path.join(machine.TOP, "scripts", "backtrace")], input=report, capture_output=True, text=True)
    equal(done.returncode, 0, "scripts/backtrace: " + done.stderr)
    part = re.split(r"(?m)^(?=CPU \d, APIC id)", done.stdout)[1:]
    equal(len(part), 4, "CPUs")
    for text in part:
        match(r"(?m)^    ffffffff8\w{7} run_loop\+0x\w+ +run\.c:\d+$|hv_main|run_idle|arch_cpu_idle", text, "a caller of this CPU")
    check(any("svm_" in text for text in part), "no CPU was at its guest")


@test(timeout=120)
def panic_reboots(t):
    """panic=reboot: the whole report, then a reset of the machine"""
    m = t.boot(Machine(platform="qemu", cpus=2, images=("spin",), hv_args="panic=reboot"))
    m.do("vcpu-pin control 0 0")
    m.emu.monitor("mce 1 1 0xbd00000000000134 5 0x1000 0")
    m.emu.expect(rb"end of the panic report", 30)
    equal(m.emu.wait(30), "reset", "the end of the machine")


def hang(t, **where):
    """a CPU that loops in root mode with interrupts off: the report, and where scripts/backtrace finds it"""
    m = t.boot(Machine(images=("halt",), hv_args="hang", debug=True, **where))
    match(r"watchdog.*" + ("the next CPU" if where.get("cpus") else "NMI by the"), m.do("doctor"))
    m.do("create halt --memory 8 --name h")
    m.emu.send(b"destroy h\r")
    m.emu.expect(rb"end of the panic report", 120)
    text = m.text().replace("\r", "")
    report = text[text.index("*** Caisson panic"):]
    match(r"CPU \d hangs with interrupts off", report)
    done = subprocess.run([os.path.join(machine.TOP, "scripts", "backtrace"), "--elf", machine.DEBUG], input=report, capture_output=True, text=True)
    match(r"debug_call", done.stdout, "where the one that hangs is")
    return report


@test(timeout=150)
def a_cpu_that_hangs_is_found(t):
    """another CPU reports it, with where both are"""
    equal(sorted(re.findall(r"(?m)^CPU (\d), APIC id", hang(t, cpus=2))), list("01"), "CPUs in the report")


@test(timeout=300)
def one_cpu_that_hangs_is_found(t):
    """by NMIs of the HPET (Bochs, with both vendors), or of the PIT (QEMU without a HPET)"""
    for where in {}, {"cpu": machine.RYZEN}, {"platform": "qemu", "board": "pc,hpet=off"}:
        hang(t, **where)


@test(timeout=60, only=("qemu",))
def no_watchdog_is_told(t):
    """one CPU, no HPET and no PIT behind an I/O APIC: doctor says that nobody looks"""
    m = t.boot(Machine(platform="qemu", board="microvm", images=("halt",)))
    match(r"watchdog +missing .*nobody finds it", m.do("doctor"))


@test(timeout=120)
def one_cpu_that_works_is_left_alone(t):
    """guests that run for long without an exit of their own, then nobody: the watchdog says nothing"""
    m = t.boot(Machine(images=("spin", "exit0")))
    m.do("create spin --memory 8 --name s")
    m.run("wait s --timeout 14", 60)
    m.do("destroy s")
    m.do("create exit0 --memory 8 --wait", 60)
    check("hangs" not in m.do("dmesg"), "the watchdog barks")


@test(timeout=150)
def nmis_under_load(t):
    """NMIs that nobody asked for, in guests, in root mode, in halts: nothing happens"""
    m = t.boot(Machine(platform="qemu", cpus=2, images=("spin", "exit0")))
    m.do("create spin --memory 8 --name s")
    for n in range(30):
        m.emu.monitor("nmi")
        if n % 3 == 0:
            m.do("create exit0 --memory 8 --wait", 60)
        time.sleep(0.02)
    check("crash" not in m.do("list --all"), "a domain crashed")
    m.do("destroy s")


@test(timeout=90)
def a_buffer_overrun_is_found(t):
    """a function that writes behind its buffer does not return"""
    m = t.boot(Machine(images=("halt",), hv_args="overrun", debug=True))
    m.do("create halt --memory 8 --name h")
    m.emu.send(b"destroy h\r")
    m.emu.expect(rb"end of the panic report", 60)
    match(r"Caisson panic: a buffer on the stack was overrun", m.text())


@test(timeout=90)
def what_boot_decided_stays(t):
    """what is __ro_after_init cannot be written any more"""
    m = t.boot(Machine(images=("halt",), hv_args="poke", debug=True))
    m.do("create halt --memory 8 --name h")
    m.emu.send(b"destroy h\r")
    m.emu.expect(rb"end of the panic report", 60)
    match(r"Caisson panic: #PF in the hypervisor on CPU 0 at 0x\w+, error code 0x3,", m.text())


def stray(t, how, platform="bochs", cpu=None):
    m = t.boot(Machine(platform=platform, cpu=cpu, images=("halt",), hv_args="stray=%d" % how, debug=True))
    m.do("create halt --memory 8 --name h")
    m.emu.send(b"destroy h\r")
    m.emu.expect(rb"stray: there is \w+\r?\n|end of the panic report", 60)
    return m.text()


@test(timeout=200)
def domains_frames_are_out_of_reach(t):
    """the hypervisor reaches a domain's frame in a window, and neither outside one nor by the direct map: it is told whose it was"""
    match(r"stray: there is \w+", stray(t, 1))
    for how in 2, 3:
        match(r"Caisson panic: frame 0x\w+ of 0 is reached outside a window on CPU 0 at 0xffffffff8", stray(t, how))


@test(timeout=200)
def domains_frames_are_out_of_reach_on_amd(t):
    """the same with SVM"""
    match(r"Caisson panic: frame 0x\w+ of 0 is reached outside a window", stray(t, 2, cpu=machine.RYZEN))
    match(r"Caisson panic: frame 0x\w+ of 0 is reached outside a window", stray(t, 2, platform="qemu"))


@test(timeout=120)
def without_smap_the_direct_map_hides(t):
    """a processor without SMAP: STAC and CLAC are taken out, windows are always open, the direct map has no domain's frames"""
    match(r"stray: there is \w+", stray(t, 2, platform="qemu", cpu="max,-smap"))
    match(r"Caisson panic: frame 0x\w+ of 0 is reached outside a window", stray(t, 3, platform="qemu", cpu="max,-smap"))


def forbidden(t, option, error):
    """in root mode, on a processor with CET: what it refuses by a #CP with that error code"""
    m = t.boot(Machine(cpu="tigerlake", images=("halt",), hv_args=option, debug=True))
    text = m.do("doctor")
    for name in ("shadow stacks", "indirect-branch tracking"):
        match(r"CET supervisor %s +found +used" % name, text)
    match(r"W\^X, guard pages, windows +found", text)
    m.do("create halt --memory 8 --name h")
    m.emu.send(b"destroy h\r")
    m.emu.expect(rb"end of the panic report", 60)
    match(r"Caisson panic: #CP in the hypervisor on CPU 0 at 0x\w+, error code %#x," % error, m.text())


@test(timeout=120)
def another_return_address_is_found(t):
    """SDM: control protection error code 1: near RET"""
    forbidden(t, "ret", 1)


@test(timeout=120)
def a_call_to_no_entry_is_found(t):
    """error code 3: missing ENDBRANCH"""
    forbidden(t, "jump", 3)


# mov ecx, 0xc0000082; mov edx, 0x800000; wrmsr: an address that is none
image("lstar")(lambda: payload.elf(b"\xb9\x82\x00\x00\xc0\xba\x00\x00\x80\x00\x0f\x30" + payload.leave(0)))


@test(Machine(cpu="tigerlake", cpus=2, images=("lstar", "exit0")), timeout=120)
def faults_go_on_elsewhere(m):
    """an instruction of the hypervisor's that faults for a guest, under shadow stacks, on each CPU: that guest gets the #GP"""
    for cpu in (0, 1):
        m.do("create lstar --memory 8 --no-reboot --paused --name l")
        m.do("vcpu-pin l 0 %d" % cpu)
        m.do("unpause l")
        match(r"triple fault", m.run("wait l")[0] + m.do("dmesg"))
        m.run("destroy l")
    m.do("create exit0 --memory 8 --wait")


@image("first_tr")
def first_tr():
    """in 32 bits, with the TR of a reset: an exception of ring 3 takes its stack from there"""
    def code(user, handler, gdt, idt, pointers):
        return (b"\x0f\x01\x15" + struct.pack("<I", pointers) + b"\x0f\x01\x1d" + struct.pack("<I", pointers + 6) +       # lgdt, lidt
                b"\x66\xb8\x10\x00\x8e\xd0\x8e\xd8" + payload.STACK +                          # ss, ds: 10h
                b"\xc7\x05\x04\0\0\0\0\0\x20\0" + b"\xc7\x05\x08\0\0\0\x10\0\0\0" +            # the TSS is at 0: esp0, ss0
                b"\x6a\x23" + b"\x68\0\0\x1f\0" + b"\x6a\x02" + b"\x6a\x1b" + b"\x68" + struct.pack("<I", user) + b"\xcf" +   # iret
                b"\x0f\x0b" + payload.leave(0) + payload.leave(1) +
                struct.pack("<QQQQQ", 0, 0xcf9b000000ffff, 0xcf93000000ffff, 0xcffb000000ffff, 0xcff3000000ffff) +
                b"".join(struct.pack("<HHHH", at & 0xffff, 8, 0x8e00, at >> 16) for at in
                         (handler + (0 if n == 6 else len(payload.leave(0))) for n in range(14))) +
                struct.pack("<HIHI", 39, gdt, 111, idt))
    user = payload.BASE + 16 + len(code(0, 0, 0, 0, 0)) - 12 - 112 - 40 - 2 * len(payload.leave(0)) - 2
    gdt = user + 2 + 2 * len(payload.leave(0))
    return payload.elf(code(user, user + 2, gdt, gdt + 40, gdt + 40 + 112))


@test(Machine(images=("first_tr",)), quick=True)
def ring_3_with_the_first_tr(m):
    """QEMU's TCG dies of it where nothing is done"""
    match(r"ended: exit 0", m.do("create first_tr --memory 8 --wait"))


def dr(n, value):
    return b"\xb8" + struct.pack("<I", value) + b"\x0f\x23" + bytes([0xc0 | n << 3])        # mov eax, value; mov drN, eax


image("armed")(lambda: payload.elf(dr(0, 0x300000) + dr(7, 0xd0401) + payload.SPIN))      # a write of 4 bytes there
image("arms")(lambda: payload.elf(dr(7, 0xd0400) + dr(7, 0x400) + payload.leave(0)))


@test(Machine(images=("armed", "arms")), quick=True)
def breakpoints_of_two_guests(m):
    """QEMU's TCG takes one's for the other's, of another kind, and dies, where nothing is done"""
    m.do("create armed --memory 8")
    for _ in range(2):
        match(r"ended: exit 0", m.do("create arms --memory 8 --wait"))
