# SPDX-License-Identifier: BSD-2-Clause
# guest/hostile is one image, build/guest/hostile.elf; it borrows what the guest tests share.

HOSTILE_OBJS := $(patsubst %.c,build/guest/%.o,$(wildcard guest/hostile/*.c)) \
	$(addprefix build/guest/tests/guest/common/,test.o modes.o)
$(call guest_elf,hostile,$(HOSTILE_OBJS))

-include $(wildcard build/guest/guest/hostile/*.d)
