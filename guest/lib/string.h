/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the C library's strings and formatted printing that our guests use, with the standard's names
 * and meanings. A hosted build (the tests in tests/host) gets the C library's own instead: then string.c is
 * not linked.
 */
#if __STDC_HOSTED__
/* Outside the include guard: with -Iguest/lib the first include_next finds this very file again. */
#include_next <string.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#else
#ifndef GUEST_LIB_STRING_H
#define GUEST_LIB_STRING_H

#include <stdarg.h>
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int byte, size_t n);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *find);

/* Base 0 (0x and 0 prefixes) or 2 to 36.
 * Leading blanks and a sign are taken; ~0 on overflow, *end always set. */
unsigned long strtoul(const char *s, char **end, int base);

/*
 * %c %s %d %i %u %o %x %X %p %% with the flags - 0 + space #, width and precision (numbers or *), and the
 * lengths hh h l ll z j t. No floating point, no %n. Returns the length that the whole text has; n == 0
 * writes nothing.
 */
int vsnprintf(char *buf, size_t n, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));
int snprintf(char *buf, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
#endif
