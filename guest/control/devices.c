/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The devices of one domain.
 */
#include "guest/control/devices.h"

#include "guest/control/alloc.h"
#include "guest/control/domain.h"
#include "guest/control/ports.h"
#include "guest/control/pump.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

#define NEVER (~0ull)

#define PORT_PIC_1 0x20 /* command; the next is the mask */
#define PORT_PIC_2 0xa0

static void host_irq(void *ctx, unsigned line, bool level)
{
	struct dom *d = ctx;

	hc_irq_line(d->id, line, level);
}

static void host_output(void *ctx, const u8 *bytes, size_t n)
{
	domain_wrote(ctx, bytes, n);
}

static void host_end(void *ctx, enum dev_end how, u32 code)
{
	static const u32 end[] = { [DEV_POWER_OFF] = CAISSON_END_POWEROFF,
				   [DEV_RESET] = CAISSON_END_RESET,
				   [DEV_EXIT] = CAISSON_END_EXIT };
	struct dom *d = ctx;

	hc_domain_end(d->id, end[how], code);
}

static u64 host_now(void *ctx)
{
	(void)ctx;
	return time_ns();
}

static const struct dev_ops host_ops = {
	.irq = host_irq, .output = host_output, .end = host_end, .now_ns = host_now
};

/*
 * The test device's lines go to the 8259s as well, which stand then as a PC's firmware leaves them, so that
 * code which knows of nothing else, in real mode, can be interrupted: each rising line is an ExtINT message.
 * The hypervisor delivers it while the local APIC is not switched on. Nothing is in service: guests need no
 * EOI.
 */
#define MSI_ADDRESS 0xfee00000ull /* the first vCPU */
#define MSI_EXTINT  0x700u
#define PIC_CASCADE 4u /* the mask's bit of the second one */

static void pic_line(struct dom *d, unsigned line)
{
	const struct pic *p = &d->dev.pic[line / 8 % 2];

	if (line < 16 && !(p->mask >> line % 8 & 1) && (line < 8 || !(d->dev.pic[0].mask & PIC_CASCADE)))
		hc_msi(d->id, MSI_ADDRESS, MSI_EXTINT | (p->base + line % 8));
}

static void test_irq(void *ctx, unsigned line, bool level)
{
	host_irq(ctx, line, level);
	if (level)
		pic_line(ctx, line);
}

static const struct dev_ops test_ops = {
	.irq = test_irq, .output = host_output, .end = host_end, .now_ns = host_now
};

bool devices_init(struct dom *d, u64 memory, u32 vcpus, bool testdev)
{
	struct devices *v = &d->dev;

	v->host.ops = &host_ops;
	v->host.ctx = d;
	pmtimer_init(&v->pmtimer, &v->host);
	power_init(&v->power, &v->host);
	exitport_init(&v->exitport, &v->host);
	fwcfg_init(&v->fwcfg, memory, vcpus);
	rtc_init(&v->rtc, &v->host, IRQ_RTC, time_wall_ns(), memory);
	v->rtc_at = NEVER;
	uart_init(&v->uart, &v->host, IRQ_UART);
	v->pic[0] = v->pic[1] = (struct pic){ .mask = 0xff };
	if (testdev) {
		if (!v->test)
			v->test = alloc(sizeof(*v->test));
		if (!v->test)
			return false;
		v->test_host = (struct dev_host){ .ops = &test_ops, .ctx = d };
		testdev_init(v->test, &v->test_host);
		v->pic[0] = (struct pic){ .base = 0x08 };
		v->pic[1] = (struct pic){ .base = 0x70 };
	}
	return true;
}

void devices_free(struct dom *d)
{
	alloc_free(d->dev.test);
	d->dev.test = NULL;
}

static const struct {
	const char *what;
	u64 base, bytes;
	u8 kind, flags;
	bool testdev;
} ranges[] = {
	{ "the UART", PORT_UART, PORT_UART_COUNT, CAISSON_IO_PORT, 0, false },
	{ "the RTC", PORT_RTC, PORT_RTC_COUNT, CAISSON_IO_PORT, 0, false },
	{ "the PM timer", PORT_PMTIMER, PORT_PMTIMER_COUNT, CAISSON_IO_PORT, 0, false },
	{ "the sleep registers", PORT_SLEEP_CONTROL, PORT_SLEEP_COUNT, CAISSON_IO_PORT, 0, false },
	{ "the reset register", PORT_RESET, 1, CAISSON_IO_PORT, 0, false },
	{ "the keyboard's reset port", PORT_RESET_KBD, 1, CAISSON_IO_PORT, 0, false },
	{ "the exit port", PORT_EXIT, PORT_EXIT_COUNT, CAISSON_IO_PORT, 0, false },
	{ "fw_cfg", PORT_FWCFG, PORT_FWCFG_COUNT, CAISSON_IO_PORT, 0, false },
	{ "the first PIC", PORT_PIC_1, 2, CAISSON_IO_PORT, 0, false },
	{ "the second PIC", PORT_PIC_2, 2, CAISSON_IO_PORT, 0, false },
	{ "the test device's ports", PORT_TESTDEV, PORT_TESTDEV_COUNT, CAISSON_IO_PORT, 0, true },
	{ "the test device's page", MMIO_TESTDEV, MMIO_TESTDEV_POSTED, CAISSON_IO_MMIO, 0, true },
	{ "the test device's page", MMIO_TESTDEV + MMIO_TESTDEV_POSTED,
	  MMIO_TESTDEV_SIZE - MMIO_TESTDEV_POSTED, CAISSON_IO_MMIO, CAISSON_CLAIM_POSTED, true },
};

s64 devices_claim(struct dom *d, const char **what)
{
	for (u32 i = 0; i < ARRAY_SIZE(ranges); i++) {
		s64 r;

		if (ranges[i].testdev && !d->dev.test)
			continue;
		r = hc_ioreq_claim(d->id, ranges[i].kind, ranges[i].base, ranges[i].bytes, ranges[i].flags);
		if (r < 0) {
			*what = ranges[i].what;
			return r;
		}
	}
	return 0;
}

/* 8259A data sheet, "Initialization Command Words":
 * ICW1 goes to the first port, then two or three to the second. */
static void pic_write(struct pic *p, u32 offset, u8 v)
{
	if (offset == 0) {
		if (v & 0x10) {
			p->icw_left = (u8)(1 + !(v & 2) + (v & 1));
			p->mask = 0;
			p->icw_base = false;
		}
		return;
	}
	if (p->icw_left) {
		if (!p->icw_base) /* ICW2 is the first of them */
			p->base = v & 0xf8;
		p->icw_base = true;
		p->icw_left--;
	} else {
		p->mask = v;
	}
}

static void pic_access(struct pic *p, u32 offset, struct caisson_ioreq *q)
{
	u8 v = offset ? p->mask : 0;

	if (!q->write)
		q->data = (dev_mask(q->size) & ~0xffull) | v;
	else
		pic_write(p, offset, (u8)q->data);
}

/*
 * What a control domain that is started again needs to know of the devices of domains that run: it is written
 * through to the request page, which the hypervisor keeps. Not kept: what was typed and not yet read beyond
 * the UART's FIFO, and the test device.
 */
#define KEPT_MAGIC 0x7065654bull /* low half of the first word; the domain's flags are above */
enum { PART_UART, PART_RTC, PART_TIMER, PART_POWER, PART_PIC };
#define PART(from, to)                                                                               \
	{                                                                                            \
		offsetof(struct devices, from), ALIGN_UP((to)-offsetof(struct devices, from), 8) / 8 \
	}
#define PART_OF(from, type) PART(from, offsetof(struct devices, from) + sizeof(type))
static const struct {
	u32 at, words;
} parts[] = {
	[PART_UART] = PART(uart.line, offsetof(struct devices, uart.queue)),
	[PART_RTC] = PART(rtc.line, offsetof(struct devices, rtc) + sizeof(struct rtc)),
	[PART_TIMER] = PART_OF(pmtimer.start_ns, u64),
	[PART_POWER] = PART(power.sleep_control, offsetof(struct devices, power) + sizeof(struct power)),
	[PART_PIC] = PART_OF(pic, struct pic[2]),
};

static u64 *kept_word(const struct dom *d, u32 n)
{
	return &d->io->slot[n / 3].keep[n % 3];
}

/* With each access to some devices: where the part is a constant, so is each word's place. */
static inline __attribute__((always_inline)) void part_copy(struct dom *d, u32 part, bool back)
{
	u8 *p = (u8 *)&d->dev + parts[part].at;
	struct caisson_ioreq *slot = d->io->slot;
	u32 at = 1;

	for (u32 i = 0; i < part; i++)
		at += parts[i].words;
#pragma GCC unroll 8
	for (u32 i = 0; i < parts[part].words; i++) {
		u64 *word = &slot[(at + i) / 3].keep[(at + i) % 3];

		if (back)
			__builtin_memcpy(p + 8 * i, word, sizeof(*word));
		else
			__builtin_memcpy(word, p + 8 * i, sizeof(*word));
	}
}

static inline void keep(struct devices *v, u32 part)
{
	part_copy(v->host.ctx, part, false);
}

void devices_keep(struct dom *d)
{
	*kept_word(d, 0) = KEPT_MAGIC | (u64)d->flags << 32;
	for (u32 i = 0; i < ARRAY_SIZE(parts); i++)
		part_copy(d, i, false);
}

bool devices_kept(const struct dom *d, u32 *flags)
{
	u64 word = *kept_word(d, 0);

	*flags = (u32)(word >> 32);
	return (u32)word == KEPT_MAGIC;
}

void devices_adopt(struct dom *d)
{
	struct devices *v = &d->dev;

	for (u32 i = 0; i < ARRAY_SIZE(parts); i++)
		part_copy(d, i, true);
	/* Others who may answer for the domain can write there, too. */
	v->uart.line = IRQ_UART;
	v->uart.fifo_head %= UART_FIFO;
	v->uart.fifo_count = MIN(v->uart.fifo_count, UART_FIFO);
	v->uart.queue_head = v->uart.queue_count = 0;
	v->rtc.line = IRQ_RTC;
	v->rtc.index %= sizeof(v->rtc.cmos);
	v->rtc_at = 0;
	pump_timer(0);
	hc_irq_line(d->id, IRQ_UART, v->uart.level);
	hc_irq_line(d->id, IRQ_RTC, v->rtc.level);
}

static void rtc_access(struct devices *v, u32 offset, struct caisson_ioreq *q)
{
	u64 at;

	if (q->write)
		rtc_write(&v->rtc, offset, q->size, (u32)q->data);
	else
		q->data = rtc_read(&v->rtc, offset, q->size);
	at = rtc_deadline(&v->rtc);
	v->rtc_at = at == RTC_NEVER ? NEVER : time_ns_to_tsc(at);
	pump_timer(v->rtc_at);
}

#define MODEL(name, offset)                                                    \
	do {                                                                   \
		if (q->write)                                                  \
			name##_write(&v->name, offset, q->size, (u32)q->data); \
		else                                                           \
			q->data = name##_read(&v->name, offset, q->size);      \
	} while (0)
#define POWER(name, offset)                                                             \
	do {                                                                            \
		if (q->write)                                                           \
			power_##name##_write(&v->power, offset, q->size, (u32)q->data); \
		else                                                                    \
			q->data = power_##name##_read(&v->power, offset, q->size);      \
	} while (0)

static void port_access(struct devices *v, u32 port, struct caisson_ioreq *q)
{
	switch (port) {
	case PORT_UART ... PORT_UART + PORT_UART_COUNT - 1:
		MODEL(uart, port - PORT_UART);
		keep(v, PART_UART);
		return;
	case PORT_RTC ... PORT_RTC + PORT_RTC_COUNT - 1:
		rtc_access(v, port - PORT_RTC, q);
		keep(v, PART_RTC);
		return;
	case PORT_PMTIMER ... PORT_PMTIMER + PORT_PMTIMER_COUNT - 1:
		MODEL(pmtimer, port - PORT_PMTIMER);
		return;
	case PORT_SLEEP_CONTROL ... PORT_SLEEP_CONTROL + PORT_SLEEP_COUNT - 1:
		POWER(sleep, port - PORT_SLEEP_CONTROL);
		keep(v, PART_POWER);
		return;
	case PORT_RESET:
		POWER(reset, 0);
		return;
	case PORT_RESET_KBD:
		POWER(kbd, 0);
		return;
	case PORT_EXIT ... PORT_EXIT + PORT_EXIT_COUNT - 1:
		MODEL(exitport, port - PORT_EXIT);
		return;
	case PORT_FWCFG ... PORT_FWCFG + PORT_FWCFG_COUNT - 1:
		MODEL(fwcfg, port - PORT_FWCFG);
		return;
	case PORT_PIC_1 ... PORT_PIC_1 + 1:
		pic_access(&v->pic[0], port - PORT_PIC_1, q);
		keep(v, PART_PIC);
		return;
	case PORT_PIC_2 ... PORT_PIC_2 + 1:
		pic_access(&v->pic[1], port - PORT_PIC_2, q);
		keep(v, PART_PIC);
		return;
	case PORT_TESTDEV ... PORT_TESTDEV + PORT_TESTDEV_COUNT - 1:
		if (!v->test)
			break;
		if (q->write)
			testdev_write(v->test, port - PORT_TESTDEV, q->size, (u32)q->data);
		else
			q->data = testdev_read(v->test, port - PORT_TESTDEV, q->size);
		return;
	}
	if (!q->write)
		q->data = dev_mask(q->size);
}

void devices_access(struct dom *d, struct caisson_ioreq *q)
{
	struct devices *v = &d->dev;
	u64 offset = q->addr - MMIO_TESTDEV;

	if (__builtin_expect(q->kind == CAISSON_IO_PORT, 1))
		port_access(v, (u32)q->addr, q);
	else if (!v->test || offset >= MMIO_TESTDEV_SIZE)
		q->data = q->write ? q->data : dev_mask(q->size);
	else if (q->write)
		testdev_mmio_write(v->test, offset, q->size, q->data);
	else
		q->data = testdev_mmio_read(v->test, offset, q->size);
}

u64 devices_timers(struct dom *d, u64 now)
{
	struct devices *v = &d->dev;
	u64 at;

	if (v->rtc_at <= now) {
		rtc_tick(&v->rtc);
		at = rtc_deadline(&v->rtc);
		v->rtc_at = at == RTC_NEVER ? NEVER : time_ns_to_tsc(at);
	}
	return v->rtc_at;
}

void devices_button(struct dom *d)
{
	power_button(&d->dev.power);
}
