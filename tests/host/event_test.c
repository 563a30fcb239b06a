/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "hv/event.h"

static void ports(void **state)
{
	struct events e;

	(void)state;
	events_init(&e);
	assert_int_equal(event_bind(&e, CAISSON_EVENT_FREE - 1, 3), -CAISSON_EINVAL); /* the hypervisor's */
	assert_int_equal(event_bind(&e, CAISSON_EVENTS, 3), -CAISSON_EINVAL);
	assert_int_equal(event_bind(&e, CAISSON_EVENT_FREE, 3), 0);
	assert_int_equal(event_bind(&e, CAISSON_EVENT_FREE, 3), 0);
	assert_int_equal(event_bind(&e, CAISSON_EVENT_FREE, 4), -CAISSON_EEXIST);
	assert_true(event_allowed(&e, CAISSON_EVENT_FREE, 3));
	assert_false(event_allowed(&e, CAISSON_EVENT_FREE, 4));
	assert_false(event_allowed(&e, CAISSON_EVENTS, 3));
	assert_true(event_allowed(&e, 0, EVENT_HV));
	assert_int_equal(events_take(&e), 0);
	e.pending = 5;
	assert_int_equal(events_take(&e), 5);
	assert_int_equal(events_take(&e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ports) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
