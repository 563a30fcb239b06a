/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/printf.h"
#include "hv/string.h"

enum { F_LEFT = 1, F_ZERO = 2, F_PLUS = 4, F_SPACE = 8, F_ALT = 16, F_UPPER = 32 };

struct out {
	char *buf;
	size_t size, n; /* n: bytes the text needs so far */
};

struct spec {
	u32 flags;
	int width, prec; /* prec < 0: none given */
};

static void put(struct out *o, char c)
{
	if (o->n + 1 < o->size)
		o->buf[o->n] = c;
	o->n++;
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_text(struct out *o, const struct spec *s, const char *text, int len)
{
	if (!(s->flags & F_LEFT))
		pad(o, ' ', s->width - len);
	for (int i = 0; i < len; i++)
		put(o, text[i]);
	if (s->flags & F_LEFT)
		pad(o, ' ', s->width - len);
}

static void put_number(struct out *o, struct spec *s, u64 v, u32 base, const char *sign)
{
	const char *digits = s->flags & F_UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
	int len = 0, lead = (int)strlen(sign), zeros;
	char tmp[24];

	for (; v; v /= base)
		tmp[len++] = digits[v % base];
	zeros = MAX(s->prec >= 0 ? s->prec : 1, len) - len;
	if (s->flags & F_ZERO && !(s->flags & F_LEFT) && s->prec < 0)
		zeros = MAX(zeros, s->width - len - lead);
	if (!(s->flags & F_LEFT))
		pad(o, ' ', s->width - lead - zeros - len);
	while (*sign)
		put(o, *sign++);
	pad(o, '0', zeros);
	for (int i = len; i > 0; i--)
		put(o, tmp[i - 1]);
	if (s->flags & F_LEFT)
		pad(o, ' ', s->width - lead - zeros - len);
}

static int get_int(const char **f)
{
	int n = 0;

	for (; **f >= '0' && **f <= '9'; (*f)++)
		n = MIN(n * 10 + (**f - '0'), 9999);
	return n;
}

static const char *parse_flags(const char *f, struct spec *s)
{
	static const char flags[] = "-0+ #";
	const char *at;

	while (*f && (at = strchr(flags, *f)) != NULL) {
		s->flags |= 1u << (at - flags);
		f++;
	}
	return f;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, size, 0 };

	for (const char *f = fmt; *f; f++) {
		struct spec s = { 0, 0, -1 };
		const char *start = f, *text;
		u32 bits = 32;
		u64 v;
		s64 sv;

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		f = parse_flags(f + 1, &s);
		if (*f == '*') {
			s.width = va_arg(ap, int);
			if (s.width < 0) {
				s.flags |= F_LEFT;
				s.width = -s.width;
			}
			f++;
		} else {
			s.width = get_int(&f);
		}
		if (*f == '.') {
			f++;
			if (*f == '*') {
				s.prec = va_arg(ap, int);
				f++;
			} else {
				s.prec = get_int(&f);
			}
		}
		for (; *f && strchr("hlzjt", *f); f++)
			bits = *f == 'h' ? bits / 2 : 64;

		switch (*f) {
		case 'd':
		case 'i':
			sv = bits == 64 ? va_arg(ap, s64) : va_arg(ap, int);
			sv = bits == 8 ? (s8)sv : bits == 16 ? (s16)sv : sv;
			v = sv < 0 ? -(u64)sv : (u64)sv;
			put_number(&o, &s, v, 10,
				   sv < 0	       ? "-"
				   : s.flags & F_PLUS  ? "+"
				   : s.flags & F_SPACE ? " "
						       : "");
			break;
		case 'X':
			s.flags |= F_UPPER;
			/* fall through */
		case 'x':
		case 'u':
		case 'o':
			v = bits == 64 ? va_arg(ap, u64) : va_arg(ap, u32);
			v &= bits == 64 ? ~0ull : BIT(bits) - 1;
			put_number(&o, &s, v,
				   *f == 'u'   ? 10
				   : *f == 'o' ? 8
					       : 16,
				   s.flags & F_ALT && v && *f != 'u' ? (*f == 'x'   ? "0x"
									: *f == 'X' ? "0X"
										    : "0")
								     : "");
			break;
		case 'p':
			put_number(&o, &s, (uintptr_t)va_arg(ap, void *), 16, "0x");
			break;
		case 'c': {
			char c = (char)va_arg(ap, int);

			put_text(&o, &s, &c, 1);
			break;
		}
		case 's':
			text = va_arg(ap, const char *);
			if (!text)
				text = "(null)";
			put_text(&o, &s, text, (int)strnlen(text, s.prec >= 0 ? (size_t)s.prec : 1u << 30));
			break;
		case '%':
			put(&o, '%');
			break;
		default: /* unknown, or the end in the middle: show what stands there */
			for (; start <= f && *start; start++)
				put(&o, *start);
			if (!*f)
				f--;
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
