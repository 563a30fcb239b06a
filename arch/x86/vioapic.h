/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O APIC of a domain: 24 inputs, version 0x11 (no EOI register: EOIs come by broadcast from the local
 * APICs) (T). Intel 82093AA I/O Advanced Programmable Interrupt Controller datasheet.
 *
 * All functions may be called from any CPU and want the domain's interrupt lock held; none sleeps.
 */
#ifndef ARCH_X86_VIOAPIC_H
#define ARCH_X86_VIOAPIC_H

#include "arch/x86/vlapic.h"

#define VIOAPIC_LINES 24
#define VIOAPIC_BASE  0xfec00000ull /* where guests expect its page */

/* A redirection table entry. Datasheet: "I/O Redirection Table Registers". */
#define IOAPIC_VECTOR	  MASK(7, 0)
#define IOAPIC_MODE	  MASK(10, 8)
#define IOAPIC_LOGICAL	  BIT(11)
#define IOAPIC_ACTIVE_LOW BIT(13)
#define IOAPIC_REMOTE_IRR BIT(14)
#define IOAPIC_LEVEL	  BIT(15)
#define IOAPIC_MASKED	  BIT(16)
#define IOAPIC_DEST	  MASK(63, 56)

struct vioapic {
	u64 entry[VIOAPIC_LINES];
	u32 lines;  /* asserted inputs, one bit each */
	u32 select; /* IOREGSEL */
	u32 id;	    /* bits 27:24 */
};

/*
 * Where messages go: to vlapic_route() over the domain's APICs. Called with the domain's interrupt lock held.
 * Returns whether any APIC accepted it.
 */
bool vioapic_deliver(struct vioapic *io, const struct irq_msg *m);

/* Power-up: all entries masked, all inputs idle. */
void vioapic_init(struct vioapic *io, u8 id);

/* Register access; off is below 4096, size 1, 2 or 4 bytes.
 * A narrow write changes those bytes of the register. */
u32 vioapic_mmio_read(const struct vioapic *io, unsigned off, unsigned size);
void vioapic_mmio_write(struct vioapic *io, unsigned off, unsigned size, u32 value);

/*
 * An input is asserted or not. The word is logical, as device models mean it: the polarity that the guest
 * programs describes wires that this machine does not have, and is only kept. An input of no such number is
 * ignored.
 */
void vioapic_set_line(struct vioapic *io, unsigned line, bool asserted);

/* A local APIC has ended a level-triggered interrupt: inputs that are still asserted deliver again. */
void vioapic_eoi(struct vioapic *io, u8 vector);

/* The vectors whose EOI vioapic_eoi() must hear of, for the EOI-exit bitmaps:
 * those of level-triggered entries. */
void vioapic_eoi_vectors(const struct vioapic *io, u64 vectors[4]);

#endif
