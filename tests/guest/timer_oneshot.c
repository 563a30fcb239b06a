/* SPDX-License-Identifier: BSD-2-Clause */
/* The APIC timer, one-shot: it fires once, not early, at every divisor; the count goes down; masked it stays
 * silent. */
#include "tests/guest/common/test.h"

static const struct {
	u32 tdcr, divisor;
} divide[] = { { 0xb, 1 }, { 0, 2 }, { 1, 4 }, { 2, 8 }, { 3, 16 }, { 8, 32 }, { 9, 64 }, { 0xa, 128 } };

static void one_shot(u64 khz)
{
	u64 from, took, want;
	u32 was, a, b;

	apic_write(APIC_LVTT, 0x44);
	for (u32 i = 0; i < ARRAY_SIZE(divide); i++) {
		apic_write(APIC_TDCR, divide[i].tdcr);
		EQ(apic_read(APIC_TDCR), divide[i].tdcr, "the divide register");
		was = irq_count[0x44];
		want = tsc_khz() * 3;
		from = rdtsc();
		apic_write(APIC_TMICT, (u32)(khz * 3 / divide[i].divisor));
		while (irq_count[0x44] == was && rdtsc() - from < tsc_khz() * 300)
			irq_let_in();
		took = rdtsc() - from;
		EQ(irq_count[0x44], was + 1, "interrupts");
		CHECK(took + divide[i].divisor * (tsc_khz() / khz + 1) >= want &&
			      (took < want * 4 || on_tcg()),
		      "divisor %u: %lu ticks instead of %lu", divide[i].divisor, took, want);
		EQ(apic_read(APIC_TMCCT), 0, "the count after its end");
		wait_us(5000);
		irq_let_in();
		EQ(irq_count[0x44], was + 1, "interrupts of one shot");
	}
	apic_write(APIC_TDCR, 0xb);
	/* The count goes down, and a new one starts anew; 0 stops it. */
	apic_write(APIC_TMICT, 0x7fffffff);
	a = apic_read(APIC_TMCCT);
	wait_us(100);
	b = apic_read(APIC_TMCCT);
	CHECK(a <= 0x7fffffff && b < a && a - b >= khz / 10 - 1,
	      "the count went from %x to %x in 100 us at %lu kHz", a, b, khz);
	EQ(apic_read(APIC_TMICT), 0x7fffffff, "the initial count");
	apic_write(APIC_TMICT, 0);
	EQ(apic_read(APIC_TMCCT), 0, "the count after 0");
	/* masked: it runs to its end without a word */
	was = irq_count[0x44];
	apic_write(APIC_LVTT, LVT_MASKED | 0x44);
	apic_write(APIC_TMICT, (u32)khz);
	wait_us(3000);
	irq_let_in();
	EQ(irq_count[0x44], was, "interrupts of a masked timer");
	EQ(apic_read(APIC_TMCCT), 0, "the count of a masked timer");
	apic_write(APIC_LVTT, 0x44);
	irq_let_in();
	EQ(irq_count[0x44], was, "interrupts after unmasking");
}

void test_main(void)
{
	u32 r[4];

	cpuid(0x40000010, 0, r);
	apic_mode(false);
	one_shot(r[1]);
	apic_mode(true);
	one_shot(r[1]);
}
