# SPDX-License-Identifier: BSD-2-Clause
# The whole control domain, but for its start, on the host against a small hypervisor.
HOST_TESTS += shell
shell_SRCS := tests/host/fake_hv.c $(filter-out guest/control/main.c,$(CONTROL_SRCS))
shell_CFLAGS := -DCAISSON_FAKE
