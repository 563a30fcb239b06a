/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processor's own local APIC, in x2APIC mode wherever there is one, else in xAPIC mode.
 * SDM volume 3, "Advanced Programmable Interrupt Controller (APIC)".
 */
#ifndef X86_LAPIC_H
#define X86_LAPIC_H

#include "hv/types.h"

/* Register offsets of the memory-mapped page; an x2APIC MSR is MSR_X2APIC + offset / 16. */
enum {
	LAPIC_ID = 0x20,
	LAPIC_VERSION = 0x30,
	LAPIC_TPR = 0x80,
	LAPIC_EOI = 0xb0,
	LAPIC_DFR = 0xe0,
	LAPIC_SVR = 0xf0,
	LAPIC_ISR = 0x100,
	LAPIC_ESR = 0x280,
	LAPIC_ICR = 0x300,
	LAPIC_ICR_HIGH = 0x310,
	LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_THERMAL = 0x330,
	LAPIC_LVT_PMC = 0x340,
	LAPIC_LVT_LINT0 = 0x350,
	LAPIC_LVT_LINT1 = 0x360,
	LAPIC_LVT_ERROR = 0x370,
	LAPIC_TIMER_INITIAL = 0x380,
	LAPIC_TIMER_CURRENT = 0x390,
	LAPIC_TIMER_DIVIDE = 0x3e0,
};

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
