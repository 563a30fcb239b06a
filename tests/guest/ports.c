/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports: every size, what registers keep, string forms with REP over page boundaries and backwards, nothing
 * there.
 */
/* create: --testdev */
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

#define NOTHING 0x1234
#define DEV	0x2000 /* the test device: a byte that is not 0 reads back as 1 */

static u8 pages[3 * 4096] __attribute__((aligned(4096)));

static void nothing_there(void)
{
	static const u16 where[] = { 0, 0x42, 0x61, 0x80, 0x1f0, 0x3c0, 0x3f0, 0xcf8, 0xcfc, 0x1234, 0xfffc };
	u64 rax;

	for (u32 i = 0; i < ARRAY_SIZE(where); i++) {
		rax = 0x1122334455667788;
		__asm__ volatile("in %%dx, %%al" : "+a"(rax) : "d"(where[i]));
		CHECK(rax == 0x11223344556677ff, "in al, %x: RAX is %lx", where[i], rax);
		rax = 0x1122334455667788;
		__asm__ volatile("in %%dx, %%ax" : "+a"(rax) : "d"(where[i]));
		CHECK(rax == 0x112233445566ffff, "in ax, %x: RAX is %lx", where[i], rax);
		rax = 0x1122334455667788;
		__asm__ volatile("in %%dx, %%eax" : "+a"(rax) : "d"(where[i]));
		CHECK(rax == 0xffffffff, "in eax, %x: RAX is %lx", where[i], rax);
		__asm__ volatile("out %%al, %%dx; out %%ax, %%dx; out %%eax, %%dx" ::"a"(0), "d"(where[i]));
	}
	/* 32 bits over the end of a claimed range and over the end of all ports */
	EQ(inl(0x2016) >> 16, 0xffff, "beyond the test device");
	__asm__ volatile("in %%dx, %%eax" : "=a"(rax) : "d"(0xffff));
	EQ(rax, 0xffffffff, "beyond the last port");
}

static void sizes(void)
{
	u64 rax;

	outl(DEV, 0);
	outb(DEV + 1, 7);
	EQ(inl(DEV), 0x00000100, "after a byte");
	__asm__ volatile("out %%ax, %%dx" ::"a"(0x0101), "d"(DEV + 2));
	EQ(inl(DEV), 0x01010100, "after a word");
	outl(DEV, 0x00010001);
	EQ(inl(DEV), 0x00010001, "after 32 bits");
	rax = ~0ul;
	__asm__ volatile("in %%dx, %%ax" : "+a"(rax) : "d"(DEV));
	EQ(rax, 0xffffffffffff0001, "in ax");
	rax = ~0ul;
	__asm__ volatile("in %%dx, %%eax" : "+a"(rax) : "d"(DEV));
	EQ(rax, 0x00010001, "in eax");
	outl(DEV, 0);
	/* the immediate forms */
	__asm__ volatile("in $0x80, %%al" : "+a"(rax));
	EQ(rax & 0xff, 0xff, "in al, 80h");
	__asm__ volatile("out %%eax, $0x80" ::"a"(rax));
}

static void strings_out(void)
{
	u8 *src = pages + 4096 - 12;
	u64 rsi, rcx;

	memset(pages, 0, sizeof(pages));
	for (u32 i = 0; i < 24; i++)
		src[i] = i % 3 == 1;
	/* each element goes to the same port: the last one stays; count and address tell how many went */
	for (u32 n = 1; n <= 24; n++) {
		rsi = (u64)src;
		rcx = n;
		__asm__ volatile("cld; rep outsb" : "+S"(rsi), "+c"(rcx) : "d"(DEV + 9) : "memory");
		EQ(rsi, (u64)src + n, "RSI after REP OUTSB");
		EQ(rcx, 0, "RCX after REP OUTSB");
		EQ(inb(DEV + 9), src[n - 1], "the last byte of REP OUTSB");
	}
	rsi = (u64)src + 2; /* an element over two pages */
	rcx = 5;
	__asm__ volatile("rep outsl" : "+S"(rsi), "+c"(rcx) : "d"(DEV) : "memory");
	EQ(rsi, (u64)src + 22, "RSI after REP OUTSD");
	EQ(inl(DEV), *(u32 *)(src + 18), "the last of REP OUTSD");
	rsi = (u64)src + 20; /* backwards */
	rcx = 10;
	__asm__ volatile("std; rep outsw; cld" : "+S"(rsi), "+c"(rcx) : "d"(DEV) : "memory");
	EQ(rsi, (u64)src, "RSI after REP OUTSW backwards");
	EQ(inl(DEV) & 0xffff, *(u16 *)(src + 2), "the last of REP OUTSW");
	rsi = (u64)src;
	rcx = 0;
	__asm__ volatile("rep outsb" : "+S"(rsi), "+c"(rcx) : "d"(DEV) : "memory");
	EQ(rsi, (u64)src, "RSI after REP OUTSB of nothing");
	/* 32-bit addresses: the upper halves are cleared */
	rsi = (u64)src;
	rcx = 0x100000002;
	__asm__ volatile("addr32 rep outsb" : "+S"(rsi), "+c"(rcx) : "d"(DEV + 9) : "memory");
	EQ(rsi, (u64)src + 2, "RSI after addr32 REP OUTSB");
	EQ(rcx, 0, "RCX after addr32 REP OUTSB");
	outl(DEV, 0);
	outl(DEV + 8, 0);
}

static void strings_in(void)
{
	u64 rdi, rcx;

	outl(DEV + 12, 0x01000101);
	for (u32 at = 4096 - 9; at <= 4096; at += 3) {
		memset(pages, 0xee, sizeof(pages));
		rdi = (u64)pages + at;
		rcx = 3;
		__asm__ volatile("cld; rep insl" : "+D"(rdi), "+c"(rcx) : "d"(DEV + 12) : "memory");
		EQ(rdi, (u64)pages + at + 12, "RDI after REP INSD");
		EQ(rcx, 0, "RCX after REP INSD");
		for (u32 i = 0; i < 3; i++) {
			u32 v;

			memcpy(&v, pages + at + 4 * i, 4);
			EQ(v, 0x01000101, "what REP INSD wrote");
		}
		EQ(pages[at - 1], 0xee, "the byte before");
		EQ(pages[at + 12], 0xee, "the byte after");
	}
	rdi = (u64)pages + 1;
	rcx = 2;
	pages[2] = pages[0] = 0;
	__asm__ volatile("std; rep insb; cld" : "+D"(rdi), "+c"(rcx) : "d"(NOTHING) : "memory");
	EQ(pages[0] & pages[1], 0xff, "REP INSB backwards of nothing");
	EQ(rdi, (u64)pages - 1, "RDI after it");
	/* A page that may not be written: #PF before the device is read, registers as far as it got. */
	u64 *pt = (u64 *)guest_pt0;
	u64 at = (u64)pages + 4096, was = pt[at / 4096];
	pt[at / 4096] = at | 1 | 1ul << 63;
	__asm__ volatile("invlpg (%0)" ::"r"(at) : "memory");
	rdi = at - 4;
	rcx = 3;
	__asm__ volatile(GUARD("rep insl") : "+D"(rdi), "+c"(rcx) : "d"(DEV + 12) : GUARD_CLOBBERS);
	EQ(caught.vector, PF, "REP INSD into a read-only page");
	EQ(caught.error, 3, "its error code");
	EQ(caught.cr2, at, "CR2");
	EQ(rdi, at, "RDI of it");
	EQ(rcx, 2, "RCX of it");
	pt[at / 4096] = 0;
	__asm__ volatile("invlpg (%0)" ::"r"(at) : "memory");
	u64 rsi = at - 2;
	rcx = 2;
	__asm__ volatile(GUARD("rep outsw") : "+S"(rsi), "+c"(rcx) : "d"(DEV + 12) : GUARD_CLOBBERS);
	EQ(caught.vector, PF, "REP OUTSW from no page");
	EQ(caught.error, 0, "its error code");
	EQ(rsi, at, "RSI of it");
	EQ(rcx, 1, "RCX of it");
	pt[at / 4096] = was;
	__asm__ volatile("invlpg (%0)" ::"r"(at) : "memory");
	outl(DEV + 12, 0);
}

/* Ring 3 without IOPL has no ports: #GP, and the device hears nothing. */
static u32 out3, in3;
static void ring3(void)
{
	out3 = TRAP_OF("mov $0x2000, %%edx; mov $1, %%al; out %%al, %%dx");
	in3 = TRAP_OF("mov $0x2000, %%edx; in %%dx, %%al");
}

void test_main(void)
{
	nothing_there();
	sizes();
	strings_out();
	strings_in();
	user_pages();
	user_call(ring3);
	EQ(out3, GP, "OUT at CPL 3");
	EQ(in3, GP, "IN at CPL 3");
	EQ(inb(DEV), 0, "the line after OUT at CPL 3");
}
