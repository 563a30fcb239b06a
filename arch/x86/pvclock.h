/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock that KVM's guests know: structures in guest memory, written under a version protocol. Pure logic.
 * Interface: Linux Documentation/virt/kvm/x86/msr.rst and cpuid.rst.
 */
#ifndef X86_PVCLOCK_H
#define X86_PVCLOCK_H

#include "hv/types.h"

#define MSR_KVM_WALL_CLOCK_OLD	0x11
#define MSR_KVM_SYSTEM_TIME_OLD 0x12
#define MSR_KVM_WALL_CLOCK	0x4b564d00
#define MSR_KVM_SYSTEM_TIME	0x4b564d01

/* CPUID leaf 40000001H, EAX */
#define KVM_FEATURE_CLOCKSOURCE	       BIT(0) /* the old MSRs */
#define KVM_FEATURE_NOP_IO_DELAY       BIT(1)
#define KVM_FEATURE_CLOCKSOURCE2       BIT(3)  /* the new MSRs */
#define KVM_FEATURE_CLOCKSOURCE_STABLE BIT(24) /* PVCLOCK_TSC_STABLE means what it says */

/* MSR_KVM_SYSTEM_TIME: bit 0 enables, the rest is the guest-physical address of struct pvclock_time, 4-byte
 * aligned. */
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

struct pvclock_scale {
	u32 mul;
	s8 shift;
};

/* From the guest's TSC frequency, at least 1 kHz: relative error below 2^-31. */
struct pvclock_scale pvclock_scale(u32 tsc_khz);

/* What a guest computes from a page: ns for ticks. */
u64 pvclock_ns(struct pvclock_scale s, u64 ticks);

/*
 * Fills *to, which is mapped guest memory that the guest's CPUs may read meanwhile; whatever stands there
 * before does no harm. Caller serialises the writers of one page. The time at guest TSC `tsc` is `ns`.
 */
void pvclock_write_time(struct pvclock_time *to, struct pvclock_scale s, u64 tsc, u64 ns, u8 flags);
/* wall_ns: ns since 1970 at system time 0. */
void pvclock_write_wall(struct pvclock_wall *to, u64 wall_ns);

#endif
