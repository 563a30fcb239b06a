/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler in a simulated machine: virtual time in ns, CPUs with the run loop of hv/run.c, units that
 * compute and sleep. At every step the simulation checks what must always hold; each test then checks one
 * promise of docs/scheduler.md.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include "hv/abi/caisson.h"
#include "hv/arch.h"
#include "hv/sched.h"
#include "tests/host/fake_arch.h"

#define US    1000ull
#define MS    1000000ull
#define SEC   1000000000ull
#define UNITS 4096
#define NEVER (~0ull)

struct load {
	struct sched_unit u;
	struct heap_node wake; /* when it sleeps */
	u64 work, sleep;       /* a job, and the pause after it; work NEVER: a busy loop */
	u64 period;	       /* jobs are released so, not after a pause; 0: none */
	u64 released, left;    /* of the job at hand */
	u64 ran;	       /* as the simulation sees it */
	u64 woken;	       /* when it was woken and did not run since; NEVER */
	u64 worst, jobs, late; /* latency; jobs done; after the next release */
	u64 last;	       /* when it ran last */
	u64 on_cpu[FAKE_CPUS];
	bool random;
};

static struct load *unit;
static u32 units, cpus;
static struct sched_group group[512];
static struct heap sleepers;
static u64 began[FAKE_CPUS]; /* of the present stretch of the current */
static u64 switches, idle_wrong;

static struct load *load_of(struct sched_unit *u)
{
	return container_of(u, struct load, u);
}

static struct sched_cpu *cpu(u32 i)
{
	return &fake_pcpu[i].sched;
}

static void machine(u32 n)
{
	fake_reset();
	cpus = fake.cpus = n;
	fake.now = 1 * SEC;
	sched_init(1000000);
	for (u32 i = 0; i < n; i++)
		sched_init_cpu(cpu(i), i, &fake_pcpu[i]);
	free(unit);
	unit = calloc(UNITS, sizeof(*unit));
	units = 0;
	switches = 0;
	idle_wrong = 0;
	memset(&sleepers, 0, sizeof(sleepers));
	memset(began, 0, sizeof(began));
	for (u32 i = 0; i < ARRAY_SIZE(group); i++)
		sched_group_init(&group[i], false);
	srand(3);
}

static struct load *add(struct sched_group *g, u64 work, u64 sleep)
{
	struct load *l = &unit[units++];

	l->work = l->left = work;
	l->sleep = sleep;
	l->woken = NEVER;
	l->last = fake.now;
	sched_add(&l->u, g);
	return l;
}

static void wake(struct load *l)
{
	l->woken = fake.now;
	l->last = fake.now;
	sched_wake(&l->u);
}

static struct load *busy(struct sched_group *g)
{
	struct load *l = add(g, NEVER, 0);

	wake(l);
	return l;
}

static void settle_time(u32 i)
{
	struct sched_unit *u = cpu(i)->current;
	u64 d = fake.now - began[i];
	struct load *l;

	began[i] = fake.now;
	if (!u)
		return;
	l = load_of(u);
	l->ran += d;
	l->on_cpu[i] += d;
	l->last = fake.now;
	if (l->work != NEVER)
		l->left -= MIN(d, l->left);
}

/* The job is done: the unit sleeps until the next one. */
static void sleep_now(struct load *l)
{
	u64 at;

	l->jobs++;
	if (l->period) {
		l->late += fake.now > l->released + l->period;
		at = l->released + l->period;
		l->released = at;
		at = MAX(at, fake.now);
	} else {
		at = fake.now + (l->random ? 1 + (u64)rand() % (2 * l->sleep) : l->sleep);
	}
	l->left = l->random ? 1 + (u64)rand() % (2 * l->work) : l->work;
	heap_insert(&sleepers, &l->wake, at);
}

/* The run loop of one CPU, once around. */
static void run_cpu(u32 i)
{
	struct sched_cpu *c = cpu(i);
	struct sched_unit *u, *before = c->current;
	struct load *l;

	fake_cpu = i;
	fake.kicked[i] = false;
	settle_time(i);
	if (before && load_of(before)->work != NEVER && !load_of(before)->left && sched_block(c, fake.now))
		sleep_now(load_of(before));
	u = sched_pick(c, fake.now);
	assert_ptr_equal(u, c->current);
	if (c->loaded && c->loaded != u && (u || c->evict))
		sched_put(c);
	if (!u)
		return;
	if (u != c->loaded) {
		assert_null(c->loaded);
		sched_loaded(c, u);
		switches++;
	}
	assert_ptr_equal(u->on, c);
	assert_true(u->affinity[i / 64] >> (i % 64) & 1);
	assert_int_equal(u->group->pool, c->pool);
	assert_int_equal(u->holds, 0);
	assert_true(!u->rt.budget || u->rt.home == c);
	l = load_of(u);
	if (l->woken != NEVER) {
		l->worst = MAX(l->worst, fake.now - l->woken);
		l->woken = NEVER;
	}
}

static void serve_kicks(void)
{
	bool any = true;

	for (u32 round = 0; any; round++) {
		assert_true(round < 100);
		any = false;
		for (u32 i = 0; i < cpus; i++)
			if (fake.kicked[i] || cpu(i)->resched) {
				run_cpu(i);
				any = true;
			}
	}
}

/* What must hold between any two events. */
static void check(void)
{
	u32 i, k, runnable, queued;
	struct heap_node *n;

	for (i = 0; i < cpus; i++) {
		struct sched_cpu *c = cpu(i);

		runnable = (c->current != NULL) + c->fair.count + c->reserved.count;
		assert_int_equal(c->runnable, runnable);
		if (c->current)
			assert_int_equal(c->current->state, SCHED_RUNNING);
		else
			assert_int_equal(runnable, 0); /* work is not left lying on an idle CPU */
		assert_true(c->slice_end > fake.now || !c->current);
		if (c->current || c->runnable)
			continue;
		/* An idle CPU next to one where somebody waits who could come. */
		for (k = 0; k < cpus; k++)
			for (queued = 0, n = heap_first(&cpu(k)->fair); n && queued < 4;
			     n = heap_next(n), queued++) {
				struct sched_unit *u = container_of(n, struct sched_unit, run);

				if (u->affinity[0] >> i & 1 && u->group->pool == c->pool && !u->rt.budget &&
				    !u->on)
					idle_wrong++;
			}
	}
}

static void run_until(u64 end)
{
	serve_kicks();
	while (fake.now < end) {
		u64 next = end;
		struct heap_node *n = heap_first(&sleepers);

		if (n)
			next = MIN(next, n->key);
		for (u32 i = 0; i < cpus; i++) {
			struct sched_cpu *c = cpu(i);

			next = MIN(next, MAX(c->slice_end, fake.now));
			if (c->current && load_of(c->current)->work != NEVER)
				next = MIN(next, fake.now + load_of(c->current)->left -
							 MIN(fake.now - began[i], load_of(c->current)->left));
		}
		fake.now = next;
		for (u32 i = 0; i < cpus; i++) {
			struct sched_cpu *c = cpu(i);
			struct load *l = c->current ? load_of(c->current) : NULL;

			if (c->slice_end <= fake.now)
				sched_tick(c);
			if (l && l->work != NEVER && fake.now - began[i] >= l->left)
				sched_tick(c);
		}
		while ((n = heap_first(&sleepers)) && n->key <= fake.now) {
			struct load *l = container_of(n, struct load, wake);

			heap_remove(&sleepers, n);
			fake_cpu = (u32)rand() % cpus;
			wake(l);
		}
		serve_kicks();
		check();
	}
	for (u32 i = 0; i < cpus; i++)
		settle_time(i);
}

static u64 ran(const struct sched_group *g)
{
	u64 sum = 0;

	for (u32 i = 0; i < units; i++)
		if (unit[i].u.group == g)
			sum += unit[i].ran;
	return sum;
}

static void forget(void)
{
	for (u32 i = 0; i < units; i++)
		unit[i].ran = unit[i].worst = unit[i].jobs = unit[i].late = 0;
}

/* |a - b| is at most percent of b. */
static void assert_within(u64 a, u64 b, double percent)
{
	double off = 100.0 * ((double)a - (double)b) / (double)b;

	if (off > percent || off < -percent) {
		print_error("%lu is not within %.1f %% of %lu: %.2f %%\n", a, percent, b, off);
		fail();
	}
}

/* ---- the fair class ---- */

/* Weights 1:2:4, so many single-vCPU domains of each weight. */
static void fair_singles(u32 n, u32 each, u64 window)
{
	u64 sum[3] = { 0 }, all;

	machine(n);
	for (u32 i = 0; i < 3 * each; i++) {
		assert_int_equal(sched_set_weight(&group[i], 100u << i % 3), 0);
		busy(&group[i]);
	}
	run_until(fake.now + window * SEC);
	forget();
	run_until(fake.now + 2 * SEC);
	for (u32 i = 0; i < 3 * each; i++)
		sum[i % 3] += unit[i].ran;
	all = sum[0] + sum[1] + sum[2];
	assert_int_equal(all, n * 2 * SEC);
	for (u32 w = 0; w < 3; w++)
		assert_within(sum[w], all * (1u << w) / 7, 3);
	for (u32 i = 0; i < 3 * each; i++) /* and each by itself within a slice or two */
		assert_within(unit[i].ran, all * (1u << i % 3) / 7 / each,
			      3 + 100.0 * 3 * MS / (double)(all / 7 / each));
}

/* The same with three domains of so many vCPUs. */
static void fair_smp(u32 n, u32 vcpus, u64 window)
{
	u64 all;

	machine(n);
	for (u32 g = 0; g < 3; g++) {
		assert_int_equal(sched_set_weight(&group[g], 256u << g), 0);
		for (u32 i = 0; i < vcpus; i++)
			busy(&group[g]);
	}
	run_until(fake.now + window * SEC);
	forget();
	run_until(fake.now + 2 * SEC);
	all = ran(&group[0]) + ran(&group[1]) + ran(&group[2]);
	assert_int_equal(all, n * 2 * SEC);
	for (u32 g = 0; g < 3; g++)
		assert_within(ran(&group[g]), all * (1u << g) / 7, 3);
}

/* From the start, and in stretches of two seconds later on. */
static void weights_on_two_cpus(void **state)
{
	(void)state;
	for (u64 window = 0; window < 6; window += 3) {
		fair_smp(2, 2, window);
		fair_smp(2, 3, window);
		fair_smp(2, 8, window);
		fair_singles(2, 2, window);
		fair_singles(2, 3, window);
		fair_singles(2, 7, window);
	}
}

static void weights_on_four_cpus(void **state)
{
	(void)state;
	for (u64 window = 0; window < 6; window += 3) {
		fair_smp(4, 4, window);
		fair_smp(4, 5, window);
		fair_smp(4, 16, window);
		fair_singles(4, 3, window);
		fair_singles(4, 4, window);
		fair_singles(4, 5, window);
		fair_singles(4, 11, window);
	}
}

static void twenty_on_two(void **state)
{
	(void)state;
	machine(2);
	for (u32 i = 0; i < 20; i++)
		busy(&group[i]);
	run_until(fake.now + 2 * SEC);
	for (u32 i = 0; i < 20; i++)
		assert_within(unit[i].ran, 200 * MS, 3);
}

/* Three equal units on two CPUs cannot be fair without moving. */
static void three_on_two(void **state)
{
	(void)state;
	machine(2);
	for (u32 i = 0; i < 3; i++)
		busy(&group[i]);
	run_until(fake.now + 2 * SEC);
	for (u32 i = 0; i < 3; i++)
		assert_within(unit[i].ran, 4 * SEC / 3, 3);
}

/* A heavy unit that cannot use more than a CPU gets a CPU; the rest is for the others by weight. */
static void weights_that_cannot_be_had(void **state)
{
	(void)state;
	machine(2);
	for (u32 i = 0; i < 3; i++) {
		sched_set_weight(&group[i], 100u << i);
		busy(&group[i]);
	}
	run_until(fake.now + 2 * SEC);
	assert_within(unit[2].ran, 2 * SEC, 3);
	assert_within(unit[1].ran, 2 * SEC * 2 / 3, 3);
	assert_within(unit[0].ran, 2 * SEC / 3, 3);
}

static void a_domain_gains_nothing_by_more_vcpus(void **state)
{
	(void)state;
	machine(1);
	busy(&group[0]);
	for (u32 i = 0; i < 8; i++)
		busy(&group[1]);
	run_until(fake.now + 2 * SEC);
	assert_within(ran(&group[0]), 1 * SEC, 3);
}

static void a_new_weight_counts_at_once(void **state)
{
	(void)state;
	machine(1);
	busy(&group[0]);
	busy(&group[1]);
	run_until(fake.now + 1 * SEC);
	assert_within(unit[0].ran, 500 * MS, 2);
	forget();
	assert_int_equal(sched_set_weight(&group[0], 3 * SCHED_WEIGHT), 0);
	assert_int_equal(sched_set_weight(&group[0], 0), -CAISSON_EINVAL);
	assert_int_equal(sched_set_weight(&group[0], SCHED_WEIGHT_MAX + 1), -CAISSON_EINVAL);
	run_until(fake.now + 1 * SEC);
	assert_within(unit[0].ran, 750 * MS, 2);
}

/* Virtual time of the lightest weight runs 10,000 times as fast as that of the heaviest:
 * neither starves the other for ever. */
static void extreme_weights(void **state)
{
	(void)state;
	machine(1);
	sched_set_weight(&group[0], 1);
	sched_set_weight(&group[1], SCHED_WEIGHT_MAX);
	busy(&group[0]);
	busy(&group[1]);
	run_until(fake.now + 100 * SEC);
	assert_true(unit[0].ran >= 2 * MS && unit[0].ran <= 30 * MS);
}

static void no_tick_for_one(void **state)
{
	struct load *b;

	(void)state;
	machine(2);
	busy(&group[0]);
	b = busy(&group[1]);
	run_until(fake.now + 10 * MS);
	switches = fake.kicks[0] + fake.kicks[1];
	assert_int_equal(cpu(0)->slice_end, SCHED_NEVER);
	assert_int_equal(cpu(1)->slice_end, SCHED_NEVER);
	run_until(fake.now + 10 * SEC);
	assert_int_equal(fake.kicks[0] + fake.kicks[1], switches);
	assert_int_equal(b->u.switches, 1);
	/* A second one brings the tick back, at once. */
	add(&group[2], NEVER, 0);
	wake(&unit[2]);
	run_until(fake.now + 10 * MS);
	assert_true(unit[2].ran >= 3 * MS);
}

/* ---- latency ---- */

static void a_sleeper_runs_soon(void **state)
{
	(void)state;
	for (u32 n = 1; n <= 3; n++) {
		struct load *l[3];

		machine(n);
		for (u32 i = 0; i < 20 * n; i++)
			busy(&group[i]);
		for (u32 i = 0; i < 3; i++) {
			l[i] = add(&group[100 + i], 100 * US, (3 + i) * MS);
			wake(l[i]);
		}
		run_until(fake.now + 1 * SEC);
		forget();
		run_until(fake.now + 2 * SEC);
		for (u32 i = 0; i < 3; i++) {
			assert_true(l[i]->jobs > 200);
			/* 250 us until the current may be preempted, and two other sleepers' jobs */
			assert_true(l[i]->worst <= 450 * US);
		}
	}
}

/* Who sleeps a little and computes a lot gets no more than its weight. */
static void sleeping_does_not_pay(void **state)
{
	struct load *l;

	(void)state;
	machine(1);
	for (u32 i = 0; i < 4; i++)
		busy(&group[i]);
	l = add(&group[9], 5 * MS, 100 * US);
	wake(l);
	run_until(fake.now + 4 * SEC);
	assert_true(l->ran <= 4 * SEC / 5 * 104 / 100);
	assert_true(l->ran >= 4 * SEC / 5 * 85 / 100);
}

static void the_control_domain_gets_its_share(void **state)
{
	struct load *l;

	(void)state;
	machine(1);
	sched_group_init(&group[0], true);
	l = busy(&group[0]);
	for (u32 i = 0; i < 40; i++) {
		sched_set_weight(&group[1 + i], SCHED_WEIGHT_MAX);
		busy(&group[1 + i]);
	}
	run_until(fake.now + 2 * SEC);
	assert_true(l->ran >= 2 * SEC * (SCHED_GUARANTEE - 1) / 100);
	assert_true(l->ran <= 2 * SEC * (SCHED_GUARANTEE + 2) / 100);
	/* Where its weight gives more, it has that. */
	machine(1);
	sched_group_init(&group[0], true);
	l = busy(&group[0]);
	busy(&group[1]);
	run_until(fake.now + 2 * SEC);
	assert_within(l->ran, 1 * SEC, 3);
}

/* ---- caps ---- */

static void caps_hold(void **state)
{
	(void)state;
	for (u32 others = 0; others < 6; others += 5) {
		machine(1);
		busy(&group[0]);
		assert_int_equal(sched_set_cap(&group[0], 25), 0);
		sched_set_weight(&group[0], 4000);
		for (u32 i = 0; i < others; i++)
			busy(&group[1 + i]);
		run_until(fake.now + 2 * SEC);
		assert_in_range(unit[0].ran, 2 * SEC * 23 / 100, 2 * SEC * 27 / 100);
		if (others)
			assert_int_equal(ran(&group[1]) + ran(&group[2]) + ran(&group[3]) + ran(&group[4]) +
						 ran(&group[5]),
					 2 * SEC - unit[0].ran);
		assert_true(unit[0].u.parked_ticks > SEC);
	}
}

static void a_cap_counts_over_all_cpus(void **state)
{
	(void)state;
	for (u32 percent = 25; percent <= 150; percent += 125) {
		machine(4);
		for (u32 i = 0; i < 6; i++)
			busy(&group[0]);
		assert_int_equal(sched_set_cap(&group[0], percent), 0);
		busy(&group[1]);
		run_until(fake.now + 2 * SEC);
		assert_in_range(ran(&group[0]), 2 * SEC * (percent - 2) / 100, 2 * SEC * (percent + 2) / 100);
	}
	forget();
	assert_int_equal(sched_set_cap(&group[0], 0), 0);
	run_until(fake.now + 1 * SEC);
	assert_true(ran(&group[0]) >= 299 * SEC / 100);
	assert_int_equal(sched_set_cap(&group[0], SCHED_CAP_MAX + 1), -CAISSON_EINVAL);
}

/* ---- reservations ---- */

static struct load *periodic(struct sched_group *g, u64 work, u64 period)
{
	struct load *l = add(g, work, 0);

	l->period = period;
	l->released = fake.now;
	assert_int_equal(sched_set_reservation(l->u.group, (u32)(work / US), (u32)(period / US)), 0);
	wake(l);
	return l;
}

static void no_deadline_is_missed(void **state)
{
	(void)state;
	for (u32 n = 1; n <= 2; n++) {
		struct load *l;

		machine(n);
		for (u32 i = 0; i < 20; i++) {
			sched_set_weight(&group[i], SCHED_WEIGHT_MAX);
			busy(&group[i]);
		}
		run_until(fake.now + 100 * MS);
		l = periodic(&group[100], 2 * MS, 10 * MS);
		run_until(fake.now + 5 * SEC);
		assert_in_range(l->jobs, 499, 501);
		assert_int_equal(l->late, 0);
		assert_int_equal(l->u.rt.missed, 0);
		assert_true(l->worst <= 10 * US); /* alone in its class, it waits for nobody */
	}
}

/* Up to the limit, with periods that do not divide each other,
 * and one among them that wants all it can get. */
static void reservations_do_not_disturb_each_other(void **state)
{
	static const u64 ms[][2] = { { 2, 10 }, { 3, 17 }, { 1, 5 }, { 10, 100 } };
	struct load *l[4], *greedy;

	(void)state;
	machine(1);
	for (u32 i = 0; i < 20; i++)
		busy(&group[i]);
	greedy = busy(&group[30]);
	assert_int_equal(sched_set_reservation(greedy->u.group, 1000, 10000), 0);
	for (u32 i = 0; i < 4; i++)
		l[i] = periodic(&group[40 + i], ms[i][0] * MS, ms[i][1] * MS);
	run_until(fake.now + 100 * MS);
	forget();
	run_until(fake.now + 5 * SEC);
	for (u32 i = 0; i < 4; i++) {
		assert_true(l[i]->jobs >= 5000 / ms[i][1] - 2);
		assert_int_equal(l[i]->late, 0);
		assert_int_equal(l[i]->u.rt.missed, 0);
	}
	assert_true(greedy->ran >= 5 * SEC * 99 / 1000); /* its floor... */
	assert_true(greedy->ran <= 5 * SEC * 13 / 100);	 /* ...and a share of the rest */
	assert_true(ran(&group[0]) >= 5 * SEC / 100 / 3);
}

/* A reservation is a floor: alone on the machine, the unit has the machine. */
static void a_reservation_is_no_ceiling(void **state)
{
	struct load *l;

	(void)state;
	machine(1);
	l = busy(&group[0]);
	assert_int_equal(sched_set_reservation(l->u.group, 1000, 10000), 0);
	run_until(fake.now + 1 * SEC);
	assert_int_equal(l->ran, 1 * SEC);
}

/* The machine itself was late (a long stretch in root mode): counted, and the next period is a whole one. */
static void a_missed_deadline_is_counted(void **state)
{
	struct sched_cpu *c = cpu(0);
	struct load *l, *b;

	(void)state;
	machine(1);
	b = busy(&group[0]);
	run_until(fake.now + 5 * MS);
	l = add(&group[1], NEVER, 0);
	assert_int_equal(sched_set_reservation(l->u.group, 2000, 10000), 0);
	wake(l);
	assert_true(c->resched);
	fake.now += 15 * MS;
	assert_ptr_equal(sched_pick(c, fake.now), &l->u);
	assert_int_equal(l->u.rt.missed, 1);
	assert_int_equal(l->u.rt.deadline, fake.now + 10 * MS);
	assert_int_equal(c->slice_end, fake.now + 2 * MS);
	sched_put(c);
	sched_loaded(c, &l->u);
	fake.now += 1 * MS;
	assert_ptr_equal(sched_pick(c, fake.now), &l->u);
	/* Far over its budget: the rest was in the fair class, where it now comes after the other; a new
	 * period has begun. */
	fake.now += 30 * MS;
	assert_ptr_equal(sched_pick(c, fake.now), &l->u);
	assert_int_equal(l->u.rt.missed, 1);
	assert_int_equal(c->slice_end, fake.now + 2 * MS);
	fake.now += 2 * MS;
	assert_ptr_equal(sched_pick(c, fake.now), &b->u);
	sched_put(c);
	sched_loaded(c, &b->u);
	began[0] = fake.now;
	l->ran = 0;
	run_until(fake.now + 100 * MS);
	assert_true(l->ran >= 20 * MS);
}

/* A unit with its budget used up, asleep and awake again, has no new one before its time. */
static void sleep_does_not_renew_a_budget(void **state)
{
	struct load *l;

	(void)state;
	machine(1);
	for (u32 i = 0; i < 9; i++)
		busy(&group[i]);
	l = add(&group[20], 3 * MS, 100 * US); /* asks for all, in pieces longer than its budget */
	assert_int_equal(sched_set_reservation(l->u.group, 2000, 10000), 0);
	wake(l);
	run_until(fake.now + 3 * SEC);
	assert_true(l->ran >= 3 * SEC * 19 / 100);
	assert_true(l->ran <= 3 * SEC * 30 / 100); /* 20 % and a tenth of the rest */
	assert_int_equal(l->u.rt.missed, 0);
}

static void reservations_come_and_go(void **state)
{
	struct load *l;
	struct sched_times t;

	(void)state;
	machine(2);
	for (u32 i = 0; i < 10; i++)
		busy(&group[i]);
	l = &unit[3];
	for (u32 round = 0; round < 60; round++) { /* whatever it does at the moment */
		run_until(fake.now + 1700 * US);
		assert_int_equal(sched_set_reservation(l->u.group, 3000, 10000), 0);
		run_until(fake.now + (round % 7) * MS);
		assert_int_equal(sched_set_affinity(&l->u, (u64[4]){ 1 + round % 2 }), 0);
		assert_int_equal(l->u.rt.home->id, round % 2);
		assert_int_equal(cpu(round % 2)->rt_share, (3u << 20) / 10);
		assert_int_equal(cpu(1 - round % 2)->rt_share, 0);
		run_until(fake.now + (round % 3) * 7 * MS);
		if (round % 2)
			assert_int_equal(sched_set_reservation(l->u.group, 0, 0), 0);
	}
	assert_int_equal(sched_set_affinity(&l->u, (u64[4]){ 3 }), 0);
	assert_int_equal(sched_set_reservation(l->u.group, 3000, 10000), 0);
	forget();
	run_until(fake.now + 1 * SEC);
	assert_true(l->ran >= 299 * MS);
	/* A parked one too: with a reservation the cap does not hold it. */
	assert_int_equal(sched_set_cap(&group[0], 1), 0);
	run_until(fake.now + 15 * MS);
	assert_int_equal(unit[0].u.state, SCHED_PARKED);
	fake.now += 1;
	sched_times(&unit[0].u, fake.now, &t);
	assert_true(t.parked > unit[0].u.parked_ticks);
	assert_int_equal(sched_set_reservation(unit[0].u.group, 4000, 10000), 0);
	unit[0].ran = 0;
	run_until(fake.now + 1 * SEC);
	assert_true(unit[0].ran >= 399 * MS);
}

static void admission(void **state)
{
	(void)state;
	machine(2);
	for (u32 i = 0; i < 6; i++)
		add(&group[i], NEVER, 0);
	assert_int_equal(sched_set_reservation(unit[0].u.group, 50, 10000), -CAISSON_EINVAL);
	assert_int_equal(sched_set_reservation(unit[0].u.group, 2000, 1000), -CAISSON_EINVAL);
	assert_int_equal(sched_set_reservation(unit[0].u.group, 2000, 1000001), -CAISSON_EINVAL);
	assert_int_equal(sched_set_reservation(unit[0].u.group, 9000, 10000),
			 -CAISSON_ENOSPC); /* more than any CPU gives */
	assert_int_equal(sched_set_reservation(unit[0].u.group, 5000, 10000), 0);
	assert_int_equal(sched_set_reservation(unit[1].u.group, 5000, 10000), 0);
	assert_ptr_not_equal(unit[0].u.rt.home, unit[1].u.rt.home);
	assert_int_equal(sched_set_reservation(unit[2].u.group, 5000, 10000), -CAISSON_ENOSPC);
	assert_int_equal(sched_set_reservation(unit[2].u.group, 3000, 10000), 0);
	assert_int_equal(sched_set_reservation(unit[3].u.group, 3000, 10000), 0);
	assert_int_equal(sched_set_reservation(unit[4].u.group, 200, 10000), -CAISSON_ENOSPC);
	assert_int_equal(sched_set_reservation(unit[3].u.group, 4000, 10000),
			 -CAISSON_ENOSPC); /* the old one stays */
	assert_int_equal(unit[3].u.rt.budget, 3 * MS);
	/* Pinned to the other's CPU there is no room. */
	assert_int_equal(sched_set_affinity(&unit[0].u, (u64[4]){ 1ull << unit[1].u.rt.home->id }),
			 -CAISSON_ENOSPC);
	assert_int_equal(sched_set_reservation(unit[3].u.group, 0, 0), 0);
	assert_int_equal(sched_set_reservation(unit[4].u.group, 200, 10000), 0);
	sched_remove(&unit[1].u);
	assert_int_equal(sched_set_reservation(unit[5].u.group, 5000, 10000), 0);
	assert_in_range(cpu(0)->rt_share + cpu(1)->rt_share, (1u << 20) * 132 / 100 - 8,
			(1u << 20) * 132 / 100 + 8);
}

/* A domain's reservation is that of all its vCPUs or of none, and what it had counts as free. */
static void all_or_none_of_a_domain(void **state)
{
	u32 before[2];

	(void)state;
	machine(2);
	for (u32 i = 0; i < 3; i++)
		add(&group[0], NEVER, 0);
	busy(&group[1]);
	assert_int_equal(sched_set_reservation(&group[1], 2000, 10000), 0);
	assert_int_equal(sched_set_reservation(&group[0], 3000, 10000), 0);
	for (u32 i = 0; i < 2; i++)
		before[i] = cpu(i)->rt_share;
	assert_int_equal(sched_set_reservation(&group[0], 5000, 10000),
			 -CAISSON_ENOSPC); /* 0.5, 0.5 and 0.5 beside 0.2 */
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(unit[i].u.rt.budget, 3 * MS);
	for (u32 i = 0; i < 2; i++)
		assert_int_equal(cpu(i)->rt_share, before[i]);
	assert_int_equal(sched_set_reservation(&group[0], 4000, 10000),
			 0); /* twice 0.4, and 0.4 beside 0.2 */
	assert_int_equal(sched_set_reservation(&group[0], 0, 0), 0);
	assert_int_equal(cpu(0)->rt_share + cpu(1)->rt_share, unit[3].u.rt.share);
	assert_int_equal(sched_set_reservation(&group[2], 1000, 10000), 0); /* nobody is in it */
}

/* ---- places ---- */

static void an_idle_cpu_takes_what_waits(void **state)
{
	(void)state;
	machine(4);
	fake_cpu = 0;
	for (u32 i = 0; i < 4; i++) {
		struct load *l = add(&group[i], NEVER, 0);

		assert_int_equal(sched_set_affinity(&l->u, (u64[4]){ 1 }), 0);
		wake(l);
	}
	run_until(fake.now + 20 * MS);
	for (u32 i = 0; i < 4; i++) {
		assert_within(unit[i].ran, 5 * MS, 50);
		assert_int_equal(sched_set_affinity(&unit[i].u, (u64[4]){ ~0ull }), 0);
	}
	forget();
	run_until(fake.now + 100 * MS);
	for (u32 i = 0; i < 4; i++)
		assert_true(unit[i].ran >= 90 * MS);
	assert_int_equal(idle_wrong > 100, 0);
}

static void pinned_units_stay(void **state)
{
	(void)state;
	machine(4);
	for (u32 i = 0; i < 30; i++) {
		struct load *l = i % 3 ? add(&group[i], NEVER, 0) : add(&group[i], 700 * US, 300 * US);

		assert_int_equal(sched_set_affinity(&l->u, (u64[4]){ 1ull << i % 4 }), 0);
		wake(l);
	}
	run_until(fake.now + 500 * MS);
	for (u32 i = 0; i < 30; i++)
		for (u32 c = 0; c < 4; c++)
			if (c != i % 4)
				assert_int_equal(unit[i].on_cpu[c], 0);
	/* All at once somewhere else, the running ones too. */
	forget();
	for (u32 i = 0; i < 30; i++) {
		memset(unit[i].on_cpu, 0, sizeof(unit[i].on_cpu));
		assert_int_equal(sched_set_affinity(&unit[i].u, (u64[4]){ 1ull << (i + 1) % 4 }), 0);
	}
	run_until(fake.now + 500 * MS);
	for (u32 i = 0; i < 30; i++) {
		assert_true(unit[i].ran > 10 * MS);
		for (u32 c = 0; c < 4; c++)
			if (c != (i + 1) % 4)
				assert_int_equal(unit[i].on_cpu[c], 0);
	}
	assert_int_equal(sched_set_affinity(&unit[0].u, (u64[4]){ 0, 1 }), -CAISSON_EINVAL);
}

/* Clocks of CPUs that cannot exchange units are nobody's debt:
 * later, when they can, all is fair from then on. */
static void pins_leave_no_debt(void **state)
{
	(void)state;
	machine(2);
	for (u32 i = 0; i < 8; i++) {
		struct load *l = add(&group[i], NEVER, 0);

		assert_int_equal(sched_set_affinity(&l->u, (u64[4]){ i ? 1 : 2 }), 0);
		wake(l);
	}
	run_until(fake.now + 3 * SEC);
	assert_int_equal(unit[0].ran, 3 * SEC);
	for (u32 i = 1; i < 8; i++)
		assert_within(unit[i].ran, 3 * SEC / 7, 3);
	forget();
	for (u32 i = 0; i < 8; i++)
		sched_set_affinity(&unit[i].u, (u64[4]){ 3 });
	run_until(fake.now + 2 * SEC);
	for (u32 i = 0; i < 8; i++)
		assert_within(unit[i].ran, 500 * MS, 4);
}

/* A CPU whose units slept half of the time has a slow clock:
 * the units that come there have not earned anything by it. */
static void a_slow_clock_is_no_merit(void **state)
{
	(void)state;
	machine(2);
	add(&group[0], NEVER, 0);
	add(&group[1], 5 * MS, 5 * MS);
	sched_set_affinity(&unit[0].u, (u64[4]){ 1 });
	sched_set_affinity(&unit[1].u, (u64[4]){ 2 });
	wake(&unit[0]);
	wake(&unit[1]);
	run_until(fake.now + 3 * SEC);
	assert_within(unit[1].ran, 3 * SEC / 2, 2);
	unit[1].work = NEVER;
	sched_set_affinity(&unit[0].u, (u64[4]){ 3 });
	sched_set_affinity(&unit[1].u, (u64[4]){ 3 });
	busy(&group[2]);
	run_until(fake.now + 20 * MS);
	forget();
	run_until(fake.now + 500 * MS);
	for (u32 i = 0; i < 3; i++)
		assert_within(unit[i].ran, 1 * SEC / 3, 4);
}

static void pools_keep_apart(void **state)
{
	u64 mask[4];
	u32 groups;
	int p;

	(void)state;
	machine(4);
	for (u32 i = 0; i < 12; i++)
		busy(&group[i]);
	run_until(fake.now + 50 * MS);
	p = sched_pool_create();
	assert_int_equal(p, 1);
	assert_int_equal(sched_set_pool(&group[0], 1), -CAISSON_EINVAL); /* it has no CPU yet */
	assert_int_equal(sched_pool_move_cpu(1, 3), 0);
	assert_int_equal(sched_pool_move_cpu(2, 3), -CAISSON_ENOENT);
	assert_int_equal(sched_pool_move_cpu(1, 9), -CAISSON_ENOENT);
	run_until(fake.now + 20 * MS);
	assert_null(cpu(3)->current);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(sched_set_pool(&group[i], 1), 0);
	run_until(fake.now + 20 * MS);
	forget();
	for (u32 i = 0; i < 12; i++)
		memset(unit[i].on_cpu, 0, sizeof(unit[i].on_cpu));
	run_until(fake.now + 1 * SEC);
	for (u32 i = 0; i < 12; i++) {
		assert_within(unit[i].ran, 1 * SEC / 3, 4);
		assert_int_equal(unit[i].on_cpu[3] == unit[i].ran, i < 3);
		assert_int_equal(unit[i].on_cpu[3] != 0, i < 3);
	}
	assert_int_equal(sched_pool_info(1, mask, &groups), 0);
	assert_int_equal(mask[0], 8);
	assert_int_equal(groups, 3);
	assert_int_equal(sched_pool_destroy(1), -CAISSON_EBUSY);
	assert_int_equal(sched_pool_destroy(0), -CAISSON_EBUSY);
	assert_int_equal(sched_pool_destroy(5), -CAISSON_ENOENT);
	assert_int_equal(sched_pool_move_cpu(0, 3), -CAISSON_EBUSY); /* the last, and units live from it */
	/* A unit that may use only that CPU, or a reservation there, holds it. */
	assert_int_equal(sched_pool_move_cpu(1, 2), 0);
	assert_int_equal(sched_set_affinity(&unit[0].u, (u64[4]){ 4 }), 0);
	assert_int_equal(sched_pool_move_cpu(0, 2), -CAISSON_EBUSY);
	assert_int_equal(sched_set_pool(&group[0], 0), -CAISSON_EINVAL);
	assert_int_equal(sched_set_affinity(&unit[0].u, (u64[4]){ ~0ull }), 0);
	assert_int_equal(sched_set_reservation(unit[0].u.group, 5000, 10000), 0);
	assert_int_equal(sched_set_reservation(unit[1].u.group, 5000, 10000), 0);
	assert_int_equal(cpu(2)->rt_share, (1u << 19));
	assert_int_equal(cpu(3)->rt_share, (1u << 19));
	run_until(fake.now + 20 * MS);
	assert_int_equal(sched_pool_move_cpu(0, 2), -CAISSON_EBUSY);
	assert_int_equal(sched_set_pool(&group[0], 0), -CAISSON_EBUSY);
	assert_int_equal(sched_set_reservation(unit[0].u.group, 0, 0), 0);
	assert_int_equal(sched_set_reservation(unit[1].u.group, 0, 0), 0);
	assert_int_equal(sched_pool_move_cpu(0, 2), 0);
	run_until(fake.now + 20 * MS);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(sched_set_pool(&group[i], 0), 0);
	run_until(fake.now + 20 * MS);
	assert_int_equal(sched_pool_move_cpu(0, 3), 0);
	assert_int_equal(sched_pool_destroy(1), 0);
	assert_int_equal(sched_pool_info(1, mask, &groups), -CAISSON_ENOENT);
	for (u32 i = 1; i < SCHED_POOLS; i++)
		assert_int_equal(sched_pool_create(), (int)i);
	assert_int_equal(sched_pool_create(), -CAISSON_ENOSPC);
	forget();
	run_until(fake.now + 50 * MS);
	assert_int_equal(unit[0].ran + unit[1].ran + unit[2].ran > 20 * MS, 1);
}

/* ---- holding, waking, handing over ---- */

static void holds(void **state)
{
	struct load *l;
	u64 before;

	(void)state;
	machine(1);
	l = busy(&group[0]);
	busy(&group[1]);
	run_until(fake.now + 9 * MS);
	/* Whether it runs or waits: it stops, and stays stopped. */
	for (int i = 0; i < 2; i++) {
		struct load *x = i ? load_of(cpu(0)->current) : &unit[cpu(0)->current == &unit[0].u];

		assert_int_equal(sched_deschedule(&x->u), i);
		assert_int_equal(sched_deschedule(&x->u), i);
		assert_int_equal(sched_on_cpu(&x->u), i);
		run_until(fake.now + 1 * US);
		assert_false(sched_on_cpu(&x->u));
		before = x->ran;
		run_until(fake.now + 50 * MS);
		assert_int_equal(x->ran, before);
		sched_resume(&x->u);
		run_until(fake.now + 10 * MS);
		assert_int_equal(x->ran, before);
		sched_resume(&x->u);
		run_until(fake.now + 10 * MS);
		assert_true(x->ran > before + 3 * MS);
	}
	/* Held while asleep: a wake is remembered. */
	l = add(&group[2], 1 * MS, 500 * SEC);
	assert_false(sched_deschedule(&l->u));
	assert_true(sched_wake(&l->u));
	run_until(fake.now + 20 * MS);
	assert_int_equal(l->ran, 0);
	sched_resume(&l->u);
	run_until(fake.now + 20 * MS);
	assert_int_equal(l->ran, 1 * MS);
	assert_panics(sched_resume(&l->u));
}

/* Asleep, but its state is still on an idle CPU: that CPU gives it up when it is held. */
static void an_idle_cpu_gives_up_the_state(void **state)
{
	struct load *l;

	(void)state;
	machine(1);
	l = add(&group[0], 1 * MS, 10 * MS);
	wake(l);
	run_until(fake.now + 2 * MS);
	assert_null(cpu(0)->current);
	assert_true(sched_on_cpu(&l->u)); /* kept: it may be the next */
	assert_true(sched_deschedule(&l->u));
	run_until(fake.now + 1 * US);
	assert_false(sched_on_cpu(&l->u));
	sched_resume(&l->u);
	run_until(fake.now + 50 * MS);
	assert_true(l->jobs >= 3);
}

/* Held in the moment between its choice and its first instruction. */
static void held_before_it_is_loaded(void **state)
{
	struct sched_cpu *c = cpu(0);
	struct load *a, *b;

	(void)state;
	machine(1);
	a = busy(&group[0]);
	run_until(fake.now + 1 * MS);
	b = add(&group[1], NEVER, 0);
	assert_true(sched_block(c, fake.now));
	sched_wake(&b->u);
	assert_ptr_equal(sched_pick(c, fake.now), &b->u);
	assert_true(sched_deschedule(&b->u));
	assert_ptr_equal(c->loaded, &a->u);
	sched_put(c);
	sched_loaded(c, &b->u);
	assert_null(sched_pick(c, fake.now));
	assert_true(c->evict); /* somebody waits for it */
	sched_put(c);
	assert_false(sched_on_cpu(&b->u));
}

static void a_wake_before_the_sleep_is_not_lost(void **state)
{
	struct sched_cpu *c = cpu(0);
	struct load *l;

	(void)state;
	machine(1);
	l = busy(&group[0]);
	run_until(fake.now + 1 * MS);
	assert_false(sched_wake(&l->u)); /* it runs */
	assert_false(sched_block(c, fake.now));
	assert_ptr_equal(sched_pick(c, fake.now), &l->u);
	assert_true(sched_block(c, fake.now));
	assert_null(sched_pick(c, fake.now));
	assert_true(sched_wake(&l->u));
	assert_ptr_equal(sched_pick(c, fake.now), &l->u);
}

static void hand_over(void **state)
{
	struct sched_cpu *c = cpu(0), *d = cpu(1);
	struct load *a, *b, *w;
	u64 end;

	(void)state;
	machine(2);
	a = busy(&group[0]);
	run_until(fake.now + 10 * US);
	b = busy(&group[1]);
	run_until(fake.now + 100 * US);
	w = busy(&group[2]); /* somebody waits all the time */
	assert_int_equal(sched_set_affinity(&w->u, (u64[4]){ 1 }), 0);
	run_until(fake.now + 1 * US);
	assert_ptr_equal(c->current, &a->u);
	assert_ptr_equal(d->current, &b->u);
	end = c->slice_end;

	fake_cpu = 0;
	assert_false(sched_handoff(c, &b->u, fake.now)); /* it does not sleep */
	assert_true(sched_block(d, fake.now));
	assert_false(sched_handoff(c, &b->u, fake.now)); /* its state is still there */
	fake_cpu = 1;
	assert_null(sched_pick(d, fake.now)); /* nothing may come: w is pinned */
	sched_put(d);
	fake_cpu = 0;
	fake.now += 10 * US;
	assert_true(sched_handoff(c, &b->u, fake.now));
	assert_ptr_equal(c->current, &b->u);
	assert_ptr_equal(b->u.cpu, c);
	assert_int_equal(a->u.state, SCHED_BLOCKED);
	assert_int_equal(c->slice_end, end); /* the same turn */
	assert_int_equal(c->runnable, 2);
	sched_put(c);
	sched_loaded(c, &b->u);
	fake.now += 20 * US;
	assert_true(sched_handoff(c, &a->u, fake.now));
	assert_int_equal(b->u.run_ticks, 100 * US + 1 * US + 20 * US - 0);
	sched_put(c);
	sched_loaded(c, &a->u);

	/* Not when the current was woken, the other is held,
	 * elsewhere at home, over its cap, or the turn is over. */
	sched_wake(&a->u);
	assert_false(sched_handoff(c, &b->u, fake.now));
	assert_false(sched_block(c, fake.now));
	sched_deschedule(&b->u);
	assert_false(sched_handoff(c, &b->u, fake.now));
	sched_resume(&b->u);
	assert_int_equal(sched_set_affinity(&b->u, (u64[4]){ 2 }), 0);
	assert_false(sched_handoff(c, &b->u, fake.now));
	assert_int_equal(sched_set_affinity(&b->u, (u64[4]){ 3 }), 0);
	assert_false(sched_handoff(c, &b->u, c->slice_end));
	sched_tick(c);
	assert_false(sched_handoff(c, &b->u, fake.now));
	c->resched = false;
	assert_int_equal(sched_set_cap(&group[1], 1), 0);
	group[1].credit = 0;
	assert_false(sched_handoff(c, &b->u, fake.now));
	assert_int_equal(sched_set_cap(&group[1], 0), 0);
	assert_true(sched_handoff(c, &b->u, fake.now));
	assert_true(sched_wake(&a->u)); /* who handed over sleeps, and can be woken */
}

/* Nobody else is there: no turn to end, no tick, and still it works. */
static void hand_over_alone(void **state)
{
	struct sched_cpu *c = cpu(0);
	struct load *l[2];

	(void)state;
	machine(1);
	l[0] = busy(&group[0]);
	l[1] = add(&group[1], NEVER, 0);
	run_until(fake.now + 10 * MS);
	assert_int_equal(c->slice_end, SCHED_NEVER);
	for (u64 i = 1; i <= 1000; i++) {
		fake.now += 5 * US;
		assert_true(sched_handoff(c, &l[i % 2]->u, fake.now));
		sched_put(c);
		sched_loaded(c, &l[i % 2]->u);
	}
	assert_int_equal(l[1]->u.run_ticks, 500 * 5 * US);
	assert_int_equal(c->load, 16 * SCHED_WEIGHT);
}

/* Two that only hand over to each other do not keep a third from its turn. */
static void hand_over_ends_with_the_turn(void **state)
{
	struct sched_cpu *c = cpu(0);
	struct load *l[2], *w;
	u64 refused = 0;

	(void)state;
	machine(1);
	l[0] = busy(&group[0]);
	l[1] = add(&group[1], NEVER, 0);
	w = busy(&group[2]);
	run_until(fake.now + 1 * US);
	for (u64 step = 0; step < 200000; step++) {
		struct load *cur = load_of(c->current);

		fake.now += 5 * US;
		if (cur != w) {
			struct load *to = cur == l[0] ? l[1] : l[0];

			if (sched_handoff(c, &to->u, fake.now)) {
				sched_put(c);
				sched_loaded(c, &to->u);
			} else {
				refused++;
				sched_block(c, fake.now);
				sched_wake(&to->u);
				run_cpu(0);
			}
		} else if (fake.now >= c->slice_end || c->resched) {
			run_cpu(0);
		}
	}
	assert_true(refused > 100 && refused < 5000);
	assert_within(w->u.run_ticks, l[0]->u.run_ticks + l[1]->u.run_ticks, 60); /* as one of two or three */
	assert_within(l[0]->u.run_ticks, l[1]->u.run_ticks, 2);
}

static void giving_way(void **state)
{
	struct sched_cpu *c = cpu(0);
	struct sched_unit *u;

	(void)state;
	machine(1);
	busy(&group[0]);
	busy(&group[1]);
	run_until(fake.now + 20 * MS);
	u = c->current;
	fake.now += 1 * US;
	sched_give_way(c, fake.now);
	run_cpu(0);
	assert_ptr_not_equal(c->current, u);
	/* With nobody there it stays. */
	machine(1);
	busy(&group[0]);
	run_until(fake.now + 20 * MS);
	u = c->current;
	sched_give_way(c, fake.now);
	run_cpu(0);
	assert_ptr_equal(c->current, u);
}

static void accounts_add_up(void **state)
{
	struct sched_times t;
	struct load *s;
	u64 start, slept;

	(void)state;
	machine(2);
	for (u32 i = 0; i < 5; i++)
		busy(&group[i]);
	sched_set_cap(&group[4], 10);
	start = fake.now;
	s = add(&group[9], 1 * MS, 4 * MS);
	wake(s);
	run_until(fake.now + 1 * SEC + 3 * US);
	for (u32 i = 0; i < 5; i++) {
		sched_times(&unit[i].u, fake.now, &t);
		assert_int_equal(t.run, unit[i].ran);
		assert_int_equal(t.run + t.wait, fake.now - start);
		assert_int_equal(t.parked > 0, i == 4);
	}
	sched_times(&s->u, fake.now, &t);
	slept = fake.now - start - t.run - t.wait;
	assert_true(slept >= (s->jobs - 1) * 4 * MS && slept <= s->jobs * 4 * MS);
}

/* ---- many ---- */

static void thousands(void **state)
{
	u64 total = 0, expect, longest = 0;

	(void)state;
	machine(8);
	for (u32 i = 0; i < 3000; i++) {
		struct sched_group *g = &group[rand() % 400];
		struct load *l;

		if (i % 3 == 0) {
			l = busy(g);
		} else {
			l = add(g, 20 * US, 40 * MS);
			l->random = true;
			wake(l);
		}
		if (i % 10 == 0)
			assert_int_equal(sched_set_affinity(&l->u, (u64[4]){ 0x0f << rand() % 5 }), 0);
	}
	for (u32 i = 0; i < 400; i++)
		sched_set_weight(&group[i], 64 + (u32)rand() % 512);
	for (u32 step = 0; step < 40; step++) {
		run_until(fake.now + 50 * MS);
		for (u32 k = 0; k < 20; k++) {
			struct load *l = &unit[rand() % 3000];

			sched_set_affinity(&l->u, (u64[4]){ k % 2 ? ~0ull : 1ull << rand() % 8 });
			if (k % 4 == 0 && !l->u.holds)
				sched_deschedule(&l->u);
			else if (k % 4 == 1 && l->u.holds)
				sched_resume(&l->u);
		}
	}
	for (u32 i = 0; i < 3000; i++) {
		total += unit[i].ran;
		if (unit[i].work == NEVER && !unit[i].u.holds)
			longest = MAX(longest, fake.now - unit[i].last);
		if (unit[i].work != NEVER && !unit[i].u.holds)
			assert_true(unit[i].jobs > 5);
	}
	expect = 8 * 2 * SEC;
	assert_int_equal(total, expect);
	assert_true(longest <
		    2 * SEC); /* nobody is forgotten: 1,000 busy ones, 2 ms turns, 8 CPUs, weights 1:9 */
	for (u32 i = 0; i < 3000; i++)
		sched_deschedule(&unit[i].u);
	run_until(fake.now + 1 * MS);
	for (u32 i = 0; i < 8; i++)
		assert_int_equal(cpu(i)->load + cpu(i)->runnable + cpu(i)->releases.count, 0);
	for (u32 i = 0; i < 3000; i++) {
		assert_false(sched_on_cpu(&unit[i].u));
		sched_remove(&unit[i].u);
	}
	for (u32 i = 0; i < 400; i++)
		assert_int_equal(group[i].active, 0);
}

/* ---- real threads ---- */

#define RACE_UNITS 24
#define RACE_CPUS  2

static u32 tokens[RACE_UNITS], eaten[RACE_UNITS], inside[RACE_UNITS];
static bool over;
static u64 race_end;

/* A CPU's loop: a unit eats tokens and sleeps when there is none. */
static void *race_cpu(void *arg)
{
	struct sched_cpu *c = cpu((u32)(u64)arg);

	fake_cpu = c->id;
	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
		struct sched_unit *u = sched_pick(c, arch_now());
		u64 i;

		if (c->loaded && c->loaded != u && (u || READ_ONCE(c->evict))) {
			__atomic_sub_fetch(&inside[load_of(c->loaded) - unit], 1, __ATOMIC_ACQ_REL);
			sched_put(c);
		}
		if (!u) {
			sched_yield(); /* the host's */
			continue;
		}
		i = (u64)(load_of(u) - unit);
		if (c->loaded != u) {
			/* Nobody else has its state. */
			if (__atomic_add_fetch(&inside[i], 1, __ATOMIC_ACQ_REL) != 1)
				abort();
			sched_loaded(c, u);
		}
		for (int k = 0; k < 50 && !READ_ONCE(c->resched); k++) {
			if (__atomic_load_n(&tokens[i], __ATOMIC_SEQ_CST) > eaten[i]) {
				eaten[i]++;
				continue;
			}
			if (eaten[i] % 3 == 0 && sched_handoff(c, &unit[(i + 1) % RACE_UNITS].u, arch_now()))
				break;
			if (sched_block(c, arch_now()))
				break;
		}
	}
	if (c->loaded)
		sched_put(c);
	return NULL;
}

static void *race_waker(void *arg)
{
	unsigned seed = (unsigned)(u64)arg;

	fake_cpu = (u32)(u64)arg;
	for (u32 n = 0; n < 500 || arch_now() < race_end; n++) {
		u32 i = (u32)rand_r(&seed) % RACE_UNITS;

		__atomic_add_fetch(&tokens[i], 1, __ATOMIC_SEQ_CST);
		sched_wake(&unit[i].u);
		if (n % 50 == 0)
			sched_set_affinity(&unit[i].u, (u64[4]){ n % 100 ? 3 : 1ull << n / 100 % RACE_CPUS });
		if (n % 70 == 0) {
			sched_deschedule(&unit[i].u);
			for (int k = 0; k < 100 && sched_on_cpu(&unit[i].u); k++)
				__builtin_ia32_pause();
			sched_resume(&unit[i].u);
		}
	}
	return NULL;
}

static void no_wake_is_lost(void **state)
{
	pthread_t th[RACE_CPUS + 1];
	u64 deadline;
	bool done = false;

	(void)state;
	machine(RACE_CPUS + 1); /* the waker's thread is a CPU that no unit may use */
	fake.real = true;
	over = false;
	race_end = arch_now() + 2 * SEC;
	memset(tokens, 0, sizeof(tokens));
	memset(eaten, 0, sizeof(eaten));
	memset(inside, 0, sizeof(inside));
	for (u32 i = 0; i < RACE_UNITS; i++) {
		add(&group[i / 2], NEVER, 0);
		assert_int_equal(sched_set_affinity(&unit[i].u, (u64[4]){ 3 }), 0);
	}
	for (u64 i = 0; i < RACE_CPUS + 1; i++)
		assert_int_equal(
			pthread_create(&th[i], NULL, i < RACE_CPUS ? race_cpu : race_waker, (void *)i), 0);
	pthread_join(th[RACE_CPUS], NULL);
	for (deadline = arch_now() + 20 * SEC; !done && arch_now() < deadline;) {
		done = true;
		for (u32 i = 0; i < RACE_UNITS; i++)
			done &= READ_ONCE(eaten[i]) == tokens[i];
	}
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	for (int i = 0; i < RACE_CPUS; i++)
		pthread_join(th[i], NULL);
	assert_true(done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_on_two_cpus),
		cmocka_unit_test(weights_on_four_cpus),
		cmocka_unit_test(twenty_on_two),
		cmocka_unit_test(three_on_two),
		cmocka_unit_test(weights_that_cannot_be_had),
		cmocka_unit_test(a_domain_gains_nothing_by_more_vcpus),
		cmocka_unit_test(a_new_weight_counts_at_once),
		cmocka_unit_test(extreme_weights),
		cmocka_unit_test(no_tick_for_one),
		cmocka_unit_test(a_sleeper_runs_soon),
		cmocka_unit_test(sleeping_does_not_pay),
		cmocka_unit_test(the_control_domain_gets_its_share),
		cmocka_unit_test(caps_hold),
		cmocka_unit_test(a_cap_counts_over_all_cpus),
		cmocka_unit_test(no_deadline_is_missed),
		cmocka_unit_test(reservations_do_not_disturb_each_other),
		cmocka_unit_test(a_reservation_is_no_ceiling),
		cmocka_unit_test(a_missed_deadline_is_counted),
		cmocka_unit_test(sleep_does_not_renew_a_budget),
		cmocka_unit_test(reservations_come_and_go),
		cmocka_unit_test(admission),
		cmocka_unit_test(all_or_none_of_a_domain),
		cmocka_unit_test(an_idle_cpu_takes_what_waits),
		cmocka_unit_test(pinned_units_stay),
		cmocka_unit_test(pins_leave_no_debt),
		cmocka_unit_test(a_slow_clock_is_no_merit),
		cmocka_unit_test(pools_keep_apart),
		cmocka_unit_test(holds),
		cmocka_unit_test(an_idle_cpu_gives_up_the_state),
		cmocka_unit_test(held_before_it_is_loaded),
		cmocka_unit_test(a_wake_before_the_sleep_is_not_lost),
		cmocka_unit_test(hand_over),
		cmocka_unit_test(hand_over_alone),
		cmocka_unit_test(hand_over_ends_with_the_turn),
		cmocka_unit_test(giving_way),
		cmocka_unit_test(accounts_add_up),
		cmocka_unit_test(thousands),
		cmocka_unit_test(no_wake_is_lost),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	free(unit);
	return r;
}
