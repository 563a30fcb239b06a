/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time.  The TSC, measured at boot; hv/arch.h has what hv uses of it.
 * SDM volume 3, "Time-Stamp Counter", "Determining the Processor Base Frequency".
 */
#ifndef X86_TSC_H
#define X86_TSC_H

#include "drivers/acpi.h"

/* Boot CPU, its APIC on: measures TSC and APIC timer,
 * reads the CMOS clock, sets up the CPU's timer. About 10 ms. */
void tsc_init(const struct acpi_info *acpi);
/* Every other CPU: its APIC timer. */
void tsc_cpu_init(void);

#endif
