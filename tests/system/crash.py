# SPDX-License-Identifier: BSD-2-Clause
"""The hypervisor's own crash report: every CPU, and names by scripts/backtrace."""
import os
import re
import subprocess

import machine
from suite import Machine, check, equal, match, test


@test(timeout=120)
def every_cpu_is_in_the_report(t):
    """a machine check, which QEMU can make: CPU 2 panics, the others say where they were, in the guest or idle"""
    m = t.boot(Machine(platform="qemu", cpus=4, images=("spin",)))
    m.do("create spin --memory 8")
    m.emu.monitor("mce 2 1 0xbd00000000000134 5 0x1000 0")
    m.emu.expect(rb"end of the panic report", 30)
    text = m.text().replace("\r", "")
    report = text[text.index("*** Caisson panic"):]
    match(r"machine check on CPU 2", report)
    match(r"bank 1: status bd00000000000134 address 0000000000001000", report)
    equal(sorted(re.findall(r"(?m)^CPU (\d), APIC id", report)), list("0123"), "CPUs in the report")
    match(r"has vCPU 1:0", report, "who ran the guest")
    done = subprocess.run([os.path.join(machine.TOP, "scripts", "backtrace")], input=report, capture_output=True, text=True)
    equal(done.returncode, 0, "scripts/backtrace: " + done.stderr)
    part = re.split(r"(?m)^(?=CPU \d, APIC id)", done.stdout)[1:]
    equal(len(part), 4, "CPUs")
    for text in part:
        match(r"(?m)^    ffffffff8\w{7} run_loop\+0x\w+ +run\.c:\d+$|hv_main|run_idle|arch_cpu_idle", text, "a caller of this CPU")
    check(any("svm_" in text for text in part), "no CPU was at its guest")
