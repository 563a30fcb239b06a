/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line editor for a serial terminal (T).
 */
#include "guest/control/lineedit.h"

#include "guest/lib/string.h"

#define CTRL(c)	  ((c) - '@')
#define BACKSPACE 0x08
#define DELETE	  0x7f
#define ESC	  0x1b

static void out(struct lineedit *le, const char *s)
{
	le->ops->output(le->ctx, s, strlen(s));
}

/* How many characters of the line the terminal's row holds beside the prompt; the last column stays free. */
static size_t columns(const struct lineedit *le)
{
	size_t prompt = strlen(le->prompt);

	return prompt + 16 < LINEEDIT_COLUMNS ? LINEEDIT_COLUMNS - 1 - prompt : 16;
}

static void draw(struct lineedit *le)
{
	size_t width = columns(le), shown, behind;
	char move[32];

	/* Scrolls by half a row, so that typing at the edge does not redraw every time. */
	if (le->cursor < le->window || le->cursor > le->window + width)
		le->window = le->cursor > width / 2 ? le->cursor - width / 2 : 0;
	shown = MIN(le->length - le->window, width);
	behind = le->window + shown - le->cursor;

	out(le, "\r");
	out(le, le->prompt);
	le->ops->output(le->ctx, le->line + le->window, shown);
	out(le, "\033[K");
	if (behind) {
		snprintf(move, sizeof(move), "\033[%zuD", behind);
		out(le, move);
	}
}

void lineedit_show(struct lineedit *le)
{
	draw(le);
}

void lineedit_hide(struct lineedit *le)
{
	out(le, "\r\033[K");
}

void lineedit_init(struct lineedit *le, const struct lineedit_ops *ops, void *ctx)
{
	memset(le, 0, sizeof(*le));
	le->ops = ops;
	le->ctx = ctx;
	le->prompt = "";
}

static void clear(struct lineedit *le)
{
	le->length = le->cursor = le->window = 0;
	le->line[0] = 0;
	le->history_back = 0;
}

void lineedit_start(struct lineedit *le, const char *prompt)
{
	le->prompt = prompt;
	clear(le);
	out(le, prompt);
}

/* --- changes --- */

/* False: there is no room. Typing at the end of a short line prints just that. */
static bool insert(struct lineedit *le, const char *text, size_t n)
{
	bool at_end = le->cursor == le->length;

	if (n > LINEEDIT_MAX - le->length) {
		out(le, "\a");
		return false;
	}
	memmove(le->line + le->cursor + n, le->line + le->cursor, le->length - le->cursor + 1);
	memcpy(le->line + le->cursor, text, n);
	le->cursor += n;
	le->length += n;
	if (at_end && le->length - le->window <= columns(le))
		le->ops->output(le->ctx, text, n);
	else
		draw(le);
	return true;
}

/* Takes [from, to) out; the cursor ends at `from`. */
static void cut(struct lineedit *le, size_t from, size_t to)
{
	if (from == to)
		return;
	memmove(le->line + from, le->line + to, le->length - to + 1);
	le->length -= to - from;
	le->cursor = from;
	le->window = MIN(le->window, le->cursor);
	draw(le);
}

static void move_to(struct lineedit *le, size_t at)
{
	if (at > le->length || at == le->cursor)
		return;
	le->cursor = at;
	draw(le);
}

static size_t word_start(const struct lineedit *le, size_t at)
{
	while (at && le->line[at - 1] == ' ')
		at--;
	while (at && le->line[at - 1] != ' ')
		at--;
	return at;
}

/* --- history --- */

/* The line entered `back` lines ago, 1 being the last. */
static char *history_line(struct lineedit *le, unsigned back)
{
	return le->history[(le->history_next + LINEEDIT_HISTORY - back) % LINEEDIT_HISTORY];
}

/* Neither empty lines nor the same one twice. */
static void history_add(struct lineedit *le)
{
	if (!le->length || (le->history_count && strcmp(history_line(le, 1), le->line) == 0))
		return;
	memcpy(le->history[le->history_next], le->line, le->length + 1);
	le->history_next = (le->history_next + 1) % LINEEDIT_HISTORY;
	le->history_count = MIN(le->history_count + 1, (unsigned)LINEEDIT_HISTORY);
}

static void history_go(struct lineedit *le, unsigned back)
{
	const char *from;

	if (back > le->history_count)
		return;
	if (le->history_back == 0)
		memcpy(le->draft, le->line, le->length + 1);
	le->history_back = back;
	from = back ? history_line(le, back) : le->draft;
	le->length = le->cursor = strlen(from);
	le->window = 0;
	memcpy(le->line, from, le->length + 1);
	draw(le);
}

/* --- completion --- */

/* What the candidates for a word have in common. */
struct matches {
	const char *first;
	size_t common;
	unsigned count;
};

static const char *matching(struct lineedit *le, size_t word, unsigned *i)
{
	for (;;) {
		const char *c = le->ops->candidate(le->ctx, le->line, word, (*i)++);

		if (!c || strncmp(c, le->line + word, le->cursor - word) == 0)
			return c;
	}
}

static struct matches find_matches(struct lineedit *le, size_t word)
{
	struct matches m = { 0 };
	const char *c;

	for (unsigned i = 0; (c = matching(le, word, &i));) {
		size_t n = 0;

		if (m.count++ == 0) {
			m.first = c;
			m.common = strlen(c);
			continue;
		}
		while (n < m.common && c[n] == m.first[n])
			n++;
		m.common = n;
	}
	return m;
}

static void list_matches(struct lineedit *le, size_t word)
{
	const char *c;

	out(le, "\r\n");
	for (unsigned i = 0; (c = matching(le, word, &i));) {
		out(le, c);
		out(le, "  ");
	}
	out(le, "\r\n");
	draw(le);
}

static void complete(struct lineedit *le)
{
	size_t word = le->cursor, typed;
	struct matches m;

	if (!le->ops->candidate)
		return;
	while (word && le->line[word - 1] != ' ')
		word--;
	typed = le->cursor - word;
	m = find_matches(le, word);
	if (m.count == 0) {
		out(le, "\a");
		return;
	}
	/* An insertion moves the cursor; m.first is the shell's, not part of the line. */
	if (m.common > typed && !insert(le, m.first + typed, m.common - typed))
		return;
	if (m.count == 1) {
		if (le->cursor == le->length)
			insert(le, " ", 1);
	} else if (m.common == typed) {
		list_matches(le, word);
	}
}

/* --- bytes --- */

/* ESC [ number ~ and ESC [ letter, ESC O letter */
static void escape_end(struct lineedit *le, u8 byte)
{
	switch (byte) {
	case 'A':
		history_go(le, le->history_back + 1);
		break;
	case 'B':
		if (le->history_back)
			history_go(le, le->history_back - 1);
		break;
	case 'C':
		move_to(le, le->cursor + 1);
		break;
	case 'D':
		if (le->cursor)
			move_to(le, le->cursor - 1);
		break;
	case 'H':
		move_to(le, 0);
		break;
	case 'F':
		move_to(le, le->length);
		break;
	case '~':
		if (le->escape_number == 1 || le->escape_number == 7)
			move_to(le, 0);
		else if (le->escape_number == 4 || le->escape_number == 8)
			move_to(le, le->length);
		else if (le->escape_number == 3 && le->cursor < le->length)
			cut(le, le->cursor, le->cursor + 1);
		break;
	default: /* a key that does nothing here */
		break;
	}
}

static void escape_byte(struct lineedit *le, u8 byte)
{
	if (byte == ESC) {
		le->escape = ESC_START;
	} else if (le->escape == ESC_START) {
		le->escape = byte == '[' ? ESC_CSI : byte == 'O' ? ESC_SS3 : ESC_NONE;
		le->escape_number = 0;
	} else if (le->escape == ESC_CSI && byte >= '0' && byte <= '9') {
		le->escape_number = le->escape_number > 999 ? 999 : le->escape_number * 10 + (byte - '0');
	} else if (le->escape == ESC_CSI && byte >= 0x20 && byte < 0x40) {
		le->escape_number = 0; /* parameters behind a ';' are modifiers */
	} else {
		le->escape = ESC_NONE;
		escape_end(le, byte);
	}
}

static void control_byte(struct lineedit *le, u8 byte)
{
	switch (byte) {
	case CTRL('A'):
		move_to(le, 0);
		break;
	case CTRL('E'):
		move_to(le, le->length);
		break;
	case CTRL('B'):
		escape_end(le, 'D');
		break;
	case CTRL('F'):
		escape_end(le, 'C');
		break;
	case CTRL('P'):
		escape_end(le, 'A');
		break;
	case CTRL('N'):
		escape_end(le, 'B');
		break;
	case CTRL('K'):
		cut(le, le->cursor, le->length);
		break;
	case CTRL('U'):
		cut(le, 0, le->cursor);
		break;
	case CTRL('W'):
		cut(le, word_start(le, le->cursor), le->cursor);
		break;
	case CTRL('D'):
		if (le->cursor < le->length)
			cut(le, le->cursor, le->cursor + 1);
		break;
	case CTRL('L'):
		out(le, "\033[H\033[2J");
		draw(le);
		break;
	case '\t':
		complete(le);
		break;
	case BACKSPACE:
	case DELETE:
		if (le->cursor)
			cut(le, le->cursor - 1, le->cursor);
		break;
	default:
		break;
	}
}

enum lineedit_result lineedit_byte(struct lineedit *le, u8 byte)
{
	bool after_cr = le->after_cr;
	char c = (char)byte;

	le->after_cr = byte == '\r';
	/* A control byte ends a broken escape sequence, so that none can swallow what follows. */
	if (le->escape != ESC_NONE && (byte >= 0x20 || byte == ESC)) {
		escape_byte(le, byte);
		return LINEEDIT_MORE;
	}
	le->escape = ESC_NONE;

	if (byte == '\r' || byte == '\n') {
		if (byte == '\n' && after_cr)
			return LINEEDIT_MORE;
		out(le, "\r\n");
		history_add(le);
		return LINEEDIT_LINE;
	}
	if (byte == CTRL('C')) {
		out(le, "^C\r\n");
		clear(le);
		return LINEEDIT_INTERRUPT;
	}
	if (byte == CTRL('D') && le->length == 0)
		return LINEEDIT_END;
	if (byte == ESC)
		le->escape = ESC_START;
	else if (byte >= 0x20 && byte != DELETE)
		insert(le, &c, 1);
	else
		control_byte(le, byte);
	return LINEEDIT_MORE;
}
