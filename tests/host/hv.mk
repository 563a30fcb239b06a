# SPDX-License-Identifier: BSD-2-Clause
# Host tests of hv's pure logic.
HOST_TESTS += frame timer heap sched
frame_CFLAGS := -DCAISSON_DEBUG
frame_SRCS := hv/frame.c tests/host/fake_arch.c
timer_SRCS := hv/timer.c hv/heap.c tests/host/fake_arch.c
heap_SRCS := hv/heap.c
sched_SRCS := hv/sched.c hv/heap.c tests/host/fake_arch.c

# All of hv but boot, console and log over a machine that is none; hv's own string functions stay out of the way of the host's.
WORLD_SRCS := tests/host/world.c tests/host/fake_arch.c $(addprefix hv/,bus.c domain.c event.c frame.c heap.c hypercall.c ioreq.c \
	memory.c printf.c rights.c run.c sched.c share.c timer.c trace.c)
HOST_TESTS += rights domain
rights_SRCS := $(WORLD_SRCS)
rights_CFLAGS := -DCAISSON_DEBUG
domain_SRCS := $(WORLD_SRCS)
domain_CFLAGS := -DCAISSON_DEBUG
HOST_TESTS += event
event_SRCS := hv/event.c
