/* SPDX-License-Identifier: BSD-2-Clause */
/* A domain's second-stage tables: made and unmade; what hv does with them stands in hv/arch.h. */
#ifndef ARCH_X86_S2_H
#define ARCH_X86_S2_H

#include "arch/x86/vcpu.h"

/* Root, and tables set aside for ram_pages of RAM. 0 or -ENOMEM. */
int s2_init(struct x86_domain *d, u64 ram_pages);
void s2_exit(struct x86_domain *d); /* nothing is mapped any more; also after a failed s2_init() */

/* A frame that vendors map for guests and that is no RAM of theirs: look-ups do not see it. Boot only. */
extern hpa_t s2_hidden;

#endif
