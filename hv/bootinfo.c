/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/bootinfo.h"
#include "hv/frame.h"
#include "hv/panic.h"

bool boot_in_ram(const struct bootinfo *bi, hpa_t start, hpa_t end)
{
	for (u32 i = 0; i < bi->mem_count; i++) {
		const struct boot_range *m = &bi->mem[i];

		if (m->type == BOOT_MEM_RAM && m->start.v <= start.v && end.v <= m->end.v)
			return true;
	}
	return false;
}

void boot_reserve(struct bootinfo *bi, hpa_t start, hpa_t end)
{
	ASSERT(bi->reserved_count < BOOT_RESERVED_MAX, "%#lx", start.v);
	bi->reserved[bi->reserved_count++] = (struct boot_range){ start, end, 0 };
}

/* The first page in [at, end) that is reserved, or end; *behind is where to look on. */
static u64 next_reserved(const struct bootinfo *bi, u64 at, u64 end, u64 *behind)
{
	*behind = end;
	for (u32 i = 0; i < bi->reserved_count; i++) {
		const struct boot_range *r = &bi->reserved[i];
		u64 start = MAX(ALIGN_DOWN(r->start.v, PAGE_SIZE), at);

		if (r->start.v < r->end.v && start < end && at < r->end.v) {
			end = start;
			*behind = ALIGN_UP(r->end.v, PAGE_SIZE);
		}
	}
	return end;
}

u32 boot_free_ranges(const struct bootinfo *bi, struct frame_range *out, u32 max)
{
	u64 stop, next;
	u32 n = 0;

	for (u32 i = 0; i < bi->mem_count; i++) {
		const struct boot_range *m = &bi->mem[i];

		if (m->type != BOOT_MEM_RAM)
			continue;
		for (u64 at = m->start.v; at < m->end.v; at = next) {
			stop = next_reserved(bi, at, m->end.v, &next);
			if (at < stop && n < max)
				out[n++] = (struct frame_range){ at, stop };
		}
	}
	return n;
}
