/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real-time clock: against the C library's calendar, and as rtc_cmos uses it.
 */
#include "tests/host/control_common.h"
#include <time.h>

#include "guest/control/dev/rtc.h"

#define NS 1000000000ull
#define T0 1700000000ull /* 2023-11-14 22:13:20, a Tuesday */

static struct fake_host f;
static struct rtc r;

static int reset(void **state)
{
	(void)state;
	fake_init(&f);
	f.now = 5 * NS;
	rtc_init(&r, &f.host, 8, T0 * NS, 256ull << 20);
	return 0;
}

static u8 in(u8 reg)
{
	rtc_write(&r, 0, 1, reg);
	return (u8)rtc_read(&r, 1, 1);
}

static void out(u8 reg, u8 v)
{
	rtc_write(&r, 0, 1, reg);
	rtc_write(&r, 1, 1, v);
}

static u32 bcd(u8 v)
{
	assert_true((v & 15) < 10 && v >> 4 < 10);
	return (v >> 4) * 10u + (v & 15);
}

/* The whole clock, in its reset format. */
static void assert_clock(u64 seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	gmtime_r(&t, &tm);
	assert_int_equal(bcd(in(0)), tm.tm_sec);
	assert_int_equal(bcd(in(2)), tm.tm_min);
	assert_int_equal(bcd(in(4)), tm.tm_hour);
	assert_int_equal(bcd(in(6)), tm.tm_wday + 1);
	assert_int_equal(bcd(in(7)), tm.tm_mday);
	assert_int_equal(bcd(in(8)), tm.tm_mon + 1);
	assert_int_equal(bcd(in(9)), tm.tm_year % 100);
	assert_int_equal(bcd(in(0x32)), 19 + tm.tm_year / 100);
}

static void tells_the_time(void **state)
{
	u64 seed = 7;

	(void)state;
	assert_int_equal(in(0x0d), 0x80);
	assert_int_equal(in(0x0b), 0x02);
	assert_clock(T0);
	f.now += 3661 * NS;
	assert_clock(T0 + 3661);
	for (int i = 0; i < 20000; i++) {
		u64 s = i < 4000 ? (u64)i * 86400 * 17 - (i & 1 ? i != 0 : 0)
				 : fake_random(&seed) % 16725225600ull; /* to 2499 */

		rtc_init(&r, &f.host, 8, s * NS + 999999999, 1 << 20);
		assert_clock(s);
	}
}

static void formats(void **state)
{
	(void)state;
	out(0x0b, 0x06); /* binary, 24 hours */
	assert_int_equal(in(4), 22);
	assert_int_equal(in(2), 13);
	assert_int_equal(in(9), 23);
	out(0x0b, 0x04); /* binary, 12 hours */
	assert_int_equal(in(4), 0x80 | 10);
	out(0x0b, 0x00); /* BCD, 12 hours */
	assert_int_equal(in(4), 0x80 | 0x10);
	f.now += 2 * 3600 * NS;
	assert_int_equal(in(4), 0x12); /* midnight */
	f.now += 12 * 3600 * NS;
	assert_int_equal(in(4), 0x92); /* noon */
	f.now += 3600 * NS;
	assert_int_equal(in(4), 0x81);
}

static void setting(void **state)
{
	(void)state;
	/* as Linux's mc146818_set_time(): SET, the registers, SET off */
	f.now += 250000000;
	out(0x0b, 0x82);
	f.now += 10 * NS; /* stands still meanwhile */
	assert_int_equal(bcd(in(0)), 20);
	out(9, 0x30);
	out(8, 0x02);
	out(7, 0x28);
	out(4, 0x23);
	out(2, 0x59);
	out(0, 0x58);
	assert_int_equal(bcd(in(0)), 58);
	out(0x0b, 0x02);
	assert_clock(1898553598); /* 2030-02-28 23:59:58 */
	f.now += 2 * NS;
	assert_clock(1898553600);

	/* a field of the running clock */
	out(4, 0x05);
	assert_clock(1898553600 + 5 * 3600);

	/* the divider held in reset stops it too; it starts half a second before an update */
	out(0x0a, 0x76);
	f.now += 100 * NS;
	assert_int_equal(bcd(in(0)), 0);
	out(0x0a, 0x26);
	f.now += NS / 2 - 1;
	assert_int_equal(bcd(in(0)), 0);
	f.now += 1;
	assert_int_equal(bcd(in(0)), 1);
}

/* Registers that name no time: some time comes out, and it runs. */
static void nonsense_is_some_time(void **state)
{
	u64 seed = 3;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		u8 before;

		out(0x0b, 0x80 | (fake_random(&seed) & 6));
		for (u8 reg = 0; reg < 10; reg++)
			out(reg, (u8)fake_random(&seed));
		out(0x32, (u8)fake_random(&seed));
		out(0x0b, 0x06);
		before = in(0);
		assert_true(before < 60 && in(2) < 60 && in(4) < 24 && in(6) >= 1 && in(6) <= 7 &&
			    in(7) >= 1 && in(7) <= 31 && in(8) >= 1 && in(8) <= 12);
		f.now += NS;
		assert_int_equal(in(0), (before + 1) % 60);
	}
}

static void update_in_progress(void **state)
{
	(void)state;
	assert_int_equal(in(0x0a), 0x26);
	f.now += NS - 244001;
	assert_int_equal(in(0x0a), 0x26);
	f.now += 1;
	assert_int_equal(in(0x0a), 0xa6);
	f.now += 243999;
	assert_int_equal(in(0x0a), 0xa6);
	f.now += 1;
	assert_int_equal(in(0x0a), 0x26);
	out(0x0a, 0xa6); /* UIP cannot be written */
	assert_int_equal(in(0x0a) & 0x80, 0);
}

static void update_interrupt(void **state)
{
	u64 deadline;

	(void)state;
	assert_true(rtc_deadline(&r) == RTC_NEVER);
	f.now += NS / 4;
	out(0x0b, 0x12);
	deadline = rtc_deadline(&r);
	assert_true(deadline == 6 * NS);
	f.now = deadline - 1;
	rtc_tick(&r);
	assert_false(f.level[8]);
	f.now = deadline;
	rtc_tick(&r);
	assert_true(f.level[8]);
	assert_true(rtc_deadline(&r) == RTC_NEVER); /* until it is seen */
	assert_int_equal(in(0x0c) & ~0x40, 0x90);   /* PF comes without its interrupt */
	assert_false(f.level[8]);
	assert_int_equal(in(0x0c), 0);
	assert_true(rtc_deadline(&r) == 7 * NS);
	f.now = 9 * NS + 5; /* late: once, not three times */
	rtc_tick(&r);
	assert_int_equal(in(0x0c) & ~0x40, 0x90); /* PF comes without its interrupt */
	assert_true(rtc_deadline(&r) == 10 * NS);
	assert_int_equal(f.edges[8], 2);
	/* flags come without their interrupts too */
	out(0x0b, 0x02);
	f.now = 11 * NS;
	assert_int_equal(in(0x0c) & 0x90, 0x10);
	/* SET clears UIE */
	out(0x0b, 0x92);
	assert_int_equal(in(0x0b), 0x82);
}

static u64 wall(u64 now)
{
	return T0 + (now - 5 * NS) / NS;
}

static void alarm(void **state)
{
	static const struct {
		u8 hour, minute, second;
		u64 at;
	} row[] = {
		{ 0x22, 0x13, 0x21, T0 + 1 },
		{ 0x22, 0x13, 0x20, T0 + 86400 }, /* this second is past */
		{ 0x22, 0x14, 0x00, T0 + 40 },
		{ 0x23, 0x00, 0x00, T0 + 46 * 60 + 40 },
		{ 0x00, 0x00, 0x00, 1700006400 },
		{ 0xff, 0xff, 0xff, T0 + 1 },
		{ 0xc0, 0xff, 0x19, T0 + 59 },
		{ 0xff, 0x13, 0x19, T0 + 3599 },
		{ 0xff, 0x05, 0xff, T0 + 51 * 60 + 40 },
		{ 0x21, 0xff, 0xff, 1700082000 },
		{ 0x22, 0xff, 0x00, T0 + 40 },
		{ 0x22, 0x13, 0xff, T0 + 1 },
		{ 0x22, 0x12, 0xff, T0 + 86400 - 80 },
		{ 0x24, 0x00, 0x00, 0 },
		{ 0x00, 0x60, 0x00, 0 },
		{ 0x00, 0x00, 0x75, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		u64 deadline;

		reset(state);
		out(5, row[i].hour);
		out(3, row[i].minute);
		out(1, row[i].second);
		out(0x0b, 0x22);
		deadline = rtc_deadline(&r);
		if (!row[i].at) {
			assert_true(deadline == RTC_NEVER);
			continue;
		}
		assert_int_equal(wall(deadline), row[i].at);
		f.now = deadline - 1;
		rtc_tick(&r);
		assert_false(f.level[8]);
		f.now = deadline;
		rtc_tick(&r);
		assert_true(f.level[8]);
		assert_int_equal(in(0x0c) & 0xb0, 0xb0); /* IRQF, AF, and UF without its interrupt */
		assert_false(f.level[8]);
		assert_true(rtc_deadline(&r) > f.now);
	}
}

static void alarm_12_hours(void **state)
{
	(void)state;
	out(0x0b, 0x20);
	out(5, 0x91); /* 11 PM */
	out(3, 0);
	out(1, 0);
	assert_int_equal(wall(rtc_deadline(&r)), T0 + 46 * 60 + 40);
	out(5, 0x12); /* midnight */
	assert_int_equal(wall(rtc_deadline(&r)), 1700006400);
}

/* Brute force over a day says the same as next_alarm(). */
static void alarm_search(void **state)
{
	u64 seed = 11;

	(void)state;
	for (int i = 0; i < 150; i++) {
		u8 a[3];
		u64 t;

		reset(state);
		out(0x0b, 0x26);
		for (int k = 0; k < 3; k++) {
			a[k] = fake_random(&seed) % 3 ? (u8)(fake_random(&seed) % (k == 2 ? 24 : 60)) : 0xff;
			out((u8)(1 + 2 * k), a[k]);
		}
		for (t = T0 + 1;; t++)
			if ((a[0] == 0xff || a[0] == t % 60) && (a[1] == 0xff || a[1] == t / 60 % 60) &&
			    (a[2] == 0xff || a[2] == t / 3600 % 24))
				break;
		assert_int_equal(wall(rtc_deadline(&r)), t);
	}
}

static void periodic_interrupt(void **state)
{
	static const struct {
		u8 rate;
		u32 hz;
	} row[] = { { 1, 256 }, { 2, 128 }, { 3, 8192 }, { 6, 1024 }, { 10, 64 }, { 15, 2 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		u64 start;
		u32 n = 0;

		reset(state);
		out(0x0a, 0x20 | row[i].rate);
		start = f.now; /* on a whole second of the wall clock */
		out(0x0b, 0x42);
		while (rtc_deadline(&r) <= start + NS) {
			u64 deadline = rtc_deadline(&r);

			assert_true(deadline > f.now);
			f.now = deadline - 1;
			rtc_tick(&r);
			assert_false(f.level[8]);
			f.now = deadline;
			rtc_tick(&r);
			assert_true(f.level[8]);
			assert_true(in(0x0c) & 0x40);
			n++;
		}
		assert_int_equal(n, row[i].hz);
	}
	out(0x0a, 0x20);
	assert_true(rtc_deadline(&r) == RTC_NEVER);
}

static void memory_sizes(void **state)
{
	static const struct {
		u64 memory;
		u32 ext_kib, above_16m, above_4g;
	} row[] = {
		{ 1ull << 20, 0, 0, 0 },
		{ 8ull << 20, 7168, 0, 0 },
		{ 256ull << 20, 65535, 3840, 0 },
		{ 6ull << 30, 65535, 48896, 49152 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		u16 sum = 0;

		rtc_init(&r, &f.host, 8, 0, row[i].memory);
		assert_int_equal(in(0x15) | in(0x16) << 8, 640);
		assert_int_equal(in(0x17) | in(0x18) << 8, row[i].ext_kib);
		assert_int_equal(in(0x30) | in(0x31) << 8, row[i].ext_kib);
		assert_int_equal(in(0x34) | in(0x35) << 8, row[i].above_16m);
		assert_int_equal(in(0x5b) | in(0x5c) << 8 | in(0x5d) << 16, row[i].above_4g);
		for (u8 k = 0x10; k < 0x2e; k++)
			sum = (u16)(sum + in(k));
		assert_int_equal(in(0x2e) << 8 | in(0x2f), sum);
	}
	out(0x40, 0xa5);
	assert_int_equal(in(0x40), 0xa5);
	assert_int_equal(in(0xc0), 0xa5); /* bit 7 is no index */
	out(0x0d, 0);
	assert_int_equal(in(0x0d), 0x80);
}

static void ports(void **state)
{
	(void)state;
	rtc_write(&r, 0, 2, 0x5a40); /* index and data at once */
	assert_int_equal(in(0x40), 0x5a);
	assert_int_equal(rtc_read(&r, 0, 1), 0xff);
	assert_int_equal(rtc_read(&r, 0, 2), 0x5aff);
	assert_int_equal(rtc_read(&r, 1, 4), 0xffffff5a);
}

static void random_accesses(void **state)
{
	u64 seed = 99;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		u64 v = fake_random(&seed);

		f.now += v >> 40 & 0xffffff;
		if (v & 1)
			rtc_write(&r, v >> 1 & 3, 1u << (v >> 3 & 3), (u32)(v >> 8));
		else if (v & 2)
			rtc_read(&r, v >> 2 & 3, 1u << (v >> 4 & 3));
		else
			rtc_tick(&r);
		assert_int_equal(r.level, f.level[8]);
		rtc_deadline(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tells_the_time, reset),
		cmocka_unit_test_setup(formats, reset),
		cmocka_unit_test_setup(setting, reset),
		cmocka_unit_test_setup(nonsense_is_some_time, reset),
		cmocka_unit_test_setup(update_in_progress, reset),
		cmocka_unit_test_setup(update_interrupt, reset),
		cmocka_unit_test_setup(alarm, reset),
		cmocka_unit_test_setup(alarm_12_hours, reset),
		cmocka_unit_test_setup(alarm_search, reset),
		cmocka_unit_test_setup(periodic_interrupt, reset),
		cmocka_unit_test_setup(memory_sizes, reset),
		cmocka_unit_test_setup(ports, reset),
		cmocka_unit_test_setup(random_accesses, reset),
	};

	return cmocka_run_group_tests_name("dev_rtc", tests, NULL, NULL);
}
