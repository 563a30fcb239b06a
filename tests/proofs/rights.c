/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rights and event ports: for any state of the tables (of two places) and any arguments, nobody hands on what
 * it does not hold, nothing else changes, a refused call changes nothing; a port is bound once, and nothing
 * is reached outside of the tables. While another CPU gives a place to somebody else, in the steps of
 * place(), who had it and who gets it find what is their own there, or nothing.
 * fault GIVES_ALL: hv/rights.c: give & ~has : => give & ~(has | 1) :
 * fault SECOND_PLACE: hv/rights.c: if (!target->grant[i].held || => if (target->grant[i].held ||
 * fault FORGETS_LIVING: hv/rights.c: != old) { => == old) {
 * fault INHERITS: hv/rights.c: WRITE_ONCE(target->grant[i].held, 0); => ;
 * fault ONE_LOOK: hv/rights.c: if (READ_ONCE(g->holder) == holder->id) /* => if (true) /*
 * fault NO_LOOK: hv/rights.c: if (READ_ONCE(g->holder) != holder->id) => if (false)
 * fault PORT_TWICE: hv/event.c: || was == from ? => || was != EVENT_HV ?
 * fault PORT_BEYOND: hv/event.c: || port >= CAISSON_EVENTS) => || port > CAISSON_EVENTS)
 * with: hv/rights.h: #define RIGHTS_GRANTS 8 => #define RIGHTS_GRANTS 2
 * with: hv/abi/caisson.h: #define CAISSON_MAX_DOMS     4096u => #define CAISSON_MAX_DOMS 4u
 * cbmc: --unwind 4
 */
#include "hv/types.h"

static void others(void);
#undef READ_ONCE
#define READ_ONCE(x) (others(), *(const volatile __typeof__(x) *)&(x))
#include "hv/rights.c"
#include "hv/event.c"

u32 nondet_u32(void);
bool nondet_bool(void);
u16 nondet_u16(void);
struct rights nondet_rights(void);
struct events nondet_events(void);

#define N 3

static void prove_rights(void)
{
	struct rights r[N], was[N];
	u32 c = nondet_u32(), h = nondet_u32(), t = nondet_u32(), over = nondet_u32(), give = nondet_u32(),
	    take = nondet_u32();
	bool one = over < CAISSON_OVER_DOMAINS;
	u32 had, i, j;
	int err;

	for (i = 0; i < N; i++) {
		r[i] = nondet_rights();
		r[i].id = living[i + 1] = i + 1; /* who else holds something is gone */
		for (u32 a = 0; a < RIGHTS_GRANTS; a++) {
			__CPROVER_assume(r[i].grant[a].holder != r[i].id); /* its own are in `self` */
			for (u32 b = 0; b < a; b++)
				__CPROVER_assume(!r[i].grant[a].holder ||
						 r[i].grant[a].holder != r[i].grant[b].holder);
		}
		was[i] = r[i];
	}
	__CPROVER_assume(c < N && h < N && t < N);
	__CPROVER_assume(one || over == CAISSON_OVER_DOMAINS || over == CAISSON_OVER_MACHINE);
	had = one ? rights_over(&r[c], &r[t]) : rights_held(&r[c], over, NULL);
	err = rights_change(&r[c], &r[h], over, one ? &r[t] : NULL, give, take);
	if (!err) {
		__CPROVER_assert(!(give & ~had), "gave what it has");
		__CPROVER_assert(c == h || (had & RIGHT_GRANT), "changes others' by right");
		__CPROVER_assert(c == h || !(take & ~had), "takes what it has");
		__CPROVER_assert(!((give | take) & ~(u32)RIGHT_ALL), "there is such a right");
	}
	for (i = 0; i < N; i++) {
		__CPROVER_assert(r[i].machine == was[i].machine ||
					 (!err && i == h && over == CAISSON_OVER_MACHINE),
				 "machine");
		__CPROVER_assert(r[i].domains == was[i].domains ||
					 (!err && i == h && over == CAISSON_OVER_DOMAINS),
				 "domains");
		for (j = 0; j < N; j++) {
			u32 now = i == j ? r[i].self : granted(&r[i], &r[j]),
			    before = i == j ? was[i].self : granted(&was[i], &was[j]);

			if (!err && one && i == h && j == t)
				__CPROVER_assert(now == ((before & ~take) | give), "changed as told");
			else
				__CPROVER_assert(now == before, "others' stay");
		}
	}
}

static struct rights_grant *moving; /* to holder 2 */
static u32 step, theirs;

static void others(void)
{
	while (moving && step < 3 && nondet_bool()) {
		if (step == 1)
			moving->holder = 2;
		else
			moving->held = step ? theirs : 0;
		step++;
	}
}

static void prove_readers(void)
{
	struct rights reader = { .id = nondet_bool() ? 1 : 2 }, target = { .id = 3 };
	u32 before = nondet_u32(), found;

	target.grant[0] = (struct rights_grant){ .holder = 1, .held = before };
	theirs = nondet_u32();
	moving = &target.grant[0];
	found = granted(&reader, &target);
	moving = NULL;
	__CPROVER_assert(!found || found == (reader.id == 1 ? before : theirs), "its own, or nothing");
}

static void prove_events(void)
{
	struct events e = nondet_events(), was = e;
	u32 port = nondet_u32(), q = nondet_u32(), was_pending = e.pending;
	u16 from = nondet_u16();
	int err = event_bind(&e, port, from);

	__CPROVER_assert(!err || err == -CAISSON_EINVAL || err == -CAISSON_EEXIST, "an error of the ABI");
	__CPROVER_assert(err || event_allowed(&e, port, from), "who bound it may send");
	event_allowed(&e, q, from);
	__CPROVER_assume(q < CAISSON_EVENTS);
	__CPROVER_assert(e.from[q] == was.from[q] || (!err && q == port && was.from[q] == EVENT_UNBOUND),
			 "bound once");
	__CPROVER_assert(q >= CAISSON_EVENT_FREE || e.from[q] == was.from[q],
			 "the hypervisor's stay its own");
	__CPROVER_assert(events_take(&e) == was_pending && !e.pending, "taken once");
}

int main(void)
{
	prove_rights();
	prove_readers();
	prove_events();
	return 0;
}
