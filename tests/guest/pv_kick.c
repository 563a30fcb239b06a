/* SPDX-License-Identifier: BSD-2-Clause */
/* A kick ends a HLT that interrupts cannot end, and one that comes before the HLT ends that. The ball goes to
 * and fro, no turn is lost. A yield comes back. */
/* create: --vcpus 2 */
#include "tests/guest/common/pv.h"

#define TURNS 300u

static volatile u32 ball, halts[2], ready;

static void play(u32 me)
{
	for (u32 n = me; n < TURNS; n += 2) {
		while (ball != n) {
			halts[me]++;
			__asm__ volatile("hlt" ::: "memory"); /* interrupts are off */
		}
		/* now and then late enough that the other sleeps, mostly so early that it does not yet */
		if (n % 16 < 2)
			wait_us(300);
		ball = n + 1;
		kvm_call(KVM_KICK_CPU, 0, !me, 0, 0);
		if (n % 3 == 0)
			kvm_call(KVM_SCHED_YIELD, !me, 0, 0, 0);
	}
}

static void other(u32 id)
{
	ready = 1;
	play(id);
	for (;;)
		__asm__ volatile("hlt");
}

void test_main(void)
{
	CHECK(kvm_has(7), "CPUID does not offer kicks");
	CHECK(kvm_has(13), "CPUID does not offer yields");
	/* one to itself, before the HLT; two are as one */
	for (u32 i = 0; i < 20; i++) {
		EQ(kvm_call(KVM_KICK_CPU, 0, 0, 0, 0), 0, "a kick to itself");
		kvm_call(KVM_KICK_CPU, 0, 0, 0, 0);
		__asm__ volatile("hlt");
	}
	EQ(kvm_call(KVM_KICK_CPU, 0, 99, 0, 0), 0, "a kick to nobody");
	EQ(kvm_call(KVM_KICK_CPU, ~0ul, ~0ul, 0, 0), 0, "a kick to nobody");
	EQ(kvm_call(KVM_SCHED_YIELD, 0, 0, 0, 0), 0, "a yield to itself");
	EQ(kvm_call(KVM_SCHED_YIELD, ~0ul, 0, 0, 0), 0, "a yield to nobody");
	/* a vCPU that waits for SIPI is not started by it */
	kvm_call(KVM_KICK_CPU, 0, 1, 0, 0);
	wait_us(500);
	EQ(ready, 0, "the other vCPU");
	CHECK(cpu_start(1, other), "vCPU 1 does not start");
	play(0);
	CHECK(BECOMES(ball == TURNS), "the ball stopped at turn %u", ball);
	CHECK(halts[0] + halts[1] > 20, "%u halts only", halts[0] + halts[1]);
}
