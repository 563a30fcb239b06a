# SPDX-License-Identifier: BSD-2-Clause
# files.mk: how our own guests are built. Included by the Makefile at the top; builds build/control.elf and gives the fragments of
# guest/demo, tests/bench and tests/guest the rules for theirs.
#
#   $(call guest_elf,NAME,OBJECTS[,MAP_GIB])	a rule for build/guest/NAME.elf from objects under build/guest/; MAP_GIB (4) is
#						how much of its memory start.asm maps
#   GUEST_IMAGES				all of them
#   build/guest/PATH/FILE.o			from PATH/FILE.c or PATH/FILE.asm, as code of a guest

GUEST_CC    ?= $(CC)
GUEST_LD    ?= $(LD)
GUEST_NASM  ?= nasm
GUEST_FLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-builtin-printf -Wall -Wextra -Werror -mno-red-zone \
	-mgeneral-regs-only -fno-pic -fno-pie -mcmodel=small -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-strict-aliasing -fcf-protection=none -ffunction-sections -fdata-sections -I.

build/guest/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(GUEST_FLAGS) -MMD -MP -c -o $@ $<

build/guest/%.o: %.asm
	@mkdir -p $(@D)
	$(Q)$(GUEST_NASM) -f elf64 -g -F dwarf -MD $(@:.o=.d) -MP -o $@ $<

GUEST_LIB := $(addprefix build/guest/guest/lib/,start.o runtime.o string.o)

GUEST_IMAGES :=
# File, objects, GiB
define guest_elf_rule
$(1): $(2) $$(GUEST_LIB) guest/lib/guest.ld
	@mkdir -p $$(@D)
	$$(Q)$$(GUEST_LD) -nostdlib -static --gc-sections -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments \
		--defsym=guest_map_gib=$(or $(3),4) -T guest/lib/guest.ld -o $$@ $$(filter %.o,$$^)
endef
guest_elf = $(eval GUEST_IMAGES += build/guest/$(1).elf)$(eval $(call guest_elf_rule,build/guest/$(1).elf,$(2),$(3)))

CONTROL_SRCS := $(filter-out %_test.c,$(wildcard guest/control/*.c guest/control/builder/*.c guest/control/dev/*.c))
# arch/x86/vmx/caps.c: what the processor has, for the checks of a refused entry
CONTROL_SRCS += arch/x86/vmx/caps.c
CONTROL_OBJS := $(patsubst %.c,build/guest/%.o,$(CONTROL_SRCS))
$(eval $(call guest_elf_rule,build/control.elf,$(CONTROL_OBJS),64))

-include $(GUEST_LIB:.o=.d) $(CONTROL_OBJS:.o=.d)
-include guest/demo/files.mk
-include tests/bench/files.mk
-include tests/guest/files.mk
-include guest/hostile/files.mk
