/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's serial line, or its screen where there is none: an output ring drained by the transmit
 * interrupt, an input ring filled by the receive interrupt. Any context but NMI; a lock of its own, the
 * innermost of all.  Until console_async() every byte is written and waited for.
 */
#ifndef HV_CONSOLE_H
#define HV_CONSOLE_H

#include "hv/types.h"

#define CONSOLE_TX_BYTES (16u * 1024u)
#define CONSOLE_RX_BYTES 4096u

/* Puts bytes into the output ring; returns how many fitted. After fewer than n, console_tx_notify() is called
 * once when half of the ring is free again. */
size_t console_write(const void *buf, size_t n);
/* For the log: newlines become CR LF;
 * what does not fit is lost in the middle of a flood, never waited for. */
void console_puts(const char *s, size_t n);
/* Takes typed bytes; returns how many there were. */
size_t console_read(void *buf, size_t n);

/* The UART's interrupt does not reach us: console_async() starts a timer of 1 ms instead. */
void console_set_polled(void);
/* Boot CPU, its timer queue ready:
 * from now on the UART's interrupt moves the bytes (its handler calls console_irq()). */
void console_async(void);
/* The UART's interrupt handler. */
void console_irq(void);
/* Writes out everything that is left, by polling; for power-off and panic.
 * Takes no lock when force is set. */
void console_flush(bool force);

/* Provided by the scheduler's side;
 * called without the console's lock: bytes have come, room is there again. */
void console_rx_notify(void);
void console_tx_notify(void);

#endif
