/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: one queue per CPU, ordered by deadline; the CPU's one hardware timer is armed for the earliest.
 *
 * Times are TSC ticks. A timer belongs to one queue, and its function runs on that queue's CPU from
 * timer_expire(), with no lock held and the timer already out of the queue, so that it may set itself again.
 * Set, cancel and migrate may come from any CPU. Lock: timer_queue.lock [Q], innermost: nothing is called
 * under it but arch_timer_set().
 */
#ifndef HV_TIMER_H
#define HV_TIMER_H

#include "hv/heap.h"
#include "hv/lock.h"

struct pcpu;
struct timer;

struct timer_queue {
	struct lock lock;
	struct heap heap; /* [Q] by deadline */
	u64 armed;	  /* [Q] what arch_timer_set() was told last; ~0: nothing */
	u64 first;	  /* [Q], read without it: deadline of the earliest, or `turn` before it; ~0: none */
	u64 turn;	  /* [Q] timer_turn() */
	struct timer *running; /* [Q] whose function runs now */
	struct pcpu *cpu;
};

struct timer {
	struct heap_node node;	   /* [Q] key: the deadline */
	struct timer_queue *queue; /* [Q of the old and of the new one to change it] */
	void (*fn)(struct timer *t);
};

#define TIMER_NONE ~0ull

/* Once per CPU, before its first timer. */
void timer_queue_init(struct timer_queue *q, struct pcpu *cpu);

/* Prepares a timer on a queue. */
void timer_init(struct timer *t, struct timer_queue *q, void (*fn)(struct timer *t));

/* Runs fn at or soon after `deadline` (TIMER_NONE: never); replaces an earlier setting. True: it was still
 * due. Any CPU: when the earliest deadline of another CPU's queue moves forward, that CPU is kicked and its
 * run loop's timer_sync() arms its hardware. */
bool timer_set(struct timer *t, u64 deadline);

/* fn will not be started any more; true when it was still due.
 * The function may be running on the queue's CPU right now. */
static inline bool timer_cancel(struct timer *t)
{
	return timer_set(t, TIMER_NONE);
}

/* The same, and fn is not running any more on return (before t is freed).
 * No lock that fn takes may be held. */
bool timer_cancel_wait(struct timer *t);

/* Moves the timer, set or not, to another queue: its vCPU now runs on that CPU. */
void timer_migrate(struct timer *t, struct timer_queue *to);

/* The queue's own CPU: the hardware also fires at this time, the end of a vCPU's turn (TIMER_NONE: it need
 * not), for which timer_expire() calls run_turn_ends(). In no tree, for it changes at every switch. */
void timer_turn(struct timer_queue *q, u64 deadline);

/* The queue's own CPU, from the timer interrupt:
 * runs what is due at `now`, then arms the hardware for the rest. */
void timer_expire(struct timer_queue *q, u64 now);

/* The queue's own CPU, on the way into a guest or into idle: arms the hardware when another CPU has set an
 * earlier deadline. Two loads and a compare when there is nothing to do. */
void timer_sync_slow(struct timer_queue *q);
static inline void timer_sync(struct timer_queue *q)
{
	if (READ_ONCE(q->first) < READ_ONCE(q->armed))
		timer_sync_slow(q);
}

static inline bool timer_pending(const struct timer *t)
{
	return READ_ONCE(t->node.queued);
}

#endif
