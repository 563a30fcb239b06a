/* SPDX-License-Identifier: BSD-2-Clause */
/* Around the entry: what is injected before it, what the exit said after it.
 * SDM volume 3, "VM Entries", "VM Exits". */
#include "arch/x86/vmx/vmx.h"
#include "arch/x86/asm.h"
#include "arch/x86/hot.h"
#include "arch/x86/irq.h"
#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"
#include "arch/x86/traps.h"
#include "hv/arch.h"
#include "hv/debug.h"
#include "hv/ioreq.h"
#include "hv/log.h"

static void event_set(struct x86_vcpu *v, u32 event)
{
	vmx_vcpu(v)->event = event;
	__atomic_or_fetch(&v->hv.pending, PEND_EVENT, __ATOMIC_RELAXED);
}

static void proc_set(struct vmx_vcpu *x, u32 bit, bool on)
{
	x->proc = on ? x->proc | bit : x->proc & ~bit;
	vmwrite(VMCS_PROC_CONTROLS, x->proc);
}

void vmx_dr_exiting(struct x86_vcpu *v, bool on)
{
	struct x86_vcpu *was = vmcs_enter(v);

	proc_set(vmx_vcpu(v), VMX_PROC_MOV_DR_EXITING, on);
	vmcs_leave(v, was);
}

/* INT1 is an exit anyway, for #DB. */
void vmx_debug(struct x86_vcpu *v, bool on, bool step)
{
	u64 blocked = vmread(VMCS_GUEST_INTERRUPTIBILITY), flags = vmread(VMCS_GUEST_RFLAGS);

	(void)on;
	if (step != !!(vmx_vcpu(v)->proc & VMX_PROC_MONITOR_TRAP_FLAG))
		proc_set(vmx_vcpu(v), VMX_PROC_MONITOR_TRAP_FLAG, step);
	/* No interrupt comes between: the step is the instruction's. */
	if (step && (flags & RFLAGS_IF) && !(flags & RFLAGS_TF) && !(blocked & INTERRUPTIBILITY_MOV_SS))
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY, blocked | INTERRUPTIBILITY_STI);
}

u32 vmx_entry_event(struct x86_vcpu *v)
{
	u32 info = (u32)vmread(VMCS_ENTRY_INTERRUPTION_INFO);

	(void)v;
	return info & INTR_INFO_VALID ? info : 0;
}

static bool irq_open(struct x86_vcpu *v)
{
	(void)v;
	return (vmread(VMCS_GUEST_RFLAGS) & RFLAGS_IF) &&
	       !(vmread(VMCS_GUEST_INTERRUPTIBILITY) & (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS));
}

static inline void vmx_step(struct x86_vcpu *v, u64 insn_len)
{
	u64 rip = v->exit_rip + insn_len, blocked = vmread(VMCS_GUEST_INTERRUPTIBILITY);

	/* Outside 64-bit code RIP wraps at 4 GiB. */
	if (unlikely((rip ^ v->exit_rip) >> 32) && !(vmread(VMCS_GUEST_CS_AR) & AR_L))
		rip = (u32)rip;
	vmwrite(VMCS_GUEST_RIP, rip);
	if (unlikely(blocked & (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS)))
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			blocked & ~(u64)(INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS));
	/* A single-stepped instruction that we carried out still ends in #DB. */
	if (unlikely(vmread(VMCS_GUEST_RFLAGS) & RFLAGS_TF))
		vmwrite(VMCS_GUEST_PENDING_DEBUG, QUAL_DEBUG_BS);
}

void vmx_advance(struct x86_vcpu *v, u32 insn_len)
{
	vmx_step(v, insn_len);
}

void vmx_inject(struct x86_vcpu *v, u8 vector, u32 error)
{
	struct vmx_vcpu *x = vmx_vcpu(v);
	u32 old = x->event, type = (u32)GET(INTR_INFO_TYPE, old), was = (u32)GET(INTR_INFO_VECTOR, old);

	if ((old & INTR_INFO_VALID) && type == INTR_TYPE_HARDWARE_EXCEPTION &&
	    !hvm_nested(v, was, &vector, &error))
		return;
	/* A fault's image of RFLAGS has RF: the entry pushes what the field holds.
	 * SDM: "Vectored-Event Injection" */
	if (vector != X86_DB && vector != X86_DF && vector != X86_MC)
		vmwrite(VMCS_GUEST_RFLAGS, vmread(VMCS_GUEST_RFLAGS) | RFLAGS_RF);
	/* Its delivery ends the shadow of STI and MOV SS;
	 * under TF the entry would be refused with one and without a pending #DB. */
	vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
		vmread(VMCS_GUEST_INTERRUPTIBILITY) & ~(u64)(INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS));
	event_set(v, (u32)(INTR_INFO_VALID | PUT(INTR_INFO_TYPE, INTR_TYPE_HARDWARE_EXCEPTION) | vector));
	if (error != NO_ERROR_CODE && (vmread(VMCS_GUEST_CR0) & CR0_PE)) {
		x->event |= INTR_INFO_ERROR_CODE;
		x->event_error = error;
	}
}

static void inject_event(struct vmx_vcpu *x)
{
	vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, x->event);
	if (x->event & INTR_INFO_ERROR_CODE)
		vmwrite(VMCS_ENTRY_ERROR_CODE, x->event_error);
	if (GET(INTR_INFO_TYPE, x->event) >= INTR_TYPE_SOFTWARE_INTERRUPT)
		vmwrite(VMCS_ENTRY_INSTRUCTION_LENGTH, x->event_len);
	x->event = 0;
}

/* NMI before interrupts, one event an entry; what cannot come in now gets a window. */
static void inject_irqs(struct x86_vcpu *v, struct vmx_vcpu *x, bool taken)
{
	bool window = false, nmi_window = false;
	int vector;

	if (unlikely(READ_ONCE(v->nmi_pending))) {
		u64 blocked = vmread(VMCS_GUEST_INTERRUPTIBILITY);

		if (blocked & INTERRUPTIBILITY_NMI)
			hvm_nmi_latch(v);
		if (!taken &&
		    !(blocked & (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS | INTERRUPTIBILITY_NMI))) {
			__atomic_sub_fetch(&v->nmi_pending, 1, __ATOMIC_ACQ_REL);
			vmwrite(VMCS_ENTRY_INTERRUPTION_INFO,
				INTR_INFO_VALID | PUT(INTR_INFO_TYPE, INTR_TYPE_NMI) | X86_NMI);
			taken = true;
		}
		nmi_window = READ_ONCE(v->nmi_pending);
	}
	if (v->apicv) {
		apicv_sync(v);
		vector = hvm_extint(v);
	} else {
		vector = hvm_irq_vector(v);
	}
	if (vector >= 0 && !taken && irq_open(v)) {
		hvm_irq_ack(v, (u8)vector);
		vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, INTR_INFO_VALID | (u32)vector);
		vector = v->apicv ? hvm_extint(v) : hvm_irq_vector(v);
	}
	window = vector >= 0;
	if (window != x->window)
		proc_set(x, VMX_PROC_INTERRUPT_WINDOW, x->window = window);
	if (nmi_window != x->nmi_window)
		proc_set(x, VMX_PROC_NMI_WINDOW, x->nmi_window = nmi_window);
}

/* Something is pending: what of it can go in goes in. False: hv is wanted first. */
static __noinline bool vmx_pending(struct x86_vcpu *v, struct vmx_vcpu *x)
{
	u32 only = PEND_IRQ;
	bool taken;

	/* The processor delivers by itself: it has only to be told. */
	if (v->apicv && CAS(&v->hv.pending, &only, 0)) {
		apicv_sync(v);
		return true;
	}
	if (!exit_pending(v))
		return false;
	/* Cleared before it is looked for: what is posted from here on sets its bit again. */
	__atomic_and_fetch(&v->hv.pending, ~(u32)(PEND_EVENT | PEND_IRQ | PEND_NMI), __ATOMIC_ACQ_REL);
	taken = x->event;
	if (taken)
		inject_event(x);
	inject_irqs(v, x, taken);
	return true;
}

/* The last look before an entry: one word. */
static inline bool vmx_prepare(struct x86_vcpu *v, struct vmx_vcpu *x)
{
	return likely(!READ_ONCE(v->hv.pending)) || vmx_pending(v, x);
}

/* The processor refused the entry: that domain alone stops, and the control domain finds out why. */
static void vmx_refused(struct x86_vcpu *v, const char *what, u64 number, u64 qualification)
{
	hvm_crash(v, CAISSON_CRASH_REFUSED, "VM entry refused (%s %lu, %lu)", what, number, qualification);
}

void vmx_run(struct x86_vcpu *v)
{
	struct vmx_vcpu *x = vmx_vcpu(v);
	u32 pending = READ_ONCE(v->hv.pending);
	bool launched;

	if (pending == PEND_IO && hot_io_done(v))
		vmx_step(v, v->io.insn.length);
	else if (pending && !vmx_pending(v, x))
		return;
	if (unlikely(v->on_exit != vmx_exit))
		watch_entry(v);
	launched = x->launched;
	x->launched = true;
	debug_irqs_on();
	vmx_enter(v, launched);
}

void vmx_entry_failed(struct x86_vcpu *v)
{
	vmx_refused(v, "error", vmread(VMCS_INSTRUCTION_ERROR), 0);
}

/* An event was on its way in when the exit came: it is due again at the next entry. SDM: "Information for VM
 * Exits That Occur During Event Delivery". */
static void vmx_redeliver(struct x86_vcpu *v, struct vmx_vcpu *x)
{
	u32 info = (u32)vmread(VMCS_IDT_VECTORING_INFO);

	if (likely(!(info & INTR_INFO_VALID)))
		return;
	event_set(v,
		  info & (u32)(INTR_INFO_VALID | INTR_INFO_ERROR_CODE | INTR_INFO_TYPE | INTR_INFO_VECTOR));
	if (info & INTR_INFO_ERROR_CODE)
		x->event_error = (u32)vmread(VMCS_IDT_VECTORING_ERROR);
	if (GET(INTR_INFO_TYPE, info) >= INTR_TYPE_SOFTWARE_INTERRUPT)
		x->event_len = (u32)vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
	/* The NMI will be delivered again: it does not block itself. */
	if (GET(INTR_INFO_TYPE, info) == INTR_TYPE_NMI)
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			vmread(VMCS_GUEST_INTERRUPTIBILITY) & ~(u64)INTERRUPTIBILITY_NMI);
}

/* IRET had ended NMI blocking before it faulted; it has not, since it will be run again. */
static void vmx_nmi_unblocked(struct vmx_vcpu *x)
{
	if (!x->event)
		vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
			vmread(VMCS_GUEST_INTERRUPTIBILITY) | INTERRUPTIBILITY_NMI);
}

static void decode_exception(struct x86_vcpu *v, struct vmx_vcpu *x, struct vm_exit *e)
{
	u32 info = (u32)vmread(VMCS_EXIT_INTERRUPTION_INFO);

	if (GET(INTR_INFO_TYPE, info) == INTR_TYPE_NMI) {
		e->kind = EXIT_NMI;
		return;
	}
	vmx_redeliver(v, x);
	if (info & INTR_INFO_NMI_UNBLOCKING)
		vmx_nmi_unblocked(x);
	/* INT1 is a trap: its #DB is injected with the address after it. */
	if (GET(INTR_INFO_TYPE, info) == INTR_TYPE_PRIVILEGED_SOFTWARE_EXCEPTION)
		vmwrite(VMCS_GUEST_RIP, v->exit_rip + vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
	e->kind = GET(INTR_INFO_VECTOR, info) == X86_MC ? EXIT_MACHINE_CHECK : EXIT_EXCEPTION;
	e->exception.vector = (u8)GET(INTR_INFO_VECTOR, info);
	e->exception.has_error = info & INTR_INFO_ERROR_CODE;
	e->exception.error = (u32)vmread(VMCS_EXIT_ERROR_CODE);
	e->exception.qualification = vmread(VMCS_EXIT_QUALIFICATION);
}

static void decode_npf(struct x86_vcpu *v, struct vmx_vcpu *x, struct vm_exit *e)
{
	u64 q = vmread(VMCS_EXIT_QUALIFICATION);

	vmx_redeliver(v, x);
	if (q & QUAL_EPT_NMI_UNBLOCKING)
		vmx_nmi_unblocked(x);
	e->npf.gpa = vmread(VMCS_GUEST_PHYSICAL_ADDRESS);
	e->npf.write = q & QUAL_EPT_WRITE;
	e->npf.fetch = q & QUAL_EPT_FETCH;
	e->npf.gva_valid = (q & QUAL_EPT_LINEAR_VALID) && (q & QUAL_EPT_TRANSLATED);
	e->npf.walk = (q & QUAL_EPT_LINEAR_VALID) && !(q & QUAL_EPT_TRANSLATED);
	e->npf.gva = e->npf.gva_valid ? vmread(VMCS_GUEST_LINEAR_ADDRESS) : 0;
}

static void decode_io(struct vm_exit *e)
{
	u64 q = vmread(VMCS_EXIT_QUALIFICATION);

	e->io.port = (u16)GET(QUAL_IO_PORT, q);
	e->io.size = (u8)(GET(QUAL_IO_SIZE, q) + 1);
	e->io.in = q & QUAL_IO_IN;
	e->io.string = q & QUAL_IO_STRING;
}

static void decode_cr(struct vm_exit *e)
{
	static const u8 ops[] = { [QUAL_CR_MOV_TO] = CR_TO,
				  [QUAL_CR_MOV_FROM] = CR_FROM,
				  [QUAL_CR_CLTS] = CR_CLTS,
				  [QUAL_CR_LMSW] = CR_LMSW };
	u64 q = vmread(VMCS_EXIT_QUALIFICATION);

	e->cr.cr = (u8)GET(QUAL_CR_NUMBER, q);
	e->cr.gpr = (u8)GET(QUAL_CR_GPR, q);
	e->cr.op = ops[GET(QUAL_CR_TYPE, q)];
	e->cr.lmsw = (u16)GET(QUAL_CR_LMSW_DATA, q);
	/* In a MOV to or from CR the register may be RSP, which the block holds. */
}

/* Every basic exit reason of the manual has a neutral kind (0: EXIT_OTHER);
 * docs/exits.md says what becomes of each. */
/* clang-format off */
static const u8 kinds[VMX_REASON_END] = {
	[VMX_REASON_EXCEPTION_NMI] = EXIT_EXCEPTION, [VMX_REASON_EXTERNAL_INTERRUPT] = EXIT_IRQ,
	[VMX_REASON_TRIPLE_FAULT] = EXIT_TRIPLE_FAULT, [VMX_REASON_INIT] = EXIT_INIT,
	[VMX_REASON_INTERRUPT_WINDOW] = EXIT_IRQ_WINDOW, [VMX_REASON_NMI_WINDOW] = EXIT_NMI_WINDOW,
	[VMX_REASON_TASK_SWITCH] = EXIT_TASK_SWITCH, [VMX_REASON_CPUID] = EXIT_CPUID, [VMX_REASON_GETSEC] = EXIT_UD,
	[VMX_REASON_HLT] = EXIT_HLT, [VMX_REASON_INVD] = EXIT_CACHE, [VMX_REASON_RDPMC] = EXIT_GP,
	[VMX_REASON_VMCALL] = EXIT_HYPERCALL, [VMX_REASON_VMCLEAR ... VMX_REASON_VMXON] = EXIT_UD,
	[VMX_REASON_INVEPT] = EXIT_UD, [VMX_REASON_INVVPID] = EXIT_UD, [VMX_REASON_VMFUNC] = EXIT_UD,
	[VMX_REASON_ENCLS] = EXIT_UD, [VMX_REASON_MWAIT] = EXIT_UD, [VMX_REASON_MONITOR] = EXIT_UD,
	[VMX_REASON_UMWAIT ... VMX_REASON_ENCLV] = EXIT_UD, [VMX_REASON_SEAMCALL ... VMX_REASON_TDCALL] = EXIT_UD,
	[VMX_REASON_XSAVES ... VMX_REASON_PCONFIG] = EXIT_UD, [VMX_REASON_CR_ACCESS] = EXIT_CR,
	[VMX_REASON_MOV_DR] = EXIT_DR, [VMX_REASON_IO] = EXIT_IO, [VMX_REASON_RDMSR] = EXIT_RDMSR,
	[VMX_REASON_WRMSR] = EXIT_WRMSR, [VMX_REASON_INVALID_GUEST_STATE ... VMX_REASON_MSR_LOADING] = EXIT_INVALID_STATE,
	[VMX_REASON_ENTRY_MACHINE_CHECK] = EXIT_MACHINE_CHECK, [VMX_REASON_MONITOR_TRAP_FLAG] = EXIT_MTF,
	[VMX_REASON_PAUSE] = EXIT_PAUSE, [VMX_REASON_TPR_BELOW_THRESHOLD] = EXIT_TPR,
	[VMX_REASON_APIC_ACCESS] = EXIT_APIC_ACCESS, [VMX_REASON_VIRTUALIZED_EOI] = EXIT_EOI,
	[VMX_REASON_APIC_WRITE] = EXIT_APIC_WRITE, [VMX_REASON_EPT_VIOLATION] = EXIT_NPF,
	[VMX_REASON_EPT_MISCONFIGURATION] = EXIT_NPF_CONFIG, [VMX_REASON_PREEMPTION_TIMER] = EXIT_TIMER,
	[VMX_REASON_WBINVD] = EXIT_CACHE, [VMX_REASON_XSETBV] = EXIT_XSETBV,
};
/* clang-format on */

void vmx_look(struct x86_vcpu *v, struct hvm_look *l)
{
	u32 reason = (u32)vmread(VMCS_EXIT_REASON), info = (u32)vmread(VMCS_EXIT_INTERRUPTION_INFO);
	u64 q = vmread(VMCS_EXIT_QUALIFICATION);

	(void)v;
	l->kind = reason & VMX_REASON_ENTRY_FAILURE    ? EXIT_INVALID_STATE
		  : (reason & 0xffff) < VMX_REASON_END ? kinds[reason & 0xffff]
						       : EXIT_OTHER;
	l->rip = vmread(VMCS_GUEST_RIP);
	l->detail = q;
	if (l->kind == EXIT_EXCEPTION && GET(INTR_INFO_TYPE, info) == INTR_TYPE_NMI)
		l->kind = EXIT_NMI;
	if (l->kind == EXIT_EXCEPTION || l->kind == EXIT_IRQ) {
		l->dr6 = q & MASK(3, 0);
		l->detail = GET(INTR_INFO_VECTOR, info);
		l->int1 = l->detail == X86_DB &&
			  GET(INTR_INFO_TYPE, info) == INTR_TYPE_PRIVILEGED_SOFTWARE_EXCEPTION;
	} else if (l->kind == EXIT_NPF || l->kind == EXIT_NPF_CONFIG) {
		l->detail = vmread(VMCS_GUEST_PHYSICAL_ADDRESS);
	} else if (l->kind == EXIT_IO) {
		l->detail = GET(QUAL_IO_PORT, q) | (GET(QUAL_IO_SIZE, q) + 1) << 16 |
			    (q & QUAL_IO_IN ? BIT(24) : 0);
	}
}

/* Fills e; false: there is nothing for x86 to decide (an interrupt or NMI of ours, taken here). */
static bool vmx_decode(struct x86_vcpu *v, struct vmx_vcpu *x, u32 reason, struct vm_exit *e)
{
	u64 q;

	e->reason = reason;
	e->kind = reason < VMX_REASON_END ? kinds[reason] : EXIT_OTHER;
	e->insn_len = 0;
	switch (e->kind) {
	case EXIT_IRQ:
		q = GET(INTR_INFO_VECTOR, vmread(VMCS_EXIT_INTERRUPTION_INFO));
		exit_what_IRQ(v, q);
		irq_dispatch((u32)q);
		return false;
	case EXIT_EXCEPTION:
		decode_exception(v, x, e);
		if (e->kind == EXIT_EXCEPTION)
			exit_what_EXCEPTION(v, e->exception.vector);
		break;
	case EXIT_NPF:
		decode_npf(v, x, e);
		break;
	case EXIT_NPF_CONFIG:
		e->npf.gpa = vmread(VMCS_GUEST_PHYSICAL_ADDRESS);
		break;
	case EXIT_APIC_ACCESS:
		vmx_redeliver(v, x);
		q = vmread(VMCS_EXIT_QUALIFICATION);
		e->npf.gpa = APIC_BASE_POWER_UP | GET(QUAL_APIC_OFFSET, q);
		e->npf.write = GET(QUAL_APIC_TYPE, q) == QUAL_APIC_WRITE;
		e->npf.fetch = GET(QUAL_APIC_TYPE, q) == QUAL_APIC_FETCH;
		e->npf.walk = GET(QUAL_APIC_TYPE, q) > QUAL_APIC_FETCH;
		e->npf.gva_valid = false;
		break;
	case EXIT_APIC_WRITE:
	case EXIT_EOI:
		e->apic.offset = (u32)vmread(VMCS_EXIT_QUALIFICATION) & 0xfff;
		if (e->kind == EXIT_APIC_WRITE)
			exit_what_APIC_WRITE(v, e->apic.offset);
		break;
	case EXIT_IO:
		decode_io(e);
		e->insn_len = (u32)vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
		break;
	case EXIT_CR:
		decode_cr(e);
		v->regs[RSP] = vmread(VMCS_GUEST_RSP);
		e->insn_len = (u32)vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
		break;
	case EXIT_TASK_SWITCH:
	case EXIT_TRIPLE_FAULT:
	case EXIT_INVALID_STATE:
		e->qualification = vmread(VMCS_EXIT_QUALIFICATION);
		break;
	case EXIT_IRQ_WINDOW:
	case EXIT_NMI_WINDOW:
		/* look again what can go in;
		 * with APICv it is nothing of the APIC's, and not the short way's */
		__atomic_or_fetch(&v->hv.pending,
				  e->kind == EXIT_NMI_WINDOW || v->apicv ? PEND_NMI : PEND_IRQ,
				  __ATOMIC_RELAXED);
		return false;
	default:
		e->insn_len = (u32)vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
		break;
	}
	return true;
}

static inline __attribute__((always_inline)) bool vmx_finish(struct x86_vcpu *v, struct vmx_vcpu *x,
							     struct stat *s, bool enter)
{
	enter = enter && vmx_prepare(v, x);
	exit_account(v, s);
	if (enter)
		debug_irqs_on();
	return enter;
}

static __noinline bool vmx_finish_pending(struct x86_vcpu *v, struct stat *s)
{
	return vmx_finish(v, vmx_vcpu(v), s, true);
}

/* The same where the guest is entered again. */
static inline __attribute__((always_inline)) bool vmx_again(struct x86_vcpu *v, struct stat *s)
{
	if (unlikely(READ_ONCE(v->hv.pending)))
		return vmx_finish_pending(v, s);
	exit_account(v, s);
	debug_irqs_on();
	return true;
}

static __noinline bool vmx_exit_slow(struct x86_vcpu *v, u32 reason)
{
	struct vmx_vcpu *x = vmx_vcpu(v);
	struct vm_exit e;
	bool enter = true;

	if (unlikely(reason & VMX_REASON_ENTRY_FAILURE)) {
		e.kind = EXIT_INVALID_STATE;
		vmx_refused(v, "reason", reason & 0xffff, vmread(VMCS_EXIT_QUALIFICATION));
		enter = false;
	} else if (vmx_decode(v, x, reason & 0xffff, &e)) {
		enter = exit_handle(v, &e);
	}
	return vmx_finish(v, x, &v->stats[e.kind], enter);
}

/* A verdict acted on here, without the detour over struct vm_exit. */
static __noinline bool vmx_verdict(struct x86_vcpu *v, struct stat *s, enum verdict vd)
{
	if (vd == V_ADVANCE || vd == V_SLEEP)
		vmx_step(v, vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
	return vmx_finish(v, vmx_vcpu(v), s, vd == V_ADVANCE || vd == V_RESUME);
}

/* One that most often ends on the way to another vCPU. */
static __noinline bool vmx_io(struct x86_vcpu *v)
{
	u64 q = vmread(VMCS_EXIT_QUALIFICATION);
	enum verdict vd;

	exit_what_IO(v, (u16)GET(QUAL_IO_PORT, q));
	if (unlikely(q & QUAL_IO_STRING))
		return vmx_exit_slow(v, VMX_REASON_IO);
	vd = io_port(v, (u16)GET(QUAL_IO_PORT, q), (u32)GET(QUAL_IO_SIZE, q) + 1, q & QUAL_IO_IN,
		     (u32)vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
	return likely(vd == V_BLOCK) ? vmx_finish(v, vmx_vcpu(v), &v->stats[EXIT_IO], false)
				     : vmx_verdict(v, &v->stats[EXIT_IO], vd);
}

static __noinline bool vmx_hypercall(struct x86_vcpu *v)
{
	s64 result;

	/* `wait`, at CPL 0 in 64-bit code, is half of every access to a device. */
	if (v->regs[RAX] != CAISSON_CALL_wait || (vmread(VMCS_GUEST_SS_AR) & AR_DPL) ||
	    !(vmread(VMCS_GUEST_CS_AR) & AR_L))
		return vmx_verdict(v, &v->stats[EXIT_HYPERCALL], exit_hypercall(v));
	if (unlikely(ioreq_wait(&v->hv, v->regs[RDI], v->regs[RSI], &result) == V_ADVANCE)) {
		v->regs[RAX] = (u64)result;
		return vmx_verdict(v, &v->stats[EXIT_HYPERCALL], V_ADVANCE);
	}
	vmx_step(v, vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
	return vmx_finish(v, vmx_vcpu(v), &v->stats[EXIT_HYPERCALL], false);
}

/* Not an access that is known: a first touch, or something else. */
static __noinline bool vmx_touch(struct x86_vcpu *v)
{
	bool write = vmread(VMCS_EXIT_QUALIFICATION) & QUAL_EPT_WRITE;

	if (likely(memory_fault(v->hv.domain, vmread(VMCS_GUEST_PHYSICAL_ADDRESS), write) == MEM_MAPPED))
		return vmx_again(v, &v->stats[EXIT_NPF]);
	return vmx_exit_slow(v, VMX_REASON_EPT_VIOLATION);
}

/* An instruction's own access to data at gpa: in 64-bit code (where CS.L counts), while no event was on its
 * way in, it may be one that was here before, or a first touch. */
static inline __attribute__((always_inline)) bool vmx_mmio(struct x86_vcpu *v, u32 reason, u32 kind, bool own,
							   u64 gpa, bool write)
{
	s64 known;

	if (!own || (vmread(VMCS_IDT_VECTORING_INFO) & INTR_INFO_VALID) || !(vmread(VMCS_GUEST_CS_AR) & AR_L))
		return vmx_exit_slow(v, reason);
	known = io_mmio_again(v, gpa, vmread(VMCS_GUEST_CR3), write);
	if (unlikely(!known))
		return kind == EXIT_NPF ? vmx_touch(v) : vmx_exit_slow(v, reason);
	if (kind == EXIT_NPF)
		exit_what_NPF(v, gpa & PAGE_MASK);
	if (unlikely(known < 0))
		return vmx_finish(v, vmx_vcpu(v), &v->stats[kind], false);
	vmx_step(v, (u64)known);
	return vmx_again(v, &v->stats[kind]);
}

static __noinline bool vmx_npf(struct x86_vcpu *v)
{
	u64 q = vmread(VMCS_EXIT_QUALIFICATION);

	return vmx_mmio(v, VMX_REASON_EPT_VIOLATION, EXIT_NPF,
			(q & (QUAL_EPT_FETCH | QUAL_EPT_LINEAR_VALID | QUAL_EPT_TRANSLATED |
			      QUAL_EPT_NMI_UNBLOCKING)) == (QUAL_EPT_LINEAR_VALID | QUAL_EPT_TRANSLATED),
			vmread(VMCS_GUEST_PHYSICAL_ADDRESS), q & QUAL_EPT_WRITE);
}

static __noinline bool vmx_apic_access(struct x86_vcpu *v)
{
	u64 q = vmread(VMCS_EXIT_QUALIFICATION), type = GET(QUAL_APIC_TYPE, q);

	exit_what_APIC_ACCESS(v, GET(QUAL_APIC_OFFSET, q));
	/* The store that ends an interrupt: what it stores does not matter, so nothing is decoded. */
	if (GET(QUAL_APIC_OFFSET, q) == APIC_EOI && type == QUAL_APIC_WRITE) {
		hot_apic_begin(v);
		vlapic_mmio_write(&v->apic, APIC_EOI, 4, 0);
		hot_apic_changed(v);
		return vmx_verdict(v, &v->stats[EXIT_APIC_ACCESS], V_ADVANCE);
	}
	return vmx_mmio(v, VMX_REASON_APIC_ACCESS, EXIT_APIC_ACCESS, type <= QUAL_APIC_WRITE,
			APIC_BASE_POWER_UP | GET(QUAL_APIC_OFFSET, q), type == QUAL_APIC_WRITE);
}

/* The few exits that are many. */
bool __endbr vmx_exit(struct x86_vcpu *v)
{
	struct stat *s;
	u32 reason;
	u64 nr;

#ifndef CAISSON_NO_COUNTERS
	v->exit_tsc = rdtsc();
#endif
	reason = (u32)vmread(VMCS_EXIT_REASON);
	v->exit_rip = vmread(VMCS_GUEST_RIP);
	debug_irqs_off(reason);
	switch (reason) {
	case VMX_REASON_WRMSR:
		s = &v->stats[EXIT_WRMSR];
		exit_what_WRMSR(v, (u32)v->regs[RCX]);
		if (likely((v->apicv && (u32)v->regs[RCX] == MSR_X2APIC + APIC_ICR / 16 &&
			    apicv_self_ipi(v)) ||
			   hot_wrmsr(v)))
			break;
		return vmx_verdict(v, s, exit_wrmsr(v));
	case VMX_REASON_CPUID:
		s = &v->stats[EXIT_CPUID];
		exit_what_CPUID(v, (u32)v->regs[RAX]);
		if (likely(hot_cpuid(v)))
			break;
		return vmx_verdict(v, s, exit_cpuid(v));
	case VMX_REASON_RDMSR:
		s = &v->stats[EXIT_RDMSR];
		exit_what_RDMSR(v, (u32)v->regs[RCX]);
		if (likely(hot_rdmsr(v)))
			break;
		return vmx_verdict(v, s, exit_rdmsr(v));
	case VMX_REASON_VMCALL:
		s = &v->stats[EXIT_HYPERCALL];
		nr = v->regs[RAX];
		exit_what_HYPERCALL(v, (u32)nr);
		if (likely(hot_hypercall(v, nr, (u32)GET(AR_DPL, vmread(VMCS_GUEST_SS_AR)))))
			break;
		return vmx_hypercall(v);
	case VMX_REASON_EPT_VIOLATION:
		return vmx_npf(v);
	case VMX_REASON_IO:
		return vmx_io(v);
	case VMX_REASON_APIC_ACCESS:
		return vmx_apic_access(v);
	default:
		return vmx_exit_slow(v, (u32)vmread(VMCS_EXIT_REASON));
	}
	vmx_step(v, vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
	return vmx_again(v, s);
}
