/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames, by induction: from any state in which valid() holds (blocks of any orders, owners, references and
 * pools, free lists in any sequence, the direct map with the hypervisor's frames and no others), any one call
 * with any arguments leaves a state in which it holds, changes owner and references of those frames only that
 * it is about, and panics for misuse only. What is handed out was free, is aligned, and is zero where that
 * was asked for; what was promised is there, and nobody else takes it; what is refused changes nothing. What
 * is counted is what the records say. While a block is zeroed, without the lock, all but that block may have
 * changed. 4 frames of one range, orders of 1, 2 ("2 MiB") and 4; frame_init() is not proved.
 * with: hv/frame.h: #define FRAME_ORDERS   19u => #define FRAME_ORDERS 3u
 * with: hv/frame.h: #define FRAME_ORDER_2M 9u => #define FRAME_ORDER_2M 1u
 * with: hv/frame.h: #define FRAME_RANGES   256u => #define FRAME_RANGES 1u
 * with: hv/frame.c: static const u8 orders[FRAME_ORDERS] = { 0,  9,	 1,  2,	 3,  4,	 5,  6,	 7, 8, => static const u8 orders[] = { 0, 2, 1 };
 * with: hv/frame.c: 						 10, 11, 12, 13, 14, 15, 16, 17, 18 }; =>
 * with: hv/frame.c: for (r = f.range; r < f.range + f.ranges; r++) => r = f.range;
 * with: hv/frame.c: struct record *rec; => struct record rec[4];
 * with: hv/frame.c: f.rec = arch_direct_map( => (void)arch_direct_map(
 * with: hv/frame.c: #define MIXED_ORDER 2u => #define MIXED_ORDER 1u
 * with: hv/frame.c: #define PIECE_ORDER 4u => #define PIECE_ORDER 1u
 * with: hv/types.h: #define SZ_2M	   (1ul << 21) => #define SZ_2M (2 * PAGE_SIZE)
 * with: hv/frame.c: static void coalesce(struct pool *p, u32 order) => static void coalesce(struct pool *, u32); static void real_coalesce(struct pool *p, u32 order)
 * with: hv/frame.c: static bool refill(void) => static bool refill(void); static bool real_refill(void)
 * with: hv/frame.c: static bool trim(void) => static bool trim(void); static bool real_trim(void)
 * cases: coalesce refill trim alloc alloc_zeroed alloc_hv alloc_hv_large free refs owner reserve unreserve zero
 * fault free.REFS_IGNORED: hv/frame.c: ASSERT(!f.rec[i].refs, => ASSERT(true,
 * fault free.REFS_OF_A_PART: hv/frame.c: f.rec[upper].refs = 0; => ;
 * fault refs.BELOW_ZERO: hv/frame.c: ASSERT(f.rec[i].refs != ~0u, => ASSERT(f.rec[i].refs != ~1u,
 * fault owner.BODY: hv/frame.c: if (GET(TAG_KIND, t) != BODY && GET(TAG_ORDER, t) >= orders[k]) => if (GET(TAG_KIND, t) != BODY)
 * fault alloc.OWNER_KEPT: hv/frame.c: f.rec[i].tag = tag(owner, USED, hv, order); => f.rec[i].tag = tag(GET(TAG_OWNER, f.rec[i].tag), USED, hv, order);
 * fault free.BUDDY_USED: hv/frame.c: if (GET(TAG_KIND, t) != FREE || => if (
 * fault zero.DIRTY_UNITED: hv/frame.c: if (!(f.rec[index_of(r, buddy)].tag & TAG_ZERO)) => if (false)
 * fault alloc.CUT_LOST: hv/frame.c: push(p, i + BIT(o), o, *flags); => push(p, i, o, *flags);
 * fault alloc.PROMISE_EATEN: hv/frame.c: (reserved ? 0 : p->reserved) >= n) => (p->reserved & 0) >= n)
 * fault zero.HAND_IN_LIST: hv/frame.c: f.rec[i].tag = tag(FRAME_OWNER_HV, USED, 0, o); => ;
 * fault alloc_zeroed.DIRTY: hv/frame.c: pa = grant(p, cut(p, 1, => pa = grant(p, cut(p, !have,
 * fault alloc.NOT_ZEROED: hv/frame.c: if (zero && !(known & TAG_ZERO)) => if (zero && known)
 * fault alloc_hv_large.UNREACHED: hv/frame.c: if (p == &f.machine) => if (p != &f.machine)
 * fault trim.STILL_REACHED: hv/frame.c: arch_direct_set(HPA(fn << PAGE_SHIFT), SZ_2M, false); => ;
 * fault reserve.TWICE: hv/frame.c: while (!err && p->free - p->reserved < n) => while (!err && p->free < n)
 * cbmc: --unwind 5 --slice-formula
 * cbmc: --unwindset number_of.0:1,release.0:3,real_trim.0:3,lock.0:1,cut.0:3,carve.2:3,real_coalesce.1:2,real_coalesce.0:3,frame_reserve.0:4
 */
#include "hv/string.h"
void *proof_set(void *p, int c, size_t n);
#define memset proof_set
#include "hv/frame.c"

u64 nondet_u64(void);
u32 nondet_u32(void);
u16 nondet_u16(void);
u8 nondet_u8(void);
bool nondet_bool(void);
struct record nondet_record(void);
struct pool nondet_pool(void);

#define N     4u
#define FIRST 0x100ull
#define VALID(x)  \
	if (!(x)) \
	return false

#define rec f.rec
static bool dirty[N], near[N],
	misuse;	    /* what is in the frame; in the direct map; the call under way may panic */
static u32 head[N]; /* the first record of the block that holds each frame */
static u32 pages;   /* zeroed */

void panic(const char *fmt, ...)
{
	(void)fmt;
	__CPROVER_assert(misuse, "no assertion of the code fails");
	__CPROVER_assume(false);
}

/* The list that holds free block i: what is before and behind it knows it, and before all of them is the
 * head. */
static bool linked(const struct pool *p, u32 i)
{
	u32 t = rec[i].tag, next = rec[i].next, prev = rec[i].prev;

	VALID(next == NIL || (next < N && rec[next].tag == t && rec[next].prev == i));
	VALID(prev == NIL ? p->head[!!(t & TAG_ZERO)][GET(TAG_ORDER, t)] == i
			  : prev < N && rec[prev].tag == t && rec[prev].next == i);
	for (u32 k = 1; k < N && prev != NIL; k++)
		prev = rec[prev % N].prev;
	return prev == NIL;
}

static bool heads_valid(const struct pool *p, u32 flags)
{
	for (u32 z = 0; z < 2; z++) {
		VALID(!(p->orders[z] >> FRAME_ORDERS));
		for (u32 o = 0; o < FRAME_ORDERS; o++) {
			u32 i = p->head[z][o];

			VALID(!(p->orders[z] & BIT(o)) == (i == NIL));
			VALID(i == NIL ||
			      (i < N && rec[i].prev == NIL &&
			       rec[i].tag == tag(FRAME_NO_OWNER, FREE, flags | (z ? TAG_ZERO : 0), o)));
		}
	}
	return true;
}

static bool valid(void)
{
	u64 free[2] = { 0 }, used_hv = 0, zero = 0;
	u32 i, left = 0, t = 0;

	for (i = 0; i < N; i++) {
		if (left == 0) {
			u32 o = order_of(i);

			t = rec[i].tag;
			head[i] = i;
			VALID(o < FRAME_ORDERS && !((FIRST + i) & (BIT(o) - 1)) && i + BIT(o) <= N);
			left = BIT(o);
			if (kind_of(i) == FREE) {
				VALID(GET(TAG_OWNER, t) == FRAME_NO_OWNER &&
				      !(t & TAG_HV && o > FRAME_ORDER_2M));
				free[!!(t & TAG_HV)] += left;
				zero += t & TAG_ZERO ? left : 0;
			} else {
				VALID(kind_of(i) == USED && GET(TAG_OWNER, t) != FRAME_NO_OWNER &&
				      !(t & TAG_ZERO));
				used_hv += t & TAG_HV ? left : 0;
			}
			VALID(!(t & ~(u32)(TAG_OWNER | TAG_KIND | TAG_ZERO | TAG_HV | TAG_ORDER)));
		} else {
			head[i] = head[i - 1];
			VALID(kind_of(i) == BODY);
		}
		VALID(!(t & TAG_ZERO && dirty[i]) && near[i] == !!(t & TAG_HV));
		/* the hypervisor's and others' never share a large page */
		VALID(i % 2 == 0 || !((rec[head[i]].tag ^ rec[head[i - 1]].tag) & TAG_HV));
		left--;
	}
	VALID(left == 0);
	VALID(heads_valid(&f.machine, 0) && heads_valid(&f.hv, TAG_HV));
	for (i = 0; i < N; i++)
		VALID(head[i] != i || kind_of(i) != FREE ||
		      linked(rec[i].tag & TAG_HV ? &f.hv : &f.machine, i));
	VALID(f.machine.free == free[0] && f.hv.free == free[1] && f.hv_used == used_hv && f.zero == zero);
	return f.machine.reserved <= f.machine.free && f.hv.reserved <= f.hv.free;
}

static void any_state(void)
{
	for (u32 i = 0; i < N; i++) {
		rec[i] = nondet_record();
		dirty[i] = nondet_bool();
		near[i] = nondet_bool();
	}
	f.machine = nondet_pool();
	f.hv = nondet_pool();
	f.zero = nondet_u64();
	f.hv_used = nondet_u64();
	__CPROVER_assume(valid());
}

static struct was {
	u16 owner;
	u32 refs;
} was[N];
static u64 free, promised[2];

static void look(u64 but, u64 n)
{
	for (u32 i = 0; i < N; i++)
		if (i - but >= n)
			was[i] = (struct was){ GET(TAG_OWNER, rec[head[i]].tag),
					       kind_of(head[i]) == USED ? rec[head[i]].refs : 0 };
}

/* Without the lock: whatever others do meanwhile, but to the block in hand. */
static void *window(hpa_t pa, u32 hv)
{
	u32 i = (u32)((pa.v >> PAGE_SHIFT) - FIRST);
	struct record in_hand;

	__CPROVER_assert(i < N && f.lock.next == f.lock.owner, "without the lock");
	if (pages++ == 0) {
		__CPROVER_assert(valid() && head[i] == i && kind_of(i) == USED,
				 "zeroed in a valid state, by whoever has it");
		__CPROVER_assert((rec[i].tag & TAG_HV) == hv, "frames of domains by their window");
		in_hand = rec[i];
		free -= f.machine.free + f.hv.free;
		promised[0] -= f.machine.reserved;
		promised[1] -= f.hv.reserved;
		any_state();
		__CPROVER_assume(head[i] == i && rec[i].tag == in_hand.tag && rec[i].refs == in_hand.refs);
		look(i, BIT(order_of(i)));
		free += f.machine.free + f.hv.free;
		promised[0] += f.machine.reserved;
		promised[1] += f.hv.reserved;
	}
	return (void *)(uintptr_t)pa.v;
}

void *arch_domain_map(hpa_t pa)
{
	return window(pa, 0);
}

void *arch_direct_map(hpa_t pa)
{
	return window(pa, TAG_HV);
}

void arch_direct_set(hpa_t pa, u64 bytes, bool there)
{
	u64 first = (pa.v >> PAGE_SHIFT) - FIRST;

	__CPROVER_assert(f.lock.next != f.lock.owner, "under the lock");
	__CPROVER_assert(bytes >= SZ_2M && !(pa.v & (bytes - 1)), "whole large pages");
	for (u32 k = 0; k < N; k++)
		if (k - first < bytes >> PAGE_SHIFT) {
			__CPROVER_assert(near[k] != there, "a change");
			near[k] = there;
		}
}

void arch_domain_unmap(void)
{
}

void arch_irq_window(void)
{
	__CPROVER_assert(f.lock.next == f.lock.owner, "no lock is held");
}

void *proof_set(void *p, int c, size_t n)
{
	__CPROVER_assert(!c && n == PAGE_SIZE, "a page is zeroed");
	dirty[((u64)p >> PAGE_SHIFT) - FIRST] = false;
	return p;
}

/*
 * What others of frame.c call is there as what its own case proves of it: the free blocks and their pools are
 * others, of as many frames; who owns what, and the promises, are the same.
 */
static void shuffle(void)
{
	u64 sum = f.machine.free + f.hv.free, used_hv = f.hv_used,
	    promise[2] = { f.machine.reserved, f.hv.reserved };

	any_state();
	for (u32 k = 0; k < N; k++)
		__CPROVER_assume(GET(TAG_OWNER, rec[head[k]].tag) == was[k].owner &&
				 (kind_of(head[k]) != USED || rec[head[k]].refs == was[k].refs));
	__CPROVER_assume(f.machine.free + f.hv.free == sum && f.hv_used == used_hv);
	__CPROVER_assume(f.machine.reserved == promise[0] && f.hv.reserved == promise[1]);
}

static void coalesce(struct pool *p, u32 to)
{
	u64 hv = f.hv.free;

	__CPROVER_assert(p == &f.machine, "the machine's");
	(void)to;
	shuffle();
	__CPROVER_assume(f.hv.free == hv);
}

static bool refill(void)
{
	u64 hv = f.hv.free;
	bool done = nondet_bool();

	shuffle();
	__CPROVER_assume(f.hv.free == hv + (done ? BIT(FRAME_ORDER_2M) : 0));
	return done;
}

static bool trim(void)
{
	u64 hv = f.hv.free;

	shuffle();
	__CPROVER_assume(f.hv.free <= hv && !((hv - f.hv.free) & (BIT(FRAME_ORDER_2M) - 1)));
	return f.hv.free != hv;
}

/* The frames [i, i + n) have this owner and so many references now, the others what they had. */
static void changed(u64 i, u64 n, u16 owner, u32 refs)
{
	__CPROVER_assert(valid(), "valid again");
	__CPROVER_assert(f.lock.next == f.lock.owner, "the lock is free");
	for (u32 k = 0; k < N; k++) {
		bool in = k - i < n;
		u32 h = head[k], now = kind_of(h) == USED ? rec[h].refs : 0;

		__CPROVER_assert(GET(TAG_OWNER, rec[h].tag) == (in ? owner : was[k].owner), "owner");
		__CPROVER_assert(now == (in ? refs : was[k].refs), "references");
	}
}

static u64 a, i; /* any address, and its record if it has one */
static u32 order, head_of;
static bool used;

/* Any state, and any frame and order. */
static void begin(void)
{
	f.range[0] = (struct range){ .first = FIRST, .frames = N };
	f.ranges = 1;
	f.total = N;
	any_state();
	look(0, 0);
	free = f.machine.free + f.hv.free;
	promised[0] = f.machine.reserved;
	promised[1] = f.hv.reserved;
	a = nondet_u64();
	i = (a >> PAGE_SHIFT) - FIRST;
	order = nondet_u32();
	__CPROVER_assume(order < FRAME_ORDERS);
	head_of = i < N ? head[i] : NIL;
	used = i < N && kind_of(head_of) == USED;
}

static void same(void)
{
	changed(0, 0, 0, 0);
	__CPROVER_assert(f.machine.free + f.hv.free == free, "counted");
	__CPROVER_assert(f.machine.reserved == promised[0] && f.hv.reserved == promised[1], "promises kept");
}

void prove_coalesce(void)
{
	u64 hv;

	begin();
	hv = f.hv.free;
	real_coalesce(&f.machine, order);
	same();
	__CPROVER_assert(f.hv.free == hv, "a pool's own");
}

void prove_refill(void)
{
	bool done;
	u64 hv;

	begin();
	hv = f.hv.free;
	lock(&f.lock);
	done = real_refill();
	unlock(&f.lock);
	same();
	__CPROVER_assert(f.hv.free == hv + (done ? BIT(FRAME_ORDER_2M) : 0), "one large page");
}

static void alloc(u32 kind)
{
	u32 flags = kind | (nondet_bool() ? FRAME_ZERO : 0) | (nondet_bool() ? FRAME_RESERVED : 0);
	bool reserved = flags & FRAME_RESERVED;
	u16 owner = nondet_u16();
	struct pool *p = kind && order < FRAME_ORDER_2M ? &f.hv : &f.machine;
	hpa_t pa;

	__CPROVER_assume(owner != FRAME_NO_OWNER);
	misuse = reserved && p->reserved < BIT(order);
	pa = frame_alloc(owner, order, flags);
	__CPROVER_assert(!misuse, "no more than was set aside");
	__CPROVER_assert(p->reserved == promised[p == &f.hv] - (frame_ok(pa) && reserved ? BIT(order) : 0),
			 "promises kept");
	if (!frame_ok(pa)) {
		__CPROVER_assert(order || !reserved, "what was set aside is there");
		changed(0, 0, 0, 0);
		return;
	}
	i = (pa.v >> PAGE_SHIFT) - FIRST;
	__CPROVER_assert(i < N && i + BIT(order) <= N && !((FIRST + i) & (BIT(order) - 1)),
			 "in the machine, aligned");
	for (u32 k = 0; k < N; k++)
		if (k - i < BIT(order))
			__CPROVER_assert(was[k].owner == FRAME_NO_OWNER && !(flags & FRAME_ZERO && dirty[k]),
					 "was nobody's, is zero");
	__CPROVER_assert(free - BIT(order) == f.machine.free + f.hv.free, "counted");
	changed(i, BIT(order), owner, 0);
}

/* For domains. */
void prove_alloc(void)
{
	begin();
	alloc(0);
}

/* The same for who does not wait for zeroes. */
void prove_alloc_zeroed(void)
{
	hpa_t pa;

	begin();
	misuse = promised[0] < BIT(order);
	pa = frame_alloc_zeroed(1, order);
	__CPROVER_assert(!misuse && f.machine.reserved == promised[0] - (frame_ok(pa) ? BIT(order) : 0),
			 "as promised");
	i = frame_ok(pa) ? (pa.v >> PAGE_SHIFT) - FIRST : 0;
	__CPROVER_assert(i < N && !((FIRST + i) & (BIT(order) - 1)), "in the machine, aligned");
	for (u32 k = 0; k < N; k++)
		if (frame_ok(pa) && k - i < BIT(order))
			__CPROVER_assert(was[k].owner == FRAME_NO_OWNER && !dirty[k],
					 "was nobody's, is zero");
	changed(i, frame_ok(pa) ? BIT(order) : 0, 1, 0);
}

/* For the hypervisor, out of its pool. */
void prove_alloc_hv(void)
{
	begin();
	order = 0;
	alloc(FRAME_HV);
}

/* For the hypervisor, as large as the pool's blocks or larger. */
void prove_alloc_hv_large(void)
{
	begin();
	order = 1;
	if (nondet_bool())
		order = 2;
	alloc(FRAME_HV);
}

void prove_free(void)
{
	u32 back = nondet_u32();

	begin();
	misuse = !used || order_of(head_of) < order || a & ((PAGE_SIZE << order) - 1) || rec[head_of].refs;
	frame_free(HPA(a), order, back);
	__CPROVER_assert(!misuse, "allocated, and without references");
	__CPROVER_assert(free + BIT(order) == f.machine.free + f.hv.free, "counted");
	__CPROVER_assert(f.machine.reserved + f.hv.reserved ==
				 promised[0] + promised[1] + (back & FRAME_RESERVED ? BIT(order) : 0),
			 "promised again");
	changed(i, BIT(order), FRAME_NO_OWNER, 0);
}

void prove_refs(void)
{
	u32 by = nondet_bool() ? 1 : ~0u, refs;

	begin();
	refs = used ? was[i].refs : 0;
	misuse = !used || refs + by == ~0u;
	(by == 1 ? frame_ref : frame_unref)(HPA(a));
	__CPROVER_assert(!misuse && frame_refs(HPA(a)) == refs + by, "counted");
	changed(head_of, BIT(order_of(head_of)), was[i].owner, refs + by);
	__CPROVER_assert(frame_block(HPA(a)) == (head_of == i ? order_of(i) : 0), "the block");
}

void prove_owner(void)
{
	begin();
	__CPROVER_assert(frame_owner(HPA(a)) == (i < N ? was[i].owner : FRAME_NO_OWNER), "the owner");
}

void prove_reserve(void)
{
	u64 n = nondet_u64();
	u32 hv = nondet_bool() ? FRAME_HV : 0;

	begin();
	if (frame_reserve(n, hv))
		n = 0;
	promised[!!hv] += n;
	same();
}

void prove_trim(void)
{
	bool done;
	u64 hv;

	begin();
	hv = f.hv.free;
	lock(&f.lock);
	done = real_trim();
	unlock(&f.lock);
	same();
	__CPROVER_assert(f.hv.free <= hv && !((hv - f.hv.free) & (BIT(FRAME_ORDER_2M) - 1)) &&
				 done == (f.hv.free != hv),
			 "large pages");
}

void prove_unreserve(void)
{
	u64 n = nondet_u64();
	u32 hv = nondet_bool() ? FRAME_HV : 0;

	begin();
	misuse = n > promised[!!hv];
	frame_unreserve(n, hv);
	__CPROVER_assert(!misuse, "no more than was promised");
	promised[!!hv] -= n;
	same();
}

void prove_zero(void)
{
	begin();
	frame_idle_zero(nondet_u64());
	same();
}
