# SPDX-License-Identifier: BSD-2-Clause
# Host tests of the parts of arch/x86 that touch no instruction and no port.
HOST_TESTS += insn_decode vlapic vioapic
insn_decode_SRCS := arch/x86/insn_decode.c
vlapic_SRCS := arch/x86/vlapic.c
vioapic_SRCS := arch/x86/vioapic.c
# What becomes of exits: over a vCPU without a processor.
GUEST_CPU := tests/host/guest_cpu.c $(addprefix arch/x86/,exit.c walk.c io.c insn_decode.c vlapic.c vioapic.c) hv/bus.c hv/stats.c
HOST_TESTS += exit
exit_SRCS := $(GUEST_CPU)
exit_CFLAGS := -include tests/host/fake_asm.h
HOST_TESTS += io
io_SRCS := $(GUEST_CPU)
io_CFLAGS := -include tests/host/fake_asm.h
HOST_TESTS += msr
msr_SRCS := $(GUEST_CPU) $(addprefix arch/x86/,msr.c pv.c msr_policy.c pvclock.c)
msr_CFLAGS := -include tests/host/fake_asm.h
HOST_TESTS += watch
watch_SRCS := $(addprefix arch/x86/,watch.c insn_decode.c)
watch_CFLAGS := -include tests/host/fake_asm.h
