/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a domain's RAM is (T).
 */
#include "guest/control/memmap.h"

bool memmap_valid(u64 memory)
{
	return memory % PAGE_SIZE == 0 && memory >= MEMMAP_MEMORY_MIN && memory <= MEMMAP_MEMORY_MAX;
}

unsigned memmap_ranges(u64 memory, struct memmap_range range[MEMMAP_RANGES_MAX])
{
	unsigned n = 0;

	range[n++] = (struct memmap_range){ 0, MEMMAP_LOW_END, MEMMAP_RAM };
	range[n++] = (struct memmap_range){ MEMMAP_TABLES_START, MEMMAP_TABLES_SIZE, MEMMAP_RESERVED };
	if (memory > MEMMAP_HIGH_START)
		range[n++] = (struct memmap_range){ MEMMAP_HIGH_START,
						    MIN(memory, MEMMAP_BELOW_4G_END) - MEMMAP_HIGH_START,
						    MEMMAP_RAM };
	if (memory > MEMMAP_BELOW_4G_END)
		range[n++] =
			(struct memmap_range){ MEMMAP_ABOVE_4G, memory - MEMMAP_BELOW_4G_END, MEMMAP_RAM };
	return n;
}

bool memmap_is_ram(u64 memory, u64 gpa, u64 size)
{
	struct memmap_range range[MEMMAP_RANGES_MAX];
	unsigned n = memmap_ranges(memory, range);

	for (unsigned i = 0; i < n; i++) {
		u64 into = gpa - range[i].start;

		if (range[i].type == MEMMAP_RAM && gpa >= range[i].start && into < range[i].size)
			return size <= range[i].size - into;
	}
	return false;
}

u64 memmap_low_ram_end(u64 memory)
{
	return memory > MEMMAP_HIGH_START ? MIN(memory, MEMMAP_BELOW_4G_END) : MEMMAP_LOW_END;
}

u64 memmap_ram_bytes(u64 memory)
{
	struct memmap_range range[MEMMAP_RANGES_MAX];
	unsigned n = memmap_ranges(memory, range);
	u64 sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += range[i].size;
	return sum;
}
