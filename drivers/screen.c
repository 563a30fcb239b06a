/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/font.h"
#include "drivers/screen.h"

#define CELL_COLS (FONT_COLS + 1u)
#define CELL_ROWS (FONT_ROWS + 2u)
#define COLUMNS	  80u	 /* at least, where the width has them: letters grow with it */
#define GREY	  0x0700 /* EGA text: light grey on black */
#define ESC	  0x1b

static struct boot_screen screen;
static volatile u8 *mem;
static u32 scale, cols, rows, col, row;
static enum { PLAIN, ESCAPED, SEQUENCE } state;

u64 screen_bytes(const struct boot_screen *s)
{
	return (u64)s->pitch * s->height;
}

bool screen_present(void)
{
	return mem;
}

/* A letter of pixels; outside of the font: a blank. */
static void draw(u8 c)
{
	const u8 *glyph = font[c >= FONT_FIRST && c <= FONT_LAST ? c - FONT_FIRST : 0];
	volatile u8 *line = mem + (u64)row * CELL_ROWS * scale * screen.pitch;

	for (u32 y = 0; y < CELL_ROWS * scale; y++, line += screen.pitch) {
		volatile u8 *p = line + col * CELL_COLS * scale * screen.pixel_bytes;

		for (u32 x = 0; x < CELL_COLS * scale; x++, p += screen.pixel_bytes) {
			bool on = x / scale < FONT_COLS && (glyph[x / scale] >> (y / scale) & 1);

			if (screen.pixel_bytes == 4)
				*(volatile u32 *)p = on ? 0xffffff : 0;
			else
				p[0] = p[1] = p[2] = on ? 0xff : 0;
		}
	}
}

static void put(u8 c)
{
	if (screen.text)
		*(volatile u16 *)(mem + row * screen.pitch + col * 2) = GREY | c;
	else
		draw(c);
}

/* To the next line, which is made blank: nothing is read back, as a scroll would, at the price of a bus. */
static void newline(void)
{
	row = (row + 1) % rows;
	for (col = 0; col < cols; col++)
		put(' ');
	col = 0;
}

void screen_init(const struct boot_screen *s, volatile void *memory)
{
	bool anew = !mem || s->addr != screen.addr;

	screen = *s;
	mem = memory;
	scale = MAX(s->width / (COLUMNS * CELL_COLS), 1u);
	cols = s->text ? s->width : s->width / (CELL_COLS * scale);
	rows = s->text ? s->height : s->height / (CELL_ROWS * scale);
	if (!anew)
		return;
	row = 0;
	for (u32 i = 0; i < rows; i++)
		newline();
}

void __endbr screen_putc(u8 c)
{
	if (!mem)
		return;
	if (state != PLAIN) { /* ESC [ ... letter, or ESC and one byte */
		state = state == ESCAPED && c == '['   ? SEQUENCE
			: state == SEQUENCE && c < '@' ? SEQUENCE
						       : PLAIN;
	} else if (c == ESC) {
		state = ESCAPED;
	} else if (c == '\n') {
		newline();
	} else if (c == '\r') {
		col = 0;
	} else if (c == '\b') {
		col -= col > 0;
	} else if (c >= ' ') {
		if (col == cols)
			newline();
		put(c);
		col++;
	}
}
