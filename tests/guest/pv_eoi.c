/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM's EOI without an exit: offered only where the processor does not do EOIs itself, no interrupt is lost
 * or comes twice, and what is not offered is still to be ended by the register. */
#include "tests/guest/common/pv.h"

static volatile u32 bit __attribute__((aligned(4)));
static volatile u32 offered, written, inside;

static void end(void)
{
	if (bit & 1) {
		bit = 0;
		offered++;
	} else {
		apic_write(APIC_EOI, 0);
		written++;
	}
}

static void on_irq(struct guest_trap *t)
{
	(void)t;
	end();
}

/* Others come while this one is served: one above it at once, one below it afterwards. */
static void on_long(struct guest_trap *t)
{
	u32 above = irq_count[0x81], below = irq_count[0x41];

	(void)t;
	inside = bit;
	apic_self(0x81);
	irq_let_in();
	EQ(irq_count[0x81], above + 1, "an interrupt above the one that is served");
	apic_self(0x41);
	irq_let_in();
	EQ(irq_count[0x41], below, "an interrupt below the one that is served");
	CHECK(!(bit & 1), "EOI is left out though one waits for it");
	end();
}

static void rounds(void)
{
	u32 came = irq_count[0x41], longs = irq_count[0x61], above = irq_count[0x81];

	offered = written = 0;
	for (u32 i = 0; i < 200; i++) {
		apic_self(0x41);
		irq_let_in();
	}
	EQ(irq_count[0x41], came + 200, "interrupts");
	EQ(offered, 200, "ended without EOI");
	/* a halt ends by the next one though the last had no EOI */
	apic_self(0x41);
	__asm__ volatile("sti; hlt; cli" ::: "memory");
	EQ(irq_count[0x41], came + 201, "interrupts after HLT");
	for (u32 i = 0; i < 50; i++) {
		apic_self(0x61);
		irq_let_in();
		irq_let_in();
		EQ(inside, 1, "the bit in a handler");
	}
	EQ(irq_count[0x61], longs + 50, "long ones");
	EQ(irq_count[0x81], above + 50, "those above");
	EQ(irq_count[0x41], came + 251, "those below");
	EQ(offered + written, 351, "ends");
	CHECK(written >= 50, "%u were written", written);
	/* what the registers show is what the guest did */
	apic_self(0x41);
	irq_let_in();
	CHECK(!apic_bit(APIC_ISR, 0x41), "it is in service still");
	EQ(apic_read(APIC_PPR), 0, "PPR");
}

void test_main(void)
{
	u64 v;

	if (!kvm_has(6)) {
		CHECK(!rdmsr_ok(KVM_PV_EOI, &v), "the MSR can be read though CPUID has it not");
		CHECK(!wrmsr_ok(KVM_PV_EOI, 0), "the MSR can be written though CPUID has it not");
		return;
	}
	CHECK(!wrmsr_ok(KVM_PV_EOI, (u64)&bit | 3), "a reserved bit");
	CHECK(!wrmsr_ok(KVM_PV_EOI, 0xf0000001), "an address where nothing is");
	CHECK(!wrmsr_ok(KVM_PV_EOI, 0xe0001), "an address of ROM");
	irq_handler[0x41] = irq_handler[0x81] = on_irq;
	irq_handler[0x61] = on_long;
	for (u32 x2 = 0; x2 < 2; x2++) {
		apic_mode(x2);
		CHECK(wrmsr_ok(KVM_PV_EOI, (u64)&bit | 1), "it cannot be switched on");
		EQ(rdmsr(KVM_PV_EOI), (u64)&bit | 1, "the MSR");
		rounds();
		wrmsr(KVM_PV_EOI, 0);
		offered = 0;
		bit = 0;
		apic_self(0x41);
		irq_let_in();
		EQ(offered, 0, "offered after it was switched off");
	}
}
