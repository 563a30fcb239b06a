/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All of hv over a machine that is none: domains, memory, shares, requests, the scheduler and the run loop as
 * they are, and a program of bytes in the place of guests. Each time a vCPU gets the CPU it does what the
 * next bytes say.
 */
#ifndef WORLD_H
#define WORLD_H

#include "hv/domain.h"
#include "hv/types.h"

/* Once per process. */
void world_init(void);
/* domain 0 with all rights; `a`, which holds all over `b`;
 * each with RAM and a vCPU or two. They are paused. */
struct world {
	struct domain *control, *a, *b;
};
void world_begin(struct world *w);
/* Runs until nobody can. next(): what the vCPU does now;
 * it returns V_ADVANCE to go on, V_SLEEP or V_BLOCK to leave. */
extern enum verdict (*world_next)(struct vcpu *v);
void world_run(void);
/* Destroys everything. False: a frame is missing, or one too many there. */
bool world_end(void);

/* A call as vCPU 0 of the domain makes it. */
s64 world_call(struct domain *d, u64 nr, const u64 arg[6]);
#define CALL(by, name, ...) world_call(by, CAISSON_CALL_##name, (const u64[6]){ __VA_ARGS__ })
/* Until nothing is left of it. */
void world_destroy(struct domain *d);

/* What a test may want otherwise, the first two before world_init(). */
extern u32 world_phys_bits; /* of guest-physical addresses */
extern u64 world_sizes;	    /* of second-stage pages */
extern u32 world_fails;	    /* the next so many allocations of vCPUs, tables and the like find no memory */
extern char world_power;    /* 'o': switched off, 'r': reset */
extern void (*world_lacks)(void); /* another CPU, when a second stage is asked for what it lacks */
extern bool world_flushed; /* every CPU has forgotten what was unmapped; else now and then one has not */
extern s64 world_result;   /* what a `wait` that slept was given */
extern u32 world_again;	   /* so often the control domain was started again */
extern void (*world_meanwhile)(void); /* another CPU's, while a vCPU is given a state */
extern u32 world_lines;		      /* level of the domains' interrupt lines, by GSI */

#define WORLD_RAM  32u /* pages of each, from address 0 */
#define WORLD_DOMS 40u /* more are "no memory" */

#endif
