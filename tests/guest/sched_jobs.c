/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job in each period, begun by the timer: none ends after its period does, and none begins long after its
 * time. Alone that is easy; tests/system/smp.py lets it run among busy vCPUs. Command line: work=, period=,
 * bound= (of the wake-up), all in us, jobs=.
 */
/* not on: qemu (its time is the host's) */
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

#define VECTOR 0x44

static u64 option(const char *name, u64 value)
{
	size_t n = strlen(name);

	for (const char *p = guest_cmdline(); *p; p++)
		if (!memcmp(p, name, n)) {
			value = 0;
			for (p += n; *p >= '0' && *p <= '9'; p++)
				value = 10 * value + (u64)(*p - '0');
			break;
		}
	return value;
}

static u64 spin(u64 rounds)
{
	u64 from = rdtsc();

	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(rounds) : : "cc");
	return rdtsc() - from;
}

/* Rounds in so many ticks, when nobody interrupts. */
static u64 rounds_in(u64 ticks)
{
	u64 least = ~0ull;

	for (u32 i = 0; i < 100; i++) {
		u64 took = spin(1000);

		least = took < least ? took : least;
	}
	return ticks * 1000 / least;
}

void test_main(void)
{
	u64 us = tsc_khz() / 1000, work = rounds_in(option("work=", 1800) * us),
	    period = option("period=", 10000) * us;
	u64 jobs = option("jobs=", 20), bound = option("bound=", 1000), worst = 0, longest = 0, due, late = 0,
	    now;

	apic_mode(true);
	apic_write(APIC_LVTT, LVT_DEADLINE | VECTOR);
	due = rdtsc() + 10 * period; /* what was used up above is forgotten then */
	for (u64 i = 0; i < jobs; i++, due += period) {
		u32 was = irq_count[VECTOR];

		wrmsr(MSR_TSC_DEADLINE, due);
		while (irq_count[VECTOR] == was)
			__asm__ volatile("sti; hlt; cli" : : : "memory");
		now = rdtsc();
		worst = now - due > worst ? now - due : worst;
		spin(work);
		now = rdtsc() - due;
		longest = now > longest ? now : longest;
		late += now > period;
	}
	guest_printf("jobs %lu late %lu, woken after %lu us, done after %lu us at most\n", jobs, late,
		     worst / us, longest / us);
	CHECK(irq_count[VECTOR] >= jobs, "%u interrupts for %lu jobs", irq_count[VECTOR], jobs);
	if (on_tcg()) /* its time is the host's */
		return;
	CHECK(!late, "%lu of %lu jobs are late", late, jobs);
	CHECK(worst <= bound * us, "woken %lu us after the time, %lu are allowed", worst / us, bound);
}
