/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables of a small hypervisor, good ones and each with one fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/hostmap.h"
#include "guest/control/doctor.h"
#include "guest/lib/hypercall.h"

#define P  BIT(0)
#define W  BIT(1)
#define U  BIT(2)
#define D  BIT(6)
#define NX BIT(63)

#define IMAGE (IMAGE_BASE + SZ_2M)

struct leaf {
	u64 va, hpa, size, bits, table; /* table: bits of the entries above */
};

enum { TEXT, RODATA, DATA, OWN, OWN2, WINDOW, MAIN, NMI, SHADOW, MMIO, EXTRA, LEAVES };
/* clang-format off */
static const struct leaf good[LEAVES] = {
	[TEXT] = { IMAGE, SZ_2M, 2 * PAGE_SIZE, P, P | W | U },
	[RODATA] = { IMAGE + 2 * PAGE_SIZE, SZ_2M + 2 * PAGE_SIZE, PAGE_SIZE, P | NX, P | W | U },
	[DATA] = { IMAGE + 3 * PAGE_SIZE, SZ_2M + 3 * PAGE_SIZE, PAGE_SIZE, P | W | NX, P | W | U },
	[OWN] = { DIRECT_MAP + 4 * SZ_2M, 4 * SZ_2M, SZ_2M, P | W | NX, P | W | U },
	[OWN2] = { DIRECT_MAP + 6 * SZ_2M, 6 * SZ_2M, PAGE_SIZE, P | W | NX, P | W | U },
	[WINDOW] = { DOMAIN_MAP + SZ_1G, SZ_1G, SZ_1G, P | W | U | NX, P | W | U },
	[MAIN] = { STACK_AREA + STACK_SLOT + PAGE_SIZE, 5 * SZ_2M, STACK_BYTES, P | W | NX, P | W | U },
	[NMI] = { STACK_AREA + STACK_SLOT + 2 * PAGE_SIZE + STACK_BYTES, 5 * SZ_2M, IST_BYTES, P | W | NX, P | W | U },
	[SHADOW] = { STACK_AREA + 2 * STACK_SLOT - SHADOW_BYTES, 6 * SZ_2M, SHADOW_BYTES, P | D | NX, P | W | U },
	[MMIO] = { MMIO_AREA, 0xfee00000, PAGE_SIZE, P | W | NX, P | W | U },
};
/* clang-format on */
static struct leaf t[LEAVES];
static u64 stolen; /* a domain's frame */
static bool refuses;

s64 fake_hypercall(u32 nr, u64 va, u64 to, u64 c, u64 d, u64 e)
{
	struct caisson_walk *w = (void *)to;

	(void)c, (void)d, (void)e;
	assert_int_equal(nr, CAISSON_CALL_host_walk);
	if (refuses)
		return -CAISSON_EPERM;
	memset(w, 0, sizeof(*w));
	for (u32 i = 0; i < LEAVES; i++) {
		if (va - t[i].va >= t[i].size)
			continue;
		w->levels = 4;
		w->entry[0] = w->entry[1] = w->entry[2] = t[i].table;
		w->entry[3] = t[i].bits;
		w->leaf = 1;
		/* ranges that are no size of a leaf are pages */
		w->size = t[i].size == SZ_2M || t[i].size == SZ_1G ? t[i].size : PAGE_SIZE;
		w->hpa = t[i].hpa + (va - t[i].va);
		return (w->hpa & PAGE_MASK) == stolen ? 3 : 0xfffe;
	}
	w->levels = 1;
	for (w->size = 1ull << 39;; w->size /= 512) {
		u64 from = va & ~(w->size - 1);
		bool clear = true;

		for (u32 i = 0; i < LEAVES; i++)
			clear &= !t[i].size || t[i].va + t[i].size - 1 < from || t[i].va > from + w->size - 1;
		if (clear)
			return 0xffff;
	}
}

static const char *check(u64 *at)
{
	u32 pages;

	return walls_check(at, &pages);
}

static void good_ones_pass(void **state)
{
	u32 pages;
	u64 at;

	(void)state;
	memcpy(t, good, sizeof(t));
	stolen = ~0ull;
	assert_null(walls_check(&at, &pages));
	/* the image, a large page by frames, a small one, the window, stacks, registers */
	assert_int_equal(pages, 4 + 512 + 1 + 1 + (STACK_BYTES + IST_BYTES + SHADOW_BYTES) / PAGE_SIZE + 1);
}

static void each_fault_is_found(void **state)
{
	static const struct {
		u32 which;
		struct leaf is;
		u64 stolen, at;
		const char *wrong;
		/* clang-format off */
	} rows[] = {
		{ EXTRA, { 0x9000, 0x9000, PAGE_SIZE, P | NX, P }, 0, 0x9000, "lower half" },
		{ EXTRA, { BIT(47) - PAGE_SIZE, 0x9000, PAGE_SIZE, P | NX, P }, 0, BIT(47) - PAGE_SIZE, "lower half" },
		{ TEXT, { IMAGE, SZ_2M, 2 * PAGE_SIZE, P | W, P | W }, 0, IMAGE, "writable and executable" },
		{ DATA, { IMAGE + 3 * PAGE_SIZE, SZ_2M + 3 * PAGE_SIZE, PAGE_SIZE, P | W, P | W }, 0, IMAGE + 3 * PAGE_SIZE, "writable and executable" },
		{ OWN, { DIRECT_MAP + 4 * SZ_2M, 4 * SZ_2M, SZ_2M, P, P | W }, 0, DIRECT_MAP + 4 * SZ_2M, "outside the image is executable" },
		{ OWN, { DIRECT_MAP + 4 * SZ_2M, 4 * SZ_2M, SZ_2M, P | U | NX, P | U }, 0, DIRECT_MAP + 4 * SZ_2M, "user page outside" },
		{ WINDOW, { DOMAIN_MAP + SZ_1G, SZ_1G, SZ_1G, P | W | NX, P | W | U }, 0, DOMAIN_MAP + SZ_1G, "no user page" },
		{ WINDOW, { DOMAIN_MAP + SZ_1G, SZ_1G, SZ_1G, P | W | U | NX, P | W }, 0, DOMAIN_MAP + SZ_1G, "no user page" },
		{ WINDOW, { DOMAIN_MAP, 0, SZ_1G, P | W | U | NX, P | W | U }, 0, DOMAIN_MAP, "mapped twice" },
		{ OWN, { DIRECT_MAP + SZ_2M, SZ_2M, SZ_2M, P | NX, P }, 0, DIRECT_MAP + SZ_2M, "mapped twice" },
		{ EXTRA, { MMIO_AREA + SZ_2M, SZ_2M + 3 * PAGE_SIZE, PAGE_SIZE, P | NX, P }, 0, MMIO_AREA + SZ_2M, "mapped twice" },
		{ EXTRA, { 0 }, 4 * SZ_2M + 7 * PAGE_SIZE, DIRECT_MAP + 4 * SZ_2M + 7 * PAGE_SIZE, "a domain's frame" },
		{ EXTRA, { 0 }, 6 * SZ_2M, DIRECT_MAP + 6 * SZ_2M, "a domain's frame" },
		{ EXTRA, { STACK_AREA + STACK_SLOT, 0x9000, PAGE_SIZE, P | W | NX, P | W }, 0, STACK_AREA + STACK_SLOT, "unmapped page" },
		{ EXTRA, { STACK_AREA + STACK_SLOT + PAGE_SIZE + STACK_BYTES, 0x9000, PAGE_SIZE, P | NX, P }, 0,
		  STACK_AREA + STACK_SLOT + PAGE_SIZE + STACK_BYTES, "unmapped page" },
		{ EXTRA, { STACK_AREA + STACK_SLOT + 2 * PAGE_SIZE + STACK_BYTES + IST_BYTES, 0x9000, PAGE_SIZE, P | NX, P }, 0,
		  STACK_AREA + STACK_SLOT + 2 * PAGE_SIZE + STACK_BYTES + IST_BYTES, "unmapped page" },
		{ OWN2, { DIRECT_MAP + 6 * SZ_2M, 6 * SZ_2M, PAGE_SIZE, P | D | NX, P | W }, 0, DIRECT_MAP + 6 * SZ_2M, "that is none" },
		{ SHADOW, { STACK_AREA + 2 * STACK_SLOT - PAGE_SIZE, 0x9000, PAGE_SIZE, P | W | D | NX, P | W }, 0,
		  STACK_AREA + 2 * STACK_SLOT - PAGE_SIZE, "can be written" },
	};
	/* clang-format on */
	const char *wrong;
	u64 at;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(t, good, sizeof(t));
		t[rows[i].which] = rows[i].is;
		stolen = rows[i].stolen ? rows[i].stolen : ~0ull;
		wrong = check(&at);
		if (!wrong || !strstr(wrong, rows[i].wrong))
			fail_msg("row %u: %s instead of %s", i, wrong ? wrong : "nothing", rows[i].wrong);
		assert_int_equal(at, rows[i].at);
	}
	refuses = true;
	assert_non_null(check(&at));
	refuses = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(good_ones_pass),
					    cmocka_unit_test(each_fault_is_found) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
