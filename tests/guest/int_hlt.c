/* SPDX-License-Identifier: BSD-2-Clause */
/* HLT: an interrupt that is pending ends it at once, a timer's ends it when it comes, one that is masked by
 * the TPR does not. */
#include "tests/guest/common/test.h"

static void wakes(void)
{
	u64 from, took;

	for (u32 i = 0; i < 50; i++) {
		u32 was = irq_count[0x40];

		apic_self(0x40);
		__asm__ volatile("sti; hlt; cli" ::: "memory");
		EQ(irq_count[0x40], was + 1, "interrupts after STI; HLT");
	}
	/* 2 ms by the timer */
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, 0x41);
	for (u32 i = 0; i < 5; i++) {
		u32 r[4], was = irq_count[0x41];

		cpuid(0x40000010, 0, r);
		from = rdtsc();
		apic_write(APIC_TMICT, r[1] * 2);
		__asm__ volatile("sti; hlt; cli" ::: "memory");
		took = rdtsc() - from;
		EQ(irq_count[0x41], was + 1, "timer interrupts after HLT");
		CHECK(took >= tsc_khz() * 2, "HLT ended after %lu ticks, the timer has %lu", took,
		      tsc_khz() * 2);
		CHECK(took < tsc_khz() * 100, "HLT ended after %lu ticks", took);
	}
	/* The TPR holds 0x41 back, so that only the later 0x61 ends it. */
	apic_write(APIC_TPR, 0x50);
	u32 was = irq_count[0x41], late = irq_count[0x61], r[4];
	apic_self(0x41);
	cpuid(0x40000010, 0, r);
	apic_write(APIC_LVTT, 0x61);
	apic_write(APIC_TMICT, r[1]);
	__asm__ volatile("sti; hlt; cli" ::: "memory");
	EQ(irq_count[0x61], late + 1, "interrupts above the TPR");
	EQ(irq_count[0x41], was, "interrupts below the TPR");
	apic_write(APIC_TPR, 0);
	irq_let_in();
	EQ(irq_count[0x41], was + 1, "the one below, later");
}

void test_main(void)
{
	apic_mode(false);
	wakes();
	apic_mode(true);
	wakes();
}
