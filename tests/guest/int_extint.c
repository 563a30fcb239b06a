/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8259s' way in (ExtINT): the test device's lines come by it until the local APIC is switched on, if the
 * masks let them. */
/* create: --testdev */
#include "tests/guest/common/test.h"

static void count(struct guest_trap *t)
{
	(void)t;
}

static void edge(unsigned line)
{
	line_set(line, true);
	line_set(line, false);
}

void test_main(void)
{
	irq_handler[0x73] = irq_handler[0x09] = irq_handler[0x51] = irq_handler[0x5b] = count;
	/* as firmware leaves them: 8 to 15 and 0x70 to 0x77 */
	edge(11);
	irq_let_in();
	EQ(irq_count[0x73], 1, "line 11");
	edge(11);
	__asm__ volatile("sti; hlt; cli" ::: "memory");
	EQ(irq_count[0x73], 2, "line 11, which ends HLT");
	edge(1);
	irq_let_in();
	EQ(irq_count[0x09], 1, "line 1");
	/* other vectors */
	for (u32 i = 0; i < 2; i++) {
		u16 port = i ? 0xa0 : 0x20;

		outb(port, 0x11);
		outb(port + 1, i ? 0x58 : 0x50);
		outb(port + 1, i ? 2 : 4);
		outb(port + 1, 1);
	}
	edge(11);
	irq_let_in();
	EQ(irq_count[0x5b], 1, "line 11 at its new vector");
	edge(1);
	irq_let_in();
	EQ(irq_count[0x51], 1, "line 1 at its new vector");
	/* masks */
	outb(0xa1, 0x08);
	EQ(inb(0xa1), 0x08, "the second mask");
	edge(11);
	irq_let_in();
	EQ(irq_count[0x5b], 1, "line 11, masked");
	outb(0xa1, 0);
	outb(0x21, 0x04);
	edge(11);
	irq_let_in();
	EQ(irq_count[0x5b], 1, "line 11, masked at the first");
	outb(0x21, 0);
	/* the APIC on: only the I/O APIC counts */
	apic_mode(false);
	edge(11);
	irq_let_in();
	EQ(irq_count[0x5b], 1, "line 11 with the APIC on");
	EQ(irq_count[0x73], 2, "the first vector of line 11, later");
}
