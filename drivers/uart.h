/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's serial line: one 16550, on I/O ports or in memory, 8N1.
 * All calls: root mode, the caller serialises them. Without a line they do nothing.
 */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include "hv/types.h"

#define UART_FIFO 16

/* Where a UART is, and how it is to be driven. */
struct uart_where {
	u64 addr;	     /* port, or physical address; 0: nowhere */
	volatile void *regs; /* in memory: where they are mapped. uart_init() needs it */
	bool mmio;
	u8 stride; /* in memory: bytes from register to register, 1 or 4 (then read and written by 32 bits);
		    * 0: the one that answers */
	u32 baud;  /* of a clock of 1.8432 MHz; 0: the speed stays the firmware's */
};

/* Makes this UART the line, interrupts off.
 * false: none answers there, and the line is the one that it was. */
bool uart_init(const struct uart_where *where);
bool uart_present(void);
/* The port of a line on I/O ports, else 0. */
u16 uart_port(void);
/* Room for UART_FIFO bytes? */
bool uart_tx_empty(void);
/* Waits for room, then writes one byte. Gives up after a bounded time on a line that never drains. */
void uart_putc(u8 c);
/* Writes one byte; only when uart_tx_empty() said that there is room. */
void uart_tx(u8 c);
/* A received byte, or -1. */
int uart_getc(void);
/* Receive interrupts on; transmitter-empty interrupts as said. What waits already interrupts anew: its line
 * falls and rises, and an edge is all that an I/O APIC sees of it. */
void uart_irq_enable(bool tx);
/* Reads away the cause of an interrupt. Returns false when there is none left. */
bool uart_irq_ack(void);

#endif
