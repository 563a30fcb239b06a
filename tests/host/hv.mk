# SPDX-License-Identifier: BSD-2-Clause
# Host tests of hv's pure logic.
HOST_TESTS += frame timer heap sched
frame_CFLAGS := -DCAISSON_DEBUG
frame_SRCS := hv/frame.c tests/host/fake_arch.c
timer_SRCS := hv/timer.c hv/heap.c tests/host/fake_arch.c
heap_SRCS := hv/heap.c
sched_SRCS := hv/sched.c hv/heap.c tests/host/fake_arch.c
