/* SPDX-License-Identifier: BSD-2-Clause */
/* Priorities: the highest vector first, TPR and CR8 hold classes back, a higher one interrupts a lower one's
 * handler, PPR, EOI. */
#include "tests/guest/common/test.h"

static volatile u32 in_ppr, in_isr;

static void slow(struct guest_trap *t)
{
	/* A lower one (0x45), one of the same class (0x5f) and a higher one (0x71) */
	apic_self(0x45);
	apic_self(0x5f);
	apic_self(0x71);
	in_ppr = apic_read(APIC_PPR);
	in_isr = apic_bit(APIC_ISR, (u8)t->vector);
	irq_on();
	__asm__ volatile("nop; nop; nop");
	irq_off();
	apic_write(APIC_EOI, 0);
}

static void order(const u8 *want, u32 n, const char *what)
{
	EQ(irq_orders, n, what);
	for (u32 i = 0; i < n; i++)
		EQ(irq_order[i], want[i], what);
	irq_orders = 0;
}

static void priorities(void)
{
	static const u8 down[] = { 0xe1, 0x92, 0x91, 0x40, 0x3f, 0x20 };
	static const u8 nested[] = { 0x50, 0x71, 0x5f, 0x45 };
	static const u8 above[] = { 0xa0, 0x9f };
	static const u8 below[] = { 0x8f, 0x33 };

	irq_orders = 0;
	for (u32 i = 0; i < ARRAY_SIZE(down); i++)
		apic_self(down[(i * 5 + 2) % 6]);
	CHECK(apic_bit(APIC_IRR, 0x92) && apic_bit(APIC_IRR, 0x20), "IRR does not show what waits");
	irq_let_in();
	irq_let_in();
	order(down, 6, "the order of six");

	irq_handler[0x50] = slow;
	apic_self(0x50);
	irq_let_in();
	irq_handler[0x50] = 0;
	order(nested, 4, "nesting");
	EQ(in_ppr & 0xf0, 0x50, "PPR in the handler");
	EQ(in_isr, 1, "ISR in the handler");
	EQ(apic_read(APIC_PPR), 0, "PPR after all");

	apic_write(APIC_TPR, 0x80);
	apic_self(0x33);
	apic_self(0x9f);
	apic_self(0x8f);
	apic_self(0xa0);
	irq_let_in();
	order(above, 2, "those above the TPR");
	EQ(apic_read(APIC_PPR), 0x80, "PPR by TPR");
	__asm__ volatile("mov %0, %%cr8" ::"r"(0ul));
	irq_let_in();
	order(below, 2, "those below the TPR");

	/* The same twice is one. */
	apic_self(0x66);
	apic_self(0x66);
	irq_let_in();
	EQ(irq_orders, 1, "interrupts of one vector sent twice");
	irq_orders = 0;
	/* An EOI with nothing in service is nothing. */
	apic_write(APIC_EOI, 0);
	EQ(apic_read(APIC_ESR), 0, "ESR");
	/* A vector below 16 is an error. */
	apic_write(APIC_ESR, 0);
	apic_self(5);
	apic_write(APIC_ESR, 0);
	EQ(apic_read(APIC_ESR), 1u << 5, "ESR after sending vector 5");
	apic_write(APIC_ESR, 0);
	apic_write(APIC_ESR, 0);
	EQ(apic_read(APIC_ESR), 0, "ESR in the end");
}

void test_main(void)
{
	apic_mode(false);
	priorities();
	apic_mode(true);
	priorities();
}
