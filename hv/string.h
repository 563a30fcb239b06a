/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes and texts.  Any context, no locks.  memcpy, memmove and memset are arch's (the fastest copy is the
 * machine's business).
 */
#ifndef HV_STRING_H
#define HV_STRING_H

#include "hv/types.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

/* Copies at most size - 1 bytes and ends them with a NUL. */
void str_copy(char *dst, const char *src, size_t size);
/* The same from a field of n bytes that need not end in a NUL. */
void str_copy_n(char *dst, size_t size, const void *src, size_t n);
/* Decimal or 0x number at *s up to a character that is no digit; moves *s there.
 * false: no digit, or above 64 bits. */
bool str_to_u64(const char **s, u64 *out);
/* The next word of a command line: skips blanks, copies the word and moves *s behind it. false at the end. A
 * word longer than size - 1 is cut. */
bool str_word(const char **s, char *word, size_t size);

#endif
