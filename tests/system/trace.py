# SPDX-License-Identifier: BSD-2-Clause
"""Traces: what the rings hold is what happened, and scripts/trace reads it."""
import base64
import glob
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import struct
import subprocess
import xml.dom.minidom
import zlib

import machine
import payload
from suite import SCRATCH, Failure, Machine, check, equal, image, match, rows, test

SCRIPT = os.path.join(machine.TOP, "scripts", "trace")
COUNTS = {"cpuid": 7, "rdmsr": 5, "wrmsr": 4, "wbinvd": 2, "page-violation": 6, "io": 11}


@image("known")
def known():
    """as many exits of each kind as COUNTS says, and the one that ends it"""
    cpuid = b"\xb8\0\0\0\0\x31\xc9\x0f\xa2"
    rdmsr = b"\xb9\x1b\0\0\0\x0f\x32"
    wrmsr = b"\x0f\x30"                                # what the last RDMSR read
    return payload.elf(cpuid * COUNTS["cpuid"] + rdmsr * COUNTS["rdmsr"] + wrmsr * COUNTS["wrmsr"] + b"\x0f\x09" * COUNTS["wbinvd"] +
                       payload.load32(0xf0000000) * COUNTS["page-violation"] + payload.out8(0x80, 1) * COUNTS["io"] + payload.leave(0))


MACHINE = Machine(images=("known",))


def decoder():
    loader = importlib.machinery.SourceFileLoader("caisson_trace", SCRIPT)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("caisson_trace", loader))
    loader.exec_module(module)
    return module


def written(records, khz=1000, crc=None):
    """the text of a dump of one CPU"""
    data = b"".join(struct.pack("<QQQHHBBBx", *r) for r in records)
    lines = ["noise", "caisson-trace 1 tsc_khz=%d" % khz, "kinds other cpuid hlt", "types - EXIT ENTRY IN OUT", "domain 1 one",
             "cpu 0 first=0 next=%d dropped=2" % len(records)]
    lines += [base64.b64encode(data[i:i + 96]).decode() for i in range(0, len(data), 96)]
    lines += ["end records=%d lost=1 crc32=%08x" % (len(records), zlib.crc32(data) if crc is None else crc), "caisson-trace end", ""]
    return "\r\n".join(lines)


# of each phase: the fields that the Trace Event Format asks for, and what they are
FIELDS = {"M": {"args": dict}, "X": {"ts": (int, float), "dur": (int, float), "cat": str, "args": dict},
          "i": {"ts": (int, float), "s": str, "cat": str, "args": dict}}


def valid(events):
    """the rules of the Trace Event Format, and what Perfetto drops events for: stretches of a thread that overlap"""
    ends, threads, named = {}, {}, set()
    for e in events:
        check(e.get("ph") in FIELDS and isinstance(e.get("name"), str) and e["name"], "not a trace event: %r" % e)
        for field, kind in {"pid": int, "tid": int, **FIELDS[e["ph"]]}.items():
            check(isinstance(e.get(field), kind), "no %s: %r" % (field, e))
        check(e["pid"] > 0 and e["tid"] > 0 and threads.setdefault(e["tid"], e["pid"]) == e["pid"], "whose: %r" % e)
        if e["ph"] == "M":
            check(e["name"] in ("process_name", "thread_name") and e["args"]["name"], "names nothing: %r" % e)
            named.add((e["name"], e["tid"]))
            continue
        check(0 <= e["ts"] < 2**64 and 0 <= e.get("dur", 0) < 2**64, "its time: %r" % e)
        check(e["ph"] != "i" or e["s"] == "t", "scope: %r" % e)
        if e["ph"] == "X":
            check(e["ts"] * 1000 >= ends.get(e["tid"], 0) - 0.5, "overlaps what was before: %r" % e)
            ends[e["tid"]] = (e["ts"] + e["dur"]) * 1000
    equal(named, {(n, t) for n in ("process_name", "thread_name") for t in threads}, "names of processes and threads")


@test(quick=True, bare=True)
def what_is_written_is_read(t):
    """every field there and back, stretches, pictures, JSON by its schema, and what is damaged is refused"""
    d = decoder()
    records = [(1000, 0x1111, 0x2222, 1, 0, 0, 1, 1), (1300, 0, 7, 1, 0, 0, 2, 0), (2000, 0x1113, 0, 1, 0, 0, 1, 2),
               (2100, 0x1113, 0, 1, 0, 0, 4, 1), (1 << 63, (1 << 64) - 1, 1 << 62, 65534, 255, 63, 3, 1)]
    trace = d.Trace(written(records))
    equal([(r.tsc, r.a, r.b, r.dom, r.cpu, r.vcpu, trace.types.index(r.type), r.kind) for r in trace.records], records, "records")
    equal(trace.lost, 3, "lost records")
    equal([(s.kind, s.begin, s.end) for s in trace.spans()], [("cpuid", 1000, 1300), (None, 1300, 2000), ("hlt", 2000, 2100)], "stretches")
    events = json.loads(json.dumps(d.chrome(trace)))["traceEvents"]
    valid(events)
    for damage in ({"pid": 0}, {"ts": "1"}, {"ph": "Z"}, {"dur": -1}, {"ts": 0, "dur": 5000}):
        try:
            valid([e if e.get("name") != "hlt" else {**e, **damage} for e in events])
        except Failure:
            continue
        check(False, "not seen to be wrong: %r" % damage)
    equal([(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"][0], ("cpuid", 0, 300), "the first exit, in us")
    for picture in (d.timeline(trace), d.histogram(trace)):
        check(len(xml.dom.minidom.parseString(picture).getElementsByTagName("rect")) > 2, "an empty picture")
    for text, why in ((written(records, crc=1), "checksum"), ("nothing", "no `trace dump`"), (written(records)[:-40], "")):
        try:
            d.Trace(text)
        except d.TraceError as e:
            match(why, str(e))
        else:
            check(False, "a damaged dump is read")


@test(quick=True, bare=True)
def headers_are_for_everybody(t):
    """hv/abi/ in C99, C11 and C++, each alone, 32 and 64 bits: the layouts are asserted in them"""
    for path in sorted(glob.glob(os.path.join(machine.TOP, "hv", "abi", "*.h"))):
        for words in (("c", "c99"), ("c", "c11"), ("c++", "c++11")):
            for bits in ("-m64", "-m32"):
                done = subprocess.run(["gcc", "-ffreestanding", "-fsyntax-only", "-Wall", "-Wextra", "-pedantic", "-Werror", bits, "-I" + machine.TOP,
                                       "-x", words[0], "-std=" + words[1], path], capture_output=True, text=True)
                missing = bits == "-m32" and "c++config.h" in done.stderr           # no 32-bit C++ library here
                check(done.returncode == 0 or missing, "%s as %s: %s" % (path, words[1], done.stderr[:400]))


def dump(m, name):
    path = os.path.join(SCRATCH, name)
    with open(path, "w") as f:
        f.write(m.do("trace dump", 60))
    return path


@test(MACHINE, quick=True)
def counts_are_right(m):
    """a guest that makes a known number of exits of each kind: the trace, the counters and the decoder agree"""
    m.do("trace on --exits all --records all --overwrite")
    m.do("create known --name k --memory 8 --wait", 30)
    m.do("trace off")
    path = dump(m, "known.trace")
    with open(path) as f:
        trace = decoder().Trace(f.read())
    exits = [r for r in trace.records if r.type == "EXIT"]
    kinds = [trace.kind(r.kind) for r in exits]
    counted = {e["name"]: e["count"] for e in rows(m, "stats k", "stats")[0]["exits"]}
    equal({k: kinds.count(k) for k in counted}, counted, "exits by kind, trace against counters")
    for kind, n in COUNTS.items():
        equal(kinds.count(kind), n + (kind == "io"), kind)
    equal(sorted({r.b & 0xffff for r, k in zip(exits, kinds) if k == "io"}), [0x80, 0xf4], "ports")
    equal({r.b for r, k in zip(exits, kinds) if k == "rdmsr"}, {0x1b}, "MSRs")
    entries = sum(r.type == "ENTRY" for r in trace.records)
    check(abs(entries - len(exits)) <= 1, "%d entries and %d exits" % (entries, len(exits)))
    check([r.tsc for r in trace.records] == sorted(r.tsc for r in trace.records), "times go back")
    match(r"(?m)^ +%d +io +10080$" % COUNTS["io"], m.do("trace top"), "trace top")
    done = subprocess.run([SCRIPT, path, "--stat", "--json", path + ".json", "--timeline", path + ".svg", "--histogram", path + "-h.svg",
                           "--ctf", path + ".ctf"], capture_output=True, text=True)
    equal(done.returncode, 0, "scripts/trace: " + done.stderr)
    match(r"(?m)^cpuid +%d " % COUNTS["cpuid"], done.stdout, "summary")
    with open(path + ".json") as f:
        events = json.load(f, parse_constant=float)["traceEvents"]
    valid(events)
    equal(sum(e["name"] == "rdmsr" for e in events), COUNTS["rdmsr"], "rdmsr in the JSON")
    for suffix in (".svg", "-h.svg"):
        check(len(xml.dom.minidom.parse(path + suffix).getElementsByTagName("rect")) > 3, "an empty picture: " + suffix)
    equal(os.path.getsize(path + ".ctf/stream"), 4 + len(trace.records) * 31, "bytes of the CTF stream")
    if shutil.which("babeltrace2"):
        done = subprocess.run(["babeltrace2", path + ".ctf"], capture_output=True, text=True)
        equal(done.returncode, 0, "babeltrace2: " + done.stderr)
        equal([(r.type.lower(), r.a, r.b, r.kind) for r in trace.records],
              [(n, int(a), int(b), int(k)) for n, a, b, k in
               re.findall(r"(\w+): \{ a = (\d+), b = (\d+), .*kind = (\d+) \}", done.stdout)], "what babeltrace2 reads")


@test(MACHINE)
def filters_and_full_rings(m):
    """only what was asked for, only of whom, and a full ring does what it was told"""
    read = decoder().Trace
    m.do("trace on --exits cpuid,io --records EXIT")
    m.do("create known --name a --memory 8 --wait", 30)
    trace = read(m.do("trace dump", 60))
    equal({r.type for r in trace.records}, {"EXIT"}, "types")
    equal(sorted({trace.kind(r.kind) for r in trace.records}), ["cpuid", "io"], "kinds")
    check(m.fail("trace filter --exits nonsense"), "words")
    m.do("trace on 0 --exits all --records all --stop")
    for _ in range(200):            # how many records one makes depends on how busy the machine is
        m.do("create known --memory 8 --wait", 30)
        if re.search(r"records, [1-9]\d* lost", m.do("trace status")):
            break
    trace = read(m.do("trace dump", 100))
    equal({r.dom for r in trace.records}, {0}, "domains")
    equal((len(trace.records), trace.lost > 0), (8192, True), "records of a full ring that takes no more")
    m.do("trace on 0 --overwrite")
    m.do("create known --memory 8 --wait", 30)
    first = read(m.do("trace dump --last 100", 60))
    equal(len(first.records), 100, "the last ones")
    m.do("trace off")
    match(r"trace is off", m.do("trace status"))
    equal(len(read(m.do("trace dump --last 1")).records), 1, "what is there when it is off")


def store32(address, value):
    return b"\xc7\x05" + struct.pack("<II", address, value)       # mov dword [address], value


@image("timer")
def timer():
    """its APIC's timer posts vector 55h once, and it waits for that in IRR; then it writes to COM1's scratch register"""
    apic = 0xfee00000
    wait = payload.load32(apic + 0x220) + b"\xa9\x00\x00\x20\x00"   # test eax, 1 << 21
    return payload.elf(store32(apic + 0xf0, 0x1ff) + store32(apic + 0x320, 0x55) + store32(apic + 0x380, 10000) +
                       wait + b"\x74" + bytes([256 - len(wait) - 2]) + payload.out8(0x3ff, 0x77) + payload.leave(0))


@test(Machine(images=("timer",)), quick=True)
def posts_have_vectors(m):
    """an interrupt that the hypervisor posts is recorded with its vector; a device model is asked and answers; turns"""
    m.do("trace on --exits all --records POST,IOREQ,ANSWER,IN,OUT")
    m.do("create timer --memory 8 --wait", 30)
    m.do("trace off")
    trace = decoder().Trace(m.do("trace dump", 60))
    said = [(r.type, trace.detail(r)) for r in trace.records]
    equal([s for s in said if s[0] == "POST"], [("POST", "vector 55")], "what was posted")
    equal([s for s in said if s[0] == "IOREQ"], [("IOREQ", "port write8 3ff: 77"), ("IOREQ", "port write8 f4: 0")], "device accesses")
    equal([t for t, _ in said if t in ("IOREQ", "ANSWER")][:2], ["IOREQ", "ANSWER"], "the answer")
    check({"IN", "OUT"} <= {t for t, _ in said} and said[0][0] == "IN", "turns: %r" % said)


@test(Machine(images=("known", "spin")))
def statistics_are_sorted_and_shown(m):
    """stats by each order, with histograms; JSON has them; a reset begins anew"""
    m.do("create known --name k --memory 8 --wait", 30)
    for order, key in (("cycles", lambda e: -e["cycles"]), ("count", lambda e: -e["count"]), ("worst", lambda e: -e["worst"]),
                       ("average", lambda e: -(e["cycles"] // e["count"])), ("name", lambda e: e["name"])):
        exits = json.loads(m.do("stats k --json --sort " + order))[0]["exits"]
        equal(exits, sorted(exits, key=key), "exits by " + order)
        for e in exits:
            equal(sum(e["hist"]), e["count"], "histogram of " + e["name"])
    match(r"(?m)2\^\d+ +\d+  #{40}$", m.do("stats k --histogram"))
    m.fail("stats k --sort nonsense")
    m.do("create spin --memory 8")
    m.do("stats spin --reset")
    check(sum(e["count"] for e in json.loads(m.do("stats spin --json"))[0]["exits"]) < 200, "counts after a reset")
    m.do("trace on 0")
    match(r"(?m)^ +\d+ +hypercall +435300", m.do("trace top --for 1 --last 5", 60), "live")
    m.do("trace off")


@test(Machine(images=("spin",), cpus=2))
def times_of_each_cpu(m):
    """idle, guest and root time add up; a CPU is idle while it is, also when nothing ends that, and in guests while one spins there"""
    def look(seconds):
        before, = [c for c in json.loads(m.do("info --json"))["cpu_list"] if c["id"] == 1]
        m.run("wait s --timeout %d" % seconds, 120)
        after, = [c for c in json.loads(m.do("info --json"))["cpu_list"] if c["id"] == 1]
        spent = {k: after[k] - before[k] for k in ("idle_ns", "guest_ns", "root_ns", "switches")}
        total = sum(spent[k] for k in ("idle_ns", "guest_ns", "root_ns"))
        check(seconds * 0.9e9 < total < seconds * 10e9, "%r in %d s" % (spent, seconds))
        return spent["idle_ns"] / total, spent["guest_ns"] / total
    m.do("vcpu-pin 0 0 0")
    m.do("create spin --name s --memory 8 --paused")
    m.do("vcpu-pin s 0 1")
    idle, guest = look(1)
    check(idle > 0.9, "%f idle, %f in guests, of a CPU that has nothing to do" % (idle, guest))
    m.do("unpause s")
    idle, guest = look(1)
    check(guest > 0.9, "%f idle, %f in guests, of a CPU with a guest that spins" % (idle, guest))
    match(r"(?m)^ +1 +1 +0 +\d+\.\d{3} +\d+\.\d{3} ", m.do("info"), "info's row")
    match(r"CPU +1: +\d+\.\d % in guests", m.do("top --count 1"), "top's line")


@image("about")
def about():
    """known(), and then it stays"""
    return payload.elf(b"\xb8\0\0\0\0\x31\xc9\x0f\xa2" * 9 + b"\xb9\x1b\0\0\0\x0f\x32" * 8 + payload.out8(0x80, 1) * 7 +
                       payload.load32(0xf0000000) * 6 + payload.HALT)


@test(Machine(images=("about",)), quick=True)
def what_exits_are_about(m):
    """which leaf, MSR, port and page, counted to the last one, always"""
    def about():
        exits = rows(m, "stats a", "stats")[0]["exits"]
        return {(e["name"], int(w["what"], 16)): w["count"] for e in exits for w in e["what"]}, {e["name"]: e["count"] for e in exits}

    m.do("create about --name a --memory 8")
    want = {("cpuid", 0): 9, ("rdmsr", 0x1b): 8, ("io", 0x80): 7, ("page-violation", 0xf0000000): 6}
    for _ in range(20):
        got, counts = about()
        if got.get(("page-violation", 0xf0000000), 0) >= 6:
            break
    equal({k: got.get(k) for k in want}, want, "what exits are about")
    for kind in ("cpuid", "rdmsr", "io"):
        equal(sum(n for (name, _), n in got.items() if name == kind), counts[kind], kind + " in both")
    match(r"  rdmsr +8 [^\n]*\r?\n +1b: 8\b", m.do("stats a"), "as text")
    m.do("stats a --reset")
    check(("cpuid", 0) not in about()[0], "reset")
