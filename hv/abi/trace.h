/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trace is made of: fixed records in a ring per CPU, and the stream that the shell's `trace dump`
 * prints. docs/eyes.md describes them, scripts/trace reads them. Little-endian; C99 and C++.
 */
#ifndef CAISSON_ABI_TRACE_H
#define CAISSON_ABI_TRACE_H

#include "hv/abi/caisson.h"

/* X(number, NAME, what kind, a and b are) */
/* clang-format off */
#define CAISSON_TRACE_TYPES(X) \
	/* kind: the exit's (call stats names them); a: RIP; b: leaf | subleaf << 32, MSR, call number, \
	 * port | bytes << 16 | in << 24, guest-physical address, vector; else the processor's qualification */ \
	X(1, EXIT) \
	X(2, ENTRY)  /* a: the event that goes in, in the format of VMX' interruption information, 0: none; b: RAX */ \
	X(3, IN)     /* comes on the CPU by the scheduler's choice; a loan between IOREQ and ANSWER is not one */ \
	X(4, OUT)    /* leaves it; kind: why it sleeps (0: it does not, 1 HLT, 2 SIPI, 3 ioreq, 4 wait); a: RIP */ \
	X(5, IOREQ)  /* asks a device model; kind: bytes | write << 4 | MMIO << 5; a: address; b: data */ \
	X(6, ANSWER) /* is answered; b: data */ \
	X(7, WAKE)   /* is woken; kind: what ends, as in OUT */ \
	X(8, EVENT)  /* the domain is sent an event; kind: port */ \
	X(9, POST)   /* its APIC has something posted, where it had not; kind: the vector */
/* clang-format on */

enum caisson_trace_type {
#define CAISSON_X(n, name) CAISSON_TRACE_##name = (n),
	CAISSON_TRACE_TYPES(CAISSON_X)
#undef CAISSON_X
};

struct caisson_trace_record {
	uint64_t tsc;
	uint64_t a, b;
	uint16_t dom, cpu;
	uint8_t vcpu, type, kind, pad;
};
CAISSON_ASSERT(sizeof(struct caisson_trace_record) == 32, "layout");
CAISSON_ASSERT(offsetof(struct caisson_trace_record, dom) == 24, "layout");

#define CAISSON_TRACE_ON   1u
#define CAISSON_TRACE_STOP 2u /* a full ring takes no more; else the oldest is overwritten */
struct caisson_trace_control {
	uint32_t flags; /* CAISSON_TRACE_ON: begins anew, what was there is gone */
	uint32_t types; /* bit set of CAISSON_TRACE_* */
	uint64_t exits; /* bit set of exit kinds, for EXIT */
};
CAISSON_ASSERT(sizeof(struct caisson_trace_control) == 16, "layout");

/* Positions count records from the ring's beginning and do not wrap. */
struct caisson_trace_head {
	uint64_t first, next; /* of the records that the ring holds */
	/* of this trace, that it does not hold: overwritten, or not taken since it was full */
	uint64_t dropped;
	uint64_t position; /* of the first record that follows */
};
CAISSON_ASSERT(sizeof(struct caisson_trace_head) == 32, "layout");

#endif
