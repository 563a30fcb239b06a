/* SPDX-License-Identifier: BSD-2-Clause */
/* NMIs by IPI to oneself: they come with IF clear, end HLT, not inside of their own handler before its IRET,
 * and only one waits. */
#include "tests/guest/common/test.h"

#define TO_SELF (1u << 18 | 1u << 14 | 4u << 8)

static volatile u32 depth, deepest, seen;
static volatile bool again;

static void on_nmi(struct guest_trap *t)
{
	(void)t;
	depth++;
	if (depth > deepest)
		deepest = depth;
	seen++;
	if (again) {
		u32 r[4];

		again = false;
		apic_write(APIC_ICR, TO_SELF);
		apic_write(APIC_ICR, TO_SELF);
		cpuid(0, 0, r); /* an exit on the way */
		inb(0x80);
	}
	depth--;
}

static void nmis(void)
{
	seen = 0;
	for (u32 i = 0; i < 20; i++) {
		apic_icr(TO_SELF, 0);
		wait_us(1);
		EQ(seen, i + 1, "NMIs with IF clear");
	}
	__asm__ volatile("cli" ::: "memory");
	seen = deepest = 0;
	again = true;
	apic_icr(TO_SELF, 0);
	wait_us(10);
	EQ(seen, 2, "NMIs: one, and one of two inside of its handler");
	EQ(deepest, 1, "NMIs inside of each other");
	/* The next IRET, not only the last instruction of the handler, lets them in again. */
	apic_icr(TO_SELF, 0);
	wait_us(10);
	EQ(deepest, 1, "NMIs inside of each other, later");
}

void test_main(void)
{
	irq_handler[NMI] = on_nmi;
	apic_mode(false);
	nmis();
	apic_mode(true);
	/* In x2APIC mode the ICR is one MSR. */
	seen = 0;
	wrmsr(0x830, TO_SELF);
	wait_us(1);
	EQ(seen, 1, "NMIs by the x2APIC's ICR");
	/* By the timer's LVT a fixed interrupt ends HLT; by LINT an NMI cannot come here. NMI and interrupt
	 * together: both come. */
	apic_self(0x50);
	wrmsr(0x830, TO_SELF);
	irq_let_in();
	EQ(seen, 2, "NMIs beside an interrupt");
	EQ(irq_count[0x50], 1, "interrupts beside an NMI");
}
