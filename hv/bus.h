/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who answers which port and which guest-physical range of a domain. (T) A bus is changed only while its
 * domain is paused, and read only by the domain's own vCPUs: it needs no lock.
 */
#ifndef HV_BUS_H
#define HV_BUS_H

#include "hv/types.h"

#define BUS_CLAIMS 40

struct domain;
struct claim {
	u64 base, bytes;
	struct domain *dm; /* the device model; holds a reference */
	u32 flags;	   /* CAISSON_CLAIM_POSTED */
};
struct bus {
	u32 count[2]; /* by CAISSON_IO_PORT, CAISSON_IO_MMIO */
	u32 last[2];  /* where bus_find() found something last: a hint that any vCPU may write */
	struct claim claim[2][BUS_CLAIMS]; /* sorted by base, disjoint */
};

/* Who claims all of [addr, addr + bytes); NULL: nobody, or not one claim alone. */
const struct claim *bus_search(struct bus *b, u32 kind, u64 addr, u32 bytes);
/* The same, if it is the one found last. */
static inline const struct claim *bus_last(const struct bus *b, u32 kind, u64 addr, u32 bytes)
{
	u32 i = READ_ONCE(b->last[kind]);
	const struct claim *c = &b->claim[kind][i];

	return likely(i < b->count[kind] && addr - c->base + bytes <= c->bytes && addr >= c->base) ? c : NULL;
}
static inline const struct claim *bus_find(struct bus *b, u32 kind, u64 addr, u32 bytes)
{
	const struct claim *c = bus_last(b, kind, addr, bytes);

	return likely(c != NULL) ? c : bus_search(b, kind, addr, bytes);
}
/* Does any claim touch the range? */
bool bus_overlaps(const struct bus *b, u32 kind, u64 base, u64 bytes);
/* 0, -EINVAL (empty or wrapping), -EBUSY (overlaps), -ENOSPC. */
int bus_claim(struct bus *b, u32 kind, u64 base, u64 bytes, struct domain *dm, u32 flags);
/* Gives back the claim that starts at base and is dm's: 0, or -ENOENT. */
int bus_drop(struct bus *b, u32 kind, u64 base, const struct domain *dm);
/* The device model that has claims of which the writes are posted; NULL: nobody. */
const struct domain *bus_poster(const struct bus *b);
/* Takes out any one claim and gives its device model; NULL when there is none left. */
struct domain *bus_take(struct bus *b);

#endif
