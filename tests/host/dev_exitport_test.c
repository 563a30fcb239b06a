/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port 0xf4: each width's value is the exit code.
 */
#include "tests/host/control_common.h"

#include "guest/control/dev/exitport.h"

static void widths(void **state)
{
	static const struct {
		unsigned size;
		u32 value, code;
	} row[] = { { 1, 0, 0 },
		    { 1, 0xfffffff1, 0xf1 },
		    { 2, 0x12345678, 0x5678 },
		    { 4, 0x12345678, 0x12345678 },
		    { 4, 0xffffffff, 0xffffffff } };
	struct fake_host f;
	struct exitport p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		fake_init(&f);
		exitport_init(&p, &f.host);
		exitport_write(&p, 0, row[i].size, row[i].value);
		assert_int_equal(f.ends, 1);
		assert_int_equal(f.how, DEV_EXIT);
		assert_int_equal(f.code, row[i].code);
	}
}

static void nothing_else_exits(void **state)
{
	struct fake_host f;
	struct exitport p;

	(void)state;
	fake_init(&f);
	exitport_init(&p, &f.host);
	for (unsigned offset = 1; offset < 8; offset++)
		exitport_write(&p, offset, 1, 3);
	assert_int_equal(exitport_read(&p, 0, 1), 0xff);
	assert_int_equal(exitport_read(&p, 0, 2), 0xffff);
	assert_int_equal(exitport_read(&p, 0, 4), 0xffffffff);
	assert_int_equal(f.ends, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(widths), cmocka_unit_test(nothing_else_exits) };

	return cmocka_run_group_tests_name("dev_exitport", tests, NULL, NULL);
}
