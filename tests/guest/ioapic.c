/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O APIC: edges, levels with remote IRR and re-delivery, masking, its registers.
 */
/* create: --testdev */
#include "tests/guest/common/test.h"

#define LINE 5

static volatile u32 drop_after; /* the line falls in that many handlers from now; 0: never */
static volatile u32 rirr_inside;

static void on_level(struct guest_trap *t)
{
	(void)t;
	rirr_inside = ioapic_read(0x10 + 2 * LINE) & IOAPIC_RIRR;
	if (drop_after && !--drop_after)
		line_set(LINE, false);
	apic_write(APIC_EOI, 0);
}

static void registers(void)
{
	EQ(ioapic_read(1) & 0xff, 0x11, "the version");
	EQ(ioapic_read(1) >> 16, 23, "the last entry");
	for (u32 i = 0; i < 24; i++)
		EQ(ioapic_read(0x10 + 2 * i) & IOAPIC_MASKED, IOAPIC_MASKED, "the mask after reset");
	ioapic_write(0x10 + 2 * LINE, 0xffffffff);
	EQ(ioapic_read(0x10 + 2 * LINE), 0x1afff, "what can be stored in an entry: not the two that tell");
	ioapic_write(0x11 + 2 * LINE, 0xffffffff);
	EQ(ioapic_read(0x11 + 2 * LINE) >> 24, 0xff, "the destination");
	ioapic_entry(LINE, IOAPIC_MASKED, 0);
}

static void edges(void)
{
	u32 was = irq_count[0x50];

	ioapic_entry(LINE, 0x50, 0);
	for (u32 i = 1; i <= 5; i++) {
		line_set(LINE, true);
		irq_let_in();
		EQ(irq_count[0x50], was + i, "interrupts by edges");
		line_set(LINE, true);
		irq_let_in();
		EQ(irq_count[0x50], was + i, "interrupts by a line that stays");
		line_set(LINE, false);
		irq_let_in();
		EQ(irq_count[0x50], was + i, "interrupts by a falling line");
	}
	/* an edge while masked is lost */
	ioapic_entry(LINE, IOAPIC_MASKED | 0x50, 0);
	line_set(LINE, true);
	line_set(LINE, false);
	ioapic_entry(LINE, 0x50, 0);
	irq_let_in();
	EQ(irq_count[0x50], was + 5, "interrupts by an edge while masked");
}

static void levels(void)
{
	u32 was = irq_count[0x51];

	irq_handler[0x51] = on_level;
	ioapic_entry(LINE, IOAPIC_LEVEL | 0x51, 0);
	EQ(ioapic_read(0x10 + 2 * LINE) & IOAPIC_RIRR, 0, "remote IRR before");
	drop_after = 1;
	line_set(LINE, true);
	EQ(ioapic_read(0x10 + 2 * LINE) & IOAPIC_RIRR, IOAPIC_RIRR, "remote IRR while it waits");
	EQ(apic_bit(APIC_TMR, 0x51), 1, "TMR");
	irq_let_in();
	EQ(irq_count[0x51], was + 1, "interrupts by a level");
	EQ(rirr_inside, IOAPIC_RIRR, "remote IRR in the handler");
	EQ(ioapic_read(0x10 + 2 * LINE) & IOAPIC_RIRR, 0, "remote IRR after EOI");
	/* A line that stays comes again after EOI; one that goes before it was taken still comes once. */
	drop_after = 4;
	line_set(LINE, true);
	irq_let_in();
	EQ(irq_count[0x51], was + 5, "interrupts by a level that stays for four");
	line_set(LINE, true);
	line_set(LINE, false);
	irq_let_in();
	EQ(irq_count[0x51], was + 6, "interrupts by a level that went before it was taken");
	was = irq_count[0x51];
	irq_let_in();
	EQ(irq_count[0x51], was, "interrupts after the level went");
	/* raised while masked: comes when unmasked */
	ioapic_entry(LINE, IOAPIC_MASKED | IOAPIC_LEVEL | 0x51, 0);
	line_set(LINE, true);
	irq_let_in();
	EQ(irq_count[0x51], was, "interrupts while masked");
	drop_after = 1;
	ioapic_entry(LINE, IOAPIC_LEVEL | 0x51, 0);
	irq_let_in();
	EQ(irq_count[0x51], was + 1, "interrupts by a level when it is unmasked");
	irq_handler[0x51] = 0;
}

static void destinations(void)
{
	u32 was = irq_count[0x52];

	apic_mode(false);
	ioapic_entry(LINE, 0x52, 7); /* nobody */
	line_set(LINE, true);
	line_set(LINE, false);
	irq_let_in();
	EQ(irq_count[0x52], was, "interrupts for another id");
	apic_write(APIC_DFR, 0xffffffff);
	apic_write(APIC_LDR, 0x04000000);
	ioapic_entry(LINE, 0x852, 0x0c); /* logical */
	line_set(LINE, true);
	line_set(LINE, false);
	irq_let_in();
	EQ(irq_count[0x52], was + 1, "interrupts by a logical destination");
	ioapic_entry(LINE, 0x952, 0xff); /* lowest priority */
	line_set(LINE, true);
	line_set(LINE, false);
	irq_let_in();
	EQ(irq_count[0x52], was + 2, "interrupts of lowest priority");
	ioapic_entry(LINE, 0x400, 0); /* NMI */
	static volatile u32 nmis;
	nmis = irq_count[NMI];
	line_set(LINE, true);
	line_set(LINE, false);
	EQ(irq_count[NMI], nmis + 1, "NMIs by a line");
	ioapic_entry(LINE, IOAPIC_MASKED, 0);
}

static void on_nmi(struct guest_trap *t)
{
	(void)t;
}

void test_main(void)
{
	irq_handler[NMI] = on_nmi;
	registers();
	apic_mode(false);
	edges();
	levels();
	apic_mode(true);
	edges();
	levels();
	destinations();
}
