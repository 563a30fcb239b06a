/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM's paravirtual interface, as a guest sees it.
 * Linux Documentation/virt/kvm/x86/{cpuid,msr,hypercalls}.rst */
#include "guest/lib/hypercall.h"
#include "tests/guest/common/test.h"

#define KVM_STEAL_TIME 0x4b564d03u
#define KVM_PV_EOI     0x4b564d04u

#define KVM_KICK_CPU	5
#define KVM_SEND_IPI	10
#define KVM_SCHED_YIELD 11

static inline bool kvm_has(u32 bit)
{
	u32 r[4];

	cpuid(0x40000001, 0, r);
	return r[0] >> bit & 1;
}

static inline s64 kvm_call(u64 nr, u64 rbx, u64 rcx, u64 rdx, u64 rsi)
{
	if (guest_is_amd)
		__asm__ volatile("vmmcall" : "+a"(nr) : "b"(rbx), "c"(rcx), "d"(rdx), "S"(rsi) : "memory");
	else
		__asm__ volatile("vmcall" : "+a"(nr) : "b"(rbx), "c"(rcx), "d"(rdx), "S"(rsi) : "memory");
	return (s64)nr;
}

/* False: it did not become so within 20 s. */
#define BECOMES(cond)                                           \
	({                                                      \
		u64 end_ = rdtsc() + tsc_khz() * 20000;         \
		while (!(cond) && rdtsc() < end_)               \
			__asm__ volatile("pause" ::: "memory"); \
		!!(cond);                                       \
	})
