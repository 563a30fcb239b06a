/* SPDX-License-Identifier: BSD-2-Clause */
/* The RAM of domains: what is there, giving it, copying it, taking it back. */
#include "hv/arch.h"
#include "hv/domain.h"
#include "hv/frame.h"
#include "hv/panic.h"
#include "hv/string.h"

#define PAGES_2M   (SZ_2M / PAGE_SIZE)
#define FILL_ORDER 4u /* 64 KiB: zeroed without letting interrupts in */
/* A page that is there may be in the hand of another CPU, which zeroes 2 MiB. */
#define TRIES 100000u
/* The local and the I/O APIC answer here, whatever the builder says. */
#define APIC_HOLE_START 0xfec00000ull
#define APIC_HOLE_END	0xfee01000ull

static const struct region *region_at(const struct domain *d, u64 gpa) /* vm.lock, or the domain's own vCPU */
{
	/* Large ones come last. */
	for (const struct region *r = d->vm.region + d->vm.regions; r-- > d->vm.region;)
		if (gpa >= r->base && (gpa - r->base) / PAGE_SIZE < r->pages)
			return r;
	return NULL;
}

static u32 region_prot(const struct region *r)
{
	return r->flags & CAISSON_POP_ROM ? CAISSON_PROT_READ : CAISSON_PROT_READ | CAISSON_PROT_WRITE;
}

/* Notes that [gpa, gpa + pages) is RAM; a part of a region that is there already is a restart. vm.lock. */
static int region_add(struct domain *d, u64 gpa, u64 pages, u32 flags)
{
	u64 end = gpa + pages * PAGE_SIZE, sum = pages;

	for (u32 i = 0; i < d->vm.regions; i++) {
		struct region *r = &d->vm.region[i];
		u64 r_end = r->base + r->pages * PAGE_SIZE;

		if (gpa >= r->base && end <= r_end)
			return r->flags == flags ? 0 : -CAISSON_EINVAL;
		if (gpa < r_end && r->base < end)
			return -CAISSON_EEXIST;
		sum += r->pages;
	}
	if (sum > d->vm.charged)
		return -CAISSON_ENOMEM;
	if (d->vm.regions == DOMAIN_REGIONS)
		return -CAISSON_ENOSPC;
	d->vm.region[d->vm.regions++] = (struct region){ .base = gpa, .pages = pages, .flags = flags };
	return 0;
}

/* What was promised to d and is neither mapped nor in anybody's hand: so much can be taken of the
 * reservation. vm.lock. */
static u64 room(const struct domain *d)
{
	return d->vm.charged - d->vm.populated;
}

/*
 * Gives one page at gpa, or 2 MiB or the small pages of up to 64 KiB where region, limit and alignment allow
 * it. Pages that are there now, or an error; 0: there was one, or all that is left is in others' hands.
 */
static s64 memory_fill(struct domain *d, u64 gpa, u64 limit)
{
	const struct region *r;
	u64 size, step, n;
	u32 order;
	hpa_t pa;
	int err;

again:
	order = limit == 1 ? 0 : FRAME_ORDER_2M;
	lock(&d->vm.lock);
	r = region_at(d, gpa);
	if (r)
		limit = MIN(MIN(limit, room(d)), r->pages - (gpa - r->base) / PAGE_SIZE);
	while (order && (limit >> order == 0 || (gpa & ((PAGE_SIZE << order) - 1))))
		order = order == FRAME_ORDER_2M ? FILL_ORDER : order - 1;
	n = r && limit ? 1ull << order : 0;
	d->vm.populated += n;
	unlock(&d->vm.lock);
	if (!n)
		return r ? 0 : -CAISSON_EFAULT;
	size = PAGE_SIZE << order;
	step = order == FRAME_ORDER_2M ? SZ_2M : PAGE_SIZE;
	/* Zeroing 2 MiB lets interrupts in: no lock is held. */
	pa = frame_alloc(d->id, order, FRAME_ZERO | FRAME_RESERVED);
	lock(&d->vm.lock);
	r = region_at(d, gpa); /* as it is now: the domain may have been reset since */
	if (!frame_ok(pa))
		err = -CAISSON_ENOMEM;
	else if (READ_ONCE(d->ended) || !r || r->base + r->pages * PAGE_SIZE - gpa < size)
		err = -CAISSON_EBUSY;
	else
		err = arch_s2_map(d, GPA(gpa), pa, step, region_prot(r));
	for (u64 at = step; !err && at < size; at += step)
		if (arch_s2_map(d, GPA(gpa + at), HPA(pa.v + at), step, region_prot(r))) { /* one is there */
			frame_free(HPA(pa.v + at), 0, FRAME_RESERVED);
			d->vm.populated--;
		}
	if (err) {
		if (frame_ok(pa))
			frame_free(pa, order, FRAME_RESERVED);
		d->vm.populated -= n;
	}
	unlock(&d->vm.lock);
	if ((err == -CAISSON_ENOMEM || err == -CAISSON_EEXIST) &&
	    order) { /* no such block, or a small page is in the way */
		limit = 1;
		goto again;
	}
	return !err ? (s64)n : err == -CAISSON_EEXIST ? 0 : err;
}

/* Is gpa inside, or at the start, of a part of a region that a 1 GiB page can cover? vm.lock. */
static bool giant_fits(struct domain *d, u64 gpa)
{
	u64 start = gpa & ~(SZ_1G - 1);
	const struct region *r = region_at(d, gpa);

	return (arch_s2_sizes() & SZ_1G) && r && !r->flags && r->base <= start &&
	       (gpa == start || d->vm.giant.bytes) && r->base + r->pages * PAGE_SIZE - start >= SZ_1G;
}

static void giant_free(struct domain *d) /* vm.lock */
{
	frame_free(d->vm.giant.pa, FRAME_ORDER_1G, FRAME_RESERVED);
	d->vm.populated -= SZ_1G / PAGE_SIZE;
	d->vm.giant.bytes = 0;
}

/*
 * A 1 GiB page takes many calls: the block is taken at the first, each call zeroes 2 MiB of it, the last maps
 * it. Until then it is nobody's to see. -EAGAIN: there is no such block, smaller pages will do; -EBUSY:
 * another vCPU of the builder is at it.
 */
static s64 memory_fill_giant(struct domain *d, u64 gpa)
{
	struct giant *g = &d->vm.giant;
	s64 r = 0;

	lock(&d->vm.lock);
	if (!giant_fits(d, gpa))
		r = -CAISSON_EAGAIN;
	else if (g->busy || READ_ONCE(d->ended))
		r = -CAISSON_EBUSY;
	else if (g->bytes == 0 || g->gpa + g->bytes != gpa) /* not a continuation */
		r = g->bytes || room(d) < SZ_1G / PAGE_SIZE ? -CAISSON_EAGAIN : 1;
	if (r == 1) { /* no zeroing: short */
		g->pa = frame_alloc(d->id, FRAME_ORDER_1G, FRAME_RESERVED);
		g->gpa = gpa;
		if (frame_ok(g->pa))
			d->vm.populated += SZ_1G / PAGE_SIZE;
		else
			r = -CAISSON_EAGAIN;
	}
	if (r >= 0)
		g->busy = true;
	unlock(&d->vm.lock);
	if (r < 0)
		return r;
	for (u64 i = 0; i < SZ_2M; i += PAGE_SIZE) {
		memset(arch_domain_map(HPA(g->pa.v + g->bytes + i)), 0, PAGE_SIZE);
		arch_domain_unmap();
		if (i % 65536 == 0)
			arch_irq_window();
	}
	lock(&d->vm.lock);
	g->bytes += SZ_2M;
	r = PAGES_2M;
	if (g->bytes == SZ_1G) {
		r = READ_ONCE(d->ended) ? -CAISSON_EBUSY
					: arch_s2_map(d, GPA(g->gpa), g->pa, SZ_1G,
						      CAISSON_PROT_READ | CAISSON_PROT_WRITE);
		g->bytes = 0;
		if (r)
			giant_free(d);
		else
			r = PAGES_2M;
	}
	g->busy = false;
	unlock(&d->vm.lock);
	return r;
}

s64 memory_populate(struct domain *d, u64 gpa, u64 pages, u32 flags)
{
	u64 done = 0, top = 1ull << MIN(arch_phys_bits(), 46u);
	int r;

	if ((gpa & ~PAGE_MASK) || pages == 0 || pages > top / PAGE_SIZE || gpa > top - pages * PAGE_SIZE)
		return -CAISSON_EINVAL;
	if ((flags & ~(CAISSON_POP_LAZY | CAISSON_POP_ROM)) ||
	    (gpa < APIC_HOLE_END && gpa + pages * PAGE_SIZE > APIC_HOLE_START))
		return -CAISSON_EINVAL;
	lock(&d->vm.lock);
	/* Under the lock, here and where a page is mapped:
	 * destroy and reset take back what there is after the end. */
	r = READ_ONCE(d->ended) ? -CAISSON_EBUSY : region_add(d, gpa, pages, flags);
	unlock(&d->vm.lock);
	if (r)
		return r;
	if (flags & CAISSON_POP_LAZY)
		return (s64)pages;
	while (done < pages && done < MEMORY_PIECE) {
		u64 at = gpa + done * PAGE_SIZE;
		s64 n = memory_fill_giant(d, at);

		if (n == -CAISSON_EAGAIN)
			n = memory_fill(d, at, pages - done);
		if (n < 0)
			return done ? (s64)done : n;
		done += MIN(n ? (u64)n : 1, pages - done); /* a 1 GiB page is made by 2 MiB */
		arch_irq_window();
	}
	return (s64)done;
}

/*
 * Where a PC has its option ROMs and this one has nothing (0xA0000 to 0xDFFFF), kernels look at every few
 * bytes. One frame of ones that belongs to nobody, mapped read-only there at the first look, answers the
 * rest; no other place gets it, so that the tables it costs are bounded. It is RAM for no other purpose:
 * region_at() does not know it.
 */
#define HOLE_START 0xa0000ull
#define HOLE_END   0xe0000ull
static hpa_t ones;

void memory_init(void)
{
	void *page = frame_hv_alloc(FRAME_OWNER_HV, 0);

	if (!page)
		panic("no memory for a page");
	memset(page, 0xff, PAGE_SIZE);
	ones = arch_direct_pa(page);
}

bool memory_hole(struct domain *d, u64 gpa)
{
	int r;

	if (gpa < HOLE_START || gpa >= HOLE_END ||
	    bus_overlaps(&d->bus, CAISSON_IO_MMIO, gpa & PAGE_MASK, PAGE_SIZE))
		return false;
	lock(&d->vm.lock);
	r = region_at(d, gpa) ? -CAISSON_EEXIST
			      : arch_s2_map(d, GPA(gpa & PAGE_MASK), ones, PAGE_SIZE, ARCH_PROT_RO_DATA);
	unlock(&d->vm.lock);
	return r == 0;
}

bool memory_is_rom(const struct domain *d, u64 gpa)
{
	const struct region *r = region_at(d, gpa);

	return r && (r->flags & CAISSON_POP_ROM);
}

/* A first touch where a zero frame is at hand: the page, or the 2 MiB around it, without another walk.
 * vm.lock, after the look-up. */
static bool memory_touch(struct domain *d, const struct region *r, u64 gpa, bool large)
{
	u64 size = large ? SZ_2M : PAGE_SIZE;
	u32 order = large ? FRAME_ORDER_2M : 0;
	hpa_t pa = READ_ONCE(d->ended) || room(d) < 1ull << order ? FRAME_NONE
								  : frame_alloc_zeroed(d->id, order);

	if (!frame_ok(pa))
		return false;
	if (arch_s2_fill(d, GPA(gpa & ~(size - 1)), pa, size, region_prot(r))) {
		frame_free(pa, order, FRAME_RESERVED);
		return false;
	}
	d->vm.populated += size / PAGE_SIZE;
	return true;
}

enum memory_fault memory_fault(struct domain *d, u64 gpa, bool write)
{
	u64 size, block = gpa & ~(SZ_2M - 1);
	const struct region *r;
	bool mapped, large, filled = false;
	u32 prot;
	hpa_t pa;
	s64 n;

	lock(&d->vm.lock);
	r = region_at(d, gpa);
	mapped = arch_s2_lookup(d, GPA(gpa), &pa, &size, &prot);
	large = r && size >= SZ_2M && r->base <= block && block + SZ_2M <= r->base + r->pages * PAGE_SIZE;
	if (r && !mapped)
		filled = memory_touch(d, r, gpa, large);
	unlock(&d->vm.lock);
	if (mapped)
		return write && !(prot & CAISSON_PROT_WRITE)
			       ? (r || (pa.v & PAGE_MASK) != ones.v ? MEM_ROM : MEM_NOTHING)
			       : MEM_MAPPED;
	if (!r)
		return MEM_NOTHING;
	if (unlikely(!filled)) {
		n = large ? memory_fill(d, block, PAGES_2M) : 0;
		/* Only a whole large page is sure to hold gpa. */
		if (n != (s64)PAGES_2M)
			n = memory_fill(d, gpa & PAGE_MASK, 1);
		if (n < 0)
			return MEM_NOMEM;
	}
	return write && (r->flags & CAISSON_POP_ROM) ? MEM_ROM : MEM_MAPPED;
}

/* Frames without a record, those of modules, stay anyway. Those of the hypervisor, pages of requests and the
 * hole's, are not pinned: they go when their domain does, whoever sees them still. */
hpa_t memory_pin(struct domain *d, u64 gpa, bool write, bool rom)
{
	u64 size;
	u32 prot;
	hpa_t pa;

	for (u32 try = 0; try <= TRIES; try++) {
		bool there, ok;

		if (try > 1)
			arch_irq_window(); /* the other lets them in too, and may take longer for it */
		lock(&d->vm.lock);
		there = arch_s2_lookup(d, GPA(gpa & PAGE_MASK), &pa, &size, &prot);
		ok = there && frame_owner(pa) != FRAME_OWNER_HV;
		/* its own ROM, and not what it sees read-only of another where a region came over it */
		if (ok && write && !(prot & CAISSON_PROT_WRITE))
			ok = rom && memory_is_rom(d, gpa) && frame_owner(pa) == d->id;
		if (ok && frame_owner(pa) != FRAME_NO_OWNER)
			frame_ref(pa);
		unlock(&d->vm.lock);
		if (there)
			return ok ? pa : FRAME_NONE;
		if (READ_ONCE(d->ended) || memory_fault(d, gpa, false) != MEM_MAPPED)
			break;
	}
	return FRAME_NONE;
}

void memory_unpin(hpa_t pa)
{
	if (frame_owner(pa) != FRAME_NO_OWNER)
		frame_unref(pa);
}

/* One piece inside a page, under the lock; false: nothing is mapped there, or it may not be written. */
static inline bool piece(struct domain *d, u64 gpa, void *buf, u64 n, bool write)
{
	u64 size;
	u32 prot;
	hpa_t pa;
	bool ok;

	lock(&d->vm.lock);
	ok = arch_s2_lookup(d, GPA(gpa), &pa, &size, &prot) && (!write || (prot & CAISSON_PROT_WRITE));
	if (ok) {
		char *p = arch_domain_map(pa);

		if (write)
			memcpy(p, buf, n);
		else if (n == sizeof(u64)) /* an entry of a page table */
			__builtin_memcpy(buf, p, sizeof(u64));
		else
			memcpy(buf, p, n);
		arch_domain_unmap();
	}
	unlock(&d->vm.lock);
	return ok;
}

static bool memory_access(struct domain *d, u64 gpa, char *buf, u64 bytes, bool write)
{
	for (u64 n; bytes; bytes -= n, gpa += n, buf += n) {
		n = MIN(bytes, PAGE_SIZE - (gpa & ~PAGE_MASK));
		if (likely(piece(d, gpa, buf, n, write)))
			continue;
		for (u32 try = 0; try == 0 || !piece(d, gpa, buf, n, write); try++) {
			if (try)
				arch_irq_window();
			if (try == TRIES || READ_ONCE(d->ended) || memory_fault(d, gpa, write) != MEM_MAPPED)
				return false;
		}
	}
	return true;
}

bool memory_read(struct domain *d, u64 gpa, void *to, u64 bytes)
{
	/* the common one, short: inside a page that is there */
	if (likely((gpa & ~PAGE_MASK) + bytes <= PAGE_SIZE) && likely(piece(d, gpa, to, bytes, false)))
		return true;
	return memory_access(d, gpa, to, bytes, false);
}

bool memory_write(struct domain *d, u64 gpa, const void *from, u64 bytes)
{
	return memory_access(d, gpa, (char *)(uintptr_t)from, bytes, true);
}

static void frame_copy(hpa_t dst, u64 dst_off, hpa_t src, u64 src_off, u64 n)
{
	char *to = frame_map(dst, frame_owner(dst)), *from = arch_domain_map(src); /* one window for both */

	if (dst.v == src.v)
		memmove(to + dst_off, from + src_off, n);
	else
		memcpy(to + dst_off, from + src_off, n);
	frame_unmap();
}

s64 memory_copy(struct domain *to, u64 to_gpa, struct domain *from, u64 from_gpa, u64 bytes)
{
	u64 done = 0, n;

	for (bytes = MIN(bytes, MEMORY_COPY); done < bytes; done += n) {
		u64 t = to_gpa + done, f = from_gpa + done;
		hpa_t src = memory_pin(from, f, false, false), dst;

		if (!frame_ok(src))
			break;
		dst = memory_pin(to, t, true, true);
		if (!frame_ok(dst)) {
			memory_unpin(src);
			break;
		}
		n = MIN(bytes - done, MIN(PAGE_SIZE - (t & ~PAGE_MASK), PAGE_SIZE - (f & ~PAGE_MASK)));
		frame_copy(dst, t & ~PAGE_MASK, src, f & ~PAGE_MASK, n);
		memory_unpin(dst);
		memory_unpin(src);
		arch_irq_window();
	}
	return done || !bytes ? (s64)done : -CAISSON_EFAULT;
}

/* Time at once: a block of 64 KiB costs 700 instructions, a 4 KiB one that unites with its buddies 1,100. */
#define DEPOPULATE_TICKS 8000u

/* Unmaps and frees what is mapped at base in one go:
 * a block as memory_fill() gave it, an entry where not all of it is there. Bytes. */
static u64 depopulate_block(struct domain *d, u64 base, u64 limit, hpa_t pa, u64 size)
{
	u64 block = PAGE_SIZE << frame_block(pa), bytes = arch_s2_unmap(d, GPA(base), MIN(block, limit));

	if (pa.v == ones.v) /* the hole's page, where a region came over it */
		return bytes;
	if (bytes == block)
		size = block;
	/* Back to the reservation: domain_free() or the next populate has it. */
	for (u64 at = 0; at < bytes; at += size)
		frame_free(HPA(pa.v + at), (u32)__builtin_ctzll(size / PAGE_SIZE), FRAME_RESERVED);
	d->vm.populated -= bytes / PAGE_SIZE;
	return bytes;
}

int memory_depopulate(struct domain *d)
{
	u64 begin = arch_now();
	int r = 0;

	lock(&d->vm.lock);
	if (d->vm.giant.bytes && !d->vm.giant.busy) {
		giant_free(d);
	} else if (d->vm.giant.busy) {
		r = -CAISSON_EAGAIN;
	}
	while (d->vm.regions && !r) {
		struct region *g = &d->vm.region[d->vm.regions - 1];
		u64 left = g->pages * PAGE_SIZE, size, bytes = 0;
		u32 prot;
		hpa_t pa;

		if (!left)
			d->vm.regions--;
		else if (arch_now() - begin > DEPOPULATE_TICKS)
			r = -CAISSON_EAGAIN;
		else if (!arch_s2_lookup(d, GPA(g->base), &pa, &size, &prot))
			bytes = MIN(size - (g->base & (size - 1)), left);
		else if (frame_refs(pa)) /* somebody copies from it, or has mapped it since */
			r = -CAISSON_EAGAIN;
		else
			bytes = depopulate_block(d, g->base, left, pa, size);
		g->base += bytes;
		g->pages -= bytes / PAGE_SIZE;
	}
	if (!r && arch_now() - begin > DEPOPULATE_TICKS / 4)
		r = -CAISSON_EAGAIN; /* the tables are a piece of their own */
	if (!r) {
		/* What is left of the hole's page goes with the tables: it is no domain's. */
		if (!arch_s2_clear(d))
			r = -CAISSON_EAGAIN;
		arch_s2_flush(d);
	}
	unlock(&d->vm.lock);
	return r;
}

#ifdef CAISSON_CHECKS
void memory_check(struct domain *d)
{
	static u64 turn;
	u64 size;
	u32 prot;
	hpa_t pa;

	lock(&d->vm.lock);
	ASSERT(d->vm.populated <= d->vm.charged, "domain %u: %lu of %lu pages", d->id, d->vm.populated,
	       d->vm.charged);
	for (u32 i = 0; i < d->vm.regions && !READ_ONCE(d->dying); i++) {
		const struct region *r = &d->vm.region[i];
		u64 gpa = r->pages ? r->base + (turn * 97 + i) % r->pages * PAGE_SIZE : 0;

		if (r->pages && arch_s2_lookup(d, GPA(gpa), &pa, &size, &prot))
			ASSERT(frame_owner(pa) == d->id, "domain %u has frame 0x%lx of %u's at 0x%lx", d->id,
			       pa.v, frame_owner(pa), gpa);
	}
	turn++;
	unlock(&d->vm.lock);
}
#endif
