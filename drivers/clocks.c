/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/clocks.h"
#include "drivers/io.h"
#include "drivers/ioapic.h"
#include "hv/string.h"

/* ---- HPET: "IA-PC HPET Specification" ---- */
#define HPET_CAP_PERIOD 0x04
#define HPET_PERIOD_MAX 100000000 /* femtoseconds */
#define HPET_CONFIG	0x10
#define HPET_COUNTER	0xf0
#define HPET_ENABLE	BIT(0)
#define FS_PER_S	1000000000000000ull

static volatile void *hpet;

static u64 __endbr hpet_read(void)
{
	return mmio_read32(hpet, HPET_COUNTER);
}

static u64 __endbr hpet_start(void)
{
	u32 period = hpet ? mmio_read32(hpet, HPET_CAP_PERIOD) : 0;

	if (period == 0 || period > HPET_PERIOD_MAX)
		return 0;
	mmio_write32(hpet, HPET_CONFIG, mmio_read32(hpet, HPET_CONFIG) | HPET_ENABLE);
	return FS_PER_S / period;
}

/* ---- ACPI, "Power Management Timer": 24 of its bits are there on every machine ---- */
static u16 pm_port;

static u64 __endbr pm_read(void)
{
	return in32(pm_port);
}

static u64 __endbr pm_start(void)
{
	return pm_port ? 3579545 : 0;
}

/* ---- 8254 channel 2, as the PC's port 0x61 gates it ---- */
#define PIT_HZ	    1193182
#define PIT_CH0	    0x40
#define PIT_CH2	    0x42
#define PIT_COMMAND 0x43
#define PIT_GATE    0x61

static u64 __endbr pit_read(void)
{
	u32 low;

	out8(PIT_COMMAND, 0x80); /* latch channel 2 */
	low = in8(PIT_CH2);
	return 0x10000 - (low | (u32)in8(PIT_CH2) << 8); /* it counts down */
}

static u64 __endbr pit_start(void)
{
	out8(PIT_GATE, (in8(PIT_GATE) & ~2u) | 1); /* gate on, speaker off */
	out8(PIT_COMMAND, 0xb4);		   /* channel 2, low then high byte, mode 2 */
	out8(PIT_CH2, 0);
	out8(PIT_CH2, 0);
	return PIT_HZ;
}

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

const struct ref_clock *ref_clock_start(const struct acpi_info *a, volatile void *hpet_regs)
{
	static struct ref_clock clocks[] = {
		{ "HPET", 0xffffffff, hpet_start, hpet_read, 0 },
		{ "PM timer", 0xffffff, pm_start, pm_read, 0 },
		{ "PIT", 0xffff, pit_start, pit_read, 0 },
	};

	hpet = hpet_regs;
	pm_port =
		a->pm_timer.space == ACPI_SPACE_IO && a->pm_timer.addr <= 0xfffc ? (u16)a->pm_timer.addr : 0;
	for (struct ref_clock *c = clocks; c < clocks + ARRAY_SIZE(clocks); c++) {
		c->hz = c->start();
		if (c->hz && moves(c))
			return c;
	}
	return NULL;
}

/* ---- NMIs: "Timer N Configuration and Capability Register", "Timer N Comparator Register" ---- */
#define HPET_TIMER	  0x100
#define HPET_ROUTES	  0x104 /* the interrupts that it can be */
#define HPET_COMPARATOR	  0x108
#define HPET_LEGACY	  BIT(1)
#define TIMER_ENABLE	  BIT(2)
#define TIMER_PERIODIC	  BIT(3)
#define TIMER_IS_PERIODIC BIT(4)
#define TIMER_SET_VALUE	  BIT(6)
#define TIMER_32BIT	  BIT(8)
#define TIMER_ROUTE	  MASK(13, 9)
#define UART_IRQS	  (BIT(3) | BIT(4))

static bool __endbr hpet_nmi(const struct acpi_info *a, u32 us, u32 apic_id)
{
	u64 hz = hpet_start(), ticks = hz * us / 1000000;
	u32 routes, pin = 0;

	(void)a;
	if (!hz || !(mmio_read32(hpet, HPET_TIMER) & TIMER_IS_PERIODIC))
		return false;
	routes = mmio_read32(hpet, HPET_ROUTES) & ~(u32)UART_IRQS;
	mmio_write32(hpet, HPET_TIMER, 0);
	mmio_write32(hpet, HPET_CONFIG, mmio_read32(hpet, HPET_CONFIG) & ~(u32)HPET_LEGACY);
	while (pin < 32 && !((routes & BIT(pin)) && ioapic_route(pin, IOAPIC_NMI, apic_id)))
		pin++;
	if (pin == 32 || !us)
		return false;
	mmio_write32(
		hpet, HPET_TIMER,
		(u32)(TIMER_ENABLE | TIMER_PERIODIC | TIMER_SET_VALUE | TIMER_32BIT | PUT(TIMER_ROUTE, pin)));
	/* the first, then from one to the next */
	mmio_write32(hpet, HPET_COMPARATOR, (u32)(hpet_read() + ticks));
	mmio_write32(hpet, HPET_COMPARATOR, (u32)ticks);
	return true;
}

static bool __endbr pit_nmi(const struct acpi_info *a, u32 us, u32 apic_id)
{
	u64 ticks = us ? MIN((u64)PIT_HZ * us / 1000000, 0x10000ull) : 0; /* 0x10000 is written as 0 */

	/* channel 0, low then high byte, mode 2; mode 0: it waits for a count */
	out8(PIT_COMMAND, us ? 0x34 : 0x30);
	if (!us)
		return false;
	out8(PIT_CH0, (u8)ticks);
	out8(PIT_CH0, (u8)(ticks >> 8));
	return ioapic_route_isa(a, 0, IOAPIC_NMI, apic_id);
}

const struct nmi_timer nmi_timers[NMI_TIMERS] = { { "NMI by the HPET", hpet_nmi },
						  { "NMI by the PIT", pit_nmi } };

/* ---- CMOS clock: MC146818A, "Address Map", "Register A", "Register B" ---- */
enum { RTC_SECOND, RTC_MINUTE, RTC_HOUR, RTC_DAY, RTC_MONTH, RTC_YEAR, RTC_CENTURY, RTC_FIELDS };
#define RTC_A	     10
#define RTC_A_UIP    BIT(7)
#define RTC_B	     11
#define RTC_B_24H    BIT(1)
#define RTC_B_BINARY BIT(2)
#define RTC_PM	     BIT(7)
#define CMOS_NMI_OFF 0x80

static u8 cmos_read(u8 index)
{
	out8(0x70, CMOS_NMI_OFF | index);
	return in8(0x71);
}

static void rtc_read(u8 century, u8 t[RTC_FIELDS])
{
	const u8 index[RTC_FIELDS] = { 0, 2, 4, 7, 8, 9, century };

	/* An update takes 2 ms at most;
	 * on a machine without the clock the bit is stuck, and the check of the date says so. */
	for (u32 i = 0; i < 20000 && (cmos_read(RTC_A) & RTC_A_UIP); i++)
		__builtin_ia32_pause();
	for (u32 i = 0; i < RTC_FIELDS; i++)
		t[i] = index[i] || i == RTC_SECOND ? cmos_read(index[i]) : 0;
}

u64 cmos_time(u8 century)
{
	u8 t[RTC_FIELDS], again[RTC_FIELDS], b = cmos_read(RTC_B);
	u32 year, month, day;
	s64 days;
	bool pm;

	rtc_read(century, again);
	do { /* until two readings are of the same second */
		memcpy(t, again, sizeof(t));
		rtc_read(century, again);
	} while (t[RTC_SECOND] != again[RTC_SECOND]);
	out8(0x70, 0); /* NMIs on again */
	pm = t[RTC_HOUR] & RTC_PM;
	t[RTC_HOUR] &= (u8)~RTC_PM;
	for (u32 i = 0; i < RTC_FIELDS && !(b & RTC_B_BINARY); i++)
		t[i] = (u8)((t[i] >> 4) * 10 + (t[i] & 15));
	if (!(b & RTC_B_24H))
		t[RTC_HOUR] = t[RTC_HOUR] % 12 + (pm ? 12 : 0);
	day = t[RTC_DAY];
	month = t[RTC_MONTH];
	year = t[RTC_YEAR] + (t[RTC_CENTURY] >= 19 && t[RTC_CENTURY] <= 29 ? t[RTC_CENTURY] * 100 : 2000);
	if (month < 1 || month > 12 || day < 1 || day > 31 || t[RTC_HOUR] > 23 || t[RTC_MINUTE] > 59 ||
	    t[RTC_SECOND] > 60 || year < 1970)
		return 0;
	/* Days of the proleptic Gregorian calendar,
	 * years starting in March so that the leap day comes last. */
	year -= month <= 2;
	days = (s64)year * 365 + year / 4 - year / 100 + year / 400 +
	       (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1 - 719468;
	return (u64)days * 86400 + t[RTC_HOUR] * 3600 + t[RTC_MINUTE] * 60 + t[RTC_SECOND];
}
