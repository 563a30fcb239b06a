/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heart of the control domain.
 */
#include "guest/control/pump.h"

#include "guest/control/cons.h"
#include "guest/control/domain.h"
#include "guest/lib/hypercall.h"

#define NEVER	     (~0ull)
#define OUTPUT_BATCH 256u /* bytes of a guest worth showing at once ... */
#define OUTPUT_US    2000 /* ... or after so long: a hypercall per character would double the cost of each */
#define LAST_ROUNDS  64	  /* requests answered before returning: a busy guest shall not keep us */
#define POLL_US	     500

struct dom *pump_watched;
static u64 answer;	       /* token for the next wait */
static u64 devices_at = NEVER; /* the soonest timer of a device model */
static u64 show_at = NEVER;    /* when the watched domain's output is due */
static u64 poll_at;
static bool tx_room;
static bool debug_stop;
static bool attention; /* a device model changed what the loop below waits for */

#define unlikely(x) __builtin_expect(!!(x), 0)

void pump_watch(struct dom *d)
{
	pump_watched = d;
	show_at = NEVER;
}

void pump_output(u64 waiting)
{
	if (waiting >= OUTPUT_BATCH)
		show_at = 0;
	else if (show_at == NEVER)
		show_at = time_tsc() + time_khz * OUTPUT_US / 1000;
	else
		return;
	attention = true;
}

void pump_timer(u64 when)
{
	if (when >= devices_at)
		return;
	devices_at = when;
	attention = true;
}

static void events(u32 ports)
{
	if (ports & 1u << CAISSON_EVENT_CONSOLE_RX)
		in_fetch();
	if (ports & 1u << CAISSON_EVENT_CONSOLE_TX)
		tx_room = true;
	if (ports & 1u << CAISSON_EVENT_DEBUG)
		debug_stop = true;
	if (ports & 1u << CAISSON_EVENT_POSTED)
		domain_posted();
	if (ports & 1u << CAISSON_EVENT_DOMAIN)
		domain_note_ends();
}

/*
 * Gives the last answer, takes the next thing; and as long as that is a device's access, answers it and goes
 * on: a guest's access costs this loop and its device model. Comes back for anything else, and with a
 * deadline of DEADLINE_NOW after one thing. False: the deadline passed.
 */
static bool step(u64 deadline)
{
	for (;;) {
		s64 r = hc_wait(answer, deadline);

		answer = 0;
		if (unlikely(r < 0))
			return true; /* the asker is gone, ended meanwhile: nothing to answer */
		if (unlikely(CAISSON_WAIT_KIND(r) != CAISSON_WAIT_IOREQ)) {
			if (CAISSON_WAIT_KIND(r) == CAISSON_WAIT_EVENTS)
				events((u32)r);
			return CAISSON_WAIT_KIND(r) != CAISSON_WAIT_TIMEOUT;
		}
		if (unlikely(!domain_ioreq(CAISSON_WAIT_DOM(r), CAISSON_WAIT_VCPU(r))))
			return true;
		answer = (u32)r | CAISSON_ANSWER;
		/* The deadline may be none, 0: then it is not in the past. */
		if (unlikely(attention) || time_tsc() > deadline - 1)
			return true;
	}
}

static u32 ready(u32 want, u64 now)
{
	u32 is = 0;

	if (in_any())
		is |= PUMP_INPUT;
	if (in_ctrlc)
		is |= PUMP_CTRLC;
	if (tx_room)
		is |= PUMP_TX;
	if (domain_unsettled())
		is |= PUMP_DOMAIN;
	if (debug_stop)
		is |= PUMP_DEBUG;
	if (show_at <= now)
		is |= PUMP_OUTPUT;
	is &= want;
	if (is & PUMP_DEBUG)
		debug_stop = false;
	if (is & PUMP_TX)
		tx_room = false;
	if (is & PUMP_OUTPUT)
		show_at = NEVER;
	return is;
}

static void timers(u64 now)
{
	if (devices_at <= now)
		devices_at = domain_timers(now);
}

/* A token still in hand is given, for its vCPU waits; what comes back with it is done too. */
static void hand_over(void)
{
	for (u32 i = 0; answer && i < LAST_ROUNDS; i++)
		step(CAISSON_DEADLINE_NOW);
}

u32 pump(u32 want, u64 deadline)
{
	u64 end = deadline ? deadline : NEVER, until, now;
	u32 is, steps;

	for (steps = 0;; steps++) {
		now = time_tsc();
		timers(now);
		is = ready(want, now);
		/* A deadline that has passed already is a wish to look once. */
		if (!is && now >= end && steps)
			is = PUMP_TIME;
		if (is)
			break;
		until = MIN(MIN(end, devices_at), want & PUMP_OUTPUT ? show_at : NEVER);
		if (!answer)
			answer = domain_next_held();
		attention = false;
		step(until == NEVER ? 0 : until);
	}
	hand_over();
	return is;
}

void pump_poll(void)
{
	u64 now = time_tsc();

	if (now < poll_at)
		return;
	poll_at = now + time_khz * POLL_US / 1000;
	timers(now);
	for (u32 i = 0; i < LAST_ROUNDS && step(CAISSON_DEADLINE_NOW); i++)
		;
	hand_over();
}

/* ---- time ---- */

u64 time_khz = 1, time_tsc_delta;
static u64 base_tsc, base_ns, base_wall;
static u64 ns_per_tick; /* times 2^32 */
static u64 ticks_per_ns;

void time_init(void)
{
	struct caisson_time t = { .tsc_khz = 1000000 };
	u64 before = time_tsc();

	hc_time(&t);
	/* Our TSC may be offset against the hypervisor's, in whose ticks deadlines are;
	 * what is less is the call itself. */
	if (t.tsc - before > t.tsc_khz)
		time_tsc_delta = t.tsc - before;
	time_khz = t.tsc_khz;
	base_tsc = t.tsc;
	base_ns = t.uptime_ns;
	base_wall = t.wall_ns;
	ns_per_tick = (1000000ull << 32) / t.tsc_khz;
	ticks_per_ns = (t.tsc_khz << 32) / 1000000;
}

u64 time_tsc_to_ns(u64 tsc)
{
	if (tsc < base_tsc)
		return base_ns;
	return base_ns + (u64)((unsigned __int128)(tsc - base_tsc) * ns_per_tick >> 32);
}

u64 time_ns(void)
{
	return time_tsc_to_ns(time_tsc());
}

u64 time_wall_ns(void)
{
	return time_ns() - base_ns + base_wall;
}

u64 time_ns_to_tsc(u64 ns)
{
	if (ns <= base_ns)
		return base_tsc;
	return base_tsc + (u64)((unsigned __int128)(ns - base_ns) * ticks_per_ns >> 32) + 1;
}

u64 time_after_ms(u64 ms)
{
	return time_tsc() + time_khz * ms;
}
