/* SPDX-License-Identifier: BSD-2-Clause */
/* The extended state of one vCPU: filled with what only it has, looked at again after it gave way. */
#include "tests/guest/common/test.h"

static u64 xcr0_all(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] >> 26 & 1))
		return 0;
	cpuid(0xd, 0, r);
	return r[0] | (u64)r[3] << 32;
}

static inline bool xsetbv_ok(u64 value)
{
	__asm__ volatile(GUARD("xsetbv")::"a"((u32)value), "d"((u32)(value >> 32)), "c"(0) : GUARD_CLOBBERS);
	return caught.vector == NO_TRAP;
}

static inline void xrstor(const void *from, u64 mask)
{
	__asm__ volatile("xrstor64 (%0)" ::"r"(from), "a"((u32)mask), "d"((u32)(mask >> 32)) : "memory");
}

static inline void xsave(void *to, u64 mask)
{
	__asm__ volatile("xsave64 (%0)" ::"r"(to), "a"((u32)mask), "d"((u32)(mask >> 32)) : "memory");
}

#define XSAVE_BYTES 2816 /* up to PKRU */

/* An image in the standard format, every register of every component from the seed. SDM volume 1, "XSAVE
 * Area". */
static inline void xstate_fill(u8 *area, u64 mask, u64 seed)
{
	u32 r[4];

	for (u32 i = 0; i < XSAVE_BYTES; i++)
		area[i] = 0;
	*(u16 *)area = 0x37f;	      /* FCW */
	*(u32 *)(area + 24) = 0x1f80; /* MXCSR */
	for (u32 i = 0; i < 8; i++) { /* ST: a number that is one */
		*(u64 *)(area + 32 + 16 * i) = 0x8000000000000000 | (seed * (i + 1));
		*(u16 *)(area + 40 + 16 * i) = (u16)(0x3f00 + i);
	}
	area[4] = 0xff; /* FTW, abridged */
	for (u32 i = 0; i < 32; i++)
		*(u64 *)(area + 160 + 8 * i) = seed * 3 + i; /* XMM */
	for (u32 c = 2; c < 10; c++) {
		if (!(mask >> c & 1))
			continue;
		cpuid(0xd, c, r);
		for (u32 i = 0; i + 8 <= r[0] && r[1] + i + 8 <= XSAVE_BYTES; i += 8)
			*(u64 *)(area + r[1] + i) = c == 9 ? (u32)(seed & 0xfffffffc) : seed * (c + 5) + i;
	}
	*(u64 *)(area + 512) = mask; /* XSTATE_BV */
}

static inline u32 xstate_differs(const u8 *a, const u8 *b, u64 mask)
{
	u32 r[4], n = 0;

	for (u32 i = 32; i < 416; i++)
		n += a[i] != b[i];
	for (u32 c = 2; c < 10; c++) {
		if (!(mask >> c & 1))
			continue;
		cpuid(0xd, c, r);
		for (u32 i = 0; i < r[0] && r[1] + i < XSAVE_BYTES; i++)
			n += a[r[1] + i] != b[r[1] + i];
	}
	return n;
}
