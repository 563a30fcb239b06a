/* SPDX-License-Identifier: BSD-2-Clause */
/* The control domain's start and end, and what the hypervisor knows of the machine for it. */
#ifndef HV_CONTROL_H
#define HV_CONTROL_H

#include "hv/abi/caisson.h"
#include "hv/bootinfo.h"

struct domain;

/* Boot CPU, once: makes domain 0 from module 0 and lets it run. Panics, with the reason, when there is no usable image. */
void control_start(const struct bootinfo *bi, u64 ram_mib, bool quiet);
/* It has ended: says why on the machine's console. */
void control_ended(struct domain *d);
const struct boot_module *control_module(u64 index); /* NULL: there is none */
u64 control_boot_tsc(void);
void control_physinfo(struct caisson_physinfo *out);

#endif
