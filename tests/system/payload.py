# SPDX-License-Identifier: BSD-2-Clause
"""The smallest guests, byte by byte: multiboot 1 ELF files of a few instructions, so that a test says itself what runs."""
import struct

BASE = 0x100000


def elf(code, machine=3, bits=1, multiboot=True, base=BASE):
    """an ELF32 for i386 that is entered with paging off at the first byte of `code`"""
    head = struct.pack("<III", 0x1badb002, 0, -0x1badb002 & 0xffffffff) if multiboot else b""
    head = head.ljust(16, b"\x90")
    body = head + code
    offset = 0x1000
    ident = b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9)
    header = ident + struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, base + 16, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    program = struct.pack("<IIIIIIII", 1, offset, base, base, len(body), len(body), 7, 0x1000)
    return (header + program).ljust(offset, b"\0") + body


def out8(port, value):
    return b"\x66\xba" + struct.pack("<H", port) + b"\xb0" + bytes([value]) + b"\xee"       # mov dx, al; out dx, al


def say(text):
    """each byte to COM1"""
    return b"".join(out8(0x3f8, byte) for byte in text.encode())


def leave(code):
    """the exit port"""
    return out8(0xf4, code) + HALT


HALT = b"\xfa\xf4\xeb\xfc"                          # cli; 1: hlt; jmp 1b
SPIN = b"\xeb\xfe"                                  # jmp .
TRIPLE = b"\x6a\x00\x6a\x00\x0f\x01\x1c\x24\x0f\x0b"    # push 0; push 0; lidt [esp]; ud2
STACK = b"\xbc\x00\x00\x20\x00"                     # mov esp, 0x200000


def load32(address):
    return b"\xa1" + struct.pack("<I", address)     # mov eax, [address]


def jump(address):
    return b"\xb8" + struct.pack("<I", address) + b"\xff\xe0"   # mov eax, address; jmp eax


def crash():
    """a triple fault, with a value in a register to be found in the dump"""
    return elf(say("about to fault\r\n") + STACK + b"\xbb\x0d\xf0\xad\xba" + TRIPLE)
