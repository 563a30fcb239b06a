/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this processor's SVM can do, what Caisson needs of it, and what each missing piece
 * costs. Pure logic (T): CPUID and VM_CR are read by the caller. Any context, no locks;
 * struct svm_caps is written at boot and only read afterwards.
 * APM volume 2, "Determining Support for SVM", "Enabling SVM"; volume 3, "CPUID Fn8000_000A".
 */
#ifndef ARCH_X86_SVM_CAPS_H
#define ARCH_X86_SVM_CAPS_H

#include "arch/x86/svm/vmcb.h"
#include "hv/abi/caisson.h"

struct svm_caps {
	bool svm;	    /* CPUID Fn8000_0001_ECX.SVM */
	bool init_redirect; /* VM_CR keeps R_INIT */
	u32 revision, asids;
	u32 features; /* SVM_*: what the processor has */
	u64 vm_cr;    /* as the firmware left it */
};

/* SVMDIS is set and locked, or set and could not be cleared. */
static inline bool svm_disabled(const struct svm_caps *c)
{
	return c->svm && (c->vm_cr & BIT(4));
}

/* What is used where there is any; more words: guest/control/doctor.c */
#define SVM_USED \
	(SVM_NRIPS | SVM_FLUSH_ASID | SVM_CLEAN | SVM_DECODE | SVM_PAUSE_FILTER | SVM_PAUSE_THRESHOLD)

/* The doctor's rows of what is needed, and of what CPUID does not tell. */
void svm_caps_doctor(const struct svm_caps *c);

#endif
