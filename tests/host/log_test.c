/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include "hv/arch.h"
#include "hv/console.h"
#include "hv/log.h"
#include "hv/string.h"
#include <cmocka.h>

/* ---- what log.c stands on ---- */
static u64 now;
static char console[1 << 20];
static size_t console_n;

u64 arch_now(void)
{
	return now;
}

u64 arch_tsc_khz(void)
{
	return 1000; /* 1 tick = 1 us */
}

u64 arch_ticks_to_ns(u64 t)
{
	return t * 1000;
}

void console_puts(const char *s, size_t n)
{
	assert_true(console_n + n < sizeof(console));
	memcpy(console + console_n, s, n);
	console_n += n;
}

static char text[LOG_BYTES + 1];
static u64 first, next;

static size_t read_from(u64 pos)
{
	size_t n = log_read(pos, text, LOG_BYTES, &first, &next);

	text[n] = 0;
	return n;
}

static void test_lines_and_positions(void **state)
{
	u64 start;

	(void)state;
	read_from(0);
	start = next;
	log_start(5000000);
	now = 7000042;
	console_n = 0;
	log_info("hello %d", 5);
	log_warn("careful");
	read_from(start);
	assert_string_equal(text, "[   2.000042] hello 5\n[   2.000042] warning: careful\n");
	assert_int_equal(console_n, strlen(text));
	assert_memory_equal(console, text, console_n);
	assert_int_equal(next, start + console_n);
	/* In pieces, and from where nothing is yet. */
	assert_int_equal(log_read(start + 14, text, 5, &first, &next), 5);
	assert_memory_equal(text, "hello", 5);
	assert_int_equal(log_read(next + 100, text, 5, &first, &next), 0);
}

static void test_levels(void **state)
{
	u64 start;

	(void)state;
	read_from(0);
	start = next;
	console_n = 0;
	log_set_console_level(LOG_WARN);
	log_info("ring only");
	log_err("both");
	read_from(start);
	assert_non_null(__builtin_strstr(text, "ring only"));
	assert_non_null(__builtin_strstr(text, "ERROR: both"));
	console[console_n] = 0;
	assert_null(__builtin_strstr(console, "ring only"));
	assert_non_null(__builtin_strstr(console, "both"));
	log_set_console_level(LOG_INFO);
}

static void test_long_line_is_cut(void **state)
{
	char *longer = malloc(1001);
	u64 start;

	(void)state;
	memset(longer, 'x', 1000);
	longer[1000] = 0;
	read_from(0);
	start = next;
	log_info("%s", longer);
	assert_true(read_from(start) < 256);
	assert_int_equal(text[next - start - 1], '\n');
	free(longer);
}

static void test_ring_wraps(void **state)
{
	(void)state;
	log_set_console_level(LOG_ERR);
	for (u32 i = 0; i < 5000; i++)
		log_info("line %u", i);
	assert_int_equal(read_from(0), LOG_BYTES);
	assert_int_equal(next - first, LOG_BYTES);
	assert_int_equal(memcmp(text + LOG_BYTES - 10, "line 4999\n", 10), 0);
	/* Every whole line follows its predecessor. */
	const char *p = __builtin_strstr(text, "line ");
	u32 expect = (u32)atoi(p + 5);

	for (; p; p = __builtin_strstr(p + 1, "line "))
		assert_int_equal(atoi(p + 5), expect++);
	assert_int_equal(expect, 5000);
	log_set_console_level(LOG_INFO);
}

static u32 count(const char *what)
{
	u32 n = 0;

	for (const char *p = text; (p = __builtin_strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void test_guest_cannot_flood(void **state)
{
	u64 start;

	(void)state;
	now += 1000000000; /* the bucket is full */
	read_from(0);
	start = next;
	console_n = 0;
	for (u32 i = 0; i < 1000; i++)
		log_guest("guest %u", i);
	read_from(start);
	assert_int_equal(count("guest "), 64);
	assert_int_equal(console_n, 0);
	now += 500000; /* half a second: two more */
	start = next;
	for (u32 i = 0; i < 1000; i++)
		log_guest("guest %u", i);
	read_from(start);
	assert_int_equal(count("guest "), 2);
	assert_int_equal(count("936 earlier lines"), 1);
}

/* To a console that comes late: all that is kept, unless it is to be quiet. */
static void test_replay(void **state)
{
	(void)state;
	for (u32 i = 0; i < 3000; i++)
		log_info("line %u", i);
	read_from(0);
	console_n = 0;
	log_replay();
	assert_int_equal(console_n, next - first);
	assert_memory_equal(console, text, console_n);
	console_n = 0;
	log_set_console_level(LOG_WARN);
	log_replay();
	log_info("not shown");
	assert_int_equal(console_n, 0);
	log_warn("shown");
	assert_memory_equal(console + console_n - 6, "shown\n", 6);
	log_set_console_level(LOG_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_and_positions), cmocka_unit_test(test_levels),
		cmocka_unit_test(test_long_line_is_cut),    cmocka_unit_test(test_ring_wraps),
		cmocka_unit_test(test_guest_cannot_flood),  cmocka_unit_test(test_replay)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
