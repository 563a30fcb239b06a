/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fw_cfg, read as test kernels read it: select, then bytes.
 */
#include "tests/host/control_common.h"

#include "guest/control/dev/fwcfg.h"

static struct fwcfg f;

static u64 item(u16 key, unsigned bytes)
{
	u64 v = 0;

	fwcfg_write(&f, 0, 2, key);
	for (unsigned i = 0; i < bytes; i++)
		v |= (u64)fwcfg_read(&f, 1, 1) << 8 * i;
	return v;
}

static void keys(void **state)
{
	(void)state;
	fwcfg_init(&f, 5ull << 30, 259);
	assert_int_equal(item(0, 4), 'Q' | 'E' << 8 | 'M' << 16 | 'U' << 24);
	assert_int_equal(item(1, 4), 1);
	assert_true(item(3, 8) == 5ull << 30);
	assert_int_equal(item(5, 2), 259);
	assert_int_equal(item(0x0f, 2), 259);
	assert_int_equal(item(0x11, 8), 0); /* no limit */
	for (unsigned key = 0; key <= 0xffff; key += 7)
		if (key != 0 && key != 1 && key != 3 && key != 5 && key != 0x0f)
			assert_int_equal(item((u16)key, 8), 0);
}

static void ends_in_zeros(void **state)
{
	(void)state;
	fwcfg_init(&f, ~0ull, 0xffff);
	item(3, 8);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(fwcfg_read(&f, 1, 1), 0);
	item(0, 4);
	assert_int_equal(fwcfg_read(&f, 1, 1), 0);
	f.at = UINT32_MAX;
	assert_int_equal(fwcfg_read(&f, 1, 1), 0);
	assert_int_equal(fwcfg_read(&f, 1, 1), 0);
}

static void other_accesses(void **state)
{
	(void)state;
	fwcfg_init(&f, 1 << 20, 1);
	fwcfg_write(&f, 0, 2, 3);
	fwcfg_write(&f, 0, 1, 0);
	fwcfg_write(&f, 1, 1, 0xff);
	fwcfg_write(&f, 7, 4, 0);
	assert_int_equal(fwcfg_read(&f, 0, 2), 0xffff);
	assert_int_equal(fwcfg_read(&f, 1, 1), 0);
	assert_int_equal(fwcfg_read(&f, 1, 1), 0);
	assert_int_equal(fwcfg_read(&f, 1, 1), 0x10);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(keys), cmocka_unit_test(ends_in_zeros),
					    cmocka_unit_test(other_accesses) };

	return cmocka_run_group_tests_name("dev_fwcfg", tests, NULL, NULL);
}
