/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/printf.h"
#include "hv/string.h"

struct out {
	char *buf;
	size_t size, n; /* n: bytes the text needs so far */
};

static void put(struct out *o, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++, o->n++) {
		if (o->n + 1 < o->size)
			o->buf[o->n] = text[i];
	}
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, &c, 1);
}

/* Blanks before the sign, or zeros behind it. */
static void put_number(struct out *o, u64 v, u32 base, const char *sign, int width, bool zeros)
{
	char digits[24], *first = digits + sizeof(digits);
	int len;

	do {
		*--first = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	len = (int)(digits + sizeof(digits) - first);
	width -= len + (int)strlen(sign);
	if (!zeros)
		pad(o, ' ', width);
	put(o, sign, strlen(sign));
	if (zeros)
		pad(o, '0', width);
	put(o, first, (size_t)len);
}

static int get_int(const char **f)
{
	int n = 0;

	for (; **f >= '0' && **f <= '9'; (*f)++)
		n = MIN(n * 10 + (**f - '0'), 9999);
	return n;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, size, 0 };

	for (const char *f = fmt; *f; f++) {
		const char *start = f, *text;
		bool alt = false, zeros = false, wide = false;
		size_t most = SIZE_MAX;
		int width;
		char c;
		s64 v;

		if (*f != '%') {
			put(&o, f, 1);
			continue;
		}
		for (f++; *f == '#' || *f == '0'; f++) {
			alt |= *f == '#';
			zeros |= *f == '0';
		}
		width = get_int(&f);
		if (*f == '.') {
			f++;
			most = (size_t)get_int(&f);
		}
		for (; *f == 'l' || *f == 'z'; f++)
			wide = true;
		switch (*f) {
		case 'd':
			v = wide ? va_arg(ap, s64) : va_arg(ap, int);
			put_number(&o, v < 0 ? -(u64)v : (u64)v, 10, v < 0 ? "-" : "", width, zeros);
			break;
		case 'u':
		case 'x':
			v = wide ? va_arg(ap, s64) : va_arg(ap, u32);
			put_number(&o, (u64)v, *f == 'u' ? 10 : 16, alt && v ? "0x" : "", width, zeros);
			break;
		case 'c':
			c = (char)va_arg(ap, int);
			put(&o, &c, 1);
			break;
		case 's':
			text = va_arg(ap, const char *);
			text = text ? text : "(null)";
			most = strnlen(text, most);
			pad(&o, ' ', width - (int)most);
			put(&o, text, most);
			break;
		case '%':
			put(&o, f, 1);
			break;
		case 0: /* the end in the middle */
			put(&o, start, (size_t)(f - start));
			f--;
			break;
		default:
			put(&o, start, (size_t)(f + 1 - start));
		}
	}
	if (size)
		buf[MIN(o.n, size - 1)] = 0;
	return (int)o.n;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
