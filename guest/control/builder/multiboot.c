/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot 1 kernels (T).
 */
#include "guest/control/builder/multiboot.h"

#include "guest/control/builder/elf.h"
#include "guest/control/memmap.h"
#include "guest/lib/string.h"

/* "OS image format": header layout and magic fields */
#define HEADER_MAGIC   0x1badb002u
#define HEADER_SEARCH  8192u
#define FLAG_ALIGN     (1u << 0) /* modules on page boundaries: ours always are */
#define FLAG_MEMORY    (1u << 1) /* memory information: always given */
#define FLAG_VIDEO     (1u << 2)
#define FLAG_ADDRESSES (1u << 16)
#define FLAGS_REQUIRED 0xffffu

/* "Boot information format" */
#define BOOT_MAGIC	 0x2badb002u
#define INFO_MEMORY	 (1u << 0)
#define INFO_CMDLINE	 (1u << 2)
#define INFO_MODS	 (1u << 3)
#define INFO_MMAP	 (1u << 6)
#define INFO_LOADER_NAME (1u << 9)
struct multiboot_info {
	u32 flags;
	u32 mem_lower, mem_upper; /* KiB */
	u32 boot_device;
	u32 cmdline;
	u32 mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr;
	u32 drives_length, drives_addr;
	u32 config_table;
	u32 boot_loader_name;
	u32 apm_table;
	u32 vbe[4];
};
_Static_assert(sizeof(struct multiboot_info) == 88, "Multiboot: Boot information format");
_Static_assert(offsetof(struct multiboot_info, mmap_length) == 44, "Multiboot: Boot information format");
_Static_assert(offsetof(struct multiboot_info, boot_loader_name) == 64, "Multiboot: Boot information format");

struct multiboot_mod {
	u32 start, end, string, reserved;
};

struct multiboot_mmap {
	u32 size; /* of the rest */
	u32 base_low, base_high;
	u32 length_low, length_high;
	u32 type;
};
_Static_assert(sizeof(struct multiboot_mmap) == 24, "Multiboot: Boot information format, mmap");

#define LOADER_NAME "Caisson"

/* The header's offset in the file, or a negative number. */
static long find_header(const u8 *f, size_t size)
{
	size_t end = MIN(size, (size_t)HEADER_SEARCH);

	for (size_t at = 0; at + 12 <= end; at += 4)
		if (load_u32(f + at) == HEADER_MAGIC &&
		    load_u32(f + at) + load_u32(f + at + 4) + load_u32(f + at + 8) == 0)
			return (long)at;
	return -1;
}

bool multiboot_is(const void *image, size_t size)
{
	return find_header(image, size) >= 0;
}

/*
 * "The address fields of Multiboot header": the file's bytes from load_addr's place on go to load_addr;
 * load_end 0 means the whole rest of the file, bss_end 0 no bss.
 */
static bool load_by_addresses(const struct load_input *in, struct load_plan *plan, size_t header,
			      char err[LOAD_ERR_SIZE])
{
	const u8 *f = in->image;
	u32 header_addr, load_addr, load_end, bss_end, entry;
	u64 from, filesz, memsz;

	if (in->size - header < 32)
		return load_fail(err,
				 "multiboot header truncated: its addresses are beyond the file's %zu bytes",
				 in->size);
	header_addr = load_u32(f + header + 12);
	load_addr = load_u32(f + header + 16);
	load_end = load_u32(f + header + 20);
	bss_end = load_u32(f + header + 24);
	entry = load_u32(f + header + 28);
	if (load_addr > header_addr || header_addr - load_addr > header)
		return load_fail(err, "multiboot: load address 0x%x does not fit header address 0x%x",
				 load_addr, header_addr);
	from = header - (header_addr - load_addr);
	if (load_end && load_end <= load_addr)
		return load_fail(err, "multiboot: load end 0x%x is not above load address 0x%x", load_end,
				 load_addr);
	filesz = load_end ? load_end - load_addr : in->size - from;
	if (filesz > in->size - from)
		return load_fail(err, "multiboot image truncated: %llu bytes to load, file has %llu",
				 (unsigned long long)filesz, (unsigned long long)(in->size - from));
	memsz = filesz;
	if (bss_end) {
		if (bss_end < load_addr + filesz)
			return load_fail(err, "multiboot: bss end 0x%x is below the end of what is loaded",
					 bss_end);
		memsz = bss_end - load_addr;
	}
	if (!load_add(in, plan,
		      &(struct load_segment){ .what = "image",
					      .gpa = load_addr,
					      .src = f + from,
					      .filesz = filesz,
					      .memsz = memsz },
		      err))
		return false;
	plan->format = "multiboot";
	plan->entry = entry;
	return true;
}

/* An entry linked at a virtual address is moved to where its segment is loaded. */
static u64 physical_entry(const struct elf *e)
{
	char ignored[LOAD_ERR_SIZE];
	struct elf_phdr ph;

	for (unsigned i = 0; i < e->phnum; i++)
		if (elf_phdr(e, i, &ph, ignored) && ph.type == ELF_PT_LOAD && e->entry >= ph.vaddr &&
		    e->entry - ph.vaddr < ph.memsz)
			return e->entry - ph.vaddr + ph.paddr;
	return e->entry;
}

static bool load_elf(const struct load_input *in, struct load_plan *plan, char err[LOAD_ERR_SIZE])
{
	struct elf e;

	if (!elf_open(&e, in->image, in->size, err) || !elf_load(&e, in, plan, err))
		return false;
	plan->format = "multiboot ELF";
	plan->entry = physical_entry(&e);
	return true;
}

static u64 put_mmap(const struct load_input *in, struct load_plan *plan, u32 *length)
{
	struct memmap_range range[MEMMAP_RANGES_MAX];
	unsigned n = memmap_ranges(in->memory, range);
	struct multiboot_mmap *m;
	u64 gpa;

	*length = (u32)(n * sizeof(*m));
	m = load_arena_take(plan, *length, 4, &gpa);
	for (unsigned i = 0; i < n; i++)
		m[i] = (struct multiboot_mmap){ .size = sizeof(*m) - sizeof(m->size),
						.base_low = (u32)range[i].start,
						.base_high = (u32)(range[i].start >> 32),
						.length_low = (u32)range[i].size,
						.length_high = (u32)(range[i].size >> 32),
						.type = range[i].type };
	return gpa;
}

/* Kernels take the first word for their own name, as GRUB and QEMU give it. */
static u64 put_cmdline(const struct load_input *in, struct load_plan *plan)
{
	const char *name = in->name ? in->name : "kernel", *args = in->cmdline ? in->cmdline : "";
	size_t n = strlen(name), m = strlen(args);
	u64 gpa;
	char *s = load_arena_take(plan, n + 1 + m + 1, 1, &gpa);

	memcpy(s, name, n);
	if (m) {
		s[n] = ' ';
		memcpy(s + n + 1, args, m);
	}
	return gpa;
}

/* Right above the image, where other loaders put it too: kernels start to hand out memory behind it. */
static bool place_module(const struct load_input *in, const struct load_plan *plan, u64 *gpa,
			 char err[LOAD_ERR_SIZE])
{
	u64 size = ALIGN_UP((u64)in->initrd_size, PAGE_SIZE), end = 0, limit = memmap_low_ram_end(in->memory);

	for (unsigned i = 0; i < plan->nsegments; i++)
		end = MAX(end, plan->segment[i].gpa + plan->segment[i].memsz);
	if (load_find(in, plan, size, PAGE_SIZE, end, limit, false, gpa) ||
	    load_find(in, plan, size, PAGE_SIZE, PAGE_SIZE, limit, false, gpa))
		return true;
	return load_fail(err, "no room for a module of %zu bytes in %llu KiB", in->initrd_size,
			 (unsigned long long)(in->memory / 1024));
}

static bool put_info(const struct load_input *in, struct load_plan *plan, u64 module)
{
	struct multiboot_info *info = load_arena_take(plan, sizeof(*info), 8, &plan->rbx);
	u64 mods, high = memmap_low_ram_end(in->memory);

	info->flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODS | INFO_MMAP | INFO_LOADER_NAME;
	info->mem_lower = MEMMAP_LOW_END / 1024;
	info->mem_upper = high > MEMMAP_HIGH_START ? (u32)((high - MEMMAP_HIGH_START) / 1024) : 0;
	info->mmap_addr = (u32)put_mmap(in, plan, &info->mmap_length);
	if (in->initrd) {
		struct multiboot_mod *mod = load_arena_take(plan, sizeof(*mod), 4, &mods);

		info->mods_count = 1;
		info->mods_addr = (u32)mods;
		mod->start = (u32)module;
		mod->end = (u32)(module + in->initrd_size);
		mod->string = (u32)load_arena_string(plan, in->initrd_name ? in->initrd_name : "");
	}
	info->cmdline = (u32)put_cmdline(in, plan);
	info->boot_loader_name = (u32)load_arena_string(plan, LOADER_NAME);
	return true;
}

static bool check_flags(u32 flags, char err[LOAD_ERR_SIZE])
{
	if (flags & FLAG_VIDEO)
		return load_fail(err, "the multiboot kernel requires a video mode: a domain has no screen");
	if (flags & FLAGS_REQUIRED & ~(FLAG_ALIGN | FLAG_MEMORY))
		return load_fail(err, "the multiboot kernel requires unknown features: flags 0x%x", flags);
	return true;
}

bool multiboot_load(const struct load_input *in, struct load_plan *plan, char err[LOAD_ERR_SIZE])
{
	long header = find_header(in->image, in->size);
	size_t strings;
	u64 module = 0;
	u32 flags;

	if (header < 0)
		return load_fail(err, "no multiboot header");
	flags = load_u32((const u8 *)in->image + header + 4);
	plan->kind = LOAD_ENTRY_FLAT32;
	plan->rax = BOOT_MAGIC;
	if (!check_flags(flags, err))
		return false;
	if (flags & FLAG_ADDRESSES ? !load_by_addresses(in, plan, (size_t)header, err)
				   : !load_elf(in, plan, err))
		return false;
	if (plan->entry > UINT32_MAX || !elf_in_segments(plan, plan->entry))
		return load_fail(err, "the entry 0x%llx is outside what the image loads",
				 (unsigned long long)plan->entry);

	strings = strlen(in->cmdline ? in->cmdline : "") + strlen(in->name ? in->name : "kernel") +
		  strlen(in->initrd_name ? in->initrd_name : "") + sizeof(LOADER_NAME) + 3;
	if (in->initrd && (!place_module(in, plan, &module, err) || !load_add_initrd(in, plan, module, err)))
		return false;
	return load_arena_place(in, plan, 256 + strings, err) && put_info(in, plan, module) &&
	       load_arena_add(in, plan, err);
}
