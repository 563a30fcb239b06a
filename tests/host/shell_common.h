/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the control domain as a whole share:
 * guests' scripts, an image, commands and what they print. */
#ifndef SHELL_COMMON_H
#define SHELL_COMMON_H

#include "guest/control/alloc.h"
#include "guest/control/cons.h"
#include "guest/control/domain.h"
#include "guest/control/images.h"
#include "guest/control/pump.h"
#include "guest/control/shell.h"
#include "tests/host/fake_hv.h"

#include "tests/host/control_common.h"

#define PAGES 65536ull /* 256 MiB */

/* ---- guests ---- */

#define OUTB(p, v)                      \
	{                               \
		FAKE_OUT, p, v, 1, NULL \
	}
#define EXIT(v)                            \
	{                                  \
		FAKE_OUT, 0xf4, v, 4, NULL \
	}
#define SAY(t)                        \
	{                             \
		FAKE_TEXT, 0, 0, 0, t \
	}
#define INB(p, v)                      \
	{                              \
		FAKE_IN, p, v, 1, NULL \
	}
#define KEY(c)                                  \
	{                                       \
		FAKE_UNTIL_INPUT, 0, c, 0, NULL \
	}
#define SLEEP(ms)                          \
	{                                  \
		FAKE_SLEEP, 0, ms, 0, NULL \
	}
#define BUTTON                                   \
	{                                        \
		FAKE_UNTIL_BUTTON, 0, 0, 0, NULL \
	}
#define POWEROFF OUTB(0x600, 0x20 | 5 << 2)
#define RESET	 OUTB(0xcf9, 6)
#define STOP                                      \
	{                                         \
		FAKE_END_OF_SCRIPT, 0, 0, 0, NULL \
	}
#define UART_ON OUTB(0x3f9, 1), OUTB(0x3fc, 0x0b) /* received-data interrupt, OUT2 */

static u8 elf[0x3000]; /* a PVH image with one segment */

static inline void put(u8 *at, u64 v, u32 n)
{
	for (u32 i = 0; i < n; i++)
		at[i] = (u8)(v >> 8 * i);
}

static inline void elf_make(void)
{
	u8 *ph = elf + 64, *note = elf + 0x1000;

	memcpy(elf, "\177ELF\2\1\1", 7);
	put(elf + 16, 2, 2);  /* executable */
	put(elf + 18, 62, 2); /* x86-64 */
	put(elf + 20, 1, 4);
	put(elf + 24, 0x100000, 8); /* entry */
	put(elf + 32, 64, 8);	    /* program headers */
	put(elf + 52, 64, 2);
	put(elf + 54, 56, 2);
	put(elf + 56, 2, 2);
	put(ph, 1, 4); /* PT_LOAD: 0x2000 bytes to 1 MiB */
	put(ph + 4, 7, 4);
	put(ph + 8, 0x1000, 8);
	put(ph + 16, 0x100000, 8);
	put(ph + 24, 0x100000, 8);
	put(ph + 32, 0x2000, 8);
	put(ph + 40, 0x5000, 8);
	ph += 56;
	put(ph, 4, 4); /* PT_NOTE */
	put(ph + 8, 0x1000, 8);
	put(ph + 16, 0x100000, 8);
	put(ph + 24, 0x100000, 8);
	put(ph + 32, 20, 8);
	put(ph + 40, 20, 8);
	put(note, 4, 4);
	put(note + 4, 4, 4);
	put(note + 8, 18, 4);
	memcpy(note + 12, "Xen", 4);
	put(note + 16, 0x100040, 4);
	for (u32 i = 0x1040; i < sizeof(elf); i++)
		elf[i] = (u8)(i * 7);
}

static u8 arena[8 << 20] __attribute__((aligned(16)));
static size_t arena_free;

static inline void control_start(const struct fake_image *images, u32 n)
{
	elf_make();
	fake_start(images, n, PAGES);
	alloc_init(arena, sizeof(arena));
	time_init();
	images_init();
	arena_free = alloc_left();
}

/* After each test everything is given back: memory of the machine and our own. */
static inline int check_clean(void **state)
{
	struct dom *d;

	(void)state;
	fake_idle = NULL;
	fake_console_limit(~0u);
	fake_fail(0, 0, 0);
	out_flush();
	while ((d = domain_from(0)))
		domain_remove(d);
	in_drop();
	fake_console();
	assert_int_equal(fake_domains(), 0);
	assert_int_equal(fake_shares(), 0);
	assert_int_equal(fake_free_pages(), PAGES);
	assert_int_equal(alloc_left(), arena_free);
	return 0;
}

/* ---- giving commands ---- */

static char last[1 << 20];

static inline int run(const char *line)
{
	int r = shell_line(line);

	out_flush();
	snprintf(last, sizeof(last), "%s", fake_console());
	return r;
}

static inline void good(const char *line)
{
	if (run(line))
		fail_msg("`%s` failed: %s", line, last);
}

/* Fails with one line that starts "error: " (the last one) and holds `text`. */
static inline void bad(const char *line, const char *text)
{
	const char *error;

	if (!run(line))
		fail_msg("`%s` succeeded: %s", line, last);
	error = strstr(last, "error: ");
	if (!error || (error > last && error[-1] != '\n') || !strstr(error, text) || strchr(error, '\n')[1])
		fail_msg("`%s` says: %s", line, last);
}

static inline void says(const char *text)
{
	if (!strstr(last, text))
		fail_msg("no \"%s\" in: %s", text, last);
}

static inline void says_not(const char *text)
{
	if (strstr(last, text))
		fail_msg("\"%s\" in: %s", text, last);
}

#endif
