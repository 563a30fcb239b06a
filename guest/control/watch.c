/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at a domain's console, and waiting for its end.
 */
#include "guest/control/watch.h"

#include "guest/control/cons.h"
#include "guest/control/domain.h"
#include "guest/control/pump.h"
#include "guest/control/shell.h"
#include "guest/lib/string.h"

#define CTRL_LEAVE 0x1d /* Ctrl-] */
#define ROOM_MS	   20	/* to look again whether a guest has read what was typed */

static u8 last_shown = '\n';

static void show_byte_run(const u8 *bytes, size_t n)
{
	out_raw(bytes, n);
	last_shown = bytes[n - 1];
}

/* What d printed since it was last shown. */
static void show(struct dom *d)
{
	u8 piece[512];
	size_t n;

	if (d->shown < d->log.first) {
		out("\n[%llu bytes of output are lost]\n", (unsigned long long)(d->log.first - d->shown));
		d->shown = d->log.first;
	}
	while (!in_ctrlc && (n = conlog_read(&d->log, &d->shown, piece, sizeof(piece))))
		show_byte_run(piece, n);
}

/* What the shell prints next starts on a line of its own. */
static void fresh_line(void)
{
	if (last_shown != '\n')
		out("\n");
	last_shown = '\n';
}

/* While somebody looks, the pump tells of output and the end is told here. */
static void watch_start(struct dom *d)
{
	last_shown = '\n';
	d->flags |= DOM_REPORTED;
	pump_watch(d);
}

static void watch_stop(struct dom *d)
{
	pump_watch(NULL);
	d->flags &= ~DOM_REPORTED;
	fresh_line();
}

static bool ended(const struct dom *d)
{
	return d->end && !(d->flags & DOM_UNSETTLED);
}

/* Types what was typed here; false: Ctrl-]. */
static bool type(struct dom *d)
{
	while (in_any()) {
		int c = in_peek();
		u8 byte = (u8)c;

		if (c == CTRL_LEAVE) {
			in_getc();
			return false;
		}
		/* A guest that reads nothing must not lock the user in. */
		if (!uart_room(&d->dev.uart)) {
			if (!in_has(CTRL_LEAVE))
				return true;
			in_drop();
			return false;
		}
		in_getc();
		uart_input(&d->dev.uart, &byte, 1);
	}
	return true;
}

int watch_attach(struct dom *d)
{
	bool leave = false;
	u64 again;

	if (ended(d)) {
		show(d);
		fresh_line();
		return print_end(d);
	}
	out("Console of domain %u (%s), Ctrl-] leaves.\n", d->id, d->name);
	in_ctrlc_ends = false;
	watch_start(d);
	for (;;) {
		show(d);
		if (ended(d))
			break;
		leave = !type(d);
		if (leave)
			break;
		again = in_any() ? time_after_ms(ROOM_MS) : 0;
		shell_wait(PUMP_OUTPUT | (again ? 0 : PUMP_INPUT), again);
	}
	watch_stop(d);
	in_ctrlc_ends = true;
	if (!leave)
		return print_end(d);
	return 0;
}

int watch_end(struct dom *d, bool shown, u64 deadline)
{
	u32 is = 0;

	watch_start(d);
	if (!shown)
		pump_watch(NULL);
	while (!ended(d) && !in_ctrlc && !(is & PUMP_TIME)) {
		if (shown)
			show(d);
		is = shell_wait(shown ? PUMP_OUTPUT : 0, deadline);
	}
	if (shown)
		show(d);
	watch_stop(d);
	if (ended(d))
		return print_end(d);
	if (interrupted())
		return 1;
	return fail("domain %u did not end in time", d->id);
}

int watch_expect(struct dom *d, const char *text, u64 timeout_s)
{
	u64 deadline = time_after_ms(timeout_s * MS_PER_S);
	struct conlog_expect e;
	bool found;
	u32 is = 0;

	if (!conlog_expect(&e, text, d->expected))
		return fail("the expected text must have 1 to %d bytes", CONLOG_EXPECT_MAX);
	watch_start(d);
	while (!(found = conlog_expect_scan(&e, &d->log)) && !ended(d) && !in_ctrlc && !(is & PUMP_TIME)) {
		show(d);
		is = shell_wait(PUMP_OUTPUT, deadline);
	}
	show(d);
	watch_stop(d);
	if (found) {
		d->expected = e.at;
		return 0;
	}
	if (interrupted())
		return 1;
	if (ended(d)) {
		print_end(d);
		return fail("domain %u ended before \"%.60s\" was seen", d->id, text);
	}
	return fail("\"%.60s\" was not seen in %llu s", text, (unsigned long long)timeout_s);
}

void watch_log(struct dom *d)
{
	u8 piece[512];
	u64 at = d->log.first;
	size_t n;

	last_shown = '\n';
	if (at)
		out("[%llu earlier bytes are lost]\n", (unsigned long long)at);
	while (!in_ctrlc && (n = conlog_read(&d->log, &at, piece, sizeof(piece))))
		show_byte_run(piece, n);
	d->shown = MAX(d->shown, at);
	fresh_line();
}
