/* SPDX-License-Identifier: BSD-2-Clause */
/* MSRs that this machine does not have: #GP(0) for reads and writes, and registers stay as they are. */
#include "tests/guest/common/test.h"

static const struct {
	u32 msr;
	const char *what;
} none[] = {
	{ 0x480, "IA32_VMX_BASIC" },
	{ 0x48c, "IA32_VMX_EPT_VPID_CAP" },
	{ 0x491, "IA32_VMX_VMFUNC" },
	{ 0x560, "IA32_RTIT_OUTPUT_BASE" },
	{ 0x38f, "IA32_PERF_GLOBAL_CTRL" },
	{ 0xc1, "IA32_PMC0" },
	{ 0x600, "IA32_DS_AREA" },
	{ 0xda0, "IA32_XSS" },
	{ 0xd90, "IA32_BNDCFGS" },
	{ 0x606, "MSR_RAPL_POWER_UNIT" },
	{ 0x1a0 + 0x1000, "nothing" },
	{ 0x2000, "above the bitmap" },
	{ 0x40000000, "nobody's" },
	{ 0xbfffffff, "nobody's" },
	{ 0xc0001fff, "nobody's" },
	{ 0xc0002000, "above the bitmap" },
	{ 0xc0010117, "VM_HSAVE_PA" },
	{ 0xffffffff, "the last" },
	{ 0x4b564d05, "KVM's MSR after the EOI" },
	{ 0x9e, "IA32_SMBASE" },
};

void test_main(void)
{
	u64 v;

	for (u32 i = 0; i < ARRAY_SIZE(none); i++) {
		CHECK(!rdmsr_ok(none[i].msr, &v), "%s (%x) can be read: %lx", none[i].what, none[i].msr, v);
		EQ(caught.vector, GP, none[i].what);
		EQ(caught.error, 0, "its error code");
		CHECK(!wrmsr_ok(none[i].msr, 0), "%s (%x) can be written", none[i].what, none[i].msr);
		EQ(caught.vector, GP, none[i].what);
	}
	/* EAX and EDX come through a refused RDMSR. */
	u64 a = 0x1111222233334444, d = 0x5555666677778888;
	__asm__ volatile(GUARD("rdmsr") : "+a"(a), "+d"(d) : "c"(0x480) : GUARD_CLOBBERS);
	EQ(a, 0x1111222233334444, "RAX after a refused RDMSR");
	EQ(d, 0x5555666677778888, "RDX after a refused RDMSR");
	/* Read-only ones. */
	CHECK(rdmsr_ok(0x3a, &v), "IA32_FEATURE_CONTROL cannot be read");
	EQ(v, 1, "IA32_FEATURE_CONTROL: locked, VMX off");
	CHECK(!wrmsr_ok(0x3a, 5), "IA32_FEATURE_CONTROL can be written");
	CHECK(!wrmsr_ok(0xfe, 0), "IA32_MTRRCAP can be written");
	CHECK(!wrmsr_ok(0x802, 0), "the x2APIC id can be written");
}
