/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUID: what is hidden, who says that it is a hypervisor, and that its times are the true ones. */
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

static void hidden(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	EQ(r[2] >> 5 & 1, 0, "VMX");
	EQ(r[2] >> 6 & 1, 0, "SMX");
	EQ(r[2] >> 3 & 1, 0, "MONITOR");
	EQ(r[2] >> 15 & 1, 0, "PDCM");
	EQ(r[2] >> 31, 1, "the hypervisor bit");
	EQ(r[2] >> 21 & 1, 1, "x2APIC");
	EQ(r[2] >> 24 & 1, 1, "TSC-deadline");
	EQ(r[3] >> 21 & 1, 0, "DS");
	EQ(r[1] >> 24, 0, "the first vCPU's APIC id");
	cpuid(7, 0, r);
	EQ(r[1] >> 2 & 1, 0, "SGX");
	EQ(r[1] >> 4 & 1, 0, "HLE");
	EQ(r[1] >> 11 & 1, 0, "RTM");
	EQ(r[1] >> 25 & 1, 0, "PT");
	EQ(r[1] >> 1 & 1, 1, "TSC_ADJUST");
	cpuid(0xa, 0, r);
	EQ(r[0] & 0xff, 0, "the version of the performance counters");
	cpuid(0x80000001, 0, r);
	EQ(r[2] >> 2 & 1, 0, "SVM");
	cpuid(0x8000000a, 0, r);
	EQ(r[3] & 1, 0, "SVM's nested paging");
}

/* What is hidden does not work. */
static void hidden_works_not(void)
{
	EQ(TRAP_OF("lea 0f(%%rip), %%rax; xor %%ecx, %%ecx; xor %%edx, %%edx; monitor; 0:"), UD, "MONITOR");
	EQ(TRAP_OF("xor %%eax, %%eax; xor %%ecx, %%ecx; mwait"), UD, "MWAIT");
	EQ(TRAP_OF("xor %%ecx, %%ecx; rdpmc"), GP, "RDPMC");
}

static void follows_cr4(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] >> 26 & 1)) {
		test_skip("no XSAVE");
		return;
	}
	EQ(r[2] >> 27 & 1, 0, "OSXSAVE before CR4.OSXSAVE");
	CHECK(write_cr_ok(4, read_cr(4) | 1u << 18), "CR4.OSXSAVE cannot be set");
	cpuid(1, 0, r);
	EQ(r[2] >> 27 & 1, 1, "OSXSAVE with CR4.OSXSAVE");
}

static void names(void)
{
	u32 r[4], found = 0;
	char text[13] = { 0 };

	cpuid(0x40000000, 0, r);
	memcpy(text, &r[1], 12);
	CHECK(!strcmp(text, "KVMKVMKVM"), "0x40000000 says \"%s\"", text);
	CHECK(r[0] >= 0x40000010 && r[0] < 0x40000100, "0x40000000's last leaf is %x", r[0]);
	for (u32 leaf = 0x40000100; leaf <= 0x4000ff00 && !found; leaf += 0x100) {
		cpuid(leaf, 0, r);
		if (r[1] == CAISSON_CPUID_EBX && r[2] == CAISSON_CPUID_ECX && r[3] == CAISSON_CPUID_EDX)
			found = leaf;
	}
	EQ(found, 0x40000100, "the leaf with Caisson's signature");
	cpuid(found + 1, 0, r);
	EQ(r[0], CAISSON_ABI_VERSION, "the version of the ABI");
	EQ(r[0], hc_version(), "that by hypercall");
}

/* The TSC against the PM timer of another maker: the control domain's, over at least 20 ms of it. */
static void times(void)
{
	static struct caisson_time t;
	u32 r[4], khz, from, ticks;
	u64 tsc, measured;

	cpuid(0x40000010, 0, r);
	khz = r[0];
	EQ(hc_time(&t), 0, "hc_time");
	EQ(t.tsc_khz, khz, "the TSC's frequency by hypercall");
	from = pm_timer();
	tsc = rdtsc();
	do
		ticks = (pm_timer() - from) & 0xffffffff;
	while (ticks < 3579545 / 50);
	tsc = rdtsc() - tsc;
	measured = tsc * 3579545 / ticks / 1000;
	CHECK((measured > khz * 49ull / 50 && measured < khz * 51ull / 50) || on_tcg(),
	      "TSC: %lu kHz measured, leaf 0x40000010 says %u", measured, khz);
	cpuid(0x15, 0, r);
	if (r[0] && r[1] && r[2]) {
		measured = (u64)r[2] * r[1] / r[0] / 1000;
		CHECK(measured + 1 >= khz && measured <= khz + 1, "leaf 15H says %lu kHz, 0x40000010 %u",
		      measured, khz);
	}
	cpuid(0x16, 0, r);
	CHECK(r[0] * 1000 + 1000 >= khz && r[0] * 1000 <= khz + 1000, "leaf 16H says %u MHz", r[0]);
	cpuid(0x80000007, 0, r);
	EQ(r[3] >> 8 & 1, 1, "the invariant TSC");
}

/* SDM: "CPUID": a basic leaf above the last answers as the last; an extended one above it does too. */
static void beyond(void)
{
	u32 last[4], r[4], max;

	cpuid(0, 0, r);
	max = r[0];
	cpuid(max, 0, last);
	cpuid(max + 1, 0, r);
	if (!guest_is_amd)
		CHECK(!memcmp(last, r, sizeof(r)), "leaf %x is not that of leaf %x", max + 1, max);
	cpuid(0x80000000, 0, r);
	EQ(r[0], 0x80000008, "the last extended leaf");
}

void test_main(void)
{
	hidden();
	hidden_works_not();
	follows_cr4();
	names();
	times();
	beyond();
}
