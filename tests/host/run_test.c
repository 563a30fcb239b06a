/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop of a CPU: who has it after whom. Each vCPU does what the letters of its script say; each step that
 * is made is written down, with the vCPU's name before it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hv/arch.h"
#include "hv/control.h"
#include "hv/hypercall.h"
#include "hv/ioreq.h"
#include "hv/pcpu.h"
#include "hv/trace.h"
#include "tests/host/fake_arch.h"
#include "tests/host/world.h"

/*
 * q  asks its device model and sleeps
 * w  answers what it was given last, and waits for the next
 * o  the same with what it was given first
 * s  like w, and is sent an event before it has left the CPU
 * n  waits without an answer
 * r  answers and looks, does not wait
 * h  HLT
 * i  HLT, and there is an interrupt before it has left the CPU
 * p  waits for SIPI
 * k  is kicked for nothing, then because somebody else is to run
 * j  runs on for 10 ms
 * .  runs on
 * e  its turn ends
 * x  its domain ends
 * g  the control domain has crashed
 */
static struct actor {
	char name;
	struct vcpu *v;
	const char *script;
	u64 token[4]; /* what it was given and has not answered */
	u32 tokens;
} actor[4];
static u32 actors;
static char done[256];
static struct world w;
static struct domain *d; /* b's second: asks a, too */
static bool waits;	 /* somebody's result is still to come */

static enum verdict next(struct vcpu *v)
{
	struct pcpu *c = this_cpu();
	const struct claim *claim;
	enum verdict vd = V_ADVANCE;
	struct actor *a = actor;
	u64 answer;
	char what;
	s64 r;

	while (a->v != v)
		a++;
	what = *a->script ? *a->script++ : 'x';
	strncat(done, (char[]){ a->name, what, ' ', 0 }, sizeof(done) - strlen(done) - 1);
	assert_ptr_equal(v->cpu, c);
	assert_ptr_equal(c->current, v);
	switch (what) {
	case 'q':
		claim = bus_find(&v->domain->bus, CAISSON_IO_PORT, 0x3f8, 1);
		return ioreq_submit(v, claim, 0x3f8, 0, ioreq_what(CAISSON_IO_PORT, 1), 0);
	case 'w':
	case 'o':
	case 's':
	case 'n':
	case 'r':
		if (waits && CAISSON_WAIT_KIND(world_result) == CAISSON_WAIT_IOREQ)
			a->token[a->tokens++] = (u32)world_result | CAISSON_ANSWER;
		waits = false;
		answer = what == 'n' || !a->tokens ? 0 : what == 'o' ? a->token[0] : a->token[a->tokens - 1];
		a->tokens -= answer != 0;
		if (what == 'o')
			memmove(a->token, a->token + 1, sizeof(a->token) - sizeof(a->token[0]));
		world_result = 0;
		vd = ioreq_wait(v, answer, what == 'r' ? CAISSON_DEADLINE_NOW : 0, &r);
		waits = vd == V_SLEEP;
		if (!waits && CAISSON_WAIT_KIND(r) == CAISSON_WAIT_IOREQ)
			a->token[a->tokens++] = (u32)r | CAISSON_ANSWER;
		if (what == 's')
			event_send(v->domain, 9);
		return vd;
	case 'i':
		v->pending |= PEND_IRQ;
		/* fall through */
	case 'h':
		vcpu_sleep(v, SLEEP_HLT);
		return V_SLEEP;
	case 'p':
		vcpu_sleep(v, SLEEP_SIPI);
		return V_SLEEP;
	case 'j':
		fake.now += 10000000;
		return vd;
	case 'k':
		run_kicked(c);
		assert_false(v->pending & PEND_LEAVE);
		WRITE_ONCE(c->sched.resched, true);
		run_kicked(c);
		assert_true(v->pending & PEND_LEAVE);
		return vd;
	case 'e':
		run_turn_ends(c);
		vcpu_pend(v, PEND_LEAVE, false);
		return V_ADVANCE;
	case 'x':
		domain_end(v->domain, CAISSON_END_POWEROFF, 0, "the end");
		return V_STOP;
	case 'g':
		vcpu_sleep(v, SLEEP_AGAIN);
		return V_STOP;
	}
	return vd;
}

static void play(char name, struct domain *dom, const char *script)
{
	actor[actors++] = (struct actor){ .name = name, .v = dom->vcpu[0], .script = script };
}

static void run(const char *wanted)
{
	for (u32 i = 0; i < actors; i++)
		assert_int_equal(domain_unpause(actor[i].v->domain, false), 0);
	world_run();
	assert_string_equal(done, wanted);
	assert_null(fake_pcpu[0].lender);
}

static int setup(void **state)
{
	struct caisson_create in = { .abi_version = CAISSON_ABI_VERSION, .vcpus = 1, .pages = 1 };

	(void)state;
	world_begin(&w);
	assert_int_equal(domain_create(&in, w.a, &d), 0);
	assert_int_equal(CALL(w.a, vcpu_create, d->id, 0), 0);
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, CAISSON_IO_PORT, 0x3f8, 8, 0), 0);
	assert_int_equal(CALL(w.a, ioreq_claim, d->id, CAISSON_IO_PORT, 0x3f8, 8, 0), 0);
	actors = 0;
	done[0] = 0;
	waits = false;
	world_again = 0;
	world_next = next;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	domain_put(d);
	assert_true(world_end());
	return 0;
}

/* A requester lends its turn to the device model that waits, and has it back with the answer: the scheduler
 * sees one turn, the requester pays for both. */
static void a_turn_is_lent(void **state)
{
	struct sched_times a, b;

	(void)state;
	play('a', w.a, "nw");
	play('b', w.b, ".q..q.x");
	run("an b. bq aw b. b. bq ax ");
	sched_times(&w.b->vcpu[0]->sched, fake.now, &b);
	sched_times(&w.a->vcpu[0]->sched, fake.now, &a);
	assert_true(b.run > a.run);
	assert_int_equal(w.b->vcpu[0]->io_state, IO_TAKEN); /* its device model ended over the second */
	assert_int_equal(w.b->vcpu[0]->sleep, SLEEP_IOREQ);
}

/* The borrower does not answer but sleeps for something else: the lender sleeps, too, until it does. */
static void lent_in_vain(void **state)
{
	(void)state;
	play('a', w.a, "nh");
	play('b', w.b, "q.");
	run("an bq ah ");
	assert_int_equal(w.b->vcpu[0]->sleep, SLEEP_IOREQ);
	assert_int_equal(w.a->vcpu[0]->sleep, SLEEP_HLT);
	assert_null(w.b->vcpu[0]->cpu);
	/* woken, it goes on with it */
	done[0] = 0;
	actor[0].script = "wx";
	vcpu_wake(w.a->vcpu[0], SLEEP_HLT);
	world_run();
	assert_string_equal(done, "aw b. bx ");
}

/* It is answered on the way, without a wait: on with the lender, the model has a turn of its own. */
static void answered_without_a_wait(void **state)
{
	(void)state;
	play('a', w.a, "nr.eh");
	play('b', w.b, "q..h");
	run("an bq ar a. ae b. b. bh ah ");
}

/* The end of the borrowed turn ends the loan. */
static void the_turn_ends(void **state)
{
	(void)state;
	play('a', w.a, "nerh");
	play('b', w.b, "q.h");
	run("an bq ae ar ah b. bh ");
}

/* During the loan of one requester another one is answered:
 * that one goes on, the lender waits for its answer. */
static void another_is_answered(void **state)
{
	(void)state;
	play('a', w.a, "nnowh");
	play('b', w.b, "q.h");
	play('c', d, "q.h");
	run("an bq an cq ao b. bh ");
	assert_int_equal(d->vcpu[0]->sleep, SLEEP_IOREQ);
	assert_int_equal(w.a->vcpu[0]->sleep, SLEEP_WAIT);
}

static void the_model_crashes(void **state)
{
	(void)state;
	play('a', w.a, "nx");
	play('b', w.b, "q.");
	run("an bq ax ");
	assert_int_equal(w.b->vcpu[0]->sleep, SLEEP_IOREQ);
}

/* A model with a cap of its own is not run on another's account. */
static void not_lent_to_who_has_a_cap(void **state)
{
	struct sched_times t;

	(void)state;
	assert_int_equal(sched_set_cap(&w.a->sched, 90), 0);
	play('a', w.a, "nwh");
	play('b', w.b, "q.h");
	run("an bq aw b. bh ");
	sched_times(&w.a->vcpu[0]->sched, fake.now, &t);
	assert_true(t.run > 1000);
}

/* From a model that answers and waits, the CPU goes to the requester;
 * and from one with more to do it does not. */
static void handed_over(void **state)
{
	(void)state;
	play('b', w.b, "q.h");
	play('a', w.a, ".nwh");
	run("bq a. an aw b. bh ");
}

/* Neither lent nor handed over: its turn was over. The model comes when it is its own. */
static void at_the_end_of_a_turn(void **state)
{
	(void)state;
	assert_int_equal(sched_set_cap(&w.a->sched, 90), 0);
	play('a', w.a, "nwh");
	play('b', w.b, "jq.h");
	run("an bj bq aw b. bh ");
}

/* A model that is woken before it has left the CPU still wakes whom it answered. */
static void woken_on_its_way(void **state)
{
	(void)state;
	play('b', w.b, "q.h");
	play('a', w.a, ".nsnh");
	run("bq a. an as an b. bh ");
}

/* What came while it went to sleep keeps it awake. */
static void work_keeps_it_awake(void **state)
{
	(void)state;
	play('b', w.b, "i.kh");
	play('a', w.a, "p.h");
	run("bi b. bk bh ap ");
	done[0] = 0;
	vcpu_wake(w.a->vcpu[0], SLEEP_HLT); /* not what it waits for */
	vcpu_pend(w.a->vcpu[0], PEND_ARCH, true);
	vcpu_wake(w.b->vcpu[0], SLEEP_SIPI);
	world_run();
	assert_string_equal(done, "a. ah ");
}

/* Its timers come with it; its coming and going is in the trace. */
static void comes_from_another_cpu(void **state)
{
	struct caisson_trace_control on = { CAISSON_TRACE_ON, BIT(CAISSON_TRACE_IN) | BIT(CAISSON_TRACE_OUT),
					    0 };
	struct vcpu *v = w.b->vcpu[0];
	struct caisson_trace_record r[4];
	struct caisson_trace_head head;

	(void)state;
	assert_int_equal(trace_control(&on), 0);
	domain_watch(w.b, CAISSON_WATCH_TRACE, 0);
	timer_queue_init(&fake_pcpu[1].timers, &fake_pcpu[1]);
	v->wait_timer.queue = &fake_pcpu[1].timers;
	timer_set(&v->wait_timer, fake.now + 5000000);
	play('b', w.b, ".h");
	play('a', w.a, ".h");
	run("b. bh a. ah ");
	assert_ptr_equal(v->wait_timer.queue, &fake_pcpu[0].timers);
	assert_false(timer_pending(&v->wait_timer)); /* it has come, here */
	assert_int_equal(trace_read(0, 0, &head, r, 4), 2);
	assert_int_equal(r[0].type, CAISSON_TRACE_IN);
	assert_int_equal(r[1].type, CAISSON_TRACE_OUT);
	assert_int_equal(r[1].kind, SLEEP_HLT);
	on.flags = 0;
	trace_control(&on);
}

/* The control domain is started again where its vCPU has left the CPU, also when that was lent. */
static void started_again(void **state)
{
	(void)state;
	play('a', w.a, "g");
	run("ag ");
	assert_int_equal(world_again, 1);
	assert_null(w.a->vcpu[0]->cpu);
}

static void started_again_on_a_lent_turn(void **state)
{
	(void)state;
	play('a', w.a, "ng");
	play('b', w.b, "q.");
	run("an bq ag ");
	assert_int_equal(world_again, 1);
	assert_null(w.a->vcpu[0]->cpu);
	assert_int_equal(w.b->vcpu[0]->sleep, SLEEP_IOREQ);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_turn_is_lent),
		TEST(lent_in_vain),
		TEST(answered_without_a_wait),
		TEST(the_turn_ends),
		TEST(another_is_answered),
		TEST(the_model_crashes),
		TEST(not_lent_to_who_has_a_cap),
		TEST(handed_over),
		TEST(at_the_end_of_a_turn),
		TEST(woken_on_its_way),
		TEST(work_keeps_it_awake),
		TEST(comes_from_another_cpu),
		TEST(started_again),
		TEST(started_again_on_a_lent_turn),
	};

	world_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
