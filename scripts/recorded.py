# SPDX-License-Identifier: BSD-2-Clause
"""Figures of scripts/bench as they were when somebody last looked: tests/bench/recorded, lines `WHERE NAME INSTRUCTIONS`."""
import os
import re

import emu

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "bench", "recorded")
PERCENT = 5


def where(platform, hv_args=""):
    return ",".join([platform] + hv_args.split())


def parse(text):
    """what the bench guest printed: (name, minimum, median, maximum, n)"""
    return [(name, *map(int, numbers)) for name, *numbers in
            re.findall(r"^bench (\w+) min=(\d+) median=(\d+) max=(\d+) mean=\d+ n=(\d+)", text, re.M)]


def measure(shell, timeout=300):
    """runs the bench guest as a domain: its figures.  Before, the machine sleeps until what is free is zero"""
    shell.do("create bench --name sleeper --memory 64 --lazy --paused")
    shell.run("wait sleeper --timeout 10", 150)
    shell.do("destroy sleeper")
    out = shell.do("create bench --memory 64 --vcpus 2 --lazy --testdev --wait", timeout)
    if not parse(out):
        raise emu.EmuError("the bench guest printed no figure: " + out[-500:])
    return parse(out)


def read():
    """{(where, name): instructions}"""
    if not os.path.exists(PATH):
        return {}
    with open(PATH) as f:
        rows = [line.split() for line in f if line.strip() and not line.startswith("#")]
    return {(place, name): int(number) for place, name, number in rows}


def concerned(place, wanted):
    return {name: number for (w, name), number in read().items() if w == place and wanted(name)}


def write(place, figures, wanted):
    """the figures of one place, instead of those that were wanted and there"""
    old = concerned(place, wanted)
    rows = {key: number for key, number in read().items() if key[0] != place or key[1] not in old}
    rows.update({(place, name): number for name, number in figures.items()})
    with open(PATH + ".new", "w") as f:
        f.write("# Instructions of scripts/bench, written by scripts/bench --record: where, what, how many\n")
        f.writelines("%s %s %d\n" % (*key, rows[key]) for key in sorted(rows))
    os.replace(PATH + ".new", PATH)


def worse(place, figures, wanted=lambda name: True):
    """a line for each wanted figure that is dearer than recorded by more than PERCENT, or gone"""
    lines = []
    for name, before in sorted(concerned(place, wanted).items()):
        if name not in figures:
            lines.append("%s on %s: recorded as %d, and not measured" % (name, place, before))
        elif figures[name] * 100 > before * (100 + PERCENT):
            lines.append("%s on %s: %d instructions, recorded as %d: %.1f %% more"
                         % (name, place, figures[name], before, figures[name] * 100 / before - 100))
    return lines
