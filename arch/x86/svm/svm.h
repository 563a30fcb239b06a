/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of svm/ share. Nobody else includes it. */
#ifndef ARCH_X86_SVM_SVM_H
#define ARCH_X86_SVM_SVM_H

#include "arch/x86/hvm.h"
#include "arch/x86/percpu.h"
#include "arch/x86/svm/caps.h"
#include "arch/x86/svm/insn.h"

struct svm_vcpu {
	struct vmcb *b;
	hpa_t pa;
	u32 last_cpu; /* where it ran last, ~0: nowhere */
	u32 event;    /* event to inject at the next entry (EVENT_*), 0: none */
	u32 event_error;
	u64 asid_generation; /* of last_cpu's ASIDs, when b->asid was given; 0: it has none */
	u64 s2_changes;	     /* of the domain, when its translations were last dropped */
	u64 cr0, cr4;	     /* as the guest sees them */
	bool virq;	     /* V_IRQ is an interrupt that goes in */
	bool window;	     /* V_IRQ asks for an exit when the guest takes interrupts */
	/* NMIs. The processor does not tell when one ends:
	 * its IRET is intercepted, and single-stepped where another waits. */
	bool nmi_blocked; /* one was injected and its IRET has not been executed */
	bool nmi_iret;	  /* that IRET, at iret_rip, is next */
	u64 iret_rip;
	/* RFLAGS.TF is ours for the instruction at step_rip; what the guest had of it: */
	bool step;
	bool step_pops;	  /* that instruction loads RFLAGS */
	bool step_shadow; /* it stands in an interrupt shadow */
	u64 step_rip, step_tf, step_dr6;
	bool ltr; /* it is LTR, and tr what was there before */
	struct vmcb_segment tr;
	u32 retries; /* of an instruction that exited and was not found in memory */
};
static inline struct svm_vcpu *svm_vcpu(const struct x86_vcpu *v)
{
	return v->vendor;
}
static inline struct vmcb *svm_vmcb(const struct x86_vcpu *v)
{
	return svm_vcpu(v)->b;
}

/* A field was written: the processor shall not take it from what it remembers. */
static inline void svm_dirty(struct vmcb *b, u32 what)
{
	b->clean &= ~what;
}
static inline void svm_intercept(struct vmcb *b, enum svm_intercept i, bool on)
{
	b->intercept[i / 32] =
		on ? b->intercept[i / 32] | (u32)BIT(i % 32) : b->intercept[i / 32] & ~(u32)BIT(i % 32);
	svm_dirty(b, CLEAN_I);
}

extern struct svm_caps svm_caps;
/* Maps that all vCPUs share: every port exits; MSRs by the policy. */
extern void *svm_iopm, *svm_msrpm;

/* #MC is the machine's business; #DB and #AC can be delivered for ever without an exit when
 * their delivery raises them. #GP because EFER.SVME, which has to be set, makes one of what
 * shall be #UD: SVM's instructions at CPL 3. */
#define SVM_EXCEPTIONS ((u32)(BIT(X86_MC) | BIT(X86_AC) | BIT(X86_DB) | BIT(X86_GP)))

/* CR0 bits that stay ours: a guest must not switch a CPU's caches off. */
#define SVM_CR0_OURS (CR0_CD | CR0_NW)

#define OPS_X(ret, op, args, vmx, svm) ret svm args;
HVM_OPS(OPS_X)
#undef OPS_X
bool svm_exit(struct x86_vcpu *v);

/* vmcb.c */
/* What load and put move between v and its VMCB: DR6, the MSRs of SYSCALL, KERNEL_GS_BASE. */
void vmcb_load(struct x86_vcpu *v);
/* A MOV to a debug register, of QEMU's TCG only. On its CPU, v->dr_used. */
void vmcb_write_dr(struct x86_vcpu *v, u32 dr, u64 value);
void vmcb_xcr0(struct x86_vcpu *v); /* v->xcr0 from the processor */

/* svm.c */
/* CLEAN_*: what the processor need not load again when nobody wrote it; 0 where it always does */
extern u32 svm_clean;
/* Interrupts go in by V_IRQ, not as an event: this is QEMU's TCG with -icount, where an event of type INTR is
 * delivered a second time when its loop is left before the next exit, since its VMRUN leaves the vector in
 * exception_index (7.2 to 10). In real time it is V_IRQ that is lost: VMRUN writes interrupt_request without
 * the lock of the timers' thread. */
extern bool svm_by_virq;
/* Right before an entry: the ASIDs of this CPU began anew, so the entry flushes all. */
void svm_flush_due(struct x86_vcpu *v);
/* An entry was refused, before what it was to flush was flushed ("VMRUN Instruction"):
 * the next one flushes all. */
void svm_flush_undone(const struct x86_vcpu *v);

/* run.c */
void svm_enter(struct x86_vcpu *v, hpa_t host_vmcb);

/* entry.asm: enters and re-enters the guest until v->on_exit() says no. */
void svm_loop(struct x86_vcpu *v, hpa_t vmcb, hpa_t host_vmcb),
	svm_loop_mitigated(struct x86_vcpu *v, hpa_t vmcb, hpa_t host_vmcb);
typedef void (*svm_loop_fn)(struct x86_vcpu *v, hpa_t vmcb, hpa_t host_vmcb) __notrack;
extern svm_loop_fn svm_way; /* the one that this machine takes */

#endif
