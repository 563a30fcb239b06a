# SPDX-License-Identifier: BSD-2-Clause
"""What the tests are made of: how they are declared, the machines that they run on, how they are run and reported.

    from suite import check, test, Machine

    @test(Machine(cpus=2), quick=True)
    def two_cpus_are_found(m):
        check("2 CPUs" in m.do("info"), "info does not speak of two CPUs")

Tests that declare equal machines share one that is booted once, in their order; a failed test leaves its machine to
nobody.  A test that declares none starts what it needs by m.boot() or is about something else.

A test whose machine says nothing that only Bochs has runs on every platform (PLATFORMS): on Bochs with VMX under its own name,
system/FILE.NAME, on the others as system-PLATFORM/FILE.NAME.  `only` names the platforms where that is not so.
"""
import dataclasses
import json
import os
import re
import signal
import socket
import time
import traceback

import emu
import iso
import machine

RESULTS = os.path.join(machine.BUILD, "test")
SCRATCH = os.path.join(RESULTS, "scratch")


@dataclasses.dataclass(frozen=True)
class Machine:
    """What to boot.  images: a name for each of them, see image(); None is what scripts/run offers.  cpu: one of the emulator's
    names, None its usual one.  extra: lines of bochsrc, or arguments of QEMU."""
    cpus: int = 1
    memory: int = 1024
    cpu: str = None
    hv_args: str = ""
    images: tuple = None
    extra: tuple = ()
    boot_timeout: int = 90
    platform: str = "bochs"
    board: str = "pc"
    firmware: str = "bios"
    debug: object = False           # True: the hypervisor that checks itself; "lean": without UBSan, for what is counted
    gdb: bool = False               # its second serial line is at the TCP port gdb_port
    debugger: bool = False          # Bochs' own waits for emu.trace() or emu.registers()


@dataclasses.dataclass
class Test:
    name: str
    run: object
    machine: Machine = None
    quick: bool = False
    timeout: float = 180
    bare: bool = False              # needs no Caisson
    only: tuple = None              # platforms
    long: bool = False              # minutes: only by --all, or by a pattern


TESTS = []
IMAGES = {}


# name of the platform -> what it changes in a test's machine, and whether it takes all tests or the quick ones
PLATFORMS = {
    "bochs": ({}, True),
    "ryzen": ({"cpu": machine.RYZEN}, False),           # Bochs with SVM
    "qemu": ({"platform": "qemu"}, True),
}


def on_platform(t, name):
    """the test as it runs on a platform, or None where it does not"""
    changes, every = PLATFORMS[name]
    if not changes:
        return t
    if not t.machine or t.machine.extra or t.machine.cpu or not (every or t.quick):
        return None
    if t.only and name not in t.only:
        return None
    group, _, rest = t.name.partition("/")
    return dataclasses.replace(t, name="%s-%s/%s" % (group, name, rest), machine=dataclasses.replace(t.machine, **changes),
                               quick=t.quick and name == "qemu")


def test(where=None, quick=False, timeout=180, bare=False, only=None, long=False):
    """declare a test; its name is its file's and its own"""
    def declare(function):
        module = function.__module__.rsplit(".", 1)[-1]
        TESTS.append(Test("system/%s.%s" % (module, function.__name__), function, where, quick, timeout, bare, only, long))
        return function
    return declare


def image(name, args="", initrd=None):
    """declare how to make the image `name`: the function returns a file's bytes, or a path"""
    def declare(function):
        IMAGES[name] = (function, args, initrd)
        return function
    return declare


class Failure(Exception):
    """a test's word for what is not as it should be"""


def check(condition, text):
    if not condition:
        raise Failure(text)


def equal(got, wanted, what):
    check(got == wanted, "%s: %r instead of %r" % (what, got, wanted))


def match(pattern, text, what=None):
    """the regex is somewhere in the text: its match"""
    found = re.search(pattern, text, re.M)
    check(found, "%s: no /%s/ in %r" % (what or "output", pattern, text[-600:]))
    return found


# Machines

def made(name):
    """the declared image as one that can go into an ISO"""
    function, args, initrd = IMAGES[name]
    os.makedirs(SCRATCH, exist_ok=True)

    def path_of(thing, suffix):
        if isinstance(thing, (bytes, bytearray)):
            path = os.path.join(SCRATCH, name + suffix)
            with open(path, "wb") as f:
                f.write(thing)
            return path
        return thing
    return iso.Image(name, path_of(function(), ""), path_of(initrd(), ".initrd") if initrd else None, args)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Running:
    """a booted machine and its shell; what a test gets"""

    def __init__(self, spec, log, ready=True):
        self.spec = spec
        images = machine.default_images() if spec.images is None else []
        if spec.images is not None:
            known = {i.name: i for i in machine.default_images()}
            images = [known[n] if n in known and n not in IMAGES else made(n) for n in spec.images]
        path = os.path.join(SCRATCH, "machine.iso")
        os.makedirs(SCRATCH, exist_ok=True)
        # what tests measure is without measures against speculation (the L1D flush of a processor without its MSR is 8,000 instructions)
        hv_args = spec.hv_args if "mitigations=" in spec.hv_args else (spec.hv_args + " mitigations=off").strip()
        iso.caisson(path, machine.debug_build(spec.debug == "lean") if spec.debug else machine.HYPERVISOR, machine.CONTROL, images, hv_args, (spec.firmware,))
        self.gdb_port = free_port() if spec.gdb else None
        self.emu = machine.start(spec.platform, path, spec.cpus, spec.memory, spec.cpu, self.gdb_port, spec.extra, log, spec.board,
                                 spec.firmware, spec.debugger)
        self.shell = machine.Shell(self.emu)
        try:
            if ready:
                self.shell.ready(spec.boot_timeout)
        except BaseException:
            self.emu.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.emu.close()

    def __getattr__(self, name):
        return getattr(self.shell, name)

    def text(self):
        return bytes(self.emu.log).decode("utf-8", "replace")


class Alarm:
    """a bound on a test as a whole, whatever it waits for; on the wall's time, so that a busy machine gets more of it"""

    def __init__(self, seconds):
        self.seconds = seconds

    def _ring(self, *_):
        raise emu.Timeout("the test did not end within %g s" % self.seconds)

    def __enter__(self):
        signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)


class Alone:
    """what a test without a machine gets: a way to boot one for itself"""

    def __init__(self, log):
        self.log = log
        self.count = 0
        self.machines = []

    def path(self):
        self.count += 1
        return "%s.console%s" % (self.log, "" if self.count == 1 else "-%d" % self.count)

    def boot(self, spec=Machine(), ready=True):
        m = Running(spec, self.path(), ready)
        self.machines.append(m.emu)
        return m

    def use(self, emulator):
        """an emulator that the test started by itself is ended with the test"""
        self.machines.append(emulator)
        emulator.patient = True
        return emulator

    def close(self):
        for e in self.machines:
            e.close()

    def text(self):
        return b"".join(bytes(e.log) for e in self.machines).decode("utf-8", "replace")


# Running them

class Runner:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.shared = None
        os.makedirs(RESULTS, exist_ok=True)

    def report(self, name, seconds, why=None, log=None, tail=""):
        if why is None:
            self.passed += 1
            print("ok %s (%.1f s)" % (name, seconds), flush=True)
            return
        self.failed += 1
        print("FAIL %s (%.1f s): %s" % (name, seconds, why), flush=True)
        for line in tail.splitlines()[-15:]:
            print("    | " + line.rstrip())
        if log:
            print("    log: " + os.path.relpath(log, machine.TOP), flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print("skip %s: %s" % (name, why), flush=True)

    def logfile(self, name):
        return os.path.join(RESULTS, re.sub(r"[^\w.-]", "_", name) + ".log")

    def drop(self):
        """end the shared machine"""
        if self.shared:
            self.shared.emu.close()
            self.shared = None

    def on(self, spec):
        """the machine for tests that declare `spec`; it is booted if the one there is another"""
        if self.shared and (self.shared.spec != spec or self.shared.emu.why):
            self.drop()
        if not self.shared:
            self.shared = Running(spec, self.logfile("machine") + ".console")
        return self.shared

    def one(self, t):
        """run one test; whether it passed"""
        log, begin, why, context, offset = self.logfile(t.name), time.monotonic(), None, None, 0
        details = ""
        try:
            with Alarm(3 * t.timeout):
                if t.machine:
                    context = self.on(t.machine)
                    offset = len(context.emu.log)
                    t.run(context)
                    clean(context)
                else:
                    self.drop()
                    context = Alone(log)
                    try:
                        t.run(context)
                    finally:
                        context.close()
        except (Failure, emu.EmuError, iso.ImageError, machine.BuildError) as e:
            why = str(e)
        except Exception as e:                  # a mistake of the test's own, or something that it did not think of
            why = "%s: %s" % (type(e).__name__, e)
            details = traceback.format_exc()
        text = context.text()[offset:] if context else ""
        with open(log, "w") as f:
            f.write(text + "\n" + details + ("\n%s\n" % why if why else ""))
        if why and t.machine:
            self.drop()
        self.report(t.name, time.monotonic() - begin, why, log, details or text)
        return why is None


def rows(m, command, key):
    """the list that a command with --json prints, bare or as the member `key`"""
    text = m.do(command + " --json")
    try:
        got = json.loads(text)
    except ValueError as e:
        raise Failure("`%s --json` is not JSON (%s): %r" % (command, e, text[:300])) from None
    return got[key] if isinstance(got, dict) and key in got else got


def domains(m):
    """name -> what `list --json` says of it"""
    return {d["name"]: d for d in rows(m, "list", "domains")}


def clean(m):
    """no domain outlives the test that made it"""
    for d in rows(m, "list", "domains"):      # not by name: who builds domains in a domain may give none
        if d["id"] != 0:
            m.do("destroy %d" % d["id"])
