/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vCPUs that share CPUs: each is told what it waited, the others see that it does not run, and a flush of its
 * TLB that is left for it is done before it runs on. All is off after INIT.
 */
/* create: --vcpus 6 */
#include "tests/guest/common/pv.h"

#define CPUS	  6u
#define TURNS	  40u
#define PREEMPTED 1
#define FLUSH	  2
#define VECTOR	  0x51u

static struct steal {
	volatile u64 steal;
	volatile u32 version, flags;
	volatile u8 preempted;
	u8 pad[47];
} st[CPUS] __attribute__((aligned(64)));

/* Pages with different words, seen through the first. */
static volatile u32 page[4][1024] __attribute__((aligned(4096)));
static volatile u32 turn, seen[CPUS], wrong[CPUS], flags[CPUS], flushed, ready, after_init;

static void on(u32 id)
{
	wrmsr(KVM_STEAL_TIME, (u64)&st[id] | 1);
}

static void flush(void)
{
	__asm__ volatile("invlpg (%0)" ::"r"(&page[0]) : "memory");
}

static void on_ipi(struct guest_trap *t)
{
	(void)t;
	flush();
	__atomic_add_fetch(&flushed, 1, __ATOMIC_SEQ_CST);
	apic_write(APIC_EOI, 0);
}

/* Sees the page of the turn, or of one that came since: never the one of a turn before. */
static void work(u32 id)
{
	apic_mode(true);
	on(id);
	irq_on();
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		u32 t = turn;

		__asm__ volatile("" ::: "memory");
		wrong[id] += page[0][0] == (t - 1) % 4;
		flags[id] += st[id].preempted;
		seen[id] = t;
	}
}

static void again(u32 id)
{
	(void)id;
	after_init = rdmsr(KVM_STEAL_TIME) ? 2 : 1;
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* As Linux does it: a flush is left for who does not run, the others get an IPI. How many were left. */
static u32 remap(u32 n)
{
	u64 *pte = (u64 *)guest_pt0 + ((u64)&page[0] >> 12);
	u32 left = 0, sent = flushed;

	*pte = (*pte & 0xfff) | (u64)&page[n % 4];
	flush();
	for (u32 i = 1; i < CPUS; i++) {
		u8 was = PREEMPTED;

		if (__atomic_compare_exchange_n(&st[i].preempted, &was, PREEMPTED | FLUSH, false,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			left++;
		} else {
			apic_icr(VECTOR, i);
			sent++;
		}
	}
	CHECK(BECOMES(flushed == sent), "turn %u: %u IPIs of %u came", n, flushed, sent);
	return left;
}

static bool one_waits(void)
{
	for (u32 i = 1; i < CPUS; i++)
		if (seen[i] == turn && (st[i].preempted & PREEMPTED))
			return true;
	return false;
}

static void turns(void)
{
	u64 from = rdtsc(), was[CPUS], stolen = 0, took;
	u32 left = 0;

	for (u32 i = 0; i < CPUS; i++)
		was[i] = st[i].steal;
	for (u32 n = 1; n <= TURNS; n++) {
		CHECK(BECOMES(one_waits()), "turn %u: nobody is told to be preempted", n);
		left += remap(n);
		turn = n;
	}
	for (u32 i = 1; i < CPUS; i++) {
		CHECK(BECOMES(seen[i] == TURNS), "vCPU %u is at turn %u", i, seen[i]);
		EQ(wrong[i], 0, "looks through a translation that was flushed");
		EQ(flags[i], 0, "flags of one that runs");
	}
	took = (rdtsc() - from) * 1000000 / tsc_khz();
	for (u32 i = 0; i < CPUS; i++) {
		stolen += st[i].steal - was[i];
		CHECK(st[i].steal - was[i] < took, "vCPU %u: %lu ns were stolen in %lu", i,
		      st[i].steal - was[i], took);
	}
	CHECK(left >= TURNS / 2, "%u flushes were left in %u turns", left, TURNS);
	/* six on four CPUs at most */
	CHECK(stolen > took / 2, "%lu ns were stolen in %lu", stolen, took);
}

void test_main(void)
{
	CHECK(kvm_has(5), "CPUID does not offer steal time");
	CHECK(kvm_has(9), "CPUID does not offer flushes");
	CHECK((u64)&page[4] < 0x200000, "the page has no entry of its own");
	for (u32 i = 0; i < 4; i++)
		page[i][0] = i;
	for (u32 bit = 1; bit < 6; bit++)
		CHECK(!wrmsr_ok(KVM_STEAL_TIME, 1ul << bit), "reserved bit %u", bit);
	CHECK(wrmsr_ok(KVM_STEAL_TIME, 0xf0000001), "an address where nothing is: exception %u",
	      caught.vector);
	CHECK(wrmsr_ok(KVM_STEAL_TIME, 0xe0001), "an address of ROM: exception %u", caught.vector);
	apic_mode(true);
	irq_handler[VECTOR] = on_ipi;
	on(0);
	EQ(rdmsr(KVM_STEAL_TIME), (u64)&st[0] | 1, "the MSR");
	CHECK(st[0].version && !(st[0].version & 1), "version %u", st[0].version);
	for (u32 i = 1; i < CPUS; i++)
		CHECK(cpu_start(i, work), "vCPU %u does not start", i);
	CHECK(BECOMES(ready == CPUS - 1), "%u vCPUs are ready", ready);
	turns();
	wrmsr(KVM_STEAL_TIME, 0);
	u32 version = st[0].version;
	wait_us(20000);
	EQ(st[0].version, version, "the account after it was switched off");
	CHECK(cpu_start(1, again), "vCPU 1 does not start again");
	CHECK(BECOMES(after_init), "vCPU 1 does not run");
	EQ(after_init, 1, "the MSR after INIT");
}
