/* SPDX-License-Identifier: BSD-2-Clause */
/* MSRs that need more than the policy's table: time, APIC, EFER, the KVM-compatible clock. */
#include "arch/x86/asm.h"
#include "arch/x86/hot.h"
#include "arch/x86/hvm.h"
#include "arch/x86/pv.h"
#include "arch/x86/regs.h"
#include "hv/arch.h"
#include "hv/frame.h"

static enum verdict gp(struct x86_vcpu *v)
{
	hvm->inject(v, X86_GP, 0);
	return V_RESUME;
}

static bool in_vendor_block(u32 msr)
{
	return msr == MSR_PAT || msr == MSR_FS_BASE || msr == MSR_GS_BASE ||
	       (msr >= MSR_SYSENTER_CS && msr <= MSR_SYSENTER_EIP);
}

static bool read_fn(struct x86_vcpu *v, enum msr_verdict fn, u32 msr, u64 *value)
{
	switch (fn) {
	case MSR_OK:
		return true;
	case MSR_GP:
		return false;
	case MSR_FN_PASS:
		/* Those that the processor would have read for the guest, where the vendor let it not. */
		if (msr == MSR_EFER || msr == MSR_TSC)
			return read_fn(v, msr == MSR_EFER ? MSR_FN_EFER : MSR_FN_TSC, msr, value);
		if (!in_vendor_block(msr))
			return rdmsr_safe(msr, value);
		*value = hvm->get(v, msr);
		return true;
	case MSR_FN_SYSCALL:
		*value = v->syscall[syscall_index(msr)];
		return true;
	case MSR_FN_TSC:
		*value = rdtsc() + v->tsc_offset;
		return true;
	case MSR_FN_APIC_BASE:
		*value = v->apic.base;
		return true;
	case MSR_FN_TSC_ADJUST:
		*value = v->tsc_adjust;
		return true;
	case MSR_FN_TSC_DEADLINE:
		*value = vlapic_tscdeadline_read(&v->apic);
		return true;
	case MSR_FN_X2APIC:
		return vlapic_msr_read(&v->apic, msr, value);
	case MSR_FN_EFER:
		*value = hvm->get(v, MSR_EFER);
		return true;
	case MSR_FN_WALL_CLOCK:
		*value = v->wall_clock_msr;
		return true;
	case MSR_FN_SYSTEM_TIME:
		*value = v->clock_msr;
		return true;
	case MSR_FN_STEAL_TIME:
		*value = v->steal_msr;
		return true;
	case MSR_FN_PV_EOI:
		*value = v->eoi_msr;
		return true;
	}
	return false;
}

enum verdict exit_rdmsr(struct x86_vcpu *v)
{
	struct x86_domain *d = x86_domain(v->hv.domain);
	u32 msr = (u32)v->regs[RCX];
	u64 value = 0;

	if (!read_fn(v, msr_policy_read(&d->msrs, &v->msrs, msr, &value), msr, &value))
		return gp(v);
	v->regs[RAX] = (u32)value;
	v->regs[RDX] = value >> 32;
	return V_ADVANCE;
}

/* ---- time ---- */

static void set_tsc_offset(struct x86_vcpu *v, u64 offset)
{
	v->tsc_offset = offset;
	hvm->set_tsc_offset(v);
	vlapic_tsc_offset_set(&v->apic, offset);
	v->clock_due = v->clock_msr & PVCLOCK_ENABLE;
	if (v->clock_due)
		vcpu_pend(&v->hv, PEND_ARCH, false);
}

/* A part of the guest's own RAM that lies in one page, for one writer's moment; NULL: it is not. */
static void *window(struct x86_vcpu *v, u64 gpa, u64 bytes, hpa_t *pin)
{
	if ((gpa & ~PAGE_MASK) + bytes > PAGE_SIZE)
		return NULL;
	*pin = memory_pin(v->hv.domain, gpa, true, false);
	return frame_ok(*pin) ? (char *)frame_map(*pin, frame_owner(*pin)) + (gpa & ~PAGE_MASK) : NULL;
}

void clock_update(struct x86_vcpu *v)
{
	u64 now = rdtsc();
	hpa_t pin;
	struct pvclock_time *t = window(v, v->clock_msr & ~PVCLOCK_ENABLE, sizeof(*t), &pin);

	v->clock_due = false;
	if (!t)
		return;
	pvclock_write_time(t, pvclock_scale((u32)arch_tsc_khz()), now + v->tsc_offset,
			   arch_ticks_to_ns(now - v->hv.domain->created), PVCLOCK_TSC_STABLE);
	frame_unmap();
	memory_unpin(pin);
}

static bool set_system_time(struct x86_vcpu *v, u64 value)
{
	v->clock_msr = value;
	if (value & PVCLOCK_ENABLE)
		clock_update(v);
	return true;
}

static bool set_wall_clock(struct x86_vcpu *v, u64 gpa)
{
	hpa_t pin;
	struct pvclock_wall *w = window(v, gpa, sizeof(*w), &pin);

	v->wall_clock_msr = gpa;
	if (!w)
		return true; /* as KVM: a bad address is the guest's loss */
	pvclock_write_wall(w, arch_wall_base_ns() + arch_ticks_to_ns(v->hv.domain->created));
	frame_unmap();
	memory_unpin(pin);
	return true;
}

/* SDM volume 3, "Extended Feature Enable Register (IA32_EFER)" */
static bool set_efer(struct x86_vcpu *v, u64 value)
{
	u64 old = hvm->get(v, MSR_EFER);

	if (value & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))
		return false;
	if (((value ^ old) & EFER_LME) && (hvm->get(v, HVM_CR0) & CR0_PG))
		return false;
	hvm->set(v, MSR_EFER, (value & ~EFER_LMA) | (old & EFER_LMA));
	if ((value & EFER_SCE) && !v->syscall_live)
		syscall_enable(v);
	return true;
}

static bool pat_ok(u64 pat)
{
	for (u32 i = 0; i < 64; i += 8) {
		u64 type = (pat >> i) & 0xff;

		if (type > MT_UC_MINUS || type == 2 || type == 3)
			return false;
	}
	return true;
}

static bool write_fn(struct x86_vcpu *v, enum msr_verdict fn, u32 msr, u64 value)
{
	u64 now;

	switch (fn) {
	case MSR_OK:
		return true;
	case MSR_GP:
		return false;
	case MSR_FN_PASS:
		if (!in_vendor_block(msr))
			return wrmsr_safe(msr, value);
		if (msr == MSR_PAT && !pat_ok(value))
			return false;
		hvm->set(v, msr, value);
		return true;
	case MSR_FN_SYSCALL:
		return syscall_write(v, msr, value);
	case MSR_FN_TSC: /* SDM: "IA32_TSC_ADJUST MSR": a write to the TSC moves it likewise */
		now = rdtsc();
		v->tsc_adjust += value - (now + v->tsc_offset);
		set_tsc_offset(v, value - now);
		return true;
	case MSR_FN_APIC_BASE:
		hot_apic_begin(v);
		hot_apic_changed(v);
		if (!vlapic_base_msr_write(&v->apic, value))
			return false;
		for (u32 i = 0; i < MMIO_KNOWN; i++)
			v->known[i].rip = 1; /* its page may be another one now */
		if (hvm->apicv_mode)
			hvm->apicv_mode(v);
		return true;
	case MSR_FN_TSC_ADJUST:
		now = value - v->tsc_adjust;
		v->tsc_adjust = value;
		set_tsc_offset(v, v->tsc_offset + now);
		return true;
	case MSR_FN_TSC_DEADLINE:
		vlapic_tscdeadline_write(&v->apic, value);
		return true;
	case MSR_FN_X2APIC:
		hot_apic_begin(v);
		hot_apic_changed(v);
		return vlapic_msr_write(&v->apic, msr, value);
	case MSR_FN_EFER:
		return set_efer(v, value);
	case MSR_FN_WALL_CLOCK:
		return set_wall_clock(v, value);
	case MSR_FN_SYSTEM_TIME:
		return set_system_time(v, value);
	case MSR_FN_STEAL_TIME:
		return pv_set_steal_time(v, value);
	case MSR_FN_PV_EOI:
		return pv_set_eoi(v, value);
	}
	return false;
}

enum verdict exit_wrmsr(struct x86_vcpu *v)
{
	struct x86_domain *d = x86_domain(v->hv.domain);
	u64 value = v->regs[RDX] << 32 | (u32)v->regs[RAX];
	u32 msr = (u32)v->regs[RCX];

	if (!write_fn(v, msr_policy_write(&d->msrs, &v->msrs, msr, value), msr, value))
		return gp(v);
	return V_ADVANCE;
}
