/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's log: a ring of 64 KiB of text with positions that only grow, and the console unless
 * `quiet`. Any context but NMI; a lock of its own, innermost of all but the console's.
 */
#ifndef HV_LOG_H
#define HV_LOG_H

#include "hv/types.h"

#define LOG_BYTES (64u * 1024u)

enum log_level {
	LOG_ERR,
	LOG_WARN,
	LOG_INFO,
};

/* The TSC that the lines' times count from. */
void log_start(u64 tsc);

/* One line; the newline is added. Above 255 characters it is cut. */
void log_line(enum log_level level, const char *fmt, ...) __printf(2, 3);
#define log_err(...)  log_line(LOG_ERR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)

/* For what a guest can cause: at most 64 lines at once and 4 per second; then the count of what was dropped.
 * Never on the console itself: only in the ring. */
void log_guest(const char *fmt, ...) __printf(1, 2);

/* Copies what is kept from max(pos, first) on.
 * Returns bytes copied; *first and *next as in struct caisson_log. */
size_t log_read(u64 pos, char *buf, size_t n, u64 *first, u64 *next);

/* Says again on the console, which has just been found, what was said before; not after `quiet`. */
void log_replay(void);

/* Lines above this level stay out of the console (LOG_INFO; `quiet` makes it LOG_WARN). */
void log_set_console_level(enum log_level level);
/* For the panic report: text straight to ring and console, no locks. */
void log_panic_text(const char *s);

#endif
