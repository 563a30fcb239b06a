/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of vmx/ share. Nobody else includes it. */
#ifndef ARCH_X86_VMX_VMX_H
#define ARCH_X86_VMX_VMX_H

#include "arch/x86/hvm.h"
#include "arch/x86/percpu.h"
#include "arch/x86/vmx/caps.h"
#include "arch/x86/vmx/insn.h"

struct vmx_vcpu {
	void *vmcs;
	hpa_t vmcs_pa;
	bool launched;
	bool window; /* interrupt-window exiting is set */
	bool nmi_window;
	u16 vpid;	 /* 0: VPID is not used */
	u32 last_cpu;	 /* where it ran last, ~0: nowhere */
	u32 proc, proc2; /* PROC_CONTROLS, PROC2_CONTROLS as written */
	u32 event;	 /* event to inject at the next entry (ENTRY_INTERRUPTION_INFO), 0: none */
	u32 event_error, event_len;
	struct x86_vcpu *owner;	       /* for the lists of sleepers */
	struct vmx_vcpu *next, **link; /* (the list's lock); link NULL: in none */
	u32 asleep_on;
	u64 pi_running;		    /* the descriptor's control word while it runs on last_cpu */
	u64 cr0_shadow, cr4_shadow; /* what the guest reads in the bits that are ours */
};
static inline struct vmx_vcpu *vmx_vcpu(const struct x86_vcpu *v)
{
	return v->vendor;
}

extern struct vmx_caps vmx_caps;
/* Pages that all vCPUs share: every port exits; MSRs by the policy. */
extern void *vmx_io_bitmap, *vmx_msr_bitmap;

/* CR0 bits that stay ours: the caches (a guest must not switch ours off) and what VMX fixes. */
#define VMX_CR0_OURS (CR0_CD | CR0_NW | CR0_NE | CR0_ET)

#define OPS_X(ret, op, args, vmx, svm) ret vmx args;
HVM_OPS(OPS_X)
#undef OPS_X
bool vmx_exit(struct x86_vcpu *v);

/* vmcs.c */
void vmcs_host_state(struct x86_vcpu *v); /* what differs between CPUs; VMCS current */
/* Whose VMCS is this CPU's current one, or NULL. */
static inline struct x86_vcpu *vmcs_current(void)
{
	return x86_this_cpu()->vendor;
}
void vmcs_make_current(struct x86_vcpu *v);
/* Clears it: whichever CPU runs the vCPU next need not ask this one to. */
void vmcs_drop(struct x86_vcpu *v);
/* Makes v's VMCS the current one for a while, also when v is loaded nowhere;
 * vmcs_leave() puts things back. */
struct x86_vcpu *vmcs_enter(struct x86_vcpu *v);
void vmcs_leave(struct x86_vcpu *v, struct x86_vcpu *was);

/* run.c */

/* apicv.c; without hvm_has.apicv only probe, init, vmcs and mode do something */
bool apicv_probe(void); /* boot CPU, capabilities known: notes what is used */
void apicv_init(void (*pass)(void *bitmap, u32 msr, bool write));
void apicv_vmcs(struct x86_vcpu *v);
void apicv_mode(struct x86_vcpu *v); /* IA32_APIC_BASE has changed */
void apicv_eoi_bitmap(struct x86_vcpu *v);
void apicv_sync(struct x86_vcpu *v);
bool apicv_self_ipi(struct x86_vcpu *v);
bool apicv_waits(struct x86_vcpu *v);
void apicv_here(struct x86_vcpu *v); /* it has come to this CPU */
void apicv_running(struct x86_vcpu *v);
void apicv_asleep(struct x86_vcpu *v);
void apicv_preempted(struct x86_vcpu *v);
void apicv_forget(struct x86_vcpu *v); /* before it is freed or reset */
void apicv_notify(struct x86_vcpu *v);

/* entry.asm: enters and re-enters the guest until v->on_exit() says no. */
void vmx_loop(struct x86_vcpu *v, bool launched), vmx_loop_mitigated(struct x86_vcpu *v, bool launched);
typedef void (*vmx_loop_fn)(struct x86_vcpu *v, bool launched) __notrack;
extern vmx_loop_fn vmx_enter; /* the one that this machine takes */
/* Called by it when the entry itself was refused (VMfail). */
void vmx_entry_failed(struct x86_vcpu *v);

#endif
