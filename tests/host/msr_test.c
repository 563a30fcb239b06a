/* SPDX-License-Identifier: BSD-2-Clause */
/* MSRs that are more than a table's row:
 * time, the APIC, EFER, the paravirtual clock and its like; and KVM's calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/pv.h"
#include "arch/x86/regs.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/pcpu.h"
#include "tests/host/fake_asm.h"
#include "tests/host/guest_cpu.h"

static int setup(void **state)
{
	(void)state;
	guest_reset();
	dom->msrs = (struct msr_params){ .phys_bits = 40, .rdtscp = true, .pv_eoi = true };
	msr_state_init(&vcpu->msrs, &dom->msrs);
	pv_reset(vcpu);
	return 0;
}

u8 in8(u16 port)
{
	(void)port;
	return 0xff;
}

void out8(u16 port, u8 v)
{
	(void)port, (void)v;
}

static bool rd(u32 msr, u64 *value)
{
	guest.injected = -1;
	guest.advanced = 0;
	vcpu->regs[RCX] = msr;
	assert_true(exit_handle(vcpu, &(struct vm_exit){ .kind = EXIT_RDMSR, .insn_len = 2 }));
	*value = vcpu->regs[RDX] << 32 | vcpu->regs[RAX];
	assert_int_equal(guest.advanced, guest.injected < 0 ? 2 : 0);
	return guest.injected < 0;
}

static u64 get(u32 msr)
{
	u64 value;

	assert_true(rd(msr, &value));
	return value;
}

static bool set(u32 msr, u64 value)
{
	guest.injected = -1;
	guest.advanced = 0;
	vcpu->regs[RCX] = msr;
	vcpu->regs[RAX] = (u32)value;
	vcpu->regs[RDX] = value >> 32;
	assert_true(exit_handle(vcpu, &(struct vm_exit){ .kind = EXIT_WRMSR, .insn_len = 2 }));
	assert_int_equal(guest.advanced, guest.injected < 0 ? 2 : 0);
	assert_true(guest.injected < 0 || guest.injected == X86_GP);
	return guest.injected < 0;
}

static void none(void **state)
{
	u64 value;

	(void)state;
	assert_false(rd(0x12345, &value));
	assert_false(set(0x12345, 0));
}

/* SDM: "IA32_TSC_ADJUST MSR": each moves the other, and the clock page is to be written again. */
static void tsc(void **state)
{
	(void)state;
	fake_tsc_now = 1000;
	assert_true(set(MSR_TSC, 5000));
	assert_int_equal(vcpu->tsc_offset, 4000);
	assert_int_equal(get(MSR_TSC), 5000);
	assert_int_equal(get(MSR_TSC_ADJUST), 4000);
	assert_false(vcpu->clock_due);
	assert_true(set(MSR_KVM_SYSTEM_TIME, 0x5000 | 1));
	assert_true(set(MSR_TSC_ADJUST, 100));
	assert_int_equal(vcpu->tsc_offset, 100);
	assert_int_equal(get(MSR_TSC), 1100);
	assert_true(vcpu->clock_due);
	assert_true(vcpu->hv.pending & PEND_ARCH);
	assert_int_equal(guest.tsc_offsets, 2);
	assert_true(set(MSR_TSC_DEADLINE, 0)); /* its timer is in another mode: nothing */
	assert_int_equal(get(MSR_TSC_DEADLINE), 0);
}

static void apic(void **state)
{
	u64 base = get(MSR_APIC_BASE), value;

	(void)state;
	assert_int_equal(base & 0xfffff000, 0xfee00000);
	assert_false(rd(0x802, &value)); /* not in x2APIC mode */
	vcpu->known[0].rip = 0x1234;
	assert_true(set(MSR_APIC_BASE, base | BIT(10)));
	assert_int_equal(vcpu->known[0].rip, 1); /* what was known of its page is not any more */
	assert_int_equal(get(0x802), 0);
	assert_true(set(0x808, 0x20));
	assert_int_equal(get(0x808), 0x20);
	assert_false(set(0x802, 1));
	assert_false(set(MSR_APIC_BASE, base)); /* there is no way back but over off */
	vcpu->apicv = true;
	assert_true(set(0x808, 0x30));
	assert_true(vcpu->apic_touched); /* the processor's copy is stale */
	vcpu->apicv = false;
}

static void efer(void **state)
{
	(void)state;
	assert_int_equal(get(MSR_EFER), EFER_LME | EFER_LMA);
	assert_false(set(MSR_EFER, EFER_LME | EFER_SVME)); /* what it has not */
	assert_false(set(MSR_EFER, 0));			   /* LME under paging */
	assert_true(set(MSR_EFER, EFER_LME | EFER_NXE));   /* LMA is the processor's */
	assert_int_equal(guest.efer, EFER_LME | EFER_LMA | EFER_NXE);
	assert_false(vcpu->syscall_live);
	assert_true(set(MSR_EFER, EFER_LME | EFER_SCE));
	assert_true(vcpu->syscall_live);
	assert_true(set(MSR_EFER, EFER_LME | EFER_SCE));
	assert_int_equal(guest.syscalls, 1); /* once */
	guest.cr[0] = CR0_PE;
	guest.efer = EFER_LME;
	assert_true(set(MSR_EFER, 0));
	assert_int_equal(guest.efer, 0);
	assert_true(set(MSR_STAR, 0x1234));
	assert_int_equal(get(MSR_STAR), 0x1234);
	assert_true(set(MSR_TSC_AUX, 5));
	assert_int_equal(vcpu->syscall[SYSCALL_TSC_AUX], 5); /* read by the processor, from there */
}

/* Those that the processor has for the guest, where the vendor's exits for them nevertheless. */
static void passed(void **state)
{
	u64 value;

	(void)state;
	assert_true(set(MSR_PAT, 0x0007040600070406));
	assert_int_equal(guest.msr, 0x0007040600070406);
	assert_int_equal(get(MSR_PAT), 0x0007040600070406);
	for (u32 i = 0; i < 8; i++) {
		assert_false(set(MSR_PAT, 2ull << 8 * i));
		assert_false(set(MSR_PAT, 3ull << 8 * i));
		assert_false(set(MSR_PAT, 8ull << 8 * i));
	}
	assert_true(set(MSR_SYSENTER_EIP, 77));
	assert_int_equal(get(MSR_SYSENTER_EIP), 77);
	fake_msr = 5;
	fake_msr_ok = true;
	assert_int_equal(get(MSR_KERNEL_GS_BASE), 5);
	assert_true(set(MSR_KERNEL_GS_BASE, 6));
	assert_int_equal(fake_msr, 6);
	fake_msr_ok = false; /* not canonical, as the processor says */
	assert_false(set(MSR_KERNEL_GS_BASE, 1ull << 62));
	assert_false(rd(MSR_KERNEL_GS_BASE, &value));
}

static void the_clock(void **state)
{
	const struct pvclock_time *t = (void *)(guest.ram + 0x5010);
	const struct pvclock_wall *w = (void *)(guest.ram + 0x6020);

	(void)state;
	fake_tsc_now = 1000;
	vcpu->tsc_offset = 50;
	assert_true(set(MSR_KVM_SYSTEM_TIME, 0x5010));
	assert_int_equal(t->version, 0); /* off */
	assert_true(set(MSR_KVM_SYSTEM_TIME, 0x5010 | 1));
	assert_int_equal(get(MSR_KVM_SYSTEM_TIME), 0x5010 | 1);
	assert_int_equal(t->tsc, 1050);
	assert_int_equal(t->flags, PVCLOCK_TSC_STABLE);
	assert_false(t->version & 1);
	assert_true(set(MSR_KVM_SYSTEM_TIME, 0x5ff0 | 1)); /* across two pages, or nowhere: it goes without */
	assert_int_equal(guest_get(0x5ff0, 8), 0);
	assert_true(set(MSR_KVM_SYSTEM_TIME, 0x50000000 | 1));
	assert_true(set(MSR_KVM_WALL_CLOCK, 0x6020));
	assert_int_equal(get(MSR_KVM_WALL_CLOCK), 0x6020);
	assert_int_equal(w->sec, 1700000000);
	assert_true(set(MSR_KVM_WALL_CLOCK, 0x50000000));
	assert_int_equal(get(MSR_KVM_WALL_CLOCK), 0x50000000);
}

/* Where the vCPU waited and did not run;
 * and the mark that it is off its CPU, at which others leave work for it. */
static void steal_time(void **state)
{
	struct pv_steal *s = (void *)(guest.ram + 0x5040);

	(void)state;
	assert_false(set(MSR_KVM_STEAL_TIME, 0x5040 | 2 | 1)); /* reserved */
	assert_true(set(MSR_KVM_STEAL_TIME, 0x50000040 | 1));  /* nowhere: the guest's loss */
	assert_false(frame_ok(vcpu->steal_at));
	vcpu->hv.sched.wait_ticks = 700;
	vcpu->wait_base = 200;
	s->preempted = KVM_VCPU_FLUSH_TLB;
	assert_true(set(MSR_KVM_STEAL_TIME, 0x5040 | 1));
	assert_int_equal(get(MSR_KVM_STEAL_TIME), 0x5040 | 1);
	assert_int_equal(s->steal, 500);
	assert_int_equal(s->preempted, 0);
	assert_int_equal(guest.flushes, 1);
	pv_load(vcpu); /* nothing new */
	assert_int_equal(s->version, 2);
	pv_put(vcpu);
	assert_int_equal(s->preempted, KVM_VCPU_PREEMPTED);
	pv_load(vcpu);
	assert_int_equal(s->preempted, 0);
	assert_int_equal(guest.flushes, 1); /* nobody wanted one */
	assert_int_equal(s->version, 2);
	vcpu->io.kind = IO_MMIO; /* it holds translations that no flush reaches: it has to be asked */
	pv_put(vcpu);
	assert_int_equal(s->preempted, 0);
	vcpu->hv.sched.wait_ticks = 900;
	pv_load(vcpu);
	assert_int_equal(s->steal, 700);
	guest.page[5] = ROM; /* what it may not write is not written for it */
	assert_true(set(MSR_KVM_STEAL_TIME, 0x5040 | 1));
	assert_false(frame_ok(vcpu->steal_at));
	guest.page[5] = RAM;
	guest.owner = 9; /* nor what is another's */
	assert_true(set(MSR_KVM_STEAL_TIME, 0x5040 | 1));
	assert_false(frame_ok(vcpu->steal_at));
}

static void end_of_interrupt(void **state)
{
	(void)state;
	assert_false(set(MSR_KVM_PV_EOI, 0x5003));
	assert_false(set(MSR_KVM_PV_EOI, 0x50000001));
	assert_true(set(MSR_KVM_PV_EOI, 0x5008 | 1));
	assert_int_equal(get(MSR_KVM_PV_EOI), 0x5008 | 1);
	assert_true(vcpu->apic.pv_eoi);
	assert_false(vlapic_pv_eoi(&vcpu->apic, true));
	assert_int_equal(guest.ram[0x5008], 1);
	assert_true(vlapic_pv_eoi(&vcpu->apic, false)); /* the guest has not taken it: the bit is as it was */
	assert_int_equal(guest.ram[0x5008], 0);
	assert_true(set(MSR_KVM_PV_EOI, 0));
	assert_false(vcpu->apic.pv_eoi);
	assert_true(pv_features() & KVM_FEATURE_PV_EOI);
	hvm_has.apicv = true;
	assert_false(pv_features() & KVM_FEATURE_PV_EOI);
	hvm_has.apicv = false;
}

static u64 call(u64 nr, u64 rbx, u64 rcx, u64 rdx, u64 rsi, bool wide)
{
	guest.mode = wide ? HVM_64 : 0;
	vcpu->regs[RAX] = nr;
	vcpu->regs[RBX] = rbx;
	vcpu->regs[RCX] = rcx;
	vcpu->regs[RDX] = rdx;
	vcpu->regs[RSI] = rsi;
	assert_true(exit_handle(vcpu, &(struct vm_exit){ .kind = EXIT_HYPERCALL, .insn_len = 3 }));
	return vcpu->regs[RAX];
}

static void calls(void **state)
{
	const u64 high = 0xffffffffull << 32;

	(void)state;
	assert_int_equal(call(KVM_HC_END, 0, 0, 0, 0, true), (u64)KVM_ENOSYS);
	assert_int_equal(call(KVM_HC_END, 0, 0, 0, 0, false), (u32)KVM_ENOSYS);
	/* a kick ends the HLT that it is in, or the next */
	assert_int_equal(call(KVM_HC_KICK_CPU, 0, 0, 0, 0, true), 0);
	assert_true(vcpu->kicked);
	assert_int_equal(guest.woken, 1);
	assert_int_equal(call(KVM_HC_KICK_CPU, 0, 1, 0, 0, true), 0); /* nobody has that id */
	assert_int_equal(guest.woken, 1);
	assert_int_equal(call(KVM_HC_KICK_CPU, 0, high, 0, 0, false), 0); /* 32 bits outside 64-bit mode */
	assert_int_equal(guest.woken, 2);
	/* the turn is given to who waits here, not to oneself, to nobody, or to one elsewhere */
	assert_int_equal(call(KVM_HC_SCHED_YIELD, 0, 0, 0, 0, true), 0);
	assert_int_equal(call(KVM_HC_SCHED_YIELD, 7, 0, 0, 0, true), 0);
	assert_int_equal(guest.yields, 0);
	static struct x86_vcpu other;
	dom->hv.vcpus = dom->hv.max_vcpus = 2;
	dom->apics[1] = &other.apic;
	assert_int_equal(call(KVM_HC_SCHED_YIELD, 1, 0, 0, 0, true), 0);
	assert_int_equal(guest.yields, 0); /* it does not wait for a CPU */
	other.hv.sched.state = SCHED_QUEUED;
	assert_int_equal(call(KVM_HC_SCHED_YIELD, 1, 0, 0, 0, true), 0);
	assert_int_equal(guest.yields, 0); /* for another one */
	other.hv.sched.cpu = &vcpu->hv.cpu->sched;
	assert_int_equal(call(KVM_HC_SCHED_YIELD, 1, 0, 0, 0, true), 0);
	assert_int_equal(guest.yields, 1);
	assert_true(vcpu->hv.pending & PEND_LEAVE);
	dom->hv.vcpus = 1;
	/* an IPI to a set: how many took it */
	vlapic_mmio_write(&vcpu->apic, 0xf0, 4, 0x1ff);
	assert_int_equal(call(KVM_HC_SEND_IPI, 1, 0, 0, 0x41, true), 1);
	vlapic_sync(&vcpu->apic);
	assert_int_equal(vlapic_irr_top(&vcpu->apic), 0x41);
	assert_int_equal(call(KVM_HC_SEND_IPI, 2, ~0ull, 0, 0x42, true), 0);
	assert_int_equal(call(KVM_HC_SEND_IPI, ~0ull, ~0ull, 0xffffffff, 0x42, true), 0); /* far away */
	assert_int_equal(call(KVM_HC_SEND_IPI, high | 1, high, 0, 0x43, false), 1);
	assert_int_equal(call(KVM_HC_SEND_IPI, 1, 0, 0, 0x44 | BIT(11), true), (u64)KVM_EINVAL);
	assert_int_equal(call(KVM_HC_SEND_IPI, 1, 0, 0, 0x44 | BIT(18), true), (u64)KVM_EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(none),   TEST(tsc),       TEST(apic),	 TEST(efer),
		TEST(passed), TEST(the_clock), TEST(steal_time), TEST(end_of_interrupt),
		TEST(calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
