/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/screen.h"
#include "drivers/uart.h"
#include "hv/arch.h"
#include "hv/console.h"
#include "hv/lock.h"
#include "hv/panic.h"
#include "hv/pcpu.h"

#define POLL_NS 1000000u /* a FIFO fills in 1.4 ms at 115200 baud */

static struct {
	struct lock lock; /* of all below */
	bool async, polled, tx_busy, tx_waiter;
	u32 tx_head, tx_tail, rx_head, rx_tail; /* free-running */
	u8 tx[CONSOLE_TX_BYTES];
	u8 rx[CONSOLE_RX_BYTES];
} con;

static u32 tx_used(void)
{
	return con.tx_head - con.tx_tail;
}

static bool tx_put(u8 c)
{
	if (tx_used() == CONSOLE_TX_BYTES)
		return false;
	con.tx[con.tx_head++ % CONSOLE_TX_BYTES] = c;
	return true;
}

static u8 tx_take(void)
{
	return con.tx[con.tx_tail++ % CONSOLE_TX_BYTES];
}

/* Moves one FIFO's worth when the transmitter has room. Lock held. */
static void tx_pump(void)
{
	u32 n;

	if (!uart_tx_empty())
		return;
	for (n = 0; n < UART_FIFO && tx_used(); n++)
		uart_tx(tx_take());
	/* The UART interrupts when these are out; with nothing left that interrupt is switched off. */
	if (con.tx_busy != (n > 0)) {
		con.tx_busy = n > 0;
		uart_irq_enable(con.tx_busy);
	}
}

static void tx_drain(void)
{
	void (*put)(u8) = uart_present() ? uart_putc : screen_putc;

	while (tx_used())
		put(tx_take());
}

/* Lock held, or in a panic. */
static void tx_start(void)
{
	if (!con.async || !uart_present())
		tx_drain();
	else if (!con.tx_busy)
		tx_pump();
}

size_t console_write(const void *buf, size_t n)
{
	const u8 *p = buf;
	size_t i;

	lock(&con.lock);
	for (i = 0; i < n && tx_put(p[i]); i++)
		;
	con.tx_waiter |= i < n;
	tx_start();
	unlock(&con.lock);
	return i;
}

void console_puts(const char *s, size_t n)
{
	bool locked = !panic_active();

	if (locked)
		lock(&con.lock);
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n')
			tx_put('\r');
		tx_put((u8)s[i]);
	}
	tx_start();
	if (locked)
		unlock(&con.lock);
}

size_t console_read(void *buf, size_t n)
{
	u8 *p = buf;
	size_t i;

	lock(&con.lock);
	for (i = 0; i < n && con.rx_head != con.rx_tail; i++)
		p[i] = con.rx[con.rx_tail++ % CONSOLE_RX_BYTES];
	unlock(&con.lock);
	return i;
}

/* The timer takes the part of an interrupt that does not come; a FIFO's worth each time. */
static void __endbr poll(struct timer *t)
{
	console_irq();
	timer_set(t, arch_now() + arch_ns_to_ticks(POLL_NS));
}

void console_set_polled(void)
{
	con.polled = true;
}

void console_async(void)
{
	static struct timer timer;

	lock(&con.lock);
	con.async = true;
	uart_irq_enable(false);
	unlock(&con.lock);
	if (con.polled) {
		timer_init(&timer, &this_cpu()->timers, poll);
		poll(&timer);
	}
}

void __endbr console_irq(void)
{
	bool rx = false, tx = false;
	int c;

	lock(&con.lock);
	/* At most a few rounds: a stuck line must not hold the CPU. */
	for (u32 i = 0; uart_irq_ack() && i < 4; i++)
		;
	for (u32 i = 0; i < 4 * UART_FIFO && (c = uart_getc()) >= 0; i++) {
		if (con.rx_head - con.rx_tail < CONSOLE_RX_BYTES)
			con.rx[con.rx_head++ % CONSOLE_RX_BYTES] = (u8)c;
		rx = true;
	}
	tx_pump();
	/* A byte that came after the last look may have found the line still high,
	 * for a cause that is gone now. */
	uart_irq_enable(con.tx_busy);
	if (con.tx_waiter && tx_used() <= CONSOLE_TX_BYTES / 2) {
		con.tx_waiter = false;
		tx = true;
	}
	unlock(&con.lock);
	if (rx)
		console_rx_notify();
	if (tx)
		console_tx_notify();
}

void console_flush(bool force)
{
	if (!force)
		lock(&con.lock);
	con.async = false;
	tx_drain();
	if (!force)
		unlock(&con.lock);
}
