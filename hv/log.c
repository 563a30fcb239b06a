/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/arch.h"
#include "hv/console.h"
#include "hv/lock.h"
#include "hv/log.h"
#include "hv/printf.h"
#include "hv/string.h"

#define LINE	    256
#define GUEST_BURST 64 /* log_guest(): lines at once ... */
#define GUEST_RATE  4  /* ... and per second */

static struct {
	struct lock lock;
	u64 next;	   /* (lock) position after the newest byte */
	u64 guest_due;	   /* (lock) the TSC at which the lines of guests so far are paid for */
	u32 guest_dropped; /* (lock) */
	char ring[LOG_BYTES];
} ring;
static u64 start_tsc;
static enum log_level console_level = LOG_INFO;

void log_start(u64 tsc)
{
	start_tsc = tsc;
}

void log_set_console_level(enum log_level level)
{
	console_level = level;
}

static void ring_put(const char *s, size_t n)
{
	size_t at = ring.next % LOG_BYTES, first = MIN(n, LOG_BYTES - at);

	memcpy(ring.ring + at, s, first);
	memcpy(ring.ring, s + first, n - first);
	ring.next += n;
}

/* Uptime, text, newline: at most LINE bytes. */
static size_t format(char line[LINE], enum log_level level, const char *fmt, va_list ap)
{
	static const char *const mark[] = { "ERROR: ", "warning: ", "" };
	u64 us = arch_ticks_to_ns(arch_now() - start_tsc) / 1000;
	int n;

	n = snprintf(line, LINE, "[%4lu.%06lu] %s", us / 1000000, us % 1000000, mark[level]);
	n += vsnprintf(line + n, LINE - (size_t)n, fmt, ap);
	n = MIN(n, LINE - 2);
	line[n++] = '\n';
	line[n] = 0;
	return (size_t)n;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[LINE];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = format(line, level, fmt, ap);
	va_end(ap);
	lock(&ring.lock);
	ring_put(line, n);
	unlock(&ring.lock);
	if (level <= console_level)
		console_puts(line, n);
}

void log_guest(const char *fmt, ...)
{
	u64 now = arch_now(), per_line = arch_tsc_khz() * 1000 / GUEST_RATE;
	char line[LINE];
	va_list ap;

	lock(&ring.lock);
	ring.guest_due = MAX(ring.guest_due, now);
	if (ring.guest_due - now > (GUEST_BURST - 1) * per_line) {
		ring.guest_dropped++;
	} else {
		ring.guest_due += per_line;
		va_start(ap, fmt);
		ring_put(line, format(line, LOG_INFO, fmt, ap));
		va_end(ap);
		if (ring.guest_dropped)
			ring_put(line,
				 (size_t)snprintf(line, LINE, "%u earlier lines like this one were dropped\n",
						  ring.guest_dropped));
		ring.guest_dropped = 0;
	}
	unlock(&ring.lock);
}

size_t log_read(u64 pos, char *buf, size_t n, u64 *first, u64 *next)
{
	size_t at, part;

	lock(&ring.lock);
	*next = ring.next;
	*first = ring.next > LOG_BYTES ? ring.next - LOG_BYTES : 0;
	pos = MIN(MAX(pos, *first), *next);
	n = MIN(n, *next - pos);
	at = pos % LOG_BYTES;
	part = MIN(n, LOG_BYTES - at);
	memcpy(buf, ring.ring + at, part);
	memcpy(buf + part, ring.ring, n - part);
	unlock(&ring.lock);
	return n;
}

void log_replay(void)
{
	u64 first, next;
	char part[LINE];
	size_t n;

	if (console_level < LOG_INFO)
		return;
	for (u64 pos = 0; (n = log_read(pos, part, sizeof(part), &first, &next)); pos = MAX(pos, first) + n)
		console_puts(part, n);
}

void log_panic_text(const char *s)
{
	size_t n = strlen(s);

	ring_put(s, n);
	console_puts(s, n);
}
