/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables: after any two maps and unmaps of any sizes, at any addresses, with pages for tables running out at any time, a
 * look-up of any address gives what was mapped there last and nothing else, in each format; an error has changed nothing; all
 * table pages are counted and given back. Tables have two entries instead of 512.
 * with: arch/x86/pgtable.h: #define PG_ENTRIES 512 => #define PG_ENTRIES 2
 * with: arch/x86/pgtable.c: #define GROUP 8 => #define GROUP 2
 * with: arch/x86/pgtable.h: return (u64 *)(t->mem->virt + (entry & PG_ADDR)); => (void)t; return proof_table(entry & PG_ADDR);
 * fault LINKED_EMPTY: arch/x86/pgtable.c: value = made[i - 1] | t->fmt->table; => value = made[i > 1 ? i - 1 : n - 1] | t->fmt->table;
 * fault TABLE_LOST: arch/x86/pgtable.c: free_table(t, made[--n]); => n--;
 * fault LEAF_OVER_TABLE: arch/x86/pgtable.c: if (shift < leaf || (*entry & f->present)) => if (shift < leaf && (*entry & f->present))
 * fault NO_LARGE: arch/x86/pgtable.c: (leaf == 12 ? 0 : LARGE) => (leaf <= 21 ? 0 : LARGE)
 * cbmc: --unwind 9
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

int main(void)
{
	static const struct pg_format *const formats[] = { &pg_format_host, &pg_format_ept, &pg_format_npt };
	static const u64 sizes[] = { PAGE_SIZE, SZ_2M, SZ_1G };
	u32 k = nondet_u32();
	u64 at = nondet_u64() & (USED | 0xfff), want = 0, size_there = 0; /* one address, and what is mapped at it: 0 nothing */
	struct pgtable t;
	struct pg_leaf l;

	__CPROVER_assume(k < 3);
	if (pg_init(&t, formats[k], &mem, NULL))
		return 0;
	for (u32 n = 0; n < 2; n++) {
		u32 s = nondet_u32();
		u64 va = nondet_u64() & USED, pa = nondet_u64() & MASK(39, 12), size;

		__CPROVER_assume(s < 3);
		size = sizes[s];
		if (nondet_bool()) {
			u64 limit = nondet_bool() ? 0 : SZ_1G, gone = pg_unmap(&t, va, limit, &l), first = va & ~(l.size - 1);

			__CPROVER_assert(gone <= MAX(l.size, limit), "not beyond the limit");
			if (size_there && (at & ~(size_there - 1)) == (va & ~(size_there - 1)))
				__CPROVER_assert(gone >= size_there && l.size == size_there, "unmapped whole");
			if (size_there && at - first < gone) {
				__CPROVER_assert(l.pa.v - (va - first) + (at - first) == want, "one stretch of memory");
				want = size_there = 0;
			}
		} else {
			u32 mt = formats[k] == &pg_format_ept || nondet_bool() ? MT_WB : MT_UC;
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
		__CPROVER_assert(pg_lookup(&t, at, &l) == !!size_there, "mapped as told");
		__CPROVER_assert(!size_there || (l.pa.v == want && l.size == size_there), "there, and so large");
		__CPROVER_assert(!size_there || !pg_writable(&t, *l.entry), "not writable");
	}
	pg_destroy(&t);
	__CPROVER_assert(t.pages == 0, "all counted");
	for (u32 i = 1; i < PAGES; i++)
		__CPROVER_assert(!taken[i], "all given back");
	return 0;
}
