/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFLAGS.TF: one #DB after each instruction, whoever carries it out: also after CPUID, IN, RDMSR, MOV CR,
 * MMIO and a hypercall.
 */
/* create: --testdev */
#include "guest/lib/hypercall.h"
#include "tests/guest/common/test.h"

static volatile u64 rips[64];
static volatile u32 steps;
static volatile u64 dr6_bad;

static void on_db(struct guest_trap *t)
{
	u64 dr6;

	__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
	if ((dr6 & 0x600f) != 0x4000)
		dr6_bad = dr6;
	__asm__ volatile("mov %0, %%dr6" ::"r"(0xffff0ff0ul));
	rips[steps++ % 64] = t->rip;
}

/* The addresses after each instruction that follows the POPF which sets TF, up to the one that clears it. */
#define STEP(what, insn, rax, rcx)                                                                       \
	do {                                                                                             \
		u64 after_, a_ = (rax), c_ = (rcx), d_ = 0;                                              \
		steps = 0;                                                                               \
		__asm__ volatile("lea 2f(%%rip), %0\n\t"                                                 \
				 "pushfq; orl $0x100, (%%rsp); popfq\n\t" insn                           \
				 "\n2:\tpushfq; andl $~0x100, (%%rsp); popfq"                            \
				 : "=&S"(after_), "+a"(a_), "+c"(c_), "+d"(d_)                           \
				 :                                                                       \
				 : "rbx", "memory", "cc");                                               \
		/* the instruction itself, then PUSHF, AND and POPF of the end */                        \
		EQ(steps, 4, what ": steps");                                                            \
		CHECK(rips[0] == after_, what ": the first #DB at %lx instead of %lx", rips[0], after_); \
		EQ(dr6_bad, 0, what ": DR6 without BS");                                                 \
	} while (0)

/* INT1 in the shadow of MOV SS: its #DB is an exit, and what is injected has to satisfy the entry's checks.
 */
static void int1(void)
{
	u64 ss = 16;

	steps = 0;
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq\n\t"
			 "mov %w0, %%ss; .byte 0xf1\n\t"
			 "pushfq; andl $~0x100, (%%rsp); popfq"
			 : "+r"(ss)::"memory", "cc");
	CHECK(steps >= 4 && steps < 10, "INT1 behind MOV SS: %u steps", steps);
	dr6_bad = 0;
}

void test_main(void)
{
	irq_handler[DB] = on_db;
	STEP("NOP", "nop", 0, 0);
	STEP("CPUID", "cpuid", 0, 0);
	STEP("IN, nothing there", "in $0x80, %%al", 0, 0);
	STEP("IN, a device model", "in $0x70, %%al", 0, 0);
	STEP("RDMSR", "rdmsr", 0, 0x1b);
	STEP("WRMSR", "wrmsr", 0, 0x8b);
	STEP("MOV from CR8", "mov %%cr8, %%rax", 0, 0);
	STEP("MOV to CR0", "mov %%rax, %%cr0", read_cr(0), 0);
	STEP("MOV to CR4", "mov %%rax, %%cr4", read_cr(4) ^ 0x40, 0);
	STEP("WBINVD", "wbinvd", 0, 0);
	STEP("INVD", "invd", 0, 0);
	if (!on_tcg())
		STEP("PAUSE", "pause", 0, 0);
	if (guest_is_amd)
		STEP("a hypercall", "vmmcall", CAISSON_CALL_version, 0);
	else
		STEP("a hypercall", "vmcall", CAISSON_CALL_version, 0);
	STEP("an MMIO read", "mov (%%rax), %%ecx", 0xfeb00000ul, 0);
	STEP("an MMIO write", "mov %%ecx, (%%rax)", 0xfeb00000ul, 0);
	STEP("a read of nothing", "mov (%%rax), %%ecx", 0xf0000000ul, 0);
	STEP("the I/O APIC", "mov (%%rax), %%ecx", 0xfec00000ul, 0);
	STEP("the local APIC", "mov (%%rax), %%ecx", 0xfee00030ul, 0);
	if (!on_tcg())
		int1();
}
