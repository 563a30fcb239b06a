/* SPDX-License-Identifier: BSD-2-Clause */
/* Code where no memory is: the domain ends, and the address is named. */
/* ends: crash.* */
/* says: (?i)fetched.*f0000123 */
#include "tests/guest/common/test.h"

void test_main(void)
{
	u64 *pml4 = (u64 *)guest_pml4, *pdpt = (u64 *)(pml4[0] & ~0xffful), *pd = (u64 *)(pdpt[3] & ~0xffful);

	pd[(0xf0000000ul >> 21) & 511] = 0xf0000083; /* without NX */
	__asm__ volatile("invlpg (%0); jmp *%1" ::"r"(0xf0000000ul), "r"(0xf0000123ul) : "memory");
}
