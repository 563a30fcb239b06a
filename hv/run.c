/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop of a CPU: who is next, run it, what did it want.
 * Interrupts are off all the time but for halts and windows. */
#include "hv/arch.h"
#include "hv/control.h"
#include "hv/domain.h"
#include "hv/frame.h"
#include "hv/pcpu.h"
#include "hv/trace.h"

static void run_leave(struct pcpu *c)
{
	if (c->current && (READ_ONCE(c->sched.resched) || READ_ONCE(c->sched.evict)))
		__atomic_or_fetch(&c->current->pending, PEND_LEAVE, __ATOMIC_RELEASE);
}

void run_turn_ends(struct pcpu *c)
{
	sched_tick(&c->sched);
	run_leave(c);
}

void run_init(struct pcpu *c)
{
	c->since = arch_now();
	timer_queue_init(&c->timers, c);
	sched_init_cpu(&c->sched, c->id, c);
}

void run_kicked(struct pcpu *c)
{
	WRITE_ONCE(c->kicks, c->kicks + 1);
	run_leave(c);
	timer_sync(&c->timers);
}

static void run_put(struct pcpu *c, struct vcpu *v)
{
	trace(v, CAISSON_TRACE_OUT, v->sleep, arch_vcpu_rip(v), 0);
	arch_vcpu_put(v);
	WRITE_ONCE(v->cpu, NULL);
	c->current = NULL;
	sched_put(&c->sched);
}

/* v's timers are on the CPU where it ran last. */
static inline void run_migrate(struct pcpu *c, struct vcpu *v)
{
	if (unlikely(v->wait_timer.queue != &c->timers)) {
		timer_migrate(&v->wait_timer, &c->timers);
		arch_vcpu_migrate(v, &c->timers);
	}
}

static inline __attribute__((always_inline)) void run_load(struct pcpu *c, struct vcpu *v)
{
	if (c->current)
		run_put(c, c->current);
	c->switches++;
	c->current = v;
	run_migrate(c, v);
	/* Before `pending` is looked at: who sets a bit finds the CPU to kick, or the bit is seen. */
	__atomic_store_n(&v->cpu, c, __ATOMIC_SEQ_CST);
	arch_vcpu_load(v);
	trace(v, CAISSON_TRACE_IN, 0, 0, 0);
	sched_loaded(&c->sched, &v->sched);
}

/* Changes what is on the CPU; the scheduler's idea of it stays. */
static void run_swap(struct pcpu *c, struct vcpu *out, struct vcpu *in)
{
	arch_vcpu_put(out);
	WRITE_ONCE(out->cpu, NULL);
	c->current = in;
	run_migrate(c, in);
	__atomic_store_n(&in->cpu, c, __ATOMIC_SEQ_CST);
	arch_vcpu_load(in);
}

/* v was taken out of its queue, with a reference to its domain, by the one that answers it or that it
 * answers: nobody else wakes it. */
static void run_awake(struct vcpu *v)
{
	__atomic_store_n(&v->sleep, SLEEP_NO, __ATOMIC_SEQ_CST);
	v->wakeups++;
}

static void run_wake(struct vcpu *v)
{
	run_awake(v);
	sched_wake(&v->sched);
	domain_put(v->domain);
}

/* The borrower w leaves the CPU. Its lender goes on if it has its answer, else it is blocked after all. */
static struct vcpu *run_loan_ends(struct pcpu *c, struct vcpu *w)
{
	struct vcpu *l = c->lender, *answered = w->handoff;
	bool goes_on = true, awake = w->sleep == SLEEP_NO, again = false;

	if (unlikely(awake)) /* off the CPU nothing else keeps it there */
		domain_ref(w->domain);

	c->lender = NULL;
	w->handoff = NULL;
	if (likely(answered == l)) {
		run_awake(l);
		domain_put(l->domain);
	} else {
		if (answered)
			run_wake(answered);
		/* The answer may also have come by another way, from another CPU. */
		again = w->sleep == SLEEP_AGAIN;
		goes_on = (l->sleep == SLEEP_NO || !sched_block(&c->sched, arch_now())) && !again;
	}
	if (likely(goes_on)) {
		run_swap(c, w, l);
		sched_give_back(&c->sched, &w->sched);
	} else {
		arch_vcpu_put(w);
		WRITE_ONCE(w->cpu, NULL);
		c->current = NULL;
		sched_give_back(&c->sched, &w->sched);
		sched_put(&c->sched); /* the lender's state was saved when it lent */
		l = NULL;
		if (again)
			control_again_now();
	}
	if (unlikely(awake)) {
		sched_wake(&w->sched);
		domain_put(w->domain);
	}
	return l;
}

/* The vCPU left to sleep: the one that it waits for may have the CPU directly.
 * Returns who is next, or NULL: ask the scheduler. */
static struct vcpu *run_sleep(struct pcpu *c, struct vcpu *v)
{
	struct vcpu *w = v->handoff;

	if (w) {
		v->handoff = NULL;
		run_awake(w);
		/* Only a requester lends: its device model's work is its own.
		 * The other way the time would be the model's. */
		if (v->sleep == SLEEP_IOREQ && sched_lend(&c->sched, &w->sched)) {
			c->lender = v;
			run_swap(c, v, w);
		} else if (sched_handoff(&c->sched, &w->sched, arch_now())) {
			run_load(c, w);
		} else {
			sched_wake(&w->sched);
			domain_put(w->domain);
			w = NULL;
		}
		if (w) { /* it has the CPU: its domain cannot go away */
			domain_put(w->domain);
			return w;
		}
	}
	if (v->sleep == SLEEP_HLT || v->sleep == SLEEP_SIPI) {
		if (v->sleep == SLEEP_HLT)
			arch_vcpu_asleep(v);
		if (arch_vcpu_has_work(v))
			vcpu_wake(v, v->sleep);
	}
	while (!sched_block(&c->sched, arch_now()) && v->sleep == SLEEP_AGAIN)
		;
	if (unlikely(v->sleep == SLEEP_AGAIN)) {
		run_put(c, v);
		control_again_now();
	}
	return NULL;
}

static void run_idle(struct pcpu *c, u64 now)
{
	struct vcpu *v = c->current;

	/* A vCPU that sleeps here stays loaded: it may be the next again. Not a device model: whoever asks
	 * it, anywhere, hands over to it without an IPI when its state is on no CPU. */
	if (v && (READ_ONCE(c->sched.evict) || READ_ONCE(v->sleep) == SLEEP_WAIT))
		run_put(c, v);
	WRITE_ONCE(c->idle_from, now);
	if (frame_idle_zero(16384))
		arch_irq_window();
	else
		arch_cpu_idle();
	WRITE_ONCE(c->idle_from, 0);
	c->idle_ticks += arch_now() - now;
}

void run_loop(struct pcpu *c)
{
	struct vcpu *v = NULL;

	for (;;) {
		if (!v) {
			u64 now = arch_now();
			struct sched_unit *u = sched_pick(&c->sched, now);

			if (c->timers.turn != c->sched.slice_end)
				timer_turn(&c->timers, c->sched.slice_end);
			if (!u) {
				run_idle(c, now);
				continue;
			}
			v = vcpu_of(u);
			if (v != c->current)
				run_load(c, v);
		}
		if (v->sleep == SLEEP_NO) /* else its domain was reset while it was queued */
			arch_vcpu_run(v);
		__atomic_and_fetch(&v->pending, ~(u32)PEND_LEAVE, __ATOMIC_ACQ_REL);
		if (unlikely(c->lender != NULL))
			v = run_loan_ends(c, v);
		else
			/* One that another CPU woke on its way here
			 * still has to wake the one that it answered. */
			v = v->sleep == SLEEP_NO && likely(!v->handoff) ? NULL : run_sleep(c, v);
	}
}
