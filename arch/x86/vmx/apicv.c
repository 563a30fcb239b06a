/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * APIC virtualisation and posted interrupts. SDM volume 3, "APIC Virtualization and Virtual Interrupts".
 *
 * Where an interrupt for a vCPU goes, by the state of its posted-interrupt descriptor
 * (docs/interrupts.md has the proof):
 *
 *   running    NV = VEC_POSTED, NDST = its CPU    the processor takes it from PIR without an exit
 *   asleep     NV = VEC_POSTED_WAKE, NDST = the CPU it fell asleep on, in that CPU's list: the handler wakes
 * who has ON preempted  SN = 1                              nobody is told; whoever loads it looks at PIR
 *
 * A poster sets the bit in PIR, then ON, and notifies when ON was clear and SN is. A vCPU
 * that changes state changes the descriptor first and then looks at PIR: either it sees the
 * bit, or the poster sees the new state.
 */
#include "arch/x86/vmx/vmx.h"
#include "arch/x86/asm.h"
#include "arch/x86/hostmap.h"
#include "arch/x86/irq.h"
#include "arch/x86/lapic.h"
#include "arch/x86/regs.h"
#include "arch/x86/s2.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/main.h"
#include "hv/panic.h"
#include "hv/string.h"

#define NEEDS_PROC2                                                         \
	(VMX_PROC2_VIRTUALIZE_APIC_ACCESSES | VMX_PROC2_VIRTUALIZE_X2APIC | \
	 VMX_PROC2_APIC_REGISTER_VIRTUALIZATION | VMX_PROC2_VIRTUAL_INTERRUPT_DELIVERY)

static bool usable;
/* accesses to the xAPIC's page can be told from others: all of APICv that older processors have */
static bool catches;
static hpa_t access_page;   /* APIC-access page: its bytes are never used */
static void *x2apic_bitmap; /* the MSR bitmap of vCPUs in x2APIC mode */

/* vCPUs asleep, by the CPU on which they fell asleep. */
static struct {
	struct lock lock;
	struct vmx_vcpu *first;
} asleep[CAISSON_MAX_CPUS];

bool apicv_probe(void)
{
	catches = vmx_has(&vmx_caps, VMX_CTL_PROC2, VMX_PROC2_VIRTUALIZE_APIC_ACCESSES);
	if (catches)
		vmx_caps.use[VMX_CTL_PROC2] |= VMX_PROC2_VIRTUALIZE_APIC_ACCESSES;
	usable = !hv_options.no_apicv && vmx_has(&vmx_caps, VMX_CTL_PIN, VMX_PIN_POSTED_INTERRUPTS) &&
		 vmx_has(&vmx_caps, VMX_CTL_PROC, VMX_PROC_TPR_SHADOW) &&
		 vmx_has(&vmx_caps, VMX_CTL_PROC2, NEEDS_PROC2);
	if (!usable)
		return false;
	vmx_caps.use[VMX_CTL_PIN] |= VMX_PIN_POSTED_INTERRUPTS;
	vmx_caps.use[VMX_CTL_PROC] |= VMX_PROC_TPR_SHADOW;
	vmx_caps.use[VMX_CTL_PROC] &= ~(u64)(VMX_PROC_CR8_LOAD_EXITING | VMX_PROC_CR8_STORE_EXITING);
	vmx_caps.use[VMX_CTL_PROC2] |= NEEDS_PROC2;
	return true;
}

/* An interrupt for the vCPU that runs here came while this CPU was in root mode with interrupts on. */
static void __endbr posted_in_root(void)
{
	struct vcpu *v = this_cpu()->current;

	if (v)
		vcpu_pend(v, PEND_IRQ, true);
}

static void __endbr posted_wake(void)
{
	u32 cpu = this_cpu()->id;

	lock(&asleep[cpu].lock);
	for (struct vmx_vcpu *x = asleep[cpu].first; x; x = x->next)
		if (READ_ONCE(x->owner->apic.pi.control) & PI_ON)
			vcpu_wake(&x->owner->hv, SLEEP_HLT);
	unlock(&asleep[cpu].lock);
}

/* Boot CPU, frames there. The bitmap starts as everybody's; pass() opens an MSR in it. */
void apicv_init(void (*pass)(void *bitmap, u32 msr, bool write))
{
	void *page = catches ? frame_hv_alloc(FRAME_OWNER_HV, 0) : NULL;

	if (catches)
		access_page = s2_hidden = arch_direct_pa(page);
	if (!usable)
		return;
	x2apic_bitmap = frame_hv_alloc(FRAME_OWNER_HV, 0);
	if (!page || !x2apic_bitmap)
		panic("no memory for APIC virtualisation");
	memcpy(x2apic_bitmap, vmx_msr_bitmap, PAGE_SIZE);
	/* Reads come from the virtual-APIC page,
	 * but for the timer's count and what does not exist there (its exit gives #GP). */
	static const u8 reads[] = { 0x02, 0x03, 0x08, 0x0a, 0x0d, 0x0f, 0x10, 0x11, 0x12, 0x13,
				    0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d,
				    0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
				    0x28, 0x30, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x3e };
	for (u32 i = 0; i < sizeof(reads); i++)
		pass(x2apic_bitmap, MSR_X2APIC + reads[i], false);
	pass(x2apic_bitmap, MSR_X2APIC + APIC_TPR / 16, true);
	pass(x2apic_bitmap, MSR_X2APIC + APIC_EOI / 16, true);
	pass(x2apic_bitmap, MSR_X2APIC + APIC_SELF_IPI / 16, true);
	irq_register(VEC_POSTED, posted_in_root);
	irq_register(VEC_POSTED_WAKE, posted_wake);
}

/* ---- the VMCS. Current while these run. ---- */

void apicv_vmcs(struct x86_vcpu *v)
{
	if (catches)
		vmwrite(VMCS_APIC_ACCESS_ADDRESS, access_page.v);
	if (!v->apicv)
		return;
	vmwrite(VMCS_VIRTUAL_APIC_ADDRESS, arch_direct_pa(v->apic.regs).v);
	vmwrite(VMCS_POSTED_INTERRUPT_VECTOR, VEC_POSTED);
	vmwrite(VMCS_POSTED_INTERRUPT_DESC, arch_direct_pa(&v->apic.pi).v);
	vmwrite(VMCS_TPR_THRESHOLD, 0);
}

/*
 * xAPIC accesses are caught by a page that is mapped for the whole domain, and to a vCPU that does not look
 * for them it would be RAM: it is there only while every vCPU has its APIC in that mode, at that place.
 * Without it they come as accesses to nowhere, and software answers.
 */
static void access_page_map(struct x86_vcpu *v, bool away)
{
	struct x86_domain *d = x86_domain(v->hv.domain);

	lock(&d->hv.vm.lock);
	d->apics_away += (u32)away - (u32)v->apic_away;
	v->apic_away = away;
	if (d->apics_away == 0)
		arch_s2_map(&d->hv, GPA(APIC_BASE_POWER_UP), access_page, PAGE_SIZE,
			    CAISSON_PROT_READ | CAISSON_PROT_WRITE);
	else if (arch_s2_unmap(&d->hv, GPA(APIC_BASE_POWER_UP), PAGE_SIZE))
		arch_s2_flush(&d->hv);
	unlock(&d->hv.vm.lock);
}

void __endbr apicv_mode(struct x86_vcpu *v)
{
	struct vmx_vcpu *x = vmx_vcpu(v);
	bool x2 = v->apicv && vlapic_x2apic(&v->apic), xapic = catches && vlapic_xapic(&v->apic);
	bool home = xapic && (v->apic.base & APIC_BASE_ADDR) == APIC_BASE_POWER_UP;
	u64 proc2 = x->proc2 & ~(u64)(VMX_PROC2_VIRTUALIZE_APIC_ACCESSES | VMX_PROC2_VIRTUALIZE_X2APIC);

	proc2 |= x2 ? VMX_PROC2_VIRTUALIZE_X2APIC : home ? VMX_PROC2_VIRTUALIZE_APIC_ACCESSES : 0;
	x->proc2 = (u32)proc2;
	vmwrite(VMCS_PROC2_CONTROLS, proc2);
	vmwrite(VMCS_MSR_BITMAP, arch_direct_pa(x2 ? x2apic_bitmap : vmx_msr_bitmap).v);
	if (catches)
		access_page_map(v, !home);
}

void __endbr apicv_eoi_bitmap(struct x86_vcpu *v)
{
	struct x86_domain *d = x86_domain(v->hv.domain);
	u64 vectors[4];

	lock(&d->irq_lock);
	vioapic_eoi_vectors(&d->ioapic, vectors);
	unlock(&d->irq_lock);
	for (u32 i = 0; i < 4; i++) {
		/* A level that is in service or on its way in keeps its bit, programmed away or not. */
		const u32 *r = v->apic.regs + 8 * i;
		u64 tmr = r[APIC_TMR / 4] | (u64)r[APIC_TMR / 4 + 4] << 32;
		u64 busy = r[APIC_ISR / 4] | (u64)r[APIC_ISR / 4 + 4] << 32;

		busy |= r[APIC_IRR / 4] | (u64)r[APIC_IRR / 4 + 4] << 32;
		vmwrite(VMCS_EOI_EXIT_BITMAP_0 + 2 * i, vectors[i] | (tmr & busy));
	}
}

/* What was posted goes into IRR as the processor would put it there. SDM: "Posted-Interrupt Processing". */
static void merge_pir(struct x86_vcpu *v)
{
	struct pi_desc *pi = &v->apic.pi;
	u64 status, rvi;

	if (!(READ_ONCE(pi->control) & PI_ON))
		return;
	__atomic_fetch_and(&pi->control, ~PI_ON, __ATOMIC_SEQ_CST);
	status = vmread(VMCS_GUEST_INTERRUPT_STATUS);
	rvi = GET(INTERRUPT_STATUS_RVI, status);
	for (u32 k = 0; k < 4; k++) {
		u64 bits;

		if (!READ_ONCE(pi->pir[k]))
			continue;
		bits = __atomic_exchange_n(&pi->pir[k], 0, __ATOMIC_SEQ_CST);
		v->apic.regs[APIC_IRR / 4 + 8 * k] |= (u32)bits;
		v->apic.regs[APIC_IRR / 4 + 8 * k + 4] |= (u32)(bits >> 32);
		rvi = MAX(rvi, k * 64 + 63 - (u64)__builtin_clzll(bits));
	}
	vmwrite(VMCS_GUEST_INTERRUPT_STATUS, (status & ~(u64)INTERRUPT_STATUS_RVI) | rvi);
}

/* Before an entry with PEND_IRQ. */
void apicv_sync(struct x86_vcpu *v)
{
	int rvi, svi;

	if (unlikely(v->apic_touched)) {
		/* Software has worked on IRR and ISR: the processor's idea of them is what software says. */
		v->apic_touched = false;
		vlapic_sync(&v->apic);
		rvi = vlapic_irr_top(&v->apic);
		svi = vlapic_isr_top(&v->apic);
		vmwrite(VMCS_GUEST_INTERRUPT_STATUS,
			PUT(INTERRUPT_STATUS_RVI, MAX(rvi, 0)) | PUT(INTERRUPT_STATUS_SVI, MAX(svi, 0)));
		return;
	}
	merge_pir(v);
}

/* A write of the x2APIC's ICR that sends a plain interrupt to the sender: what the processor does by itself
 * for SELF IPI. False: it is another one. */
bool apicv_self_ipi(struct x86_vcpu *v)
{
	u32 icr = (u32)v->regs[RAX], dest = (u32)v->regs[RDX], shorthand = (u32)GET(APIC_ICR_SHORTHAND, icr);
	u64 vector = icr & APIC_ICR_VECTOR, status;
	u32 *tmr = &v->apic.regs[(APIC_TMR + (vector >> 5) * 16) / 4], bit = 1u << (vector & 31);

	if ((icr & ~(u32)(APIC_ICR_VECTOR | APIC_ICR_LEVEL | APIC_ICR_SHORTHAND)) || vector < 16 ||
	    !(shorthand == APIC_TO_SELF || (shorthand == APIC_TO_DEST && dest == v->hv.id)) ||
	    !vlapic_x2apic(&v->apic) || !(v->apic.regs[APIC_SVR / 4] & APIC_SVR_ENABLE) ||
	    (READ_ONCE(*tmr) & bit))
		return false;
	v->apic.regs[APIC_ICR / 4] = icr;
	v->apic.regs[APIC_ICR / 4 + 1] = dest;
	v->apic.regs[(APIC_IRR + (vector >> 5) * 16) / 4] |= bit;
	status = vmread(VMCS_GUEST_INTERRUPT_STATUS);
	if (vector > GET(INTERRUPT_STATUS_RVI, status))
		vmwrite(VMCS_GUEST_INTERRUPT_STATUS, (status & ~(u64)INTERRUPT_STATUS_RVI) | vector);
	return true;
}

/* In HLT: would an interrupt be delivered? */
bool __endbr apicv_waits(struct x86_vcpu *v)
{
	if (v->apic_touched)
		return vlapic_pending_vector(&v->apic) >= 0;
	merge_pir(v);
	return (vmread(VMCS_GUEST_INTERRUPT_STATUS) & INTERRUPT_STATUS_RVI & 0xf0) >
	       (v->apic.regs[APIC_PPR / 4] & 0xf0);
}

/* ---- the descriptor's states ---- */

static void pi_set(struct x86_vcpu *v, u64 value)
{
	u64 *c = &v->apic.pi.control, old = READ_ONCE(*c);

	while (!CAS(c, &old, (old & PI_ON) | value))
		;
}

static u64 pi_here(u32 vector)
{
	u32 id = x86_this_cpu()->apic_id;

	return PUT(PI_NV, vector) | PUT(PI_NDST, lapic_is_x2apic() ? id : id << 8);
}

void apicv_here(struct x86_vcpu *v)
{
	vmx_vcpu(v)->pi_running = pi_here(VEC_POSTED);
}

static void sleep_list_remove(struct vmx_vcpu *x)
{
	lock(&asleep[x->asleep_on].lock);
	*x->link = x->next;
	if (x->next)
		x->next->link = x->link;
	unlock(&asleep[x->asleep_on].lock);
	x->link = NULL;
}

void apicv_running(struct x86_vcpu *v)
{
	struct vmx_vcpu *x = vmx_vcpu(v);

	u64 was = READ_ONCE(v->apic.pi.control) & ~PI_ON;

	if (was == (x->pi_running | PI_SN)) { /* preempted, and on the same CPU again: it was in no list */
		__atomic_and_fetch(&v->apic.pi.control, ~PI_SN, __ATOMIC_SEQ_CST);
	} else {
		if (was != x->pi_running)
			pi_set(v, x->pi_running);
		if (x->link)
			sleep_list_remove(x);
	}
	if (READ_ONCE(v->apic.pi.control) & PI_ON)
		__atomic_or_fetch(&v->hv.pending, PEND_IRQ, __ATOMIC_RELAXED);
}

void __endbr apicv_asleep(struct x86_vcpu *v)
{
	struct vmx_vcpu *x = vmx_vcpu(v);
	u32 cpu = this_cpu()->id;

	if (!x->link) {
		x->owner = v;
		x->asleep_on = cpu;
		lock(&asleep[cpu].lock);
		x->next = asleep[cpu].first;
		x->link = &asleep[cpu].first;
		if (x->next)
			x->next->link = &x->next;
		asleep[cpu].first = x;
		unlock(&asleep[cpu].lock);
	}
	pi_set(v, pi_here(VEC_POSTED_WAKE));
}

void apicv_preempted(struct x86_vcpu *v)
{
	if (!vmx_vcpu(v)->link)
		__atomic_or_fetch(&v->apic.pi.control, PI_SN, __ATOMIC_SEQ_CST);
}

void apicv_forget(struct x86_vcpu *v)
{
	if (vmx_vcpu(v)->link)
		sleep_list_remove(vmx_vcpu(v));
}

/* Somebody has set ON. Any CPU.
 * SDM: "Posted-Interrupt Processing"; what a device's post would do in hardware. */
void __endbr apicv_notify(struct x86_vcpu *v)
{
	u64 c = __atomic_load_n(&v->apic.pi.control, __ATOMIC_SEQ_CST);
	u32 dest = (u32)GET(PI_NDST, c);

	if (c & PI_SN)
		return;
	if (!lapic_is_x2apic())
		dest >>= 8;
	if (GET(PI_NV, c) == 0) { /* it has not run yet */
		vcpu_pend(&v->hv, PEND_IRQ, true);
	} else if (dest != x86_this_cpu()->apic_id) {
		lapic_ipi(dest, (u32)GET(PI_NV, c));
	} else if (GET(PI_NV, c) == VEC_POSTED_WAKE) {
		vcpu_wake(&v->hv, SLEEP_HLT);
	} else {
		__atomic_or_fetch(&v->hv.pending, PEND_IRQ, __ATOMIC_RELAXED);
	}
}
