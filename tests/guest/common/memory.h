/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory map and what is there: for a domain whose memory was populated and for one with lazy memory. */
#include "tests/guest/common/test.h"

static bool in_use(u64 page)
{
	const struct hvm_start_info *si = guest_start_info;

	return (page >= 0x100000 && page < ALIGN_UP((u64)image_end, PAGE_SIZE)) ||
	       page == ALIGN_DOWN((u64)si, PAGE_SIZE) || page == ALIGN_DOWN(si->memmap, PAGE_SIZE) ||
	       page == ALIGN_DOWN(si->cmdline, PAGE_SIZE) || page == 0;
}

static void memory_test(u64 mib)
{
	const struct hvm_memmap *m = (const struct hvm_memmap *)guest_start_info->memmap;
	u32 n = guest_start_info->memmap_entries, dirty = 0, lost = 0;
	u64 bytes = 0, end = 0;

	EQ(guest_start_info->magic, HVM_START_MAGIC, "the start info's magic");
	CHECK(n >= 3, "%u entries", n);
	for (u32 i = 0; i < n; i++) {
		CHECK(m[i].addr >= end, "entry %u at %lx begins before %lx", i, m[i].addr, end);
		end = m[i].addr + m[i].size;
		if (m[i].type == 1)
			bytes += m[i].size;
	}
	/* what was asked for, less the hole from 640 KiB to 1 MiB */
	EQ(bytes, (mib << 20) - 0x60000, "RAM");
	EQ(guest_ram_end(), mib << 20, "the end of RAM");

	/* Every page: zero at first, then its own number, which is still there after all were written. */
	for (u32 pass = 0; pass < 2; pass++)
		for (u32 i = 0; i < n; i++)
			for (u64 a = ALIGN_UP(m[i].addr, PAGE_SIZE);
			     m[i].type == 1 && a + PAGE_SIZE <= m[i].addr + m[i].size; a += PAGE_SIZE) {
				volatile u64 *p = (volatile u64 *)a;

				if (in_use(a))
					continue;
				if (pass == 0) {
					dirty += p[0] || p[255] || p[511];
					p[0] = a;
					p[511] = ~a;
				} else {
					lost += p[0] != a || p[511] != ~a;
				}
			}
	EQ(dirty, 0, "pages that were not zero");
	EQ(lost, 0, "pages that lost what was written");
}
