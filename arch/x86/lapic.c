/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/cpu.h"
#include "arch/x86/doctor.h"
#include "arch/x86/hostmap.h"
#include "arch/x86/irq.h"
#include "arch/x86/lapic.h"
#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"
#include "drivers/io.h"
#include "hv/arch.h"

#define SVR_ENABLE	 BIT(8)
#define LVT_MASKED	 BIT(16)
#define LVT_TSC_DEADLINE BIT(18)
#define LVT_NMI		 (4u << 8)
#define ICR_PENDING	 BIT(12)
#define ICR_ASSERT	 BIT(14)
#define ICR_NMI_OTHERS	 (3u << 18 | LVT_NMI)
#define DIVIDE_BY_1	 0xb

static bool x2apic;
static volatile void *mmio;
static u64 timer_mult; /* APIC ticks = (TSC ticks * timer_mult) >> 32; 0: TSC-deadline mode */

static inline u32 reg_read(u32 reg)
{
	return x2apic ? (u32)rdmsr(MSR_X2APIC + reg / 16) : mmio_read32(mmio, reg);
}

static inline void reg_write(u32 reg, u32 v)
{
	if (x2apic)
		wrmsr(MSR_X2APIC + reg / 16, v);
	else
		mmio_write32(mmio, reg, v);
}

void lapic_init(hpa_t base, bool avoid_x2apic)
{
	u64 now = rdmsr(MSR_APIC_BASE);

	/* An APIC that the firmware has put into x2APIC mode cannot go back without a reset of its state. */
	x2apic = (cpu_has(CPU_X2APIC) && !avoid_x2apic) || (now & APIC_BASE_EXTD);
	if (!x2apic) {
		base.v = base.v ? base.v : now & APIC_BASE_ADDR;
		mmio = mmio_map(base, PAGE_SIZE);
		wrmsr(MSR_APIC_BASE, (now & ~APIC_BASE_ADDR) | base.v);
	}
	doctor_add(CAISSON_DOCTOR_FOUND | CAISSON_DOCTOR_USED, "local APIC mode", x2apic ? "x2APIC" : "xAPIC",
		   now & APIC_BASE_EXTD ? "the firmware had left x2APIC on" : NULL);
}

void lapic_cpu_init(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) | APIC_BASE_EN;
	u32 last;

	wrmsr(MSR_APIC_BASE, base); /* "x2APIC State Transitions": first xAPIC, then x2APIC */
	if (x2apic)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_EXTD);
	else
		reg_write(APIC_DFR, 0xffffffff);
	last = GET(MASK(23, 16), reg_read(APIC_VERSION));
	reg_write(APIC_SVR, SVR_ENABLE | VEC_SPURIOUS);
	reg_write(APIC_TPR, 0);
	reg_write(APIC_LVT_TIMER, LVT_MASKED);
	reg_write(APIC_LVT_LINT0, LVT_MASKED);
	reg_write(APIC_LVT_LINT1, LVT_NMI);
	if (last >= 4)
		reg_write(APIC_LVT_PERF, LVT_MASKED);
	if (last >= 5)
		reg_write(APIC_LVT_THERMAL, LVT_MASKED);
	reg_write(APIC_LVT_ERROR, VEC_APIC_ERROR);
	lapic_error();
	/* What was in service when the firmware left would block all of its class and below. */
	for (u32 word = 0; word < 8; word++) {
		for (u32 i = 0; i < 32 && reg_read(APIC_ISR + word * 16); i++)
			lapic_eoi();
	}
}

u32 lapic_id(void)
{
	return x2apic ? reg_read(APIC_ID) : reg_read(APIC_ID) >> 24;
}

bool lapic_is_x2apic(void)
{
	return x2apic;
}

void lapic_eoi(void)
{
	reg_write(APIC_EOI, 0);
}

u32 lapic_error(void)
{
	reg_write(APIC_ESR, 0); /* "Error Handling": the write latches what the read then gives */
	return reg_read(APIC_ESR);
}

void lapic_ipi(u32 apic_id, u32 command)
{
	command |= ICR_ASSERT;
	if (x2apic) {
		/* WRMSR to an x2APIC register orders nothing:
		 * what was written for the receiver goes first. */
		__asm__ volatile("mfence; lfence" : : : "memory");
		wrmsr(MSR_X2APIC + APIC_ICR / 16, (u64)apic_id << 32 | command);
		return;
	}
	while (reg_read(APIC_ICR) & ICR_PENDING)
		arch_pause();
	reg_write(APIC_ICR_HIGH, apic_id << 24);
	reg_write(APIC_ICR, command);
}

void lapic_nmi_others(void)
{
	if (x2apic || mmio)
		lapic_ipi(0, ICR_NMI_OTHERS);
}

/* ---- timer ---- */
void lapic_timer_measure(void)
{
	reg_write(APIC_TDCR, DIVIDE_BY_1);
	reg_write(APIC_LVT_TIMER, LVT_MASKED | VEC_TIMER);
	reg_write(APIC_TMICT, 0xffffffff);
}

u32 lapic_timer_count(void)
{
	return ~reg_read(APIC_TMCCT);
}

void lapic_timer_init(u64 khz)
{
	reg_write(APIC_TMICT, 0);
	if (khz) {
		timer_mult = (khz << 32) / arch_tsc_khz();
		reg_write(APIC_TDCR, DIVIDE_BY_1);
		reg_write(APIC_LVT_TIMER, VEC_TIMER);
	} else {
		reg_write(APIC_LVT_TIMER, LVT_TSC_DEADLINE | VEC_TIMER);
		/* "TSC-Deadline Mode": orders the LVT before the deadline's WRMSR */
		__asm__ volatile("mfence" : : : "memory");
	}
	x86_this_cpu()->timer_deadline = ~0ull;
}

void arch_timer_set(u64 deadline)
{
	u64 now, ticks;

	x86_this_cpu()->timer_deadline = deadline;
	if (!timer_mult) {
		if (unlikely(deadline + 1 < 2)) /* never, or 0, which disarms */
			deadline = !deadline;
		wrmsr(MSR_TSC_DEADLINE, deadline);
		return;
	}
	if (deadline == ~0ull) {
		reg_write(APIC_TMICT, 0);
		return;
	}
	/* One tick more than the quotient: not before the deadline.
	 * Far ones fire early, and are set again then. */
	now = rdtsc();
	ticks = deadline > now ? (u64)((unsigned __int128)(deadline - now) * timer_mult >> 32) + 1 : 1;
	reg_write(APIC_TMICT, (u32)MIN(ticks, 0xffffffff));
}
