/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/clocks.h"
#include "drivers/io.h"

static volatile void *hpet;
static u16 pm_port;

/* A counter that stands still is none: broken HPETs and PITs that newer machines gate off. */
static bool moves(const struct ref_clock *c)
{
	u64 first = c->read();

	for (u32 i = 0; i < 20000; i++) {
		if (c->read() != first)
			return true;
	}
	return false;
}

/* ---- HPET ---- */
#define HPET_CAP_LOW	0x00
#define HPET_CAP_PERIOD 0x04
#define HPET_CONFIG	0x10
#define HPET_COUNTER	0xf0
#define HPET_ENABLE	BIT(0)
#define FS_PER_S	1000000000000000ull

static u64 hpet_read(void)
{
	return mmio_read32(hpet, HPET_COUNTER);
}

bool hpet_clock(volatile void *regs, struct ref_clock *out)
{
	u32 period = mmio_read32(regs, HPET_CAP_PERIOD);

	if (period == 0 || period > 100000000) /* the specification's bound: 100 ns */
		return false;
	hpet = regs;
	mmio_write32(hpet, HPET_CONFIG, mmio_read32(hpet, HPET_CONFIG) | HPET_ENABLE);
	*out = (struct ref_clock){ "HPET", FS_PER_S / period, 0xffffffff, hpet_read };
	return moves(out);
}

/* ---- ACPI PM timer ---- */
static u64 pmtimer_read(void)
{
	return in32(pm_port);
}

bool pmtimer_clock(const struct acpi_info *a, struct ref_clock *out)
{
	if (a->pm_timer.space != ACPI_SPACE_IO || a->pm_timer.addr == 0 || a->pm_timer.addr > 0xfffc)
		return false;
	pm_port = (u16)a->pm_timer.addr;
	*out = (struct ref_clock){ "PM timer", 3579545, a->pm_timer_32 ? 0xffffffff : 0xffffff,
				   pmtimer_read };
	return moves(out);
}

/* ---- PIT ---- */
#define PIT_CH2	    0x42
#define PIT_COMMAND 0x43
#define PIT_GATE    0x61

static u64 pit_read(void)
{
	u32 low;

	out8(PIT_COMMAND, 0x80); /* latch channel 2 */
	low = in8(PIT_CH2);
	return 0x10000 - (low | (u32)in8(PIT_CH2) << 8); /* it counts down */
}

bool pit_clock(struct ref_clock *out)
{
	out8(PIT_GATE, (in8(PIT_GATE) & ~2u) | 1); /* gate on, speaker off */
	out8(PIT_COMMAND, 0xb4);		   /* channel 2, low then high byte, mode 2 */
	out8(PIT_CH2, 0);
	out8(PIT_CH2, 0);
	*out = (struct ref_clock){ "PIT", 1193182, 0xffff, pit_read };
	return moves(out);
}

/* ---- CMOS clock: MC146818A, "Address Map", "Register A", "Register B" ---- */
enum {
	RTC_SECONDS = 0,
	RTC_MINUTES = 2,
	RTC_HOURS = 4,
	RTC_DAY = 7,
	RTC_MONTH = 8,
	RTC_YEAR = 9,
	RTC_A = 10,
	RTC_B = 11
};
#define RTC_A_UIP    BIT(7)
#define RTC_B_24H    BIT(1)
#define RTC_B_BINARY BIT(2)
#define RTC_PM	     BIT(7)
#define CMOS_NMI_OFF 0x80

struct rtc {
	u8 sec, min, hour, day, month, year, century;
};

static u8 cmos_read(u8 index)
{
	out8(0x70, CMOS_NMI_OFF | index);
	return in8(0x71);
}

static struct rtc rtc_read(u8 century)
{
	/* An update takes 2 ms at most; on a machine without the clock the bit is stuck, and the check of the
	 * date says so. */
	for (u32 i = 0; i < 20000 && (cmos_read(RTC_A) & RTC_A_UIP); i++)
		__builtin_ia32_pause();
	return (struct rtc){ cmos_read(RTC_SECONDS),
			     cmos_read(RTC_MINUTES),
			     cmos_read(RTC_HOURS),
			     cmos_read(RTC_DAY),
			     cmos_read(RTC_MONTH),
			     cmos_read(RTC_YEAR),
			     century ? cmos_read(century) : 0 };
}

static u32 number(u8 v, bool binary)
{
	return binary ? v : (v >> 4) * 10u + (v & 15);
}

u64 cmos_time(u8 century)
{
	struct rtc t = rtc_read(century), again = rtc_read(century);
	u8 b = cmos_read(RTC_B);
	u32 hour, year, month, day, minute, second, cent;
	s64 days;

	for (u32 i = 0; i < 4 && t.sec != again.sec; i++) {
		t = again;
		again = rtc_read(century);
	}
	out8(0x70, 0); /* NMIs on again */
	second = number(t.sec, b & RTC_B_BINARY);
	minute = number(t.min, b & RTC_B_BINARY);
	hour = number(t.hour & ~RTC_PM, b & RTC_B_BINARY);
	if (!(b & RTC_B_24H))
		hour = hour % 12 + (t.hour & RTC_PM ? 12 : 0);
	day = number(t.day, b & RTC_B_BINARY);
	month = number(t.month, b & RTC_B_BINARY);
	cent = number(t.century, b & RTC_B_BINARY);
	year = number(t.year, b & RTC_B_BINARY) + (cent >= 19 && cent <= 29 ? cent * 100 : 2000);
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 ||
	    year < 1970)
		return 0;
	/* Days of the proleptic Gregorian calendar, years starting in March so that the leap day comes last.
	 */
	year -= month <= 2;
	days = (s64)year * 365 + year / 4 - year / 100 + year / 400 +
	       (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1 - 719468;
	return (u64)days * 86400 + hour * 3600 + minute * 60 + second;
}
