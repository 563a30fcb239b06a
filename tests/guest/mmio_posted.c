/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Posted writes: they do not wait for the device model, come to it in order and before whatever the same vCPU
 * asks for next, and none is lost when there are more than the ring holds.
 */
/* create: --testdev --vcpus 2 */
#include "tests/guest/common/test.h"

#define DEV    0xfeb00000ul
#define POSTED (DEV + 0x800)
#define MANY   500

static volatile u32 done, wrong[2];

static u64 cost(u64 at)
{
	u64 least = ~0ull;

	for (u32 i = 0; i < 50; i++) {
		u64 t = rdtsc();

		*(volatile u32 *)at = i;
		t = rdtsc() - t;
		least = t < least ? t : least;
	}
	return least;
}

static void work(u32 id)
{
	volatile u32 *reg = (volatile u32 *)(POSTED + 0x100 * id);

	for (u32 n = 0; n < 20; n++) {
		for (u32 i = 0; i < MANY; i++)
			reg[i % 16] = n << 16 | i;
		for (u32 i = MANY - 16; i < MANY; i++)
			wrong[id] += reg[i % 16] != (n << 16 | i);
		for (u32 i = 0; i < 20; i++) {
			reg[20] = i;
			wrong[id] += reg[20] != i;
		}
	}
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
}

void test_main(void)
{
	u64 waits = cost(DEV), posted = cost(POSTED);

	apic_mode(true);
	if (!on_tcg()) /* there time is not work */
		CHECK(posted < waits / 2, "a posted write takes %lu ticks, one that waits %lu", posted,
		      waits);
	CHECK(cpu_start(1, work), "vCPU 1 does not start");
	work(0);
	for (u64 end = rdtsc() + tsc_khz() * 20000; done < 2 && rdtsc() < end;)
		__asm__ volatile("pause");
	EQ(done, 2, "vCPUs that came to their end");
	EQ(wrong[0], 0, "wrong words of vCPU 0");
	EQ(wrong[1], 0, "wrong words of vCPU 1");
}
