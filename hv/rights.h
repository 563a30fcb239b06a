/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rights: what one domain may do to the machine and to others. Checked in one place,
 * hypercall_dispatch(). (T)
 *
 * A domain holds a set over the machine, one over each domain, one over itself, and what single domains were
 * told that it may do to them: that stands at the target, and goes with it. A set grows in two ways only: who
 * creates a domain gets all over it, and who holds `grant` somewhere may hand on what it holds there itself.
 * Everybody may drop its own, for good.
 */
#ifndef HV_RIGHTS_H
#define HV_RIGHTS_H

#include "hv/types.h"
#include "hv/abi/caisson.h"

enum {
	RIGHT_NONE = 0, /* everybody */
#define CAISSON_X(name, text) RIGHT_##name = BIT(CAISSON_RIGHT_BIT_##name),
	CAISSON_RIGHTS(CAISSON_X) RIGHT_ALL = BIT(CAISSON_RIGHT_BITS) - 1,
#undef CAISSON_X
	RIGHTS_SELF = RIGHT_INFO, /* of everybody over itself, for ever */
};

#define RIGHTS_GRANTS 8
struct rights {
	u64 id; /* never used again, the domain's number its remainder by CAISSON_MAX_DOMS; 0: nobody */
	u32 machine, domains, self;
	u64 refused; /* (a) calls */
	struct rights_grant {
		u64 holder;
		u32 held;
	} grant[RIGHTS_GRANTS]; /* what others may do to this one */
};

/* Of a new domain with that number. creator: gets all over it; NULL: nobody does.
 * Whoever gives out numbers calls it, and the next. */
void rights_init(struct rights *r, u32 domain, const struct rights *creator);
/* The domain is gone: what it was told that it may do to others makes room for others. */
void rights_exit(const struct rights *r);
/* What `holder` may do to `target`; NULL: to a domain that there is not. Any CPU, no lock. */
u32 rights_over(const struct rights *holder, const struct rights *target);
/* The set itself that holder has over CAISSON_OVER_* or over target. */
u32 rights_held(const struct rights *holder, u32 over, const struct rights *target);
/* caller changes it: 0, -EPERM, -EINVAL (no such right), -ENOSPC (the target's table is full). */
int rights_change(const struct rights *caller, struct rights *holder, u32 over, struct rights *target,
		  u32 give, u32 take);

#endif
