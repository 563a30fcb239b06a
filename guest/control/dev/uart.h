/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 16550A (T). Standard: National Semiconductor PC16550D data sheet, "Registers".
 *
 * The transmitter is always empty: a byte is out when its write returns. The receiver is fed from a queue of
 * the model's own as fast as the guest reads, so a paste is not lost; no byte is late either, so the FIFO's
 * time-out interrupt comes as soon as the queue has no more for it.
 */
#ifndef DEV_UART_H
#define DEV_UART_H

#include "guest/control/dev/dev.h"

#define UART_FIFO  16
#define UART_QUEUE 8192

struct uart {
	const struct dev_host *host;
	unsigned line;

	u8 ier, fcr, lcr, mcr, lsr_errors, msr_delta, scr;
	u16 divisor;
	bool thre_pending; /* THRE interrupt not yet seen through IIR or cleared by a write */
	bool level;	   /* of the interrupt line, as told */

	u8 fifo[UART_FIFO];
	unsigned fifo_head, fifo_count;

	u8 queue[UART_QUEUE];
	unsigned queue_head, queue_count;
};

void uart_init(struct uart *u, const struct dev_host *host, unsigned line);

/* What the guest shall receive; returns how many bytes there was room for. */
size_t uart_input(struct uart *u, const u8 *bytes, size_t n);

/* How many bytes uart_input() would take. */
size_t uart_room(const struct uart *u);

u32 uart_read(struct uart *u, unsigned offset, unsigned size);
void uart_write(struct uart *u, unsigned offset, unsigned size, u32 value);

#endif
