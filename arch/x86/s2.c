/* SPDX-License-Identifier: BSD-2-Clause */
/* The second stage of a domain: hv's words for it over the page-table builder.
 * hv/arch.h says what each promises. */
#include "arch/x86/hostmap.h"
#include "arch/x86/hvm.h"
#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"
#include "arch/x86/s2.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/panic.h"

#define CLEAR_TABLES 12u /* given back at once */

/* Tables come out of what was set aside at creation, so that a page that was promised can also be mapped;
 * what goes beyond (shares) out of what is free. */
static hpa_t __endbr table_alloc(void *ctx)
{
	struct x86_domain *d = ctx;
	bool reserved = d->table_reserve;
	hpa_t pa = frame_alloc(FRAME_OWNER_HV, 0, FRAME_HV | FRAME_ZERO | (reserved ? FRAME_RESERVED : 0));

	if (!frame_ok(pa))
		return HPA(0);
	d->table_reserve -= reserved;
	return pa;
}

static void __endbr table_free(void *ctx, hpa_t pa)
{
	struct x86_domain *d = ctx;

	frame_free(pa, 0, FRAME_HV | FRAME_RESERVED);
	d->table_reserve++;
}

static const struct pg_mem s2_mem = { .alloc = table_alloc, .free = table_free, .virt = (u8 *)DIRECT_MAP };

/* RAM in 4 KiB mappings: the tables of level 1, 2 and 3, and one more where a region straddles;
 * two for the APIC access page. */
static u64 table_pages(u64 ram_pages)
{
	return ram_pages / 512 + ram_pages / (512 * 512) + (hvm_has.apicv ? 6 : 4);
}

int s2_init(struct x86_domain *d, u64 ram_pages)
{
	u64 n = table_pages(ram_pages);

	if (frame_reserve(n, FRAME_HV))
		return -CAISSON_ENOMEM;
	d->table_reserve = n;
	if (pg_init(&d->s2, hvm->s2_format, &s2_mem, d)) {
		frame_unreserve(n, FRAME_HV);
		return -CAISSON_ENOMEM;
	}
	/* The root's page may have been another domain's: no CPU's knowledge of that one counts. */
	for (u32 i = 0; i < CAISSON_CPU_WORDS; i++)
		d->flush[i] = ~0ull;
	return 0;
}

void s2_exit(struct x86_domain *d)
{
	if (!d->s2.root.v)
		return;
	pg_destroy(&d->s2);
	frame_unreserve(d->table_reserve, FRAME_HV);
}

hpa_t s2_hidden = { ~0ull };

static u32 to_pg(u32 prot)
{
	if (prot == ARCH_PROT_RO_DATA)
		return PG_READ;
	return PG_READ | PG_EXEC | (prot & CAISSON_PROT_WRITE ? PG_WRITE : 0);
}

static inline void check_frame(hpa_t pa)
{
	(void)pa;
#ifdef CAISSON_CHECKS
	ASSERT(frame_owner(pa) >= FRAME_OWNER_HV ||
		       !pg_lookup(&host_pgtable, DIRECT_MAP + pa.v, &(struct pg_leaf){ 0 }),
	       "domain %u's frame 0x%lx is in the direct map", frame_owner(pa), pa.v);
#endif
}

int arch_s2_map(struct domain *d, gpa_t at, hpa_t pa, u64 size, u32 prot)
{
	check_frame(pa);
	return pg_map(&x86_domain(d)->s2, at.v, pa, size, to_pg(prot), MT_WB);
}

int arch_s2_fill(struct domain *d, gpa_t at, hpa_t pa, u64 size, u32 prot)
{
	struct x86_domain *x = x86_domain(d);

	check_frame(pa);
	return pg_fill(&x->s2, &x->hole, at.v, pa, size, to_pg(prot), MT_WB);
}

u64 arch_s2_unmap(struct domain *d, gpa_t at, u64 limit)
{
	struct pg_leaf l;

	return pg_unmap(&x86_domain(d)->s2, at.v, limit, &l);
}

bool arch_s2_lookup(struct domain *d, gpa_t at, hpa_t *pa, u64 *size, u32 *prot)
{
	struct x86_domain *x = x86_domain(d);
	struct pg_leaf l;

	if (at.v >> 48) {
		*size = PAGE_SIZE;
		return false;
	}
	if (!pg_lookup(&x->s2, at.v, &l) || unlikely((l.pa.v & PAGE_MASK) == s2_hidden.v)) {
		x->hole = l;
		*size = l.size;
		return false;
	}
	*pa = l.pa;
	*size = l.size;
	*prot = CAISSON_PROT_READ | (pg_writable(&x->s2, *l.entry) ? CAISSON_PROT_WRITE : 0);
	return true;
}

void arch_s2_flush(struct domain *d)
{
	struct x86_domain *x = x86_domain(d);

	__atomic_add_fetch(&x->s2_changes, 1, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < CAISSON_CPU_WORDS; i++)
		__atomic_store_n(&x->flush[i], ~0ull, __ATOMIC_SEQ_CST);
	domain_each_vcpu(d, v)
		if (READ_ONCE(v->cpu))
			vcpu_pend(v, PEND_FLUSH, false);
}

bool arch_s2_flushed(struct domain *d)
{
	domain_each_vcpu(d, v) {
		struct pcpu *c = READ_ONCE(v->cpu);

		/* One that is loaded here, or sleeps on another CPU,
		 * is in root mode, and flushes before it enters. */
		if (c && c != this_cpu() && (READ_ONCE(v->pending) & PEND_FLUSH) &&
		    READ_ONCE(v->sleep) == SLEEP_NO)
			return false;
	}
	return true;
}

bool arch_s2_clear(struct domain *d)
{
	return pg_clear(&x86_domain(d)->s2, CLEAR_TABLES);
}

u64 arch_s2_sizes(void)
{
	return PAGE_SIZE | SZ_2M | (hvm_has.pages_1g ? SZ_1G : 0);
}

void arch_s2_walk(struct domain *d, gpa_t at, struct caisson_walk *out)
{
	const struct pgtable *t = d ? &x86_domain(d)->s2 : &host_pgtable;
	struct pg_leaf l;
	u64 entry[4];

	if (d && at.v >> 48)
		return;
	out->levels = pg_walk(t, at.v, entry);
	for (u32 i = 0; i < out->levels; i++)
		out->entry[i] = entry[i];
	out->leaf = pg_lookup(t, at.v, &l);
	out->size = l.size;
	out->hpa = out->leaf ? l.pa.v : 0;
}
