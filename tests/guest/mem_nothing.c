/* SPDX-License-Identifier: BSD-2-Clause */
/* Where no memory is: reads give all ones at every width, writes are dropped, and both together leave no
 * trace. */
#include "tests/guest/common/test.h"

static void at(u64 where)
{
	u64 v;

	EQ(*(volatile u8 *)where, 0xff, "8 bits");
	EQ(*(volatile u16 *)where, 0xffff, "16 bits");
	EQ(*(volatile u32 *)where, 0xffffffff, "32 bits");
	EQ(*(volatile u64 *)where, ~0ul, "64 bits");
	*(volatile u64 *)where = 0x1234;
	*(volatile u8 *)where = 0;
	EQ(*(volatile u64 *)where, ~0ul, "after writes");
	__asm__ volatile(
		"lock orl $1, (%1); mov %1, %%rdi; mov $16, %%ecx; xor %%eax, %%eax; rep stosb; mov (%1), %0"
		: "=&r"(v)
		: "r"(where)
		: "rdi", "rcx", "rax", "memory");
	EQ(v, ~0ul, "after more writes");
	__asm__ volatile("xor %%eax, %%eax; cmpxchgl %%edx, (%1); mov %%rax, %0"
			 : "=r"(v)
			 : "r"(where)
			 : "rax", "memory");
	EQ(v, 0xffffffff, "CMPXCHG's EAX");
}

void test_main(void)
{
	at(0xa0000);
	at(0xc8000);
	at(0xdfff8);
	at(0xc0000000);
	at(0xf0000000);
	at(0xfec01000);
	at(0xfed00000); /* no HPET */
	at(0xfffffff0);
	at(guest_ram_end());
	at(guest_ram_end() + 0x12345678);
	/* the test device is not there without --testdev */
	at(0xfeb00000);
}
