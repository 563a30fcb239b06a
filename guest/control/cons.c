/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's console as the shell sees it.
 */
#include "guest/control/cons.h"

#include "guest/control/pump.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

#define CTRL_C	 3
#define OUT_SIZE 4096u
#define IN_SIZE	 4096u /* a power of two */
#define IN_PIECE 256u

static char out_buf[OUT_SIZE];
static size_t out_n;
static u8 in_buf[IN_SIZE];
static u32 in_head, in_tail; /* they only grow; head is where the next byte goes */
static bool in_more;	     /* the hypervisor has bytes that found no room */

bool in_ctrlc_ends, in_ctrlc;

void out_flush(void)
{
	size_t done = 0;

	while (done < out_n) {
		s64 r = hc_console_write(out_buf + done, out_n - done);

		if (r < 0)
			break;
		done += (size_t)r;
		if (!r)
			pump(PUMP_TX, 0);
	}
	out_n = 0;
}

void (*out_taker)(const void *bytes, size_t n);

void out_raw(const void *bytes, size_t n)
{
	const char *s = bytes;

	if (out_taker) {
		out_taker(bytes, n);
		return;
	}

	while (n) {
		size_t piece = MIN(n, OUT_SIZE - out_n);

		memcpy(out_buf + out_n, s, piece);
		out_n += piece;
		s += piece;
		n -= piece;
		if (out_n == OUT_SIZE)
			out_flush();
	}
}

void out_text(const char *s, size_t n)
{
	while (n) {
		const char *nl = memchr(s, '\n', n);
		size_t line = nl ? (size_t)(nl - s) : n;

		out_raw(s, line);
		if (!nl)
			return;
		out_raw("\r\n", 2);
		s += line + 1;
		n -= line + 1;
	}
}

void out(const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_text(text, MIN((size_t)n, sizeof(text) - 1));
}

void out_last_words(const char *s, size_t n)
{
	for (u32 tries = 0; n && tries < 100000; tries++) {
		s64 r = hc_console_write(s, n);

		if (r < 0)
			return;
		s += r;
		n -= (size_t)r;
	}
}

void in_fetch(void)
{
	u8 piece[IN_PIECE];
	s64 n;

	do {
		u32 room = IN_SIZE - (in_head - in_tail);

		in_more = room == 0;
		if (in_more)
			return;
		n = hc_console_read(piece, MIN(room, IN_PIECE));
		for (s64 i = 0; i < n; i++) {
			if (in_ctrlc_ends && piece[i] == CTRL_C) {
				in_ctrlc = true;
				in_tail = in_head;
				continue;
			}
			in_buf[in_head++ % IN_SIZE] = piece[i];
		}
	} while (n > 0);
}

int in_getc(void)
{
	int c;

	if (in_head == in_tail)
		return -1;
	c = in_buf[in_tail++ % IN_SIZE];
	if (in_more)
		in_fetch();
	return c;
}

int in_peek(void)
{
	return in_head == in_tail ? -1 : in_buf[in_tail % IN_SIZE];
}

bool in_has(u8 byte)
{
	for (u32 i = in_tail; i != in_head; i++)
		if (in_buf[i % IN_SIZE] == byte)
			return true;
	return false;
}

bool in_any(void)
{
	return in_head != in_tail;
}

void in_drop(void)
{
	in_tail = in_head;
}
