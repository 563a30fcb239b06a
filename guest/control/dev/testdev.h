/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test device (T), for domains created with --testdev: 24 ports, each of which holds one I/O APIC line up
 * or down, and a page of MMIO registers that only remember. Accesses to the page go through the decoder, the
 * ioreq page and back; what tests measure and check is that way.
 */
#ifndef DEV_TESTDEV_H
#define DEV_TESTDEV_H

#include "guest/control/dev/dev.h"

struct testdev {
	const struct dev_host *host;
	u32 lines;     /* bit n: line n is up */
	u8 page[4096]; /* the registers, little-endian */
};

void testdev_init(struct testdev *t, const struct dev_host *host);

/* Ports: a byte a line, anything but 0 is up; reads give 0 or 1. */
u32 testdev_read(struct testdev *t, unsigned offset, unsigned size);
void testdev_write(struct testdev *t, unsigned offset, unsigned size, u32 value);

/* The page; sizes 1, 2, 4, 8. What lies behind its end reads as ones. */
u64 testdev_mmio_read(struct testdev *t, u64 offset, unsigned size);
void testdev_mmio_write(struct testdev *t, u64 offset, unsigned size, u64 value);

#endif
