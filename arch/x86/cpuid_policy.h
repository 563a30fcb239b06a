/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPUID that a domain sees: computed once from the host's by a table of what passes, looked up at every
 * exit. Pure logic. The table is constant once built: any vCPU, any CPU, no lock. SDM volume 2, "CPUID - CPU
 * Identification".
 */
#ifndef X86_CPUID_POLICY_H
#define X86_CPUID_POLICY_H

#include "arch/x86/cpu.h"
#include "arch/x86/regs.h"
#include "hv/types.h"

#define CPUID_KVM_BASE 0x40000000u
#define CPUID_OWN_BASE 0x40000100u

/* What a result needs that only the vCPU knows: bits of cpuid_entry.fix */
#define CPUID_FIX_FEATURES BIT(0) /* leaf 1: APIC id, APIC enabled, OSXSAVE */
#define CPUID_FIX_OSPKE	   BIT(1)
#define CPUID_FIX_TOPOLOGY BIT(2) /* EDX = x2APIC id */
#define CPUID_FIX_XSAVE	   BIT(3) /* EBX = bytes for XCR0 */
#define CPUID_FIX_XSAVEC   BIT(4) /* the same, compacted */
#define CPUID_SUBLEAVES	   BIT(7) /* ECX chooses; not a fix-up */

struct cpuid_entry {
	u32 r[4]; /* indexed by CPUID_EAX ... */
	u8 fix;
	u8 first, count; /* CPUID_SUBLEAVES: subleaf n of 1 to count is sub[first + n - 1] */
	u8 pad;
};

struct cpuid_table {
	struct cpuid_entry basic[0x20], ext[9], kvm[0x11], own[2];
	struct cpuid_entry sub[24];
	u32 subs;
	u32 basic_max; /* its data answers what is out of range on Intel; AMD answers zeros */
	bool amd;
};

struct cpuid_params {
	u32 vcpus;	  /* one thread each, one package; APIC id = vCPU id; at least 1 */
	u32 tsc_khz;	  /* and of the virtual APIC timer before its divider */
	u32 kvm_features; /* leaf 40000001H: EAX */
	u32 phys_bits;	  /* of guest-physical addresses */
	u64 xcr0;	  /* state components that the hypervisor switches between vCPUs */
	bool rdtscp;	  /* "Enable RDTSCP" is set: RDTSCP, RDPID */
	bool invpcid;	  /* "Enable INVPCID" is set */
};

/* The vCPU's part of an answer. */
struct cpuid_state {
	u32 apic_id;
	bool apic_enabled; /* IA32_APIC_BASE bit 11 */
	u64 cr4, xcr0;
};

/* Fills *t; host(ctx, leaf, subleaf, out) is the processor's own answer.
 * At domain creation, in any context. */
void cpuid_build(struct cpuid_table *t, const struct cpuid_params *p,
		 void (*host)(void *ctx, u32 leaf, u32 subleaf, u32 out[4]), void *ctx);

/* The answer without the vCPU's part; the result is a set of CPUID_FIX_* bits: when it is not 0,
 * cpuid_fixup() completes it. */
u32 cpuid_lookup(const struct cpuid_table *t, u32 leaf, u32 subleaf, u32 out[4]);
void cpuid_fixup(const struct cpuid_table *t, u32 fix, const struct cpuid_state *s, u32 out[4]);

/* The answer where no subleaf and no vCPU matters, in a few instructions; NULL: ask cpuid_lookup(). */
static inline const struct cpuid_entry *cpuid_plain(const struct cpuid_table *t, u32 leaf)
{
	const struct cpuid_entry *e;

	if (leaf <= t->basic_max)
		e = &t->basic[leaf];
	else if (leaf - CPUID_KVM_BASE < 2)
		e = &t->kvm[leaf - CPUID_KVM_BASE];
	else if (leaf - 0x80000000u < 9)
		e = &t->ext[leaf - 0x80000000u];
	else
		return NULL;
	return e->fix ? NULL : e;
}

/* The bits of CR4 that the domain's CPUID allows (VMXE, SMXE never). */
u64 cpuid_cr4_allowed(const struct cpuid_table *t);

/* The bits of XCR0 that XSETBV may set; 0: no XSAVE. */
static inline u64 cpuid_xcr0(const struct cpuid_table *t)
{
	return t->basic[0xd].r[CPUID_EAX] | (u64)t->basic[0xd].r[CPUID_EDX] << 32;
}

#endif
