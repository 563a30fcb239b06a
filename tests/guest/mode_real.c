/* SPDX-License-Identifier: BSD-2-Clause */
/* Real mode: 16-bit code with its segments, interrupts by the vector table, ports, CPUID, MMIO by big
 * segments, and back. */
/* create: --testdev */
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

extern u8 real_code[], real_code_end[];

/* What real_code leaves at 0xa000 */
struct result {
	u32 sum, cpuid_ebx, port, int_count, gp_count, mmio, flags, sp, string, ret_arg;
};
#define RESULT ((volatile struct result *)0xa000)

void test_main(void)
{
	u32 r[4];

	guest_protect(0, PAGE_SIZE, GUEST_W);
	memset((void *)0xa000, 0, 4096);
	memset((void *)0, 0, 1024);
	for (u32 i = 0; i < 3; i++) {
		EQ(call16(real_code, (u32)(real_code_end - real_code), 0x12340000 + i), 0xcafe0000 + i,
		   "what real mode returns");
		EQ(RESULT->ret_arg, 0x12340000 + i, "what it was given");
		EQ(RESULT->sum, 5050, "a sum by segmented memory");
		cpuid(0, 0, r);
		EQ(RESULT->cpuid_ebx, r[1], "CPUID's EBX");
		EQ(RESULT->port, 0xff, "a port where nothing is");
		EQ(RESULT->int_count, 3 * (i + 1), "INT 0x60 and INT3");
		EQ(RESULT->gp_count, on_tcg() ? 0 : i + 1,
		   "#GP beyond the limit of a segment, by the vector table");
		EQ(RESULT->mmio, 0xabcd0123, "the test device by a 4 GiB segment");
		EQ(RESULT->string, 0x00000001, "REP OUTSB and IN");
		EQ(RESULT->flags & 0x200, 0, "IF");
	}
	/* 64-bit mode as it was */
	EQ(read_cr(0) & 0x80000001, 0x80000001, "CR0");
	EQ(TRAP_OF("ud2"), UD, "#UD afterwards");
}
