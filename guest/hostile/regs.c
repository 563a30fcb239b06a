/* SPDX-License-Identifier: BSD-2-Clause */
/* Control and debug registers, XCR0, CPUID: every bit, alone and with others. */
#include "guest/hostile/hostile.h"
#include "tests/guest/common/test.h"

struct
try {
	u32 what;
	u64 value, other;
};

static void set(void *arg)
{
	struct try *t = arg;
	u32 r[4];

	switch (t->what) {
	case 0:
		__asm__ volatile("mov %0, %%cr0" ::"r"(t->value) : "memory");
		break;
	case 1:
		__asm__ volatile("mov %0, %%cr3" ::"r"(t->value) : "memory");
		break;
	case 2:
		__asm__ volatile("mov %0, %%cr4" ::"r"(t->value) : "memory");
		break;
	case 3:
		__asm__ volatile("mov %0, %%cr8" ::"r"(t->value) : "memory");
		break;
	case 4:
		__asm__ volatile("lmsw %w0" ::"r"(t->value) : "memory");
		break;
	case 5:
		__asm__ volatile("clts; smsw %0" : "=r"(t->value));
		break;
	case 6:
		__asm__ volatile("xsetbv" ::"a"((u32)t->value), "d"((u32)(t->value >> 32)),
				 "c"((u32)t->other));
		break;
	case 7:
		__asm__ volatile("mov %0, %%dr6" ::"r"(t->value));
		break;
	case 8:
		__asm__ volatile("mov %0, %%dr7; nop; mov (%%rsp), %%rax; nop" ::"r"(t->value) : "rax");
		break;
	case 9:
		__asm__ volatile(
			"mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3" ::"r"(t->value));
		break;
	case 10:
		__asm__ volatile("mov %%cr0, %0; mov %%cr2, %0; mov %%cr3, %0; mov %%cr4, %0; mov %%cr8, %0"
				 : "=r"(t->value));
		break;
	case 11:
		__asm__ volatile("mov %0, %%cr2" ::"r"(t->value));
		break;
	default:
		cpuid((u32)t->value, (u32)t->other, r);
		break;
	}
}

static u64 near(u32 what)
{
	u64 now = what == 0 ? read_cr(0) : what == 2 ? read_cr(4) : read_cr(3);

	return below(4) ? now ^ 1ull << below(below(3) ? 32 : 64) : now ^ nasty();
}

static void run(void)
{
	traps_on_own_stack();
	if (!below(8)) /* user pages: SMEP and SMAP hit us then, for ever */
		scratch_open();
	scratch_only();
	while (go_on()) {
		struct try t = { below(16), nasty(), below(3) ? 0 : nasty() };

		if (t.what <= 2 && below(8))
			t.value = near(t.what);
		if (t.what == 1 && below(200)) /* most that are valid are the end */
			t.value = read_cr(3) | (nasty() & (below(2) ? 0xfffull : ~0xffffffffffull));
		if (t.what >= 12)
			t.value = (below(2)   ? 0
				   : below(2) ? 0x80000000
					      : 0x40000000) +
				  below(below(2) ? 0x40 : 0x200);
		attempt(set, &t);
	}
}

const struct wall wall_regs = { "regs", run };
