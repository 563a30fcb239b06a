/* SPDX-License-Identifier: BSD-2-Clause */
/* IA32_EFER: what may be written is kept, what may not is #GP and changes nothing. */
#include "tests/guest/common/test.h"

#define EFER 0xc0000080u
#define SCE  0x001ul
#define LME  0x100ul
#define LMA  0x400ul
#define NXE  0x800ul

void test_main(void)
{
	u64 was = rdmsr(EFER), v;
	static const u64 bad[] = { 1ul << 1,  1ul << 9, 1ul << 12 /* SVME */, 1ul << 13, 1ul << 15, 1ul << 16,
				   1ul << 32, 1ul << 63 };

	EQ(was & (LME | LMA | NXE), LME | LMA | NXE, "EFER in 64-bit mode");
	CHECK(wrmsr_ok(EFER, was | SCE), "SCE is refused");
	EQ(rdmsr(EFER), was | SCE, "EFER with SCE");
	CHECK(wrmsr_ok(EFER, was & ~SCE), "SCE cannot be cleared");
	EQ(rdmsr(EFER), was & ~SCE, "EFER without SCE");
	/* SDM: "IA32_EFER": LMA is the processor's, a write of it is ignored. */
	CHECK(wrmsr_ok(EFER, was & ~LMA), "a write without LMA is refused");
	EQ(rdmsr(EFER) & LMA, LMA, "LMA after a write without it");
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK(!wrmsr_ok(EFER, was | bad[i]), "EFER | %lx is taken", bad[i]);
		EQ(caught.vector, GP, "the exception");
		EQ(caught.error, 0, "its error code");
	}
	CHECK(!wrmsr_ok(EFER, was & ~LME), "LME can be cleared with paging on");
	EQ(rdmsr(EFER), was & ~SCE, "EFER after what was refused");
	/* NXE decides whether bit 63 of an entry is reserved: without it our own tables would fault, so only
	 * the MSR is looked at. */
	CHECK(rdmsr_ok(EFER, &v) && v == (was & ~SCE), "EFER does not stay");
}
