/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of CPUs as text: "0,2-3" or "all" (T). */
#ifndef CONTROL_CPUSET_H
#define CONTROL_CPUSET_H

#include "guest/lib/types.h"
#include "hv/abi/caisson.h"

/* False: not a set, empty, or a CPU that cannot be. "all" is every bit. */
bool cpuset_parse(const char *text, u64 set[CAISSON_CPU_WORDS]);
/* As above, in ranges; "all" when every CPU below `cpus` is in it, "none" when no CPU is. */
void cpuset_format(const u64 set[CAISSON_CPU_WORDS], u32 cpus, char *text, size_t n);

static inline bool cpuset_has(const u64 set[CAISSON_CPU_WORDS], u32 cpu)
{
	return set[cpu / 64] >> cpu % 64 & 1;
}

#endif
