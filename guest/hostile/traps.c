/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions that have nowhere to go, descriptor tables in impossible places, returns to nonsense. Most of it
 * ends the domain. */
#include "guest/hostile/hostile.h"
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

struct table {
	u16 limit;
	u64 base;
} __attribute__((packed));

struct game {
	u32 kind;
	u64 a, b;
};

static u64 stack[5];
static u64 *gate(u32 v)
{
	struct table t;

	__asm__ volatile("sidt %0" : "=m"(t));
	return (u64 *)(t.base + v * 16);
}

static void play(void *arg)
{
	struct game *g = arg;
	struct table t = { (u16)g->a, g->b };

	switch (g->kind) {
	case 0:
		__asm__ volatile("lidt %0; ud2" ::"m"(t));
		break;
	case 1:
		__asm__ volatile("lidt %0; int $0x80" ::"m"(t));
		break;
	case 2:
		__asm__ volatile("lgdt %0; mov %1, %%ds; int3" ::"m"(t), "r"(g->a & 0xffff));
		break;
	case 3: /* a stack that cannot take a frame */
		__asm__ volatile("mov %0, %%rsp; ud2" ::"r"(g->b));
		break;
	case 4: /* a return to anywhere */
		stack[0] = g->b;
		stack[1] = g->a & 0xffff;
		stack[2] = rnd();
		stack[3] = nasty();
		stack[4] = rnd() & 0x7f;
		__asm__ volatile("mov %0, %%rsp; iretq" ::"r"(stack));
		break;
	case 5: /* a gate of another kind */
		gate(6)[0] = g->a;
		__asm__ volatile("ud2");
		break;
	case 6: /* INT n of each, single-stepped */
		__asm__ volatile("pushf; orl $0x100, (%rsp); popf; int $14; int $8; int $18; int $2; nop");
		break;
	case 7:
		__asm__ volatile("mov %0, %%dr0; mov %1, %%dr7; movq $0, (%0); int1" ::"r"(SCRATCH),
				 "r"(0xd0003 | (g->a & 0x2000)));
		break;
	case 8:
		__asm__ volatile("lldt %w0; ltr %w1" ::"r"(g->a), "r"(g->b));
		break;
	case 9: /* alignment checks in an exception's way, and the stack is odd */
		__asm__ volatile(
			"mov %0, %%rsp; pushf; orl $0x40000, (%%rsp); popf; int $3" ::"r"(SCRATCH + 0x1001));
		break;
	case 10: /* page tables that lead nowhere, or to a device */
		__asm__ volatile("mov %0, %%cr3; mov (%1), %%rax" ::"r"(g->b & 0xfffffff000ul), "r"(SCRATCH)
				 : "rax");
		break;
	default:
		__asm__ volatile("mov %0, %%ss; int3" ::"r"(g->a & 0xfffc));
	}
}

static void run(void)
{
	u64 ud[2];

	if (below(2))
		traps_on_own_stack();
	scratch_open();
	memcpy(ud, gate(6), 16);
	while (go_on()) {
		struct game g = { below(12), nasty(), nasty() };

		if (below(3) == 0)
			g.a = gate(6)[0] ^ 1ul << below(64);
		attempt(play, &g);
		memcpy(gate(6), ud, 16);
	}
}

const struct wall wall_traps = { "traps", run };
