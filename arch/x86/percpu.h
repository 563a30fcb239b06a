/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A physical CPU, as x86 sees it; GS base points to its own in root mode (a VM exit loads it, NMI and #MC
 * find it there).
 */
#ifndef X86_PERCPU_H
#define X86_PERCPU_H

#include "hv/pcpu.h"

#define GDT_ENTRIES 5 /* null, code, data, TSS (two) */

enum { IST_DF = 1, IST_NMI, IST_MC, IST_COUNT = 3 };

/* SDM volume 3, "Task Management in 64-bit Mode" */
struct tss {
	u32 rsvd0;
	u64 rsp[3];
	u64 rsvd1;
	u64 ist[7]; /* [0] is IST1 */
	u64 rsvd2;
	u16 rsvd3, iomap;
} __packed;
_Static_assert(sizeof(struct tss) == 104, "SDM: 64-bit TSS Format");

struct x86_pcpu {
	struct pcpu hv; /* first: this_cpu() */
	struct x86_pcpu *self;
	u32 apic_id;
	bool ready;    /* started, waits to be let in; atomic */
	u64 stack_top; /* of the main stack */
	u64 ist_top[IST_COUNT];
	/* cet.c: tokens of the shadow stacks; the latter is the processor's table, by IST */
	u64 ssp, ist_ssp[8];
	u64 timer_deadline;	/* what the APIC timer was asked for, ~0: nothing */
	void *vmxon_region;	/* vendor code's: a page, VMXON region or host save area */
	void *vendor;		/* vendor code's own */
	u64 syscall[5];		/* what it has in the MSRs of enum SYSCALL_*: nothing else writes them */
	u64 serial;		/* of the domain that was here last, where a barrier is due between two */
	u64 left_seen;		/* hostmap.c: what left the direct map up to there is forgotten */
	u64 tsc_at_start;	/* read when it answered the start-up IPI */
	u64 stop_rip, stop_rsp; /* where a panic of another CPU's stopped it; rsp last, atomic */
	u32 nmis;
	struct tss tss __aligned(64);
	u64 gdt[GDT_ENTRIES];
};

/* The CPU that runs this: one load. */
static inline struct x86_pcpu *x86_this_cpu(void)
{
	struct x86_pcpu *c;

	__asm__ volatile("movq %%gs:%c1, %0" : "=r"(c) : "i"(offsetof(struct x86_pcpu, self)));
	return c;
}

static inline struct x86_pcpu *x86_cpu(const struct pcpu *c)
{
	return container_of((struct pcpu *)(uintptr_t)c, struct x86_pcpu, hv);
}

/* CPU 0, which the boot loader started. */
extern struct x86_pcpu boot_cpu;

/* GDT, TSS, IDT and GS base of this CPU, from c->stack_top and c->ist_top. */
void percpu_load(struct x86_pcpu *c);
/* Points the TSS at the CPU's own trap stacks. */
void percpu_set_ists(struct x86_pcpu *c);
/* Called once per CPU, in the order of their ids. */
void percpu_register(struct x86_pcpu *c);

#endif
