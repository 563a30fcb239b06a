/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/vmx/caps.h"
#include "hv/printf.h"
#include "hv/string.h"

#define FIRMWARE   "switch on \"Intel Virtualization Technology (VT-x)\" in the firmware setup"
#define QEMU	   "; QEMU/KVM: -cpu host, kvm_intel nested=1"
#define SINCE_2010 "Intel cores of 2010 on have it" QEMU

enum { USED = 1, REQUIRED = 2, VMX_CTL_EPT_VPID = VMX_CTLS };

/* clang-format off */
/* The doctor's rows about controls: all that Caisson needs or could use, in the manual's order. */
static const struct control {
	u8 kind, bit;
	const char *name;
} controls[] = {
#define ROW(kind, n, b, text) { VMX_CTL_##kind, b, text },
	VMX_BITS(ROW)
};

/* What Caisson wants, and what it costs when it is missing. A bit without a row is neither needed nor used. */
static const struct need {
	u8 kind, flags;
	u64 mask;
	const char *note;
} need[] = {
	{ VMX_CTL_PIN, REQUIRED, VMX_PIN_EXTERNAL_INTERRUPT_EXITING | VMX_PIN_NMI_EXITING, SINCE_2010 },
	{ VMX_CTL_PIN, REQUIRED, VMX_PIN_VIRTUAL_NMIS, "guests cannot be given NMIs; " SINCE_2010 },
	{ VMX_CTL_PIN, 0, VMX_PIN_PREEMPTION_TIMER, "time slices end by the local APIC's timer instead" },
	{ VMX_CTL_PIN, 0, VMX_PIN_POSTED_INTERRUPTS, "an interrupt for a running vCPU costs it an exit" },
	{ VMX_CTL_PROC, REQUIRED, VMX_PROC_INTERRUPT_WINDOW | VMX_PROC_NMI_WINDOW, SINCE_2010 },
	{ VMX_CTL_PROC, REQUIRED, VMX_PROC_TSC_OFFSETTING | VMX_PROC_HLT_EXITING | VMX_PROC_MWAIT_EXITING |
		VMX_PROC_RDPMC_EXITING | VMX_PROC_CR8_LOAD_EXITING | VMX_PROC_CR8_STORE_EXITING | VMX_PROC_IO_BITMAPS |
		VMX_PROC_MSR_BITMAPS | VMX_PROC_MONITOR_EXITING, SINCE_2010 },
	{ VMX_CTL_PROC, REQUIRED, VMX_PROC_SECONDARY, "needed for EPT; " SINCE_2010 },
	{ VMX_CTL_PROC, 0, VMX_PROC_TPR_SHADOW, "moves to and from CR8 cost an exit each" },
	{ VMX_CTL_PROC, 0, VMX_PROC_MONITOR_TRAP_FLAG, "no single steps that the guest cannot see" },
	{ VMX_CTL_PROC2, REQUIRED, VMX_PROC2_EPT, "guest memory cannot be virtualised; " SINCE_2010 },
	{ VMX_CTL_PROC2, REQUIRED, VMX_PROC2_UNRESTRICTED_GUEST, "guests start in real mode; " SINCE_2010 },
	{ VMX_CTL_PROC2, USED, VMX_PROC2_RDTSCP, "RDTSCP and RDPID are hidden from guests" },
	{ VMX_CTL_PROC2, USED, VMX_PROC2_VPID, "each entry and exit flushes the guest's translations" },
	{ VMX_CTL_PROC2, USED, VMX_PROC2_WBINVD_EXITING, "a guest's WBINVD flushes the real caches" },
	{ VMX_CTL_PROC2, USED, VMX_PROC2_PAUSE_LOOP_EXITING, "a vCPU that spins on a lock burns its whole time slice" },
	{ VMX_CTL_PROC2, USED, VMX_PROC2_INVPCID, "INVPCID is hidden from guests" },
	{ VMX_CTL_PROC2, 0, VMX_PROC2_VIRTUALIZE_APIC_ACCESSES | VMX_PROC2_VIRTUALIZE_X2APIC |
		VMX_PROC2_APIC_REGISTER_VIRTUALIZATION, "accesses to the local APIC cost an exit each" },
	{ VMX_CTL_PROC2, 0, VMX_PROC2_VIRTUAL_INTERRUPT_DELIVERY, "interrupts wait for an interrupt window; EOI costs an exit" },
	{ VMX_CTL_PROC2, 0, VMX_PROC2_VM_FUNCTIONS, "views are switched by hypercall" },
	{ VMX_CTL_PROC2, 0, VMX_PROC2_PML, "dirty logging costs an exit for each page" },
	{ VMX_CTL_PROC2, 0, VMX_PROC2_EPT_VIOLATION_VE, "EPT violations of views go to the hypervisor" },
	{ VMX_CTL_PROC2, 0, VMX_PROC2_XSAVES, "XSAVES is hidden from guests" },
	{ VMX_CTL_PROC2, 0, VMX_PROC2_MBEC, "no execute control by guest privilege" },
	{ VMX_CTL_PROC2, 0, VMX_PROC2_SPP, "write protection by whole pages" },
	{ VMX_CTL_PROC2, 0, VMX_PROC2_TSC_SCALING, "a guest moved here keeps a wrong TSC frequency" },
	{ VMX_CTL_EXIT, REQUIRED, VMX_EXIT_SAVE_DEBUG_CONTROLS | VMX_EXIT_HOST_64 | VMX_EXIT_ACK_INTERRUPT |
		VMX_EXIT_SAVE_PAT | VMX_EXIT_LOAD_PAT | VMX_EXIT_SAVE_EFER | VMX_EXIT_LOAD_EFER, SINCE_2010 },
	{ VMX_CTL_ENTRY, REQUIRED, VMX_ENTRY_LOAD_DEBUG_CONTROLS | VMX_ENTRY_LOAD_PAT | VMX_ENTRY_LOAD_EFER, SINCE_2010 },
	{ VMX_CTL_ENTRY, REQUIRED, VMX_ENTRY_IA32E_GUEST, "no 64-bit guests; " SINCE_2010 },
	{ VMX_CTL_EPT_VPID, REQUIRED, VMX_EPT_VPID(WALK_4) | VMX_EPT_VPID(WB) | VMX_EPT_VPID(INVEPT) | VMX_EPT_VPID(INVEPT_ALL),
		SINCE_2010 },
	{ VMX_CTL_EPT_VPID, USED, VMX_EPT_VPID(2M), "guest memory is mapped in 4-KByte pages: slower page walks, more tables" },
	{ VMX_CTL_EPT_VPID, USED, VMX_EPT_VPID(1G), "guest memory is mapped in 2-MByte pages at most" },
	{ VMX_CTL_EPT_VPID, USED, VMX_EPT_VPID(ACCESS_DIRTY), "no record of which pages a guest used or changed" },
	{ VMX_CTL_EPT_VPID, USED, VMX_EPT_VPID(INVEPT_SINGLE), "a change for one domain flushes the translations of all" },
	{ VMX_CTL_EPT_VPID, USED, VMX_EPT_VPID(INVVPID) | VMX_EPT_VPID(INVVPID_SINGLE) | VMX_EPT_VPID(INVVPID_ALL),
		"VPID cannot be used: each entry and exit flushes the guest's translations" },
	{ VMX_CTL_EPT_VPID, 0, VMX_EPT_VPID(EXEC_ONLY), "no pages that can be executed but not read" },
	{ VMX_CTL_EPT_VPID, 0, VMX_EPT_VPID(ADVANCED_INFO), "an EPT violation does not tell user from supervisor" },
};

/* clang-format on */

static u64 needed(u32 kind)
{
	u64 mask = 0;

	for (u32 i = 0; i < ARRAY_SIZE(need); i++)
		if (need[i].kind == kind && need[i].flags)
			mask |= need[i].mask;
	return mask;
}

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
		c->ept_vpid = rdmsr(ctx, MSR_VMX_EPT_VPID_CAP);
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
		c->use[k] = needed(k) & c->may[k];
	c->use_ept_vpid = needed(VMX_CTL_EPT_VPID) & c->ept_vpid;
	if ((c->ept_vpid & flush) != flush) /* stale translations could not be removed */
		c->use[VMX_CTL_PROC2] &= ~(u64)VMX_PROC2_VPID;
}

/* ---- the doctor's table ---- */

static void fill(struct caisson_doctor *out, const char *name, u32 flags, const char *note)
{
	out->flags = flags;
	snprintf(out->name, sizeof(out->name), "%s", name);
	snprintf(out->note, sizeof(out->note), "%s", note && !(flags & CAISSON_DOCTOR_FOUND) ? note : "");
}

static void fill_bit(const struct vmx_caps *c, const struct control *row, struct caisson_doctor *out)
{
	bool cap = row->kind == VMX_CTL_EPT_VPID;
	u64 bit = BIT(row->bit), may = cap ? c->ept_vpid : c->may[row->kind];
	u64 use = cap ? c->use_ept_vpid : c->use[row->kind];
	u32 flags = (may & bit ? CAISSON_DOCTOR_FOUND : 0) | (use & bit ? CAISSON_DOCTOR_USED : 0);
	const char *note = NULL;

	for (u32 i = 0; i < ARRAY_SIZE(need); i++)
		if (need[i].kind == row->kind && need[i].mask & bit) {
			note = need[i].note;
			flags |= need[i].flags & REQUIRED ? CAISSON_DOCTOR_REQUIRED : 0;
		}
	fill(out, row->name, flags, note);
}

enum { ROW_VMX, ROW_FEATURE_CONTROL, ROW_MEMTYPE, ROW_TRUE, ROWS };

static u32 when(bool found, u32 flags)
{
	return found ? flags | CAISSON_DOCTOR_FOUND : flags & ~CAISSON_DOCTOR_USED;
}

static void fill_other(const struct vmx_caps *c, u32 i, struct caisson_doctor *out)
{
	u32 need_it = CAISSON_DOCTOR_REQUIRED | CAISSON_DOCTOR_USED;
	u64 fc = c->feature_control;
	size_t n = sizeof(out->value);

	switch (i) {
	case ROW_VMX:
		fill(out, "VMX (CPUID.1:ECX.VMX, CR4.VMXE)", when(c->vmx, need_it), FIRMWARE QEMU);
		break;
	case ROW_FEATURE_CONTROL: /* unlocked: this hypervisor writes it */
		fill(out, "IA32_FEATURE_CONTROL: VMX outside SMX",
		     when(c->vmx && (!(fc & FEATURE_CONTROL_LOCK) || fc & FEATURE_CONTROL_VMX), need_it),
		     fc & FEATURE_CONTROL_LOCK ? "locked off: " FIRMWARE : FIRMWARE QEMU);
		if (c->vmx)
			snprintf(out->value, n, "%#lx, %s", fc,
				 fc & FEATURE_CONTROL_LOCK ? "locked" : "not locked");
		break;
	case ROW_MEMTYPE:
		fill(out, "VMX structures write-back (WB)",
		     when(GET(VMX_BASIC_MEMTYPE, c->basic) == 6, need_it), SINCE_2010);
		break;
	case ROW_TRUE: /* without it loads and stores of CR3 have to exit */
		fill(out, "VMX TRUE control MSRs", when(c->basic & VMX_BASIC_TRUE, need_it), SINCE_2010);
		break;
	}
}

int vmx_caps_row(const struct vmx_caps *c, u32 i, struct caisson_doctor *out)
{
	memset(out, 0, sizeof(*out));
	if (i < ROWS) {
		fill_other(c, i, out);
		return 0;
	}
	i -= ROWS;
	if (i < ARRAY_SIZE(controls)) {
		fill_bit(c, &controls[i], out);
		return 0;
	}
	return -CAISSON_ENOENT;
}
