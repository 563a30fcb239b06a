/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ACPI power management timer (T).
 */
#include "guest/control/dev/pmtimer.h"

#define NS_PER_S 1000000000ull

void pmtimer_init(struct pmtimer *t, const struct dev_host *host)
{
	t->host = host;
	t->start_ns = host->ops->now_ns(host->ctx);
}

u32 pmtimer_read(struct pmtimer *t, unsigned offset, unsigned size)
{
	u64 ns = t->host->ops->now_ns(t->host->ctx) - t->start_ns;
	/* Whole seconds and the rest apart: exact, and no product overflows in 500 years. */
	u32 count = (u32)(ns / NS_PER_S * PMTIMER_HZ + ns % NS_PER_S * PMTIMER_HZ / NS_PER_S);

	if (offset > 3)
		return (u32)dev_mask(size);
	return (u32)((count >> 8 * offset) & dev_mask(size));
}

void pmtimer_write(struct pmtimer *t, unsigned offset, unsigned size, u32 value)
{
	(void)t;
	(void)offset;
	(void)size;
	(void)value;
}
