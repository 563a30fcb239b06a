/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a domain has printed (T).
 */
#include "guest/control/conlog.h"

#include "guest/lib/string.h"

void conlog_init(struct conlog *log)
{
	*log = (struct conlog){ 0 };
}

/* Position p lies at p modulo the size; the two parts of what wraps around are copied one after the other. */
static void copy_out(const struct conlog *log, u64 at, u8 *out, size_t n)
{
	size_t start = (size_t)(at % log->size), part = MIN(n, log->size - start);

	memcpy(out, log->ring + start, part);
	memcpy(out + part, log->ring, n - part);
}

static void copy_in(struct conlog *log, u64 at, const u8 *in, size_t n)
{
	size_t start = (size_t)(at % log->size), part = MIN(n, log->size - start);

	memcpy(log->ring + start, in, part);
	memcpy(log->ring, in + part, n - part);
}

u8 *conlog_storage(struct conlog *log, u8 *ring, size_t size)
{
	struct conlog bigger = { .ring = ring, .size = size, .total = log->total };
	u64 keep = MIN(log->total - log->first, (u64)size);
	u8 *before = log->ring;

	bigger.first = log->total - keep;
	for (u64 at = bigger.first; at < log->total;) {
		size_t n = MIN((size_t)(log->total - at), log->size - (size_t)(at % log->size));

		copy_in(&bigger, at, log->ring + at % log->size, n);
		at += n;
	}
	*log = bigger;
	return before;
}

bool conlog_wants_more(const struct conlog *log)
{
	return log->size < CONLOG_SIZE && log->total - log->first == log->size;
}

void conlog_write(struct conlog *log, const u8 *bytes, size_t n)
{
	u64 end = log->total + n;

	if (log->size) {
		size_t keep = MIN(n, log->size);

		copy_in(log, end - keep, bytes + (n - keep), keep);
	}
	log->total = end;
	if (end - log->first > log->size)
		log->first = end - log->size;
}

size_t conlog_read(const struct conlog *log, u64 *at, u8 *out, size_t n)
{
	if (*at < log->first)
		*at = log->first;
	if (*at >= log->total)
		return 0;
	n = MIN(n, (size_t)(log->total - *at));
	copy_out(log, *at, out, n);
	*at += n;
	return n;
}

/* The failure function of Knuth, Morris and Pratt:
 * no byte of the log is looked at twice, whatever the text. */
bool conlog_expect(struct conlog_expect *e, const char *text, u64 from)
{
	size_t length = strnlen(text, CONLOG_EXPECT_MAX + 1);
	u8 k = 0;

	if (length == 0 || length > CONLOG_EXPECT_MAX)
		return false;
	*e = (struct conlog_expect){ .length = (u8)length, .at = from };
	memcpy(e->text, text, length);
	for (size_t i = 1; i < length; i++) {
		while (k && e->text[i] != e->text[k])
			k = e->fail[k - 1];
		if (e->text[i] == e->text[k])
			k++;
		e->fail[i] = k;
	}
	return true;
}

static bool expect_byte(struct conlog_expect *e, u8 byte)
{
	while (e->matched && byte != e->text[e->matched])
		e->matched = e->fail[e->matched - 1];
	if (byte == e->text[e->matched])
		e->matched++;
	if (e->matched < e->length)
		return false;
	e->matched = 0;
	return true;
}

bool conlog_expect_scan(struct conlog_expect *e, const struct conlog *log)
{
	if (e->at < log->first) {
		/* Bytes in between were lost: what matched before them does not join what comes after. */
		e->at = log->first;
		e->matched = 0;
	}
	while (e->at < log->total)
		if (expect_byte(e, log->ring[e->at++ % log->size]))
			return true;
	return false;
}
