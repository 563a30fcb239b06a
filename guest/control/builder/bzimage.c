/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux bzImage by the 64-bit boot protocol (T).
 */
#include "guest/control/builder/bzimage.h"

#include "guest/control/memmap.h"
#include "guest/lib/string.h"

/* boot.rst, "The Real-Mode Kernel Header": offsets in the file, which are those in boot_params too */
#define HDR_START	     0x1f1
#define HDR_SETUP_SECTS	     0x1f1
#define HDR_SYSSIZE	     0x1f4 /* in 16-byte paragraphs */
#define HDR_VID_MODE	     0x1fa
#define HDR_BOOT_FLAG	     0x1fe
#define HDR_JUMP_SIZE	     0x201 /* the header ends that many bytes behind 0x202 */
#define HDR_MAGIC	     0x202
#define HDR_VERSION	     0x206
#define HDR_TYPE_OF_LOADER   0x210
#define HDR_LOADFLAGS	     0x211
#define HDR_CODE32_START     0x214
#define HDR_RAMDISK_IMAGE    0x218
#define HDR_RAMDISK_SIZE     0x21c
#define HDR_CMD_LINE_PTR     0x228
#define HDR_INITRD_ADDR_MAX  0x22c
#define HDR_KERNEL_ALIGNMENT 0x230
#define HDR_RELOCATABLE	     0x234
#define HDR_XLOADFLAGS	     0x236
#define HDR_CMDLINE_SIZE     0x238
#define HDR_PAYLOAD_OFFSET   0x248
#define HDR_PAYLOAD_LENGTH   0x24c
#define HDR_SETUP_DATA	     0x250
#define HDR_PREF_ADDRESS     0x258
#define HDR_INIT_SIZE	     0x260
#define HDR_MIN_FILE	     0x264 /* what we read ends here */
#define HDR_LIMIT	     0x290 /* boot_params has edd_mbr_sig_buffer from here on */

#define BOOT_FLAG	 0xaa55
#define MAGIC		 0x53726448u /* "HdrS" */
#define VERSION_MIN	 0x020c
#define LOADER_UNDEFINED 0xff
#define LOADFLAG_HIGH	 (1u << 0)
#define LOADFLAG_HEAP	 (1u << 7)
#define XLF_KERNEL_64	 (1u << 0)
#define VID_MODE_NORMAL	 0xffff
#define ENTRY64_OFFSET	 0x200
#define SECTOR		 512u

/* zero-page.rst */
#define BP_SIZE		  4096u
#define BP_ACPI_RSDP_ADDR 0x070
#define BP_E820_ENTRIES	  0x1e8
#define BP_E820_TABLE	  0x2d0
#define BP_E820_SIZE	  20

/* SDM: "4-Level Paging" */
#define PTE_PRESENT (1ull << 0)
#define PTE_WRITE   (1ull << 1)
#define PTE_LARGE   (1ull << 7)
#define TABLE_PAGES 6 /* PML4, PDPT, four page directories of 2 MiB pages: 4 GiB */

/* What the header says, once. */
struct header {
	u32 setup_bytes; /* the kernel proper follows */
	u64 kernel_bytes;
	u64 init_size;
	u64 pref_address;
	u64 alignment;
	u64 initrd_max; /* highest address of the initrd's last byte */
	u32 cmdline_max;
	u32 header_end;
	bool relocatable;
};

bool bzimage_is(const void *image, size_t size)
{
	const u8 *f = image;

	return size >= HDR_MAGIC + 4 && load_u16(f + HDR_BOOT_FLAG) == BOOT_FLAG &&
	       load_u32(f + HDR_MAGIC) == MAGIC;
}

static bool check_protocol(const u8 *f, size_t size, char err[LOAD_ERR_SIZE])
{
	u16 version;

	if (size < HDR_MIN_FILE)
		return load_fail(err, "bzImage truncated inside its setup header: %zu bytes", size);
	version = load_u16(f + HDR_VERSION);
	if (version < VERSION_MIN)
		return load_fail(err, "boot protocol %u.%02u is too old: 2.12 or later is needed",
				 version >> 8, version & 0xff);
	if (!(f[HDR_LOADFLAGS] & LOADFLAG_HIGH))
		return load_fail(err, "this is a zImage, which loads low: a bzImage is needed");
	if (!(load_u16(f + HDR_XLOADFLAGS) & XLF_KERNEL_64))
		return load_fail(err,
				 "the kernel has no 64-bit entry (XLF_KERNEL_64): a 64-bit kernel is needed");
	return true;
}

static bool read_header(const u8 *f, size_t size, struct header *h, char err[LOAD_ERR_SIZE])
{
	u32 payload = load_u32(f + HDR_PAYLOAD_OFFSET), payload_length = load_u32(f + HDR_PAYLOAD_LENGTH);
	u32 sects = f[HDR_SETUP_SECTS] ? f[HDR_SETUP_SECTS] : 4; /* "if it contains 0, the real value is 4" */

	*h = (struct header){ .setup_bytes = (sects + 1) * SECTOR,
			      .kernel_bytes = load_u32(f + HDR_SYSSIZE) * 16ull,
			      .init_size = load_u32(f + HDR_INIT_SIZE),
			      .pref_address = load_u64(f + HDR_PREF_ADDRESS),
			      .alignment = load_u32(f + HDR_KERNEL_ALIGNMENT),
			      .initrd_max = load_u32(f + HDR_INITRD_ADDR_MAX),
			      .cmdline_max = load_u32(f + HDR_CMDLINE_SIZE),
			      .header_end = HDR_MAGIC + f[HDR_JUMP_SIZE],
			      .relocatable = f[HDR_RELOCATABLE] };

	if (h->kernel_bytes <= ENTRY64_OFFSET)
		return load_fail(err, "bzImage corrupt: its kernel has %llu bytes",
				 (unsigned long long)h->kernel_bytes);
	if (h->setup_bytes > size || h->kernel_bytes > size - h->setup_bytes)
		return load_fail(err, "bzImage truncated: %zu bytes of %llu", size,
				 (unsigned long long)(h->setup_bytes + h->kernel_bytes));
	if (payload > h->kernel_bytes || payload_length > h->kernel_bytes - payload)
		return load_fail(err, "bzImage corrupt: payload of %u bytes at %u in a kernel of %llu",
				 payload_length, payload, (unsigned long long)h->kernel_bytes);
	if (h->init_size < h->kernel_bytes)
		return load_fail(err,
				 "bzImage corrupt: init_size 0x%llx is less than the kernel's 0x%llx bytes",
				 (unsigned long long)h->init_size, (unsigned long long)h->kernel_bytes);
	if (h->alignment == 0 || (h->alignment & (h->alignment - 1)))
		return load_fail(err, "bzImage corrupt: kernel_alignment 0x%llx is no power of two",
				 (unsigned long long)h->alignment);
	if (h->header_end < HDR_MIN_FILE || h->header_end > HDR_LIMIT || h->header_end > size)
		return load_fail(err, "bzImage corrupt: its setup header ends at 0x%x", h->header_end);
	return true;
}

/*
 * "pref_address": a relocatable kernel that cannot stand there goes to the lowest aligned address that has
 * room; one that is not relocatable stands there or nowhere.
 */
static bool place_kernel(const struct load_input *in, const struct load_plan *plan, const struct header *h,
			 u64 *at, char err[LOAD_ERR_SIZE])
{
	u64 align = MAX(h->alignment, (u64)PAGE_SIZE);

	*at = h->pref_address;
	if (*at >= MEMMAP_HIGH_START && *at < MEMMAP_BELOW_4G_END &&
	    memmap_is_ram(in->memory, *at, h->init_size))
		return true;
	if (h->relocatable &&
	    load_find(in, plan, h->init_size, align, MEMMAP_HIGH_START, MEMMAP_BELOW_4G_END, false, at))
		return true;
	return load_fail(err, "the kernel needs 0x%llx bytes %s 0x%llx: too much for a domain of %llu KiB",
			 (unsigned long long)h->init_size, h->relocatable ? "at or near" : "at",
			 (unsigned long long)h->pref_address, (unsigned long long)(in->memory / 1024));
}

static bool place_initrd(const struct load_input *in, const struct load_plan *plan, const struct header *h,
			 u64 *at, char err[LOAD_ERR_SIZE])
{
	u64 end = MIN(h->initrd_max + 1, memmap_low_ram_end(in->memory));

	if (load_find(in, plan, ALIGN_UP((u64)in->initrd_size, PAGE_SIZE), PAGE_SIZE, MEMMAP_HIGH_START, end,
		      true, at))
		return true;
	return load_fail(err, "no room for an initrd of %zu bytes below 0x%llx in a domain of %llu KiB",
			 in->initrd_size, (unsigned long long)end, (unsigned long long)(in->memory / 1024));
}

/* 4 GiB one to one. */
static u64 put_page_tables(struct load_plan *plan)
{
	u64 gpa;
	u8 *t = load_arena_take(plan, TABLE_PAGES * PAGE_SIZE, PAGE_SIZE, &gpa);

	load_put64(t, (gpa + PAGE_SIZE) | PTE_PRESENT | PTE_WRITE);
	for (u64 i = 0; i < 4; i++)
		load_put64(t + PAGE_SIZE + 8 * i, (gpa + (2 + i) * PAGE_SIZE) | PTE_PRESENT | PTE_WRITE);
	for (u64 i = 0; i < 4 * 512; i++)
		load_put64(t + 2 * PAGE_SIZE + 8 * i, i << 21 | PTE_PRESENT | PTE_WRITE | PTE_LARGE);
	return gpa;
}

/* "64-bit boot protocol": __BOOT_CS (0x10) execute/read and __BOOT_DS (0x18) read/write, flat. */
static u64 put_gdt(struct load_plan *plan)
{
	u64 gpa;
	u8 *g = load_arena_take(plan, 4 * 8, 16, &gpa);

	load_put64(g + LOAD_LINUX64_CS, 0x00af9b000000ffffull);
	load_put64(g + LOAD_LINUX64_DS, 0x00cf93000000ffffull);
	plan->gdt_limit = 4 * 8 - 1;
	return gpa;
}

static void put_e820(const struct load_input *in, u8 *bp)
{
	struct memmap_range range[MEMMAP_RANGES_MAX];
	unsigned n = memmap_ranges(in->memory, range);

	bp[BP_E820_ENTRIES] = (u8)n;
	for (unsigned i = 0; i < n; i++) {
		u8 *e = bp + BP_E820_TABLE + i * BP_E820_SIZE;

		load_put64(e, range[i].start);
		load_put64(e + 8, range[i].size);
		load_put32(e + 16, range[i].type);
	}
}

/* The zero page: all zero but the setup header and what a loader has to fill in. */
static void put_boot_params(const struct load_input *in, struct load_plan *plan, const struct header *h,
			    u64 kernel, u64 initrd, u64 cmdline)
{
	u8 *bp = load_arena_take(plan, BP_SIZE, PAGE_SIZE, &plan->rsi);

	memcpy(bp + HDR_START, (const u8 *)in->image + HDR_START, h->header_end - HDR_START);
	bp[HDR_TYPE_OF_LOADER] = LOADER_UNDEFINED;
	bp[HDR_LOADFLAGS] &= (u8)~LOADFLAG_HEAP; /* the heap is the real-mode code's, which does not run */
	load_put16(bp + HDR_VID_MODE, VID_MODE_NORMAL);
	load_put32(bp + HDR_CODE32_START, (u32)kernel);
	load_put32(bp + HDR_RAMDISK_IMAGE, (u32)initrd);
	load_put32(bp + HDR_RAMDISK_SIZE, (u32)in->initrd_size);
	load_put32(bp + HDR_CMD_LINE_PTR, (u32)cmdline);
	load_put64(bp + HDR_SETUP_DATA, 0);
	load_put64(bp + BP_ACPI_RSDP_ADDR, in->rsdp);
	put_e820(in, bp);
}

bool bzimage_load(const struct load_input *in, struct load_plan *plan, char err[LOAD_ERR_SIZE])
{
	const char *cmdline = in->cmdline ? in->cmdline : "";
	size_t length = strlen(cmdline);
	const u8 *f = in->image;
	struct header h;
	u64 kernel, initrd = 0;

	plan->format = "Linux bzImage";
	plan->kind = LOAD_ENTRY_LINUX64;
	if (!check_protocol(f, in->size, err) || !read_header(f, in->size, &h, err))
		return false;
	if (length > h.cmdline_max)
		return load_fail(err, "the command line has %zu bytes, this kernel takes %u", length,
				 h.cmdline_max);

	if (!place_kernel(in, plan, &h, &kernel, err) ||
	    !load_add(in, plan,
		      &(struct load_segment){ .what = "kernel",
					      .gpa = kernel,
					      .src = f + h.setup_bytes,
					      .filesz = h.kernel_bytes,
					      .memsz = h.init_size },
		      err))
		return false;
	if (in->initrd &&
	    (!place_initrd(in, plan, &h, &initrd, err) || !load_add_initrd(in, plan, initrd, err)))
		return false;

	if (!load_arena_place(in, plan, (TABLE_PAGES + 1) * PAGE_SIZE + 64 + length + 1, err))
		return false;
	plan->cr3 = put_page_tables(plan);
	plan->gdt = put_gdt(plan);
	put_boot_params(in, plan, &h, kernel, initrd, load_arena_string(plan, cmdline));
	plan->entry = kernel + ENTRY64_OFFSET;
	return load_arena_add(in, plan, err);
}
