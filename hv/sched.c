/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/sched.h"
#include "hv/arch.h"
#include "hv/panic.h"
#include "hv/string.h"

#define WORDS	    CAISSON_CPU_WORDS
#define LOAD_SCALE  16u /* load per weight: a share of a small weight is still a number */
#define FACTOR_BITS 24
#define VTIME_BITS  12 /* virtual ticks per tick at weight 1, log2 */
#define SCAN	    8u /* units looked at for one that may move */

/* The common case stays in line, the rest out of its way. */
#define COLD __attribute__((noinline, cold))
#define HOT  inline __attribute__((always_inline))

struct pool {
	bool used;
	u32 groups;
	u64 cpus[WORDS];
	u64 idle[WORDS]; /* a CPU's bit changes under that CPU's lock */
};

static struct {
	struct lock lock;
	u64 khz;
	u64 slice, preempt, bonus, cap_period, cap_min, balance, gain; /* ticks */
	struct sched_cpu *cpu[CAISSON_MAX_CPUS];
	struct pool pool[SCHED_POOLS];
	struct sched_unit *units;
} s;

/* NULL: there is no such pool. */
static struct pool *pool_of(u32 id)
{
	return id < SCHED_POOLS && s.pool[id].used ? &s.pool[id] : NULL;
}

static struct sched_unit *of_run(struct heap_node *n)
{
	return container_of(n, struct sched_unit, run);
}

static bool bit(const u64 *mask, u32 n)
{
	return mask[n / 64] >> (n % 64) & 1;
}

static u64 us(u32 n)
{
	return (u64)n * s.khz / 1000;
}

/* ---- locks ---- */

static struct sched_cpu *unit_lock(struct sched_unit *u)
{
	struct sched_cpu *c;

	for (;;) {
		c = READ_ONCE(u->cpu);
		lock(&c->lock);
		if (likely(c == READ_ONCE(u->cpu)))
			return c;
		unlock(&c->lock);
	}
}

static void lock_two(struct sched_cpu *a, struct sched_cpu *b)
{
	lock(&(a->id < b->id ? a : b)->lock);
	lock(&(a->id < b->id ? b : a)->lock);
}

static void unlock_two(struct sched_cpu *a, struct sched_cpu *b)
{
	unlock(&a->lock);
	unlock(&b->lock);
}

/* The CPU looks at its queues again soon. c->lock held.
 * An idle CPU that asks itself is on its way to sched_pick(). */
static void kick(struct sched_cpu *c)
{
	if (c->resched)
		return;
	WRITE_ONCE(c->resched, true);
	if (c->current || c->pcpu != this_cpu())
		arch_cpu_kick(c->pcpu);
}

/* The state on the CPU has to be saved, whoever runs next. */
static void evict(struct sched_cpu *c)
{
	WRITE_ONCE(c->evict, true);
	kick(c);
}

/* ---- where a unit may run ---- */

static HOT bool allowed(const struct sched_unit *u, const struct sched_cpu *c)
{
	return bit(u->affinity, c->id) && c->pool == READ_ONCE(u->group->pool);
}

static bool fits(const struct sched_unit *u, const struct sched_cpu *c)
{
	return allowed(u, c) && (!u->rt.budget || u->rt.home == c);
}

/* In or out of the pool's set of idle CPUs. c->lock held; rare, so callers look at c->idle first. */
static COLD void set_idle(struct sched_cpu *c, bool idle)
{
	if (c->idle != idle)
		__atomic_fetch_xor(&s.pool[c->pool].idle[c->id / 64], BIT(c->id % 64), __ATOMIC_SEQ_CST);
	c->idle = idle;
}

/* An idle CPU that the unit may use, or NULL. */
static HOT struct sched_cpu *idle_for(const struct sched_unit *u)
{
	const struct pool *p = &s.pool[READ_ONCE(u->group->pool)];
	u64 m;

	for (u32 i = 0; i < WORDS; i++) {
		m = READ_ONCE(p->idle[i]) & u->affinity[i];
		if (unlikely(m))
			return s.cpu[i * 64 + __builtin_ctzll(m)];
	}
	return NULL;
}

static COLD struct sched_cpu *lightest_for(const struct sched_unit *u)
{
	const struct pool *p = &s.pool[READ_ONCE(u->group->pool)];
	struct sched_cpu *best = NULL, *c;
	u32 i;
	u64 m;

	for (i = 0; i < WORDS; i++)
		for (m = READ_ONCE(p->cpus[i]) & u->affinity[i]; m; m &= m - 1) {
			c = s.cpu[i * 64 + __builtin_ctzll(m)];
			if (!best || READ_ONCE(c->load) < READ_ONCE(best->load))
				best = c;
		}
	return best;
}

/* Where a unit that becomes runnable goes; c: where it was. */
static struct sched_cpu *target(struct sched_unit *u, struct sched_cpu *c)
{
	struct sched_cpu *t;

	if (u->rt.budget)
		return u->rt.home;
	if (allowed(u, c) && (u->on || !c->runnable))
		return c;
	t = idle_for(u);
	if (t)
		return t;
	return allowed(u, c) && u->switches ? c : lightest_for(u);
}

/* ---- virtual time and caps ---- */

static HOT u64 scale(u64 ticks, u64 factor)
{
	return (u64)(((unsigned __int128)ticks * factor) >> (FACTOR_BITS - VTIME_BITS));
}

/* Running time in virtual time at the unit's present share of its group's weight. */
static HOT u64 vticks(const struct sched_unit *u, u64 ticks)
{
	u64 factor = u->group->factor;
	u32 active = READ_ONCE(u->group->active);

	return scale(ticks, active > 1 ? factor * active : factor);
}

/* The same on CPU c for a guaranteed unit, which weighs at least its part of what else is there. */
static COLD u64 vguaranteed(const struct sched_cpu *c, const struct sched_unit *u, u64 ticks)
{
	u32 least = (c->load - u->load) / LOAD_SCALE * SCHED_GUARANTEE / (100 - SCHED_GUARANTEE);

	return least * LOAD_SCALE > u->load ? scale(ticks, BIT(FACTOR_BITS) / least) : vticks(u, ticks);
}

static COLD void cap_refill(struct sched_group *g, u64 now)
{
	u64 quota = s.cap_period * g->cap / 100, n;

	if (heap_before(now, g->refill))
		return;
	n = (now - g->refill) / s.cap_period + 1;
	g->refill += n * s.cap_period;
	/* What it slept through it may not save up. */
	g->credit = MIN(g->credit + (s64)(MIN(n, BIT(20)) * quota), (s64)quota);
}

/* What a capped group has left; *until: when there will be more. */
static COLD s64 cap_credit(struct sched_group *g, u64 now, u64 *until)
{
	s64 left;

	lock(&g->lock);
	cap_refill(g, now);
	left = g->credit;
	*until = g->refill;
	unlock(&g->lock);
	return left;
}

/* A unit enters the fair class of c: neither far ahead, nor further behind than so much of its running time,
 * so that it does not starve others. */
static HOT void settle(const struct sched_cpu *c, struct sched_unit *u, u64 behind)
{
	bool is_behind = heap_before(u->vtime, c->clock);
	u64 most = vticks(u, is_behind ? behind : 2 * s.slice);

	if (unlikely((is_behind ? c->clock - u->vtime : u->vtime - c->clock) > most))
		u->vtime = is_behind ? c->clock - most : c->clock + most;
}

/* The clock of c is the least virtual time there, and never goes back. */
static void advance(struct sched_cpu *c)
{
	struct heap_node *f = heap_first(&c->fair);
	u64 least = f ? f->key : c->clock;

	if (c->current && !c->current->reserved && (!f || heap_before(c->current->vtime, least)))
		least = c->current->vtime;
	if (heap_before(c->clock, least))
		c->clock = least;
}

/* ---- reservations ---- */

static void renew(struct sched_unit *u, u64 now)
{
	u->rt.deadline = now + u->rt.period;
	u->rt.left = (s64)u->rt.budget;
}

/* At a wake-up: what is left of the old period may be used only if that is no more than its share of what is
 * left of the time. */
static COLD void rt_wake(struct sched_unit *u, u64 now)
{
	u64 d = u->rt.deadline;

	if (!heap_before(now, d) || (u->rt.left > 0 && (unsigned __int128)u->rt.left * u->rt.period >
							       (unsigned __int128)(d - now) * u->rt.budget))
		renew(u, now);
}

/* A unit served by its reservation at its deadline had its budget kept from it. */
static COLD void rt_late(struct sched_unit *u, u64 now)
{
	if (heap_before(u->rt.deadline, now)) {
		u->rt.missed++;
		renew(u, now);
	}
}

/* ---- queues: c->lock held, u->cpu == c ---- */

static COLD void enqueue_rt(struct sched_cpu *c, struct sched_unit *u)
{
	u->reserved = u->rt.left > 0;
	heap_insert(u->reserved ? &c->reserved : &c->fair, &u->run, u->reserved ? u->rt.deadline : u->vtime);
	if (!u->reserved && !u->release.queued)
		heap_insert(&c->releases, &u->release, u->rt.deadline);
}

static HOT void enqueue(struct sched_cpu *c, struct sched_unit *u)
{
	u->state = SCHED_QUEUED;
	if (likely(!u->rt.budget))
		heap_insert(&c->fair, &u->run, u->vtime);
	else
		enqueue_rt(c, u);
}

static COLD void reweigh(struct sched_cpu *c, struct sched_unit *u, u64 share)
{
	u32 active = (u32)(share >> 32), load = (u32)share * LOAD_SCALE / (active ? active : 1);

	u->seen = share;
	c->load += load - u->load;
	u->load = load;
}

/* What the unit, which is one of c's, weighs now: others of its group wake and sleep. */
static HOT void weigh(struct sched_cpu *c, struct sched_unit *u)
{
	u64 share = READ_ONCE(u->group->share);

	if (unlikely(share != u->seen))
		reweigh(c, u, share);
}

/* Becomes one of those that c has to serve, or ceases to be. */
static HOT void join(struct sched_cpu *c, struct sched_unit *u)
{
	c->load += u->load;
	weigh(c, u);
	c->runnable++;
}

static void part(struct sched_cpu *c, struct sched_unit *u)
{
	c->load -= u->load;
	c->runnable--;
}

/* The wait of a unit that is queued, parked or leaving, up to now. */
static HOT void waited(struct sched_unit *u, u64 now)
{
	u64 d = now - u->since;

	if ((s64)d <= 0)
		return;
	u->wait_ticks += d;
	if (u->state == SCHED_PARKED)
		u->parked_ticks += d;
	u->since = now;
}

/* Out of all trees of c, whatever it does there but running. */
static COLD void withdraw(struct sched_cpu *c, struct sched_unit *u, u64 now)
{
	if (u->state != SCHED_BLOCKED)
		waited(u, now);
	if (u->state == SCHED_QUEUED) {
		heap_remove(u->reserved ? &c->reserved : &c->fair, &u->run);
		part(c, u);
	}
	if (u->release.queued)
		heap_remove(&c->releases, &u->release);
}

static COLD void park(struct sched_cpu *c, struct sched_unit *u, u64 until)
{
	u->state = SCHED_PARKED;
	part(c, u);
	heap_insert(&c->releases, &u->release, until);
}

static COLD void charge_special(struct sched_cpu *c, struct sched_unit *u, u64 d, u64 now)
{
	if (u->group->cap) {
		lock(&u->group->lock);
		cap_refill(u->group, now);
		u->group->credit -= (s64)d;
		unlock(&u->group->lock);
	}
	if (!u->reserved) {
		u->vtime += u->group->guaranteed ? vguaranteed(c, u, d) : vticks(u, d);
		return;
	}
	u->rt.left -= (s64)d;
	if (u->rt.left > 0) {
		rt_late(u, now);
	} else {
		/* What it had beyond its budget, it had in the fair class. */
		u->reserved = false;
		settle(c, u, s.bonus);
		u->vtime += vticks(u, (u64)-u->rt.left);
		u->rt.left = 0;
		heap_insert(&c->releases, &u->release, u->rt.deadline);
	}
}

/* The current has had the CPU up to now. */
static HOT void charge(struct sched_cpu *c, u64 now)
{
	struct sched_unit *u = c->current;
	u64 d;

	if (!u || (s64)(d = now - u->since) <= 0)
		return;
	u->since = now;
	u->run_ticks += d;
	if (likely(!u->group->special && !u->reserved))
		u->vtime += vticks(u, d);
	else
		charge_special(c, u, d, now);
}

/* The current stops being so; its state is on the CPU until sched_put(). */
static HOT void stop(struct sched_cpu *c, struct sched_unit *u, enum sched_state state)
{
	c->current = NULL;
	u->state = state;
	part(c, u);
	if (unlikely(u->release.queued))
		heap_remove(&c->releases, &u->release);
	if (state == SCHED_BLOCKED)
		__atomic_fetch_sub(&u->group->active, 1, __ATOMIC_RELAXED);
}

/* To the queue of another CPU: neither better nor worse off than it was, or with what it is `owed` by the
 * pool. Both locks. */
static void move(struct sched_unit *u, struct sched_cpu *from, struct sched_cpu *to, bool owed)
{
	if (!to->runnable)
		to->offset = from->clock + from->offset - to->clock;
	u->vtime += owed ? from->offset - to->offset : to->clock - from->clock;
	WRITE_ONCE(u->cpu, to);
}

/* A LEAVING unit joins the queue of its CPU, which is told when that matters now. */
static void arrive(struct sched_cpu *c, struct sched_unit *u, u64 now, u64 behind)
{
	struct sched_unit *cur = c->current;

	charge(c, now);
	advance(c);
	join(c, u);
	settle(c, u, behind);
	if (u->rt.budget)
		rt_wake(u, now);
	enqueue(c, u);
	if (c->idle)
		set_idle(c, false);
	if (!cur || (!cur->reserved && c->slice_end - c->picked > s.slice))
		kick(c); /* idle, or a turn without end */
	else if (u->reserved ? !cur->reserved || heap_before(u->rt.deadline, cur->rt.deadline)
			     : !cur->reserved && heap_before(u->vtime, cur->vtime))
		kick(c);
	else if (u->release.queued && u->release.key < c->slice_end)
		kick(c);
}

/* A LEAVING unit finds its CPU. u->cpu's lock (c) is held and is released. */
static void find_place(struct sched_cpu *c, struct sched_unit *u)
{
	struct sched_cpu *t;

	for (;;) {
		if (u->on && !fits(u, c)) {
			evict(c); /* sched_put() goes on from here */
			break;
		}
		t = target(u, c);
		if (likely(t == c)) {
			arrive(c, u, arch_now(), s.bonus);
			break;
		}
		unlock(&c->lock);
		lock_two(c, t);
		if (u->cpu == c && u->state == SCHED_LEAVING && !u->on && fits(u, t)) {
			move(u, c, t, false);
			unlock(&c->lock);
			arrive(t, u, arch_now(), s.bonus);
			unlock(&t->lock);
			return;
		}
		unlock_two(c, t);
		c = unit_lock(u);
		if (u->state != SCHED_LEAVING)
			break;
	}
	unlock(&c->lock);
}

/* A blocked unit that wants to run and is not held. c->lock is released. */
static void start(struct sched_cpu *c, struct sched_unit *u)
{
	__atomic_fetch_add(&u->group->active, 1, __ATOMIC_RELAXED);
	u->state = SCHED_LEAVING;
	u->since = arch_now();
	find_place(c, u);
}

/* Where it is, or what it is there as, has become wrong. c->lock is held and is released. */
static void displace(struct sched_cpu *c, struct sched_unit *u)
{
	if (u->state == SCHED_RUNNING) {
		c->review = true;
		kick(c);
	} else if (u->state == SCHED_QUEUED || u->state == SCHED_PARKED) {
		withdraw(c, u, arch_now());
		u->state = SCHED_LEAVING;
		find_place(c, u);
		return;
	}
	unlock(&c->lock);
}

/* ---- waking and holding ---- */

bool sched_wake(struct sched_unit *u)
{
	struct sched_cpu *c = unit_lock(u);

	if (u->wants) {
		u->woken = true;
		unlock(&c->lock);
		return false;
	}
	u->wants = true;
	if (likely(!u->holds))
		start(c, u);
	else
		unlock(&c->lock);
	return true;
}

bool sched_deschedule(struct sched_unit *u)
{
	struct sched_cpu *c = unit_lock(u);
	bool on = u->on;

	u->holds++;
	c->review |= u->state == SCHED_RUNNING;
	if (u->state != SCHED_BLOCKED && u->state != SCHED_RUNNING) {
		withdraw(c, u, arch_now());
		u->state = SCHED_BLOCKED;
		__atomic_fetch_sub(&u->group->active, 1, __ATOMIC_RELAXED);
	}
	if (on)
		evict(c);
	unlock(&c->lock);
	return on;
}

void sched_resume(struct sched_unit *u)
{
	struct sched_cpu *c = unit_lock(u);

	ASSERT(u->holds, "not descheduled");
	u->holds--;
	if (!u->holds && u->wants && u->state == SCHED_BLOCKED)
		start(c, u);
	else
		unlock(&c->lock);
}

void sched_times(struct sched_unit *u, u64 now, struct sched_times *out)
{
	struct sched_cpu *c = unit_lock(u);
	u64 d = (s64)(now - u->since) > 0 ? now - u->since : 0;

	*out = (struct sched_times){ u->run_ticks, u->wait_ticks, u->parked_ticks };
	if (u->state == SCHED_RUNNING)
		out->run += d;
	else if (u->state != SCHED_BLOCKED)
		out->wait += d;
	if (u->state == SCHED_PARKED)
		out->parked += d;
	unlock(&c->lock);
}

/* ---- the run loop ---- */

/* Caps refilled, budgets renewed. */
static COLD void releases(struct sched_cpu *c, u64 now)
{
	struct heap_node *n;
	struct sched_unit *u;

	while ((n = heap_first(&c->releases)) && !heap_before(now, n->key)) {
		u = container_of(n, struct sched_unit, release);
		heap_remove(&c->releases, n);
		if (u->state == SCHED_PARKED) {
			waited(u, now);
			join(c, u);
			settle(c, u, s.bonus);
			enqueue(c, u);
			continue;
		}
		u->rt.left = (s64)u->rt.budget;
		u->rt.deadline += u->rt.period;
		if (!heap_before(now, u->rt.deadline))
			u->rt.deadline = now + u->rt.period;
		if (u->state == SCHED_QUEUED) {
			heap_remove(&c->fair, &u->run);
			enqueue(c, u);
		} else {
			u->reserved = true;
		}
	}
}

/* The current was held or moved: does it have to go? */
static COLD bool reviewed(struct sched_cpu *c, struct sched_unit *u)
{
	c->review = false;
	if (!u)
		return true;
	if (u->holds || !fits(u, c)) {
		stop(c, u, u->holds ? SCHED_BLOCKED : SCHED_LEAVING);
		WRITE_ONCE(c->evict, true);
		return false;
	}
	if (u == c->loaded)
		WRITE_ONCE(c->evict, false); /* whoever wanted it away does no more */
	return true;
}

/* A unit of a capped group, current or first of the fair class, is parked if the cap is reached. */
static COLD bool over_cap(struct sched_cpu *c, struct sched_unit *u, u64 now)
{
	u64 until;

	if (u->rt.budget || cap_credit(u->group, now, &until) > 0)
		return false;
	if (u == c->current) {
		c->current = NULL;
	} else {
		waited(u, now);
		heap_remove(&c->fair, &u->run);
	}
	park(c, u, until);
	return true;
}

/* The current unit if it may stay one, else NULL: it has left the queues of c or is parked there. */
static HOT struct sched_unit *keepable(struct sched_cpu *c, u64 now)
{
	struct sched_unit *u = c->current;

	if (unlikely(c->review) && !reviewed(c, u))
		return NULL;
	return unlikely(u && u->group->cap) && over_cap(c, u, now) ? NULL : u;
}

/* The first of the fair class whose group is within its cap. */
static HOT struct sched_unit *fair_first(struct sched_cpu *c, u64 now)
{
	struct heap_node *n;

	do
		n = heap_first(&c->fair);
	while (n && unlikely(of_run(n)->group->cap) && over_cap(c, of_run(n), now));
	return n ? of_run(n) : NULL;
}

/* Who should run; cur: who does and may. */
static HOT struct sched_unit *choose(struct sched_cpu *c, struct sched_unit *cur, u64 now)
{
	struct heap_node *n = heap_first(&c->reserved);
	struct sched_unit *u;

	if (cur && cur->reserved)
		return n && heap_before(n->key, cur->rt.deadline) ? of_run(n) : cur;
	if (n)
		return of_run(n);
	u = fair_first(c, now);
	if (unlikely(!cur || !u))
		return cur ? cur : u;
	return now - c->picked < s.preempt || !heap_before(u->vtime, cur->vtime) ? cur : u;
}

/* When the turn of the current is to be looked at again. */
static COLD u64 slice_special(struct sched_cpu *c, u64 end, u64 now)
{
	struct sched_unit *u = c->current;
	struct heap_node *n = heap_first(&c->releases);
	u64 until, left;

	if (u && u->reserved) {
		end = now + (u64)u->rt.left;
	} else if (u && u->group->cap && !u->rt.budget) {
		left = (u64)MAX(cap_credit(u->group, now, &until), 0) / MAX(READ_ONCE(u->group->active), 1u);
		end = MIN(end, now + MAX(left, s.cap_min));
	}
	return n ? MIN(end, n->key) : end;
}

static HOT void set_slice(struct sched_cpu *c, u64 turn, u64 now)
{
	u64 end = c->fair.count ? c->picked + turn : SCHED_NEVER;

	if (unlikely(c->current->reserved || c->current->group->cap || c->releases.count))
		end = slice_special(c, end, now);
	c->slice_end = end;
}

/* A queued unit of c that may run on t at once, or NULL. Both locks. */
static COLD struct sched_unit *movable(struct sched_cpu *c, const struct sched_cpu *t)
{
	struct heap_node *n;
	struct sched_unit *u;
	u32 i;

	for (n = heap_first(&c->fair), i = 0; n && i < SCAN; n = heap_next(n), i++) {
		u = of_run(n);
		if (!u->on && !u->rt.budget && allowed(u, t))
			return u;
	}
	return NULL;
}

static void transfer(struct sched_unit *u, struct sched_cpu *from, struct sched_cpu *to, bool owed, u64 now)
{
	withdraw(from, u, now);
	move(u, from, to, owed);
	u->state = SCHED_LEAVING;
	arrive(to, u, now, 4 * s.bonus); /* it takes along what it is owed */
}

/* An idle CPU takes what waits elsewhere in its pool. No lock held. */
static COLD bool steal(struct sched_cpu *c, u64 now)
{
	struct sched_unit *u = NULL;
	struct sched_cpu *v;
	u32 i, k;
	u64 m;

	for (k = 0; k < WORDS && !u; k++) {
		i = (c->id / 64 + k) % WORDS;
		for (m = READ_ONCE(s.pool[c->pool].cpus[i]); m && !u; m &= m - 1) {
			v = s.cpu[i * 64 + __builtin_ctzll(m)];
			if (v == c || !READ_ONCE(v->fair.count))
				continue;
			lock_two(c, v);
			u = movable(v, c);
			if (u)
				transfer(u, v, c, false, now);
			unlock_two(c, v);
		}
	}
	return u;
}

/* Another CPU of the pool that has less to do, or NULL: one that is idle or has a single unit (its clock is
 * not looked at all the time), or else, of those with several, the one that is ahead of the others. */
static struct sched_cpu *lighter(struct sched_cpu *c, bool single)
{
	struct sched_cpu *best = NULL, *t;
	u64 at, most = 0, m;

	for (u32 i = 0; i < WORDS; i++)
		for (m = READ_ONCE(s.pool[c->pool].cpus[i]); m; m &= m - 1) {
			t = s.cpu[i * 64 + __builtin_ctzll(m)];
			/* Itself, too, where another CPU makes its load larger between the two reads. */
			if (t == c || READ_ONCE(t->load) >= c->load || (READ_ONCE(t->runnable) < 2) != single)
				continue;
			at = READ_ONCE(t->clock) + READ_ONCE(t->offset);
			if (!best || heap_before(most, at)) {
				best = t;
				most = at;
			}
		}
	return best;
}

/* A unit goes from c to t, which has less to do, when it is owed a turn there.
 * False: none is. No lock held. */
static bool even_out(struct sched_cpu *c, struct sched_cpu *t, u64 now)
{
	bool moves = false;
	struct sched_unit *u;
	s64 ahead, gain;

	lock_two(c, t);
	charge(t, now);
	advance(t);
	u = movable(c, t);
	if (u && c->pool == t->pool && t->load + u->load / 2 <= c->load) {
		gain = (s64)vticks(u, s.gain);
		ahead = (s64)(t->clock + t->offset - (u->vtime + c->offset));
		moves = ahead >= gain || !t->runnable;
		if (ahead < -2 * gain) /* It slept: its clock stood still for no merit of the units there. */
			t->offset += (u64)(-2 * gain - ahead);
		else if (moves)
			transfer(u, c, t, true, now);
	}
	unlock_two(c, t);
	return moves;
}

/* A busy CPU compares its clock with those of others that have less to do. They are ahead, because they serve
 * everybody faster. Both kinds are looked at: one CPU with a single unit would hide all the others. */
static COLD void balance(struct sched_cpu *c, u64 now)
{
	struct sched_cpu *t = lighter(c, true);

	c->balance = now + s.balance;
	if (t && even_out(c, t, now))
		return;
	t = lighter(c, false);
	if (t)
		even_out(c, t, now);
}

/* From the current, if there still is one, to the first of a tree.
 * The tree is smaller in between, not larger. */
static HOT void switch_to(struct sched_cpu *c, struct sched_unit *cur, struct sched_unit *u, u64 now)
{
	if (likely(cur && !u->reserved && !cur->rt.budget)) {
		weigh(c, cur);
		cur->state = SCHED_QUEUED;
		heap_exchange(&c->fair, &cur->run, cur->vtime);
	} else {
		heap_remove(u->reserved ? &c->reserved : &c->fair, &u->run);
		if (cur) {
			weigh(c, cur);
			enqueue(c, cur);
		}
	}
	if (unlikely(c->idle))
		set_idle(c, false);
	waited(u, now);
	u->since = now;
	u->state = SCHED_RUNNING;
	u->switches++;
	u->on = c;
	c->current = u;
	c->picked = now;
	if (unlikely(u->reserved))
		rt_late(u, now);
	else if (heap_before(c->clock, u->vtime))
		c->clock = u->vtime;
	set_slice(c, s.slice, now);
}

/* The current goes on. */
static HOT void keep(struct sched_cpu *c, struct sched_unit *u, u64 now)
{
	struct heap_node *f = heap_first(&c->fair);
	bool early = f && heap_before(f->key, u->vtime); /* kept only because its turn has just begun */

	if (now - c->picked >= s.slice)
		c->picked = now;
	advance(c);
	set_slice(c, early ? s.preempt : s.slice, now);
}

struct sched_unit *sched_pick(struct sched_cpu *c, u64 now)
{
	struct sched_unit *cur, *u;

	if (!c->alone && unlikely(now >= c->balance) && c->fair.count)
		balance(c, now);
	for (;;) {
		lock(&c->lock);
		WRITE_ONCE(c->resched, false);
		charge(c, now);
		if (unlikely(c->releases.count))
			releases(c, now);
		cur = keepable(c, now);
		u = choose(c, cur, now);
		if (likely(u))
			break;
		set_idle(c, true);
		c->slice_end = slice_special(c, SCHED_NEVER, now);
		unlock(&c->lock);
		if (!steal(c, now))
			return NULL;
	}
	if (u != cur)
		switch_to(c, cur, u, now);
	else
		keep(c, u, now);
	unlock(&c->lock);
	return u;
}

/* u, queued on c, is on no CPU any more: an idle one may come and take it.
 * c->lock is held and is released. */
static __noinline void offer(struct sched_cpu *c, const struct sched_unit *u)
{
	struct sched_cpu *t = idle_for(u);

	unlock(&c->lock);
	if (unlikely(t != NULL)) {
		lock(&t->lock);
		kick(t);
		unlock(&t->lock);
	}
}

void sched_put(struct sched_cpu *c)
{
	struct sched_unit *u = c->loaded;

	lock(&c->lock);
	c->loaded = NULL;
	WRITE_ONCE(c->evict, false);
	__atomic_store_n(&u->on, NULL, __ATOMIC_RELEASE);
	if (unlikely(u->state == SCHED_LEAVING)) {
		find_place(c, u);
		return;
	}
	if (likely(c->alone || u->state != SCHED_QUEUED || u->rt.budget))
		unlock(&c->lock);
	else
		offer(c, u);
}

bool sched_block(struct sched_cpu *c, u64 now)
{
	struct sched_unit *u = c->current;

	lock(&c->lock);
	if (unlikely(u->woken)) {
		u->woken = false;
		unlock(&c->lock);
		return false;
	}
	charge(c, now);
	u->wants = false;
	stop(c, u, SCHED_BLOCKED);
	unlock(&c->lock);
	return true;
}

void sched_give_way(struct sched_cpu *c, u64 now)
{
	struct sched_unit *u = c->current;
	struct heap_node *n;

	lock(&c->lock);
	charge(c, now);
	n = heap_first(&c->fair);
	if (!u->reserved && n) {
		if (!heap_before(n->key, u->vtime))
			u->vtime = n->key + 1;
		c->picked = now - s.preempt;
	}
	WRITE_ONCE(c->resched, true);
	unlock(&c->lock);
}

/* What stands in the way of a direct hand-over. Both locks. */
static HOT bool may_hand(const struct sched_cpu *c, const struct sched_unit *from,
			 const struct sched_unit *to)
{
	return !from->woken && !from->holds && !to->wants && !to->holds && !c->resched &&
	       !c->reserved.count && !to->rt.budget && allowed(to, c);
}

static HOT void hand(struct sched_cpu *c, struct sched_unit *from, struct sched_unit *to, u64 now)
{
	charge(c, now);
	from->wants = false;
	stop(c, from, SCHED_BLOCKED);

	__atomic_fetch_add(&to->group->active, 1, __ATOMIC_RELAXED);
	join(c, to);
	settle(c, to, s.bonus);
	to->wants = true;
	to->state = SCHED_RUNNING;
	to->since = now;
	to->switches++;
	to->on = c;
	c->current = to;
}

bool sched_lend(struct sched_cpu *c, struct sched_unit *to)
{
	bool ok;

	lock(&c->lock);
	ok = to->cpu == c && /* so on no other */ may_hand(c, c->current, to) && !to->group->cap;
	if (ok)
		to->on = c;
	unlock(&c->lock);
	return ok;
}

void sched_give_back(struct sched_cpu *c, struct sched_unit *to)
{
	lock(&c->lock);
	__atomic_store_n(&to->on, NULL, __ATOMIC_RELEASE);
	if (unlikely(to->state ==
		     SCHED_LEAVING)) /* woken on its way to sleep, and it may not stay here any more */
		find_place(c, to);
	else
		unlock(&c->lock);
}

bool sched_handoff(struct sched_cpu *c, struct sched_unit *to, u64 now)
{
	struct sched_unit *from = c->current;
	struct sched_cpu *d = READ_ONCE(to->cpu);
	u64 until;
	bool ok;

	lock(&c->lock);
	/* If it slept elsewhere: not in the order of locks, so only if nobody has that one. */
	ok = likely(d == c) || trylock(&d->lock);
	if (ok) {
		ok = to->cpu == d && (!to->on || to->on == c) && may_hand(c, from, to) &&
		     now < c->slice_end &&
		     (likely(!to->group->cap) || cap_credit(to->group, now, &until) > 0);
		if (unlikely(d != c)) {
			if (ok)
				move(to, d, c, false);
			unlock(&d->lock);
		}
	}
	if (ok)
		hand(c, from, to, now);
	unlock(&c->lock);
	return ok;
}

/* ---- groups and units ---- */

void sched_group_init(struct sched_group *g, bool guaranteed)
{
	*g = (struct sched_group){ .weight = SCHED_WEIGHT,
				   .factor = BIT(FACTOR_BITS) / SCHED_WEIGHT,
				   .guaranteed = guaranteed,
				   .special = guaranteed };
}

int sched_set_weight(struct sched_group *g, u32 weight)
{
	if (!weight || weight > SCHED_WEIGHT_MAX)
		return -CAISSON_EINVAL;
	lock(&s.lock);
	WRITE_ONCE(g->weight, weight);
	WRITE_ONCE(g->factor, (u32)BIT(FACTOR_BITS) / weight);
	unlock(&s.lock);
	return 0;
}

int sched_set_cap(struct sched_group *g, u32 percent)
{
	struct sched_unit *u;
	struct sched_cpu *c;

	if (percent > SCHED_CAP_MAX)
		return -CAISSON_EINVAL;
	lock(&s.lock);
	lock(&g->lock);
	g->special = percent || g->guaranteed;
	g->refill = arch_now() + s.cap_period;
	g->credit = (s64)(s.cap_period * percent / 100);
	WRITE_ONCE(g->cap, percent);
	unlock(&g->lock);
	for (u = s.units; u; u = u->next)
		if (u->group == g) {
			c = unit_lock(u);
			displace(c, u); /* out of the park, or to a shorter turn */
		}
	unlock(&s.lock);
	return 0;
}

int sched_add(struct sched_unit *u, struct sched_group *g)
{
	u32 i;

	lock(&s.lock);
	u->group = g;
	for (i = 0; i < WORDS; i++)
		u->affinity[i] = ~0ull;
	u->cpu = lightest_for(u);
	if (!u->cpu) {
		unlock(&s.lock);
		return -CAISSON_EINVAL;
	}
	u->vtime = u->cpu->clock;
	u->next = s.units;
	s.units = u;
	if (!g->members++)
		s.pool[g->pool].groups++;
	unlock(&s.lock);
	return 0;
}

void sched_remove(struct sched_unit *u)
{
	struct sched_group *g = u->group;
	struct sched_unit **p;

	lock(&s.lock);
	unlock(&unit_lock(u)->lock); /* sched_put() reads it after it is on no CPU */
	ASSERT(u->state == SCHED_BLOCKED && !u->on, "state %u", u->state);
	for (p = &s.units; *p != u;)
		p = &(*p)->next;
	*p = u->next;
	if (u->rt.budget)
		u->rt.home->rt_share -= u->rt.share;
	if (!--g->members)
		s.pool[g->pool].groups--;
	unlock(&s.lock);
}

static bool meets(const u64 *a, const u64 *b)
{
	u32 i;

	for (i = 0; i < WORDS; i++)
		if (a[i] & b[i])
			return true;
	return false;
}

/* A CPU out of both masks with room for so much of a reservation, or NULL. Where the unit is, if it can stay.
 * What it has already was given back. */
static struct sched_cpu *room(const struct sched_unit *u, u32 share, const u64 *mask, const u64 *cpus)
{
	struct sched_cpu *best = NULL, *c;
	u32 i, least = ~0u, most = (u32)(BIT(20) * SCHED_RT_PERCENT / 100);

	for (i = 0; i < CAISSON_MAX_CPUS; i++) {
		c = s.cpu[i];
		if (!c || !bit(mask, i) || !bit(cpus, i) || c->rt_share + share > most)
			continue;
		if (c == (u->rt.budget ? u->rt.home : u->cpu))
			return c;
		if (c->rt_share < least) {
			least = c->rt_share;
			best = c;
		}
	}
	return best;
}

int sched_set_affinity(struct sched_unit *u, const u64 mask[WORDS])
{
	const u64 *cpus;
	struct sched_cpu *c, *home = NULL;
	int err = -CAISSON_EINVAL;

	lock(&s.lock);
	cpus = s.pool[u->group->pool].cpus;
	if (!meets(mask, cpus))
		goto out;
	if (u->rt.budget) {
		u->rt.home->rt_share -= u->rt.share;
		home = room(u, u->rt.share, mask, cpus);
		(home ? home : u->rt.home)->rt_share += u->rt.share;
		err = -CAISSON_ENOSPC;
		if (!home)
			goto out;
	}
	err = 0;
	c = unit_lock(u);
	memcpy(u->affinity, mask, sizeof(u->affinity));
	if (home)
		u->rt.home = home;
	if (fits(u, c))
		unlock(&c->lock);
	else
		displace(c, u);
out:
	unlock(&s.lock);
	return err;
}

/* Its reservation, admitted at u->rt.plan, takes effect. */
static void reserve(struct sched_unit *u, u64 budget, u64 period, u32 share)
{
	struct sched_cpu *c = unit_lock(u);
	u64 now = arch_now();

	if (u->state == SCHED_RUNNING) {
		charge(c, now);
		if (u->release.queued)
			heap_remove(&c->releases, &u->release);
	} else {
		withdraw(c, u, now);
		if (u->state != SCHED_BLOCKED)
			u->state = SCHED_LEAVING;
	}
	u->rt.home = u->rt.plan;
	u->rt.share = share;
	u->rt.budget = budget;
	u->rt.period = period;
	renew(u, now);
	u->reserved = budget && u->state == SCHED_RUNNING;
	if (u->state == SCHED_LEAVING)
		find_place(c, u);
	else
		displace(c, u);
}

int sched_set_reservation(struct sched_group *g, u32 budget_us, u32 period_us)
{
	struct sched_unit *u, *v;
	u32 share = 0;
	int err = 0;

	if (budget_us || period_us) {
		if (budget_us < SCHED_RT_MIN_US || budget_us > period_us || period_us > SCHED_RT_MAX_US)
			return -CAISSON_EINVAL;
		share = (u32)(((u64)budget_us << 20) / period_us);
	}
	lock(&s.lock);
	for (u = s.units; u; u = u->next)
		if (u->group == g && u->rt.budget)
			u->rt.home->rt_share -= u->rt.share;
	for (u = s.units; u; u = u->next) {
		if (u->group != g)
			continue;
		u->rt.plan = share ? room(u, share, u->affinity, s.pool[g->pool].cpus) : NULL;
		if (share && !u->rt.plan)
			break;
		if (share)
			u->rt.plan->rt_share += share;
	}
	for (v = s.units; v; v = v->next) {
		if (v->group != g)
			continue;
		if (!u) {
			reserve(v, us(budget_us), us(period_us), share);
			continue;
		}
		/* There is no room for u: nobody's changes. */
		err = -CAISSON_ENOSPC;
		if (v->rt.plan)
			v->rt.plan->rt_share -= share;
		v->rt.plan = NULL;
		if (v->rt.budget)
			v->rt.home->rt_share += v->rt.share;
	}
	unlock(&s.lock);
	return err;
}

/* ---- pools ---- */

/* Units leave CPUs that are not theirs any more. */
static void resettle(void)
{
	struct sched_unit *u;
	struct sched_cpu *c;

	for (u = s.units; u; u = u->next) {
		c = unit_lock(u);
		if (fits(u, c))
			unlock(&c->lock);
		else
			displace(c, u);
	}
}

/* Which CPUs are alone in their pools. */
static void count_cpus(void)
{
	for (u32 i = 0; i < CAISSON_MAX_CPUS; i++) {
		struct sched_cpu *c = s.cpu[i];
		u64 others = 0;

		for (u32 k = 0; c && k < WORDS; k++)
			others |= s.pool[c->pool].cpus[k] & ~(k == i / 64 ? BIT(i % 64) : 0);
		if (c)
			WRITE_ONCE(c->alone, !others);
	}
}

int sched_set_pool(struct sched_group *g, u32 pool)
{
	struct sched_unit *u;
	int err = -CAISSON_ENOENT;

	lock(&s.lock);
	if (!pool_of(pool))
		goto out;
	for (u = s.units; u; u = u->next) {
		if (u->group != g)
			continue;
		err = u->rt.budget ? -CAISSON_EBUSY : -CAISSON_EINVAL;
		if (u->rt.budget || !meets(u->affinity, s.pool[pool].cpus))
			goto out;
	}
	err = 0;
	if (g->members) {
		s.pool[g->pool].groups--;
		s.pool[pool].groups++;
	}
	WRITE_ONCE(g->pool, pool);
	resettle();
out:
	unlock(&s.lock);
	return err;
}

int sched_pool_create(void)
{
	u32 i = 0;

	lock(&s.lock);
	while (i < SCHED_POOLS && s.pool[i].used)
		i++;
	if (i < SCHED_POOLS)
		s.pool[i] = (struct pool){ .used = true };
	unlock(&s.lock);
	return i < SCHED_POOLS ? (int)i : -CAISSON_ENOSPC;
}

int sched_pool_destroy(u32 pool)
{
	static const u64 any[WORDS] = { ~0ull, ~0ull, ~0ull, ~0ull };
	struct pool *p;
	int err = 0;

	lock(&s.lock);
	p = pool_of(pool);
	if (!p)
		err = -CAISSON_ENOENT;
	else if (!pool || p->groups || meets(p->cpus, any))
		err = -CAISSON_EBUSY;
	else
		p->used = false;
	unlock(&s.lock);
	return err;
}

/* Each unit of the pool's groups may run on one of these CPUs. */
static bool suffices(u32 pool, const u64 *cpus)
{
	struct sched_unit *u;

	for (u = s.units; u; u = u->next)
		if (u->group->pool == pool && !meets(u->affinity, cpus))
			return false;
	return true;
}

int sched_pool_move_cpu(u32 pool, u32 cpu)
{
	struct sched_cpu *c = cpu < CAISSON_MAX_CPUS ? s.cpu[cpu] : NULL;
	u64 left[WORDS], m = BIT(cpu % 64);
	u32 old, w = cpu / 64;
	int err = -CAISSON_ENOENT;
	bool idle;

	lock(&s.lock);
	if (!c || !pool_of(pool))
		goto out;
	err = 0;
	old = c->pool;
	if (old == pool)
		goto out;
	memcpy(left, s.pool[old].cpus, sizeof(left));
	left[w] &= ~m;
	err = -CAISSON_EBUSY;
	if (c->rt_share || !suffices(old, left))
		goto out;
	err = 0;
	lock(&c->lock);
	idle = bit(s.pool[old].idle, cpu);
	set_idle(c, false);
	WRITE_ONCE(s.pool[old].cpus[w], left[w]);
	WRITE_ONCE(c->pool, pool);
	__atomic_fetch_or(&s.pool[pool].cpus[w], m, __ATOMIC_RELAXED);
	count_cpus();
	set_idle(c, idle);
	kick(c); /* it may take work there */
	unlock(&c->lock);
	resettle();
out:
	unlock(&s.lock);
	return err;
}

int sched_pool_info(u32 pool, u64 cpus[WORDS], u32 *groups)
{
	struct pool *p;

	lock(&s.lock);
	p = pool_of(pool);
	if (p) {
		memcpy(cpus, p->cpus, sizeof(p->cpus));
		*groups = p->groups;
	}
	unlock(&s.lock);
	return p ? 0 : -CAISSON_ENOENT;
}

/* ---- at boot ---- */

void sched_init(u64 tsc_khz)
{
	memset(&s, 0, sizeof(s));
	s.khz = tsc_khz;
	s.slice = us(SCHED_SLICE_US);
	s.preempt = us(SCHED_PREEMPT_US);
	s.bonus = us(SCHED_BONUS_US);
	s.cap_period = us(SCHED_CAP_US);
	s.cap_min = us(100);
	s.balance = us(SCHED_BALANCE_US);
	s.gain = us(SCHED_GAIN_US);
	s.pool[0].used = true;
}

void sched_init_cpu(struct sched_cpu *c, u32 id, struct pcpu *pcpu)
{
	ASSERT(id < CAISSON_MAX_CPUS, "CPU %u", id);
	*c = (struct sched_cpu){ .id = id, .slice_end = SCHED_NEVER, .pcpu = pcpu };
	lock(&s.lock);
	WRITE_ONCE(s.cpu[id], c);
	s.pool[0].cpus[id / 64] |= BIT(id % 64);
	count_cpus();
	set_idle(c, true);
	unlock(&s.lock);
}
