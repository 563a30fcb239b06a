/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exits that come often and neither sleep nor stop: finished inside the vendor's loop, each by the same rules
 * as in exit.c. All inline; context: on v's CPU, right after the exit. True: done, step over the instruction.
 * False: nothing has changed, take the way through exit_handle(). Measured: the detour costs 35 to 58
 * instructions (docs/performance.md).
 */
#ifndef ARCH_X86_HOT_H
#define ARCH_X86_HOT_H

#include "arch/x86/hvm.h"
#include "arch/x86/pvclock.h"
#include "arch/x86/regs.h"

static inline bool hot_cpuid(struct x86_vcpu *v)
{
	const struct cpuid_entry *e = cpuid_plain(&x86_domain(v->hv.domain)->cpuid, (u32)v->regs[RAX]);

	if (!e)
		return false;
	v->regs[RAX] = e->r[CPUID_EAX];
	v->regs[RBX] = e->r[CPUID_EBX];
	v->regs[RCX] = e->r[CPUID_ECX];
	v->regs[RDX] = e->r[CPUID_EDX];
	return true;
}

/* The APIC's registers have changed: a waiting interrupt may have become deliverable. */
static inline void hot_apic_changed(struct x86_vcpu *v)
{
	if (!v->apicv && v->apic.irr_words)
		__atomic_or_fetch(&v->hv.pending, PEND_IRQ, __ATOMIC_RELAXED);
}

/* Around what software does to an APIC that the processor virtualises too: registers may have changed under
 * us, and will have for it. */
static inline void hot_apic_begin(struct x86_vcpu *v)
{
	if (!v->apicv)
		return;
	vlapic_resync(&v->apic);
	v->apic_touched = true;
	__atomic_or_fetch(&v->hv.pending, PEND_IRQ, __ATOMIC_RELAXED);
}

static inline bool hot_wrmsr(struct x86_vcpu *v)
{
	u32 msr = (u32)v->regs[RCX];
	u64 value = v->regs[RDX] << 32 | (u32)v->regs[RAX];

	if (msr == MSR_TSC_DEADLINE) {
		vlapic_tscdeadline_write(&v->apic, value);
		return true;
	}
	if (msr - MSR_X2APIC > MSR_X2APIC_LAST - MSR_X2APIC || !vlapic_msr_write(&v->apic, msr, value))
		return false;
	hot_apic_changed(v);
	return true;
}

/* Not inline: in the function of all hot exits `value` would make a stack frame for each. */
static __noinline bool hot_rdmsr_apic(struct x86_vcpu *v, u32 msr)
{
	u64 value;

	if (!vlapic_msr_read(&v->apic, msr, &value))
		return false;
	v->regs[RAX] = (u32)value;
	v->regs[RDX] = value >> 32;
	return true;
}

static inline bool hot_rdmsr(struct x86_vcpu *v)
{
	u32 msr = (u32)v->regs[RCX];

	if (msr != MSR_APIC_BASE)
		return msr - MSR_X2APIC <= MSR_X2APIC_LAST - MSR_X2APIC && hot_rdmsr_apic(v, msr);
	v->regs[RAX] = (u32)v->apic.base;
	v->regs[RDX] = v->apic.base >> 32;
	return true;
}

/* A call of KVM's numbers beyond those that pv_call() knows. At CPL 3 the answer differs. */
static inline bool hot_hypercall(struct x86_vcpu *v, u64 nr, u32 cpl)
{
	if (nr - KVM_HC_END >= KVM_CALLS - KVM_HC_END || cpl)
		return false;
	v->regs[RAX] = (u64)KVM_ENOSYS;
	return true;
}

/* An access to a port, or by a plain MOV, that a device model has answered, and nothing else is pending:
 * the word is cleared, the instruction is done. */
static inline bool hot_io_done(struct x86_vcpu *v)
{
	u32 only = PEND_IO, kind = v->io.kind;

	if (unlikely(kind - IO_PORT_IN > IO_PORT_OUT - IO_PORT_IN) || !CAS(&v->hv.pending, &only, 0))
		return false;
	v->hv.io_state = IO_IDLE;
	if (likely(kind == IO_PORT_IN)) {
		u64 *reg = v->regs + (size_t)v->io.reg;

		if (likely(v->io.size == 1))
			*(u8 *)reg = (u8)v->hv.io_data;
		else if (v->io.size == 2)
			*(u16 *)reg = (u16)v->hv.io_data;
		else
			*reg = v->io.size == 4 ? (u32)v->hv.io_data : v->hv.io_data;
	}
	v->io.kind = IO_NONE;
	return true;
}

#endif
