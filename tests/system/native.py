# SPDX-License-Identifier: BSD-2-Clause
"""The ground that the other tests stand on: Debian's kernel and our initramfs on the bare emulated machine, no Caisson."""
import os

import common
import emu
import machine
from suite import check, equal, match, test


@test(quick=True, timeout=120, bare=True)
def linux_in_bochs(t):
    e = t.use(common.native(t.path()))
    with open(os.path.join(emu.CACHE, "linux", "version")) as f:
        version = f.read().strip()
    match(r"init: Caisson test initramfs, Linux %s, tick \d+" % version.replace(".", r"\."), t.text(), "first line of init")
    equal(common.at_shell(e, "echo answer $((6*7))"), "answer 42\n", "the shell's answer")
    e.send(b"(echo asleep $((1+1)); exec sleep 100000)\r")   # a Ctrl-C between fork and exec would be lost
    e.expect(rb"\nasleep 2\r\n", 10)
    e.send(b"\x03")
    e.expect(rb"\^C.*guest# ", 10)
    # What the shell says when it starts anew is init's word for it
    e.send(b"exit\r")
    e.expect(rb"init: the shell ended: a new one.*guest# ", 20)
    every = common.kernel_lines(common.at_shell(e, "dmesg"))
    some = common.kernel_lines(common.at_shell(e, common.WARNINGS))
    check(0 < len(some) < len(every) / 4, "dmesg -l shows %d of %d lines" % (len(some), len(every)))
    e.send(b"poweroff -f\r")
    equal(e.wait(30), "acpi-off", "the end of Bochs")


@test(timeout=120, bare=True)
def power_button_in_qemu(t):
    """acpid, button.ko and evdev.ko of the initramfs do their work where a known machine presses the button"""
    e = t.use(emu.Qemu(memory=256, cpu="max", log=t.path(), extra=(
        "-kernel", machine.KERNEL, "-initrd", machine.INITRD, "-append", machine.LINUX_ARGS)))
    e.expect(rb"guest# ", 100)
    e.monitor("system_powerdown")
    e.expect(rb"init: the power button was pressed", 30)
    equal(e.wait(30), "acpi-off", "the end of QEMU")
