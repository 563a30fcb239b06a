/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of guest/ share: cmocka with the headers that it wants before it, and a device model's host
 * that records.
 */
#ifndef TESTS_CONTROL_COMMON_H
#define TESTS_CONTROL_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "guest/control/dev/dev.h"

struct fake_host {
	struct dev_host host; /* what models get */
	u64 now;
	bool level[32];
	unsigned edges[32]; /* upwards */
	u8 printed[65536];
	size_t nprinted;
	int ends;
	enum dev_end how;
	u32 code;
};

static inline void fake_irq(void *ctx, unsigned line, bool level)
{
	struct fake_host *f = ctx;

	assert_true(line < 32);
	assert_true(f->level[line] != level); /* only changes are told */
	f->level[line] = level;
	f->edges[line] += level;
}

static inline void fake_output(void *ctx, const u8 *bytes, size_t n)
{
	struct fake_host *f = ctx;

	assert_true(n <= sizeof(f->printed) - f->nprinted);
	memcpy(f->printed + f->nprinted, bytes, n);
	f->nprinted += n;
}

static inline void fake_end(void *ctx, enum dev_end how, u32 code)
{
	struct fake_host *f = ctx;

	f->ends++;
	f->how = how;
	f->code = code;
}

static inline u64 fake_now(void *ctx)
{
	return ((struct fake_host *)ctx)->now;
}

static const struct dev_ops fake_ops = { fake_irq, fake_output, fake_end, fake_now };

static inline void fake_init(struct fake_host *f)
{
	memset(f, 0, sizeof(*f));
	f->host = (struct dev_host){ &fake_ops, f };
}

/* xorshift64*: the same sequence in every run. */
static inline u64 fake_random(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

#endif
