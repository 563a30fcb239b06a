/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/pgtable.h"
#include "arch/x86/regs.h"
#include "hv/abi/caisson.h"
#include "hv/string.h"

#define ENTRIES 512
#define ADDR	MASK(51, 12)
#define LARGE	BIT(7) /* in a level 2 or 3 entry of all three formats: a leaf */

/* IA-32e paging, "Paging-Structure Entries"; NPT is the same. */
#define PG_P	     BIT(0)
#define PG_RW	     BIT(1)
#define PG_US	     BIT(2)
#define PG_PWT	     BIT(3)
#define PG_PCD	     BIT(4)
#define PG_A	     BIT(5)
#define PG_D	     BIT(6)
#define PG_PAT_4K    BIT(7)
#define PG_PAT_LARGE BIT(12)
#define PG_NX	     BIT(63)

/* "Format of EPT paging-structure entries" */
#define EPT_R	    BIT(0)
#define EPT_W	    BIT(1)
#define EPT_X	    BIT(2)
#define EPT_MEMTYPE MASK(5, 3)

/* Accessed and dirty are set from the start: nobody looks at them, and the processor need not. */
#define HOST(p)                                                                                            \
	(((p)&PG_READ ? PG_P | PG_A | PG_D : 0) | ((p)&PG_WRITE ? PG_RW : 0) | ((p)&PG_USER ? PG_US : 0) | \
	 ((p)&PG_EXEC ? 0 : PG_NX))
#define HOST_OR_NONE(p) ((p)&PG_READ ? HOST(p) : 0)
/* The processor makes nested walks as user accesses: US is always there. */
#define NPT(p) ((p)&PG_READ ? PG_P | PG_US | ((p)&PG_WRITE ? PG_RW : 0) | ((p)&PG_EXEC ? 0 : PG_NX) : 0)
/* Write without read is a misconfiguration. */
#define EPT(p) (((p) & (PG_READ | PG_WRITE)) == PG_WRITE ? 0 : (p) & (PG_READ | PG_WRITE | PG_EXEC))
#define ALL_PROTS(X)                                                                                    \
	{                                                                                               \
		X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10), X(11), X(12), X(13), \
			X(14), X(15)                                                                    \
	}

#define HOST_MEMTYPES(pat)                                                             \
	{                                                                              \
		[MT_UC] = PG_PCD | PG_PWT, [MT_WC] = (pat) | PG_PWT, [MT_WT] = PG_PWT, \
		[MT_WP] = PG_PCD | PG_PWT, [MT_WB] = 0, [MT_UC_MINUS] = PG_PCD,        \
	}

static u32 host_get_prot(u64 e)
{
	return (e & PG_P ? PG_READ : 0) | (e & PG_RW ? PG_WRITE : 0) | (e & PG_NX ? 0 : PG_EXEC) |
	       (e & PG_US ? PG_USER : 0);
}

static u32 ept_get_prot(u64 e)
{
	return e & (PG_READ | PG_WRITE | PG_EXEC);
}

const struct pg_format pg_format_host = {
	.present = PG_P,
	.table = PG_P | PG_RW | PG_US | PG_A,
	.prot = ALL_PROTS(HOST_OR_NONE),
	.memtype = HOST_MEMTYPES(PG_PAT_4K),
	.memtype_large = HOST_MEMTYPES(PG_PAT_LARGE),
	.get_prot = host_get_prot,
};

const struct pg_format pg_format_npt = {
	.present = PG_P,
	.table = PG_P | PG_RW | PG_US,
	.prot = ALL_PROTS(NPT),
	.memtype = HOST_MEMTYPES(PG_PAT_4K),
	.memtype_large = HOST_MEMTYPES(PG_PAT_LARGE),
	.get_prot = host_get_prot,
};

#define EPT_MEMTYPES                                                                  \
	{                                                                             \
		[MT_UC] = PUT(EPT_MEMTYPE, MT_UC), [MT_WC] = PUT(EPT_MEMTYPE, MT_WC), \
		[MT_WT] = PUT(EPT_MEMTYPE, MT_WT), [MT_WP] = PUT(EPT_MEMTYPE, MT_WP), \
		[MT_WB] = PUT(EPT_MEMTYPE, MT_WB),                                    \
	}

const struct pg_format pg_format_ept = {
	.present = EPT_R | EPT_W | EPT_X,
	.table = EPT_R | EPT_W | EPT_X,
	.prot = ALL_PROTS(EPT),
	.memtype = EPT_MEMTYPES,
	.memtype_large = EPT_MEMTYPES,
	.get_prot = ept_get_prot,
};

static inline u64 *table_at(const struct pgtable *t, u64 entry)
{
	return (u64 *)(t->mem->virt + (entry & ADDR));
}

static inline u64 *slot(u64 *table, u64 va, u32 shift)
{
	return &table[va >> shift & (ENTRIES - 1)];
}

static inline void set(u64 *entry, u64 v)
{
	__atomic_store_n(entry, v, __ATOMIC_RELEASE);
}

/*
 * Where the walk for va ends: at a leaf, a hole, or on level 1; *shift gets the level. One test per level is
 * enough: the low byte of an entry that refers to a table is positive (bits of f->table below bit 7), of a
 * large leaf negative, of a hole 0.
 */
static inline u64 *walk(const struct pgtable *t, u64 va, u32 *shift)
{
	u64 e = t->root.v, *entry;

#pragma GCC unroll 3
	for (u32 s = 39; s > 12; s -= 9) {
		entry = slot(table_at(t, e), va, s);
		e = READ_ONCE(*entry);
		if ((s8)e <= 0) {
			*shift = s;
			return entry;
		}
	}
	*shift = 12;
	return slot(table_at(t, e), va, 12);
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
	t->mem->free(t->ctx, HPA(entry & ADDR));
	t->pages--;
}

int pg_init(struct pgtable *t, const struct pg_format *fmt, const struct pg_mem *mem, void *ctx)
{
	*t = (struct pgtable){ .fmt = fmt, .mem = mem, .ctx = ctx };
	t->root.v = new_table(t);
	return t->root.v ? 0 : -CAISSON_ENOMEM;
}

/* Shift of the level whose entries map `size`. */
static inline u32 size_shift(u64 size)
{
	return size == PAGE_SIZE ? 12 : size == SZ_2M ? 21 : 30;
}

/* The missing tables from the entry at `shift` down to level `leaf`: made and filled first, linked by the
 * last store. */
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
	for (u32 i = n; i > 0;
	     i--) { /* from the bottom: made[i - 1] holds entries of level `leaf`, leaf + 9, ... */
		*slot(table_at(t, made[i - 1]), va, leaf + 9 * (n - i)) = value;
		value = made[i - 1] | t->fmt->table;
	}
	set(entry, value);
	return 0;
}

int pg_map(struct pgtable *t, u64 va, hpa_t pa, u64 size, u32 prot, u32 memtype)
{
	const struct pg_format *f = t->fmt;
	u32 leaf = size_shift(size), shift;
	u64 *entry = walk(t, va, &shift), value = f->prot[prot % PG_PROTS];

	if (!value)
		return -CAISSON_EINVAL;
	if (shift < leaf || (*entry & f->present))
		return -CAISSON_EEXIST;
	value |= pa.v | (leaf == 12 ? f->memtype[memtype] : f->memtype_large[memtype] | LARGE);
	if (unlikely(shift > leaf))
		return map_below(t, entry, va, shift, leaf, value);
	set(entry, value);
	return 0;
}

int pg_map_range(struct pgtable *t, u64 va, hpa_t pa, u64 bytes, u64 max_leaf, u32 prot, u32 memtype)
{
	static const u64 sizes[] = { SZ_1G, SZ_2M, PAGE_SIZE };
	u32 i;
	int err;

	while (bytes) {
		for (i = 0; i < 2; i++) {
			if (sizes[i] <= max_leaf && sizes[i] <= bytes && !((va | pa.v) & (sizes[i] - 1)))
				break;
		}
		err = pg_map(t, va, pa, sizes[i], prot, memtype);
		if (err)
			return err;
		va += sizes[i];
		pa.v += sizes[i];
		bytes -= MIN(bytes, sizes[i]);
	}
	return 0;
}

bool pg_lookup(const struct pgtable *t, u64 va, struct pg_leaf *out)
{
	u32 shift;
	u64 *entry = walk(t, va, &shift), e = READ_ONCE(*entry), low = BIT(shift) - 1;

	out->entry = entry;
	out->size = low + 1;
	out->pa = HPA((e & ADDR & ~low) | (va & low)); /* in a large leaf bit 12 is the PAT's */
	return e & t->fmt->present;
}

bool pg_unmap(struct pgtable *t, u64 va, struct pg_leaf *out)
{
	if (!pg_lookup(t, va, out))
		return false;
	set(out->entry, 0);
	return true;
}

int pg_protect(struct pgtable *t, u64 va, u32 prot)
{
	const struct pg_format *f = t->fmt;
	struct pg_leaf l;
	u64 bits = f->prot[prot % PG_PROTS], all = 0;

	if (!bits)
		return -CAISSON_EINVAL;
	if (!pg_lookup(t, va, &l))
		return -CAISSON_ENOENT;
	for (u32 i = 0; i < PG_PROTS; i++)
		all |= f->prot[i];
	set(l.entry, (*l.entry & ~all) | bits);
	return 0;
}

int pg_split(struct pgtable *t, u64 va)
{
	const struct pg_format *f = t->fmt;
	struct pg_leaf l;
	u64 e, step, page, *table;

	if (!pg_lookup(t, va, &l))
		return -CAISSON_ENOENT;
	if (l.size == PAGE_SIZE)
		return 0;
	page = new_table(t);
	if (!page)
		return -CAISSON_ENOMEM;
	table = table_at(t, page);
	step = l.size / ENTRIES;
	e = *l.entry;
	if (step == PAGE_SIZE) { /* bit 7 is now the PAT's, or ignored, and bit 12 an address bit */
		e &= ~LARGE;
		if (f->memtype[MT_WC] & PG_PAT_4K && e & PG_PAT_LARGE)
			e = (e & ~PG_PAT_LARGE) | PG_PAT_4K;
	}
	for (u32 i = 0; i < ENTRIES; i++)
		table[i] = e + i * step;
	set(l.entry, page | f->table);
	return 0;
}

u32 pg_walk(const struct pgtable *t, u64 va, u64 entry[4])
{
	u64 e = t->root.v;
	u32 n = 0;

	for (u32 shift = 39; shift >= 12; shift -= 9) {
		e = READ_ONCE(*slot(table_at(t, e), va, shift));
		entry[n++] = e;
		if (!(e & t->fmt->present) || (e & LARGE))
			break;
	}
	return n;
}

/* Frees the tables that a table of level `shift` refers to; false when *most ran out. */
static bool clear_level(struct pgtable *t, u64 *table, u32 shift, u64 *most)
{
	for (u32 i = 0; i < ENTRIES; i++) {
		u64 e = table[i];

		if (shift > 12 && (e & t->fmt->present) && !(e & LARGE)) {
			if (!clear_level(t, table_at(t, e), shift - 9, most) || *most == 0)
				return false;
			--*most;
			free_table(t, e);
		}
		table[i] = 0;
	}
	return true;
}

bool pg_clear(struct pgtable *t, u64 most)
{
	return clear_level(t, table_at(t, t->root.v), 39, &most);
}

void pg_destroy(struct pgtable *t)
{
	pg_clear(t, ~0ull);
	free_table(t, t->root.v);
	t->root.v = 0;
}
