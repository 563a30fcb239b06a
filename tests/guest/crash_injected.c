/* SPDX-License-Identifier: BSD-2-Clause */
/* The same where the first of the three is the hypervisor's: #GP by RDMSR, with nothing to deliver it or what
 * follows by. */
/* ends: crash.* */
/* says: triple fault at [0-9a-f]+ */
#include "tests/guest/common/test.h"

void test_main(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0; mov $0x480, %%ecx; rdmsr" ::"m"(none) : "rax", "rcx", "rdx");
}
