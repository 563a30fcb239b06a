/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/svm/caps.h"
#include "arch/x86/regs.h"
#include "hv/printf.h"
#include "hv/string.h"

#define FIRMWARE   "switch SVM (AMD-V, virtualisation) on in the firmware's set-up"
#define SINCE_2008 "the processor is too old (AMD: 2008 or later); QEMU: -cpu ...,+svm,+npt"

int svm_caps_row(const struct svm_caps *c, u32 i, struct caisson_doctor *out)
{
	const bool locked = c->vm_cr & VM_CR_LOCK;
	const struct {
		bool found, required;
		const char *name, *note;
	} rows[] = {
		{ c->svm, true, "SVM (CPUID Fn8000_0001_ECX.SVM)", FIRMWARE "; QEMU: -cpu ...,+svm" },
		{ c->svm && !svm_disabled(c), true, "VM_CR: SVM is not disabled",
		  locked ? "SVMDIS is set and locked: " FIRMWARE : FIRMWARE },
		{ c->asids >= 2 /* 0 is the hypervisor's own */, true,
		  "SVM address space identifiers (ASIDs)", SINCE_2008 },
		{ c->init_redirect, false, "INIT redirection (VM_CR.R_INIT)",
		  "an INIT that is sent to a CPU by mistake resets it" },
		{ c->features & SVM_NP, true, "SVM nested paging", SINCE_2008 },
	};

	if (i >= ARRAY_SIZE(rows))
		return -CAISSON_ENOENT;
	memset(out, 0, sizeof(*out));
	out->flags = (rows[i].required ? CAISSON_DOCTOR_REQUIRED : 0) |
		     (rows[i].found ? CAISSON_DOCTOR_FOUND | CAISSON_DOCTOR_USED : 0);
	snprintf(out->name, sizeof(out->name), "%s", rows[i].name);
	snprintf(out->note, sizeof(out->note), "%s", rows[i].found ? "" : rows[i].note);
	if (i == 1 && c->svm)
		snprintf(out->value, sizeof(out->value), "%#lx, %s", c->vm_cr,
			 locked ? "locked" : "not locked");
	if (i == 2)
		snprintf(out->value, sizeof(out->value), "%u, revision %u", c->asids, c->revision);
	return 0;
}
