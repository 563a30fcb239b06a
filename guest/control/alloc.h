/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control domain's memory (T): one arena, first fit by address, neighbours joined. Not much is allocated
 * and seldom: a record and a console log per domain.
 */
#ifndef CONTROL_ALLOC_H
#define CONTROL_ALLOC_H

#include "guest/lib/types.h"

/* Once, before anything else. */
void alloc_init(void *start, size_t bytes);
/* Zeroed, aligned to 16; NULL when there is none. */
void *alloc(size_t bytes);
/* NULL is allowed. */
void alloc_free(void *p);
/* Bytes not handed out, the bookkeeping's included. */
size_t alloc_left(void);

#endif
