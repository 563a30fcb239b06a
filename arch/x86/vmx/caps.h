/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this processor's VMX can do, what Caisson needs of it, and what each missing piece costs. Pure logic:
 * the capability MSRs are read through a callback. Any context, no locks; struct vmx_caps is written at boot
 * and only read afterwards. SDM: Appendix "VMX Capability Reporting Facility".
 */
#ifndef ARCH_X86_VMX_CAPS_H
#define ARCH_X86_VMX_CAPS_H

#include "arch/x86/vmx/vmcs.h"
#include "hv/abi/caisson.h"
#include "hv/types.h"

/* The last is IA32_VMX_EPT_VPID_CAP, no control: may and use only. */
/* clang-format off */
enum vmx_ctl { VMX_CTL_PIN, VMX_CTL_PROC, VMX_CTL_PROC2, VMX_CTL_EXIT, VMX_CTL_ENTRY, VMX_CTL_EPT_VPID, VMX_CTLS };
/* clang-format on */

struct vmx_caps {
	u64 feature_control; /* as the firmware left it */
	u64 basic, misc;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	/* TRUE variants where there are any. A kind that the processor has not: may = 0. */
	u64 must[VMX_CTLS]; /* bits that have to be 1 */
	u64 may[VMX_CTLS];  /* bits that may be 1 */
	/* What Caisson sets or can set at some time: the doctor's "used". vmx_caps_read() fills in all that
	 * is required or used and exists; the vendor code may add (within may) or take away
	 * (apicv=off) at boot. */
	u64 use[VMX_CTLS];
	u64 vmx; /* CPUID.1:ECX.VMX */
};

/* Reads the MSRs through rdmsr(ctx, MSR_*), only those that exist according to the ones read before.
 * cpuid_vmx false: none is read and nothing is found. */
void vmx_caps_read(struct vmx_caps *c, bool cpuid_vmx, u64 (*rdmsr)(void *ctx, u32 msr), void *ctx);

/* The value for a control field: what is wanted, as far as it may be 1, and what must be 1. */
static inline u32 vmx_controls(const struct vmx_caps *c, enum vmx_ctl kind, u64 want)
{
	return (u32)((want & c->may[kind]) | c->must[kind]);
}

extern const u64 vmx_required[VMX_CTLS];

/* doctor.c: rows that must be found, and say what to switch on. */
void vmx_caps_doctor(const struct vmx_caps *c);

static inline bool vmx_has(const struct vmx_caps *c, enum vmx_ctl kind, u64 mask)
{
	return (c->may[kind] & mask) == mask;
}
static inline bool vmx_uses(const struct vmx_caps *c, enum vmx_ctl kind, u64 mask)
{
	return (c->use[kind] & mask) == mask;
}

/* The bits of CR0 and CR4 that are wrong in VMX operation (guest: with unrestricted guest, where PE and PG
 * are free). SDM: "VMX-Fixed Bits in CR0", "VMX-Fixed Bits in CR4". */
static inline u64 vmx_cr0_wrong(const struct vmx_caps *c, u64 cr0, bool guest)
{
	u64 fixed0 = c->cr0_fixed0 & (guest ? ~0x80000001ull : ~0ull);

	return (~cr0 & fixed0) | (cr0 & ~c->cr0_fixed1);
}
static inline u64 vmx_cr4_wrong(const struct vmx_caps *c, u64 cr4)
{
	return (~cr4 & c->cr4_fixed0) | (cr4 & ~c->cr4_fixed1);
}

#endif
