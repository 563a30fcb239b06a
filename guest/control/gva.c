/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest/control/gva.h"

#include "guest/lib/hypercall.h"

#define PTE_ADDRESS 0x000ffffffffff000ull

/* SDM: "Paging Modes". Levels, index bits per level and bytes per entry. */
struct paging {
	const char *name;
	u32 levels, bits, bytes;
};

static struct paging paging_of(const struct caisson_vcpu_context *c)
{
	if (!(c->cr0 >> 31 & 1))
		return (struct paging){ "no paging", 0, 0, 0 };
	if (!(c->cr4 >> 5 & 1))
		return (struct paging){ "32-bit paging", 2, 10, 4 };
	if (!(c->efer >> 10 & 1))
		return (struct paging){ "PAE paging", 3, 9, 8 };
	if (c->cr4 >> 12 & 1)
		return (struct paging){ "5-level paging", 5, 9, 8 };
	return (struct paging){ "4-level paging", 4, 9, 8 };
}

void gva_walk(u32 dom, const struct caisson_vcpu_context *c, u64 va, struct gva_walk *w)
{
	struct paging p = paging_of(c);
	u64 table = p.levels == 3 ? c->cr3 & ~0x1full : c->cr3 & PTE_ADDRESS, entry = 0, low;
	u32 shift = 0;

	*w = (struct gva_walk){ .mode = p.name, .levels = p.levels, .bytes = p.bytes, .gpa = va };
	for (u32 level = p.levels; level; level--) {
		bool top_of_pae = p.levels == 3 && level == 3, large;
		u64 at;

		shift = 12 + p.bits * (level - 1);
		at = table + (va >> shift & ((top_of_pae ? 4u : 1u << p.bits) - 1)) * p.bytes;
		entry = 0;
		w->at[w->steps] = at;
		if (hc_mem_read(dom, at, &entry, p.bytes) != (s64)p.bytes) {
			w->end = GVA_NOWHERE;
			return;
		}
		w->entry[w->steps++] = entry;
		if (!(entry & 1)) {
			w->end = GVA_ABSENT;
			return;
		}
		large = level > 1 && !top_of_pae && level < 4 && entry >> 7 & 1 &&
			(p.bytes == 8 || c->cr4 >> 4 & 1);
		if (large || level == 1)
			break;
		table = p.bytes == 4 ? entry & 0xfffff000u : entry & PTE_ADDRESS;
	}
	if (!p.levels)
		return;
	low = (1ull << shift) - 1;
	/* 4 MiB pages have address bits 39:32 in bits 20:13 */
	if (p.bytes == 4 && shift == 22)
		entry = (entry & 0xffc00000u) | (entry >> 13 & 0xff) << 32;
	w->gpa = (entry & PTE_ADDRESS & ~low) | (va & low);
}

bool gva_to_gpa(u32 dom, const struct caisson_vcpu_context *c, u64 va, u64 *gpa)
{
	struct gva_walk w;

	gva_walk(dom, c, va, &w);
	*gpa = w.gpa;
	return w.end == GVA_MAPPED;
}
