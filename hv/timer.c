/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/timer.h"
#include "hv/arch.h"
#include "hv/pcpu.h"

/* Keys compare by signed difference; the TSC starts near 0, so this is the end of time. */
#define LATEST (~0ull >> 1)

void timer_queue_init(struct timer_queue *q, struct pcpu *cpu)
{
	*q = (struct timer_queue){ .armed = TIMER_NONE, .first = TIMER_NONE, .turn = TIMER_NONE, .cpu = cpu };
}

void timer_init(struct timer *t, struct timer_queue *q, void (*fn)(struct timer *t))
{
	*t = (struct timer){ .queue = q, .fn = fn };
}

static struct timer_queue *queue_lock(struct timer *t)
{
	struct timer_queue *q;

	for (;;) {
		q = READ_ONCE(t->queue);
		lock(&q->lock);
		if (likely(q == READ_ONCE(t->queue)))
			return q;
		unlock(&q->lock);
	}
}

static void arm(struct timer_queue *q)
{
	WRITE_ONCE(q->armed, q->first);
	arch_timer_set(q->first);
}

static u64 earliest(const struct timer_queue *q)
{
	struct heap_node *n = heap_first(&q->heap);

	return n ? MIN(n->key, q->turn) : q->turn;
}

/* After a change of the queue.
 * Another CPU's hardware is left armed too early rather than disturbed: it looks and re-arms. */
static bool changed(struct timer_queue *q)
{
	u64 first = earliest(q);

	if (likely(first == q->first))
		return false;
	WRITE_ONCE(q->first, first);
	if (likely(q->cpu == this_cpu())) {
		arm(q);
		return false;
	}
	return first < q->armed;
}

bool timer_set(struct timer *t, u64 deadline)
{
	struct timer_queue *q = queue_lock(t);
	bool kick, due = t->node.queued;

	if (due && deadline != TIMER_NONE)
		heap_move(&q->heap, &t->node, MIN(deadline, LATEST));
	else if (due)
		heap_remove(&q->heap, &t->node);
	else if (deadline != TIMER_NONE)
		heap_insert(&q->heap, &t->node, MIN(deadline, LATEST));
	kick = changed(q);
	unlock(&q->lock);
	if (unlikely(kick))
		arch_cpu_kick(q->cpu);
	return due;
}

void timer_turn(struct timer_queue *q, u64 deadline)
{
	lock(&q->lock);
	q->turn = deadline;
	WRITE_ONCE(q->first, earliest(q));
	if (q->first != q->armed)
		arm(q);
	unlock(&q->lock);
}

bool timer_cancel_wait(struct timer *t)
{
	bool due = false, running;
	struct timer_queue *q;

	do {
		/* Again after each wait: the function may have set the timer. */
		due |= timer_cancel(t);
		q = queue_lock(t);
		running = q->running == t && q->cpu != this_cpu();
		unlock(&q->lock);
		if (running)
			arch_pause();
	} while (running || timer_pending(t));
	return due;
}

void timer_migrate(struct timer *t, struct timer_queue *to)
{
	struct timer_queue *from, *a, *b;
	bool kick = false;

	for (;;) {
		from = READ_ONCE(t->queue);
		if (from == to)
			return;
		a = from < to ? from : to;
		b = from < to ? to : from;
		lock(&a->lock);
		lock(&b->lock);
		/* fn must not run on two CPUs: a timer whose function runs stays until it has ended. */
		if (from == READ_ONCE(t->queue) && (from->running != t || from->cpu == this_cpu()))
			break;
		unlock(&b->lock);
		unlock(&a->lock);
		arch_pause();
	}
	WRITE_ONCE(t->queue, to);
	if (t->node.queued) {
		heap_remove(&from->heap, &t->node);
		heap_insert(&to->heap, &t->node, t->node.key);
		changed(from);
		kick = changed(to);
	}
	unlock(&b->lock);
	unlock(&a->lock);
	if (kick)
		arch_cpu_kick(to->cpu);
}

void timer_expire(struct timer_queue *q, u64 now)
{
	struct heap_node *n;
	u32 most;

	lock(&q->lock);
	/* No more than were there: a function that sets a timer in the past does not keep us here, the
	 * hardware comes again. */
	for (most = q->heap.count; most && (n = heap_first(&q->heap)) && !heap_before(now, n->key); most--) {
		heap_remove(&q->heap, n);
		q->running = container_of(n, struct timer, node);
		unlock(&q->lock);
		q->running->fn(q->running);
		lock(&q->lock);
		q->running = NULL;
	}
	if (q->turn <= now) {
		q->turn = TIMER_NONE;
		run_turn_ends(q->cpu);
	}
	WRITE_ONCE(q->first, earliest(q));
	if (q->armed <= now)
		q->armed = TIMER_NONE; /* it has fired */
	if (q->armed != q->first)
		arm(q);
	unlock(&q->lock);
}

void timer_sync_slow(struct timer_queue *q)
{
	lock(&q->lock);
	if (q->first != q->armed)
		arm(q);
	unlock(&q->lock);
}
