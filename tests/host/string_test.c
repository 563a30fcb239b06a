/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include "hv/string.h"
#include <cmocka.h>

static void test_compare(void **state)
{
	(void)state;
	assert_int_equal(strlen(""), 0);
	assert_int_equal(strlen("caisson"), 7);
	assert_int_equal(strnlen("caisson", 3), 3);
	assert_int_equal(strcmp("a", "a"), 0);
	assert_true(strcmp("a", "b") < 0);
	assert_true(strcmp("b", "a") > 0);
	assert_true(strcmp("a", "ab") < 0);
	assert_true(strcmp("\xff", "a") > 0); /* unsigned */
	assert_int_equal(strncmp("abc", "abd", 2), 0);
	assert_true(strncmp("abc", "abd", 3) < 0);
	assert_int_equal(strncmp("x", "y", 0), 0);
	assert_true(memcmp("\x01\xff", "\x01\x01", 2) > 0);
	assert_int_equal(memcmp("ab", "ac", 1), 0);
}

static void test_copy(void **state)
{
	char small[4] = "zzz", *field = malloc(3); /* exactly so long: a read beyond it is caught */

	(void)state;
	str_copy(small, "ab", sizeof(small));
	assert_string_equal(small, "ab");
	str_copy(small, "abcdef", sizeof(small));
	assert_string_equal(small, "abc");
	field[0] = 'a', field[1] = 'b', field[2] = 'c';
	str_copy_n(small, sizeof(small), field, 3);
	assert_string_equal(small, "abc");
	str_copy_n(small, sizeof(small), field, 2);
	assert_string_equal(small, "ab");
	free(field);
}

static void test_number(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		u64 value;
		const char *rest;
	} rows[] = {
		{ "0", true, 0, "" },
		{ "12ab", true, 12, "ab" },
		{ "0x1fG", true, 0x1f, "G" },
		{ "0XABCDEF", true, 0xabcdef, "" },
		{ "18446744073709551615", true, ~0ull, "" },
		{ "18446744073709551616", false, 0, NULL },
		{ "0x10000000000000000", false, 0, NULL },
		{ "0x", false, 0, NULL },
		{ "", false, 0, NULL },
		{ "-1", false, 0, NULL },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *s = rows[i].text;
		u64 v = 0;

		assert_int_equal(str_to_u64(&s, &v), rows[i].ok);
		if (rows[i].ok) {
			assert_int_equal(v, rows[i].value);
			assert_string_equal(s, rows[i].rest);
		} else {
			assert_ptr_equal(s, rows[i].text);
		}
	}
}

static void test_word(void **state)
{
	const char *s = "  one two=3 longword ";
	char w[6];

	(void)state;
	assert_true(str_word(&s, w, sizeof(w)));
	assert_string_equal(w, "one");
	assert_true(str_word(&s, w, sizeof(w)));
	assert_string_equal(w, "two=3");
	assert_true(str_word(&s, w, sizeof(w)));
	assert_string_equal(w, "longw"); /* cut */
	assert_false(str_word(&s, w, sizeof(w)));
	assert_false(str_word(&s, w, sizeof(w)));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_compare), cmocka_unit_test(test_copy),
					    cmocka_unit_test(test_number), cmocka_unit_test(test_word) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
