/* SPDX-License-Identifier: BSD-2-Clause */
/* In the place of drivers/io.h: ports and registers that the test answers. */
#ifndef DRIVERS_IO_H
#define DRIVERS_IO_H

#include "hv/types.h"

u8 in8(u16 port);
void out8(u16 port, u8 v);
u32 in32(u16 port);
void out32(u16 port, u32 v);
u8 mmio_read8(const volatile void *base, u32 offset);
void mmio_write8(volatile void *base, u32 offset, u8 v);
u32 mmio_read32(const volatile void *base, u32 offset);
void mmio_write32(volatile void *base, u32 offset, u32 v);

#endif
