/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What assembly must know of C: compiled, never linked; the Makefile makes build/asm-offsets.inc of the lines
 * that start with
 * "->".  OFFSET(name, struct, member), SIZE(name, struct), CONST(NAME).
 */
#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"
#include "arch/x86/smp.h"
#include "arch/x86/vcpu.h"

#define EMIT(name, v)		   __asm__ volatile("\n->%%define " name " %0" : : "i"((long)(v)));
#define CONST(name)		   EMIT(#name, name)
#define OFFSET(name, type, member) EMIT(#name, offsetof(type, member))
#define SIZE(name, type)	   EMIT(#name, sizeof(type))

void asm_offsets(void);
void asm_offsets(void)
{
	CONST(CR0_PE)
	CONST(CR0_MP)
	CONST(CR0_ET)
	CONST(CR0_NE)
	CONST(CR0_WP)
	CONST(CR0_PG)
	CONST(CR4_PAE)
	CONST(MSR_EFER)
	CONST(EFER_LME)
	CONST(EFER_NXE)
	CONST(SEL_CODE)
	CONST(SEL_DATA)
	CONST(SEL_TSS)
	OFFSET(PCPU_STACK_TOP, struct x86_pcpu, stack_top)
	OFFSET(PCPU_APIC_ID, struct x86_pcpu, apic_id)
	OFFSET(PCPU_STATE, struct x86_pcpu, state)
	CONST(CPU_CALLED)
	CONST(CPU_ANSWERED)
	OFFSET(AP_CR3, struct ap_start, cr3)
	OFFSET(AP_CPUS, struct ap_start, cpus)
	OFFSET(AP_COUNT, struct ap_start, count)
	OFFSET(AP_ENTRY, struct ap_start, entry)
	OFFSET(AP_GDT, struct ap_start, gdt_ptr)
	OFFSET(AP_PROT, struct ap_start, prot)
	OFFSET(AP_LONG, struct ap_start, longmode)
	CONST(AP_START_OFFSET)
	OFFSET(VCPU_RAX, struct x86_vcpu, regs[RAX])
	OFFSET(VCPU_RCX, struct x86_vcpu, regs[RCX])
	OFFSET(VCPU_RDX, struct x86_vcpu, regs[RDX])
	OFFSET(VCPU_RBX, struct x86_vcpu, regs[RBX])
	OFFSET(VCPU_RBP, struct x86_vcpu, regs[RBP])
	OFFSET(VCPU_RSI, struct x86_vcpu, regs[RSI])
	OFFSET(VCPU_RDI, struct x86_vcpu, regs[RDI])
	OFFSET(VCPU_R8, struct x86_vcpu, regs[R8])
	OFFSET(VCPU_R9, struct x86_vcpu, regs[R9])
	OFFSET(VCPU_R10, struct x86_vcpu, regs[R10])
	OFFSET(VCPU_R11, struct x86_vcpu, regs[R11])
	OFFSET(VCPU_R12, struct x86_vcpu, regs[R12])
	OFFSET(VCPU_R13, struct x86_vcpu, regs[R13])
	OFFSET(VCPU_R14, struct x86_vcpu, regs[R14])
	OFFSET(VCPU_R15, struct x86_vcpu, regs[R15])
}
