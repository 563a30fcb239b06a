/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* memfd_create() */
/* Frames: random life against a model of the machine, zeroing,
 * pools, reservations, shares, and bugs that must be caught. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>
#include <pthread.h>
#include "hv/abi/caisson.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "tests/host/fake_arch.h"

#define MIB (1ull << 20)

static const struct frame_range machine[] = {
	{ 0x1000, 0x9f000 },		      /* conventional memory */
	{ 1 * MIB + 0x234, 37 * MIB + 0x10 }, /* edges in the middle of frames */
	{ 64 * MIB, 96 * MIB },
	{ 96 * MIB, 100 * MIB },		  /* touches the one before */
	{ 0x100000000, 0x100000000 + 10 * MIB },  /* above 4 GiB */
	{ 0x8000000000, 0x8000000000 + 6 * MIB }, /* above 512 GiB */
};

static int setup(void **state)
{
	(void)state;
	fake_reset();
	for (u32 i = 0; i < ARRAY_SIZE(machine); i++)
		if (i != 3)
			fake_memory(machine[i].base & PAGE_MASK,
				    (i == 2 ? 100 * MIB : machine[i].end) - machine[i].base + 0x2000, false);
	assert_int_equal(frame_init(machine, ARRAY_SIZE(machine)), 0);
	return 0;
}

static struct frame_counts counts(void)
{
	struct frame_counts c;

	frame_count(&c);
	return c;
}

static bool is(hpa_t pa, u32 order, char byte)
{
	const char *p = fake_at(pa.v);

	for (u64 i = 0; i < PAGE_SIZE << order; i++)
		if (p[i] != byte)
			return false;
	return true;
}

/* Can it be read there? The kernel finds out without a fault. */
static bool in_direct_map(hpa_t pa)
{
	static int out = -1;

	if (out < 0)
		out = memfd_create("probe", 0);
	return pwrite(out, arch_direct_map(pa), 1, 0) == 1;
}

static bool is_ram(u64 pa)
{
	for (u32 i = 0; i < ARRAY_SIZE(machine); i++)
		if (pa >= machine[i].base && pa + PAGE_SIZE <= machine[i].end)
			return true;
	return false;
}

static void ranges_are_counted(void **state)
{
	struct frame_counts c = counts();
	u64 frames = 0x9e + (36 * MIB >> 12) - 1 + (36 * MIB >> 12) + (10 * MIB >> 12) + (6 * MIB >> 12);

	(void)state;
	assert_int_equal(c.total, frames);
	assert_int_equal(c.hv, ALIGN_UP(frames * 16, 4096) / 4096);
	assert_int_equal(c.free, c.total - c.hv);
	assert_int_equal(c.reserved, 0);
	assert_int_equal(c.zero, 0);
	assert_int_equal(frame_owner(HPA(0xa0000)), FRAME_NO_OWNER);
	assert_int_equal(frame_owner(HPA(0xffffffffff000)), FRAME_NO_OWNER);
}

static void bad_ranges_are_refused(void **state)
{
	static struct frame_range many[2 * FRAME_RANGES];
	struct frame_range overlap[] = { { 0x1000, 0x5000 }, { 0x4000, 0x8000 } };
	struct frame_range empty[] = { { 0x1800, 0x2700 } };

	(void)state;
	assert_int_equal(frame_init(overlap, 2), -CAISSON_EINVAL);
	assert_int_equal(frame_init(empty, 1), -CAISSON_EINVAL);
	for (u32 i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct frame_range){ (u64)i * 0x4000, (u64)i * 0x4000 + 0x2000 };
	assert_int_equal(frame_init(many, ARRAY_SIZE(many)), -CAISSON_ENOSPC);
}

struct block {
	hpa_t pa;
	u32 order, flags;
	u16 owner;
	char byte;
};

/* Random blocks for random owners, each filled with a byte of its own:
 * nothing overlaps, nothing leaks, zeroed is zero. */
static void random_life(void **state)
{
	enum { N = 1000 };
	static struct block b[N];
	struct frame_counts before = counts(), now;
	u64 used = 0, hv = 0, promised = 0, refused = 0;

	(void)state;
	srand(2);
	memset(b, 0, sizeof(b));
	for (int step = 0; step < 30000; step++) {
		struct block *x = &b[rand() % N];

		if (rand() % 8 == 0)
			frame_idle_zero((u64)(rand() % 3) * 32768);
		if (rand() % 64 == 0) { /* a promise made, one dropped */
			u64 n = (u64)(rand() % 600);

			if (promised) {
				n = MIN(n, promised);
				frame_unreserve(n, 0);
				promised -= n;
			} else if (!frame_reserve(n, 0)) {
				promised += n;
			}
		}
		if (x->byte) {
			assert_true(is(x->pa, x->order, x->byte));
			assert_int_equal(frame_owner(x->pa), x->owner);
			if (x->order && rand() % 4 == 0) { /* one half first */
				frame_free(HPA(x->pa.v + (PAGE_SIZE << (x->order - 1))), x->order - 1, 0);
				frame_free(x->pa, x->order - 1, 0);
			} else {
				frame_free(x->pa, x->order, 0);
			}
			if (x->flags & FRAME_HV)
				hv -= 1ull << x->order;
			used -= 1ull << x->order;
			x->byte = 0;
			continue;
		}
		x->order = (u32)(rand() % (rand() % 4 ? 5 : 11));
		x->owner = (u16)(rand() % 100);
		x->flags = (rand() % 3 ? FRAME_ZERO : 0) | (rand() % 4 ? 0 : FRAME_HV);
		x->pa = frame_alloc(x->owner, x->order, x->flags);
		if (!frame_ok(x->pa)) {
			refused++;
			continue;
		}
		assert_int_equal(x->pa.v & ((PAGE_SIZE << x->order) - 1), 0);
		assert_true(is_ram(x->pa.v) && is_ram(x->pa.v + (PAGE_SIZE << x->order) - PAGE_SIZE));
		for (u64 i = 0; i < BIT(x->order); i += 256) /* by 2 MiB blocks, whichever */
			assert_int_equal(in_direct_map(HPA(x->pa.v + i * PAGE_SIZE)),
					 !!(x->flags & FRAME_HV));
		if (x->flags & FRAME_ZERO)
			assert_true(is(x->pa, x->order, 0));
		x->byte = (char)(1 + rand() % 255);
		memset(fake_at(x->pa.v), x->byte, PAGE_SIZE << x->order);
		used += 1ull << x->order;
		hv += x->flags & FRAME_HV ? 1ull << x->order : 0;
		now = counts();
		assert_int_equal(now.free, before.free - used);
		assert_int_equal(now.hv, before.hv + hv);
		assert_int_equal(now.reserved, promised);
		assert_true(now.zero <= now.free);
	}
	assert_true(refused > 10); /* the machine was full now and then */
	for (int i = 0; i < N; i++)
		if (b[i].byte)
			frame_free(b[i].pa, b[i].order, 0);
	frame_unreserve(promised, 0);
	assert_int_equal(counts().free, before.free);
	assert_int_equal(counts().hv, before.hv);

	/* All is one again once it is zero: as many large blocks as at the start. */
	while (frame_idle_zero(65536))
		;
	assert_int_equal(counts().zero, counts().free - (0x200 - before.hv % 0x200) % 0x200);
	for (used = 0; frame_ok(frame_alloc(1, FRAME_ORDER_2M, 0)); used++)
		;
	assert_int_equal(used, 17 + 18 + 5 + 3 - (before.hv + 0x1ff) / 0x200);
}

static void zeroed_once(void **state)
{
	hpa_t pa;
	u64 n;

	(void)state;
	pa = frame_alloc(1, FRAME_ORDER_2M, FRAME_ZERO);
	assert_true(is(pa, FRAME_ORDER_2M, 0));
	assert_int_equal(fake.windows, 32); /* every 64 KiB */
	frame_free(pa, FRAME_ORDER_2M, 0);
	while (frame_idle_zero(65536))
		;
	assert_int_equal(counts().zero + 512 - counts().hv % 512, counts().free);
	n = fake.mapped;
	for (int i = 0; i < 100; i++) {
		pa = frame_alloc(1, i % 10, FRAME_ZERO);
		assert_true(is(pa, i % 10, 0));
	}
	assert_int_equal(fake.mapped, n); /* not a byte was written again */
}

static void zeroed_ones_are_found(void **state)
{
	u64 n;
	hpa_t pa;

	(void)state;
	assert_int_equal(frame_reserve(2048, 0), 0);
	assert_false(frame_ok(frame_alloc_zeroed(1, 0))); /* nothing is zero yet */
	while (frame_idle_zero(65536))
		;
	n = counts().zero;
	for (u32 order = 0; order <= FRAME_ORDER_2M; order += FRAME_ORDER_2M) {
		pa = frame_alloc_zeroed(3, order);
		assert_true(is(pa, order, 0));
		assert_int_equal(frame_owner(pa), 3);
		assert_int_equal(frame_block(pa), order);
	}
	assert_int_equal(counts().zero, n - 513);
	assert_int_equal(counts().reserved, 2048 - 513);
	frame_free(pa, FRAME_ORDER_2M, FRAME_RESERVED);
	assert_int_equal(counts().reserved, 2047);
}

static void a_block_torn_up_becomes_whole(void **state)
{
	hpa_t big = frame_alloc(7, FRAME_ORDER_2M, 0);
	u64 free = counts().free;

	(void)state;
	for (u64 i = 0; i < 512; i += 2)
		frame_free(HPA(big.v + i * PAGE_SIZE), 0, 0);
	assert_int_equal(counts().free, free + 256);
	assert_int_equal(frame_owner(HPA(big.v + PAGE_SIZE)), 7);
	assert_int_equal(frame_owner(HPA(big.v)), FRAME_NO_OWNER);
	for (u64 i = 1; i < 512; i += 2)
		frame_free(HPA(big.v + i * PAGE_SIZE), 0, 0);
	assert_int_equal(counts().free, free + 512);
	while (frame_ok(big = frame_alloc(7, FRAME_ORDER_2M, 0)))
		free -= 512;
	assert_true((s64)free + 512 < 3 * 512 + 0x9e); /* only crumbs that never were 2 MiB are left */
}

static void hypervisor_pages_keep_to_their_blocks(void **state)
{
	struct frame_counts before = counts();
	hpa_t pa[600];
	u8 *p = frame_hv_alloc(FRAME_OWNER_HV, 1);
	u64 seen[8] = { 0 }, blocks = 0;

	(void)state;
	for (int i = 0; i < 8192; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(frame_owner(arch_direct_pa(p)), FRAME_OWNER_HV);
	frame_hv_free(p, 1);
	for (int i = 0; i < 600; i++) {
		u64 k;

		/* Domains' pages in between do not come from the same 2 MiB. */
		pa[i] = frame_alloc(3, 0, FRAME_HV);
		for (k = 0; k < blocks && seen[k] != pa[i].v >> 21; k++)
			;
		if (k == blocks)
			seen[blocks++] = pa[i].v >> 21;
		assert_true(blocks < 4);
	}
	for (int i = 0; i < 5000; i++) {
		hpa_t d = frame_alloc(4, 0, 0);

		for (u64 k = 0; k < blocks; k++)
			assert_int_not_equal(d.v >> 21, seen[k]);
	}
	assert_int_equal(counts().hv, before.hv + 600);
	for (int i = 0; i < 600; i++)
		frame_free(pa[i], 0, 0);
	assert_int_equal(counts().hv, before.hv);
	assert_int_equal(counts().free, before.free - 5000);
}

static void reserved_is_there(void **state)
{
	struct frame_counts before = counts();
	u64 n = before.free - 1024, got;
	hpa_t last = FRAME_NONE;

	(void)state;
	assert_int_equal(frame_reserve(n, 0), 0);
	assert_int_equal(frame_reserve(200, FRAME_HV), 0);
	assert_int_equal(frame_reserve(1024, 0), -CAISSON_ENOMEM);
	assert_int_equal(frame_reserve(100000, FRAME_HV), -CAISSON_ENOMEM);
	assert_int_equal(counts().reserved, n + 200);
	/* Everybody else takes what there is, in all sizes and from both pools, until nothing is left. */
	for (int order = 10; order >= 0; order--) {
		while (frame_ok(frame_alloc(1, (u32)order, FRAME_HV)))
			;
		while (frame_ok(frame_alloc(1, (u32)order, 0)))
			;
	}
	for (got = 0; got < n; got++) {
		last = frame_alloc(2, 0, FRAME_RESERVED | (got % 64 ? 0 : FRAME_ZERO));
		assert_true(frame_ok(last));
	}
	for (got = 0; got < 200; got++)
		assert_true(frame_ok(frame_alloc(2, 0, FRAME_HV | FRAME_RESERVED)));
	assert_int_equal(counts().free, 0);
	assert_int_equal(counts().reserved, 0);
	/* Given back to the promise, it is for nobody else. */
	frame_free(last, 0, FRAME_RESERVED);
	assert_int_equal(counts().reserved, 1);
	assert_false(frame_ok(frame_alloc(1, 0, 0)));
	assert_true(frame_ok(frame_alloc(2, 0, FRAME_RESERVED)));
}

static void what_is_reserved_is_not_touched_first(void **state)
{
	hpa_t pa;

	(void)state;
	while (frame_idle_zero(65536))
		;
	pa = frame_alloc(1, 0, FRAME_ZERO);
	assert_true(frame_ok(pa));
	assert_int_equal(frame_reserve(counts().free - (512 - counts().hv % 512) % 512, 0), 0);
	assert_false(frame_ok(frame_alloc(1, 0, FRAME_ZERO)));
	assert_true(frame_ok(frame_alloc(1, 0, FRAME_ZERO | FRAME_RESERVED)));
}

/* The last 2 MiB lies there as zero and dirty pieces:
 * the hypervisor gets it all the same. */
static void the_last_block_can_be_had(void **state)
{
	hpa_t pa;

	(void)state;
	fake_reset();
	fake_memory(2 * MIB, 4 * MIB, false);
	assert_int_equal(frame_init(&(struct frame_range){ 2 * MIB, 6 * MIB }, 1), 0);
	while (frame_idle_zero(65536))
		;
	while (frame_ok(frame_alloc(FRAME_OWNER_HV, 0, FRAME_HV)) && counts().free > 512)
		;
	assert_int_equal(counts().free, 512);
	pa = frame_alloc(1, 0, FRAME_ZERO);
	assert_false(frame_ok(frame_alloc(FRAME_OWNER_HV, 0, FRAME_HV)));
	frame_free(pa, 0, 0);
	assert_true(frame_ok(frame_alloc(FRAME_OWNER_HV, 0, FRAME_HV)));
}

/* Promised to the hypervisor, a block stays apart from its buddy even when both are free. */
static void pools_do_not_unite(void **state)
{
	static hpa_t pa[64], hv[4000];
	u64 n = 0;

	(void)state;
	assert_int_equal(frame_reserve(4000, FRAME_HV), 0);
	while (n < 64 && frame_ok(pa[n] = frame_alloc(5, FRAME_ORDER_2M, 0)))
		n++;
	assert_true(n > 20);
	for (u64 i = 0; i < n; i++)
		frame_free(pa[i], FRAME_ORDER_2M, 0);
	for (u32 i = 0; i < 4000; i++)
		hv[i] = frame_alloc(6, 0, FRAME_HV | FRAME_RESERVED);
	for (u64 i = 0; i < n; i++) {
		pa[i] = frame_alloc(7, FRAME_ORDER_2M, 0);
		assert_true(frame_ok(pa[i]));
	}
	assert_false(frame_ok(frame_alloc(7, FRAME_ORDER_2M, 0)));
	for (u32 i = 0; i < 4000; i++)
		assert_int_equal(frame_owner(hv[i]), 6);
	for (u64 i = 0; i < n; i++)
		assert_int_equal(frame_owner(pa[i]), 7);
}

/* Whole again and promised, they do not leave: nobody else can take them in between. */
static void promised_blocks_stay_in_the_hv_pool(void **state)
{
	static hpa_t hv[1500];

	(void)state;
	assert_int_equal(frame_reserve(1500, FRAME_HV), 0);
	for (u32 i = 0; i < 1500; i++)
		hv[i] = frame_alloc(6, 0, FRAME_HV | FRAME_RESERVED);
	for (u32 i = 0; i < 1500; i++)
		frame_free(hv[i], 0, FRAME_RESERVED);
	while (frame_ok(frame_alloc(1, 0, 0)))
		;
	for (u32 i = 0; i < 1500; i++)
		assert_true(frame_ok(frame_alloc(6, 0, FRAME_HV | FRAME_RESERVED)));
}

static void whole_blocks_leave_the_hv_pool(void **state)
{
	u64 n = 0;
	hpa_t pa[1500];

	(void)state;
	assert_int_equal(frame_reserve(1500, FRAME_HV), 0);
	for (int i = 0; i < 1500; i++)
		pa[i] = frame_alloc(1, 0, FRAME_HV | FRAME_RESERVED);
	for (int i = 0; i < 1500; i++)
		frame_free(pa[i], 0, i % 2 ? FRAME_RESERVED : 0);
	frame_unreserve(750, FRAME_HV);
	/* All but the table's own block is a domain's again. */
	while (frame_ok(frame_alloc(1, 0, 0)))
		n++;
	assert_int_equal(counts().free, (512 - counts().hv % 512) % 512);
	assert_int_equal(n, counts().total - ALIGN_UP(counts().hv, 512));
}

static void shares_hold_a_frame(void **state)
{
	hpa_t big = frame_alloc(1, 4, 0), mid = HPA(big.v + 5 * PAGE_SIZE);

	(void)state;
	frame_free(HPA(big.v + 8 * PAGE_SIZE), 3, 0); /* a half */
	frame_ref(mid);
	frame_ref(mid);
	frame_ref(HPA(big.v + 2 * PAGE_SIZE));
	assert_int_equal(frame_refs(big), 3);
	assert_int_equal(frame_refs(mid), 3);
	frame_unref(HPA(big.v + 2 * PAGE_SIZE));
	frame_unref(mid);
	assert_int_equal(frame_refs(big), 1);
	frame_unref(mid);
	frame_free(big, 2, 0);
	frame_free(HPA(big.v + 4 * PAGE_SIZE), 2, 0);
	assert_int_equal(frame_owner(mid), FRAME_NO_OWNER);
}

static void double_free_is_caught(void **state)
{
	hpa_t pa = frame_alloc(1, 0, 0);

	(void)state;
	frame_free(pa, 0, 0);
	assert_panics(frame_free(pa, 0, 0));
}

static void too_large_a_free_is_caught(void **state)
{
	hpa_t pa = frame_alloc(1, 3, 0);

	(void)state;
	assert_panics(frame_free(pa, 4, 0));
}

static void free_of_what_is_not_ram_is_caught(void **state)
{
	(void)state;
	assert_panics(frame_free(HPA(0xa0000), 0, 0));
}

static void free_of_a_shared_frame_is_caught(void **state)
{
	hpa_t pa = frame_alloc(1, 3, 0);

	(void)state;
	frame_ref(HPA(pa.v + PAGE_SIZE));
	assert_panics(frame_free(pa, 3, 0));
}

static void the_table_is_not_given_back(void **state)
{
	volatile u64 pa = 100 * MIB - PAGE_SIZE;

	(void)state;
	while (frame_owner(HPA(pa)) != FRAME_OWNER_HV)
		pa -= PAGE_SIZE;
	assert_panics(frame_unref(HPA(pa)));
}

static void mapping_for_the_wrong_owner_is_caught(void **state)
{
	hpa_t pa = frame_alloc(4, 0, 0);

	(void)state;
	memset(frame_map(pa, 4), 0x11, PAGE_SIZE);
	frame_unmap();
	assert_true(is(pa, 0, 0x11));
	assert_panics(frame_map(pa, 5));
}

static void a_gigabyte_block(void **state)
{
	struct frame_range r = { 0x40000000, 0x140000000 };
	hpa_t pa;

	(void)state;
	fake_reset();
	fake_memory(r.base, r.end - r.base, true);
	assert_int_equal(frame_init(&r, 1), 0);
	for (int i = 0; i < 3; i++) {
		pa = frame_alloc(1, FRAME_ORDER_1G, 0);
		assert_true(frame_ok(pa));
		assert_int_equal(pa.v & 0x3fffffff, 0);
	}
	assert_int_equal(frame_owner(HPA(pa.v + 0x3ffff000)), 1);
	assert_false(frame_ok(frame_alloc(1, FRAME_ORDER_1G, 0)));
	assert_true(frame_ok(frame_alloc(1, FRAME_ORDER_2M, 0)));
	frame_free(HPA(pa.v + 0x12345000), 0, 0); /* out of the middle */
	assert_int_equal(frame_owner(HPA(pa.v + 0x12345000)), FRAME_NO_OWNER);
	assert_int_equal(frame_owner(HPA(pa.v + 0x12346000)), 1);
}

/* Several CPUs at once, one of them zeroing: a reservation never fails, and all comes back. */
static u64 until;

static void *worker(void *arg)
{
	unsigned seed = (unsigned)(u64)arg;
	hpa_t mine[64] = { 0 };

	fake_cpu = (u32)(u64)arg;
	for (int i = 0; i < 200 || arch_now() < until; i++) {
		hpa_t *x = &mine[rand_r(&seed) % 64];

		if (fake_cpu == 0)
			frame_idle_zero(65536);
		if (x->v) {
			if (*(u64 *)fake_at(x->v) != x->v)
				abort();
			frame_free(*x, 0, FRAME_RESERVED);
			x->v = 0;
		} else {
			*x = frame_alloc(1, 0, FRAME_ZERO | FRAME_RESERVED);
			if (!frame_ok(*x) || *(u64 *)fake_at(x->v))
				abort();
			*(u64 *)fake_at(x->v) = x->v;
		}
	}
	for (int i = 0; i < 64; i++)
		if (mine[i].v)
			frame_free(mine[i], 0, FRAME_RESERVED);
	return NULL;
}

static void reservations_hold_while_others_zero(void **state)
{
	pthread_t th[3];

	(void)state;
	fake_reset();
	fake_memory(2 * MIB, 4 * MIB, false);
	assert_int_equal(frame_init(&(struct frame_range){ 2 * MIB, 2 * MIB + 210 * PAGE_SIZE }, 1), 0);
	fake.real = true;
	until = arch_now() + 1000000000;
	/* 192 frames for three CPUs and little else: most of what is free is in somebody's hand. */
	assert_int_equal(frame_reserve(192, 0), 0);
	while (frame_ok(frame_alloc(9, 0, 0)))
		;
	assert_int_equal(counts().free, 192);
	for (u64 i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&th[i], NULL, worker, (void *)i), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(th[i], NULL);
	assert_int_equal(counts().free, 192);
	assert_int_equal(counts().reserved, 192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ranges_are_counted, setup),
		cmocka_unit_test_setup(bad_ranges_are_refused, setup),
		cmocka_unit_test_setup(random_life, setup),
		cmocka_unit_test_setup(zeroed_once, setup),
		cmocka_unit_test_setup(zeroed_ones_are_found, setup),
		cmocka_unit_test_setup(a_block_torn_up_becomes_whole, setup),
		cmocka_unit_test_setup(hypervisor_pages_keep_to_their_blocks, setup),
		cmocka_unit_test_setup(reserved_is_there, setup),
		cmocka_unit_test_setup(what_is_reserved_is_not_touched_first, setup),
		cmocka_unit_test_setup(the_last_block_can_be_had, setup),
		cmocka_unit_test_setup(pools_do_not_unite, setup),
		cmocka_unit_test_setup(promised_blocks_stay_in_the_hv_pool, setup),
		cmocka_unit_test_setup(whole_blocks_leave_the_hv_pool, setup),
		cmocka_unit_test_setup(shares_hold_a_frame, setup),
		cmocka_unit_test_setup(double_free_is_caught, setup),
		cmocka_unit_test_setup(too_large_a_free_is_caught, setup),
		cmocka_unit_test_setup(free_of_what_is_not_ram_is_caught, setup),
		cmocka_unit_test_setup(free_of_a_shared_frame_is_caught, setup),
		cmocka_unit_test_setup(the_table_is_not_given_back, setup),
		cmocka_unit_test_setup(mapping_for_the_wrong_owner_is_caught, setup),
		cmocka_unit_test_setup(a_gigabyte_block, setup),
		cmocka_unit_test_setup(reservations_hold_while_others_zero, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
