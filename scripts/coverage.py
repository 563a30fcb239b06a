# SPDX-License-Identifier: BSD-2-Clause
"""scripts/test --coverage: which branches the host tests take, per file"""
import glob
import gzip
import json
import os
import subprocess

import machine

OUT = os.path.join(machine.BUILD, "coverage")
ROOMS = ("boot/", "arch/", "hv/", "drivers/", "guest/")
GOAL = 90


def measure(show):
    """builds and runs all host tests and the corpus of the fuzz targets; {file: {(line, branch): taken}}"""
    for data in glob.glob(os.path.join(OUT, "**", "*.gcda"), recursive=True):
        os.remove(data)
    flags = "-std=gnu11 -O1 -g --coverage -Wno-error -I."
    base = ["make", "-s", "-C", machine.TOP, "B=build/coverage", "HOST_CFLAGS=" + flags]
    names = [os.path.splitext(os.path.basename(f))[0] for f in glob.glob(os.path.join(machine.TOP, "tests/host/*_test.c"))]
    fuzz = sorted(os.listdir(os.path.join(machine.TOP, "tests/host/fuzz/corpus")))
    subprocess.run(base + ["-j%d" % (os.cpu_count() or 1)] + ["build/coverage/host/%s" % n for n in names] +
                   ["build/coverage/host/%s_fuzz" % n for n in fuzz], check=True, stdout=subprocess.DEVNULL)
    runs = [[os.path.join(OUT, "host", n)] for n in sorted(names)]
    runs += [[os.path.join(OUT, "host", n + "_fuzz"), "-n", "0", *sorted(glob.glob(
        os.path.join(machine.TOP, "tests/host/fuzz/corpus", n, "*")))] for n in fuzz]
    for command in runs:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=machine.TOP)
        if done.returncode:
            show("%s: status %d" % (os.path.basename(command[0]), done.returncode))
    taken = {}
    for data in sorted(glob.glob(os.path.join(OUT, "**", "*.gcda"), recursive=True)):
        said = subprocess.run(["gcov", "--json-format", "--stdout", "-b", data], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              cwd=machine.TOP).stdout
        said = gzip.decompress(said) if said[:2] == b"\x1f\x8b" else said
        for document in said.splitlines():
            for f in json.loads(document)["files"]:
                name = os.path.relpath(os.path.join(machine.TOP, f["file"]), machine.TOP)
                if not name.startswith(ROOMS) or not name.endswith(".c"):
                    continue
                into = taken.setdefault(name, {})
                for line in f["lines"]:
                    for n, b in enumerate(line["branches"]):
                        key = line["line_number"], n
                        into[key] = into.get(key, False) or b["count"] > 0
    return taken


def report():
    taken, all_, all_taken, under = measure(print), 0, 0, 0
    for name in sorted(taken):
        with open(os.path.join(machine.TOP, name)) as f:
            source = f.read().splitlines()
        # that an assertion of ours fails is not what tests are for
        of = {k: v for k, v in taken[name].items() if "ASSERT(" not in source[k[0] - 1]}
        if not of:
            continue
        n = sum(of.values())
        all_, all_taken = all_ + len(of), all_taken + n
        percent = 100 * n / len(of)
        lines = sorted({k[0] for k, v in of.items() if not v})
        under += percent < GOAL
        print("%5.1f %% %4d of %4d  %s%s" % (percent, n, len(of), name, "" if percent >= GOAL else
                                            "  not all at: " + " ".join(map(str, lines[:24])) + (" ..." if len(lines) > 24 else "")))
    print("%5.1f %% of %d branches in %d files; %d files under %d %%" % (100 * all_taken / max(all_, 1), all_, len(taken), under, GOAL))
    return 0
