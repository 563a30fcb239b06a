# SPDX-License-Identifier: BSD-2-Clause
"""scripts/run and scripts/mkiso as people and other scripts use them."""
import os
import pty
import re
import select
import subprocess
import termios
import time

import machine
import payload
from suite import SCRATCH, check, equal, match, test

RUN = os.path.join(machine.TOP, "scripts", "run")


def run(t, *words, timeout=120):
    """scripts/run with these words and no terminal: (exit status, standard output, standard error)"""
    done = subprocess.run([RUN, "--platform", "bochs", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=timeout)
    with open(t.path(), "w") as f:
        f.write(done.stdout + "\n--- standard error ---\n" + done.stderr)
    return done.returncode, done.stdout, done.stderr


@test(quick=True, timeout=120)
def commands_succeed(t):
    log = os.path.join(SCRATCH, "run.log")
    status, out, _ = run(t, "--exec", "echo first line", "--exec", "list", "--log", log)
    equal(status, 0, "exit status")
    match(r"(?s)^first line\n.*control", out)
    check("status" not in out, "the question for the status is shown")
    check("\r" not in out, "carriage returns for a reader of lines")
    with open(log, "rb") as f:
        match(r"first line", f.read().decode("latin-1"), "the log")


@test(timeout=120)
def one_command_fails(t):
    status, out, err = run(t, "--exec", "no-such-word", "--exec", "echo and on")
    equal(status, 1, "exit status")
    match(r"failed: no-such-word", err)
    match(r"^and on$", out, "the next command")


@test(timeout=120)
def time_out(t):
    path = os.path.join(SCRATCH, "spin.elf")
    with open(path, "wb") as f:
        f.write(payload.elf(payload.SPIN))
    begin = time.monotonic()
    status, _, err = run(t, "--image", "forever=" + path, "--timeout", "12", "--exec", "create forever --memory 8 --wait")
    equal(status, 124, "exit status")
    check(time.monotonic() - begin < 40, "it took %.0f s" % (time.monotonic() - begin))
    match(r"time-out", err)


@test(timeout=120)
def image_with_arguments(t):
    status, out, _ = run(t, "--image", "mine=%s,initrd=%s,args=one, two=3,'four" % (machine.KERNEL, machine.INITRD),
                         "--exec", "images")
    equal(status, 0, "exit status")
    match(r"^mine .*one, two=3,'four$", out, "the image's line")


@test(timeout=60)
def wrong_words(t):
    for words, pattern in ((("--image", "x"), "NAME=FILE"), (("--image", "x=/no/such/file", "--exec", "list"), "/no/such/file"),
                           (("--image", "x=a,b=c", "--exec", "list"), "initrd=FILE")):
        status, _, err = run(t, *words)
        check(status not in (0, 124), "%r: exit status %d" % (words, status))
        match(re.escape(pattern), err)


@test(timeout=60, bare=True)
def kvm_says_what_it_lacks(t):
    """without KVM, with something else in its place, without nesting: no traceback, but what to do"""
    folder = os.path.join(SCRATCH, "modules", "kvm_intel", "parameters")
    os.makedirs(folder, exist_ok=True)
    equal(machine.nested_kvm("/dev/no-such-kvm"), (None, "/dev/no-such-kvm: No such file or directory"), "no KVM")
    equal(machine.nested_kvm("/dev/null"), (None, "/dev/null: Inappropriate ioctl for device"), "no KVM, but something")
    for nested, words in ("N", "modprobe kvm_intel nested=1"), ("Y", "is this a virtual machine"):
        with open(os.path.join(folder, "nested"), "w") as f:
            f.write(nested + "\n")
        match(words, machine.not_nested(os.path.join(SCRATCH, "modules")))
    match("neither kvm_intel nor kvm_amd", machine.not_nested(SCRATCH))
    vendor, why = machine.nested_kvm()
    if not vendor:
        done = subprocess.run([RUN, "--platform", "kvm", "--exec", "help"], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60)
        equal(done.returncode, 1, "exit status")
        check(why in done.stderr, "scripts/run says %r, not %r" % (done.stderr, why))


@test(timeout=300)
def tour(t):
    """no terminal and no command: a tour"""
    status, out, err = run(t, timeout=280)
    equal(status, 0, "exit status (%s)" % err[-300:])
    for text in ("EPT", "guest# ", "GNU/Linux", "7 is 42", "power-off"):
        check(text in out, "the tour does not show %r" % text)


@test(timeout=200)
def at_a_terminal(t):
    """raw both ways; Ctrl-] goes through to the control domain, Ctrl-a x ends; the terminal is as it was before"""
    child, fd = pty.fork()
    if child == 0:
        os.execv(RUN, [RUN, "--platform", "bochs"])
    try:
        seen = bytearray()

        def expect(text, seconds=60):
            end = time.monotonic() + seconds
            while text not in seen:
                check(time.monotonic() < end, "no %r on the terminal, but %r" % (text, bytes(seen[-300:])))
                if select.select([fd], [], [], 0.5)[0]:
                    seen.extend(os.read(fd, 4096))
            del seen[:seen.index(text) + len(text)]

        before = termios.tcgetattr(fd)
        expect(b"caisson# ", 100)
        check(not termios.tcgetattr(fd)[3] & (termios.ICANON | termios.ECHO | termios.ISIG), "the terminal is not raw")
        os.write(fd, b"create linux --name t --memory 192 --console\r")
        expect(b"guest# ", 100)
        # The child speaks: a Ctrl-C between the shell's fork and its exec would be lost in the guest.
        os.write(fd, b"(echo a$((1+1)); exec sleep 100000)\r")
        expect(b"\na2\r\n")
        os.write(fd, b"\x03")
        expect(b"guest# ")
        os.write(fd, b"\x1d")
        expect(b"caisson# ")
        os.write(fd, b"\x01xlist\r")            # what follows the end is not typed anywhere
        expect(b"ended by Ctrl-a x")
        # The words come before the modes are put back: both are there when the program is gone.
        end, pid = time.monotonic() + 20, 0
        while not pid:
            check(time.monotonic() < end, "it does not end")
            pid, status = os.waitpid(child, os.WNOHANG)
            if not pid and select.select([fd], [], [], 0.1)[0]:
                try:
                    os.read(fd, 4096)
                except OSError:                 # the other side is closed
                    time.sleep(0.1)
        child = None
        equal(os.waitstatus_to_exitcode(status), 0, "exit status")
        equal(termios.tcgetattr(fd)[3], before[3], "the terminal's modes afterwards")
    finally:
        if child:
            os.kill(child, 15)
            os.waitpid(child, 0)
        os.close(fd)


@test(timeout=60)
def make_iso(t):
    """an ISO for both firmwares that holds what was asked for"""
    out = os.path.join(SCRATCH, "made.iso")
    words = [os.path.join(machine.TOP, "scripts", "mkiso"), out, "--hv-args", "quiet apicv=off", "k=%s,args=a b" % machine.KERNEL]
    subprocess.run(words, check=True, timeout=50)
    listing = subprocess.run(["xorriso", "-indev", out, "-find", "/", "-type", "f"], capture_output=True, text=True, check=True).stdout
    for name in ("/boot/caisson.elf", "/boot/control.elf", "/boot/image0", "/boot/grub/grub.cfg"):
        check("'%s'" % name in listing, "no %s on it" % name)
    report = subprocess.run(["xorriso", "-indev", out, "-report_el_torito", "plain"], capture_output=True, text=True, check=True).stdout
    match(r"(?m)boot img.*BIOS", report, "El Torito")
    match(r"(?m)boot img.*UEFI", report, "El Torito")
