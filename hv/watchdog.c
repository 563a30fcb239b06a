/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CPU that hangs in root mode has interrupts off, and is the only one that does not answer a kick: in a guest it exits, idle it wakes
 * up. Each CPU kicks the next one every so often and looks whether the last kick was handled. It costs nothing in between.
 */
#include "hv/arch.h"
#include "hv/panic.h"
#include "hv/pcpu.h"

#define PERIOD_NS 2000000000ull
#define MISSES	  5u /* an emulated CPU may have to wait for its turn */

static void look(struct timer *t)
{
	struct pcpu *c = container_of(t, struct pcpu, watchdog), *next = cpu_by_id((c->id + 1) % cpus_online());

	if (next) {
		u32 kicks = READ_ONCE(next->kicks);

		c->missed = kicks == c->kicks_seen ? c->missed + 1 : 0;
		if (c->missed > MISSES)
			panic("CPU %u hangs with interrupts off", next->id);
		c->kicks_seen = kicks;
		arch_cpu_kick(next);
	}
	timer_set(t, arch_now() + arch_ns_to_ticks(PERIOD_NS));
}

void watchdog_start(struct pcpu *c)
{
	timer_init(&c->watchdog, &c->timers, look);
	if (cpus_online() > 1)
		timer_set(&c->watchdog, arch_now() + arch_ns_to_ticks(PERIOD_NS));
}
