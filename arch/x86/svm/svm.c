/* SPDX-License-Identifier: BSD-2-Clause */
/* SVM on a machine and on a CPU; the table that x86 knows us by. APM volume 2, "Secure Virtual Machine". */
#include "arch/x86/svm/svm.h"
#include "arch/x86/asm.h"
#include "arch/x86/cpu.h"
#include "arch/x86/doctor.h"
#include "arch/x86/regs.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/log.h"
#include "hv/panic.h"
#include "hv/string.h"

struct svm_caps svm_caps;
void *svm_iopm, *svm_msrpm;
u32 svm_clean;
bool svm_by_virq;
svm_loop_fn svm_way __ro_after_init = (svm_loop_fn)svm_loop;

/* The ASIDs that a CPU gives out: every vCPU that comes here gets the next one. When they are used up a new
 * generation begins, and its first entry flushes the whole TLB. */
static struct asids {
	u64 generation; /* from 1 */
	u32 next;
	bool flush; /* due at the next entry */
} asids[CAISSON_MAX_CPUS];

/* Two pages of each CPU: what VMRUN saves of the host, and a VMCB with what VMSAVE saves of it. */
#define HOST_ORDER 1u
static hpa_t host_vmcb(const struct x86_pcpu *c)
{
	return HPA(arch_direct_pa(c->vmxon_region).v + PAGE_SIZE);
}

/* A loop takes the same time again and again: QEMU with -icount. */
static bool ticks_are_instructions(void)
{
	u64 first = 0, t;

	for (u32 i = 0; i < 10; i++) {
		t = rdtsc();
		for (u32 n = 0; n < 1000; n++)
			__asm__ volatile("");
		t = rdtsc() - t;
		if (i == 1) /* the first time it is translated, too */
			first = t;
		else if (i > 1 && t != first)
			return false;
	}
	return true;
}

/* Firmware that left the switch off but open: ours to close; some sets it on the first CPU only. An INIT that
 * is sent by mistake shall be an exception. What VM_CR is then. */
static u64 vm_cr_set(void)
{
	u64 was, now;

	if (!rdmsr_safe(MSR_VM_CR, &was))
		return 0;
	if (!wrmsr_safe(MSR_VM_CR, (was & ~VM_CR_SVMDIS) | VM_CR_R_INIT) || !rdmsr_safe(MSR_VM_CR, &now))
		return was;
	return now;
}

bool svm_probe(void)
{
	struct cpuid r;
	u64 vm_cr;

	svm_caps.svm = cpu_has(CPU_SVM);
	svm_by_virq = cpu_has(CPU_HYPERVISOR) && cpuid(0x40000000, 0).ebx == 0x54474354 /* "TCGT" */ &&
		      ticks_are_instructions();
	if (svm_caps.svm && cpu_info.max_ext_leaf >= 0x8000000a) {
		r = cpuid(0x8000000a, 0);
		svm_caps.revision = r.eax & 0xff;
		svm_caps.asids = r.ebx;
		svm_caps.features = r.edx;
	}
	if (svm_caps.svm) {
		vm_cr = vm_cr_set();
		svm_caps.vm_cr = vm_cr & ~VM_CR_R_INIT;
		svm_caps.init_redirect = (vm_cr & VM_CR_R_INIT) && !svm_disabled(&svm_caps);
	}
	if (svm_caps.features & SVM_CLEAN) /* CR2 is written before every entry */
		svm_clean = CLEAN_I | CLEAN_IOPM | CLEAN_ASID | CLEAN_TPR | CLEAN_NP | CLEAN_CR | CLEAN_DR |
			    CLEAN_DT | CLEAN_SEG;
	svm_caps_doctor(&svm_caps);
	doctor_bits(svm_caps.features, svm_caps.features & SVM_USED, 0);
	hvm_has = (struct hvm_has){ .rdtscp = cpu_has(CPU_RDTSCP), .invpcid = cpu_has(CPU_INVPCID) };
	return svm_caps.svm;
}

/* "MSR Intercepts": two bits for each, read and write,
 * of 0 to 1fffH, c0000000H to c0001fffH, c0010000H to c0011fffH. */
static void __endbr msrpm_pass(u32 msr, bool read, bool write)
{
	u32 base = (msr >= 0xc0000000) + (msr >= 0xc0010000), bit = (base * 0x2000 + (msr & 0x1fff)) * 2;
	u8 *map = svm_msrpm;

	/* EFER has a bit that guests do not see;
	 * the TSC's offset is added here, PAT is the VMCB's: some emulators do neither. */
	if (msr == MSR_EFER || msr == MSR_TSC || msr == MSR_PAT)
		return;
	map[bit / 8] &= (u8) ~((read ? 1u : 0) << (bit % 8) | (write ? 2u : 0) << (bit % 8));
}

static void svm_maps(void)
{
	const struct msr_params p = { .phys_bits = arch_phys_bits(), .rdtscp = hvm_has.rdtscp, .amd = true };

	svm_iopm = frame_hv_alloc(FRAME_OWNER_HV, 2);
	svm_msrpm = frame_hv_alloc(FRAME_OWNER_HV, 1);
	if (!svm_iopm || !svm_msrpm)
		panic("no memory for SVM's permission maps");
	memset(svm_iopm, 0xff, IOPM_BYTES);
	memset(svm_msrpm, 0xff, MSRPM_BYTES);
	msr_policy_each_pass(&p, msrpm_pass);
	if (mitigations & MIT_ENTRY)
		svm_way = (svm_loop_fn)svm_loop_mitigated;
}

int svm_cpu_on(struct x86_pcpu *c)
{
	if (!svm_iopm)
		svm_maps();
	if ((vm_cr_set() & VM_CR_SVMDIS) || !wrmsr_safe(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME)) {
		log_err("CPU %u: SVM is switched off by the firmware", c->hv.id);
		return -CAISSON_EIO;
	}
	c->vmxon_region = frame_hv_alloc(FRAME_OWNER_HV, HOST_ORDER);
	if (!c->vmxon_region)
		return -CAISSON_ENOMEM;
	if (!wrmsr_safe(MSR_VM_HSAVE_PA, arch_direct_pa(c->vmxon_region).v)) {
		log_err("CPU %u: VM_HSAVE_PA cannot be written", c->hv.id);
		return -CAISSON_EIO;
	}
	vmsave(host_vmcb(c)); /* nothing that it holds changes from here on */
	/* The first entry flushes what a firmware or an earlier hypervisor left. */
	asids[c->hv.id] = (struct asids){ .generation = 1, .next = svm_caps.asids };
	return 0;
}

/* ---- translations ---- */

static void new_asid(struct x86_vcpu *v)
{
	struct asids *a = &asids[v->hv.cpu->id];
	struct svm_vcpu *x = svm_vcpu(v);

	if (a->next >= svm_caps.asids) {
		a->generation++;
		a->next = 1;
		a->flush = true;
		__atomic_or_fetch(&v->hv.pending, PEND_EVENT, __ATOMIC_RELAXED);
	}
	x->asid_generation = a->generation;
	x->b->asid = a->next++;
	x->b->tlb_control = TLB_KEEP;
	svm_dirty(x->b, CLEAN_ASID);
}

void svm_flush_due(struct x86_vcpu *v)
{
	struct asids *a = &asids[v->hv.cpu->id];

	if (likely(!a->flush))
		return;
	a->flush = false;
	svm_vmcb(v)->tlb_control = TLB_FLUSH_ALL;
}

void svm_flush_undone(const struct x86_vcpu *v)
{
	asids[v->hv.cpu->id].flush = true;
}

void svm_flush_asid(struct x86_vcpu *v)
{
	struct svm_vcpu *x = svm_vcpu(v);

	if (v->hv.cpu != this_cpu())
		x->asid_generation = 0; /* a new one when it is loaded */
	else if (svm_caps.features & SVM_FLUSH_ASID)
		x->b->tlb_control = TLB_FLUSH_ASID;
	else
		new_asid(v);
}

/* The second stage has changed since this vCPU's translations were dropped last. */
void svm_flush(struct x86_vcpu *v)
{
	struct svm_vcpu *x = svm_vcpu(v);
	u64 changes = __atomic_load_n(&x86_domain(v->hv.domain)->s2_changes, __ATOMIC_SEQ_CST);

	if (x->s2_changes == changes)
		return;
	x->s2_changes = changes;
	svm_flush_asid(v);
}

void svm_load(struct x86_vcpu *v)
{
	struct svm_vcpu *x = svm_vcpu(v);
	u32 cpu = v->hv.cpu->id;

	vmcb_load(v);
	if (x->last_cpu != cpu || x->asid_generation != asids[cpu].generation) {
		x->last_cpu = cpu;
		x->s2_changes = __atomic_load_n(&x86_domain(v->hv.domain)->s2_changes, __ATOMIC_SEQ_CST);
		x->b->clean = 0;
		new_asid(v);
	} else {
		svm_flush(v);
	}
	/* Clean bits speak of the VMCB that this CPU ran last. */
	if (x86_this_cpu()->vendor != x)
		x->b->clean = 0;
	x86_this_cpu()->vendor = x;
}

void svm_run(struct x86_vcpu *v)
{
	svm_enter(v, host_vmcb(x86_this_cpu()));
}

/* clang-format off */
const struct hvm_ops svm_ops = {
	.name = "SVM",
	.vcpu_bytes = sizeof(struct svm_vcpu),
	.s2_format = &pg_format_npt,
	.holds_syscall = true,
	.exit = svm_exit,
#define OPS_X(ret, op, args, vmx, svm) .op = (ret (__notrack *) args)svm,
	HVM_OPS(OPS_X)
#undef OPS_X
};
/* clang-format on */
