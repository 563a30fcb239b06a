/* SPDX-License-Identifier: BSD-2-Clause */
/* One call sends an interrupt to a set of vCPUs:
 * those come, no others, and the call says how many; nonsense hurts nobody. */
/* create: --vcpus 4 */
#include "tests/guest/common/pv.h"

#define CPUS   4u
#define VECTOR 0x51u

static volatile u32 got[CPUS], nmis[CPUS], up, x2;

static u32 self(void)
{
	return apic_is_x2() ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

static void on_ipi(struct guest_trap *t)
{
	(void)t;
	__atomic_add_fetch(&got[self()], 1, __ATOMIC_SEQ_CST);
	apic_write(APIC_EOI, 0);
}

static void on_nmi(struct guest_trap *t)
{
	(void)t;
	__atomic_add_fetch(&nmis[self()], 1, __ATOMIC_SEQ_CST);
}

static void work(u32 id)
{
	for (u32 mode = 0; mode < 2; mode++) {
		while (x2 != mode)
			__asm__ volatile("pause");
		apic_mode(mode);
		__atomic_add_fetch(&up, 1, __ATOMIC_SEQ_CST);
		while (x2 == mode) { /* busy and halted in turn */
			__asm__ volatile("sti; hlt; cli" ::: "memory");
			for (u32 i = 0; i < 1000 * id; i++)
				__asm__ volatile("sti; pause; cli" ::: "memory");
		}
	}
}

static void to(u64 low, u64 high, u64 first, u32 set, u32 count)
{
	u32 want[CPUS];

	for (u32 i = 0; i < CPUS; i++)
		want[i] = got[i] + (set >> i & 1);
	EQ(kvm_call(KVM_SEND_IPI, low, high, first, VECTOR), count, "vCPUs that it was sent to");
	for (u32 i = 0; i < CPUS; i++)
		CHECK(BECOMES((irq_let_in(), got[i] == want[i])), "vCPU %u has %u of %u", i, got[i], want[i]);
}

void test_main(void)
{
	irq_handler[VECTOR] = on_ipi;
	irq_handler[NMI] = on_nmi;
	CHECK(kvm_has(11), "CPUID does not offer it");
	for (u32 i = 1; i < CPUS; i++)
		CHECK(cpu_start(i, work), "vCPU %u does not start", i);
	for (u32 mode = 0; mode < 2; mode++) {
		apic_mode(mode);
		x2 = mode;
		if (mode) /* out of HLT, into the other mode */
			for (u32 i = 1; i < CPUS; i++)
				apic_icr(VECTOR, i);
		CHECK(BECOMES(up == (mode + 1) * (CPUS - 1)), "%u vCPUs are ready", up);
		for (u32 n = 0; n < 20; n++) {
			to(0xe, 0, 0, 0xe, 3);
			to(0xf, 0, 0, 0xf, 4);
			to(5, 0, 1, 0xa, 2);
			to(1ul << 63, 0, (u32)-62, 0, 0);
		}
		/* beyond the last, all bits, a first id that is no id, high bits of it ignored */
		to(~0ul, ~0ul, 0, 0xf, 4);
		to(~0ul, ~0ul, 3, 8, 1);
		to(~0ul, ~0ul, 4, 0, 0);
		to(~0ul, ~0ul, 0xffffffff, 0, 0);
		to(0xffffffff, 0, 0xffffffff, 0, 0);
		to(0, ~0ul, 0, 0, 0);
		to(0, 1, (u64)-64, 0, 0);
		to(2, 0, 1ul << 32, 2, 1);
		to(0, 0, 0, 0, 0);
		EQ(kvm_call(KVM_SEND_IPI, 0xf, 0, 0, VECTOR | 0x800), -22, "a logical destination");
		EQ(kvm_call(KVM_SEND_IPI, 0xf, 0, 0, VECTOR | 0x40000), -22, "a shorthand");
		EQ(kvm_call(KVM_SEND_IPI, 0xf, 0, 0, 5), 0, "a vector that is none");
		EQ(kvm_call(KVM_SEND_IPI, 0xf, 0, 0, 0x200), 0, "an SMI");
		u32 was = nmis[2];
		EQ(kvm_call(KVM_SEND_IPI, 1, 0, 2, 0x400), 1, "an NMI");
		CHECK(BECOMES(nmis[2] == was + 1), "%u NMIs", nmis[2] - was);
	}
}
