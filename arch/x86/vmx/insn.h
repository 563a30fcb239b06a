/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One wrapper per VMX instruction. Each reports both ways of failing: VMfailInvalid (CF) and
 * VMfailValid (ZF). A failing VMREAD or VMWRITE is a bug of ours, so those two end in
 * vmx_insn_failed(), which panics with the field.
 * SDM volume 3, "VMX Instruction Reference", "Conventions".
 */
#ifndef ARCH_X86_VMX_INSN_H
#define ARCH_X86_VMX_INSN_H

#include "arch/x86/vmx/vmcs.h"
#include "hv/types.h"

void __attribute__((noreturn, cold)) vmx_insn_failed(const char *what, u64 operand);

static inline u64 vmread(u64 field)
{
	u64 v;

	__asm__ goto volatile("vmread %1, %0\n\tjna %l2" : "=rm"(v) : "r"(field) : "cc" : failed);
	return v;
failed:
	vmx_insn_failed("VMREAD", field);
}

static inline void vmwrite(u64 field, u64 v)
{
	__asm__ goto volatile("vmwrite %1, %0\n\tjna %l2" : : "r"(field), "rm"(v) : "cc", "memory" : failed);
	return;
failed:
	vmx_insn_failed("VMWRITE", field);
}

#define DEFINE_VMX_PA(name)                                                          \
	static inline bool __must_check name(const hpa_t *pa)                        \
	{                                                                            \
		bool ok;                                                             \
		__asm__ volatile(#name " %1" : "=@cca"(ok) : "m"(pa->v) : "memory"); \
		return ok;                                                           \
	}
DEFINE_VMX_PA(vmxon)
DEFINE_VMX_PA(vmclear)
DEFINE_VMX_PA(vmptrld)
#undef DEFINE_VMX_PA

static inline bool __must_check invept(u64 type, u64 eptp)
{
	const struct {
		u64 eptp, zero;
	} d = { eptp, 0 };
	bool ok;

	__asm__ volatile("invept %1, %2" : "=@cca"(ok) : "m"(d), "r"(type) : "memory");
	return ok;
}

static inline bool __must_check invvpid(u64 type, u16 vpid, u64 address)
{
	const struct {
		u64 vpid, address;
	} d = { vpid, address };
	bool ok;

	__asm__ volatile("invvpid %1, %2" : "=@cca"(ok) : "m"(d), "r"(type) : "memory");
	return ok;
}

#endif
