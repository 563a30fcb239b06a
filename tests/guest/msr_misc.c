/* SPDX-License-Identifier: BSD-2-Clause */
/* MSRs with a life of their own: MISC_ENABLE, MTRRs, the bases of FS and GS, SYSENTER, STAR, canonical
 * addresses. */
#include "tests/guest/common/test.h"

static void kept(u32 msr, u64 value)
{
	u64 was = rdmsr(msr);

	CHECK(wrmsr_ok(msr, value), "MSR %x refuses %lx", msr, value);
	CHECK(rdmsr(msr) == value, "MSR %x: %lx instead of %lx", msr, rdmsr(msr), value);
	wrmsr(msr, was);
}

static void refused(u32 msr, u64 value)
{
	u64 was = rdmsr(msr);

	CHECK(!wrmsr_ok(msr, value), "MSR %x takes %lx", msr, value);
	CHECK(rdmsr(msr) == was, "MSR %x changed to %lx by a write that was refused", msr, rdmsr(msr));
}

void test_main(void)
{
	static const u32 addresses[] = { 0x175,	     0x176,	 0xc0000082, 0xc0000083,
					 0xc0000100, 0xc0000101, 0xc0000102 };
	u64 misc = rdmsr(0x1a0);

	EQ(misc & 1, 1, "MISC_ENABLE: fast strings");
	EQ(misc >> 11 & 3, 3, "MISC_ENABLE: BTS and PEBS not available");
	EQ(misc >> 18 & 1, 0, "MISC_ENABLE: MONITOR");
	kept(0x1a0, misc & ~1ul);
	refused(0x1a0, misc | 1ul << 63);
	for (u32 i = 0; i < ARRAY_SIZE(addresses); i++) {
		kept(addresses[i], 0x00007fffffffffff);
		kept(addresses[i], 0xffff800000000000);
		if (on_tcg())
			continue;
		refused(addresses[i], 0x0000800000000000);
		refused(addresses[i], 0x8000000000000000);
	}
	kept(0x174, 0x1234);
	kept(0xc0000081, 0x0123456789abcdef);
	kept(0xc0000084, 0xffffffff);
	/* The base in the MSR is the one that addresses use. */
	static u64 there = 0x1122334455667788;
	u64 got;
	wrmsr(0xc0000100, (u64)&there - 0x1000);
	__asm__ volatile("mov %%fs:0x1000, %0" : "=r"(got));
	EQ(got, there, "what FS finds");
	wrmsr(0xc0000102, (u64)&there - 16);
	__asm__ volatile("swapgs; mov %%gs:16, %0; swapgs" : "=r"(got));
	EQ(got, there, "what GS finds after SWAPGS");
	/* MTRRs: 8 variable ones, fixed ones, WC; memory is write-back. */
	EQ(rdmsr(0xfe), 0x508, "MTRRCAP");
	EQ(rdmsr(0x2ff) & 0xcff, 0xc06, "MTRR_DEF_TYPE");
	refused(0x2ff, 0xc02);
	refused(0x200, 2);
	refused(0x250, 0x0606060606060602);
	kept(0x250, 0x0606060606060600);
	refused(0x201, 1ul << 60);
	EQ(rdmsr(0x179) & 0xff, 0, "banks in MCG_CAP");
	CHECK((rdmsr(0x8b) >> 32) != 0, "no microcode revision");
}
