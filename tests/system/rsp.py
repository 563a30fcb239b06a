# SPDX-License-Identifier: BSD-2-Clause
"""A small GDB: the remote protocol over TCP, as much of it as the tests need."""
import re
import socket
import struct
import time
import xml.etree.ElementTree as ElementTree


class RspError(Exception):
    pass


class Gdb:
    def __init__(self, port, machine, timeout=60):
        """machine: its emulator's console is read meanwhile, so that it does not stand still"""
        self.machine, self.timeout, self.data, self.notes = machine, timeout, b"", ""
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0.05)
        self.acks = True
        self.supported = self.ask("qSupported:swbreak+;hwbreak+")
        if self.ask("QStartNoAckMode") != "OK":
            raise RspError("no QStartNoAckMode")
        self.acks = False
        self.registers = []             # name, bytes
        xml, offset = "", 0
        while True:
            part = self.ask("qXfer:features:read:target.xml:%x,400" % offset)
            xml += part[1:]
            offset += len(part) - 1
            if part[0] == "l":
                break
        for reg in ElementTree.fromstring(xml.split("?>", 1)[1].split(">", 1)[1]).iter("reg"):
            self.registers.append((reg.get("name"), int(reg.get("bitsize")) // 8))

    def send(self, text):
        self.socket.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 255))

    def interrupt(self):
        self.socket.sendall(b"\x03")

    def receive(self, timeout=None):
        """the next packet that is no text for the user; that goes to notes"""
        end = time.monotonic() + (timeout or self.timeout)
        while True:
            found = re.search(rb"\$([^#]*)#([0-9a-f]{2})", self.data)
            if found:
                self.data = self.data[found.end():]
                if sum(found[1]) & 255 != int(found[2], 16):
                    raise RspError("a wrong checksum: %r" % found[0])
                if self.acks:
                    self.socket.sendall(b"+")
                text = found[1].decode()
                if text[:1] != "O" or text == "OK":
                    return text
                self.notes += bytes.fromhex(text[1:]).decode()
                continue
            if time.monotonic() > end:
                raise RspError("no packet within %g s; console: %r" % (timeout or self.timeout, bytes(self.machine.log[-300:])))
            try:
                data = self.socket.recv(65536)
                if not data:
                    raise RspError("the line is closed")
                self.data += data
            except TimeoutError:
                self.machine.pump(0)

    def ask(self, text, timeout=None):
        self.send(text)
        return self.receive(timeout)

    def ok(self, text):
        got = self.ask(text)
        if got != "OK":
            raise RspError("%s: %r" % (text, got))

    # what GDB's commands do

    def regs(self, thread=None):
        if thread:
            self.ok("Hg%x" % thread)
        data, out = self.ask("g"), {}
        for name, size in self.registers:
            piece, data = data[:size * 2], data[size * 2:]
            out[name] = None if "x" in piece else int.from_bytes(bytes.fromhex(piece), "little")
        if data:
            raise RspError("%d characters too many" % len(data))
        return out

    def set(self, name, value):
        n = [r[0] for r in self.registers].index(name)
        self.ok("P%x=%s" % (n, value.to_bytes(self.registers[n][1], "little").hex()))

    def read(self, address, n):
        data = self.ask("m%x,%x" % (address, n))
        if data[:1] == "E" and len(data) == 3:
            raise RspError("m%x: %s" % (address, data))
        return bytes.fromhex(data)

    def read64(self, address):
        return struct.unpack("<Q", self.read(address, 8))[0]

    def write(self, address, data):
        self.ok("M%x,%x:%s" % (address, len(data), data.hex()))

    def go(self, how="c", timeout=None):
        """the stop's packet"""
        return self.ask("vCont;" + how, timeout)

    def monitor(self, text):
        self.notes = ""
        self.ok("qRcmd," + text.encode().hex())
        return self.notes

    def close(self):
        self.socket.close()
