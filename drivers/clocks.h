/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of known frequency that the TSC is measured against, and the battery-backed clock.  Boot CPU only.
 */
#ifndef DRIVERS_CLOCKS_H
#define DRIVERS_CLOCKS_H

#include "drivers/acpi.h"

struct ref_clock {
	const char *name;
	u64 hz;
	u64 mask; /* of the counter: it wraps */
	u64 (*read)(void);
};

/* Each starts its counter; false: there is none, or it does not move. HPET: "IA-PC HPET Specification", the
 * registers mapped at regs. PM timer: ACPI, "Power Management Timer". PIT: 8254 channel 2, as the PC's port
 * 0x61 gates it. */
bool hpet_clock(volatile void *regs, struct ref_clock *out);
bool pmtimer_clock(const struct acpi_info *a, struct ref_clock *out);
bool pit_clock(struct ref_clock *out);

/* Seconds since 1970-01-01 that the CMOS clock shows, taken as UTC; century: CMOS index of it or 0. 0: it
 * shows nonsense. */
u64 cmos_time(u8 century);

#endif
