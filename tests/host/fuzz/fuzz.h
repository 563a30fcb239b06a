/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz targets: each file of this folder but main.c is one, the LLVMFuzzerTestOneInput() of libFuzzer.
 * scripts/fuzz links them to that, with clang; the suite links them to main.c, which feeds them the corpus
 * and some inputs of its own.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef ALIGN_UP /* the guests have types of their own, of the same names */
#include "hv/types.h"
#endif

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* What must hold whatever the input is. */
#define HOLDS(cond)                                                                    \
	do {                                                                           \
		if (!(cond)) {                                                         \
			fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                       \
		}                                                                      \
	} while (0)

/* The input as a row of little-endian numbers; zeroes behind its end. */
struct bytes {
	const u8 *at, *end;
};
static inline u64 take(struct bytes *b, u32 bytes)
{
	u64 v = 0;

	for (u32 i = 0; i < bytes && b->at < b->end; i++)
		v |= (u64)*b->at++ << (8 * i);
	return v;
}

#endif
