/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a domain's RAM is.
 */
#include "tests/host/control_common.h"

#include "guest/control/memmap.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static void sizes(void **state)
{
	(void)state;
	assert_false(memmap_valid(0));
	assert_false(memmap_valid(MIB - 4096));
	assert_true(memmap_valid(MIB));
	assert_false(memmap_valid(MIB + 1));
	assert_true(memmap_valid(MIB + 4096));
	assert_true(memmap_valid(MEMMAP_MEMORY_MAX));
	assert_false(memmap_valid(MEMMAP_MEMORY_MAX + 4096));
}

static void ranges(void **state)
{
	static const struct {
		u64 memory;
		unsigned n;
		u64 below_4g_end, above_4g_end, ram;
	} row[] = {
		{ MIB, 2, 0xa0000, 0, 0xa0000 + 0x20000 },
		{ MIB + 4096, 3, MIB + 4096, 0, 0xc0000 + 4096 },
		{ 256 * MIB, 3, 256 * MIB, 0, 256 * MIB - 0x40000 },
		{ 3 * GIB, 3, 3 * GIB, 0, 3 * GIB - 0x40000 },
		{ 3 * GIB + 4096, 4, 3 * GIB, 4 * GIB + 4096, 3 * GIB + 4096 - 0x40000 },
		{ 8 * GIB, 4, 3 * GIB, 9 * GIB, 8 * GIB - 0x40000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct memmap_range r[MEMMAP_RANGES_MAX];
		unsigned n = memmap_ranges(row[i].memory, r);

		assert_int_equal(n, row[i].n);
		assert_true(r[0].start == 0 && r[0].size == 0xa0000 && r[0].type == MEMMAP_RAM);
		assert_true(r[1].start == 0xe0000 && r[1].size == 0x20000 && r[1].type == MEMMAP_RESERVED);
		if (n > 2)
			assert_true(r[2].start == MIB && r[2].start + r[2].size == row[i].below_4g_end);
		if (n > 3)
			assert_true(r[3].start == 4 * GIB && r[3].start + r[3].size == row[i].above_4g_end);
		assert_true(memmap_low_ram_end(row[i].memory) == row[i].below_4g_end);
		assert_true(memmap_ram_bytes(row[i].memory) == row[i].ram);
	}
}

static void what_is_ram(void **state)
{
	u64 m = 4 * GIB;

	(void)state;
	assert_true(memmap_is_ram(m, 0, 0xa0000));
	assert_false(memmap_is_ram(m, 0, 0xa0001));
	assert_false(memmap_is_ram(m, 0xa0000, 0));
	assert_false(memmap_is_ram(m, 0xe0000, 1));
	assert_false(memmap_is_ram(m, 0xfffff, 2));
	assert_true(memmap_is_ram(m, MIB, 3 * GIB - MIB));
	assert_false(memmap_is_ram(m, MIB, 3 * GIB - MIB + 1));
	assert_false(memmap_is_ram(m, 3 * GIB, 1));
	assert_true(memmap_is_ram(m, 4 * GIB, GIB));
	assert_false(memmap_is_ram(m, 4 * GIB, GIB + 1));
	assert_false(memmap_is_ram(m, ~0ull, 2));
	assert_false(memmap_is_ram(m, MIB, ~0ull));
	assert_false(memmap_is_ram(MIB, MIB, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(ranges),
		cmocka_unit_test(what_is_ram),
	};

	return cmocka_run_group_tests_name("control_memmap", tests, NULL, NULL);
}
