/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words, options and hints.
 */
#include "tests/host/control_common.h"

#include "guest/control/args.h"

static char *argv[ARGS_MAX];
static char err[ARGS_ERR_SIZE];
static char *words;

/* Splits into a buffer that is exactly long enough. */
static int split(const char *line)
{
	free(words);
	words = malloc(strlen(line) + 1);
	err[0] = 0;
	return args_split(line, words, strlen(line) + 1, argv, err);
}

static void splitting(void **state)
{
	static const struct {
		const char *line;
		int n;
		const char *word[4];
	} row[] = {
		{ "", 0, {} },
		{ "  \t \r\n", 0, {} },
		{ "help", 1, { "help" } },
		{ "  create   linux\t--memory 256 ", 4, { "create", "linux", "--memory", "256" } },
		{ "a 'b c' d", 3, { "a", "b c", "d" } },
		{ "a \"b c\" d", 3, { "a", "b c", "d" } },
		{ "x--args='a \"b\" \\r'y", 1, { "x--args=a \"b\" \\ry" } },
		{ "'' \"\"", 2, { "", "" } },
		{ "\"uname -a\\r\"", 1, { "uname -a\r" } },
		{ "\"\\n\\t\\e\\x41\\x7f\\xFf\\\\\\\"\\q\"", 1, { "\n\t\033A\x7f\xff\\\"q" } },
		{ "a\\ b \\\"c\\\\ \\n", 3, { "a b", "\"c\\", "n" } },
		{ "one # two", 1, { "one" } },
		{ "one#two \\#three", 2, { "one#two", "#three" } },
		{ "#", 0, {} },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(split(row[i].line), row[i].n);
		for (int k = 0; k < row[i].n; k++)
			assert_string_equal(argv[k], row[i].word[k]);
	}
}

static void bad_lines(void **state)
{
	static const struct {
		const char *line, *message;
	} row[] = {
		{ "a 'b", "a quote ' is not closed" },	  { "a \"b", "a quote \" is not closed" },
		{ "\"\\", "a quote \" is not closed" },	  { "a\\", "nothing follows the last \\" },
		{ "\"\\x4\"", "two hexadecimal digits" }, { "\"\\xg0\"", "two hexadecimal digits" },
		{ "\"\\x", "two hexadecimal digits" },	  { "\"\\x00\"", "\\x00 cannot be part of a word" },
	};
	char many[ARGS_MAX * 2 + 8], small[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(split(row[i].line), -1);
		if (!strstr(err, row[i].message))
			fail_msg("'%s' for %s", err, row[i].line);
	}
	memset(many, 0, sizeof(many));
	for (int i = 0; i < ARGS_MAX; i++)
		strcat(many, "w ");
	assert_int_equal(split(many), ARGS_MAX);
	strcat(many, "w");
	assert_int_equal(split(many), -1);
	assert_non_null(strstr(err, "more than 64 words"));
	assert_int_equal(args_split("abcd", small, sizeof(small), argv, err), -1);
	assert_string_equal(err, "the line is too long");
	assert_int_equal(args_split("abc", small, sizeof(small), argv, err), 1);
}

/* Any line: words or an error, never a byte too many. */
static void random_lines(void **state)
{
	static const char letters[] = "ab \t\"'\\x0fr#\n";
	u64 seed = 17;
	unsigned good = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		char line[24];
		size_t n = fake_random(&seed) % (sizeof(line) - 1);

		for (size_t k = 0; k < n; k++)
			line[k] = letters[fake_random(&seed) % (sizeof(letters) - 1)];
		line[n] = 0;
		if (split(line) >= 0)
			good++;
		else
			assert_true(err[0]);
	}
	assert_true(good > 1000);
}

static void numbers(void **state)
{
	static const struct {
		const char *word;
		bool good;
		u64 value;
	} row[] = {
		{ "0", true, 0 },
		{ "42", true, 42 },
		{ "0x1F", true, 31 },
		{ "0Xff", true, 255 },
		{ "007", true, 7 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "0xffffffffffffffff", true, UINT64_MAX },
		{ "", false, 0 },
		{ "0x", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ "1a", false, 0 },
		{ "0xg", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "18446744073709551616", false, 0 },
		{ "0x10000000000000000", false, 0 },
		{ "99999999999999999999999", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		u64 v = 77;

		assert_int_equal(args_number(row[i].word, &v), row[i].good);
		assert_true(v == (row[i].good ? row[i].value : 77));
	}
}

static struct args_option options[] = {
	{ .name = "memory", .type = ARGS_NUMBER, .min = 1, .max = 65536 },
	{ .name = "name", .type = ARGS_STRING },
	{ .name = "lazy", .type = ARGS_FLAG },
	{ .name = "any", .type = ARGS_NUMBER },
};
static const char *positional[4];

static int parse(const char *line, int least, int most)
{
	int argc = split(line);

	assert_true(argc > 0);
	err[0] = 0;
	return args_parse(argc, argv, options, ARRAY_SIZE(options), positional, least, most, err);
}

static void parsing(void **state)
{
	(void)state;
	assert_int_equal(parse("create linux --memory 256 --name=web --lazy", 1, 1), 1);
	assert_string_equal(positional[0], "linux");
	assert_true(options[0].set && options[0].number == 256 && options[2].set && !options[3].set);
	assert_string_equal(options[1].string, "web");
	assert_int_equal(parse("create linux", 1, 1), 1);
	assert_false(options[0].set || options[1].set || options[2].set);
	assert_int_equal(parse("create --memory=0x10 linux", 1, 1), 1);
	assert_true(options[0].number == 16);
	assert_int_equal(parse("create --name --lazy x", 1, 1), 1); /* a value may look like anything */
	assert_string_equal(options[1].string, "--lazy");
	assert_false(options[2].set);
	assert_int_equal(parse("create --name= x", 1, 1), 1);
	assert_string_equal(options[1].string, "");
	assert_int_equal(parse("create -- --lazy -x", 1, 2), 2);
	assert_string_equal(positional[0], "--lazy");
	assert_string_equal(positional[1], "-x");
	assert_int_equal(parse("create --any 18446744073709551615", 0, 1), 0);
	assert_true(options[3].number == UINT64_MAX);
	assert_int_equal(parse("create --memory 1 --memory 2", 0, 1), 0);
	assert_true(options[0].number == 2);
}

static void bad_options(void **state)
{
	static const struct {
		const char *line, *message;
	} row[] = {
		{ "create --memroy 1 x", "create: unknown option --memroy (did you mean --memory?)" },
		{ "create --mem 1 x", "(did you mean --memory?)" },
		{ "create --zzzzzz x", "create: unknown option --zzzzzz (try: help create)" },
		{ "create --memory", "create: --memory needs a value" },
		{ "create --memory x", "create: --memory needs a number, not 'x'" },
		{ "create --memory=", "needs a number, not ''" },
		{ "create --memory 0 x", "out of range (1 to 65536)" },
		{ "create --memory 65537 x", "out of range (1 to 65536)" },
		{ "create --lazy=1 x", "create: --lazy takes no value" },
		{ "create a b", "create: 'b' is too much (try: help create)" },
		{ "create", "create: something is missing (try: help create)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(parse(row[i].line, 1, 1), -1);
		if (!strstr(err, row[i].message))
			fail_msg("'%s' does not have '%s'", err, row[i].message);
		assert_null(strchr(err, '\n'));
	}
	split("list --x");
	assert_int_equal(args_parse(2, argv, NULL, 0, positional, 0, 0, err), -1);
	assert_string_equal(err, "list: unknown option --x (it takes none)");
	/* A long word does not make a long message. */
	{
		char line[2000] = "create --";

		memset(line + 9, 'q', sizeof(line) - 10);
		assert_int_equal(parse(line, 0, 0), -1);
		assert_true(strlen(err) < ARGS_ERR_SIZE);
	}
}

static void nearest(void **state)
{
	static const struct {
		const char *name;
		int other;
	} commands[] = { { "create", 1 }, { "console", 2 }, { "destroy", 3 },
			 { "list", 4 },	  { "info", 5 },    { "vcpu-list", 6 } };
	static const struct {
		const char *word, *near;
	} row[] = {
		{ "craete", "create" },
		{ "creat", "create" },
		{ "create", "create" },
		{ "crate", "create" },
		{ "lsit", "list" },
		{ "lst", "list" },
		{ "lists", "list" },
		{ "nifo", "info" },
		{ "con", "console" },
		{ "destory", "destroy" },
		{ "vcpulist", "vcpu-list" },
		{ "vcpu", "vcpu-list" },
		{ "xyzzy", NULL },
		{ "l", NULL },
		{ "", NULL },
		{ "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		const char *n =
			args_nearest(row[i].word, commands, ARRAY_SIZE(commands), sizeof(commands[0]));

		if (!row[i].near)
			assert_null(n);
		else
			assert_string_equal(n ? n : "(none)", row[i].near);
	}
	assert_null(args_nearest("x", NULL, 0, 8));
}

static int cleanup(void **state)
{
	(void)state;
	free(words);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splitting), cmocka_unit_test(bad_lines), cmocka_unit_test(random_lines),
		cmocka_unit_test(numbers),   cmocka_unit_test(parsing),	  cmocka_unit_test(bad_options),
		cmocka_unit_test(nearest),
	};

	return cmocka_run_group_tests_name("control_args", tests, NULL, cleanup);
}
