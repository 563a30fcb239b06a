/* SPDX-License-Identifier: BSD-2-Clause */
/* Around the entry: what is injected before it, what the exit said after it.
 * APM volume 2, "Event Injection", "#VMEXIT". */
#include "arch/x86/asm.h"
#include "arch/x86/cpu.h"
#include "arch/x86/hot.h"
#include "arch/x86/regs.h"
#include "arch/x86/svm/svm.h"
#include "hv/arch.h"
#include "hv/debug.h"
#include "hv/log.h"

#define RETRIES 10000u
/* All faults that one instruction can make; #MC, #AC and #GP exit always. */
#define STEP_FAULTS \
	((u32)(MASK(19, 0) & ~(BIT(X86_DB) | BIT(X86_NMI) | BIT(X86_BP) | BIT(X86_OF) | BIT(X86_DF))))
#define HAS_ERROR ((u32)(BIT(X86_DF) | MASK(X86_PF, X86_TS) | BIT(X86_AC)))

static void look_again(struct x86_vcpu *v, u32 bits)
{
	__atomic_or_fetch(&v->hv.pending, bits, __ATOMIC_RELAXED);
}

static void event_set(struct x86_vcpu *v, u32 event, u32 error)
{
	svm_vcpu(v)->event = event;
	svm_vcpu(v)->event_error = error;
	look_again(v, PEND_EVENT);
}

static bool irq_open(struct x86_vcpu *v)
{
	const struct vmcb *b = svm_vmcb(v);

	return (b->rflags & RFLAGS_IF) && !(b->int_state & INT_STATE_SHADOW);
}

static inline void svm_step_over(struct x86_vcpu *v, struct vmcb *b, u32 insn_len)
{
	u64 rip = v->exit_rip + insn_len;

	/* Outside 64-bit code RIP wraps at 4 GiB. */
	if (unlikely((rip ^ v->exit_rip) >> 32) && !(b->cs.attr & VMCB_ATTR_L))
		rip = (u32)rip;
	b->rip = rip;
	b->int_state &= ~INT_STATE_SHADOW;
	/* A single-stepped instruction that we carried out still ends in #DB. */
	if (unlikely(b->rflags & RFLAGS_TF)) {
		b->dr6 |= DR6_BS;
		svm_dirty(b, CLEAN_DR);
		svm_inject(v, X86_DB, NO_ERROR_CODE);
	}
}

void svm_advance(struct x86_vcpu *v, u32 insn_len)
{
	svm_step_over(v, svm_vmcb(v), insn_len);
}

void svm_inject(struct x86_vcpu *v, u8 vector, u32 error)
{
	u32 old = svm_vcpu(v)->event, was = (u32)GET(EVENT_VECTOR, old);
	u32 event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_EXCEPTION));

	if ((old & EVENT_VALID) && GET(EVENT_TYPE, old) == EVENT_EXCEPTION &&
	    !hvm_nested(v, was, &vector, &error))
		return;
	/* A fault's image of RFLAGS has RF, and VMRUN pushes what the field holds. */
	if (vector != X86_DB && vector != X86_DF && vector != X86_MC)
		svm_vmcb(v)->rflags |= RFLAGS_RF;
	if (error != NO_ERROR_CODE && (svm_vmcb(v)->cr0 & CR0_PE))
		event |= EVENT_ERROR;
	event_set(v, event | vector, event & EVENT_ERROR ? error : 0);
}

/* ---- the instruction at RIP ---- */

static enum insn_status insn_at_rip(struct x86_vcpu *v, struct hvm_regs *r, struct insn *i)
{
	u8 bytes[INSN_MAX_BYTES];

	vmcb_get_regs(v, r);
	return insn_decode(bytes, walk_fetch(v, r, bytes), r->code_bits, i);
}

/* Which instruction makes an exit; two where two do. */
static const struct {
	u8 op, or_op;
} exit_insn[SVM_EXIT_TABLE] = {
	[SVM_EXIT_CPUID] = { INSN_CPUID, INSN_CPUID },
	[SVM_EXIT_HLT] = { INSN_HLT, INSN_HLT },
	[SVM_EXIT_PAUSE] = { INSN_PAUSE, INSN_PAUSE },
	[SVM_EXIT_VMMCALL] = { INSN_VMMCALL, INSN_VMMCALL },
	[SVM_EXIT_MSR] = { INSN_RDMSR, INSN_WRMSR },
	[SVM_EXIT_XSETBV] = { INSN_XSETBV, INSN_XSETBV },
	/* QEMU's TCG says WBINVD for both */
	[SVM_EXIT_WBINVD] = { INSN_WBINVD, INSN_INVD },
	[SVM_EXIT_INVD] = { INSN_INVD, INSN_INVD },
};

/* The processor does not tell what it stopped at, and memory does not say it: stop with words, or let the
 * guest run on what stands there now. Returns 0. */
static u32 no_insn(struct x86_vcpu *v, enum insn_status how)
{
	struct svm_vcpu *x = svm_vcpu(v);

	if (how == INSN_UNKNOWN || how == INSN_TOO_LONG || ++x->retries > RETRIES)
		hvm_crash(v, 0, "the instruction at %lx of exit %lx is not known", v->exit_rip,
			  x->b->exit_code);
	return 0;
}

static u32 decoded_length(struct x86_vcpu *v, u32 code)
{
	struct hvm_regs r;
	struct insn i;
	enum insn_status how = insn_at_rip(v, &r, &i);

	if (how != INSN_OK || (i.op != exit_insn[code].op && i.op != exit_insn[code].or_op))
		return no_insn(v, how);
	svm_vcpu(v)->retries = 0;
	return i.length;
}

/* Where the processor saved the next RIP; else 0. */
static inline u32 next_rip_length(const struct x86_vcpu *v, const struct vmcb *b)
{
	u64 length = b->next_rip - v->exit_rip;

	return likely((svm_caps.features & SVM_NRIPS) && length - 1 < INSN_MAX_BYTES) ? (u32)length : 0;
}

/* Length of the instruction that exited; 0: run it again, or the domain has ended. */
static inline u32 insn_length(struct x86_vcpu *v, const struct vmcb *b, u32 code)
{
	u32 length = next_rip_length(v, b);

	return likely(length) ? length : decoded_length(v, code);
}

/* ---- before an entry ---- */

/* What of exceptions exits.
 * While TF is ours all faults do: the frame of one shall hold the guest's, so it goes in when TF is out. */
static void exceptions_set(struct x86_vcpu *v, struct svm_vcpu *x)
{
	x->b->exceptions = SVM_EXCEPTIONS | (x->step ? STEP_FAULTS : 0);
	/* INT1, which QEMU's TCG does not know */
	if (v->debug.wish && !(svm_caps.features & SVM_NRIPS))
		x->b->exceptions |= (u32)BIT(X86_UD);
	svm_dirty(x->b, CLEAN_I);
}

/* One instruction, then an exit;
 * false: not with this one, which would show the guest our TF, but where it `must`. */
static bool step(struct x86_vcpu *v, struct svm_vcpu *x, bool must)
{
	struct hvm_regs r;
	struct insn i = { 0 };

	if (x->step)
		return true;
	if (insn_at_rip(v, &r, &i) != INSN_OK && !must)
		return false;
	switch (must ? INSN_OTHER : i.op) {
	case INSN_PUSHF:
	case INSN_SYSCALL:
	case INSN_INT:
	case INSN_INT3:
	case INSN_INTO:
	case INSN_ICEBP:
		return false;
	}
	x->step = true;
	x->step_pops = i.op == INSN_IRET || i.op == INSN_POPF || i.op == INSN_SYSRET;
	x->step_tf = x->b->rflags & RFLAGS_TF;
	x->step_dr6 = x->b->dr6;
	x->step_shadow = x->b->int_state & INT_STATE_SHADOW;
	x->b->rflags |= RFLAGS_TF;
	exceptions_set(v, x);
	return true;
}

/*
 * LTR, on QEMU's TCG (7.2) only: it takes a null selector, and QEMU dies of the first exception that needs a
 * stack of that TSS. It runs alone; where TR is null then, it gets its #GP.
 */
static void exit_ltr(struct x86_vcpu *v, struct svm_vcpu *x)
{
	x->ltr = true;
	x->tr = x->b->tr;
	svm_intercept(x->b, SVM_INTERCEPT_TR_WRITE, false);
	x->step_rip = x->b->rip;
	step(v, x, true);
	x->b->int_state |= INT_STATE_SHADOW; /* nothing comes between */
}

/* On QEMU's TCG only, too: a MOV to a debug register when they are in the processor. */
static void exit_write_dr(struct x86_vcpu *v)
{
	struct hvm_regs r;
	struct insn i;
	enum insn_status how = insn_at_rip(v, &r, &i);
	u64 value;

	if (how != INSN_OK || i.op != INSN_MOV_TO_DR) {
		no_insn(v, how);
		return;
	}
	value = r.code_bits == 64 ? v->regs[i.rm & 15] : (u32)v->regs[i.rm & 15];
	if ((i.reg & 6) == 4 && (r.cr4 & CR4_DE)) {
		svm_inject(v, X86_UD, NO_ERROR_CODE);
	} else if ((i.reg & 4) && value >> 32) {
		svm_inject(v, X86_GP, 0);
	} else {
		vmcb_write_dr(v, i.reg & 7, value);
		svm_advance(v, i.length);
	}
}

static bool ltr_done(struct x86_vcpu *v, struct svm_vcpu *x)
{
	x->ltr = false;
	svm_intercept(x->b, SVM_INTERCEPT_TR_WRITE, true);
	if (x->b->tr.attr & VMCB_ATTR_P)
		return false;
	x->b->tr = x->tr;
	x->b->rip = x->step_rip;
	x->b->rflags = (x->b->rflags & ~RFLAGS_TF) | x->step_tf;
	x->b->dr6 = x->step_dr6;
	svm_dirty(x->b, CLEAN_DR);
	svm_inject(v, X86_GP, 0);
	return true;
}

/* After any exit: TF is the guest's again. True: the exit was our #DB, and nobody else's. */
static bool step_done(struct x86_vcpu *v, struct svm_vcpu *x, u32 code)
{
	struct vmcb *b = x->b;
	bool popped = x->step_pops && b->rip != x->step_rip;

	x->step = false;
	exceptions_set(v, x);
	look_again(v, PEND_IRQ | PEND_NMI);
	if (x->ltr && ltr_done(v, x))
		return true;
	/* it is still to come, and so is its shadow, which QEMU has forgotten */
	if (x->step_shadow && b->rip == x->step_rip)
		b->int_state |= INT_STATE_SHADOW;
	if (x->step_tf)
		return false;
	if (!popped)
		b->rflags &= ~RFLAGS_TF;
	if (code != SVM_EXIT_EXCEPTION + X86_DB)
		return false;
	b->dr6 = x->step_dr6 | (b->dr6 & MASK(3, 0));
	svm_dirty(b, CLEAN_DR);
	return b->dr6 == x->step_dr6;
}

void svm_debug(struct x86_vcpu *v, bool on, bool one)
{
	struct svm_vcpu *x = svm_vcpu(v);

	svm_intercept(x->b, SVM_INTERCEPT_ICEBP, on);
	exceptions_set(v, x);
	if (one && x->event) {
		/* the step is its delivery:
		 * an interrupt of our own, waiting, ends the guest right behind it */
		arch_cpu_kick(v->hv.cpu);
		return;
	}
	if (!one) {
		if (x->step) /* the exit is not handed on */
			step_done(v, x, (u32)x->b->exit_code);
		return;
	}
	/* No interrupt comes between: the step is the instruction's. */
	x->b->int_state |= INT_STATE_SHADOW;
	x->step_rip = x->b->rip;
	step(v, x, true);
}

static void nmi_put(struct x86_vcpu *v, struct svm_vcpu *x)
{
	__atomic_sub_fetch(&v->nmi_pending, 1, __ATOMIC_ACQ_REL);
	x->b->event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_NMI) | X86_NMI);
	x->nmi_blocked = true;
	x->nmi_iret = false;
	svm_intercept(x->b, SVM_INTERCEPT_IRET, true);
}

/* An NMI goes in, or what keeps it out brings an exit. True: it went in. */
static bool inject_nmi(struct x86_vcpu *v, struct svm_vcpu *x, bool taken)
{
	bool shadow = x->b->int_state & INT_STATE_SHADOW, put = false;

	if (x->nmi_iret && x->b->rip != x->iret_rip)
		x->nmi_blocked = x->nmi_iret = false; /* the IRET is done */
	if (x->nmi_blocked)
		hvm_nmi_latch(v);
	if (!taken && !x->nmi_blocked && (!shadow || !(x->step_rip = x->b->rip, step(v, x, false)))) {
		nmi_put(v, x);
		put = true;
	}
	if (!READ_ONCE(v->nmi_pending) || (x->nmi_blocked && !x->nmi_iret) || x->step)
		return put;
	if (taken) { /* an interrupt of our own, waiting, ends the guest right behind the event */
		arch_cpu_kick(v->hv.cpu);
		look_again(v, PEND_NMI);
		return put;
	}
	x->step_rip = x->b->rip;
	if (!step(v, x, false))
		look_again(v, PEND_NMI); /* cannot be: an IRET can be stepped */
	return put;
}

/* NMI before interrupts, one event an entry; what cannot come in now gets a window. */
static void inject_irqs(struct x86_vcpu *v, struct svm_vcpu *x, bool taken)
{
	struct vmcb *b = x->b;
	bool window;
	int vector;

	if (unlikely(READ_ONCE(v->nmi_pending)))
		taken |= inject_nmi(v, x, taken);
	vector = hvm_irq_vector(v);
	if (vector >= 0 && !taken && irq_open(v)) {
		hvm_irq_ack(v, (u8)vector);
		b->event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_INTR)) | (u32)vector;
		vector = hvm_irq_vector(v);
	}
	window = vector >= 0;
	/* QEMU's VMRUN forgets the shadow (7.2 to 10.0): STI;
	 * HLT would lose the interrupt that it waits for. */
	if (window && (b->int_state & INT_STATE_SHADOW) && (b->rflags & RFLAGS_IF)) {
		x->step_rip = b->rip;
		window = !step(v, x, false);
	}
	if (window == x->window)
		return;
	x->window = window;
	b->vintr = window ? V_INTR_MASKING | V_IGN_TPR | V_IRQ | V_INTR_PRIO : V_INTR_MASKING;
	svm_dirty(b, CLEAN_TPR);
}

/* The event is an interrupt and goes in by V_IRQ. What else waits is looked at behind the next exit. */
static void virq_put(struct svm_vcpu *x, struct vmcb *b)
{
	b->vintr = V_INTR_MASKING | V_IGN_TPR | V_IRQ | V_INTR_PRIO |
		   PUT(V_INTR_VECTOR, GET(EVENT_VECTOR, b->event));
	b->event = 0;
	svm_intercept(b, SVM_INTERCEPT_VINTR, false);
	svm_dirty(b, CLEAN_TPR);
	x->virq = true;
	x->window = false;
}

/* After an exit. Where V_IRQ still stands, the interrupt has not come in,
 * or not wholly, which EXITINTINFO then says too. */
static void virq_done(struct x86_vcpu *v, struct svm_vcpu *x, struct vmcb *b)
{
	if (b->vintr & V_IRQ) {
		event_set(v, (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_INTR) | GET(V_INTR_VECTOR, b->vintr)),
			  0);
		b->exit_int_info = 0;
	}
	b->vintr = V_INTR_MASKING;
	svm_intercept(b, SVM_INTERCEPT_VINTR, true);
	svm_dirty(b, CLEAN_TPR);
	x->virq = false;
	look_again(v, PEND_IRQ | PEND_NMI);
}

/* Something is pending: what of it can go in goes in. False: hv is wanted first. */
static bool svm_pending(struct x86_vcpu *v, struct svm_vcpu *x)
{
	bool taken;

	if (!exit_pending(v))
		return false;
	/* Cleared before it is looked for: what is posted from here on sets its bit again. */
	__atomic_and_fetch(&v->hv.pending, ~(u32)(PEND_EVENT | PEND_IRQ | PEND_NMI), __ATOMIC_ACQ_REL);
	svm_flush_due(v);
	taken = x->event;
	if (taken) {
		x->b->event = x->event;
		x->b->event_error = x->event_error;
		x->event = 0;
	}
	inject_irqs(v, x, taken);
	if (unlikely(svm_by_virq) && (x->b->event & EVENT_VALID) &&
	    GET(EVENT_TYPE, x->b->event) == EVENT_INTR)
		virq_put(x, x->b);
	return true;
}

/* The last look before an entry: one word. CR2 is the processor's own until then, as on Intel. */
static inline bool svm_prepare(struct x86_vcpu *v, struct svm_vcpu *x)
{
	if (unlikely(READ_ONCE(v->hv.pending)) && !svm_pending(v, x))
		return false;
	x->b->rax = v->regs[RAX];
	x->b->cr2 = read_cr2();
	return true;
}

void svm_enter(struct x86_vcpu *v, hpa_t host_vmcb)
{
	struct svm_vcpu *x = svm_vcpu(v);

	if (READ_ONCE(v->hv.pending) == PEND_IO && hot_io_done(v))
		svm_step_over(v, x->b, v->io.insn.length);
	if (!svm_prepare(v, x))
		return;
	svm_flush_due(v);
	if (unlikely(v->on_exit != svm_exit))
		watch_entry(v);
	debug_irqs_on();
	svm_way(v, x->pa, host_vmcb);
	vmcb_xcr0(v); /* before its state is saved, with all that there is */
}

/* ---- after an exit ---- */

/* QEMU's TCG (7.2) makes this exit of a MOV to CR3 with a reserved bit. */
static bool wrong_cr3(struct x86_vcpu *v)
{
	struct hvm_regs r;
	struct insn i;

	return insn_at_rip(v, &r, &i) == INSN_OK && i.op == INSN_MOV_TO_CR && i.reg == 3 &&
	       (v->regs[i.rm] >> arch_phys_bits());
}

/* The processor refused the entry:
 * that domain alone stops, and the control domain finds out why. True: it was none. */
static bool svm_refused(struct x86_vcpu *v)
{
	if (wrong_cr3(v)) {
		svm_inject(v, X86_GP, 0);
		return true;
	}
	svm_flush_undone(v);
	hvm_crash(v, CAISSON_CRASH_REFUSED, "VM entry refused (VMEXIT_INVALID)");
	return false;
}

/* An event was on its way in when the exit came: it is due again at the next entry, but for those that an
 * instruction makes (INT n, INT3, INTO): RIP is at that, and it is run again. */
static void svm_redeliver(struct x86_vcpu *v, const struct vmcb *b)
{
	u32 info = b->exit_int_info, vector = (u32)GET(EVENT_VECTOR, info);

	if (likely(!(info & EVENT_VALID)) || GET(EVENT_TYPE, info) == EVENT_SOFT ||
	    (GET(EVENT_TYPE, info) == EVENT_EXCEPTION && (vector == X86_BP || vector == X86_OF)))
		return;
	event_set(v, info & (u32)(EVENT_VALID | EVENT_ERROR | EVENT_TYPE | EVENT_VECTOR),
		  info & EVENT_ERROR ? b->exit_int_error : 0);
}

/* The guest's NMI handler returns: the next NMI may come when it has. */
static void exit_iret(struct x86_vcpu *v, struct svm_vcpu *x)
{
	svm_intercept(x->b, SVM_INTERCEPT_IRET, false);
	x->nmi_iret = true;
	x->iret_rip = x->b->rip;
	if (READ_ONCE(v->nmi_pending))
		look_again(v, PEND_NMI);
}

/* 0F 01 D8 to DF but VMMCALL: VMRUN, VMLOAD, VMSAVE, STGI, CLGI, SKINIT, INVLPGA.
 * A guest's processor has no SVM. */
static bool svm_insn(struct x86_vcpu *v)
{
	struct hvm_regs r;
	struct insn i;

	return insn_at_rip(v, &r, &i) == INSN_OK && i.map == 1 && i.opcode == 0x01 &&
	       (i.modrm & 0xf8) == 0xd8 && i.op != INSN_VMMCALL;
}

static void decode_exception(struct x86_vcpu *v, struct vmcb *b, u32 code, struct vm_exit *e)
{
	u8 vector = (u8)(code - SVM_EXIT_EXCEPTION);

	if (vector == X86_GP && !b->exit_info1 && !(b->exit_int_info & EVENT_VALID) && svm_insn(v))
		vector = X86_UD;
	e->kind = vector == X86_MC ? EXIT_MACHINE_CHECK : EXIT_EXCEPTION;
	e->exception.vector = vector;
	e->exception.has_error = HAS_ERROR >> (vector & 31) & 1;
	if (vector == X86_PF)
		write_cr2(b->exit_info2);
	e->exception.error = (u32)b->exit_info1;
	e->exception.qualification = 0;
	/* DR6 is in the VMCB; Bochs leaves it as it was. */
	if (vector == X86_DB && (b->rflags & RFLAGS_TF) && !(b->dr6 & (MASK(3, 0) | DR6_BD | DR6_BS))) {
		b->dr6 |= DR6_BS;
		svm_dirty(b, CLEAN_DR);
	}
}

static void decode_npf(const struct vmcb *b, struct vm_exit *e)
{
	e->kind = b->exit_info1 & NPF_RESERVED ? EXIT_NPF_CONFIG : EXIT_NPF;
	e->npf.gpa = b->exit_info2;
	e->npf.gva = 0;
	e->npf.gva_valid = false;
	e->npf.write = b->exit_info1 & NPF_WRITE;
	e->npf.fetch = (b->exit_info1 & NPF_FETCH) && !(b->exit_info1 & NPF_TABLES);
	e->npf.walk = b->exit_info1 & NPF_TABLES;
}

static void decode_io(const struct x86_vcpu *v, const struct vmcb *b, struct vm_exit *e)
{
	e->io.port = (u16)GET(IOIO_PORT, b->exit_info1);
	e->io.size = (u8)GET(IOIO_SIZE, b->exit_info1);
	e->io.in = b->exit_info1 & IOIO_IN;
	e->io.string = b->exit_info1 & IOIO_STRING;
	e->insn_len = (u32)(b->exit_info2 - v->exit_rip);
}

/* The 16 bits at gva of LMSW and SMSW. False: a page fault was injected, or the domain has ended. */
static bool msw_memory(struct x86_vcpu *v, const struct hvm_regs *r, u64 gva, u16 *value, bool write)
{
	u32 access = (write ? PF_WRITE : 0) | (r->cpl == 3 ? PF_USER : 0), error;
	u64 gpa[2];

	for (u32 i = 0; i < 2; i++) {
		enum walk_result w = walk_gva(v, r, gva + i, access, &gpa[i], &error);

		if (w == WALK_FAULT) {
			write_cr2(gva + i);
			svm_inject(v, X86_PF, error);
		}
		if (w != WALK_OK)
			return w == WALK_FAULT ? false : no_insn(v, INSN_UNKNOWN);
	}
	for (u32 i = 0; i < 2; i++)
		if (!(write ? memory_write(v->hv.domain, gpa[i], (u8 *)value + i, 1)
			    : memory_read(v->hv.domain, gpa[i], (u8 *)value + i, 1)))
			return no_insn(v, INSN_UNKNOWN);
	return true;
}

static bool smsw(struct x86_vcpu *v, const struct hvm_regs *r, const struct insn *i)
{
	u16 low = (u16)r->cr0;

	if (i->mem && !msw_memory(v, r, insn_ea(i, v->regs, r->rip, r->seg_base), &low, true))
		return false;
	if (!i->mem) {
		insn_reg_write(v->regs, i->rm, i->opsize, r->cr0);
		vmcb_set_rsp(v);
	}
	svm_advance(v, i->length);
	return false;
}

/* False: done, or to be run again. */
static bool decode_cr(struct x86_vcpu *v, const struct vmcb *b, u32 code, struct vm_exit *e)
{
	struct hvm_regs r;
	enum insn_status how;
	struct insn i;

	e->cr.cr = code == SVM_EXIT_CR0_SEL_WRITE ? 0 : code & 15;
	if ((svm_caps.features & SVM_DECODE) && (b->exit_info1 & CR_INFO_MOV) && next_rip_length(v, b)) {
		e->cr.op = code < SVM_EXIT_CR_WRITE ? CR_FROM : CR_TO;
		e->cr.gpr = (u8)GET(CR_INFO_GPR, b->exit_info1);
		e->insn_len = next_rip_length(v, b);
		v->regs[RSP] = b->rsp;
		return true;
	}
	how = insn_at_rip(v, &r, &i);
	if (how != INSN_OK)
		return no_insn(v, how);
	e->insn_len = i.length;
	e->cr.gpr = i.rm;
	switch (i.op) {
	case INSN_MOV_TO_CR:
		e->cr.op = CR_TO;
		return true;
	case INSN_MOV_FROM_CR:
		e->cr.op = CR_FROM;
		return true;
	case INSN_CLTS:
		e->cr.op = CR_CLTS;
		return true;
	case INSN_LMSW:
		e->cr.op = CR_LMSW;
		e->cr.lmsw = (u16)v->regs[i.rm & 15];
		return !i.mem ||
		       msw_memory(v, &r, insn_ea(&i, v->regs, r.rip, r.seg_base), &e->cr.lmsw, false);
	case INSN_SMSW:
		return smsw(v, &r, &i);
	}
	return no_insn(v, INSN_OK);
}

/* Every exit code of the manual has a neutral kind (0: EXIT_OTHER); docs/svm.md says what becomes of each. */
/* clang-format off */
static const u8 kinds[SVM_EXIT_TABLE] = {
	[SVM_EXIT_CR_READ ... SVM_EXIT_CR_WRITE + 15] = EXIT_CR, [SVM_EXIT_DR_READ ... SVM_EXIT_DR_WRITE + 15] = EXIT_DR,
	[SVM_EXIT_EXCEPTION ... SVM_EXIT_EXCEPTION + 31] = EXIT_EXCEPTION, [SVM_EXIT_INTR] = EXIT_IRQ,
	[SVM_EXIT_NMI] = EXIT_NMI, [SVM_EXIT_SMI] = EXIT_IRQ, [SVM_EXIT_INIT] = EXIT_INIT,
	[SVM_EXIT_VINTR] = EXIT_IRQ_WINDOW, [SVM_EXIT_IRET] = EXIT_NMI_WINDOW, [SVM_EXIT_CR0_SEL_WRITE] = EXIT_CR,
	[SVM_EXIT_RDPMC] = EXIT_GP, [SVM_EXIT_CPUID] = EXIT_CPUID, [SVM_EXIT_INVD] = EXIT_CACHE,
	[SVM_EXIT_PAUSE] = EXIT_PAUSE, [SVM_EXIT_HLT] = EXIT_HLT, [SVM_EXIT_INVLPGA] = EXIT_UD, [SVM_EXIT_IOIO] = EXIT_IO,
	[SVM_EXIT_MSR] = EXIT_RDMSR, [SVM_EXIT_TASK_SWITCH] = EXIT_TASK_SWITCH, [SVM_EXIT_SHUTDOWN] = EXIT_TRIPLE_FAULT,
	[SVM_EXIT_VMRUN] = EXIT_UD, [SVM_EXIT_VMMCALL] = EXIT_HYPERCALL, [SVM_EXIT_VMLOAD ... SVM_EXIT_SKINIT] = EXIT_UD,
	[SVM_EXIT_WBINVD] = EXIT_CACHE, [SVM_EXIT_MONITOR ... SVM_EXIT_MWAIT_ARMED] = EXIT_UD,
	[SVM_EXIT_XSETBV] = EXIT_XSETBV, [SVM_EXIT_RDPRU] = EXIT_UD,
	[SVM_EXIT_INVLPGB ... SVM_EXIT_INVLPGB_ILLEGAL] = EXIT_UD, [SVM_EXIT_MCOMMIT ... SVM_EXIT_TLBSYNC] = EXIT_UD,
};
/* clang-format on */

static enum exit_kind kind_of(const struct vmcb *b, u32 code)
{
	if (code == SVM_EXIT_MSR)
		return b->exit_info1 & MSR_IS_WRITE ? EXIT_WRMSR : EXIT_RDMSR;
	if (code == SVM_EXIT_NPF)
		return EXIT_NPF;
	if (code == SVM_EXIT_INVALID)
		return EXIT_INVALID_STATE;
	return code < SVM_EXIT_TABLE ? kinds[code] : EXIT_OTHER;
}

/* Fills e; false: there is nothing for x86 to decide. */
static bool svm_decode(struct x86_vcpu *v, struct svm_vcpu *x, u32 code, struct vm_exit *e)
{
	struct vmcb *b = x->b;

	e->reason = code;
	e->kind = kind_of(b, code);
	e->insn_len = 0;
	e->qualification = b->exit_info1;
	svm_redeliver(v, b);
	if (unlikely(x->step) && step_done(v, x, code))
		return false;
	if (unlikely(code - SVM_EXIT_DR_WRITE < 16) && v->dr_used && !v->debug_hw) {
		exit_write_dr(v);
		return false;
	}
	if (unlikely(code == SVM_EXIT_TR_WRITE)) {
		exit_ltr(v, x);
		return false;
	}
	/* QEMU's VMRUN forgets it, and the window would open at once */
	if (unlikely(b->int_state & INT_STATE_SHADOW) && x->window)
		look_again(v, PEND_IRQ);
	switch (e->kind) {
	/* still pending: it comes in through our own IDT; an SMI has, at STGI, into the firmware's SMM */
	case EXIT_IRQ:
		arch_irq_window();
		return false;
	case EXIT_NMI:	/* STGI has let it in already */
	case EXIT_INIT: /* likewise, as #SX, where VM_CR redirects it */
		return false;
	case EXIT_IRQ_WINDOW:
		look_again(v, PEND_IRQ);
		return false;
	case EXIT_NMI_WINDOW:
		exit_iret(v, x);
		return false;
	case EXIT_EXCEPTION:
		decode_exception(v, b, code, e);
		exit_what_EXCEPTION(v, e->exception.vector);
		return true;
	case EXIT_NPF:
		decode_npf(b, e);
		return true;
	case EXIT_IO:
		decode_io(v, b, e);
		return true;
	case EXIT_CR:
		return decode_cr(v, b, code, e);
	case EXIT_CPUID:
	case EXIT_HLT:
	case EXIT_PAUSE:
	case EXIT_HYPERCALL:
	case EXIT_RDMSR:
	case EXIT_WRMSR:
	case EXIT_XSETBV:
	case EXIT_CACHE:
		e->insn_len = insn_length(v, b, code);
		return e->insn_len;
	default:
		return true;
	}
}

static inline bool svm_finish(struct x86_vcpu *v, struct svm_vcpu *x, u32 kind, bool enter)
{
	enter = enter && svm_prepare(v, x);
	exit_account(v, &v->stats[kind]);
	if (enter)
		debug_irqs_on();
	return enter;
}

static bool svm_exit_slow(struct x86_vcpu *v, struct svm_vcpu *x, u32 code)
{
	struct vm_exit e;
	bool enter;

	if (unlikely(code == SVM_EXIT_INVALID))
		return svm_finish(v, x, EXIT_INVALID_STATE, svm_refused(v));
	if (svm_decode(v, x, code, &e))
		enter = exit_handle(v, &e);
	else
		enter = !READ_ONCE(v->hv.domain->ended);
	return svm_finish(v, x, e.kind, enter);
}

/* A verdict acted on here, without the detour over struct vm_exit. */
static inline bool svm_verdict(struct x86_vcpu *v, struct svm_vcpu *x, u32 kind, u32 insn_len,
			       enum verdict vd)
{
	if (vd == V_ADVANCE || vd == V_SLEEP)
		svm_step_over(v, x->b, insn_len);
	return svm_finish(v, x, kind, vd == V_ADVANCE || vd == V_RESUME);
}

static enum verdict cpuid_of_vcpu(struct x86_vcpu *v)
{
	vmcb_xcr0(v);
	return exit_cpuid(v);
}

void svm_look(struct x86_vcpu *v, struct hvm_look *l)
{
	struct svm_vcpu *x = svm_vcpu(v);
	struct vmcb *b = x->b;
	u32 code = (u32)b->exit_code;
	struct hvm_regs r;
	struct insn i;

	v->regs[RAX] = b->rax;
	b->tlb_control = TLB_KEEP;
	b->clean = svm_clean;
	if (x->virq)
		virq_done(v, x, b);
	l->kind = kind_of(b, code);
	l->rip = b->rip;
	l->detail = l->kind == EXIT_CR || l->kind == EXIT_DR ? code & 15 : b->exit_info1;
	l->int1 = code == SVM_EXIT_ICEBP || (code == SVM_EXIT_EXCEPTION + X86_UD &&
					     insn_at_rip(v, &r, &i) == INSN_OK && i.op == INSN_ICEBP);
	if (l->int1) {
		l->kind = EXIT_EXCEPTION;
		l->detail = X86_DB;
	} else if (l->kind == EXIT_EXCEPTION) {
		l->detail = code - SVM_EXIT_EXCEPTION;
		if (l->detail == X86_DB && v->debug_hw) {
			l->dr6 = b->dr6 & MASK(3, 0);
			b->dr6 &= ~MASK(3, 0);
			svm_dirty(b, CLEAN_DR);
		}
	} else if (l->kind == EXIT_NPF || l->kind == EXIT_NPF_CONFIG) {
		l->detail = b->exit_info2;
	} else if (l->kind == EXIT_IO) {
		l->detail = GET(IOIO_PORT, b->exit_info1) | GET(IOIO_SIZE, b->exit_info1) << 16 |
			    (b->exit_info1 & IOIO_IN ? BIT(24) : 0);
	}
}

u32 svm_entry_event(struct x86_vcpu *v)
{
	const struct vmcb *b = svm_vmcb(v);

	if (svm_vcpu(v)->virq)
		return (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_INTR) | GET(V_INTR_VECTOR, b->vintr));
	return b->event & EVENT_VALID ? b->event : 0;
}

/* A MOV to or from a device that was here before, and a first touch, have a short way. */
static bool svm_npf(struct x86_vcpu *v, struct svm_vcpu *x)
{
	struct vmcb *b = x->b;
	bool write = b->exit_info1 & NPF_WRITE;
	s64 known;

	if ((b->exit_info1 & (NPF_FETCH | NPF_TABLES | NPF_RESERVED)) || (b->exit_int_info & EVENT_VALID) ||
	    !(b->cs.attr & VMCB_ATTR_L) || !(b->efer & EFER_LMA))
		return svm_exit_slow(v, x, SVM_EXIT_NPF);
	known = io_mmio_again(v, b->exit_info2, b->cr3, write);
	if (known > 0)
		svm_step_over(v, b, (u32)known);
	if (known)
		exit_what_NPF(v, b->exit_info2 & PAGE_MASK);
	else if (memory_fault(v->hv.domain, b->exit_info2, write) != MEM_MAPPED)
		return svm_exit_slow(v, x, SVM_EXIT_NPF);
	return svm_finish(v, x, EXIT_NPF, known >= 0);
}

bool __endbr svm_exit(struct x86_vcpu *v)
{
	struct svm_vcpu *x = svm_vcpu(v);
	struct vmcb *b = x->b;
	u32 code = (u32)b->exit_code, length;

#ifndef CAISSON_NO_COUNTERS
	v->exit_tsc = rdtsc();
#endif
	debug_irqs_off(code);
	b->tlb_control = TLB_KEEP;
	b->clean = svm_clean;
	v->regs[RAX] = b->rax;
	v->exit_rip = b->rip;
	if (unlikely(x->virq))
		virq_done(v, x, b);
	if (unlikely(x->step))
		return svm_exit_slow(v, x, code);
	if (code == SVM_EXIT_IOIO)
		exit_what_IO(v, (u16)GET(IOIO_PORT, b->exit_info1));
	if (code == SVM_EXIT_IOIO && likely(!(b->exit_info1 & IOIO_STRING))) {
		length = (u32)(b->exit_info2 - v->exit_rip);
		return svm_verdict(v, x, EXIT_IO, length,
				   io_port(v, (u16)GET(IOIO_PORT, b->exit_info1),
					   (u8)GET(IOIO_SIZE, b->exit_info1), b->exit_info1 & IOIO_IN,
					   length));
	}
	if (code == SVM_EXIT_NPF)
		return svm_npf(v, x);
	if (code != SVM_EXIT_MSR && code != SVM_EXIT_CPUID && code != SVM_EXIT_VMMCALL)
		return svm_exit_slow(v, x, code);
	length = insn_length(v, b, code);
	if (unlikely(!length))
		return svm_finish(v, x, kind_of(b, code), !READ_ONCE(v->hv.domain->ended));
	if (code == SVM_EXIT_CPUID) {
		exit_what_CPUID(v, (u32)v->regs[RAX]);
		return svm_verdict(v, x, EXIT_CPUID, length, hot_cpuid(v) ? V_ADVANCE : cpuid_of_vcpu(v));
	}
	if (code == SVM_EXIT_VMMCALL) {
		exit_what_HYPERCALL(v, (u32)v->regs[RAX]);
		return svm_verdict(v, x, EXIT_HYPERCALL, length,
				   hot_hypercall(v, v->regs[RAX], b->cpl) ? V_ADVANCE : exit_hypercall(v));
	}
	if (b->exit_info1 & MSR_IS_WRITE) {
		exit_what_WRMSR(v, (u32)v->regs[RCX]);
		return svm_verdict(v, x, EXIT_WRMSR, length, hot_wrmsr(v) ? V_ADVANCE : exit_wrmsr(v));
	}
	exit_what_RDMSR(v, (u32)v->regs[RCX]);
	return svm_verdict(v, x, EXIT_RDMSR, length, hot_rdmsr(v) ? V_ADVANCE : exit_rdmsr(v));
}
