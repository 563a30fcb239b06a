/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other processors.  SDM volume 3, "Multiple-Processor (MP) Initialization", "MP Initialization Example".
 */
#ifndef X86_SMP_H
#define X86_SMP_H

#include "hv/types.h"

struct acpi_info;
struct bootinfo;
struct x86_pcpu;

#define SEL_AP_LONG 0x18
/* What boot/trampoline.asm reads at the end of its page. */
#define AP_START_OFFSET 0xf00
struct far_pointer {
	u32 offset;
	u16 selector;
} __packed;
struct ap_start {
	u64 gdt[4]; /* null, 32-bit code, data, 64-bit code */
	u64 cr3;    /* maps the trampoline page at its own address and the hypervisor where it is */
	struct x86_pcpu **offer; /* what the CPU shall be; it is NULL when nobody is called */
	void (*entry)(void *cpu);
	struct {
		u16 limit;
		u32 base;
	} __packed gdt_ptr;
	struct far_pointer prot, longmode;
};

/* Memory for up to `want` CPUs of the MADT, the boot CPU included, and the trampoline in a page of the memory
 * map. Boot CPU, before arch_memory_final(). arch_cpus_start() of hv/main.h then takes about 10 ms. */
void smp_prepare(struct bootinfo *bi, const struct acpi_info *acpi, u32 want);

#endif
