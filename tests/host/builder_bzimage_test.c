/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux bzImages made here: the zero page, the places, and what is refused.
 */
#include "tests/host/builder_common.h"

#include <asm/bootparam.h>

#define SETUP_SECTS  4
#define SETUP_BYTES  ((SETUP_SECTS + 1) * 512)
#define KERNEL_BYTES 0x3000u

static u8 file[SETUP_BYTES + KERNEL_BYTES];
static struct setup_header *const hdr = (struct setup_header *)(file + 0x1f1);
static struct load_plan p;
static u8 initrd[100000];

/* The numbers are those of a Debian kernel, the code is short. */
static struct load_input image(u64 memory)
{
	memset(file, 0, sizeof(file));
	for (unsigned i = SETUP_BYTES; i < sizeof(file); i++)
		file[i] = (u8)(i * 3);
	hdr->setup_sects = SETUP_SECTS;
	hdr->syssize = KERNEL_BYTES / 16;
	hdr->boot_flag = 0xaa55;
	file[0x200] = 0xeb;
	file[0x201] = 0x6a;
	hdr->header = 0x53726448;
	hdr->version = 0x20f;
	hdr->loadflags = 0x81;
	hdr->code32_start = 0x100000;
	hdr->initrd_addr_max = 0x7fffffff;
	hdr->kernel_alignment = 0x200000;
	hdr->relocatable_kernel = 1;
	hdr->min_alignment = 21;
	hdr->xloadflags = 0x7f;
	hdr->cmdline_size = 2047;
	hdr->payload_offset = 0x400;
	hdr->payload_length = 0x2000;
	hdr->setup_data = 0x123456;
	hdr->pref_address = 0x1000000;
	hdr->init_size = 0x2000000;
	return (struct load_input){ .image = file,
				    .size = sizeof(file),
				    .name = "linux",
				    .cmdline = "console=ttyS0 quiet",
				    .memory = memory,
				    .rsdp = 0xe0000 };
}

static void zero_page(void **state)
{
	struct load_input in = image(256 * MIB);
	const struct boot_params *bp;
	const struct load_segment *k;

	(void)state;
	in.initrd = initrd;
	in.initrd_size = sizeof(initrd);
	expect_load(&in, &p);
	assert_string_equal(p.format, "Linux bzImage");
	assert_int_equal(p.kind, LOAD_ENTRY_LINUX64);
	assert_true(p.entry == 0x1000200);
	k = planned_segment(&p, "kernel");
	assert_true(k->gpa == 0x1000000 && k->src == file + SETUP_BYTES && k->filesz == KERNEL_BYTES &&
		    k->memsz == 0x2000000);

	bp = planned(&p, p.rsi, sizeof(*bp));
	assert_int_equal(p.rsi % 4096, 0);
	assert_true(bp->acpi_rsdp_addr == 0xe0000);
	assert_int_equal(bp->sentinel, 0);
	assert_int_equal(bp->hdr.type_of_loader, 0xff);
	assert_int_equal(bp->hdr.loadflags, 0x01);
	assert_int_equal(bp->hdr.version, 0x20f);
	assert_int_equal(bp->hdr.init_size, 0x2000000);
	assert_int_equal(bp->hdr.code32_start, 0x1000000);
	assert_int_equal(bp->hdr.vid_mode, 0xffff);
	assert_true(bp->hdr.setup_data == 0);
	assert_int_equal(bp->hdr.ramdisk_image, 256 * MIB - ALIGN_UP(sizeof(initrd), 4096ul));
	assert_int_equal(bp->hdr.ramdisk_size, sizeof(initrd));
	assert_ptr_equal(planned(&p, bp->hdr.ramdisk_image, sizeof(initrd)), initrd);
	assert_string_equal(planned(&p, bp->hdr.cmd_line_ptr, 20), "console=ttyS0 quiet");
	assert_int_equal(bp->e820_entries, 3);
	assert_true(bp->e820_table[0].addr == 0 && bp->e820_table[0].size == 0xa0000 &&
		    bp->e820_table[0].type == 1);
	assert_true(bp->e820_table[1].addr == 0xe0000 && bp->e820_table[1].size == 0x20000 &&
		    bp->e820_table[1].type == 2);
	assert_true(bp->e820_table[2].addr == MIB && bp->e820_table[2].size == 255 * MIB &&
		    bp->e820_table[2].type == 1);
	/* screen_info and everything else in front of the header stays zero but the RSDP's address */
	for (unsigned i = 0; i < 0x1e8; i++)
		assert_true(i / 8 == 0x70 / 8 || ((const u8 *)bp)[i] == 0);
}

static void tables(void **state)
{
	struct load_input in = image(256 * MIB);
	const u64 *pml4, *pdpt, *gdt;

	(void)state;
	expect_load(&in, &p);
	pml4 = planned(&p, p.cr3, 4096);
	assert_true((pml4[0] & 0xfff) == 3 && pml4[1] == 0);
	pdpt = planned(&p, pml4[0] & ~0xfffull, 4096);
	for (u64 gpa = 0; gpa < 4ull << 30; gpa += 2 * MIB) {
		u64 pde = pdpt[gpa >> 30];

		assert_true((pde & 0xfff) == 3);
		assert_true(((const u64 *)planned(&p, pde & ~0xfffull, 4096))[gpa >> 21 & 511] ==
			    (gpa | 0x83));
	}
	assert_true(pdpt[4] == 0);
	assert_int_equal(p.gdt_limit, 31);
	gdt = planned(&p, p.gdt, 32);
	assert_true(gdt[0] == 0 && gdt[1] == 0);
	assert_true(gdt[2] >> 53 & 1);		    /* L */
	assert_true((gdt[2] >> 40 & 0x9f) == 0x9b); /* present, code, readable, accessed */
	assert_true((gdt[3] >> 40 & 0x9f) == 0x93 &&
		    (gdt[3] >> 54 & 1)); /* data, writable, accessed, 4 GiB */
}

static void kernel_placement(void **state)
{
	struct load_input in = image(48 * MIB);

	(void)state;
	expect_load(&in, &p); /* just fits at 16 MiB */
	assert_true(p.entry == 0x1000200);
	in = image(40 * MIB); /* not there, so lower */
	expect_load(&in, &p);
	assert_true(p.entry == 0x200200);
	in = image(34 * MIB);
	expect_load(&in, &p);
	in = image(34 * MIB - 4096);
	expect_refusal(&in, "too much for a domain of 34812 KiB");
	in = image(40 * MIB);
	hdr->relocatable_kernel = 0;
	expect_refusal(&in, "at 0x1000000");
	in = image(MIB);
	expect_refusal(&in, "too much for a domain of 1024 KiB");
	in = image(64 * MIB);
	hdr->pref_address = 0x4000; /* not in low memory: the arena's and the guest's own */
	expect_load(&in, &p);
	assert_true(p.entry == 0x200200);
	in = image(5ull << 30);
	hdr->pref_address = 0x100000000;
	expect_load(&in, &p);
	assert_true(p.entry == 0x200200);
}

static void initrd_placement(void **state)
{
	struct load_input in = image(4ull << 30);
	u64 limit;

	(void)state;
	in.initrd = initrd;
	in.initrd_size = sizeof(initrd);
	expect_load(&in, &p);
	limit = planned_segment(&p, "initrd")->gpa + ALIGN_UP(sizeof(initrd), 4096ul);
	assert_true(limit == 0x80000000);
	hdr->initrd_addr_max = 0xffffffff;
	expect_load(&in, &p);
	assert_true(planned_segment(&p, "initrd")->gpa + ALIGN_UP(sizeof(initrd), 4096ul) == 0xc0000000);
	hdr->initrd_addr_max = 0x1000000 + 99999;
	expect_load(&in, &p); /* below the kernel */
	assert_true(planned_segment(&p, "initrd")->gpa < 0x1000000);
	hdr->initrd_addr_max = 0x100000 + 99998;
	expect_refusal(&in, "no room for an initrd of 100000 bytes");
}

static void command_line(void **state)
{
	static char text[LOAD_CMDLINE_MAX];
	struct load_input in = image(64 * MIB);
	const struct boot_params *bp;

	(void)state;
	memset(text, 'c', 2047);
	in.cmdline = text;
	expect_load(&in, &p);
	bp = planned(&p, p.rsi, sizeof(*bp));
	assert_string_equal(planned(&p, bp->hdr.cmd_line_ptr, 2048), text);
	text[2047] = 'c';
	expect_refusal(&in, "has 2048 bytes, this kernel takes 2047");
	hdr->cmdline_size = 0xffffffff;
	memset(text, 'c', LOAD_CMDLINE_MAX - 1);
	expect_load(&in, &p);
	in.cmdline = NULL;
	expect_load(&in, &p);
	bp = planned(&p, p.rsi, sizeof(*bp));
	assert_string_equal(planned(&p, bp->hdr.cmd_line_ptr, 1), "");
}

static void bad_headers(void **state)
{
	static const struct {
		unsigned at, bytes;
		u64 value;
		const char *message;
	} row[] = {
		{ 0x206, 2, 0x20b, "boot protocol 2.11 is too old" },
		{ 0x206, 2, 0x000, "too old" },
		{ 0x211, 1, 0x80, "zImage" },
		{ 0x236, 2, 0x7e, "XLF_KERNEL_64" },
		{ 0x1f1, 1, 0xff, "truncated" },
		{ 0x1f4, 4, 0x20, "corrupt: its kernel has 512 bytes" },
		{ 0x1f4, 4, 0, "corrupt: its kernel has 0 bytes" },
		{ 0x1f4, 4, 0x301, "truncated: 14848 bytes of 14864" },
		{ 0x1f4, 4, 0xffffffff, "truncated" },
		{ 0x248, 4, 0x3001, "payload" },
		{ 0x248, 4, 0xffffffff, "payload" },
		{ 0x24c, 4, 0x2c01, "payload" },
		{ 0x260, 4, 0x2fff, "init_size" },
		{ 0x230, 4, 0, "kernel_alignment" },
		{ 0x230, 4, 0x300000, "kernel_alignment" },
		{ 0x201, 1, 0x61, "setup header ends at 0x263" },
		{ 0x201, 1, 0x8f, "setup header ends at 0x291" },
		{ 0x202, 4, 0, "unknown format" },
		{ 0x1fe, 2, 0, "unknown format" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct load_input in = image(64 * MIB);

		memcpy(file + row[i].at, &row[i].value, row[i].bytes);
		expect_refusal(&in, row[i].message);
	}
}

static void old_setup_size(void **state)
{
	struct load_input in = image(64 * MIB);

	(void)state;
	hdr->setup_sects = 0; /* means 4 */
	expect_load(&in, &p);
	assert_ptr_equal(planned_segment(&p, "kernel")->src, file + SETUP_BYTES);
}

static void truncated_and_damaged(void **state)
{
	struct load_input in = image(64 * MIB);

	(void)state;
	check_truncations(in, false);
	in.initrd = initrd;
	in.initrd_size = sizeof(initrd);
	check_damage(in, 0x270, 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_page),	    cmocka_unit_test(tables),
		cmocka_unit_test(kernel_placement), cmocka_unit_test(initrd_placement),
		cmocka_unit_test(command_line),	    cmocka_unit_test(bad_headers),
		cmocka_unit_test(old_setup_size),   cmocka_unit_test(truncated_and_damaged),
	};

	return cmocka_run_group_tests_name("builder_bzimage", tests, NULL, NULL);
}
