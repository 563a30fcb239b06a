/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot 1 kernels: ELF32, ELF64 or with load addresses in the header (T). Standard: "The Multiboot
 * Specification", version 0.6.96.
 */
#ifndef BUILDER_MULTIBOOT_H
#define BUILDER_MULTIBOOT_H

#include "guest/control/builder/load.h"

/* Has the magic, with a right checksum, in its first 8 KiB. */
bool multiboot_is(const void *image, size_t size);

/* As image_load(). The initrd becomes the kernel's one module, with its name as string. */
bool multiboot_load(const struct load_input *in, struct load_plan *plan, char err[LOAD_ERR_SIZE]);

#endif
