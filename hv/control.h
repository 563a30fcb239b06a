/* SPDX-License-Identifier: BSD-2-Clause */
/* The control domain's start and end, and what the hypervisor knows of the machine for it. */
#ifndef HV_CONTROL_H
#define HV_CONTROL_H

#include "hv/abi/caisson.h"
#include "hv/bootinfo.h"

struct domain;

/* Boot CPU, once: makes domain 0 from module 0 and lets it run.
 * Panics, with the reason, when there is no usable image. */
void control_start(const struct bootinfo *bi, u64 ram_mib, bool quiet);
/* It has ended: says why on the machine's console. */
void control_ended(struct domain *d);
/* It crashed, or was destroyed, and is started again from its image with what it held: id, rights, claims.
 * -EAGAIN: a piece is done, call again; -EBUSY: it had just been started, and is left as it is. Root mode, no
 * lock; its vCPU is not loaded on this CPU. */
int control_again(void);
void control_again_now(void);			     /* all of it */
const struct boot_module *control_module(u64 index); /* NULL: there is none */
u64 control_boot_tsc(void);
void control_physinfo(struct caisson_physinfo *out);

#endif
