/* SPDX-License-Identifier: BSD-2-Clause */
/* Our snprintf against libc's. */
#include "hv/printf.h"
static int (*const ours)(char *, size_t, const char *, ...) = snprintf;
#undef snprintf
#undef vsnprintf
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static u32 cases;

#define SAME(fmt, ...)                                                                                  \
	do {                                                                                            \
		char a_[128], b_[128];                                                                  \
		int x_ = ours(a_, sizeof(a_), fmt, __VA_ARGS__);                                        \
		int y_ = snprintf(b_, sizeof(b_), fmt, __VA_ARGS__);                                    \
		if (x_ != y_ || __builtin_strcmp(a_, b_))                                               \
			fail_msg("%s: '%s' (%d), libc '%s' (%d)", (const char *)(fmt), a_, x_, b_, y_); \
		cases++;                                                                                \
	} while (0)

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-security"

static void test_numbers(void **state)
{
	static const char *const flags[] = { "", "0", "#", "0#", "#0" };
	static const char *const width[] = { "", "1", "5", "12", "20" };
	static const char *const lengths[] = { "", "l", "ll", "z" };
	static const u64 values[] = { 0,     1,		 9,	     255,	 256,
				      65535, 0x7fffffff, 0x80000000, 0xffffffff, 0x123456789abcdef0,
				      ~0ull, 1ull << 63 };
	char fmt[32];

	(void)state;
	for (u32 f = 0; f < ARRAY_SIZE(flags); f++)
		for (u32 w = 0; w < ARRAY_SIZE(width); w++)
			for (u32 l = 0; l < ARRAY_SIZE(lengths); l++)
				for (const char *c = "dux"; *c; c++) {
					if (*c != 'x' && __builtin_strchr(flags[f], '#'))
						continue; /* undefined */
					snprintf(fmt, sizeof(fmt), "[%%%s%s%s%c]", flags[f], width[w],
						 lengths[l], *c);
					for (u32 v = 0; v < ARRAY_SIZE(values); v++)
						SAME(fmt, values[v]);
				}
	assert_true(cases > 2000);
}

static void test_texts(void **state)
{
	char three[3] = { 'a', 'b', 'c' };

	(void)state;
	SAME("%s|%10s|%3s|%.2s|%10.2s", "caisson", "caisson", "caisson", "caisson", "caisson");
	SAME("%.3s", three); /* not terminated: not read beyond */
	SAME("%c%c|", 'a', 'b');
	SAME("100%% %d", 1);
	SAME("%zu %#lx", (size_t)7, 7ul);
}

static void test_bounds(void **state)
{
	char *exact = malloc(4);

	(void)state;
	assert_int_equal(ours(exact, 4, "%s", "abcdef"), 6);
	assert_string_equal(exact, "abc");
	assert_int_equal(ours(exact, 1, "%d", 12345), 5);
	assert_string_equal(exact, "");
	assert_int_equal(ours(NULL, 0, "%d", 12345), 5);
	assert_int_equal(ours(exact, 4, "%y"), 2); /* unknown: shown */
	assert_string_equal(exact, "%y");
	assert_int_equal(ours(exact, 4, "a%"), 2); /* ends in the middle */
	assert_string_equal(exact, "a%");
	assert_int_equal(ours(exact, 4, "%s", getenv("no such variable")), 6); /* NULL: "(null)" */
	free(exact);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_numbers), cmocka_unit_test(test_texts),
					    cmocka_unit_test(test_bounds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
