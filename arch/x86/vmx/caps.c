/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/vmx/caps.h"

/* clang-format off */
/* What Caisson cannot do without, and what it uses where there is any. */
const u64 vmx_required[VMX_CTLS] = {
	[VMX_CTL_PIN] = VMX_PIN_EXTERNAL_INTERRUPT_EXITING | VMX_PIN_NMI_EXITING | VMX_PIN_VIRTUAL_NMIS,
	[VMX_CTL_PROC] = VMX_PROC_INTERRUPT_WINDOW | VMX_PROC_TSC_OFFSETTING | VMX_PROC_HLT_EXITING |
		VMX_PROC_MWAIT_EXITING | VMX_PROC_RDPMC_EXITING | VMX_PROC_CR8_LOAD_EXITING |
		VMX_PROC_CR8_STORE_EXITING | VMX_PROC_NMI_WINDOW | VMX_PROC_IO_BITMAPS | VMX_PROC_MSR_BITMAPS |
		VMX_PROC_MONITOR_EXITING | VMX_PROC_SECONDARY,
	[VMX_CTL_PROC2] = VMX_PROC2_EPT | VMX_PROC2_UNRESTRICTED_GUEST,
	[VMX_CTL_EXIT] = VMX_EXIT_SAVE_DEBUG_CONTROLS | VMX_EXIT_HOST_64 | VMX_EXIT_ACK_INTERRUPT | VMX_EXIT_SAVE_PAT |
		VMX_EXIT_LOAD_PAT | VMX_EXIT_SAVE_EFER | VMX_EXIT_LOAD_EFER,
	[VMX_CTL_ENTRY] = VMX_ENTRY_LOAD_DEBUG_CONTROLS | VMX_ENTRY_IA32E_GUEST | VMX_ENTRY_LOAD_PAT |
		VMX_ENTRY_LOAD_EFER,
	[VMX_CTL_EPT_VPID] = VMX_EPT_VPID(WALK_4) | VMX_EPT_VPID(WB) | VMX_EPT_VPID(INVEPT) | VMX_EPT_VPID(INVEPT_ALL),
};
static const u64 used[VMX_CTLS] = {
	[VMX_CTL_PROC2] = VMX_PROC2_RDTSCP | VMX_PROC2_VPID | VMX_PROC2_WBINVD_EXITING | VMX_PROC2_PAUSE_LOOP_EXITING |
		VMX_PROC2_INVPCID,
	[VMX_CTL_EPT_VPID] = VMX_EPT_VPID(2M) | VMX_EPT_VPID(1G) | VMX_EPT_VPID(ACCESS_DIRTY) |
		VMX_EPT_VPID(INVEPT_SINGLE) | VMX_EPT_VPID(INVVPID) | VMX_EPT_VPID(INVVPID_SINGLE) |
		VMX_EPT_VPID(INVVPID_ALL),
};
/* clang-format on */

static void set_32(struct vmx_caps *c, enum vmx_ctl kind, u64 msr)
{
	c->must[kind] = GET(VMX_CTL_MUST, msr);
	c->may[kind] = GET(VMX_CTL_MAY, msr);
}

static void read_controls(struct vmx_caps *c, u64 (*rdmsr)(void *ctx, u32 msr), void *ctx)
{
	bool exact = c->basic & VMX_BASIC_TRUE;

	set_32(c, VMX_CTL_PIN, rdmsr(ctx, exact ? MSR_VMX_TRUE_PINBASED : MSR_VMX_PINBASED_CTLS));
	set_32(c, VMX_CTL_PROC, rdmsr(ctx, exact ? MSR_VMX_TRUE_PROCBASED : MSR_VMX_PROCBASED_CTLS));
	set_32(c, VMX_CTL_EXIT, rdmsr(ctx, exact ? MSR_VMX_TRUE_EXIT : MSR_VMX_EXIT_CTLS));
	set_32(c, VMX_CTL_ENTRY, rdmsr(ctx, exact ? MSR_VMX_TRUE_ENTRY : MSR_VMX_ENTRY_CTLS));
	if (vmx_has(c, VMX_CTL_PROC, VMX_PROC_SECONDARY))
		set_32(c, VMX_CTL_PROC2, rdmsr(ctx, MSR_VMX_PROCBASED_CTLS2));
	if (c->may[VMX_CTL_PROC2] & (VMX_PROC2_EPT | VMX_PROC2_VPID))
		c->may[VMX_CTL_EPT_VPID] = rdmsr(ctx, MSR_VMX_EPT_VPID_CAP);
}

void vmx_caps_read(struct vmx_caps *c, bool cpuid_vmx, u64 (*rdmsr)(void *ctx, u32 msr), void *ctx)
{
	u64 flush = VMX_EPT_VPID(INVVPID) | VMX_EPT_VPID(INVVPID_ALL);

	*c = (struct vmx_caps){ 0 };
	if (!cpuid_vmx)
		return;
	c->vmx = 1;
	c->feature_control = rdmsr(ctx, MSR_FEATURE_CONTROL);
	c->basic = rdmsr(ctx, MSR_VMX_BASIC);
	c->misc = rdmsr(ctx, MSR_VMX_MISC);
	c->cr0_fixed0 = rdmsr(ctx, MSR_VMX_CR0_FIXED0);
	c->cr0_fixed1 = rdmsr(ctx, MSR_VMX_CR0_FIXED1);
	c->cr4_fixed0 = rdmsr(ctx, MSR_VMX_CR4_FIXED0);
	c->cr4_fixed1 = rdmsr(ctx, MSR_VMX_CR4_FIXED1);
	read_controls(c, rdmsr, ctx);
	for (u32 k = 0; k < VMX_CTLS; k++)
		c->use[k] = (vmx_required[k] | used[k]) & c->may[k];
	if (!vmx_has(c, VMX_CTL_EPT_VPID, flush)) /* stale translations could not be removed */
		c->use[VMX_CTL_PROC2] &= ~(u64)VMX_PROC2_VPID;
}
