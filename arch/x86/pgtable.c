/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/pgtable.h"
#include "arch/x86/regs.h"
#include "hv/abi/caisson.h"

#define GROUP 8	     /* entries that are looked at in one go */
#define LARGE BIT(7) /* in a level 2 or 3 entry of all three formats: a leaf */

/* IA-32e paging, "Paging-Structure Entries"; NPT is the same. */
#define PG_P   BIT(0)
#define PG_RW  BIT(1)
#define PG_US  BIT(2)
#define PG_PWT BIT(3)
#define PG_PCD BIT(4)
#define PG_A   BIT(5)
#define PG_D   BIT(6)
#define PG_NX  BIT(63)

/* "Format of EPT paging-structure entries" */
#define EPT_R	    BIT(0)
#define EPT_W	    BIT(1)
#define EPT_X	    BIT(2)
#define EPT_MEMTYPE MASK(5, 3)

#define R   PG_READ
#define RW  (PG_READ | PG_WRITE)
#define RX  (PG_READ | PG_EXEC)
#define RWX (PG_READ | PG_WRITE | PG_EXEC)

/* Accessed and dirty are set from the start: nobody looks at them, and the processor need not. Dirty and not
 * writable, though, is a shadow stack: what the processor alone writes, here PG_WRITE without PG_READ. */
#define HOST_LEAF (PG_P | PG_A)
const struct pg_format pg_format_host = {
	.present = PG_P,
	.table = PG_P | PG_RW | PG_US | PG_A, /* the leaf decides */
	.writable = PG_RW,
	.prot = { [R] = HOST_LEAF | PG_NX,
		  [RW] = HOST_LEAF | PG_RW | PG_D | PG_NX,
		  [RX] = HOST_LEAF,
		  [RW | PG_USER] = HOST_LEAF | PG_RW | PG_D | PG_US | PG_NX,
		  [PG_WRITE] = HOST_LEAF | PG_D | PG_NX },
	.memtype = { [MT_UC] = PG_PCD | PG_PWT, [MT_WC] = PG_PCD },
};

/* The processor makes nested walks as user accesses: US is always there. */
#define NPT_LEAF (PG_P | PG_US)
const struct pg_format pg_format_npt = {
	.present = PG_P,
	.table = PG_P | PG_RW | PG_US,
	.writable = PG_RW,
	.prot = { [R] = NPT_LEAF | PG_NX,
		  [RW] = NPT_LEAF | PG_RW | PG_NX,
		  [RX] = NPT_LEAF,
		  [RWX] = NPT_LEAF | PG_RW },
	.memtype = { [MT_UC] = PG_PCD | PG_PWT },
};

const struct pg_format pg_format_ept = {
	.present = EPT_R | EPT_W | EPT_X,
	.table = EPT_R | EPT_W | EPT_X,
	.writable = EPT_W,
	.prot = { [R] = EPT_R, [RW] = EPT_R | EPT_W, [RX] = EPT_R | EPT_X, [RWX] = EPT_R | EPT_W | EPT_X },
	.memtype = { [MT_UC] = PUT(EPT_MEMTYPE, MT_UC), [MT_WB] = PUT(EPT_MEMTYPE, MT_WB) },
};

static inline void set(u64 *entry, u64 v)
{
	__atomic_store_n(entry, v, __ATOMIC_RELEASE);
}

static u64 new_table(struct pgtable *t)
{
	hpa_t page = t->mem->alloc(t->ctx);

	if (page.v)
		t->pages++;
	return page.v;
}

static void free_table(struct pgtable *t, u64 entry)
{
	t->mem->free(t->ctx, HPA(entry & PG_ADDR));
	t->pages--;
}

int pg_init(struct pgtable *t, const struct pg_format *fmt, const struct pg_mem *mem, void *ctx)
{
	*t = (struct pgtable){ .fmt = fmt, .mem = mem, .ctx = ctx };
	t->root.v = new_table(t);
	return t->root.v ? 0 : -CAISSON_ENOMEM;
}

/* The missing tables from the entry at `shift` down to level `leaf`:
 * made and filled first, linked by the last store. */
static int __attribute__((noinline))
map_below(struct pgtable *t, u64 *entry, u64 va, u32 shift, u32 leaf, u64 value)
{
	u64 made[3];
	u32 n = 0, levels = (shift - leaf) / 9;

	while (n < levels && (made[n] = new_table(t)) != 0)
		n++;
	if (n < levels) {
		while (n > 0)
			free_table(t, made[--n]);
		return -CAISSON_ENOMEM;
	}
	for (u32 i = n; i > 0; i--) { /* from the bottom: levels `leaf`, leaf + 9, ... */
		*pg_slot(pg_table(t, made[i - 1]), va, leaf + 9 * (n - i)) = value;
		value = made[i - 1] | t->fmt->table;
	}
	set(entry, value);
	return 0;
}

static inline int map_at(struct pgtable *t, u64 *entry, u32 shift, u64 va, hpa_t pa, u64 size, u32 prot,
			 u32 memtype)
{
	const struct pg_format *f = t->fmt;
	u32 leaf = (u32)__builtin_ctzll(size);
	u64 value = f->prot[prot % PG_PROTS];

	if (!value)
		return -CAISSON_EINVAL;
	if (shift < leaf || (*entry & f->present))
		return -CAISSON_EEXIST;
	value |= pa.v | f->memtype[memtype] | (leaf == 12 ? 0 : LARGE);
	if (unlikely(shift > leaf))
		return map_below(t, entry, va, shift, leaf, value);
	set(entry, value);
	return 0;
}

int pg_map(struct pgtable *t, u64 va, hpa_t pa, u64 size, u32 prot, u32 memtype)
{
	u32 shift;
	u64 *entry = pg_end(t, va, &shift);

	return map_at(t, entry, shift, va, pa, size, prot, memtype);
}

int pg_fill(struct pgtable *t, const struct pg_leaf *hole, u64 va, hpa_t pa, u64 size, u32 prot, u32 memtype)
{
	return map_at(t, hole->entry, (u32)__builtin_ctzll(hole->size), va, pa, size, prot, memtype);
}

int pg_map_range(struct pgtable *t, u64 va, hpa_t pa, u64 bytes, u64 max_leaf, u32 prot, u32 memtype)
{
	int err = 0;

	for (u64 at = 0, size; at < bytes && !err; at += size) {
		size = max_leaf;
		while (size > PAGE_SIZE && (size > bytes - at || ((va + at) | (pa.v + at)) & (size - 1)))
			size /= PG_ENTRIES;
		err = pg_map(t, va + at, HPA(pa.v + at), size, prot, memtype);
	}
	return err;
}

int pg_split(struct pgtable *t, u64 va)
{
	u32 shift;
	u64 *entry = pg_end(t, va, &shift), e = *entry, table;

	if (shift == 12 || !(e & t->fmt->present))
		return 0;
	table = new_table(t);
	if (!table)
		return -CAISSON_ENOMEM;
	for (u64 i = 0; i < PG_ENTRIES; i++)
		pg_table(t, table)[i] = (shift == 21 ? e & ~LARGE : e) + (i << (shift - 9));
	set(entry, table | t->fmt->table);
	return 0;
}

u64 pg_unmap(struct pgtable *t, u64 va, u64 limit, struct pg_leaf *out)
{
	u64 like = PG_ADDR | t->fmt->present, *e, want, left, bytes = 0;

	if (!pg_lookup(t, va, out))
		return 0;
	e = out->entry;
	want = *e & like;
	left = PG_ENTRIES - (va >> __builtin_ctzll(out->size) & (PG_ENTRIES - 1));
	do {
		set(e++, 0);
		bytes += out->size;
		want += out->size;
	} while (--left && bytes + out->size <= limit && (*e & like) == want);
	return bytes;
}

u32 pg_walk(const struct pgtable *t, u64 va, u64 entry[4])
{
	u64 e = t->root.v;
	u32 n = 0;

	for (u32 shift = 39; shift >= 12; shift -= 9) {
		e = READ_ONCE(*pg_slot(pg_table(t, e), va, shift));
		entry[n++] = e;
		if (!(e & t->fmt->present) || (e & LARGE))
			break;
	}
	return n;
}

/* Of most tables most is empty. */
static inline bool group_empty(const u64 *e)
{
	u64 any = 0;

#pragma GCC unroll 8
	for (u32 i = 0; i < GROUP; i++)
		any |= e[i];
	return !any;
}

/* Frees the tables that a table of level `shift` refers to; false: *budget was not enough. */
static bool clear_level(struct pgtable *t, u64 *table, u32 shift, u32 *budget)
{
	for (u64 *group = table; group < table + PG_ENTRIES; group += GROUP) {
		if (group_empty(group))
			continue;
		for (u64 *e = group; e < group + GROUP; e++) {
			if ((*e & t->fmt->present) && !(*e & LARGE)) {
				if ((shift > 21 && !clear_level(t, pg_table(t, *e), shift - 9, budget)) ||
				    !*budget)
					return false;
				--*budget;
				free_table(t, *e);
			}
			*e = 0;
		}
	}
	return true;
}

bool pg_clear(struct pgtable *t, u32 budget)
{
	return clear_level(t, pg_table(t, t->root.v), 39, &budget);
}

void pg_destroy(struct pgtable *t)
{
	if (t->pages > 1)
		pg_clear(t, ~0u);
	free_table(t, t->root.v);
	t->root.v = 0;
}
