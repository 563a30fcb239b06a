/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line editor, with a terminal that understands what it sends: after each byte the terminal's row shows
 * the prompt and the visible part of the line, with the cursor where the editor has it.
 */
#include "tests/host/control_common.h"

#include "guest/control/lineedit.h"

static struct lineedit le;

/* One row of a terminal: enough for an editor that draws in one. */
static struct {
	char row[LINEEDIT_COLUMNS + 1];
	size_t at;
	unsigned newlines, bells, cleared;
	int escape; /* 0 none, 1 after ESC, 2 in CSI */
	unsigned number;
	char said[4096]; /* rows that were finished */
	size_t nsaid;
} term;

static void term_char(char c)
{
	if (term.escape == 1) {
		assert_int_equal(c, '[');
		term.escape = 2;
		term.number = 0;
	} else if (term.escape == 2) {
		if (c >= '0' && c <= '9') {
			term.number = term.number * 10 + (unsigned)(c - '0');
			return;
		}
		term.escape = 0;
		if (c == 'K') {
			memset(term.row + term.at, ' ', LINEEDIT_COLUMNS - term.at);
		} else if (c == 'D') {
			assert_true(term.number > 0 && term.number <= term.at);
			term.at -= term.number;
		} else if (c == 'H') {
			term.at = 0;
		} else if (c == 'J') {
			memset(term.row, ' ', LINEEDIT_COLUMNS);
			term.cleared++;
		} else {
			fail_msg("unknown sequence ESC [ %c", c);
		}
	} else if (c == '\033') {
		term.escape = 1;
	} else if (c == '\r') {
		term.at = 0;
	} else if (c == '\n') {
		if (term.nsaid + LINEEDIT_COLUMNS + 1 < sizeof(term.said)) {
			memcpy(term.said + term.nsaid, term.row, LINEEDIT_COLUMNS);
			term.nsaid += LINEEDIT_COLUMNS;
			term.said[term.nsaid] = 0;
		}
		memset(term.row, ' ', LINEEDIT_COLUMNS);
		term.newlines++;
	} else if (c == '\a') {
		term.bells++;
	} else {
		assert_true((u8)c >= 0x20);
		assert_true(term.at < LINEEDIT_COLUMNS - 1); /* never wraps, never touches the last column */
		term.row[term.at++] = c;
	}
}

static void output(void *ctx, const char *text, size_t n)
{
	assert_ptr_equal(ctx, &le);
	while (n--)
		term_char(*text++);
}

static const char *candidate(void *ctx, const char *line, size_t word, unsigned i)
{
	static const char *const commands[] = { "console", "create", "cpupool-list", "destroy", "help" };
	static const char *const images[] = { "linux", "linux-rt", "sieve" };

	(void)ctx;
	(void)line;
	if (word == 0)
		return i < ARRAY_SIZE(commands) ? commands[i] : NULL;
	return i < ARRAY_SIZE(images) ? images[i] : NULL;
}

static const struct lineedit_ops ops = { output, candidate };

static void check_screen(void)
{
	char expected[LINEEDIT_COLUMNS + 1];
	size_t prompt = strlen(le.prompt), shown = MIN(le.length - le.window, LINEEDIT_COLUMNS - 1 - prompt);

	assert_int_equal(strlen(le.line), le.length);
	assert_true(le.window <= le.cursor && le.cursor <= le.length && le.length <= LINEEDIT_MAX);
	memset(expected, ' ', LINEEDIT_COLUMNS);
	expected[LINEEDIT_COLUMNS] = 0;
	memcpy(expected, le.prompt, prompt);
	memcpy(expected + prompt, le.line + le.window, shown);
	assert_string_equal(term.row, expected);
	assert_int_equal(term.at, prompt + le.cursor - le.window);
	assert_int_equal(term.escape, 0);
}

static int reset(void **state)
{
	(void)state;
	memset(&term, 0, sizeof(term));
	memset(term.row, ' ', LINEEDIT_COLUMNS);
	lineedit_init(&le, &ops, &le);
	lineedit_start(&le, "caisson> ");
	check_screen();
	return 0;
}

/* Types; the screen is right after each byte. Returns what the last one gave. */
static enum lineedit_result type(const char *s)
{
	enum lineedit_result result = LINEEDIT_MORE;

	for (; *s; s++) {
		assert_int_equal(result, LINEEDIT_MORE);
		result = lineedit_byte(&le, (u8)*s);
		if (result == LINEEDIT_MORE)
			check_screen();
	}
	return result;
}

static void enter(const char *s)
{
	assert_int_equal(type(s), LINEEDIT_MORE);
	assert_int_equal(lineedit_byte(&le, '\r'), LINEEDIT_LINE);
	lineedit_start(&le, "caisson> ");
}

static void expect_line(const char *keys, const char *line)
{
	assert_int_equal(type(keys), LINEEDIT_MORE);
	assert_string_equal(le.line, line);
	assert_int_equal(lineedit_byte(&le, '\r'), LINEEDIT_LINE);
	assert_string_equal(le.line, line);
	lineedit_start(&le, "caisson> ");
	check_screen();
}

#define LEFT  "\033[D"
#define RIGHT "\033[C"
#define UP    "\033[A"
#define DOWN  "\033[B"

static void editing(void **state)
{
	(void)state;
	expect_line("list", "list");
	expect_line("lst" LEFT LEFT "i", "list");
	expect_line("lst\002\002i", "list");
	expect_line("xlist\001\004", "list");
	expect_line("ist\001l\005s", "lists");
	expect_line("ist\033[1~l\033[4~s", "lists");
	expect_line("ist\033[Hl\033[Fs", "lists");
	expect_line("ist\033OHl\033OFs", "lists");
	expect_line("listx\177", "list");
	expect_line("listx\010", "list");
	expect_line("liXst" LEFT LEFT LEFT "\033[3~", "list");
	expect_line("\177\010\033[3~\033[Dlist" RIGHT "\033[3~", "list");
	expect_line("list one two\002\002\013", "list one t");
	expect_line("list one two\002\002\002\025", "two");
	expect_line("list one two\027", "list one ");
	expect_line("list one two  \027\027x", "list x");
	expect_line("one two" LEFT LEFT "\027", "one wo");
	expect_line("ab" LEFT "\006c", "abc");
	expect_line("\033[1;5Ca\033[200~b\033[5~c\033OPd", "abcd"); /* keys that do nothing */
	expect_line("a\033[3\001b", "ba"); /* a control character ends a broken sequence */
	expect_line("a\033\033[Db", "ba");
	expect_line("\x80\xc3\xa4", "\x80\xc3\xa4");
	expect_line("a\001\002\033[Db\000", "ba");
}

static void results(void **state)
{
	(void)state;
	assert_int_equal(type("abc\003"), LINEEDIT_INTERRUPT);
	assert_int_equal(le.length, 0);
	lineedit_start(&le, "caisson> ");
	expect_line(UP "x", "x");			/* what was given up is no history */
	assert_int_equal(type("a\004"), LINEEDIT_MORE); /* not empty */
	assert_int_equal(type("\177\004"), LINEEDIT_END);
	assert_int_equal(type("\n"), LINEEDIT_LINE);
	lineedit_start(&le, "$ ");
	check_screen();
}

static void paste_keeps_all_lines(void **state)
{
	static const char paste[] = "one\rtwo\nthree\r\n\r\nfive\r";
	static const char *const lines[] = { "one", "two", "three", "", "five" };
	size_t n = 0;

	(void)state;
	for (const char *p = paste; *p; p++) {
		if (lineedit_byte(&le, (u8)*p) == LINEEDIT_LINE) {
			assert_true(n < ARRAY_SIZE(lines));
			assert_string_equal(le.line, lines[n++]);
			lineedit_start(&le, "caisson> ");
		}
		check_screen();
	}
	assert_int_equal(n, ARRAY_SIZE(lines));
}

static void history(void **state)
{
	char line[16];

	(void)state;
	expect_line(UP DOWN "first", "first");
	enter("second");
	enter("second"); /* once */
	enter("");	 /* not at all */
	enter("third");
	expect_line(UP, "third");
	expect_line(UP UP, "second");
	expect_line(UP UP UP UP UP, "first");
	reset(state);
	enter("one");
	enter("two");
	expect_line("draft" UP UP DOWN DOWN DOWN "!", "draft!");
	expect_line("x\020\020\016", "draft!");
	expect_line(UP UP UP UP "s", "ones"); /* changed, entered: the old one stays */
	expect_line(UP UP UP UP UP, "one");
	for (int i = 0; i < LINEEDIT_HISTORY + 5; i++) {
		snprintf(line, sizeof(line), "line%d", i);
		enter(line);
	}
	for (int i = 0; i < LINEEDIT_HISTORY + 10; i++)
		type(UP);
	assert_string_equal(le.line, "line5");
}

static void completion(void **state)
{
	(void)state;
	expect_line("d\t", "destroy ");
	expect_line("cr\tli\t", "create linux");
	assert_int_equal(term.bells, 0);
	type("create linux");
	term.nsaid = 0;
	type("\t");
	assert_non_null(strstr(term.said, "linux  linux-rt"));
	assert_null(strstr(term.said, "sieve"));
	expect_line("-\t", "create linux-rt ");
	term.nsaid = 0;
	expect_line("c\tr\t", "create ");
	assert_non_null(strstr(term.said, "console  create  cpupool-list"));
	assert_int_equal(term.bells, 0);
	expect_line("zz\t", "zz");
	assert_int_equal(term.bells, 1);
	expect_line("h\001\006\tx", "help x");	/* at the end, after moving */
	expect_line("h x\001\006\t", "help x"); /* before a blank no second one */
	le.ops = &(struct lineedit_ops){ output, NULL };
	expect_line("d\t", "d");
}

static void long_lines(void **state)
{
	char text[LINEEDIT_MAX + 10];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	text[sizeof(text) - 1] = 0;
	type(text);
	assert_int_equal(le.length, LINEEDIT_MAX);
	assert_int_equal(term.bells, sizeof(text) - 1 - LINEEDIT_MAX);
	assert_memory_equal(le.line, text, LINEEDIT_MAX);
	type("\001");
	assert_int_equal(le.window, 0);
	for (int i = 0; i < 300; i++)
		type(RIGHT);
	type("\004\004\177");
	type("\005");
	type(LEFT LEFT LEFT "\177\177");
	assert_int_equal(le.length, LINEEDIT_MAX - 5);
	type("\014");
	assert_int_equal(term.cleared, 1);
	type("\001\013");
	assert_int_equal(le.length, 0);

	type("abc" LEFT);
	lineedit_hide(&le);
	assert_int_equal(term.at, 0);
	for (int i = 0; i < LINEEDIT_COLUMNS; i++)
		assert_int_equal(term.row[i], ' ');
	lineedit_show(&le);
	check_screen();
}

static void random_keys(void **state)
{
	static const char *const keys[] = { "a",  "b ",	  "co",	     "\177",  LEFT,   RIGHT,	    UP,
					    DOWN, "\001", "\005",    "\013",  "\025", "\027",	    "\004",
					    "\t", "\014", "\033[3~", "\033[", "\033", "0123456789", "\r" };
	u64 seed = 77;

	(void)state;
	for (int i = 0; i < 60000; i++) {
		const char *k = keys[fake_random(&seed) % ARRAY_SIZE(keys)];

		for (; *k; k++) {
			enum lineedit_result result = lineedit_byte(&le, (u8)*k);

			if (result != LINEEDIT_MORE && result != LINEEDIT_END)
				lineedit_start(&le, "caisson> ");
			check_screen();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(editing, reset),
		cmocka_unit_test_setup(results, reset),
		cmocka_unit_test_setup(paste_keeps_all_lines, reset),
		cmocka_unit_test_setup(history, reset),
		cmocka_unit_test_setup(completion, reset),
		cmocka_unit_test_setup(long_lines, reset),
		cmocka_unit_test_setup(random_keys, reset),
	};

	return cmocka_run_group_tests_name("control_lineedit", tests, NULL, NULL);
}
