/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF kernels with the PVH entry note (T).
 */
#include "guest/control/builder/pvh.h"

#include "guest/control/builder/elf.h"
#include "guest/control/memmap.h"
#include "guest/lib/string.h"

#define NOTE_NAME	  "Xen"
#define NOTE_PHYS32_ENTRY 18

/* start_info.h: "struct hvm_start_info", "struct hvm_modlist_entry", "struct hvm_memmap_table_entry" */
#define START_INFO_MAGIC 0x336ec578
struct hvm_start_info {
	u32 magic;
	u32 version; /* 1: with a memory map */
	u32 flags;
	u32 nr_modules;
	u64 modlist_paddr;
	u64 cmdline_paddr;
	u64 rsdp_paddr;
	u64 memmap_paddr;
	u32 memmap_entries;
	u32 reserved;
};
_Static_assert(sizeof(struct hvm_start_info) == 56, "start_info.h: struct hvm_start_info");

struct hvm_modlist_entry {
	u64 paddr;
	u64 size;
	u64 cmdline_paddr;
	u64 reserved;
};
_Static_assert(sizeof(struct hvm_modlist_entry) == 32, "start_info.h: struct hvm_modlist_entry");

struct hvm_memmap_table_entry {
	u64 addr;
	u64 size;
	u32 type;
	u32 reserved;
};
_Static_assert(sizeof(struct hvm_memmap_table_entry) == 24, "start_info.h: struct hvm_memmap_table_entry");

static bool find_note(const struct elf *e, const void **desc, u32 *descsz)
{
	return elf_note(e, NOTE_NAME, NOTE_PHYS32_ENTRY, desc, descsz);
}

bool pvh_is(const void *image, size_t size)
{
	char ignored[LOAD_ERR_SIZE];
	const void *desc;
	struct elf e;
	u32 descsz;

	return elf_open(&e, image, size, ignored) && find_note(&e, &desc, &descsz);
}

/* The note's number has 4 or 8 bytes; the entry itself is a 32-bit physical address. */
static bool entry_point(const struct elf *e, const struct load_plan *plan, u64 *entry,
			char err[LOAD_ERR_SIZE])
{
	const void *desc;
	u32 descsz;

	if (!find_note(e, &desc, &descsz))
		return load_fail(err, "no PVH note");
	if (descsz != 4 && descsz != 8)
		return load_fail(err, "the PVH note has %u bytes, not 4 or 8", descsz);
	*entry = descsz == 4 ? load_u32(desc) : load_u64(desc);
	if (*entry > UINT32_MAX || !elf_in_segments(plan, *entry))
		return load_fail(err, "the PVH entry 0x%llx is outside what the image loads",
				 (unsigned long long)*entry);
	return true;
}

static u64 put_memmap(const struct load_input *in, struct load_plan *plan, u32 *entries)
{
	struct memmap_range range[MEMMAP_RANGES_MAX];
	struct hvm_memmap_table_entry *t;
	u64 gpa;

	*entries = memmap_ranges(in->memory, range);
	t = load_arena_take(plan, *entries * sizeof(*t), 8, &gpa);
	for (u32 i = 0; i < *entries; i++)
		t[i] = (struct hvm_memmap_table_entry){ range[i].start, range[i].size, range[i].type, 0 };
	return gpa;
}

static u64 put_modlist(const struct load_input *in, struct load_plan *plan, u64 initrd)
{
	struct hvm_modlist_entry *m;
	u64 gpa;

	m = load_arena_take(plan, sizeof(*m), 8, &gpa);
	*m = (struct hvm_modlist_entry){ .paddr = initrd, .size = in->initrd_size };
	if (in->initrd_name)
		m->cmdline_paddr = load_arena_string(plan, in->initrd_name);
	return gpa;
}

bool pvh_load(const struct load_input *in, struct load_plan *plan, char err[LOAD_ERR_SIZE])
{
	const char *cmdline = in->cmdline ? in->cmdline : "";
	size_t strings = strlen(cmdline) + 1 + (in->initrd_name ? strlen(in->initrd_name) + 1 : 0);
	struct hvm_start_info *si;
	struct elf e;
	u64 initrd = 0;

	plan->format = "PVH ELF";
	plan->kind = LOAD_ENTRY_FLAT32;
	if (!elf_open(&e, in->image, in->size, err) || !elf_load(&e, in, plan, err) ||
	    !entry_point(&e, plan, &plan->entry, err))
		return false;
	if (!load_arena_place(in, plan, 512 + strings, err))
		return false;

	si = load_arena_take(plan, sizeof(*si), 8, &plan->rbx);
	si->magic = START_INFO_MAGIC;
	si->version = 1;
	si->rsdp_paddr = in->rsdp;
	si->memmap_paddr = put_memmap(in, plan, &si->memmap_entries);
	/* The arena is not yet a segment, so its place is taken out by hand: it lies low, the initrd is
	 * searched from above. */
	if (in->initrd) {
		if (!load_find(in, plan, ALIGN_UP((u64)in->initrd_size, PAGE_SIZE), PAGE_SIZE,
			       plan->arena_gpa + plan->arena_size, memmap_low_ram_end(in->memory), true,
			       &initrd))
			return load_fail(err, "no room for an initrd of %zu bytes in %llu KiB",
					 in->initrd_size, (unsigned long long)(in->memory / 1024));
		si->nr_modules = 1;
		si->modlist_paddr = put_modlist(in, plan, initrd);
	}
	si->cmdline_paddr = load_arena_string(plan, cmdline);
	if (!load_arena_add(in, plan, err))
		return false;
	return !in->initrd || load_add_initrd(in, plan, initrd, err);
}
