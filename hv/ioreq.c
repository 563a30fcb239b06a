/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/ioreq.h"
#include "hv/arch.h"
#include "hv/domain.h"
#include "hv/frame.h"
#include "hv/pcpu.h"
#include "hv/trace.h"

/* The next thing for the device model d, or -1. Lock: d->ioq.lock. */
static s64 ioreq_next(struct domain *d)
{
	u32 ports = events_take(&d->events);
	struct vcpu *r = d->ioq.head;

	if (ports)
		return (s64)(((u64)CAISSON_WAIT_EVENTS << 56) | ports);
	if (!r)
		return -1;
	d->ioq.head = r->io_next;
	r->io_next = NULL;
	r->io_state = IO_TAKEN;
	d->ioq.taken = r;
	return (s64)r->io_word;
}

/* The vCPU that sleeps in `wait` of d, its result set, when there is something for it; the caller wakes it
 * and then gives back the reference to d that comes with it. */
static struct vcpu *ioreq_ready(struct domain *d)
{
	struct vcpu *w;
	s64 word;

	lock(&d->ioq.lock);
	w = d->ioq.waiter;
	if (w) {
		word = ioreq_next(d);
		if (word < 0) {
			w = NULL;
		} else {
			d->ioq.waiter = NULL;
			domain_ref(d);
			arch_vcpu_set_result(w, word);
		}
	}
	unlock(&d->ioq.lock);
	return w;
}

void ioreq_notify(struct domain *d)
{
	struct vcpu *w;

	/* Not without the lock: the waiter may have looked for events already
	 * and be about to say that it waits. */
	w = ioreq_ready(d);
	if (w) {
		vcpu_wake(w, SLEEP_WAIT);
		domain_put(d);
	}
}

static void __attribute__((cold)) trace_request(struct vcpu *v, const struct caisson_ioreq *q)
{
	trace(v, CAISSON_TRACE_IOREQ, q->size | (u32)q->write << 4 | (u32)q->kind << 5, q->addr, q->data);
}

static void __attribute__((cold)) trace_answer(struct vcpu *v)
{
	trace(v, CAISSON_TRACE_ANSWER, 0, 0, v->io_data);
}

enum verdict ioreq_submit(struct vcpu *v, const struct claim *c, u64 addr, u64 data, u64 what, u64 rip)
{
	struct domain *dm = c->dm;
	struct caisson_ioreq *slot = &v->domain->ioreq->slot[v->id];
	struct vcpu *w;

	slot->addr = addr;
	slot->data = data;
	__builtin_memcpy(&slot->size, &what, sizeof(what));
	slot->rip = rip;
	slot->seq++;
	if (unlikely(v->watch))
		trace_request(v, slot);
	vcpu_sleep(v, SLEEP_IOREQ);
	lock(&dm->ioq.lock);
	v->io_dm = dm;
	w = dm->ioq.waiter;
	if (likely(w && !dm->ioq.head && !READ_ONCE(dm->events.pending))) {
		/* The device model waits for just this. */
		dm->ioq.waiter = NULL;
		domain_ref(dm); /* for who wakes it */
		dm->ioq.taken = v;
		v->io_state = IO_TAKEN;
		arch_vcpu_set_result(w, (s64)v->io_word);
		unlock(&dm->ioq.lock);
		v->handoff = w;
		return V_BLOCK;
	}
	v->io_next = NULL;
	v->io_state = IO_QUEUED;
	if (dm->ioq.head)
		dm->ioq.tail->io_next = v;
	else
		dm->ioq.head = v;
	dm->ioq.tail = v;
	unlock(&dm->ioq.lock);
	v->handoff = ioreq_ready(dm);
	return V_BLOCK;
}

int ioreq_ring(struct domain *d, const struct domain *dm)
{
	const struct domain *other = bus_poster(&d->bus);

	if (other && other != dm)
		return -CAISSON_EBUSY;
	if (!d->posted.ring)
		d->posted.ring = frame_hv_alloc(FRAME_OWNER_HV, 0);
	return d->posted.ring ? 0 : -CAISSON_ENOMEM;
}

/* Is r what the token names, and still to be answered by dm? Lock: dm->ioq.lock. */
static bool ioreq_is(const struct domain *dm, const struct vcpu *r, u64 token)
{
	return r && r->io_dm == dm && r->io_state == IO_TAKEN && (u32)token == (u32)r->io_word;
}

static void __endbr ioreq_timeout(struct timer *t)
{
	struct vcpu *v = container_of(t, struct vcpu, wait_timer);
	struct domain *d = v->domain;
	bool mine;

	lock(&d->ioq.lock);
	mine = d->ioq.waiter == v && v->wait_deadline;
	if (mine && v->wait_deadline > arch_now()) {
		/* It was armed for an earlier wait, which ended otherwise. */
		timer_set(t, v->wait_deadline);
		mine = false;
	}
	if (mine) {
		d->ioq.waiter = NULL;
		arch_vcpu_set_result(v, (s64)CAISSON_WAIT_TIMEOUT << 56);
	}
	unlock(&d->ioq.lock);
	if (mine)
		vcpu_wake(v, SLEEP_WAIT);
}

/* v sleeps in `wait`. Lock: d->ioq.lock. */
static inline void wait_begin(struct domain *d, struct vcpu *v, u64 deadline)
{
	vcpu_sleep(v, SLEEP_WAIT);
	d->ioq.waiter = v;
	/* A timer that is due earlier looks again when it fires:
	 * most waits end long before, and leave it alone. */
	v->wait_deadline = deadline;
	if (deadline && (!timer_pending(&v->wait_timer) || deadline < v->wait_timer.node.key))
		timer_set(&v->wait_timer, deadline);
}

/* r has its answer. Lock: the queue's of who gives it. */
static inline void answer(struct vcpu *r)
{
	domain_ref(r->domain); /* until it is awake */
	r->io_data = READ_ONCE(r->domain->ioreq->slot[r->id].data);
	r->io_state = IO_ANSWERED;
	if (unlikely(r->watch))
		trace_answer(r);
	__atomic_or_fetch(&r->pending, PEND_IO, __ATOMIC_RELEASE);
}

/* The rest of ioreq_wait(), which has the lock. */
static __noinline enum verdict wait_other(struct vcpu *v, u64 token, u64 deadline, s64 *result)
{
	struct domain *d = v->domain, *other = NULL;
	struct vcpu *r = token ? d->ioq.taken : NULL;
	s64 word;

	/* Not the one taken last: looked up without the lock, which comes after the table's. */
	if (token && (!r || (u32)token != (u32)r->io_word)) {
		unlock(&d->ioq.lock);
		other = domain_get(CAISSON_WAIT_DOM(token));
		r = other && CAISSON_WAIT_VCPU(token) < CAISSON_MAX_VCPUS
			    ? READ_ONCE(other->vcpu[CAISSON_WAIT_VCPU(token)])
			    : NULL;
		lock(&d->ioq.lock);
	}
	if (token) {
		if (!ioreq_is(d, r, token)) {
			unlock(&d->ioq.lock);
			if (other)
				domain_put(other);
			*result = -CAISSON_EINVAL;
			return V_ADVANCE;
		}
		if (d->ioq.taken == r)
			d->ioq.taken = NULL;
		answer(r);
	}
	word = ioreq_next(d);
	if (word < 0 && deadline && (deadline == CAISSON_DEADLINE_NOW || deadline <= arch_now()))
		word = (s64)CAISSON_WAIT_TIMEOUT << 56;
	if (word < 0 && d->ioq.waiter)
		word = -CAISSON_EBUSY;
	if (word == -1)
		wait_begin(d, v, deadline);
	unlock(&d->ioq.lock);
	if (other)
		domain_put(other);
	if (word != -1) {
		if (r) {
			vcpu_wake(r, SLEEP_IOREQ);
			domain_put(r->domain);
		}
		*result = word;
		return V_ADVANCE;
	}
	v->handoff = r;
	return V_SLEEP;
}

enum verdict ioreq_wait(struct vcpu *v, u64 token, u64 deadline, s64 *result)
{
	struct domain *d = v->domain;
	struct vcpu *r;

	lock(&d->ioq.lock);
	r = d->ioq.taken;
	/* Half of every access to a device: the answer to what was taken last, and nothing else to do. */
	if (unlikely(!r || (u32)token != (u32)r->io_word || !token || READ_ONCE(d->events.pending) ||
		     d->ioq.head || d->ioq.waiter || (deadline && deadline <= arch_now())))
		return wait_other(v, token, deadline, result);
	d->ioq.taken = NULL;
	answer(r);
	wait_begin(d, v, deadline);
	unlock(&d->ioq.lock);
	v->handoff = r;
	return V_SLEEP;
}

bool ioreq_asks(const struct domain *d, const struct domain *dm)
{
	domain_each_vcpu(d, v)
		if (v->io_state != IO_IDLE && v->io_dm == dm)
			return true;
	return false;
}

bool ioreq_cancel(struct vcpu *v)
{
	struct domain *d = v->domain, *dm = v->io_dm;
	bool still;

	lock(&d->ioq.lock);
	if (d->ioq.waiter == v) {
		d->ioq.waiter = NULL;
		v->sleep = SLEEP_NO;
	}
	unlock(&d->ioq.lock);
	if (!dm) /* or its device model is no more */
		v->io_state = IO_IDLE;
	/* Idle: the device model may have given its claim back since, and be gone. */
	if (v->io_state == IO_IDLE)
		return READ_ONCE(v->sleep) != SLEEP_WAIT;
	lock(&dm->ioq.lock);
	if (v->io_state == IO_QUEUED) {
		struct vcpu **p = &dm->ioq.head, *last = NULL;

		while (*p && *p != v) {
			last = *p;
			p = &last->io_next;
		}
		if (*p) {
			*p = v->io_next;
			if (dm->ioq.tail == v)
				dm->ioq.tail = last;
		}
	}
	if (dm->ioq.taken == v)
		dm->ioq.taken = NULL;
	still = v->io_state != IO_ANSWERED || READ_ONCE(v->sleep) != SLEEP_IOREQ;
	if (still) {
		v->io_state = IO_IDLE;
		v->io_dm = NULL;
	}
	unlock(&dm->ioq.lock);
	return still;
}

void ioreq_orphan(struct domain *dm)
{
	lock(&dm->ioq.lock);
	for (struct vcpu *v = dm->ioq.head; v; v = v->io_next)
		v->io_dm = NULL;
	dm->ioq.head = NULL;
	dm->ioq.taken = NULL;
	unlock(&dm->ioq.lock);
}

/* v's access, which nobody has answered, is asked again. */
static void ask_again(struct domain *dm, struct vcpu *v)
{
	lock(&dm->ioq.lock);
	if (v->io_dm == dm && v->io_state == IO_TAKEN) {
		v->io_state = IO_QUEUED;
		v->io_next = dm->ioq.head;
		if (!dm->ioq.head)
			dm->ioq.tail = v;
		dm->ioq.head = v;
	}
	unlock(&dm->ioq.lock);
}

void ioreq_again(struct domain *dm)
{
	struct domain *d;

	lock(&dm->ioq.lock);
	dm->ioq.taken = NULL;
	unlock(&dm->ioq.lock);
	for (u32 id = 0; (d = domain_get_next(id)); domain_put(d)) {
		id = d->id + 1u;
		domain_each_vcpu(d, v)
			ask_again(dm, v);
	}
}

void ioreq_init(struct vcpu *v)
{
	v->io_word = (u64)CAISSON_WAIT_IOREQ << 56 | (u64)v->domain->id << 16 | v->id;
	timer_init(&v->wait_timer, &this_cpu()->timers, ioreq_timeout);
}
