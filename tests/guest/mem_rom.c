/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware's tables at 0xE0000 to 0xFFFFF can be read; writes are dropped; the RSDP is found by scanning
 * and is whole. */
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

static u8 sum(const u8 *p, u32 n)
{
	u8 s = 0;

	while (n--)
		s = (u8)(s + *p++);
	return s;
}

void test_main(void)
{
	volatile u32 *rom = (volatile u32 *)0xe0000;
	const u8 *rsdp = NULL;

	for (u32 i = 0; i < 0x20000 / 4; i += 61) {
		u32 was = rom[i];

		rom[i] = ~was;
		EQ(rom[i], was, "after a write");
	}
	for (u64 at = 0xe0000; at < 0x100000; at += 16)
		if (!memcmp((void *)at, "RSD PTR ", 8) && !rsdp)
			rsdp = (const u8 *)at;
	CHECK(rsdp, "no RSDP");
	if (!rsdp)
		return;
	EQ((u64)rsdp, guest_start_info->rsdp, "the RSDP in the start info");
	EQ(sum(rsdp, 20), 0, "its checksum");
	EQ(sum(rsdp, 36), 0, "its other checksum");
	u64 xsdt = *(const u64 *)(rsdp + 24);
	u32 bytes = *(const u32 *)(xsdt + 4);
	CHECK(!memcmp((void *)xsdt, "XSDT", 4), "no XSDT at %lx", xsdt);
	EQ(sum((void *)xsdt, bytes), 0, "the XSDT's checksum");
	for (u32 i = 36; i < bytes; i += 8) {
		u64 t;

		memcpy(&t, (u8 *)xsdt + i, 8);
		CHECK(t >= 0xe0000 && t < 0x100000, "a table at %lx", t);
		EQ(sum((void *)t, *(const u32 *)(t + 4)), 0, "a table's checksum");
	}
	/* Emulated instructions find the same: read-modify-write, string, and the byte at the end. */
	u8 before[64];
	memcpy(before, rsdp, 36);
	__asm__ volatile("lock incl (%0); xorl $-1, 4(%0); btsl $3, 8(%0)" ::"r"(rsdp) : "memory", "cc");
	__asm__ volatile("rep stosb" ::"D"(rsdp), "c"(36), "a"(0x55) : "memory");
	CHECK(!memcmp(before, rsdp, 36), "the RSDP changed");
	u32 flags;
	__asm__ volatile("decl (%1); setz %%al; movzbl %%al, %0" : "=a"(flags) : "r"(rsdp) : "memory", "cc");
	EQ(flags, 0, "ZF by a DEC that is dropped: the value counts");
}
