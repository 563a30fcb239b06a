/* SPDX-License-Identifier: BSD-2-Clause */
/* Every exit leaves a mark:
 * a counter, the time in root mode, a log2 histogram and the worst case, per vCPU and exit kind. */
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

/*
 * What exits are about. A kind has 2^bits rows from `first` on, of which a hash names the one to look at. The
 * slow way looks at the others, brings what it finds there to where the next exit looks, and gives a new one
 * the row of the least frequent.
 */
#define STATS_WHATS 64u
struct stat_whats {
	u64 what[STATS_WHATS], count[STATS_WHATS]; /* count 0: a free row */
};

/* By this multiplier the usual ports, MSRs and leaves do not meet. */
static inline u64 stats_hash(u64 what, u32 bits)
{
	return (u32)what * 0x2cdfaca3u >> (32 - bits);
}

#ifdef CAISSON_NO_WHATS /* make COUNTERS=kinds, COUNTERS=empty: to see what they cost */
#define stats_what(t, first, bits, what) ((void)(t), (void)(what))
#else
void __attribute__((cold)) stats_what_other(struct stat_whats *t, u32 first, u32 bits, u64 what);
/* The vCPU's own CPU. */
static inline void stats_what(struct stat_whats *t, u32 first, u32 bits, u64 what)
{
	u64 i = first + stats_hash(what, bits);

	if (likely(t->what[i] == what))
		t->count[i]++;
	else
		stats_what_other(t, first, bits, what);
}
#endif

/* The vCPU's own CPU, once per exit, right before the next entry. cycles: not 0. */
#ifdef CAISSON_NO_COUNTERS
#define stats_add(s, cycles, rip) ((void)(s))
#else
static inline void stats_add(struct stat *s, u64 cycles, const u64 *rip)
{
	u32 bucket = 63 - (u32)__builtin_clzll(cycles);

	s->count++;
	s->cycles += cycles;
	s->hist[bucket & (CAISSON_HIST - 1)]++;
	if (unlikely(cycles > s->worst)) {
		s->worst = cycles;
		s->worst_rip = *rip;
	}
}
#endif

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
