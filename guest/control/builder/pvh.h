/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF kernels with the PVH entry note (T). Standard: Xen, "x86/HVM direct boot ABI" and
 * public/arch-x86/hvm/start_info.h.
 */
#ifndef BUILDER_PVH_H
#define BUILDER_PVH_H

#include "guest/control/builder/load.h"

/* An ELF file with XEN_ELFNOTE_PHYS32_ENTRY. */
bool pvh_is(const void *image, size_t size);

/* As image_load(). */
bool pvh_load(const struct load_input *in, struct load_plan *plan, char err[LOAD_ERR_SIZE]);

#endif
