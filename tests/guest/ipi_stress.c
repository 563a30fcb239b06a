/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Eight vCPUs send each other IPIs of all kinds, at random, in both APIC modes; each arrives exactly once,
 * whatever happens to the vCPUs meanwhile (tests/system/smp.py pauses, pins and moves them while this runs).
 */
/* create: --vcpus 8 */
#include "tests/guest/common/test.h"

#define CPUS   8u
#define ROUNDS 120u
#define FIRST \
	0x40u /* vector of an IPI from vCPU 0; a vector each, so that two never become one on their way */
#define TIMER	 0x60u
#define LOGICAL	 0x800u
#define OTHERS	 0xc0000u
#define PATIENCE 40000000u /* us */

static volatile u32 got[CPUS][CPUS]; /* [from][to], counted by the receiver */
static u32 sent[CPUS][CPUS];	     /* by the sender */
static volatile u32 nmis[CPUS], nmis_sent[CPUS], lost[CPUS], at[4], goes;
static volatile u32 nmi_lock[CPUS]; /* two NMIs on their way are one */

static u32 self(void)
{
	return apic_is_x2() ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

static void on_ipi(struct guest_trap *t)
{
	__atomic_add_fetch(&got[t->vector - FIRST][self()], 1, __ATOMIC_SEQ_CST);
	apic_write(APIC_EOI, 0);
}

static void on_nmi(struct guest_trap *t)
{
	(void)t;
	__atomic_add_fetch(&nmis[self()], 1, __ATOMIC_SEQ_CST);
}

static bool arrives(volatile u32 *count, u32 want)
{
	for (u32 i = 0; *count != want; i++) {
		if (i == PATIENCE / 10)
			return false;
		wait_us(10);
	}
	return true;
}

static void expect(u32 me, u32 to)
{
	sent[me][to]++;
	lost[me] += !arrives(&got[me][to], sent[me][to]);
}

static u32 logical_id(u32 id, bool x2)
{
	return x2 ? (id >> 4) << 16 | 1u << (id & 15) : 1u << id;
}

static void one(u32 me, u32 kind, u32 to, bool x2)
{
	switch (kind) {
	case 0: /* all others, one after the other noticed */
		apic_icr(OTHERS | (FIRST + me), 0);
		for (u32 k = 0; k < CPUS; k++)
			if (k != me)
				expect(me, k);
		break;
	case 1:
		while (__atomic_exchange_n(&nmi_lock[to], 1, __ATOMIC_SEQ_CST))
			wait_us(5);
		nmis_sent[to]++;
		apic_icr(4u << 8, to);
		lost[me] += !arrives(&nmis[to], nmis_sent[to]);
		nmi_lock[to] = 0;
		break;
	case 2:
	case 3:
		apic_icr(LOGICAL | (FIRST + me), logical_id(to, x2));
		expect(me, to);
		break;
	default:
		apic_icr(FIRST + me, to);
		expect(me, to);
		break;
	}
}

/* All vCPUs have come to stage n. */
static void meet(u32 n)
{
	__atomic_add_fetch(&at[n], 1, __ATOMIC_SEQ_CST);
	while (at[n] < CPUS)
		__asm__ volatile("pause");
}

static void work(u32 me)
{
	u32 random = 12345 + me * 7919;

	for (u32 x2 = 0; x2 < 2; x2++) {
		apic_mode(x2);
		if (!x2) {
			apic_write(APIC_DFR, ~0u);
			apic_write(APIC_LDR, 1u << (24 + me));
		}
		apic_write(APIC_TDCR, 0xb);
		apic_write(APIC_LVTT, TIMER);
		irq_on();
		meet(x2);
		for (u32 i = 0; i < ROUNDS; i++) {
			random = random * 1664525 + 1013904223;
			one(me, (random >> 8) % 16, (random >> 20) % CPUS, x2);
			if (i % 16 == 0) {
				/* to be woken by somebody's, or by the timer when all others are through */
				irq_off(); /* the timer's may come before the HLT, and nothing after it */
				apic_write(APIC_TMICT, 100000);
				__asm__ volatile("sti; hlt");
			}
			__atomic_add_fetch(&goes, 1, __ATOMIC_SEQ_CST);
		}
		for (u32 k = 0; k < CPUS; k++) {
			apic_icr(FIRST + me, k);
			expect(me, k);
		}
		meet(2 + x2);
		irq_off();
	}
	__atomic_add_fetch(&lost[me], 1u << 31, __ATOMIC_SEQ_CST); /* done */
	while (me)
		__asm__ volatile("hlt");
}

void test_main(void)
{
	u32 all = 0, came = 0, missing = 0;

	for (u32 i = 0; i < CPUS; i++)
		irq_handler[FIRST + i] = on_ipi;
	irq_handler[NMI] = on_nmi;
	for (u32 i = 1; i < CPUS; i++)
		CHECK(cpu_start(i, work), "vCPU %u does not start", i);
	work(0);
	for (u32 i = 0; i < CPUS; i++) {
		while (!(lost[i] >> 31))
			__asm__ volatile("pause");
		missing += lost[i] & 0x7fffffff;
		all += nmis_sent[i];
		came += nmis[i];
		for (u32 k = 0; k < CPUS; k++) {
			all += sent[i][k];
			came += got[i][k];
		}
	}
	EQ(missing, 0, "IPIs that did not arrive");
	EQ(came, all, "IPIs that arrived, of those sent");
	CHECK(all > CPUS * ROUNDS * 2, "%u IPIs were sent", all);
}
