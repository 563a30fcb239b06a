/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From an image file to a load plan (T). A plan says which bytes go where in a new domain's memory and how
 * its first vCPU starts; it is computed without touching that memory, so it is complete, or an error, before
 * anything is built.
 *
 * Nothing in an image, a module or a command line is believed: each number is checked against the file, the
 * domain's RAM and everything placed before it.
 */
#ifndef BUILDER_LOAD_H
#define BUILDER_LOAD_H

#include "guest/lib/types.h"

#define LOAD_SEGMENTS_MAX 16
#define LOAD_ERR_SIZE	  128
#define LOAD_CMDLINE_MAX  4096 /* bytes, the closing 0 included; bzImage may allow less */
#define LOAD_ARENA_SIZE	  0xb000

struct load_input {
	const void *image;
	size_t size;
	const char *name;   /* of the image: a multiboot kernel finds it as first word of its command line */
	const void *initrd; /* Linux's initrd, a multiboot kernel's module; NULL: none */
	size_t initrd_size;
	const char *initrd_name; /* a multiboot module's string; NULL: empty */
	const char *cmdline;	 /* NULL: empty */
	u64 memory;		 /* bytes, as in memmap.h */
	u64 rsdp;		 /* gpa of the ACPI tables' root; 0: none */
};

/*
 * `memsz` bytes at `gpa`: the first `filesz` come from `src`, the rest is zero. A new domain's memory is zero
 * already, so writing the rest is only needed where memory is used again.
 */
struct load_segment {
	const char *what; /* for messages: "image", "initrd", … */
	u64 gpa;
	const void *src; /* into the image, the module or the plan's own arena; NULL when filesz is 0 */
	u64 filesz;
	u64 memsz;
};

enum load_entry {
	/*
	 * Linux "64-bit boot protocol": long mode, CR3 = `cr3` (4 GiB mapped one to one), GDT at `gdt`, CS
	 * 0x10, the data segments 0x18, RSI = boot_params, interrupts off.
	 */
	LOAD_ENTRY_LINUX64,
	/*
	 * PVH ("x86/HVM direct boot ABI") and multiboot ("Machine state"): CR0.PE only, flat 32-bit CS and
	 * data segments with base 0 and limit 4 GiB, a 32-bit TSS of limit 0x67, EFLAGS = 2. EAX and EBX are
	 * given.
	 */
	LOAD_ENTRY_FLAT32,
};

#define LOAD_LINUX64_CS 0x10
#define LOAD_LINUX64_DS 0x18

/* A plan points into itself (the arena): it stays where image_load() filled it. */
struct load_plan {
	const char *format; /* "Linux bzImage", "PVH ELF", "multiboot ELF", "multiboot" */
	enum load_entry kind;
	u64 entry; /* RIP */
	u64 rax, rbx, rsi;
	u64 cr3;
	u64 gdt;
	u16 gdt_limit;

	unsigned nsegments;
	struct load_segment segment[LOAD_SEGMENTS_MAX];

	/* What the loader makes itself: information structures, command line, page tables.
	 * One segment, at arena_gpa. */
	u64 arena_gpa;
	size_t arena_size; /* as placed */
	size_t arena_used;
	u8 arena[LOAD_ARENA_SIZE] __attribute__((aligned(8)));
};

/* --- for the loaders --- */

/* Writes the message, returns false. */
bool load_fail(char err[LOAD_ERR_SIZE], const char *fmt, ...) __printf(2, 3);

/* Adds a segment after checking that it lies in RAM, touches no other one, and that there is room for it. */
bool load_add(const struct load_input *in, struct load_plan *plan, const struct load_segment *seg,
	      char err[LOAD_ERR_SIZE]);

/* Free RAM of `size` bytes, aligned, inside [from, to): the lowest or the highest. False: there is none. */
bool load_find(const struct load_input *in, const struct load_plan *plan, u64 size, u64 align, u64 from,
	       u64 to, bool highest, u64 *gpa);

/* Places an arena of at most `size` bytes in low memory; call once, when the image's segments are known. */
bool load_arena_place(const struct load_input *in, struct load_plan *plan, size_t size,
		      char err[LOAD_ERR_SIZE]);

/* Zeroed bytes of the arena and their gpa. The caller has counted: what is asked for was placed. */
void *load_arena_take(struct load_plan *plan, size_t size, size_t align, u64 *gpa);

/* The same, filled with a string and its closing 0; returns the gpa. */
u64 load_arena_string(struct load_plan *plan, const char *s);

/* Closes the arena: from here on it is a segment. */
bool load_arena_add(const struct load_input *in, struct load_plan *plan, char err[LOAD_ERR_SIZE]);

/* The initrd as a segment at `gpa`. */
bool load_add_initrd(const struct load_input *in, struct load_plan *plan, u64 gpa, char err[LOAD_ERR_SIZE]);

/* Little-endian numbers at any address. */
static inline u16 load_u16(const void *p)
{
	const u8 *b = p;

	return (u16)(b[0] | b[1] << 8);
}

static inline u32 load_u32(const void *p)
{
	return load_u16(p) | (u32)load_u16((const u8 *)p + 2) << 16;
}

static inline u64 load_u64(const void *p)
{
	return load_u32(p) | (u64)load_u32((const u8 *)p + 4) << 32;
}

static inline void load_put16(void *p, u16 v)
{
	((u8 *)p)[0] = (u8)v;
	((u8 *)p)[1] = (u8)(v >> 8);
}

static inline void load_put32(void *p, u32 v)
{
	load_put16(p, (u16)v);
	load_put16((u8 *)p + 2, (u16)(v >> 16));
}

static inline void load_put64(void *p, u64 v)
{
	load_put32(p, (u32)v);
	load_put32((u8 *)p + 4, (u32)(v >> 32));
}

#endif
