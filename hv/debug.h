/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only `make DEBUG=1` does: each call's allocations refused in turn, locks in their order, frames with
 * their owners, the longest stretch with interrupts off. Elsewhere nothing is left of it. Any CPU, root mode.
 */
#ifndef HV_DEBUG_H
#define HV_DEBUG_H

#include "hv/types.h"

struct domain;

#ifdef CAISSON_CHECKS
/* Around each hypercall; d: whom it is about, or NULL. */
void debug_call(u32 call);
void debug_call_ends(struct domain *d);
/* An allocation, or a reservation, in that place of the code: shall it be refused? */
void debug_site(const char *site);
bool debug_refuse(void);
/* A block that is given out as zeroed:
 * of every eight words of its first pages one is looked at, the next time the next. */
void debug_zero(hpa_t pa, u32 order, bool hv);
/* Interrupts go off, for an exit's reason or DEBUG_* (false: they were off),
 * and come on again: no lock may be held. */
bool debug_irqs_off(u32 why);
void debug_irqs_on(void);
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
static inline void debug_zero(hpa_t pa, u32 order, bool hv)
{
	(void)pa, (void)order, (void)hv;
}
static inline bool debug_irqs_off(u32 why)
{
	(void)why;
	return false;
}
static inline void debug_irqs_on(void)
{
}
#endif
#define DEBUG_IDLE   0xffffu
#define DEBUG_WINDOW 0x10000u /* these two come within another */
#define DEBUG_VECTOR 0x10000u

#endif
