# SPDX-License-Identifier: BSD-2-Clause
# The whole control domain, but for its start, on the host against a small hypervisor.
CONTROL_ALL := tests/host/fake_hv.c $(filter-out guest/control/main.c guest/control/serial2.c,$(CONTROL_SRCS))
HOST_TESTS += shell shell_eyes shell_life gdb
shell_SRCS := $(CONTROL_ALL)
shell_CFLAGS := -DCAISSON_FAKE
shell_eyes_SRCS := $(CONTROL_ALL)
shell_eyes_CFLAGS := -DCAISSON_FAKE
shell_life_SRCS := $(CONTROL_ALL)
shell_life_CFLAGS := -DCAISSON_FAKE
gdb_SRCS := $(CONTROL_ALL)
gdb_CFLAGS := -DCAISSON_FAKE

HOST_TESTS += check_walls
check_walls_SRCS := guest/control/check_walls.c
check_walls_CFLAGS := -DCAISSON_FAKE
HOST_TESTS += control_stats
control_stats_SRCS := guest/control/stats.c
control_stats_CFLAGS := -DCAISSON_FAKE
