/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU over 64 pages of RAM, with a vendor that is a few variables:
 * what arch/x86 does with exits, without a processor. */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include "arch/x86/hvm.h"

#define GUEST_PAGES 64u
enum { NOWHERE, RAM, ROM };

extern struct guest {
	u8 page[GUEST_PAGES]; /* what each is */
	u8 ram[GUEST_PAGES * PAGE_SIZE];
	/* the vendor's block */
	u64 cr[5], efer, rip, rflags, dr7, pdpte[4];
	u32 mode;
	u8 cpl, code_bits;
	u64 seg_base[6];
	/* what was done to it */
	int injected; /* vector, -1: none */
	u32 error, advanced, flushes, stale, rsps, windows, eois, yields;
	char why[200]; /* its domain's end */
	/* what others answer */
	bool work, hole, no_memory;
	enum verdict verdict; /* of wait and of calls */
	s64 result;
	u64 call; /* the last number that went to hypercall_dispatch() */
	/* the last request */
	u32 asked, posted;
	u64 addr, data, what;
	u32 inits, sipis, clocks;
	u32 nmis, checks, woken, syscalls, tsc_offsets;
	bool told; /* an interrupt was delivered, of which the processor will tell the end */
	u64 msr;   /* of the vendor's block */
	u16 owner; /* of the frames */
} guest;
extern struct x86_vcpu *const vcpu;
extern struct x86_domain *const dom;

/* All RAM; 64-bit mode without a line of code. */
void guest_reset(void);
void guest_put(u64 gpa, u64 value, u32 bytes);
u64 guest_get(u64 gpa, u32 bytes);

#endif
