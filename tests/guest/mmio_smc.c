/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code that changes under the hypervisor's eyes: an instruction on a device is decoded from memory after the
 * exit, so each time it has to be the one that stands there now; one that lies over two pages, of which the
 * second is moved, too. A MOV is remembered when it was carried out once: other code behind the same address,
 * or another device, by each level of the page tables, has to be seen.
 */
/* create: --testdev --memory 16 */
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

#define CODE 0x9000ul
#define DEV  0xfeb00040ul

typedef u32 (*code_fn)(u64 at, u32 value);

static void emit(u64 at, const char *bytes, u32 n)
{
	memcpy((void *)at, bytes, n);
}

/* 2 MiB each, to be mapped as this goes; where what is behind them stands */
#define AREA	 0x3c000000ul
#define DEV_AREA 0x3c200000ul
#define PAGES	 0x400000ul /* two pages of 2 MiB and, behind them, two page tables and two small pages */
#define TABLES	 0x800000ul
#define NOTHING	 0xf0000000ul
#define TIMES	 3 /* the second and the third are known ... */
#define SLOTS	 4 /* ... unless another one takes their place: which one can be is by bits 3:2 of RIP */

typedef u32 (*move_fn)(u64 at, u32 one, u32 other);

static u64 *pd_of(u64 va)
{
	const u64 *pml4 = (const u64 *)guest_pml4, *pdpt = (const u64 *)(pml4[0] & ~0xffful);

	return (u64 *)(pdpt[va >> 30] & ~0xffful) + (va >> 21 & 511);
}

static void map(u64 va, u64 entry)
{
	*pd_of(va) = entry;
	__asm__ volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" ::: "rax", "memory");
}

static void other_code(void)
{
	static const char *const moves[] = { "\x89\x37\xc3",
					     "\x89\x17\xc3" }; /* mov [rdi], esi or edx; ret */
	volatile u32 *dev = (volatile u32 *)DEV;
	u64 *pt[2] = { (u64 *)TABLES, (u64 *)(TABLES + PAGE_SIZE) }, small = TABLES + 2 * PAGE_SIZE;

	for (u32 k = 0; k < 2; k++) {
		for (u32 slot = 0; slot < SLOTS; slot++) {
			emit(PAGES + k * 0x200000 + 4 * slot, moves[k], 3);
			emit(small + k * PAGE_SIZE + 4 * slot, moves[k], 3);
		}
		pt[k][0] = (small + k * PAGE_SIZE) | 3;
	}
	for (u32 kind = 0; kind < 4; kind++)
		for (u32 i = 0; i < 4 * SLOTS; i++) {
			u32 k = i & 1, slot = i / 4;

			/* an entry of a table, the table, a large page, a table or a large page */
			if (kind == 0)
				pt[0][0] = (small + k * PAGE_SIZE) | 3;
			map(AREA, kind == 0			   ? (u64)pt[0] | 3
				  : kind == 1 || (kind == 3 && !k) ? (u64)pt[k] | 3
								   : (PAGES + k * 0x200000) | 0x83);
			for (u32 n = 0; n < TIMES; n++) {
				*dev = 100;
				((move_fn)(AREA + 4 * slot))(DEV, 5, 6);
				EQ(*dev, k ? 6 : 5, "the MOV that is mapped now");
			}
			if (kind == 0 && i == 4 * SLOTS - 1)
				pt[0][0] = small | 3;
		}
}

static void other_device(void)
{
	volatile u32 *dev = (volatile u32 *)DEV;
	u64 *pt = (u64 *)TABLES;

	for (u32 i = 0; i < 8 * SLOTS; i++) {
		bool large = i & 2, there = i & 1;
		u64 at = DEV_AREA + (large ? DEV & 0x1fffff : DEV & 0xfff);

		pt[0] = (there ? DEV & ~0xffful : NOTHING) | 3;
		map(DEV_AREA, large ? (there ? DEV & ~0x1ffffful : NOTHING) | 0x83 : (u64)pt | 3);
		/* mov [rdi], esi; nop; nop; mov eax, [rdi]; ret */
		emit(CODE + 4 * (i / 8), "\x89\x37\x90\x90\x8b\x07\xc3", 7);
		for (u32 n = 0; n < TIMES; n++) {
			*dev = 100;
			EQ(((move_fn)(CODE + 4 * (i / 8)))(at, 7 + n, 0), there ? 7 + n : ~0u,
			   "what the MOV from the device mapped now gives");
			EQ(*dev, there ? 7 + n : 100, "what the MOV to it wrote");
		}
	}
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
	other_code();
	other_device();
}
