/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line editor for a serial terminal (T), one byte at a time: it never waits and never reads. Whoever has
 * a paste of several lines hands over its bytes until one of them completes a line, runs that, and goes on
 * with the next byte.
 *
 * - arrows, Ctrl-B, Ctrl-F: by a character; Home, End, Ctrl-A, Ctrl-E: to the start, to the end
 * - up, down, Ctrl-P, Ctrl-N: older and newer lines
 * - Ctrl-K, Ctrl-U, Ctrl-W: kill to the end, to the start, a word; Backspace, Delete, Ctrl-D: one character
 * - Tab: complete; Ctrl-L: redraw on a clear screen
 * - Ctrl-C: give the line up; Ctrl-D on an empty line: end
 */
#ifndef CONTROL_LINEEDIT_H
#define CONTROL_LINEEDIT_H

#include "guest/lib/types.h"

#define LINEEDIT_MAX	 1024 /* bytes of a line, its closing 0 not counted */
#define LINEEDIT_HISTORY 32
#define LINEEDIT_COLUMNS 80

enum lineedit_result {
	LINEEDIT_MORE,	    /* nothing yet */
	LINEEDIT_LINE,	    /* `line` is complete; call lineedit_start() for the next */
	LINEEDIT_INTERRUPT, /* Ctrl-C: the line is dropped */
	LINEEDIT_END,	    /* Ctrl-D on an empty line */
};

struct lineedit_ops {
	void (*output)(void *ctx, const char *text, size_t n);
	/*
	 * The i-th word that could stand at line[word …], NULL behind the last. The editor picks those that
	 * begin with what is typed. May be NULL.
	 */
	const char *(*candidate)(void *ctx, const char *line, size_t word, unsigned i);
};

struct lineedit {
	const struct lineedit_ops *ops;
	void *ctx;
	const char *prompt;

	char line[LINEEDIT_MAX + 1]; /* 0-terminated always */
	size_t length, cursor;
	size_t window; /* first character shown: long lines scroll sideways */

	enum { ESC_NONE, ESC_START, ESC_CSI, ESC_SS3 } escape;
	unsigned escape_number;
	bool after_cr; /* a newline that follows belongs to it */

	char history[LINEEDIT_HISTORY][LINEEDIT_MAX + 1]; /* a ring */
	unsigned history_next, history_count;
	unsigned history_back;	      /* how many lines back is shown; 0: the new line */
	char draft[LINEEDIT_MAX + 1]; /* the new line while an older one is shown */
};

void lineedit_init(struct lineedit *le, const struct lineedit_ops *ops, void *ctx);

/* Starts a line: empties it and prints the prompt, which must live until the line is complete. */
void lineedit_start(struct lineedit *le, const char *prompt);

/* One byte from the terminal. */
enum lineedit_result lineedit_byte(struct lineedit *le, u8 byte);

/* Takes prompt and line off the screen, and draws them again:
 * around something else that is printed meanwhile. */
void lineedit_hide(struct lineedit *le);
void lineedit_show(struct lineedit *le);

#endif
