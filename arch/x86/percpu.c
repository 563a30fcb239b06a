/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/asm.h"
#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"
#include "arch/x86/traps.h"
#include "hv/abi/caisson.h"
#include "hv/arch.h"
#include "hv/panic.h"

struct x86_pcpu boot_cpu __aligned(64);
static struct x86_pcpu *cpus[CAISSON_MAX_CPUS];
static u32 cpu_count;

void percpu_set_ists(struct x86_pcpu *c)
{
	for (u32 i = 0; i < IST_COUNT; i++)
		c->tss.ist[i] = c->ist_top[i];
	c->tss.rsp[0] = c->stack_top;
}

void percpu_load(struct x86_pcpu *c)
{
	u64 tss = (u64)&c->tss;
	struct desc_ptr gdt = { sizeof(c->gdt) - 1, (u64)c->gdt };

	c->self = c;
	c->tss.iomap = sizeof(c->tss);
	percpu_set_ists(c);
	/* "Segment Descriptors": flat code and data, and the 16 bytes of a 64-bit TSS that is not busy */
	c->gdt[SEL_CODE / 8] = 0x00af9b000000ffff;
	c->gdt[SEL_DATA / 8] = 0x00cf93000000ffff;
	c->gdt[SEL_TSS / 8] = (sizeof(c->tss) - 1) | GET(MASK(23, 0), tss) << 16 | 0x89ull << 40 |
			      GET(MASK(31, 24), tss) << 56;
	c->gdt[SEL_TSS / 8 + 1] = tss >> 32;
	__asm__ volatile("lgdt %0" : : "m"(gdt));
	__asm__ volatile("pushq %0\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tlretq\n1:\n\t"
			 "movl %1, %%ss\n\tmovl %1, %%ds\n\tmovl %1, %%es\n\tmovl %2, %%fs\n\tmovl %2, %%gs"
			 :
			 : "i"(SEL_CODE), "r"(SEL_DATA), "r"(0)
			 : "rax", "memory");
	wrmsr(MSR_GS_BASE, (u64)c);
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
	traps_load();
}

void percpu_register(struct x86_pcpu *c)
{
	ASSERT(cpu_count < CAISSON_MAX_CPUS, "%u", cpu_count);
	c->hv.id = cpu_count;
	cpus[cpu_count] = c;
	__atomic_store_n(&cpu_count, cpu_count + 1, __ATOMIC_RELEASE);
}

struct pcpu *this_cpu(void)
{
	return &x86_this_cpu()->hv;
}

struct pcpu *cpu_by_id(u32 id)
{
	return id < cpus_online() ? &cpus[id]->hv : NULL;
}

u32 cpus_online(void)
{
	return __atomic_load_n(&cpu_count, __ATOMIC_ACQUIRE);
}

u32 arch_apic_id(const struct pcpu *c)
{
	return x86_cpu(c)->apic_id;
}
