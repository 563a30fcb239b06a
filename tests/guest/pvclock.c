/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock that KVM's guests know: it goes forward, it agrees with the PM timer, with hc_time and with the
 * TSC after that was moved. */
#include "guest/lib/hypercall.h"
#include "tests/guest/common/test.h"

#define SYSTEM_TIME 0x4b564d01u
#define WALL_CLOCK  0x4b564d00u

struct clock {
	volatile u32 version;
	u32 pad0;
	volatile u64 tsc, ns;
	volatile u32 mul;
	volatile s8 shift;
	volatile u8 flags;
	u8 pad[2];
} __attribute__((aligned(4)));

static struct clock page __attribute__((aligned(64)));
static struct {
	volatile u32 version, sec, nsec;
} wall __attribute__((aligned(64)));

static u64 now(void)
{
	u32 version;
	u64 ns, ticks;

	do {
		version = page.version;
		__asm__ volatile("" ::: "memory");
		ticks = rdtsc() - page.tsc;
		ticks = page.shift < 0 ? ticks >> -page.shift : ticks << page.shift;
		ns = page.ns + (u64)(((unsigned __int128)ticks * page.mul) >> 32);
		__asm__ volatile("" ::: "memory");
	} while ((version & 1) || version != page.version);
	return ns;
}

/* Both at one time: the device model, which tells the PM timer, may have to wait for a CPU. */
static u64 both(u32 *pm)
{
	u64 before, after;
	u32 n = 0;

	do {
		before = now();
		*pm = pm_timer();
		after = now();
	} while (after - before > 300000 && ++n < 100);
	return before;
}

void test_main(void)
{
	static struct caisson_time t;
	u64 was = 0, ns, from, took;
	u32 r[4], pm, pm_end;

	cpuid(0x40000001, 0, r);
	EQ(r[0] & 9, 9, "both clock sources in CPUID");
	if (!(r[0] & 8))
		return;
	wrmsr(SYSTEM_TIME, (u64)&page | 1);
	EQ(rdmsr(SYSTEM_TIME), (u64)&page | 1, "the MSR");
	CHECK(page.version && !(page.version & 1), "version %u", page.version);
	CHECK(page.mul, "the page is empty");
	for (u32 i = 0; i < 2000; i++) {
		ns = now();
		CHECK(ns >= was, "the clock went back by %lu ns", was - ns);
		was = ns;
		if (i % 100 == 0)
			pm_timer();
	}
	from = both(&pm);
	do
		took = both(&pm_end) - from;
	while (took < 20000000);
	ns = (u64)(pm_end - pm) * 1000000000 / 3579545;
	CHECK(took > ns * 49 / 50 && took < ns * 51 / 50, "%lu ns by the clock, %lu by the PM timer", took,
	      ns);
	/* A TSC that is moved moves the page's reference: the clock does not jump. */
	from = now();
	wrmsr(0x3b, 1ul << 44);
	took = now();
	CHECK(took >= from && took - from < 100000000, "the clock jumps by %ld ns with the TSC",
	      (long)(took - from));
	wrmsr(0x3b, 0);
	took = now();
	CHECK(took >= from && took - from < 200000000, "the clock jumps by %ld ns with the TSC back",
	      (long)(took - from));
	/* the wall clock and the hypercall's */
	wrmsr(WALL_CLOCK, (u64)&wall);
	CHECK(wall.version && !(wall.version & 1), "the wall clock's version");
	EQ(hc_time(&t), 0, "hc_time");
	s64 apart = (s64)((u64)wall.sec * 1000000000 + wall.nsec + now() - t.wall_ns);
	CHECK(apart > -100000000 && apart < 1000000000,
	      "wall clock by KVM's page and by hypercall: %ld ns apart", (long)apart);
	CHECK(wall.sec > 1500000000, "the wall clock says %u", wall.sec);
	/* An address that is no RAM hurts nobody. */
	CHECK(wrmsr_ok(SYSTEM_TIME, 0xf0000001), "a page where nothing is: exception %u", caught.vector);
	CHECK(wrmsr_ok(SYSTEM_TIME, 0xe0001), "a page of ROM: exception %u", caught.vector);
	CHECK(wrmsr_ok(SYSTEM_TIME, 0), "the clock cannot be switched off");
	u32 version = page.version;
	wait_us(1000);
	EQ(page.version, version, "the page after the clock was switched off");
}
