/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why the processor refuses a VMCB: the manual's rules, run in software. Pure logic (T).
 * APM volume 2, "Canonicalization and Consistency Checks", "Event Injection", "Nested Paging and VMRUN/#VMEXIT".
 */
#ifndef ARCH_X86_SVM_CHECK_H
#define ARCH_X86_SVM_CHECK_H

#include "arch/x86/svm/vmcb.h"

/* The first rule that the VMCB breaks, as text with field and value: true; false: none. cr4: the bits that this processor has. */
bool svm_check_vmcb(const struct vmcb *b, u32 phys_bits, u64 cr4, char *why, size_t bytes);

#endif
