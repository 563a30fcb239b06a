/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BUILDER_IMAGE_H
#define BUILDER_IMAGE_H

#include "guest/control/builder/load.h"

/*
 * Finds out what the image is (bzImage, then an ELF with the PVH note, then a multiboot header) and plans it.
 * Returns true, or false with one line in `err` that names what is wrong. The input's buffers must outlive
 * the plan.
 */
bool image_load(const struct load_input *in, struct load_plan *plan, char err[LOAD_ERR_SIZE]);

#endif
