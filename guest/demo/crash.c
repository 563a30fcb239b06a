/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A triple fault, the way an operating system dies when its tables are gone: the domain is stopped, its
 * registers are on the control domain's console, and nobody else notices.
 */
#include "guest/lib/runtime.h"

int guest_main(const struct hvm_start_info *si)
{
	static const struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) none = { 0, 0 };

	(void)si;
	guest_printf("without an IDT from now on\n");
	__asm__ volatile("lidt %0; mov $0xbaadf00d, %%eax; ud2" ::"m"(none) : "rax");
	return 1;
}
