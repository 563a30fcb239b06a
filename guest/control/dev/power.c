/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power-off, reset and the power button (T).
 */
#include "guest/control/dev/power.h"

#include "guest/control/ports.h"

/* "Sleep Control Register" */
#define SLEEP_EN     0x20
#define SLEEP_TYP(v) ((v) >> 2 & 7)
#define SLEEP_KEPT   0x1c /* SLP_EN is write-only */

/* Reset control register of a PC's chipset: bit 2 going up resets, bit 1 chooses how */
#define RESET_CPU 0x04

void power_init(struct power *p, const struct dev_host *host)
{
	*p = (struct power){ .host = host };
}

/* WAK_STS stays clear: no domain wakes up in the state that it slept in. */
u32 power_sleep_read(struct power *p, unsigned offset, unsigned size)
{
	u32 v = offset == 0 ? p->sleep_control : 0;

	return (v | (size > 2 ? 0xffff0000u : 0)) & (u32)dev_mask(size);
}

void power_sleep_write(struct power *p, unsigned offset, unsigned size, u32 value)
{
	(void)size;
	if (offset != 0)
		return; /* the status is cleared by writes, and clear already */
	p->sleep_control = value & SLEEP_KEPT;
	if (value & SLEEP_EN && SLEEP_TYP(value) == ACPI_SLP_TYP_S5)
		p->host->ops->end(p->host->ctx, DEV_POWER_OFF, 0);
}

u32 power_reset_read(struct power *p, unsigned offset, unsigned size)
{
	if (offset != 0)
		return (u32)dev_mask(size);
	return ((u32)dev_mask(size) & ~0xffu) | p->reset_control;
}

void power_reset_write(struct power *p, unsigned offset, unsigned size, u32 value)
{
	(void)size;
	if (offset != 0)
		return;
	if (value & ~p->reset_control & RESET_CPU) {
		p->reset_control = 0;
		p->host->ops->end(p->host->ctx, DEV_RESET, 0);
		return;
	}
	p->reset_control = (u8)value;
}

u32 power_kbd_read(struct power *p, unsigned offset, unsigned size)
{
	(void)p;
	(void)offset;
	return (u32)dev_mask(size) & ~0xffu;
}

void power_kbd_write(struct power *p, unsigned offset, unsigned size, u32 value)
{
	(void)size;
	if (offset == 0 && (value & 0xff) == RESET_KBD_VALUE)
		p->host->ops->end(p->host->ctx, DEV_RESET, 0);
}

void power_button(struct power *p)
{
	p->host->ops->irq(p->host->ctx, IRQ_GED, true);
	p->host->ops->irq(p->host->ctx, IRQ_GED, false);
}
