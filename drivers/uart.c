/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers and bits:
 * "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs", section "Registers". */
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
#define BAUD_MAX    115200  /* divisor 1 */
#define TX_PATIENCE 1000000 /* polls: far above one byte at 115200 baud */

static struct uart_where line;

static u8 reg_read(u32 reg)
{
	if (!line.mmio)
		return in8((u16)(line.addr + reg));
	return line.stride == 4 ? (u8)mmio_read32(line.regs, reg * 4) : mmio_read8(line.regs, reg);
}

static void reg_write(u32 reg, u8 v)
{
	if (!line.mmio)
		out8((u16)(line.addr + reg), v);
	else if (line.stride == 4)
		mmio_write32(line.regs, reg * 4, v);
	else
		mmio_write8(line.regs, reg, v);
}

/* Its scratch register keeps what is written, which no empty bus does. */
static bool answers(void)
{
	reg_write(SCR, 0x5a);
	if (reg_read(SCR) != 0x5a)
		return false;
	reg_write(SCR, 0xa5);
	return reg_read(SCR) == 0xa5 && reg_read(LSR) != 0xff;
}

static bool found(const struct uart_where *where)
{
	line = *where;
	if (!line.mmio || line.stride)
		return answers();
	line.stride =
		1; /* a write to what is no register's lowest byte has no effect where registers are wide */
	if (answers())
		return true;
	line.stride = 4;
	return answers();
}

bool uart_init(const struct uart_where *where)
{
	struct uart_where before = line;
	u16 divisor = (u16)(where->baud ? MAX(BAUD_MAX / where->baud, 1u) : 0);

	if (!where->addr || (where->mmio && !where->regs) || !found(where)) {
		line = before;
		return false;
	}
	reg_write(IER, 0);
	if (divisor) {
		reg_write(LCR, LCR_DLAB);
		reg_write(DLL, (u8)divisor);
		reg_write(DLM, (u8)(divisor >> 8));
	}
	reg_write(LCR, LCR_8N1);
	reg_write(FCR, FCR_ON);
	reg_write(MCR, MCR_ON);
	return true;
}

bool uart_present(void)
{
	return line.addr;
}

u16 uart_port(void)
{
	return line.mmio ? 0 : (u16)line.addr;
}

bool uart_tx_empty(void)
{
	return line.addr && (reg_read(LSR) & LSR_THRE);
}

void uart_tx(u8 c)
{
	if (line.addr)
		reg_write(THR, c);
}

void __endbr uart_putc(u8 c)
{
	for (u32 i = 0; line.addr && i < TX_PATIENCE && !uart_tx_empty(); i++)
		__builtin_ia32_pause();
	uart_tx(c);
}

int uart_getc(void)
{
	return line.addr && (reg_read(LSR) & LSR_RX) ? reg_read(RBR) : -1;
}

void uart_irq_enable(bool tx)
{
	if (!line.addr)
		return;
	reg_write(IER, 0);
	reg_write(IER, IER_RX | (tx ? IER_TX : 0));
}

bool uart_irq_ack(void)
{
	return line.addr && !(reg_read(IIR) & IIR_NONE);
}
