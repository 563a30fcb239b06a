/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt controllers: register noise in both modes, storms of IPIs and NMIs between vCPUs, lines that
 * never rest, timers that always fire. */
#include "guest/hostile/hostile.h"
#include "tests/guest/common/test.h"

static u64 mine[8];
static u64 own(u32 id)
{
	return mine[id] = mine[id] * 6364136223846793005ull + 2 * id + 1;
}

/* Another vCPU: IPIs of all kinds to all, itself too, interrupts on. */
static void storm(u32 id)
{
	apic_mode(id & 1);
	irq_on();
	for (;;) {
		u64 x = own(id);
		/* vector, delivery mode but INIT and SIPI, which are vCPU 0's, destination mode, level,
		 * trigger, shorthand */
		u32 icr = (u32)(x >> 32) & 0xccfff;

		if ((icr >> 8 & 7) >= 5)
			icr &= ~0x700u;
		if ((icr & 0xff) < 32)
			icr |= 0x20;
		if (apic_is_x2())
			wrmsr(0x830, (x & 7) << 32 | icr);
		else
			*(volatile u32 *)0xfee00310 = (u32)x << 24, *(volatile u32 *)0xfee00300 = icr;
		if (x >> 60 == 0)
			__asm__ volatile("hlt");
		if (x >> 58 == 5)
			apic_mode(x >> 57 & 1);
	}
}

static u32 apic_register(void)
{
	static const u16 at[] = { 0x20,	 0x80,	0xb0,  0xd0,  0xe0,  0xf0,  0x280, 0x2f0,
				  0x320, 0x330, 0x340, 0x350, 0x360, 0x370, 0x380, 0x3e0 };

	return below(4) ? at[below(ARRAY_SIZE(at))] : below(0x400);
}

static void noise(void *arg)
{
	u32 what = below(16), line = below(24);
	volatile u32 *xapic = (volatile u32 *)0xfee00000, *io = (volatile u32 *)0xfec00000;

	(void)arg;
	if (what < 5) {
		if (apic_is_x2())
			wrmsr(0x800 + apic_register() / 16, nasty());
		else
			*(volatile u32 *)((u64)xapic + (apic_register() & ~(below(8) ? 15u : 0u))) =
				(u32)nasty();
	} else if (what < 8) {
		io[0] = below(2) ? 0x10 + 2 * line + below(2) : below(256);
		io[4] = below(3) ? (u32)nasty() : (32 + below(200)) | (below(2) ? IOAPIC_LEVEL : 0);
	} else if (what < 11) {
		outb((u16)(0x2000 + line), below(2));
	} else if (what == 11) {
		io[16] = (u32)nasty(); /* EOI register, or nothing */
	} else if (what == 12) {
		wrmsr(MSR_APIC_BASE,
		      0xfee00000 | (below(2) ? 0xd00 : below(4) << 10) | (below(8) ? 0 : nasty()));
	} else if (what == 13) {
		apic_write(APIC_LVTT, 0x30 | (below(3) << 17));
		apic_write(APIC_TDCR, below(16));
		apic_write(APIC_TMICT, below(2) ? 1 + below(100) : (u32)nasty());
		wrmsr(MSR_TSC_DEADLINE, below(2) ? rdtsc() + below(10000) : nasty());
	} else if (what == 14) {
		apic_icr((u32)nasty() & 0xccfff, (u32)nasty()); /* INIT, SIPI and NMI too */
	} else {
		irq_let_in();
	}
	if (!below(64))
		wrmsr(below(2) ? 0x10 : 0x3b, nasty());
}

/* Time games move the clock that go_on() reads: this counts instead. */
static void run(void)
{
	scratch_open();
	for (u32 id = 1; id < 3; id++) {
		mine[id] = rnd();
		apic_mode(false);
		helper(id, storm);
	}
	for (u32 n = 0; n < 4000; n++) {
		attempt(noise, NULL);
		if (n % 64 == 0 &&
		    attempt((void (*)(void *))(void *)apic_mode, (void *)(u64)below(2)) != NO_TRAP)
			wrmsr(MSR_APIC_BASE, 0xfee00900);
	}
}

const struct wall wall_irqs = { "irqs", run };
