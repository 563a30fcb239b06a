/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/bootinfo.h"
#include "hv/frame.h"
#include "hv/panic.h"

void boot_reserve(struct bootinfo *bi, hpa_t start, hpa_t end, const char *what)
{
	ASSERT(bi->reserved_count < BOOT_RESERVED_MAX, "for %s", what);
	bi->reserved[bi->reserved_count++] = (struct boot_range){ start, end, 0, what };
}

/* The reserved range that holds `at`, or else the first that starts behind it; what it leaves free is [at,
 * *stop). */
static u64 next_free(const struct bootinfo *bi, u64 at, u64 end, u64 *stop)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (u32 i = 0; i < bi->reserved_count; i++) {
			const struct boot_range *r = &bi->reserved[i];

			if (ALIGN_DOWN(r->start.v, PAGE_SIZE) <= at && at < ALIGN_UP(r->end.v, PAGE_SIZE)) {
				at = ALIGN_UP(r->end.v, PAGE_SIZE);
				moved = true;
			}
		}
	}
	*stop = end;
	for (u32 i = 0; i < bi->reserved_count; i++) {
		u64 start = ALIGN_DOWN(bi->reserved[i].start.v, PAGE_SIZE);

		if (bi->reserved[i].end.v > bi->reserved[i].start.v && start > at)
			*stop = MIN(*stop, start);
	}
	return at;
}

u32 boot_free_ranges(const struct bootinfo *bi, struct frame_range *out, u32 max)
{
	u64 stop, at;
	u32 n = 0;

	for (u32 i = 0; i < bi->mem_count; i++) {
		const struct boot_range *m = &bi->mem[i];

		if (m->type != BOOT_MEM_RAM)
			continue;
		for (at = m->start.v; (at = next_free(bi, at, m->end.v, &stop)) < m->end.v; at = stop) {
			if (n < max)
				out[n++] = (struct frame_range){ at, stop };
		}
	}
	return n;
}
