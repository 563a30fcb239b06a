/* SPDX-License-Identifier: BSD-2-Clause */
/* Domains and vCPUs of x86: made, switched, shown. hv/arch.h says what each function promises. */
#include "arch/x86/asm.h"
#include "arch/x86/cpu.h"
#include "arch/x86/doctor.h"
#include "arch/x86/hvm.h"
#include "arch/x86/percpu.h"
#include "arch/x86/pv.h"
#include "arch/x86/regs.h"
#include "arch/x86/s2.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/log.h"
#include "hv/panic.h"
#include "hv/string.h"
#include "hv/trace.h"

const struct hvm_ops *hvm __ro_after_init;
struct hvm_has hvm_has;

#define DOMAIN_ORDER 1u
#define VCPU_ORDER   2u /* the object, the vendor's part and the XSAVE area */
_Static_assert(sizeof(struct x86_domain) <= PAGE_SIZE << DOMAIN_ORDER, "one block");

#define FXSAVE_BYTES 512u
#define FPU_CONTROL  0x37fu /* SDM: "Processor State After Reset", FNINIT's control word */
#define MXCSR_INIT   0x1f80u

static u32 xsave_bytes(void)
{
	return cpu_info.xcr0 ? cpu_info.xsave_size : FXSAVE_BYTES;
}

static u64 vendor_offset(void)
{
	return ALIGN_UP(sizeof(struct x86_vcpu), 64);
}

static u64 xsave_offset(void)
{
	return ALIGN_UP(vendor_offset() + hvm->vcpu_bytes, 64);
}

static void vcpu_check_layout(void)
{
	if (xsave_offset() + xsave_bytes() > PAGE_SIZE << VCPU_ORDER)
		panic("a vCPU needs %lu bytes", xsave_offset() + xsave_bytes());
}

/* ---- domains ---- */

static void __endbr host_cpuid(void *ctx, u32 leaf, u32 subleaf, u32 out[4])
{
	struct cpuid r = cpuid(leaf, subleaf);

	(void)ctx;
	memcpy(out, &r, sizeof(r));
}

static void domain_policies(struct x86_domain *d, u32 vcpus)
{
	const struct cpuid_params p = {
		.vcpus = vcpus,
		.tsc_khz = (u32)arch_tsc_khz(),
		.kvm_features = pv_features(),
		.phys_bits = arch_phys_bits(),
		.xcr0 = cpu_info.xcr0,
		.rdtscp = hvm_has.rdtscp,
		.invpcid = hvm_has.invpcid,
	};

	cpuid_build(&d->cpuid, &p, host_cpuid, NULL);
	d->msrs = (struct msr_params){ .phys_bits = p.phys_bits,
				       .rdtscp = p.rdtscp,
				       .amd = d->cpuid.amd,
				       .pv_eoi = p.kvm_features & KVM_FEATURE_PV_EOI };
}

static u64 serials;

struct domain *arch_domain_alloc(u64 ram_pages, u32 vcpus)
{
	struct x86_domain *d = frame_hv_alloc(FRAME_OWNER_HV, DOMAIN_ORDER);

	if (!d)
		return NULL;
	if (s2_init(d, ram_pages)) {
		frame_hv_free(d, DOMAIN_ORDER);
		return NULL;
	}
	domain_policies(d, vcpus);
	vioapic_init(&d->ioapic, 0);
	d->serial = __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED);
	return &d->hv;
}

void arch_domain_free(struct domain *d)
{
	s2_exit(x86_domain(d));
	frame_hv_free(x86_domain(d), DOMAIN_ORDER);
}

void arch_domain_reset(struct domain *d)
{
	struct x86_domain *x = x86_domain(d);

	lock(&x->irq_lock); /* a device model may be at its lines */
	vioapic_init(&x->ioapic, 0);
	unlock(&x->irq_lock);
}

u64 arch_domain_pages(const struct domain *d)
{
	/* object, ioreq page, ring, tables; per vCPU object, APIC page, vendor's block */
	return (1u << DOMAIN_ORDER) + 1 + (d->posted.ring != NULL) + x86_domain(d)->s2.pages +
	       d->vcpus * ((1u << VCPU_ORDER) + 2);
}

/* ---- vCPUs ---- */

static void __endbr apic_timer(struct timer *t)
{
	struct x86_vcpu *v = container_of(t, struct x86_vcpu, apic_timer);

	/* The APIC's registers belong to the vCPU's CPU, which may be another by now. */
	__atomic_store_n(&v->timer_fired, true, __ATOMIC_RELEASE);
	vcpu_pend(&v->hv, PEND_ARCH, true);
}

static void reset_fpu(struct x86_vcpu *v)
{
	memset(v->xsave, 0, xsave_bytes());
	*(u16 *)v->xsave = FPU_CONTROL;
	*(u32 *)((u8 *)v->xsave + 24) = MXCSR_INIT;
}

/* What INIT leaves alone (SDM: "Processor State After Reset") is done here. */
void arch_vcpu_reset(struct vcpu *hv)
{
	struct x86_vcpu *v = x86_vcpu(hv);

	lock(&hv->still);
	timer_cancel(&v->apic_timer);
	v->timer_fired = false;
	v->nmi_pending = v->extint = v->init_sipi = 0;
	v->io.kind = IO_NONE;
	pv_reset(v);
	v->wait_base = hv->sched.wait_ticks;
	v->tsc_offset = v->tsc_adjust = 0;
	memset(v->syscall, 0, sizeof(v->syscall));
	v->syscall_live = false;
	v->kernel_gs_base = 0;
	v->xcr0 = XCR0_X87;
	reset_fpu(v);
	msr_state_init(&v->msrs, &x86_domain(hv->domain)->msrs);
	vlapic_reset(&v->apic, false);
	x86_vcpu_init_state(v);
	v->halted = false;
	v->wait_sipi = hv->id != 0;
	unlock(&hv->still);
}

void x86_vcpu_init_state(struct x86_vcpu *v)
{
	/* SDM: "Processor State After Reset", APM: "Initial Processor State" */
	static const struct caisson_vcpu_context power_up = {
		.rip = 0xfff0,
		.rflags = RFLAGS_1,
		.cr0 = CR0_CD | CR0_NW | CR0_ET,
		.cs = { 0xffff0000, 0xffff, 0xf000, 0x9b },
		.ss = { 0, 0xffff, 0, 0x93 },
		.ds = { 0, 0xffff, 0, 0x93 },
		.es = { 0, 0xffff, 0, 0x93 },
		.fs = { 0, 0xffff, 0, 0x93 },
		.gs = { 0, 0xffff, 0, 0x93 },
		.ldtr = { 0, 0xffff, 0, 0x82 },
		.tr = { 0, 0xffff, 0, 0x8b },
		.gdtr_limit = 0xffff,
		.idtr_limit = 0xffff,
		.dr7 = DR7_INIT,
		.pat = PAT_RESET,
	};

	memset(v->regs, 0, sizeof(v->regs));
	v->regs[RDX] = x86_domain(v->hv.domain)->cpuid.basic[1].r[CPUID_EAX];
	memset(v->dr, 0, sizeof(v->dr));
	v->dr6 = DR6_INIT;
	v->cr2 = 0;
	v->guest_dr7 = DR7_INIT;
	if (v->debug_hw) { /* a debugger's stay */
		__atomic_or_fetch(&v->hv.pending, PEND_DEBUG, __ATOMIC_RELEASE);
	} else if (v->hv.cpu && v->dr_used) { /* INIT of a running one: these are in the processor */
		debug_to_cpu(v);
	}
	if (v->hv.cpu)
		write_cr2(0);
	hvm->vcpu_reset(v, &power_up);
}

void x86_vcpu_sipi_state(struct x86_vcpu *v, u8 vector)
{
	struct caisson_vcpu_context c;

	memset(&c, 0, sizeof(c));
	hvm->get_context(v, &c);
	c.cs.selector = (u16)(vector << 8);
	c.cs.base = (u64)vector << 12;
	c.rip = 0;
	hvm->set_context(v, &c);
}

struct vcpu *arch_vcpu_alloc(struct domain *d, u32 id)
{
	struct x86_vcpu *v = frame_hv_alloc(FRAME_OWNER_HV, VCPU_ORDER);

	if (!v)
		return NULL;
	v->hv.domain = d;
	v->hv.id = id;
	v->vendor = (u8 *)v + vendor_offset();
	v->xsave = (u8 *)v + xsave_offset();
	v->apic_page = frame_hv_alloc(FRAME_OWNER_HV, 0);
	if (!v->apic_page)
		goto no_page;
	timer_init(&v->apic_timer, &this_cpu()->timers, apic_timer);
	vlapic_init(&v->apic, v->apic_page, id, arch_tsc_khz() * 1000, arch_phys_bits());
	v->on_exit = hvm->exit;
	if (hvm->vcpu_init(v))
		goto no_block;
	arch_vcpu_reset(&v->hv);
	WRITE_ONCE(x86_domain(d)->apics[id], &v->apic);
	return &v->hv;
no_block:
	frame_hv_free(v->apic_page, 0);
no_page:
	frame_hv_free(v, VCPU_ORDER);
	return NULL;
}

void arch_vcpu_free(struct vcpu *hv)
{
	struct x86_vcpu *v = x86_vcpu(hv);

	timer_cancel_wait(&v->apic_timer);
	hvm->vcpu_free(v);
	frame_hv_free(v->apic_page, 0);
	frame_hv_free(v, VCPU_ORDER);
}

/* ---- on and off a CPU ---- */

/* Every component that a guest may switch on, whatever this one has in XCR0:
 * the next owner of the CPU sees none of it. */
static void save_fpu(struct x86_vcpu *v)
{
	if (unlikely(v->xcr0 != cpu_info.xcr0)) {
		if (!cpu_info.xcr0) {
			__asm__ volatile("fxsave64 (%0)" : : "r"(v->xsave) : "memory");
			return;
		}
		if (!xsetbv_safe(0, cpu_info.xcr0))
			panic("XCR0 %lx is refused", cpu_info.xcr0);
	}
	__asm__ volatile("xsave64 (%0)" : : "r"(v->xsave), "a"(~0u), "d"(~0u) : "memory");
}

static void load_fpu(struct x86_vcpu *v)
{
	if (likely(v->xcr0 == cpu_info.xcr0 || cpu_info.xcr0))
		/* XCR0 is the full one here: boot and save_fpu() leave it so. */
		__asm__ volatile("xrstor64 (%0)" : : "r"(v->xsave), "a"(~0u), "d"(~0u));
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(v->xsave));
	if (unlikely(v->xcr0 != cpu_info.xcr0) && cpu_info.xcr0 && !xsetbv_safe(0, v->xcr0))
		panic("XCR0 %lx of a guest is refused", v->xcr0);
}

static const u32 syscall_msr[SYSCALL_MSRS] = { MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK, MSR_TSC_AUX };

static __noinline void syscall_change(struct x86_vcpu *v, u64 *now)
{
	for (u32 i = v->syscall_live ? 0 : SYSCALL_TSC_AUX; i < SYSCALL_MSRS; i++)
		if (now[i] != v->syscall[i]) {
			if (i != SYSCALL_TSC_AUX || cpu_has(CPU_RDTSCP))
				wrmsr(syscall_msr[i], v->syscall[i]);
			now[i] = v->syscall[i];
		}
}

static void syscall_load(struct x86_vcpu *v, u64 *now)
{
	u64 *want = v->syscall, differ = now[4] ^ want[4];

	_Static_assert(SYSCALL_MSRS == 5 && SYSCALL_TSC_AUX == 4, "all of them are compared");
	if (v->syscall_live)
		differ |= (now[0] ^ want[0]) | (now[1] ^ want[1]) | (now[2] ^ want[2]) | (now[3] ^ want[3]);
	if (unlikely(differ))
		syscall_change(v, now);
}

void syscall_enable(struct x86_vcpu *v)
{
	v->syscall_live = !hvm->holds_syscall;
	syscall_load(v, x86_cpu(v->hv.cpu)->syscall);
}

bool syscall_write(struct x86_vcpu *v, u32 msr, u64 value)
{
	u32 i = syscall_index(msr);

	if (!wrmsr_safe(msr, value))
		return false;
	v->syscall[i] = x86_cpu(v->hv.cpu)->syscall[i] = rdmsr(msr);
	if (hvm->holds_syscall && msr != MSR_TSC_AUX)
		hvm->set(v, msr, v->syscall[i]);
	return true;
}

void debug_to_cpu(struct x86_vcpu *v)
{
	const u64 *dr = v->debug_hw ? v->debug.dr : v->dr;

	write_dr0(dr[0]);
	write_dr1(dr[1]);
	write_dr2(dr[2]);
	write_dr3(dr[3]);
	write_dr6(v->dr6);
}

void debug_from_cpu(struct x86_vcpu *v)
{
	v->dr[0] = read_dr0();
	v->dr[1] = read_dr1();
	v->dr[2] = read_dr2();
	v->dr[3] = read_dr3();
	v->dr6 = read_dr6();
}

void debug_load(struct x86_vcpu *v)
{
	if (v->dr_used)
		return;
	v->dr_used = v->switch_more = true;
	debug_to_cpu(v);
	hvm->dr_exiting(v, false);
}

void arch_vcpu_migrate(struct vcpu *hv, struct timer_queue *to)
{
	timer_migrate(&x86_vcpu(hv)->apic_timer, to);
}

void x86_switch_more(struct x86_vcpu *v)
{
	v->switch_more = v->dr_used || frame_ok(v->steal_at) || (mitigations & MIT_IBPB);
}

/* What the last domain here taught the branch predictors shall not steer this one, nor tell it anything. */
static void barrier_between(struct x86_pcpu *c, u64 serial)
{
	if (c->serial == serial)
		return;
	c->serial = serial;
	c->hv.barriers++;
	wrmsr(MSR_PRED_CMD, 1);
}

static inline void load_last(struct x86_vcpu *v)
{
	write_cr2(v->cr2);
	hvm->load(v);
}

/* These end what they are called from: nothing has to be kept for afterwards where they are not called. */
static __noinline void load_more(struct x86_vcpu *v)
{
	if (mitigations & MIT_IBPB)
		barrier_between(x86_cpu(v->hv.cpu), x86_domain(v->hv.domain)->serial);
	if (v->dr_used)
		debug_to_cpu(v);
	if (frame_ok(v->steal_at))
		pv_load(v);
	load_last(v);
}

void arch_vcpu_load(struct vcpu *hv)
{
	struct x86_vcpu *v = x86_vcpu(hv);

	load_fpu(v);
	syscall_load(v, x86_cpu(hv->cpu)->syscall);
	wrmsr(MSR_KERNEL_GS_BASE, v->kernel_gs_base);
	if (unlikely(v->switch_more))
		load_more(v);
	else
		load_last(v);
}

static inline void put_last(struct x86_vcpu *v)
{
	v->cr2 = read_cr2();
	save_fpu(v);
	hvm->put(v);
}

static __noinline void put_more(struct x86_vcpu *v)
{
	if (v->dr_used && !v->debug_hw) {
		debug_from_cpu(v);
		/* With nothing enabled they are loaded again when they are touched again. */
		if (!(hvm->get(v, HVM_DR7) & DR7_ENABLED)) {
			v->dr_used = false;
			x86_switch_more(v);
			hvm->dr_exiting(v, true);
		}
	}
	if (frame_ok(v->steal_at))
		pv_put(v);
	put_last(v);
}

void arch_vcpu_put(struct vcpu *hv)
{
	struct x86_vcpu *v = x86_vcpu(hv);

	v->kernel_gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	if (unlikely(v->switch_more))
		put_more(v);
	else
		put_last(v);
}

bool arch_vcpu_has_work(struct vcpu *hv)
{
	struct x86_vcpu *v = x86_vcpu(hv);

	if (v->wait_sipi)
		return READ_ONCE(v->init_sipi) & VCPU_SIPI;
	if (READ_ONCE(v->init_sipi) || READ_ONCE(v->nmi_pending) || READ_ONCE(v->timer_fired) ||
	    READ_ONCE(v->kicked))
		return true;
	if (!v->halt_open)
		return false;
	if (READ_ONCE(v->extint))
		return true;
	return v->apicv ? hvm->apicv_waits(v) : vlapic_pending_vector(&v->apic) >= 0;
}

void arch_vcpu_asleep(struct vcpu *hv)
{
	struct x86_vcpu *v = x86_vcpu(hv);

	if (v->apicv)
		hvm->apicv_asleep(v);
}

/* It was in HLT, or waited for SIPI. False: it still does. */
static __noinline bool wakes(struct x86_vcpu *v)
{
	if (v->halted && v->apicv)
		hvm->apicv_awake(v);
	/* What the timer brought may be an interrupt now, or not. */
	if (!v->wait_sipi && __atomic_exchange_n(&v->timer_fired, false, __ATOMIC_ACQ_REL))
		vlapic_timer_expired(&v->apic);
	if (!arch_vcpu_has_work(&v->hv)) {
		vcpu_sleep(&v->hv, v->wait_sipi ? SLEEP_SIPI : SLEEP_HLT);
		return false;
	}
	if (READ_ONCE(v->init_sipi))
		__atomic_or_fetch(&v->hv.pending, PEND_ARCH, __ATOMIC_RELEASE);
	v->halted = v->kicked = false;
	return true;
}

void arch_vcpu_run(struct vcpu *hv)
{
	struct x86_vcpu *v = x86_vcpu(hv);

	if (likely(!(v->halted || v->wait_sipi)) || wakes(v))
		hvm->run(v);
}

/* ---- seen from outside ---- */

void arch_vcpu_set_result(struct vcpu *v, s64 value)
{
	x86_vcpu(v)->regs[RAX] = (u64)value;
}

u64 arch_vcpu_rip(const struct vcpu *v)
{
	return x86_vcpu(v)->exit_rip;
}

struct stat_whats *arch_vcpu_whats(struct vcpu *v)
{
	return &x86_vcpu(v)->whats;
}

u32 arch_what_kind(u32 row)
{
#define WHAT_X(name, first, bits) row - (first) < (1u << (bits)) ? EXIT_##name:
	return EXIT_WHATS(WHAT_X) EXIT_OTHER;
#undef WHAT_X
}

struct stat *arch_vcpu_stats(struct vcpu *v)
{
	return x86_vcpu(v)->stats;
}

void arch_vcpu_get_context(struct vcpu *hv, struct caisson_vcpu_context *c)
{
	struct x86_vcpu *v = x86_vcpu(hv);

	lock(&hv->still);
	memcpy(c->gpr, v->regs, sizeof(c->gpr));
	hvm->get_context(v, c);
	c->cr2 = v->cr2;
	c->cr8 = vlapic_tpr(&v->apic) >> 4;
	memcpy(c->dr, v->dr, sizeof(c->dr));
	c->dr6 = v->dr6;
	if (v->debug_hw)
		c->dr7 = v->guest_dr7;
	c->xcr0 = v->xcr0;
	c->star = v->syscall[SYSCALL_STAR];
	c->lstar = v->syscall[SYSCALL_LSTAR];
	c->cstar = v->syscall[SYSCALL_CSTAR];
	c->sfmask = v->syscall[SYSCALL_SFMASK];
	c->kernel_gs_base = v->kernel_gs_base;
	c->tsc_offset = v->tsc_offset;
	c->activity = v->wait_sipi ? CAISSON_ACT_WAIT_SIPI : v->halted ? CAISSON_ACT_HLT : CAISSON_ACT_RUN;
	unlock(&hv->still);
}

static bool canonical(u64 va)
{
	return (u64)((s64)(va << 16) >> 16) == va;
}

/* What the processor would refuse to load is refused here;
 * the rest of a wrong state is explained at the entry. */
static bool context_ok(const struct x86_vcpu *v, const struct caisson_vcpu_context *c)
{
	const struct cpuid_table *t = &x86_domain(v->hv.domain)->cpuid;

	return !(c->cr4 & ~cpuid_cr4_allowed(t)) &&
	       !(c->efer & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)) &&
	       ((c->xcr0 | XCR0_X87) == XCR0_X87 || xcr0_valid(v, c->xcr0 | XCR0_X87)) &&
	       !(c->sfmask >> 32) && c->cr8 < 16 && !(c->dr6 >> 32) && !(c->dr7 >> 32) &&
	       canonical(c->lstar) && canonical(c->cstar) && canonical(c->kernel_gs_base) &&
	       c->activity <= CAISSON_ACT_WAIT_SIPI;
}

int arch_vcpu_set_context(struct vcpu *hv, const struct caisson_vcpu_context *c)
{
	struct x86_vcpu *v = x86_vcpu(hv);

	if (!context_ok(v, c))
		return -CAISSON_EINVAL;
	lock(&hv->still);
	memcpy(v->regs, c->gpr, sizeof(v->regs));
	hvm->set_context(v, c);
	v->cr2 = c->cr2;
	vlapic_tpr_set(&v->apic, (u8)(c->cr8 << 4));
	memcpy(v->dr, c->dr, sizeof(v->dr));
	v->dr6 = c->dr6;
	if ((c->dr7 & DR7_ENABLED) && !v->dr_used) {
		/* else those that the processor has by chance were in force */
		v->dr_used = v->switch_more = true;
		hvm->dr_exiting(v, false);
	}
	v->guest_dr7 = c->dr7; /* where the debugger's is in force, it is put back before the entry */
	v->xcr0 = c->xcr0 | XCR0_X87;
	v->syscall[SYSCALL_STAR] = c->star;
	v->syscall[SYSCALL_LSTAR] = c->lstar;
	v->syscall[SYSCALL_CSTAR] = c->cstar;
	v->syscall[SYSCALL_SFMASK] = c->sfmask;
	v->syscall_live = (c->efer & EFER_SCE) && !hvm->holds_syscall;
	v->kernel_gs_base = c->kernel_gs_base;
	v->tsc_offset = c->tsc_offset;
	hvm->set_tsc_offset(v);
	vlapic_tsc_offset_set(&v->apic, v->tsc_offset);
	v->halted = c->activity == CAISSON_ACT_HLT;
	v->halt_open = c->rflags & RFLAGS_IF;
	v->wait_sipi = c->activity == CAISSON_ACT_WAIT_SIPI;
	hv->sleep = v->wait_sipi ? SLEEP_SIPI : SLEEP_NO;
	if (!v->wait_sipi)
		sched_wake(&hv->sched);
	unlock(&hv->still);
	return 0;
}

int arch_vcpu_fpu(struct vcpu *v, void *image, bool set)
{
	enum { MXCSR = 24, MXCSR_MASK = 28, XMM_END = 416, XSTATE_BV = FXSAVE_BYTES };
	u8 *area = x86_vcpu(v)->xsave;
	u32 mxcsr, mask;

	if (!set) {
		memcpy(image, area, FXSAVE_BYTES);
		return 0;
	}
	memcpy(&mxcsr, (u8 *)image + MXCSR, sizeof(mxcsr));
	memcpy(&mask, area + MXCSR_MASK, sizeof(mask));
	/* XRSTOR would refuse it. SDM volume 1,
	 * "Guidelines for Writing to the MXCSR Register": 0 is all but DAZ. */
	if (mxcsr & ~(mask ? mask : 0xffbf))
		return -CAISSON_EINVAL;
	memcpy(area, image, MXCSR_MASK);
	memcpy(area + MXCSR_MASK + 4, (u8 *)image + MXCSR_MASK + 4, XMM_END - MXCSR_MASK - 4);
	if (cpu_info.xcr0)
		area[XSTATE_BV] |= XCR0_X87 | XCR0_SSE;
	return 0;
}

int arch_vcpu_field(struct vcpu *v, u32 field, u64 *value)
{
	u32 reg = field - CAISSON_FIELD_APIC, msr = field - CAISSON_FIELD_MSR;
	bool there = true;

	lock(&v->still);
	if (reg < CAISSON_APIC_REGS)
		*value = x86_vcpu(v)->apic.regs[reg * 4];
	else if (msr - MSR_VMX_BASIC <= MSR_VMX_EXIT_CTLS2 - MSR_VMX_BASIC)
		there = rdmsr_safe(msr, value);
	else
		there = hvm->field(x86_vcpu(v), field, value);
	unlock(&v->still);
	return there ? 0 : -CAISSON_ENOENT;
}

void arch_vcpu_dump(struct vcpu *hv)
{
	static const char names[16][4] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					   "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14", "r15" };
	struct caisson_vcpu_context c;
	const u64 *r = c.gpr;

	memset(&c, 0, sizeof(c));
	arch_vcpu_get_context(hv, &c);
	log_guest("domain %u vCPU %u: rip %016lx rflags %08lx cr2 %lx", hv->domain->id, hv->id, c.rip,
		  c.rflags, read_cr2());
	for (u32 i = 0; i < 16; i += 4) {
		arch_irq_window(); /* a line takes 2,500 instructions */
		log_guest("  %s %016lx  %s %016lx  %s %016lx  %s %016lx", names[i], r[i], names[i + 1],
			  r[i + 1], names[i + 2], r[i + 2], names[i + 3], r[i + 3]);
	}
	log_guest("  cr0 %lx cr3 %lx cr4 %lx efer %lx", c.cr0, c.cr3, c.cr4, c.efer);
	log_guest("  cs %04x base %lx attr %04x  ss %04x attr %04x  ds %04x  tr %04x  gdt %lx/%x idt %lx/%x",
		  c.cs.selector, c.cs.base, c.cs.attr, c.ss.selector, c.ss.attr, c.ds.selector, c.tr.selector,
		  c.gdtr_base, c.gdtr_limit, c.idtr_base, c.idtr_limit);
}

/* ---- virtualisation on the machine ---- */

void arch_virt_init(void)
{
	/* With neither, the maker's own answers, in the doctor's words. */
	hvm = cpu_has(CPU_SVM) || (cpu_is_amd() && !cpu_has(CPU_VMX)) ? &svm_ops : &vmx_ops;
	hvm->probe();
	mitigate_init();
	doctor_check();
	vcpu_check_layout();
}

int arch_virt_cpu_on(struct pcpu *c)
{
	for (u32 i = 0; i < SYSCALL_MSRS; i++)
		if (!rdmsr_safe(syscall_msr[i], &x86_cpu(c)->syscall[i]))
			x86_cpu(c)->syscall[i] = 0;
	mitigate_cpu_on();
	return hvm->cpu_on(x86_cpu(c));
}

const char *arch_vendor(void)
{
	return hvm->name;
}

const char *arch_irq_path(void)
{
	return hvm_has.apicv ? "apicv, posted" : "software";
}

/* ---- what the interrupt controllers ask of their surroundings ---- */

u64 vlapic_now(struct vlapic *a)
{
	(void)a;
	return rdtsc();
}

void vlapic_timer_arm(struct vlapic *a, u64 deadline_tsc)
{
	timer_set(&apic_vcpu(a)->apic_timer, deadline_tsc);
}

void vlapic_timer_cancel(struct vlapic *a)
{
	timer_cancel(&apic_vcpu(a)->apic_timer);
}

static inline void kick(struct x86_vcpu *v)
{
	if (v->apicv)
		hvm->apicv_notify(v);
	else
		vcpu_pend(&v->hv, PEND_IRQ, true);
}

static void __attribute__((cold, noinline)) kick_traced(struct x86_vcpu *v, u8 vector)
{
	trace(&v->hv, CAISSON_TRACE_POST, vector, 0, 0);
	kick(v);
}

void vlapic_kick(struct vlapic *a, u8 vector)
{
	struct x86_vcpu *v = apic_vcpu(a);

	if (unlikely(v->hv.watch & WATCH_TRACE)) /* apart, so that this is two jumps and no stack */
		kick_traced(v, vector);
	else
		kick(v);
}

void vlapic_send_ipi(struct vlapic *from, u64 icr)
{
	struct x86_domain *d = x86_domain(apic_vcpu(from)->hv.domain);

	vlapic_ipi(d->apics, READ_ONCE(d->hv.vcpus), from, icr);
}

void vlapic_eoi_broadcast(struct vlapic *a, u8 vector)
{
	struct x86_domain *d = x86_domain(apic_vcpu(a)->hv.domain);

	lock(&d->irq_lock);
	vioapic_eoi(&d->ioapic, vector);
	unlock(&d->irq_lock);
}

void vlapic_nmi(struct vlapic *a)
{
	struct x86_vcpu *v = apic_vcpu(a);
	u32 n = READ_ONCE(v->nmi_pending);

	/* One that goes in at once and one behind it: more are never latched (hvm_nmi_latch()). */
	while (n < 2 && !CAS(&v->nmi_pending, &n, n + 1))
		;
	vcpu_pend(&v->hv, PEND_NMI, true);
}

void vlapic_extint(struct vlapic *a, u8 vector)
{
	struct x86_vcpu *v = apic_vcpu(a);
	u32 none = 0;

	/* Not over one that waits: the vCPU's CPU may have looked at it, and is about to take it. */
	CAS(&v->extint, &none, VCPU_EXTINT | vector);
	vcpu_pend(&v->hv, PEND_NMI, true);
}

void vlapic_init_sipi(struct vlapic *a, bool sipi, u8 vector)
{
	struct x86_vcpu *v = apic_vcpu(a);
	u32 was = READ_ONCE(v->init_sipi);

	while (!CAS(&v->init_sipi, &was, sipi ? (was & VCPU_INIT) | VCPU_SIPI | vector : VCPU_INIT))
		;
	vcpu_pend(&v->hv, PEND_ARCH, true);
}

bool vioapic_deliver(struct vioapic *io, const struct irq_msg *m)
{
	struct x86_domain *d = container_of(io, struct x86_domain, ioapic);

	return vlapic_route(d->apics, READ_ONCE(d->hv.vcpus), m) > 0;
}

void arch_irq_line(struct domain *hv, u32 gsi, bool level)
{
	struct x86_domain *d = x86_domain(hv);

	lock(&d->irq_lock);
	vioapic_set_line(&d->ioapic, gsi, level);
	unlock(&d->irq_lock);
}

int arch_msi(struct domain *hv, u64 address, u32 data)
{
	struct x86_domain *d = x86_domain(hv);
	struct irq_msg m;

	if (!vlapic_msi_decode(address, data, &m))
		return -CAISSON_EINVAL;
	vlapic_route(d->apics, READ_ONCE(d->hv.vcpus), &m);
	return 0;
}
