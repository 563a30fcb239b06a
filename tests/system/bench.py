# SPDX-License-Identifier: BSD-2-Clause
"""What things cost: no more than when it was recorded (tests/bench/recorded, scripts/bench --record)."""
import os
import re
import subprocess

import machine
import recorded
from suite import SCRATCH, Machine, check, equal, test


@test(quick=True, bare=True)
def what_is_dearer_is_seen(t):
    """more than 5 %, or gone; other places and names are left alone"""
    was, recorded.PATH = recorded.PATH, os.path.join(SCRATCH, "recorded")
    try:
        os.makedirs(SCRATCH, exist_ok=True)
        if os.path.exists(recorded.PATH):
            os.remove(recorded.PATH)
        recorded.write("here", {"a": 100, "b": 1}, lambda name: True)
        recorded.write("there", {"a": 7}, lambda name: True)
        recorded.write("here", {"c": 20}, lambda name: name == "c")
        equal(recorded.read(), {("here", "a"): 100, ("here", "b"): 1, ("here", "c"): 20, ("there", "a"): 7}, "recorded")
        equal(recorded.worse("here", {"a": 105, "b": 1, "c": 3}), [], "nothing is dearer")
        lines = recorded.worse("here", {"a": 106, "b": 2})
        check(len(lines) == 3 and "6.0 % more" in lines[0] and "not measured" in lines[2], "dearer are: %r" % lines)
        equal(recorded.worse("here", {"a": 1000}, lambda name: name == "b"), ["b on here: recorded as 1, and not measured"], "only b")
    finally:
        recorded.PATH = was


@test(Machine(images=("bench",), hv_args="quiet mitigations=off"), quick=True, only=("bochs", "ryzen"))
def exits_cost_what_they_did(m):
    """what the bench guest measures, where a tick is an instruction"""
    figures = {name: least for name, least, *_ in recorded.measure(m, 150)}
    place = "ryzen" if m.spec.cpu == machine.RYZEN else "bochs"
    inside = {name for w, name in recorded.read() if w == place} & figures.keys()
    check(len(inside) > 40, "only %d are recorded" % len(inside))
    worse = recorded.worse(place, figures, lambda name: name in inside)
    check(not worse, "\n".join(worse))


@test(bare=True, timeout=900)
def counting_costs_little(t):
    """count, time, histogram and worst case of an exit, and what it is about, against hypervisors that do not count them"""
    done = subprocess.run([os.path.join(machine.TOP, "scripts", "bench"), "--list", "counters"], stdout=subprocess.PIPE, text=True, check=True)
    costs = {name: int(n) for name, n in re.findall(r"^bench (\w+) instructions=(\d+)", done.stdout, re.M)}
    equal(costs.keys(), {"counters_cost", "counters_what_cost"}, "figures")
    check(0 < costs["counters_cost"] <= 25 and 0 < costs["counters_what_cost"] <= 15, done.stdout)
