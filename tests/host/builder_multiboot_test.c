/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot kernels: what the information says, and what is refused.
 */
#include "tests/host/builder_common.h"

#define MAGIC 0x1badb002u

static struct test_elf t;
static struct load_plan p;
static u8 module[5000];

static void put_header(u8 *at, u32 flags)
{
	poke32(at, MAGIC);
	poke32(at + 4, flags);
	poke32(at + 8, 0u - MAGIC - flags);
}

static struct load_input image(bool wide, u64 paddr, u64 memsz, u64 memory, u32 flags)
{
	elf_start(&t, wide, paddr + 0x40);
	put_header(elf_add(&t, 1, paddr, paddr, 0x100, memsz, 4), flags);
	return (struct load_input){
		.image = t.file, .size = t.size, .name = "sieve", .memory = memory, .rsdp = 0xe0000
	};
}

static void information(void **state)
{
	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		struct load_input in = image(wide, 0x400000, 0x12345, 64 * MIB, 3);
		const u8 *info, *mod, *map;

		in.cmdline = "one two";
		in.initrd = module;
		in.initrd_size = sizeof(module);
		in.initrd_name = "env";
		expect_load(&in, &p);
		assert_string_equal(p.format, "multiboot ELF");
		assert_int_equal(p.kind, LOAD_ENTRY_FLAT32);
		assert_true(p.rax == 0x2badb002 && p.entry == 0x400040 && p.rbx < 0xa0000 && p.rbx % 4 == 0);
		info = planned(&p, p.rbx, 88);
		assert_int_equal(load_u32(info), 1 | 4 | 8 | 64 | 512);
		assert_int_equal(load_u32(info + 4), 640);
		assert_int_equal(load_u32(info + 8), 63 * 1024);
		assert_string_equal(planned(&p, load_u32(info + 16), 14), "sieve one two");
		assert_int_equal(load_u32(info + 20), 1);
		mod = planned(&p, load_u32(info + 24), 16);
		assert_int_equal(load_u32(mod), 0x413000); /* the page behind the image */
		assert_int_equal(load_u32(mod + 4), 0x413000 + sizeof(module));
		assert_string_equal(planned(&p, load_u32(mod + 8), 4), "env");
		assert_ptr_equal(planned(&p, load_u32(mod), sizeof(module)), module);
		assert_int_equal(load_u32(info + 44), 72);
		map = planned(&p, load_u32(info + 48), 72);
		assert_true(load_u32(map) == 20 && load_u64(map + 4) == 0 && load_u64(map + 12) == 0xa0000 &&
			    load_u32(map + 20) == 1);
		assert_true(load_u64(map + 28) == 0xe0000 && load_u32(map + 44) == 2);
		assert_true(load_u64(map + 52) == MIB && load_u64(map + 60) == 63 * MIB &&
			    load_u32(map + 68) == 1);
		assert_string_equal(planned(&p, load_u32(info + 64), 8), "Caisson");
	}
}

static void bare(void **state)
{
	struct load_input in = image(false, 0x100000, 0x1000, 6ull << 30, 0);
	const u8 *info, *map;

	(void)state;
	expect_load(&in, &p);
	info = planned(&p, p.rbx, 88);
	assert_int_equal(load_u32(info + 8), 3 * 1024 * 1024 - 1024); /* only what is contiguous */
	assert_string_equal(planned(&p, load_u32(info + 16), 6), "sieve");
	assert_int_equal(load_u32(info + 20), 0);
	assert_int_equal(load_u32(info + 44), 96);
	map = planned(&p, load_u32(info + 48), 96);
	assert_true(load_u64(map + 76) == 4ull << 30 && load_u64(map + 84) == 3ull << 30);
}

static void smallest_domain(void **state)
{
	/* realmode.flat of kvm-unit-tests stands at 16 KiB */
	struct load_input in = image(false, 0x4000, 0x9000, MIB, 3);
	const u8 *info;

	(void)state;
	in.initrd = module;
	in.initrd_size = sizeof(module);
	expect_load(&in, &p);
	info = planned(&p, p.rbx, 88);
	assert_int_equal(load_u32(info + 8), 0);
	assert_int_equal(load_u32(info + 44), 48);
	assert_int_equal(load_u32(planned(&p, load_u32(info + 24), 16)), 0xd000);
	in = image(false, 0x4000, 0x9c000, MIB, 3);
	expect_load(&in, &p); /* the arena goes below */
	assert_int_equal(p.arena_gpa, 0x1000);
	in = image(false, 0x1000, 0x9f000, MIB, 3);
	expect_refusal(&in, "no 4096 bytes of low memory");
	in = image(false, 0x2000, 0x9e000, MIB, 3);
	in.initrd = module;
	in.initrd_size = sizeof(module);
	expect_refusal(&in, "no room for a module");
	in = image(false, 0x100000, 0x1000, MIB, 3);
	expect_refusal(&in, "not RAM of a domain of 1024 KiB");
}

static void entry(void **state)
{
	struct load_input in = image(true, 0x200000, 0x1000, 64 * MIB, 3);

	(void)state;
	/* linked high, loaded low */
	poke64(t.file + 24, 0xffffffff80000040);
	poke64(t.file + 64 + 16, 0xffffffff80000000);
	expect_load(&in, &p);
	assert_true(p.entry == 0x200040);
	poke64(t.file + 24, 0x300000);
	expect_refusal(&in, "entry 0x300000 is outside");
	poke64(t.file + 24, 0x100200040);
	expect_refusal(&in, "entry 0x100200040 is outside");
}

static void flags(void **state)
{
	struct load_input in = image(false, 0x200000, 0x1000, 64 * MIB, 7);

	(void)state;
	expect_refusal(&in, "video mode");
	in = image(false, 0x200000, 0x1000, 64 * MIB, 0x11);
	expect_refusal(&in, "unknown features: flags 0x11");
	in = image(false, 0x200000, 0x1000, 64 * MIB, 0xfffe0000);
	expect_load(&in, &p); /* the upper half is optional */
}

static void header_search(void **state)
{
	struct load_input in = image(false, 0x200000, 0x1000, 64 * MIB, 3);
	u8 *header = t.file + 0x400;

	(void)state;
	header[8]++;
	expect_refusal(&in, "without a PVH note or a multiboot header");
	memset(header, 0, 12);
	put_header(header + 2, 3); /* not aligned */
	expect_refusal(&in, "without a PVH note or a multiboot header");
	memset(header, 0, 16);
	put_header(header + 0xf4, 3); /* the last that fits in the segment, and in the file */
	expect_load(&in, &p);
	{
		static u8 big[16384];

		memcpy(big, t.file, t.size);
		memset(big + 0x4f4, 0, 12);
		in.image = big;
		in.size = sizeof(big);
		put_header(big + 8192 - 12, 3);
		expect_load(&in, &p);
		memset(big + 8192 - 12, 0, 12);
		put_header(big + 8192 - 8, 3);
		expect_refusal(&in, "without a PVH note or a multiboot header");
	}
}

/* Bit 16: no ELF, the header says where it loads. */
static struct load_input flat(u8 *file, size_t size, u32 header_addr, u32 load, u32 load_end, u32 bss_end,
			      u32 start)
{
	memset(file, 0x90, size);
	put_header(file + 0x20, 0x10003);
	poke32(file + 0x2c, header_addr);
	poke32(file + 0x30, load);
	poke32(file + 0x34, load_end);
	poke32(file + 0x38, bss_end);
	poke32(file + 0x3c, start);
	return (struct load_input){ .image = file, .size = size, .memory = 64 * MIB };
}

static void addresses(void **state)
{
	static u8 file[0x1000];
	const struct load_segment *s;
	struct load_input in;

	(void)state;
	in = flat(file, sizeof(file), 0x100010, 0x100000, 0x100800, 0x102000, 0x100100);
	expect_load(&in, &p);
	assert_string_equal(p.format, "multiboot");
	s = planned_segment(&p, "image");
	assert_true(s->gpa == 0x100000 && s->src == file + 0x10 && s->filesz == 0x800 && s->memsz == 0x2000);
	assert_string_equal(planned(&p, load_u32((const u8 *)planned(&p, p.rbx, 88) + 16), 7), "kernel");

	in = flat(file, sizeof(file), 0x100020, 0x100000, 0, 0, 0x100100);
	expect_load(&in, &p);
	s = planned_segment(&p, "image");
	assert_true(s->filesz == sizeof(file) && s->memsz == sizeof(file));

	in = flat(file, sizeof(file), 0x100000, 0x100010, 0, 0, 0x100100);
	expect_refusal(&in, "does not fit header address");
	in = flat(file, sizeof(file), 0x100021, 0x100000, 0, 0, 0x100100);
	expect_refusal(&in, "does not fit header address");
	in = flat(file, sizeof(file), 0x100020, 0x100000, 0x101001, 0, 0x100100);
	expect_refusal(&in, "multiboot image truncated");
	in = flat(file, sizeof(file), 0x100020, 0x100000, 0x100000, 0, 0x100100);
	expect_refusal(&in, "load end");
	in = flat(file, sizeof(file), 0x100020, 0x100000, 0x101000, 0x100fff, 0x100100);
	expect_refusal(&in, "bss end");
	in = flat(file, sizeof(file), 0x100020, 0x100000, 0, 0, 0x101000);
	expect_refusal(&in, "outside what the image loads");
	in = flat(file, sizeof(file), 0xffffff20, 0xffffff00, 0, 0, 0xffffff00);
	expect_refusal(&in, "not RAM");

	in = flat(file, 0x60, 0x100020, 0x100000, 0, 0, 0x100000);
	check_damage(in, 0x60, 20000);
	check_truncations(in, true); /* a flat file may end anywhere behind its header */
	in.size = 0x3f;
	expect_refusal(&in, "header truncated");
}

static void truncated_and_damaged(void **state)
{
	struct load_input in = image(false, 0x400000, 0x12345, 64 * MIB, 3);

	(void)state;
	in.initrd = module;
	in.initrd_size = sizeof(module);
	check_truncations(in, false);
	check_damage(in, t.size, 30000);
	in = image(true, 0x4000, 0x9000, MIB, 3);
	check_damage(in, t.size, 30000);
}

static void long_names(void **state)
{
	static char name[LOAD_ARENA_SIZE + 1];
	struct load_input in = image(false, 0x400000, 0x1000, 64 * MIB, 3);

	(void)state;
	memset(name, 'n', LOAD_ARENA_SIZE);
	in.name = name;
	expect_refusal(&in, "start information of");
	name[LOAD_ARENA_SIZE - 4096] = 0;
	expect_load(&in, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(information),	   cmocka_unit_test(bare),
		cmocka_unit_test(smallest_domain), cmocka_unit_test(entry),
		cmocka_unit_test(flags),	   cmocka_unit_test(header_search),
		cmocka_unit_test(addresses),	   cmocka_unit_test(truncated_and_damaged),
		cmocka_unit_test(long_names),
	};

	return cmocka_run_group_tests_name("builder_multiboot", tests, NULL, NULL);
}
