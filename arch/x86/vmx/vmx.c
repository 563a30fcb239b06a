/* SPDX-License-Identifier: BSD-2-Clause */
/* VMX on a machine and on a CPU; the table that x86 knows us by.
 * SDM volume 3, "Introduction to Virtual Machine Extensions". */
#include "arch/x86/vmx/vmx.h"
#include "arch/x86/asm.h"
#include "arch/x86/cpu.h"
#include "arch/x86/doctor.h"
#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/log.h"
#include "hv/panic.h"
#include "hv/string.h"

struct vmx_caps vmx_caps;
void *vmx_io_bitmap, *vmx_msr_bitmap;
vmx_loop_fn vmx_enter __ro_after_init = (vmx_loop_fn)vmx_loop;

void vmx_insn_failed(const char *what, u64 operand)
{
	panic("%s failed, operand %lx", what, operand);
}

static u64 __endbr read_cap(void *ctx, u32 msr)
{
	u64 v;

	(void)ctx;
	return rdmsr_safe(msr, &v) ? v : 0;
}

/* Firmware that left the switch open: ours to close; some sets it on the first CPU only.
 * What it is then, 0: not to be read. */
static u64 feature_control(void)
{
	u64 fc = read_cap(NULL, MSR_FEATURE_CONTROL);

	if (!(fc & FEATURE_CONTROL_LOCK) &&
	    !wrmsr_safe(MSR_FEATURE_CONTROL, fc | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX))
		log_warn("IA32_FEATURE_CONTROL is unlocked and cannot be written");
	return read_cap(NULL, MSR_FEATURE_CONTROL);
}

bool vmx_probe(void)
{
	if (cpu_has(CPU_VMX)) /* before the capabilities are judged */
		feature_control();
	vmx_caps_read(&vmx_caps, cpu_has(CPU_VMX), read_cap, NULL);
	hvm_has = (struct hvm_has){ .rdtscp = vmx_uses(&vmx_caps, VMX_CTL_PROC2, VMX_PROC2_RDTSCP),
				    .invpcid = vmx_uses(&vmx_caps, VMX_CTL_PROC2, VMX_PROC2_INVPCID),
				    .pages_1g = vmx_uses(&vmx_caps, VMX_CTL_EPT_VPID, VMX_EPT_VPID(1G)),
				    .apicv = apicv_probe() };
	vmx_caps_doctor(&vmx_caps);
	for (u32 k = 0; k < VMX_CTLS; k++)
		doctor_bits(vmx_caps.may[k], vmx_caps.use[k], vmx_required[k]);
	doctor_feature(
		read_cap(NULL, MSR_ARCH_CAPABILITIES) & ARCH_CAPABILITIES_PSCHANGE_MC_NO, 0, "PSCHANGE_MC_NO",
		NULL,
		"a guest that changes a page's size may cause a machine check, which ends Caisson (CVE-2018-12207)");
	return cpu_has(CPU_VMX);
}

/* SDM: "MSR-Bitmap Address": reads of 0 to 1fffH, of c0000000H to c0001fffH, then writes of both. */
static void __endbr msr_bitmap_clear(void *bitmap, u32 msr, bool write)
{
	u8 *b = bitmap;
	u32 n = msr & 0x1fff;

	b += (msr >= 0xc0000000 ? 1024 : 0) + (write ? 2048 : 0);
	b[n / 8] &= (u8) ~(1u << (n % 8));
}

static void __endbr msr_bitmap_pass(u32 msr, bool read, bool write)
{
	if (read)
		msr_bitmap_clear(vmx_msr_bitmap, msr, false);
	if (write)
		msr_bitmap_clear(vmx_msr_bitmap, msr, true);
}

static void vmx_bitmaps(void)
{
	const struct msr_params p = { .phys_bits = arch_phys_bits(), .rdtscp = hvm_has.rdtscp };

	/* Two pages, and one that is never the APIC-access page:
	 * for the last ports Bochs looks at the byte after the bitmap. */
	vmx_io_bitmap = frame_hv_alloc(FRAME_OWNER_HV, 2);
	vmx_msr_bitmap = frame_hv_alloc(FRAME_OWNER_HV, 0);
	if (!vmx_io_bitmap || !vmx_msr_bitmap)
		panic("no memory for the VMX bitmaps");
	memset(vmx_io_bitmap, 0xff, 3 * PAGE_SIZE);
	memset(vmx_msr_bitmap, 0xff, PAGE_SIZE);
	msr_policy_each_pass(&p, msr_bitmap_pass);
	apicv_init(msr_bitmap_clear);
	if (mitigations & MIT_ENTRY)
		vmx_enter = (vmx_loop_fn)vmx_loop_mitigated;
}

int vmx_cpu_on(struct x86_pcpu *c)
{
	u64 cr0 = read_cr0(), cr4 = read_cr4() | CR4_VMXE;
	void *region; /* the processor's, until power-off */
	hpa_t region_pa;

	if (!vmx_io_bitmap)
		vmx_bitmaps();
	if (!(feature_control() & FEATURE_CONTROL_VMX)) {
		log_err("CPU %u: VMX is switched off by the firmware", c->hv.id);
		return -CAISSON_EIO;
	}
	if (vmx_cr0_wrong(&vmx_caps, cr0, false) || vmx_cr4_wrong(&vmx_caps, cr4)) {
		log_err("CPU %u: CR0 %lx or CR4 %lx does not suit VMX", c->hv.id, cr0, cr4);
		return -CAISSON_EIO;
	}
	region = frame_hv_alloc(FRAME_OWNER_HV, 0);
	if (!region)
		return -CAISSON_ENOMEM;
	*(u32 *)region = (u32)GET(VMX_BASIC_REVISION, vmx_caps.basic);
	write_cr4(cr4);
	region_pa = arch_direct_pa(region);
	if (!vmxon(&region_pa)) {
		log_err("CPU %u: VMXON failed", c->hv.id);
		write_cr4(cr4 & ~CR4_VMXE);
		return -CAISSON_EIO;
	}
	/* Nothing that a firmware or an earlier hypervisor left counts. */
	if (!invept(INVEPT_ALL, 0) ||
	    (vmx_uses(&vmx_caps, VMX_CTL_PROC2, VMX_PROC2_VPID) && !invvpid(INVVPID_ALL, 0, 0)))
		log_warn("CPU %u: INVEPT or INVVPID failed", c->hv.id);
	return 0;
}

/* This CPU may keep translations from the last time a vCPU of its domain was here. */
static inline bool stale(const struct x86_vcpu *v, u32 cpu)
{
	return READ_ONCE(x86_domain(v->hv.domain)->flush[cpu / 64]) >> (cpu % 64) & 1;
}

void vmx_tlb_flush(struct x86_vcpu *v)
{
	struct x86_domain *d = x86_domain(v->hv.domain);
	u32 cpu = v->hv.cpu->id;

	if (!stale(v, cpu))
		return;
	__atomic_and_fetch(&d->flush[cpu / 64], ~BIT(cpu % 64), __ATOMIC_SEQ_CST);
	if (!invept(INVEPT_SINGLE, vmread(VMCS_EPT_POINTER)))
		vmx_insn_failed("INVEPT", d->s2.root.v);
}

void vmx_flush_guest(struct x86_vcpu *v)
{
	struct vmx_vcpu *x = vmx_vcpu(v);

	/* Without a VPID every entry flushes. */
	if (x->vpid && !invvpid(INVVPID_SINGLE, x->vpid, 0))
		vmx_insn_failed("INVVPID", x->vpid);
}

static __noinline void vmx_load_changed(struct x86_vcpu *v)
{
	struct vmx_vcpu *x = vmx_vcpu(v);
	u32 cpu = v->hv.cpu->id;

	if (x->last_cpu != cpu) {
		vmcs_host_state(v);
		apicv_here(v);
		vmx_flush_guest(v);
		x->last_cpu = cpu;
	}
	vmx_tlb_flush(v);
	if (v->apicv)
		apicv_running(v);
}

void vmx_load(struct x86_vcpu *v)
{
	struct vmx_vcpu *x = vmx_vcpu(v);
	u32 cpu = v->hv.cpu->id;

	vmcs_make_current(v);
	/* Back where it waited for a device model, most often nothing has changed:
	 * neither the descriptor nor what is posted. */
	if (unlikely(x->last_cpu != cpu || stale(v, cpu)))
		vmx_load_changed(v);
	else if (v->apicv && (READ_ONCE(v->apic.pi.control) != x->pi_running || x->link))
		apicv_running(v);
}

void vmx_put(struct x86_vcpu *v)
{
	vmcs_drop(v);
	/* One that waits for an answer is told as if it ran: a notification too many costs nothing, it comes
	 * back soon, and whoever loads it looks at ON. */
	if (v->apicv && v->hv.sleep != SLEEP_IOREQ && v->hv.sleep != SLEEP_WAIT)
		apicv_preempted(v);
}

void vmcs_make_current(struct x86_vcpu *v)
{
	if (!vmptrld(&vmx_vcpu(v)->vmcs_pa))
		vmx_insn_failed("VMPTRLD", vmx_vcpu(v)->vmcs_pa.v);
	x86_this_cpu()->vendor = v;
}

void vmcs_drop(struct x86_vcpu *v)
{
	struct vmx_vcpu *x = vmx_vcpu(v);

	if (!vmclear(&x->vmcs_pa))
		vmx_insn_failed("VMCLEAR", x->vmcs_pa.v);
	x->launched = false;
	x86_this_cpu()->vendor = NULL;
}

static void __endbr apicv_awake(struct x86_vcpu *v)
{
	apicv_running(v);
}

/* clang-format off */
const struct hvm_ops vmx_ops = {
	.name = "VMX",
	.vcpu_bytes = sizeof(struct vmx_vcpu),
	.s2_format = &pg_format_ept,
	.apicv_mode = apicv_mode,
	.apicv_eoi = apicv_eoi_bitmap,
	.apicv_waits = apicv_waits,
	.apicv_asleep = apicv_asleep,
	.apicv_awake = apicv_awake,
	.apicv_notify = apicv_notify,
	.exit = vmx_exit,
#define OPS_X(ret, op, args, vmx, svm) .op = (ret (__notrack *) args)vmx,
	HVM_OPS(OPS_X)
#undef OPS_X
};
/* clang-format on */
