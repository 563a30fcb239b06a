/* SPDX-License-Identifier: BSD-2-Clause */
/* 32-bit paging and PAE paging: mappings, 4 MiB and 2 MiB pages, CR3 loads, page faults, PDPTEs that are read
 * when CR3 is loaded; EFER.LME alone. */
/* create: --memory 64 --testdev */
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

extern u8 paging32[], paging_pae[], pae_reserved[], lme_alone[];

#define TABLES 0x1000000u /* 16 MiB */
#define DATA   0x2000000u /* 32 MiB: two pages that swap places */

/* 32-bit: the first 16 MiB and what is around TABLES by 4 MiB pages; 0xc0000000 by a page table to DATA */
static void tables32(void)
{
	u32 *pd = (u32 *)(u64)TABLES, *pt = pd + 1024, *other = pd + 2048;

	memset(pd, 0, 4 * PAGE_SIZE);
	for (u32 i = 0; i < 16; i++)
		pd[i] = i << 22 | 0x83;
	pd[0xfeb00000u >> 22] = (0xfeb00000u & ~0x3fffffu) | 0x83;
	memcpy(other, pd, PAGE_SIZE);
	pd[0x300] = (u32)(u64)pt | 3;
	pt[0] = DATA | 3;
	pt[1] = (DATA + PAGE_SIZE) | 1;
	/* the other directory has them the other way round */
	u32 *pt2 = pd + 3072;
	memset(pt2, 0, PAGE_SIZE);
	other[0x300] = (u32)(u64)pt2 | 3;
	pt2[0] = (DATA + PAGE_SIZE) | 3;
	pt2[1] = DATA | 3;
}

static void tables_pae(void)
{
	u64 *pdpt = (u64 *)(u64)TABLES, *pd0 = pdpt + 512, *pd3 = pdpt + 1024, *pt = pdpt + 1536,
	    *pdpt2 = pdpt + 2048, *pd3b = pdpt + 2560, *ptb = pdpt + 3072;

	memset(pdpt, 0, 7 * PAGE_SIZE);
	for (u32 i = 0; i < 32; i++)
		pd0[i] = (u64)i << 21 | 0x83;
	pd3[(0xfeb00000u >> 21) & 511] = pd3b[(0xfeb00000u >> 21) & 511] = (0xfeb00000u & ~0x1fffffu) | 0x83;
	pdpt[0] = pdpt2[0] = (u64)pd0 | 1;
	pdpt[3] = (u64)pd3 | 1;
	pdpt2[3] = (u64)pd3b | 1;
	pd3[0] = (u64)pt | 3;
	pd3b[0] = (u64)ptb | 3;
	pt[0] = DATA | 3;
	pt[1] = (DATA + PAGE_SIZE) | 1;
	ptb[0] = (DATA + PAGE_SIZE) | 3;
	ptb[1] = DATA | 3;
}

static void data(void)
{
	*(volatile u32 *)(u64)DATA = 0x11111111;
	*(volatile u32 *)(u64)(DATA + PAGE_SIZE) = 0x22222222;
	*(volatile u32 *)0xfeb00020ul = 0x600d;
}

static void outcome(const char *mode, u32 got)
{
	static const char *const what[] = { "the first page",
					    "the second page",
					    "a read-only page can be written",
					    "the test device",
					    "the first page by the other CR3",
					    "the second page by the other CR3",
					    "CR2 of the page fault",
					    "the error code of the page fault" };

	for (u32 i = 0; i < ARRAY_SIZE(what); i++)
		CHECK(!(got >> i & 1), "%s: %s", mode, what[i]);
	CHECK(got >> 31, "%s: did not come to its end", mode);
}

void test_main(void)
{
	data();
	tables32();
	outcome("32-bit paging", call32(paging32, TABLES));
	EQ(*(volatile u32 *)(u64)(DATA + PAGE_SIZE), 0x33333333,
	   "what was written through the other directory");
	data();
	tables_pae();
	outcome("PAE paging", call32(paging_pae, TABLES));
	EQ(*(volatile u32 *)(u64)(DATA + PAGE_SIZE), 0x33333333, "what was written through the other PDPT");
	EQ(call32(lme_alone, TABLES), GP,
	   "paging with EFER.LME and without PAE (1: LME is not set, 2: CR4 is not what was written)");
	/* SDM: "PAE Paging": a reserved bit in a PDPTE is #GP at the MOV to CR3, not a page fault later */
	/* (with nested paging AMD reads them as it walks) */
	if (guest_is_amd)
		return;
	tables_pae();
	*(u64 *)(u64)(TABLES + 4 * PAGE_SIZE) |= 2;
	EQ(call32(pae_reserved, TABLES), GP, "MOV to CR3 with a reserved bit in a PDPTE");
	EQ(read_cr(4) & 0x20, 0x20, "CR4 afterwards");
}
