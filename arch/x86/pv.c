/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * KVM's paravirtual features. Where guest memory is written at every switch or interrupt, its frame was
 * looked up when the guest wrote the MSR: the domain's own RAM stays while a vCPU of it is on a CPU, and when
 * it goes the vCPUs are reset.
 */
#include "arch/x86/pv.h"
#include "arch/x86/hvm.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/pcpu.h"

#define STEAL_RESERVED MASK(5, 1)
#define ENABLE	       BIT(0)

u32 pv_features(void)
{
	/* Where the processor does EOIs without an exit, asking a bit first would only make them slower. */
	return (u32)(KVM_FEATURE_CLOCKSOURCE | KVM_FEATURE_NOP_IO_DELAY | KVM_FEATURE_CLOCKSOURCE2 |
		     KVM_FEATURE_STEAL_TIME | (hvm_has.apicv ? 0 : KVM_FEATURE_PV_EOI) |
		     KVM_FEATURE_PV_UNHALT | KVM_FEATURE_PV_TLB_FLUSH | KVM_FEATURE_PV_SEND_IPI |
		     KVM_FEATURE_PV_SCHED_YIELD | KVM_FEATURE_CLOCKSOURCE_STABLE);
}

void pv_reset(struct x86_vcpu *v)
{
	v->clock_msr = v->wall_clock_msr = 0;
	v->clock_due = v->kicked = v->preempted = false;
	v->apic.pv_eoi = v->apic.pv_offered = false;
	v->eoi_msr = v->steal_msr = 0;
	v->eoi_at = v->steal_at = FRAME_NONE;
	x86_switch_more(v);
}

/* Where gpa is, if it is RAM of the domain's own that it may write. */
static hpa_t own_ram(struct x86_vcpu *v, u64 gpa)
{
	hpa_t pin = memory_pin(v->hv.domain, gpa, true, false);
	bool own;

	if (!frame_ok(pin))
		return pin;
	own = frame_owner(pin) == v->hv.domain->id;
	memory_unpin(pin);
	return own ? HPA(pin.v + (gpa & ~PAGE_MASK)) : FRAME_NONE;
}

static void *open(const struct x86_vcpu *v, hpa_t at)
{
	return frame_map(at, v->hv.domain->id);
}

/* ---- end of interrupt ---- */

bool vlapic_pv_eoi(struct vlapic *a, bool offer)
{
	const struct x86_vcpu *v = apic_vcpu(a);
	u8 *p = open(v, v->eoi_at);
	bool was = READ_ONCE(*p) & 1;

	WRITE_ONCE(*p, offer);
	frame_unmap();
	return was;
}

bool pv_set_eoi(struct x86_vcpu *v, u64 value)
{
	hpa_t at = FRAME_NONE;

	if (value & 2)
		return false;
	if (value & ENABLE) {
		at = own_ram(v, value & ~ENABLE);
		if (!frame_ok(at))
			return false;
	}
	vlapic_pv_eoi_enable(&v->apic, false);
	v->eoi_msr = value;
	v->eoi_at = at;
	vlapic_pv_eoi_enable(&v->apic, value & ENABLE);
	return true;
}

/* ---- steal time, and what others may leave for one that does not run ---- */

void pv_load(struct x86_vcpu *v)
{
	u64 wait = READ_ONCE(v->hv.sched.wait_ticks); /* its unit runs: nobody changes them */
	struct pv_steal *s;
	u8 was = 0;

	if (!v->preempted && wait == v->wait_told)
		return;
	s = open(v, v->steal_at);
	/* From here on whoever wants a flush finds 0 and sends an IPI. */
	if (v->preempted)
		was = __atomic_exchange_n(&s->preempted, 0, __ATOMIC_SEQ_CST);
	if (wait != v->wait_told)
		pvclock_write_steal(s, arch_ticks_to_ns(wait - v->wait_base));
	frame_unmap();
	v->preempted = false;
	v->wait_told = wait;
	if (was & KVM_VCPU_FLUSH_TLB)
		hvm->flush_guest(v);
}

void pv_put(struct x86_vcpu *v)
{
	struct pv_steal *s;

	/* In the middle of an access to a device it holds translations,
	 * which no flush reaches: it has to be asked. */
	if (v->io.kind != IO_NONE)
		return;
	s = open(v, v->steal_at);
	__atomic_store_n(&s->preempted, KVM_VCPU_PREEMPTED, __ATOMIC_RELEASE);
	frame_unmap();
	v->preempted = true;
}

bool pv_set_steal_time(struct x86_vcpu *v, u64 value)
{
	if (value & STEAL_RESERVED)
		return false;
	v->steal_msr = value;
	v->steal_at = value & ENABLE ? own_ram(v, value & ~ENABLE) : FRAME_NONE;
	x86_switch_more(v);
	if (!frame_ok(v->steal_at))
		return true; /* as KVM: a bad address is the guest's loss */
	v->preempted = true;
	v->wait_told = ~0ull;
	pv_load(v);
	return true;
}

/* ---- calls ---- */

static struct x86_vcpu *by_apic_id(struct x86_vcpu *v, u64 id)
{
	struct x86_domain *d = x86_domain(v->hv.domain);

	return id < READ_ONCE(d->hv.vcpus) ? apic_vcpu(d->apics[id]) : NULL;
}

/* It leaves HLT, whatever RFLAGS.IF says, or does not enter it the next time. */
static s64 kick(struct x86_vcpu *v)
{
	if (!v)
		return 0;
	/* Before `sleep` is looked at; the one that goes to sleep does it the other way round. */
	__atomic_store_n(&v->kicked, true, __ATOMIC_SEQ_CST);
	vcpu_wake(&v->hv, SLEEP_HLT);
	return 0;
}

/* The CPU goes to those who wait for it here, if `to` is one of them. */
static s64 yield(struct x86_vcpu *v, struct x86_vcpu *to)
{
	struct sched_cpu *c = &v->hv.cpu->sched;

	if (to && to != v && READ_ONCE(to->hv.sched.state) == SCHED_QUEUED &&
	    READ_ONCE(to->hv.sched.cpu) == c) {
		sched_give_way(c, arch_now());
		__atomic_or_fetch(&v->hv.pending, PEND_LEAVE, __ATOMIC_RELAXED);
	}
	return 0;
}

/* One interrupt to each of a set of APICs: how many took it. */
static s64 send_ipi(struct x86_vcpu *v, const u64 set[2], u32 bits, u32 first, u64 icr)
{
	struct x86_domain *d = x86_domain(v->hv.domain);
	struct irq_msg m = { .vector = (u8)icr, .mode = GET(APIC_ICR_MODE, icr) };
	u32 n = READ_ONCE(d->hv.vcpus);
	s64 count = 0;

	if (icr & (APIC_ICR_LOGICAL | APIC_ICR_SHORTHAND))
		return KVM_EINVAL;
	for (u32 w = 0; w < 2; w++)
		for (u64 left = set[w], id; left; left &= left - 1) {
			id = (u64)first + w * bits + (u64)__builtin_ctzll(left);
			if (id >= n)
				break;
			m.dest = (u32)id;
			count += vlapic_route(d->apics, n, &m);
		}
	return count;
}

s64 pv_call(struct x86_vcpu *v, u64 nr, bool wide)
{
	u64 mask = wide ? ~0ull : ~0u, rbx = v->regs[RBX] & mask, rcx = v->regs[RCX] & mask;

	switch (nr) {
	case KVM_HC_KICK_CPU:
		return kick(by_apic_id(v, rcx));
	case KVM_HC_SEND_IPI:
		return send_ipi(v, (u64[]){ rbx, rcx }, wide ? 64 : 32, (u32)v->regs[RDX],
				v->regs[RSI] & mask);
	case KVM_HC_SCHED_YIELD:
		return yield(v, by_apic_id(v, rbx));
	}
	return KVM_ENOSYS;
}
