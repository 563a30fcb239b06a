/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power-off, reset and the power button (T). Standard: ACPI, "Sleep Control and Status Registers" and
 * "Generic Event Device"; the reset ports are those of PCs.
 */
#ifndef DEV_POWER_H
#define DEV_POWER_H

#include "guest/control/dev/dev.h"

struct power {
	const struct dev_host *host;
	u8 sleep_control;
	u8 reset_control;
};

void power_init(struct power *p, const struct dev_host *host);

/* PORT_SLEEP_CONTROL (offset 0) and PORT_SLEEP_STATUS (offset 1). */
u32 power_sleep_read(struct power *p, unsigned offset, unsigned size);
void power_sleep_write(struct power *p, unsigned offset, unsigned size, u32 value);

/* PORT_RESET. */
u32 power_reset_read(struct power *p, unsigned offset, unsigned size);
void power_reset_write(struct power *p, unsigned offset, unsigned size, u32 value);

/* PORT_RESET_KBD: reads 0, "input buffer empty",
 * so that a guest that waits for it before it resets does not wait. */
u32 power_kbd_read(struct power *p, unsigned offset, unsigned size);
void power_kbd_write(struct power *p, unsigned offset, unsigned size, u32 value);

/* Somebody presses the button: an edge on the event device's line. */
void power_button(struct power *p);

#endif
