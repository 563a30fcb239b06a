/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hv/abi/caisson.h"
#include "hv/bus.h"

#define PORT CAISSON_IO_PORT
#define MMIO CAISSON_IO_MMIO

static struct bus bus;
static struct domain *const one = (void *)0x1000, *const two = (void *)0x2000; /* never looked into */

static int setup(void **state)
{
	(void)state;
	memset(&bus, 0, sizeof(bus));
	return 0;
}

static int claim(u32 kind, u64 base, u64 bytes)
{
	return bus_claim(&bus, kind, base, bytes, one, 0);
}

/* An access belongs to a claim with its first and its last byte, or to nobody. */
static void all_of_an_access(void **state)
{
	const struct claim *c;

	(void)state;
	assert_null(bus_find(&bus, PORT, 0x3f8, 1));
	assert_int_equal(claim(PORT, 0x3f8, 8), 0);
	assert_int_equal(claim(PORT, 0x400, 2), 0); /* right behind it */
	assert_int_equal(claim(PORT, 0x60, 1), 0);
	assert_int_equal(claim(MMIO, 0x3f8, 4), 0);
	for (u32 size = 1; size <= 4; size *= 2)
		for (u64 at = 0x3f0; at < 0x410; at++) {
			u64 end = at + size;

			c = bus_find(&bus, PORT, at, size);
			if (at >= 0x3f8 && end <= 0x400)
				assert_int_equal(c->base, 0x3f8);
			else if (at >= 0x400 && end <= 0x402)
				assert_int_equal(c->base, 0x400);
			else
				assert_null(c);
		}
	assert_int_equal(bus_find(&bus, MMIO, 0x3f8, 4)->bytes, 4);
	assert_null(bus_find(&bus, MMIO, 0x3fc, 1));
	assert_null(bus_find(&bus, MMIO, ~0ull, 8)); /* its end wraps */
	assert_null(bus_find(&bus, PORT, 0x5f, 1));  /* below the first */
}

static void claims_that_are_none(void **state)
{
	(void)state;
	assert_int_equal(claim(PORT, 0x100, 0), -CAISSON_EINVAL);
	assert_int_equal(claim(PORT, 0xffff, 2), -CAISSON_EINVAL);
	assert_int_equal(claim(PORT, 0xffff, 1), 0);
	assert_int_equal(claim(MMIO, ~0ull - 7, 9), -CAISSON_EINVAL);
	assert_int_equal(claim(MMIO, 0x10000, 1), 0); /* a port there would be one too many */
	assert_int_equal(claim(MMIO, ~0ull - 7, 7), 0);
}

static void no_two_on_one_byte(void **state)
{
	(void)state;
	assert_int_equal(claim(MMIO, 0x1000, 0x1000), 0);
	assert_int_equal(claim(MMIO, 0x4000, 0x1000), 0);
	for (u64 base = 0; base < 0x6000; base += 0x800)
		for (u64 bytes = 0x800; bytes < 0x6000; bytes += 0x800) {
			bool taken = (base < 0x2000 && base + bytes > 0x1000) ||
				     (base < 0x5000 && base + bytes > 0x4000);

			assert_int_equal(bus_overlaps(&bus, MMIO, base, bytes), taken);
			assert_int_equal(claim(MMIO, base, bytes), taken ? -CAISSON_EBUSY : 0);
			if (!taken)
				assert_int_equal(bus_drop(&bus, MMIO, base, one), 0);
		}
	assert_false(bus_overlaps(&bus, PORT, 0x1000, 0x1000));
	assert_int_equal(bus.count[MMIO], 2);
}

/* In whatever order they come they stand in order, and are found when others go. */
static void many(void **state)
{
	(void)state;
	for (u32 i = 0; i < BUS_CLAIMS; i++)
		assert_int_equal(claim(PORT, 100 * (i * 7 % BUS_CLAIMS), 10), 0);
	assert_int_equal(claim(PORT, 50, 1), -CAISSON_ENOSPC);
	assert_int_equal(claim(MMIO, 50, 1), 0); /* a table of its own */
	for (u32 i = 1; i < BUS_CLAIMS; i++)
		assert_true(bus.claim[PORT][i - 1].base < bus.claim[PORT][i].base);
	for (u32 i = 0; i < BUS_CLAIMS; i += 2)
		assert_int_equal(bus_drop(&bus, PORT, 100 * i, one), 0);
	for (u32 i = 0; i < BUS_CLAIMS; i++)
		assert_int_equal(bus_find(&bus, PORT, 100 * i + 3, 2) != NULL, i % 2);
}

/* Given back by whom it belongs to, by its first address. */
static void dropped_by_its_owner(void **state)
{
	(void)state;
	assert_int_equal(bus_drop(&bus, PORT, 0x10, one), -CAISSON_ENOENT);
	assert_int_equal(claim(PORT, 0x10, 8), 0);
	assert_int_equal(bus_drop(&bus, PORT, 0x10, two), -CAISSON_ENOENT);
	assert_int_equal(bus_drop(&bus, PORT, 0x11, one), -CAISSON_ENOENT);
	assert_int_equal(bus_drop(&bus, PORT, 0x0f, one), -CAISSON_ENOENT);
	assert_int_equal(bus_drop(&bus, MMIO, 0x10, one), -CAISSON_ENOENT);
	assert_int_equal(bus_drop(&bus, PORT, 0x10, one), 0);
	assert_null(bus_find(&bus, PORT, 0x10, 1));
}

static void who_posts(void **state)
{
	(void)state;
	assert_null(bus_poster(&bus));
	assert_int_equal(claim(PORT, 0x10, 8), 0);
	assert_null(bus_poster(&bus));
	assert_int_equal(bus_claim(&bus, MMIO, 0x1000, 8, two, CAISSON_CLAIM_POSTED), 0);
	assert_ptr_equal(bus_poster(&bus), two);
	assert_int_equal(bus_drop(&bus, MMIO, 0x1000, two), 0);
	assert_int_equal(bus_claim(&bus, PORT, 0x20, 8, one, CAISSON_CLAIM_POSTED), 0);
	assert_ptr_equal(bus_poster(&bus), one);
}

/* Each is taken once: with it goes a reference. */
static void taken_once(void **state)
{
	u32 n[2] = { 0 };
	struct domain *d;

	(void)state;
	for (u32 i = 0; i < 5; i++) {
		assert_int_equal(bus_claim(&bus, i % 2, 0x100 * i, 8, i < 3 ? one : two, 0), 0);
	}
	while ((d = bus_take(&bus)))
		n[d == two]++;
	assert_int_equal(n[0], 3);
	assert_int_equal(n[1], 2);
	assert_int_equal(bus.count[PORT] + bus.count[MMIO], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_of_an_access, setup),
		cmocka_unit_test_setup(claims_that_are_none, setup),
		cmocka_unit_test_setup(no_two_on_one_byte, setup),
		cmocka_unit_test_setup(many, setup),
		cmocka_unit_test_setup(dropped_by_its_owner, setup),
		cmocka_unit_test_setup(who_posts, setup),
		cmocka_unit_test_setup(taken_once, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
