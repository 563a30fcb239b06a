/* SPDX-License-Identifier: BSD-2-Clause */
/* x87, SSE, AVX, AVX-512 and PKRU state of two vCPUs and what each has enabled: neither sees the other's. */
/* create: --vcpus 2 */
#include "tests/guest/common/xstate.h"

#define ROUNDS 300

static u8 mine[2][XSAVE_BYTES] __attribute__((aligned(64))),
	seen[2][XSAVE_BYTES] __attribute__((aligned(64)));
static volatile u32 wrong[2], wrong_xcr0[2], done;

static void work(u32 id)
{
	/* one uses everything, the other only half of it */
	u64 all = xcr0_all() & ~0x200ul, mask = !id ? all : all > 7 ? 7 : 3, xcr0;
	u32 lo, hi;

	__asm__ volatile("mov %%cr4, %%rax; or $0x40600, %%rax; mov %%rax, %%cr4" ::: "rax", "memory");
	__asm__ volatile("xsetbv" ::"a"((u32)mask), "d"((u32)(mask >> 32)), "c"(0));
	for (u32 n = 0; n < ROUNDS; n++) {
		xstate_fill(mine[id], mask, 0x123456789abcdeful * (id + 1) + n * 0x10001);
		xrstor(mine[id], mask);
		if (n % 3 == 0)
			inb(0x70); /* a device model of the control domain answers */
		else
			for (u32 k = 0; k < 400; k++)
				__asm__ volatile("pause");
		__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
		xcr0 = lo | (u64)hi << 32;
		wrong_xcr0[id] += xcr0 != mask;
		xsave(seen[id], mask);
		wrong[id] += xstate_differs(mine[id], seen[id], mask) != 0;
	}
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
}

void test_main(void)
{
	if (!xcr0_all()) {
		test_skip("no XSAVE");
		return;
	}
	apic_mode(true);
	CHECK(cpu_start(1, work), "vCPU 1 does not start");
	work(0);
	u64 end = rdtsc() + tsc_khz() * 20000;
	while (done < 2 && rdtsc() < end)
		__asm__ volatile("pause");
	EQ(done, 2, "vCPUs that came to their end");
	for (u32 id = 0; id < 2; id++) {
		CHECK(!wrong_xcr0[id], "vCPU %u: XCR0 differs %u times", id, wrong_xcr0[id]);
		CHECK(!wrong[id], "vCPU %u: the state differs %u times", id, wrong[id]);
	}
}
