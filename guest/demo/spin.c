/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A busy loop that never gives its CPU away by itself, for the scheduler: every ten seconds of the TSC it
 * says how often it went round, which is what its share of the CPU was.
 */
#include "guest/lib/runtime.h"

#define SECONDS 10

static u64 tsc_hz(void)
{
	u32 r[4];

	cpuid(0x40000010, 0, r);
	return r[0] ? (u64)r[0] * 1000 : 1000000000;
}

int guest_main(const struct hvm_start_info *si)
{
	u64 next = rdtsc() + SECONDS * tsc_hz(), rounds = 0;

	(void)si;
	guest_printf("spinning\n");
	for (;;) {
		for (u32 i = 0; i < 100000; i++)
			__asm__ volatile("");
		rounds++;
		if (rdtsc() >= next) {
			next += SECONDS * tsc_hz();
			guest_printf("spin %lu\n", rounds);
		}
	}
}
