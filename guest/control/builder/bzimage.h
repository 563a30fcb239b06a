/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux bzImage by the 64-bit boot protocol (T). Standard: Linux, Documentation/arch/x86/boot.rst ("The
 * Linux/x86 Boot Protocol") and zero-page.rst.
 */
#ifndef BUILDER_BZIMAGE_H
#define BUILDER_BZIMAGE_H

#include "guest/control/builder/load.h"

/* Has the boot sector's mark and the setup header's magic. */
bool bzimage_is(const void *image, size_t size);

/* As image_load(). Needs protocol 2.12 and a kernel with the 64-bit entry. */
bool bzimage_load(const struct load_input *in, struct load_plan *plan, char err[LOAD_ERR_SIZE]);

#endif
