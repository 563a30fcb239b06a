# SPDX-License-Identifier: BSD-2-Clause
"""What the system tests share: the images that they use, Linux domains, figures from the shell."""
import os
import re

import emu
import iso
import machine
import payload
from suite import SCRATCH, Machine, check, image, rows

# Debian's Linux, and guests of a few instructions
image("spin")(lambda: payload.elf(payload.SPIN))
image("halt")(lambda: payload.elf(payload.say("halting\r\n") + payload.HALT))
image("exit0")(lambda: payload.elf(payload.say("leaving\r\n") + payload.leave(0)))
image("exit7")(lambda: payload.elf(payload.leave(7)))
image("crash")(payload.crash)
image("noclaim")(lambda: payload.elf(payload.jump(0xf0000000)))     # fetches where nothing is
SMALL = ("spin", "halt", "exit0", "exit7", "crash", "noclaim")

LOG_LINE = re.compile(r"^\[ *\d+\.\d+\] ")


def kernel_lines(text):
    """the kernel's messages in a text, without their times"""
    return [LOG_LINE.sub("", line.rstrip()) for line in text.splitlines() if LOG_LINE.match(line)]


WARNINGS = "dmesg -l emerg,alert,crit,err,warn"


class Guest:
    """a Linux domain at its shell"""

    def __init__(self, m, name, options="--memory 256", timeout=150, wait=True):
        self.m, self.name, self.count = m, name, 0
        m.do("create linux --name %s %s" % (name, options), 60)
        if wait:
            self.prompt(timeout)

    def prompt(self, timeout=150):
        """wait for the shell's prompt (machine seconds: Bochs makes about 8 of them in one of ours)"""
        self.m.do('console %s --expect "guest# " --timeout %d' % (self.name, timeout), timeout)

    def log(self):
        return self.m.do("console %s --log" % self.name, 60)

    def type(self, text):
        self.m.do('console %s --send "%s\\r"' % (self.name, text))

    def run(self, command, timeout=60):
        """one command at its shell: what it printed.  Marks around it are not in the echo of the line: there they are sums"""
        self.count += 1
        n = 1000 + self.count
        self.type("echo B$((%d+%d)); %s; echo E$((%d+%d))" % (n - 1, 1, command, n - 1, 1))
        self.m.do('console %s --expect "E%d" --timeout %d' % (self.name, n, timeout), timeout)
        found = re.search(r"B%d\s*\n(.*?)E%d" % (n, n), self.log(), re.S)
        check(found, "the log of %s does not hold the answer to `%s`" % (self.name, command))
        return found[1].replace("\r", "")


def info(m):
    """the machine's figures, by the names of hv/abi's caisson_physinfo"""
    return rows(m, "info", "info")


def free(m):
    """frames that are neither given nor promised to anybody"""
    i = info(m)
    return i["frames_free"] - i["frames_reserved"]


def native_iso(args=machine.NATIVE_ARGS):
    """an ISO with the kernel that the domains get, for the bare machine, and the arguments that they get"""
    path = os.path.join(SCRATCH, "native.iso")
    os.makedirs(SCRATCH, exist_ok=True)
    return iso.linux(path, machine.KERNEL, machine.INITRD, machine.LINUX_ARGS + " " + args, ("bios",), mark=True)


def native(log=None, extra=(), memory=256, spec=Machine()):
    """Linux on the bare emulated machine of `spec`'s kind, at its shell"""
    args = machine.NATIVE_ARGS if spec.platform == "bochs" else ""
    e = machine.start(spec.platform, native_iso(args), 1, memory, spec.cpu, None, extra, log, spec.board)
    try:
        e.expect(rb"guest# ", 120)
    except emu.EmuError:
        e.close()
        raise
    return e


def at_shell(e, command, timeout=30):
    """one command at the shell of a Linux on the bare machine: what it printed"""
    e.send(command.encode() + b"\r")
    e.expect(rb"\r\n", timeout)
    begin = e.pos
    found = e.expect(rb"guest# ", timeout)
    return bytes(e.log[begin:found.start()]).decode("utf-8", "replace").replace("\r", "")
