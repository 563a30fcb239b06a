# SPDX-License-Identifier: BSD-2-Clause
"""Emulators whose first serial line we talk to: Bochs, QEMU (TCG or KVM).  Standard library only.

    with Bochs(iso="x.iso", cpus=2) as e:
        e.expect(rb"guest# ", 120)
        e.send(b"echo hi\\r")
        e.expect(rb"\\r\\nhi\\r\\n", 10)
        why = e.wait(30)                            # "acpi-off"

Every byte received is in e.log.  What can go wrong has three names: Timeout, Ended (the emulator is gone, e.why says
how), and whatever the caller makes of a text that is not the one it wanted.
"""
import bisect
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

CACHE = os.environ.get("CAISSON_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "caisson")
# where scripts/get-bochs puts Bochs, or another one of yours
BOCHS = os.environ.get("CAISSON_BOCHS") or os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "build", "bochs")


class EmuError(Exception):
    """the machine did not do what was expected of it"""


class Timeout(EmuError):
    """a text did not come in time"""


class Ended(EmuError):
    """the emulator ended while something was still expected of it"""


class Emulator:
    kind = "?"

    def __init__(self, log=None):
        self.log = bytearray()              # everything that came
        self.pos = 0                        # expect() has read up to here
        self.arrived = ([], [])             # offsets in log, and the second at which each came
        self.start = time.monotonic()
        self.process = None
        self.line = None                    # what to read the serial line from
        self.show = None                    # called with every piece that comes
        self.file = open(log, "wb", buffering=0) if log else None
        self.patient = False                # time-outs count what the emulator computed, not what the wall says
        self.dir = tempfile.mkdtemp(prefix="caisson-%s-" % self.kind)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self):
        raise NotImplementedError

    def _write(self, data):
        raise NotImplementedError

    def _reason(self):
        raise NotImplementedError

    def fileno(self):
        return self.line.fileno()

    def pump(self, seconds):
        """take what is there, waiting at most this long for a first byte; False at the line's end"""
        if self.line is None:
            return False
        if not select.select([self.line], [], [], max(0.0, seconds))[0]:
            return True
        try:
            data = self._read()
        except OSError:
            data = b""
        if not data:
            self.line = None
            return False
        self.arrived[0].append(len(self.log))
        self.arrived[1].append(time.monotonic() - self.start)
        self.log += data
        if self.file:
            self.file.write(data)
        if self.show:
            self.show(data)
        return True

    def expect(self, pattern, timeout, no=None):
        """wait for the regex after what was read before; the match.  `no` is a regex that means failure when it is first"""
        end, hard = self.clock() + timeout, time.monotonic() + 5 * timeout
        pattern = re.compile(pattern, re.S)
        no = re.compile(no, re.S) if no else None
        open_ = True
        while True:
            found = pattern.search(self.log, self.pos)
            bad = no.search(self.log, self.pos) if no else None
            if bad and (not found or bad.start() < found.start()):
                raise EmuError("saw %r while waiting for %r" % (bytes(bad.group()), pattern.pattern))
            if found:
                self.pos = found.end()
                return found
            if not open_:
                raise Ended("the emulator ended (%s) before %r; its last output: %r"
                            % (self.wait(10), pattern.pattern, bytes(self.log[-300:])))
            left = min(end - self.clock(), hard - time.monotonic())
            if left <= 0:
                raise Timeout("no %r within %g s; the last output: %r"
                              % (pattern.pattern, timeout, bytes(self.log[self.pos:][-300:])))
            open_ = self.pump(min(left, 1.0))

    def clock(self):
        """seconds: of the wall, or of the emulator's own computing, which a busy machine does not make shorter"""
        if not self.patient:
            return time.monotonic()
        try:
            with open("/proc/%d/stat" % self.process.pid) as f:
                user, system = f.read().rsplit(")", 1)[1].split()[11:13]
        except OSError:
            return time.monotonic()
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def send(self, data):
        try:
            self._write(data)
        except OSError as e:
            raise Ended("the emulator ended (%s): cannot type %r: %s" % (self.wait(10), data, e)) from e

    def when(self, offset):
        """the second, from the start, at which this offset of the log came"""
        return self.arrived[1][bisect.bisect_right(self.arrived[0], offset) - 1]

    def seconds(self):
        return time.monotonic() - self.start

    def wait(self, timeout):
        """wait for the emulator to end by itself: how it ended, or None when it did not"""
        end, hard = self.clock() + timeout, time.monotonic() + 5 * timeout
        while self.process.poll() is None:
            if self.clock() >= end or time.monotonic() >= hard:
                return None
            if self.line is not None:
                self.pump(0.1)
            else:
                time.sleep(0.02)
        while self.pump(0):
            pass
        return self._reason()

    @property
    def why(self):
        return None if self.process.poll() is None else self._reason()

    def close(self):
        """end it, if it still runs, and forget its files"""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.file:
            self.file.close()
            self.file = None
        shutil.rmtree(self.dir, ignore_errors=True)


def spawn(command, **kw):
    """Start it in a process group of its own: a Ctrl-C at the terminal is ours to handle."""
    return subprocess.Popen(command, start_new_session=True, **kw)


class Bochs(Emulator):
    """Bochs 3.0 as scripts/get-bochs builds it.  COM1 is a socket that we listen on, so there is no race at the start.
    Its exit status is always 1: the reason is taken from its log."""
    kind = "bochs"
    REASONS = ((b"soft power off", "acpi-off"), (b"Shutdown port: shutdown requested", "port-8900"),
               (b"3rd (13) exception with no resolution", "triple-fault"), (b">>PANIC<<", "panic"),
               (b"PANIC", "panic"))

    def __init__(self, iso, cpus=1, memory=512, model="corei7_skylake_x", ips=50_000_000, gdb=None, extra=(), log=None,
                 prefix=None, debugger=False):
        super().__init__(log)
        prefix = prefix or BOCHS
        share = prefix + "/share/bochs"
        listener = socket.create_server(("127.0.0.1", 0))
        rc = ["display_library: nogui",
              "cpu: model=%s, count=%d, ips=%d, reset_on_triple_fault=0" % (model, cpus, ips),
              "memory: guest=%d, host=%d" % (memory, memory),
              "romimage: file=%s/BIOS-bochs-latest" % share,
              "vgaromimage: file=%s/vgabios-cirrus.bin-1.13.0" % share,
              "ata0-master: type=cdrom, path=%s, status=inserted" % os.path.abspath(iso),
              "boot: cdrom",
              "clock: sync=none, time0=1700000000",
              "log: %s/log" % self.dir,
              "com1: enabled=1, mode=socket-client, dev=localhost:%d" % listener.getsockname()[1],
              "panic: action=fatal", "error: action=ignore", "info: action=ignore"]
        self.bridge = None
        if gdb:
            self.bridge = Bridge(gdb)
            rc.append("com2: enabled=1, mode=socket-client, dev=localhost:%d" % self.bridge.inner)
        with open(self.dir + "/rc", "w") as f:
            f.write("\n".join(rc + list(extra)) + "\n")
        self.out = open(self.dir + "/out", "wb")
        command = [prefix + "/bin/bochs", "-q", "-f", self.dir + "/rc"]
        if debugger:
            with open(self.dir + "/commands", "w") as f:
                f.write("c\n")
            command += ["-dbg", "-rc", self.dir + "/commands"]
        self.process = spawn(command, stdin=subprocess.PIPE if debugger else subprocess.DEVNULL, stdout=self.out, stderr=self.out)
        listener.settimeout(0.1)
        while self.line is None:
            try:
                self.line, _ = listener.accept()
            except TimeoutError:
                if self.process.poll() is not None or self.seconds() > 20:
                    text = self.text().decode("latin-1").strip().splitlines()
                    self.close()
                    raise Ended("Bochs did not start: " + " / ".join(text[-8:])) from None
        listener.close()
        self.socket = self.line
        self.socket.setblocking(True)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _read(self):
        data = self.socket.recv(65536)
        # Bochs sends byte by byte under Nagle: without an acknowledgement at once each line waits 40 ms
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return data

    def _write(self, data):
        self.socket.sendall(data)

    def text(self):
        """what Bochs itself has to say"""
        text = b""
        for name in ("out", "log"):
            if os.path.exists(self.dir + "/" + name):
                with open(self.dir + "/" + name, "rb") as f:
                    text += f.read()
        return text

    def _reason(self):
        text = self.text()
        for mark, reason in self.REASONS:
            if mark in text:
                return reason
        status = self.process.returncode
        return "signal %d" % -status if status and status < 0 else "exit %s" % status

    def com1(self):
        """With LOG_COM1 among the extra lines: (tick, "write" or "read", port, value) of each access to COM1"""
        with open(self.dir + "/log", "rb") as f:
            pattern = rb"^(\d+)d\[SER *\] com1 register (write to|read from) +address: 0x([0-9a-f]+) = 0x([0-9a-f]+)"
            for m in re.finditer(pattern, f.read(), re.M):
                yield int(m[1]), "write" if m[2] == b"write to" else "read", int(m[3], 16), int(m[4], 16)

    def trace(self, at, steps, count, typed=b"", until=None):
        """With `debugger`: stops `count` times before the instruction at a linear address, and traces so many instructions from
        there, or up to the address `until`; a list of (address, instruction) for each.  `typed` is sent once it waits for that.  The
        emulator is ended"""
        to = "s %d\n" % steps if until is None else "d 1\nlb 0x%x\nc\n" % until
        said = self.debug("lb 0x%x\n" % at + ("c\ntrace on\n" + to + "trace off\n") * count, typed)
        stops = said.split("Tracing enabled")[1:]
        line = re.compile(r"\(0\)\.\[\d+\] \[\w+\] \w+:([0-9a-f]{8,16}) \(unk\. ctxt\): (.*?) +; ")
        return [[(int(m[1], 16), m[2]) for m in line.finditer(stop)] for stop in stops]

    def registers(self, places, typed):
        """With `debugger`: the general registers by their names at the first of the linear addresses, when that is come by, then at
        the next.  `typed` is sent when it waits for the first.  The emulator is ended"""
        said = self.debug("".join("lb 0x%x\nc\nr\nd %d\n" % (at, n) for n, at in enumerate(places, 1)), typed)
        every = re.findall(r"\b(r\w+) *: ([0-9a-f]{8})_([0-9a-f]{8})", said)
        names = len({name for name, *_ in every})
        return [{name: int(high + low, 16) for name, high, low in every[i:i + names]} for i in range(0, len(every), names)]

    def debug(self, commands, typed=b""):
        """With `debugger`: what its debugger says to the commands, all that was said"""
        self.process.send_signal(signal.SIGINT)
        self.process.stdin.write((commands + "quit\n").encode())
        self.process.stdin.flush()
        if typed:
            time.sleep(1)       # the breakpoint is there before
            self.send(typed)
        if self.wait(120) is None:
            raise Timeout("the place is not come by")
        return self.text().decode("latin-1")

    LOG_COM1 = "debug: action=ignore, serial=report"

    def close(self):
        super().close()
        if getattr(self, "socket", None):
            self.socket.close()
        self.out.close()
        if self.bridge:
            self.bridge.close()


class Bridge(threading.Thread):
    """A debugger's port in front of a serial line.  Bochs connects to `inner` at its start; debuggers come and go at
    `port`."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.outer = socket.create_server(("127.0.0.1", port))
        self.hub = socket.create_server(("127.0.0.1", 0))
        self.inner = self.hub.getsockname()[1]
        self.stop = False
        self.start()

    def run(self):
        line = client = None
        while not self.stop:
            watch = [self.outer, self.hub] + [s for s in (line, client) if s]
            for s in select.select(watch, [], [], 0.2)[0]:
                try:
                    if s is self.hub:
                        line, _ = s.accept()
                        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    elif s is self.outer:
                        if client:
                            client.close()
                        client, _ = s.accept()
                        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    elif s in (line, client):
                        data = s.recv(65536)
                        if s is line:
                            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                        other = client if s is line else line
                        if not data:
                            raise ConnectionResetError
                        if other:
                            other.sendall(data)
                except OSError:
                    if s is line:
                        return
                    if client:
                        client.close()
                    client = None
        for s in (line, client):
            if s:
                s.close()

    def close(self):
        self.stop = True
        self.join(2)
        self.outer.close()
        self.hub.close()


class Qemu(Emulator):
    """QEMU: accel="tcg" or "kvm", board="pc" (i440FX) or "q35", firmware="bios" or "efi".  The serial line is its standard
    input and output, the monitor a socket."""
    kind = "qemu"
    # Debian's OVMF by its two sizes, newest first: code, and what it keeps between boots (we keep nothing)
    OVMF = (("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
            ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"))

    def __init__(self, iso=None, cpus=1, memory=512, accel="tcg", cpu=None, gdb=None, extra=(), log=None, board="pc",
                 firmware="bios"):
        super().__init__(log)
        cpu = cpu or ("host" if accel == "kvm" else "EPYC-v3,+svm,+npt")
        command = ["qemu-system-x86_64", "-machine", board, "-accel", accel, "-cpu", cpu, "-smp", str(cpus), "-m", str(memory),
                   "-display", "none",
                   "-trace", "qemu_system_shutdown_request", "-d", "cpu_reset", "-D", self.dir + "/events",
                   *(() if any("stdio" in word for word in extra) else ("-serial", "stdio")), "-monitor", "unix:%s/monitor,server=on,wait=off" % self.dir, "-nic", "none", "-no-reboot"]
        if iso and board.startswith("microvm"):     # no PCI, no IDE, a BIOS of its own (the package seabios)
            command += ["-bios", "/usr/share/seabios/bios-microvm.bin", "-device", "virtio-blk-device,drive=disk",
                        "-drive", "if=none,id=disk,format=raw,readonly=on,file=" + os.path.abspath(iso)]
        elif iso:
            command += ["-cdrom", os.path.abspath(iso), "-boot", "d"]
        if firmware == "efi":
            command += self.pflash()
        if gdb:
            command += ["-serial", "tcp:127.0.0.1:%d,server=on,wait=off" % gdb]
        self.errors = open(self.dir + "/errors", "wb")
        self.process = spawn(command + list(extra), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0)
        self.line = self.process.stdout

    def pflash(self):
        """a UEFI of this machine's own"""
        for code, variables in self.OVMF:
            if os.path.exists(code) and os.path.exists(variables):
                copy = self.dir + "/variables"
                shutil.copyfile(variables, copy)
                return ["-drive", "if=pflash,format=raw,readonly=on,file=" + code, "-drive", "if=pflash,format=raw,file=" + copy]
        raise EmuError("there is no UEFI firmware here (the package ovmf)")

    def _read(self):
        return os.read(self.line.fileno(), 65536)

    def _write(self, data):
        self.process.stdin.write(data)

    def monitor(self, command):
        """say one line to QEMU's monitor"""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.dir + "/monitor")
            for line in (None, command):        # it prompts, and prompts again when the command is done
                if line:
                    s.sendall(line.encode() + b"\n")
                text = b""
                while not text.endswith(b"(qemu) "):
                    data = s.recv(4096)
                    if not data:
                        return
                    text += data

    def trace(self, at, typed, until, seconds=120):
        """sends `typed`: the linear addresses of all instructions from one on up to another; the emulator is ended"""
        path = self.dir + "/trace"
        for command in "singlestep on", "one-insn-per-tb on", "logfile " + path, "log exec,nochain":   # the first two: before 8.1, since
            self.monitor(command)
        self.send(typed)
        found, end, line = [], self.clock() + seconds, re.compile(r"^Trace \d+: 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/")
        with open(path) as f:
            while until not in found[-1:]:
                text = f.readline()
                if not text.endswith("\n"):
                    f.seek(f.tell() - len(text))
                    if self.clock() > end:
                        raise Timeout("the traced place is not come by")
                    self.pump(0.1)
                elif m := line.match(text):
                    address = int(m[1], 16)
                    if found or address == at:
                        found.append(address)
        self.process.kill()
        return found

    def _reason(self):
        """status 0 is a power-off, a reset (-no-reboot), a triple fault, which is one, or somebody's SIGTERM"""
        text, events = (open(os.path.join(self.dir, name), errors="replace").read().strip() for name in ("errors", "events"))
        status = self.process.returncode
        if status == 0 and "terminating on signal" in text:
            return text.splitlines()[-1]
        if status == 0:
            return "triple-fault" if "Triple fault" in events else "acpi-off" if "shutdown_request" in events else "reset"
        return ("signal %d" % -status if status < 0 else "exit %d" % status) + (": " + text.splitlines()[-1] if text else "")

    def close(self):
        super().close()
        self.errors.close()


def interrupted(number, _frame):
    raise SystemExit(128 + number)


def end_on_signals():
    """SIGTERM and SIGHUP unwind like an exception, so that no emulator stays behind"""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
