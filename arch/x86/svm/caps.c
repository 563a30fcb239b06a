/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/svm/caps.h"
#include "arch/x86/doctor.h"
#include "arch/x86/regs.h"
#include "hv/printf.h"

#define FIRMWARE   "switch SVM (AMD-V, virtualisation) on in the firmware's set-up"
#define SINCE_2008 "the processor is too old (AMD: 2008 or later); QEMU: -cpu ...,+svm,+npt"

void svm_caps_doctor(const struct svm_caps *c)
{
	const bool locked = c->vm_cr & VM_CR_LOCK;
	const u32 must = CAISSON_DOCTOR_REQUIRED;
	char text[32] = "";

	doctor_feature(c->svm, must, "SVM (CPUID Fn8000_0001_ECX.SVM)", NULL,
		       FIRMWARE "; QEMU: -cpu ...,+svm");
	if (c->svm)
		snprintf(text, sizeof(text), "%#lx, %s", c->vm_cr, locked ? "locked" : "not locked");
	doctor_feature(c->svm && !svm_disabled(c), must, "VM_CR: SVM is not disabled", text,
		       locked ? "SVMDIS is set and locked: " FIRMWARE : FIRMWARE);
	snprintf(text, sizeof(text), "%u, revision %u", c->asids, c->revision);
	/* 0 is the hypervisor's own */
	doctor_feature(c->asids >= 2, must, "SVM address space identifiers (ASIDs)", text, SINCE_2008);
	doctor_feature(c->init_redirect, 0, "INIT redirection (VM_CR.R_INIT)", NULL,
		       "an INIT that is sent to a CPU by mistake resets it");
	doctor_feature(c->features & SVM_NP, must, "SVM nested paging", NULL, SINCE_2008);
}
