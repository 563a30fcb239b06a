/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounds-checked walk over little-endian ELF32 and ELF64 executables for x86 (T). Standard: System V gABI,
 * "ELF Header", "Program Header", "Note Section".
 */
#ifndef BUILDER_ELF_H
#define BUILDER_ELF_H

#include "guest/control/builder/load.h"

#define ELF_PT_LOAD 1
#define ELF_PT_NOTE 4

#define ELF_MACHINE_386	   3
#define ELF_MACHINE_X86_64 62

struct elf {
	const u8 *file;
	size_t size;
	bool is64;
	u16 machine;
	u64 entry; /* as the header has it: a virtual address */
	u64 phoff;
	u16 phnum;
	u16 phentsize;
};

struct elf_phdr {
	u32 type;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};

/* Starts with the ELF magic. */
bool elf_is(const void *file, size_t size);

/* Checks the header and that the whole program header table lies in the file. */
bool elf_open(struct elf *e, const void *file, size_t size, char err[LOAD_ERR_SIZE]);

/* Program header i < phnum; its bytes are checked to lie in the file. */
bool elf_phdr(const struct elf *e, unsigned i, struct elf_phdr *ph, char err[LOAD_ERR_SIZE]);

/* The note (name, type) in any PT_NOTE.
 * True: *desc and *descsz are inside the file. Damaged notes are passed over. */
bool elf_note(const struct elf *e, const char *name, u32 type, const void **desc, u32 *descsz);

/* Adds each PT_LOAD at its physical address; an image without any is an error. */
bool elf_load(const struct elf *e, const struct load_input *in, struct load_plan *plan,
	      char err[LOAD_ERR_SIZE]);

/* True when gpa lies in what the first `n` segments of the plan load. */
bool elf_in_segments(const struct load_plan *plan, u64 gpa);

/* Writes why this ELF file is none that we start; always false. */
bool elf_describe(const void *file, size_t size, char err[LOAD_ERR_SIZE]);

#endif
