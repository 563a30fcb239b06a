/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/svm/caps.h"
#include "arch/x86/regs.h"
#include "hv/printf.h"
#include "hv/string.h"

#define FIRMWARE "switch SVM (AMD-V, virtualisation) on in the firmware's set-up"
#define SINCE_2008 "the processor is too old (AMD: 2008 or later); QEMU: -cpu ...,+svm,+npt"

enum use { UNUSED, USED, NEEDED };

static const struct {
	u32 bit;
	enum use use;
	const char *name, *note;
} features[] = {
	{ SVM_NP, NEEDED, "SVM nested paging", SINCE_2008 },
	{ SVM_NRIPS, USED, "SVM next-RIP save", "the length of an intercepted instruction is found by decoding it" },
	{ SVM_FLUSH_ASID, USED, "SVM flush by ASID", "a flush costs a new ASID, and all of them a flush of the whole TLB" },
	{ SVM_CLEAN, USED, "SVM VMCB clean bits", "each entry loads the whole VMCB" },
	{ SVM_DECODE, USED, "SVM decode assists", "moves to and from CR are decoded from the guest's memory" },
	{ SVM_PAUSE_FILTER, USED, "SVM PAUSE filter", "a vCPU that spins keeps its CPU until its time is up" },
	{ SVM_PAUSE_THRESHOLD, USED, "SVM PAUSE filter threshold", "PAUSEs far apart count as spinning" },
	{ SVM_AVIC, UNUSED, "SVM AVIC", "not used yet: interrupts of guests take the software path" },
	{ SVM_X2AVIC, UNUSED, "SVM x2AVIC", NULL },
	{ SVM_VGIF, UNUSED, "SVM virtual GIF", NULL },
	{ SVM_VNMI, UNUSED, "SVM virtual NMI", "not used: the end of a guest's NMI is found by its IRET" },
	{ SVM_LBR, UNUSED, "SVM LBR virtualisation", NULL },
	{ SVM_LOCK, UNUSED, "SVM lock by key", NULL },
	{ SVM_TSC_RATE, UNUSED, "SVM TSC ratio", NULL },
	{ SVM_VIRTUAL_VMLOAD, UNUSED, "SVM virtual VMLOAD and VMSAVE", NULL },
	{ SVM_GMET, UNUSED, "SVM guest mode execute trap", NULL },
	{ SVM_SPEC_CTRL, UNUSED, "SVM virtual SPEC_CTRL", NULL },
};

static void fill(struct caisson_doctor *out, bool found, enum use use, const char *name, const char *note)
{
	out->flags = (use == NEEDED ? CAISSON_DOCTOR_REQUIRED : 0) | (found ? CAISSON_DOCTOR_FOUND : 0) |
		     (found && use != UNUSED ? CAISSON_DOCTOR_USED : 0);
	snprintf(out->name, sizeof(out->name), "%s", name);
	if (note && (!found || use == UNUSED))
		snprintf(out->note, sizeof(out->note), "%s", note);
}

int svm_caps_row(const struct svm_caps *c, u32 i, struct caisson_doctor *out)
{
	memset(out, 0, sizeof(*out));
	switch (i) {
	case 0:
		fill(out, c->svm, NEEDED, "SVM (CPUID Fn8000_0001_ECX.SVM)", FIRMWARE "; QEMU: -cpu ...,+svm");
		return 0;
	case 1:
		fill(out, c->svm && !svm_disabled(c), NEEDED, "VM_CR: SVM is not disabled",
		     c->vm_cr & VM_CR_LOCK ? "SVMDIS is set and locked: " FIRMWARE : FIRMWARE);
		if (c->svm)
			snprintf(out->value, sizeof(out->value), "%#lx, %s", c->vm_cr,
				 c->vm_cr & VM_CR_LOCK ? "locked" : "not locked");
		return 0;
	case 2: /* 0 is the hypervisor's own */
		fill(out, c->asids >= 2, NEEDED, "SVM address space identifiers (ASIDs)", SINCE_2008);
		snprintf(out->value, sizeof(out->value), "%u, revision %u", c->asids, c->revision);
		return 0;
	case 3:
		fill(out, c->init_redirect, USED, "INIT redirection (VM_CR.R_INIT)",
		     "an INIT that is sent to a CPU by mistake resets it");
		return 0;
	}
	i -= 4;
	if (i >= ARRAY_SIZE(features))
		return -CAISSON_ENOENT;
	fill(out, c->features & features[i].bit, features[i].use, features[i].name, features[i].note);
	return 0;
}
