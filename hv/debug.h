/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only `make DEBUG=1` does: each call's allocations refused in turn, locks in their order, frames with their owners, the
 * longest stretch with interrupts off. Elsewhere nothing is left of it. Any CPU, root mode.
 */
#ifndef HV_DEBUG_H
#define HV_DEBUG_H

#include "hv/types.h"

struct domain;

#ifdef CAISSON_CHECKS
/* Around each hypercall; d: whom it is about, or NULL. */
void debug_call(u32 call);
void debug_call_ends(struct domain *d);
/* An allocation, or a reservation: shall it be refused? */
bool debug_refuse(void);
/* Interrupts are let in here: no lock may be held. */
void debug_window(void);
#else
static inline void debug_call(u32 call)
{
	(void)call;
}
static inline void debug_call_ends(struct domain *d)
{
	(void)d;
}
static inline bool debug_refuse(void)
{
	return false;
}
static inline void debug_window(void)
{
}
#endif

#endif
