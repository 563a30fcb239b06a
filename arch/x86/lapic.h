/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processor's own local APIC, in x2APIC mode wherever there is one, else in xAPIC mode.
 * SDM volume 3, "Advanced Programmable Interrupt Controller (APIC)".
 */
#ifndef X86_LAPIC_H
#define X86_LAPIC_H

#include "hv/types.h"

/* Boot CPU: chooses the mode; base is the MADT's address, mapped in xAPIC mode; that is taken
 * with avoid_x2apic wherever the firmware has not already left it. */
void lapic_init(hpa_t base, bool avoid_x2apic);
/* Every CPU: switches its APIC on, masks what the firmware left, error and spurious vectors. */
void lapic_cpu_init(void);
u32 lapic_id(void);
bool lapic_is_x2apic(void);
void lapic_eoi(void);
u32 lapic_error(void);
/* To one CPU: a vector, or one of these. Waits for an earlier one to be sent (xAPIC). */
#define IPI_INIT    (5u << 8)
#define IPI_STARTUP (6u << 8) /* | number of the page to start at */
void lapic_ipi(u32 apic_id, u32 command);
void lapic_nmi_others(void);

/* The timer, counting without interrupting, to be measured; then for arch_timer_set(). */
void lapic_timer_measure(void);
u32 lapic_timer_count(void);
/* Every CPU, after calibration. khz 0: TSC-deadline mode. */
void lapic_timer_init(u64 khz);

#endif
