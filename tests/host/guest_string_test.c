/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guests' strings and printing, under other names beside the C library's, which says what is right.
 */
#include "tests/host/control_common.h"
#include <limits.h>

#define GUEST_STRING_TEST
#define memcpy	  guest_memcpy
#define memmove	  guest_memmove
#define memset	  guest_memset
#define memcmp	  guest_memcmp
#define memchr	  guest_memchr
#define strlen	  guest_strlen
#define strnlen	  guest_strnlen
#define strcmp	  guest_strcmp
#define strncmp	  guest_strncmp
#define strchr	  guest_strchr
#define strrchr	  guest_strrchr
#define strstr	  guest_strstr
#define strtoul	  guest_strtoul
#define vsnprintf guest_vsnprintf
#define snprintf  guest_snprintf
#include "guest/lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr
#undef strtoul
#undef vsnprintf
#undef snprintf

static void memory_moves(void **state)
{
	u8 a[80], b[80];

	(void)state;
	for (size_t n = 0; n < 40; n++) {
		for (size_t from = 0; from < 20; from++) {
			for (size_t to = 0; to < 20; to++) {
				for (size_t i = 0; i < sizeof(a); i++)
					a[i] = b[i] = (u8)(i * 5 + 1);
				assert_ptr_equal(guest_memmove(a + to, a + from, n), a + to);
				memmove(b + to, b + from, n);
				assert_memory_equal(a, b, sizeof(a));
			}
		}
		assert_ptr_equal(guest_memcpy(a + 1, b + 40 - n, n), a + 1);
		memcpy(b + 1, b + 40 - n, 0);
		assert_memory_equal(a + 1, b + 40 - n, n);
		memcpy(b, a, sizeof(a));
		assert_ptr_equal(guest_memset(a + 3, (int)(0x100 + n), n), a + 3);
		memset(b + 3, (int)n, n);
		assert_memory_equal(a, b, sizeof(a));
	}
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void comparing(void **state)
{
	static const char *const s[] = { "", "a", "b", "ab", "abc", "abd", "\x80", "\xff z", "a\0x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(s); i++) {
		assert_int_equal(guest_strlen(s[i]), strlen(s[i]));
		assert_int_equal(guest_strnlen(s[i], 2), strnlen(s[i], 2));
		for (size_t j = 0; j < ARRAY_SIZE(s); j++) {
			assert_int_equal(sign(guest_strcmp(s[i], s[j])), sign(strcmp(s[i], s[j])));
			assert_ptr_equal(guest_strstr(s[i], s[j]), strstr(s[i], s[j]));
			for (size_t n = 0; n < 4; n++)
				assert_int_equal(sign(guest_strncmp(s[i], s[j], n)),
						 sign(strncmp(s[i], s[j], n)));
		}
	}
	assert_int_equal(guest_memcmp("a\0b", "a\0c", 3), -1);
	assert_int_equal(guest_memcmp("a\xff", "a\x01", 2), 1);
	assert_int_equal(guest_memcmp("x", "y", 0), 0);
}

static void searching(void **state)
{
	const char *s = "a/b/c";

	(void)state;
	assert_ptr_equal(guest_strchr(s, '/'), s + 1);
	assert_ptr_equal(guest_strrchr(s, '/'), s + 3);
	assert_ptr_equal(guest_strchr(s, 0), s + 5);
	assert_ptr_equal(guest_strrchr(s, 0), s + 5);
	assert_null(guest_strchr(s, 'x'));
	assert_null(guest_strrchr(s, 'x'));
	assert_ptr_equal(guest_memchr(s, 'c', 5), s + 4);
	assert_null(guest_memchr(s, 'c', 4));
}

static void numbers_from_text(void **state)
{
	static const char *const s[] = { "0",
					 "1",
					 "42",
					 "0x1f",
					 "0X1F",
					 "017",
					 "0x",
					 "0xg",
					 "  12x",
					 "-1",
					 "+7",
					 "",
					 "abc",
					 "zz",
					 "18446744073709551615",
					 "18446744073709551616",
					 "0xffffffffffffffff",
					 "0x10000000000000000",
					 "99999999999999999999",
					 "08",
					 "\t\n5" };
	static const int base[] = { 0, 2, 8, 10, 16, 36 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(s); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(base); j++) {
			char *end, *libc_end;

			assert_true(guest_strtoul(s[i], &end, base[j]) == strtoul(s[i], &libc_end, base[j]));
			assert_ptr_equal(end, libc_end);
		}
	}
}

/* The same call to both; then again into each smaller buffer. */
#define SAME(...)                                                                          \
	do {                                                                               \
		char ours[128], theirs[128];                                               \
		int length = snprintf(theirs, sizeof(theirs), __VA_ARGS__);                \
                                                                                           \
		assert_int_equal(guest_snprintf(ours, sizeof(ours), __VA_ARGS__), length); \
		assert_string_equal(ours, theirs);                                         \
		for (size_t room = 0; room < 20; room++) {                                 \
			memset(ours, '#', sizeof(ours));                                   \
			memset(theirs, '#', sizeof(theirs));                               \
			snprintf(theirs, room, __VA_ARGS__);                               \
			assert_int_equal(guest_snprintf(ours, room, __VA_ARGS__), length); \
			assert_memory_equal(ours, theirs, sizeof(ours));                   \
		}                                                                          \
	} while (0)

#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
static void printing(void **state)
{
	(void)state;
	SAME("");
	SAME("plain %% text");
	SAME("%c%5c%-5c|", 'a', 'b', 'c');
	SAME("%s|%8s|%-8s|%.2s|%8.3s|%.0s|", "hello", "hello", "hello", "hello", "hello", "hello");
	SAME("%*s|%-*s|%.*s|%*s|", 7, "w", 7, "w", 3, "precise", -6, "l");
	SAME("%d %i %5d %-5d| %05d %+d % d", 1, -2, 42, 42, -42, 7, 8);
	SAME("%d %d %ld %ld", INT_MAX, INT_MIN, LONG_MAX, LONG_MIN);
	SAME("%u %x %X %o %#x %#X %#o", 4000000000u, 0xdeadu, 0xbeefu, 0755u, 0x1fu, 0x1fu, 8u);
	SAME("%#x %#o %#.0o %.0d|%.0x|%5.0d|", 0, 0, 0, 0, 0, 0);
	SAME("%08x %8x %-8x| %016lx %lx", 0xabcu, 0xabcu, 0xabcu, 0x123456789abcdefful, ~0ul);
	SAME("%#010x %#10x %-#10x|", 0xffu, 0xffu, 0xffu);
	SAME("%.5d %8.5d %-8.5d| %08.5d %.5x", 42, -42, 42, 42, 0x2a);
	SAME("%lu %llu %zu %ld %lld %zd %jd %td", 1ul, 2ull, (size_t)3, -4l, -5ll, (ssize_t)-6, (intmax_t)7,
	     (ptrdiff_t)-8);
	SAME("%hhu %hu %hhd %hd %hhx", 0x1ff, 0x1ffff, 0x1ff, 0x1ffff, -1);
	SAME("%p %p %20p", (void *)0x1234, (void *)~0ul, (void *)0xfee00000);
	SAME("%s", (char *)NULL);
	SAME("%d%s%c%x", -1, "mixed", 'z', 255);
}

static void unknown_letters_show(void **state)
{
	char buf[32];

	(void)state;
	guest_snprintf(buf, sizeof(buf), "a %y b");
	assert_string_equal(buf, "a %y b");
	guest_snprintf(buf, sizeof(buf), "end %");
	assert_string_equal(buf, "end %");
	guest_snprintf(buf, sizeof(buf), "end %-5l");
	assert_string_equal(buf, "end %");
	assert_int_equal(guest_snprintf(NULL, 0, "%99999999999d", 1), 99999 * 10 + 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_moves), cmocka_unit_test(comparing),
		cmocka_unit_test(searching),	cmocka_unit_test(numbers_from_text),
		cmocka_unit_test(printing),	cmocka_unit_test(unknown_letters_show),
	};

	return cmocka_run_group_tests_name("guest_string", tests, NULL, NULL);
}
