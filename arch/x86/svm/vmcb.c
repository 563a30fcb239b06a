/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMCB of a vCPU: made, reset, shown. APM volume 2, "Secure Virtual Machine".
 * It is memory: no CPU need have it loaded. */
#include "arch/x86/asm.h"
#include "arch/x86/cpu.h"
#include "arch/x86/hostmap.h"
#include "arch/x86/regs.h"
#include "arch/x86/svm/svm.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/panic.h"
#include "hv/string.h"

/* Exit always. INTR, NMI, SMI and INIT are the machine's; VINTR is the interrupt window. */
/* clang-format off */
static const u8 intercepts[] = {
	SVM_INTERCEPT_INTR, SVM_INTERCEPT_NMI, SVM_INTERCEPT_INIT, SVM_INTERCEPT_VINTR,
	SVM_INTERCEPT_CR0_SEL_WRITE, SVM_INTERCEPT_RDPMC, SVM_INTERCEPT_CPUID, SVM_INTERCEPT_INVD,
	SVM_INTERCEPT_HLT, SVM_INTERCEPT_INVLPGA, SVM_INTERCEPT_IO, SVM_INTERCEPT_MSR,
	SVM_INTERCEPT_TASK_SWITCH, SVM_INTERCEPT_SHUTDOWN, SVM_INTERCEPT_VMRUN, SVM_INTERCEPT_VMMCALL,
	SVM_INTERCEPT_VMLOAD, SVM_INTERCEPT_VMSAVE, SVM_INTERCEPT_STGI, SVM_INTERCEPT_CLGI,
	SVM_INTERCEPT_SKINIT, SVM_INTERCEPT_WBINVD, SVM_INTERCEPT_MONITOR, SVM_INTERCEPT_MWAIT,
	SVM_INTERCEPT_MWAIT_ARMED, SVM_INTERCEPT_XSETBV, SVM_INTERCEPT_RDPRU, SVM_INTERCEPT_INVLPGB,
	SVM_INTERCEPT_INVLPGB_ILLEGAL, SVM_INTERCEPT_MCOMMIT, SVM_INTERCEPT_TLBSYNC, SVM_INTERCEPT_SMI,
};
/* clang-format on */

extern u8 image_end[];

#define CR_BIT(n) ((u16)BIT(n))

static void vmcb_controls(struct x86_vcpu *v)
{
	struct vmcb *b = svm_vmcb(v);

	for (u32 i = 0; i < ARRAY_SIZE(intercepts); i++)
		svm_intercept(b, intercepts[i], true);
	b->exceptions = SVM_EXCEPTIONS;
	b->cr_read = CR_BIT(8);
	b->cr_write = CR_BIT(4) | CR_BIT(8);
	b->dr_read = b->dr_write = 0xffff; /* until the first touch */
	b->iopm = arch_direct_pa(svm_iopm).v;
	b->msrpm = arch_direct_pa(svm_msrpm).v;
	b->nested = NESTED_PAGING;
	b->nested_cr3 = x86_domain(v->hv.domain)->s2.root.v;
	if (svm_caps.features & SVM_PAUSE_FILTER) {
		svm_intercept(b, SVM_INTERCEPT_PAUSE, true);
		b->pause_count = 3000;
		b->pause_threshold = svm_caps.features & SVM_PAUSE_THRESHOLD ? 128 : 0;
	}
}

int vmcb_init(struct x86_vcpu *v)
{
	struct svm_vcpu *x = svm_vcpu(v);

	x->b = frame_hv_alloc(FRAME_OWNER_HV, 0);
	if (!x->b)
		return -CAISSON_ENOMEM;
	x->pa = arch_direct_pa(x->b);
	x->last_cpu = ~0u;
	vmcb_controls(v);
	return 0;
}

void vmcb_free(struct x86_vcpu *v)
{
	if (svm_vcpu(v)->b)
		frame_hv_free(svm_vcpu(v)->b, 0);
}

/*
 * VMRUN and #VMEXIT of QEMU's TCG (7.2) load DR7 without arming what it enables, and it takes DR7's word for
 * what a MOV had armed, data or code: where another's is there, QEMU dies. So there every MOV to a debug
 * register exits, and what is armed follows a DR7 that is written, and stays, in root mode; but not at
 * addresses of our own.
 */
static void arm(const struct x86_vcpu *v)
{
	const u64 dr[] = { read_dr0(), read_dr1(), read_dr2(), read_dr3() };
	u64 dr7 = svm_vmcb(v)->dr7;

	if (!v->dr_used || (svm_caps.features & SVM_NRIPS))
		return;
	for (u32 i = 0; i < ARRAY_SIZE(dr); i++)
		if (dr[i] >= DIRECT_MAP && dr[i] < (u64)image_end)
			dr7 &= ~(3ull << 2 * i);
	write_dr7(dr7);
}

void vmcb_reset(struct x86_vcpu *v, const struct caisson_vcpu_context *c)
{
	struct svm_vcpu *x = svm_vcpu(v);

	vmcb_set_context(v, c);
	x->b->debugctl = 0;
	x->b->dr6 = DR6_INIT;
	vmcb_tsc_offset(v);
	if (v->hv.cpu)
		arm(v);
}

/* ---- state in and out ---- */

void vmcb_write_dr(struct x86_vcpu *v, u32 dr, u64 value)
{
	struct vmcb *b = svm_vmcb(v);

	debug_from_cpu(v);
	if (dr < 4)
		v->dr[dr] = value;
	else if (dr & 1)
		b->dr7 = value | DR7_INIT;
	else
		b->dr6 = value | DR6_INIT;
	write_dr7(DR7_INIT);
	debug_to_cpu(v);
	svm_dirty(b, CLEAN_DR);
	arm(v);
}

void vmcb_load(struct x86_vcpu *v)
{
	struct vmcb *b = svm_vmcb(v);

	b->star = v->syscall[SYSCALL_STAR];
	b->lstar = v->syscall[SYSCALL_LSTAR];
	b->cstar = v->syscall[SYSCALL_CSTAR];
	b->sfmask = v->syscall[SYSCALL_SFMASK];
	b->kernel_gs_base = v->kernel_gs_base;
	b->dr6 = v->dr6;
	svm_dirty(b, CLEAN_DR);
	if (unlikely(v->dr_used))
		arm(v);
}

void vmcb_save(struct x86_vcpu *v)
{
	const struct vmcb *b = svm_vmcb(v);

	v->kernel_gs_base = b->kernel_gs_base;
	v->dr6 = b->dr6;
	if (unlikely(v->dr_used) && !(svm_caps.features & SVM_NRIPS))
		write_dr7(DR7_INIT);
}

/* QEMU's TCG does not let XSETBV exit (7.2): the register says what the guest has written,
 * be it what its CPUID does not show. */
void vmcb_xcr0(struct x86_vcpu *v)
{
	if (cpu_info.xcr0)
		v->xcr0 = xgetbv(0);
}

void vmcb_tsc_offset(struct x86_vcpu *v)
{
	svm_vmcb(v)->tsc_offset = v->tsc_offset;
	svm_dirty(svm_vmcb(v), CLEAN_I);
}

static void intercept_cr(struct vmcb *b, u32 cr, bool read, bool write)
{
	b->cr_read = (u16)((b->cr_read & ~CR_BIT(cr)) | (read ? CR_BIT(cr) : 0));
	b->cr_write = (u16)((b->cr_write & ~CR_BIT(cr)) | (write ? CR_BIT(cr) : 0));
	svm_dirty(b, CLEAN_I);
}

/*
 * What the processor has in CR4 and the guest has not. MCE: without it a machine check would
 * shut the guest's CPU down instead of coming to us. PAE while EFER.LME is set and paging is
 * off, where it means nothing: QEMU's TCG (7.2) does not give us our CR0 back at the exit of
 * a guest that has the one and neither of the others.
 */
static void set_cr4(struct svm_vcpu *x)
{
	struct vmcb *b = x->b;
	bool pae = (b->efer & EFER_LME) && !(b->cr0 & CR0_PG);

	b->cr4 = x->cr4 | (cpu_info.cr4 & CR4_MCE) | (pae ? CR4_PAE : 0);
	intercept_cr(b, 4, x->cr4 != b->cr4, true);
	svm_dirty(b, CLEAN_CR);
}

static inline u64 *field_of(struct vmcb *b, u32 what)
{
	/* clang-format off */
	switch (what) {
	case HVM_CR0: return &b->cr0;
	case HVM_CR3: return &b->cr3;
	case HVM_CR4: return &b->cr4;
	case HVM_DR7: return &b->dr7;
	case MSR_EFER: return &b->efer;
	case MSR_SYSENTER_CS: return &b->sysenter_cs;
	case MSR_SYSENTER_ESP: return &b->sysenter_esp;
	case MSR_SYSENTER_EIP: return &b->sysenter_eip;
	case MSR_PAT: return &b->g_pat;
	case MSR_DEBUGCTL: return &b->debugctl;
	case MSR_FS_BASE: return &b->fs.base;
	case MSR_GS_BASE: return &b->gs.base;
	case MSR_STAR: return &b->star;
	case MSR_LSTAR: return &b->lstar;
	case MSR_CSTAR: return &b->cstar;
	case MSR_SFMASK: return &b->sfmask;
	}
	/* clang-format on */
	panic("%x is in no VMCB field", what);
}

/* SVME has to be set in a guest and is none of its business. LMA follows from the rest, as VMRUN makes it:
 * Bochs has cleared it already where it lets a MOV to CR0 that ends long mode exit. */
static inline u64 get(const struct svm_vcpu *x, u32 what)
{
	u64 value = *field_of(x->b, what);

	if (what == HVM_CR0)
		return (value & ~SVM_CR0_OURS) | (x->cr0 & SVM_CR0_OURS);
	if (what == HVM_CR4)
		return x->cr4; /* every write exits */
	if (what != MSR_EFER)
		return value;
	value &= ~(EFER_SVME | EFER_LMA);
	return (value & EFER_LME) && (x->b->cr0 & CR0_PG) ? value | EFER_LMA : value;
}

u64 vmcb_get(struct x86_vcpu *v, u32 what)
{
	return get(svm_vcpu(v), what);
}

/* Where the guest sees another value than the processor has, reads exit too. */
void vmcb_set(struct x86_vcpu *v, u32 what, u64 value)
{
	struct svm_vcpu *x = svm_vcpu(v);
	struct vmcb *b = x->b;

	switch (what) {
	case HVM_CR0:
		x->cr0 = value & (MASK(31, 29) | CR0_AM | CR0_WP | MASK(5, 0)); /* those that there are */
		value = x->cr0 & ~SVM_CR0_OURS;
		intercept_cr(b, 0, value != x->cr0, value != x->cr0);
		break;
	case HVM_CR4:
		x->cr4 = value;
		break;
	case MSR_EFER:
		value |= EFER_SVME;
	}
	*field_of(b, what) = value;
	if (what == HVM_DR7 && v->hv.cpu == this_cpu())
		arm(v);
	set_cr4(x);
	svm_dirty(b, CLEAN_DR | CLEAN_NP | CLEAN_LBR);
}

void vmcb_dr_exiting(struct x86_vcpu *v, bool on)
{
	struct vmcb *b = svm_vmcb(v);

	b->dr_read = on ? 0xffff : 0;
	b->dr_write = svm_caps.features & SVM_NRIPS ? b->dr_read : 0xffff;
	svm_dirty(b, CLEAN_I);
}

void vmcb_get_regs(struct x86_vcpu *v, struct hvm_regs *out)
{
	const struct vmcb *b = svm_vmcb(v);
	const struct vmcb_segment *s = &b->es;

	out->rip = b->rip;
	out->rflags = b->rflags;
	out->cr0 = get(svm_vcpu(v), HVM_CR0);
	out->cr3 = b->cr3;
	out->cr4 = get(svm_vcpu(v), HVM_CR4);
	out->efer = get(svm_vcpu(v), MSR_EFER);
	for (u32 i = 0; i < 6; i++)
		out->seg_base[i] = s[i].base;
	out->cpl = b->cpl;
	if ((out->efer & EFER_LMA) && (b->cs.attr & VMCB_ATTR_L))
		out->code_bits = 64;
	else
		out->code_bits = (b->cs.attr & VMCB_ATTR_DB) && !(b->rflags & RFLAGS_VM) ? 32 : 16;
	v->regs[RSP] = b->rsp;
}

void vmcb_set_rip_flags(struct x86_vcpu *v, u64 rip, u64 rflags)
{
	struct vmcb *b = svm_vmcb(v);

	b->rip = rip;
	b->rflags = rflags | RFLAGS_1;
	b->rsp = v->regs[RSP];
}

u32 vmcb_mode(struct x86_vcpu *v)
{
	const struct vmcb *b = svm_vmcb(v);
	u32 l = b->cs.attr & VMCB_ATTR_L ? HVM_CS_L : 0;

	if (l && (get(svm_vcpu(v), MSR_EFER) & EFER_LMA))
		l |= HVM_64;
	return l | (b->cpl & HVM_CPL);
}

u64 vmcb_flags(struct x86_vcpu *v)
{
	return svm_vmcb(v)->rflags;
}

void vmcb_set_rsp(struct x86_vcpu *v)
{
	svm_vmcb(v)->rsp = v->regs[RSP];
}

/* With nested paging the processor reads the PDPTEs from memory as it needs them. */
void vmcb_set_pdptes(struct x86_vcpu *v, const u64 pdpte[4])
{
	(void)v;
	(void)pdpte;
}

/* A context's segments are as in the VMCB but for their attributes, which are spread as in a descriptor. */
static struct vmcb_segment *vmcb_segment(struct vmcb *b, u32 i)
{
	return i < 6 ? &b->es + i : i == 6 ? &b->ldtr : &b->tr;
}

void vmcb_get_context(struct x86_vcpu *v, struct caisson_vcpu_context *c)
{
	struct vmcb *b = svm_vmcb(v);

	if (v->hv.cpu == this_cpu())
		vmcb_save(v);
	for (u32 i = 0; i < HVM_SEGMENTS; i++) {
		const struct vmcb_segment *s = vmcb_segment(b, i);

		*hvm_segment(c, i) = (struct caisson_segment){
			.base = s->base,
			.limit = s->limit,
			.selector = s->selector,
			.attr = s->attr & VMCB_ATTR_P ? (u16)((s->attr & 0xff) | (s->attr & 0xf00) << 4) : 0,
		};
	}
	c->tr.attr |= c->tr.attr ? VMCB_TSS_BUSY : 0;
#define GET_FIELD(context, vmcs, member) c->context = (__typeof__(c->context))b->member;
	HVM_CONTEXT(GET_FIELD)
	c->gpr[RSP] = b->rsp;
	c->cr0 = vmcb_get(v, HVM_CR0);
	c->cr3 = b->cr3;
	c->cr4 = vmcb_get(v, HVM_CR4);
	c->efer = vmcb_get(v, MSR_EFER);
}

void vmcb_set_context(struct x86_vcpu *v, const struct caisson_vcpu_context *in)
{
	struct caisson_vcpu_context c = *in;
	struct svm_vcpu *x = svm_vcpu(v);
	struct vmcb *b = x->b;

	for (u32 i = 0; i < HVM_SEGMENTS; i++) {
		const struct caisson_segment *s = hvm_segment(&c, i);

		*vmcb_segment(b, i) = (struct vmcb_segment){
			.selector = s->selector,
			.attr = s->attr & VMCB_ATTR_P ? (u16)((s->attr & 0xff) | ((s->attr >> 4) & 0xf00))
						      : 0,
			.limit = s->limit,
			.base = s->base,
		};
	}
	/* QEMU's TCG (7.2) dies of an exception that needs a stack of a TSS
	 * that is not there or, in 32 bits, busy. */
	if (!(svm_caps.features & SVM_NRIPS)) {
		b->tr.limit = b->tr.attr & VMCB_ATTR_P ? b->tr.limit : 0;
		b->tr.attr = (b->tr.attr & VMCB_TSS_32) | VMCB_ATTR_P | VMCB_TSS;
	}
	c.rflags |= RFLAGS_1;
#define SET_FIELD(context, vmcs, member) b->member = c.context;
	HVM_CONTEXT(SET_FIELD)
	b->cpl = c.rflags & RFLAGS_VM ? 3 : c.cr0 & CR0_PE ? (u8)GET(VMCB_ATTR_DPL, b->ss.attr) : 0;
	b->rsp = c.gpr[RSP];
	vmcb_set(v, HVM_CR0, c.cr0);
	vmcb_set(v, HVM_CR3, c.cr3);
	vmcb_set(v, HVM_CR4, c.cr4);
	vmcb_set(v, MSR_EFER, c.efer);
	b->int_state = 0;
	b->vintr = V_INTR_MASKING;
	svm_intercept(b, SVM_INTERCEPT_IRET, false);
	svm_intercept(b, SVM_INTERCEPT_TR_WRITE, !(svm_caps.features & SVM_NRIPS)); /* exit_ltr() */
	b->clean = 0;
	svm_flush_asid(v);
	x->event = 0;
	x->window = x->nmi_blocked = x->nmi_iret = x->step = x->ltr = false;
}

bool vmcb_field(struct x86_vcpu *v, u32 offset, u64 *value)
{
	if (offset > sizeof(struct vmcb) - sizeof(*value))
		return false;
	memcpy(value, (const u8 *)svm_vmcb(v) + offset, sizeof(*value));
	return true;
}
