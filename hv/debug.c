/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/debug.h"
#include "hv/abi/caisson.h"
#include "hv/arch.h"
#include "hv/domain.h"
#include "hv/frame.h"
#include "hv/lock.h"
#include "hv/log.h"
#include "hv/main.h"
#include "hv/panic.h"
#include "hv/pcpu.h"
#include "hv/string.h"

#define CALLS 64u /* and what is no call is this one */
#define SCHED 7u  /* rank of "&s.lock" */

static struct {
	u32 call, why;
	const char *site; /* of the last allocation */
	bool begun;
	u64 since; /* when interrupts went off; 0: they are on */
	u32 held;
	struct {
		const struct lock *lock;
		const char *name;
		u32 rank;
	} lock[16];
} cpu[CAISSON_MAX_CPUS];

/* ---- refused allocations: fail_alloc ---- */

/* From the first domain_create on, once:
 * what a place of the code asks for as the n-th of a kind of call. One of a call. */
static struct {
	bool begun, armed;
	u32 nth, refused;
	struct {
		const char *site;
		u32 call, nth;
	} done[1024];
} fail;

void debug_site(const char *site)
{
	cpu[this_cpu()->id].site = site;
}

bool debug_refuse(void)
{
	u32 id = this_cpu()->id, i = 0;

	if (!fail.armed)
		return false;
	fail.nth = MIN(fail.nth + 1, 64u);
	while (i < fail.refused && (fail.done[i].site != cpu[id].site || fail.done[i].call != cpu[id].call ||
				    fail.done[i].nth != fail.nth))
		i++;
	if (i < fail.refused || i == ARRAY_SIZE(fail.done))
		return false;
	fail.done[fail.refused].site = cpu[id].site;
	fail.done[fail.refused].call = cpu[id].call;
	fail.done[fail.refused++].nth = fail.nth;
	fail.armed = false;
	log_info("fail_alloc: allocation %u of call %u is refused, %s", fail.nth, cpu[id].call, cpu[id].site);
	return true;
}

void debug_zero(hpa_t pa, u32 order, bool hv)
{
	static u64 turn;
	const u64 *p = hv ? arch_direct_map(pa) : arch_domain_map(pa);

	for (u64 i = turn++ % 8; i < (PAGE_SIZE << MIN(order, 2u)) / sizeof(u64); i += 8)
		ASSERT(!p[i], "0x%lx is no zero in a zeroed block at 0x%lx", p[i], pa.v + i * sizeof(u64));
	if (!hv)
		arch_domain_unmap();
}

static void __attribute__((noinline)) overrun(volatile u64 n)
{
	u8 buffer[16], *volatile p = buffer; /* UBSan does not see what it points to */

	for (u64 i = 0; i < n; i++)
		p[i] = 0x41;
}

static void stray(u64 how)
{
	hpa_t pa = memory_pin(this_cpu()->current->domain, 0x100000, false, false);
	volatile u64 *p = arch_domain_map(pa);

	if (how > 1)
		arch_domain_unmap();
	if (how > 2)
		p = arch_direct_map(pa);
	log_info("stray: there is %lx", *p);
	arch_domain_unmap();
	memory_unpin(pa);
}

static void __attribute__((noinline)) elsewhere(void)
{
	log_err("a function returned, or went, to where nobody sent it");
}

static void __attribute__((noinline)) returns(void)
{
	((void (*volatile *)(void))__builtin_frame_address(0))[1] = elsewhere;
}

void debug_call(u32 call)
{
	void (*volatile to)(void) = elsewhere;
	u32 id = this_cpu()->id;

	cpu[id].call = MIN(call, CALLS);
	while (hv_options.hang && call == CAISSON_CALL_domain_destroy - CAISSON_CALL_BASE)
		arch_pause();
	if (hv_options.poke && call == CAISSON_CALL_domain_destroy - CAISSON_CALL_BASE)
		WRITE_ONCE(hv_options.poke, 0);
	if (hv_options.overrun && call == CAISSON_CALL_domain_destroy - CAISSON_CALL_BASE)
		overrun(32);
	if (hv_options.stray && call == CAISSON_CALL_domain_destroy - CAISSON_CALL_BASE)
		stray(hv_options.stray);
	if (hv_options.ret && call == CAISSON_CALL_domain_destroy - CAISSON_CALL_BASE)
		returns();
	if (hv_options.jump && call == CAISSON_CALL_domain_destroy - CAISSON_CALL_BASE)
		to();
	fail.begun |= hv_options.fail_alloc && call == CAISSON_CALL_domain_create - CAISSON_CALL_BASE;
	fail.armed = fail.begun;
	fail.nth = 0;
}

/* ---- interrupts off ---- */

bool debug_irqs_off(u32 why)
{
	u32 id = this_cpu()->id;

	if (cpu[id].since || (!cpu[id].begun && why >> 16)) /* boot takes what it takes */
		return false;
	cpu[id].begun = true;
	cpu[id].since = arch_now();
	cpu[id].why = why;
	if (!(why >> 16))
		cpu[id].call = CALLS;
	return true;
}

/* What has happened from then on is the checks' time and not the hypervisor's. */
static void not_ours(u64 begin)
{
	u32 id = this_cpu()->id;

	if (cpu[id].since)
		cpu[id].since += arch_now() - begin;
}

void debug_irqs_on(void)
{
	static u64 longest[CALLS + 1];
	u32 id = this_cpu()->id, call = cpu[id].call;
	u64 took = arch_now() - cpu[id].since;

	ASSERT(!cpu[id].held, "%s is held where interrupts are let in", cpu[id].lock[0].name);
	if (!cpu[id].since || panic_active())
		return;
	if (took > longest[call]) {
		longest[call] = took;
		if (took > longest[CALLS] || call == CALLS)
			log_info("interrupts were off for %lu ticks, by %#x, call %u", took, cpu[id].why,
				 call);
		longest[CALLS] = MAX(took, longest[CALLS]);
	}
	cpu[id].since = 0;
}

/* ---- after each call ---- */

void debug_call_ends(struct domain *d)
{
	u64 begin = arch_now(), since = cpu[this_cpu()->id].since;
	struct frame_counts f;

	fail.armed = false;
	frame_count(&f);
	ASSERT(f.reserved <= f.free && f.zero <= f.free && f.free + f.hv <= f.total,
	       "frames: %lu, %lu free, %lu reserved, %lu zero, %lu hv", f.total, f.free, f.reserved, f.zero,
	       f.hv);
	if (d)
		memory_check(d);
	cpu[this_cpu()->id].since = since; /* the locks' checks are part of this */
	not_ours(begin);
}

/* ---- the order of locks: hv/domain.h ---- */

static u32 rank_of(const char *name)
{
	/* Within the scheduler: hv/sched.h. The first that is part of the name counts. */
	static const struct {
		const char *part;
		u32 rank;
	} order[] = { { "&table_lock", 1 }, { "&share_lock", 2 }, { "vm.lock", 3 },
		      { "irq_lock", 4 },    { "ioq.lock", 5 },	  { "hv/frame.c", 6 },
		      { "&s.lock", 7 },	    { "g->lock", 9 },	  { "group->lock", 9 },
		      { "hv/sched.c", 8 },  { "hv/timer.c", 10 }, { "hv/console.c", 11 },
		      { "hv/log.c", 12 } };

	for (u32 i = 0; i < ARRAY_SIZE(order); i++)
		for (const char *at = name; *at; at++)
			if (!strncmp(at, order[i].part, strlen(order[i].part)))
				return order[i].rank;
	return 0; /* innermost, alone */
}

void debug_lock(const struct lock *l, const char *name, u8 *site)
{
	u64 begin = arch_now();
	u32 id, rank;

	if (!hv_options.checks || panic_active())
		return;
	id = this_cpu()->id;
	if (!*site)
		*site = (u8)(rank_of(name) + 1);
	rank = *site - 1u;
	for (u32 i = 0; i < cpu[id].held; i++) {
		ASSERT(cpu[id].lock[i].lock != l, "%s is held already", name);
		/* Two run queues, two timer queues: by rising CPU, which is not seen here. */
		ASSERT(!rank || cpu[id].lock[i].rank < rank ||
			       (cpu[id].lock[i].rank == rank && rank >= SCHED),
		       "%s is taken inside %s", name, cpu[id].lock[i].name);
	}
	ASSERT(cpu[id].held < ARRAY_SIZE(cpu[id].lock), "%u locks", cpu[id].held);
	cpu[id].lock[cpu[id].held].lock = l;
	cpu[id].lock[cpu[id].held].name = name;
	cpu[id].lock[cpu[id].held++].rank = rank;
	not_ours(begin);
}

void debug_unlock(const struct lock *l)
{
	u64 begin = arch_now();
	u32 id, i;

	if (!hv_options.checks || panic_active())
		return;
	id = this_cpu()->id;
	for (i = cpu[id].held; i && cpu[id].lock[i - 1].lock != l; i--)
		;
	if (!i) /* taken before the checks began */
		return;
	for (cpu[id].held--; i <= cpu[id].held; i++)
		cpu[id].lock[i - 1] = cpu[id].lock[i];
	not_ours(begin);
}
