/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMCS of a vCPU: made, reset, shown. SDM volume 3, "Virtual Machine Control Structures". */
#include "arch/x86/vmx/vmx.h"
#include "arch/x86/asm.h"
#include "arch/x86/cpu.h"
#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/log.h"
#include "hv/panic.h"
#include "hv/string.h"

extern u8 vmx_exit_entry[], vmx_exit_mitigated[];

/* VPIDs in use. 0 is the hypervisor's own; who finds none free does without. */
static struct lock vpid_lock;
static u64 vpid_used[1024] = { 1 };

static u16 vpid_alloc(void)
{
	u16 vpid = 0;

	if (!vmx_uses(&vmx_caps, VMX_CTL_PROC2, VMX_PROC2_VPID))
		return 0;
	lock(&vpid_lock);
	for (u32 i = 0; i < ARRAY_SIZE(vpid_used) && !vpid; i++)
		if (~vpid_used[i]) {
			u32 bit = (u32)__builtin_ctzll(~vpid_used[i]);

			vpid_used[i] |= BIT(bit);
			vpid = (u16)(i * 64 + bit);
		}
	unlock(&vpid_lock);
	return vpid;
}

static void vpid_free(u16 vpid)
{
	lock(&vpid_lock);
	if (vpid)
		vpid_used[vpid / 64] &= ~BIT(vpid % 64);
	unlock(&vpid_lock);
}

struct x86_vcpu *vmcs_enter(struct x86_vcpu *v)
{
	struct x86_vcpu *was = vmcs_current();

	if (was != v)
		vmcs_make_current(v);
	return was;
}

void vmcs_leave(struct x86_vcpu *v, struct x86_vcpu *was)
{
	if (was == v)
		return;
	vmcs_drop(v);
	if (was)
		vmcs_make_current(was);
}

static u64 eptp(struct x86_vcpu *v)
{
	return x86_domain(v->hv.domain)->s2.root.v | PUT(EPTP_MEMTYPE, MT_WB) | PUT(EPTP_WALK, 3) |
	       (vmx_uses(&vmx_caps, VMX_CTL_EPT_VPID, VMX_EPT_VPID(ACCESS_DIRTY)) ? EPTP_ACCESS_DIRTY : 0);
}

/* what must be there was checked by probe() */
#define control(kind, want) vmx_controls(&vmx_caps, kind, want)

static void vmcs_controls(struct x86_vcpu *v)
{
	struct vmx_vcpu *x = vmx_vcpu(v);
	u64 proc2 = VMX_PROC2_EPT | VMX_PROC2_UNRESTRICTED_GUEST | VMX_PROC2_WBINVD_EXITING;

	proc2 |= vmx_caps.use[VMX_CTL_PROC2] &
		 (VMX_PROC2_RDTSCP | VMX_PROC2_INVPCID | VMX_PROC2_PAUSE_LOOP_EXITING);
	if (x->vpid)
		proc2 |= VMX_PROC2_VPID;
	if (v->apicv)
		proc2 |= VMX_PROC2_APIC_REGISTER_VIRTUALIZATION | VMX_PROC2_VIRTUAL_INTERRUPT_DELIVERY;
	vmwrite(VMCS_PIN_CONTROLS, control(VMX_CTL_PIN, VMX_PIN_EXTERNAL_INTERRUPT_EXITING |
								VMX_PIN_NMI_EXITING | VMX_PIN_VIRTUAL_NMIS |
								(v->apicv ? VMX_PIN_POSTED_INTERRUPTS : 0)));
	x->proc = control(VMX_CTL_PROC,
			  VMX_PROC_HLT_EXITING | VMX_PROC_MWAIT_EXITING | VMX_PROC_MONITOR_EXITING |
				  VMX_PROC_RDPMC_EXITING | VMX_PROC_TSC_OFFSETTING | VMX_PROC_IO_BITMAPS |
				  VMX_PROC_MSR_BITMAPS | VMX_PROC_MOV_DR_EXITING | VMX_PROC_SECONDARY |
				  (v->apicv ? VMX_PROC_TPR_SHADOW
					    : VMX_PROC_CR8_LOAD_EXITING | VMX_PROC_CR8_STORE_EXITING));
	vmwrite(VMCS_PROC_CONTROLS, x->proc);
	x->proc2 = control(VMX_CTL_PROC2, proc2);
	vmwrite(VMCS_PROC2_CONTROLS, x->proc2);
	apicv_vmcs(v);
	vmwrite(VMCS_EXIT_CONTROLS,
		control(VMX_CTL_EXIT, VMX_EXIT_HOST_64 | VMX_EXIT_ACK_INTERRUPT | VMX_EXIT_SAVE_PAT |
					      VMX_EXIT_LOAD_PAT | VMX_EXIT_SAVE_EFER | VMX_EXIT_LOAD_EFER |
					      VMX_EXIT_SAVE_DEBUG_CONTROLS));
	vmwrite(VMCS_ENTRY_CONTROLS,
		control(VMX_CTL_ENTRY,
			VMX_ENTRY_LOAD_DEBUG_CONTROLS | VMX_ENTRY_LOAD_PAT | VMX_ENTRY_LOAD_EFER));
	/* #MC is the machine's business;
	 * #DB and #AC can be delivered for ever without an exit when their delivery raises them. */
	vmwrite(VMCS_EXCEPTION_BITMAP, BIT(X86_MC) | BIT(X86_AC) | BIT(X86_DB));
	if (x->vpid)
		vmwrite(VMCS_VPID, x->vpid);
	vmwrite(VMCS_EPT_POINTER, eptp(v));
	vmwrite(VMCS_IO_BITMAP_A, arch_direct_pa(vmx_io_bitmap).v);
	vmwrite(VMCS_IO_BITMAP_B, arch_direct_pa(vmx_io_bitmap).v + PAGE_SIZE);
	vmwrite(VMCS_MSR_BITMAP, arch_direct_pa(vmx_msr_bitmap).v);
	vmwrite(VMCS_LINK_POINTER, LINK_POINTER_NONE);
	vmwrite(VMCS_CR0_MASK, VMX_CR0_OURS);
	/* The bits of CR4 that this guest's CPUID does not offer are ours, so that setting one comes to us;
	 * MCE because without it a machine check would shut the CPU down. */
	vmwrite(VMCS_CR4_MASK, ~cpuid_cr4_allowed(&x86_domain(v->hv.domain)->cpuid) | CR4_VMXE | CR4_MCE);
	if (proc2 & VMX_PROC2_PAUSE_LOOP_EXITING) {
		vmwrite(VMCS_PLE_GAP, 128);
		vmwrite(VMCS_PLE_WINDOW, 4096);
	}
}

/* The part of the host state that is the same on every CPU. */
static void vmcs_host_constant(void)
{
	vmwrite(VMCS_HOST_CS_SELECTOR, SEL_CODE);
	vmwrite(VMCS_HOST_SS_SELECTOR, SEL_DATA);
	vmwrite(VMCS_HOST_DS_SELECTOR, SEL_DATA);
	vmwrite(VMCS_HOST_ES_SELECTOR, SEL_DATA);
	vmwrite(VMCS_HOST_TR_SELECTOR, SEL_TSS);
	vmwrite(VMCS_HOST_CR0, read_cr0());
	vmwrite(VMCS_HOST_CR3, read_cr3());
	vmwrite(VMCS_HOST_CR4, read_cr4());
	vmwrite(VMCS_HOST_EFER, rdmsr(MSR_EFER));
	vmwrite(VMCS_HOST_PAT, rdmsr(MSR_PAT));
	vmwrite(VMCS_HOST_RIP, (u64)(mitigations & MIT_ENTRY ? vmx_exit_mitigated : vmx_exit_entry));
}

void vmcs_host_state(struct x86_vcpu *v)
{
	struct x86_pcpu *c = x86_this_cpu();
	struct desc_ptr idt;

	(void)v;
	__asm__ volatile("sidt %0" : "=m"(idt));
	vmwrite(VMCS_HOST_GS_BASE, (u64)c);
	vmwrite(VMCS_HOST_TR_BASE, (u64)&c->tss);
	vmwrite(VMCS_HOST_GDTR_BASE, (u64)c->gdt);
	vmwrite(VMCS_HOST_IDTR_BASE, idt.base);
}

int vmcs_init(struct x86_vcpu *v)
{
	struct vmx_vcpu *x = vmx_vcpu(v);
	struct x86_vcpu *was;

	x->vmcs = frame_hv_alloc(FRAME_OWNER_HV, 0);
	if (!x->vmcs)
		return -CAISSON_ENOMEM;
	*(u32 *)x->vmcs = (u32)GET(VMX_BASIC_REVISION, vmx_caps.basic);
	x->vmcs_pa = arch_direct_pa(x->vmcs);
	x->vpid = vpid_alloc();
	x->last_cpu = ~0u;
	v->apicv = hvm_has.apicv;
	if (!vmclear(&x->vmcs_pa))
		vmx_insn_failed("VMCLEAR", x->vmcs_pa.v);
	was = vmcs_enter(v);
	vmcs_controls(v);
	vmcs_host_constant();
	vmcs_leave(v, was);
	return 0;
}

void vmcs_free(struct x86_vcpu *v)
{
	struct vmx_vcpu *x = vmx_vcpu(v);

	if (!x->vmcs)
		return;
	apicv_forget(v);
	vpid_free(x->vpid);
	/* What it said of a guest is nobody else's to read:
	 * the page is zeroed before it has another owner. */
	frame_hv_free(x->vmcs, 0);
}

void vmcs_reset(struct x86_vcpu *v, const struct caisson_vcpu_context *c)
{
	struct vmx_vcpu *x = vmx_vcpu(v);
	struct x86_vcpu *was = vmcs_enter(v);

	vmcs_set_context(v, c);
	vmwrite(VMCS_GUEST_DEBUGCTL, 0);
	vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, 0);
	x->event = 0;
	if (v->apicv) {
		apicv_forget(v);
		vmwrite(VMCS_GUEST_INTERRUPT_STATUS, 0);
		apicv_eoi_bitmap(v);
	}
	apicv_mode(v);
	vmcs_tsc_offset(v);
	vmcs_leave(v, was);
}

/* ---- state in and out ---- */

void vmcs_tsc_offset(struct x86_vcpu *v)
{
	struct x86_vcpu *was = vmcs_enter(v);

	vmwrite(VMCS_TSC_OFFSET, v->tsc_offset);
	vmcs_leave(v, was);
}

static inline u64 field_of(u32 what)
{
	/* clang-format off */
	switch (what) {
	case HVM_CR0: return VMCS_GUEST_CR0;
	case HVM_CR3: return VMCS_GUEST_CR3;
	case HVM_CR4: return VMCS_GUEST_CR4;
	case HVM_DR7: return VMCS_GUEST_DR7;
	case MSR_EFER: return VMCS_GUEST_EFER;
	case MSR_SYSENTER_CS: return VMCS_GUEST_SYSENTER_CS;
	case MSR_SYSENTER_ESP: return VMCS_GUEST_SYSENTER_ESP;
	case MSR_SYSENTER_EIP: return VMCS_GUEST_SYSENTER_EIP;
	case MSR_PAT: return VMCS_GUEST_PAT;
	case MSR_DEBUGCTL: return VMCS_GUEST_DEBUGCTL;
	case MSR_FS_BASE: return VMCS_GUEST_FS_BASE;
	case MSR_GS_BASE: return VMCS_GUEST_GS_BASE;
	}
	/* clang-format on */
	panic("%x is in no VMCS field", what);
}

static inline u64 get(const struct vmx_vcpu *x, u32 what)
{
	u64 value = vmread(field_of(what)), mask;

	if (what == HVM_CR0)
		return (value & ~VMX_CR0_OURS) | (x->cr0_shadow & VMX_CR0_OURS);
	if (what != HVM_CR4)
		return value;
	mask = vmread(VMCS_CR4_MASK);
	return (value & ~mask) | (x->cr4_shadow & mask);
}

u64 vmcs_get(struct x86_vcpu *v, u32 what)
{
	return get(vmx_vcpu(v), what);
}

void vmcs_set(struct x86_vcpu *v, u32 what, u64 value)
{
	struct vmx_vcpu *x = vmx_vcpu(v);
	u64 entry;

	switch (what) {
	case HVM_CR0:
		x->cr0_shadow = value;
		vmwrite(VMCS_CR0_SHADOW, value);
		value = (value & ~VMX_CR0_OURS) | CR0_NE | CR0_ET;
		value &= vmx_caps.cr0_fixed1 | CR0_PE | CR0_PG;
		break;
	case HVM_CR4:
		x->cr4_shadow = value;
		vmwrite(VMCS_CR4_SHADOW, value);
		value = (value & ~CR4_VMXE) | CR4_MCE | vmx_caps.cr4_fixed0;
		break;
	case MSR_EFER:
		entry = vmread(VMCS_ENTRY_CONTROLS) & ~(u64)VMX_ENTRY_IA32E_GUEST;
		vmwrite(VMCS_ENTRY_CONTROLS, entry | (value & EFER_LMA ? VMX_ENTRY_IA32E_GUEST : 0));
	}
	vmwrite(field_of(what), value);
}

void vmcs_get_regs(struct x86_vcpu *v, struct hvm_regs *out)
{
	u64 ar = vmread(VMCS_GUEST_CS_AR);

	out->rip = vmread(VMCS_GUEST_RIP);
	out->rflags = vmread(VMCS_GUEST_RFLAGS);
	out->cr0 = get(vmx_vcpu(v), HVM_CR0);
	out->cr3 = vmread(VMCS_GUEST_CR3);
	out->cr4 = get(vmx_vcpu(v), HVM_CR4);
	out->efer = vmread(VMCS_GUEST_EFER);
	for (u32 i = 0; i < 6; i++)
		out->seg_base[i] = vmread(VMCS_GUEST_ES_BASE + 2 * i);
	out->cpl = (u8)GET(AR_DPL, vmread(VMCS_GUEST_SS_AR));
	out->code_bits = (out->efer & EFER_LMA) && (ar & AR_L) ? 64 : ar & AR_DB ? 32 : 16;
	if (!(out->cr0 & CR0_PE) || (out->rflags & RFLAGS_VM))
		out->code_bits = ar & AR_DB && !(out->rflags & RFLAGS_VM) ? 32 : 16;
	v->regs[RSP] = vmread(VMCS_GUEST_RSP);
}

void vmcs_set_rip_flags(struct x86_vcpu *v, u64 rip, u64 rflags)
{
	vmwrite(VMCS_GUEST_RIP, rip);
	vmwrite(VMCS_GUEST_RFLAGS, rflags | RFLAGS_1);
	vmwrite(VMCS_GUEST_RSP, v->regs[RSP]);
}

u32 vmcs_mode(struct x86_vcpu *v)
{
	u32 l = vmread(VMCS_GUEST_CS_AR) & AR_L ? HVM_CS_L : 0;

	(void)v;
	if (l && (vmread(VMCS_GUEST_EFER) & EFER_LMA))
		l |= HVM_64;
	return l | (u32)GET(AR_DPL, vmread(VMCS_GUEST_SS_AR));
}

u64 vmcs_flags(struct x86_vcpu *v)
{
	(void)v;
	return vmread(VMCS_GUEST_RFLAGS);
}

void vmcs_set_rsp(struct x86_vcpu *v)
{
	vmwrite(VMCS_GUEST_RSP, v->regs[RSP]);
}

void vmcs_set_pdptes(struct x86_vcpu *v, const u64 pdpte[4])
{
	(void)v;
	for (u32 i = 0; i < 4; i++)
		vmwrite(VMCS_GUEST_PDPTE0 + 2 * i, pdpte[i]);
}

void vmcs_get_context(struct x86_vcpu *v, struct caisson_vcpu_context *c)
{
	struct x86_vcpu *was = vmcs_enter(v);

	/* Segment fields stand in the same order in each group, two apart. */
	for (u32 i = 0; i < HVM_SEGMENTS; i++) {
		struct caisson_segment *s = hvm_segment(c, i);
		u64 ar = vmread(VMCS_GUEST_ES_AR + 2 * i);

		s->base = vmread(VMCS_GUEST_ES_BASE + 2 * i);
		s->limit = (u32)vmread(VMCS_GUEST_ES_LIMIT + 2 * i);
		s->selector = (u16)vmread(VMCS_GUEST_ES_SELECTOR + 2 * i);
		s->attr = ar & AR_UNUSABLE ? 0 : (u16)ar;
	}
#define GET_FIELD(context, name, vmcb) c->context = (__typeof__(c->context))vmread(VMCS_GUEST_##name);
	HVM_CONTEXT(GET_FIELD)
	c->gpr[RSP] = vmread(VMCS_GUEST_RSP);
	c->cr0 = vmcs_get(v, HVM_CR0);
	c->cr3 = vmcs_get(v, HVM_CR3);
	c->cr4 = vmcs_get(v, HVM_CR4);
	c->efer = vmcs_get(v, MSR_EFER);
	vmcs_leave(v, was);
}

void vmcs_set_context(struct x86_vcpu *v, const struct caisson_vcpu_context *in)
{
	struct x86_vcpu *was = vmcs_enter(v);
	struct caisson_vcpu_context c = *in;

	for (u32 i = 0; i < HVM_SEGMENTS; i++) {
		const struct caisson_segment *s = hvm_segment(&c, i);

		vmwrite(VMCS_GUEST_ES_BASE + 2 * i, s->base);
		vmwrite(VMCS_GUEST_ES_LIMIT + 2 * i, s->limit);
		vmwrite(VMCS_GUEST_ES_SELECTOR + 2 * i, s->selector);
		vmwrite(VMCS_GUEST_ES_AR + 2 * i, s->attr & AR_P ? s->attr & 0xf0ff : AR_UNUSABLE);
	}
	c.rflags |= RFLAGS_1;
#define SET_FIELD(context, name, vmcb) vmwrite(VMCS_GUEST_##name, c.context);
	HVM_CONTEXT(SET_FIELD)
	vmwrite(VMCS_GUEST_RSP, c.gpr[RSP]);
	vmcs_set(v, HVM_CR0, c.cr0);
	vmcs_set(v, HVM_CR3, c.cr3);
	vmcs_set(v, HVM_CR4, c.cr4);
	vmcs_set(v, MSR_EFER, c.efer);
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmwrite(VMCS_GUEST_PENDING_DEBUG, 0);
	vmwrite(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
	vmcs_leave(v, was);
}

bool vmcs_field(struct x86_vcpu *v, u32 field, u64 *value)
{
	struct x86_vcpu *was = vmcs_enter(v);
	bool ok;

	__asm__ volatile("vmread %2, %0" : "=r"(*value), "=@cca"(ok) : "r"((u64)field));
	vmcs_leave(v, was);
	return ok;
}
