/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device model sees of the world, and the world of it (T).
 *
 * Each model has NAME_read(state, offset, size) and NAME_write(state, offset, size, value): the offset from
 * the first port or byte of its range, the access's size 1, 2, 4 (MMIO: 8). Values beyond `size` are ignored.
 * Any offset and any value may come: a guest chooses them.
 */
#ifndef DEV_DEV_H
#define DEV_DEV_H

#include "guest/lib/types.h"

enum dev_end {
	DEV_POWER_OFF, /* ACPI S5 */
	DEV_RESET,
	DEV_EXIT, /* with a code */
};

struct dev_ops {
	/* The level of an I/O APIC line; called only when it changes. */
	void (*irq)(void *ctx, unsigned line, bool level);
	/* What the guest prints. */
	void (*output)(void *ctx, const u8 *bytes, size_t n);
	/* The domain ends itself; the write that did it is still answered. */
	void (*end)(void *ctx, enum dev_end how, u32 code);
	/* Nanoseconds of a clock that never goes back. */
	u64 (*now_ns)(void *ctx);
};

/* One a domain; each model keeps a pointer to it. */
struct dev_host {
	const struct dev_ops *ops;
	void *ctx;
};

/* All ones of an access's size: what is read where nothing answers. */
static inline u64 dev_mask(unsigned size)
{
	return size >= 8 ? ~0ull : (1ull << 8 * size) - 1;
}

#endif
