/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console log: what is kept, and the text that is waited for.
 */
#include "tests/host/control_common.h"

#include "guest/control/conlog.h"

static void write_text(struct conlog *log, const char *s)
{
	conlog_write(log, (const u8 *)s, strlen(s));
}

/* Everything from a position on. */
static const char *text_from(const struct conlog *log, u64 at)
{
	static char buf[512];
	size_t n = 0, got;

	while ((got = conlog_read(log, &at, (u8 *)buf + n, 7)))
		n += got;
	buf[n] = 0;
	assert_true(at == log->total);
	return buf;
}

static void keeps_the_newest(void **state)
{
	u8 ring[8];
	struct conlog log;
	u64 at = 0;
	u8 c;

	(void)state;
	conlog_init(&log);
	conlog_storage(&log, ring, sizeof(ring));
	assert_string_equal(text_from(&log, 0), "");
	write_text(&log, "abc");
	assert_string_equal(text_from(&log, 0), "abc");
	assert_string_equal(text_from(&log, 2), "c");
	write_text(&log, "defgh");
	assert_string_equal(text_from(&log, 0), "abcdefgh");
	write_text(&log, "ij");
	assert_string_equal(text_from(&log, 0), "cdefghij");
	write_text(&log, "0123456789");
	assert_string_equal(text_from(&log, 0), "23456789");
	assert_true(log.total == 20 && log.first == 12);
	assert_int_equal(conlog_read(&log, &at, &c, 1), 1);
	assert_true(c == '2' && at == 13);
	at = 20;
	assert_int_equal(conlog_read(&log, &at, &c, 1), 0);
	at = 1000;
	assert_int_equal(conlog_read(&log, &at, &c, 1), 0);
}

static void storage_grows(void **state)
{
	u8 *ring = NULL;
	struct conlog log;
	char all[400], expected[400];
	u64 seed = 23;
	size_t n = 0;

	(void)state;
	conlog_init(&log);
	write_text(&log, "lost");
	assert_string_equal(text_from(&log, 0), "");
	assert_true(log.total == 4 && conlog_wants_more(&log));
	for (size_t size = 5; size <= 320; size *= 2) {
		u8 *bigger = malloc(size);
		u64 keep = MIN(n, log.size);

		assert_ptr_equal(conlog_storage(&log, bigger, size), ring);
		free(ring);
		ring = bigger;
		all[n] = 0;
		assert_string_equal(text_from(&log, 0), all + n - keep);
		while (!conlog_wants_more(&log)) {
			u8 c = (u8)('a' + fake_random(&seed) % 26);

			all[n++] = (char)c;
			conlog_write(&log, &c, 1);
		}
	}
	all[n] = 0;
	memcpy(expected, all, sizeof(all));
	assert_string_equal(text_from(&log, 0), expected + n - log.size);
	{
		u8 *smaller = malloc(3);

		assert_ptr_equal(conlog_storage(&log, smaller, 3), ring);
		assert_string_equal(text_from(&log, 0), expected + n - 3);
		free(smaller);
	}
	free(ring);
	log.size = CONLOG_SIZE;
	log.total = log.first + CONLOG_SIZE;
	assert_false(conlog_wants_more(&log));
}

static void expects(void **state)
{
	static const struct {
		const char *wait, *chunks[6];
		int found; /* after which chunk; -1: never */
		u64 at;
	} row[] = {
		{ "login: ", { "Debian ", "log", "in", ": ", "x" }, 3, 14 },
		{ "login: ", { "Debian login: yes" }, 0, 14 },
		{ "aab", { "aaaaa", "aab" }, 1, 8 },
		{ "abab", { "abaabab" }, 0, 7 },
		{ "aaab", { "aa", "aaa", "c", "aaa", "b" }, 4, 10 },
		{ "aabaaac", { "aabaaabaaac" }, 0, 11 }, /* falls back twice */
		{ "ababac", { "abab", "abac" }, 1, 8 },
		{ "x", { "", "abc", "" }, -1, 0 },
		{ "ab", { "a", "-", "b" }, -1, 0 },
		{ "\r\n# ", { "\r\r\n", "# " }, 1, 5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct conlog_expect e;
		struct conlog log;
		u8 ring[64];
		int found = -1;

		conlog_init(&log);
		conlog_storage(&log, ring, sizeof(ring));
		assert_true(conlog_expect(&e, row[i].wait, 0));
		for (int k = 0; k < 6 && row[i].chunks[k] && found < 0; k++) {
			write_text(&log, row[i].chunks[k]);
			if (conlog_expect_scan(&e, &log))
				found = k;
		}
		assert_int_equal(found, row[i].found);
		if (found >= 0)
			assert_true(e.at == row[i].at);
	}
}

static void expect_edges(void **state)
{
	char text[CONLOG_EXPECT_MAX + 2];
	struct conlog_expect e;
	struct conlog log;
	u8 ring[8];

	(void)state;
	assert_false(conlog_expect(&e, "", 0));
	memset(text, 'x', sizeof(text));
	text[CONLOG_EXPECT_MAX + 1] = 0;
	assert_false(conlog_expect(&e, text, 0));
	text[CONLOG_EXPECT_MAX] = 0;
	assert_true(conlog_expect(&e, text, 0));

	/* from a position on; again behind a match */
	conlog_init(&log);
	conlog_storage(&log, ring, sizeof(ring));
	write_text(&log, "ab ab");
	assert_true(conlog_expect(&e, "ab", 1));
	assert_true(conlog_expect_scan(&e, &log));
	assert_true(e.at == 5);
	assert_false(conlog_expect_scan(&e, &log));
	write_text(&log, "ab");
	assert_true(conlog_expect_scan(&e, &log));

	/* a gap does not join two halves */
	assert_true(conlog_expect(&e, "xy", log.total));
	write_text(&log, "x");
	assert_false(conlog_expect_scan(&e, &log));
	write_text(&log, "0123456789y......"); /* the ring holds 8 */
	assert_false(conlog_expect_scan(&e, &log));
	assert_true(conlog_expect(&e, "xy", log.total));
	write_text(&log, "x");
	assert_false(conlog_expect_scan(&e, &log));
	write_text(&log, "01234567y1234567");
	write_text(&log, "y-------"); /* begins the ring, right behind the x that was seen */
	assert_false(conlog_expect_scan(&e, &log));

	/* without storage nothing is found, and nothing read */
	conlog_init(&log);
	assert_true(conlog_expect(&e, "a", 0));
	write_text(&log, "aaa");
	assert_false(conlog_expect_scan(&e, &log));
}

/* Against strstr, in random pieces. */
static void random_search(void **state)
{
	u64 seed = 31;
	unsigned hits = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char text[65], wait[6];
		struct conlog_expect e;
		struct conlog log;
		const char *where;
		bool found = false;
		u8 ring[128];

		for (int k = 0; k < 64; k++)
			text[k] = "ab"[fake_random(&seed) & 1];
		text[64] = 0;
		for (int k = 0; k < 5; k++)
			wait[k] = "ab"[fake_random(&seed) & 1];
		wait[5] = 0;
		where = strstr(text, wait);
		conlog_init(&log);
		conlog_storage(&log, ring, sizeof(ring));
		conlog_expect(&e, wait, 0);
		for (size_t at = 0; at < 64 && !found;) {
			u64 piece = fake_random(&seed) % 9;
			size_t n = MIN(piece, 64 - at);

			conlog_write(&log, (u8 *)text + at, n);
			at += n;
			found = conlog_expect_scan(&e, &log);
		}
		assert_int_equal(found, where != NULL);
		if (found)
			assert_true(e.at == (u64)(where - text) + 5);
		hits += found;
	}
	assert_true(hits > 1000 && hits < 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_newest), cmocka_unit_test(storage_grows),
		cmocka_unit_test(expects),	    cmocka_unit_test(expect_edges),
		cmocka_unit_test(random_search),
	};

	return cmocka_run_group_tests_name("control_conlog", tests, NULL, NULL);
}
