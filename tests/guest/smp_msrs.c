/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vCPUs that share a CPU have their own of everything that the processor has only once: SYSCALL and SYSENTER
 * MSRs, FS, GS and kernel GS bases, PAT, TSC_AUX, debug registers, CR2, XMM. Each writes its own, and looks
 * again and again while the others run.
 */
/* create: --vcpus 3 */
#include "tests/guest/common/test.h"

#define ROUNDS 400

static const u32 msrs[] = { 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101,
			    0xc0000102, 0x174,	    0x175,	0x176,	    0x277,	0xc0000103 };
static volatile u32 rounds[3], wrong[3], wrong_msr[3], done;

static u64 value_of(u32 id, u32 i)
{
	if (msrs[i] == 0x277)
		return 0x0007040600070406 ^ ((u64)id * 0x0101);
	if (msrs[i] == 0x174 || msrs[i] == 0xc0000103 || msrs[i] == 0xc0000084)
		return id * 0x10 + i + 8;
	return 0xffff800000000000 + id * 0x10000 + i * 8;
}

static void look(u32 id, u32 what, bool good)
{
	if (good)
		return;
	wrong[id]++;
	wrong_msr[id] = what;
}

static void work(u32 id)
{
	u64 xmm[2], cr2, dr, want = 0x1111111111111111ul * (id + 1);

	for (u32 i = 0; i < ARRAY_SIZE(msrs); i++)
		wrmsr(msrs[i], value_of(id, i));
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr3; mov %0, %%cr2" ::"r"(want & 0x7fffffffffff),
			 "r"((u64)id + 5));
	__asm__ volatile("mov %%cr4, %%rax; or $0x600, %%rax; mov %%rax, %%cr4; movq %0, %%xmm7; movq %0, "
			 "%%xmm15; punpcklqdq %%xmm15, %%xmm15"
			 :
			 : "r"(want)
			 : "rax", "memory");
	for (u32 n = 0; n < ROUNDS; n++) {
		for (u32 i = 0; i < ARRAY_SIZE(msrs); i++)
			look(id, msrs[i], rdmsr(msrs[i]) == value_of(id, i));
		__asm__ volatile("movdqu %%xmm15, %0; mov %%cr2, %1; mov %%dr0, %2"
				 : "=m"(xmm), "=r"(cr2), "=r"(dr));
		look(id, 1, xmm[0] == want && xmm[1] == want);
		__asm__ volatile("movq %%xmm7, %0" : "=r"(xmm[0]));
		look(id, 2, xmm[0] == want);
		look(id, 3, cr2 == (want & 0x7fffffffffff));
		look(id, 4, dr == (want & 0x7fffffffffff));
		__asm__ volatile("mov %%dr3, %0" : "=r"(dr));
		look(id, 5, dr == (u64)id + 5);
		__atomic_add_fetch(&rounds[id], 1, __ATOMIC_SEQ_CST);
		/* give way, in different ways */
		if (n % 4 == 0)
			inb(0x70);
		else if (n % 4 == 1)
			wait_us(50);
		else
			for (u32 k = 0; k < 300; k++)
				__asm__ volatile("pause");
	}
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
}

void test_main(void)
{
	u64 gs = rdmsr(0xc0000101), fs = rdmsr(0xc0000100);

	apic_mode(true);
	CHECK(cpu_start(1, work), "vCPU 1 does not start");
	CHECK(cpu_start(2, work), "vCPU 2 does not start");
	work(0);
	u64 end = rdtsc() + tsc_khz() * 20000;
	while (done < 3 && rdtsc() < end)
		__asm__ volatile("pause");
	wrmsr(0xc0000101, gs);
	wrmsr(0xc0000100, fs);
	EQ(done, 3, "vCPUs that came to their end");
	for (u32 id = 0; id < 3; id++) {
		EQ(rounds[id], ROUNDS, "rounds");
		CHECK(!wrong[id], "vCPU %u saw another's state %u times, last in %x", id, wrong[id],
		      wrong_msr[id]);
	}
}
