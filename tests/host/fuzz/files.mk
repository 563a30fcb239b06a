# SPDX-License-Identifier: BSD-2-Clause
# tests/host/fuzz/NAME.c is build/host/NAME_fuzz, which is fed by main.c, and build/fuzz/NAME, which is fed by clang's libFuzzer.
FUZZ_TARGETS := multiboot2 acpi image insn hypercall vlapic devices shell
multiboot2_FUZZ := boot/multiboot2.c hv/bootinfo.c hv/string.c
multiboot2_FUZZ_CFLAGS := $(HV_STRING)
acpi_FUZZ       := drivers/acpi.c hv/string.c
acpi_FUZZ_CFLAGS := $(HV_STRING)
image_FUZZ      := $(BUILDER_SRCS)
insn_FUZZ       := arch/x86/insn_decode.c
hypercall_FUZZ  := $(WORLD_SRCS)
vlapic_FUZZ     := arch/x86/vlapic.c arch/x86/vioapic.c
devices_FUZZ    := guest/control/memmap.c $(addprefix guest/control/dev/,uart.c rtc.c pmtimer.c fwcfg.c testdev.c)
shell_FUZZ      := $(addprefix guest/control/,lineedit.c args.c cpuset.c)
FUZZ_CLANG ?= clang

define fuzz_rule
$(B)/host/$(1)_fuzz: tests/host/fuzz/$(1).c tests/host/fuzz/main.c $$($(1)_FUZZ)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(HOST_CFLAGS) $$($(1)_FUZZ_CFLAGS) -DCAISSON_DEBUG -MMD -MP -MF $$@.d -MT $$@ -o $$@ $$(filter %.c,$$^)
$(B)/fuzz/$(1): tests/host/fuzz/$(1).c $$($(1)_FUZZ)
	@mkdir -p $$(@D)
	$$(Q)$$(FUZZ_CLANG) $$(filter-out -Wall -Wextra -Werror,$$(HOST_CFLAGS)) -fsanitize=fuzzer $$($(1)_FUZZ_CFLAGS) -DCAISSON_DEBUG -o $$@ $$(filter %.c,$$^)
-include $(B)/host/$(1)_fuzz.d
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_rule,$(t))))

fuzz-targets:
	@echo $(FUZZ_TARGETS)
