/* SPDX-License-Identifier: BSD-2-Clause */
/* What is on the screen, read back by the font;
 * memory of exactly the screen's size, so that a write beyond is caught. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include "drivers/font.h"
#include "drivers/screen.h"
#include "hv/string.h"
#include <cmocka.h>

static u8 *mem;
static struct boot_screen s;

static void start(u32 width, u32 height, u8 pixel_bytes, bool text)
{
	free(mem);
	s = (struct boot_screen){
		0xe0000000 + width, width * pixel_bytes + 12, width, height, pixel_bytes, text
	};
	mem = malloc(screen_bytes(&s));
	memset(mem, 0x55, screen_bytes(&s));
	screen_init(&s, mem);
	screen_init(&s, mem);
}

static void say(const char *text)
{
	while (*text)
		screen_putc((u8)*text++);
}

/* The letter in a cell, 0 when it is none of the font. */
static char at(u32 col, u32 row, u32 scale)
{
	for (char c = FONT_FIRST; c <= FONT_LAST; c++) {
		bool same = true;

		for (u32 y = 0; y < FONT_ROWS * scale; y++) {
			for (u32 x = 0; x < FONT_COLS * scale; x++) {
				u8 *p = mem + (row * 10 * scale + y) * s.pitch +
					(col * 6 * scale + x) * s.pixel_bytes;
				bool on = font[c - FONT_FIRST][x / scale] >> (y / scale) & 1;

				same &= p[0] == (on ? 0xff : 0) && p[2] == p[0];
			}
		}
		if (same)
			return c;
	}
	return 0;
}

static const char *line(u32 row, u32 scale)
{
	static char text[81];

	for (u32 i = 0; i < 80; i++)
		text[i] = at(i, row, scale);
	for (u32 n = 80; n && text[n - 1] == ' '; n--)
		text[n - 1] = 0;
	return text;
}

static void all(u32 width, u32 height, u8 bytes, u32 scale)
{
	u32 rows = height / (10 * scale), cols = width / (6 * scale);

	start(width, height, bytes, false);
	say("Hello,\r\n\x1b[1;31mworld~\x1b[K\tX\b!");
	assert_string_equal(line(0, scale), "Hello,");
	assert_string_equal(line(1, scale), "world~!");
	assert_string_equal(line(2, scale), "");
	say("\r\n");
	for (u32 i = 0; i < cols; i++)
		screen_putc('m');
	say("end");
	assert_int_equal(at(cols - 1, 2, scale), 'm');
	assert_string_equal(line(3, scale), "end");
	for (u32 i = 4; i < rows + 1; i++) /* round */
		say("\r\nnext");
	assert_string_equal(line(0, scale), "next");
	assert_string_equal(line(1, scale), "world~!");
	say("\r\n");
	assert_string_equal(line(1, scale), "");
}

static void test_pixels(void **state)
{
	(void)state;
	all(640, 480, 4, 1);
	all(1024, 768, 3, 2);
	all(1925, 1083, 4, 4);
}

static void test_text(void **state)
{
	(void)state;
	start(80, 25, 2, true);
	say("Hi\r\nthere");
	assert_memory_equal(mem, "H\7i\7 \7", 6);
	assert_memory_equal(mem + s.pitch, "t\7h\7e\7r\7e\7 \7", 12);
	for (u32 i = 0; i < 1000; i++)
		say("0123456789");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pixels),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
