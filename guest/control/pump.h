/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heart of the control domain: one thread that waits by one hypercall and does what it brings. Whoever
 * has to wait for anything calls pump(), and meanwhile device models answer, timers run, ends of domains are
 * noted.
 *
 * The pump prints nothing and builds nothing: it may run inside an output or a build of the shell's. What
 * follows from an end (a rebuild, giving memory back) is done by domain_settle(), which the waiting loops of
 * the shell call.
 */
#ifndef CONTROL_PUMP_H
#define CONTROL_PUMP_H

#include "guest/lib/types.h"

struct dom;

/* What to return for. */
#define PUMP_INPUT  1u /* in_getc() has a byte */
#define PUMP_TX	    2u /* the console has room again */
#define PUMP_DOMAIN 4u /* domain_settle() has work */
#define PUMP_OUTPUT 8u /* the watched domain wrote something */
#define PUMP_TIME   16u
#define PUMP_CTRLC  32u /* in_ctrlc */
#define PUMP_DEBUG  64u /* a debugged domain has stopped */

/* Works until something of `want` is there or until the deadline (TSC ticks; 0: none); returns what is,
 * PUMP_TIME for the deadline. */
u32 pump(u32 want, u64 deadline);
/* Does what is due now and returns: for long stretches of work. Cheap when called too often. */
void pump_poll(void);

/* The domain whose output is to be shown: PUMP_OUTPUT and back-pressure are about it. NULL: none. */
void pump_watch(struct dom *d);
extern struct dom *pump_watched;
/* Called by the device models: the watched domain wrote n bytes that wait to be shown. */
void pump_output(u64 waiting);
/* A device model's timer of some domain was set to `when` (TSC ticks, ~0: none). */
void pump_timer(u64 when);

/* ---- time ---- */
void time_init(void);
static inline u64 time_tsc(void); /* the hypervisor's TSC */
u64 time_ns(void);		  /* since boot */
u64 time_wall_ns(void);		  /* since 1970 */
u64 time_tsc_to_ns(u64 tsc);	  /* of a point in time */
u64 time_ns_to_tsc(u64 ns);
u64 time_after_ms(u64 ms); /* a deadline */
extern u64 time_khz;

extern u64 time_tsc_delta;
#ifdef CAISSON_FAKE
u64 fake_tsc(void);
static inline u64 time_tsc(void)
{
	return fake_tsc();
}
#else
static inline u64 time_tsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (lo | (u64)hi << 32) + time_tsc_delta;
}
#endif

#endif
