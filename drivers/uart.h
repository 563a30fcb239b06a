/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 16550 on an I/O port: the machine's serial line, 115200 baud, 8N1.
 * All calls: root mode, the caller serialises them.
 */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include "hv/types.h"

#define UART_FIFO 16

/* Sets the line up, interrupts off. false: nothing answers there; then the other calls do nothing. */
bool uart_init(u16 port);
u16 uart_port(void);
/* Room for UART_FIFO bytes? */
bool uart_tx_empty(void);
/* Waits for room, then writes one byte. Gives up after a bounded time on a line that never drains. */
void uart_putc(u8 c);
/* Writes one byte; only when uart_tx_empty() said that there is room. */
void uart_tx(u8 c);
/* A received byte, or -1. */
int uart_getc(void);
/* Receive interrupts on; transmitter-empty interrupts as said. */
void uart_irq_enable(bool tx);
/* Reads away the cause of an interrupt. Returns false when there is none left. */
bool uart_irq_ack(void);

#endif
