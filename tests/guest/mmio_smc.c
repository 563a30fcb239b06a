/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code that changes under the hypervisor's eyes: an instruction on a device is decoded from memory after the
 * exit, so each time it has to be the one that stands there now; one that lies over two pages, of which the
 * second is moved, too.
 */
/* create: --testdev */
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

#define CODE 0x9000ul
#define DEV  0xfeb00040ul

typedef u32 (*code_fn)(u64 at, u32 value);

static void emit(u64 at, const char *bytes, u32 n)
{
	memcpy((void *)at, bytes, n);
}

void test_main(void)
{
	volatile u32 *dev = (volatile u32 *)DEV;
	u64 *pt = (u64 *)guest_pt0;
	u64 at = CODE;

	guest_protect(CODE, 0x3000, GUEST_W | GUEST_X);
	for (u32 i = 0; i < 50; i++) {
		*dev = 100;
		/* mov eax, esi; OP [rdi], eax; mov eax, [rdi]; ret: OP becomes another one each time */
		static const char *const ops[] = { "\x01", "\x29", "\x31", "\x09",
						   "\x89" }; /* add sub xor or mov */
		static const u32 wants[] = { 105, 95, 97, 101, 5 };
		emit(at, "\x89\xf0", 2);
		emit(at + 2, ops[i % 5], 1);
		emit(at + 3, "\x07\x8b\x07\xc3", 4);
		EQ(((code_fn)at)(DEV, 5), wants[i % 5], "the operation that stands there now");
	}
	/* movl $imm32, (%rdi); ret with its immediate over the end of a page: the next page is another one
	 * each time */
	at = CODE + PAGE_SIZE - 4;
	for (u32 i = 0; i < 20; i++) {
		u64 second = CODE + PAGE_SIZE, to = CODE + PAGE_SIZE * (1 + i % 2);

		pt[second / PAGE_SIZE] = second | 3;
		__asm__ volatile("invlpg (%0)" ::"r"(second) : "memory");
		emit(at, "\xc7\x07\x11\x22", 4);
		emit(CODE + PAGE_SIZE, "\x33\x44\xc3", 3);
		emit(CODE + 2 * PAGE_SIZE, "\x55\x66\xc3", 3);
		pt[second / PAGE_SIZE] = to | 3;
		__asm__ volatile("invlpg (%0)" ::"r"(second) : "memory");
		((code_fn)at)(DEV, 0);
		EQ(*dev, i % 2 ? 0x66552211 : 0x44332211, "the immediate over two pages");
	}
	/* The write of an instruction to a device's page changes the instruction after it by way of RAM:
	 * STOSB over its own next byte is no exit, but the one behind it is decoded anew. */
	at = CODE;
	emit(at, "\x88\x0e\x01\x07\x8b\x07\xc3",
	     7); /* mov %cl, (%rsi); add %eax, (%rdi); mov (%rdi), %eax; ret */
	for (u32 i = 0; i < 10; i++) {
		u32 a = 7;
		u64 d = DEV, s = at + 2;

		*dev = 100;
		__asm__ volatile("call *%4"
				 : "+a"(a), "+D"(d), "+S"(s)
				 : "c"(i & 1 ? 0x01 : 0x29), "r"(at)
				 : "memory", "cc");
		EQ(a, i & 1 ? 107 : 93, "the operation that was written just before");
	}
}
