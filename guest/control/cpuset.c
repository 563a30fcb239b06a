/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of CPUs as text (T). */
#include "guest/control/cpuset.h"

#include "guest/lib/string.h"

static bool number(const char **at, u32 *n)
{
	const char *s = *at;
	u32 v = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (u32)(*s - '0');
		if (v >= CAISSON_MAX_CPUS)
			return false;
	}
	*at = s;
	*n = v;
	return true;
}

bool cpuset_parse(const char *text, u64 set[CAISSON_CPU_WORDS])
{
	bool all = !strcmp(text, "all");

	memset(set, all ? 0xff : 0, CAISSON_CPU_WORDS * sizeof(*set));
	if (all)
		return true;
	for (;;) {
		u32 from, to;

		if (!number(&text, &from))
			return false;
		to = from;
		if (*text == '-') {
			text++;
			if (!number(&text, &to) || to < from)
				return false;
		}
		for (u32 c = from; c <= to; c++)
			set[c / 64] |= 1ull << c % 64;
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

void cpuset_format(const u64 set[CAISSON_CPU_WORDS], u32 cpus, char *text, size_t n)
{
	bool all = true, any = false;
	size_t at = 0;

	for (u32 c = 0; c < cpus && all; c++)
		all = cpuset_has(set, c);
	*text = 0;
	for (u32 c = 0; c < CAISSON_MAX_CPUS && !all && at < n; c++) {
		u32 last = c;

		if (!cpuset_has(set, c))
			continue;
		while (last + 1 < CAISSON_MAX_CPUS && cpuset_has(set, last + 1))
			last++;
		at += (size_t)snprintf(text + at, n - at, last > c ? "%s%u-%u" : "%s%u", any ? "," : "", c,
				       last);
		any = true;
		c = last;
	}
	if (all || !any)
		snprintf(text, n, all ? "all" : "none");
}
