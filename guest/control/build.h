/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What build.c and domain.c want of each other; everybody else uses domain.h.
 */
#ifndef CONTROL_BUILD_H
#define CONTROL_BUILD_H

#include "guest/control/domain.h"

/* A new record in the table, all zero but id and args; NULL: no memory. */
struct dom *domain_record(u32 id, const char *args);
/* The record goes; the hypervisor's domain, if any, stays. */
void domain_forget(struct dom *d);
/* It has ended: domain_settle() does what follows. */
void domain_note_end(struct dom *d, const struct caisson_domain *info);

#endif
