/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a domain has printed (T): the last bytes of it, each known by its position since the domain's first
 * byte, and a matcher that waits for a text.
 */
#ifndef CONTROL_CONLOG_H
#define CONTROL_CONLOG_H

#include "guest/lib/types.h"

#define CONLOG_SIZE	  65536 /* what a domain's log grows to */
#define CONLOG_EXPECT_MAX 255

struct conlog {
	u8 *ring; /* not owned; NULL until conlog_storage() */
	size_t size;
	u64 total; /* bytes ever written: the position behind the last */
	u64 first; /* position of the oldest byte still kept */
};

void conlog_init(struct conlog *log);

/*
 * Gives the log `size` bytes to keep text in; what it kept so far, as much as fits of the newest, moves over.
 * Returns the storage used before (NULL at first), which is the caller's again.
 */
u8 *conlog_storage(struct conlog *log, u8 *ring, size_t size);

/* True when more storage would keep text that is about to be overwritten:
 * time to double, up to CONLOG_SIZE. */
bool conlog_wants_more(const struct conlog *log);

/* Without storage the text is counted and lost. */
void conlog_write(struct conlog *log, const u8 *bytes, size_t n);

/*
 * Copies up to n bytes from position *at (moved to the oldest byte kept, where it is older) and moves *at
 * behind them. Returns how many; 0: nothing newer.
 */
size_t conlog_read(const struct conlog *log, u64 *at, u8 *out, size_t n);

/* --- waiting for a text --- */

struct conlog_expect {
	u8 text[CONLOG_EXPECT_MAX];
	u8 fail[CONLOG_EXPECT_MAX]; /* how much of the text still matches when the next byte does not */
	u8 length;
	u8 matched;
	u64 at; /* position in the log: bytes before it have been seen */
};

/* From position `from` of the log on. False: the text is empty or longer than CONLOG_EXPECT_MAX. */
bool conlog_expect(struct conlog_expect *e, const char *text, u64 from);

/* Looks at what is new; true when the text is complete, then e->at is behind its last byte. */
bool conlog_expect_scan(struct conlog_expect *e, const struct conlog *log);

#endif
