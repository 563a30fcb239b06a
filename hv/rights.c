/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/rights.h"
#include "hv/abi/caisson.h"

/* What every domain may do to itself. */
#define RIGHTS_SELF (RIGHT_INFO | RIGHT_EVENT)

int rights_check(u32 held, u32 need, bool self)
{
	if (self)
		held |= RIGHTS_SELF;
	return (need & ~held) ? -CAISSON_EPERM : 0;
}

const char *rights_name(u32 bit)
{
	static const char *const names[] = { "info", "console", "build", "life", "mem-read", "mem-write",
					     "regs", "dm",	"sched", "event", "machine" };

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (bit == BIT(i))
			return names[i];
	return "?";
}
