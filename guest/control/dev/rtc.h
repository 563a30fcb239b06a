/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real-time clock and its CMOS RAM (T). Standard: Motorola MC146818A data sheet, "Address Map",
 * "Registers".
 *
 * The time is computed from the host's clock and an offset when it is read; nothing runs meanwhile.
 * Interrupts need somebody to call rtc_tick() at rtc_deadline().
 */
#ifndef DEV_RTC_H
#define DEV_RTC_H

#include "guest/control/dev/dev.h"

#define RTC_NEVER UINT64_MAX

struct rtc {
	const struct dev_host *host;
	unsigned line;

	u8 index;
	u8 cmos[128]; /* time registers: valid while SET stops the clock */
	u64 offset;   /* nanoseconds since 1970 = now_ns + offset, modulo 2^64 */
	u64 done_ns;  /* wall time up to which flags in register C have been raised */
	bool level;
};

/* `wall_ns`: nanoseconds since 1970 (UTC) at this moment.
 * `memory`: the domain's, for the sizes in CMOS RAM. */
void rtc_init(struct rtc *r, const struct dev_host *host, unsigned line, u64 wall_ns, u64 memory);

/* Offsets: 0 the index port, 1 the data port. */
u32 rtc_read(struct rtc *r, unsigned offset, unsigned size);
void rtc_write(struct rtc *r, unsigned offset, unsigned size, u32 value);

/* The next now_ns at which rtc_tick() may raise the interrupt, or RTC_NEVER.
 * Changes with each write, read of C, tick. */
u64 rtc_deadline(const struct rtc *r);
void rtc_tick(struct rtc *r);

#endif
