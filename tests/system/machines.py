# SPDX-License-Identifier: BSD-2-Clause
"""Machines as they come: where the console is, what firmware tells and does not tell.  On QEMU, which can be any of them."""
import os
import re
import shutil
import struct
import subprocess
import time

import common
import emu
import iso
import machine
from suite import SCRATCH, check, made, match, test

LINE = ("-chardev", "stdio,id=line")


def disk(hv_args="", video=False, platforms=("bios",), images=(), grub=""):
    path = os.path.join(SCRATCH, "machines.iso")
    os.makedirs(SCRATCH, exist_ok=True)
    return iso.caisson(path, machine.HYPERVISOR, machine.CONTROL, images, hv_args, platforms, video=video, grub=grub)


def start(t, path, *extra, cpus=1, memory=512, **more):
    return t.use(machine.start("qemu", path, cpus, memory, log=t.path(), extra=extra, **more))


def prompt(e):
    """its shell, which works: what is typed arrives, what is printed comes"""
    shell = machine.Shell(e)
    shell.ready(90)
    common.info(shell)
    return shell


def spcr(body):
    """an ACPI table of our own for QEMU: (its arguments)"""
    path = os.path.join(SCRATCH, "spcr")
    os.makedirs(SCRATCH, exist_ok=True)
    with open(path, "wb") as f:
        f.write(body.ljust(44, b"\0"))
    return "-acpitable", "sig=SPCR,rev=2,data=" + path


def gas(space, address, baud=7):
    return struct.pack("<B3xBBBBQ6xB", 0, space, 8, 0, 1, address, baud)


COM2_BY_SPCR = gas(1, 0x2f8)


@test(timeout=240, only=("qemu",))
def serial_lines(t):
    """on a PCI card, first or named; the second port, named or by the SPCR table; each takes and gives"""
    card = ("-serial", "null", *LINE, "-device", "pci-serial,chardev=line,addr=0x10")
    second = ("-serial", "null", *LINE, "-serial", "chardev:line")
    for args, extra in (("serial=pci", card), ("serial=pci:00:10.0,0", card), ("serial=0x2f8,115200", second),
                        ("", second + spcr(COM2_BY_SPCR))):
        e = start(t, disk(args), *extra)
        prompt(e).poweroff()
        match(r"Caisson \d.*\n(.*\n)*.*started by GRUB", e.log.decode(), "what was said before the line was found (%s)" % args)


@test(timeout=240, only=("qemu",))
def serial_line_of_another_name(t):
    """what is not there, or is no line, is told on the one that is; a broken table is none"""
    for args, extra in (("serial=pci", ()), ("serial=0x2e8", ()), ("serial=pci:00:10.0", ()), ("serial=tty", ()),
                        ("", spcr(gas(1, 0x2e8))),
                        ("", spcr(gas(0, 0x10000000))),             # that is RAM
                        ("", spcr(gas(0, 0xd0000000))),             # nothing is there
                        ("", spcr(gas(0, 0x8000000000000)))):       # the processor has no such address
        e = start(t, disk(args), *extra)
        prompt(e).poweroff()
        match(r"warning: (serial=\S+: no such line|no 16550 answers at 0x(2e8|10000000|d0000000|8000000000000))", e.log.decode(), args)


@test(timeout=240, only=("qemu",), quick=True)
def boards(t):
    """i440FX and Q35, one CPU and four: to the prompt, a domain, off"""
    for board, cpus in ("pc", 4), ("q35", 1):       # the guest tests have the other two
        e = start(t, disk(images=[made("exit0")]), board=board, cpus=cpus)
        shell = prompt(e)
        check(common.info(shell)["cpus"] == cpus, "CPUs are missing")
        shell.do("create exit0 --memory 16 --wait", 60)
        shell.poweroff()


def glyphs():
    """the hypervisor's letters: columns -> letter"""
    with open(os.path.join(machine.TOP, "drivers", "font.h")) as f:
        found = re.findall(r"\{ ((?:0x[0-9a-f]{2}(?:, )?){5}) \}", f.read())
    return {tuple(int(b, 16) for b in columns.split(", ")): chr(32 + n) for n, columns in enumerate(found)}


def read_pixels(e):
    """the text on a screen of pixels"""
    path = os.path.join(SCRATCH, "screen.ppm")
    e.monitor("screendump " + path)
    with open(path, "rb") as f:
        _, size, _, pixels = f.read().split(b"\n", 3)
    width, height = map(int, size.split())
    scale, letters, text = max(1, width // 480), glyphs(), ""

    def lit(x, y):
        return pixels[3 * (y * scale * width + x * scale)] > 127
    for row in range(height // (10 * scale)):
        for col in range(width // (6 * scale)):
            text += letters.get(tuple(sum(lit(6 * col + x, 10 * row + y) << y for y in range(8)) for x in range(5)), "?")
        text = text.rstrip() + "\n"
    return text


def read_text(e):
    path = os.path.join(SCRATCH, "screen.text")
    e.monitor('pmemsave 0xb8000 4000 "%s"' % path)
    with open(path, "rb") as f:
        cells = f.read()[::2].decode("latin1")
    return "\n".join(cells[i:i + 80].rstrip() for i in range(0, 2000, 80))


@test(timeout=240, only=("qemu",))
def screen(t):
    """without a serial line what is said stands on the screen: of letters and of pixels by BIOS, of pixels by UEFI; a panic,
    too"""
    for firmware, video in ("bios", False), ("bios", True), ("efi", True):
        e = start(t, disk("", video, (firmware,)), "-serial", "null", *LINE, "-device", "pci-serial,chardev=line",
                  "-global", "isa-serial.iobase=0x100", firmware=firmware)
        end, text = time.monotonic() + 60, ""
        while "caisson#" not in text:
            check(time.monotonic() < end, "no prompt on the screen, but %r" % text)
            time.sleep(0.5)
            text = (read_pixels if video else read_text)(e)
        match(r"^\[ +\d+\.\d{6}\] Caisson \d", text, "the first line on the screen")
        match(r"^\[ +\d+\.\d{6}\] 1 of 1 CPUs, AMD", text, "the screen")
    e.monitor("mce 0 1 0xb200000000000000 5 0x1234000 0")
    while "end of the panic report" not in text:
        check(time.monotonic() < end + 30, "no panic on the screen, but %r" % text)
        time.sleep(0.5)
        text = read_pixels(e)


def installed():
    """what `make install` makes of an empty root with this machine's words and two kernels in it: (root, its menu entry)"""
    root = os.path.join(SCRATCH, "root")
    shutil.rmtree(root, ignore_errors=True)
    for folder in "boot/grub", "etc/default":
        os.makedirs(os.path.join(root, folder))
    for version in "6.1.0-9-amd64", "6.1.0-10-amd64":
        shutil.copyfile(machine.KERNEL, root + "/boot/vmlinuz-" + version)
    shutil.copyfile(machine.INITRD, root + "/boot/initrd.img-6.1.0-10-amd64")
    with open(root + "/etc/default/caisson", "w") as f:
        f.write("CAISSON_CMDLINE=\"control_mem=48 it's\"\nCAISSON_LINUX_CMDLINE='%s'\n" % machine.LINUX_ARGS)
    machine.command("make install", "make", "-s", "install", "prefix=" + root)
    done = subprocess.run([root + "/etc/grub.d/20_caisson"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={"PATH": os.environ["PATH"], "pkgdatadir": "/usr/share/grub"})
    check(done.returncode == 0, "20_caisson: " + done.stderr)
    entry = done.stdout.replace(root, "")       # as it stands where root is /
    checked = subprocess.run(["grub-script-check"], input=entry, capture_output=True, text=True)
    check(checked.returncode == 0, "grub-script-check: " + checked.stderr)
    return root, entry


@test(timeout=240, only=("qemu",))
def installed_on_a_disk(t):
    """make install: update-grub's generator writes an entry with the machine's kernels, the newest first; it boots, and that
    kernel runs in a domain with its initrd"""
    root, entry = installed()
    kernels = re.findall(r"module2 --nounzip (\S+) '(linux\S*)' 'console=ttyS0'", entry)
    check(kernels == [("/boot/vmlinuz-6.1.0-10-amd64", "linux"), ("/boot/vmlinuz-6.1.0-9-amd64", "linux-6.1.0-9-amd64")],
          "the kernels are %s" % kernels)
    with open(root + "/boot/grub/grub.cfg", "w") as f:
        f.write("set timeout=0\n" + entry)
    path = iso.rescue(os.path.join(SCRATCH, "machines.iso"), root, ("bios",))
    e = start(t, path, memory=1024)
    shell = prompt(e)
    match(r"started by GRUB [^:]*: control_mem=48 it's$", e.log.decode().replace("\r", ""), "the command line")
    common.Guest(shell, "linux")
    shell.poweroff()


@test(timeout=300, only=("qemu",))
def grub_2_12(t):
    """the next GRUB than Debian 12's, by BIOS and by UEFI: to the prompt, where a domain runs"""
    machine.setup("grub")
    grub = os.path.join(emu.CACHE, "grub-2.12")
    for firmware in "bios", "efi":
        e = start(t, disk("", True, (firmware,), [made("exit0")], grub), firmware=firmware)
        shell = prompt(e)
        match(r"started by GRUB 2\.12", e.log.decode(), "the loader's name")
        shell.do("create exit0 --memory 16 --wait", 60)
        shell.poweroff()


@test(timeout=240, only=("qemu",))
def events_of_the_machine(t):
    """NMI and SMI, while a domain runs, stop nothing; a machine check is a panic with its banks"""
    e = start(t, disk("", images=[made("spin")]))
    shell = prompt(e)
    shell.do("create spin --memory 16")
    for event in "nmi", "o /b 0xb2 1":          # the APM port: QEMU's way to an SMI
        for _ in range(5):
            e.monitor(event)
            shell.run("wait spin --timeout 1", 30)
    state = common.rows(shell, "list", "domains")[1]["state"]
    check(state == "running", "the domain is " + state)
    shell.do("destroy spin")
    e.monitor("mce 0 1 0xb200000000000000 5 0x1234000 0")
    e.expect(rb"panic: machine check on CPU 0.*bank 1: status b200000000000000.*end of the panic report", 30)


@test(timeout=240, only=("qemu",))
def clocks_and_memory(t):
    """the TSC is measured without a HPET and without a PIT; RAM above 4 GiB is given to domains; holes between APIC ids"""
    for board, clock, memory, cpus in (("q35,hpet=off", "PM timer", 512, "1"), ("q35,hpet=off,pit=off", "PM timer", 512, "1"),
                                       ("pc,pit=off", "HPET", 5120, "6,sockets=2,cores=3")):
        e = start(t, disk("", images=[made("exit0")]), memory=memory, board=board, cpus=cpus)
        shell = prompt(e)
        match(r"TSC [\d.]+ MHz \(%s\)" % clock, e.log.decode(), "the clock")
        total = common.info(shell)["frames_total"] // 256
        check(memory - 8 < total <= memory, "%d MiB of %d" % (total, memory))
        shell.do("create exit0 --memory %d --lazy --wait" % (memory - 200), 60)
        check(common.info(shell)["cpus"] == int(cpus.partition(",")[0]), "CPUs are missing")
        shell.poweroff()


@test(timeout=240, only=("qemu",))
def hardware_reduced(t):
    """QEMU's microvm: hardware-reduced ACPI, no PCI, no HPET, no PM timer: the machine goes off and is reset by its registers in
    memory; and without a PIT too there is no clock, which is told"""
    for off in "poweroff", "poweroff --reboot":
        e = start(t, disk("", images=[made("exit0")]), board="microvm,acpi=on,rtc=on")
        shell = prompt(e)
        match(r"TSC [\d.]+ MHz \(PIT\)", e.log.decode(), "the clock")
        shell.do("create exit0 --memory 16 --wait", 60)
        e.send(off.encode() + b"\r")
        check(e.wait(30), "the machine still runs after " + off)
        check(b"does not switch itself off" not in e.log, "not by the register")
    e = start(t, disk(), board="microvm,acpi=on,rtc=on,pit=off,pic=off")
    e.expect(rb"missing: a clock", 60, no=machine.PROMPT)
