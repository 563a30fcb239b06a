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

/* What can make NMIs of one CPU by way of the I/O APIC, after ref_clock_start(). */
#define NMI_TIMERS 2
struct nmi_timer {
	const char *name;
	/* From now on one every so many us, or as many as it can; 0: none any more.
	 * False: the chipset cannot. */
	bool (*start)(const struct acpi_info *a, u32 us, u32 apic_id);
};
extern const struct nmi_timer nmi_timers[NMI_TIMERS];

/* Seconds since 1970-01-01 that the CMOS clock shows, taken as UTC;
 * century: CMOS index of it or 0. 0: it shows nonsense. */
u64 cmos_time(u8 century);

#endif
