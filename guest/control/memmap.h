/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a domain's RAM is (T): one description for the loaders, the firmware tables and whoever populates
 * memory.
 *
 * - 0 to 640 KiB: RAM
 * - 640 KiB to 0xdffff: nothing
 * - 0xe0000 to 0xfffff: the firmware tables, RAM that the guest only reads
 * - 1 MiB to 0xbfffffff: RAM, as far as the domain's memory goes
 * - 4 GiB and up: the rest of it
 *
 * A domain's memory is counted as a PC's is: its first MiB includes the hole, so a domain of 1 MiB has
 * 640 KiB and the tables.
 */
#ifndef CONTROL_MEMMAP_H
#define CONTROL_MEMMAP_H

#include "guest/lib/types.h"

#define MEMMAP_LOW_END	    0xa0000ull
#define MEMMAP_TABLES_START 0xe0000ull
#define MEMMAP_TABLES_SIZE  0x20000ull
#define MEMMAP_HIGH_START   0x100000ull
#define MEMMAP_BELOW_4G_END 0xc0000000ull
#define MEMMAP_ABOVE_4G	    0x100000000ull
#define MEMMAP_MEMORY_MIN   0x100000ull
#define MEMMAP_MEMORY_MAX   (1ull << 40)
#define MEMMAP_RANGES_MAX   4

/* The numbers are those of e820, multiboot and hvm_memmap_table_entry alike. */
enum memmap_type { MEMMAP_RAM = 1, MEMMAP_RESERVED = 2 };

struct memmap_range {
	u64 start; /* gpa */
	u64 size;  /* bytes */
	enum memmap_type type;
};

/* A size that a domain can have: whole pages, between the two limits. */
bool memmap_valid(u64 memory);

/* Fills `range` in ascending order; returns how many there are. `memory` is valid. */
unsigned memmap_ranges(u64 memory, struct memmap_range range[MEMMAP_RANGES_MAX]);

/* True when all of [gpa, gpa + size) is RAM that the guest may write;
 * size 0 is inside when its address is. */
bool memmap_is_ram(u64 memory, u64 gpa, u64 size);

/* The end (gpa) of the RAM below 4 GiB; 640 KiB where there is none above 1 MiB. */
u64 memmap_low_ram_end(u64 memory);

/* Bytes of RAM, the tables' included: what creating the domain takes from the machine. */
u64 memmap_ram_bytes(u64 memory);

#endif
