/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's console as the shell sees it: text out through a buffer, typed bytes in. When the
 * hypervisor's ring is full the writer keeps pumping, so that device models go on; nothing that the pump
 * calls ever writes here.
 */
#ifndef CONTROL_CONS_H
#define CONTROL_CONS_H

#include "guest/lib/types.h"

/* Text of ours: a newline becomes CR LF. One call writes at most 1,023 characters. */
void out(const char *fmt, ...) __printf(1, 2);
void out_text(const char *s, size_t n);
/* While not NULL, takes what would be printed. */
extern void (*out_taker)(const void *bytes, size_t n);
/* Bytes as they are, a guest's. */
void out_raw(const void *bytes, size_t n);
/* All that was written is with the hypervisor when this returns. */
void out_flush(void);
/* Like out_flush(), and waits for nobody: for a crash of our own. */
void out_last_words(const char *s, size_t n);

/* The next typed byte, or -1. */
int in_getc(void);
int in_peek(void);
bool in_any(void);
bool in_has(u8 byte);
void in_drop(void);
/* Called by the pump: the hypervisor has typed bytes. Reads them as far as there is room. */
void in_fetch(void);

/* While a command runs Ctrl-C is a wish to end it and not input. */
extern bool in_ctrlc_ends; /* set by the shell */
extern bool in_ctrlc;	   /* the wish; commands that wait or loop look at it */

#endif
