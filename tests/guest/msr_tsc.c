/* SPDX-License-Identifier: BSD-2-Clause */
/* IA32_TIME_STAMP_COUNTER and IA32_TSC_ADJUST: RDTSC, RDTSCP and RDMSR agree; a write to either moves both.
 */
#include "tests/guest/common/test.h"

#define TSC    0x10u
#define ADJUST 0x3bu
#define AUX    0xc0000103u

/* What may pass between two neighbouring reads: twenty milliseconds, for we may be preempted. */
static bool near(u64 a, u64 b)
{
	u64 slack = tsc_khz() * 20;

	return b - a <= slack;
}

static void reads_agree(void)
{
	for (u32 i = 0; i < 100; i++) {
		u64 a = rdtsc(), b = rdmsr(TSC), c = rdtsc();

		CHECK(a <= b && b <= c, "RDTSC %lx, RDMSR %lx, RDTSC %lx", a, b, c);
	}
}

static void adjust_moves_tsc(void)
{
	static const u64 by[] = { 1ul << 40, 0ul - (1ul << 20), 12345678 };
	u64 before, after, was = rdmsr(ADJUST);

	EQ(was, 0, "TSC_ADJUST after reset");
	for (u32 i = 0; i < ARRAY_SIZE(by); i++) {
		before = rdtsc();
		wrmsr(ADJUST, rdmsr(ADJUST) + by[i]);
		after = rdtsc();
		CHECK(near(before + by[i], after), "TSC_ADJUST += %lx: TSC from %lx to %lx", by[i], before,
		      after);
		was += by[i];
		EQ(rdmsr(ADJUST), was, "TSC_ADJUST");
	}
	wrmsr(ADJUST, 0);
}

/* SDM: "IA32_TSC_ADJUST MSR" */
static void tsc_moves_adjust(void)
{
	u64 was = rdmsr(ADJUST), before, to = 1ul << 50, moved;

	before = rdtsc();
	wrmsr(TSC, to);
	CHECK(near(to, rdtsc()), "the TSC is not what was written");
	moved = rdmsr(ADJUST) - was;
	CHECK(near(to - moved - (tsc_khz() * 20), before) || near(before, to - moved),
	      "TSC_ADJUST moved by %lx, from %lx to %lx", moved, before, to);
	wrmsr(ADJUST, was);
	CHECK(near(before, rdtsc()), "TSC_ADJUST back does not take the TSC back");
	wrmsr(TSC, 0);
	CHECK(near(0, rdtsc()), "the TSC cannot be set to 0");
	wrmsr(ADJUST, 0);
}

static void aux(void)
{
	u32 r[4], lo, hi, id;

	cpuid(0x80000001, 0, r);
	if (!(r[3] >> 27 & 1)) {
		test_skip("no RDTSCP");
		return;
	}
	CHECK(wrmsr_ok(AUX, 0xdeadbeef), "TSC_AUX cannot be written");
	__asm__ volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(id));
	EQ(id, 0xdeadbeef, "RDTSCP's ECX");
	EQ(rdmsr(AUX), 0xdeadbeef, "TSC_AUX");
	CHECK(near(rdtsc() - (tsc_khz() * 10), (lo | (u64)hi << 32)), "RDTSCP is far from RDTSC");
}

void test_main(void)
{
	reads_agree();
	adjust_moves_tsc();
	tsc_moves_adjust();
	aux();
	/* CR4.TSD: only ring 3 loses RDTSC. */
	CHECK(write_cr_ok(4, read_cr(4) | 4), "CR4.TSD is refused");
	EQ(TRAP_OF("rdtsc"), NO_TRAP, "RDTSC at CPL 0 with TSD");
}
