/* SPDX-License-Identifier: BSD-2-Clause */
/* The APIC timer, periodic: so many interrupts in so much time, while spinning and in HLT, until it is
 * stopped. */
#include "tests/guest/common/test.h"

static void periodic(u32 khz)
{
	u64 from, took;
	u32 was = irq_count[0x44];

	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, LVT_PERIODIC | 0x44);
	from = rdtsc();
	apic_write(APIC_TMICT, khz); /* 1 ms */
	irq_on();
	while (irq_count[0x44] - was < 20 && rdtsc() - from < tsc_khz() * 1000)
		__asm__ volatile("pause");
	took = rdtsc() - from;
	CHECK(took >= tsc_khz() * 19 && (took < tsc_khz() * 60 || on_tcg()), "20 periods of 1 ms took %lu us",
	      took * 1000 / tsc_khz());
	irq_off();
	/* In HLT none is lost. */
	was = irq_count[0x44];
	from = rdtsc();
	for (u32 i = 0; i < 20; i++)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	took = rdtsc() - from;
	CHECK(irq_count[0x44] - was == 20 || (on_tcg() && irq_count[0x44] - was > 20),
	      "%u interrupts ended 20 HLT", irq_count[0x44] - was);
	CHECK(took >= tsc_khz() * 18 && (took < tsc_khz() * 60 || on_tcg()), "20 HLT of 1 ms took %lu us",
	      took * 1000 / tsc_khz());
	/* A count in the middle is within its period. */
	u32 c = apic_read(APIC_TMCCT);
	CHECK(c <= khz, "the count is %x, the period %x", c, khz);
	/* Stopped it is still. */
	apic_write(APIC_TMICT, 0);
	irq_let_in();
	was = irq_count[0x44];
	wait_us(5000);
	irq_let_in();
	EQ(irq_count[0x44], was, "interrupts after it was stopped");
}

void test_main(void)
{
	u32 r[4];

	cpuid(0x40000010, 0, r);
	apic_mode(false);
	periodic(r[1]);
	apic_mode(true);
	periodic(r[1]);
}
