/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions inside of the delivery of others, where the hypervisor has a hand in it: the pages of the stack,
 * the IDT and the handler are not yet given (lazy memory), so that each delivery is interrupted by an exit
 * and begun again.
 */
/* create: --lazy --memory 128 */
#include "tests/guest/common/test.h"
#include "guest/lib/string.h"

#define FRESH 0x2000000ul /* 32 MiB: nobody was there yet */

static volatile u32 seen[256];

static void note(struct guest_trap *t)
{
	seen[t->vector & 0xff]++;
	t->rip += 2; /* UD2 and INT n have two bytes */
}

static void note_int(struct guest_trap *t)
{
	seen[t->vector & 0xff]++;
}

/* #GP by the hypervisor, whose gate is not present: two contributory exceptions are a double fault. */
static void contributory(u8 *table)
{
	static u8 stack[4096];
	u32 before = irq_count[NP];

	gate_ist(DF, 6, stack + sizeof(stack));
	table[GP * 16 + 5] = 0x0e; /* not present */
	__asm__ volatile(GUARD("mov $0x480, %%ecx; rdmsr")::: GUARD_CLOBBERS, "rax", "rcx", "rdx");
	EQ(caught.vector, DF, "#GP by the hypervisor with no gate for it");
	EQ(caught.error, 0, "its error code");
	EQ(irq_count[NP], before, "#NP that was delivered");
}

void test_main(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr;
	u64 fresh = FRESH;

	irq_handler[UD] = note;
	irq_handler[0x50] = note_int;
	irq_handler[BP] = note_int;
	/* Stacks in fresh memory: the push of the frame is what touches it first. */
	for (u32 i = 0; i < 20; i++) {
		gate_ist(UD, 2, (void *)(fresh + PAGE_SIZE));
		gate_ist(0x50, 3, (void *)(fresh + 2 * PAGE_SIZE + 64)); /* the frame goes over two pages */
		gate_ist(BP, 4, (void *)(fresh + 5 * PAGE_SIZE));
		__asm__ volatile("ud2; int $0x50; int3" ::: "memory");
		EQ(seen[UD], i + 1, "#UD on a fresh stack");
		EQ(seen[0x50], i + 1, "INT 0x50 on a fresh stack");
		EQ(seen[BP], i + 1, "INT3 on a fresh stack");
		/* An interrupt, too. */
		if (!i)
			apic_mode(true);
		gate_ist(0x60, 5, (void *)(fresh + 8 * PAGE_SIZE));
		apic_self(0x60);
		irq_let_in();
		EQ(irq_count[0x60], i + 1, "an interrupt on a fresh stack");
		fresh += 0x200000;
	}
	/* An IDT that spans two fresh 2 MiB regions. */
	__asm__ volatile("sidt %0" : "=m"(idtr));
	u8 *copy = (u8 *)(fresh + 0x400000 - 6 * 16);
	memcpy(copy, (void *)idtr.base, 4096);
	idtr.base = (u64)copy;
	__asm__ volatile("lidt %0" ::"m"(idtr));
	gate_ist(UD, 0, 0);
	__asm__ volatile("ud2; int $0x50" ::: "memory");
	EQ(seen[UD], 21, "#UD through an IDT over two regions");
	if (!on_tcg())
		contributory(copy);
}
