/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/stats.h"

#ifndef CAISSON_NO_WHATS
void stats_what_other(struct stat_whats *t, u32 first, u32 bits, u64 what)
{
	u64 at = first + stats_hash(what, bits), least = at, count = 1;

	for (u64 i = first; i < first + (1u << bits); i++) {
		if (t->count[i] && t->what[i] == what) {
			count += t->count[i];
			t->what[i] = t->what[at];
			t->count[i] = t->count[at];
			least = at;
			break;
		}
		if (t->count[i] < t->count[least])
			least = i;
	}
	t->what[least] = what;
	t->count[least] = count;
}
#endif
