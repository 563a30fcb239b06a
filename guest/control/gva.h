/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's own page tables, read from outside. */
#ifndef CONTROL_GVA_H
#define CONTROL_GVA_H

#include "guest/lib/types.h"
#include "hv/abi/caisson.h"

struct gva_walk {
	const char *mode; /* "4-level paging" */
	u32 levels;	  /* of the mode; 0: no paging */
	u32 steps;	  /* entries read, from the root down */
	u32 bytes;	  /* of an entry */
	u64 entry[5], at[5];
	enum {
		GVA_MAPPED,
		GVA_ABSENT,
		GVA_NOWHERE
	} end;	 /* the last entry maps; is not present; is not in RAM */
	u64 gpa; /* of the byte asked for, when mapped */
};

/* The domain stands still. */
void gva_walk(u32 dom, const struct caisson_vcpu_context *c, u64 va, struct gva_walk *w);
/* The address's guest-physical one; false: there is none. */
bool gva_to_gpa(u32 dom, const struct caisson_vcpu_context *c, u64 va, u64 *gpa);

#endif
