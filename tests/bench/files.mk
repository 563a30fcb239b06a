# SPDX-License-Identifier: BSD-2-Clause
# build/guest/bench.elf: what each kind of exit costs, measured inside of a domain. scripts/bench runs it.

$(call guest_elf,bench,build/guest/tests/bench/bench.o build/guest/tests/bench/handlers.o)

# What the same guest runs on under KVM: scripts/bench --peer kvm. A program for Linux, static for an initramfs.
build/bench/vmm: tests/bench/vmm.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -static -o $@ $<

-include $(wildcard build/guest/tests/bench/*.d)
