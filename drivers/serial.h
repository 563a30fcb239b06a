/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the console is: what `serial=` says, else what the SPCR table says, else the first port, else the
 * screen.  Boot CPU.
 */
#ifndef DRIVERS_SERIAL_H
#define DRIVERS_SERIAL_H

#include "drivers/uart.h"

struct serial_choice {
	enum { SERIAL_AUTO, SERIAL_NONE, SERIAL_PORT, SERIAL_PCI_FIRST, SERIAL_PCI } kind;
	u32 where; /* port, or bus, device and function as PCI_BDF() has them */
	u32 baud;  /* 115200 where none is said */
};

/* Reads `PORT[,BAUD]`, `pci[,BAUD]`, `pci:BB:DD.F[,BAUD]` (in hexadecimal),
 * `none`, or nothing at all. false: none of these. */
bool serial_parse(const char *s, struct serial_choice *out);
/* Where that is, by the PCI bus if need be; addr 0: nowhere. */
struct uart_where serial_find(const struct serial_choice *c);

#endif
