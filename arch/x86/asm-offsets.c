/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What assembly must know of C: compiled, never linked; the Makefile makes build/asm-offsets.inc of the lines
 * that start with "->".
 */
#include "arch/x86/mitigate.h"
#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"
#include "arch/x86/smp.h"
#include "arch/x86/vcpu.h"

#define EMIT(name, v)		   __asm__ volatile("\n->%%define " name " %0" : : "i"((long)(v)));
#define CONST(name)		   EMIT(#name, name)
#define OFFSET(name, type, member) EMIT(#name, offsetof(type, member))
#define GPR(r)			   OFFSET(VCPU_##r, struct x86_vcpu, regs[r])

/* clang-format off */
#define CONSTS(X) \
	X(CR0_PE) X(CR0_MP) X(CR0_ET) X(CR0_NE) X(CR0_WP) X(CR0_PG) X(CR4_PAE) X(MSR_EFER) X(EFER_LME) \
	X(EFER_NXE) X(SEL_CODE) X(SEL_DATA) X(AP_START_OFFSET) X(MSR_SPEC_CTRL) X(MSR_S_CET) \
	X(S_CET_SH_STK_EN) X(MSR_PRED_CMD) X(MIT_RSB) X(MIT_IBRS) X(MIT_IBPB_EXIT) X(MIT_VERW) X(MIT_L1D)
/* clang-format on */
#define GPRS(X) \
	X(RAX) X(RCX) X(RDX) X(RBX) X(RBP) X(RSI) X(RDI) X(R8) X(R9) X(R10) X(R11) X(R12) X(R13) X(R14) X(R15)

void asm_offsets(void);
void asm_offsets(void)
{
	CONSTS(CONST)
	GPRS(GPR)
	OFFSET(VCPU_ON_EXIT, struct x86_vcpu, on_exit)
	OFFSET(PCPU_STACK_TOP, struct x86_pcpu, stack_top)
	OFFSET(AP_CR3, struct ap_start, cr3)
	OFFSET(AP_OFFER, struct ap_start, offer)
	OFFSET(AP_ENTRY, struct ap_start, entry)
	OFFSET(AP_GDT, struct ap_start, gdt_ptr)
	OFFSET(AP_PROT, struct ap_start, prot)
	OFFSET(AP_LONG, struct ap_start, longmode)
}
