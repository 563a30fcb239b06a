/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O APIC of a domain. An entry's remote IRR says that a level-triggered interrupt was accepted and its
 * EOI has not come yet; until then the input delivers no other.
 */
#include "arch/x86/vioapic.h"

#define IOREGSEL 0x00
#define IOWIN	 0x10

#define REG_ID	    0x00
#define REG_VERSION 0x01
#define REG_ARB	    0x02
#define REG_ENTRY   0x10

#define VERSION (0x11 | (VIOAPIC_LINES - 1) << 16)
#define READ_ONLY \
	(BIT(12) | IOAPIC_REMOTE_IRR) /* delivery status, which is always idle here, and remote IRR */
#define RESERVED MASK(55, 17)

/* Modes other than fixed and lowest priority are edges whatever the entry says.
 * Datasheet: "Delivery Mode". */
static bool is_level(u64 entry)
{
	return (entry & IOAPIC_LEVEL) && GET(IOAPIC_MODE, entry) <= APIC_LOWEST;
}

static void deliver(struct vioapic *io, unsigned line)
{
	u64 e = io->entry[line];
	u32 dest = GET(IOAPIC_DEST, e);
	struct irq_msg m = { .dest = dest == 0xff ? APIC_BROADCAST : dest,
			     .vector = e & IOAPIC_VECTOR,
			     .mode = GET(IOAPIC_MODE, e),
			     .logical = e & IOAPIC_LOGICAL,
			     .level = is_level(e) };

	if ((e & IOAPIC_MASKED) || (m.level && (e & IOAPIC_REMOTE_IRR)))
		return;
	if (vioapic_deliver(io, &m) && m.level)
		io->entry[line] |= IOAPIC_REMOTE_IRR;
}

void vioapic_init(struct vioapic *io, u8 id)
{
	*io = (struct vioapic){ .id = (u32)(id & 15) << 24 };
	for (unsigned k = 0; k < VIOAPIC_LINES; k++)
		io->entry[k] = IOAPIC_MASKED;
}

void vioapic_set_line(struct vioapic *io, unsigned line, bool asserted)
{
	u32 bit = 1u << (line & 31), was = io->lines;

	if (line >= VIOAPIC_LINES)
		return;
	io->lines = asserted ? was | bit : was & ~bit;
	/* an edge on a masked input is lost; a level waits in io->lines */
	if (asserted && (is_level(io->entry[line]) || !(was & bit)))
		deliver(io, line);
}

void vioapic_eoi(struct vioapic *io, u8 vector)
{
	for (unsigned k = 0; k < VIOAPIC_LINES; k++) {
		u64 e = io->entry[k];

		if (!(e & IOAPIC_REMOTE_IRR) || (e & IOAPIC_VECTOR) != vector)
			continue;
		io->entry[k] = e & ~IOAPIC_REMOTE_IRR;
		if (io->lines & (1u << k))
			deliver(io, k);
	}
}

void vioapic_eoi_vectors(const struct vioapic *io, u64 vectors[4])
{
	for (unsigned k = 0; k < 4; k++)
		vectors[k] = 0;
	for (unsigned k = 0; k < VIOAPIC_LINES; k++)
		if (is_level(io->entry[k]))
			vectors[GET(MASK(7, 6), io->entry[k])] |= BIT(io->entry[k] & 63);
}

/* A half of an entry is written. Making it an edge clears remote IRR: that is how software ends an interrupt
 * whose vector it changed while the EOI was still to come. */
static void entry_write(struct vioapic *io, unsigned line, bool high, u32 value)
{
	u64 old = io->entry[line];
	u64 e = high ? (u32)old | (u64)value << 32 : (old & ~0xffffffffull) | value;

	e = (e & ~(READ_ONLY | RESERVED)) | (old & IOAPIC_REMOTE_IRR);
	if (!is_level(e))
		e &= ~IOAPIC_REMOTE_IRR;
	io->entry[line] = e;
	if (is_level(e) && (io->lines & (1u << line)))
		deliver(io, line);
}

static u32 reg_read(const struct vioapic *io, unsigned reg)
{
	if (reg == REG_ID || reg == REG_ARB)
		return io->id;
	if (reg == REG_VERSION)
		return VERSION;
	if (reg < REG_ENTRY || reg >= REG_ENTRY + 2 * VIOAPIC_LINES)
		return 0;
	return io->entry[(reg - REG_ENTRY) / 2] >> (reg & 1 ? 32 : 0);
}

u32 vioapic_mmio_read(const struct vioapic *io, unsigned off, unsigned size)
{
	unsigned shift = 8 * (off & 3);
	u32 value = 0;

	if ((off & ~3u) == IOREGSEL)
		value = io->select;
	else if ((off & ~3u) == IOWIN)
		value = reg_read(io, io->select);
	return (value >> shift) & (size < 4 ? (1u << (8 * size)) - 1 : ~0u);
}

void vioapic_mmio_write(struct vioapic *io, unsigned off, unsigned size, u32 value)
{
	u32 mask = (size < 4 ? (1u << (8 * size)) - 1 : ~0u) << (8 * (off & 3));
	unsigned reg = io->select;

	value = (value << (8 * (off & 3))) & mask;
	if ((off & ~3u) == IOREGSEL)
		io->select = ((io->select & ~mask) | value) & 0xff;
	if ((off & ~3u) != IOWIN)
		return;
	value |= reg_read(io, reg) & ~mask;
	if (reg == REG_ID)
		io->id = value & MASK(27, 24);
	else if (reg >= REG_ENTRY && reg < REG_ENTRY + 2 * VIOAPIC_LINES)
		entry_write(io, (reg - REG_ENTRY) / 2, reg & 1, value);
}
