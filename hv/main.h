/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of a boot through hv: arch sets the boot CPU up and calls hv_main(); that starts the others.
 */
#ifndef HV_MAIN_H
#define HV_MAIN_H

#include "hv/types.h"

struct bootinfo;
struct pcpu;

/* What the command line says. */
struct hv_options {
	u64 quiet, exit, no_apicv, no_x2apic; /* 0 or 1 */
	u64 panic_reboot;
	u64 fail_alloc, hang, overrun, poke, stray, ret, jump, checks; /* of a debug build */
	u64 cpus;						       /* use at most so many */
	u64 control_mib;					       /* memory of the control domain */
	char serial[32];      /* what the console is; empty: not said */
	char mitigations[64]; /* against speculation, as arch reads it */
};
extern struct hv_options hv_options;

/* Called twice: before anything is printed, then to complain of what it does not know. */
void hv_parse_options(const char *cmdline, bool complain);

/* Boot CPU, on its own stack, paging, traps, time and tables final. */
void __attribute__((noreturn)) hv_main(const struct bootinfo *bi);
/* Every other CPU, after arch_cpus_release(). */
void __attribute__((noreturn)) hv_cpu_main(struct pcpu *c);

/* arch: starts the other CPUs, each up to a gate; opens that. */
void arch_cpus_start(void);
void arch_cpus_release(void);
/* arch: what is __ro_after_init can be written no more, on this CPU; on the others from their release on. */
void arch_seal(void);
u32 arch_cpus_found(void);
/* arch: no early memory is taken and nothing is mapped after this; bootinfo's reserved list is complete. */
void arch_memory_final(void);

#endif
