/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the control domain maps what is not its RAM, in its own guest-physical addresses. start.asm maps the
 * first 64 GiB to themselves (guest_map_gib in guest/files.mk).
 */
#ifndef CONTROL_LAYOUT_H
#define CONTROL_LAYOUT_H

#include "guest/lib/types.h"
#include "hv/abi/caisson.h"

#define LAYOUT_IOREQ (7ull << 30) /* a page per domain */
/* the same for those with posted writes */
#define LAYOUT_RING	   (LAYOUT_IOREQ + CAISSON_MAX_DOMS * 4096ull)
#define LAYOUT_MODULES	   (8ull << 30)
#define LAYOUT_MODULES_END (64ull << 30)

#ifdef CAISSON_FAKE
void *layout_ptr(u64 at); /* the test's hypervisor knows */
#else
static inline void *layout_ptr(u64 at)
{
	return (void *)at;
}
#endif

#endif
