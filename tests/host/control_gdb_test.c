/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers as GDB numbers them: there and back, and the description that goes with them. */
#include "guest/control/gdb_regs.h"
#include "tests/host/control_common.h"

/* Every register that is known comes back as it was written; the FPU's are skipped. */
static void there_and_back(void **state)
{
	struct caisson_vcpu_context a, b;
	char text[64];

	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	for (size_t i = 0; i < sizeof(a); i++)
		((u8 *)&a)[i] = (u8)(i * 7 + 1);
	for (u32 n = 0; n < gdb_regs(); n++) {
		u32 digits = gdb_reg_get(&a, n, text);

		assert_in_range(digits, 8, 20);
		text[digits] = 0;
		assert_int_equal(gdb_reg_set(&b, n, text), digits);
		text[digits - 1] = 0;
		assert_int_equal(gdb_reg_set(&b, n, text), 0); /* too short */
	}
	assert_memory_equal(a.gpr, b.gpr, sizeof(a.gpr));
	assert_int_equal(a.rip, b.rip);
	assert_int_equal((u32)a.rflags, (u32)b.rflags);
	assert_int_equal(a.cs.selector, b.cs.selector);
	assert_int_equal(a.gs.base, b.gs.base);
	assert_int_equal(a.cr4, b.cr4);
	assert_int_equal(a.gdtr_limit, b.gdtr_limit);
	assert_int_equal(a.lstar, b.lstar);
	assert_int_equal(gdb_reg_get(&a, gdb_regs(), text), 0);
	assert_int_equal(gdb_reg_set(&a, gdb_regs(), "0000000000000000"), 0);
}

/* GDB's numbers: 0 rax, 1 rbx, 7 rsp, 16 rip, 17 eflags in four bytes, 24 st0, which is not known. */
static void numbers(void **state)
{
	struct caisson_vcpu_context c = { .gpr = { 0x11, 0x22, 0x33, 0x44, 0x55 },
					  .rip = 0x123456789abcdef0,
					  .rflags = 0x246 };
	char text[64];

	(void)state;
	gdb_reg_get(&c, 0, text);
	assert_memory_equal(text, "1100000000000000", 16);
	gdb_reg_get(&c, 1, text);
	assert_memory_equal(text, "4400000000000000", 16);
	gdb_reg_get(&c, 7, text);
	assert_memory_equal(text, "5500000000000000", 16);
	gdb_reg_get(&c, 16, text);
	assert_memory_equal(text, "f0debc9a78563412", 16);
	assert_int_equal(gdb_reg_get(&c, 17, text), 8);
	assert_memory_equal(text, "46020000", 8);
	assert_int_equal(gdb_reg_get(&c, 24, text), 20);
	assert_memory_equal(text, "xxxxxxxxxxxxxxxxxxxx", 20);
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
