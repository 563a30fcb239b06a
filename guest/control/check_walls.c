/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's own page tables against what docs/architecture.md,
 * "What is mapped", says of them, entry by entry. */
#include "arch/x86/hostmap.h"
#include "arch/x86/regs.h"
#include "guest/control/doctor.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

/* SDM volume 3, "Formats of CR3 and Paging-Structure Entries" */
#define PTE_W  BIT(1)
#define PTE_U  BIT(2)
#define PTE_D  BIT(6)
#define PTE_NX BIT(63)

#define LOW_END BIT(47) /* of the canonical addresses' lower half */

struct image {
	u64 start, end; /* physical */
};

/* The end of a CPU's slot is its shadow stacks'. */
static bool shadow(u64 va)
{
	return va >= STACK_AREA && va < MMIO_AREA && (va & (STACK_SLOT - 1)) >= STACK_SLOT - SHADOW_BYTES;
}

/* hostmap_stacks(): an unmapped page, the main stack, and so on for the others. */
static bool guards(u64 va)
{
	u64 at = va & (STACK_SLOT - 1), others = PAGE_SIZE + STACK_BYTES;

	if (shadow(va))
		return false;
	return at < PAGE_SIZE || (at >= others && (at - others) % (PAGE_SIZE + IST_BYTES) < PAGE_SIZE);
}

static const char *judge(u64 va, const struct caisson_walk *w, s64 owner, const struct image *image)
{
	u64 all = ~0ull, any = 0;
	bool user, exec;
	/* Dirty and not writable: SDM volume 1, "Shadow Stacks", whatever the page is for. */
	bool pushed = w->levels && (w->entry[w->levels - 1] & (PTE_D | PTE_W)) == PTE_D;

	for (u32 i = 0; i < w->levels; i++) {
		all &= w->entry[i];
		any |= w->entry[i];
	}
	user = all & PTE_U;
	exec = !(any & PTE_NX);
	if (va < DIRECT_MAP)
		return "something is mapped in the lower half";
	if (exec && (all & PTE_W))
		return "a page is writable and executable";
	if (exec && va < IMAGE_BASE)
		return "a page outside the image is executable";
	if (user != (va >= DOMAIN_MAP && va < STACK_AREA))
		return user ? "a user page outside the windows" : "a window's page is no user page";
	if (!user && owner < CAISSON_MAX_DOMS)
		return "a domain's frame is mapped outside the windows";
	if (va < IMAGE_BASE && w->hpa < image->end && w->hpa + w->size > image->start)
		return "the image is mapped twice";
	if (pushed != shadow(va))
		return pushed ? "a shadow stack that is none" : "a shadow stack can be written";
	if (va >= STACK_AREA && va < MMIO_AREA && guards(va))
		return "no unmapped page under a stack";
	return NULL;
}

const char *walls_check(u64 *at, u32 *pages)
{
	struct image image = { ~0ull, 0 };
	struct caisson_walk w;
	u64 va = IMAGE_BASE, step;
	const char *wrong;
	s64 owner;

	/* The image first, then all from 0 on. */
	for (bool again = true;; va += step) {
		if (!va && again) {
			again = false;
			*pages = 0;
		} else if (!va) {
			return NULL;
		} else if (va == LOW_END) {
			va = DIRECT_MAP;
		}
		*at = va;
		owner = hc_host_walk(va, &w);
		if (owner < 0)
			return "it does not answer";
		step = w.size - (va & (w.size - 1));
		if (!w.leaf)
			continue;
		if (again) {
			image.start = MIN(image.start, w.hpa);
			image.end = MAX(image.end, w.hpa + w.size);
			continue;
		}
		++*pages;
		wrong = judge(va, &w, owner, &image);
		if (wrong)
			return wrong;
		if (va < DOMAIN_MAP) /* each frame has an owner */
			step = PAGE_SIZE;
	}
}
