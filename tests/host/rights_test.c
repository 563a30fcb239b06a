/* SPDX-License-Identifier: BSD-2-Clause */
/* Every call with every right, out of the hypervisor's own table: who lacks it is refused and nobody else;
 * and how rights move. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hv/hypercall.h"
#include "tests/host/world.h"

static struct world w;

static int setup(void **state)
{
	(void)state;
	world_begin(&w);
	memset(w.b->rights.grant, 0, sizeof(w.b->rights.grant));
	event_bind(&w.b->events, 8, w.a->id);
	event_bind(&w.a->events, 8, w.a->id);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(world_end());
	return 0;
}

static s64 call(struct domain *d, u32 nr, u64 a, u64 b, u64 c, u64 e)
{
	const u64 arg[6] = { a, b, c, e, ~0ull, ~0ull };
	s64 result = 1;

	hypercall_dispatch(d->vcpu[0], CAISSON_CALL_BASE + nr, arg, &result);
	return result;
}

/* Is it refused? Arguments that are in order only as far as no other refusal comes of them. */
static bool refused(u32 nr, u64 dom)
{
	u64 before = w.a->rights.refused;
	s64 r = call(w.a, nr, dom, nr + CAISSON_CALL_BASE == CAISSON_CALL_event_send ? 8 : ~0ull - 4096,
		     ~0ull, ~0ull);

	assert_int_equal(w.a->rights.refused, before + (r == -CAISSON_EPERM));
	return r == -CAISSON_EPERM;
}

static void every_call_every_right(void **state)
{
	enum hypercall_target on;
	struct rights *a = &w.a->rights;
	u32 need, nr;

	(void)state;
	/* somebody else is about it already: destroy and reset do nothing */
	w.control->unmaking = w.a->unmaking = w.b->unmaking = true;
	for (nr = 0; hypercall_row(nr, &need, &on); nr++) {
		if (nr + CAISSON_CALL_BASE == CAISSON_CALL_wait) /* would sleep */
			continue;
		for (u32 bit = 0; bit < CAISSON_RIGHT_BITS; bit++) {
			u32 only = BIT(bit), but = RIGHT_ALL & ~only;

			/* over the machine: enough for what is the machine's,
			 * and for nothing of a domain's */
			a->machine = only;
			if (on != ON_SELF)
				assert_int_equal(refused(nr, w.b->id),
						 on == ON_MACHINE ? !!(need & ~only) : need != 0);
			a->machine = but;
			if (on == ON_MACHINE)
				assert_int_equal(refused(nr, w.b->id), !!(need & only));
			a->machine = 0;
			if (on == ON_SELF)
				assert_false(refused(nr, ~0ull));
			if (on < ON_DOMAIN)
				continue;
			/* over all domains: also over one that is not there, and over itself */
			a->domains = only;
			assert_int_equal(refused(nr, w.b->id), !!(need & ~only));
			assert_int_equal(refused(nr, 77), !!(need & ~only));
			assert_int_equal(refused(nr, CAISSON_SELF),
					 !!(need & ~(only | RIGHTS_SELF | RIGHT_EVENT)));
			a->domains = but;
			assert_int_equal(refused(nr, w.b->id), !!(need & only));
			a->domains = 0;
			/* over that one: not over another, and not over itself */
			w.b->rights.grant[0] = (struct rights_grant){ a->id, only };
			assert_int_equal(refused(nr, w.b->id), !!(need & ~only));
			assert_int_equal(refused(nr, 0), need != 0);
			assert_int_equal(refused(nr, 77), need != 0);
			assert_int_equal(refused(nr, w.a->id), !!(need & ~(RIGHTS_SELF | RIGHT_EVENT)));
			w.b->rights.grant[0].held = but;
			assert_int_equal(refused(nr, w.b->id), !!(need & only));
			w.b->rights.grant[0].held = 0;
		}
	}
	assert_true(nr > CAISSON_CALL_rights_get - CAISSON_CALL_BASE);
	w.control->unmaking = w.a->unmaking = w.b->unmaking = false;
}

static s64 set(struct domain *by, struct domain *holder, u32 over, u32 give, u32 take)
{
	return call(by, CAISSON_CALL_rights_set - CAISSON_CALL_BASE, holder->id, over, give, take);
}

static void nobody_hands_on_what_it_has_not(void **state)
{
	struct rights *a = &w.a->rights, *b = &w.b->rights;

	(void)state;
	a->domains = RIGHT_INFO;
	for (u32 where = 0; where < 3; where++) {
		u32 over = where == 0 ? CAISSON_OVER_MACHINE : where == 1 ? CAISSON_OVER_DOMAINS : 0;
		u32 *held = where == 0	 ? &a->machine
			    : where == 1 ? &a->domains
					 : &w.control->rights.grant[0].held;

		w.control->rights.grant[0].holder = a->id;
		for (u32 bit = 0; bit < CAISSON_RIGHT_BITS; bit++) {
			u32 right = BIT(bit), keep = where == 1 ? RIGHT_INFO : 0;

			*held = right | keep;
			if (right != RIGHT_GRANT)
				assert_int_equal(set(w.a, w.b, over, right, 0), -CAISSON_EPERM);
			*held = (RIGHT_ALL & ~right) | keep;
			if (!(right & keep) && (where == 2 ? right != RIGHT_INFO : true))
				assert_int_equal(set(w.a, w.b, over, right, 0), -CAISSON_EPERM);
			*held = right | RIGHT_GRANT | keep;
			assert_int_equal(set(w.a, w.b, over, right, 0), 0);
			assert_int_equal(rights_held(b, over, over ? NULL : &w.control->rights) & right,
					 right);
			assert_int_equal(set(w.a, w.b, over, 0, right), 0);
			assert_int_equal(rights_held(b, over, over ? NULL : &w.control->rights) & right, 0);
		}
		*held = where == 1 ? RIGHT_INFO : 0;
	}
	assert_int_equal(set(w.a, w.b, CAISSON_OVER_MACHINE, BIT(CAISSON_RIGHT_BITS), 0), -CAISSON_EINVAL);
}

static void dropped_is_gone(void **state)
{
	struct rights *c = &w.control->rights;

	(void)state;
	for (u32 bit = 0; bit < CAISSON_RIGHT_BITS; bit++) {
		u32 right = BIT(bit);

		assert_int_equal(set(w.control, w.control, CAISSON_OVER_MACHINE, 0, right), 0);
		assert_int_equal(set(w.control, w.control, CAISSON_OVER_MACHINE, right, 0), -CAISSON_EPERM);
		assert_int_equal(set(w.control, w.a, CAISSON_OVER_MACHINE, right, 0), -CAISSON_EPERM);
	}
	assert_int_equal(c->machine, 0);
	/* over itself it may read for ever */
	assert_int_equal(set(w.a, w.a, w.a->id, 0, RIGHT_ALL), 0);
	assert_int_equal(rights_over(&w.a->rights, &w.a->rights), RIGHTS_SELF);
}

static void the_creator_holds_all_and_the_dead_nothing(void **state)
{
	struct caisson_create in = { .abi_version = CAISSON_ABI_VERSION, .vcpus = 1, .pages = 4 };
	struct domain *d, *holder;
	s64 id;

	(void)state;
	w.a->rights.machine = RIGHT_BUILD;
	memory_write(w.a, PAGE_SIZE, &in, sizeof(in));
	id = call(w.a, CAISSON_CALL_domain_create - CAISSON_CALL_BASE, PAGE_SIZE, 0, 0, 0);
	assert_true(id > 0);
	d = domain_get((u32)id);
	assert_int_equal(rights_over(&w.a->rights, &d->rights), RIGHT_ALL);
	assert_int_equal(rights_over(&w.b->rights, &d->rights), 0);
	/* as many holders as there are places, again and again: each frees its own when it goes */
	for (u32 n = 0; n < 3 * RIGHTS_GRANTS; n++) {
		assert_int_equal(domain_create(&in, w.control, &holder), 0);
		assert_int_equal(set(w.control, holder, d->id, RIGHT_DM, 0), 0);
		assert_int_equal(rights_over(&holder->rights, &d->rights), RIGHT_DM);
		while (domain_destroy(holder))
			;
		domain_put(holder);
	}
	domain_put(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_call_every_right, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_hands_on_what_it_has_not, setup, teardown),
		cmocka_unit_test_setup_teardown(dropped_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(the_creator_holds_all_and_the_dead_nothing, setup, teardown),
	};

	world_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
