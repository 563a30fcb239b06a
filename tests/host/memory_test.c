/* SPDX-License-Identifier: BSD-2-Clause */
/* The RAM of domains: what is refused, how large the pages are,
 * what a fault finds, how it is copied and taken back. */
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
#define PAGES_2M (SZ_2M / P)
#define RAM	 (WORLD_RAM * P) /* where b's RAM ends */
#define FAR	 (4 * SZ_2M)
#define LAZY	 CAISSON_POP_LAZY
#define ROM	 CAISSON_POP_ROM

static struct world w;
static struct domain *b;

static int setup(void **state)
{
	(void)state;
	world_begin(&w);
	b = w.b;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake.window = NULL;
	assert_true(world_end());
	return 0;
}

/* The size of what is mapped there; 0: nothing is. */
static u64 mapped(u64 gpa)
{
	u64 size;
	u32 prot;
	hpa_t pa;

	return arch_s2_lookup(b, GPA(gpa), &pa, &size, &prot) ? size : 0;
}

static void reset(void)
{
	while (domain_reset(b))
		;
}

static void regions(void **state)
{
	(void)state;
	assert_int_equal(memory_populate(b, FAR + 1, 1, 0), -CAISSON_EINVAL);
	assert_int_equal(memory_populate(b, FAR, 0, 0), -CAISSON_EINVAL);
	assert_int_equal(memory_populate(b, FAR, ~0ull, 0), -CAISSON_EINVAL);
	assert_int_equal(memory_populate(b, 0, (1ull << world_phys_bits) / P + 1, 0), -CAISSON_EINVAL);
	assert_int_equal(memory_populate(b, 1ull << world_phys_bits, 1, 0), -CAISSON_EINVAL);
	assert_int_equal(memory_populate(b, (1ull << world_phys_bits) - P, 2, 0), -CAISSON_EINVAL);
	assert_int_equal(memory_populate(b, FAR, 1, 4), -CAISSON_EINVAL);
	/* the interrupt controllers' pages are no RAM, whatever the builder says */
	assert_int_equal(memory_populate(b, 0xfec00000, 1, LAZY), -CAISSON_EINVAL);
	assert_int_equal(memory_populate(b, 0xfebff000, 2, LAZY), -CAISSON_EINVAL);
	assert_int_equal(memory_populate(b, 0xfee00000, 1, LAZY), -CAISSON_EINVAL);
	assert_int_equal(memory_populate(b, 0xfee01000, 1, LAZY), 1);
	assert_int_equal(memory_populate(b, 0xfebff000, 1, LAZY), 1);
	/* a part of what is there is a restart, and gives nothing twice */
	assert_int_equal(b->vm.populated, WORLD_RAM);
	assert_int_equal(memory_populate(b, 0, WORLD_RAM, 0), WORLD_RAM);
	assert_int_equal(memory_populate(b, 4 * P, 4, 0), 4);
	assert_int_equal(b->vm.populated, WORLD_RAM);
	assert_int_equal(memory_populate(b, 4 * P, 4, LAZY), -CAISSON_EINVAL);
	/* what is there in part is not */
	assert_int_equal(memory_populate(b, RAM - P, 2, 0), -CAISSON_EEXIST);
	assert_int_equal(memory_populate(b, 0, WORLD_RAM + 1, 0), -CAISSON_EEXIST);
	assert_int_equal(memory_populate(b, 0xfee00000 - P, 3, 0), -CAISSON_EINVAL);
	/* no more than was charged, no more regions than there is room for */
	assert_int_equal(memory_populate(b, FAR, b->vm.charged - WORLD_RAM - 1, LAZY), -CAISSON_ENOMEM);
	while (b->vm.regions < DOMAIN_REGIONS)
		assert_int_equal(memory_populate(b, FAR + 2 * P * b->vm.regions, 1, LAZY), 1);
	assert_int_equal(memory_populate(b, FAR, 1, LAZY), -CAISSON_ENOSPC);
	assert_int_equal(b->vm.populated, WORLD_RAM);
}

/* Large pages where address and length allow it; a piece at a time. */
static void sizes(void **state)
{
	u64 done = 0;
	s64 n;

	(void)state;
	for (; done < 1000; done += (u64)n) {
		n = memory_populate(b, FAR - 8 * P + done * P, 1000 - done, 0);
		assert_in_range(n, 1, MEMORY_PIECE + PAGES_2M);
	}
	assert_int_equal(b->vm.populated, WORLD_RAM + 1000);
	assert_int_equal(mapped(FAR - P), P);
	assert_int_equal(mapped(FAR), SZ_2M);
	assert_int_equal(mapped(FAR + SZ_2M - 1), SZ_2M);
	assert_int_equal(mapped(FAR + SZ_2M), P); /* not all of it is asked for */
	assert_int_equal(mapped(FAR + 991 * P), P);
	assert_int_equal(mapped(FAR + 992 * P), 0);
}

/* Where a small page is already, small ones go around it, and it stays. */
static void around_what_is_there(void **state)
{
	u64 word = 0x1234, got = 0;

	(void)state;
	assert_int_equal(memory_populate(b, FAR, PAGES_2M, LAZY), PAGES_2M);
	reset();
	assert_int_equal(memory_populate(b, FAR, PAGES_2M + 16, 0) > 0, true);
	reset();
	assert_int_equal(b->vm.populated, 0);
	/* one page in the middle of where a large one would go, and of where 64 KiB would */
	assert_int_equal(memory_populate(b, FAR, PAGES_2M, LAZY), PAGES_2M);
	assert_int_equal(memory_fault(b, FAR + 5 * P, true), MEM_MAPPED);
	assert_int_equal(mapped(FAR), SZ_2M); /* the first touch gave the large one */
	reset();
	assert_int_equal(memory_populate(b, FAR, PAGES_2M - 1, LAZY), PAGES_2M - 1);
	assert_true(memory_write(b, FAR + 5 * P, &word, sizeof(word)));
	assert_int_equal(mapped(FAR + 5 * P), P);
	assert_int_equal(b->vm.populated, 1);
	b->vm.region[0].pages++;
	b->vm.region[0].flags = 0;
	while (b->vm.populated < PAGES_2M)
		assert_true(memory_populate(b, FAR, PAGES_2M, 0) > 0);
	assert_int_equal(mapped(FAR), P);
	assert_true(memory_read(b, FAR + 5 * P, &got, sizeof(got)));
	assert_int_equal(got, word);
}

/* Without a free block of 2 MiB the promise is kept in small pages. */
static void fragments(void **state)
{
	struct frame_counts c;
	hpa_t block[64];
	u32 n = 0, promised;

	(void)state;
	while (frame_ok(block[n] = frame_alloc(77, FRAME_ORDER_2M, 0)))
		n++;
	/* what is left was promised to the three domains */
	for (promised = n;; promised++) {
		frame_count(&c);
		if (c.reserved < PAGES_2M ||
		    !frame_ok(block[promised] = frame_alloc(77, FRAME_ORDER_2M, FRAME_RESERVED)))
			break;
	}
	assert_true(promised >= n + 4);
	for (u32 i = n; i < promised; i++)
		frame_free(block[i], FRAME_ORDER_2M - 1, FRAME_RESERVED);
	assert_int_equal(memory_populate(b, FAR, PAGES_2M + 100, LAZY), PAGES_2M + 100);
	assert_int_equal(memory_fault(b, FAR + 77 * P, false), MEM_MAPPED);
	assert_int_equal(mapped(FAR + 77 * P), P);
	assert_int_equal(mapped(FAR + 78 * P), 0);
	reset();
	for (u32 i = n; i < promised; i++)
		frame_free(HPA(block[i].v + SZ_2M / 2), FRAME_ORDER_2M - 1, FRAME_RESERVED);
	for (u32 i = 0; i < n; i++)
		frame_free(block[i], FRAME_ORDER_2M, 0);
}

/* No table for a mapping: an error, and the page is back. */
static void no_table(void **state)
{
	struct frame_counts before, after;

	(void)state;
	assert_int_equal(memory_populate(b, FAR, 1, LAZY), 1);
	frame_count(&before);
	world_fails = 1;
	assert_int_equal(memory_populate(b, FAR - P, 1, 0), -CAISSON_ENOMEM);
	world_fails = 1;
	assert_int_equal(memory_fault(b, FAR, false), MEM_NOMEM);
	frame_count(&after);
	assert_int_equal(before.free, after.free);
	assert_int_equal(before.reserved, after.reserved);
	assert_int_equal(memory_fault(b, FAR, false), MEM_MAPPED);
}

static void faults(void **state)
{
	u64 word = 1;

	(void)state;
	assert_int_equal(memory_fault(b, FAR, false), MEM_NOTHING);
	assert_int_equal(memory_fault(b, 0, true), MEM_MAPPED); /* another vCPU was there first */
	assert_int_equal(memory_populate(b, FAR, 2 * PAGES_2M - 1, LAZY), 2 * PAGES_2M - 1);
	assert_int_equal(memory_fault(b, FAR + 3 * P + 5, true), MEM_MAPPED);
	assert_int_equal(mapped(FAR + 3 * P), SZ_2M);
	/* not all of these 2 MiB are RAM */
	assert_int_equal(memory_fault(b, FAR + SZ_2M + 3 * P, true), MEM_MAPPED);
	assert_int_equal(mapped(FAR + SZ_2M + 3 * P), P);
	assert_int_equal(mapped(FAR + SZ_2M), 0);
	assert_int_equal(memory_populate(b, FAR - 2 * P, 1, LAZY | ROM), 1);
	assert_true(memory_is_rom(b, FAR - 2 * P));
	assert_false(memory_is_rom(b, FAR));
	assert_false(memory_is_rom(b, FAR - P));
	assert_int_equal(memory_fault(b, FAR - 2 * P, true), MEM_ROM); /* it is there, the write is dropped */
	assert_int_equal(mapped(FAR - 2 * P), P);
	assert_int_equal(memory_fault(b, FAR - 2 * P, true), MEM_ROM);
	assert_int_equal(memory_fault(b, FAR - 2 * P, false), MEM_MAPPED);
	assert_false(memory_write(b, FAR - 2 * P, &word, sizeof(word)));
	/* the hole's page of ones is no ROM: a write there goes nowhere */
	assert_true(memory_hole(b, 0xa0123));
	assert_int_equal(memory_fault(b, 0xa0008, true), MEM_NOTHING);
	assert_int_equal(memory_fault(b, 0xa0000, false), MEM_MAPPED);
	assert_true(memory_read(b, 0xa0ff8, &word, sizeof(word)));
	assert_int_equal(word, ~0ull);
	/* a domain that has ended gets nothing */
	domain_end(b, CAISSON_END_CRASH, 0, "a crash");
	assert_int_equal(memory_fault(b, FAR + SZ_2M, false), MEM_NOMEM);
	assert_false(memory_read(b, FAR + SZ_2M, &word, sizeof(word)));
	assert_false(frame_ok(memory_pin(b, FAR + SZ_2M, false, false)));
}

/* A first touch, where an idle CPU has zeroed a frame before, is served at once;
 * where it finds no table the long way tells. */
static void a_zero_frame_is_at_hand(void **state)
{
	struct frame_counts before, after;

	(void)state;
	while (frame_idle_zero(64))
		;
	assert_int_equal(memory_populate(b, FAR, PAGES_2M + 8, LAZY), PAGES_2M + 8);
	frame_count(&before);
	world_fails = 3;
	assert_int_equal(memory_fault(b, FAR + SZ_2M + 5, true), MEM_NOMEM);
	world_fails = 0;
	frame_count(&after);
	assert_int_equal(before.free, after.free);
	assert_int_equal(before.reserved, after.reserved);
	assert_int_equal(memory_fault(b, FAR + SZ_2M + 5, true), MEM_MAPPED);
	assert_int_equal(mapped(FAR + SZ_2M), P);
	assert_int_equal(mapped(FAR + SZ_2M + P), 0);
	assert_int_equal(memory_fault(b, FAR + 5 * P, false), MEM_MAPPED);
	assert_int_equal(mapped(FAR), SZ_2M);
	assert_int_equal(b->vm.populated, WORLD_RAM + PAGES_2M + 1);
	domain_end(b, CAISSON_END_CRASH, 0, "a crash");
	assert_int_equal(memory_fault(b, FAR + SZ_2M + P, false), MEM_NOMEM);
}

static void the_hole(void **state)
{
	(void)state;
	assert_false(memory_hole(b, 0x9ffff));
	assert_false(memory_hole(b, 0xe0000));
	assert_true(memory_hole(b, 0xdffff));
	assert_false(memory_hole(b, 0xdf000)); /* it is there */
	assert_int_equal(memory_populate(b, 0xb0000, 1, LAZY), 1);
	assert_false(memory_hole(b, 0xb0000)); /* RAM, not filled yet */
	assert_int_equal(bus_claim(&b->bus, CAISSON_IO_MMIO, 0xc0800, 4, b, 0), 0);
	assert_false(memory_hole(b, 0xc0000)); /* somebody answers in that page */
	assert_int_equal(bus_drop(&b->bus, CAISSON_IO_MMIO, 0xc0800, b), 0);
	assert_true(memory_hole(b, 0xc0000));
}

static void across_pages(void **state)
{
	u8 out[3 * P], in[3 * P];

	(void)state;
	for (u32 i = 0; i < sizeof(out); i++)
		out[i] = (u8)(i * 7 + 1);
	assert_int_equal(memory_populate(b, RAM, 4, LAZY), 4);
	assert_true(memory_write(b, RAM - 100, out, sizeof(out)));
	assert_true(memory_read(b, RAM - 100, in, sizeof(in)));
	assert_memory_equal(in, out, sizeof(in));
	assert_true(memory_write(b, RAM - 4, out, 8)); /* an aligned word's size, but in two pages */
	assert_true(memory_read(b, RAM - 4, in, 8));
	assert_memory_equal(in, out, 8);
	/* beyond the end: not all of it */
	assert_false(memory_read(b, RAM + 4 * P - 100, in, 101));
	assert_false(memory_write(b, RAM + 4 * P - 100, out, 101));
	assert_false(memory_read(b, ~0ull - 3, in, 8));
}

static void pins(void **state)
{
	u64 at = FAR, at_b = 2 * P, page;
	hpa_t pa;

	(void)state;
	pa = memory_pin(b, 0x10, true, false);
	assert_true(frame_ok(pa));
	assert_int_equal(frame_owner(pa), b->id);
	assert_true(frame_refs(pa));
	assert_int_equal(domain_reset(b), -CAISSON_EAGAIN); /* not while somebody has it */
	assert_int_equal(domain_reset(b), -CAISSON_EAGAIN);
	memory_unpin(pa);
	reset();
	assert_int_equal(memory_populate(b, at_b, 1, 0), 1);
	/* what another granted for reading is not written to,
	 * and a frame without a record is nobody's to hold */
	world_flushed = true;
	assert_int_equal(CALL(w.a, foreign_map, b->id, at_b, at, 1, CAISSON_PROT_READ), 1);
	assert_true(frame_ok(pa = memory_pin(w.a, at, false, false)));
	memory_unpin(pa);
	assert_false(frame_ok(memory_pin(w.a, at, true, false)));
	assert_false(frame_ok(memory_pin(w.a, at, true, true)));
	assert_int_equal(CALL(w.a, foreign_unmap, at), 0);
	assert_int_equal(CALL(w.control, module_map, 0, at, 1, 1), 1);
	assert_true(frame_ok(pa = memory_pin(w.control, at, false, false)));
	assert_int_equal(frame_owner(pa), FRAME_NO_OWNER);
	memory_unpin(pa);
	assert_true(memory_read(w.control, at, &page, sizeof(page)));
	world_flushed = false;
	/* a lazy page is filled for it; ROM is written only by who may */
	assert_int_equal(memory_populate(b, FAR, 1, LAZY | ROM), 1);
	assert_false(frame_ok(memory_pin(b, FAR, true, false)));
	assert_true(frame_ok(pa = memory_pin(b, FAR, true, true)));
	memory_unpin(pa);
	assert_false(frame_ok(memory_pin(b, FAR + P, false, false)));
}

static void copies(void **state)
{
	u8 out[600], in[600];

	(void)state;
	for (u32 i = 0; i < sizeof(out); i++)
		out[i] = (u8)(i * 5 + 3);
	assert_true(memory_write(b, 3 * P - 300, out, sizeof(out)));
	/* between pages of other alignment, into ROM, and onto itself */
	assert_int_equal(memory_populate(w.a, FAR, 2, ROM), 2);
	assert_int_equal(memory_copy(w.a, FAR + P - 17, b, 3 * P - 300, sizeof(out)), sizeof(out));
	assert_true(memory_read(w.a, FAR + P - 17, in, sizeof(in)));
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(memory_copy(b, 3 * P - 290, b, 3 * P - 300, 280), 280);
	assert_true(memory_read(b, 3 * P - 290, in, 280));
	assert_memory_equal(in, out, 280);
	/* as far as both have RAM */
	assert_int_equal(memory_copy(w.a, 0, b, 0, 0), 0);
	assert_int_equal(memory_copy(w.a, 0, b, 0, ~0ull), MEMORY_COPY);
	assert_int_equal(memory_copy(w.a, 0, b, RAM - 10, 20), 10);
	assert_int_equal(memory_copy(w.a, RAM - 10, b, 0, 20), 10);
	assert_int_equal(memory_copy(w.a, 0, b, RAM, 20), -CAISSON_EFAULT);
	assert_int_equal(memory_copy(w.a, RAM, b, 0, 20), -CAISSON_EFAULT);
	assert_int_equal(memory_copy(w.a, 0, b, ~0ull - 10, 20), -CAISSON_EFAULT);
}

/* Taking it back comes in bounded pieces, by number and by time. */
static void pieces(void **state)
{
	u64 before;

	(void)state;
	domain_end(b, CAISSON_END_CRASH, 0, "a crash");
	before = b->vm.populated;
	fake.step = 7000;
	assert_int_equal(domain_reset(b), -CAISSON_EAGAIN);
	assert_true(b->vm.populated);
	fake.step = 0;
	reset();
	assert_int_equal(b->vm.populated, 0);
	assert_int_equal(memory_populate(b, FAR, 1000, 0), PAGES_2M);
	before = b->vm.populated;
	assert_int_equal(memory_populate(b, FAR + SZ_2M, 488, 0), 488);
	while (before < b->vm.populated)
		assert_int_equal(domain_reset(b), -CAISSON_EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(regions, setup, teardown),
		cmocka_unit_test_setup_teardown(sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(around_what_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(fragments, setup, teardown),
		cmocka_unit_test_setup_teardown(no_table, setup, teardown),
		cmocka_unit_test_setup_teardown(faults, setup, teardown),
		cmocka_unit_test_setup_teardown(a_zero_frame_is_at_hand, setup, teardown),
		cmocka_unit_test_setup_teardown(the_hole, setup, teardown),
		cmocka_unit_test_setup_teardown(across_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(pins, setup, teardown),
		cmocka_unit_test_setup_teardown(copies, setup, teardown),
		cmocka_unit_test_setup_teardown(pieces, setup, teardown),
	};

	world_phys_bits = 33; /* beyond the interrupt controllers */
	world_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
