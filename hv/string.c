/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/string.h"

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

size_t strlen(const char *s)
{
	return strnlen(s, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

void str_copy_n(char *dst, size_t size, const void *src, size_t n)
{
	n = strnlen(src, MIN(n, size - 1));
	memcpy(dst, src, n);
	dst[n] = 0;
}

void str_copy(char *dst, const char *src, size_t size)
{
	str_copy_n(dst, size, src, SIZE_MAX);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

bool str_to_u64(const char **s, u64 *out)
{
	const char *p = *s, *first;
	int base = 10;
	u64 v = 0;

	if (p[0] == '0' && (p[1] | 0x20) == 'x') {
		base = 16;
		p += 2;
	}
	for (first = p; digit(*p) < base; p++) {
		if (__builtin_mul_overflow(v, (u64)base, &v) || __builtin_add_overflow(v, (u64)digit(*p), &v))
			return false;
	}
	if (p == first)
		return false;
	*s = p;
	*out = v;
	return true;
}

bool str_word(const char **s, char *word, size_t size)
{
	const char *start = *s;
	size_t n = 0;

	while (*start == ' ')
		start++;
	while (start[n] && start[n] != ' ')
		n++;
	str_copy_n(word, size, start, n);
	*s = start + n;
	return n > 0;
}
