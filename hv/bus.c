/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/bus.h"
#include "hv/abi/caisson.h"
#include "hv/string.h"

/* Index of the first claim that starts above addr. */
static u32 bus_above(const struct bus *b, u32 kind, u64 addr)
{
	u32 lo = 0, hi = b->count[kind];

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (b->claim[kind][mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct claim *bus_search(struct bus *b, u32 kind, u64 addr, u32 bytes)
{
	u32 i = bus_above(b, kind, addr);
	const struct claim *c;

	if (i == 0)
		return NULL;
	c = &b->claim[kind][i - 1];
	if (addr - c->base + bytes > c->bytes)
		return NULL;
	WRITE_ONCE(b->last[kind], i - 1);
	return c;
}

bool bus_overlaps(const struct bus *b, u32 kind, u64 base, u64 bytes)
{
	u32 i = bus_above(b, kind, base);
	const struct claim *c = b->claim[kind];

	return (i > 0 && base - c[i - 1].base < c[i - 1].bytes) ||
	       (i < b->count[kind] && c[i].base - base < bytes);
}

int bus_claim(struct bus *b, u32 kind, u64 base, u64 bytes, struct domain *dm, u32 flags)
{
	u32 n = b->count[kind], i = bus_above(b, kind, base);
	struct claim *c = b->claim[kind];

	if (bytes == 0 || base + bytes < base || (kind == CAISSON_IO_PORT && base + bytes > 0x10000))
		return -CAISSON_EINVAL;
	if (bus_overlaps(b, kind, base, bytes))
		return -CAISSON_EBUSY;
	if (n == BUS_CLAIMS)
		return -CAISSON_ENOSPC;
	memmove(&c[i + 1], &c[i], (n - i) * sizeof(*c));
	c[i] = (struct claim){ .base = base, .bytes = bytes, .dm = dm, .flags = flags };
	b->count[kind]++;
	return 0;
}

static void bus_remove(struct bus *b, u32 kind, u32 i)
{
	b->count[kind]--;
	memmove(&b->claim[kind][i], &b->claim[kind][i + 1], (b->count[kind] - i) * sizeof(struct claim));
}

int bus_drop(struct bus *b, u32 kind, u64 base, const struct domain *dm)
{
	u32 i = bus_above(b, kind, base);

	if (i == 0 || b->claim[kind][i - 1].base != base || b->claim[kind][i - 1].dm != dm)
		return -CAISSON_ENOENT;
	bus_remove(b, kind, i - 1);
	return 0;
}

const struct domain *bus_poster(const struct bus *b)
{
	for (u32 kind = 0; kind < 2; kind++)
		for (u32 i = 0; i < b->count[kind]; i++)
			if (b->claim[kind][i].flags & CAISSON_CLAIM_POSTED)
				return b->claim[kind][i].dm;
	return NULL;
}

struct domain *bus_take(struct bus *b)
{
	for (u32 kind = 0; kind < 2; kind++) {
		u32 n = b->count[kind];

		if (n) {
			struct domain *dm = b->claim[kind][n - 1].dm;

			bus_remove(b, kind, n - 1);
			return dm;
		}
	}
	return NULL;
}
