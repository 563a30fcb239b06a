/* SPDX-License-Identifier: BSD-2-Clause */
/* The choice of a serial line, how it is found on the PCI bus, and the UART behind ports and in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include "drivers/pci.h"
#include "drivers/serial.h"
#include "hv/string.h"
#include "tests/host/fake_io.h"
#include <cmocka.h>

/* ---- a 16550: at a port, or in memory with its registers 1 or 4 bytes apart ---- */
static u32 port_base;
static u32 stride, last_width;
static u8 regs[8], divisor[2], sent;
static u32 region[8]; /* what is mapped: its addresses only */

static u8 lsr = 0x60, iir, rx;
static u32 busy; /* looks after which the transmitter is empty */

static u8 dev_read(u32 reg)
{
	if (busy && reg == 5 && busy--)
		return lsr & (u8)~0x20;
	return reg == 5 ? lsr : reg == 2 ? iir : reg == 0 ? rx : regs[reg];
}

static void dev_write(u32 reg, u8 v)
{
	if ((regs[3] & 0x80) && reg < 2)
		divisor[reg] = v;
	else if (reg == 0)
		sent = v;
	else
		regs[reg] = v;
}

/* ---- the PCI bus ---- */
static struct {
	u32 bdf, reg[16];
} functions[4];
static u32 function_count, config_address, config_reads;

static u32 *config(void)
{
	for (u32 i = 0; i < function_count; i++) {
		if (functions[i].bdf == (config_address >> 8 & 0xffff))
			return &functions[i].reg[config_address >> 2 & 15];
	}
	return NULL;
}

u8 in8(u16 port)
{
	return port_base && port - port_base < 8u ? dev_read(port - port_base) : 0xff;
}

void out8(u16 port, u8 v)
{
	if (port_base && port - port_base < 8u)
		dev_write(port - port_base, v);
}

u32 in32(u16 port)
{
	assert_int_equal(port, 0xcfc);
	config_reads++;
	return config() ? *config() : 0xffffffff;
}

void out32(u16 port, u32 v)
{
	if (port == 0xcf8)
		config_address = v;
	else if (config())
		*config() = v;
}

u8 mmio_read8(const volatile void *base, u32 offset)
{
	assert_ptr_equal(base, region);
	last_width = 8;
	return stride == 1			? dev_read(offset)
	       : stride && offset % stride == 0 ? dev_read(offset / stride)
						: 0;
}

void mmio_write8(volatile void *base, u32 offset, u8 v)
{
	assert_ptr_equal(base, region);
	if (stride == 1)
		dev_write(offset, v);
}

u32 mmio_read32(const volatile void *base, u32 offset)
{
	assert_ptr_equal(base, region);
	last_width = 32;
	return stride == 4 ? dev_read(offset / 4) | 0xabcdef00 : 0xffffffff;
}

void mmio_write32(volatile void *base, u32 offset, u32 v)
{
	assert_ptr_equal(base, region);
	if (stride == 4)
		dev_write(offset / 4, (u8)v);
}

static void nothing(void)
{
	memset(regs, 0, sizeof(regs));
	memset(functions, 0, sizeof(functions));
	memset(divisor, 0, sizeof(divisor));
	port_base = 0;
	stride = function_count = config_reads = 0;
}

static void test_words(void **state)
{
	static const struct {
		const char *text;
		bool good;
		struct serial_choice want;
	} words[] = {
		{ "", true, { SERIAL_AUTO, 0x3f8, 115200 } },
		{ "none", true, { SERIAL_NONE, 0x3f8, 115200 } },
		{ "0x2f8", true, { SERIAL_PORT, 0x2f8, 115200 } },
		{ "760,9600", true, { SERIAL_PORT, 0x2f8, 9600 } },
		{ "pci", true, { SERIAL_PCI_FIRST, 0x3f8, 115200 } },
		{ "pci,0", true, { SERIAL_PCI_FIRST, 0x3f8, 0 } },
		{ "pci:00:1f.7", true, { SERIAL_PCI, 0xff, 115200 } },
		{ "pci:Ff:3.1,57600", true, { SERIAL_PCI, 0xff19, 57600 } },
		{ .text = "pci:00:20.0" },
		{ .text = "pci:00:1f.8" },
		{ .text = "pci:100:0.0" },
		{ .text = "pci:0:0" },
		{ .text = "pci:0:0.0x" },
		{ .text = "pci:" },
		{ .text = "pcie" },
		{ .text = "0x10000" },
		{ .text = "0" },
		{ .text = "0x2f8," },
		{ .text = "0x2f8,115201" },
		{ .text = "0x2f8,9600 " },
		{ .text = "nonesuch" },
	};
	struct serial_choice c;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
		assert_int_equal(serial_parse(words[i].text, &c), words[i].good);
		if (words[i].good) {
			assert_int_equal(c.kind, words[i].want.kind);
			assert_int_equal(c.where, words[i].want.where);
			assert_int_equal(c.baud, words[i].want.baud);
		}
	}
}

static void add(u32 bdf, u32 class, u32 header, u32 bar, u32 value)
{
	functions[function_count].bdf = bdf;
	functions[function_count].reg[0] = 0x12348086;
	functions[function_count].reg[1] = 0x00100000; /* status has bits that ones clear */
	functions[function_count].reg[2] = class << 8;
	functions[function_count].reg[3] = header << 16;
	functions[function_count++].reg[4 + bar] = value;
}

static struct uart_where find(const char *text)
{
	struct serial_choice c;

	assert_true(serial_parse(text, &c));
	return serial_find(&c);
}

static void test_pci(void **state)
{
	struct uart_where w;

	(void)state;
	nothing();
	assert_int_equal(find("pci").addr, 0);
	assert_true(config_reads < 256 * 32 + 8); /* empty slots are asked once */
	add(PCI_BDF(0, 3, 0), 0x060100, 0x80, 0, 0);
	add(PCI_BDF(0, 3, 2), 0x070002, 0, 0, 0xd001);
	add(PCI_BDF(2, 4, 0), 0x070002, 0, 2, 0xfe003004); /* 64 bits in 2 and 3 */
	functions[2].reg[7] = 0x12;
	w = find("pci");
	assert_int_equal(w.addr, 0xd000);
	assert_false(w.mmio);
	assert_int_equal(functions[1].reg[1], 1); /* decoded; nothing of the status written */
	w = find("pci:02:04.0,9600");
	assert_true(w.mmio);
	assert_int_equal(w.addr, 0x12fe003000);
	assert_int_equal(w.baud, 9600);
	assert_int_equal(functions[2].reg[1], 2);
	assert_int_equal(find("pci:02:05.0").addr, 0);
	assert_int_equal(find("pci:00:03.0").addr, 0); /* no base address */
	functions[1].reg[3] = 1 << 16;		       /* a bridge's registers are others */
	assert_int_equal(find("pci:00:03.2").addr, 0);
}

static void test_port(void **state)
{
	struct uart_where w = { .addr = 0x2f8, .baud = 9600 };

	(void)state;
	nothing();
	assert_false(uart_init(&w));
	assert_false(uart_present());
	uart_putc('x'); /* nothing happens */
	port_base = 0x2f8;
	assert_true(uart_init(&w));
	assert_int_equal(uart_port(), 0x2f8);
	assert_int_equal(divisor[0], 12);
	assert_int_equal(regs[3], 3);
	uart_putc('x');
	assert_int_equal(sent, 'x');
	w.addr = 0x3f8;
	assert_false(uart_init(&w)); /* and the line is the old one */
	assert_int_equal(uart_port(), 0x2f8);
}

/* Before there is a line nothing is read or written; with one, what it has. */
static void test_receives(void **state)
{
	struct uart_where w = { .addr = 0x2f8 };

	(void)state;
	nothing();
	port_base = 0x2f8;
	assert_true(uart_init(&w));
	assert_true(uart_present());
	assert_int_equal(uart_getc(), -1);
	rx = 'r';
	lsr = 0x61;
	assert_int_equal(uart_getc(), 'r');
	lsr = 0x60;
	assert_true(uart_tx_empty());
	busy = 3;
	assert_false(uart_tx_empty());
	uart_putc('p'); /* waits for the transmitter */
	assert_int_equal(sent, 'p');
	assert_int_equal(busy, 0);
	busy = 1100000; /* for ever: it waits so long and no longer */
	uart_putc('q');
	assert_int_equal(sent, 'q');
	assert_in_range(busy, 1, 200000);
	busy = 0;
	uart_irq_enable(false);
	assert_int_equal(regs[1], 1);
	uart_irq_enable(true);
	assert_int_equal(regs[1], 3);
	iir = 1;
	assert_false(uart_irq_ack());
	iir = 4;
	assert_true(uart_irq_ack());
	iir = 0;
	/* what answers with ones everywhere but in its scratch register is none */
	lsr = 0xff;
	w.addr = 0x2f8;
	assert_false(uart_init(&w));
	lsr = 0x60;
	w.addr = 0;
	assert_false(uart_init(&w));
}

static void test_none(void **state)
{
	(void)state;
	assert_false(uart_present());
	assert_int_equal(uart_getc(), -1);
	assert_false(uart_tx_empty());
	assert_false(uart_irq_ack());
	uart_irq_enable(true);
	uart_tx('t');
	uart_putc('t');
	assert_int_equal(sent, 0);
	assert_int_equal(regs[1], 0);
}

static void test_memory(void **state)
{
	struct uart_where w = { .addr = 0xfe003000, .mmio = true, .regs = region };

	(void)state;
	for (u32 i = 0; i < 4; i++) {
		nothing();
		stride = i & 1 ? 4 : 1;
		w.stride = i & 2 ? (u8)stride : 0; /* said, or found out */
		assert_true(uart_init(&w));
		assert_int_equal(uart_port(), 0);
		assert_int_equal(divisor[0], 0); /* as firmware left it */
		uart_putc('y');
		assert_int_equal(sent, 'y');
		assert_int_equal(last_width, i & 1 ? 32 : 8);
	}
	stride = 0;
	assert_false(uart_init(&w));
	w.regs = NULL; /* could not be mapped */
	assert_false(uart_init(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none), /* first: there is no way back to no line */
		cmocka_unit_test(test_words),	 cmocka_unit_test(test_pci),	cmocka_unit_test(test_port),
		cmocka_unit_test(test_receives), cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
