/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/io.h"
#include "drivers/ioapic.h"

#define IOREGSEL	 0x00
#define IOWIN		 0x10
#define REG_VERSION	 1
#define REG_ENTRY(pin)	 (0x10 + 2 * (pin))
#define ENTRY_ACTIVE_LOW BIT(13)
#define ENTRY_LEVEL	 BIT(15)
#define ENTRY_MASKED	 BIT(16)

/* MPS INTI flags of an interrupt source override */
#define INTI_POLARITY	MASK(1, 0)
#define INTI_TRIGGER	MASK(3, 2)
#define INTI_ACTIVE_LOW 3
#define INTI_LEVEL	3

static struct {
	volatile void *regs;
	u32 gsi_base, pins;
} ioapics[ACPI_IOAPICS_MAX];
static u32 count;

static u32 reg_read(volatile void *regs, u32 reg)
{
	mmio_write32(regs, IOREGSEL, reg);
	return mmio_read32(regs, IOWIN);
}

static void reg_write(volatile void *regs, u32 reg, u32 v)
{
	mmio_write32(regs, IOREGSEL, reg);
	mmio_write32(regs, IOWIN, v);
}

void ioapic_add(volatile void *regs, u32 gsi_base)
{
	u32 pins = GET(MASK(23, 16), reg_read(regs, REG_VERSION)) + 1;

	if (count == ACPI_IOAPICS_MAX || pins > 240) /* all ones: nothing there */
		return;
	for (u32 i = 0; i < pins; i++)
		reg_write(regs, REG_ENTRY(i), ENTRY_MASKED);
	ioapics[count].regs = regs;
	ioapics[count].gsi_base = gsi_base;
	ioapics[count++].pins = pins;
}

bool ioapic_route(u32 gsi, u32 low, u32 apic_id)
{
	for (u32 i = 0; i < count; i++) {
		if (gsi < ioapics[i].gsi_base || gsi - ioapics[i].gsi_base >= ioapics[i].pins ||
		    apic_id > 254)
			continue;
		reg_write(ioapics[i].regs, REG_ENTRY(gsi - ioapics[i].gsi_base) + 1, apic_id << 24);
		reg_write(ioapics[i].regs, REG_ENTRY(gsi - ioapics[i].gsi_base), low);
		return true;
	}
	return false;
}

bool ioapic_route_isa(const struct acpi_info *a, u32 irq, u32 vector, u32 apic_id)
{
	u32 gsi = irq, low = vector; /* ISA: edge, active high, physical destination, fixed */

	for (u32 i = 0; i < a->iso_count; i++) {
		if (a->iso[i].irq != irq)
			continue;
		gsi = a->iso[i].gsi;
		low |= GET(INTI_POLARITY, a->iso[i].flags) == INTI_ACTIVE_LOW ? ENTRY_ACTIVE_LOW : 0;
		low |= GET(INTI_TRIGGER, a->iso[i].flags) == INTI_LEVEL ? ENTRY_LEVEL : 0;
	}
	return ioapic_route(gsi, low, apic_id);
}

void pic_off(void)
{
	/* ICW1: cascade, ICW4 follows; vectors; who is on line 2; 8086 mode; all masked */
	static const u8 first[] = { 0x11, 0x20, 4, 1, 0xff }, second[] = { 0x11, 0x28, 2, 1, 0xff };

	for (u32 i = 0; i < ARRAY_SIZE(first); i++) {
		out8(i ? 0x21 : 0x20, first[i]);
		out8(i ? 0xa1 : 0xa0, second[i]);
	}
}
