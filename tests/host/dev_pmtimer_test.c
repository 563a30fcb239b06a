/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PM timer: its rate, its width, and that no rounding adds up.
 */
#include "tests/host/control_common.h"

#include "guest/control/dev/pmtimer.h"

static void counts(void **state)
{
	struct fake_host f;
	struct pmtimer t;
	u64 seed = 5;

	(void)state;
	fake_init(&f);
	f.now = 123456789;
	pmtimer_init(&t, &f.host);
	assert_int_equal(pmtimer_read(&t, 0, 4), 0);
	f.now += 1000000000;
	assert_int_equal(pmtimer_read(&t, 0, 4), 3579545);
	f.now += 279; /* one tick is 279.4 ns */
	assert_int_equal(pmtimer_read(&t, 0, 4), 3579545);
	f.now += 1;
	assert_int_equal(pmtimer_read(&t, 0, 4), 3579546);
	for (int i = 0; i < 100000; i++) {
		u64 ns = fake_random(&seed) >> (fake_random(&seed) % 40 + 4);

		f.now = 123456789 + ns;
		assert_int_equal(pmtimer_read(&t, 0, 4), (u32)((unsigned __int128)ns * 3579545 / 1000000000));
	}
}

static void parts_and_writes(void **state)
{
	struct fake_host f;
	struct pmtimer t;
	u32 whole;

	(void)state;
	fake_init(&f);
	pmtimer_init(&t, &f.host);
	f.now = 987654321987654321;
	whole = pmtimer_read(&t, 0, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pmtimer_read(&t, i, 1), whole >> 8 * i & 0xff);
	assert_int_equal(pmtimer_read(&t, 0, 2), whole & 0xffff);
	assert_int_equal(pmtimer_read(&t, 2, 2), whole >> 16);
	assert_int_equal(pmtimer_read(&t, 2, 4), whole >> 16);
	assert_int_equal(pmtimer_read(&t, 4, 1), 0xff);
	assert_int_equal(pmtimer_read(&t, 1000, 4), 0xffffffff);
	pmtimer_write(&t, 0, 4, 0);
	assert_int_equal(pmtimer_read(&t, 0, 4), whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(counts), cmocka_unit_test(parts_and_writes) };

	return cmocka_run_group_tests_name("dev_pmtimer", tests, NULL, NULL);
}
