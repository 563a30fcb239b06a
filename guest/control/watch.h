/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at a domain's console, and waiting for its end.
 */
#ifndef CONTROL_WATCH_H
#define CONTROL_WATCH_H

#include "guest/lib/types.h"

struct dom;

/* Keyboard and screen are the domain's until Ctrl-] or its end. The command's status. */
int watch_attach(struct dom *d);
/* Waits for the end and prints it; shows the console meanwhile if so wished. The status: 0 for power-off and
 * exit 0. A deadline that passes, Ctrl-C: an error. */
int watch_end(struct dom *d, bool show, u64 deadline);
/* Shows the console until `text` has been seen in it. */
int watch_expect(struct dom *d, const char *text, u64 timeout_s);
/* All of the log that is kept. */
void watch_log(struct dom *d);

#endif
