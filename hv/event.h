/* SPDX-License-Identifier: BSD-2-Clause */
/* Event ports: one bit each that wakes a vCPU of another domain (or one that the hypervisor sends).
 * (T) but for event_send(). */
#ifndef HV_EVENT_H
#define HV_EVENT_H

#include "hv/types.h"
#include "hv/abi/caisson.h"

struct domain;
struct events {
	u32 pending;		  /* (a) bit per port */
	u16 from[CAISSON_EVENTS]; /* who may send it: a domain's id, EVENT_HV, or EVENT_UNBOUND */
};
#define EVENT_UNBOUND 0xffffu
#define EVENT_HV      0xfffeu

void events_init(struct events *e);
int event_bind(struct events *e, u32 port, u16 from); /* 0, -EINVAL, -EEXIST */
bool event_allowed(const struct events *e, u32 port, u16 from);
u32 events_take(struct events *e); /* the pending ones; they are cleared */
/* Sets the port's bit and wakes a vCPU that sleeps in `wait`.
 * Any CPU, no lock held beyond those left of "ioreq queue". */
void event_send(struct domain *d, u32 port); /* control.c */
void event_control(u32 port);		     /* to the control domain, when there is one */

#endif
