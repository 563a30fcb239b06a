/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/hostmap.h"
#include "arch/x86/irq.h"
#include "arch/x86/lapic.h"
#include "arch/x86/percpu.h"
#include "hv/arch.h"
#include "hv/debug.h"
#include "hv/log.h"
#include "hv/panic.h"

static void (*handlers[256])(void) __ro_after_init;

void irq_register(u32 vector, void (*fn)(void))
{
	ASSERT(vector >= VEC_FIRST && vector < 256 && !handlers[vector], "vector %#x", vector);
	handlers[vector] = fn;
}

void irq_dispatch(u32 vector)
{
	void (*fn)(void) = handlers[vector];
	bool off = debug_irqs_off(DEBUG_VECTOR | vector);

	this_cpu()->interrupts++;
	if (vector == VEC_SPURIOUS) { /* "Spurious Interrupt": not in service, no end of interrupt */
		if (off)
			debug_irqs_on();
		return;
	}
	if (likely(fn))
		fn();
	else
		log_guest("interrupt %#x on CPU %u: nobody expects it", vector, this_cpu()->id);
	lapic_eoi();
	if (off)
		debug_irqs_on();
}

static void __endbr kicked(void)
{
	hostmap_kicked(x86_this_cpu());
	run_kicked(this_cpu());
}

static void __endbr apic_error(void)
{
	log_guest("local APIC of CPU %u reports error %#x", this_cpu()->id, lapic_error());
}

void irq_init(void)
{
	irq_register(VEC_KICK, kicked);
	irq_register(VEC_APIC_ERROR, apic_error);
}

void arch_irq_window(void)
{
	debug_irqs_on();
	/* STI holds interrupts off for one more instruction: the NOP is where they come in. */
	__asm__ volatile("sti\n\tnop\n\tcli" : : : "memory");
	debug_irqs_off(DEBUG_WINDOW);
}

void arch_cpu_idle(void)
{
	debug_irqs_on();
	__asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
	debug_irqs_off(DEBUG_IDLE);
}

void arch_cpu_kick(struct pcpu *c)
{
	lapic_ipi(x86_cpu(c)->apic_id, VEC_KICK);
}
