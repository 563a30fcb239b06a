/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words, options and hints of the shell's commands (T).
 */
#ifndef CONTROL_ARGS_H
#define CONTROL_ARGS_H

#include "guest/lib/types.h"

#define ARGS_MAX      64
#define ARGS_ERR_SIZE 160

/*
 * Splits a line into words, into `buf` (as long as the line and its 0 are enough) and `argv`. Blanks
 * separate. 'text' is taken as it is. In "text" a backslash starts \r \n \t \e \xHH, or takes the
 * next character as it is; outside quotes it takes the next character as it is. A # at the start of a word
 * ends the line. Returns the number of words, or -1 with one line in `err`.
 */
int args_split(const char *line, char *buf, size_t size, char *argv[ARGS_MAX], char err[ARGS_ERR_SIZE]);

enum args_type { ARGS_FLAG, ARGS_NUMBER, ARGS_STRING };

/* One option of a command: what it is called, and what the parser found. */
struct args_option {
	const char *name; /* without the dashes */
	enum args_type type;
	u64 min, max; /* of a number; max 0: any */
	/* found */
	bool set;
	u64 number;
	const char *string;
};

/*
 * Reads argv[1 …] (argv[0] is the command's name, for messages): --name, --name VALUE, --name=VALUE; "--"
 * ends the options. Everything else is positional: at least `least`, at most `most`, stored in `positional`.
 * Returns their number, or -1 with one line in `err`. An option given twice keeps the last value.
 */
int args_parse(int argc, char *const argv[], struct args_option *options, size_t noptions,
	       const char **positional, int least, int most, char err[ARGS_ERR_SIZE]);

/* A whole word as a number: decimal or 0x hexadecimal, no sign, no overflow. */
bool args_number(const char *word, u64 *number);

/*
 * The word of `table` (entries `stride` bytes apart, each starting with a const char *) that `word` was most
 * likely meant to be, or NULL when none is near. For hints: "unknown command: craete (did you mean create?)".
 */
const char *args_nearest(const char *word, const void *table, size_t n, size_t stride);

#endif
