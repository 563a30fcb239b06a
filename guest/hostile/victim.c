/* SPDX-License-Identifier: BSD-2-Clause */
/* The neighbour: fills its memory by its seed, and tells the hash of all of it for each byte that it gets. */
#include "guest/hostile/hostile.h"

static u64 hash(void)
{
	u64 h = 0xcbf29ce484222325ull; /* FNV-1a over words */

	for (u64 *p = (u64 *)0x400000; p < (u64 *)guest_ram_end(); p += 16)
		h = (h ^ *p) * 0x100000001b3ull;
	return h;
}

static void run(void)
{
	for (u64 *p = (u64 *)0x400000; p < (u64 *)guest_ram_end(); p += 16)
		*p = rnd();
	for (u32 n = 0;; n++) {
		guest_printf("hash %u %lx ok%u.\n", n, hash(), n);
		while (!(inb(0x3fd) & 1))
			__asm__ volatile("pause");
		inb(0x3f8);
	}
}

const struct wall wall_victim = { "victim", run };
