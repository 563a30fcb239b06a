# SPDX-License-Identifier: BSD-2-Clause
"""Domains as such: how they end, what they cost, what cannot be one."""
import os
import re
import struct

import common
import density
import machine
import payload
from suite import Machine, check, domains, equal, image, match, test

SMALL = Machine(images=common.SMALL)


@test(SMALL, quick=True)
def ends_are_told_apart(m):
    out = m.do("create exit0 --memory 16 --wait")
    match(r"leaving", out, "the console during --wait")
    match(r"domain \S+ ended: (exit|power-off)\b", out)
    match(r"domain \S+ ended: exit 7\b", m.fail("create exit7 --memory 16 --wait"))
    match(r"domain \S+ ended: crash\b", m.fail("create crash --memory 16 --wait"))


@test(SMALL, quick=True)
def crash_is_shown(m):
    """a triple fault stops its domain alone, with its registers on the control console"""
    m.do("create halt --name bystander --memory 16")
    out = m.fail("create crash --name victim --memory 16 --no-reboot --wait")
    match(r"(?i)triple fault", out)
    match(r"(?i)rip[ =:]+(0x)?0*1000[0-9a-f]{2}\b", out, "the register dump")
    match(r"(?i)baadf00d", out, "the register dump")
    check(domains(m)["bystander"]["state"] not in ("ended", "dying"), "the other domain went with it")
    out = m.fail("create noclaim --memory 16 --no-reboot --wait")
    match(r"(?i)f0000000", out, "where it fetched from nowhere")


def come_and_go(m, count):
    m.do("create exit0 --memory 32 --wait")
    for d in domains(m).values():
        if d["id"]:
            m.do("destroy %d" % d["id"])
    before = common.free(m)
    for n in range(count):
        kind = ("halt", "spin", "exit0", "crash")[n % 4]
        options = ("", " --vcpus 2", " --paused", " --lazy")[n // 4 % 4]
        m.do("create %s --name d --memory %d%s%s" % (kind, 8 + n % 5 * 8, options, " --no-reboot" if kind == "crash" else ""))
        m.run("destroy d")
    equal(common.free(m), before, "free frames after %d domains" % count)
    equal([d["id"] for d in domains(m).values() if d["id"]], [], "domains that are left")


@test(SMALL, timeout=400)
def nothing_leaks(m):
    """hundreds of domains come and go: the number of free frames is the same as before"""
    come_and_go(m, 200)


@test(Machine(platform="qemu", images=common.SMALL), only=("bochs",))
def nothing_leaks_on_svm(m):
    """the same on AMD-V, shorter"""
    come_and_go(m, 48)


@test(SMALL, quick=True)
def out_of_memory(m):
    """is an error to who asked, gives back what was taken, and hurts nobody"""
    before = common.free(m)
    m.do("create halt --name first --memory 64")
    left = common.free(m)
    check(before - left >= 64 * 256, "64 MiB took only %d frames" % (before - left))
    for size in ("2048", "100000", "1048576"):
        match(r"(?i)memory", m.fail("create halt --name big --memory %s" % size))
        match(r"(?i)memory", m.fail("create halt --name big --memory %s --lazy" % size))
    equal(common.free(m), left, "free frames after what did not fit")
    # all that is left, in pieces, until it does not fit
    made = 0
    while made < 100 and m.run("create halt --name p%d --memory 100" % made)[1]:
        made += 1
    check(left // 25600 - 1 <= made <= left // 25600, "%d pieces of 100 MiB out of %d frames" % (made, left))
    check(domains(m)["first"]["state"] not in ("ended", "dying"), "the first one went")
    for n in range(made):
        m.do("destroy p%d" % n)
    m.do("destroy first")
    equal(common.free(m), before, "free frames in the end")


@test(Machine(images=("tiny",), memory=160), quick=True)
def memory_full_of_idle_domains(m):
    """tiny ones until one more is refused with a reason: all are there and asleep, and the next fits as soon as one goes"""
    before = density.info(m)
    said = density.fill(m, 1000)
    match(r"not enough memory: the machine has no 1 MiB free", said)
    now = density.info(m)
    each = (before.free - now.free) / (now.domains - 1)
    check(now.domains > 60 and now.free < 300 and each < 256 + 17, "%d domains of %.1f pages, %d left" % (now.domains - 1, each, now.free))
    check(all(d["state"] == "blocked" and d["hv_pages"] <= 16 for d in domains(m).values() if d["id"]), "not all sleep in 64 KiB")
    m.do("destroy 30")
    m.do(density.CREATE)
    density.given_back(m, before)


@test(Machine(images=("tiny",), memory=2048, hv_args="quiet"), only=("bochs",), long=True, timeout=900)
def a_thousand_idle_domains(m):
    """create, list and destroy cost with 1,000 domains at most twice what they cost with 10"""
    before = density.info(m)
    few, many = density.ways(m, 10), density.ways(m, 1000)
    for name in few:
        check(min(many[name]) < 2 * max(few[name]), "%s costs %r, with 10 domains %r" % (name, many[name], few[name]))
    density.given_back(m, before)


@test(SMALL)
def wrong_options(m):
    for text in ("--memory 0", "--memory x", "--memory -5", "--vcpus 0", "--vcpus 1000", "--memory", "--nonsense",
                 "--name " + "n" * 200):
        out = m.fail("create halt %s" % text)
        check(0 < len(out.strip().splitlines()) <= 3, "`create halt %s` says %r" % (text, out))
    m.do("create halt --name twin --memory 16")
    m.fail("create halt --name twin --memory 16")
    for word in ("pause", "unpause", "destroy", "shutdown", "reboot", "wait", "console", "vcpu-list", "stats", "sched"):
        match(r"\S", m.fail(word + " nobody"), "`%s nobody` says nothing" % word)
    m.fail("create nothing")
    m.fail("wait twin --timeout 1")
    m.fail('console twin --expect "never" --timeout 1')
    equal(sorted(d for d in domains(m) if domains(m)[d]["id"]), ["twin"], "domains")


# Files that are no image

def kernel():
    with open(machine.KERNEL, "rb") as f:
        return f.read()


def patched(data, offset, value):
    return data[:offset] + value + data[offset + len(value):]


GOOD = payload.elf(payload.leave(0))
BAD = {
    # name: (bytes, what the error has to speak of)
    "empty": (lambda: b"\0", r"."),
    "text": (lambda: b"This is no kernel.\n" * 400, r"(?i)(format|magic|kind|kernel|image|recogni)"),
    "cut-bzimage": (lambda: kernel()[:100000], r"(?i)(truncat|short|end|bytes)"),
    "cut-setup": (lambda: kernel()[:700], r"(?i)(truncat|short|end|bytes)"),
    "old-bzimage": (lambda: patched(kernel()[:2000000], 0x206, struct.pack("<H", 0x0105)), r"(?i)(protocol|version|old)"),
    "no-64bit": (lambda: patched(kernel(), 0x236, b"\0\0"), r"(?i)(64)"),
    "cut-elf": (lambda: GOOD[:60], r"(?i)(truncat|short|end|program header|bytes)"),
    "cut-segment": (lambda: GOOD[:-4], r"(?i)(truncat|short|end|segment|bytes)"),
    "arm-elf": (lambda: payload.elf(payload.HALT, machine=40), r"(?i)(machine|arch|x86|ARM|40|0x28)"),
    "plain-elf": (lambda: payload.elf(payload.HALT, multiboot=False), r"(?i)(PVH|multiboot)"),
    "high-elf": (lambda: payload.elf(payload.HALT, base=0xfee00000), r"(?i)(memory|RAM|outside|beyond|fit|address)"),
    "huge-segment": (lambda: patched(GOOD, 52 + 20, struct.pack("<I", 0x7fffffff)), r"(?i)(memory|RAM|outside|beyond|fit|address)"),
    "wrap-offset": (lambda: patched(GOOD, 52 + 4, struct.pack("<I", 0xfffff000)), r"(?i)(truncat|short|end|segment|bytes|beyond|outside)"),
    "wild-entry": (lambda: patched(GOOD, 24, struct.pack("<I", 0xdeadbee0)), r"(?i)(entry|address|outside)"),
}
for _name, (_make, _) in BAD.items():
    image("bad-" + _name)(_make)


@test(Machine(images=tuple("bad-" + n for n in BAD) + ("exit0",)), timeout=240)
def bad_images(m):
    """each is refused with a word about what is wrong; none leaves a domain or memory behind"""
    before = common.free(m)
    for name, (_, pattern) in BAD.items():
        out = m.fail("create bad-%s --memory 64" % name)
        match(pattern, out, "the error about bad-" + name)
        check(len(out.strip().splitlines()) <= 4, "the error about bad-%s is an essay: %r" % (name, out))
    equal([d for d in domains(m).values() if d["id"]], [], "domains made of bad images")
    equal(common.free(m), before, "free frames")
    m.do("create exit0 --memory 16 --wait")


# Shares of the processors

def run_times(m, names):
    every = domains(m)
    return {n: every[n]["run_ns"] for n in names}


def shares(m, names, seconds):
    """what each of them ran in a stretch of that many seconds of the machine"""
    begin = run_times(m, names)
    m.run("wait %s --timeout %d" % (names[0], seconds), 300)
    end = run_times(m, names)
    return {n: end[n] - begin[n] for n in names}


@test(Machine(cpus=2, images=common.SMALL), timeout=400)
def twenty_busy_on_two(m):
    """twenty busy vCPUs on two CPUs get equal shares; then by weight; then a cap"""
    names = ["b%d" % n for n in range(20)]
    for n in names:
        m.do("create spin --name %s --memory 8" % n)
    got = shares(m, names, 8)
    fair = sum(got.values()) / len(names)
    check(fair > 0.5e9, "twenty of them ran %.2f s each in 8 s of two CPUs" % (fair / 1e9))
    for n in names:
        check(0.8 < got[n] / fair < 1.2, "%s got %.2f of its share" % (n, got[n] / fair))
    for n in names[4:]:
        m.do("destroy " + n)
    for n in names[:4]:
        m.do("vcpu-pin %s 0 0" % n)
    m.do("sched b0 --weight 512")
    got = shares(m, names[:4], 8)
    ratio = got["b0"] / (sum(got[n] for n in names[1:4]) / 3)
    check(1.7 < ratio < 2.3, "twice the weight gets %.2f times the time" % ratio)
    check(max(got[n] for n in names[1:4]) / min(got[n] for n in names[1:4]) < 1.25, "the others' shares differ: %r" % got)


@test(Machine(images=common.SMALL))
def blocked_cost_nothing(m):
    """a halted domain gets no time, and the machine's CPU idles"""
    for n in range(5):
        m.do("create halt --name h%d --memory 8" % n)
    m.run("wait h0 --timeout 1", 60)
    got = shares(m, ["h%d" % n for n in range(5)], 5)
    check(max(got.values()) < 5e6, "a halted domain ran %d ns in 5 s" % max(got.values()))


@test(SMALL)
def pause_and_unpause(m):
    m.do("create spin --name p --memory 8 --paused")
    equal(run_times(m, ["p"]), {"p": 0}, "the time of a domain created --paused")
    m.do("unpause p")
    check(shares(m, ["p"], 2)["p"] > 1e9, "it does not run after unpause")
    m.do("pause p")
    equal(shares(m, ["p"], 2)["p"], 0, "the time of a paused domain")
