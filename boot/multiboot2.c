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
	TAG_RSDP_OLD = 14,
	TAG_RSDP_NEW = 15,
	TAG_EFI_MMAP = 17,
};
/* what either map of RAM holds (arch/x86/hostmap.h); what lies further up is left out */
#define ADDRESSES  BIT(45)
#define SCREEN_MAX (256u << 20)

static u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static u64 get64(const u8 *p)
{
	return get32(p) | (u64)get32(p + 4) << 32;
}

/* What the byte at `at` is: where ranges overlap the one that is less ours wins; 0: in none. Up to *next
 * nothing changes. */
static u32 type_at(const struct boot_range *r, u32 n, u64 at, u64 *next)
{
	u32 type = 0;

	*next = ADDRESSES;
	for (u32 i = 0; i < n; i++) {
		if (r[i].start.v > at)
			*next = MIN(*next, r[i].start.v);
		else if (r[i].end.v > at) {
			*next = MIN(*next, r[i].end.v);
			type = MAX(type, r[i].type);
		}
	}
	return type;
}

static void add_range(struct bootinfo *bi, u64 start, u64 end, u32 type)
{
	if (bi->mem_count == BOOT_MEM_MAX)
		bi->mem_dropped++;
	else if (start < end)
		bi->mem[bi->mem_count++] = (struct boot_range){ HPA(start), HPA(end), type };
}

/* Sorted, without overlaps, neighbours of one type together, RAM in whole pages. */
static void tidy_map(struct bootinfo *bi)
{
	static struct boot_range raw[BOOT_MEM_MAX];
	u32 n = bi->mem_count, type;
	u64 end, further;

	memcpy(raw, bi->mem, n * sizeof(raw[0]));
	bi->mem_count = 0;
	for (u64 at = 0; at < ADDRESSES; at = end) {
		type = type_at(raw, n, at, &end);
		while (end < ADDRESSES && type_at(raw, n, end, &further) == type)
			end = further;
		if (type == BOOT_MEM_RAM)
			add_range(bi, ALIGN_UP(at, PAGE_SIZE), ALIGN_DOWN(end, PAGE_SIZE), type);
		else if (type)
			add_range(bi, at, end, type);
	}
}

/* UEFI specification, "EFI_BOOT_SERVICES.GetMemoryMap()". Boot services are over: their memory is ours. */
static u32 efi_type(u32 type)
{
	static const u8 types[] = {
		[1] = BOOT_MEM_RAM, [2] = BOOT_MEM_RAM, [3] = BOOT_MEM_RAM,  [4] = BOOT_MEM_RAM,
		[7] = BOOT_MEM_RAM, [8] = BOOT_MEM_BAD, [9] = BOOT_MEM_ACPI, [10] = BOOT_MEM_NVS
	};

	return type < ARRAY_SIZE(types) && types[type] ? types[type] : BOOT_MEM_RESERVED;
}

/* An entry of the loader's map: address, length, type;
 * of the firmware's: type, address, virtual address, pages. */
static const char *parse_map(struct bootinfo *bi, const u8 *p, u32 size, bool efi)
{
	u32 entry_size = size < 16 ? 0 : get32(p + 8), type;
	u64 start, len;

	if (entry_size < (efi ? 40 : 24) || entry_size % 8)
		return "the memory map is cut short, or its entries have an impossible size";
	for (const u8 *e = p + 16; e + entry_size <= p + size; e += entry_size) {
		start = get64(efi ? e + 8 : e);
		len = efi ? MIN(get64(e + 24), ADDRESSES / PAGE_SIZE + 1) * PAGE_SIZE : get64(e + 8);
		type = efi ? efi_type(get32(e)) : get32(e + 16);
		if (type < BOOT_MEM_RAM || type > BOOT_MEM_BAD)
			type = BOOT_MEM_RESERVED;
		if (start > ADDRESSES || len > ADDRESSES - start)
			bi->mem_dropped++;
		else
			add_range(bi, start, start + len, type);
	}
	return NULL;
}

/* GRUB puts a backslash before each quote and backslash of a command line. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && (s[1] == '\\' || s[1] == '\'' || s[1] == '"'))
			s++;
		*to++ = *s;
	}
	*to = 0;
}

static const char *parse_module(struct bootinfo *bi, const u8 *p, u32 size)
{
	struct boot_module *m = &bi->module[bi->module_count];
	u32 start, end;

	if (size < 16)
		return "a module tag is cut short";
	if (bi->module_count == BOOT_MODULES_MAX)
		return "more than 64 modules";
	start = get32(p + 8);
	end = get32(p + 12);
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
	unescape(m->cmdline);
	bi->module_count++;
	return NULL;
}

static void parse_rsdp(struct bootinfo *bi, const u8 *p, u32 size)
{
	u32 n = MIN(size - 8, (u32)sizeof(bi->rsdp));

	if (n < 20 || n < bi->rsdp_size) /* the new one is better, whichever comes first */
		return;
	memcpy(bi->rsdp, p + 8, n);
	bi->rsdp_size = n >= 36 ? 36 : 20;
}

/* A screen that makes no sense is none: nobody has to be told, and nobody could be. */
static void parse_screen(struct bootinfo *bi, const u8 *p, u32 size)
{
	enum { RGB = 1, EGA_TEXT = 2 };
	struct boot_screen s = { 0 };
	u64 bytes;

	if (size < 30 || (p[29] != RGB && p[29] != EGA_TEXT))
		return;
	s = (struct boot_screen){ get64(p + 8),	 get32(p + 16), get32(p + 20),
				  get32(p + 24), p[28] / 8,	p[29] == EGA_TEXT };
	bytes = (u64)s.pitch * s.height;
	if (s.text)
		s.pixel_bytes = 2;
	else if (s.pixel_bytes != 3 && s.pixel_bytes != 4)
		return;
	if (s.addr < ADDRESSES && bytes <= SCREEN_MAX && s.height >= 25 && s.width >= 80 &&
	    s.width <= s.pitch / s.pixel_bytes)
		bi->screen = s;
}

static const char *parse_tag(struct bootinfo *bi, const u8 *p, u32 size, const u8 **efi_map)
{
	switch (get32(p)) {
	case TAG_CMDLINE:
		str_copy_n(bi->cmdline, sizeof(bi->cmdline), p + 8, size - 8);
		unescape(bi->cmdline);
		break;
	case TAG_LOADER:
		str_copy_n(bi->loader, sizeof(bi->loader), p + 8, size - 8);
		break;
	case TAG_MODULE:
		return parse_module(bi, p, size);
	case TAG_MMAP:
		return parse_map(bi, p, size, false);
	case TAG_FRAMEBUFFER:
		parse_screen(bi, p, size);
		break;
	case TAG_RSDP_OLD:
	case TAG_RSDP_NEW:
		parse_rsdp(bi, p, size);
		break;
	case TAG_EFI_MMAP:
		*efi_map = p;
		break;
	}
	return NULL; /* nobody here needs the other tags */
}

const char *multiboot2_parse(const void *mbi, size_t readable, struct bootinfo *bi)
{
	const u8 *p = mbi, *efi_map = NULL;
	const char *wrong = NULL;
	u32 total, size;

	if (readable < 8)
		return "the boot information is out of reach";
	total = get32(p);
	if (total < 16 || total > readable)
		return "the boot information has an impossible size";
	for (u32 at = 8; at > total - 8 || get32(p + at) != TAG_END; at += ALIGN_UP(size, 8u)) {
		if (at > total - 8)
			return "the boot information has no end tag";
		size = get32(p + at + 4);
		if (size < 8 || size > total - at)
			return "a tag of the boot information is longer than the whole, or shorter than its "
			       "head";
		wrong = parse_tag(bi, p + at, size, &efi_map);
		if (wrong)
			return wrong;
	}
	if (bi->mem_count == 0 && efi_map) /* only for a loader that gives no other map */
		wrong = parse_map(bi, efi_map, get32(efi_map + 4), true);
	if (wrong)
		return wrong;
	tidy_map(bi);
	if (bi->mem_count == 0)
		return "the boot loader gave no memory map";
	for (u32 i = 0; i < bi->module_count; i++) {
		if (!boot_in_ram(bi, bi->module[i].start, bi->module[i].end))
			return "a module lies outside of RAM";
	}
	return NULL;
}
