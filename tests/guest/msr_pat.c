/* SPDX-License-Identifier: BSD-2-Clause */
/* IA32_PAT: its value after reset, every type that is one, #GP for any other. SDM: "Page Attribute Table
 * (PAT)". */
#include "tests/guest/common/test.h"

#define PAT 0x277u

void test_main(void)
{
	u64 was = rdmsr(PAT);

	EQ(was, 0x0007040600070406, "PAT after reset");
	for (u32 type = 0; type < 16; type++) {
		bool good = type != 2 && type != 3 && type < 8;

		for (u32 i = 0; i < 8; i += 7) {
			u64 v = (was & ~(0xfful << 8 * i)) | (u64)type << 8 * i;

			EQ(wrmsr_ok(PAT, v), good, "whether a type is taken");
			EQ(caught.vector, good ? NO_TRAP : GP, "the exception of it");
			EQ(rdmsr(PAT), good ? v : was, "PAT after it");
			wrmsr(PAT, was);
		}
	}
	CHECK(!wrmsr_ok(PAT, was | 0x80), "a reserved bit is taken");
}
