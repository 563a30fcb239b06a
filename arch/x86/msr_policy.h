/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MSRs that a guest sees, by one table: which reach the processor, which are a value, which are stored
 * here, which other code answers; every other MSR is #GP. Pure logic. SDM volume 4, "Model-Specific
 * Registers".
 */
#ifndef X86_MSR_POLICY_H
#define X86_MSR_POLICY_H

#include "arch/x86/regs.h"
#include "hv/types.h"

/* One per domain, constant while its vCPUs run. */
struct msr_params {
	u32 phys_bits;
	bool rdtscp; /* TSC_AUX exists */
	bool amd;
	bool pv_eoi; /* KVM's paravirtual EOI is offered */
};

enum msr_slot {
	MSR_SLOT_MISC_ENABLE,
	MSR_SLOT_MCG_STATUS,
	MSR_SLOT_DEBUGCTL,
	MSR_SLOT_MTRR_DEF_TYPE,
	MSR_SLOT_MTRR_VARIABLE, /* base and mask of 8 */
	MSR_SLOT_MTRR_FIXED = MSR_SLOT_MTRR_VARIABLE + 16,
	MSR_SLOT_HWCR = MSR_SLOT_MTRR_FIXED + 11,
	MSR_SLOTS
};

/* One per vCPU; only that vCPU (or who has it stopped) uses it. */
struct msr_state {
	u64 slot[MSR_SLOTS];
};

/* The answer: done, #GP(0) for the guest, or the code that has to do it. */
enum msr_verdict {
	MSR_OK,
	MSR_GP,
	MSR_FN_PASS, /* the processor's own register: with the bitmap of msr_policy_each_pass() no exit comes
		      */
	MSR_FN_TSC,
	MSR_FN_APIC_BASE,
	MSR_FN_TSC_ADJUST,
	MSR_FN_TSC_DEADLINE,
	MSR_FN_X2APIC, /* 800H to 8FFH */
	MSR_FN_EFER,
	MSR_FN_SYSCALL, /* STAR to SFMASK, TSC_AUX: read without an exit; written here, so that a switch knows
			   them */
	MSR_FN_WALL_CLOCK, /* KVM's, both numbers */
	MSR_FN_SYSTEM_TIME,
	MSR_FN_STEAL_TIME,
	MSR_FN_PV_EOI,
};

/* The state after power-up (INIT leaves it). The MTRRs are as firmware leaves them: all WB, but
 * 0xa0000-0xdffff and 3 to 4 GiB UC, 0xe0000-0xfffff WP. */
void msr_state_init(struct msr_state *s, const struct msr_params *p);

/* MSR_OK: *value is the answer. */
enum msr_verdict msr_policy_read(const struct msr_params *p, const struct msr_state *s, u32 msr, u64 *value);
/* MSR_OK: stored or dropped. */
enum msr_verdict msr_policy_write(const struct msr_params *p, struct msr_state *s, u32 msr, u64 value);

/* Calls fn for each MSR that a guest may read, write or both without an exit; all others have to exit. The
 * caller switches them between vCPUs (or the VMCS does). */
void msr_policy_each_pass(const struct msr_params *p, void (*fn)(u32 msr, bool read, bool write));

#endif
