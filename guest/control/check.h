/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a VM entry is refused: the manual's checks in software, run on a vCPU that stands still after the
 * processor refused it.
 */
#ifndef CONTROL_CHECK_H
#define CONTROL_CHECK_H

#include "arch/x86/svm/vmcb.h"
#include "arch/x86/vmx/caps.h"

/* What the hypervisor has no use for. SDM: "Format of Access Rights", "Guest Non-Register State",
 * "Miscellaneous Data" */
#define AR_TYPE		     MASK(3, 0)
#define AR_S		     BIT(4) /* code or data */
#define AR_RESERVED	     (MASK(11, 8) | MASK(31, 17))
#define AR_G		     BIT(15)
#define INTERRUPTIBILITY_SMI BIT(2)
#define VMX_MISC_HLT	     BIT(6) /* activity states that may be entered */

#define CHECK_TEXT 121 /* bytes that are always enough */

struct check_vmx {
	const struct vmx_caps *caps;
	/* A field of the VMCS in question; 0 for one that the processor has not. */
	u64 (*read)(void *ctx, u32 field);
	void *ctx;
	u32 phys_bits, linear_bits; /* CPUID.80000008H; 48 linear bits unless the host runs with CR4.LA57 */
};

/*
 * Checks in the manual's order, for an entry from 64-bit VMX root operation outside SMM. false: the first
 * check that fails is told as "Field name = value: rule" and *field is its VMCS encoding. true: all pass
 * (*text is empty); the reason is then one of those that only memory shows: VTPR below the TPR threshold, the
 * contents of an MSR area or of the linked VMCS.
 * SDM: "Checks on VMX Controls and Host-State Area", "Checking and Loading Guest State".
 */
bool check_vmx(const struct check_vmx *in, u32 *field, char *text, size_t size);

/*
 * The same for a VMCB; false: the first rule that it breaks, with its value. cr4: the bits that a guest can
 * have here. APM volume 2, "Canonicalization and Consistency Checks", "Event Injection", "Nested Paging and
 * VMRUN/#VMEXIT".
 */
bool check_svm(const struct vmcb *b, u32 phys_bits, u64 cr4, char *text, size_t size);

struct dom;
/* Adds to the sentence of a domain that ended so what check is the first to fail. Polls the pump. */
void check_refused(struct dom *d);

#endif
