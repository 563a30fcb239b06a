# SPDX-License-Identifier: BSD-2-Clause
"""A debugger on the second serial line: small guests to the instruction, Linux while it boots."""
import re

import common
import payload
from rsp import Gdb, RspError
from suite import Machine, check, equal, image, match, test

ENTRY = payload.BASE + 16
COUNT = 0x300000                # a word that the guest `loops` counts in


@image("loops")
def loops():
    """30 times: CPUID, a count in memory; then leaves with 3"""
    head = b"\xbe\x1e\0\0\0" + b"\x31\xff"                                       # mov esi, 30; xor edi, edi
    body = b"\x31\xc0\x31\xc9\x0f\xa2" + b"\xff\x05" + COUNT.to_bytes(4, "little") + b"\x47\x4e"    # cpuid; inc [COUNT]; inc edi; dec esi
    return payload.elf(head + body + b"\x75" + bytes([256 - len(body) - 2]) + payload.leave(3))


BODY = ENTRY + 7
CPUID, INC, AFTER = BODY + 4, BODY + 6, BODY + 12
SMALL = Machine(images=("loops", "spin", "halt"), gdb=True)


class Session:
    def __init__(self, m, options, image="loops", vcpu=""):
        self.m = m
        m.do("create %s --name g --memory 8 --paused %s" % (image, options))
        m.type("gdb g" + vcpu)
        m.emu.expect(rb"waits for a debugger", 20)
        self.gdb = Gdb(m.gdb_port, m.emu)

    def __enter__(self):
        return self.gdb

    def __exit__(self, failed, *_):
        self.gdb.close()
        if not failed:
            self.m.output(60)


@test(SMALL, quick=True)
def break_step_watch_continue(m):
    with Session(m, "--no-reboot") as g:
        match(r"swbreak\+", g.supported)
        r = g.regs()
        equal((r["rip"], r["cr0"] & 1, r["st0"]), (ENTRY, 1, None), "the first instruction: RIP, CR0.PE, the FPU")
        equal(g.read(CPUID, 2), b"\x0f\xa2", "code")
        # software breakpoint: not in what is read, hit each time round
        g.ok("Z0,%x,1" % INC)
        equal(g.read(INC, 2), b"\xff\x05", "code under a breakpoint")
        for n in range(3):
            match(r"^T05thread:1;swbreak", g.go(), "the stop")
            equal((g.regs()["rip"], g.regs()["rdi"]), (INC, n), "RIP, EDI")
            g.ok("z0,%x,1" % INC)
            match("^T05thread:1;$", g.go("s:1"), "a step")
            equal(g.regs()["rip"], AFTER, "RIP after a step")
            g.ok("Z0,%x,1" % INC)
        g.ok("z0,%x,1" % INC)
        # steps, also over an instruction that is carried out for it
        g.ok("Z1,%x,1" % BODY)
        match(r"hwbreak", g.go(), "hardware breakpoint")
        equal(g.regs()["rip"], BODY, "RIP at it")
        g.ok("z1,%x,1" % BODY)
        seen = []
        for _ in range(4):
            g.go("s:1")
            seen.append(g.regs()["rip"])
        equal(seen, [BODY + 2, CPUID, INC, AFTER], "four steps")
        check(not g.regs()["eflags"] & 0x100, "TF is to be seen")
        # a write is watched, from memory and registers it can be seen
        g.ok("Z2,%x,4" % COUNT)
        match(r"watch:%x;" % COUNT, g.go(), "watchpoint")
        equal((g.regs()["rip"], int.from_bytes(g.read(COUNT, 4), "little")), (AFTER, 5), "RIP, count")
        equal(g.regs()["dr7"], 0x400, "the guest's DR7")
        g.ok("z2,%x,4" % COUNT)
        # memory and registers are written
        g.write(COUNT, b"\x39\x30\0\0")
        g.set("rsi", 5)
        match(r"walk VA", g.monitor("help"), "monitor")
        match(r"stops after 2", g.monitor("exit cpuid 2"))
        g.ok("Hg1")
        before = g.regs()
        equal(before["rsi"], 5, "ESI")
        match(r"^T05thread:1", g.go(), "exit")
        equal((g.regs()["rip"], g.regs()["rdi"]), (INC, before["rdi"] + 2), "after the exit, which is handled")
        match(r"after exit cpuid", g.notes)
        match(r"no paging", g.monitor("walk 0x1000"))
        match(r"(?i)rip", g.monitor("vmcs rip") + g.monitor("vmcs RIP"))
        match(r"(?m)^030 +|SVR", g.monitor("apic"))
        match(r"mapped by|is not mapped", g.monitor("ept 0x100000"))
        match(r"cpuid", g.monitor("stats"))
        equal(g.ask("m%x,4" % 0xf0000000), "E0e", "memory that is not there")
        match(r"^W03", g.go(), "the end")


@test(SMALL, quick=True)
def break_in_detach_kill(m):
    with Session(m, "", "spin") as g:
        g.send("vCont;c")
        g.interrupt()
        match(r"^T02thread:1", g.receive(), "break-in")
        equal(g.regs()["rip"], ENTRY, "RIP")
        match("^T05", g.go("s:1"), "a step of a jump to itself")
        equal(g.regs()["rip"], ENTRY, "RIP after it")
        g.ok("D")
    equal([d["state"] for d in common.rows(m, "list", "domains") if d["name"] == "g"], ["running"], "after detach")
    m.type("gdb g")
    m.emu.expect(rb"waits for a debugger", 20)
    g = Gdb(m.gdb_port, m.emu)
    g.send("vKill;1")
    equal(g.receive(), "OK", "kill")
    m.output(30)
    check("g" not in [d["name"] for d in common.rows(m, "list", "domains")], "it is still there")


@test(SMALL)
def entry_and_bad_packets(m):
    with Session(m, "--no-reboot") as g:
        match(r"stops before", g.monitor("entry"))
        match("^T05", g.go(), "entry")
        match(r"before an entry", g.notes)
        for bad in ("", "Z0", "Z0,", "Z9,1,1", "z3,0,0", "m", "mzz,", "M1,2:3", "Gzz", "P", "Pffff=00", "pffff", "Hgff", "Tff",
                    "vCont", "vCont;x", "qRcmd,zz", "qXfer:features:read:target.xml:ffffff,10", "X1,1:", "R00", "!", "B", "i"):
            if bad != "vCont;x":
                g.ask(bad)
        for n in range(4):
            g.ok("Z2,%x,4" % (COUNT + 4 * n))
        equal(g.ask("Z2,%x,4" % (COUNT + 64)), "E1c", "a fifth watchpoint")
        for n in range(4):
            g.ok("z2,%x,4" % (COUNT + 4 * n))
        g.send("k")
