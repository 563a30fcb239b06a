/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/cpu.h"
#include "arch/x86/doctor.h"
#include "arch/x86/hostmap.h"
#include "arch/x86/irq.h"
#include "arch/x86/lapic.h"
#include "arch/x86/percpu.h"
#include "arch/x86/tsc.h"
#include "drivers/clocks.h"
#include "hv/arch.h"
#include "hv/log.h"
#include "hv/printf.h"

#define WINDOW_US 10000 /* of the measurement: 1 us of read latency is 100 ppm */
#define NS_PER_S  1000000000ull
#define WRONG_BY  50 /* CPUID's figure is called wrong when it differs by more than 1/WRONG_BY */

static u64 tsc_khz, apic_khz, wall_base_ns;
static u64 ns_mult;   /* ns = ticks * ns_mult >> 32 */
static u64 tick_mult; /* ticks = ns * tick_mult >> 32 */

struct sample {
	u64 tsc, ref;
	u32 apic;
};

/* The three counters at one moment: of a few tries the one that took the shortest. */
static struct sample sample(const struct ref_clock *ref)
{
	struct sample best = { 0 };
	u64 best_took = ~0ull;

	for (u32 i = 0; i < 5; i++) {
		struct sample s;
		u64 before = rdtsc(), took;

		s.ref = ref->read();
		s.tsc = rdtsc();
		s.apic = lapic_timer_count();
		took = s.tsc - before;
		s.tsc = before + took / 2;
		if (took < best_took) {
			best_took = took;
			best = s;
		}
	}
	return best;
}

static void measure(const struct ref_clock *ref)
{
	u64 window = ref->hz * WINDOW_US / 1000000, ticks;
	struct sample from, to;

	lapic_timer_measure();
	from = sample(ref);
	while (((ref->read() - from.ref) & ref->mask) < window)
		arch_pause();
	to = sample(ref);
	ticks = (to.ref - from.ref) & ref->mask;
	tsc_khz = (to.tsc - from.tsc) * ref->hz / ticks / 1000;
	apic_khz = (u64)(to.apic - from.apic) * ref->hz / ticks / 1000;
}

/* "Time Stamp Counter and Nominal Core Crystal Clock Information Leaf",
 * then "Processor Frequency Information Leaf". */
static u64 cpuid_tsc_khz(u64 *crystal_khz)
{
	struct cpuid r = cpu_leaf(0x15, 0);

	*crystal_khz = 0;
	if (r.eax && r.ebx && r.ecx) {
		*crystal_khz = r.ecx / 1000;
		return (u64)r.ecx * r.ebx / r.eax / 1000;
	}
	return (cpu_leaf(0x16, 0).eax & 0xffff) * 1000ull;
}

static void report(const char *name, bool used, u64 khz, const char *note)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu kHz", khz);
	doctor_add(CAISSON_DOCTOR_FOUND | (used ? CAISSON_DOCTOR_USED : 0), name, text, note);
}

static void __endbr timer_interrupt(void)
{
	struct x86_pcpu *c = x86_this_cpu();
	u64 now = rdtsc();

	/* The one-shot timer may count out early: a far deadline in pieces, a rounded ratio. */
	if (now < c->timer_deadline && c->timer_deadline != ~0ull) {
		arch_timer_set(c->timer_deadline);
		return;
	}
	timer_expire(&c->hv.timers, now);
}

void tsc_init(const struct acpi_info *acpi)
{
	const struct ref_clock *ref =
		ref_clock_start(acpi, acpi->hpet_base ? mmio_map(HPA(acpi->hpet_base), PAGE_SIZE) : NULL);
	u64 crystal, claimed = cpuid_tsc_khz(&crystal), off, seconds;

	if (ref) {
		measure(ref);
	} else {
		tsc_khz = claimed;
		apic_khz = crystal ? crystal : claimed;
	}
	if (tsc_khz == 0) { /* the division below must have something: the doctor ends the boot */
		doctor_feature(false, CAISSON_DOCTOR_REQUIRED, "a clock", NULL,
			       "neither HPET, PM timer, PIT nor CPUID 15h/16h: switch the HPET on in the "
			       "firmware's set-up");
		tsc_khz = apic_khz = 1000000;
	}
	ns_mult = (1000000ull << 32) / tsc_khz;
	tick_mult = (tsc_khz << 32) / 1000000;
	report("TSC frequency", true, tsc_khz,
	       ref ? ref->name : "as CPUID says: no clock to measure it with");
	report("APIC timer frequency", !cpu_has(CPU_TSC_DEADLINE), apic_khz, NULL);
	off = claimed > tsc_khz ? claimed - tsc_khz : tsc_khz - claimed;
	if (ref && claimed)
		report("TSC frequency by CPUID 15h/16h", off * WRONG_BY <= tsc_khz, claimed,
		       off * WRONG_BY <= tsc_khz
			       ? NULL
			       : "differs from the measured one, which is used (an emulator?)");
	seconds = cmos_time(acpi->century);
	if (!seconds)
		log_warn("the CMOS clock shows no date: wall time starts in 1970");
	wall_base_ns = seconds * NS_PER_S - arch_ticks_to_ns(rdtsc());
	irq_register(VEC_TIMER, timer_interrupt);
	tsc_cpu_init();
	log_info("TSC %lu.%03lu MHz (%s), APIC timer %lu.%03lu MHz", tsc_khz / 1000, tsc_khz % 1000,
		 ref ? ref->name : "CPUID", apic_khz / 1000, apic_khz % 1000);
}

void tsc_cpu_init(void)
{
	lapic_timer_init(cpu_has(CPU_TSC_DEADLINE) ? 0 : apic_khz);
}

u64 arch_now(void)
{
	return rdtsc();
}

u64 arch_tsc_khz(void)
{
	return tsc_khz;
}

u64 arch_apic_khz(void)
{
	return apic_khz;
}

u64 arch_wall_base_ns(void)
{
	return wall_base_ns;
}

u64 arch_ticks_to_ns(u64 ticks)
{
	return (u64)((unsigned __int128)ticks * ns_mult >> 32);
}

u64 arch_ns_to_ticks(u64 ns)
{
	return (u64)((unsigned __int128)ns * tick_mult >> 32);
}
