/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot loader told us, in our own words: filled once by boot/ from the loader's tags, checked and
 * copied, so that nothing of the loader's memory is needed afterwards except the modules.  Read-only once
 * hv_main() runs.
 */
#ifndef HV_BOOTINFO_H
#define HV_BOOTINFO_H

#include "hv/types.h"

#define BOOT_MEM_MAX	  128
#define BOOT_MODULES_MAX  64
#define BOOT_RESERVED_MAX 96
#define BOOT_CMDLINE	  1024

/* Where two ranges overlap the greater one holds. */
enum boot_mem_type {
	BOOT_MEM_RAM = 1,
	BOOT_MEM_RESERVED = 2,
	BOOT_MEM_ACPI = 3, /* tables; RAM that could be reclaimed */
	BOOT_MEM_NVS = 4,
	BOOT_MEM_BAD = 5,
};

/* [start, end), bytes; RAM ranges are page-aligned inwards */
struct boot_range {
	hpa_t start, end;
	u32 type; /* enum boot_mem_type; 0 in the reserved list */
};

struct boot_module {
	hpa_t start, end; /* start is page-aligned; the last page belongs to the module alone */
	char cmdline[BOOT_CMDLINE];
};

/* The screen as the loader left it; addr 0: none, or one that is no use to us. */
struct boot_screen {
	u64 addr;
	u32 pitch, width,
		height; /* pitch: bytes from line to line; the others in pixels, in text mode in letters */
	u8 pixel_bytes; /* 3 or 4, red, green and blue in the lower 24 bits */
	bool text;	/* letter and attribute, as EGA has them */
};

struct bootinfo {
	u64 tsc; /* at our first instruction */
	u32 mem_count, module_count, reserved_count;
	u32 mem_dropped; /* ranges of the loader's map that did not fit or made no sense */
	struct boot_range mem[BOOT_MEM_MAX]; /* sorted, no overlaps; what is in none is no memory */
	/* Parts of RAM that are in use:
	 * image, modules, early allocations, the first MiB. Unsorted, may touch. */
	struct boot_range reserved[BOOT_RESERVED_MAX];
	struct boot_module module[BOOT_MODULES_MAX];
	char cmdline[BOOT_CMDLINE];
	char loader[64];
	u8 rsdp[36];   /* copy of the ACPI root pointer */
	u32 rsdp_size; /* 0: none given; 20: ACPI 1.0; 36 */
	struct boot_screen screen;
};

/* Is all of [start, end) RAM? */
bool boot_in_ram(const struct bootinfo *bi, hpa_t start, hpa_t end);
/* Takes [start, end) out of what the frame allocator may give. Boot only; panics when the list is full. */
void boot_reserve(struct bootinfo *bi, hpa_t start, hpa_t end);
/* RAM that is not reserved, in whole pages, sorted; returns how many ranges. Complete once hv_main() runs. */
struct frame_range;
u32 boot_free_ranges(const struct bootinfo *bi, struct frame_range *out, u32 max);

#endif
