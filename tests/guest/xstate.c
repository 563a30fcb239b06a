/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x87, SSE, AVX, AVX-512 and PKRU state survives exits, HLT and preemption, whoever else runs. The command
 * line is a number that makes this domain's values its own: tests/system/guests.py runs two at once.
 */
/* not on: qemu (its XSETBV cannot be intercepted) */
#include "guest/lib/string.h"
#include "tests/guest/common/xstate.h"

#define ROUNDS 200

static u8 mine[XSAVE_BYTES] __attribute__((aligned(64))), seen[XSAVE_BYTES] __attribute__((aligned(64)));

void test_main(void)
{
	u64 all = xcr0_all(), seed = strtoul(guest_cmdline(), NULL, 10) + 1;
	u32 wrong = 0, r[4];

	if (!all) {
		test_skip("no XSAVE");
		return;
	}
	apic_mode(true);
	cpuid(0x40000010, 0, r);
	apic_write(APIC_LVTT, 0x40);
	apic_write(APIC_TDCR, 0xb);
	__asm__ volatile("mov %%cr4, %%rax; or $0x40600, %%rax; mov %%rax, %%cr4" ::: "rax", "memory");
	CHECK(xsetbv_ok(all), "XCR0 %lx is refused", all);
	guest_printf("XCR0 %lx\n", all);
	for (u32 n = 0; n < ROUNDS; n++) {
		xstate_fill(mine, all, 0x123456789abcdeful * seed + n * 0x10001);
		xrstor(mine, all);
		switch (n % 4) {
		case 0:
			inb(0x70);
			break;
		case 1: /* gives its CPU away */
			apic_write(APIC_TMICT, r[1] / 10);
			__asm__ volatile("sti; hlt; cli" ::: "memory");
			break;
		case 2:
			wait_us(2000);
			break;
		case 3:
			__asm__ volatile("cpuid" ::"a"(0), "c"(0) : "rbx", "rdx");
		}
		xsave(seen, all);
		wrong += xstate_differs(mine, seen, all) != 0;
	}
	EQ(wrong, 0, "rounds in which the state was another");
}
