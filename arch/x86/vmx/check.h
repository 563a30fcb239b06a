/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a VM entry is refused: the manual's checks in software. Pure logic; run only after the processor
 * refused. SDM: "Checks on VMX Controls and Host-State Area", "Checking and Loading Guest State".
 */
#ifndef ARCH_X86_VMX_CHECK_H
#define ARCH_X86_VMX_CHECK_H

#include "arch/x86/vmx/caps.h"

struct vmx_check {
	const struct vmx_caps *caps;
	u64 (*read)(void *ctx,
		    u32 field); /* VMREAD of the VMCS in question; 0 for a field that the processor has not */
	void *ctx;
	u32 phys_bits, linear_bits; /* CPUID.80000008H; 48 linear bits unless the host runs with CR4.LA57 */
};

/*
 * Checks in the manual's order, for an entry from 64-bit VMX root operation outside SMM. false: the first
 * check that fails is told as "Field name = value: rule" (121 bytes are always enough) and *field is its VMCS
 * encoding. true: all pass (*text is empty); the reason is then one of those that only memory shows: VTPR
 * below the TPR threshold, the contents of an MSR area or of the linked VMCS.
 */
bool vmx_check_entry(const struct vmx_check *in, u32 *field, char *text, size_t size);

/* The manual's name of a field, "field" for an unknown one. */
const char *vmx_field_name(u32 field);

#endif
