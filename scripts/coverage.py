# SPDX-License-Identifier: BSD-2-Clause
"""scripts/test --coverage [PATTERN]: which branches the host tests take, in each file that the Makefile lists as testable there"""
import concurrent.futures
import glob
import gzip
import json
import os
import subprocess

import machine

OUT = os.path.join(machine.BUILD, "coverage")
GOAL = 90


def make(*words):
    # -O0: a branch of the source is a branch, once; with inlining it is one in each copy
    base = ["make", "-s", "-C", machine.TOP, "B=build/coverage", "HOST_CFLAGS=-std=gnu11 -O0 -g --coverage -Wno-error -I."]
    return subprocess.run(base + ["-j%d" % (os.cpu_count() or 1), *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def branches(data):
    """of one object's counts: (file, line, number of the branch there, taken?)"""
    said = subprocess.run(["gcov", "--json-format", "--stdout", "-b", data], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          cwd=machine.TOP).stdout
    said = gzip.decompress(said) if said[:2] == b"\x1f\x8b" else said
    return [(os.path.relpath(os.path.join(machine.TOP, f["file"]), machine.TOP), line["line_number"], n, b["count"] > 0)
            for document in said.splitlines() for f in json.loads(document)["files"] for line in f["lines"]
            for n, b in enumerate(line["branches"])]


def measure(files):
    """builds and runs all host tests and the corpus of the fuzz targets; {file: {(line, branch): taken}}, and what failed"""
    for data in glob.glob(os.path.join(OUT, "**", "*.gcda"), recursive=True):
        os.remove(data)
    names = sorted(os.path.splitext(os.path.basename(f))[0] for f in glob.glob(os.path.join(machine.TOP, "tests/host/*_test.c")))
    fuzz = sorted(os.listdir(os.path.join(machine.TOP, "tests/host/fuzz/corpus")))
    make(*["build/coverage/host/%s" % n for n in names], *["build/coverage/host/%s_fuzz" % n for n in fuzz])
    runs = [[os.path.join(OUT, "host", n)] for n in names]
    runs += [[os.path.join(OUT, "host", n + "_fuzz"), "-n", "0", *sorted(glob.glob(
        os.path.join(machine.TOP, "tests/host/fuzz/corpus", n, "*")))] for n in fuzz]
    failed, taken = [], {name: {} for name in files}
    for command in runs:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=machine.TOP)
        if done.returncode:
            failed.append("%s: status %d" % (os.path.basename(command[0]), done.returncode))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(branches, glob.glob(os.path.join(OUT, "**", "*.gcda"), recursive=True)):
            for name, line, n, is_taken in found:
                if name in taken:
                    taken[name][line, n] = taken[name].get((line, n), False) or is_taken
    return taken, failed


def report(pattern):
    files = make("testable").split()
    taken, failed = measure(files)
    all_, all_taken, under = 0, 0, []
    for name in sorted(files):
        with open(os.path.join(machine.TOP, name)) as f:
            source = f.read().splitlines()
        # that an assertion of ours fails is not what tests are for
        of = {k: v for k, v in taken[name].items() if "ASSERT(" not in source[k[0] - 1]}
        if not taken[name] and "if (" in "\n".join(source):
            failed.append("%s: no test links it" % name)
        n = sum(of.values())
        all_, all_taken = all_ + len(of), all_taken + n
        percent = 100 * n / len(of) if of else 100
        if percent < GOAL:
            under.append(name)
        lines = sorted({k[0] for k, v in of.items() if not v})
        show = percent < GOAL or (pattern and pattern in name)
        print("%5.1f %% %4d of %4d  %s%s" % (percent, n, len(of), name, "  not all at: " + " ".join(map(str, lines)) if show else ""))
    total = 100 * all_taken / max(all_, 1)
    print("%5.1f %% of %d branches in %d files%s" % (total, all_, len(files), "; under %d %%: %s" % (GOAL, " ".join(under)) if under else ""))
    for text in failed:
        print("FAIL " + text)
    return 1 if failed or total < GOAL else 0
