/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What KVM's guests know: a clock and an account of stolen time, structures in guest memory that are written
 * under a version protocol (pure logic), and the numbers of the rest (pv.h). Interface: Linux
 * Documentation/virt/kvm/x86/msr.rst, cpuid.rst, hypercalls.rst.
 */
#ifndef X86_PVCLOCK_H
#define X86_PVCLOCK_H

#include "hv/types.h"

#define MSR_KVM_WALL_CLOCK_OLD	0x11
#define MSR_KVM_SYSTEM_TIME_OLD 0x12
#define MSR_KVM_WALL_CLOCK	0x4b564d00
#define MSR_KVM_SYSTEM_TIME	0x4b564d01
#define MSR_KVM_STEAL_TIME	0x4b564d03
#define MSR_KVM_PV_EOI		0x4b564d04

/* CPUID leaf 40000001H, EAX */
#define KVM_FEATURE_CLOCKSOURCE	       BIT(0) /* the old MSRs */
#define KVM_FEATURE_NOP_IO_DELAY       BIT(1)
#define KVM_FEATURE_CLOCKSOURCE2       BIT(3) /* the new MSRs */
#define KVM_FEATURE_STEAL_TIME	       BIT(5)
#define KVM_FEATURE_PV_EOI	       BIT(6)
#define KVM_FEATURE_PV_UNHALT	       BIT(7) /* KVM_HC_KICK_CPU */
#define KVM_FEATURE_PV_TLB_FLUSH       BIT(9) /* KVM_VCPU_FLUSH_TLB */
#define KVM_FEATURE_PV_SEND_IPI	       BIT(11)
#define KVM_FEATURE_PV_SCHED_YIELD     BIT(13)
#define KVM_FEATURE_CLOCKSOURCE_STABLE BIT(24) /* PVCLOCK_TSC_STABLE means what it says */

/* Hypercalls: number in RAX; RBX RCX RDX RSI */
#define KVM_HC_KICK_CPU	   5	    /* flags, APIC id */
#define KVM_HC_SEND_IPI	   10	    /* two words of a set of APIC ids, the id of its first bit, ICR */
#define KVM_HC_SCHED_YIELD 11	    /* APIC id */
#define KVM_HC_END	   12	    /* none from here on is known */
#define KVM_CALLS	   0x10000u /* KVM's numbers are below this */
#define KVM_ENOSYS	   (-1000l) /* the answer to one that is not offered */
#define KVM_EINVAL	   (-22l)

/* MSR_KVM_SYSTEM_TIME: bit 0 enables,
 * the rest is the guest-physical address of struct pvclock_time, 4-byte aligned. */
#define PVCLOCK_ENABLE BIT(0)
/* struct pvclock_time.flags */
#define PVCLOCK_TSC_STABLE BIT(0) /* all vCPUs' clocks agree */

struct pvclock_time {
	u32 version; /* odd while being written */
	u32 pad0;
	u64 tsc;	 /* guest TSC at system_time */
	u64 system_time; /* ns */
	u32 mul;	 /* ns = ((ticks << shift) * mul) >> 32; a negative shift goes right */
	s8 shift;
	u8 flags;
	u8 pad[2];
};
_Static_assert(sizeof(struct pvclock_time) == 32 && offsetof(struct pvclock_time, mul) == 24 &&
		       offsetof(struct pvclock_time, shift) == 28,
	       "KVM: struct pvclock_vcpu_time_info");

struct pvclock_wall {
	u32 version;
	u32 sec, nsec; /* of the day's epoch (1970) at system time 0 */
};
_Static_assert(sizeof(struct pvclock_wall) == 12, "KVM: struct pvclock_wall_clock");

/* MSR_KVM_STEAL_TIME: bit 0 enables, bits 5:1 are reserved, the rest is the address. */
struct pv_steal {
	u64 steal; /* ns that the vCPU was runnable and did not run */
	u32 version, flags;
	u8 preempted; /* KVM_VCPU_*; atomic: other vCPUs add to it */
	u8 pad[47];
};
_Static_assert(sizeof(struct pv_steal) == 64 && offsetof(struct pv_steal, preempted) == 16,
	       "KVM: struct kvm_steal_time");
#define KVM_VCPU_PREEMPTED 1u
#define KVM_VCPU_FLUSH_TLB 2u /* before it runs again */

struct pvclock_scale {
	u32 mul;
	s8 shift;
};

/* From the guest's TSC frequency, at least 1 kHz: relative error below 2^-31. */
struct pvclock_scale pvclock_scale(u32 tsc_khz);

/*
 * Fills *to, which is mapped guest memory that the guest's CPUs may read meanwhile; whatever stands there
 * before does no harm. Caller serialises the writers of one page. The time at guest TSC `tsc` is `ns`.
 */
void pvclock_write_time(struct pvclock_time *to, struct pvclock_scale s, u64 tsc, u64 ns, u8 flags);
/* wall_ns: ns since 1970 at system time 0. */
void pvclock_write_wall(struct pvclock_wall *to, u64 wall_ns);
void pvclock_write_steal(struct pv_steal *to, u64 ns);

#endif
