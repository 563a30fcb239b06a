/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ACPI power management timer (T). Standard: ACPI, "Power Management Timer": 32 bits at 3.579545 MHz.
 */
#ifndef DEV_PMTIMER_H
#define DEV_PMTIMER_H

#include "guest/control/dev/dev.h"

#define PMTIMER_HZ 3579545u

struct pmtimer {
	const struct dev_host *host;
	u64 start_ns; /* when it was 0 */
};

void pmtimer_init(struct pmtimer *t, const struct dev_host *host);
u32 pmtimer_read(struct pmtimer *t, unsigned offset, unsigned size);
/* Read-only: a write changes nothing. */
void pmtimer_write(struct pmtimer *t, unsigned offset, unsigned size, u32 value);

#endif
