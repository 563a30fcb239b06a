/* SPDX-License-Identifier: BSD-2-Clause */
/* CR0, CR3, CR4 and CR8: what may be written reads back, what may not is #GP(0) and changes nothing; CLTS,
 * LMSW, SMSW. */
#include "tests/guest/common/test.h"

#define PE 1ul
#define MP 2ul
#define EM 4ul
#define TS 8ul
#define NE 0x20ul
#define WP 0x10000ul
#define AM 0x40000ul
#define NW 0x20000000ul
#define CD 0x40000000ul
#define PG 0x80000000ul

static void good(unsigned n, u64 value)
{
	u64 was = read_cr(n);

	CHECK(write_cr_ok(n, value), "CR%u refuses %lx: exception %u", n, value, caught.vector);
	CHECK(read_cr(n) == value, "CR%u reads %lx after %lx", n, read_cr(n), value);
	write_cr_ok(n, was);
}

static void bad(unsigned n, u64 value)
{
	u64 was = read_cr(n);

	CHECK(!write_cr_ok(n, value), "CR%u takes %lx and reads %lx", n, value, read_cr(n));
	EQ(caught.vector, GP, "the exception");
	EQ(caught.error, 0, "its error code");
	CHECK(caught.rflags >> 16 & 1, "RF is clear in the flags of a fault");
	EQ(read_cr(n), was, "the register after it");
}

static void cr0(void)
{
	u64 was = read_cr(0), v;

	good(0, was ^ TS);
	good(0, was ^ MP);
	good(0, was ^ WP);
	good(0, was ^ AM);
	good(0, was ^ NE); /* NE is the VMX host's wish, not the guest's */
	good(0, was | CD);
	good(0, was | CD | NW);
	bad(0, was | NW);
	bad(0, was & ~PE);
	bad(0, was & ~PG); /* in 64-bit code */
	if (!on_tcg())
		bad(0, was | 1ul << 32);
	/* SDM: "Control Registers": reserved bits below 32 are ignored, ET is 1. */
	CHECK(write_cr_ok(0, was | 1ul << 10), "a reserved bit of CR0 faults");
	EQ(read_cr(0) & ~(on_tcg() ? 1ul << 10 : 0), was, "CR0 after it");
	write_cr_ok(0, was);
	CHECK(write_cr_ok(0, was & ~0x10ul), "CR0 without ET faults");
	EQ(read_cr(0), was | 0x10, "ET");
	write_cr_ok(0, was | TS);
	__asm__ volatile("clts");
	EQ(read_cr(0) & TS, 0, "TS after CLTS");
	__asm__ volatile("smsw %0" : "=r"(v));
	EQ(v & 0xffff, was & 0xffff & ~TS, "SMSW");
	__asm__ volatile("lmsw %w0" ::"r"((u32)(was | TS)));
	EQ(read_cr(0) & TS, TS, "TS after LMSW");
	__asm__ volatile("lmsw %w0" ::"r"(0));
	EQ(read_cr(0) & (PE | TS | EM | MP), PE, "LMSW 0 clears MP EM TS and leaves PE");
	EQ(TRAP_OF("mov %%cr0, %%rax; or $8, %%rax; mov %%rax, %%cr0; fnop; mov %%cr0, %%rax"), NM,
	   "x87 with TS");
	write_cr_ok(0, was);
}

static void cr3(void)
{
	u64 was = read_cr(3);
	u32 r[4];

	cpuid(0x80000008, 0, r);
	good(3, was | 0x18);
	if (!on_tcg()) {
		bad(3, was | 1ul << (r[0] & 0xff));
		bad(3, was | 1ul << 62);
		bad(3, was | 1ul << 63); /* without PCIDs */
	}
	cpuid(1, 0, r);
	if (!(r[2] >> 17 & 1))
		return;
	bad(4, read_cr(4) | 1ul << 63);
	CHECK(write_cr_ok(4, read_cr(4) | 1ul << 17), "CR4.PCIDE is refused");
	good(3, was | 5);
	CHECK(write_cr_ok(3, was | 1ul << 63), "bit 63 of CR3 is refused with PCIDs");
	EQ(read_cr(3), was, "CR3 after it");
	CHECK(write_cr_ok(3, was | 5), "PCID 5");
	CHECK(write_cr_ok(4, read_cr(4) & ~(1ul << 17)), "CR4.PCIDE cannot be cleared");
	CHECK(write_cr_ok(3, was), "CR3");
	CHECK(write_cr_ok(3, was | 8), "CR3 with PWT");
	bad(4, read_cr(4) | 1ul << 17); /* CR3's low bits are not 0 */
	write_cr_ok(3, was);
}

static void cr4(void)
{
	u64 was = read_cr(4);
	u32 r[4];

	for (u32 bit = on_tcg() ? 2 : 0; bit < 5; bit++) /* VME and PVI it has only in CPUID */
		good(4, was ^ 1ul << bit);
	good(4, was ^ 0x40); /* MCE, which the processor really keeps set */
	good(4, was ^ 0x80);
	good(4, was ^ 0x100);
	good(4, was ^ 0x600);
	bad(4, was & ~0x20ul);	 /* PAE in long mode */
	bad(4, was | 1ul << 12); /* LA57 */
	bad(4, was | 1ul << 13); /* VMXE */
	bad(4, was | 1ul << 14); /* SMXE */
	bad(4, was | 1ul << 15);
	bad(4, was | 1ul << 23); /* CET */
	bad(4, was | 1ul << 24);
	bad(4, was | 1ul << 31);
	bad(4, was | 1ul << 32);
	cpuid(7, 0, r);
	(r[1] & 1 ? good : bad)(4, was | 1ul << 16);	  /* FSGSBASE */
	(r[1] >> 7 & 1 ? good : bad)(4, was | 1ul << 20); /* SMEP */
	(r[2] >> 2 & 1 ? good : bad)(4, was | 1ul << 11); /* UMIP */
	(r[2] >> 3 & 1 ? good : bad)(4, was | 1ul << 22); /* PKE */
}

static void cr8(void)
{
	for (u64 v = 0; v < 16; v++)
		good(8, v);
	bad(8, 16);
	bad(8, 1ul << 63);
	CHECK(write_cr_ok(8, 5), "CR8");
	apic_mode(false);
	write_cr_ok(8, 5);
	EQ(apic_read(APIC_TPR), 0x50, "the TPR that CR8 sets");
	apic_write(APIC_TPR, 0xa7);
	EQ(read_cr(8), 10, "the CR8 that the TPR sets");
}

void test_main(void)
{
	cr0();
	cr3();
	cr4();
	cr8();
	/* CR1 and CR5 to CR7 do not exist. */
	EQ(TRAP_OF(".byte 0x0f, 0x20, 0xc8"), UD, "MOV from CR1");
	EQ(TRAP_OF(".byte 0x0f, 0x22, 0xe8"), UD, "MOV to CR5");
}
