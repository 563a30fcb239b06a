# SPDX-License-Identifier: BSD-2-Clause
"""The hypervisor's own page tables, as its control domain reads them entry by entry: doctor's row "W^X, guard pages, windows"."""
import common
from suite import Machine, check, equal, test


def sound(m):
    row = [r for r in common.rows(m, "doctor", "doctor") if r["name"] == "W^X, guard pages, windows"]
    check(row and row[0]["found"], "page tables: %s" % (row or "no row"))
    return int(row[0]["value"].split()[0])


def come_and_go(m):
    """blocks of the hypervisor's come into its direct map and leave it again"""
    before, pages = common.free(m), sound(m)
    m.do("create halt --memory 800 --lazy --name a")      # the tables that this may need are set aside: 1.6 MiB
    m.do("create spin --memory 16 --vcpus 64 --name b")
    m.do("create exit0 --memory 64 --wait", 60)
    check(sound(m) > pages, "the direct map did not grow beyond %d pages" % pages)
    m.do("destroy a")
    m.do("destroy b")
    equal(common.free(m), before, "free frames")
    equal(sound(m), pages, "pages that are mapped")


@test(Machine(images=common.SMALL), quick=True)
def page_tables_are_sound(m):
    come_and_go(m)


@test(Machine(platform="qemu", board="q35", cpus=4, images=common.SMALL), only=("bochs",))
def on_four_cpus(m):
    come_and_go(m)


@test(Machine(memory=2048, images=common.SMALL), only=("bochs", "ryzen"))
def a_gigabyte(m):
    """a domain of 1 GiB, built at once and page by page: all of it comes back, and meanwhile the tables are sound"""
    before = common.free(m)
    for lazy in "", "--lazy":
        m.do("create halt --memory 1024 --name g " + lazy, 120)
        check(before - common.free(m) >= 1024 * 256 or lazy, "it has only %d frames" % (before - common.free(m)))
        sound(m)
        m.do("destroy g", 60)
        equal(common.free(m), before, "free frames")
