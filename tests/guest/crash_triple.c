/* SPDX-License-Identifier: BSD-2-Clause */
/* A fault without an IDT is a triple fault: the domain ends, and where it stood is said.
 */
/* ends: crash.* */
/* says: triple fault at [0-9a-f]+ */
#include "tests/guest/common/test.h"

void test_main(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0; mov $0xbaadf00d, %%eax; movabs $0x0123456789abcdef, %%r15; ud2" ::"m"(none)
			 : "rax", "r15");
}
