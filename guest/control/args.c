/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words, options and hints of the shell's commands (T).
 */
#include "guest/control/args.h"

#include "guest/lib/string.h"

static int fail(char err[ARGS_ERR_SIZE], const char *fmt, ...) __printf(2, 3);

static int fail(char err[ARGS_ERR_SIZE], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, ARGS_ERR_SIZE, fmt, ap);
	va_end(ap);
	return -1;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* The reader of a line and the writer of its words. What is written is never longer than what was read. */
struct split {
	const char *in;
	char *out, *end;
	char *err;
};

static bool emit(struct split *s, char c)
{
	if (s->out == s->end) {
		fail(s->err, "the line is too long");
		return false;
	}
	*s->out++ = c;
	return true;
}

/* Behind a backslash inside "…". */
static bool take_escape(struct split *s)
{
	int high, low;
	char c = *s->in;

	if (!c) {
		fail(s->err, "a quote \" is not closed");
		return false;
	}
	s->in++;
	switch (c) {
	case 'r':
		return emit(s, '\r');
	case 'n':
		return emit(s, '\n');
	case 't':
		return emit(s, '\t');
	case 'e':
		return emit(s, '\033');
	case 'x':
		high = hex_digit(s->in[0]);
		low = high < 0 ? -1 : hex_digit(s->in[1]);
		if (low < 0) {
			fail(s->err, "\\x needs two hexadecimal digits");
			return false;
		}
		if (high == 0 && low == 0) {
			fail(s->err, "\\x00 cannot be part of a word");
			return false;
		}
		s->in += 2;
		return emit(s, (char)(high << 4 | low));
	default:
		return emit(s, c);
	}
}

static bool take_quoted(struct split *s, char quote)
{
	while (*s->in != quote) {
		if (!*s->in) {
			fail(s->err, "a quote %c is not closed", quote);
			return false;
		}
		if (quote == '"' && *s->in == '\\') {
			s->in++;
			if (!take_escape(s))
				return false;
		} else if (!emit(s, *s->in++)) {
			return false;
		}
	}
	s->in++;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool take_word(struct split *s)
{
	while (*s->in && !is_blank(*s->in)) {
		char c = *s->in++;

		if (c == '"' || c == '\'') {
			if (!take_quoted(s, c))
				return false;
			continue;
		}
		if (c == '\\') {
			if (!*s->in) {
				fail(s->err, "nothing follows the last \\");
				return false;
			}
			c = *s->in++;
		}
		if (!emit(s, c))
			return false;
	}
	return emit(s, 0);
}

int args_split(const char *line, char *buf, size_t size, char *argv[ARGS_MAX], char err[ARGS_ERR_SIZE])
{
	struct split s = { .in = line, .out = buf, .end = buf + size, .err = err };
	int argc = 0;

	for (;;) {
		while (is_blank(*s.in))
			s.in++;
		if (!*s.in || *s.in == '#')
			return argc;
		if (argc == ARGS_MAX)
			return fail(err, "more than %d words", ARGS_MAX);
		argv[argc++] = s.out;
		if (!take_word(&s))
			return -1;
	}
}

bool args_number(const char *word, u64 *number)
{
	unsigned base = 10;
	u64 v = 0;

	if (word[0] == '0' && (word[1] | 0x20) == 'x') {
		base = 16;
		word += 2;
	}
	if (!*word)
		return false;
	for (; *word; word++) {
		int d = hex_digit(*word);

		if (d < 0 || (unsigned)d >= base || __builtin_mul_overflow(v, (u64)base, &v) ||
		    __builtin_add_overflow(v, (u64)d, &v))
			return false;
	}
	*number = v;
	return true;
}

#define NEAREST_LENGTH 32

/*
 * How many letters to insert, delete, change or swap with their neighbour (the optimal string alignment
 * distance). Three rows are enough; words longer than a command can be are not compared.
 */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[3][NEAREST_LENGTH + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > NEAREST_LENGTH || m > NEAREST_LENGTH)
		return NEAREST_LENGTH;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = row[i % 3], *one = row[(i + 2) % 3], *two = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned change = one[j - 1] + (a[i - 1] != b[j - 1]);

			now[j] = MIN(change, MIN(one[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = MIN(now[j], two[j - 2] + 1);
		}
	}
	return row[n % 3][m];
}

const char *args_nearest(const char *word, const void *table, size_t n, size_t stride)
{
	/* A third of the letters may be wrong, one of a short word. */
	unsigned best = (unsigned)MAX(strlen(word) / 3, 1ul) + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *name = *(const char *const *)((const char *)table + i * stride);
		size_t length = strlen(word);
		unsigned distance = edit_distance(word, name);

		/* The beginning of a name is near to it, however much is missing. */
		if (length >= 2 && strncmp(word, name, length) == 0)
			distance = MIN(distance, 1u);
		if (distance < best) {
			best = distance;
			nearest = name;
		}
	}
	return nearest;
}

/* A parse in progress. */
struct parse {
	int argc;
	char *const *argv;
	int at;
	struct args_option *options;
	size_t noptions;
	char *err;
};

static struct args_option *find_option(const struct parse *p, const char *name, size_t length)
{
	for (size_t i = 0; i < p->noptions; i++)
		if (strncmp(p->options[i].name, name, length) == 0 && p->options[i].name[length] == 0)
			return &p->options[i];
	return NULL;
}

static int unknown_option(const struct parse *p, const char *name, size_t length)
{
	char word[NEAREST_LENGTH + 1];
	const char *nearest;

	length = MIN(length, sizeof(word) - 1);
	memcpy(word, name, length);
	word[length] = 0;
	nearest = args_nearest(word, p->options, p->noptions, sizeof(p->options[0]));
	if (nearest)
		return fail(p->err, "%s: unknown option --%s (did you mean --%s?)", p->argv[0], word,
			    nearest);
	if (p->noptions == 0)
		return fail(p->err, "%s: unknown option --%s (it takes none)", p->argv[0], word);
	return fail(p->err, "%s: unknown option --%s (try: help %s)", p->argv[0], word, p->argv[0]);
}

static int take_value(const struct parse *p, struct args_option *o, const char *value)
{
	const char *command = p->argv[0];
	u64 max = o->max ? o->max : UINT64_MAX;

	o->string = value;
	o->set = true;
	if (o->type == ARGS_STRING)
		return 0;
	if (!args_number(value, &o->number))
		return fail(p->err, "%s: --%s needs a number, not '%s'", command, o->name, value);
	if (o->number < o->min || o->number > max)
		return fail(p->err, "%s: --%s %s is out of range (%llu to %llu)", command, o->name, value,
			    (unsigned long long)o->min, (unsigned long long)max);
	return 0;
}

/* One word that starts with "--", and perhaps the next. */
static int take_option(struct parse *p)
{
	const char *name = p->argv[p->at] + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	struct args_option *o = find_option(p, name, length);

	if (!o)
		return unknown_option(p, name, length);
	if (o->type == ARGS_FLAG) {
		if (equals)
			return fail(p->err, "%s: --%s takes no value", p->argv[0], o->name);
		o->set = true;
		return 0;
	}
	if (equals)
		return take_value(p, o, equals + 1);
	if (p->at + 1 == p->argc)
		return fail(p->err, "%s: --%s needs a value", p->argv[0], o->name);
	return take_value(p, o, p->argv[++p->at]);
}

int args_parse(int argc, char *const argv[], struct args_option *options, size_t noptions,
	       const char **positional, int least, int most, char err[ARGS_ERR_SIZE])
{
	struct parse p = { argc, argv, 1, options, noptions, err };
	bool only_positional = false;
	int n = 0;

	for (size_t i = 0; i < noptions; i++) {
		options[i].set = false;
		options[i].number = 0;
		options[i].string = NULL;
	}
	for (; p.at < argc; p.at++) {
		const char *word = argv[p.at];

		if (!only_positional && strcmp(word, "--") == 0) {
			only_positional = true;
		} else if (!only_positional && strncmp(word, "--", 2) == 0) {
			if (take_option(&p) < 0)
				return -1;
		} else {
			if (n == most)
				return fail(err, "%s: '%s' is too much (try: help %s)", argv[0], word,
					    argv[0]);
			positional[n++] = word;
		}
	}
	if (n < least)
		return fail(err, "%s: something is missing (try: help %s)", argv[0], argv[0]);
	return n;
}
