/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables where no memory is: the domain ends, and that is said. */
/* ends: crash.* */
/* says: (?i)page tables lie where no RAM is */
#include "tests/guest/common/test.h"

void test_main(void)
{
	u64 *pml4 = (u64 *)guest_pml4;

	pml4[1] = 0xd0000003;
	__asm__ volatile("mov (%0), %%al" ::"r"(1ul << 39) : "rax", "memory");
}
