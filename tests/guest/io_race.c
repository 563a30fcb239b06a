/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of several vCPUs reach their device model while it answers others, on this CPU and on another:
 * each gets its answer, and its own.
 */
/* create: --vcpus 5 */
#include "tests/guest/common/test.h"

#define VCPUS  5
#define ROUNDS 1500

static volatile u32 rounds[VCPUS], wrong, done;

static void work(u32 id)
{
	u32 random = id + 1;

	for (u32 n = 0; n < ROUNDS; n++) {
		/* the UART's line status says that it can take a byte; a PIC's mask is 0xff here */
		if (id == 0 ? !(inb(0x3f8 + 5) & 0x20) : inb(id % 2 ? 0x21 : 0xa1) != 0xff)
			wrong++;
		if (!id)
			outb(0x3f8, n % 64 ? (u8)(0x40 + n % 64) : 10);
		/* out of step with the others */
		random = random * 1103515245 + 12345;
		for (u32 i = random >> 16 & 0x3ff; i; i--)
			__asm__ volatile("");
		rounds[id] = n + 1;
	}
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
}

void test_main(void)
{
	u64 end;

	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	apic_mode(true);
	for (u32 id = 1; id < VCPUS; id++)
		CHECK(cpu_start(id, work), "vCPU %u does not start", id);
	work(0);
	end = rdtsc() + tsc_khz() * 20000;
	while (done < VCPUS && rdtsc() < end)
		__asm__ volatile("pause");
	for (u32 id = 0; id < VCPUS; id++)
		EQ(rounds[id], ROUNDS, "rounds");
	CHECK(wrong == 0, "%u wrong answers", wrong);
}
