/* SPDX-License-Identifier: BSD-2-Clause */
/* A physical CPU as hv sees it. arch/ puts this first in its own.
 * Written by that CPU only, but for what its members lock. */
#ifndef HV_PCPU_H
#define HV_PCPU_H

#include "hv/types.h"
#include "hv/sched.h"
#include "hv/timer.h"

struct vcpu;

struct pcpu {
	u32 id;
	bool online;
	struct vcpu *current; /* the vCPU loaded here, or NULL */
	struct vcpu *lender;  /* whose turn the current one has: it waits for that one's answer; or NULL */
	struct sched_cpu sched;
	struct timer_queue timers;
	u64 since;		    /* when its run loop began */
	u64 idle_ticks, root_ticks; /* halted, before idle_from; in exits of guests */
	u64 idle_from;		    /* (a) it is idle since then; 0: it is not */
	u64 interrupts, switches;
	u32 barriers; /* between domains, against speculation */
	u32 kicks;    /* handled */
	struct timer watchdog;
	u32 kicks_seen, missed; /* of the next CPU */
	u64 look_at;		/* when it does; 0: not yet */
};

/* Before the CPU's first timer. */
void run_init(struct pcpu *c);
/* This CPU looks after the next one, where there is one (watchdog.c). */
void watchdog_start(struct pcpu *c);
/* In each NMI, of any cause. True: this CPU is the only one, and hangs. */
bool watchdog_nmi(struct pcpu *c);
/* The loop of a CPU: picks, runs, idles, for ever. */
void __attribute__((noreturn)) run_loop(struct pcpu *c);
/* The turn's time is over (hv/timer.c, on c itself). Takes no lock. */
void run_turn_ends(struct pcpu *c);
/* The kick's interrupt handler: what another CPU asked for is looked at before the next entry. */
void run_kicked(struct pcpu *c);

#endif
