/* SPDX-License-Identifier: BSD-2-Clause */
/* The instructions of SVM that C code uses; VMRUN and its companions stand in entry.asm.
 * APM volume 3, "System Instructions". */
#ifndef ARCH_X86_SVM_INSN_H
#define ARCH_X86_SVM_INSN_H

#include "hv/types.h"

/* FS, GS, TR, LDTR, KernelGSBase and the MSRs of SYSCALL
 * and SYSENTER go into the VMCB at pa. #UD without EFER.SVME. */
static inline void vmsave(hpa_t pa)
{
	__asm__ volatile("vmsave %%rax" : : "a"(pa.v) : "memory");
}

#endif
