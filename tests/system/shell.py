# SPDX-License-Identifier: BSD-2-Clause
"""The control domain's shell as a person meets it."""
import json
import re

import common
import machine
from suite import Machine, check, domains, equal, match, test

SMALL = Machine(images=common.SMALL)
WORDS = ("help images list create console pause unpause shutdown reboot destroy wait vcpu-list vcpu-pin sched info doctor stats "
         "dmesg poweroff").split()


@test(SMALL, quick=True)
def help_names_the_commands(m):
    out = m.do("help")
    for word in WORDS:
        match(r"(?m)(^|[\s|,])%s([\s|,]|$)" % re.escape(word), out, "help")


@test(SMALL, quick=True)
def unknown_word(m):
    out = m.fail("crate linux")
    equal(len(out.strip().splitlines()), 1, "lines about an unknown word")
    match(r"crate", out)
    match(r"\b(create|help)\b", out, "a hint")
    equal(m.status(), 0, "the status of `status`")
    m.do("list")


@test(SMALL, quick=True)
def json_is_json(m):
    m.do("create spin --name \"j\" --memory 8")
    for command in ("list", "info", "doctor", "vcpu-list", "stats", "stats j"):
        text = m.do(command + " --json")
        try:
            json.loads(text)
        except ValueError as e:
            check(False, "`%s --json`: %s: %r" % (command, e, text[:200]))
    row = domains(m)["j"]
    equal((row["vcpus"], row["pages"] >= 8 * 256), (1, True), "vCPUs and pages")


@test(SMALL, quick=True)
def line_editing(m):
    """the line is what a person sees of it: backspace, arrows, Ctrl-A, Ctrl-E, Ctrl-U; history; completion"""
    def typed(keys, pattern, timeout=10):
        m.emu.send(keys)
        m.emu.expect(pattern, timeout)

    def fresh():
        m.emu.expect(machine.PROMPT, 10)

    typed(b"imagez\x7fs\r", rb"spin")
    fresh()
    equal(m.status(), 0, "after backspace")
    typed(b"mages\x01i\x05\r", rb"spin")                    # Ctrl-A, i, Ctrl-E
    fresh()
    equal(m.status(), 0, "after Ctrl-A")
    typed(b"iages\x1b[D\x1b[D\x1b[D\x1b[Dm\r", rb"spin")    # left, four times
    fresh()
    equal(m.status(), 0, "after the left arrow")
    typed(b"nonsense\x15images\r", rb"spin")                # Ctrl-U
    fresh()
    equal(m.status(), 0, "after Ctrl-U")
    m.do("create halt --name hist --memory 8")
    typed(b"list\r", rb"hist.*caisson# ")
    m.fail("nonsense")
    m.emu.send(b"\x1b[A\x1b[A\x1b[A\r")                     # up: status, nonsense, list
    m.emu.expect(rb"hist.*[\r\n]caisson# ", 10)
    equal(m.status(), 0, "the line from history")
    typed(b"imag\t\r", rb"spin")
    fresh()
    equal(m.status(), 0, "the completed word")
    typed(b"destroy hi\t\r", rb"\n")
    fresh()
    check("hist" not in domains(m), "the name of a domain was not completed")


@test(SMALL)
def console_log_send_expect(m):
    m.do("create exit0 --name said --memory 8 --no-reboot")
    m.run("wait said --timeout 5", 30)
    m.do("create halt --name quiet --memory 8")
    m.do('console quiet --expect "halting" --timeout 5')
    match(r"halting", m.do("console quiet --log"))
    match(r"(?i)time|not", m.fail('console quiet --expect "never" --timeout 1'))
    m.do('console quiet --send "x"')


@test(SMALL)
def long_and_strange_lines(m):
    """a line of two thousand bytes, control bytes, half an escape sequence: an error at most"""
    m.emu.send(b"x" * 2000 + b"\r")
    m.emu.expect(machine.PROMPT, 20)
    m.emu.send(b"\x1b[\x1b\x00\x07\xff\xfe\x80\x15\r")
    m.emu.expect(machine.PROMPT, 20)
    m.run('create "halt', 10)
    m.run("list ; ; \\", 10)
    m.run("stats --json --json --json extra words", 10)
    m.do("list")


@test(SMALL)
def counters_count(m):
    """stats shows exits by kind, and they grow with what the guest does"""
    m.do("create halt --name c --memory 8")
    out = m.do("stats c")
    match(r"(?i)\b(io|port|hlt|cpuid)", out, "stats by exit kind")
    match(r"\d", m.do("stats"))
    match(r"(?i)caisson", m.do("dmesg"), "the hypervisor's log")
