/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUID in the last two bytes below the hole of non-canonical addresses: RIP would be the hole's first. The
 * processor refuses such an entry; without a hypervisor the next fetch would be #GP. Either that #GP comes,
 * or the domain ends and the field is named.
 */
/* ends: exit 0|crash.* */
/* says: (?i)checks, 0 failed|refused.*RIP */
#include "tests/guest/common/test.h"

#define LAST 0x7ffffffff000ul

void test_main(void)
{
	static u64 tables[3][512] __attribute__((aligned(4096)));
	static u8 page[4096] __attribute__((aligned(4096)));
	u64 *pml4 = (u64 *)guest_pml4;

	for (u32 i = 0; i < 4096; i++)
		page[i] = 0x90;
	page[4094] = 0x0f;
	page[4095] = 0xa2;
	pml4[255] = (u64)tables[0] | 3;
	tables[0][511] = (u64)tables[1] | 3;
	tables[1][511] = (u64)tables[2] | 3;
	tables[2][511] = (u64)page | 3;
	guest_printf("entering\n");
	__asm__ volatile(GUARD("jmp *%0")::"r"(LAST + 4094), "a"(0), "c"(0) : GUARD_CLOBBERS, "rbx", "rdx");
	EQ(caught.vector, GP, "CPUID at the end of what is canonical");
}
