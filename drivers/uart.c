/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers and bits: "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs", section "Registers".
 */
#include "drivers/io.h"
#include "drivers/uart.h"

enum { RBR = 0, THR = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5, SCR = 7 };
enum { DLL = 0, DLM = 1 }; /* with LCR_DLAB */

#define IER_RX	    BIT(0)
#define IER_TX	    BIT(1)
#define IIR_NONE    BIT(0)
#define FCR_ON	    0x07 /* FIFOs on and cleared, receive trigger at one byte */
#define LCR_8N1	    0x03
#define LCR_DLAB    BIT(7)
#define MCR_ON	    0x0b /* DTR, RTS, and OUT2 which gates the interrupt line on a PC */
#define LSR_RX	    BIT(0)
#define LSR_THRE    BIT(5)
#define TX_PATIENCE 1000000 /* polls: far above one byte at 115200 baud */

static u16 base;

bool uart_init(u16 port)
{
	base = 0;
	out8(port + SCR, 0x5a);
	if (in8(port + SCR) != 0x5a || in8(port + LSR) == 0xff)
		return false;
	out8(port + IER, 0);
	out8(port + LCR, LCR_DLAB);
	out8(port + DLL, 1);
	out8(port + DLM, 0);
	out8(port + LCR, LCR_8N1);
	out8(port + FCR, FCR_ON);
	out8(port + MCR, MCR_ON);
	base = port;
	return true;
}

u16 uart_port(void)
{
	return base;
}

bool uart_tx_empty(void)
{
	return base && (in8(base + LSR) & LSR_THRE);
}

void uart_tx(u8 c)
{
	if (base)
		out8(base + THR, c);
}

void uart_putc(u8 c)
{
	for (u32 i = 0; base && i < TX_PATIENCE && !uart_tx_empty(); i++)
		__builtin_ia32_pause();
	uart_tx(c);
}

int uart_getc(void)
{
	return base && (in8(base + LSR) & LSR_RX) ? in8(base + RBR) : -1;
}

void uart_irq_enable(bool tx)
{
	if (base)
		out8(base + IER, IER_RX | (tx ? IER_TX : 0));
}

bool uart_irq_ack(void)
{
	return base && !(in8(base + IIR) & IIR_NONE);
}
