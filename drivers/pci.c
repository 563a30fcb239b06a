/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/io.h"
#include "drivers/pci.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000u
#define REG_COMMAND    0x04
#define COMMAND_IO     BIT(0)
#define COMMAND_MEMORY BIT(1)
#define REG_CLASS      0x08
#define REG_HEADER     0x0c
#define HEADER_TYPE    MASK(22, 16)
#define HEADER_MULTI   BIT(23)
#define REG_BAR	       0x10
#define BARS	       6
#define BAR_IO	       BIT(0)
#define BAR_64	       BIT(2)
#define CLASS_SERIAL   0x0700
#define NOTHING	       0xffffffffu

static u32 config_read(u32 bdf, u32 reg)
{
	out32(CONFIG_ADDRESS, CONFIG_ENABLE | bdf << 8 | reg);
	return in32(CONFIG_DATA);
}

static void config_write(u32 bdf, u32 reg, u32 v)
{
	out32(CONFIG_ADDRESS, CONFIG_ENABLE | bdf << 8 | reg);
	out32(CONFIG_DATA, v);
}

u32 pci_find_serial(void)
{
	for (u32 bdf = 0; bdf < PCI_NONE; bdf++) {
		if (config_read(bdf, 0) == NOTHING) {
			bdf |= bdf & 7 ? 0 : 7; /* no function 0: no device */
			continue;
		}
		if (config_read(bdf, REG_CLASS) >> 16 == CLASS_SERIAL)
			return bdf;
		if (!(bdf & 7) && !(config_read(bdf, REG_HEADER) & HEADER_MULTI))
			bdf |= 7;
	}
	return PCI_NONE;
}

bool pci_uart(u32 bdf, struct uart_where *where)
{
	u32 bar;

	if (bdf >= PCI_NONE || config_read(bdf, 0) == NOTHING ||
	    GET(HEADER_TYPE, config_read(bdf, REG_HEADER)) != 0)
		return false;
	for (u32 i = 0; i < BARS; i++) {
		bar = config_read(bdf, REG_BAR + 4 * i);
		where->mmio = !(bar & BAR_IO);
		where->addr = where->mmio ? bar & ~15u : bar & 0xfffc;
		if (where->mmio && (bar & BAR_64) && i + 1 < BARS)
			where->addr |= (u64)config_read(bdf, REG_BAR + 4 * ++i) << 32;
		if (!where->addr)
			continue;
		config_write(bdf, REG_COMMAND, /* the status bits above are cleared by ones */
			     (config_read(bdf, REG_COMMAND) & 0xffff) |
				     (where->mmio ? COMMAND_MEMORY : COMMAND_IO));
		return true;
	}
	return false;
}
