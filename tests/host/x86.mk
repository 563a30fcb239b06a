# SPDX-License-Identifier: BSD-2-Clause
# Host tests of the parts of arch/x86 that touch no instruction and no port.
HOST_TESTS += insn_decode vlapic vioapic
insn_decode_SRCS := arch/x86/insn_decode.c
vlapic_SRCS := arch/x86/vlapic.c
vioapic_SRCS := arch/x86/vioapic.c
