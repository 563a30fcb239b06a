/* SPDX-License-Identifier: BSD-2-Clause */
/* Timer queues: due order, arming of the hardware, other CPUs, functions that set themselves, moves. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include "hv/arch.h"
#include "hv/timer.h"
#include "tests/host/fake_arch.h"

static struct timer_queue q[2];
static struct timer t[8];
static int ran[8], order[64], runs;
static u64 again; /* deadline that a function gives itself */

static void fn(struct timer *me)
{
	assert_false(timer_pending(me));
	ran[me - t]++;
	order[runs++ % 64] = (int)(me - t);
	if (again)
		timer_set(me, again);
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake.cpus = 2;
	again = 0;
	runs = 0;
	for (int i = 0; i < 2; i++)
		timer_queue_init(&q[i], &fake_pcpu[i]);
	for (int i = 0; i < 8; i++) {
		timer_init(&t[i], &q[0], fn);
		ran[i] = 0;
	}
	return 0;
}

static void hardware_follows_the_earliest(void **state)
{
	(void)state;
	timer_set(&t[0], 100);
	assert_int_equal(fake.timer[0], 100);
	timer_set(&t[1], 200);
	assert_int_equal(fake.timer_sets[0], 1); /* not the earliest: the hardware is left alone */
	timer_set(&t[2], 50);
	assert_int_equal(fake.timer[0], 50);
	timer_set(&t[2], 300);
	assert_int_equal(fake.timer[0], 100);
	assert_true(timer_cancel(&t[0]));
	assert_false(timer_cancel(&t[0]));
	assert_int_equal(fake.timer[0], 200);
	timer_set(&t[1], TIMER_NONE);
	assert_int_equal(fake.timer[0], 300);
	assert_true(timer_cancel_wait(&t[2]));
	assert_int_equal(fake.timer[0], TIMER_NONE);
	assert_int_equal(fake.kicks[0] + fake.kicks[1], 0);
}

static void the_turn_is_a_deadline_too(void **state)
{
	(void)state;
	timer_set(&t[0], 100);
	timer_turn(&q[0], 60);
	assert_int_equal(fake.timer[0], 60);
	timer_turn(&q[0], 200);
	assert_int_equal(fake.timer[0], 100);
	timer_turn(&q[0], 70);
	timer_expire(&q[0], 70);
	assert_int_equal(fake.turns[0], 1);
	assert_int_equal(runs, 0);
	assert_int_equal(fake.timer[0], 100);
	timer_expire(&q[0], 100);
	assert_int_equal(runs, 1);
	assert_int_equal(fake.turns[0], 1);
}

static void due_ones_run_in_order(void **state)
{
	static const u64 at[5] = { 50, 10, 40, 20, 30 };
	static const int want[4] = { 1, 3, 4, 2 };

	(void)state;
	for (int i = 0; i < 5; i++)
		timer_set(&t[i], at[i]);
	timer_expire(&q[0], 9);
	assert_int_equal(runs, 0);
	timer_expire(&q[0], 40);
	assert_int_equal(runs, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(order[i], want[i]);
	assert_int_equal(fake.timer[0], 50);
	timer_expire(&q[0], 50);
	assert_int_equal(ran[0], 1);
	assert_int_equal(q[0].first, TIMER_NONE);
	/* The hardware has fired: the same deadline again must arm it again. */
	fake.timer[0] = 0;
	timer_set(&t[0], 50);
	assert_int_equal(fake.timer[0], 50);
}

static void setting_itself_in_the_past_does_not_hold_the_cpu(void **state)
{
	(void)state;
	again = 5;
	timer_set(&t[0], 1);
	timer_set(&t[1], 2);
	timer_expire(&q[0], 10);
	assert_int_equal(ran[0] + ran[1], 2);
	assert_int_equal(fake.timer[0], 5); /* the hardware comes again at once */
	again = 0;
	timer_expire(&q[0], 11);
	assert_int_equal(ran[0], 2);
	assert_int_equal(ran[1], 2);
	assert_int_equal(q[0].heap.count, 0);
}

static void far_deadlines_keep_their_order(void **state)
{
	(void)state;
	timer_set(&t[0], ~0ull - 1); /* a guest may ask for anything */
	timer_set(&t[1], 1ull << 63);
	timer_set(&t[1], ~0ull - 2); /* again */
	timer_set(&t[2], 1000);
	timer_expire(&q[0], 2000);
	assert_int_equal(runs, 1);
	assert_int_equal(ran[2], 1);
	timer_expire(&q[0], 1ull << 40);
	assert_int_equal(runs, 1);
}

static void a_deadline_that_has_fired_can_be_set_again_from_elsewhere(void **state)
{
	(void)state;
	timer_set(&t[0], 100);
	timer_expire(&q[0], 100);
	fake_cpu = 1;
	timer_set(&t[0], 100);
	assert_int_equal(fake.kicks[0], 1);
	fake_cpu = 0;
	fake.timer[0] = 0;
	timer_sync(&q[0]);
	assert_int_equal(fake.timer[0], 100);
}

/* Another CPU sets a timer for the very moment that the queue's CPU is serving. */
static void from_elsewhere(struct timer *me)
{
	(void)me;
	fake_cpu = 1;
	timer_set(&t[1], 100);
	fake_cpu = 0;
}

static void a_timer_set_while_its_moment_is_served_is_not_lost(void **state)
{
	(void)state;
	timer_init(&t[0], &q[0], from_elsewhere);
	timer_set(&t[0], 100);
	fake.timer[0] = 0;
	timer_expire(&q[0], 100);
	assert_true(ran[1] == 1 || fake.timer[0] == 100 || fake.kicks[0]);
}

static bool begun, go, ended;

static void slow(struct timer *me)
{
	(void)me;
	__atomic_store_n(&begun, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
	__atomic_store_n(&ended, true, __ATOMIC_RELEASE);
}

static void *serves(void *arg)
{
	fake_cpu = 0;
	timer_expire(&q[0], 100);
	return arg;
}

static void *lets_go(void *arg)
{
	u64 until = arch_now() + 20000000;

	while (arch_now() < until)
		__builtin_ia32_pause();
	__atomic_store_n(&go, true, __ATOMIC_RELEASE);
	return arg;
}

static void cancelling_waits_for_the_function(void **state)
{
	pthread_t th[2];

	(void)state;
	fake.real = true;
	begun = go = ended = false;
	timer_init(&t[0], &q[0], slow);
	timer_set(&t[0], 100);
	fake_cpu = 1;
	assert_int_equal(pthread_create(&th[0], NULL, serves, NULL), 0);
	while (!__atomic_load_n(&begun, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
	assert_int_equal(pthread_create(&th[1], NULL, lets_go, NULL), 0);
	assert_false(timer_cancel_wait(&t[0]));
	assert_true(__atomic_load_n(&ended, __ATOMIC_ACQUIRE));
	pthread_join(th[0], NULL);
	pthread_join(th[1], NULL);
}

static void other_cpu_is_kicked_and_arms_itself(void **state)
{
	(void)state;
	fake_cpu = 1;
	timer_set(&t[0], 100);
	assert_int_equal(fake.kicks[0], 1);
	assert_int_equal(fake.timer_sets[0], 0);
	timer_set(&t[1], 200);
	assert_int_equal(fake.kicks[0], 1); /* later than what it will find: no kick */
	fake_cpu = 0;
	timer_sync(&q[0]);
	assert_int_equal(fake.timer[0], 100);
	assert_int_equal(fake.timer_sets[0], 1);
	timer_sync(&q[0]);
	assert_int_equal(fake.timer_sets[0], 1);
	fake_cpu = 1;
	timer_cancel(&t[0]);
	assert_int_equal(fake.kicks[0], 1);
	fake_cpu = 0;
	timer_expire(&q[0], 100); /* too early now: nothing runs, the rest is armed */
	assert_int_equal(runs, 0);
	assert_int_equal(fake.timer[0], 200);
}

static void timers_move_with_their_vcpu(void **state)
{
	(void)state;
	timer_set(&t[0], 100);
	timer_set(&t[1], 150);
	fake_cpu = 1;
	timer_migrate(&t[0], &q[1]);
	assert_int_equal(fake.timer[1], 100);
	assert_int_equal(q[0].first, 150);
	assert_ptr_equal(t[0].queue, &q[1]);
	timer_migrate(&t[2], &q[1]); /* not set: stays so */
	assert_false(timer_pending(&t[2]));
	timer_set(&t[2], 60);
	assert_int_equal(fake.timer[1], 60);
	timer_expire(&q[1], 100);
	assert_int_equal(ran[0], 1);
	assert_int_equal(ran[2], 1);
	fake_cpu = 0;
	timer_expire(&q[0], 100);
	assert_int_equal(ran[1], 0);
	assert_int_equal(fake.timer[0], 150);
}

/* Moved to another CPU's queue, where it is the earliest: that CPU has to arm itself. */
static void a_timer_that_is_moved_away_kicks(void **state)
{
	(void)state;
	timer_set(&t[0], 100);
	timer_set(&t[1], 150);
	timer_migrate(&t[1], &q[1]);
	assert_int_equal(fake.kicks[1], 1);
	timer_migrate(&t[0], &q[1]);
	assert_int_equal(fake.kicks[1], 2);
	assert_int_equal(q[0].first, TIMER_NONE);
	fake_cpu = 1;
	timer_sync(&q[1]);
	assert_int_equal(fake.timer[1], 100);
	fake_cpu = 0;
	timer_migrate(&t[0], &q[1]); /* it is there */
	assert_int_equal(fake.kicks[1], 2);
}

/* Its own function may cancel it, and move it, without waiting for itself. */
static void from_inside(struct timer *me)
{
	timer_set(me, 500);
	assert_true(timer_cancel_wait(me));
	timer_migrate(me, &q[1]);
	runs++;
}

static void a_function_may_cancel_its_timer(void **state)
{
	(void)state;
	timer_init(&t[0], &q[0], from_inside);
	timer_set(&t[0], 100);
	timer_expire(&q[0], 100);
	assert_int_equal(runs, 1);
	assert_false(timer_pending(&t[0]));
	assert_ptr_equal(t[0].queue, &q[1]);
	assert_int_equal(q[0].first, TIMER_NONE);
}

/* Two CPUs set, cancel and move the same timers;
 * each setting is seen at most once, and nothing is lost or left behind. */
static int fired, inside[8];
static u64 until;

static void count(struct timer *me)
{
	int i = (int)(me - t);

	if (__atomic_add_fetch(&inside[i], 1, __ATOMIC_ACQ_REL) != 1)
		abort(); /* on two CPUs at once */
	for (int k = 0; k < 100; k++)
		__builtin_ia32_pause();
	__atomic_sub_fetch(&inside[i], 1, __ATOMIC_ACQ_REL);
	__atomic_add_fetch(&fired, 1, __ATOMIC_RELAXED);
}

static void *racer(void *arg)
{
	unsigned seed = (unsigned)(u64)arg;

	fake_cpu = (u32)(u64)arg;
	for (u64 i = 1; i < 1000 || arch_now() < until; i++) {
		struct timer *x = &t[rand_r(&seed) % 8];

		switch (rand_r(&seed) % 4) {
		case 0:
			timer_set(x, i);
			break;
		case 1:
			timer_cancel_wait(x);
			break;
		case 2:
			timer_migrate(x, &q[fake_cpu]);
			break;
		case 3:
			timer_expire(&q[fake_cpu], i);
			break;
		}
	}
	return NULL;
}

static void races_leave_the_queues_whole(void **state)
{
	pthread_t th[2];

	(void)state;
	fired = 0;
	fake.real = true;
	until = arch_now() + 1000000000;
	for (int i = 0; i < 8; i++)
		timer_init(&t[i], &q[i % 2], count);
	for (u64 i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&th[i], NULL, racer, (void *)i), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(th[i], NULL);
	assert_true(fired > 100);
	for (u32 i = 0, left = 0, had; i < 2; i++) {
		fake_cpu = i;
		for (int k = 0; k < 8; k++)
			left += timer_pending(&t[k]) && t[k].queue == &q[i];
		assert_int_equal(q[i].heap.count, left);
		had = (u32)fired;
		timer_expire(&q[i], ~0ull >> 1);
		assert_int_equal(fired - (int)had, left);
		assert_int_equal(q[i].first, TIMER_NONE);
		left = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(hardware_follows_the_earliest, setup),
		cmocka_unit_test_setup(the_turn_is_a_deadline_too, setup),
		cmocka_unit_test_setup(due_ones_run_in_order, setup),
		cmocka_unit_test_setup(setting_itself_in_the_past_does_not_hold_the_cpu, setup),
		cmocka_unit_test_setup(far_deadlines_keep_their_order, setup),
		cmocka_unit_test_setup(a_deadline_that_has_fired_can_be_set_again_from_elsewhere, setup),
		cmocka_unit_test_setup(a_timer_set_while_its_moment_is_served_is_not_lost, setup),
		cmocka_unit_test_setup(cancelling_waits_for_the_function, setup),
		cmocka_unit_test_setup(other_cpu_is_kicked_and_arms_itself, setup),
		cmocka_unit_test_setup(timers_move_with_their_vcpu, setup),
		cmocka_unit_test_setup(a_timer_that_is_moved_away_kicks, setup),
		cmocka_unit_test_setup(a_function_may_cancel_its_timer, setup),
		cmocka_unit_test_setup(races_leave_the_queues_whole, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
