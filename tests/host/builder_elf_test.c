/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ELF walker, and what is said about files that are none of ours.
 */
#include "tests/host/builder_common.h"

#include "guest/control/builder/elf.h"

static struct test_elf t;

static void header_is_read(void **state)
{
	char err[LOAD_ERR_SIZE];
	struct elf_phdr ph;
	struct elf e;

	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		elf_start(&t, wide, 0x100123);
		elf_add(&t, ELF_PT_LOAD, 0xc0100000, 0x100000, 0x30, 0x2000, 0x1000);
		assert_true(elf_open(&e, t.file, t.size, err));
		assert_int_equal(e.is64, wide);
		assert_true(e.entry == 0x100123 && e.phnum == 1);
		assert_true(elf_phdr(&e, 0, &ph, err));
		assert_true(ph.type == ELF_PT_LOAD && ph.offset == 0x400 && ph.vaddr == 0xc0100000 &&
			    ph.paddr == 0x100000 && ph.filesz == 0x30 && ph.memsz == 0x2000 &&
			    ph.align == 0x1000);
	}
}

static void bad_headers_are_named(void **state)
{
	static const struct {
		unsigned at, bytes;
		u64 value;
		const char *message;
	} row[] = {
		{ 4, 1, 3, "class 3" },
		{ 4, 1, 0, "class 0" },
		{ 5, 1, 2, "little-endian" },
		{ 16, 2, 1, "type 1 is no executable" },
		{ 16, 2, 4, "type 4" },
		{ 18, 2, 183, "machine 183" },
		{ 56, 2, 0, "no program headers" },
		{ 56, 2, 0xffff, "truncated: 65535 program headers" },
		{ 54, 2, 55, "55 bytes are too small" },
		{ 32, 8, ~0ull, "truncated" },
		{ 32, 8, 0xfffffffffffffff0, "truncated" },
	};
	char err[LOAD_ERR_SIZE];
	struct elf e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		elf_start(&t, true, 0x100000);
		elf_add(&t, ELF_PT_LOAD, 0, 0x100000, 0x30, 0x30, 1);
		memcpy(t.file + row[i].at, &row[i].value, row[i].bytes);
		assert_false(elf_open(&e, t.file, t.size, err));
		if (!strstr(err, row[i].message))
			fail_msg("'%s' does not have '%s'", err, row[i].message);
	}
}

static void segments_stay_in_the_file(void **state)
{
	char err[LOAD_ERR_SIZE];
	struct elf_phdr ph;
	struct elf e;

	(void)state;
	elf_start(&t, true, 0x100000);
	elf_add(&t, ELF_PT_LOAD, 0, 0x100000, 0x30, 0x30, 1);
	assert_true(elf_open(&e, t.file, t.size, err));
	poke64(t.file + 64 + 32, 0x31); /* filesz */
	assert_false(elf_phdr(&e, 0, &ph, err));
	assert_non_null(strstr(err, "truncated: segment 0"));
	poke64(t.file + 64 + 32, 0x30);
	poke64(t.file + 64 + 8, ~0ull - 0x2f); /* offset: with the size it wraps to 0 */
	assert_false(elf_phdr(&e, 0, &ph, err));
	poke64(t.file + 64 + 8, 0x400);
	poke64(t.file + 64 + 40, 0x2f); /* memsz */
	assert_false(elf_phdr(&e, 0, &ph, err));
	assert_non_null(strstr(err, "more bytes in the file than in memory"));
}

static bool has_note(const void *notes, size_t n, u64 align, u32 *descsz)
{
	char err[LOAD_ERR_SIZE];
	const void *desc;
	struct elf e;
	bool found;
	u8 *copy;

	elf_start(&t, true, 0);
	memcpy(elf_add(&t, ELF_PT_NOTE, 0, 0, n, n, align), notes, n);
	copy = heap_copy(t.file, t.size);
	assert_true(elf_open(&e, copy, t.size, err));
	found = elf_note(&e, "Xen", 18, &desc, descsz);
	if (found)
		assert_true(inside(desc, *descsz, copy + 0x400, n));
	free(copy);
	return found;
}

static void notes(void **state)
{
	static const u32 name = 0x006e6558; /* "Xen" */
	u32 good[] = { 4, 4, 18, name, 0x100000 };
	u32 other_type[] = { 4, 4, 17, name, 1, 4, 4, 18, name, 2 };
	u32 padded_to_8[] = { 4, 4, 17, name, 1, 0, 4, 8, 18, name, 2, 0 };
	u32 descsz;

	(void)state;
	assert_true(has_note(good, sizeof(good), 4, &descsz) && descsz == 4);
	assert_true(has_note(good, sizeof(good), 1, &descsz));
	assert_true(has_note(good, sizeof(good), 8, &descsz));
	assert_true(has_note(other_type, sizeof(other_type), 4, &descsz) && descsz == 4);
	assert_true(has_note(padded_to_8, sizeof(padded_to_8), 8, &descsz) && descsz == 8);
	for (size_t n = 0; n < sizeof(good); n++)
		assert_false(has_note(good, n, 4, &descsz));
	good[0] = 0xffffffff;
	assert_false(has_note(good, sizeof(good), 4, &descsz));
	good[0] = 4;
	good[1] = 0xffffffff;
	assert_false(has_note(good, sizeof(good), 4, &descsz));
	good[1] = 5;
	assert_false(has_note(good, sizeof(good), 4, &descsz));
	good[1] = 4;
	good[0] = 3; /* the name without its 0 */
	assert_false(has_note(good, sizeof(good), 4, &descsz));
}

static void foreign_files_are_named(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *message;
	} row[] = {
		{ "\x1f\x8b\x08", 3, "gzip" },
		{ "\xfd"
		  "7zXZ\0",
		  6, "xz" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd" },
		{ "070701000", 9, "cpio" },
		{ "#!/bin/sh", 9, "script" },
		{ "MZ", 2, "EFI" },
		{ "hello", 5, "unknown format" },
		{ "\177ELF", 4, "ELF file truncated" },
	};
	struct load_input in = { .memory = 64 * MIB };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		u8 *copy = heap_copy(row[i].bytes, row[i].n);

		in.image = copy;
		in.size = row[i].n;
		expect_refusal(&in, row[i].message);
		free(copy);
	}
	elf_start(&t, true, 0x100000);
	elf_add(&t, ELF_PT_LOAD, 0, 0x100000, 0x30, 0x30, 1);
	in.image = t.file;
	in.size = t.size;
	expect_refusal(&in, "ELF64 file without a PVH note or a multiboot header");
}

static void input_is_checked(void **state)
{
	static char cmdline[LOAD_CMDLINE_MAX + 1];
	struct load_input in;

	(void)state;
	elf_start(&t, true, 0x100000);
	elf_add(&t, ELF_PT_LOAD, 0, 0x100000, 0x30, 0x30, 1);
	elf_add_pvh_note(&t, 0x100000, false);
	in = (struct load_input){ .image = t.file, .size = t.size, .memory = 64 * MIB };
	in.memory = MIB - 4096;
	expect_refusal(&in, "1 MiB to 1 TiB");
	in.memory = 64 * MIB + 1;
	expect_refusal(&in, "whole pages");
	in.memory = 64 * MIB;
	memset(cmdline, 'x', LOAD_CMDLINE_MAX);
	in.cmdline = cmdline;
	expect_refusal(&in, "command line is longer than 4095");
	in.cmdline = NULL;
	in.initrd = t.file;
	expect_refusal(&in, "initrd is empty");
	in.initrd_size = SIZE_MAX;
	expect_refusal(&in, "more than the domain's");
	in.initrd = NULL;
	in.initrd_size = 0;
	in.size = 0;
	expect_refusal(&in, "image is empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_is_read),
		cmocka_unit_test(bad_headers_are_named),
		cmocka_unit_test(segments_stay_in_the_file),
		cmocka_unit_test(notes),
		cmocka_unit_test(foreign_files_are_named),
		cmocka_unit_test(input_is_checked),
	};

	return cmocka_run_group_tests_name("builder_elf", tests, NULL, NULL);
}
