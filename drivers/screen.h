/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The screen that the boot loader left, for what would go to a serial line where there is none: text only,
 * written round and round, a blank line after the newest.  All calls: root mode, the caller serialises them.
 */
#ifndef DRIVERS_SCREEN_H
#define DRIVERS_SCREEN_H

#include "hv/bootinfo.h"

/* Writes to this screen from now on, whose memory of screen_bytes() is mapped at `memory`; a second call says
 * where that is now. */
void screen_init(const struct boot_screen *s, volatile void *memory);
u64 screen_bytes(const struct boot_screen *s);
bool screen_present(void);
/* One byte of text; newline, carriage return and backspace move, escape sequences are dropped. Nothing
 * without a screen. */
void screen_putc(u8 c);

#endif
