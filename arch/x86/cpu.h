/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this processor is and can: read once on the boot CPU by name, the same on all others.
 * SDM volume 2, "CPUID-CPU Identification".
 */
#ifndef X86_CPU_H
#define X86_CPU_H

#include "arch/x86/asm.h"
#include "arch/x86/mitigate.h"

enum { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };

/* X(name, leaf, subleaf, register, bit) */
/* clang-format off */
#define CPU_FEATURES(X) \
	X(APIC, 1, 0, EDX, 9) X(PGE, 1, 0, EDX, 13) X(MCE, 1, 0, EDX, 7) X(VMX, 1, 0, ECX, 5) \
	X(X2APIC, 1, 0, ECX, 21) X(TSC_DEADLINE, 1, 0, ECX, 24) X(XSAVE, 1, 0, ECX, 26) \
	X(AVX, 1, 0, ECX, 28) X(HYPERVISOR, 1, 0, ECX, 31) X(TSC_ADJUST, 7, 0, EBX, 1) \
	X(SMEP, 7, 0, EBX, 7) X(INVPCID, 7, 0, EBX, 10) X(AVX512F, 7, 0, EBX, 16) X(SMAP, 7, 0, EBX, 20) \
	X(UMIP, 7, 0, ECX, 2) X(SHSTK, 7, 0, ECX, 7) X(IBT, 7, 0, EDX, 20) X(CET_SSS, 7, 1, EDX, 18) \
	X(SVM, 0x80000001, 0, ECX, 2) X(NX, 0x80000001, 0, EDX, 20) X(PAGE1GB, 0x80000001, 0, EDX, 26) \
	X(RDTSCP, 0x80000001, 0, EDX, 27) X(INVARIANT_TSC, 0x80000007, 0, EDX, 8)
/* clang-format on */

enum cpu_feature {
#define X(name, leaf, sub, reg, bit) CPU_##name,
	CPU_FEATURES(X) CPU_FEATURE_COUNT
#undef X
};
_Static_assert(CPU_FEATURE_COUNT <= 64, "one word");

struct cpu_info {
	u64 features; /* by enum cpu_feature */
	u32 max_leaf, max_ext_leaf;
	u32 phys_bits;
	char vendor[13];
	char brand[49];
	u64 xcr0; /* every bit of XCR0 that is offered and known: x87, SSE, AVX, AVX-512, PKRU; 0: no XSAVE */
	u32 xsave_size; /* bytes for xcr0's components */
	u64 cr4;	/* CR4 of the hypervisor on every CPU (without VMXE) */
};
extern struct cpu_info cpu_info;

static inline bool cpu_has(enum cpu_feature f)
{
	return cpu_info.features & BIT(f);
}

/* CPUID, all zeros where the processor has no such leaf. After cpu_detect(). */
struct cpuid cpu_leaf(u32 leaf, u32 subleaf);
/* Boot CPU, first thing: fills cpu_info. */
void cpu_detect(void);
/* Boot CPU, before the first trap, while the text can be written:
 * takes out what it has no instructions for. */
void cpu_patch(void);
/* Every CPU: CR0, CR4, EFER, XCR0, PAT as the hypervisor wants them. */
void cpu_setup(void);
/* Made by AMD, or its kin. */
bool cpu_is_amd(void);

/* MIT_*, decided at boot; what is to be done where, see mitigate.h.
 * Boot CPU, before the first vCPU: decides. */
extern u32 mitigations;
extern const u16 mitigate_selector;
void mitigate_init(void);
/* Every CPU: what is switched on once. */
void mitigate_cpu_on(void);
/* By entry.asm, right before an entry from hv. */
void mitigate_l1d(void);
/* Boot CPU: this file's rows of the doctor's table. */
void cpu_doctor(void);

#endif
