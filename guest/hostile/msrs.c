/* SPDX-License-Identifier: BSD-2-Clause */
/* MSRs: every one of the ranges that processors have, read and written with every pattern; time games with
 * them. */
#include "guest/hostile/hostile.h"
#include "tests/guest/common/test.h"

struct msr {
	u32 msr;
	u64 value;
	bool write;
};

static void touch(void *arg)
{
	struct msr *m = arg;

	if (m->write)
		wrmsr(m->msr, m->value);
	else
		m->value = rdmsr(m->msr);
}

/* Without NXE our page tables are no page tables; the others would end us likewise, and soon. */
static bool deadly(u32 msr, u64 value)
{
	return msr == 0xc0000080 && (value & 0xf00) != 0xd00;
}

static void one(u32 msr, u64 value)
{
	struct msr r = { msr, 0, false }, w = { msr, value, true };

	bool readable = attempt(touch, &r) == NO_TRAP;

	if (deadly(msr, value))
		return;
	if (attempt(touch, &w) == NO_TRAP && readable) {
		w.value = r.value; /* back, so that what follows is not of this alone */
		attempt(touch, &w);
	}
}

static const struct {
	u32 from, to;
} ranges[] = { { 0, 0x2000 },
	       { 0x40000000, 0x40000200 },
	       { 0x4b564d00, 0x4b564d10 },
	       { 0xc0000000, 0xc0000200 },
	       { 0xc0010000, 0xc0010400 },
	       { 0xc0011000, 0xc0011100 } };

/* Those that do something here, mostly. */
static u32 some(void)
{
	static const u32 at[] = { 0x10,	      0x1b,	  0x3a,	      0x3b,	  0x6e0,      0x8b,
				  0x174,      0x176,	  0x1a0,      0x1d9,	  0x277,      0x830,
				  0x83f,      0x80b,	  0x808,      0x832,	  0x838,      0x83e,
				  0xda0,      0x11,	  0x12,	      0x4b564d00, 0x4b564d01, 0xc0000080,
				  0xc0000081, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103,
				  0xc0000104, 0xc0010114, 0xc0010117 };

	if (below(4))
		return below(4) ? at[below(ARRAY_SIZE(at))] : 0x800 + below(64);
	return ranges[below(ARRAY_SIZE(ranges))].from + below(0x400);
}

static void run(void)
{
	u32 skip = 1 + below(16);

	for (u32 i = 0; i < ARRAY_SIZE(ranges) && go_on(); i++)
		for (u32 msr = ranges[i].from + below(skip); msr < ranges[i].to && go_on(); msr += skip)
			one(msr, nasty());
	while (go_on())
		one(some(), nasty());
}

const struct wall wall_msrs = { "msrs", run };
