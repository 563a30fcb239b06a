/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control-flow enforcement of the hypervisor itself, on Intel processors that have it. Guests never see it:
 * CR4.CET is clear while they run, so SSP and IA32_S_CET stay what they are over entry and exit. SDM volume
 * 1, "Control-Flow Enforcement Technology".
 */
#ifndef X86_CET_H
#define X86_CET_H

#include "hv/types.h"

struct x86_pcpu;

/* Boot CPU, after cpu_detect(): what of it is used; its rows of the doctor's table. */
void cet_detect(void);
void cet_doctor(void);
/* Boot CPU: maps the shadow stacks of a CPU, in the last two pages of its slot. */
void cet_stacks(struct x86_pcpu *c, u64 slot);
/* Each CPU, on its own stack, by a function that does not return:
 * it has no return address on the new shadow stack. */
void cet_on(struct x86_pcpu *c);
/* In a trap that came on shadow stack ssp (0: none): IRET shall return to rip. */
void cet_return_to(u64 ssp, u64 rip);

#endif
