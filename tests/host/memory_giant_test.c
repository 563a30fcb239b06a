/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of 1 GiB: made in pieces, mapped when they are whole, and nobody's to see before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hv/arch.h"
#include "hv/frame.h"
#include "tests/host/fake_arch.h"
#include "tests/host/world.h"

#define P	 PAGE_SIZE
#define PAGES_1G (SZ_1G / P)
#define PIECE	 (SZ_2M / P)
#define BASE	 (4 * SZ_1G)

static struct world w;
static struct domain *d;
static s64 inside; /* what was answered during a piece */

static int setup(void **state)
{
	struct caisson_create c = { .abi_version = CAISSON_ABI_VERSION, .vcpus = 1, .pages = 2 * PAGES_1G };

	(void)state;
	world_begin(&w);
	assert_int_equal(domain_create(&c, w.control, &d), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake.window = NULL;
	domain_put(d);
	assert_true(world_end());
	return 0;
}

static u64 mapped(u64 gpa)
{
	u64 size;
	u32 prot;
	hpa_t pa;

	return arch_s2_lookup(d, GPA(gpa), &pa, &size, &prot) ? size : 0;
}

static s64 from(u64 done)
{
	return memory_populate(d, BASE + done, (2 * SZ_1G - done) / P, 0);
}

static void in_pieces(void **state)
{
	(void)state;
	for (u64 done = 0; done < SZ_1G; done += SZ_2M) {
		assert_int_equal(mapped(BASE), 0);
		assert_int_equal(d->vm.populated, done ? PAGES_1G : 0); /* in hand */
		assert_int_equal(from(done), PIECE);
	}
	assert_int_equal(mapped(BASE), SZ_1G);
	assert_int_equal(mapped(BASE + SZ_1G - 1), SZ_1G);
	assert_int_equal(d->vm.populated, PAGES_1G);
	while (domain_reset(d))
		;
	assert_int_equal(d->vm.populated, 0);
}

static void again_inside(void)
{
	fake.window = NULL;
	inside = from(SZ_2M);
}

static void reset_inside(void)
{
	fake.window = NULL;
	while ((inside = domain_reset(d)) == -CAISSON_EAGAIN && !d->vm.giant.busy)
		;
}

static void end_inside(void)
{
	domain_end(d, CAISSON_END_CRASH, 0, "a crash");
}

/* Two vCPUs of the builder at one page, a reset or an end meanwhile. */
static void one_at_a_time(void **state)
{
	(void)state;
	assert_int_equal(from(0), PIECE);
	fake.window = again_inside;
	assert_int_equal(from(SZ_2M), PIECE);
	assert_int_equal(inside, -CAISSON_EBUSY);
	fake.window = reset_inside;
	assert_int_equal(from(2 * SZ_2M), PIECE);
	assert_int_equal(inside, -CAISSON_EAGAIN);	   /* not under its feet */
	assert_int_equal(from(3 * SZ_2M), -CAISSON_EBUSY); /* the reset has ended it */
	while (domain_reset(d))				   /* gives back what is half made */
		;
	assert_int_equal(d->vm.giant.bytes, 0);
}

static void ended_before_it_is_whole(void **state)
{
	(void)state;
	for (u64 done = 0; done < SZ_1G - SZ_2M; done += SZ_2M)
		assert_int_equal(from(done), PIECE);
	fake.window = end_inside;
	assert_int_equal(from(SZ_1G - SZ_2M), -CAISSON_EBUSY);
	assert_int_equal(mapped(BASE), 0);
}

/* Only the next piece goes on with it; what else is asked for meanwhile gets smaller pages. */
static void not_its_continuation(void **state)
{
	(void)state;
	assert_int_equal(from(0), PIECE);
	assert_int_equal(from(0), PIECE); /* from the beginning: by 2 MiB now */
	assert_int_equal(mapped(BASE), SZ_2M);
	assert_int_equal(from(SZ_1G), PIECE); /* the second one is not begun under it */
	assert_int_equal(mapped(BASE + SZ_1G), SZ_2M);
	for (u64 done = SZ_2M; done < SZ_1G - SZ_2M; done += SZ_2M)
		assert_int_equal(from(done), PIECE);
	/* what is there in its place wins */
	assert_int_equal(from(SZ_1G - SZ_2M), -CAISSON_EEXIST);
	assert_int_equal(mapped(BASE), SZ_2M);
	assert_int_equal(from(SZ_2M), PIECE);
	assert_int_equal(mapped(BASE + SZ_2M), SZ_2M);
}

/* Not whole, not for reading and writing, or without a block of that size: smaller ones. */
static void smaller(void **state)
{
	hpa_t block[4];
	u32 n = 0;

	(void)state;
	assert_int_equal(memory_populate(d, SZ_1G, PAGES_1G - 1, 0), PIECE);
	assert_int_equal(mapped(SZ_1G), SZ_2M);
	while (domain_reset(d))
		;
	assert_int_equal(memory_populate(d, SZ_1G - SZ_2M, PAGES_1G, 0), PIECE);
	assert_int_equal(memory_populate(d, SZ_1G, PAGES_1G - PIECE, 0), PIECE);
	assert_int_equal(mapped(SZ_1G), SZ_2M);
	while (domain_reset(d))
		;
	assert_int_equal(memory_populate(d, SZ_1G, PAGES_1G, CAISSON_POP_ROM), PIECE);
	assert_int_equal(mapped(SZ_1G), SZ_2M);
	while (domain_reset(d))
		;
	for (; n < 2 && frame_ok(block[n] = frame_alloc(d->id, FRAME_ORDER_1G, FRAME_RESERVED)); n++)
		frame_free(block[n], FRAME_ORDER_1G - 1, FRAME_RESERVED); /* halves of them stay free */
	assert_int_equal(n, 2);
	assert_int_equal(from(0), PIECE);
	assert_int_equal(mapped(BASE), SZ_2M);
	while (n--)
		frame_free(HPA(block[n].v + SZ_1G / 2), FRAME_ORDER_1G - 1, FRAME_RESERVED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(one_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(ended_before_it_is_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(not_its_continuation, setup, teardown),
		cmocka_unit_test_setup_teardown(smaller, setup, teardown),
	};

	world_phys_bits = 33;
	world_sizes = PAGE_SIZE | SZ_2M | SZ_1G;
	world_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
