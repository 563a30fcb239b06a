/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of RAM into a domain's second stage, at its making and at a first touch: for all addresses, lengths
 * and flags, two regions, and while other CPUs fill, take back, reset and end whenever the lock is free, by
 * the same rules. What is mapped was just allocated to this domain, is zero, lies inside a region, below the
 * last address and outside the APICs' hole, read-only where that is ROM; nothing is mapped behind an end.
 * What is counted is what is mapped or in hand, and never more than was charged; what is taken is of this
 * domain's part of what is reserved, and what was not mapped goes back there, all of it, whatever fails; no
 * lock is held while memory is zeroed. memory_populate is proved with what was proved of memory_fill and
 * memory_fill_giant. "2 MiB" are 4 pages, "64 KiB" 2, "1 GiB" 8.
 * with: hv/types.h: #define SZ_2M	   (1ul << 21) => #define SZ_2M (1ul << 14)
 * with: hv/types.h: #define SZ_1G	   (1ul << 30) => #define SZ_1G (1ul << 15)
 * with: hv/frame.h: #define FRAME_ORDER_2M 9u => #define FRAME_ORDER_2M 2u
 * with: hv/frame.h: #define FRAME_ORDER_1G 18u => #define FRAME_ORDER_1G 3u
 * with: hv/memory.c: #define FILL_ORDER 4u => #define FILL_ORDER 1u
 * with: hv/memory.c: static s64 memory_fill(struct domain *d, u64 gpa, u64 limit) => static s64 memory_fill(struct domain *, u64, u64); static s64 real_fill(struct domain *d, u64 gpa, u64 limit)
 * with: hv/memory.c: static s64 memory_fill_giant(struct domain *d, u64 gpa) => static s64 memory_fill_giant(struct domain *, u64); static s64 real_giant(struct domain *d, u64 gpa)
 * with: hv/domain.h: #define MEMORY_PIECE 512u => #define MEMORY_PIECE 6u
 * with: hv/domain.h: #define DOMAIN_REGIONS 8 => #define DOMAIN_REGIONS 2
 * with: hv/domain.h: struct vcpu *vcpu[CAISSON_MAX_VCPUS]; => struct vcpu *vcpu[1];
 * with: hv/domain.h: char origin[CAISSON_ORIGIN]; => char unused_0;
 * with: hv/domain.h: char args[CAISSON_ARGS]; => char unused_1;
 * with: hv/domain.h: char why[160]; => char unused_2;
 * with: hv/bus.h: struct claim claim[2][BUS_CLAIMS]; => struct claim claim[2][1];
 * cases: fill giant touch populate
 * fault fill.NOT_CLAIMED: hv/memory.c: 	d->vm.populated += n; => 	;
 * fault fill.NO_ROOM: hv/memory.c: limit = MIN(MIN(limit, room(d)), => limit = MIN(MIN(limit, ~0ul),
 * fault fill.BEHIND_THE_END: hv/memory.c: else if (READ_ONCE(d->ended) || !r || r->base => else if (!r || r->base
 * fault fill.OUT_OF_THE_REGION: hv/memory.c: || r->base + r->pages * PAGE_SIZE - gpa < size) => )
 * fault fill.KEPT: hv/memory.c: 			frame_free(HPA(pa.v + at), 0, FRAME_RESERVED); => 			;
 * fault fill.NOT_ZERO: hv/memory.c: pa = frame_alloc(d->id, order, FRAME_ZERO | FRAME_RESERVED); => pa = frame_alloc(d->id, order, FRAME_RESERVED);
 * fault fill.ROM_WRITTEN: hv/memory.c: return r->flags & CAISSON_POP_ROM ? CAISSON_PROT_READ => return 0 ? CAISSON_PROT_READ
 * fault giant.TWO_AT_IT: hv/memory.c: if (g->busy || READ_ONCE(d->ended)) => if (READ_ONCE(d->ended))
 * fault giant.HALF_ZERO: hv/memory.c: HPA(g->pa.v + g->bytes + i) => HPA(g->pa.v + i)
 * fault giant.NOT_COUNTED: hv/memory.c: 	d->vm.populated -= SZ_1G / PAGE_SIZE; => 	;
 * fault touch.NO_ROOM: hv/memory.c: || room(d) < 1ull << order ? FRAME_NONE => ? FRAME_NONE
 * fault populate.HOLE: hv/memory.c: (gpa < APIC_HOLE_END && gpa + pages * PAGE_SIZE > APIC_HOLE_START)) => (gpa < APIC_HOLE_END && gpa > APIC_HOLE_START))
 * fault populate.OVERLAP: hv/memory.c: if (gpa < r_end && r->base < end) => if (gpa < r_end && r->base < gpa)
 * fault populate.UNCHARGED: hv/memory.c: if (sum > d->vm.charged) => if (pages > d->vm.charged)
 * fault populate.WRAPS: hv/memory.c: || gpa > top - pages * PAGE_SIZE) => || gpa > top)
 * cbmc: --unwind 9 --unwindset region_at.0:3,inside.0:3,region_add.0:3 --slice-formula
 */
#include "hv/string.h"
#include "hv/lock.h"
void *proof_set(void *p, int c, size_t n);
void proof_lock(struct lock *l), proof_unlock(struct lock *l);
#define memset	  proof_set
#define lock(l)	  proof_lock(l)
#define unlock(l) proof_unlock(l)
#include "hv/memory.c"

u64 nondet_u64(void);
u32 nondet_u32(void);
s64 nondet_s64(void);
bool nondet_bool(void);
struct region nondet_region(void);
struct giant nondet_giant(void);

#define TOP	 (1ull << 46)
#define GIANT	 (SZ_1G / PAGE_SIZE)
#define PAGE(pa) (((pa).v - hand.v) / PAGE_SIZE)

static struct domain one;
static bool held;
/* Of the call: pages that it counts, beyond the rest of the domain's; what was counted when it got the lock,
 * and mapped since; frames allocated and neither mapped nor freed, and which of them are zero; the 1 GiB page
 * is its own to make. */
static u64 claimed, counted, mapped, first;
static u32 phys_bits;
static hpa_t hand;
static bool in_hand[GIANT], zeroed[GIANT], mine;
static struct giant was;

static u64 hands(void)
{
	u64 n = 0;

	for (u32 k = 0; k < GIANT; k++)
		n += in_hand[k];
	return n;
}

/* The region that all of [at, at + bytes) is in. */
static const struct region *inside(u64 at, u64 bytes)
{
	for (u32 i = 0; i < 2 && i < one.vm.regions; i++) {
		const struct region *r = &one.vm.region[i];

		if (at >= r->base && at - r->base < r->pages * PAGE_SIZE &&
		    bytes <= r->base + r->pages * PAGE_SIZE - at)
			return r;
	}
	return NULL;
}

static bool region_ok(const struct region *r)
{
	u64 end = r->base + r->pages * PAGE_SIZE;

	return !(r->base & ~PAGE_MASK) && r->base <= TOP && r->pages <= TOP / PAGE_SIZE && end <= TOP &&
	       (r->base >= APIC_HOLE_END || end <= APIC_HOLE_START);
}

static bool valid(void)
{
	const struct region *a = one.vm.region, *b = a + 1, *r;
	const struct giant *g = &one.vm.giant;
	u32 n = one.vm.regions;

	if (n > 2 || (n && !region_ok(a)) || (n > 1 && !region_ok(b)))
		return false;
	if (n > 1 && a->base < b->base + b->pages * PAGE_SIZE && b->base < a->base + a->pages * PAGE_SIZE)
		return false;
	if ((n ? a->pages : 0) + (n > 1 ? b->pages : 0) > one.vm.charged || one.vm.populated > one.vm.charged)
		return false;
	if (!g->bytes && !g->busy)
		return true;
	r = inside(g->gpa, SZ_1G);
	return g->bytes < SZ_1G && !(g->bytes & (SZ_2M - 1)) && !(g->gpa & (SZ_1G - 1)) &&
	       !(g->pa.v & (SZ_1G - 1)) && g->pa.v < TOP && r && !r->flags && one.vm.populated >= GIANT;
}

void proof_lock(struct lock *l)
{
	__CPROVER_assert(l == &one.vm.lock && !held, "it is free");
	held = true;
	/* Others had it. */
	was = one.vm.giant;
	one.ended = nondet_u32();
	one.vm.regions = nondet_u32();
	one.vm.region[0] = nondet_region();
	one.vm.region[1] = nondet_region();
	one.vm.giant = nondet_giant();
	one.vm.populated = nondet_u64();
	if (mine)
		one.vm.giant = was;
	else
		was = one.vm.giant;
	__CPROVER_assume(valid());
	/* what the call counts, and what is counted for the 1 GiB page of others */
	__CPROVER_assume(one.vm.populated - claimed >= (!mine && (was.bytes || was.busy) ? GIANT : 0) &&
			 one.vm.populated >= claimed);
	counted = one.vm.populated;
	mapped = 0;
}

void proof_unlock(struct lock *l)
{
	const struct giant *g = &one.vm.giant;

	__CPROVER_assert(l == &one.vm.lock && held, "it is held");
	held = false;
	__CPROVER_assert(valid(), "valid again");
	claimed += one.vm.populated - counted - mapped;
	if (!mine && g->busy && !was.busy) { /* it is for this call to go on with it */
		mine = true;
		if (was.bytes) {
			claimed += GIANT;
			hand = g->pa;
			for (u32 k = 0; k < GIANT; k++) {
				in_hand[k] = true;
				zeroed[k] = k < was.bytes / PAGE_SIZE;
			}
		}
	} else if (mine && !g->busy) {
		mine = false;
		for (u32 k = 0; g->bytes && k < GIANT; k++) {
			__CPROVER_assert(in_hand[k] && (zeroed[k] || k >= g->bytes / PAGE_SIZE),
					 "so far it is zero");
			in_hand[k] = false;
		}
		if (g->bytes) {
			__CPROVER_assert(hand.v == g->pa.v, "that page");
			claimed -= GIANT;
		}
	} else {
		__CPROVER_assert(g->busy == was.busy && (!g->busy || g->bytes == was.bytes),
				 "others' 1 GiB page");
	}
	__CPROVER_assert(claimed <= one.vm.populated && hands() <= claimed, "what is in hand is counted");
}

static hpa_t take(u32 order, bool zero)
{
	if (order && nondet_bool())
		return FRAME_NONE;
	hand.v = nondet_u64();
	__CPROVER_assume(hand.v < TOP && !(hand.v & ((PAGE_SIZE << order) - 1)));
	for (u32 k = 0; k < GIANT; k++) {
		in_hand[k] = k < BIT(order);
		zeroed[k] = zero && in_hand[k];
	}
	return hand;
}

/* Of order 0 it cannot fail: proof-frame-alloc. */
hpa_t frame_alloc(u16 owner, u32 order, u32 flags)
{
	__CPROVER_assert(owner == one.id && (flags & ~FRAME_ZERO) == FRAME_RESERVED && !hands(),
			 "of its part");
	__CPROVER_assert(!held || !(flags & FRAME_ZERO), "no lock while it is zeroed");
	__CPROVER_assert((held ? room(&one) : claimed) >= BIT(order), "of what nobody else counts on");
	return take(order, flags & FRAME_ZERO);
}

hpa_t frame_alloc_zeroed(u16 owner, u32 order)
{
	__CPROVER_assert(owner == one.id && held && !hands() && room(&one) >= BIT(order), "of its part");
	return nondet_bool() ? FRAME_NONE : take(order, true);
}

void frame_free(hpa_t pa, u32 order, u32 back)
{
	__CPROVER_assert(held && back == FRAME_RESERVED && order <= FRAME_ORDER_1G, "back to its part");
	for (u32 k = 0; k < GIANT; k++)
		if (k - PAGE(pa) < BIT(order)) {
			__CPROVER_assert(in_hand[k] && hand.v + k * PAGE_SIZE >= pa.v, "what was in hand");
			in_hand[k] = false;
		}
	__CPROVER_assert(PAGE(pa) + BIT(order) <= GIANT, "no more");
}

int arch_s2_map(struct domain *d, gpa_t at, hpa_t pa, u64 size, u32 prot)
{
	const struct region *r = inside(at.v, size);

	__CPROVER_assert(d == &one && held && !one.ended && r, "RAM of a domain that lives");
	__CPROVER_assert(r && prot == (r->flags & CAISSON_POP_ROM ? CAISSON_PROT_READ
								  : CAISSON_PROT_READ | CAISSON_PROT_WRITE),
			 "written where that may be");
	__CPROVER_assert(size == PAGE_SIZE || size == SZ_2M || size == SZ_1G, "a size that there is");
	__CPROVER_assert(!((at.v | pa.v) & (size - 1)) && PAGE(pa) + size / PAGE_SIZE <= GIANT,
			 "aligned, in hand");
	if (nondet_bool())
		return nondet_bool() ? -CAISSON_EEXIST : -CAISSON_ENOMEM;
	for (u32 k = 0; k < GIANT; k++)
		if (k - PAGE(pa) < size / PAGE_SIZE) {
			__CPROVER_assert(in_hand[k] && zeroed[k], "its own, and zero");
			in_hand[k] = false;
		}
	if (!mapped)
		first = at.v;
	mapped += size / PAGE_SIZE;
	return 0;
}

int arch_s2_fill(struct domain *d, gpa_t at, hpa_t pa, u64 size, u32 prot)
{
	return arch_s2_map(d, at, pa, size, prot);
}

void *arch_domain_map(hpa_t pa)
{
	__CPROVER_assert(!held && PAGE(pa) < GIANT && in_hand[PAGE(pa)], "in hand");
	return (void *)(uintptr_t)PAGE(pa);
}

void *proof_set(void *p, int c, size_t n)
{
	__CPROVER_assert(!c && n == PAGE_SIZE, "a page is zeroed");
	zeroed[(uintptr_t)p % GIANT] = true;
	return p;
}

void arch_domain_unmap(void)
{
}

void arch_irq_window(void)
{
	__CPROVER_assert(!held, "no lock is held");
}

u64 arch_s2_sizes(void)
{
	return PAGE_SIZE | SZ_2M | (nondet_bool() ? SZ_1G : 0);
}

u32 arch_phys_bits(void)
{
	return phys_bits;
}

/* ---- the calls ---- */

static u64 gpa, pages;

static void begin(void)
{
	one.id = (u16)nondet_u32();
	one.vm.charged = nondet_u64();
	__CPROVER_assume(one.vm.charged <= BIT(36));
	phys_bits = nondet_u32();
	__CPROVER_assume(phys_bits >= 32 && phys_bits <= 52);
	gpa = nondet_u64();
	pages = nondet_u64();
}

static void end(void)
{
	__CPROVER_assert(!held && !mine && !claimed && !hands(), "nothing is held, nothing is lost");
}

void prove_fill(void)
{
	s64 n;

	begin();
	__CPROVER_assume(!(gpa & ~PAGE_MASK) && pages);
	n = real_fill(&one, gpa, pages);
	__CPROVER_assert(n < 0 || (u64)n <= pages, "no more than was asked for");
	__CPROVER_assert(n <= 0 || (mapped && first == gpa), "it is there");
	end();
}

void prove_giant(void)
{
	s64 n;

	begin();
	__CPROVER_assume(!(gpa & ~PAGE_MASK));
	n = real_giant(&one, gpa);
	__CPROVER_assert(n < 0 || n == SZ_2M / PAGE_SIZE, "a piece");
	end();
}

/* As memory_fault() calls it. */
void prove_touch(void)
{
	const struct region *r;
	u64 block;
	bool large = nondet_bool();

	begin();
	block = gpa & ~(SZ_2M - 1);
	lock(&one.vm.lock);
	r = region_at(&one, gpa);
	if (r && memory_touch(&one, r, gpa,
			      large && r->base <= block && block + SZ_2M <= r->base + r->pages * PAGE_SIZE))
		__CPROVER_assert(mapped && gpa - first < mapped * PAGE_SIZE, "it is there");
	unlock(&one.vm.lock);
	end();
}

static bool asked_right(u64 at)
{
	return !held && at >= gpa && !(at & ~PAGE_MASK) && at < TOP && pages <= TOP / PAGE_SIZE &&
	       at < gpa + pages * PAGE_SIZE;
}

static s64 memory_fill(struct domain *d, u64 at, u64 limit)
{
	s64 n = nondet_s64();

	__CPROVER_assert(d == &one && asked_right(at) && limit &&
				 limit <= (gpa + pages * PAGE_SIZE - at) / PAGE_SIZE,
			 "what was asked for");
	__CPROVER_assume(n < 0 ? n >= -CAISSON_ENOSYS - 100 : (u64)n <= limit);
	return n;
}

static s64 memory_fill_giant(struct domain *d, u64 at)
{
	__CPROVER_assert(d == &one && asked_right(at), "what was asked for");
	return nondet_bool() ? -CAISSON_EAGAIN : nondet_bool() ? -CAISSON_EBUSY : (s64)(SZ_2M / PAGE_SIZE);
}

void prove_populate(void)
{
	s64 n;

	begin();
	n = memory_populate(&one, gpa, pages, nondet_u32());
	__CPROVER_assert(n < 0 || (n && (u64)n <= pages && gpa + pages * PAGE_SIZE <= TOP),
			 "as much as was asked for");
	end();
}
