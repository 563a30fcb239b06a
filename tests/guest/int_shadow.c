/* SPDX-License-Identifier: BSD-2-Clause */
/* The instruction after STI, and after MOV SS, runs before an interrupt comes in: also when it exits. */
#include "guest/lib/hypercall.h"
#include "tests/guest/common/test.h"

static volatile u64 came_at;

static void on_irq(struct guest_trap *t)
{
	came_at = t->rip;
	apic_write(APIC_EOI, 0);
}

/* The interrupt is pending; it has to come in right at label 2. */
#define SHADOW(what, before, insn)                                                                          \
	do {                                                                                                \
		u64 want_;                                                                                  \
		came_at = 0;                                                                                \
		apic_self(0x50);                                                                            \
		__asm__ volatile("lea 2f(%%rip), %0\n\t" before "\n\t" insn "\n2:\tnop; nop; nop; cli"      \
				 : "=&r"(want_)                                                             \
				 : "S"(16)                                                                  \
				 : "rax", "rbx", "rcx", "rdx", "memory", "cc");                             \
		CHECK(came_at == want_, what ": the interrupt came at %lx instead of %lx", came_at, want_); \
	} while (0)

static void both(void)
{
	SHADOW("STI; NOP", "sti", "nop");
	SHADOW("STI; CPUID", "sti", "cpuid");
	SHADOW("STI; IN", "sti", "in $0x80, %%al");
	SHADOW("STI; IN of a device model", "sti", "in $0x70, %%al");
	SHADOW("STI; RDMSR", "mov $0x8b, %%ecx; sti", "rdmsr");
	if (guest_is_amd)
		SHADOW("STI; VMMCALL", "mov $0x43530000, %%eax; sti", "vmmcall");
	else
		SHADOW("STI; VMCALL", "mov $0x43530000, %%eax; sti", "vmcall");
	SHADOW("STI; HLT", "sti", "hlt");
	SHADOW("STI; MMIO", "mov $0xfec00000, %%eax; sti", "mov (%%rax), %%ecx");
	if (!on_tcg()) /* whose host forgets the shadow at an entry */
		SHADOW("STI; MOV SS; CPUID", "sti; mov %%esi, %%ss", "cpuid");
	/* STI with IF set already makes no shadow, MOV SS does. */
	came_at = 0;
	apic_write(APIC_TPR, 0xf0);
	apic_self(0x50);
	irq_on();
	u64 want;
	__asm__ volatile("lea 3f(%%rip), %0; xor %%eax, %%eax; mov %%rax, %%cr8\n3:\tnop; nop; cli"
			 : "=&r"(want)::"rax", "memory");
	CHECK(came_at == want, "MOV to CR8: the interrupt came at %lx instead of %lx", came_at, want);
}

/* Often, so that an interrupt of the machine's comes right before the instruction too. */
static void often(void)
{
	u32 early = 0;

	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, LVT_PERIODIC | 0x51);
	apic_write(APIC_TMICT, (u32)tsc_khz() / 25);
	for (u32 i = 0; i < 5000; i++) {
		u64 want;

		apic_self(0x50);
		__asm__ volatile("lea 4f(%%rip), %0; sti; nop\n4:\tnop; cli" : "=&r"(want)::"memory");
		early += came_at != want;
	}
	apic_write(APIC_TMICT, 0);
	EQ(early, 0, "interrupts in a shadow");
}

void test_main(void)
{
	irq_handler[0x50] = on_irq;
	apic_mode(false);
	both();
	apic_mode(true);
	both();
	often();
}
