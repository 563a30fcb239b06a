/* SPDX-License-Identifier: BSD-2-Clause */
/* "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs", section "Registers". */
#include "guest/control/serial2.h"

#include "guest/control/pump.h"
#include "guest/lib/runtime.h"

#define PORT	 0x2f8
#define FIFO	 16u
#define PATIENCE 200000u /* looks at a line that does not drain */

enum {
	DATA = PORT,
	IER = PORT + 1,
	FCR = PORT + 2,
	LCR = PORT + 3,
	MCR = PORT + 4,
	LSR = PORT + 5,
	SCRATCH = PORT + 7
};
#define LSR_RX	 1u
#define LSR_THRE 0x20u

bool serial2_init(void)
{
	outb(SCRATCH, 0x5a);
	if (inb(SCRATCH) != 0x5a)
		return false;
	outb(IER, 0);
	outb(LCR, 0x80);
	outb(DATA, 1); /* 115200 baud */
	outb(IER, 0);
	outb(LCR, 3);
	outb(FCR, 7);
	outb(MCR, 3);
	return true;
}

int serial2_get(void)
{
	return inb(LSR) & LSR_RX ? inb(DATA) : -1;
}

void serial2_put(const void *bytes, u32 n)
{
	const u8 *p = bytes;

	while (n) {
		for (u32 i = 0; i < PATIENCE && !(inb(LSR) & LSR_THRE); i++)
			if (i % 64 == 63)
				pump_poll();
		for (u32 i = 0; i < FIFO && n; i++, n--)
			outb(DATA, *p++);
	}
}
