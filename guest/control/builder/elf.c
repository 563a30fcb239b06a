/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounds-checked walk over ELF files (T).
 */
#include "guest/control/builder/elf.h"

#include "guest/lib/string.h"

#define EHDR32_SIZE 52
#define EHDR64_SIZE 64
#define PHDR32_SIZE 32
#define PHDR64_SIZE 56

#define ET_EXEC	    2
#define ET_DYN	    3
#define ELFCLASS32  1
#define ELFCLASS64  2
#define ELFDATA2LSB 1

bool elf_is(const void *file, size_t size)
{
	return size >= 4 && memcmp(file, "\177ELF", 4) == 0;
}

static bool check_ident(struct elf *e, char err[LOAD_ERR_SIZE])
{
	const u8 *f = e->file;

	if (!elf_is(f, e->size))
		return load_fail(err, "no ELF magic");
	if (e->size < 16)
		return load_fail(err, "ELF file truncated: %zu bytes", e->size);
	if (f[4] != ELFCLASS32 && f[4] != ELFCLASS64)
		return load_fail(err, "ELF class %u is neither 32-bit nor 64-bit", f[4]);
	if (f[5] != ELFDATA2LSB)
		return load_fail(err, "ELF file is not little-endian");
	e->is64 = f[4] == ELFCLASS64;
	if (e->size < (e->is64 ? EHDR64_SIZE : EHDR32_SIZE))
		return load_fail(err, "ELF header truncated: the file has %zu bytes", e->size);
	return true;
}

bool elf_open(struct elf *e, const void *file, size_t size, char err[LOAD_ERR_SIZE])
{
	const u8 *f = file;
	u16 type;

	*e = (struct elf){ .file = f, .size = size };
	if (!check_ident(e, err))
		return false;
	type = load_u16(f + 16);
	e->machine = load_u16(f + 18);
	if (e->machine != ELF_MACHINE_386 && e->machine != ELF_MACHINE_X86_64)
		return load_fail(err, "ELF file is for machine %u, not for x86", e->machine);
	if (type != ET_EXEC && type != ET_DYN)
		return load_fail(err, "ELF type %u is no executable", type);

	e->entry = e->is64 ? load_u64(f + 24) : load_u32(f + 24);
	e->phoff = e->is64 ? load_u64(f + 32) : load_u32(f + 28);
	e->phentsize = load_u16(f + (e->is64 ? 54 : 42));
	e->phnum = load_u16(f + (e->is64 ? 56 : 44));
	if (e->phnum == 0)
		return load_fail(err, "ELF file has no program headers");
	if (e->phentsize < (e->is64 ? PHDR64_SIZE : PHDR32_SIZE))
		return load_fail(err, "ELF program headers of %u bytes are too small", e->phentsize);
	if (e->phoff > size || (u64)e->phnum * e->phentsize > size - e->phoff)
		return load_fail(err, "ELF file truncated: %u program headers at 0x%llx, file has %zu bytes",
				 e->phnum, (unsigned long long)e->phoff, size);
	return true;
}

static void read_phdr(const struct elf *e, unsigned i, struct elf_phdr *ph)
{
	const u8 *p = e->file + e->phoff + (u64)i * e->phentsize;

	if (e->is64)
		*ph = (struct elf_phdr){ .type = load_u32(p),
					 .offset = load_u64(p + 8),
					 .vaddr = load_u64(p + 16),
					 .paddr = load_u64(p + 24),
					 .filesz = load_u64(p + 32),
					 .memsz = load_u64(p + 40),
					 .align = load_u64(p + 48) };
	else
		*ph = (struct elf_phdr){ .type = load_u32(p),
					 .offset = load_u32(p + 4),
					 .vaddr = load_u32(p + 8),
					 .paddr = load_u32(p + 12),
					 .filesz = load_u32(p + 16),
					 .memsz = load_u32(p + 20),
					 .align = load_u32(p + 28) };
}

bool elf_phdr(const struct elf *e, unsigned i, struct elf_phdr *ph, char err[LOAD_ERR_SIZE])
{
	read_phdr(e, i, ph);
	if (ph->offset > e->size || ph->filesz > e->size - ph->offset)
		return load_fail(err, "ELF file truncated: segment %u ends at 0x%llx, the file at 0x%zx", i,
				 (unsigned long long)(ph->offset + ph->filesz), e->size);
	if (ph->type == ELF_PT_LOAD && ph->filesz > ph->memsz)
		return load_fail(err, "ELF segment %u has more bytes in the file than in memory", i);
	return true;
}

/* One PT_NOTE. Sizes are 32-bit and rounded up in 64 bits, so nothing wraps. */
static bool note_in_segment(const u8 *p, u64 left, u64 align, const char *name, u32 type, const void **desc,
			    u32 *descsz)
{
	size_t want = strlen(name) + 1;

	while (left >= 12) {
		u64 namesz = load_u32(p), dsz = load_u32(p + 4);
		u64 desc_at = ALIGN_UP(12 + namesz, align);
		u64 next = ALIGN_UP(desc_at + dsz, align);

		if (desc_at > left || dsz > left - desc_at)
			return false;
		if (load_u32(p + 8) == type && namesz == want && memcmp(p + 12, name, want) == 0) {
			*desc = p + desc_at;
			*descsz = (u32)dsz;
			return true;
		}
		if (next > left)
			return false;
		p += next;
		left -= next;
	}
	return false;
}

bool elf_note(const struct elf *e, const char *name, u32 type, const void **desc, u32 *descsz)
{
	char ignored[LOAD_ERR_SIZE];
	struct elf_phdr ph;

	for (unsigned i = 0; i < e->phnum; i++) {
		if (!elf_phdr(e, i, &ph, ignored) || ph.type != ELF_PT_NOTE)
			continue;
		/* Linkers set p_align to 8 for segments
		 * whose notes are padded to 4 as well as to 8: try both. */
		if (note_in_segment(e->file + ph.offset, ph.filesz, 4, name, type, desc, descsz) ||
		    (ph.align == 8 &&
		     note_in_segment(e->file + ph.offset, ph.filesz, 8, name, type, desc, descsz)))
			return true;
	}
	return false;
}

bool elf_load(const struct elf *e, const struct load_input *in, struct load_plan *plan,
	      char err[LOAD_ERR_SIZE])
{
	struct elf_phdr ph;

	for (unsigned i = 0; i < e->phnum; i++) {
		if (!elf_phdr(e, i, &ph, err))
			return false;
		if (ph.type != ELF_PT_LOAD)
			continue;
		if (!load_add(in, plan,
			      &(struct load_segment){ .what = "image",
						      .gpa = ph.paddr,
						      .src = e->file + ph.offset,
						      .filesz = ph.filesz,
						      .memsz = ph.memsz },
			      err))
			return false;
	}
	if (plan->nsegments == 0)
		return load_fail(err, "ELF file has nothing to load");
	return true;
}

bool elf_in_segments(const struct load_plan *plan, u64 gpa)
{
	for (unsigned i = 0; i < plan->nsegments; i++)
		if (gpa >= plan->segment[i].gpa && gpa - plan->segment[i].gpa < plan->segment[i].memsz)
			return true;
	return false;
}

bool elf_describe(const void *file, size_t size, char err[LOAD_ERR_SIZE])
{
	struct elf e;

	if (!elf_open(&e, file, size, err))
		return false;
	return load_fail(err,
			 "ELF%d file without a PVH note or a multiboot header: no kernel that can be started",
			 e.is64 ? 64 : 32);
}
