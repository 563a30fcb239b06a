/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames: every 4 KiB of the machine's free RAM has one record that says whose it is. A buddy allocator hands
 * out blocks of 2^order frames (4 KiB to 1 GiB), each aligned to its size, over any number of discontiguous
 * ranges; the table has records for RAM only.
 *
 *   machine pool ──► blocks for domains, any order
 *        │ 2 MiB
 *        └─► hv pool ──► the hypervisor's own pages (FRAME_HV), so that domains' frames can stay out of its
 * direct map
 *
 * Known zero: a free block that nobody wrote since it was zeroed says so, and is not zeroed again. Blocks
 * merge with a buddy of the same kind; frame_idle_zero() works from the smallest dirty block up, so it
 * finishes one piece before it breaks another.
 *
 * Memory promised is memory there: frame_reserve() sets free frames aside without choosing them, and an
 * order-0 FRAME_RESERVED allocation against that cannot fail. Nothing else may eat into what is reserved.
 *
 * Context: any CPU, root mode. One lock inside, innermost but for nothing; never held while memory is zeroed.
 */
#ifndef HV_FRAME_H
#define HV_FRAME_H

#include "hv/types.h"

#define FRAME_NONE     HPA(~0ull) /* no memory */
#define FRAME_NO_OWNER 0xffffu	  /* free, or not RAM of ours */
#define FRAME_OWNER_HV 0xfffeu	  /* other owners are domain ids */
#define FRAME_ORDERS   19u
#define FRAME_ORDER_2M 9u
#define FRAME_ORDER_1G 18u
#define FRAME_RANGES   256u

/* Flags of frame_alloc() and frame_reserve(). HV: for the hypervisor's own use, out of the hv pool, reached
 * by arch_direct_map(). RESERVED: out of what frame_reserve() set aside (order 0 cannot fail, higher orders
 * may). */
#define FRAME_HV       1u
#define FRAME_ZERO     2u
#define FRAME_RESERVED 4u

struct frame_range {
	u64 base, end; /* bytes; any alignment: partial frames at the edges are dropped */
};

/* Boot CPU, once: takes the free RAM and keeps its own table inside the largest range. -EINVAL: overlapping
 * ranges or none usable; -ENOSPC: more than FRAME_RANGES. */
int frame_init(const struct frame_range *ranges, u32 n);

/* A block of 2^order frames for `owner`. FRAME_NONE: none. With FRAME_ZERO and order > 4, arch_irq_window()
 * is called every 64 KiB: no lock may be held. */
hpa_t frame_alloc(u16 owner, u32 order, u32 flags) __must_check;

/* One of those promised to a domain, if a block is known to be zero and none beyond 2 MiB is broken for it;
 * else FRAME_NONE. Short: locks may be held. */
hpa_t frame_alloc_zeroed(u16 owner, u32 order) __must_check;

/* Gives a block back. Part of a block that was allocated larger may be freed by itself (aligned to its
 * order). All of it must be allocated and unreferenced: anything else is a bug of ours and asserts. With
 * `back` FRAME_RESERVED the frames return to the reservation that they came from, in the same step, so that
 * nobody else takes them. */
void frame_free(hpa_t pa, u32 order, u32 back);

static inline bool frame_ok(hpa_t pa)
{
	return pa.v != ~0ull;
}

/* The hypervisor's own objects: zeroed, in the direct map; NULL: no memory. */
void *frame_hv_alloc(u16 owner, u32 order) __must_check;
void frame_hv_free(void *p, u32 order);

/* Sets n frames aside in the machine pool (or, with FRAME_HV, in the hv pool). -ENOMEM: not so many are free.
 * arch_irq_window() is called where that takes long: no lock may be held. */
int frame_reserve(u64 n, u32 flags) __must_check;
void frame_unreserve(u64 n, u32 flags);

/* FRAME_NO_OWNER for what is free or has no record (devices, boot modules). No lock; stable while the caller
 * knows by other means that the frame stays allocated. */
u16 frame_owner(hpa_t pa);
/* One more, one fewer share of an allocated frame by somebody else than its owner. They are counted for its
 * whole block, which frame_free() takes no part of while there is one. */
void frame_ref(hpa_t pa);
void frame_unref(hpa_t pa);
/* The shares of all frames of the allocated block that holds this one. */
u32 frame_refs(hpa_t pa);
/* The order of the allocated block that begins at pa; 0: none does. */
u32 frame_block(hpa_t pa);

/* Opens and closes the window on one frame of a domain: arch_domain_map() with the owner checked when built
 * with -DCAISSON_DEBUG. They do not nest; nothing that blocks or lets interrupts in between. */
void *frame_map(hpa_t pa, u16 owner);
void frame_unmap(void);

/* An idle CPU: zeroes one piece, of about max_bytes (16 to 64 KiB), of what is free and dirty. False: there
 * was nothing to do. */
bool frame_idle_zero(u64 max_bytes);

struct frame_counts {
	u64 total;    /* all frames with a record, the table's own included */
	u64 free;     /* in both pools */
	u64 reserved; /* of the free ones: promised */
	u64 hv;	      /* in use by the hypervisor, the table included */
	u64 zero;     /* of the free ones: known to be zero */
};
void frame_count(struct frame_counts *out);

#if defined(CAISSON_CHECKS) && !defined(HV_FRAME_C)
#include "hv/debug.h"
#define FRAME_SITE_(line)	__FILE__ ":" #line
#define FRAME_SITE(line)	FRAME_SITE_(line)
#define frame_alloc(...)	(debug_site(FRAME_SITE(__LINE__)), frame_alloc(__VA_ARGS__))
#define frame_alloc_zeroed(...) (debug_site(FRAME_SITE(__LINE__)), frame_alloc_zeroed(__VA_ARGS__))
#define frame_hv_alloc(...)	(debug_site(FRAME_SITE(__LINE__)), frame_hv_alloc(__VA_ARGS__))
#define frame_reserve(...)	(debug_site(FRAME_SITE(__LINE__)), frame_reserve(__VA_ARGS__))
#endif

#endif
