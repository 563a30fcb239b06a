/* SPDX-License-Identifier: BSD-2-Clause */
/* Traces: a ring of records per CPU, written by that CPU only, read by whoever holds the right. What is
 * traced is a vCPU's own matter (vcpu.watch), so that nothing is asked of others. */
#ifndef HV_TRACE_H
#define HV_TRACE_H

#include "hv/abi/trace.h"
#include "hv/vcpu.h"

#define TRACE_ORDER 6u /* a ring: 256 KiB */

void __attribute__((cold)) trace_add(const struct vcpu *v, u32 type, u32 kind, u64 a, u64 b);
/* This CPU's ring gets a record (type, kind, a, b) of v, if type and kind are wanted.
 * A macro, so that what is not is not reckoned. */
#define trace(v, ...)                                   \
	do {                                            \
		if (unlikely((v)->watch & WATCH_TRACE)) \
			trace_add(v, __VA_ARGS__);      \
	} while (0)

/* 0, -EINVAL, -ENOMEM. */
int trace_control(const struct caisson_trace_control *c);
/* Up to n records of CPU cpu from *position on, and where the ring stands. The number, or -ENOENT. */
s64 trace_read(u32 cpu, u64 position, struct caisson_trace_head *head, struct caisson_trace_record *out,
	       u32 n);

#endif
