/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real-time clock and its CMOS RAM (T).
 */
#include "guest/control/dev/rtc.h"

#include "guest/control/memmap.h"
#include "guest/lib/string.h"

/* "Address Map" */
#define REG_SECONDS	  0x00
#define REG_SECONDS_ALARM 0x01
#define REG_MINUTES	  0x02
#define REG_MINUTES_ALARM 0x03
#define REG_HOURS	  0x04
#define REG_HOURS_ALARM	  0x05
#define REG_WEEKDAY	  0x06
#define REG_DAY		  0x07
#define REG_MONTH	  0x08
#define REG_YEAR	  0x09
#define REG_A		  0x0a
#define REG_B		  0x0b
#define REG_C		  0x0c
#define REG_D		  0x0d
#define REG_CENTURY	  0x32 /* where the FADT says */

#define A_UIP	  0x80
#define A_DIVIDER 0x70
#define A_RUNNING 0x20 /* divider: 32768 Hz */
#define A_RATE	  0x0f
#define A_RESET	  0x26 /* running, 1024 Hz */
#define B_SET	  0x80
#define B_PIE	  0x40
#define B_AIE	  0x20
#define B_UIE	  0x10
#define B_BINARY  0x04
#define B_24H	  0x02
#define C_IRQF	  0x80
#define C_PF	  0x40
#define C_AF	  0x20
#define C_UF	  0x10
#define D_VALID	  0x80
#define HOUR_PM	  0x80
#define ALARM_ANY 0xc0 /* "don't care": both top bits */

/* CMOS RAM of a PC: sizes of memory, low byte first */
#define CMOS_EQUIPMENT 0x14
#define CMOS_BASE_KIB  0x15
#define CMOS_EXT_KIB   0x17
#define CMOS_SUM       0x2e /* of 0x10 to 0x2d, high byte first */
#define CMOS_EXT_KIB_2 0x30
#define CMOS_EXT_64KIB 0x34 /* above 16 MiB */
#define CMOS_ABOVE_4G  0x5b /* 64 KiB units, three bytes */
#define EQUIPMENT_FPU  0x02

#define NS_PER_S	1000000000ull
#define UIP_NS		244000ull /* "Update cycle": UIP is seen that long before it */
#define SECONDS_PER_DAY 86400u
#define YEAR_MIN	1970u
#define YEAR_MAX	2500u /* nanoseconds since 1970 in 64 bits last until 2554 */

struct rtc_time {
	u32 year;		 /* 1970 … */
	u32 month, day, weekday; /* 1 …; Sunday is 1 */
	u32 hour, minute, second;
};

static u64 wall_ns(const struct rtc *r)
{
	return r->host->ops->now_ns(r->host->ctx) + r->offset;
}

static bool is_set(const struct rtc *r)
{
	return r->cmos[REG_B] & B_SET;
}

/* The divider chain is held in reset by other values than the crystal's; the clock stands as under SET. */
static bool is_running(const struct rtc *r)
{
	return !is_set(r) && (r->cmos[REG_A] & A_DIVIDER) == A_RUNNING;
}

/* --- the calendar --- */

static bool is_leap(u32 year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static u32 days_in_month(u32 year, u32 month)
{
	static const u8 days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01 to January 1st of a year. */
static u64 days_before_year(u32 year)
{
	u64 y = year - 1;

	return 365ull * (year - 1970) + (y / 4 - 1969 / 4) - (y / 100 - 1969 / 100) + (y / 400 - 1969 / 400);
}

static void time_from_seconds(u64 seconds, struct rtc_time *t)
{
	u64 days = seconds / SECONDS_PER_DAY;
	u32 rest = (u32)(seconds % SECONDS_PER_DAY);
	u32 year = 1970 + (u32)(days / 366);

	t->hour = rest / 3600;
	t->minute = rest / 60 % 60;
	t->second = rest % 60;
	t->weekday = (u32)((days + 4) % 7) + 1; /* 1970-01-01 was a Thursday */
	while (days_before_year(year + 1) <= days)
		year++;
	days -= days_before_year(year);
	t->year = year;
	for (t->month = 1; days >= days_in_month(year, t->month); t->month++)
		days -= days_in_month(year, t->month);
	t->day = (u32)days + 1;
}

/* Any registers make some time: what is out of range is taken to the nearest that exists. */
static u64 seconds_from_time(const struct rtc_time *t)
{
	u32 year = MIN(MAX(t->year, YEAR_MIN), YEAR_MAX);
	u32 month = MIN(MAX(t->month, 1u), 12u);
	u32 day = MIN(MAX(t->day, 1u), days_in_month(year, month));
	u64 days = days_before_year(year) + day - 1;

	for (u32 m = 1; m < month; m++)
		days += days_in_month(year, m);
	return days * SECONDS_PER_DAY + MIN(t->hour, 23u) * 3600 + MIN(t->minute, 59u) * 60 +
	       MIN(t->second, 59u);
}

/* --- the registers' formats: "Time, Calendar, and Alarm Data Modes" --- */

static u8 encode(const struct rtc *r, u32 v)
{
	return (u8)(r->cmos[REG_B] & B_BINARY ? v : v / 10 % 10 << 4 | v % 10);
}

static u32 decode(const struct rtc *r, u8 v)
{
	return r->cmos[REG_B] & B_BINARY ? v : (u32)(v >> 4) * 10 + (v & 0xf);
}

static u8 encode_hour(const struct rtc *r, u32 hour)
{
	if (r->cmos[REG_B] & B_24H)
		return encode(r, hour);
	return encode(r, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static u32 decode_hour(const struct rtc *r, u8 v)
{
	if (r->cmos[REG_B] & B_24H)
		return decode(r, v);
	return decode(r, v & (u8)~HOUR_PM) % 12 + (v & HOUR_PM ? 12 : 0);
}

static void registers_from_time(struct rtc *r)
{
	struct rtc_time t;

	time_from_seconds(wall_ns(r) / NS_PER_S, &t);
	r->cmos[REG_SECONDS] = encode(r, t.second);
	r->cmos[REG_MINUTES] = encode(r, t.minute);
	r->cmos[REG_HOURS] = encode_hour(r, t.hour);
	r->cmos[REG_WEEKDAY] = encode(r, t.weekday);
	r->cmos[REG_DAY] = encode(r, t.day);
	r->cmos[REG_MONTH] = encode(r, t.month);
	r->cmos[REG_YEAR] = encode(r, t.year % 100);
	r->cmos[REG_CENTURY] = encode(r, t.year / 100 % 100);
}

/* The clock goes on from what the registers say, `into` nanoseconds inside that second. */
static void time_from_registers(struct rtc *r, u64 into)
{
	struct rtc_time t = { .second = decode(r, r->cmos[REG_SECONDS]),
			      .minute = decode(r, r->cmos[REG_MINUTES]),
			      .hour = decode_hour(r, r->cmos[REG_HOURS]),
			      .day = decode(r, r->cmos[REG_DAY]),
			      .month = decode(r, r->cmos[REG_MONTH]),
			      .year = decode(r, r->cmos[REG_CENTURY]) * 100 + decode(r, r->cmos[REG_YEAR]) };

	r->offset = seconds_from_time(&t) * NS_PER_S + into - r->host->ops->now_ns(r->host->ctx);
	r->done_ns = wall_ns(r);
}

/* --- interrupts --- */

/* "Rate Selection": the period in units of 1/32768 s; 0: none. Rates 1 and 2 are those of 8 and 9. */
static u64 period_ticks(const struct rtc *r)
{
	unsigned rate = r->cmos[REG_A] & A_RATE;

	if (rate == 0)
		return 0;
	return 1ull << ((rate <= 2 ? rate + 7 : rate) - 1);
}

/* Crystal ticks since 1970: 2^15 a second, 2^9 per 5^9 ns. Split, so that nothing overflows. */
static u64 ticks_at(u64 ns)
{
	return ns / NS_PER_S * 32768 + ns % NS_PER_S * 512 / 15625000;
}

/* The first nanosecond at which ticks_at() gives `tick`. */
static u64 tick_starts(u64 tick)
{
	return tick / 32768 * NS_PER_S + (tick % 32768 * 15625000 + 511) / 512;
}

/* The next value >= from that matches an alarm register, or a value > last. */
static u32 next_match(bool any, u32 alarm, u32 from, u32 last)
{
	return any ? from : alarm >= from ? alarm : last + 1;
}

/*
 * The first second after `now` (both since 1970) that matches the three alarm registers, or RTC_NEVER when
 * they name no time of day at all. Walks hours, then minutes, then seconds: some 150 steps at most.
 */
static u64 next_alarm(const struct rtc *r, u64 now)
{
	const u8 *c = r->cmos;
	bool any_h = c[REG_HOURS_ALARM] >= ALARM_ANY, any_m = c[REG_MINUTES_ALARM] >= ALARM_ANY;
	bool any_s = c[REG_SECONDS_ALARM] >= ALARM_ANY;
	u32 ah = decode_hour(r, c[REG_HOURS_ALARM]), am = decode(r, c[REG_MINUTES_ALARM]);
	u32 as = decode(r, c[REG_SECONDS_ALARM]);
	u64 start = now + 1, midnight = start / SECONDS_PER_DAY * SECONDS_PER_DAY;
	u32 of_day = (u32)(start % SECONDS_PER_DAY);

	for (int day = 0; day < 2; day++, of_day = 0, midnight += SECONDS_PER_DAY) {
		u32 h0 = of_day / 3600, m0 = of_day / 60 % 60, s0 = of_day % 60;

		for (u32 h = next_match(any_h, ah, h0, 23); h < 24; h = next_match(any_h, ah, h + 1, 23)) {
			if (h != h0)
				m0 = s0 = 0;
			for (u32 m = next_match(any_m, am, m0, 59); m < 60;
			     m = next_match(any_m, am, m + 1, 59)) {
				u32 s = next_match(any_s, as, h == h0 && m == m0 ? s0 : 0, 59);

				if (s < 60)
					return midnight + h * 3600 + m * 60 + s;
			}
		}
	}
	return RTC_NEVER;
}

/* Wall time in ns of the next event of each kind after done_ns; RTC_NEVER: none. */
static u64 next_update(const struct rtc *r)
{
	return is_running(r) ? (r->done_ns / NS_PER_S + 1) * NS_PER_S : RTC_NEVER;
}

static u64 next_alarm_ns(const struct rtc *r)
{
	u64 s = is_running(r) ? next_alarm(r, r->done_ns / NS_PER_S) : RTC_NEVER;

	return s >= RTC_NEVER / NS_PER_S ? RTC_NEVER : s * NS_PER_S;
}

static u64 next_period(const struct rtc *r)
{
	u64 period = period_ticks(r);

	if (!period || (r->cmos[REG_A] & A_DIVIDER) != A_RUNNING)
		return RTC_NEVER;
	return tick_starts((ticks_at(r->done_ns) / period + 1) * period);
}

static void update_line(struct rtc *r)
{
	u8 *c = &r->cmos[REG_C];
	bool level = *c & r->cmos[REG_B] & (C_PF | C_AF | C_UF);

	*c = (u8)((*c & ~C_IRQF) | (level ? C_IRQF : 0));
	if (level == r->level)
		return;
	r->level = level;
	r->host->ops->irq(r->host->ctx, r->line, level);
}

/* Raises the flags of all that happened until now. */
static void catch_up(struct rtc *r)
{
	u64 now = wall_ns(r);

	if (now <= r->done_ns)
		return;
	if (next_update(r) <= now)
		r->cmos[REG_C] |= C_UF;
	if (next_alarm_ns(r) <= now)
		r->cmos[REG_C] |= C_AF;
	if (next_period(r) <= now)
		r->cmos[REG_C] |= C_PF;
	r->done_ns = now;
}

void rtc_tick(struct rtc *r)
{
	catch_up(r);
	update_line(r);
}

u64 rtc_deadline(const struct rtc *r)
{
	u8 waiting = r->cmos[REG_B] & (u8)~r->cmos[REG_C];
	u64 next = RTC_NEVER;

	/* While the line is up nothing can be added to it; reading C, which lowers it, asks again. */
	if (r->level)
		return RTC_NEVER;
	if (waiting & B_UIE)
		next = MIN(next, next_update(r));
	if (waiting & B_AIE)
		next = MIN(next, next_alarm_ns(r));
	if (waiting & B_PIE)
		next = MIN(next, next_period(r));
	return next == RTC_NEVER ? RTC_NEVER : next - r->offset;
}

/* --- registers --- */

static bool is_time(unsigned reg)
{
	return reg == REG_CENTURY || reg == REG_SECONDS || reg == REG_MINUTES || reg == REG_HOURS ||
	       (reg >= REG_WEEKDAY && reg <= REG_YEAR);
}

static u8 read_data(struct rtc *r)
{
	unsigned reg = r->index;
	u8 v;

	if (is_time(reg)) {
		if (is_running(r))
			registers_from_time(r);
		return r->cmos[reg];
	}
	switch (reg) {
	case REG_A:
		v = r->cmos[REG_A];
		if (is_running(r) && wall_ns(r) % NS_PER_S >= NS_PER_S - UIP_NS)
			v |= A_UIP;
		return v;
	case REG_C:
		catch_up(r);
		update_line(r);
		v = r->cmos[REG_C];
		r->cmos[REG_C] = 0;
		update_line(r);
		return v;
	case REG_D:
		return D_VALID;
	default:
		return r->cmos[reg];
	}
}

/*
 * The clock stops (its registers keep the moment) or goes on from what they say. Setting the divider starts
 * half a second before the first update ("Divider Control"), ending SET keeps the place inside the second.
 */
static void write_control(struct rtc *r, unsigned reg, u8 v)
{
	bool ran = is_running(r);
	u64 into = reg == REG_A ? NS_PER_S / 2 : wall_ns(r) % NS_PER_S;

	catch_up(r);
	if (ran)
		registers_from_time(r);
	r->cmos[reg] = v;
	if (ran && is_running(r))
		registers_from_time(r); /* the format may have changed */
	else if (!ran && is_running(r))
		time_from_registers(r, into);
}

static void write_data(struct rtc *r, u8 v)
{
	unsigned reg = r->index;

	if (reg == REG_A) {
		write_control(r, reg, v & (u8)~A_UIP);
	} else if (reg == REG_B) {
		write_control(r, reg, v & B_SET ? v & (u8)~B_UIE : v); /* "SET … clears UIE" */
	} else if (reg == REG_C || reg == REG_D) {
		return; /* read-only */
	} else if (is_time(reg) && is_running(r)) {
		catch_up(r);
		registers_from_time(r);
		r->cmos[reg] = v;
		time_from_registers(r, wall_ns(r) % NS_PER_S);
	} else {
		catch_up(r);
		r->cmos[reg] = v;
	}
	update_line(r);
}

static void put_size(u8 *at, u64 v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (u8)(v >> 8 * i);
}

static void cmos_sizes(u8 *c, u64 memory)
{
	u64 low = memmap_low_ram_end(memory), ext = low > MEMMAP_HIGH_START ? low - MEMMAP_HIGH_START : 0;
	u64 above_16m = low > (16ull << 20) ? low - (16ull << 20) : 0;
	u64 above_4g = memory > MEMMAP_BELOW_4G_END ? memory - MEMMAP_BELOW_4G_END : 0;
	u16 sum = 0;

	c[CMOS_EQUIPMENT] = EQUIPMENT_FPU;
	put_size(c + CMOS_BASE_KIB, MEMMAP_LOW_END >> 10, 2);
	put_size(c + CMOS_EXT_KIB, MIN(ext >> 10, 0xffffull), 2);
	put_size(c + CMOS_EXT_KIB_2, MIN(ext >> 10, 0xffffull), 2);
	put_size(c + CMOS_EXT_64KIB, MIN(above_16m >> 16, 0xffffull), 2);
	put_size(c + CMOS_ABOVE_4G, MIN(above_4g >> 16, 0xffffffull), 3);
	for (unsigned i = 0x10; i < CMOS_SUM; i++)
		sum = (u16)(sum + c[i]);
	c[CMOS_SUM] = (u8)(sum >> 8);
	c[CMOS_SUM + 1] = (u8)sum;
}

void rtc_init(struct rtc *r, const struct dev_host *host, unsigned line, u64 wall, u64 memory)
{
	memset(r, 0, sizeof(*r));
	r->host = host;
	r->line = line;
	r->offset = wall - host->ops->now_ns(host->ctx);
	r->done_ns = wall;
	r->cmos[REG_A] = A_RESET;
	r->cmos[REG_B] = B_24H;
	cmos_sizes(r->cmos, memory);
}

u32 rtc_read(struct rtc *r, unsigned offset, unsigned size)
{
	u32 v = (u32)dev_mask(size);

	/* The index cannot be read back. */
	if (offset == 1)
		v = (v & ~0xffu) | read_data(r);
	else if (offset == 0 && size >= 2)
		v = (v & ~0xff00u) | (u32)read_data(r) << 8;
	return v;
}

void rtc_write(struct rtc *r, unsigned offset, unsigned size, u32 value)
{
	if (offset == 0) {
		r->index = value & 0x7f; /* bit 7 masks NMIs on a PC */
		if (size >= 2)
			write_data(r, (u8)(value >> 8));
	} else if (offset == 1) {
		write_data(r, (u8)value);
	}
}
