/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF kernels with the PVH note: what the start info says, and what is refused.
 */
#include "tests/host/builder_common.h"

static struct test_elf t;
static struct load_plan p;
static u8 initrd[10000];

static struct load_input image(bool wide, u64 paddr, u64 memsz, u64 memory)
{
	elf_start(&t, wide, 0xffffffff81000000);
	elf_add(&t, 1, 0xffffffff80000000 + paddr, paddr, 0x100, memsz, 0x1000);
	elf_add(&t, 1, 0, paddr + ALIGN_UP(memsz, 0x1000ull), 0, 0x500, 0x1000); /* bss alone */
	elf_add_pvh_note(&t, paddr + 0x10, wide);
	return (struct load_input){ .image = t.file,
				    .size = t.size,
				    .name = "k",
				    .cmdline = "console=ttyS0 x",
				    .memory = memory,
				    .rsdp = 0xe0000 };
}

static void start_info(void **state)
{
	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		struct load_input in = image(wide, 0x1000000, 0x3000, 256 * MIB);
		const u8 *si, *mod, *map;

		in.initrd = initrd;
		in.initrd_size = sizeof(initrd);
		in.initrd_name = "ramdisk";
		expect_load(&in, &p);
		assert_string_equal(p.format, "PVH ELF");
		assert_int_equal(p.kind, LOAD_ENTRY_FLAT32);
		assert_true(p.entry == 0x1000010 && p.rax == 0);
		assert_true(planned_segment(&p, "image")->memsz == 0x3000);

		si = planned(&p, p.rbx, 56);
		assert_int_equal(load_u32(si), 0x336ec578);
		assert_int_equal(load_u32(si + 4), 1);
		assert_int_equal(load_u32(si + 8), 0);
		assert_int_equal(load_u32(si + 12), 1);
		assert_string_equal(planned(&p, load_u64(si + 24), 16), "console=ttyS0 x");
		assert_true(load_u64(si + 32) == 0xe0000);
		mod = planned(&p, load_u64(si + 16), 32);
		assert_true(load_u64(mod) == 256 * MIB - 12288);
		assert_true(load_u64(mod + 8) == sizeof(initrd));
		assert_string_equal(planned(&p, load_u64(mod + 16), 8), "ramdisk");
		assert_ptr_equal(planned(&p, load_u64(mod), sizeof(initrd)), initrd);
		assert_int_equal(load_u32(si + 48), 3);
		map = planned(&p, load_u64(si + 40), 72);
		assert_true(load_u64(map) == 0 && load_u64(map + 8) == 0xa0000 && load_u32(map + 16) == 1);
		assert_true(load_u64(map + 24) == 0xe0000 && load_u64(map + 32) == 0x20000 &&
			    load_u32(map + 40) == 2);
		assert_true(load_u64(map + 48) == MIB && load_u64(map + 56) == 255 * MIB &&
			    load_u32(map + 64) == 1);
	}
}

static void without_initrd(void **state)
{
	struct load_input in = image(true, 0x1000000, 0x3000, 64 * MIB);
	const u8 *si;

	(void)state;
	in.cmdline = NULL;
	in.rsdp = 0;
	expect_load(&in, &p);
	si = planned(&p, p.rbx, 56);
	assert_int_equal(load_u32(si + 12), 0);
	assert_true(load_u64(si + 16) == 0);
	assert_string_equal(planned(&p, load_u64(si + 24), 1), "");
	assert_null(planned_segment(&p, "initrd"));
}

static void smallest_domain(void **state)
{
	/* All of low memory but its first two pages and the last three. */
	struct load_input in = image(true, 0x2000, 0x9a000, MIB);

	(void)state;
	expect_load(&in, &p);
	assert_true(p.arena_gpa == 0x9d000 || p.arena_gpa == 0x1000);
	in.initrd = initrd;
	in.initrd_size = 4096;
	expect_load(&in, &p);
	in.initrd_size = 8193;
	expect_refusal(&in, "no room for an initrd");
	in = image(true, 0x1000, 0x9e000, MIB);
	expect_refusal(&in, "no 4096 bytes of low memory");
	in = image(true, 0x9000, 0x10000, MIB);
	expect_load(&in, &p);
}

static void bad_places(void **state)
{
	struct load_input in = image(true, 0x1000000, 0x3000, 64 * MIB);

	(void)state;
	in = image(true, 0x1000000, 0x3000, 16 * MIB);
	expect_refusal(&in, "not RAM");
	in = image(true, 0x9f000, 0x2000, 16 * MIB);
	expect_refusal(&in, "not RAM");
	in = image(true, 0xe0000, 0x1000, 16 * MIB);
	expect_refusal(&in, "not RAM");
	in = image(true, 0xfffffffffffff000, 0x1000, 16 * MIB);
	expect_refusal(&in, "not RAM");

	in = image(true, 0x1000000, 0x3000, 64 * MIB);
	elf_add(&t, 1, 0, 0x1002fff, 0, 1, 1);
	in.size = t.size;
	expect_refusal(&in, "overlaps");
	in = image(true, 0x1000000, 0x3000, 64 * MIB);
	elf_add(&t, 1, 0, 0xffffff, 0, 2, 1);
	in.size = t.size;
	expect_refusal(&in, "overlaps");
	in = image(true, 0x1000000, 0x3000, 64 * MIB);
	elf_add(&t, 1, 0, 0xfff000, 0, 0x1000, 1); /* right below is fine */
	in.size = t.size;
	expect_load(&in, &p);

	elf_start(&t, true, 0);
	for (unsigned i = 0; i < 15; i++)
		elf_add(&t, 1, 0, 0x100000 + i * 0x1000, 0, 0x1000, 1);
	in = (struct load_input){ .image = t.file, .size = t.size, .memory = 64 * MIB };
	t.phdr_at = 64;
	elf_add_pvh_note(&t, 0x100000, true);
	in.size = t.size;
	expect_load(&in, &p);
	in.initrd = initrd;
	in.initrd_size = 1;
	expect_refusal(&in, "more than 16 segments");
}

static void bad_entry(void **state)
{
	struct load_input in = image(true, 0x1000000, 0x3000, 64 * MIB);
	u8 *desc = t.file + t.size - 8;

	(void)state;
	poke64(desc, 0x0fffffff);
	expect_refusal(&in, "PVH entry 0xfffffff is outside");
	poke64(desc, 0x101000010);
	expect_refusal(&in, "PVH entry 0x101000010");
	poke64(desc, 0x1000010);
	expect_load(&in, &p);
	poke32(desc - 12, 6); /* descsz */
	expect_refusal(&in, "has 6 bytes, not 4 or 8");

	elf_start(&t, true, 0);
	elf_add_pvh_note(&t, 0x100000, true);
	in.size = t.size;
	expect_refusal(&in, "nothing to load");
}

static void truncated_and_damaged(void **state)
{
	struct load_input in = image(true, 0x1000000, 0x3000, 64 * MIB);

	(void)state;
	in.initrd = initrd;
	in.initrd_size = sizeof(initrd);
	check_truncations(in, false);
	check_damage(in, t.size, 30000);
	in = image(false, 0x2000, 0x3000, MIB);
	check_truncations(in, false);
	check_damage(in, t.size, 30000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_info),	   cmocka_unit_test(without_initrd),
		cmocka_unit_test(smallest_domain), cmocka_unit_test(bad_places),
		cmocka_unit_test(bad_entry),	   cmocka_unit_test(truncated_and_damaged),
	};

	return cmocka_run_group_tests_name("builder_pvh", tests, NULL, NULL);
}
