/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/cet.h"
#include "arch/x86/asm.h"
#include "arch/x86/cpu.h"
#include "arch/x86/doctor.h"
#include "arch/x86/hostmap.h"
#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"

static u64 s_cet __ro_after_init; /* IA32_S_CET */

void cet_enter(u64 s_cet); /* stubs.asm */

void cet_detect(void)
{
	/* Under a hypervisor only with its word that no exit of its own leaves a token busy. */
	bool stacks = cpu_has(CPU_SHSTK) && (!cpu_has(CPU_HYPERVISOR) || cpu_has(CPU_CET_SSS));

	if (!cpu_has(CPU_VMX)) /* across VMRUN it would have to be switched */
		return;
	s_cet = (stacks ? S_CET_SH_STK_EN | S_CET_WR_SHSTK_EN : 0) |
		(cpu_has(CPU_IBT) ? S_CET_ENDBR_EN | S_CET_NO_TRACK_EN : 0);
	if (s_cet)
		cpu_info.cr4 |= CR4_CET;
}

void cet_doctor(void)
{
	doctor_fact(FACT_SHADOW_STACKS, s_cet & S_CET_SH_STK_EN);
	doctor_fact(FACT_BRANCH_TRACKING, s_cet & S_CET_ENDBR_EN);
}

/* SDM volume 3, "Shadow Stack Usage on Task Switch" and before:
 * a token is its own address; bit 0, busy, is the processor's. */
static u64 token(u64 page, u8 *at, u64 below)
{
	return *(u64 *)(at + below - 8) = page + below - 8;
}

void cet_stacks(struct x86_pcpu *c, u64 slot)
{
	u64 ist = slot + STACK_SLOT - SHADOW_BYTES, main = ist + PAGE_SIZE;
	u8 *at;

	if (!(s_cet & S_CET_SH_STK_EN))
		return;
	at = hostmap_shadow(ist, SHADOW_BYTES);
	for (u32 i = 0; i < IST_COUNT; i++)
		c->ist_ssp[i + 1] = token(ist, at, (i + 1) * (PAGE_SIZE / 4));
	c->ssp = token(main, at + PAGE_SIZE, PAGE_SIZE);
}

void cet_on(struct x86_pcpu *c)
{
	if (!s_cet)
		return;
	if (s_cet & S_CET_SH_STK_EN) {
		wrmsr(MSR_PL0_SSP, c->ssp);
		wrmsr(MSR_INTERRUPT_SSP_TABLE, (u64)c->ist_ssp);
	}
	cet_enter(s_cet);
}

/* "Interrupt and Exception Handling": SSP, LIP and CS lie there, from the top of the stack on. */
void cet_return_to(u64 ssp, u64 rip)
{
	if (ssp)
		__asm__ volatile("wrssq %1, (%0)" : : "r"(ssp + 8), "r"(rip) : "memory");
}
