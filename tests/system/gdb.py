# SPDX-License-Identifier: BSD-2-Clause
"""A debugger on the second serial line: small guests to the instruction, Linux while it boots."""
import re
import shutil
import struct
import subprocess

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


@image("drs")
def drs():
    """the guest's own debug registers and flags, with a debugger's in the processor"""
    return payload.elf(payload.STACK + b"\xb8\x34\x12\0\0" + b"\x0f\x23\xc0" + b"\x0f\x21\xc3"     # eax = 1234; dr0 = eax; ebx = dr0
                       + b"\x0f\x21\xf9" + b"\x0f\x21\xf2"                                       # ecx = dr7; edx = dr6
                       + b"\x9c\x58" + b"\x90" + b"\x31\xdb\x0f\x21\xc3" + payload.leave(0))   # pushf; pop eax; nop; ebx = dr0


DIV = ENTRY + 7 + 7 + 7 + 5 + 2   # of the guest `faults`; then UD2, INT 60h, each two bytes
FAULT = DIV + 6 + len(payload.leave(0))         # its handler, and that of faults with an error code


@image("faults")
def faults():
    """#DE, #UD and #GP, each with a handler that goes on behind the instruction"""
    handlers = b"\x83\x04\x24\x02\xcf" + b"\x83\xc4\x04" + b"\x83\x04\x24\x02\xcf"   # add [esp], 2; iret; add esp, 4; ...
    gates = [FAULT] * 13 + [FAULT + 5]
    gdt = FAULT + len(handlers)
    idt = gdt + 16
    tables = struct.pack("<QQ", 0, 0xcf9b000000ffff) + b"".join(struct.pack("<HHHH", g & 0xffff, 8, 0x8e00, g >> 16) for g in gates)
    pointers = idt + 8 * len(gates)
    return payload.elf(b"\x0f\x01\x15" + struct.pack("<I", pointers) + b"\x0f\x01\x1d" + struct.pack("<I", pointers + 6) +
                       b"\xea" + struct.pack("<IH", ENTRY + 21, 8) + payload.STACK + b"\x31\xc9" + b"\xf7\xf1" + b"\x0f\x0b" +
                       b"\xcd\x60" + payload.leave(0) + handlers + tables +
                       struct.pack("<HIHI", 15, gdt, 8 * len(gates) - 1, idt))


BODY = ENTRY + 7
CPUID, INC, AFTER = BODY + 4, BODY + 6, BODY + 12
SMALL = Machine(images=("loops", "spin", "halt", "drs", "resets", "faults", "floats"), gdb=True)


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
        equal((r["rip"], r["cr0"] & 1, r["fctrl"], r["mxcsr"]), (ENTRY, 1, 0x37f, 0x1f80), "the first instruction: RIP, CR0.PE, the FPU")
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
        # both at once: the step ends, whatever it is called
        g.ok("Z0,%x,1" % INC)
        match(r"swbreak", g.go(), "the breakpoint again")
        g.ok("z0,%x,1" % INC)
        match(r"^T05thread:1;", g.go("s:1"), "a step that writes what is watched")
        equal(g.regs()["rip"], AFTER, "RIP after it")
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


@test(SMALL, quick=True, only=("bochs", "qemu"))
def a_refused_entry_is_explained(m):
    """long mode without PAE: the processor refuses, the control domain says which check fails (Bochs' AMD has by then put the
    host's state into the VMCB)"""
    with Session(m, "--no-reboot") as g:
        g.set("cr4", 0)
        g.set("efer", 0x500)
        g.set("cr0", 0x80000031)
        match(r"^X0b", g.go(), "the end")
    match(r"VM entry refused \(.*\): .*CR4.*PAE", m.do("why g"))
    match(r"CR4.*PAE", m.do("list --json"))


@test(SMALL, quick=True)
def guest_sees_nothing_of_it(m):
    """debug registers are the guest's own, and so is TF, while the debugger uses both"""
    pushf, nop = ENTRY + 5 + 5 + 12, ENTRY + 5 + 5 + 14
    with Session(m, "--no-reboot", "drs") as g:
        g.ok("Z2,%x,4" % COUNT)
        g.ok("Z1,%x,1" % pushf)
        match(r"hwbreak", g.go(), "the PUSHF")
        r = g.regs()
        equal((r["rbx"], r["rcx"], r["rdx"]), (0x1234, 0x400, 0xffff0ff0), "DR0 as written, DR7 and DR6 as they were")
        equal((r["dr0"], r["dr7"]), (0x1234, 0x400), "the guest's DR0 and DR7 by `info registers`")
        g.ok("z1,%x,1" % pushf)
        g.go("s:1")
        equal(int.from_bytes(g.read(g.regs()["rsp"], 4), "little") & 0x100, 0, "TF in what PUSHF stored")
        g.go("s:1")
        r = g.regs()
        equal((r["rip"], r["rax"] & 0x100, r["eflags"] & 0x100), (nop, 0, 0), "after POP")
        g.ok("z2,%x,4" % COUNT)
        g.ok("Z0,%x,1" % (nop + 6))
        match(r"swbreak", g.go(), "behind the last MOV")
        equal(g.regs()["rbx"], 0x1234, "DR0 in the processor again")
        g.ok("z0,%x,1" % (nop + 6))
        match(r"^W00", g.go(), "the end")


@test(SMALL, quick=True)
def a_step_that_faults(m):
    """it ends at the handler's first instruction, and the frame has the guest's flags"""
    with Session(m, "--no-reboot", "faults") as g:
        g.ok("Z1,%x,1" % DIV)
        match(r"hwbreak", g.go(), "the division")
        g.ok("z1,%x,1" % DIV)
        for at, handler, error in ((DIV, FAULT, 0), (DIV + 2, FAULT, 0), (DIV + 4, FAULT + 5, 1)):
            r = g.regs()
            equal((r["rip"], r["eflags"] & 0x100), (at, 0), "RIP, TF before the fault")
            match("^T05thread:1;$", g.go("s:1"), "the step")
            r = g.regs()
            frame = struct.unpack("<3I", g.read(r["rsp"] + 4 * error, 12))
            equal((r["rip"], r["eflags"] & 0x100), (handler, 0), "RIP, TF behind it")
            equal((frame[0], frame[2] & 0x100, frame[2] & 2), (at, 0, 2), "EIP, TF and bit 1 of the flags in the frame")
            for _ in range(2 + error):
                match("^T05thread:1;$", g.go("s:1"), "a step of the handler")
        match(r"^W00", g.go(), "the end")


FLOATS = ENTRY + 2 + 2 + 2 + 8 + 5 + 4      # of the guest `floats`: where its registers are full


@image("floats")
def floats():
    """1.0 and pi on the FPU's stack, 12345678h in XMM3; then both tops into memory at COUNT"""
    return payload.elf(b"\xdb\xe3\xd9\xe8\xd9\xeb" + b"\x31\xc0\xb4\x02\x0f\x22\xe0\x90" + b"\xb8\x78\x56\x34\x12" +     # CR4.OSFXSR
                       b"\x66\x0f\x6e\xd8" + b"\xdd\x1d" + struct.pack("<I", COUNT) +
                       b"\x66\x0f\xd6\x1d" + struct.pack("<I", COUNT + 8) + payload.leave(0))


@test(SMALL, quick=True)
def fpu_and_sse_registers(m):
    """what the guest computed is seen, and what the debugger writes it computes with; bits that MXCSR has not are refused"""
    with Session(m, "--no-reboot", "floats") as g:
        g.ok("Z1,%x,1" % FLOATS)
        match(r"hwbreak", g.go(), "the registers are full")
        r = g.regs()
        equal((r["st0"], r["st1"], r["ftag"], r["xmm3"]), (0x4000c90fdaa22168c235, 0x3fff8000000000000000, 0x0fff, 0x12345678), "pi, 1.0, XMM3")
        g.set("st0", 0x3ffe8000000000000000)        # 0.5
        g.set("xmm3", 0x1122334455667788)
        n = [name for name, _ in g.registers].index("mxcsr")
        equal(g.ask("P%x=ffffffff" % n), "E16", "an MXCSR that is none")
        r = g.regs()
        equal((r["st0"], r["xmm3"], r["mxcsr"], r["rip"]), (0x3ffe8000000000000000, 0x1122334455667788, 0x1f80, FLOATS), "as written")
        g.ok("z1,%x,1" % FLOATS)
        g.ok("Z1,%x,1" % (FLOATS + 14))
        match(r"hwbreak", g.go(), "both stored")
        equal(struct.unpack("<dQ", g.read(COUNT, 16)), (0.5, 0x1122334455667788), "what the guest stored")
        g.ok("z1,%x,1" % (FLOATS + 14))
        match(r"^W00", g.go(), "the end")


@test(SMALL)
def a_real_gdb(m):
    """GDB itself, where it is installed: it takes the description, and shows and does what it is asked for"""
    if not shutil.which("gdb"):
        return
    commands = ("set confirm off", "set tcp auto-retry on", "set remotetimeout 60", "target remote 127.0.0.1:%d" % m.gdb_port,
                "hbreak *0x%x" % FLOATS, "continue", "p $st0", "p $ftag", "p/x $xmm3.v4_int32[0]", "p/x $mxcsr", "set $xmm3.v4_int32[1] = 7",
                "p/x $xmm3.v2_int64[0]", "p/x $cr4", "info threads", "x/i $pc", "monitor vmcs cr0", "monitor walk 0x100000", "monitor apic",
                "monitor exit io", "delete", "watch *(int *)0x%x" % (COUNT + 8), "continue", "p/x *(long *)0x%x" % (COUNT + 8), "stepi",
                "monitor entry", "delete", "break *$pc", "detach")
    m.do("create floats --name g --memory 8 --paused --no-reboot")
    m.type("gdb g")
    m.emu.expect(rb"waits for a debugger", 20)
    p = subprocess.Popen(["gdb", "-nx", "-q", "-batch", *(w for c in commands for w in ("-ex", c))], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        m.output(120)
        said = p.communicate(timeout=60)[0]
    finally:
        p.kill()
    for wanted in (r"\$1 = 3\.14159265358979323", r"\$2 = 0xfff|\$2 = 4095", r"\$3 = 0x12345678", r"\$4 = 0x1f80", r"\$5 = 0x712345678",
                   r"\$6 = 0x2[02]\d|\$6 = 0x\w*200", r"vCPU 0", r"=> 0x%x:\s+fst" % FLOATS, r"(?i)cr0", r"no paging", r"SVR|0f0",
                   r"(?i)hardware watchpoint", r"0x712345678\n", r"stops before"):
        match(wanted, said, wanted)
    check(not re.search(r"warning: Arch|Remote failure|rror:|Cannot", said), said)


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
    for running in (False, True):       # Ctrl-C at the console ends the session, and the domain runs
        m.type("gdb g")
        m.emu.expect(rb"waits for a debugger", 20)
        g = Gdb(m.gdb_port, m.emu)
        g.ok("Z2,%x,4" % COUNT)
        if running:
            g.send("vCont;c")
        m.emu.send(b"\x03")
        match(r"interrupted", m.output(30))
        g.close()
        equal([d["state"] for d in common.rows(m, "list", "domains") if d["name"] == "g"], ["running"], "after Ctrl-C")
    m.type("gdb g")
    m.emu.expect(rb"waits for a debugger", 20)
    g = Gdb(m.gdb_port, m.emu)
    g.send("vKill;1")
    equal(g.receive(), "OK", "kill")
    m.output(30)
    check("g" not in [d["name"] for d in common.rows(m, "list", "domains")], "it is still there")


image("resets")(lambda: payload.elf(payload.out8(0xcf9, 6) + payload.HALT))


@test(SMALL)
def a_reset_ends_nothing(m):
    """a domain that is built again is still debugged, and its hardware breakpoints are there"""
    with Session(m, "", "resets") as g:
        g.ok("Z1,%x,1" % ENTRY)
        g.ok("Z0,%x,1" % (ENTRY + 7))
        for _ in range(2):
            match(r"hwbreak", g.go(), "the first instruction")
            equal(g.regs()["rip"], ENTRY, "RIP")
            g.ok("z1,%x,1" % ENTRY)
            g.go("s:1")
            g.ok("Z1,%x,1" % ENTRY)
        g.send("k")


@test(Machine(images=("spin",)), quick=True)
def without_a_line(m):
    m.do("create spin --name s --memory 8")
    match(r"no second serial line", m.fail("gdb s"))
    match(r"cannot debug itself", m.fail("gdb 0"))
    match(r"no vCPU 3|no second", m.fail("gdb s:3"))
    m.fail("gdb nobody")
    m.do("apic s")


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


def symbols(m):
    """of Debian's kernel, which is always at the same place (nokaslr): read in a guest"""
    g = common.Guest(m, "symbols", "--memory 256")
    text = g.run("grep -E ' (start_kernel|start_secondary|vfs_read|linux_banner|jiffies|jiffies_64|rest_init|kernel_init)$' /proc/kallsyms", 90)
    m.do("destroy symbols")
    return {name: int(address, 16) for address, _, name in re.findall(r"([0-9a-f]{16}) (\w) (\w+)", text)}


def linux(m, vcpus):
    """a kernel without symbols from its first instruction to user space, and out of it"""
    at = symbols(m)
    m.do("create linux --name g --memory 256 --paused --vcpus %d" % vcpus)
    m.type("gdb g")
    m.emu.expect(rb"waits for a debugger", 20)
    g = Gdb(m.gdb_port, m.emu, 240)
    equal(g.ask("qfThreadInfo"), "m" + ",".join("%x" % (n + 1) for n in range(vcpus)), "threads")
    try:
        g.read(at["start_kernel"], 1)
        check(False, "start_kernel is mapped before the kernel runs")
    except RspError:
        pass
    g.ok("Z1,%x,1" % at["start_kernel"])
    match(r"^T05thread:1;hwbreak", g.go(), "start_kernel")
    r = g.regs()
    equal((r["rip"], r["cr0"] >> 31, r["efer"] & 0x500), (at["start_kernel"], 1, 0x500), "RIP, CR0.PG, EFER at start_kernel")
    match(r"Linux version", g.read(at["linux_banner"], 40).decode("latin-1"), "memory")
    g.ok("z1,%x,1" % at["start_kernel"])
    last = r["rip"]
    for _ in range(20):
        match("^T05thread:1;$", g.go("s:1"), "a step")
        rip = g.regs()["rip"]
        check(rip != last and rip >> 32 == 0xffffffff, "a step goes to %x" % rip)
        last = rip
    g.ok("Z2,%x,8" % at["jiffies"])
    match(r"watch:%x" % at["jiffies"], g.go(), "jiffies is written")
    first = g.read64(at["jiffies"])
    match(r"watch:%x" % at["jiffies"], g.go(), "and again")
    equal(g.read64(at["jiffies"]), first + 1, "jiffies")
    g.ok("z2,%x,8" % at["jiffies"])
    if vcpus > 1:                   # INIT and SIPI leave the debugger's registers alone
        g.ok("Z1,%x,1" % at["start_secondary"])
        match(r"^T05thread:2;hwbreak", g.go(), "the second vCPU in the kernel")
        equal(g.regs(2)["rip"], at["start_secondary"], "RIP of it")
        g.ok("z1,%x,1" % at["start_secondary"])
    # a software breakpoint in code that every program runs, by whichever vCPU comes
    g.ok("Z0,%x,1" % at["vfs_read"])
    seen = set()
    for _ in range(4):
        thread = int(match(r"^T05thread:(\w+);swbreak", g.go(), "vfs_read")[1], 16)
        seen.add(thread)
        equal(g.regs(thread)["rip"], at["vfs_read"], "RIP of the thread that stopped")
        others = {t: g.regs(t)["rip"] for t in range(1, vcpus + 1) if t != thread}
        g.ok("z0,%x,1" % at["vfs_read"])
        match("^T05thread:%x;$" % thread, g.go("s:%x" % thread), "over it")
        equal({t: g.regs(t)["rip"] for t in others}, others, "the others stand still")
        g.ok("Z0,%x,1" % at["vfs_read"])
    g.ok("z0,%x,1" % at["vfs_read"])
    m.gdb_seen = seen
    g.send("vCont;c")
    g.interrupt()
    match(r"^T02", g.receive(), "break-in")
    g.ok("D")
    m.output(60)
    m.do('console g --expect "guest# " --timeout 150', 150)
    m.do("destroy g")
    g.close()


@test(Machine(images=("linux",), gdb=True), timeout=300)
def linux_boots_under_it(m):
    linux(m, 1)


@test(Machine(images=("linux",), gdb=True, cpus=2), timeout=400, only=("bochs", "qemu"))
def linux_with_four_vcpus(m):
    linux(m, 4)
