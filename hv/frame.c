/* SPDX-License-Identifier: BSD-2-Clause */
#define HV_FRAME_C
#include "hv/frame.h"
#include "hv/abi/caisson.h"
#include "hv/arch.h"
#include "hv/debug.h"
#include "hv/lock.h"
#include "hv/panic.h"
#include "hv/string.h"

#define NIL (~0u)
/* of 2 MiB between the pools, about 250 instructions each, without letting interrupts in */
#define MOVES	    32u
#define PIECE_ORDER 4u /* 64 KiB: zeroed without looking up */
/* smaller blocks unite though one is zero and the other dirty; the least that is zeroed of a larger one */
#define MIXED_ORDER 2u
#define COALESCE    1024u

/*
 * A record's first word. It is written at once, so that frame_owner() may read it without the lock. Only the
 * first frame of a block has a kind; the others are BODY, and their block is the smallest aligned one around
 * them whose first frame has a kind.
 */
#define TAG_OWNER MASK(15, 0)
#define TAG_KIND  MASK(17, 16)
#define TAG_ZERO  BIT(18) /* free: known to be zero */
#define TAG_HV	  BIT(19) /* of a 2 MiB block that the hv pool took */
#define TAG_ORDER MASK(28, 24)
enum { BODY, FREE, USED };

struct record {
	u32 tag;
	u32 next, prev; /* first of a free block */
	u32 refs;	/* first of a used block: shares of its frames */
};
_Static_assert(sizeof(struct record) == 16, "one frame's record");

struct range {
	u64 first, frames; /* frame numbers */
	u32 index;	   /* record of the first frame */
};

struct pool {
	u32 head[2][FRAME_ORDERS]; /* [known zero][order] */
	u32 orders[2];		   /* bit: that list has something */
	u64 free, reserved;
};

static struct {
	struct lock lock;
	struct pool machine, hv;
	struct record *rec;
	struct range range[FRAME_RANGES];
	u32 ranges;
	u64 total, hv_used, zero;
	u64 away;     /* frames that frame_idle_zero() has in hand */
	bool zeroing; /* (a) a CPU is in frame_idle_zero() */
} f;

/* ---- records ---- */

static u32 order_of(u32 i)
{
	return GET(TAG_ORDER, f.rec[i].tag);
}

static u32 kind_of(u32 i)
{
	return GET(TAG_KIND, f.rec[i].tag);
}

static u32 tag(u16 owner, u32 kind, u32 flags, u32 order)
{
	return owner | PUT(TAG_KIND, kind) | flags | PUT(TAG_ORDER, order);
}

/* There are few ranges: nobody gains by a better search. */
static struct range *range_of(u64 fn)
{
	struct range *r;

	for (r = f.range; r < f.range + f.ranges; r++)
		if (fn - r->first < r->frames)
			return r;
	return NULL;
}

static u32 index_of(const struct range *r, u64 fn)
{
	return r->index + (u32)(fn - r->first);
}

static u64 number_of(u32 i)
{
	const struct range *r = f.range;

	while (i - r->index >= r->frames)
		r++;
	return r->first + (i - r->index);
}

/* The first record of the block that holds frame fn, or NIL. A block whose first frame is aligned to an order
 * and that is as large holds fn, in whatever sequence the orders are tried: the usual ones first. */
static u32 block_of(u64 fn)
{
	static const u8 orders[FRAME_ORDERS] = { 0,  9,	 1,  2,	 3,  4,	 5,  6,	 7, 8,
						 10, 11, 12, 13, 14, 15, 16, 17, 18 };
	struct range *r = range_of(fn);
	u32 k, i, t;

	for (k = 0; r && k < FRAME_ORDERS; k++) {
		u64 first = fn & ~(BIT(orders[k]) - 1);

		if (first < r->first)
			continue;
		i = index_of(r, first);
		t = READ_ONCE(f.rec[i].tag);
		if (GET(TAG_KIND, t) != BODY && GET(TAG_ORDER, t) >= orders[k])
			return i;
	}
	return NIL;
}

/* ---- free lists ---- */

static void push(struct pool *p, u32 i, u32 order, u32 flags)
{
	u32 z = !!(flags & TAG_ZERO), next = p->head[z][order];

	f.rec[i].tag = tag(FRAME_NO_OWNER, FREE, flags, order);
	f.rec[i].next = next;
	f.rec[i].prev = NIL;
	if (next != NIL)
		f.rec[next].prev = i;
	p->head[z][order] = i;
	p->orders[z] |= BIT(order);
	f.zero += z << order;
}

static void pull(struct pool *p, u32 i)
{
	u32 order = order_of(i), z = !!(f.rec[i].tag & TAG_ZERO), next = f.rec[i].next, prev = f.rec[i].prev;

	if (next != NIL)
		f.rec[next].prev = prev;
	if (prev != NIL)
		f.rec[prev].next = next;
	else if ((p->head[z][order] = next) == NIL)
		p->orders[z] &= ~BIT(order);
	f.zero -= z << order;
}

/* Blocks unite with a free buddy. A zero and a dirty one unite only where little zeroing is lost by it, or in
 * the hv pool, whose blocks shall become whole. */
static bool unites(u32 buddy, u32 order, u32 flags)
{
	u32 t = f.rec[buddy].tag;

	if (GET(TAG_KIND, t) != FREE || GET(TAG_ORDER, t) != order || (t ^ flags) & TAG_HV)
		return false;
	return !((t ^ flags) & TAG_ZERO) || order < MIXED_ORDER || flags & TAG_HV;
}

/* A whole free block leaves the hv pool unless that has promised it. */
static bool returns(void)
{
	return f.hv.free >= f.hv.reserved + BIT(FRAME_ORDER_2M);
}

/* Puts a block that is in no list back; the frames are counted as free already. */
static void release(u64 fn, u32 order, u32 flags)
{
	u32 most = flags & TAG_HV ? FRAME_ORDER_2M : FRAME_ORDERS - 1;
	struct pool *p = flags & TAG_HV ? &f.hv : &f.machine;
	struct range *r = range_of(fn);

	for (;;) {
		u64 buddy = fn ^ BIT(order);

		if (order == FRAME_ORDER_2M && flags & TAG_HV && returns()) {
			flags &= ~(u32)TAG_HV;
			arch_direct_set(HPA(fn << PAGE_SHIFT), SZ_2M, false);
			f.hv.free -= BIT(order);
			f.machine.free += BIT(order);
			p = &f.machine;
			most = FRAME_ORDERS - 1;
		}
		if (order == most || buddy < r->first || buddy + BIT(order) > r->first + r->frames ||
		    !unites(index_of(r, buddy), order, flags))
			break;
		pull(p, index_of(r, buddy));
		if (!(f.rec[index_of(r, buddy)].tag & TAG_ZERO))
			flags &= ~(u32)TAG_ZERO;
		f.rec[index_of(r, fn | BIT(order))].tag = 0;
		fn &= ~BIT(order);
		order++;
	}
	push(p, index_of(r, fn), order, flags);
}

/* The first block of a list, cut down to `order`; *flags gets what is known of it. The rest of it goes back.
 */
static u32 cut(struct pool *p, u32 zero, u32 o, u32 order, u32 *flags)
{
	u32 i = p->head[zero][o];

	*flags = f.rec[i].tag & (TAG_ZERO | TAG_HV);
	pull(p, i);
	while (o > order) {
		o--;
		push(p, i + BIT(o), o, *flags);
	}
	return i;
}

/* A block out of the lists, the smallest that will do, or NIL. */
static u32 take(struct pool *p, u32 order, bool zero, u32 *flags)
{
	u32 have[2] = { p->orders[0] >> order, p->orders[1] >> order };
	u32 z;

	if (!(have[0] | have[1]))
		return NIL;
	if (!have[0] || !have[1])
		z = !have[0];
	else if (zero) /* unless a block beyond 2 MiB would be broken, and a small dirty one is there */
		z = order + __builtin_ctz(have[1]) <= FRAME_ORDER_2M ||
		    order + __builtin_ctz(have[0]) >= FRAME_ORDER_2M;
	else
		z = __builtin_ctz(have[1]) < __builtin_ctz(have[0]);
	return cut(p, z, order + __builtin_ctz(have[z]), order, flags);
}

/* Unites zero blocks with dirty buddies after all, because a larger block is wanted. */
static void coalesce(struct pool *p, u32 order)
{
	u32 o, i, next, visits = 0;

	for (o = MIXED_ORDER; o < order; o++) {
		for (i = p->head[1][o]; i != NIL && visits < COALESCE; i = next, visits++) {
			u64 fn = number_of(i), buddy = fn ^ BIT(o);
			struct range *r = range_of(fn);

			next = f.rec[i].next;
			if (buddy < r->first || buddy + BIT(o) > r->first + r->frames ||
			    (f.rec[index_of(r, buddy)].tag & (TAG_KIND | TAG_ZERO | TAG_ORDER)) !=
				    (PUT(TAG_KIND, FREE) | PUT(TAG_ORDER, o)))
				continue;
			/* The union is dirty and meets only dirty ones: `next` stays where it is. */
			pull(p, i);
			release(fn, o, 0);
		}
	}
}

/* A free block of the machine pool, or NIL. */
static u32 take_machine(u32 order, bool zero, u32 *flags)
{
	u32 i = take(&f.machine, order, zero, flags);

	if (likely(i != NIL))
		return i;
	coalesce(&f.machine, order);
	return take(&f.machine, order, zero, flags);
}

/* The hv pool takes another 2 MiB. */
static bool refill(void)
{
	u32 flags, i;

	if (f.machine.free - f.machine.reserved < BIT(FRAME_ORDER_2M))
		return false;
	i = take_machine(FRAME_ORDER_2M, true, &flags);
	if (i == NIL)
		return false;
	f.machine.free -= BIT(FRAME_ORDER_2M);
	f.hv.free += BIT(FRAME_ORDER_2M);
	arch_direct_set(HPA(number_of(i) << PAGE_SHIFT), SZ_2M, true);
	push(&f.hv, i, FRAME_ORDER_2M, flags | TAG_HV);
	return true;
}

/* Whole blocks that are promised to nobody leave the hv pool, some at a time:
 * the rest when they are missed. False: there was none. */
static bool trim(void)
{
	u32 z, i, n = 0;

	for (z = 0; z < 2; z++)
		while (n < MOVES && returns() && (i = f.hv.head[z][FRAME_ORDER_2M]) != NIL) {
			pull(&f.hv, i);
			release(number_of(i), FRAME_ORDER_2M, f.rec[i].tag & (TAG_ZERO | TAG_HV));
			n++;
		}
	return n;
}

/* ---- zeroing ---- */

static void zero_block(u64 fn, u32 order, u32 flags)
{
	for (u64 end = fn + BIT(order); fn < end;) {
		hpa_t pa = HPA(fn++ << PAGE_SHIFT);

		if (flags & TAG_HV) {
			memset(arch_direct_map(pa), 0, PAGE_SIZE);
		} else {
			memset(arch_domain_map(pa), 0, PAGE_SIZE);
			arch_domain_unmap();
		}
		if (order > PIECE_ORDER && !(fn & (BIT(PIECE_ORDER) - 1)))
			arch_irq_window();
	}
}

bool frame_idle_zero(u64 max_bytes)
{
	u32 piece = MIXED_ORDER, o, i, known;
	u64 fn;

	while (piece < PIECE_ORDER && PAGE_SIZE << (piece + 1) <= max_bytes)
		piece++;

	/* One CPU at a time: idle ones that queue for the lock would only keep those that work waiting. */
	if (__atomic_exchange_n(&f.zeroing, true, __ATOMIC_ACQUIRE))
		return false;
	lock(&f.lock);
	if (!f.machine.orders[0] ||
	    f.machine.free < f.machine.reserved + BIT(piece)) { /* promised: in reach */
		unlock(&f.lock);
		__atomic_store_n(&f.zeroing, false, __ATOMIC_RELEASE);
		return false;
	}
	/* The smallest dirty block, whole or a piece of it. */
	o = __builtin_ctz(f.machine.orders[0]);
	i = cut(&f.machine, 0, o, MIN(o, piece), &known);
	o = MIN(o, piece);
	f.rec[i].tag = tag(FRAME_OWNER_HV, USED, 0, o);
	f.machine.free -= BIT(o);
	f.away = BIT(o);
	fn = number_of(i);
	unlock(&f.lock);

	zero_block(fn, o, 0);

	lock(&f.lock);
	f.away = 0;
	f.machine.free += BIT(o);
	f.rec[i].tag = 0;
	release(fn, o, TAG_ZERO);
	unlock(&f.lock);
	__atomic_store_n(&f.zeroing, false, __ATOMIC_RELEASE);
	return true;
}

/* ---- allocation ---- */

static u32 take_hv(u32 order, bool reserved, bool zero, u32 *flags)
{
	u32 i = NIL;

	if (reserved || f.hv.free - f.hv.reserved >= BIT(order))
		i = take(&f.hv, order, zero, flags);
	if (i == NIL && refill())
		i = take(&f.hv, order, zero, flags);
	return i;
}

/* What take() gave is the owner's. */
static inline hpa_t grant(struct pool *p, u32 i, u16 owner, u32 order, u32 hv, bool reserved)
{
	p->free -= BIT(order);
	if (reserved)
		p->reserved -= BIT(order);
	f.rec[i].tag = tag(owner, USED, hv, order);
	f.rec[i].refs = 0;
	return HPA(number_of(i) << PAGE_SHIFT);
}

hpa_t frame_alloc_zeroed(u16 owner, u32 order)
{
	struct pool *p = &f.machine;
	hpa_t pa = FRAME_NONE;
	u32 have, known;

	if (debug_refuse())
		return pa;
	lock(&f.lock);
	ASSERT(p->reserved >= BIT(order), "%lu frames reserved, order %u", p->reserved, order);
	have = p->orders[1] >> order << order;
	if (likely(have) && ((u32)__builtin_ctz(have) <= FRAME_ORDER_2M ||
			     !(p->orders[0] >> order << order & MASK(FRAME_ORDER_2M - 1, 0))))
		pa = grant(p, cut(p, 1, (u32)__builtin_ctz(have), order, &known), owner, order, 0, true);
	unlock(&f.lock);
	if (frame_ok(pa))
		debug_zero(pa, order, false);
	return pa;
}

hpa_t frame_alloc(u16 owner, u32 order, u32 flags)
{
	bool hv = flags & FRAME_HV, reserved = flags & FRAME_RESERVED, zero = flags & FRAME_ZERO;
	struct pool *p = hv && order < FRAME_ORDER_2M ? &f.hv : &f.machine;
	u64 n = BIT(order);
	u32 i = NIL, known = 0;
	hpa_t pa;

	ASSERT(order < FRAME_ORDERS, "order %u", order);
	if (!(reserved && !order) && debug_refuse())
		return FRAME_NONE;
	lock(&f.lock);
	ASSERT(!reserved || p->reserved >= n, "%lu frames reserved, %lu wanted", p->reserved, n);
	if (p == &f.hv)
		i = take_hv(order, reserved, zero, &known);
	else if (p->free - (reserved ? 0 : p->reserved) >= n)
		i = take_machine(order, zero, &known);
	if (unlikely(i == NIL)) {
		unlock(&f.lock);
		return FRAME_NONE;
	}
	if (hv) {
		f.hv_used += n;
		known |= TAG_HV;
		if (p == &f.machine)
			arch_direct_set(HPA(number_of(i) << PAGE_SHIFT), PAGE_SIZE << order, true);
	}
	pa = grant(p, i, owner, order, known & TAG_HV, reserved);
	unlock(&f.lock);

	if (zero && !(known & TAG_ZERO))
		zero_block(pa.v >> PAGE_SHIFT, order, known);
	if (zero)
		debug_zero(pa, order, hv);
	return pa;
}

/* The first record of the allocated block that holds pa. */
static u32 used_block(hpa_t pa)
{
	u32 i = block_of(pa.v >> PAGE_SHIFT);

	ASSERT(i != NIL && kind_of(i) == USED, "frame 0x%lx is not allocated", pa.v);
	return i;
}

/* The block of `order` at pa, cut out of the allocated one that holds it. */
static u32 carve(hpa_t pa, u32 order)
{
	u64 fn = pa.v >> PAGE_SHIFT;
	u32 i = used_block(pa), o = order_of(i), t;

	ASSERT(!f.rec[i].refs, "frame 0x%lx has %u shares", pa.v, f.rec[i].refs);
	ASSERT(o >= order && !(pa.v & ((PAGE_SIZE << order) - 1)), "0x%lx order %u in a block of order %u",
	       pa.v, order, o);
	while (o > order) {
		u32 upper = i + BIT(--o);

		t = (f.rec[i].tag & ~(u32)TAG_ORDER) | PUT(TAG_ORDER, o);
		f.rec[upper].refs = 0;
		WRITE_ONCE(f.rec[upper].tag, t);
		WRITE_ONCE(f.rec[i].tag, t);
		if (fn & BIT(o))
			i = upper;
	}
	return i;
}

void frame_free(hpa_t pa, u32 order, u32 back)
{
	u64 n = BIT(order);
	struct pool *p;
	u32 i, flags;

	lock(&f.lock);
	i = carve(pa, order);
	flags = f.rec[i].tag & TAG_HV;
	f.rec[i].tag = 0;
	p = flags && order < FRAME_ORDER_2M ? &f.hv : &f.machine;
	if (flags)
		f.hv_used -= n;
	if (flags && p == &f.machine)
		arch_direct_set(pa, PAGE_SIZE << order, false);
	p->free += n;
	if (back & FRAME_RESERVED)
		p->reserved += n;
	release(pa.v >> PAGE_SHIFT, order, p == &f.hv ? flags : 0);
	unlock(&f.lock);
}

void *frame_hv_alloc(u16 owner, u32 order)
{
	hpa_t pa = frame_alloc(owner, order, FRAME_HV | FRAME_ZERO);

	return frame_ok(pa) ? arch_direct_map(pa) : NULL;
}

void frame_hv_free(void *p, u32 order)
{
	frame_free(arch_direct_pa(p), order, 0);
}

int frame_reserve(u64 n, u32 flags)
{
	struct pool *p = flags & FRAME_HV ? &f.hv : &f.machine;
	int err = debug_refuse() ? -CAISSON_ENOMEM : 0;
	u32 moves = 0;

	lock(&f.lock);
	while (!err && p->free - p->reserved < n) {
		if (p == &f.machine
			    ? !trim()
			    : f.machine.free - f.machine.reserved < n - (p->free - p->reserved) || !refill())
			err = -CAISSON_ENOMEM;
		else if (p == &f.machine || ++moves % MOVES == 0) {
			unlock(&f.lock);
			arch_irq_window();
			lock(&f.lock);
		}
	}
	if (!err)
		p->reserved += n;
	else
		trim();
	unlock(&f.lock);
	return err;
}

void frame_unreserve(u64 n, u32 flags)
{
	struct pool *p = flags & FRAME_HV ? &f.hv : &f.machine;

	lock(&f.lock);
	ASSERT(p->reserved >= n, "%lu frames reserved, %lu given back", p->reserved, n);
	p->reserved -= n;
	trim();
	unlock(&f.lock);
}

/* ---- owners and shares ---- */

u16 frame_owner(hpa_t pa)
{
	u32 i = block_of(pa.v >> PAGE_SHIFT);

	return i == NIL ? FRAME_NO_OWNER : GET(TAG_OWNER, READ_ONCE(f.rec[i].tag));
}

static void refs_add(hpa_t pa, u32 by)
{
	u32 i;

	lock(&f.lock);
	i = used_block(pa);
	f.rec[i].refs += by;
	ASSERT(f.rec[i].refs != ~0u, "frame 0x%lx has no share", pa.v);
	unlock(&f.lock);
}

void frame_ref(hpa_t pa)
{
	refs_add(pa, 1);
}

void frame_unref(hpa_t pa)
{
	refs_add(pa, ~0u);
}

u32 frame_block(hpa_t pa)
{
	u32 i = used_block(pa);

	return number_of(i) == pa.v >> PAGE_SHIFT ? order_of(i) : 0;
}

u32 frame_refs(hpa_t pa)
{
	return READ_ONCE(f.rec[used_block(pa)].refs);
}

void *frame_map(hpa_t pa, u16 owner)
{
#ifdef CAISSON_DEBUG
	ASSERT(frame_owner(pa) == owner, "frame 0x%lx is %u's, not %u's", pa.v, frame_owner(pa), owner);
#endif
	(void)owner;
	return arch_domain_map(pa);
}

void frame_unmap(void)
{
	arch_domain_unmap();
}

void frame_count(struct frame_counts *out)
{
	lock(&f.lock);
	*out = (struct frame_counts){
		.total = f.total,
		.free = f.machine.free + f.hv.free + f.away,
		.reserved = f.machine.reserved + f.hv.reserved,
		.hv = f.hv_used,
		.zero = f.zero,
	};
	unlock(&f.lock);
}

/* ---- at boot ---- */

/* Sorted by address; what touches the one before joins it. */
static int add_range(u64 base, u64 end)
{
	u64 first = ALIGN_UP(base, PAGE_SIZE) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;
	struct range *r = &f.range[f.ranges];

	if (last <= first || last > BIT(40) || f.total + last - first >= NIL)
		return 0;
	if (f.ranges == FRAME_RANGES)
		return -CAISSON_ENOSPC;
	for (; r > f.range && r[-1].first > first; r--)
		r[0] = r[-1];
	*r = (struct range){ .first = first, .frames = last - first };
	f.total += r->frames;
	f.ranges++;
	if (r + 1 < f.range + f.ranges && last > r[1].first)
		return -CAISSON_EINVAL;
	if (r == f.range || r[-1].first + r[-1].frames < first)
		return 0;
	if (r[-1].first + r[-1].frames > first)
		return -CAISSON_EINVAL;
	r[-1].frames += r->frames;
	memmove(r, r + 1, (size_t)(f.range + --f.ranges - r) * sizeof(*r));
	return 0;
}

/* Frames [fn, end) of a range in the largest aligned blocks: free (kind FREE) or for good the hypervisor's.
 */
static void add_blocks(u64 fn, u64 end, u32 kind, u32 flags)
{
	u32 order, most = flags & TAG_HV && kind == FREE ? FRAME_ORDER_2M - 1 : FRAME_ORDERS - 1;

	for (; fn < end; fn += BIT(order)) {
		order = fn ? MIN((u32)__builtin_ctzll(fn), most) : most;
		while (BIT(order) > end - fn)
			order--;
		if (kind == FREE)
			release(fn, order, flags);
		else
			f.rec[index_of(range_of(fn), fn)].tag = tag(FRAME_OWNER_HV, USED, flags, order);
	}
}

int frame_init(const struct frame_range *ranges, u32 n)
{
	u64 at, end, table, stop;
	struct range *big;
	u32 i, o;
	int err;

	memset(&f, 0, sizeof(f));
	for (i = 0; i < n; i++) {
		err = add_range(ranges[i].base, ranges[i].end);
		if (err)
			return err;
	}
	if (!f.ranges)
		return -CAISSON_EINVAL;
	for (o = 0; o < FRAME_ORDERS; o++)
		f.machine.head[0][o] = f.machine.head[1][o] = f.hv.head[0][o] = f.hv.head[1][o] = NIL;
	for (big = f.range, i = 0, o = 0; i < f.ranges; i++) {
		f.range[i].index = o;
		o += f.range[i].frames;
		if (f.range[i].frames > big->frames)
			big = &f.range[i];
	}

	/* The table at the end of the largest range, in 2 MiB blocks of its own if there are such; what it
	 * leaves of them goes to the hv pool, because those blocks are in the direct map anyway. */
	table = ALIGN_UP(f.total * sizeof(struct record), PAGE_SIZE) >> PAGE_SHIFT;
	end = big->first + big->frames;
	if (table > big->frames)
		return -CAISSON_ENOSPC;
	stop = ALIGN_DOWN(end, BIT(FRAME_ORDER_2M));
	at = ALIGN_DOWN(stop - MIN(stop, table), BIT(FRAME_ORDER_2M));
	if (at < big->first || stop < table) {
		stop = end;
		at = end - table;
	}
	f.rec = arch_direct_map(HPA(at << PAGE_SHIFT));
	arch_direct_set(HPA(at << PAGE_SHIFT), (stop - at) << PAGE_SHIFT, true);
	memset(f.rec, 0, f.total * sizeof(struct record));

	add_blocks(at, at + table, USED, TAG_HV);
	f.hv_used = table;
	f.hv.free = stop - at - table;
	add_blocks(at + table, stop, FREE, TAG_HV);
	f.machine.free = f.total - (stop - at);
	for (i = 0; i < f.ranges; i++) {
		struct range *r = &f.range[i];

		add_blocks(r->first, r == big ? at : r->first + r->frames, FREE, 0);
		if (r == big)
			add_blocks(stop, end, FREE, 0);
	}
	return 0;
}
