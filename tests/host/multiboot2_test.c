/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "boot/multiboot2.h"
#include "hv/frame.h"
#include "hv/panic.h"
#include "hv/string.h"
#include <cmocka.h>

void panic(const char *fmt, ...)
{
	(void)fmt;
	abort();
}

/* ---- a loader ---- */
static u8 image[65536];
static u32 used;
static struct bootinfo bi;

static void put(const void *p, u32 n)
{
	memcpy(image + used, p, n);
	used += n;
}

static void put32(u32 v)
{
	put(&v, 4);
}

static void put64(u64 v)
{
	put(&v, 8);
}

static void begin(void)
{
	memset(image, 0xee, sizeof(image));
	used = 0;
	put32(0);
	put32(0);
}

static void tag(u32 type, const void *body, u32 n)
{
	put32(type);
	put32(8 + n);
	put(body, n);
	used = ALIGN_UP(used, 8u);
}

static const char *parse_n(u32 total, u32 readable)
{
	u8 *copy = malloc(readable ? readable : 1); /* exactly so long: a read beyond it is caught */
	const char *wrong;

	memcpy(image, &total, 4);
	memcpy(copy, image, readable);
	memset(&bi, 0, sizeof(bi));
	wrong = multiboot2_parse(copy, readable, &bi);
	free(copy);
	return wrong;
}

static const char *end(void)
{
	tag(0, "", 0);
	return parse_n(used, used);
}

struct mm {
	u64 addr, len;
	u32 type;
};

static void mmap_tag(const struct mm *m, u32 n)
{
	put32(6);
	put32(16 + n * 24);
	put32(24);
	put32(0);
	for (u32 i = 0; i < n; i++) {
		put64(m[i].addr);
		put64(m[i].len);
		put32(m[i].type);
		put32(0);
	}
}

static const struct mm plain[] = {
	{ 0, 0x9fc00, 1 }, { 0x9fc00, 0x400, 2 }, { 0xf0000, 0x10000, 2 }, { 0x100000, 0x1ff00000, 1 }
};

static void module_tag(u32 start, u32 stop, const char *cmdline)
{
	u8 body[256];
	u32 n = (u32)strlen(cmdline) + 1;

	memcpy(body, &start, 4);
	memcpy(body + 4, &stop, 4);
	memcpy(body + 8, cmdline, n);
	tag(3, body, 8 + n);
}

static void expect_map(const struct mm *want, u32 n)
{
	for (u32 i = 0; i < MIN(n, bi.mem_count); i++) {
		assert_int_equal(bi.mem[i].start.v, want[i].addr);
		assert_int_equal(bi.mem[i].end.v, want[i].addr + want[i].len);
		assert_int_equal(bi.mem[i].type, want[i].type);
	}
	assert_int_equal(bi.mem_count, n);
}

/* ---- tests ---- */
static void test_all_tags(void **state)
{
	u8 rsdp[36] = "RSD PTR old", rsdp2[36] = "RSD PTR new";
	static const struct mm want[] = {
		{ 0, 0x9f000, 1 }, { 0x9fc00, 0x400, 2 }, { 0xf0000, 0x10000, 2 }, { 0x100000, 0x1ff00000, 1 }
	};

	(void)state;
	begin();
	tag(1, "quiet it\\'s", 12);
	tag(2, "GRUB 2.06", 10);
	module_tag(0x400000, 0x412345, "control");
	module_tag(0x413000, 0x500000,
		   "linux console=ttyS0 \"a b\" it\\'s \\\\ a\\b"); /* as GRUB writes them */
	mmap_tag(plain, 4);
	tag(99, "who knows", 9);
	tag(15, rsdp2, 36);
	tag(14, rsdp, 20);
	assert_null(end());
	assert_string_equal(bi.cmdline, "quiet it's");
	assert_string_equal(bi.loader, "GRUB 2.06");
	expect_map(want, 4);
	assert_int_equal(bi.module_count, 2);
	assert_int_equal(bi.module[0].end.v, 0x412345);
	assert_string_equal(bi.module[1].cmdline, "linux console=ttyS0 \"a b\" it's \\ a\\b");
	assert_int_equal(bi.rsdp_size, 36); /* the new one, though the old one came later */
	assert_string_equal((char *)bi.rsdp, "RSD PTR new");
}

static bool screen_of(u64 addr, u32 pitch, u32 width, u32 height, u8 bpp, u8 type, u32 cut)
{
	struct {
		u64 addr;
		u32 pitch, width, height;
		u8 bpp, type, rest[10];
	} __packed body = { addr, pitch, width, height, bpp, type, { 0 } };

	begin();
	mmap_tag(plain, 4);
	tag(8, &body, sizeof(body) - cut);
	assert_null(end());
	return bi.screen.addr;
}

static void test_screens(void **state)
{
	(void)state;
	assert_true(screen_of(0xe0000000, 4096, 1024, 768, 32, 1, 0));
	assert_int_equal(bi.screen.pixel_bytes, 4);
	assert_int_equal(bi.screen.height, 768);
	assert_false(bi.screen.text);
	assert_true(screen_of(0x4000000000, 3072, 1024, 768, 24, 1, 0));
	assert_int_equal(bi.screen.pixel_bytes, 3);
	assert_true(screen_of(0xb8000, 160, 80, 25, 16, 2, 0));
	assert_true(bi.screen.text);
	assert_false(screen_of(0xb8000, 160, 80, 25, 16, 2, 12)); /* cut before its type */
	assert_false(screen_of(0xe0000000, 2048, 1024, 768, 16, 1, 0));
	assert_false(screen_of(0xe0000000, 4096, 1024, 768, 32, 0, 0));	      /* colours by number */
	assert_false(screen_of(0xe0000000, 4092, 1024, 768, 32, 1, 0));	      /* lines that overlap */
	assert_false(screen_of(0xe0000000, 4096, 0x40000400, 768, 32, 1, 0)); /* a width times 4 that wraps */
	assert_false(screen_of(0xe0000000, 0x80000000, 1024, 768, 32, 1, 0)); /* larger than any */
	assert_false(screen_of(1ull << 52, 4096, 1024, 768, 32, 1, 0));
	assert_false(screen_of(0xe0000000, 4096, 1024, 1, 32, 1, 0));
}

static void test_hostile_frames(void **state)
{
	u32 t[2];

	(void)state;
	begin();
	mmap_tag(plain, 4);
	tag(0, "", 0);
	assert_null(parse_n(used, used));
	assert_non_null(__builtin_strstr(parse_n(used, 7), "out of reach"));
	assert_non_null(__builtin_strstr(parse_n(used, used - 8), "impossible size"));
	assert_non_null(__builtin_strstr(parse_n(8, used), "impossible size"));
	assert_non_null(__builtin_strstr(parse_n(used - 8, used), "end tag"));
	for (u32 bad = 0; bad < 8; bad++) { /* tags shorter than their head */
		begin();
		t[0] = 1, t[1] = bad;
		put(t, 8);
		put32(0);
		put32(8);
		assert_non_null(__builtin_strstr(parse_n(used, used), "longer"));
	}
	begin();
	t[0] = 1, t[1] = 0xfffffff8;
	put(t, 8);
	tag(0, "", 0);
	assert_non_null(__builtin_strstr(parse_n(used, used), "longer"));
	begin();
	assert_non_null(__builtin_strstr(end(), "no memory map"));
}

static void test_long_texts_are_cut(void **state)
{
	static char longer[4096];

	(void)state;
	memset(longer, 'y', sizeof(longer)); /* and no NUL */
	begin();
	tag(1, longer, sizeof(longer));
	mmap_tag(plain, 4);
	assert_null(end());
	assert_int_equal(strlen(bi.cmdline), BOOT_CMDLINE - 1);
}

static void test_map_overlaps(void **state)
{
	/* unsorted; a hole in RAM, a reserved range over two RAM ranges,
	 * twins, wrap, nothing, touching ones, a strange type */
	static const struct mm in[] = {
		{ 0x200000, 0x200000, 1 },    { 0x100000, 0x100000, 1 }, { 0x180800, 0x100, 2 },
		{ 0x1ff000, 0x2000, 4 },      { 0x200000, 0x200000, 1 }, { 0x300000, 0, 2 },
		{ ~0ull - 0xfff, 0x2000, 1 }, { 0x350000, 0x1000, 77 },	 { 0x350000, 0x1000, 1 },
		{ 0x1000, 0xe00, 1 },	      { 0x3ff800, 0x1000, 3 },
	};
	static const struct mm want[] = {
		{ 0x100000, 0x80000, 1 }, { 0x180800, 0x100, 2 },    { 0x181000, 0x7e000, 1 },
		{ 0x1ff000, 0x2000, 4 },  { 0x201000, 0x14f000, 1 }, { 0x350000, 0x1000, 2 },
		{ 0x351000, 0xae000, 1 }, { 0x3ff800, 0x1000, 3 },
	};

	(void)state;
	begin();
	mmap_tag(in, ARRAY_SIZE(in));
	assert_null(end());
	expect_map(want, ARRAY_SIZE(want));
	assert_int_equal(bi.mem_dropped, 1);
}

static void check_invariants(void)
{
	assert_true(bi.mem_count <= BOOT_MEM_MAX);
	for (u32 i = 0; i < bi.mem_count; i++) {
		assert_true(bi.mem[i].start.v < bi.mem[i].end.v);
		assert_in_range(bi.mem[i].type, BOOT_MEM_RAM, BOOT_MEM_BAD);
		if (bi.mem[i].type == BOOT_MEM_RAM)
			assert_int_equal((bi.mem[i].start.v | bi.mem[i].end.v) % PAGE_SIZE, 0);
		if (i)
			assert_true(bi.mem[i - 1].end.v <= bi.mem[i].start.v);
	}
}

/* Random maps against a map of pages:
 * a page is RAM when all of it is and no range that says otherwise touches it. */
static void test_random_maps(void **state)
{
	enum { PAGES = 64 };
	static struct mm in[24];

	(void)state;
	srand(1);
	for (u32 round = 0; round < 3000; round++) {
		u32 n = 1 + (u32)rand() % ARRAY_SIZE(in);
		bool not_ram[PAGES] = { 0 };
		u8 want[PAGES * 8] = { 0 }; /* eighths of a page */

		for (u32 i = 0; i < n; i++) {
			u32 a = (u32)rand() % (PAGES * 8), b = a + (u32)rand() % (PAGES * 8 - a + 1);

			if (rand() % 2)
				a &= ~7u, b &= ~7u;
			in[i] = (struct mm){ a * 512ull, (b > a ? b - a : 0) * 512ull, 1 + (u32)rand() % 5 };
			for (u32 e = a; in[i].type == 1 && e < b; e++)
				want[e] = 1;
			for (u32 e = a; in[i].type != 1 && e < b; e++)
				not_ram[e / 8] = true;
		}
		begin();
		mmap_tag(in, n);
		if (end())
			continue; /* all empty: no map */
		check_invariants();
		for (u32 p = 0; p < PAGES; p++) {
			bool ram = false;

			for (u32 i = 0; i < bi.mem_count; i++)
				ram |= bi.mem[i].type == BOOT_MEM_RAM && bi.mem[i].start.v <= p * PAGE_SIZE &&
				       p * PAGE_SIZE < bi.mem[i].end.v;
			assert_int_equal(ram, !__builtin_memchr(want + p * 8, 0, 8) && !not_ram[p]);
		}
	}
}

static void test_too_many_ranges(void **state)
{
	static struct mm in[300];

	(void)state;
	for (u32 i = 0; i < 300; i++)
		in[i] = (struct mm){ 0x100000 + (299 - i) * 0x2000ull, 0x1000, 1 };
	begin();
	mmap_tag(in, 300);
	assert_null(end());
	assert_int_equal(bi.mem_count, BOOT_MEM_MAX);
	assert_int_equal(bi.mem_dropped, 300 - BOOT_MEM_MAX);
	check_invariants();
}

static void test_modules(void **state)
{
	(void)state;
#define MODULES(...)                    \
	({                              \
		begin();                \
		mmap_tag(plain, 4);     \
		__VA_ARGS__;            \
		const char *w_ = end(); \
		w_ ? w_ : "fine";       \
	})
	assert_string_equal(MODULES(module_tag(0x400000, 0x400000, "")), "fine");
	assert_non_null(__builtin_strstr(MODULES(module_tag(0x400000, 0x3fffff, "")), "before it starts"));
	assert_non_null(__builtin_strstr(MODULES(module_tag(0x400800, 0x500000, "")), "page boundary"));
	assert_non_null(__builtin_strstr(
		MODULES(module_tag(0x400000, 0x402000, ""); module_tag(0x401000, 0x403000, "")), "overlap"));
	assert_non_null(__builtin_strstr(MODULES(module_tag(0xf0000000, 0xf0001000, "")), "outside of RAM"));
	assert_non_null(__builtin_strstr(MODULES(module_tag(0x1ffff000, 0x20001000, "")), "outside of RAM"));
	assert_non_null(__builtin_strstr(MODULES(tag(3, "short", 5)), "cut short"));
	assert_non_null(__builtin_strstr(MODULES(for (u32 i = 0; i < 65; i++) module_tag(
						 0x400000 + i * 0x1000, 0x401000 + i * 0x1000, "m")),
					 "64 modules"));
	assert_string_equal(MODULES(for (u32 i = 0; i < 64; i++)
					    module_tag(0x400000 + i * 0x1000, 0x401000 + i * 0x1000, "m")),
			    "fine");
	assert_int_equal(bi.module_count, 64);
}

static void test_efi_map(void **state)
{
	struct {
		u32 type, pad;
		u64 phys, virt, pages, attr, extra;
	} d[] = { { 7, 0, 0x100000, 0, 16, 0, 0 },
		  { 4, 0, 0x110000, 0, 16, 0, 0 },
		  { 9, 0, 0x120000, 0, 1, 0, 0 },
		  { 11, 0, 0xf0000000, 0, 1, 0, 0 },
		  { 7, 0, 0x200000, 0, ~0ull, 0, 0 } };
	static const struct mm want[] = { { 0x100000, 0x20000, 1 },
					  { 0x120000, 0x1000, 3 },
					  { 0xf0000000, 0x1000, 2 } };

	(void)state;
	for (u32 with_mmap = 0; with_mmap < 2; with_mmap++) {
		begin();
		put32(17);
		put32(16 + sizeof(d));
		put32(sizeof(d[0]));
		put32(1);
		put(d, sizeof(d));
		if (with_mmap) /* the loader's own is believed */
			mmap_tag(plain, 4);
		assert_null(end());
		if (!with_mmap) {
			expect_map(want, 3);
			assert_int_equal(bi.mem_dropped, 1);
		} else {
			assert_int_equal(bi.mem_count, 4);
		}
	}
	begin();
	put32(17), put32(24), put32(7), put32(1), put64(0);
	assert_non_null(__builtin_strstr(end(), "impossible size"));
	begin();
	put32(6), put32(24), put32(20), put32(0), put64(0);
	assert_non_null(__builtin_strstr(end(), "impossible size"));
}

static void test_random_bytes(void **state)
{
	u32 fine = 0;

	(void)state;
	srand(2);
	for (u32 round = 0; round < 30000; round++) {
		begin();
		tag(1, "x y z", 6);
		mmap_tag(plain, 4);
		module_tag(0x400000, 0x412345, "control");
		tag(8, image, 32);
		tag(14, image, 20);
		tag(17, image, 56);
		tag(0, "", 0);
		for (u32 i = 0; i < 1 + (u32)rand() % 6; i++)
			image[8 + (u32)rand() % (used - 8)] = (u8)(rand() % 3 ? rand() : rand() % 20);
		if (!parse_n(used, used)) {
			check_invariants();
			fine++;
		}
	}
	assert_true(fine > 1000);
}

static void test_free_ranges(void **state)
{
	struct frame_range r[8];

	(void)state;
	begin();
	mmap_tag(plain, 4);
	assert_null(end());
	boot_reserve(&bi, HPA(0), HPA(0x100000));	     /* first MiB */
	boot_reserve(&bi, HPA(0x400000), HPA(0x412345));     /* a module */
	boot_reserve(&bi, HPA(0x413000), HPA(0x500000));     /* touches it */
	boot_reserve(&bi, HPA(0x480000), HPA(0x600000));     /* overlaps */
	boot_reserve(&bi, HPA(0x700000), HPA(0x700000));     /* empty */
	boot_reserve(&bi, HPA(0x1fff0800), HPA(0x90000000)); /* beyond the end */
	assert_int_equal(boot_free_ranges(&bi, r, 8), 2);
	assert_int_equal(r[0].base, 0x100000);
	assert_int_equal(r[0].end, 0x400000);
	assert_int_equal(r[1].base, 0x600000);
	assert_int_equal(r[1].end, 0x1fff0000);
	assert_int_equal(boot_free_ranges(&bi, r, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_tags),	cmocka_unit_test(test_screens),
		cmocka_unit_test(test_hostile_frames),	cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_map_overlaps),	cmocka_unit_test(test_random_maps),
		cmocka_unit_test(test_too_many_ranges), cmocka_unit_test(test_modules),
		cmocka_unit_test(test_efi_map),		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_free_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
