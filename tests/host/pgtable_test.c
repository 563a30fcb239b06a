/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "arch/x86/pgtable.h"
#include "arch/x86/regs.h"
#include "hv/abi/caisson.h"
#include <cmocka.h>

/* ---- table pages: an arena whose physical addresses start at one page ---- */
#define POOL 4096
static u8 pool[POOL][PAGE_SIZE] __aligned(4096);
static bool taken[POOL];
static u32 in_use, limit = POOL; /* allocations fail above the limit */

static hpa_t alloc(void *ctx)
{
	assert_ptr_equal(ctx, &in_use);
	if (in_use >= limit)
		return HPA(0);
	for (u32 i = 1; i < POOL; i++) {
		if (!taken[i]) {
			taken[i] = true;
			in_use++;
			memset(pool[i], 0, PAGE_SIZE);
			return HPA(i * PAGE_SIZE);
		}
	}
	return HPA(0);
}

static void release(void *ctx, hpa_t page)
{
	assert_ptr_equal(ctx, &in_use);
	assert_true(page.v % PAGE_SIZE == 0 && page.v / PAGE_SIZE < POOL && taken[page.v / PAGE_SIZE]);
	taken[page.v / PAGE_SIZE] = false;
	memset(pool[page.v / PAGE_SIZE], 0xaa, PAGE_SIZE);
	in_use--;
}

static const struct pg_mem mem = { alloc, release, pool[0] };
static const struct pg_format *const formats[] = { &pg_format_host, &pg_format_ept, &pg_format_npt };

static struct pgtable make(const struct pg_format *f)
{
	struct pgtable t;

	assert_int_equal(pg_init(&t, f, &mem, &in_use), 0);
	assert_int_equal(t.pages, 1);
	return t;
}

static void end(struct pgtable *t)
{
	assert_int_equal(t->pages, in_use);
	pg_destroy(t);
	assert_int_equal(in_use, 0);
	assert_int_equal(t->pages, 0);
}

static u64 leaf_of(struct pgtable *t, u64 va)
{
	struct pg_leaf l;

	assert_true(pg_lookup(t, va, &l));
	return *l.entry;
}

/* The bits as the manuals' tables have them, written out. */
static void test_encodings(void **state)
{
	static const struct {
		const struct pg_format *f;
		u64 size;
		u32 prot, mt;
		u64 want; /* with pa = 3 GiB */
	} rows[] = {
		{ &pg_format_ept, PAGE_SIZE, PG_READ | PG_WRITE | PG_EXEC, MT_WB, 0xc0000037 },
		{ &pg_format_ept, PAGE_SIZE, PG_READ, MT_UC, 0xc0000001 },
		{ &pg_format_ept, SZ_2M, PG_READ | PG_EXEC, MT_WB, 0xc00000b5 },
		{ &pg_format_host, PAGE_SIZE, PG_READ | PG_WRITE, MT_WB, 0x80000000c0000063 },
		{ &pg_format_host, PAGE_SIZE, PG_READ | PG_EXEC, MT_WB, 0xc0000021 },
		{ &pg_format_host, PAGE_SIZE, PG_WRITE, MT_WB, 0x80000000c0000061 }, /* a shadow stack */
		{ &pg_format_host, PAGE_SIZE, PG_READ | PG_WRITE, MT_UC, 0x80000000c000007b },
		{ &pg_format_npt, PAGE_SIZE, PG_READ | PG_WRITE | PG_EXEC, MT_WB, 0xc0000007 },
		{ &pg_format_npt, SZ_2M, PG_READ, MT_UC, 0x80000000c000009d },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pgtable t = make(rows[i].f);
		struct pg_leaf l;

		assert_int_equal(
			pg_map(&t, 0x40000000, HPA(0xc0000000), rows[i].size, rows[i].prot, rows[i].mt), 0);
		assert_int_equal(leaf_of(&t, 0x40000000), rows[i].want);
		assert_int_equal(pg_writable(&t, rows[i].want),
				 (rows[i].prot & (PG_READ | PG_WRITE)) == (PG_READ | PG_WRITE));
		assert_true(pg_lookup(&t, 0x40000000 + rows[i].size - 1, &l));
		assert_int_equal(l.pa.v, 0xc0000000 + rows[i].size - 1);
		assert_int_equal(l.size, rows[i].size);
		assert_false(pg_lookup(&t, 0x40000000 + rows[i].size, &l));
		end(&t);
	}
}

static void test_impossible_protections(void **state)
{
	struct pgtable ept = make(&pg_format_ept);

	(void)state;
	assert_int_equal(pg_map(&ept, 0, HPA(0), PAGE_SIZE, PG_WRITE, MT_WB), -CAISSON_EINVAL);
	assert_int_equal(pg_map(&ept, 0, HPA(0), PAGE_SIZE, PG_WRITE | PG_EXEC, MT_WB), -CAISSON_EINVAL);
	assert_int_equal(pg_map(&ept, 0, HPA(0), PAGE_SIZE, 0, MT_WB), -CAISSON_EINVAL);
	assert_int_equal(ept.pages, 1);
	end(&ept);
	for (u32 f = 0; f < 3; f += 2) {
		struct pgtable t = make(formats[f]);

		assert_int_equal(pg_map(&t, 0, HPA(0), PAGE_SIZE, PG_EXEC, MT_WB), -CAISSON_EINVAL);
		end(&t);
	}
}

static void test_exist(void **state)
{
	(void)state;
	for (u32 f = 0; f < 3; f++) {
		struct pgtable t = make(formats[f]);
		struct pg_leaf l;

		assert_int_equal(pg_map(&t, SZ_2M, HPA(SZ_2M), SZ_2M, PG_READ, MT_WB), 0);
		assert_int_equal(pg_map(&t, SZ_2M, HPA(0), PAGE_SIZE, PG_READ, MT_WB), -CAISSON_EEXIST);
		assert_int_equal(pg_map(&t, SZ_2M, HPA(0), SZ_2M, PG_READ, MT_WB), -CAISSON_EEXIST);
		assert_int_equal(pg_map(&t, 0, HPA(0), SZ_1G, PG_READ, MT_WB), -CAISSON_EEXIST);
		assert_int_equal(t.pages, 3);
		assert_int_equal(pg_unmap(&t, SZ_2M + 0x1234, 0, &l), SZ_2M);
		assert_int_equal(l.size, SZ_2M);
		assert_int_equal(l.pa.v, SZ_2M + 0x1234);
		assert_int_equal(pg_unmap(&t, SZ_2M, SZ_2M, &l), 0);
		assert_int_equal(l.size, SZ_2M);
		assert_false(pg_lookup(&t, 1ull << 39, &l));
		assert_int_equal(l.size, 1ull << 39);
		assert_int_equal(pg_map(&t, SZ_2M, HPA(0), PAGE_SIZE, PG_READ, MT_WB), 0);
		end(&t);
	}
}

/* What a look-up did not find is put there without another one, over whatever tables are missing. */
static void test_fill(void **state)
{
	(void)state;
	for (u32 f = 0; f < 3; f++) {
		struct pgtable t = make(formats[f]);
		struct pg_leaf hole, l;

		assert_false(pg_lookup(&t, SZ_1G + SZ_2M, &hole));
		assert_int_equal(pg_fill(&t, &hole, SZ_1G + SZ_2M, HPA(SZ_2M), SZ_2M, PG_READ, MT_WB), 0);
		assert_false(pg_lookup(&t, SZ_1G + 0x5678, &hole));
		assert_int_equal(hole.size, SZ_2M);
		assert_int_equal(pg_fill(&t, &hole, SZ_1G + 0x5000, HPA(0x9000), PAGE_SIZE, PG_READ, MT_WB),
				 0);
		assert_int_equal(pg_fill(&t, &hole, SZ_1G + 0x5000, HPA(0), PAGE_SIZE, PG_READ, MT_WB),
				 -CAISSON_EEXIST);
		assert_true(pg_lookup(&t, SZ_1G + 0x5678, &l));
		assert_int_equal(l.pa.v, 0x9678);
		assert_false(pg_lookup(&t, SZ_1G + 0x6000, &hole));
		assert_int_equal(pg_fill(&t, &hole, SZ_1G + 0x6000, HPA(0x7000), PAGE_SIZE, PG_READ, MT_WB),
				 0);
		assert_int_equal(pg_fill(&t, &hole, SZ_1G, HPA(0), SZ_2M, PG_READ, MT_WB), -CAISSON_EEXIST);
		assert_true(pg_lookup(&t, SZ_1G + SZ_2M, &l));
		assert_int_equal(l.pa.v, SZ_2M);
		assert_int_equal(t.pages, 4);
		end(&t);
	}
}

static u64 checksum(void)
{
	u64 sum = 0;

	for (u32 i = 1; i < 64; i++) {
		for (u32 j = 0; taken[i] && j < 512; j++)
			sum = sum * 31 + ((u64 *)pool[i])[j] + i;
	}
	return sum;
}

/* No memory at each of the allocations: nothing changed, nothing leaked. */
static void test_no_memory(void **state)
{
	static const u64 sizes[] = { PAGE_SIZE, SZ_2M, SZ_1G };
	static const u32 need[] = { 3, 2, 1 };

	(void)state;
	for (u32 s = 0; s < 3; s++) {
		for (u32 have = 0; have <= need[s]; have++) {
			struct pgtable t = make(&pg_format_ept);
			u64 before;
			int err;

			assert_int_equal(pg_map(&t, 1ull << 40, HPA(0), PAGE_SIZE, PG_READ, MT_WB), 0);
			before = checksum();
			limit = in_use + have;
			err = pg_map(&t, 0, HPA(0), sizes[s], PG_READ, MT_WB);
			limit = POOL;
			if (have < need[s]) {
				assert_int_equal(err, -CAISSON_ENOMEM);
				assert_int_equal(checksum(), before);
			} else {
				assert_int_equal(err, 0);
			}
			end(&t);
		}
	}
	struct pgtable t;

	limit = 0;
	assert_int_equal(pg_init(&t, &pg_format_host, &mem, &in_use), -CAISSON_ENOMEM);
	limit = POOL;
}

/* Random changes against a plain list of pages. */
static void test_random(void **state)
{
	enum { PAGES = 4 * 512 };
	static u32 prot_of[PAGES];
	static u64 pa_of[PAGES];
	static const u32 prots[] = { PG_READ, PG_READ | PG_WRITE, PG_READ | PG_EXEC };
	u64 base = SZ_1G - 2 * SZ_2M; /* across a 1 GiB border */

	(void)state;
	for (u32 f = 0; f < 3; f++) {
		struct pgtable t = make(formats[f]);

		srand(4 + f);
		memset(prot_of, 0, sizeof(prot_of));
		for (u32 round = 0; round < 20000; round++) {
			u32 p = (u32)rand() % PAGES, n = rand() % 50 ? 1 : 512, prot = prots[rand() % 3];
			u64 pa = ((u64)rand() % 100000) * SZ_2M + (n == 1 ? p % 512 * PAGE_SIZE : 0);
			bool free = true;
			struct pg_leaf l;
			u64 gone;
			int err;

			p -= p % n;
			switch (rand() % 3) {
			case 0:
			case 1:
				for (u32 i = 0; i < n; i++)
					free &= !prot_of[p + i];
				err = pg_map(&t, base + p * PAGE_SIZE, HPA(pa), n * PAGE_SIZE, prot, MT_WB);
				if (n == 1)
					assert_int_equal(err, free ? 0 : -CAISSON_EEXIST);
				else if (!free) /* an empty table may stand there, too */
					assert_int_equal(err, -CAISSON_EEXIST);
				for (u32 i = 0; !err && i < n; i++) {
					prot_of[p + i] = prot;
					pa_of[p + i] = pa + i * PAGE_SIZE;
				}
				break;
			case 2:
				gone = pg_unmap(&t, base + p * PAGE_SIZE, (u64)(rand() % 8) * PAGE_SIZE, &l);
				if (!gone) {
					assert_int_equal(prot_of[p], 0);
					break;
				}
				assert_int_equal(l.pa.v, pa_of[p]);
				assert_int_equal(gone % l.size, 0);
				for (u32 i = 0, first = p - p % (u32)(l.size / PAGE_SIZE);
				     i < gone / PAGE_SIZE; i++) {
					assert_int_equal(pa_of[first + i], pa_of[first] + i * PAGE_SIZE);
					prot_of[first + i] = 0;
				}
				break;
			}
			if (round % 500)
				continue;
			for (u32 i = 0; i < PAGES; i++) {
				bool found = pg_lookup(&t, base + i * PAGE_SIZE + 5, &l);

				assert_int_equal(found, prot_of[i] != 0);
				if (found) {
					assert_int_equal(l.pa.v, pa_of[i] + 5);
					assert_int_equal(pg_writable(&t, *l.entry),
							 !!(prot_of[i] & PG_WRITE));
				}
			}
		}
		end(&t);
	}
}

/* Leaves that go on with each other's memory go in one step;
 * not beyond the limit, the table, a hole, other memory or rights. */
static void test_unmap_many(void **state)
{
	(void)state;
	for (u32 f = 0; f < 3; f++) {
		struct pgtable t = make(formats[f]);
		u64 base = SZ_1G, p = PAGE_SIZE;
		struct pg_leaf l;

		assert_int_equal(pg_map_range(&t, base, HPA(SZ_2M), 1024 * p, p, PG_READ, MT_WB), 0);
		for (u64 at = 0; at < 1024 * p; at += 3 * p) /* what the processor sets is no difference */
			*(assert_true(pg_lookup(&t, base + at, &l)), l.entry) |=
				f == 1 ? BIT(8) | BIT(9) : BIT(5) | BIT(6);
		assert_int_equal(pg_unmap(&t, base + p, 3 * p, &l), 3 * p);
		assert_int_equal(l.pa.v, SZ_2M + p);
		assert_int_equal(pg_unmap(&t, base, 16 * p, &l), p); /* up to the hole */
		assert_int_equal(pg_unmap(&t, base + 4 * p, 16 * p + 0xfff, &l), 16 * p);
		assert_int_equal(pg_unmap(&t, base + 500 * p, SZ_1G, &l), 12 * p); /* the table */
		assert_int_equal(pg_unmap(&t, base + 30 * p, p, &l), p);
		assert_int_equal(pg_map(&t, base + 30 * p, HPA(SZ_2M), p, PG_READ, MT_WB), 0);
		assert_int_equal(pg_unmap(&t, base + 29 * p, SZ_2M, &l), p); /* other memory */
		assert_int_equal(pg_unmap(&t, base + 28 * p, 0, &l), p);
		assert_int_equal(
			pg_map_range(&t, base + 4 * SZ_2M, HPA(SZ_1G), 4 * SZ_2M, SZ_2M, PG_READ, MT_WB), 0);
		assert_int_equal(pg_unmap(&t, base + 4 * SZ_2M, 2 * SZ_2M, &l), 2 * SZ_2M);
		assert_false(pg_lookup(&t, base + 5 * SZ_2M, &l));
		assert_true(pg_lookup(&t, base + 6 * SZ_2M, &l));
		end(&t);
	}
}

static void test_range_walk_clear(void **state)
{
	struct pgtable t = make(&pg_format_ept);
	struct pg_leaf l;
	u64 e[4], start = SZ_1G - SZ_2M - PAGE_SIZE, bytes = PAGE_SIZE + SZ_2M + SZ_1G + SZ_2M + PAGE_SIZE;

	(void)state;
	assert_int_equal(pg_map_range(&t, start, HPA(start), bytes, SZ_1G, PG_READ, MT_WB), 0);
	for (u64 at = 0, n = 0; at < bytes; at += l.size, n++) {
		static const u64 want[] = { PAGE_SIZE, SZ_2M, SZ_1G, SZ_2M, PAGE_SIZE };

		assert_true(pg_lookup(&t, start + at, &l));
		assert_int_equal(l.size, want[n]);
		assert_int_equal(l.pa.v, start + at);
	}
	assert_false(pg_lookup(&t, start + bytes, &l));
	assert_int_equal(pg_walk(&t, start, e), 4);
	assert_int_equal(e[3], start | 0x31);
	assert_int_equal(pg_walk(&t, SZ_1G, e), 2);
	assert_int_equal(e[1], SZ_1G | 0xb1);
	assert_int_equal(pg_walk(&t, 1ull << 40, e), 1);
	assert_int_equal(e[0], 0);
	assert_int_equal(pg_map_range(&t, SZ_1G, HPA(0), PAGE_SIZE, SZ_2M, PG_READ, MT_WB), -CAISSON_EEXIST);
	assert_true(t.pages > 4);
	for (u64 before = t.pages; !pg_clear(&t, 1); before = t.pages) /* a table each time */
		assert_int_equal(t.pages, before - 1);
	assert_int_equal(t.pages, 1);
	assert_false(pg_lookup(&t, SZ_1G, &l));
	assert_int_equal(l.size, 1ull << 39);
	end(&t);
	/* The second call on an empty table has nothing to do. */
	t = make(&pg_format_host);
	assert_true(pg_clear(&t, 0));
	end(&t);
}

/* A large page becomes smaller ones that say the same, in any format; other than that nothing happens. */
static void test_split(void **state)
{
	(void)state;
	for (u32 f = 0; f < ARRAY_SIZE(formats); f++) {
		struct pgtable t = make(formats[f]);
		u64 pages, first;
		struct pg_leaf l;

		assert_int_equal(pg_map(&t, SZ_1G, HPA(3 * SZ_1G), SZ_1G, PG_READ, MT_WB), 0);
		first = leaf_of(&t, SZ_1G);
		assert_int_equal(pg_split(&t, 5 * SZ_1G), 0); /* nothing there */
		for (u64 size = SZ_2M; size >= PAGE_SIZE; size /= 512) {
			pages = t.pages;
			assert_int_equal(pg_split(&t, SZ_1G + 0x12345678), 0);
			assert_int_equal(t.pages, pages + 1);
			for (u64 at = 0; at < SZ_1G; at += 0x87000) {
				assert_true(pg_lookup(&t, SZ_1G + at, &l));
				assert_int_equal(l.pa.v, 3 * SZ_1G + at);
				assert_int_equal(l.size, size == SZ_2M || at >> 21 != 0x12345678 >> 21
								 ? SZ_2M
								 : PAGE_SIZE);
				assert_int_equal(*l.entry & ~MASK(51, 12) & ~BIT(7),
						 first & ~MASK(51, 12) & ~BIT(7));
				assert_int_equal(!!(*l.entry & BIT(7)), l.size == SZ_2M);
			}
		}
		pages = t.pages;
		assert_int_equal(pg_split(&t, SZ_1G + 0x12345678), 0); /* it is small */
		limit = in_use;
		assert_int_equal(pg_split(&t, SZ_1G), -CAISSON_ENOMEM);
		limit = POOL;
		assert_int_equal(t.pages, pages);
		end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_impossible_protections),
		cmocka_unit_test(test_exist),
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_range_walk_clear),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_unmap_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
