/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts that belong to the hypervisor: their vectors and who handles them.
 */
#ifndef X86_IRQ_H
#define X86_IRQ_H

#include "hv/types.h"

/* Every vector that the hypervisor gives out, in one place.
 * The upper half of a class has priority in the local APIC. */
enum {
	VEC_FIRST = 0x20,
	VEC_UART = 0x30,
	VEC_KICK = 0xf1,	/* arch_cpu_kick() */
	VEC_POSTED = 0xf2,	/* posted-interrupt notification of a running vCPU */
	VEC_POSTED_WAKE = 0xf3, /* ... of one that sleeps */
	VEC_TIMER = 0xf4,
	VEC_APIC_ERROR = 0xf5,
	VEC_SPURIOUS = 0xff,
};

/* Boot CPU, before the vector can come; a handler runs with interrupts off and returns before the
 * end-of-interrupt. */
void irq_register(u32 vector, void (*fn)(void));
/* An interrupt was taken in root mode, or acknowledged on a VM exit:
 * runs the handler, then signals end of interrupt. */
void irq_dispatch(u32 vector);
/* Handlers of the kick and APIC error vectors. Boot CPU. */
void irq_init(void);

#endif
