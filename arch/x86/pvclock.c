/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/pvclock.h"

#define NS_PER_SEC 1000000000ull

struct pvclock_scale pvclock_scale(u32 tsc_khz)
{
	struct pvclock_scale s = { 0, 0 };
	u64 hz = tsc_khz * 1000ull, ns = NS_PER_SEC;

	/* Ticks shifted so shall run faster than 1 GHz, at 2 GHz at most: then mul = 2^32 * 1 GHz / that
	 * fills its 32 bits. */
	for (; hz > 2 * ns; s.shift--)
		ns <<= 1;
	for (; hz <= ns; s.shift++)
		hz <<= 1;
	for (u32 i = 0; i < 32; i++) { /* 2^32 * ns / hz does not fit in 64 bits */
		ns <<= 1;
		s.mul = s.mul << 1 | (ns >= hz);
		ns -= ns >= hz ? hz : 0;
	}
	return s;
}

/* The version is odd while the rest is not to be believed. Stores of one x86 CPU are seen in their order. */
static u32 write_begin(u32 *version)
{
	u32 v = (READ_ONCE(*version) + 1) | 1;

	WRITE_ONCE(*version, v);
	barrier();
	return v;
}

static void write_end(u32 *version, u32 v)
{
	barrier();
	WRITE_ONCE(*version, v + 1);
}

void pvclock_write_time(struct pvclock_time *to, struct pvclock_scale s, u64 tsc, u64 ns, u8 flags)
{
	u32 v = write_begin(&to->version);

	to->tsc = tsc;
	to->system_time = ns;
	to->mul = s.mul;
	to->shift = s.shift;
	to->flags = flags;
	write_end(&to->version, v);
}

void pvclock_write_wall(struct pvclock_wall *to, u64 wall_ns)
{
	u32 v = write_begin(&to->version);

	to->sec = (u32)(wall_ns / NS_PER_SEC);
	to->nsec = (u32)(wall_ns % NS_PER_SEC);
	write_end(&to->version, v);
}

void pvclock_write_steal(struct pv_steal *to, u64 ns)
{
	u32 v = write_begin(&to->version);

	to->steal = ns;
	write_end(&to->version, v);
}
