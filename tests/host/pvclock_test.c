/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock page: the scale is exact enough, and a reader that follows the protocol never believes a
 * half-written page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/pvclock.h"

static const u32 khz[] = { 1,	    999,     50000,   999999,  1000000, 1000001,
			   1999999, 2000000, 2000001, 2400000, 3500123, 4294967295u };

/* What a guest computes. */
static u64 pvclock_ns(struct pvclock_scale s, u64 ticks)
{
	ticks = s.shift < 0 ? ticks >> -s.shift : ticks << s.shift;
	return (u64)(((unsigned __int128)ticks * s.mul) >> 32);
}

static void scale(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(khz); i++) {
		struct pvclock_scale s = pvclock_scale(khz[i]);
		u64 second = khz[i] * 1000ull, day_ms = 86400000, ns = pvclock_ns(s, second);

		assert_true(s.mul >= BIT(31));
		assert_in_range(ns, 1000000000ull - 2, 1000000000ull);
		/* below 2^-31: under 41 ms in a year; here a day, without overflow of ticks << shift */
		if (khz[i] >= 50000) {
			ns = pvclock_ns(s, khz[i] * day_ms);
			assert_in_range(ns, day_ms * 1000000 - (day_ms * 1000000 >> 31) - 1,
					day_ms * 1000000);
		}
	}
	assert_int_equal(pvclock_scale(1000000).shift, 1);
	assert_int_equal(pvclock_scale(1000000).mul, BIT(31));
	assert_int_equal(pvclock_scale(2000000).shift, 0);
	assert_int_equal(pvclock_scale(2000000).mul, BIT(31));
	assert_int_equal(pvclock_scale(4000000).shift, -1);
	assert_int_equal(pvclock_scale(50000).shift, 5);
}

static void time_page(void **state)
{
	struct pvclock_time t;
	u32 last;

	(void)state;
	memset(&t, 0xff, sizeof(t)); /* an odd version that the guest left there */
	pvclock_write_time(&t, pvclock_scale(2400000), 0x123456789a, 987654321, PVCLOCK_TSC_STABLE);
	assert_int_equal(t.version & 1, 0);
	assert_int_equal(t.tsc, 0x123456789a);
	assert_int_equal(t.system_time, 987654321);
	assert_int_equal(t.mul, pvclock_scale(2400000).mul);
	assert_int_equal(t.shift, -1);
	assert_int_equal(t.flags, 1);
	for (int i = 0; i < 5; i++) {
		last = t.version;
		pvclock_write_time(&t, pvclock_scale(2400000), 1, 2, 0);
		assert_int_equal(t.version & 1, 0);
		assert_int_equal(t.version, last + 2);
	}
	assert_int_equal(t.flags, 0);
}

static void wall_page(void **state)
{
	struct pvclock_wall w = { .version = 4 };

	(void)state;
	pvclock_write_wall(&w, 1700000000999999999ull);
	assert_int_equal(w.version, 6);
	assert_int_equal(w.sec, 1700000000);
	assert_int_equal(w.nsec, 999999999);
}

static void steal_page(void **state)
{
	struct pv_steal s;

	(void)state;
	memset(&s, 0xff, sizeof(s));
	s.preempted = KVM_VCPU_PREEMPTED;
	pvclock_write_steal(&s, 123);
	assert_int_equal(s.version & 1, 0);
	assert_int_equal(s.steal, 123);
	assert_int_equal(s.preempted, KVM_VCPU_PREEMPTED); /* others write that byte meanwhile */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(scale), cmocka_unit_test(time_page),
					    cmocka_unit_test(wall_page), cmocka_unit_test(steal_page) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
