/* SPDX-License-Identifier: BSD-2-Clause */
/* IA32_APIC_BASE: the modes and the ways between them. SDM: "x2APIC State Transitions". */
#include "tests/guest/common/test.h"

#define BSP 0x100ul
#define X2  0x400ul
#define EN  0x800ul
#define AT  0xfee00000ul

static void to(u64 value, bool good, const char *what)
{
	u64 was = rdmsr(MSR_APIC_BASE);

	EQ(wrmsr_ok(MSR_APIC_BASE, value), good, what);
	EQ(rdmsr(MSR_APIC_BASE), good ? value : was, what);
}

void test_main(void)
{
	u32 r[4];

	EQ(rdmsr(MSR_APIC_BASE), AT | EN | BSP, "APIC_BASE at the start");
	to(AT | EN | BSP | 1, false, "bit 0");
	to(AT | EN | BSP | 0x200, false, "bit 9");
	to(AT | EN | BSP | 1ul << 52, false, "bit 52");
	to(AT | X2 | BSP, false, "x2APIC without enable");
	to(AT | EN | X2 | BSP, true, "xAPIC to x2APIC");
	EQ(rdmsr(0x802), 0, "the x2APIC id");
	to(AT | EN | BSP, false, "x2APIC to xAPIC");
	to(AT | BSP, true, "x2APIC to off");
	cpuid(1, 0, r);
	EQ(r[3] >> 9 & 1, 0, "CPUID's APIC bit when it is off");
	u64 v;
	CHECK(!rdmsr_ok(0x802, &v), "an x2APIC register can be read when it is off");
	to(AT | EN | X2 | BSP, false, "off to x2APIC");
	to(AT | EN | BSP, true, "off to xAPIC");
	cpuid(1, 0, r);
	EQ(r[3] >> 9 & 1, 1, "CPUID's APIC bit when it is on");
	CHECK(!rdmsr_ok(0x802, &v), "an x2APIC register can be read in xAPIC mode");
	EQ(*(volatile u32 *)(AT + APIC_VER) & 0xff, 0x14, "the version, by MMIO");
	EQ(*(volatile u32 *)(AT + APIC_SVR), 0xff, "SVR after it was off");
}
