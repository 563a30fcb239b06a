/* SPDX-License-Identifier: BSD-2-Clause */
/* The control domain's device models:
 * 16550, RTC, PM timer, fw_cfg, test device, at any offset, size and value. */
#include "guest/control/dev/fwcfg.h"
#include "guest/control/dev/pmtimer.h"
#include "guest/control/dev/rtc.h"
#include "guest/control/dev/testdev.h"
#include "guest/control/dev/uart.h"
#include "tests/host/fuzz/fuzz.h"

static u64 now;

static void irq(void *ctx, unsigned line, bool level)
{
	bool *levels = ctx;

	HOLDS(line < 24 && levels[line] != level);
	levels[line] = level;
}

static void output(void *ctx, const u8 *bytes, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++)
		now += bytes[i] == 'x';
}

static void end(void *ctx, enum dev_end how, u32 code)
{
	(void)ctx, (void)how, (void)code;
}

static u64 now_ns(void *ctx)
{
	(void)ctx;
	return now;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const struct dev_ops ops = { irq, output, end, now_ns };
	static struct uart uart;
	static struct testdev testdev;
	bool levels[24] = { false }, lines[24] = { false };
	struct dev_host host = { &ops, levels },
			other = { &ops, lines }; /* the test device drives any line */
	struct bytes b = { data, data + size };
	struct fwcfg fwcfg;
	struct rtc rtc;
	struct pmtimer pm;

	now = 0;
	uart_init(&uart, &host, 4);
	rtc_init(&rtc, &host, 8, 1700000000000000000ull, 256ull << 20);
	pmtimer_init(&pm, &host);
	fwcfg_init(&fwcfg, 256ull << 20, 2);
	testdev_init(&testdev, &other);
	while (b.at < b.end) {
		u32 what = (u32)take(&b, 1), off = (u32)take(&b, 1), bytes = 1u << (what >> 4 & 3);
		u64 value = take(&b, bytes), next;

		now += 1000 + (u64)off * off * off;
		switch (what & 15) {
		case 0:
			uart_write(&uart, off, bytes, (u32)value);
			break;
		case 1:
			uart_read(&uart, off, bytes);
			break;
		case 2:
			uart_input(&uart, (u8 *)&value, bytes);
			break;
		case 3:
			rtc_write(&rtc, off & 1, bytes, (u32)value);
			break;
		case 4:
			rtc_read(&rtc, off & 1, bytes);
			break;
		case 5:
			next = rtc_deadline(&rtc);
			now = next != RTC_NEVER && next > now ? next : now;
			rtc_tick(&rtc);
			break;
		case 6:
			rtc_write(&rtc, off, bytes, (u32)value);
			break;
		case 7:
			fwcfg_write(&fwcfg, off & 1, bytes, (u32)value);
			break;
		case 8:
			fwcfg_read(&fwcfg, off, bytes);
			break;
		case 9:
			pmtimer_read(&pm, off, bytes);
			pmtimer_write(&pm, off, bytes, (u32)value);
			break;
		case 10:
			testdev_mmio_write(&testdev, off << 4 | (what >> 6), bytes, value);
			break;
		case 11:
			testdev_mmio_read(&testdev, off << 4 | (what >> 6), bytes);
			break;
		case 12:
			testdev_write(&testdev, off, bytes, (u32)value);
			break;
		case 13:
			testdev_read(&testdev, off, bytes);
			break;
		default:
			now += value;
		}
	}
	return 0;
}
