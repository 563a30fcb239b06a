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
/* domain 0 with all rights; `a`, which holds all over `b`; each with RAM and a vCPU or two. They are paused.
 */
struct world {
	struct domain *control, *a, *b;
};
void world_begin(struct world *w);
/* Runs until nobody can. next(): what the vCPU does now; it returns V_ADVANCE to go on, V_SLEEP or V_BLOCK to
 * leave. */
extern enum verdict (*world_next)(struct vcpu *v);
void world_run(void);
/* Destroys everything. False: a frame is missing, or one too many there. */
bool world_end(void);

#define WORLD_RAM  32u /* pages of each, from address 0 */
#define WORLD_DOMS 40u /* more are "no memory" */

#endif
