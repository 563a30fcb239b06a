/* SPDX-License-Identifier: BSD-2-Clause */
/* Every exit leaves a mark: a counter, the time in root mode, a log2 histogram and the worst case, per vCPU and exit kind. */
#ifndef HV_STATS_H
#define HV_STATS_H

#include "hv/types.h"
#include "hv/abi/caisson.h"
#include "hv/string.h"

#define STATS_KINDS 48

struct stat {
	u64 count, cycles, worst, worst_rip;
	u32 hist[CAISSON_HIST];
};

/* What exits are about, a hash table; its last row counts what found no room. */
#define STATS_WHATS 64u
struct stat_what {
	u64 key, count; /* the kind in bits 63:56, + 1; 0: a free row */
};
void __attribute__((cold)) stats_what_other(struct stat_what *table, u64 key);
static inline void stats_what(struct stat_what *table, u32 kind, u64 what)
{
	u64 key = (u64)(kind + 1) << 56 | (what & MASK(55, 0));
	struct stat_what *s = &table[key * 0x9e3779b97f4a7c15ull >> 58];

	if (likely(s->key == key))
		s->count++;
	else
		stats_what_other(table, key);
}

/* The vCPU's own CPU, once per exit, right before the next entry. */
static inline void stats_add(struct stat *s, u64 cycles, u64 rip)
{
	u32 bucket = 63 - (u32)__builtin_clzll(cycles | 1);

	s->count++;
	s->cycles += cycles;
	s->hist[bucket & (CAISSON_HIST - 1)]++;
	if (unlikely(cycles > s->worst)) {
		s->worst = cycles;
		s->worst_rip = rip;
	}
}

/* Any CPU: figures of a running vCPU may be an exit apart from each other. */
static inline void stats_get(const struct stat *table, u32 kind, struct caisson_stat *out)
{
	const struct stat *s = &table[kind];

	out->count = s->count;
	out->cycles = s->cycles;
	out->worst = s->worst;
	out->worst_rip = s->worst_rip;
	memcpy(out->hist, s->hist, sizeof(out->hist));
}

static inline u64 stats_total(const struct stat *table)
{
	u64 n = 0;

	for (u32 i = 0; i < STATS_KINDS; i++)
		n += table[i].count;
	return n;
}

static inline void stats_clear(struct stat *table)
{
	memset(table, 0, STATS_KINDS * sizeof(*table));
}

#endif
