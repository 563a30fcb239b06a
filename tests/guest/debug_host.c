/* SPDX-License-Identifier: BSD-2-Clause */
/* Breakpoints at the hypervisor's own addresses, on its stack and its code: they are the guest's, and off
 * outside of it. */
#include "tests/guest/common/test.h"

#define SET(n, v) __asm__ volatile("mov %0, %%dr" #n ::"r"((u64)(v)))
#define STACK	  0xffffc00000004000ul /* the first CPU's main stack is below 0x5000 there */
#define CODE	  0xffffffff80200000ul

static volatile u32 hits;

static void on_db(struct guest_trap *t)
{
	(void)t;
	hits++;
}

static void exits(void)
{
	u32 r[4];

	for (u32 i = 0; i < 4; i++) {
		cpuid(0, 0, r);
		inb(0x80);
	}
	(void)pm_timer();
}

void test_main(void)
{
	irq_handler[DB] = on_db;
	for (u64 at = 0xe00; at < 0x1000; at += 32) {
		SET(7, 0x400);
		SET(0, STACK + at);
		SET(1, STACK + at + 8);
		SET(2, STACK + at + 16);
		SET(3, STACK + at + 24);
		SET(7, 0xbbbb0400 | 0xff); /* reading and writing, 8 bytes each */
		exits();
	}
	for (u64 at = 0; at < 0x40000; at += 0x400) {
		SET(7, 0x400);
		SET(0, CODE + at);
		SET(1, CODE + at + 0x100);
		SET(2, CODE + at + 0x200);
		SET(3, CODE + at + 0x300);
		SET(7, 0x400 | 0xff); /* execution */
		exits();
	}
	SET(7, 0x400);
	EQ(hits, 0, "breakpoints of the guest's that were hit");
}
