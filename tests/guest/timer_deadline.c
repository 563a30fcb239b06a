/* SPDX-License-Identifier: BSD-2-Clause */
/* The APIC timer, TSC-deadline: not early, at once for a deadline that has passed, never after 0; the MSR
 * tells what is armed. */
#include "tests/guest/common/test.h"

static void deadline(void)
{
	u64 end, now = 0, v;
	u32 was;

	/* Not armed in the other modes: the write is ignored. */
	apic_write(APIC_LVTT, 0x44);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 1000);
	EQ(rdmsr(MSR_TSC_DEADLINE), 0, "the deadline outside of its mode");
	apic_write(APIC_LVTT, LVT_DEADLINE | 0x44);
	for (u32 i = 0; i < 5; i++) {
		was = irq_count[0x44];
		end = rdtsc() + tsc_khz() * 20;
		wrmsr(MSR_TSC_DEADLINE, end);
		EQ(rdmsr(MSR_TSC_DEADLINE), end, "the deadline");
		while (irq_count[0x44] == was && (now = rdtsc()) < end + tsc_khz() * 300)
			irq_let_in();
		EQ(irq_count[0x44], was + 1, "interrupts");
		CHECK(rdtsc() >= end, "early by %lu", end - now);
		EQ(rdmsr(MSR_TSC_DEADLINE), 0, "the deadline after its end");
	}
	was = irq_count[0x44];
	wrmsr(MSR_TSC_DEADLINE, rdtsc() - 1);
	irq_let_in();
	EQ(irq_count[0x44], was + 1, "interrupts by a deadline in the past");
	wrmsr(MSR_TSC_DEADLINE, 1);
	irq_let_in();
	EQ(irq_count[0x44], was + 2, "interrupts by deadline 1");
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + tsc_khz() * 20);
	wrmsr(MSR_TSC_DEADLINE, 0);
	wait_us(30000);
	irq_let_in();
	EQ(irq_count[0x44], was + 2, "interrupts after it was disarmed");
	/* Leaving the mode disarms. */
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + tsc_khz() * 20);
	apic_write(APIC_LVTT, 0x44);
	wait_us(30000);
	irq_let_in();
	EQ(irq_count[0x44], was + 2, "interrupts after the mode was left");
	/* It is the guest's own TSC that counts. */
	apic_write(APIC_LVTT, LVT_DEADLINE | 0x44);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + tsc_khz() * 100000);
	wrmsr(0x3b, rdmsr(0x3b) + tsc_khz() * 200000);
	v = rdtsc();
	while (irq_count[0x44] == was + 2 && rdtsc() < v + tsc_khz() * 100)
		irq_let_in();
	EQ(irq_count[0x44], was + 3, "interrupts after TSC_ADJUST went past the deadline");
	wrmsr(0x3b, 0);
	EQ(apic_read(APIC_TMCCT), 0, "the count in this mode");
}

void test_main(void)
{
	apic_mode(false);
	deadline();
	apic_mode(true);
	deadline();
}
