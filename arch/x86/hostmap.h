/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's own address space, the same on all CPUs.  Nothing is mapped at low addresses.
 */
#ifndef X86_HOSTMAP_H
#define X86_HOSTMAP_H

#include "arch/x86/asm.h"
#include "arch/x86/pgtable.h"
#include "hv/bootinfo.h"

#define DIRECT_MAP 0xffff800000000000ull /* RAM that is the hypervisor's, but for the image */
/* RAM but for the image, as user pages: frames of domains, modules */
#define DOMAIN_MAP 0xffffa00000000000ull
#define STACK_AREA 0xffffc00000000000ull /* a slot per CPU, an unmapped page under each stack */
#define MMIO_AREA  0xffffd00000000000ull /* devices, as mmio_map() gives them out */
#define IMAGE_BASE 0xffffffff80000000ull /* the image: text R-X, constants R--, data RW- */

#define STACK_SLOT   0x10000ul
#define STACK_BYTES  0x4000ul /* main stack */
#define IST_BYTES    0x2000ul
#define SHADOW_BYTES 0x2000ul /* shadow stacks, at its end */

/*
 * The one place that knows how frames of domains are reached: arch_domain_map() without the call. Their pages
 * are user pages, which SMAP keeps from the hypervisor but between domain_open() and domain_close(). Windows
 * do not nest: the first close ends them all.
 */
static inline void *domain_ptr(hpa_t pa)
{
	return (void *)(DOMAIN_MAP + pa.v);
}
static inline void domain_open(void)
{
	stac();
}
static inline void domain_close(void)
{
	clac();
}

struct x86_pcpu;

extern struct pgtable host_pgtable;

/* Boot CPU: memory before there is an allocator: zeroed pages below 4 GiB, never freed. Panics when there are
 * none, and after arch_memory_final(). What was taken is in bi->reserved. */
void early_init(struct bootinfo *bi);
void *early_alloc(u64 bytes);
/* Boot CPU: builds the space and switches to it. */
void hostmap_init(const struct bootinfo *bi);
/* Every other CPU: switches to it. Forgets every translation of this CPU's. */
void hostmap_load(void);
/* A kick has come: frames that left the direct map are forgotten. */
void hostmap_kicked(struct x86_pcpu *c);
/* For a panic: the physical address that an address in one of the two maps of RAM means. */
static inline bool hostmap_ram(u64 va, hpa_t *pa)
{
	*pa = HPA(va & (DOMAIN_MAP - DIRECT_MAP - 1));
	return va >= DIRECT_MAP && va < STACK_AREA;
}
/* Maps the stacks of CPU number n of the MADT and fills in c->stack_top and c->ist_top. */
void hostmap_stacks(struct x86_pcpu *c, u32 n);

/* Maps new zeroed memory there as a shadow stack; returns where it can still be written (the direct map). */
void *hostmap_shadow(u64 va, u64 bytes);

/* All: boot CPU, before arch_memory_final(); nothing need be aligned; never unmapped. NULL: that is no
 * address. Maps device registers, uncached. */
void *mmio_map(hpa_t pa, u64 bytes);
/* The same, written in bursts. */
void *screen_map(hpa_t pa, u64 bytes);
/* Maps firmware tables, read-only; at most 2 MiB. */
const void *firmware_map(hpa_t pa, u64 bytes);

#endif
