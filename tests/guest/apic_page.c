/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU in x2APIC mode sees nothing at 0xfee00000, whatever modes the others go through. */
/* create: --vcpus 2 */
#include "tests/guest/common/test.h"

static volatile u32 there, go, seen, seen2, done;

static void other(u32 id)
{
	(void)id;
	wrmsr(0x1b, rdmsr(0x1b) | 0xc00);
	there = 1;
	while (!go)
		__asm__ volatile("pause");
	*(volatile u32 *)0xfee00340 = 0x12345678;
	seen = *(volatile u32 *)0xfee00340;
	seen2 = *(volatile u32 *)0xfee00344;
	done = 1;
}

void test_main(void)
{
	u64 base;

	apic_mode(false);
	CHECK(cpu_start(1, other), "vCPU 1 does not start");
	while (!there)
		__asm__ volatile("pause");
	base = rdmsr(0x1b);
	wrmsr(0x1b, base & ~0xc00ul);
	wrmsr(0x1b, base);
	go = 1;
	while (!done)
		__asm__ volatile("pause");
	EQ(seen, ~0u, "what was written to nowhere");
	EQ(seen2, ~0u, "nowhere");
}
