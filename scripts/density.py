# SPDX-License-Identifier: BSD-2-Clause
"""Many idle domains: made, listed, destroyed, and what that costs the control domain."""
import collections
import json
import re

import emu
import machine

CREATE = "create tiny --memory 1"
Info = collections.namedtuple("Info", "free domains")   # pages that are promised to nobody; the control domain counts


def info(shell):
    text = shell.do("info", 60)
    free, promised = re.search(r"(\d+) free, (\d+) promised", text).groups()
    return Info(int(free) - int(promised), int(re.search(r"domains +(\d+)", text)[1]))


def computed(shell, line):
    """ticks that the control domain ran for a command, less those for as many blanks: what the serial line takes is not in them"""
    def ticks():
        shell.type("vcpu-list 0 --json")
        return json.loads(shell.output(60))[0]["run_ns"] * machine.IPS // 10**9

    def passed(text):
        before = ticks()
        shell.type(text)
        shell.output(600)
        return ticks() - before
    return passed(line) - passed(" " * len(line))


def fill(shell, wanted):
    """makes so many domains, or as many as there is memory for: what the last `create` said"""
    text, n = "", info(shell).domains - 1
    while n < wanted and "error" not in text:
        lines = min(50, wanted - n)
        shell.emu.send((CREATE + "\r").encode() * lines)
        text = "".join(shell.output(300) for _ in range(lines))
        n += lines
    return text.strip().splitlines()[-1] if text else ""


def ways(shell, there):
    """ticks of each command with so many domains: {its name: some of them}; `list`: for each domain"""
    fill(shell, there)
    found = {"list": [computed(shell, "list") // (there + 1)], "create": [], "destroy": []}
    for _ in range(7):
        found["create"].append(computed(shell, CREATE + " --name one"))
        found["destroy"].append(computed(shell, "destroy one"))
    if info(shell).domains != there + 1:
        raise emu.EmuError("%d domains are there instead of %d" % (info(shell).domains, there + 1))
    return found


def given_back(shell, begin):
    """destroys all but the control domain, and looks whether the memory is what it was"""
    ids = [str(d["id"]) for d in json.loads(shell.do("list --json", 600)) if d["id"]]
    for i in range(0, len(ids), 30):
        shell.do("destroy " + " ".join(ids[i:i + 30]), 300)
    now = info(shell)
    # Records of shares are made once and kept: 36 in a page, one for each domain's request page
    if now.domains != 1 or not 0 <= begin.free - now.free <= len(ids) / 36 + 1:
        raise emu.EmuError("%d domains left, %d pages of %d are not back" % (now.domains - 1, begin.free - now.free, begin.free))
