/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strings, memory and formatted printing for our guests (T).
 */
#include "guest/lib/string.h"
#include "guest/lib/types.h"

/* A hosted program has the C library's; the test includes this file with other names. */
#if !__STDC_HOSTED__ || defined(GUEST_STRING_TEST)

/*
 * Copy and fill are string instructions: they are what the compiler's own calls land in, so a C loop here
 * would be turned into a call of itself; and an emulator counts one instruction per eight bytes.
 */
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	void *d = to;
	size_t words = n / 8, tail = n % 8;

	__asm__ volatile("rep movsq" : "+D"(d), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(tail) : : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	u8 *d = to;
	const u8 *s = from;

	if ((uintptr_t)d - (uintptr_t)s >= n)
		return memcpy(to, from, n);
	/* The destination starts inside the source:
	 * only a copy from the end keeps what is still to be read. */
	while (n--) {
		d[n] = s[n];
		__asm__ volatile("" : : : "memory");
	}
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	void *d = to;
	u64 pattern = 0x0101010101010101ull * (u8)byte;
	size_t words = n / 8, tail = n % 8;

	__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(tail) : "a"(pattern) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

void *memchr(const void *s, int byte, size_t n)
{
	const u8 *p = s;

	for (size_t i = 0; i < n; i++)
		if (p[i] == (u8)byte)
			return (void *)(uintptr_t)(p + i);
	return NULL;
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
	const char *p = s;

	while (*p) {
		p++;
		__asm__ volatile(
			""
			: "+r"(p)); /* not to be recognised as strlen and turned into a call of itself */
	}
	return (size_t)(p - s);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (u8)*a < (u8)*b ? -1 : 1;
		if (!*a)
			break;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)(uintptr_t)last;
	}
}

char *strstr(const char *s, const char *find)
{
	size_t n = strlen(find);

	for (;; s++) {
		if (strncmp(s, find, n) == 0)
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}

static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A') + 10;
	return 99;
}

unsigned long strtoul(const char *s, char **end, int base)
{
	const char *p = s;
	unsigned long value = 0;
	bool negative = false, overflow = false;

	while (*p == ' ' || (*p >= '\t' && *p <= '\r'))
		p++;
	if (*p == '-' || *p == '+')
		negative = *p++ == '-';
	if ((base == 0 || base == 16) && p[0] == '0' && (p[1] | 0x20) == 'x' && digit_value(p[2]) < 16) {
		p += 2;
		base = 16;
	}
	if (base == 0)
		base = *p == '0' ? 8 : 10;

	const char *first = p;
	for (unsigned d; (d = digit_value(*p)) < (unsigned)base; p++)
		overflow |= __builtin_mul_overflow(value, (unsigned long)base, &value) ||
			    __builtin_add_overflow(value, (unsigned long)d, &value);
	if (end)
		*end = (char *)(uintptr_t)(p == first ? s : p);
	if (overflow)
		return ~0ul;
	return negative ? 0 - value : value;
}

/* Where the text goes: what does not fit is counted and dropped. */
struct out {
	char *buf;
	size_t room;
	size_t len;
};

struct spec {
	bool left, zero, plus, space, alt;
	int width;
	int precision; /* -1: not given */
};

static void put(struct out *o, char c)
{
	if (o->len < o->room)
		o->buf[o->len] = c;
	o->len++;
}

static void put_padding(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_text(struct out *o, const struct spec *sp, const char *s, size_t n)
{
	int pad = sp->width - (int)n;

	if (!sp->left)
		put_padding(o, ' ', pad);
	for (size_t i = 0; i < n; i++)
		put(o, s[i]);
	if (sp->left)
		put_padding(o, ' ', pad);
}

static void put_number(struct out *o, const struct spec *sp, u64 value, unsigned base, bool upper, char sign)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[64], prefix[3];
	int n = 0, nprefix = 0;

	if (sign)
		prefix[nprefix++] = sign;
	if (sp->alt && base == 16 && value) {
		prefix[nprefix++] = '0';
		prefix[nprefix++] = upper ? 'X' : 'x';
	}
	/* Precision 0 prints the value 0 as no digit at all. */
	for (; value || (n == 0 && sp->precision != 0); value /= base)
		text[n++] = digits[value % base];
	int zeros = sp->precision - n;
	if (sp->alt && base == 8 && zeros <= 0 && (n == 0 || text[n - 1] != '0'))
		zeros = 1;
	zeros = MAX(zeros, 0);
	int pad = sp->width - nprefix - zeros - n;
	if (sp->zero && !sp->left && sp->precision < 0 && pad > 0) {
		zeros += pad;
		pad = 0;
	}

	if (!sp->left)
		put_padding(o, ' ', pad);
	for (int i = 0; i < nprefix; i++)
		put(o, prefix[i]);
	put_padding(o, '0', zeros);
	while (n)
		put(o, text[--n]);
	if (sp->left)
		put_padding(o, ' ', pad);
}

/* A va_list that functions can share. */
struct args {
	va_list ap;
};

/* Length modifiers as a count of bytes. */
static u64 take_unsigned(struct args *a, unsigned bytes)
{
	if (bytes == 8)
		return va_arg(a->ap, u64);
	unsigned v = va_arg(a->ap, unsigned);
	return bytes == 1 ? (u8)v : bytes == 2 ? (u16)v : v;
}

static s64 take_signed(struct args *a, unsigned bytes)
{
	if (bytes == 8)
		return va_arg(a->ap, s64);
	int v = va_arg(a->ap, int);
	return bytes == 1 ? (s8)v : bytes == 2 ? (s16)v : v;
}

/* A number or *; a huge number is cut off rather than wrapped. */
static const char *take_count(const char *f, struct args *a, int *count)
{
	int n = 0;

	if (*f == '*') {
		*count = va_arg(a->ap, int);
		return f + 1;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		n = n > 99999 ? n : n * 10 + (*f - '0');
	*count = n;
	return f;
}

static const char *take_spec(const char *f, struct args *a, struct spec *sp, unsigned *bytes)
{
	*sp = (struct spec){ .precision = -1 };
	for (;; f++) {
		if (*f == '-')
			sp->left = true;
		else if (*f == '0')
			sp->zero = true;
		else if (*f == '+')
			sp->plus = true;
		else if (*f == ' ')
			sp->space = true;
		else if (*f == '#')
			sp->alt = true;
		else
			break;
	}
	f = take_count(f, a, &sp->width);
	if (sp->width < 0) {
		sp->left = true;
		sp->width = sp->width == INT32_MIN ? 0 : -sp->width;
	}
	if (*f == '.')
		f = take_count(f + 1, a, &sp->precision);

	*bytes = 4;
	if (*f == 'h') {
		*bytes = f[1] == 'h' ? 1 : 2;
		f += *bytes == 1 ? 2 : 1;
	} else if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't') {
		*bytes = 8;
		f += f[0] == 'l' && f[1] == 'l' ? 2 : 1;
	}
	return f;
}

static void put_string(struct out *o, const struct spec *sp, const char *s)
{
	if (!s)
		s = "(null)";
	put_text(o, sp, s, sp->precision < 0 ? strlen(s) : strnlen(s, (size_t)sp->precision));
}

static void put_signed(struct out *o, const struct spec *sp, s64 v)
{
	char sign = v < 0 ? '-' : sp->plus ? '+' : sp->space ? ' ' : 0;

	put_number(o, sp, v < 0 ? 0 - (u64)v : (u64)v, 10, false, sign);
}

int vsnprintf(char *buf, size_t n, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .room = n ? n - 1 : 0 };
	struct args a;

	va_copy(a.ap, ap);
	for (const char *f = fmt; *f; f++) {
		struct spec sp;
		unsigned bytes;
		char c;

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		f = take_spec(f + 1, &a, &sp, &bytes);
		switch (*f) {
		case 'c':
			c = (char)va_arg(a.ap, int);
			put_text(&o, &sp, &c, 1);
			break;
		case 's':
			put_string(&o, &sp, va_arg(a.ap, const char *));
			break;
		case 'd':
		case 'i':
			put_signed(&o, &sp, take_signed(&a, bytes));
			break;
		case 'u':
			put_number(&o, &sp, take_unsigned(&a, bytes), 10, false, 0);
			break;
		case 'o':
			put_number(&o, &sp, take_unsigned(&a, bytes), 8, false, 0);
			break;
		case 'x':
		case 'X':
			put_number(&o, &sp, take_unsigned(&a, bytes), 16, *f == 'X', 0);
			break;
		case 'p':
			sp.alt = true;
			put_number(&o, &sp, (uintptr_t)va_arg(a.ap, void *), 16, false, 0);
			break;
		case '%':
			put(&o, '%');
			break;
		default: /* an unknown letter is shown, so that it is seen */
			put(&o, '%');
			if (!*f)
				f--;
			else
				put(&o, *f);
			break;
		}
	}
	va_end(a.ap);
	if (n)
		buf[MIN(o.len, o.room)] = 0;
	return (int)o.len;
}

int snprintf(char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, n, fmt, ap);
	va_end(ap);
	return len;
}

#endif
