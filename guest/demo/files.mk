# SPDX-License-Identifier: BSD-2-Clause
# The smallest guests: the interface by example. Each is build/guest/NAME.elf, which scripts/run offers as image NAME.

$(foreach d,hello hypercall monitor end spin crash,$(call guest_elf,$(d),build/guest/guest/demo/$(d).o))

# One without the C runtime, small enough to live below 640 KiB.
GUEST_IMAGES += build/guest/tiny.elf
build/guest/tiny.elf: build/guest/guest/demo/tiny.o guest/demo/tiny.ld
	@mkdir -p $(@D)
	$(Q)$(GUEST_LD) -nostdlib -static -n --build-id=none -z noexecstack --no-warn-rwx-segments -T guest/demo/tiny.ld -o $@ $<

-include $(wildcard build/guest/guest/demo/*.d)
