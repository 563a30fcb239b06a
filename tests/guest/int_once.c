/* SPDX-License-Identifier: BSD-2-Clause */
/* An interrupt is delivered once: its handler, which keeps IF clear, is not entered out of itself. */
#include "tests/guest/common/test.h"

#define ROUNDS 4000u

static volatile u32 came, nested;

static void on_irq(struct guest_trap *t)
{
	came++;
	nested += !(t->rflags & 0x200);
	for (volatile u32 i = 0; i < 1500; i++)
		;
	apic_write(APIC_EOI, 0);
}

void test_main(void)
{
	irq_handler[0x50] = on_irq;
	apic_mode(true);
	irq_on();
	for (u32 i = 0; i < ROUNDS; i++)
		apic_self(0x50);
	irq_off();
	EQ(nested, 0, "deliveries with IF clear");
	EQ(came, ROUNDS, "deliveries");
}
