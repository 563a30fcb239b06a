/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the machine is switched off and reset: arch_poweroff() and arch_reboot() of hv/arch.h.
 */
#ifndef X86_POWER_H
#define X86_POWER_H

#include "drivers/acpi.h"

/* Boot CPU: maps what the FADT names in memory, keeps a copy. */
void power_init(const struct acpi_info *acpi);
/* Ends an emulator that offers a port for it; comes back elsewhere. Any context. */
void power_emulator_exit(void);

#endif
