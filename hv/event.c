/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/event.h"

void events_init(struct events *e)
{
	e->pending = 0;
	for (u32 i = 0; i < CAISSON_EVENTS; i++)
		e->from[i] = i < CAISSON_EVENT_FREE ? EVENT_HV : EVENT_UNBOUND;
}

int event_bind(struct events *e, u32 port, u16 from)
{
	u16 was = EVENT_UNBOUND;

	if (port < CAISSON_EVENT_FREE || port >= CAISSON_EVENTS)
		return -CAISSON_EINVAL;
	return CAS(&e->from[port], &was, from) || was == from ? 0 : -CAISSON_EEXIST;
}

bool event_allowed(const struct events *e, u32 port, u16 from)
{
	return port < CAISSON_EVENTS && READ_ONCE(e->from[port]) == from;
}

u32 events_take(struct events *e)
{
	if (!READ_ONCE(e->pending))
		return 0;
	return __atomic_exchange_n(&e->pending, 0, __ATOMIC_ACQ_REL);
}
