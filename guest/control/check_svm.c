/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest/control/check.h"

#include "guest/lib/string.h"

/* "Extended Feature Enable Register (EFER)":
 * SCE LME LMA NXE SVME LMSLE FFXSR TCE, MCOMMIT INTWB, UAIE AIBRSE */
#define EFER_KNOWN (EFER_SCE | EFER_LME | EFER_LMA | MASK(15, 11) | BIT(17) | BIT(18) | BIT(20) | BIT(21))

static bool pat_wrong(u64 pat)
{
	for (u32 i = 0; i < 64; i += 8) {
		u64 t = (pat >> i) & 0xff;

		if (t > MT_UC_MINUS || t == 2 || t == 3)
			return true;
	}
	return false;
}

static bool event_wrong(u32 event)
{
	u32 vector = (u32)GET(EVENT_VECTOR, event);

	if (!(event & EVENT_VALID))
		return false;
	switch (GET(EVENT_TYPE, event)) {
	case EVENT_INTR:
	case EVENT_NMI:
	case EVENT_SOFT:
		return false;
	case EVENT_EXCEPTION:
		return vector == X86_NMI || vector > 31;
	}
	return true;
}

bool check_svm(const struct vmcb *b, u32 phys_bits, u64 cr4, char *text, size_t size)
{
	const bool paging = b->cr0 & CR0_PG, lme = b->efer & EFER_LME;
	const struct {
		bool wrong;
		const char *rule;
		u64 value;
	} rules[] = {
		{ !(b->efer & EFER_SVME), "EFER.SVME is 0", b->efer },
		{ b->efer & ~EFER_KNOWN, "EFER has a reserved bit", b->efer },
		{ b->cr0 >> 32, "CR0 is more than 32 bits wide", b->cr0 },
		{ !(b->cr0 & CR0_CD) && (b->cr0 & CR0_NW), "CR0.NW is set without CR0.CD", b->cr0 },
		{ (b->efer & EFER_LMA) && (b->cr3 & ~MASK(phys_bits - 1, 0)), "CR3 has a reserved bit",
		  b->cr3 },
		{ b->cr4 & ~cr4, "CR4 has a bit that this processor has not", b->cr4 },
		{ b->dr6 >> 32, "DR6 is more than 32 bits wide", b->dr6 },
		{ b->dr7 >> 32, "DR7 is more than 32 bits wide", b->dr7 },
		{ lme && paging && !(b->cr4 & CR4_PAE), "EFER.LME and CR0.PG without CR4.PAE", b->cr4 },
		{ lme && paging && !(b->cr0 & CR0_PE), "EFER.LME and CR0.PG without CR0.PE", b->cr0 },
		{ lme && paging && (b->cs.attr & VMCB_ATTR_L) && (b->cs.attr & VMCB_ATTR_DB),
		  "CS.L and CS.D together", b->cs.attr },
		{ !(b->intercept[1] & BIT(SVM_INTERCEPT_VMRUN % 32)), "VMRUN is not intercepted",
		  b->intercept[1] },
		{ !b->asid, "the ASID is the host's", b->asid },
		{ (b->iopm & PAGE_MASK) + IOPM_BYTES > BIT(phys_bits),
		  "the I/O permission map lies beyond physical memory", b->iopm },
		{ (b->msrpm & PAGE_MASK) + MSRPM_BYTES > BIT(phys_bits),
		  "the MSR permission map lies beyond physical memory", b->msrpm },
		{ event_wrong(b->event), "the event to inject is none", b->event },
		{ (b->nested & NESTED_PAGING) && pat_wrong(b->g_pat), "G_PAT has a memory type that is none",
		  b->g_pat },
		{ (b->nested & NESTED_PAGING) && (b->nested_cr3 & ~MASK(phys_bits - 1, 0)),
		  "nCR3 has a reserved bit", b->nested_cr3 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rules); i++) {
		if (!rules[i].wrong)
			continue;
		snprintf(text, size, "%s (%#llx)", rules[i].rule, (unsigned long long)rules[i].value);
		return false;
	}
	return true;
}
