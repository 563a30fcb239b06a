/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CPU that hangs in root mode has interrupts off, and is the only one that does not answer
 * a kick: in a guest it exits, idle it wakes up. Each CPU kicks the next one every so often
 * and looks whether the last kick was handled. It costs nothing in between. One CPU alone
 * kicks itself, in the NMI of a timer where the chipset makes such.
 */
#include "hv/arch.h"
#include "hv/panic.h"
#include "hv/pcpu.h"

#define PERIOD_NS 2000000000ull
#define MISSES	  5u /* an emulated CPU may have to wait for its turn */

/* True: it hangs. */
static bool look_at(struct pcpu *c, struct pcpu *next)
{
	u32 kicks = READ_ONCE(next->kicks);

	c->missed = kicks == c->kicks_seen ? c->missed + 1 : 0;
	c->kicks_seen = kicks;
	c->look_at = arch_now() + arch_ns_to_ticks(PERIOD_NS);
	if (c->missed <= MISSES)
		arch_cpu_kick(next);
	return c->missed > MISSES;
}

static void __endbr look(struct timer *t)
{
	struct pcpu *c = container_of(t, struct pcpu, watchdog),
		    *next = cpu_by_id((c->id + 1) % cpus_online());

	if (next && look_at(c, next))
		panic("CPU %u hangs with interrupts off", next->id);
	timer_set(t, c->look_at);
}

bool watchdog_nmi(struct pcpu *c)
{
	return c->look_at && cpus_online() == 1 && arch_now() >= c->look_at && look_at(c, c);
}

void watchdog_start(struct pcpu *c)
{
	timer_init(&c->watchdog, &c->timers, look);
	c->look_at = arch_now() + arch_ns_to_ticks(PERIOD_NS);
	if (cpus_online() > 1)
		timer_set(&c->watchdog, c->look_at);
}
