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
	memory.c printf.c rights.c run.c sched.c share.c stats.c timer.c trace.c)
WORLD_TESTS := rights domain hypercall memory memory_giant ioreq run
HOST_TESTS += $(WORLD_TESTS)
# in the hypervisor that checks itself: the order of locks, windows without locks, frames after each call
$(foreach t,$(WORLD_TESTS),$(eval $(t)_SRCS := $(WORLD_SRCS) hv/debug.c) $(eval $(t)_CFLAGS := -DCAISSON_DEBUG -DCAISSON_CHECKS))
HOST_TESTS += refused
refused_SRCS := $(WORLD_SRCS)
refused_CFLAGS := -DCAISSON_DEBUG -DCAISSON_CHECKS
HOST_TESTS += event bus trace
event_SRCS := hv/event.c
bus_SRCS := hv/bus.c
trace_SRCS := hv/trace.c tests/host/fake_arch.c
