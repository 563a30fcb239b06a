# SPDX-License-Identifier: BSD-2-Clause
"""A machine with Caisson on it: what it is made of, the emulator it runs in, and its control domain's shell."""
import ctypes
import fcntl
import os
import re
import subprocess
import sys

import emu
import iso

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
HYPERVISOR = os.path.join(BUILD, "caisson.elf")
DEBUG = os.path.join(BUILD, "debug", "caisson.elf")      # make DEBUG=1
LEAN = os.path.join(BUILD, "lean", "caisson.elf")        # make DEBUG=lean
CONTROL = os.path.join(BUILD, "control.elf")
KERNEL = os.path.join(emu.CACHE, "linux", "vmlinuz")
INITRD = os.path.join(BUILD, "linux", "initrd")

# The same words natively and in a domain, so that the two can be compared.
LINUX_ARGS = "console=ttyS0 nokaslr mitigations=off quiet"
# What a bare machine in Bochs needs besides: CPUID gives the real part's frequency there, not the emulated one.
IPS = 50_000_000
NATIVE_ARGS = "tsc_early_khz=%d tsc=reliable no_timer_check" % (IPS // 1000)

PROMPT = rb"(?:\A|[\r\n])caisson# "
# Bochs' model for Intel's VMX, and for AMD's SVM with next-RIP save and flush by ASID, which QEMU's TCG has not
CPU = "corei7_skylake_x"
RYZEN = "ryzen"


def say(text):
    print("%s: %s" % (os.path.basename(sys.argv[0]), text), file=sys.stderr, flush=True)


# What is built

class BuildError(Exception):
    pass


def command(what, *words):
    """run a step of the set-up; its progress goes to standard error"""
    done = subprocess.run(words, cwd=TOP, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno())
    if done.returncode:
        raise BuildError("%s failed" % what)


def script(name, *words):
    command("scripts/" + name, os.path.join(TOP, "scripts", name), *words)


def setup(*parts):
    script("setup", *parts)


def get_cbmc():
    """CBMC is no package of every system, and may be out of reach: why stays in the environment, where it is asked for once"""
    if not os.environ.get("CAISSON_NO_CBMC"):
        try:
            setup("cbmc")
        except BuildError as e:
            os.environ["CAISSON_NO_CBMC"] = "no CBMC: " + str(e).strip().splitlines()[-1].strip()


def make(*targets):
    """bring the targets up to date; says nothing when they are"""
    if "all" in targets and HYPERVISOR == DEBUG:
        debug_build()
    targets = [os.path.relpath(t, TOP) if t.startswith(TOP) else t for t in targets]
    base = ["make", "-C", TOP, "--no-print-directory"]
    if subprocess.run(base + ["-q", *targets], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
        return
    say("make " + " ".join(targets))
    done = subprocess.run(base + ["-s", "-j%d" % (os.cpu_count() or 1), *targets], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode:
        raise BuildError("make %s failed:\n%s" % (" ".join(targets), "\n".join(done.stdout.splitlines()[-30:])))


def use_debug():
    """from now on the machines start the hypervisor that checks itself (make DEBUG=1)"""
    global HYPERVISOR
    HYPERVISOR = DEBUG


def debug_build(lean=False):
    path = LEAN if lean else DEBUG
    make("DEBUG=lean" if lean else "DEBUG=1", path)
    return path


def counters_build(counters):
    """make COUNTERS=...: the hypervisor that counts less"""
    path = os.path.join(BUILD, counters, "caisson.elf")
    make("COUNTERS=" + counters, path)
    return path


def default_images():
    """the images that scripts/run offers without being asked: Debian's Linux and the small guests, as far as built"""
    images = []
    if os.path.exists(KERNEL) and os.path.exists(INITRD):
        images.append(iso.Image("linux", KERNEL, INITRD, LINUX_ARGS))
    folder = os.path.join(BUILD, "guest")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        base, extension = os.path.splitext(name)
        if extension == ".elf" and not base.startswith("test_"):
            images.append(iso.Image(base, os.path.join(folder, name)))
    return images


def merge_images(images, more):
    """`more` beside `images`, or in the place of one that has its name"""
    names = {i.name for i in more}
    return [i for i in images if i.name not in names] + list(more)


def has_backend(vendor):
    """whether the hypervisor that is built can drive "vmx" or "svm": it then has that table of operations"""
    with open(HYPERVISOR, "rb") as f:
        return b"%s_ops\0" % vendor.encode() in f.read()


# Where it runs

class KvmCpuid(ctypes.Structure):
    class Entry(ctypes.Structure):
        _fields_ = [(n, ctypes.c_uint32) for n in ("function", "index", "flags", "eax", "ebx", "ecx", "edx", "p0", "p1", "p2")]
    _fields_ = [("count", ctypes.c_uint32), ("padding", ctypes.c_uint32), ("entries", Entry * 256)]


KVM_GET_API_VERSION = 0xae00
KVM_CHECK_EXTENSION = 0xae03
KVM_GET_SUPPORTED_CPUID = 0xc008ae05
KVM_CAP_IRQCHIP, KVM_CAP_NESTED_STATE = 0, 157


def not_nested(modules):
    """why KVM's guests get neither VMX nor SVM"""
    for name in "kvm_intel", "kvm_amd":
        try:
            with open("%s/%s/parameters/nested" % (modules, name)) as f:
                nested = f.read().strip()
        except OSError:
            continue
        if nested in ("0", "N"):
            return "KVM is not nested: modprobe -r %s; modprobe %s nested=1" % (name, name)
        return "%s has nested=%s, and its guests get no virtualisation all the same: is this a virtual machine?" % (name, nested)
    return "KVM works, but offers its guests neither VMX nor SVM: neither kvm_intel nor kvm_amd is loaded here"


def nested_kvm(device="/dev/kvm", modules="/sys/module"):
    """("vmx" or "svm" or None, why not): which virtualisation KVM here offers to its guests"""
    try:
        fd = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except OSError as e:
        return None, "%s: %s" % (device, e.strerror)
    try:
        if fcntl.ioctl(fd, KVM_GET_API_VERSION) != 12:
            return None, device + " speaks an unknown version"
        if not fcntl.ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_IRQCHIP):
            return None, "KVM has no interrupt controllers of its own (KVM_CAP_IRQCHIP)"
        state = fcntl.ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_NESTED_STATE)
        table = KvmCpuid(count=256)
        fcntl.ioctl(fd, KVM_GET_SUPPORTED_CPUID, table)
    except OSError as e:
        return None, "%s: %s" % (device, e.strerror)
    finally:
        os.close(fd)
    leaves = {e.function: e for e in table.entries[:table.count] if e.index == 0}
    if 1 in leaves and leaves[1].ecx & 1 << 5:
        return "vmx", None
    if 0x80000001 in leaves and leaves[0x80000001].ecx & 1 << 2:
        if 0x8000000a in leaves and leaves[0x8000000a].edx & 1:
            return "svm", None
        return None, "KVM offers SVM without nested paging: kvm_amd has npt=0"
    return None, not_nested(modules) + ("" if state else " (KVM_CAP_NESTED_STATE is 0)")


def choose_platform(wanted):
    """"auto": KVM, else QEMU, else Bochs, the first that can run this build; any other is checked.  Raises BuildError with the
    reason"""
    vendor, why = nested_kvm() if wanted in ("auto", "kvm") else (None, None)
    if vendor and not has_backend(vendor):
        vendor, why = None, "KVM offers nested %s, and this build has no such backend" % vendor.upper()
    if wanted == "auto":
        if vendor:
            return "kvm"
        if has_backend("svm"):
            try:
                setup("qemu")
                return "qemu"
            except BuildError:
                say("no QEMU: Bochs instead")
        return "bochs"
    if wanted == "kvm" and not vendor:
        raise BuildError("--platform kvm: " + why)
    if wanted == "qemu" and not has_backend("svm"):
        raise BuildError("--platform qemu: QEMU without KVM emulates AMD's SVM only, and this build of Caisson has no SVM "
                         "backend; use --platform bochs, which emulates Intel's VMX")
    return wanted


def start(platform, image, cpus=1, memory=1024, cpu=None, gdb=None, extra=(), log=None, board="pc", firmware="bios",
          debugger=False):
    """the emulator, with the ISO in it.  cpu: its own name of a model; extra: lines of bochsrc, or arguments of QEMU"""
    if platform == "bochs":
        return emu.Bochs(image, cpus, memory, cpu or CPU, IPS, gdb, extra, log, debugger=debugger)
    return emu.Qemu(image, cpus, memory, "kvm" if platform == "kvm" else "tcg", cpu, gdb, extra, log, board, firmware)


# The control domain's shell

class Shell:
    """Commands at the control prompt, their output, and whether they succeeded."""

    def __init__(self, emulator):
        self.emu = emulator

    def ready(self, timeout=60):
        """wait for the first prompt"""
        self.emu.expect(PROMPT, timeout)

    def type(self, text, timeout=30):
        """type a line at the prompt and wait for its echo, but not for its end.  A notice that comes meanwhile makes the
        editor draw the line anew: what counts is its last part right before the newline, drawn in one go or in two"""
        self.emu.send(text.encode() + b"\r")
        tail = rb"(?:\x1b\[K)?".join(re.escape(bytes([c])) for c in text.encode()[-24:])
        try:
            self.emu.expect(tail + rb"(?:\x1b\[K)?\r?\n", timeout)
        except emu.Timeout:
            raise emu.Timeout("no echo of `%s` within %g s" % (text, timeout)) from None

    def output(self, timeout=30):
        """wait for the next prompt; what was printed up to it"""
        begin = self.emu.pos
        # The prompt may stand at the very beginning of what is still unread: the echo's newline is its line's start.
        try:
            found = self.emu.expect(rb"(?:(?<=\n)|(?<=\r))caisson# ", timeout)
        except emu.Timeout:
            raise emu.Timeout("the control prompt did not come back within %g s" % timeout) from None
        return bytes(self.emu.log[begin:found.start()]).decode("utf-8", "replace").replace("\r\n", "\n")

    def run(self, text, timeout=30):
        """one command: (its output, whether it succeeded)"""
        self.type(text)
        out = self.output(timeout)
        return out, self.status() == 0

    def status(self):
        """how the last command ended: 0 is success.  Not shown to whoever watches the console; what else comes is"""
        show, self.emu.show = self.emu.show, None
        try:
            self.type("status")
            text = self.output(20)
        finally:
            self.emu.show = show
        number = None
        for line in text.splitlines(True):
            found = re.fullmatch(r"status (\d+)\s*", line)
            if found and number is None:
                number = int(found[1])
            elif show:
                show(line.encode())
        if number is None:
            raise emu.EmuError("the shell does not say `status N`, but %r" % text)
        return number

    def do(self, text, timeout=30):
        """one command that has to succeed: its output"""
        out, good = self.run(text, timeout)
        if not good:
            raise emu.EmuError("`%s` failed: %s" % (text, out.strip()))
        return out

    def fail(self, text, timeout=30):
        """one command that has to fail: its output"""
        out, good = self.run(text, timeout)
        if good:
            raise emu.EmuError("`%s` succeeded: %s" % (text, out.strip()))
        return out

    def poweroff(self, timeout=30):
        """switch the machine off; raises when it does not go"""
        self.emu.send(b"poweroff\r")
        why = self.emu.wait(timeout)
        if why is None:
            raise emu.Timeout("the machine still runs %d s after `poweroff`" % timeout)
        if why != "acpi-off":
            raise emu.EmuError("`poweroff` ended the emulator by: " + why)
