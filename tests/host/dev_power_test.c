/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power-off, reset and the power button: which writes do it, and which do not.
 */
#include "tests/host/control_common.h"

#include "guest/control/dev/power.h"
#include "guest/control/ports.h"

static struct fake_host f;
static struct power p;

static int reset(void **state)
{
	(void)state;
	fake_init(&f);
	power_init(&p, &f.host);
	return 0;
}

static void sleep_control(void **state)
{
	(void)state;
	for (u32 v = 0; v < 256; v++) {
		reset(state);
		power_sleep_write(&p, 0, 1, v);
		assert_int_equal(f.ends, (v & 0x20) && (v >> 2 & 7) == 5);
		if (f.ends)
			assert_int_equal(f.how, DEV_POWER_OFF);
		assert_int_equal(power_sleep_read(&p, 0, 1), v & 0x1c);
	}
	reset(state);
	power_sleep_write(&p, 1, 1, 0x34); /* the status */
	power_sleep_write(&p, 9, 4, 0x34);
	assert_int_equal(f.ends, 0);
	assert_int_equal(power_sleep_read(&p, 1, 1), 0);
}

static void reset_register(void **state)
{
	(void)state;
	power_reset_write(&p, 0, 1, 2);
	assert_int_equal(f.ends, 0);
	assert_int_equal(power_reset_read(&p, 0, 1), 2);
	power_reset_write(&p, 0, 1, 6); /* the FADT's value */
	assert_int_equal(f.ends, 1);
	assert_int_equal(f.how, DEV_RESET);
	assert_int_equal(power_reset_read(&p, 0, 4), 0xffffff00);
	power_reset_write(&p, 0, 1, 0xfb);
	power_reset_write(&p, 3, 1, 6);
	assert_int_equal(f.ends, 1);
	assert_int_equal(power_reset_read(&p, 1, 2), 0xffff);
}

static void keyboard_reset(void **state)
{
	(void)state;
	assert_int_equal(power_kbd_read(&p, 0, 1) & 2, 0); /* nobody waits for the input buffer */
	for (u32 v = 0; v < 256; v++)
		if (v != 0xfe)
			power_kbd_write(&p, 0, 1, v);
	power_kbd_write(&p, 1, 1, 0xfe);
	assert_int_equal(f.ends, 0);
	power_kbd_write(&p, 0, 1, 0xfe);
	assert_int_equal(f.ends, 1);
	assert_int_equal(f.how, DEV_RESET);
}

static void button(void **state)
{
	(void)state;
	power_button(&p);
	power_button(&p);
	assert_int_equal(f.edges[IRQ_GED], 2);
	assert_false(f.level[IRQ_GED]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(sleep_control, reset),
		cmocka_unit_test_setup(reset_register, reset),
		cmocka_unit_test_setup(keyboard_reset, reset),
		cmocka_unit_test_setup(button, reset),
	};

	return cmocka_run_group_tests_name("dev_power", tests, NULL, NULL);
}
