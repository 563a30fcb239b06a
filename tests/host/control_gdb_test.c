/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers as GDB numbers them: there and back, and the description that goes with them. */
#include "guest/control/gdb_regs.h"
#include "tests/host/control_common.h"

/* Every register comes back as it was written. */
static void there_and_back(void **state)
{
	struct gdb_state a, b;
	char text[64];

	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	for (size_t i = 0; i < sizeof(a); i++)
		((u8 *)&a)[i] = (u8)(i * 7 + 1);
	for (u32 n = 0; n < gdb_regs(); n++) {
		u32 digits = gdb_reg_get(&a, n, text);

		assert_in_range(digits, 8, 32);
		text[digits] = 0;
		assert_int_equal(gdb_reg_set(&b, n, text), digits);
		text[digits - 1] = 0;
		assert_int_equal(gdb_reg_set(&b, n, text), 0); /* too short */
	}
	assert_memory_equal(a.c.gpr, b.c.gpr, sizeof(a.c.gpr));
	assert_int_equal(a.c.rip, b.c.rip);
	assert_int_equal((u32)a.c.rflags, (u32)b.c.rflags);
	assert_int_equal(a.c.cs.selector, b.c.cs.selector);
	assert_int_equal(a.c.gs.base, b.c.gs.base);
	assert_int_equal(a.c.cr4, b.c.cr4);
	assert_int_equal(a.c.gdtr_limit, b.c.gdtr_limit);
	assert_int_equal(a.c.lstar, b.c.lstar);
	assert_memory_equal(a.fx, b.fx, 5);
	assert_memory_equal(a.fx + 6, b.fx + 6, 8);
	for (u32 i = 0; i < 8; i++)
		assert_memory_equal(a.fx + 32 + 16 * i, b.fx + 32 + 16 * i, 10);
	assert_memory_equal(a.fx + 160, b.fx + 160, 256);
	assert_int_equal(gdb_reg_get(&a, gdb_regs(), text), 0);
	assert_int_equal(gdb_reg_set(&a, gdb_regs(), "0000000000000000"), 0);
	assert_int_equal(gdb_reg_set(&a, 0, "xxxxxxxxxxxxxxxx"), 16); /* it stays */
	assert_memory_equal(a.c.gpr, b.c.gpr, sizeof(a.c.gpr));
}

/* GDB's numbers: 0 rax, 1 rbx, 7 rsp, 16 rip, 17 eflags in four bytes, 24 st0, 34 ftag, 40 xmm0, 56 mxcsr. */
static void numbers(void **state)
{
	struct gdb_state g = {
		.c = { .gpr = { 0x11, 0x22, 0x33, 0x44, 0x55 }, .rip = 0x123456789abcdef0, .rflags = 0x246 },
		/* FSW: TOP = 4; 4 to 7 are ST0 to ST3: 1.0, 0, infinity, denormal */
		.fx = { [2] = 0,
			[3] = 0x20,
			[4] = 0xf0,
			[24] = 0x80,
			[25] = 0x1f,
			[39] = 0x80,
			[40] = 0xff,
			[41] = 0x3f,
			[71] = 0x80,
			[72] = 0xff,
			[73] = 0x7f,
			[80] = 1,
			[160] = 0xab }
	};
	char text[64];

	(void)state;
	gdb_reg_get(&g, 0, text);
	assert_memory_equal(text, "1100000000000000", 16);
	gdb_reg_get(&g, 1, text);
	assert_memory_equal(text, "4400000000000000", 16);
	gdb_reg_get(&g, 7, text);
	assert_memory_equal(text, "5500000000000000", 16);
	gdb_reg_get(&g, 16, text);
	assert_memory_equal(text, "f0debc9a78563412", 16);
	assert_int_equal(gdb_reg_get(&g, 17, text), 8);
	assert_memory_equal(text, "46020000", 8);
	assert_int_equal(gdb_reg_get(&g, 24, text), 20);
	assert_memory_equal(text, "0000000000000080ff3f", 20);
	gdb_reg_get(&g, 34, text);
	assert_memory_equal(text, "ffa40000", 8);
	assert_int_equal(gdb_reg_get(&g, 40, text), 32);
	assert_memory_equal(text, "ab000000", 8);
	assert_int_equal(gdb_reg_get(&g, 56, text), 8);
	assert_memory_equal(text, "801f0000", 8);
	assert_int_equal(gdb_reg_set(&g, 34, "fcff0000"), 8);
	assert_int_equal(g.fx[4], 1);
}

/* Whatever pieces it is read in, the description is the same, and has a line for each register. */
static void description(void **state)
{
	static char whole[32768], part[32768];
	u32 n = gdb_target_xml(0, whole, sizeof(whole) - 1), have, at, rows = 0;

	(void)state;
	assert_in_range(n, 1000, sizeof(whole) - 2);
	whole[n] = 0;
	for (const char *s = whole; (s = strstr(s, "<reg ")); s++)
		rows++;
	assert_int_equal(rows, gdb_regs());
	assert_non_null(strstr(whole, "org.gnu.gdb.i386.core"));
	assert_string_equal(whole + n - 10, "</target>\n");
	for (u32 piece = 1; piece < 2000; piece = piece * 3 + 1) {
		for (at = 0; (have = gdb_target_xml(at, part + at, piece)); at += have)
			assert_true(have <= piece);
		assert_int_equal(at, n);
		assert_memory_equal(part, whole, n);
	}
	assert_int_equal(gdb_target_xml(~0u, part, 10), 0);
}

static void hexadecimal(void **state)
{
	u8 bytes[2] = { 0 };
	char text[4];

	(void)state;
	hex_put(text, "\x0f\xa5", 2);
	assert_memory_equal(text, "0fa5", 4);
	assert_true(hex_get(bytes, "0FA5", 2));
	assert_int_equal(bytes[1], 0xa5);
	assert_false(hex_get(bytes, "0g", 1));
	assert_false(hex_get(bytes, "1", 1));
	assert_int_equal(hex_digit('`'), -1);
	assert_int_equal(hex_digit('@'), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(there_and_back), cmocka_unit_test(numbers),
					    cmocka_unit_test(description), cmocka_unit_test(hexadecimal) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
