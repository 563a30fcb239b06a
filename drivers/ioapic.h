/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's I/O APICs.  Boot CPU.  Intel 82093AA, "Register Description".
 */
#ifndef DRIVERS_IOAPIC_H
#define DRIVERS_IOAPIC_H

#include "drivers/acpi.h"

/* One I/O APIC whose registers are mapped at regs: all its pins masked. */
void ioapic_add(volatile void *regs, u32 gsi_base);
/* In the place of a vector, for what is edge-triggered: its interrupts are NMIs. */
#define IOAPIC_NMI 0x400u
/* Routes a global system interrupt, edge-triggered and active high, to one CPU.
 * false: no I/O APIC has that line. */
bool ioapic_route(u32 gsi, u32 vector, u32 apic_id);
/* Routes an ISA interrupt, with the MADT's overrides, to one CPU. false: no I/O APIC has that line. */
bool ioapic_route_isa(const struct acpi_info *a, u32 irq, u32 vector, u32 apic_id);
/* The two 8259s: initialised away from the exceptions' vectors and masked. */
void pic_off(void);

#endif
