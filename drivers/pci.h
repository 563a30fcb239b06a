/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Enough of PCI to find a serial line.  Boot CPU.  PCI Local Bus Specification 3.0, "Configuration Mechanism
 * #1", "Base Addresses", "Class Codes".
 */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include "drivers/uart.h"

#define PCI_BDF(bus, dev, fn) ((u32)(bus) << 8 | (u32)(dev) << 3 | (u32)(fn))
#define PCI_NONE	      0x10000u

/* The first function of class 07.00 (serial controller), or PCI_NONE. */
u32 pci_find_serial(void);
/* The first base address of a function, decoded from now on. false: it has none, or is not there. */
bool pci_uart(u32 bdf, struct uart_where *where);

#endif
