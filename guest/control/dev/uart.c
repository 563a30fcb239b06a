/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 16550A (T).
 */
#include "guest/control/dev/uart.h"

#include "guest/control/ports.h"
#include "guest/lib/string.h"

/* "Summary of Registers": offsets from the base; some are two registers by direction, some by LCR.DLAB */
#define REG_DATA 0 /* RBR, THR; DLL */
#define REG_IER	 1 /* IER; DLM */
#define REG_IIR	 2 /* IIR, FCR */
#define REG_LCR	 3
#define REG_MCR	 4
#define REG_LSR	 5
#define REG_MSR	 6
#define REG_SCR	 7

#define IER_RDA	 0x01
#define IER_THRE 0x02
#define IER_RLS	 0x04
#define IER_MSI	 0x08
#define IER_ALL	 0x0f

#define IIR_NONE    0x01
#define IIR_MSI	    0x00
#define IIR_THRE    0x02
#define IIR_RDA	    0x04
#define IIR_RLS	    0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFOS   0xc0

#define FCR_ENABLE   0x01
#define FCR_CLEAR_RX 0x02
#define FCR_KEPT     0xc9 /* enable, DMA mode, trigger level */

#define LCR_DLAB 0x80

#define MCR_DTR	 0x01
#define MCR_RTS	 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define MCR_ALL	 0x1f

#define LSR_DR	 0x01
#define LSR_OE	 0x02
#define LSR_THRE 0x20
#define LSR_TEMT 0x40

#define MSR_DCTS 0x01
#define MSR_DDSR 0x02
#define MSR_TERI 0x04
#define MSR_DDCD 0x08
#define MSR_CTS	 0x10
#define MSR_DSR	 0x20
#define MSR_RI	 0x40
#define MSR_DCD	 0x80

#define DIVISOR_RESET 12 /* 9600 baud; the real part has none after reset */

static bool fifo_on(const struct uart *u)
{
	return u->fcr & FCR_ENABLE;
}

static unsigned fifo_capacity(const struct uart *u)
{
	return fifo_on(u) ? UART_FIFO : 1;
}

/* "FIFO Control Register": bits 7 and 6 */
static unsigned fifo_trigger(const struct uart *u)
{
	static const u8 level[] = { 1, 4, 8, 14 };

	return fifo_on(u) ? level[u->fcr >> 6] : 1;
}

static void fifo_push(struct uart *u, u8 byte)
{
	if (u->fifo_count >= fifo_capacity(u)) {
		/* "Overrun Error": with FIFOs the new byte is lost, without it replaces the old one. */
		u->lsr_errors |= LSR_OE;
		if (!fifo_on(u))
			u->fifo[u->fifo_head] = byte;
		return;
	}
	u->fifo[(u->fifo_head + u->fifo_count++) % UART_FIFO] = byte;
}

/* An unconnected receiver (loopback) leaves the queue as it is. */
static void fifo_fill(struct uart *u)
{
	if (u->mcr & MCR_LOOP)
		return;
	while (u->queue_count && u->fifo_count < fifo_capacity(u)) {
		fifo_push(u, u->queue[u->queue_head]);
		u->queue_head = (u->queue_head + 1) % UART_QUEUE;
		u->queue_count--;
	}
}

static u8 fifo_pop(struct uart *u)
{
	u8 byte;

	if (!u->fifo_count)
		return 0;
	byte = u->fifo[u->fifo_head];
	u->fifo_head = (u->fifo_head + 1) % UART_FIFO;
	u->fifo_count--;
	fifo_fill(u);
	return byte;
}

/* "Modem Status Register": a cable with everything asserted, or in loopback the four outputs. */
static u8 modem_lines(u8 mcr)
{
	if (!(mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (u8)((mcr & MCR_RTS ? MSR_CTS : 0) | (mcr & MCR_DTR ? MSR_DSR : 0) |
		    (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static u8 modem_delta(u8 before, u8 after)
{
	u8 changed = before ^ after;

	return (u8)((changed & MSR_CTS ? MSR_DCTS : 0) | (changed & MSR_DSR ? MSR_DDSR : 0) |
		    (changed & MSR_DCD ? MSR_DDCD : 0) | (before & ~after & MSR_RI ? MSR_TERI : 0));
}

/* "Interrupt Identification Register": the highest of those enabled. */
static u8 interrupt_id(const struct uart *u)
{
	if (u->ier & IER_RLS && u->lsr_errors)
		return IIR_RLS;
	if (u->ier & IER_RDA && u->fifo_count)
		return u->fifo_count >= fifo_trigger(u) ? IIR_RDA : IIR_TIMEOUT;
	if (u->ier & IER_THRE && u->thre_pending)
		return IIR_THRE;
	if (u->ier & IER_MSI && u->msr_delta)
		return IIR_MSI;
	return IIR_NONE;
}

/* On a PC, OUT2 gates the interrupt, and loopback disconnects OUT2. */
static void update_line(struct uart *u)
{
	bool level = interrupt_id(u) != IIR_NONE && (u->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;

	if (level == u->level)
		return;
	u->level = level;
	u->host->ops->irq(u->host->ctx, u->line, level);
}

void uart_init(struct uart *u, const struct dev_host *host, unsigned line)
{
	memset(u, 0, sizeof(*u));
	u->host = host;
	u->line = line;
	u->divisor = DIVISOR_RESET;
}

size_t uart_room(const struct uart *u)
{
	return UART_QUEUE - u->queue_count;
}

size_t uart_input(struct uart *u, const u8 *bytes, size_t n)
{
	size_t take = MIN(n, uart_room(u));

	for (size_t i = 0; i < take; i++)
		u->queue[(u->queue_head + u->queue_count++) % UART_QUEUE] = bytes[i];
	fifo_fill(u);
	update_line(u);
	return take;
}

static u8 read_reg(struct uart *u, unsigned reg)
{
	u8 v;

	switch (reg) {
	case REG_DATA:
		v = u->lcr & LCR_DLAB ? (u8)u->divisor : fifo_pop(u);
		break;
	case REG_IER:
		return u->lcr & LCR_DLAB ? (u8)(u->divisor >> 8) : u->ier;
	case REG_IIR:
		v = interrupt_id(u);
		if (v == IIR_THRE)
			u->thre_pending = false;
		v |= fifo_on(u) ? IIR_FIFOS : 0;
		break;
	case REG_LCR:
		return u->lcr;
	case REG_MCR:
		return u->mcr;
	case REG_LSR:
		v = LSR_THRE | LSR_TEMT | u->lsr_errors | (u->fifo_count ? LSR_DR : 0);
		u->lsr_errors = 0;
		break;
	case REG_MSR:
		v = modem_lines(u->mcr) | u->msr_delta;
		u->msr_delta = 0;
		break;
	case REG_SCR:
		return u->scr;
	default:
		return 0xff;
	}
	update_line(u); /* what an interrupt was for may have been read */
	return v;
}

static void transmit(struct uart *u, u8 byte)
{
	if (u->mcr & MCR_LOOP)
		fifo_push(u, byte);
	else
		u->host->ops->output(u->host->ctx, &byte, 1);
	u->thre_pending = true; /* empty again */
}

static void write_fcr(struct uart *u, u8 v)
{
	/* "changing FCR0 clears the FIFOs" */
	if (v & FCR_CLEAR_RX || (v ^ u->fcr) & FCR_ENABLE)
		u->fifo_head = u->fifo_count = 0;
	u->fcr = v & FCR_ENABLE ? v & FCR_KEPT : 0;
	fifo_fill(u);
}

static void write_mcr(struct uart *u, u8 v)
{
	u8 before = modem_lines(u->mcr);

	u->mcr = v & MCR_ALL;
	u->msr_delta |= modem_delta(before, modem_lines(u->mcr));
	fifo_fill(u);
}

static void write_reg(struct uart *u, unsigned reg, u8 v)
{
	switch (reg) {
	case REG_DATA:
		if (u->lcr & LCR_DLAB)
			u->divisor = (u16)((u->divisor & 0xff00) | v);
		else
			transmit(u, v);
		break;
	case REG_IER:
		if (u->lcr & LCR_DLAB) {
			u->divisor = (u16)((u->divisor & 0x00ff) | v << 8);
			break;
		}
		/* Enabling it while the register is empty raises it:
		 * drivers start sending, and test for it, this way. */
		if (v & ~u->ier & IER_THRE)
			u->thre_pending = true;
		u->ier = v & IER_ALL;
		break;
	case REG_IIR:
		write_fcr(u, v);
		break;
	case REG_LCR:
		u->lcr = v;
		return;
	case REG_MCR:
		write_mcr(u, v);
		break;
	case REG_SCR:
		u->scr = v;
		return;
	default: /* LSR and MSR: factory test only */
		return;
	}
	update_line(u);
}

/* A wide access to 8-bit ports is one access a byte, as the ISA bridge makes it. */
static __attribute__((noinline)) void write_wide(struct uart *u, unsigned offset, unsigned size, u32 value)
{
	for (unsigned i = 0; i < size && i < 4; i++)
		write_reg(u, offset + i, (u8)(value >> 8 * i));
}

static __attribute__((noinline)) u32 read_wide(struct uart *u, unsigned offset, unsigned size)
{
	u32 v = 0;

	for (unsigned i = 0; i < size && i < 4; i++)
		v |= (u32)read_reg(u, offset + i) << 8 * i;
	return v;
}

u32 uart_read(struct uart *u, unsigned offset, unsigned size)
{
	return __builtin_expect(size == 1, 1) ? read_reg(u, offset) : read_wide(u, offset, size);
}

void uart_write(struct uart *u, unsigned offset, unsigned size, u32 value)
{
	if (__builtin_expect(size == 1, 1))
		write_reg(u, offset, (u8)value);
	else
		write_wide(u, offset, size, value);
}
