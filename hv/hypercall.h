/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypercalls: one table row each; rights checked, arguments copied and targets resolved in one place. */
#ifndef HV_HYPERCALL_H
#define HV_HYPERCALL_H

#include "hv/types.h"
#include "hv/vcpu.h"

/*
 * The vCPU (on its CPU, CPL 0, 64-bit mode) makes call nr. V_ADVANCE: *result goes to RAX; V_SLEEP:
 * arch_vcpu_set_result() comes later; V_STOP: the caller's own domain ended.
 */
enum verdict hypercall_dispatch(struct vcpu *v, u64 nr, const u64 arg[6], s64 *result);
/* What argument 0 of a call names, and so over what the right is held; ON_VCPU: argument 1 names one of that
 * domain, ON_STILL: which is paused, or over, and stays so meanwhile. */
enum hypercall_target { ON_SELF, ON_MACHINE, ON_DOMAIN, ON_VCPU, ON_STILL };
bool hypercall_row(u32 index, u32 *need, enum hypercall_target *on); /* false after the last */

#endif
