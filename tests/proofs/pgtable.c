/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables: after any two maps and unmaps (maps), or a map and a split (split), of any sizes, at any
 * addresses, with pages for tables running out at any time, a look-up of any address gives what was mapped
 * there last and nothing else, in each format; an error has changed nothing; all table pages are counted and
 * given back. Tables have two entries instead of 512.
 * with: arch/x86/pgtable.h: #define PG_ENTRIES 512 => #define PG_ENTRIES 2
 * with: arch/x86/pgtable.c: #define GROUP 8 => #define GROUP 2
 * with: arch/x86/pgtable.c: for (u64 *group = table; group < table + PG_ENTRIES; group += GROUP) { => for (u32 g_ = 0; g_ < PG_ENTRIES; g_ += GROUP) { u64 *group = table + g_;
 * with: arch/x86/pgtable.c: for (u64 *e = group; e < group + GROUP; e++) { => for (u32 e_ = 0; e_ < GROUP; e_++) { u64 *e = group + e_;
 * with: arch/x86/pgtable.h: return (u64 *)(t->mem->virt + (entry & PG_ADDR)); => (void)t; return proof_table(entry & PG_ADDR);
 * cases: maps split
 * fault maps.LINKED_EMPTY: arch/x86/pgtable.c: value = made[i - 1] | t->fmt->table; => value = made[i > 1 ? i - 1 : n - 1] | t->fmt->table;
 * fault maps.TABLE_LOST: arch/x86/pgtable.c: free_table(t, made[--n]); => n--;
 * fault maps.LEAF_OVER_TABLE: arch/x86/pgtable.c: if (shift < leaf || (*entry & f->present)) => if (shift < leaf && (*entry & f->present))
 * fault maps.NO_LARGE: arch/x86/pgtable.c: (leaf == 12 ? 0 : LARGE) => (leaf <= 21 ? 0 : LARGE)
 * fault split.ASTRAY: arch/x86/pgtable.c: + (i << (shift - 9)); => + (i << 12);
 * fault split.HALF: arch/x86/pgtable.c: for (u64 i = 0; i < PG_ENTRIES; i++) => for (u64 i = 0; i < PG_ENTRIES - 1; i++)
 * cbmc: --unwind 9 --unwindset pg_unmap.0:2
 */
#include "hv/types.h"

#define PAGES 8
static u64 tables[PAGES][2];
static bool taken[PAGES];
static u64 *proof_table(u64 pa)
{
	__CPROVER_assert(pa >> 12 >= 1 && pa >> 12 < PAGES && taken[pa >> 12], "a table of ours");
	return tables[pa >> 12];
}

#include "arch/x86/pgtable.c"

u64 nondet_u64(void);
u32 nondet_u32(void);
bool nondet_bool(void);

static hpa_t page_alloc(void *ctx)
{
	(void)ctx;
	if (nondet_bool())
		return HPA(0);
	for (u32 i = 1; i < PAGES; i++)
		if (!taken[i]) {
			taken[i] = true;
			tables[i][0] = tables[i][1] = 0;
			return HPA(i * PAGE_SIZE);
		}
	return HPA(0);
}

static void page_free(void *ctx, hpa_t page)
{
	(void)ctx;
	__CPROVER_assert(taken[page.v >> 12], "freed once");
	taken[page.v >> 12] = false;
}

static const struct pg_mem mem = { page_alloc, page_free, NULL };
#define USED (BIT(39) | BIT(30) | BIT(21) | BIT(12)) /* what two entries a table can tell apart */

static const u64 sizes[] = { PAGE_SIZE, SZ_2M, SZ_1G };

static bool begin(struct pgtable *t)
{
	static const struct pg_format *const formats[] = { &pg_format_host, &pg_format_ept, &pg_format_npt };
	u32 k = nondet_u32();

	__CPROVER_assume(k < 3);
	return !pg_init(t, formats[k], &mem, NULL);
}

static void check(struct pgtable *t, u64 at, u64 want, u64 size)
{
	struct pg_leaf l;

	__CPROVER_assert(pg_lookup(t, at, &l) == !!size, "mapped as told");
	__CPROVER_assert(!size || (l.pa.v == want && l.size == size), "there, and so large");
	__CPROVER_assert(!size || !pg_writable(t, *l.entry), "not writable");
}

static void end(struct pgtable *t)
{
	pg_destroy(t);
	__CPROVER_assert(t->pages == 0, "all counted");
	for (u32 i = 1; i < PAGES; i++)
		__CPROVER_assert(!taken[i], "all given back");
}

void prove_maps(void)
{
	u64 at = nondet_u64() & (USED | 0xfff), want = 0,
	    size_there = 0; /* one address, and what is mapped at it: 0 nothing */
	struct pgtable t;
	struct pg_leaf l;

	if (!begin(&t))
		return;
	for (u32 n = 0; n < 2; n++) {
		u32 s = nondet_u32();
		u64 va = nondet_u64() & USED, pa = nondet_u64() & MASK(39, 12), size;

		__CPROVER_assume(s < 3);
		size = sizes[s];
		if (nondet_bool()) {
			u64 limit = nondet_bool() ? 0 : SZ_1G, gone = pg_unmap(&t, va, limit, &l),
			    first = va & ~(l.size - 1);

			__CPROVER_assert(gone <= MAX(l.size, limit), "not beyond the limit");
			if (size_there && (at & ~(size_there - 1)) == (va & ~(size_there - 1)))
				__CPROVER_assert(gone >= size_there && l.size == size_there,
						 "unmapped whole");
			if (size_there && at - first < gone) {
				__CPROVER_assert(l.pa.v - (va - first) + (at - first) == want,
						 "one stretch of memory");
				want = size_there = 0;
			}
		} else {
			u32 mt = t.fmt == &pg_format_ept || nondet_bool() ? MT_WB : MT_UC;
			int err;

			__CPROVER_assume(!((va | pa) & (size - 1)) && pa);
			err = pg_map(&t, va, HPA(pa), size, PG_READ, mt);
			if ((at & ~(size - 1)) == va) {
				__CPROVER_assert(err || !size_there, "nothing was mapped over");
				if (!err) {
					want = pa | (at & (size - 1));
					size_there = size;
				}
			}
		}
		check(&t, at, want, size_there);
	}
	end(&t);
}

void prove_split(void)
{
	u32 s = nondet_u32();
	u64 va = nondet_u64() & USED, pa = nondet_u64() & MASK(39, 12), at = nondet_u64() & (USED | 0xfff),
	    cut = nondet_u64() & USED, size;
	struct pgtable t;
	struct pg_leaf l;
	bool in;

	__CPROVER_assume(s < 3);
	size = sizes[s];
	__CPROVER_assume(!((va | pa) & (size - 1)) && pa);
	if (!begin(&t))
		return;
	__CPROVER_assert(!pg_lookup(&t, va, &l), "nothing there");
	if (!pg_fill(&t, &l, va, HPA(pa), size, PG_READ, MT_WB)) {
		in = (at & ~(size - 1)) == va;
		if (!pg_split(&t, cut) && size > PAGE_SIZE && (cut & ~(size - 1)) == va)
			size /= 512;
		check(&t, at, in ? pa + (at - va) : 0, in ? size : 0);
	}
	end(&t);
}
