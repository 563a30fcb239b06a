/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests: in whose queue they stand, who answers which,
 * what a device model that waits is given and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hv/arch.h"
#include "hv/hypercall.h"
#include "hv/ioreq.h"
#include "hv/pcpu.h"
#include "hv/trace.h"
#include "tests/host/fake_arch.h"
#include "tests/host/world.h"

#define NOW	CAISSON_DEADLINE_NOW
#define TIMEOUT ((u64)CAISSON_WAIT_TIMEOUT << 56)
#define EVENTS	((u64)CAISSON_WAIT_EVENTS << 56)
#define UNTOLD	0x5555

static struct world w;
static struct domain *dm; /* a, which answers for b, with three vCPUs, and for c */
static struct vcpu *v[4];

static int setup(void **state)
{
	struct caisson_create in = { .abi_version = CAISSON_ABI_VERSION, .vcpus = 3, .pages = 1 };
	struct domain *d[2];

	(void)state;
	world_begin(&w);
	dm = w.a;
	for (u32 i = 0; i < 2; i++) {
		assert_int_equal(domain_create(&in, dm, &d[i]), 0);
		for (u32 n = 0; n < (i ? 1 : 3); n++)
			assert_int_equal(CALL(dm, vcpu_create, d[i]->id, n), 0);
		assert_int_equal(CALL(dm, ioreq_claim, d[i]->id, CAISSON_IO_PORT, 0x3f8, 8, 0), 0);
		domain_put(d[i]);
	}
	for (u32 i = 0; i < 4; i++)
		v[i] = i < 3 ? d[0]->vcpu[i] : d[1]->vcpu[0];
	world_result = UNTOLD;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(world_end());
	return 0;
}

/* What run_sleep() does with who was given something. */
static void wakes(struct vcpu *by)
{
	struct vcpu *w = by->handoff;

	by->handoff = NULL;
	w->sleep = SLEEP_NO;
	domain_put(w->domain);
}

static void reset(struct domain *d)
{
	int r;

	domain_ref(d);
	do
		r = domain_reset(d);
	while (r == -CAISSON_EAGAIN);
	assert_int_equal(r, 0);
	domain_put(d);
}

static void ask(struct vcpu *r, bool write, u64 data)
{
	const struct claim *c = bus_find(&r->domain->bus, CAISSON_IO_PORT, 0x3f8, 1);

	r->io_state = IO_IDLE;
	assert_int_equal(ioreq_submit(r, c, 0x3f8, data,
				      ioreq_what(CAISSON_IO_PORT, 1) | (write ? IOREQ_WRITE : 0), 0),
			 V_BLOCK);
}

static u64 token(const struct vcpu *r)
{
	return (u64)r->domain->id << 16 | r->id | CAISSON_ANSWER;
}

static u64 word(const struct vcpu *r)
{
	return (u64)CAISSON_WAIT_IOREQ << 56 | (u32)token(r);
}

static u64 wait(u64 answers, u64 deadline)
{
	return (u64)CALL(dm, wait, answers, deadline);
}

static bool sleeps(void)
{
	return dm->vcpu[0]->sleep == SLEEP_WAIT;
}

/* In the order in which they were asked; answered in any. */
static void in_order(void **state)
{
	(void)state;
	for (u32 i = 0; i < 4; i++)
		ask(v[i], true, 100 + i);
	for (u32 i = 0; i < 4; i++) {
		assert_int_equal(wait(0, NOW), word(v[i]));
		assert_int_equal(v[i]->io_state, IO_TAKEN);
		assert_int_equal(v[i]->domain->ioreq->slot[v[i]->id].data, 100 + i);
		assert_true(v[i]->domain->ioreq->slot[v[i]->id].write);
	}
	assert_int_equal(wait(0, NOW), TIMEOUT);
	for (u32 i = 0; i < 4; i++) {
		struct vcpu *r = v[(i + 1) % 4];

		r->domain->ioreq->slot[r->id].data = 200 + i;
		assert_int_equal(wait(token(r), NOW), TIMEOUT);
		assert_int_equal(r->io_state, IO_ANSWERED);
		assert_int_equal(r->io_data, 200 + i);
		assert_int_equal(r->sleep, SLEEP_NO);
		assert_true(r->pending & PEND_IO);
	}
}

/* A token that names nothing that this device model has taken answers nothing. */
static void wrong_tokens(void **state)
{
	struct vcpu *own = w.b->vcpu[0];

	(void)state;
	assert_int_equal(wait(token(v[0]), NOW), -CAISSON_EINVAL); /* asked nothing */
	ask(v[0], false, 0);
	ask(v[1], false, 0);
	assert_int_equal(wait(token(v[0]), NOW), -CAISSON_EINVAL); /* in the queue yet */
	assert_int_equal(wait(0, NOW), word(v[0]));
	assert_int_equal(wait(token(v[1]), NOW), -CAISSON_EINVAL);
	assert_int_equal(wait(CAISSON_ANSWER | 77 << 16, NOW), -CAISSON_EINVAL);
	assert_int_equal(wait(CAISSON_ANSWER | (u64)v[0]->domain->id << 16 | 64, NOW), -CAISSON_EINVAL);
	/* no such vCPU */
	assert_int_equal(wait(CAISSON_ANSWER | (u64)v[3]->domain->id << 16 | 2, NOW), -CAISSON_EINVAL);
	assert_int_equal(wait(token(own), NOW), -CAISSON_EINVAL);
	assert_int_equal(CALL(w.b, wait, token(v[0]), NOW), -CAISSON_EINVAL); /* another's */
	assert_int_equal(wait(token(v[0]), NOW), word(v[1]));
	assert_int_equal(wait(token(v[0]), NOW), -CAISSON_EINVAL); /* twice */
	assert_int_equal(v[1]->io_state, IO_TAKEN);
}

/* Who waits is given it directly: it leaves the requester's CPU to the device model. */
static void given_directly(void **state)
{
	(void)state;
	wait(0, 0);
	assert_true(sleeps());
	ask(v[0], false, 0);
	assert_int_equal(v[0]->io_state, IO_TAKEN);
	assert_ptr_equal(v[0]->handoff, dm->vcpu[0]);
	assert_int_equal(world_result, word(v[0]));
	assert_ptr_equal(dm->ioq.taken, v[0]);
	wakes(v[0]);
	/* ... the next waits in the queue */
	ask(v[1], false, 0);
	assert_int_equal(v[1]->io_state, IO_QUEUED);
	assert_null(v[1]->handoff);
}

/* An event that was sent before is told before. */
static void events_first(void **state)
{
	(void)state;
	wait(0, 0);
	dm->events.pending = BIT(9);
	ask(v[0], false, 0);
	assert_int_equal(world_result, EVENTS | BIT(9));
	assert_int_equal(v[0]->io_state, IO_QUEUED);
	assert_ptr_equal(v[0]->handoff, dm->vcpu[0]);
	wakes(v[0]);
	assert_int_equal(wait(0, NOW), word(v[0]));
	assert_int_equal(wait(0, NOW), TIMEOUT);
	/* sent while it sleeps */
	wait(0, 0);
	assert_int_equal(CALL(dm, event_bind, CAISSON_SELF, 10), 0);
	assert_int_equal(CALL(dm, event_send, CAISSON_SELF, 10), 0);
	assert_int_equal(world_result, EVENTS | BIT(10));
	assert_false(sleeps());
	/* nothing: it sleeps on */
	wait(0, 0);
	world_result = UNTOLD;
	ioreq_notify(dm);
	assert_true(sleeps());
	assert_int_equal(world_result, UNTOLD);
}

static void one_waits(void **state)
{
	s64 r = 0;

	(void)state;
	wait(0, 0);
	assert_int_equal(ioreq_wait(dm->vcpu[1], 0, 0, &r), V_ADVANCE);
	assert_int_equal(r, -CAISSON_EBUSY);
	assert_ptr_equal(dm->ioq.waiter, dm->vcpu[0]);
}

static void expire(u64 now)
{
	fake.now = now;
	timer_expire(&fake_pcpu[0].timers, now);
}

/* The end of a wait comes at its deadline, whatever a timer was armed for by the waits before it. */
static void deadlines(void **state)
{
	u64 t = fake.now;

	(void)state;
	assert_int_equal(wait(0, t), TIMEOUT); /* past */
	wait(0, t + 1000);
	assert_int_equal(fake.timer[0], t + 1000);
	expire(t + 1000);
	assert_int_equal(world_result, TIMEOUT);
	assert_false(sleeps());
	/* ended otherwise, and the next wait is longer: the timer looks and goes on */
	wait(0, t + 2000);
	event_send(dm, 9);
	assert_false(sleeps());
	wait(0, t + 9000);
	world_result = UNTOLD;
	expire(t + 2000);
	assert_true(sleeps());
	assert_int_equal(world_result, UNTOLD);
	assert_int_equal(fake.timer[0], t + 9000);
	/* shorter: it comes earlier */
	event_send(dm, 9);
	wait(0, t + 5000);
	assert_int_equal(fake.timer[0], t + 5000);
	expire(t + 5000);
	assert_false(sleeps());
	/* for ever, or not at all: the timer finds nobody */
	wait(0, t + 6000);
	event_send(dm, 9);
	wait(0, 0);
	world_result = UNTOLD;
	expire(t + 6000);
	assert_true(sleeps());
	event_send(dm, 9);
	wait(0, t + 7000);
	event_send(dm, 9);
	world_result = UNTOLD;
	expire(t + 7000);
	assert_int_equal(world_result, UNTOLD);
}

/* Those of a domain that goes leave the queue, wherever they stand in it. */
static void cancelled(void **state)
{
	(void)state;
	for (u32 gone = 0; gone < 4; gone++) {
		for (u32 i = 0; i < 4; i++)
			ask(v[i], false, 0);
		ioreq_cancel(v[gone]);
		assert_int_equal(v[gone]->io_state, IO_IDLE);
		ioreq_cancel(v[gone]); /* nothing more */
		for (u32 i = 0; i < 4; i++)
			if (i != gone)
				assert_int_equal(wait(0, NOW), word(v[i]));
		ask(v[gone], false, 0); /* the end of the queue is where it was */
		assert_int_equal(wait(0, NOW), word(v[gone]));
		ioreq_cancel(v[gone]);
		assert_null(dm->ioq.taken);
		assert_int_equal(wait(token(v[gone]), NOW), -CAISSON_EINVAL);
	}
	/* all of them, one after the other, while others are asked */
	for (u32 i = 0; i < 4; i++)
		ask(v[i], false, 0);
	for (u32 i = 0; i < 4; i++)
		ioreq_cancel(v[i]);
	assert_int_equal(wait(0, NOW), TIMEOUT);
	/* one in the queue that is started again does not come twice */
	ask(v[0], false, 0);
	assert_int_equal(wait(0, NOW), word(v[0]));
	ask(v[1], false, 0);
	ioreq_again(dm);
	assert_int_equal(wait(0, NOW), word(v[0]));
	assert_int_equal(wait(0, NOW), word(v[1]));
	assert_int_equal(wait(0, NOW), TIMEOUT);
}

/* The device model goes: nobody is in its queue, and those who were do not look at it. */
static void orphans(void **state)
{
	(void)state;
	ask(v[0], false, 0);
	ask(v[1], false, 0);
	ask(v[3], false, 0);
	assert_int_equal(wait(0, NOW), word(v[0]));
	assert_true(ioreq_asks(v[0]->domain, dm));
	assert_false(ioreq_asks(v[0]->domain, w.b));
	assert_false(ioreq_asks(w.b, dm));
	world_destroy(dm);
	assert_null(v[1]->io_dm);
	assert_null(v[3]->io_dm);
	assert_int_equal(v[1]->sleep, SLEEP_IOREQ); /* for ever, or until it is reset */
	reset(v[1]->domain);
	assert_int_equal(v[1]->io_state, IO_IDLE); /* it can be given a state */
}

/* A device model that is reset waits no more, and is asked again. */
static void model_reset(void **state)
{
	(void)state;
	ask(v[0], false, 0);
	assert_int_equal(wait(0, NOW), word(v[0]));
	wait(0, 0);
	assert_true(sleeps());
	reset(dm);
	event_send(dm, 9);
	assert_int_equal(world_result, UNTOLD); /* its registers are those of its next life */
	assert_int_equal(wait(0, NOW), EVENTS | BIT(9));
	assert_int_equal(wait(0, NOW), word(v[0]));
	assert_int_equal(wait(token(v[0]), NOW), TIMEOUT);
}

/* A CPU that has an answer, or what a device model waits for, and has not yet woken who is to have it. */
static void woken_late(void **state)
{
	struct domain *d = v[0]->domain;

	(void)state;
	ask(v[0], false, 0);
	assert_int_equal(wait(0, NOW), word(v[0]));
	wait(token(v[0]), 0);
	assert_int_equal(v[0]->sleep, SLEEP_IOREQ);
	assert_ptr_equal(dm->vcpu[0]->handoff, v[0]);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(domain_reset(d), -CAISSON_EAGAIN);
	wakes(dm->vcpu[0]);
	reset(d);
	ask(v[3], false, 0);
	assert_ptr_equal(v[3]->handoff, dm->vcpu[0]);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(domain_reset(dm), -CAISSON_EAGAIN);
	wakes(v[3]);
	reset(dm);
	assert_int_equal(wait(0, NOW), word(v[3]));
}

static void traced(void **state)
{
	struct caisson_trace_control on = { CAISSON_TRACE_ON,
					    BIT(CAISSON_TRACE_IOREQ) | BIT(CAISSON_TRACE_ANSWER), 0 };
	struct caisson_trace_record r[2];
	struct caisson_trace_head head;

	(void)state;
	assert_int_equal(trace_control(&on), 0);
	ask(v[1], true, 7); /* not looked at */
	v[2]->watch = WATCH_DEBUG;
	ask(v[2], true, 7); /* only debugged */
	assert_int_equal(wait(0, NOW), word(v[1]));
	assert_int_equal(wait(0, NOW), word(v[2]));
	assert_int_equal(wait(token(v[2]), NOW), TIMEOUT);
	assert_int_equal(CALL(dm, watch, v[0]->domain->id, CAISSON_WATCH_TRACE, 0), 0);
	ask(v[0], true, 8);
	assert_int_equal(wait(0, NOW), word(v[0]));
	v[0]->domain->ioreq->slot[0].data = 9;
	assert_int_equal(wait(token(v[0]), NOW), TIMEOUT);
	assert_int_equal(trace_read(0, 0, &head, r, 2), 2);
	assert_int_equal(head.next - head.first, 2);
	assert_int_equal(r[0].type, CAISSON_TRACE_IOREQ);
	assert_int_equal(r[0].kind, 1 | 1 << 4);
	assert_int_equal(r[0].a, 0x3f8);
	assert_int_equal(r[0].b, 8);
	assert_int_equal(r[0].dom, v[0]->domain->id);
	assert_int_equal(r[1].type, CAISSON_TRACE_ANSWER);
	assert_int_equal(r[1].b, 9);
	on.flags = 0;
	assert_int_equal(trace_control(&on), 0);
}

/* Posted writes: one event for many, in order, as many as the ring has room for. */
static void posted(void **state)
{
	struct domain *d = v[0]->domain;
	const struct claim *c;
	struct caisson_ring *ring;

	(void)state;
	assert_int_equal(
		CALL(dm, ioreq_claim, d->id, CAISSON_IO_MMIO, PAGE_SIZE, PAGE_SIZE, CAISSON_CLAIM_POSTED), 0);
	c = bus_find(&d->bus, CAISSON_IO_MMIO, PAGE_SIZE, 4);
	ring = d->posted.ring;
	wait(0, 0);
	for (u32 i = 0; i < CAISSON_RING; i++)
		assert_true(ioreq_post(v[0], c, PAGE_SIZE + i, i,
				       ioreq_what(CAISSON_IO_MMIO, 4) | IOREQ_VCPU(v[0]), 0x100 + i));
	assert_int_equal(world_result, EVENTS | BIT(CAISSON_EVENT_POSTED));
	assert_false(sleeps());
	assert_false(ioreq_post(v[0], c, PAGE_SIZE, 0, ioreq_what(CAISSON_IO_MMIO, 4) | IOREQ_VCPU(v[0]), 0));
	assert_int_equal(ring->head, CAISSON_RING);
	for (u32 i = 0; i < CAISSON_RING; i++) {
		assert_int_equal(ring->entry[i].addr, PAGE_SIZE + i);
		assert_int_equal(ring->entry[i].data, i);
		assert_int_equal(ring->entry[i].size, 4);
		assert_int_equal(ring->entry[i].kind, CAISSON_IO_MMIO);
		assert_int_equal(ring->entry[i].rip, 0x100 + i);
	}
	ring->tail = 1;
	assert_true(ioreq_post(v[1], c, PAGE_SIZE, 5, ioreq_what(CAISSON_IO_MMIO, 4) | IOREQ_VCPU(v[1]), 0));
	assert_int_equal(ring->entry[0].vcpu, 1);
	ring->tail = 0xfffffff0; /* a model that lies fills its own ring */
	assert_false(ioreq_post(v[0], c, PAGE_SIZE, 0, 0, 0));
	/* a reset begins at the beginning */
	while (domain_reset(d))
		;
	assert_int_equal(ring->head + ring->tail, 0);
	assert_int_equal(d->posted.head, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(in_order),	 TEST(wrong_tokens), TEST(given_directly), TEST(events_first),
		TEST(one_waits), TEST(deadlines),    TEST(cancelled),	   TEST(orphans),
		TEST(traced),	 TEST(posted),	     TEST(model_reset),	   TEST(woken_late),
	};

	world_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
