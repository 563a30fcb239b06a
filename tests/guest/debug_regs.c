/* SPDX-License-Identifier: BSD-2-Clause */
/* Hardware breakpoints: on execution, on writing, on reading; DR6 and DR7, DR4 and DR5, general detect; they
 * survive exits. */
#include "tests/guest/common/test.h"

static volatile u32 hits;
static volatile u64 hit_rip, hit_dr6;
static volatile u64 watched[2];
extern u8 bp_here[];

#define SET(n, v) __asm__ volatile("mov %0, %%dr" #n ::"r"((u64)(v)))
#define GET(n)                                                     \
	({                                                         \
		u64 v_;                                            \
		__asm__ volatile("mov %%dr" #n ", %0" : "=r"(v_)); \
		v_;                                                \
	})
#define DR6_CLEAR 0xffff0ff0ul

static void on_db(struct guest_trap *t)
{
	hits++;
	hit_rip = t->rip;
	hit_dr6 = GET(6);
	SET(6, DR6_CLEAR);
	t->rflags |= 1ul << 16; /* past an instruction breakpoint */
}

static void exits(void)
{
	u32 r[4];

	for (u32 i = 0; i < 20; i++) {
		cpuid(0, 0, r);
		inb(0x80);
		(void)pm_timer();
	}
}

void test_main(void)
{
	irq_handler[DB] = on_db;
	EQ(GET(7), 0x400, "DR7 at the start");
	EQ(GET(6), DR6_CLEAR, "DR6 at the start");
	SET(0, 0x1111);
	SET(1, 0x2222);
	SET(2, 0x3333);
	SET(3, 0xffff800000004444);
	exits();
	EQ(GET(0), 0x1111, "DR0 after exits");
	EQ(GET(1), 0x2222, "DR1");
	EQ(GET(2), 0x3333, "DR2");
	EQ(GET(3), 0xffff800000004444, "DR3");

	/* a write of 8 bytes */
	SET(1, &watched[0]);
	SET(7, 0x400 | 1 << 2 | (1ul << 20) | (2ul << 22));
	watched[1] = 1;
	EQ(hits, 0, "hits by the neighbour");
	(void)watched[0];
	EQ(hits, 0, "hits by a read of a watched write");
	watched[0] = 1;
	EQ(hits, 1, "hits by a write");
	EQ(hit_dr6 & 0xf, 2, "DR6 of it");
	/* a read, by the hypervisor's own hand: an exit is in between */
	exits();
	SET(7, 0x400 | 1 << 2 | (3ul << 20) | (2ul << 22));
	(void)watched[0];
	EQ(hits, 2, "hits by a read");

	/* execution, of an instruction that exits */
	SET(0, bp_here);
	SET(7, 0x400 | 1);
	__asm__ volatile("xor %%eax, %%eax\n.globl bp_here\nbp_here:\tcpuid" ::: "rax", "rbx", "rcx", "rdx");
	EQ(hits, 3, "hits by execution");
	EQ(hit_rip, (u64)bp_here, "where");
	EQ(hit_dr6 & 0xf, 1, "DR6 of it");

	u64 v;
	if (!on_tcg()) {
		/* general detect: the access faults and GD is off in the handler */
		SET(7, 0x400 | 1 << 13);
		hits = 0;
		__asm__ volatile("mov %%dr0, %0" : "=r"(v));
		EQ(hits, 1, "#DB by general detect");
		EQ(hit_dr6 >> 13 & 1, 1, "DR6.BD");
		EQ(GET(7), 0x400, "DR7 after it");
		EQ(v, (u64)bp_here, "DR0 read again after it");
	}
	SET(7, 0x400);

	/* DR4 and DR5 are 6 and 7, unless CR4.DE says that they are not there */
	__asm__ volatile(".byte 0x0f, 0x21, 0xe8" : "=a"(v)); /* mov rax, dr5 */
	EQ(v, 0x400, "DR5 without CR4.DE");
	write_cr_ok(4, read_cr(4) | 8);
	EQ(TRAP_OF(".byte 0x0f, 0x21, 0xe8"), UD, "DR5 with CR4.DE");
	EQ(TRAP_OF("mov $1, %%rax; shl $32, %%rax; mov %%rax, %%dr7"), GP, "DR7 with bit 32");
	EQ(TRAP_OF("mov $1, %%rax; shl $32, %%rax; mov %%rax, %%dr6"), GP, "DR6 with bit 32");
}
