/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test device: lines follow bytes, registers remember.
 */
#include "tests/host/control_common.h"

#include "guest/control/dev/testdev.h"

static struct fake_host f;
static struct testdev t;

static int reset(void **state)
{
	(void)state;
	fake_init(&f);
	testdev_init(&t, &f.host);
	return 0;
}

static void lines(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 24; n++) {
		testdev_write(&t, n, 1, 1);
		assert_true(f.level[n]);
		testdev_write(&t, n, 1, 0x80); /* up already */
		assert_int_equal(testdev_read(&t, n, 1), 1);
	}
	for (unsigned n = 0; n < 24; n++) {
		testdev_write(&t, n, 1, 0xffffff00); /* only the byte counts */
		assert_false(f.level[n]);
		assert_int_equal(f.edges[n], 1);
		assert_int_equal(testdev_read(&t, n, 1), 0);
	}
	for (unsigned n = 24; n < 40; n++)
		testdev_write(&t, n, 1, 1);
	assert_int_equal(testdev_read(&t, 24, 1), 0xff);
	testdev_write(&t, 22, 4, 0x01010001);
	assert_true(f.level[22] && !f.level[23] && !f.level[24]);
	assert_int_equal(testdev_read(&t, 22, 4), 0xffff0001);
}

static void registers(void **state)
{
	(void)state;
	for (u64 at = 0; at < 4096; at += 4)
		testdev_mmio_write(&t, at, 4, 0x10000000 + at);
	for (u64 at = 0; at < 4096; at += 4)
		assert_true(testdev_mmio_read(&t, at, 4) == 0x10000000 + at);
	assert_true(testdev_mmio_read(&t, 8, 8) == 0x1000000c10000008);
	testdev_mmio_write(&t, 3, 2, 0xabcd);
	assert_true(testdev_mmio_read(&t, 0, 8) == 0x100000abcd000000);
	testdev_mmio_write(&t, 4094, 8, 0x1122334455667788);
	assert_true(testdev_mmio_read(&t, 4094, 8) == 0xffffffffffff7788);
	testdev_mmio_write(&t, 4096, 8, 0);
	testdev_mmio_write(&t, ~0ull, 8, 0);
	testdev_mmio_write(&t, ~0ull - 3, 8, 0);
	assert_true(testdev_mmio_read(&t, ~0ull, 8) == ~0ull);
	assert_true(testdev_mmio_read(&t, 0, 1) == 0);
	assert_true(testdev_mmio_read(&t, 4, 4) == 0x100000ab);
	assert_int_equal(f.ends + (int)f.nprinted, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(lines, reset),
					    cmocka_unit_test_setup(registers, reset) };

	return cmocka_run_group_tests_name("dev_testdev", tests, NULL, NULL);
}
