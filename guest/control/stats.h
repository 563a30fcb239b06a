/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's exit counters, its vCPUs taken together.
 */
#ifndef CONTROL_STATS_H
#define CONTROL_STATS_H

#include "guest/lib/types.h"
#include "hv/abi/caisson.h"

#define STATS_ROWS 256u

#define STATS_WHAT 8u
struct stats_row {
	char name[24];
	u64 count, cycles, worst, worst_rip;
	u32 hist[CAISSON_HIST]; /* [n]: 2^n to 2^(n+1) - 1 cycles */
	u32 kind;
	/* what they were about, the most frequent first: leaf, MSR, call, port, page, vector; 0: no more */
	struct stats_what {
		u64 what, count;
	} what[STATS_WHAT];
};

enum stats_order { STATS_BY_CYCLES, STATS_BY_COUNT, STATS_BY_AVERAGE, STATS_BY_WORST, STATS_BY_NAME };
void stats_sort(struct stats_row *rows, u32 n, enum stats_order by);

/* The kinds that occurred, the costliest first; returns how many. */
u32 stats_collect(u32 dom, u32 vcpus, struct stats_row rows[STATS_ROWS]);
/* The same, in memory of its own (alloc_free() it; NULL: there was none). */
u32 stats_keep(u32 dom, u32 vcpus, struct stats_row **kept);
/* The kind of exit's name; NULL after the last. */
const char *stats_exit_name(u32 kind);

#endif
