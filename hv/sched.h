/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: which unit (a vCPU) has which CPU, and for how long. Pure logic: it knows neither domains
 * nor guests, and asks the machine only for the time and for a kick. docs/scheduler.md states the policy, its
 * bounds and the protocols.
 *
 * - Fair class: proportional share by virtual time, one ordered tree per CPU. A group's weight is divided
 * evenly among those of its units that are runnable now, so that a domain gains nothing by having more vCPUs.
 * Clocks of CPUs are kept level by moving units, so shares hold over all CPUs of a pool and not only on each.
 * - Cap: a group may use cap/100 of one CPU in each period of SCHED_CAP_US; what it overdraws it pays in the
 * next.
 * - Reservation: a unit with budget and period gets its budget in every period (EDF on constant-bandwidth
 * servers). It has a home CPU, chosen when it is admitted. When its budget is used up it goes on in the fair
 * class: a floor, not a ceiling.
 * - A guaranteed group gets at least SCHED_GUARANTEE percent of what reservations leave of a CPU on which it
 * has work.
 *
 * Times are TSC ticks unless the name says otherwise.
 *
 * Locks: configuration (one, inside sched.c) > sched_cpu.lock (two at once: the lower CPU id first) >
 * sched_group.lock. A letter at a field: [C] configuration lock to write, [Q] lock of the CPU in unit.cpu
 * (changing unit.cpu takes both), [G] the group's. Called under them: arch_now(), arch_cpu_kick(),
 * this_cpu().
 *
 * Never lost: who wants a unit to run first makes its reason visible (pending bit, answered request), then
 * calls sched_wake(). A unit about to sleep looks at its reasons, then its CPU calls sched_block(). Both take
 * the same lock: a wake that comes before the block leaves `woken`, and the block is refused; one that comes
 * after finds the unit blocked and queues it.
 *
 * Whose state is where: from the moment that sched_pick() or sched_handoff() chooses a unit until its CPU has
 * saved the unit's state and says so by sched_put(), unit.on names that CPU and nobody else picks the unit.
 */
#ifndef HV_SCHED_H
#define HV_SCHED_H

#include "hv/abi/caisson.h"
#include "hv/heap.h"
#include "hv/lock.h"
#include "hv/types.h"

struct pcpu;
struct sched_cpu;
struct sched_group;

#define SCHED_SLICE_US	 2000u	/* longest turn while another unit waits */
#define SCHED_PREEMPT_US 250u	/* a fair unit that was just picked is left alone so long by fair wake-ups */
#define SCHED_BONUS_US	 2000u	/* head start of a unit that slept, in its own running time */
#define SCHED_CAP_US	 10000u /* period of caps */
#define SCHED_BALANCE_US 2000u	/* between two looks of a busy CPU at others */
#define SCHED_GAIN_US	 1000u	/* a unit moves when it is owed so much running time elsewhere */
#define SCHED_WEIGHT	 256u	/* the default */
#define SCHED_WEIGHT_MAX 10000u
#define SCHED_CAP_MAX	 (100u * CAISSON_MAX_CPUS)
#define SCHED_GUARANTEE	 25u
#define SCHED_RT_PERCENT 80u	  /* of each CPU may be reserved */
#define SCHED_RT_MIN_US	 100u	  /* shortest budget */
#define SCHED_RT_MAX_US	 1000000u /* longest period */
#define SCHED_POOLS	 16u
#define SCHED_NEVER	 ~0ull

enum sched_state {
	SCHED_BLOCKED, /* wants nothing, or is held */
	SCHED_QUEUED,  /* in the tree of its CPU */
	SCHED_PARKED,  /* its group is over its cap: in the release tree of its CPU */
	SCHED_LEAVING, /* runnable, between CPUs: the one that has its state may not have it, or the place is
			  being chosen */
	SCHED_RUNNING, /* current of its CPU */
};

struct sched_unit {
	struct heap_node run;	  /* [Q] fair tree: virtual time; reserved tree: deadline */
	struct heap_node release; /* [Q] when parked: end of the cap's period; budget used up: the deadline */
	struct sched_group *group;	 /* [C] */
	struct sched_unit *next;	 /* [C] of all */
	struct sched_cpu *cpu;		 /* [Q] where it is queued, runs, or ran last */
	struct sched_cpu *on;		 /* [Q] the CPU that holds its state, or NULL */
	u64 affinity[CAISSON_CPU_WORDS]; /* [C, Q] */
	u64 vtime;			 /* [Q] on the clock of `cpu` */
	u64 since;     /* [Q] beginning of what it does now: running (charged up to here), waiting */
	u8 state;      /* [Q] enum sched_state */
	bool wants;    /* [Q] runnable but for holds, cap, place */
	bool woken;    /* [Q] a wake came since it last blocked */
	bool reserved; /* [Q] served by its reservation now, else in the fair class */
	u32 holds;     /* [Q] sched_deschedule() calls less sched_resume() calls */
	u32 load;      /* [Q] what it adds to its CPU's load while queued or running */
	u64 seen;      /* [Q] the group's share when that was reckoned */
	struct {
		u64 budget, period;	/* [C, Q] 0: no reservation */
		struct sched_cpu *home; /* [C, Q] where it was admitted */
		struct sched_cpu *plan; /* [C] where it would be, while that is looked for */
		u64 deadline;		/* [Q] */
		s64 left;		/* [Q] of the budget until the deadline */
		u64 missed;		/* [Q] deadlines passed with budget left while it was runnable */
		u32 share;		/* [C] of a CPU, in 2^-20 */
	} rt;
	u64 run_ticks, wait_ticks; /* [Q] had a CPU; was runnable and had none (a guest's steal time) */
	u64 parked_ticks;	   /* [Q] of wait_ticks: by the cap */
	u64 switches;		   /* [Q] */
};

struct sched_group {
	struct lock lock;
	union {
		struct {
			u32 weight; /* [C] 1 to SCHED_WEIGHT_MAX */
			u32 active; /* (atomic) units that are runnable */
		};
		u64 share; /* both: what a unit's weight depends on */
	};
	u32 factor;	 /* [C] 2^24 / weight */
	u32 cap;	 /* [C] percent of one CPU, 0: none */
	u32 pool;	 /* [C] */
	u32 members;	 /* [C] */
	bool guaranteed; /* [C] */
	bool special;	 /* [C] guaranteed or capped: charged with more care */
	u64 refill;	 /* [G] end of the cap's period */
	s64 credit;	 /* [G] what is left in it */
};

struct sched_cpu {
	struct lock lock;
	struct heap fair, reserved, releases; /* [Q] */
	struct sched_unit *current;	      /* [Q] has the CPU; NULL: idle */
	struct sched_unit *loaded;	      /* whose state is on the CPU; that CPU alone */
	bool resched; /* [Q] current may have to go: the CPU calls sched_pick() soon */
	bool evict;   /* [Q] the loaded unit is wanted elsewhere: save it even if nothing else is to run */
	bool review;  /* [Q] holds or places of the current have changed */
	bool idle;    /* [Q] its bit in the pool's set of idle CPUs */
	bool alone;   /* [C], read without it: no other CPU is in its pool */
	u32 id;
	u32 pool;      /* [C, Q] */
	u32 load;      /* [Q], read without it: weights of what is runnable here */
	u32 runnable;  /* [Q], read without it: current, queued */
	u32 rt_share;  /* [C] admitted here, in 2^-20 */
	u64 clock;     /* [Q] virtual time: never goes back */
	u64 offset;    /* [Q] clock + offset compares between the CPUs of a pool */
	u64 picked;    /* [Q] when the current turn began */
	u64 slice_end; /* [Q] when sched_tick() is due; SCHED_NEVER: not needed */
	u64 balance;   /* next look at others */
	struct pcpu *pcpu;
};

/* Boot, once, before the rest. Pool 0 exists from then on. */
void sched_init(u64 tsc_khz);

/* Once per CPU, by whoever brings it up; it joins pool 0, idle. */
void sched_init_cpu(struct sched_cpu *c, u32 id, struct pcpu *pcpu);

/* ---- groups and units: any CPU ---- */

/* Weight SCHED_WEIGHT, no cap, pool 0. `guaranteed`: the control domain. */
void sched_group_init(struct sched_group *g, bool guaranteed);
/* -EINVAL: out of range; the group is unchanged. Take effect at once. */
int sched_set_weight(struct sched_group *g, u32 weight);
int sched_set_cap(struct sched_group *g, u32 percent);
/* To another pool: -ENOENT no such pool, -EINVAL a unit may run on none of its CPUs, -EBUSY
 * a unit has a reservation, which has to be given back first; nothing is changed then. Units
 * on a CPU are made to leave it. */
int sched_set_pool(struct sched_group *g, u32 pool);

/* A new unit, blocked, allowed everywhere in its group's pool. u is zeroed.
 * -EINVAL: that has no CPU, which nobody looks after while the group has no units. */
int sched_add(struct sched_unit *u, struct sched_group *g);
/* Before it is freed. It is held or blocked and on no CPU (sched_on_cpu() is false),
 * and nobody wakes it any more. */
void sched_remove(struct sched_unit *u);

/* -EINVAL: no CPU of the mask is in its pool; -ENOSPC: it has a reservation and those CPUs have no room. A
 * running unit leaves a CPU that it may not use any more as soon as that CPU takes the kick. */
int sched_set_affinity(struct sched_unit *u, const u64 mask[CAISSON_CPU_WORDS]);
/* For each unit that the group has now. 0, 0 gives the reservations back. -EINVAL: budget < SCHED_RT_MIN_US,
 * > period, or period > SCHED_RT_MAX_US; -ENOSPC: for one of them no allowed CPU has so much left. All old
 * reservations stay then. */
int sched_set_reservation(struct sched_group *g, u32 budget_us, u32 period_us);

/* The unit has a reason to run: see "never lost". Any CPU; O(log n). True: it was asleep. */
bool sched_wake(struct sched_unit *u);

/* Makes it not runnable until as many sched_resume() calls (pause). True: it is still on a CPU, which was
 * kicked; wait until sched_on_cpu() is false. Wakes meanwhile are remembered. */
bool sched_deschedule(struct sched_unit *u);
void sched_resume(struct sched_unit *u);
/* Its state is on some CPU. */
static inline bool sched_on_cpu(const struct sched_unit *u)
{
	return __atomic_load_n(&u->on, __ATOMIC_ACQUIRE) != NULL;
}

/* Accounts including what is going on right now. */
struct sched_times {
	u64 run, wait, parked;
};
void sched_times(struct sched_unit *u, u64 now, struct sched_times *out);

/* ---- the run loop: on CPU c itself ---- */

/* The unit to run from `now` on, NULL: idle. The same as before unless it used up its turn,
 * blocked, was preempted, held or sent away. Sets c->slice_end and clears c->resched. Takes
 * work from other CPUs before it returns NULL. */
struct sched_unit *sched_pick(struct sched_cpu *c, u64 now);

/* The state of c->loaded is saved: it may run elsewhere. */
void sched_put(struct sched_cpu *c);
/* The state of u, just picked, is on this CPU. */
static inline void sched_loaded(struct sched_cpu *c, struct sched_unit *u)
{
	c->loaded = u;
}

/* The current unit goes to sleep.
 * False: it was woken since, it stays current. After true comes sched_pick(). */
bool sched_block(struct sched_cpu *c, u64 now);

/* The current unit lets one that waits here go first (PAUSE loop, yield). sched_pick() comes next. */
void sched_give_way(struct sched_cpu *c, u64 now);

/* The slice timer at c->slice_end: asks for a sched_pick(). Cheap, harmless when early. */
static inline void sched_tick(struct sched_cpu *c)
{
	WRITE_ONCE(c->resched, true);
}

/* The current unit blocks and `to`, which sleeps, has the CPU at once for the rest of the turn. False:
 * nothing has changed (the current was woken, `to` does not sleep, is held, over its cap or not allowed here,
 * somebody is to preempt, or the turn is over): block, wake and pick instead. */
bool sched_handoff(struct sched_cpu *c, struct sched_unit *to, u64 now);

/* The current unit goes to sleep, but lends its turn to `to`, which sleeps here and is expected to wake it at
 * once: `to` has the CPU on the current one's account, who stays current. False: as for sched_handoff(), but
 * that any cap refuses, and that the end of the turn does not: it ends the loan when its tick comes.
 * Whoever has the loan gives it back when its state is saved, and either the lender runs on, or it is
 * blocked, and the borrower woken, in the ordinary way. */
bool sched_lend(struct sched_cpu *c, struct sched_unit *to);
void sched_give_back(struct sched_cpu *c, struct sched_unit *to);

/* ---- pools: any CPU ---- */
/* The id of a new one without CPUs; -ENOSPC. */
int sched_pool_create(void);
/* -ENOENT; -EBUSY: pool 0, or it has CPUs or groups. */
int sched_pool_destroy(u32 pool);
/* Takes a CPU out of its pool into another. -ENOENT; -EBUSY: it is the last of a pool with groups, a unit may
 * stay nowhere else, or it is the home of a reservation; nothing is changed then. Units there leave. */
int sched_pool_move_cpu(u32 pool, u32 cpu);
/* -ENOENT. */
int sched_pool_info(u32 pool, u64 cpus[CAISSON_CPU_WORDS], u32 *groups);

#endif
