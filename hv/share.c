/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shares: the record of every frame that a domain sees and does not own. A share has one holder, who has it
 * mapped, and a granter, whose frames they are (none: boot modules, which stay the machine's). A share ends
 * by the holder's call or with either domain; its frames cannot be freed before no CPU can reach them through
 * the holder's tables any more.
 */
#include "hv/arch.h"
#include "hv/domain.h"
#include "hv/frame.h"
#include "hv/heap.h"

struct share {
	struct heap_node node;	    /* in holder->held, by its address there */
	struct share *next, **link; /* in granter->granted */
	struct domain *holder, *granter;
	u64 from; /* address in the granter */
	u64 pages;
	bool refs; /* its frames are referenced */
	bool gone; /* unmapped; some CPU may still know the translation */
};

#define SHARES 1024u /* that a domain can hold, but for the control domain */

static struct lock share_lock; /* everything here; outside vm.lock */
static struct share *pool;     /* free records */

static struct share *share_new(void)
{
	struct share *s = pool;

	if (!s) {
		s = frame_hv_alloc(FRAME_OWNER_HV, 0);
		for (u32 i = 0; s && i < PAGE_SIZE / sizeof(*s) - 1; i++)
			s[i].next = &s[i + 1];
	}
	if (s) {
		pool = s->next;
		*s = (struct share){ 0 };
	}
	return s;
}

static void share_free(struct share *s)
{
	heap_remove(&s->holder->held, &s->node);
	if (s->granter) {
		*s->link = s->next;
		if (s->next)
			s->next->link = s->link;
	}
	s->next = pool;
	pool = s;
}

static struct share *share_find(struct domain *holder, u64 at)
{
	struct heap_node *n = holder->held.root;

	while (n && n->key != at)
		n = n->child[at > n->key];
	return n ? container_of(n, struct share, node) : NULL;
}

/* Takes the share out of the holder's tables: 0, or -EAGAIN until every CPU has forgotten it. */
static int share_end(struct share *s)
{
	u64 at = s->node.key, size;
	hpa_t pa;

	if (!s->gone) {
		lock(&s->holder->vm.lock);
		for (u64 i = 0; i < s->pages; i++)
			arch_s2_unmap(s->holder, GPA(at + i * PAGE_SIZE), PAGE_SIZE);
		arch_s2_flush(s->holder);
		unlock(&s->holder->vm.lock);
		s->gone = true;
	}
	if (!arch_s2_flushed(s->holder))
		return -CAISSON_EAGAIN;
	for (u64 i = 0; s->refs && i < s->pages; i++) {
		u32 prot;

		/* The granter's own mapping stands as long as the reference does. */
		lock(&s->granter->vm.lock);
		if (arch_s2_lookup(s->granter, GPA(s->from + i * PAGE_SIZE), &pa, &size, &prot))
			frame_unref(pa);
		unlock(&s->granter->vm.lock);
	}
	share_free(s);
	return 0;
}

static int share_check(struct domain *holder, u64 at, u64 pages)
{
	u64 top = 1ull << MIN(arch_phys_bits(), 46u), end = at + pages * PAGE_SIZE;

	if ((at & ~PAGE_MASK) || pages == 0 || pages > top / PAGE_SIZE || at > top - pages * PAGE_SIZE)
		return -CAISSON_EINVAL;
	/* Records and tables come out of what is free, and are charged to nobody. */
	if (holder->held.count >= SHARES && holder->id != CAISSON_CONTROL)
		return -CAISSON_ENOSPC;
	for (u32 i = 0; i < holder->vm.regions; i++) {
		const struct region *r = &holder->vm.region[i];

		if (at < r->base + r->pages * PAGE_SIZE && r->base < end)
			return -CAISSON_EEXIST;
	}
	return 0;
}

/* A record in both lists. Lock: share_lock. */
static struct share *share_link(struct domain *holder, u64 at, struct domain *granter, u64 from)
{
	struct share *s = share_new();

	if (!s)
		return NULL;
	s->holder = holder;
	s->granter = granter;
	s->from = from;
	heap_insert(&holder->held, &s->node, at);
	if (granter) {
		s->next = granter->granted;
		s->link = &granter->granted;
		if (s->next)
			s->next->link = &s->next;
		granter->granted = s;
	}
	return s;
}

/* One page of the share: of the granter's own RAM,
 * pinned for good (share_end() gives the reference back), or of the machine's. */
static int share_page(struct share *s, u64 off, hpa_t machine, u32 prot)
{
	hpa_t pa = HPA(machine.v + off);
	int r;

	if (s->refs) {
		pa = memory_pin(s->granter, s->from + off, prot & CAISSON_PROT_WRITE, true);
		if (!frame_ok(pa))
			return -CAISSON_EFAULT;
		if (frame_owner(pa) != s->granter->id) { /* what was granted to it cannot be granted on */
			memory_unpin(pa);
			return -CAISSON_EPERM;
		}
	}
	lock(&s->holder->vm.lock);
	r = arch_s2_map(s->holder, GPA(s->node.key + off), pa, PAGE_SIZE, prot);
	unlock(&s->holder->vm.lock);
	if (r && s->refs)
		memory_unpin(pa);
	return r;
}

static int share_make(struct domain *holder, u64 at, struct domain *granter, u64 from, hpa_t machine,
		      u64 pages, u32 prot, bool refs)
{
	struct share *s = NULL, *old;
	int r;

	lock(&share_lock);
	r = share_check(holder, at, pages);
	if (!r && granter && READ_ONCE(granter->dying))
		r = -CAISSON_EBUSY;
	old = r ? NULL : share_find(holder, at);
	if (old) /* one that failed may not have ended: a CPU still knew its first pages */
		r = old->gone ? share_end(old) : -CAISSON_EEXIST;
	if (!r) {
		s = share_link(holder, at, granter, from);
		r = s ? 0 : -CAISSON_ENOMEM;
	}
	if (s)
		s->refs = refs;
	while (!r && s->pages < pages) {
		r = share_page(s, s->pages * PAGE_SIZE, machine, prot);
		s->pages += !r;
	}
	if (r && s)
		share_end(s);
	unlock(&share_lock);
	return r;
}

s64 share_map(struct domain *holder, u64 at, struct domain *granter, u64 from, u64 pages, u32 prot)
{
	int r;

	pages = MIN(pages, SHARE_PIECE);
	if (from & ~PAGE_MASK)
		return -CAISSON_EINVAL;
	/* Lazy pages are filled first: zeroing a large one lets interrupts in, and takes its time. */
	for (u64 i = 0; i < pages; i++) {
		hpa_t pa = memory_pin(granter, from + i * PAGE_SIZE, prot & CAISSON_PROT_WRITE, true);

		if (!frame_ok(pa))
			return -CAISSON_EFAULT;
		memory_unpin(pa);
		arch_irq_window();
	}
	r = share_make(holder, at, granter, from, HPA(0), pages, prot, true);
	return r ? r : (s64)pages;
}

int share_map_machine(struct domain *holder, u64 at, struct domain *granter, hpa_t pa, u64 pages, u32 prot)
{
	return share_make(holder, at, granter, 0, pa, pages, prot, false);
}

int share_unmap(struct domain *holder, u64 at)
{
	struct share *s;
	int r;

	lock(&share_lock);
	s = share_find(holder, at);
	r = s ? share_end(s) : -CAISSON_ENOENT;
	unlock(&share_lock);
	return r;
}

int share_drop_all(struct domain *d)
{
	int r = 0;

	lock(&share_lock);
	for (u32 budget = 2; !r && (d->granted || d->held.first); budget--) {
		if (!budget)
			r = -CAISSON_EAGAIN;
		else if (d->granted)
			r = share_end(d->granted);
		else
			r = share_end(container_of(d->held.first, struct share, node));
	}
	unlock(&share_lock);
	return r;
}
