/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's exit counters, its vCPUs taken together.
 */
#ifndef CONTROL_STATS_H
#define CONTROL_STATS_H

#include "guest/lib/types.h"

#define STATS_ROWS 256u

struct stats_row {
	char name[24];
	u64 count, cycles, worst, worst_rip;
};

/* The kinds that occurred, the costliest first; returns how many. */
u32 stats_collect(u32 dom, u32 vcpus, struct stats_row rows[STATS_ROWS]);
/* The same, in memory of its own (alloc_free() it; NULL: there was none). */
u32 stats_keep(u32 dom, u32 vcpus, struct stats_row **kept);
/* The kind of exit's name; NULL after the last. */
const char *stats_exit_name(u32 kind);

#endif
