/* SPDX-License-Identifier: BSD-2-Clause */
/* Every frame that is not ours: all of guest-physical memory in pages of all sizes, read and written. Nothing
 * but ones may be seen outside of what the memory map gives. */
#include "guest/hostile/hostile.h"
#include "tests/guest/common/test.h"

static u64 tables[2][512] __attribute__((aligned(4096)));

static bool given(u64 pa)
{
	const struct hvm_memmap *m = (const struct hvm_memmap *)guest_start_info->memmap;

	for (u32 i = 0; i < guest_start_info->memmap_entries; i++)
		if (pa >= m[i].addr && pa < m[i].addr + m[i].size)
			return true;
	/* below 1 MiB the tables lie, and the devices have pages of their own */
	return (pa >= 0xe0000 && pa < 0x100000) || (pa >> 12) == 0xfec00 || (pa >> 12) == 0xfee00 ||
	       (pa >> 12) == 0xfeb00;
}

static void look(void *arg)
{
	u64 pa = *(u64 *)arg, at = 0xffffff8000000000ul + (pa & 0x1fffff), got;

	__asm__ volatile("invlpg (%0)" ::"r"(at) : "memory");
	got = *(volatile u64 *)at;
	if (got != ~0ul && !given(pa))
		hole("address %lx shows %lx", pa, got);
	if (!given(pa)) {
		*(volatile u64 *)at = rnd();
		if (*(volatile u64 *)at != ~0ul)
			hole("address %lx takes what is written", pa);
	}
}

static void run(void)
{
	u32 r[4], bits;

	cpuid(0x80000008, 0, r);
	bits = r[0] & 0xff;
	((u64 *)guest_pml4)[511] = (u64)tables[0] | 3;
	tables[0][0] = (u64)tables[1] | 3;
	for (u64 step = 0; go_on(); step++) {
		/* once through the first 4 GiB, then anywhere, low ones most, beyond the width too */
		u64 pa = step < 2048 ? (step << 21) + below(0x1ff8)
				     : rnd() & ((1ull << (28 + below(bits - 26))) - 1);

		pa = (pa & ~7ull) % 0x1000 > 0xff8 ? pa & ~0xfffull : pa & ~7ull;
		tables[1][0] = (pa & 0x000fffffffe00000ul) | 0x8000000000000083ul;
		attempt(look, &pa);
	}
}

const struct wall wall_memory = { "memory", run };
