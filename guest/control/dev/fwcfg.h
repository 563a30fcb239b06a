/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few keys of QEMU's firmware configuration device that test kernels read (T). Standard: QEMU, "QEMU
 * Firmware Configuration (fw_cfg) Device": a 16-bit selector, then the item byte by byte. Read-only, no DMA,
 * no file directory.
 */
#ifndef DEV_FWCFG_H
#define DEV_FWCFG_H

#include "guest/control/dev/dev.h"

struct fwcfg {
	u64 memory; /* bytes */
	u16 vcpus;
	u16 selector;
	u32 at; /* next byte of the item */
};

void fwcfg_init(struct fwcfg *f, u64 memory, unsigned vcpus);
/* Offset 0: the selector; offset 1: the item. */
u32 fwcfg_read(struct fwcfg *f, unsigned offset, unsigned size);
void fwcfg_write(struct fwcfg *f, unsigned offset, unsigned size, u32 value);

#endif
