# SPDX-License-Identifier: BSD-2-Clause
"""Debian's stock kernel in a domain."""
import os
import re

import common
import emu
import machine
from common import Guest
from suite import Machine, check, domains, equal, match, test

ONE = Machine()
TIMED = Machine(extra=(emu.Bochs.LOG_COM1,))


def release():
    with open(os.path.join(emu.CACHE, "linux", "version")) as f:
        return f.read().strip()


@test(ONE, quick=True, timeout=180)
def boots_and_answers(m):
    g = Guest(m, "one")
    match(r"init: Caisson test initramfs, Linux %s, tick \d+" % re.escape(release()), g.log(), "first line of init")
    equal(g.run("uname -r").strip(), release(), "uname -r")
    equal(g.run("cat /proc/cmdline").strip(), machine.LINUX_ARGS, "the command line")
    total = int(match(r"MemTotal: +(\d+) kB", g.run("cat /proc/meminfo"))[1])
    check(190 << 10 < total <= 256 << 10, "%d kB of 256 MiB" % total)
    equal(g.run("nproc").strip(), "1", "CPUs")
    # an interrupt for each line of input and output, not a poll
    irq = int(match(r": +(\d+) +IO-APIC .*ttyS0", g.run("cat /proc/interrupts"))[1])
    check(irq > 20, "%d interrupts of the serial line" % irq)
    # a program that uses the vector registers, twice at once, gets the same sum each time
    sums = set(g.run("(sha256sum < /bin/busybox & sha256sum < /bin/busybox; wait)").split()) - {"-"}
    equal(len([s for s in sums if len(s) == 64]), 1, "different sums of the same bytes")
    g.type("poweroff -f")
    match(r"domain \S+ ended: power-off", m.do("wait one --timeout 60", 120))


@test(ONE, timeout=180)
def control_c_and_the_way_back(m):
    """attached: what is typed goes to the guest, Ctrl-C too; Ctrl-] comes back to the control prompt"""
    Guest(m, "keys")
    m.type("console keys")
    m.emu.send(b"\recho typed $((6*7))\r")
    m.emu.expect(rb"\ntyped 42\r\n", 20)
    # The child speaks: a Ctrl-C between the shell's fork and its exec would be lost in the guest.
    m.emu.send(b"(echo asleep $((1+1)); exec sleep 100000)\r")
    m.emu.expect(rb"\nasleep 2\r\n", 20)
    m.emu.send(b"\x03")
    m.emu.expect(rb"\^C.*guest# ", 20)
    m.emu.send(b"\x1d")
    m.emu.expect(machine.PROMPT, 10)
    check("keys" in domains(m), "the domain is gone")


@test(ONE, timeout=180)
def paste_arrives_whole(m):
    """a thousand bytes at once: none lost on the way to the guest's UART"""
    Guest(m, "paste")
    m.type("console paste")
    m.emu.send(b"stty cols 2000\r")
    m.emu.expect(rb"guest# ", 20)
    m.emu.send(b"echo " + b"0123456789" * 100 + b" | wc -c\r")
    m.emu.expect(rb"\n1001\r\n", 30)
    m.emu.send(b"seq 1 2000 | tail -n 2000; echo all $((1+1))\r")
    out = m.emu.expect(rb"\n1\r\n(.*)\nall 2\r\n", 60)[1]
    equal([int(n) for n in out.split()], list(range(2, 2001)), "two thousand lines of output")
    m.emu.send(b"\x1d")
    m.emu.expect(machine.PROMPT, 10)


@test(TIMED, timeout=240)
def clock_runs_right(m):
    """ten seconds of the guest are ten of the machine, by the emulator's own clock at the real serial line, and its
    wall clock is the machine's (Bochs starts at 1700000000)"""
    Guest(m, "clock")
    m.type("console clock")
    m.emu.send(b"\r")
    m.emu.expect(rb"guest# ", 20)
    m.emu.send(b"echo Q$((10+1)); sleep 10; echo W$((20+2)) $(date +%s)\r")
    wall = int(m.emu.expect(rb"\nQ11\r\nW22 (\d+)\r\n", 60)[1])
    m.emu.send(b"\x1d")
    m.emu.expect(machine.PROMPT, 10)
    written = [(tick, value) for tick, what, port, value in m.emu.com1() if what == "write" and port == 0x3f8]
    text = bytes(value for _, value in written)
    q, w = text.rindex(b"\nQ11\r") + 1, text.rindex(b"\nW22 ") + 1
    seconds = (written[w][0] - written[q][0]) / machine.IPS
    check(9.9 < seconds < 10.3, "`sleep 10` took %.2f s of the machine" % seconds)
    now = 1700000000 + written[w][0] / machine.IPS
    check(abs(wall - now) < 3, "the guest's clock says %d, the machine's %d" % (wall, now))


@test(ONE, timeout=240)
def kernel_complains_of_nothing_new(m):
    """each warning of the kernel in a domain is one that it also prints on the bare machine, but for the absence of PCI"""
    native = common.native(memory=256, spec=m.spec)
    try:
        bare = common.kernel_lines(common.at_shell(native, common.WARNINGS))
    finally:
        native.close()
    check(bare, "no warnings on the bare machine: the comparison would show nothing")
    g = Guest(m, "quiet")
    pci = {"PCI: Fatal: No config space access function found", "PCI: System does not support PCI"}
    # read from the console's log: kernel lines that came in answer to the command
    answer = g.run(common.WARNINGS)
    check("PCI" in answer, "the answer holds not even the lines about PCI: %r" % answer)
    new = [line for line in common.kernel_lines(answer) if line not in bare and line not in pci]
    equal(new, [], "lines that the bare machine does not print")


@test(ONE, timeout=240)
def reboots(m):
    g = Guest(m, "again")
    number = domains(m)["again"]["id"]
    g.type("reboot -f")
    m.do('console again --expect "reboot: " --timeout 30', 60)
    m.do('console again --expect "init: Caisson" --timeout 150', 150)
    g.prompt()
    equal(domains(m)["again"]["id"], number, "the number of the domain after a reboot")
    equal(g.run("echo alive").strip(), "alive", "the shell's answer")
    m.do("destroy again")
    g = Guest(m, "once", "--memory 256 --no-reboot")
    g.type("reboot -f")
    m.run("wait once --timeout 60", 120)
    check(domains(m).get("once", {"state": "ended"})["state"] not in ("running", "blocked"), "it runs again")


@test(ONE, timeout=240)
def power_button(m):
    """`shutdown` presses it, acpid in the guest hears of it; one that does not listen is not ended"""
    g = Guest(m, "button")
    log = m.do("shutdown button", 90)
    match(r"ended: power-off", log + m.run("wait button --timeout 20", 60)[0])
    Guest(m, "deaf", "--memory 256")
    m.do('console deaf --send "killall acpid\\r"')
    m.do('console deaf --expect "guest# " --timeout 20', 30)
    m.fail("shutdown deaf --timeout 5", 60)
    check("deaf" in domains(m), "a domain that does not listen is gone")
    m.do('console deaf --send "acpid -l /tmp/acpid.log\\r"')
    m.do('console deaf --expect "guest# " --timeout 20', 30)
    m.do("reboot deaf", 90)
    m.do('console deaf --expect "init: Caisson" --timeout 150', 150)
    del g


@test(ONE, timeout=300)
def two_at_once(m):
    """two Linux domains side by side: each has its own memory, answers and log"""
    a, b = Guest(m, "left", "--memory 192"), Guest(m, "right", "--memory 192")
    a.run("echo left > /tmp/who; hostname left")
    b.run("echo right > /tmp/who; hostname right")
    for g in (a, b):
        equal(g.run("cat /tmp/who; hostname").split(), [g.name, g.name], "what %s says of itself" % g.name)
    check("right" not in a.log().replace("\r", ""), "the log of one holds words of the other")
    match(r"tick \d+", a.log())
    match(r"tick \d+", b.log())
    m.do("pause left")
    equal(b.run("echo still $((1+1))").strip(), "still 2", "the other's answer while one is paused")
    m.do('console left --send "echo woke $((3+4))\\r"')
    check("woke 7" not in a.log(), "a paused domain answers")
    m.do("unpause left")
    m.do('console left --expect "woke 7" --timeout 20', 30)
    m.do("destroy left")
    equal(b.run("echo alone $((1+1))").strip(), "alone 2", "the other's answer after one is destroyed")


@test(ONE, timeout=180)
def lazy_memory(m):
    """--lazy: charged at once, given at first touch"""
    before = common.free(m)
    g = Guest(m, "lazy", "--memory 512 --lazy")
    row = domains(m)["lazy"]
    check(row["populated"] < row["pages"] // 2, "%(populated)d of %(pages)d pages are given after the boot" % row)
    g.run("dd if=/dev/zero of=/tmp/fill bs=1M count=24", 100)
    check(domains(m)["lazy"]["populated"] > row["populated"] + 2000, "no pages are given for 24 MiB that were written")
    m.do("destroy lazy")
    equal(common.free(m), before, "free frames")


@test(Machine(platform="qemu", cpus=2, memory=2048), timeout=600, only=("bochs",), long=True)
def ten_at_once(m):
    """ten Linux domains on one machine with AMD-V: all come to their prompt, and each answers"""
    guests = [Guest(m, "linux%d" % n, "--memory 128", wait=False) for n in range(10)]
    for g in guests:
        g.prompt(400)
    for n, g in enumerate(guests):
        equal(g.run("hostname h%d; hostname; echo sum $((%d+%d))" % (n, n, n)).split(), ["h%d" % n, "sum", str(2 * n)], "the answer of " + g.name)


@test(Machine(cpus=2, memory=1024), timeout=300)
def on_two_cpus(m):
    """a machine with two CPUs: a domain on each, both boot and answer"""
    a, b = Guest(m, "first", "--memory 192"), Guest(m, "second", "--memory 192")
    m.do("vcpu-pin first 0 0")
    m.do("vcpu-pin second 0 1")
    for g in (a, b):
        equal(g.run("echo up $((1+1))").strip(), "up 2", "the answer of " + g.name)


@test(Machine(hv_args="apicv=off"), timeout=180, only=("bochs",))
def without_apicv(m):
    """the software path of the interrupt controllers carries the same kernel"""
    g = Guest(m, "soft")
    equal(g.run("echo up $((1+1))").strip(), "up 2", "its answer")
    g.type("poweroff -f")
    m.do("wait soft --timeout 60", 120)


@test(Machine(platform="qemu"), timeout=180)
def on_svm(m):
    """the same kernel on AMD-V, as QEMU emulates it"""
    g = Guest(m, "amd")
    equal(g.run("echo up $((1+1))").strip(), "up 2", "its answer")
    g.type("poweroff -f")
    m.do("wait amd --timeout 60", 120)
