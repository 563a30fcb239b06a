/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 16550A, driven as Linux's 8250 driver drives one.
 */
#include "tests/host/control_common.h"

#include "guest/control/dev/uart.h"
#include <linux/serial_reg.h>

static struct fake_host f;
static struct uart u;

static int reset(void **state)
{
	(void)state;
	fake_init(&f);
	uart_init(&u, &f.host, 4);
	return 0;
}

static u8 in(unsigned reg)
{
	return (u8)uart_read(&u, reg, 1);
}

static void out(unsigned reg, u8 v)
{
	uart_write(&u, reg, 1, v);
}

static void type(const char *s)
{
	assert_int_equal(uart_input(&u, (const u8 *)s, strlen(s)), strlen(s));
}

static void polled_output(void **state)
{
	(void)state;
	for (const char *s = "hello\r\n"; *s; s++) {
		assert_true(in(UART_LSR)&UART_LSR_THRE);
		out(UART_TX, (u8)*s);
	}
	assert_int_equal(in(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	assert_int_equal(f.nprinted, 7);
	assert_memory_equal(f.printed, "hello\r\n", 7);
	assert_int_equal(f.edges[4], 0);
}

/* 8250_port.c: autoconfig(), autoconfig_16550a() and size_fifo() in the order of their accesses. */
static void linux_autoconfig(void **state)
{
	u8 scratch, scratch2, scratch3, status1, status2, save_mcr, save_lcr, iersave;

	(void)state;
	scratch = in(UART_IER);
	out(UART_IER, 0);
	scratch2 = in(UART_IER)&0x0f;
	out(UART_IER, 0x0f);
	scratch3 = in(UART_IER)&0x0f;
	out(UART_IER, scratch);
	assert_true(scratch2 == 0 && scratch3 == 0x0f);

	save_mcr = in(UART_MCR);
	save_lcr = in(UART_LCR);
	out(UART_MCR, UART_MCR_LOOP | 0x0a);
	status1 = in(UART_MSR)&0xf0;
	out(UART_MCR, save_mcr);
	assert_int_equal(status1, 0x90);

	out(UART_LCR, UART_LCR_CONF_MODE_B);
	out(UART_EFR, 0);
	out(UART_LCR, 0);
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	assert_int_equal(in(UART_IIR) >> 6, 3); /* 16550A or better */

	/* better? each question must be answered with no */
	out(UART_LCR, UART_LCR_CONF_MODE_A);
	assert_int_not_equal(in(UART_EFR), 0);
	out(UART_LCR, UART_LCR_CONF_MODE_B);
	assert_int_not_equal(in(UART_EFR), 0);

	out(UART_LCR, 0);
	status1 = in(UART_MCR);
	out(UART_LCR, 0xe0);
	status2 = in(0x02);
	if (!((status2 ^ status1) & UART_MCR_LOOP)) {
		out(UART_LCR, 0);
		out(UART_MCR, status1 ^ UART_MCR_LOOP);
		out(UART_LCR, 0xe0);
		status2 = in(0x02);
		out(UART_LCR, 0);
		out(UART_MCR, status1);
		assert_false((status2 ^ status1) & UART_MCR_LOOP);
	}

	out(UART_LCR, 0);
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR7_64BYTE);
	status1 = in(UART_IIR) >> 5;
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_LCR, UART_LCR_CONF_MODE_A);
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR7_64BYTE);
	status2 = in(UART_IIR) >> 5;
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_LCR, 0);
	assert_true(status1 == 6 && status2 == 6); /* no 16750 */

	iersave = in(UART_IER);
	out(UART_IER, iersave ^ UART_IER_UUE);
	assert_false(in(UART_IER)&UART_IER_UUE); /* no XScale */
	out(UART_IER, iersave);
	out(UART_LCR, save_lcr);

	/* size_fifo: 256 bytes through the loop, 16 arrive */
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
	out(UART_MCR, UART_MCR_LOOP);
	out(UART_LCR, UART_LCR_DLAB);
	out(UART_DLL, 1);
	out(UART_DLM, 0);
	out(UART_LCR, UART_LCR_WLEN8);
	for (unsigned i = 0; i < 256; i++)
		out(UART_TX, (u8)i);
	for (unsigned i = 0; i < 256; i++) {
		if (!(in(UART_LSR)&UART_LSR_DR)) {
			assert_int_equal(i, 16);
			break;
		}
		assert_int_equal(in(UART_RX), i);
	}
	assert_int_equal(f.nprinted, 0);
	assert_int_equal(f.edges[4], 0);
}

/* 8250_port.c: serial8250_do_startup() tests for two chip bugs that this one must not seem to have. */
static void linux_startup(void **state)
{
	u8 iir1, iir, lsr;

	(void)state;
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
	out(UART_FCR, 0);
	in(UART_LSR);
	in(UART_RX);
	in(UART_IIR);
	in(UART_MSR);
	assert_int_not_equal(in(UART_LSR), 0xff);

	/* THRE test: both times the interrupt shows */
	out(UART_IER, UART_IER_THRI);
	iir1 = in(UART_IIR);
	out(UART_IER, 0);
	out(UART_IER, UART_IER_THRI);
	iir = in(UART_IIR);
	out(UART_IER, 0);
	assert_false(iir1 & UART_IIR_NO_INT);
	assert_false(iir & UART_IIR_NO_INT);

	out(UART_LCR, UART_LCR_WLEN8);
	out(UART_MCR, UART_MCR_OUT2);
	/* TXEN test */
	out(UART_IER, UART_IER_THRI);
	lsr = in(UART_LSR);
	iir = in(UART_IIR);
	out(UART_IER, 0);
	assert_false((lsr & UART_LSR_TEMT) && (iir & UART_IIR_NO_INT));
}

static void transmit_interrupts(void **state)
{
	(void)state;
	out(UART_MCR, UART_MCR_OUT2);
	out(UART_IER, UART_IER_THRI);
	assert_true(f.level[4]);
	assert_int_equal(in(UART_IIR), UART_IIR_THRI);
	assert_false(f.level[4]); /* reading it takes it back */
	assert_int_equal(in(UART_IIR), UART_IIR_NO_INT);
	out(UART_TX, 'x');
	assert_true(f.level[4]); /* empty again */
	in(UART_IIR);
	out(UART_TX, 'y');
	out(UART_IER, 0);
	assert_false(f.level[4]);
	assert_int_equal(f.edges[4], 3);
}

static void receive_interrupts(void **state)
{
	(void)state;
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
	out(UART_IER, UART_IER_RDI);
	type("ab");
	assert_false(f.level[4]); /* OUT2 gates it */
	out(UART_MCR, UART_MCR_OUT2);
	assert_true(f.level[4]);
	assert_int_equal(in(UART_IIR), 0xc0 | UART_IIR_RX_TIMEOUT); /* fewer than the trigger level */
	type("cdefgh");
	assert_int_equal(in(UART_IIR), 0xc0 | UART_IIR_RDI);
	assert_int_equal(in(UART_RX), 'a');
	assert_int_equal(in(UART_IIR), 0xc0 | UART_IIR_RX_TIMEOUT);
	for (char c = 'b'; c <= 'h'; c++) {
		assert_true(f.level[4]);
		assert_int_equal(in(UART_RX), c);
	}
	assert_false(f.level[4]);
	assert_int_equal(in(UART_IIR), 0xc0 | UART_IIR_NO_INT);
	assert_int_equal(in(UART_RX), 0);
	assert_int_equal(f.edges[4], 1);
}

static void priorities(void **state)
{
	(void)state;
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_MCR, UART_MCR_LOOP);
	for (int i = 0; i < 17; i++)
		out(UART_TX, 'x'); /* one too many */
	out(UART_MCR, UART_MCR_OUT2 | UART_MCR_LOOP | UART_MCR_RTS);
	out(UART_IER, 0x0f);
	assert_int_equal(in(UART_IIR), 0xc0 | UART_IIR_RLSI);
	assert_true(in(UART_LSR)&UART_LSR_OE);
	assert_false(in(UART_LSR)&UART_LSR_OE); /* once */
	assert_int_equal(in(UART_IIR), 0xc0 | UART_IIR_RDI);
	for (int i = 0; i < 16; i++)
		in(UART_RX);
	assert_int_equal(in(UART_IIR), 0xc0 | UART_IIR_THRI);
	assert_int_equal(in(UART_IIR), 0xc0 | UART_IIR_MSI);
	in(UART_MSR);
	assert_int_equal(in(UART_IIR), 0xc0 | UART_IIR_NO_INT);
	assert_int_equal(f.edges[4], 0); /* in loopback the line is not driven */
}

static void modem_status(void **state)
{
	(void)state;
	assert_int_equal(in(UART_MSR), UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS);
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1);
	assert_int_equal(in(UART_MSR), UART_MSR_RI | UART_MSR_DDCD | UART_MSR_DDSR | UART_MSR_DCTS);
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_DTR);
	assert_int_equal(in(UART_MSR), UART_MSR_DSR | UART_MSR_DDSR | UART_MSR_TERI);
	assert_int_equal(in(UART_MSR), UART_MSR_DSR);
	out(UART_MCR, 0xff);
	assert_int_equal(in(UART_MCR), 0x1f);
}

static void divisor_and_scratch(void **state)
{
	(void)state;
	out(UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	out(UART_DLL, 0x34);
	out(UART_DLM, 0x12);
	assert_int_equal(in(UART_DLL), 0x34);
	assert_int_equal(in(UART_DLM), 0x12);
	out(UART_LCR, UART_LCR_WLEN8);
	assert_int_equal(in(UART_IER), 0);
	assert_int_equal(in(UART_LCR), UART_LCR_WLEN8);
	assert_int_equal(f.nprinted, 0);
	for (unsigned v = 0; v < 256; v++) {
		out(UART_SCR, (u8)v);
		assert_int_equal(in(UART_SCR), v);
	}
	out(UART_LSR, 0);
	out(UART_MSR, 0xff);
	assert_int_equal(in(UART_LSR), 0x60);
	assert_int_equal(in(8), 0xff);
}

static void paste_is_not_lost(void **state)
{
	static u8 text[UART_QUEUE + 100];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (u8)(i * 31 >> 3);
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_14);
	assert_int_equal(uart_room(&u), UART_QUEUE);
	assert_int_equal(uart_input(&u, text, sizeof(text)), UART_QUEUE); /* 16 move on only afterwards */
	assert_int_equal(uart_room(&u), 16);
	assert_int_equal(uart_input(&u, text + UART_QUEUE, 100), 16);
	for (size_t i = 0; i < UART_QUEUE + 16; i++) {
		assert_true(in(UART_LSR)&UART_LSR_DR);
		assert_int_equal(in(UART_RX), text[i]);
	}
	assert_int_equal(in(UART_LSR), 0x60);
}

static void without_fifo(void **state)
{
	(void)state;
	type("abc");
	out(UART_IER, UART_IER_RDI);
	assert_int_equal(in(UART_IIR), UART_IIR_RDI);
	assert_int_equal(in(UART_RX), 'a');
	assert_int_equal(in(UART_RX), 'b');
	assert_int_equal(in(UART_RX), 'c');
	assert_int_equal(in(UART_LSR), 0x60);
	/* an overrun keeps the newest */
	out(UART_MCR, UART_MCR_LOOP);
	out(UART_TX, '1');
	out(UART_TX, '2');
	assert_int_equal(in(UART_LSR), 0x60 | UART_LSR_DR | UART_LSR_OE);
	assert_int_equal(in(UART_RX), '2');
}

static void fifo_clear(void **state)
{
	char text[41];

	(void)state;
	memset(text, 'o', 40);
	text[20] = 'n';
	text[40] = 0;
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	type(text);
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR); /* 16 are gone, the rest moves up */
	for (int i = 16; i < 40; i++)
		assert_int_equal(in(UART_RX), text[i]);
	assert_int_equal(in(UART_LSR), 0x60);
	/* the loop does not take what comes from outside */
	out(UART_MCR, UART_MCR_LOOP);
	type("x");
	assert_int_equal(in(UART_LSR), 0x60);
	out(UART_MCR, 0);
	assert_int_equal(in(UART_RX), 'x');
}

static void wide_accesses(void **state)
{
	(void)state;
	uart_write(&u, UART_LCR, 2, UART_LCR_WLEN8 | UART_MCR_OUT2 << 8);
	assert_int_equal(uart_read(&u, UART_LCR, 2), UART_LCR_WLEN8 | UART_MCR_OUT2 << 8);
	assert_int_equal(uart_read(&u, UART_SCR, 4), 0xffffff00);
	uart_write(&u, 7, 4, 0xffffffff);
	assert_int_equal(f.nprinted, 0);
	uart_write(&u, 0, 4, 'A'); /* THR, IER, FCR, LCR */
	assert_memory_equal(f.printed, "A", 1);
}

/* Any accesses: the line always follows the registers, and what is not looped comes out. */
static void random_accesses(void **state)
{
	u64 seed = 42;

	(void)state;
	for (int i = 0; i < 400000; i++) {
		u64 r = fake_random(&seed);
		unsigned reg = r & 15, size = 1u << (r >> 4 & 3);
		u8 bytes[8];

		if (f.nprinted > sizeof(f.printed) - 16)
			f.nprinted = 0;
		memcpy(bytes, &r, 8);
		switch (r >> 8 & 3) {
		case 0:
			uart_read(&u, reg, size);
			break;
		case 1:
			uart_input(&u, bytes, r >> 20 & 7);
			break;
		default:
			uart_write(&u, reg, size, (u32)(r >> 16));
			break;
		}
		assert_true(u.fifo_count <= 16 && u.fifo_head < 16 && u.queue_count <= UART_QUEUE);
		assert_int_equal(u.level, f.level[4]);
		if (f.level[4])
			assert_true((u.mcr & 0x18) == 8 && u.ier);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(polled_output, reset),
		cmocka_unit_test_setup(linux_autoconfig, reset),
		cmocka_unit_test_setup(linux_startup, reset),
		cmocka_unit_test_setup(transmit_interrupts, reset),
		cmocka_unit_test_setup(receive_interrupts, reset),
		cmocka_unit_test_setup(priorities, reset),
		cmocka_unit_test_setup(modem_status, reset),
		cmocka_unit_test_setup(divisor_and_scratch, reset),
		cmocka_unit_test_setup(paste_is_not_lost, reset),
		cmocka_unit_test_setup(without_fifo, reset),
		cmocka_unit_test_setup(fifo_clear, reset),
		cmocka_unit_test_setup(wide_accesses, reset),
		cmocka_unit_test_setup(random_accesses, reset),
	};

	return cmocka_run_group_tests_name("dev_uart", tests, NULL, NULL);
}
