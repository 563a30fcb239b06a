/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one builder and walker of four-level page tables; a format says how IA-32e paging, EPT and AMD's nested
 * paging spell an entry. (T) The caller serialises changes of one table and flushes what the processor may
 * have cached; a look-up needs no lock against a change (entries are written whole), only against pg_clear()
 * and pg_destroy(). SDM volume 3, "4-Level Paging and 5-Level Paging", "EPT Translation Mechanism"; APM
 * volume 2, "Nested Paging".
 */
#ifndef X86_PGTABLE_H
#define X86_PGTABLE_H

#include "hv/types.h"

enum {
	PG_READ = 1,
	PG_WRITE = 2,
	PG_EXEC = 4,
	PG_USER = 8, /* host tables only */
	PG_PROTS = 16,
};

struct pg_format {
	u64 present;	    /* an entry with none of these bits maps nothing */
	u64 table;	    /* bits of an entry that refers to a table */
	u64 prot[PG_PROTS]; /* bits of a leaf, by protection; 0: cannot be said */
	u64 memtype[8];	    /* bits of a leaf, by MT_UC, MT_WC or MT_WB */
	u64 writable;	    /* bit of a leaf */
};

extern const struct pg_format pg_format_host, pg_format_ept, pg_format_npt;

/* Where table pages come from. alloc gives a zeroed page, or v = 0 when there is none.
 * Bytes of page pa are at virt + pa. */
struct pg_mem {
	hpa_t (*alloc)(void *ctx);
	void (*free)(void *ctx, hpa_t page);
	u8 *virt;
};

struct pgtable {
	hpa_t root;
	const struct pg_format *fmt;
	const struct pg_mem *mem;
	void *ctx; /* for mem's functions */
	u64 pages; /* table pages, the root included */
};

struct pg_leaf {
	hpa_t pa;   /* of the byte asked for */
	u64 size;   /* of the leaf; where nothing is mapped: of the aligned hole known around it */
	u64 *entry; /* where the walk ended */
};

/* Allocates the root. 0 or -ENOMEM. */
int pg_init(struct pgtable *t, const struct pg_format *fmt, const struct pg_mem *mem, void *ctx);
/* Maps one leaf of PAGE_SIZE, SZ_2M or SZ_1G; both addresses aligned to it. -ENOMEM and -EEXIST (something is
 * mapped there, or a table of smaller leaves stands there): nothing changed; -EINVAL: the format cannot say
 * this protection. */
int pg_map(struct pgtable *t, u64 va, hpa_t pa, u64 size, u32 prot, u32 memtype);
/* Maps [va, va + bytes) with the largest leaves that alignment and max_leaf allow;
 * on an error a part may be mapped. */
int pg_map_range(struct pgtable *t, u64 va, hpa_t pa, u64 bytes, u64 max_leaf, u32 prot, u32 memtype);
/* pg_map() at the place where pg_lookup() found nothing, while the table has not changed since. */
int pg_fill(struct pgtable *t, const struct pg_leaf *hole, u64 va, hpa_t pa, u64 size, u32 prot, u32 memtype);
/* Makes the leaf over va, if there is one larger than PAGE_SIZE,
 * a table of the next smaller ones. 0 or -ENOMEM. */
int pg_split(struct pgtable *t, u64 va);
/* Takes the leaf over va out, and those behind it in the same table that go on with its memory, up to `limit`
 * bytes: how many bytes were mapped, 0: none. out as in pg_lookup() (pa is that of va). Tables stay. */
u64 pg_unmap(struct pgtable *t, u64 va, u64 limit, struct pg_leaf *out);
/* Entries from the root down to where the walk ends; returns how many. */
u32 pg_walk(const struct pgtable *t, u64 va, u64 entry[4]);
/* Frees table pages below the root, leaves and all, at most `budget`; false: there are more. */
bool pg_clear(struct pgtable *t, u32 budget);
/* All of them, and the root. */
void pg_destroy(struct pgtable *t);

#define PG_ENTRIES 512
#define PG_ADDR	   MASK(51, 12)
static inline u64 *pg_table(const struct pgtable *t, u64 entry)
{
	return (u64 *)(t->mem->virt + (entry & PG_ADDR));
}

static inline u64 *pg_slot(u64 *table, u64 va, u32 shift)
{
	return &table[va >> shift & (PG_ENTRIES - 1)];
}

/*
 * Where the walk for va ends: at a leaf, a hole, or on level 1; *shift gets the level. One test per level is
 * enough: the low byte of an entry that refers to a table is positive (bits of fmt->table below bit 7), of a
 * large leaf negative, of a hole 0.
 */
static inline u64 *pg_end(const struct pgtable *t, u64 va, u32 *shift)
{
	u64 e = t->root.v, *entry;

#pragma GCC unroll 3
	for (u32 s = 39; s > 12; s -= 9) {
		entry = pg_slot(pg_table(t, e), va, s);
		e = READ_ONCE(*entry);
		if ((s8)e <= 0) {
			*shift = s;
			return entry;
		}
	}
	*shift = 12;
	return pg_slot(pg_table(t, e), va, 12);
}

/* The leaf over va. false: none, then out->size and out->entry tell how far that holds. */
static inline bool pg_lookup(const struct pgtable *t, u64 va, struct pg_leaf *out)
{
	u32 shift;
	u64 *entry = pg_end(t, va, &shift), e = READ_ONCE(*entry), low = BIT(shift) - 1;

	out->entry = entry;
	out->size = low + 1;
	out->pa = HPA((e & PG_ADDR & ~low) | (va & low)); /* in a large leaf bit 12 is the PAT's */
	return e & t->fmt->present;
}

static inline bool pg_writable(const struct pgtable *t, u64 leaf)
{
	return leaf & t->fmt->writable;
}

#endif
