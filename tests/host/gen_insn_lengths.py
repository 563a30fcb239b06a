#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes tests/host/insn_lengths.h: instructions with the length that binutils' objdump gives them.

Each candidate (an opcode of each map, several ModRM forms, prefixes, random operand bytes) gets a slot of 32 bytes
that ends in NOPs, so that objdump is in step again at the next slot whatever it reads. Run it by hand after a change:
    python3 tests/host/gen_insn_lengths.py > tests/host/insn_lengths.h
"""
import os
import random
import re
import subprocess
import tempfile

MACHINE = {16: "i8086", 32: "i386", 64: "i386:x86-64"}
PREFIX_WORDS = {"data16", "data32", "addr16", "addr32", "rep", "repz", "repnz", "lock", "cs", "ds", "es", "ss", "fs",
                "gs", "(bad)", ".byte", "fwait", "bnd", "xacquire", "xrelease", "notrack"}
LEGACY = [[], [], [], [0x66], [0x67], [0xF3], [0xF2], [0x66, 0x67], [0x2E], [0x65], [0xF0]]


def candidates(bits, rng):
    for esc in ([], [0x0F], [0x0F, 0x38], [0x0F, 0x3A]):
        for op in range(256):
            if esc == [0x0F] and op in (0x38, 0x3A):
                continue
            for turn in range(5 if len(esc) < 2 else 2):
                prefix = list(rng.choice(LEGACY))
                if bits == 64 and rng.random() < 0.5:
                    prefix.append(0x40 | rng.randrange(16))
                # each turn a ModRM form of its own: register, memory, SIB, displacements
                mod = (3, 0, 1, 2, rng.randrange(4))[turn]
                modrm = mod << 6 | rng.randrange(8) << 3 | (rng.choice((4, 5, 6)) if turn in (1, 4) else rng.randrange(8))
                yield prefix + esc + [op, modrm] + [rng.randrange(256) for _ in range(12)]
    for reg in range(64):  # every 0F 01 with a register form, and the groups
        yield [0x0F, 0x01, 0xC0 | reg] + [0] * 12
    for op in (0x80, 0x81, 0x83, 0xC0, 0xC1, 0xC6, 0xC7, 0xD1, 0xF6, 0xF7, 0xFE, 0xFF):
        for reg in range(8):
            yield [op, reg << 3 | 5] + [rng.randrange(256) for _ in range(12)]
            yield [op, 0x84 | reg << 3] + [rng.randrange(256) for _ in range(12)]


def disassemble(bits, slots):
    with tempfile.NamedTemporaryFile(delete=False) as f:
        for s in slots:
            f.write(bytes(s[:16] + [0x90] * (32 - len(s[:16]))))
    out = subprocess.run(["objdump", "-D", "-w", "-b", "binary", "-M", "intel", "--insn-width=16", "-m", MACHINE[bits],
                          f.name], capture_output=True, text=True, check=True).stdout
    os.unlink(f.name)
    for line in out.splitlines():
        m = re.match(r"\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*\t?(.*)$", line)
        if m and int(m.group(1), 16) % 32 == 0:
            yield m.group(2).split(), m.group(3).strip()


def main():
    print("/* SPDX-License-Identifier: BSD-2-Clause */")
    print("/* Made by gen_insn_lengths.py: bits, whole instructions by objdump's reading, and its name for them. */")
    print("/* clang-format off */")
    for bits in (16, 32, 64):
        rng = random.Random(bits)
        for raw, text in disassemble(bits, list(candidates(bits, rng))):
            words = text.split()
            name = words[0] if words else "(bad)"
            # a prefix that stands alone, or that objdump could not join to the opcode, is no whole instruction;
            # neither is FWAIT in front of an x87 instruction, and MOV of test registers is no more
            if "(bad)" in text or name.startswith("rex") or set(words) & {"(bad)", ".byte"} or \
                    "9b" in raw[:4] or re.search(r"\btr[0-7]\b", text):
                continue
            joined = [w for w in words if w not in PREFIX_WORDS and not w.startswith("rex")]
            if not joined:
                continue
            print('{ %d, "%s", "%s" },' % (bits, "".join(raw), joined[0]))


main()
