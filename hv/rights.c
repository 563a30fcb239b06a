/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/rights.h"
#include "hv/lock.h"

static struct lock change_lock;			 /* all changes; they are rare */
static u64 generation, living[CAISSON_MAX_DOMS]; /* who has each number now; 0: nobody */

void rights_init(struct rights *r, u32 domain, const struct rights *creator)
{
	r->id = ++generation * CAISSON_MAX_DOMS + domain;
	WRITE_ONCE(living[domain], r->id);
	r->self = RIGHT_EVENT;
	if (creator)
		r->grant[0] = (struct rights_grant){ .holder = creator->id, .held = RIGHT_ALL };
}

void rights_exit(const struct rights *r)
{
	WRITE_ONCE(living[r->id % CAISSON_MAX_DOMS], 0);
}

static u32 granted(const struct rights *holder, const struct rights *target)
{
	for (u32 i = 0; i < RIGHTS_GRANTS; i++) {
		const struct rights_grant *g = &target->grant[i];
		u32 held;

		if (READ_ONCE(g->holder) != holder->id)
			continue;
		held = READ_ONCE(g->held);
		if (READ_ONCE(g->holder) == holder->id) /* else it is another's, who has the place now */
			return held;
	}
	return 0;
}

u32 rights_over(const struct rights *holder, const struct rights *target)
{
	u32 held = READ_ONCE(holder->domains);

	if (holder == target)
		return held | READ_ONCE(holder->self) | RIGHTS_SELF;
	return target ? held | granted(holder, target) : held;
}

u32 rights_held(const struct rights *holder, u32 over, const struct rights *target)
{
	if (over == CAISSON_OVER_MACHINE)
		return READ_ONCE(holder->machine);
	if (over == CAISSON_OVER_DOMAINS)
		return READ_ONCE(holder->domains);
	return holder == target ? READ_ONCE(holder->self) | RIGHTS_SELF : granted(holder, target);
}

/* Where the set is kept; a new place when there is none yet. Lock: change_lock. */
static u32 *place(struct rights *holder, u32 over, struct rights *target)
{
	if (over == CAISSON_OVER_MACHINE)
		return &holder->machine;
	if (over == CAISSON_OVER_DOMAINS)
		return &holder->domains;
	if (holder == target)
		return &holder->self;
	for (u32 i = 0; i < RIGHTS_GRANTS; i++)
		if (target->grant[i].holder == holder->id)
			return &target->grant[i].held;
	for (u32 i = 0; i < RIGHTS_GRANTS; i++) {
		u64 old = target->grant[i].holder;

		if (!target->grant[i].held || READ_ONCE(living[old % CAISSON_MAX_DOMS]) != old) {
			/* first: the new holder never has what the old one had */
			WRITE_ONCE(target->grant[i].held, 0);
			WRITE_ONCE(target->grant[i].holder, holder->id);
			return &target->grant[i].held;
		}
	}
	return NULL;
}

int rights_change(const struct rights *caller, struct rights *holder, u32 over, struct rights *target,
		  u32 give, u32 take)
{
	bool one = over < CAISSON_OVER_DOMAINS;
	u32 has, *set;
	int r = 0;

	if ((give | take) & ~(u32)RIGHT_ALL)
		return -CAISSON_EINVAL;
	lock(&change_lock);
	/* Under the lock: what is taken from the caller meanwhile is not handed on. */
	has = one ? rights_over(caller, target) : rights_held(caller, over, target);
	if (caller == holder ? give & ~has : ((give | take) & ~has) || !(has & RIGHT_GRANT))
		r = -CAISSON_EPERM;
	set = r ? NULL : place(holder, over, target);
	if (set)
		WRITE_ONCE(*set, (*set & ~take) | give);
	else if (!r)
		r = -CAISSON_ENOSPC;
	unlock(&change_lock);
	return r;
}
