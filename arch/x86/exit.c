/* SPDX-License-Identifier: BSD-2-Clause */
/* The one place where it is decided what becomes of an exit.
 * Vendors decode before it, hv schedules after it. */
#include "arch/x86/asm.h"
#include "arch/x86/hot.h"
#include "arch/x86/hvm.h"
#include "arch/x86/percpu.h"
#include "arch/x86/pv.h"
#include "arch/x86/regs.h"
#include "arch/x86/traps.h"
#include "hv/arch.h"
#include "hv/hypercall.h"
#include "hv/ioreq.h"
#include "hv/log.h"

static const char *const kind_names[] = {
#define EXIT_X(name, text) [EXIT_##name] = text,
	EXIT_KINDS(EXIT_X)
#undef EXIT_X
};
_Static_assert(EXIT_KIND_COUNT <= STATS_KINDS, "a counter each");

const char *arch_exit_name(u32 kind)
{
	return kind < EXIT_KIND_COUNT ? kind_names[kind] : NULL;
}

static enum verdict inject(struct x86_vcpu *v, u8 vector, u32 error)
{
	hvm->inject(v, vector, error);
	return V_RESUME;
}

static enum verdict stop(struct x86_vcpu *v, const struct vm_exit *x, const char *why)
{
	hvm_crash(v, 0, "%s at %lx (exit %u, %lx)", why, v->exit_rip, x->reason, x->qualification);
	return V_STOP;
}

/* Which pairs of exceptions make a double fault. */
static bool contributory(u32 vector)
{
	return vector == X86_DE || (vector >= X86_TS && vector <= X86_GP);
}

bool hvm_nested(struct x86_vcpu *v, u32 was, u8 *vector, u32 *error)
{
	if (was == X86_DF) {
		hvm_crash(v, 0, "triple fault at %lx", v->exit_rip);
		return false;
	}
	if ((contributory(was) && contributory(*vector)) ||
	    (was == X86_PF && (contributory(*vector) || *vector == X86_PF))) {
		*vector = X86_DF;
		*error = 0;
	}
	return true;
}

enum verdict exit_cpuid(struct x86_vcpu *v)
{
	const struct cpuid_table *t = &x86_domain(v->hv.domain)->cpuid;
	u32 out[4], fix;

	fix = cpuid_lookup(t, (u32)v->regs[RAX], (u32)v->regs[RCX], out);
	if (fix) {
		struct cpuid_state s = { .apic_id = v->hv.id,
					 .apic_enabled = v->apic.base & APIC_BASE_EN,
					 .cr4 = hvm->get(v, HVM_CR4),
					 .xcr0 = v->xcr0 };

		cpuid_fixup(t, fix, &s, out);
	}
	v->regs[RAX] = out[CPUID_EAX];
	v->regs[RBX] = out[CPUID_EBX];
	v->regs[RCX] = out[CPUID_ECX];
	v->regs[RDX] = out[CPUID_EDX];
	return V_ADVANCE;
}

static enum verdict exit_hlt(struct x86_vcpu *v)
{
	v->halted = true;
	v->halt_open = hvm->flags(v) & RFLAGS_IF;
	if (arch_vcpu_has_work(&v->hv)) {
		v->halted = v->kicked = false;
		return V_ADVANCE;
	}
	vcpu_sleep(&v->hv, SLEEP_HLT);
	return V_SLEEP;
}

enum verdict exit_hypercall(struct x86_vcpu *v)
{
	u64 nr = v->regs[RAX];
	u32 mode = hvm->mode(v);
	enum verdict vd = V_ADVANCE;
	s64 result;

	if (!(mode & HVM_64))
		nr = (u32)nr;
	if (nr < KVM_CALLS) {
		result = mode & HVM_CPL ? -CAISSON_EPERM : pv_call(v, nr, mode & HVM_64);
	} else if (mode & HVM_CPL) {
		result = -CAISSON_EPERM;
	} else if (!(mode & HVM_64)) {
		result = -CAISSON_ENOSYS;
	} else if (nr == CAISSON_CALL_wait) { /* half of every access to a device; everybody may */
		vd = ioreq_wait(&v->hv, v->regs[RDI], v->regs[RSI], &result);
		if (vd == V_SLEEP)
			return vd;
	} else {
		const u64 arg[6] = { v->regs[RDI], v->regs[RSI], v->regs[RDX],
				     v->regs[R10], v->regs[R8],	 v->regs[R9] };

		vd = hypercall_dispatch(&v->hv, nr, arg, &result);
		if (vd == V_SLEEP) /* its result may be there already */
			return vd;
	}
	v->regs[RAX] = mode & HVM_64 ? (u64)result : (u32)result;
	return vd;
}

/* ---- control registers. SDM: "Control Registers" ---- */

/* Loads the four PDPTEs where the new state pages that way. False: one has a reserved bit set. */
static bool load_pdptes(struct x86_vcpu *v, u64 cr0, u64 cr3, u64 cr4, u64 efer)
{
	u64 pdpte[4],
		reserved = ~MASK(arch_phys_bits() - 1, 12) & ~(u64)(BIT(0) | BIT(3) | BIT(4) | MASK(11, 9));

	if (!(cr0 & CR0_PG) || !(cr4 & CR4_PAE) || (efer & EFER_LMA))
		return true;
	if (!memory_read(v->hv.domain, cr3 & 0xffffffe0, pdpte, sizeof(pdpte)))
		return false;
	for (u32 i = 0; i < 4; i++)
		if ((pdpte[i] & BIT(0)) && (pdpte[i] & reserved))
			return false;
	hvm->set_pdptes(v, pdpte);
	return true;
}

static bool set_cr0(struct x86_vcpu *v, u64 value)
{
	u64 old = hvm->get(v, HVM_CR0), cr4 = hvm->get(v, HVM_CR4), efer = hvm->get(v, MSR_EFER),
	    lma = efer & ~EFER_LMA;

	if ((value >> 32) || ((value & CR0_PG) && !(value & CR0_PE)) ||
	    ((value & CR0_NW) && !(value & CR0_CD)))
		return false;
	if ((value & CR0_PG) && (efer & EFER_LME)) {
		if (!(old & CR0_PG) && (!(cr4 & CR4_PAE) || (hvm->mode(v) & HVM_CS_L)))
			return false;
		lma |= EFER_LMA;
	}
	if (!(value & CR0_PG) && (old & CR0_PG) && ((hvm->mode(v) & HVM_64) || (cr4 & CR4_PCIDE)))
		return false;
	if (!load_pdptes(v, value, hvm->get(v, HVM_CR3), cr4, lma))
		return false;
	if (lma != efer)
		hvm->set(v, MSR_EFER, lma);
	hvm->set(v, HVM_CR0, value | CR0_ET);
	hvm->flush_guest(v);
	return true;
}

static bool set_cr4(struct x86_vcpu *v, u64 value)
{
	u64 old = hvm->get(v, HVM_CR4), efer = hvm->get(v, MSR_EFER);

	if (value & ~cpuid_cr4_allowed(&x86_domain(v->hv.domain)->cpuid))
		return false;
	if ((efer & EFER_LMA) && !(value & CR4_PAE))
		return false;
	if ((value & CR4_PCIDE) && !(old & CR4_PCIDE) &&
	    (!(efer & EFER_LMA) || (hvm->get(v, HVM_CR3) & 0xfff)))
		return false;
	if (!load_pdptes(v, hvm->get(v, HVM_CR0), hvm->get(v, HVM_CR3), value, efer))
		return false;
	hvm->set(v, HVM_CR4, value);
	hvm->flush_guest(v);
	return true;
}

static bool set_cr3(struct x86_vcpu *v, u64 value)
{
	u64 efer = hvm->get(v, MSR_EFER), cr4 = hvm->get(v, HVM_CR4);

	if (efer & EFER_LMA) {
		if (cr4 & CR4_PCIDE)
			value &= ~BIT(63);
		if (value & ~MASK(arch_phys_bits() - 1, 0))
			return false;
	}
	if (!load_pdptes(v, hvm->get(v, HVM_CR0), value, cr4, efer))
		return false;
	hvm->set(v, HVM_CR3, value);
	hvm->flush_guest(v);
	return true;
}

static bool write_cr(struct x86_vcpu *v, u32 cr, u64 value)
{
	if (!(hvm->mode(v) & HVM_64))
		value = (u32)value;
	switch (cr) {
	case 0:
		return set_cr0(v, value);
	case 3:
		return set_cr3(v, value);
	case 4:
		return set_cr4(v, value);
	case 8:
		if (value > 15)
			return false;
		vlapic_tpr_set(&v->apic, (u8)(value << 4));
		hot_apic_changed(v);
		return true;
	default:
		return false;
	}
}

static enum verdict exit_cr(struct x86_vcpu *v, const struct vm_exit *x)
{
	u64 old;

	switch (x->cr.op) {
	case CR_TO:
		return write_cr(v, x->cr.cr, v->regs[x->cr.gpr]) ? V_ADVANCE : inject(v, X86_GP, 0);
	case CR_FROM:
		if (!(0x119 >> x->cr.cr & 1)) /* 0 3 4 8: no others exit */
			return stop(v, x, "exit that nobody asked for");
		old = x->cr.cr == 8 ? vlapic_tpr(&v->apic) >> 4 : hvm->get(v, x->cr.cr);
		v->regs[x->cr.gpr] = old;
		if (x->cr.gpr == RSP)
			hvm->set_rsp(v);
		return V_ADVANCE;
	case CR_CLTS:
		return set_cr0(v, hvm->get(v, HVM_CR0) & ~CR0_TS) ? V_ADVANCE : inject(v, X86_GP, 0);
	case CR_LMSW: /* can set PE but not clear it */
		old = hvm->get(v, HVM_CR0);
		old = (old & ~(CR0_MP | CR0_EM | CR0_TS)) |
		      (x->cr.lmsw & (CR0_PE | CR0_MP | CR0_EM | CR0_TS));
		return set_cr0(v, old) ? V_ADVANCE : inject(v, X86_GP, 0);
	}
	return V_STOP;
}

/* SDM: "Extended Control Registers (Including XCR0)" */
bool xcr0_valid(const struct x86_vcpu *v, u64 value)
{
	u64 avx512 = value & XCR0_AVX512;

	return (value & XCR0_X87) && !(value & ~cpuid_xcr0(&x86_domain(v->hv.domain)->cpuid)) &&
	       (!(value & XCR0_AVX) || (value & XCR0_SSE)) &&
	       (!avx512 || (avx512 == XCR0_AVX512 && (value & XCR0_AVX)));
}

static enum verdict exit_xsetbv(struct x86_vcpu *v)
{
	u64 value = (u64)(u32)v->regs[RDX] << 32 | (u32)v->regs[RAX];

	if ((u32)v->regs[RCX] != 0 || (hvm->mode(v) & HVM_CPL) || !xcr0_valid(v, value) ||
	    !xsetbv_safe(0, value))
		return inject(v, X86_GP, 0);
	v->xcr0 = value;
	return V_ADVANCE;
}

static enum verdict exit_exception(struct x86_vcpu *v, const struct vm_exit *x)
{
	if (x->exception.vector == X86_DB) {
		debug_load(v);
		/* The processor left DR6 and DR7.GD for us to change. */
		write_dr6((read_dr6() & ~MASK(3, 0)) |
			  (x->exception.qualification & (MASK(3, 0) | BIT(13) | BIT(14))));
		hvm->set(v, HVM_DR7, hvm->get(v, HVM_DR7) & ~BIT(13));
	}
	/* Whose delivery exits again, for ever, would keep interrupts out:
	 * what is injected comes before them. */
	arch_irq_window();
	return inject(v, x->exception.vector, x->exception.has_error ? x->exception.error : NO_ERROR_CODE);
}

static enum verdict exit_pause(struct x86_vcpu *v, const struct vm_exit *x)
{
	hvm->advance(v, x->insn_len);
	sched_give_way(&this_cpu()->sched, arch_now());
	return V_BLOCK;
}

static enum verdict exit_decide(struct x86_vcpu *v, struct vm_exit *x)
{
	switch (x->kind) {
	case EXIT_CPUID:
		return exit_cpuid(v);
	case EXIT_RDMSR:
		return exit_rdmsr(v);
	case EXIT_WRMSR:
		return exit_wrmsr(v);
	case EXIT_IO:
		return exit_io(v, x);
	case EXIT_NPF:
		return exit_npf(v, x);
	case EXIT_HLT:
		return exit_hlt(v);
	case EXIT_HYPERCALL:
		return exit_hypercall(v);
	case EXIT_PAUSE:
		return exit_pause(v, x);
	case EXIT_CR:
		return exit_cr(v, x);
	case EXIT_DR:
		return exit_dr(v);
	case EXIT_XSETBV:
		return exit_xsetbv(v);
	case EXIT_CACHE: /* the guest's memory is coherent: it has no device that looks past the caches */
		return V_ADVANCE;
	case EXIT_UD:
		return inject(v, X86_UD, NO_ERROR_CODE);
	case EXIT_GP:
		return inject(v, X86_GP, 0);
	case EXIT_EXCEPTION:
		return exit_exception(v, x);
	case EXIT_NMI:
		nmi_handle(NULL);
		nmi_unblock();
		return V_RESUME;
	case EXIT_MACHINE_CHECK:
		machine_check(NULL);
		return V_RESUME;
	case EXIT_INIT: /* sent to this CPU by mistake: the machine's CPUs are ours */
		log_guest("INIT signal ignored");
		return V_RESUME;
	case EXIT_IRQ:
	case EXIT_IRQ_WINDOW:
	case EXIT_NMI_WINDOW:
		return V_RESUME;
	case EXIT_TRIPLE_FAULT:
		return stop(v, x, "triple fault");
	case EXIT_TASK_SWITCH:
		return stop(v, x, "hardware task switch, which is not offered");
	case EXIT_NPF_CONFIG:
		return stop(v, x, "second-stage entry that the processor does not understand");
	case EXIT_APIC_ACCESS: /* one that the processor does not virtualise: like any other device */
		return exit_npf(v, x);
	case EXIT_APIC_WRITE: /* after the store, and after the instruction */
		hot_apic_begin(v);
		vlapic_apic_write(&v->apic, x->apic.offset);
		return V_RESUME;
	case EXIT_EOI:
		vlapic_eoi_broadcast(&v->apic, (u8)x->apic.offset);
		return V_RESUME;
	case EXIT_MTF:
		if (v->stepping)
			return V_RESUME;
		return stop(v, x, "exit that nobody asked for");
	case EXIT_TPR:
	case EXIT_TIMER:
	case EXIT_INVALID_STATE:
	case EXIT_OTHER:
	case EXIT_KIND_COUNT:
		return stop(v, x, "exit that nobody asked for");
	}
	return V_STOP;
}

bool exit_handle(struct x86_vcpu *v, struct vm_exit *x)
{
	switch (exit_decide(v, x)) {
	case V_RESUME:
		return true;
	case V_ADVANCE:
		hvm->advance(v, x->insn_len);
		return true;
	case V_SLEEP:
		hvm->advance(v, x->insn_len);
		return false;
	case V_BLOCK:
	case V_STOP:
		return false;
	}
	return false;
}

/* ---- what waits before an entry ---- */

/* INIT and SIPI, in that order. False: the vCPU waits for SIPI now. */
static bool pending_init_sipi(struct x86_vcpu *v)
{
	u32 what = __atomic_exchange_n(&v->init_sipi, 0, __ATOMIC_ACQ_REL);

	if (what & VCPU_INIT) {
		pv_reset(v);
		v->io.kind = IO_NONE; /* what a device has answered is not SIPI's */
		x86_vcpu_init_state(v);
		vlapic_reset(&v->apic, true);
		v->apic_touched = v->apicv;
		v->wait_sipi = true;
		v->halted = false;
	}
	if ((what & VCPU_SIPI) && v->wait_sipi) {
		x86_vcpu_sipi_state(v, (u8)what);
		v->wait_sipi = false;
	}
	if (v->wait_sipi)
		vcpu_sleep(&v->hv, SLEEP_SIPI);
	return !v->wait_sipi;
}

bool exit_pending(struct x86_vcpu *v)
{
	u32 p = READ_ONCE(v->hv.pending);

	if (p & PEND_LEAVE)
		return false;
	p &= PEND_FLUSH | PEND_ARCH | PEND_IO; /* the rest is for the vendor to inject */
	__atomic_and_fetch(&v->hv.pending, ~p, __ATOMIC_ACQ_REL);
	if (p & PEND_FLUSH)
		hvm->flush(v);
	if (p & PEND_ARCH) {
		if (__atomic_exchange_n(&v->timer_fired, false, __ATOMIC_ACQ_REL))
			vlapic_timer_expired(&v->apic);
		if (v->clock_due)
			clock_update(v);
		if (v->eoi_due) {
			v->eoi_due = false;
			hvm->apicv_eoi(v);
		}
		if (READ_ONCE(v->init_sipi) && !pending_init_sipi(v)) {
			/* What else there is waits with it. */
			if (p & PEND_IO)
				__atomic_or_fetch(&v->hv.pending, PEND_IO, __ATOMIC_RELEASE);
			return false;
		}
	}
	if (p & PEND_IO) {
		v->hv.io_state = IO_IDLE;
		if (io_continue(v) == V_BLOCK || READ_ONCE(v->hv.domain->ended))
			return false;
	}
	return likely(!(READ_ONCE(v->hv.pending) & PEND_DEBUG)) || debug_pending(v);
}
