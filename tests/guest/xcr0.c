/* SPDX-License-Identifier: BSD-2-Clause */
/* XCR0: what may be enabled together, what may not; the sizes in CPUID follow it; instructions fault without
 * it. */
/* not on: qemu (its XSETBV cannot be intercepted) */
#include "tests/guest/common/xstate.h"

void test_main(void)
{
	u64 all = xcr0_all();
	u32 r[4], lo, hi;

	if (!all) {
		test_skip("no XSAVE");
		return;
	}
	EQ(TRAP_OF("xor %%ecx, %%ecx; xgetbv"), UD, "XGETBV without CR4.OSXSAVE");
	write_cr_ok(4, read_cr(4) | 1u << 18);
	EQ(TRAP_OF("xor %%ecx, %%ecx; xgetbv"), NO_TRAP, "XGETBV with it");
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	EQ(lo, 1, "XCR0 after reset");
	cpuid(0xd, 0, r);
	EQ(r[1], 576, "the size for x87 alone");
	CHECK(xsetbv_ok(3), "x87 and SSE are refused");
	CHECK(!xsetbv_ok(2), "SSE without x87 is taken");
	CHECK(!xsetbv_ok(0), "nothing is taken");
	CHECK(!xsetbv_ok(5), "AVX without SSE is taken");
	CHECK(!xsetbv_ok(all | 1ul << 62), "bit 62 is taken");
	CHECK(!xsetbv_ok(all | 1ul << 8), "bit 8 (PT) is taken");
	CHECK(!xsetbv_ok(all | 0x18), "MPX is taken");
	CHECK(!xsetbv_ok(0x27), "one third of AVX-512 is taken");
	__asm__ volatile(GUARD("xsetbv")::"a"(3), "d"(0), "c"(1) : GUARD_CLOBBERS);
	EQ(caught.vector, GP, "XCR1");
	CHECK(xsetbv_ok(all), "all of %lx is refused", all);
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	EQ(lo | (u64)hi << 32, all, "XCR0");
	cpuid(0xd, 0, r);
	EQ(r[1], r[2], "the size for all that is enabled, and of all there is");
	if (all & 4) {
		EQ(TRAP_OF("vpxor %%ymm0, %%ymm0, %%ymm0"), NO_TRAP, "AVX");
		CHECK(xsetbv_ok(3), "XCR0 3");
		EQ(TRAP_OF("vpxor %%ymm0, %%ymm0, %%ymm0"), UD, "AVX without XCR0.AVX");
		cpuid(0xd, 0, r);
		EQ(r[1], 576, "the size without AVX");
		cpuid(7, 0, r);
	}
	if ((all & 0xe0) == 0xe0) {
		CHECK(xsetbv_ok(7), "XCR0 7");
		EQ(TRAP_OF(".byte 0x62, 0xf1, 0x7d, 0x48, 0xef, 0xc0"), UD,
		   "AVX-512 without its bits"); /* vpxord zmm0 */
		CHECK(xsetbv_ok(all), "all");
		EQ(TRAP_OF(".byte 0x62, 0xf1, 0x7d, 0x48, 0xef, 0xc0"), NO_TRAP, "AVX-512");
	}
}
