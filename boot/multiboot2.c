/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/multiboot2.h"
#include "hv/string.h"

enum {
	TAG_END = 0,
	TAG_CMDLINE = 1,
	TAG_LOADER = 2,
	TAG_MODULE = 3,
	TAG_MMAP = 6,
	TAG_FRAMEBUFFER = 8,
	TAG_EFI32 = 11,
	TAG_EFI64 = 12,
	TAG_RSDP_OLD = 14,
	TAG_RSDP_NEW = 15,
	TAG_EFI_MMAP = 17,
};

struct tag {
	u32 type, size;
};
struct mmap_entry {
	u64 addr, len;
	u32 type, rsvd;
};
/* UEFI specification, "EFI_BOOT_SERVICES.GetMemoryMap()" */
struct efi_desc {
	u32 type, pad;
	u64 phys, virt, pages, attribute;
};
enum {
	EFI_LOADER_CODE = 1,
	EFI_BS_DATA = 4,
	EFI_CONVENTIONAL = 7,
	EFI_UNUSABLE = 8,
	EFI_ACPI = 9,
	EFI_NVS = 10
};

/* Where two ranges overlap the one that is less ours wins. */
static u32 caution(u32 type)
{
	static const u8 rank[] = { [BOOT_MEM_RAM] = 0,
				   [BOOT_MEM_ACPI] = 1,
				   [BOOT_MEM_NVS] = 2,
				   [BOOT_MEM_RESERVED] = 3,
				   [BOOT_MEM_BAD] = 4 };

	return rank[type];
}

static void drop(struct bootinfo *bi, u32 at)
{
	for (u32 i = at; i + 1 < bi->mem_count; i++)
		bi->mem[i] = bi->mem[i + 1];
	bi->mem_count--;
}

static bool insert(struct bootinfo *bi, u32 at, struct boot_range r)
{
	if (bi->mem_count == BOOT_MEM_MAX) {
		bi->mem_dropped++;
		return false;
	}
	for (u32 i = bi->mem_count; i > at; i--)
		bi->mem[i] = bi->mem[i - 1];
	bi->mem[at] = r;
	bi->mem_count++;
	return true;
}

static void trim_ram(struct boot_range *r)
{
	if (r->type == BOOT_MEM_RAM) {
		r->start.v = ALIGN_UP(r->start.v, PAGE_SIZE);
		r->end.v = ALIGN_DOWN(r->end.v, PAGE_SIZE);
	}
}

/* Cuts [start, end) out of the range at index i; returns where to look on. */
static u32 cut(struct bootinfo *bi, u32 i, u64 start, u64 end)
{
	struct boot_range *m = &bi->mem[i], right = *m;

	right.start.v = end;
	trim_ram(&right);
	m->end.v = MIN(m->end.v, start);
	trim_ram(m);
	if (right.end.v > right.start.v && end < right.end.v)
		insert(bi, i + 1, right);
	if (bi->mem[i].end.v <= bi->mem[i].start.v) {
		drop(bi, i);
		return i;
	}
	return i + 1;
}

/* Adds [start, end) and keeps the map sorted and disjoint. */
static void add_range(struct bootinfo *bi, u64 start, u64 end, u32 type)
{
	struct boot_range r = { HPA(start), HPA(end), type, NULL };
	u32 i;

	trim_ram(&r);
	if (r.end.v <= r.start.v || r.end.v > BIT(52)) {
		bi->mem_dropped += r.end.v > BIT(52) || end < start;
		return;
	}
	for (i = 0; i < bi->mem_count && bi->mem[i].start.v < r.end.v;) {
		struct boot_range *m = &bi->mem[i], tail = r;

		if (m->end.v <= r.start.v) {
			i++;
		} else if (caution(type) > caution(m->type)) {
			i = cut(bi, i, r.start.v, r.end.v);
		} else { /* the old one stays: we get what is left of it, and go on with what is right of it
			  */
			tail.start = m->end;
			r.end.v = MIN(r.end.v, m->start.v);
			trim_ram(&r);
			trim_ram(&tail);
			if (r.end.v > r.start.v && insert(bi, i, r))
				i++;
			r = tail;
			i++;
			if (r.end.v <= r.start.v)
				return;
		}
	}
	for (i = 0; i < bi->mem_count && bi->mem[i].start.v < r.start.v; i++)
		;
	insert(bi, i, r);
}

/* Neighbours of one kind become one range. */
static void merge(struct bootinfo *bi)
{
	for (u32 i = 0; i + 1 < bi->mem_count;) {
		struct boot_range *m = &bi->mem[i];

		if (m[0].type == m[1].type && m[0].end.v == m[1].start.v) {
			m[0].end = m[1].end;
			drop(bi, i + 1);
		} else {
			i++;
		}
	}
}

static const char *parse_mmap(struct bootinfo *bi, const u8 *p, u32 size)
{
	struct mmap_entry e;
	u32 entry_size;

	if (size < 16)
		return "the memory map tag is cut short";
	memcpy(&entry_size, p + 8, 4);
	if (entry_size < sizeof(e) || entry_size % 8)
		return "the memory map's entries have an impossible size";
	for (u32 at = 16; at + entry_size <= size; at += entry_size) {
		memcpy(&e, p + at, sizeof(e));
		if (e.len == 0)
			continue;
		if (e.addr + e.len < e.addr) {
			bi->mem_dropped++;
			continue;
		}
		add_range(bi, e.addr, e.addr + e.len,
			  e.type >= BOOT_MEM_RAM && e.type <= BOOT_MEM_BAD ? e.type : BOOT_MEM_RESERVED);
	}
	return NULL;
}

/* Only for a loader that gives no other map. Boot services are over: their memory is ours. */
static const char *parse_efi_mmap(struct bootinfo *bi, const u8 *p, u32 size)
{
	struct efi_desc d;
	u32 desc_size;

	if (size < 16)
		return "the EFI memory map tag is cut short";
	memcpy(&desc_size, p + 8, 4);
	if (desc_size < sizeof(d) || desc_size % 8)
		return "the EFI memory map's entries have an impossible size";
	for (u32 at = 16; at + desc_size <= size; at += desc_size) {
		u32 type = BOOT_MEM_RESERVED;

		memcpy(&d, p + at, sizeof(d));
		if (d.pages == 0)
			continue;
		if (d.pages >> 40 || d.phys + d.pages * PAGE_SIZE < d.phys) {
			bi->mem_dropped++;
			continue;
		}
		if ((d.type >= EFI_LOADER_CODE && d.type <= EFI_BS_DATA) || d.type == EFI_CONVENTIONAL)
			type = BOOT_MEM_RAM;
		else if (d.type == EFI_UNUSABLE)
			type = BOOT_MEM_BAD;
		else if (d.type == EFI_ACPI || d.type == EFI_NVS)
			type = d.type == EFI_ACPI ? BOOT_MEM_ACPI : BOOT_MEM_NVS;
		add_range(bi, d.phys, d.phys + d.pages * PAGE_SIZE, type);
	}
	return NULL;
}

static const char *parse_module(struct bootinfo *bi, const u8 *p, u32 size)
{
	struct boot_module *m = &bi->module[bi->module_count];
	u32 start, end;

	if (size < 16)
		return "a module tag is cut short";
	if (bi->module_count == BOOT_MODULES_MAX)
		return "more than 64 modules";
	memcpy(&start, p + 8, 4);
	memcpy(&end, p + 12, 4);
	if (end < start)
		return "a module ends before it starts";
	if (start % PAGE_SIZE)
		return "a module does not start on a page boundary, though the header asks for it";
	for (u32 i = 0; i < bi->module_count; i++) {
		if (start < bi->module[i].end.v && bi->module[i].start.v < end)
			return "two modules overlap";
	}
	m->start.v = start;
	m->end.v = end;
	str_copy_n(m->cmdline, sizeof(m->cmdline), p + 16, size - 16);
	bi->module_count++;
	return NULL;
}

static void parse_framebuffer(struct bootinfo *bi, const u8 *p, u32 size)
{
	if (size < 30)
		return;
	memcpy(&bi->framebuffer.addr, p + 8, 8);
	memcpy(&bi->framebuffer.pitch, p + 16, 12); /* pitch, width, height */
	bi->framebuffer.bpp = p[28];
	bi->framebuffer.kind = p[29];
}

static void parse_rsdp(struct bootinfo *bi, const u8 *p, u32 size)
{
	u32 n = MIN(size - 8, (u32)sizeof(bi->rsdp));

	if (n < 20 || n < bi->rsdp_size) /* the new one is better, whichever comes first */
		return;
	memcpy(bi->rsdp, p + 8, n);
	bi->rsdp_size = n >= 36 ? 36 : 20;
}

static const char *parse_tag(struct bootinfo *bi, const u8 *p, struct tag t, const u8 **efi_map)
{
	switch (t.type) {
	case TAG_CMDLINE:
		str_copy_n(bi->cmdline, sizeof(bi->cmdline), p + 8, t.size - 8);
		return NULL;
	case TAG_LOADER:
		str_copy_n(bi->loader, sizeof(bi->loader), p + 8, t.size - 8);
		return NULL;
	case TAG_MODULE:
		return parse_module(bi, p, t.size);
	case TAG_MMAP:
		return parse_mmap(bi, p, t.size);
	case TAG_FRAMEBUFFER:
		parse_framebuffer(bi, p, t.size);
		return NULL;
	case TAG_RSDP_OLD:
	case TAG_RSDP_NEW:
		parse_rsdp(bi, p, t.size);
		return NULL;
	case TAG_EFI_MMAP:
		*efi_map = p;
		return NULL;
	case TAG_EFI32:
	case TAG_EFI64:
		bi->efi = true;
		return NULL;
	default:
		return NULL; /* tags that nobody here needs */
	}
}

static const char *check_modules(const struct bootinfo *bi)
{
	for (u32 i = 0; i < bi->module_count; i++) {
		const struct boot_module *m = &bi->module[i];
		u64 at = m->start.v;

		for (u32 j = 0; j < bi->mem_count; j++) {
			if (bi->mem[j].type == BOOT_MEM_RAM && bi->mem[j].start.v <= at &&
			    at < bi->mem[j].end.v)
				at = bi->mem[j].end.v;
		}
		if (at < m->end.v)
			return "a module lies outside of RAM";
	}
	return NULL;
}

const char *multiboot2_parse(const void *mbi, size_t readable, struct bootinfo *bi)
{
	const u8 *p = mbi, *efi_map = NULL;
	const char *wrong = NULL;
	struct tag t;
	u32 total;

	if (readable < 8)
		return "the boot information is out of reach";
	memcpy(&total, p, 4);
	if (total < 16 || total > readable)
		return "the boot information has an impossible size";
	for (u32 at = 8;; at += ALIGN_UP(t.size, 8u)) {
		if (at > total - sizeof(t))
			return "the boot information has no end tag";
		memcpy(&t, p + at, sizeof(t));
		if (t.type == TAG_END)
			break;
		if (t.size < sizeof(t) || t.size > total - at)
			return "a tag of the boot information is longer than the whole, or shorter than its "
			       "head";
		wrong = parse_tag(bi, p + at, t, &efi_map);
		if (wrong)
			return wrong;
	}
	if (bi->mem_count == 0 && efi_map) {
		memcpy(&t, efi_map, sizeof(t));
		wrong = parse_efi_mmap(bi, efi_map, t.size);
		if (wrong)
			return wrong;
	}
	merge(bi);
	if (bi->mem_count == 0)
		return "the boot loader gave no memory map";
	return check_modules(bi);
}
