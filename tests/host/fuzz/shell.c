/* SPDX-License-Identifier: BSD-2-Clause */
/* What is typed: the line editor, then the words and options of each line. */
#include "guest/control/args.h"
#include "guest/control/cpuset.h"
#include "guest/control/lineedit.h"
#include "tests/host/fuzz/fuzz.h"

static void output(void *ctx, const char *text, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++)
		(void)*(volatile const char *)(text + i);
}

static const char *candidate(void *ctx, const char *line, size_t word, unsigned i)
{
	static const char *const words[] = { "create", "create-more", "list", "a rather long candidate" };

	(void)ctx;
	HOLDS(word <= strlen(line));
	return i < ARRAY_SIZE(words) ? words[i] : NULL;
}

static void words(const char *line)
{
	char *buf = malloc(strlen(line) + 1), err[ARGS_ERR_SIZE] = "";
	char *argv[ARGS_MAX];
	struct args_option o[] = { { .name = "memory", .type = ARGS_NUMBER, .min = 1, .max = 100 },
				   { .name = "args", .type = ARGS_STRING },
				   { .name = "paused", .type = ARGS_FLAG } };
	const char *positional[4];
	u64 set[CAISSON_CPU_WORDS];
	int n = args_split(line, buf, strlen(line) + 1, argv, err), got;

	HOLDS(n >= -1 && n <= ARGS_MAX);
	if (n > 0) {
		got = args_parse(n, argv, o, ARRAY_SIZE(o), positional, 0, 4, err);
		HOLDS(got >= -1 && got <= 4);
		for (int i = 0; i < got; i++)
			cpuset_parse(positional[i], set);
		HOLDS(got < 0 || !o[0].set || (o[0].number >= 1 && o[0].number <= 100));
	}
	HOLDS(memchr(err, 0, sizeof(err)));
	free(buf);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const struct lineedit_ops ops = { .output = output, .candidate = candidate };
	static struct lineedit le;

	lineedit_init(&le, &ops, NULL);
	lineedit_start(&le, "caisson# ");
	for (size_t i = 0; i < size; i++) {
		enum lineedit_result r = lineedit_byte(&le, data[i]);

		if (r == LINEEDIT_LINE)
			words(le.line);
		if (r != LINEEDIT_MORE)
			lineedit_start(&le, "caisson# ");
	}
	return 0;
}
