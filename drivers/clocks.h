/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of known frequency that the TSC is measured against, and the battery-backed clock.  Boot CPU only.
 */
#ifndef DRIVERS_CLOCKS_H
#define DRIVERS_CLOCKS_H

#include "drivers/acpi.h"

struct ref_clock {
	const char *name;
	u64 mask;	    /* of the counter: it wraps */
	u64 (*start)(void); /* its frequency in Hz, 0: there is none */
	u64 (*read)(void);
	u64 hz;
};

/* Starts the first of HPET, PM timer and PIT that moves; NULL: none does. hpet_regs: where its registers are
 * mapped, or NULL. */
const struct ref_clock *ref_clock_start(const struct acpi_info *a, volatile void *hpet_regs);

/* Seconds since 1970-01-01 that the CMOS clock shows, taken as UTC; century: CMOS index of it or 0. 0: it
 * shows nonsense. */
u64 cmos_time(u8 century);

#endif
