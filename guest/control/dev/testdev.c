/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test device (T).
 */
#include "guest/control/dev/testdev.h"

#include "guest/control/ports.h"
#include "guest/lib/string.h"

void testdev_init(struct testdev *t, const struct dev_host *host)
{
	memset(t, 0, sizeof(*t));
	t->host = host;
}

u32 testdev_read(struct testdev *t, unsigned offset, unsigned size)
{
	u32 v = 0;

	for (unsigned i = 0; i < size && i < 4; i++)
		v |= (offset + i < IOAPIC_LINES ? t->lines >> (offset + i) & 1 : 0xff) << 8 * i;
	return v;
}

static void set_line(struct testdev *t, unsigned line, bool level)
{
	u32 bit = 1u << line;

	if (!!(t->lines & bit) == level)
		return;
	t->lines ^= bit;
	t->host->ops->irq(t->host->ctx, line, level);
}

void testdev_write(struct testdev *t, unsigned offset, unsigned size, u32 value)
{
	for (unsigned i = 0; i < size && i < 4; i++)
		if (offset + i < IOAPIC_LINES)
			set_line(t, offset + i, (value >> 8 * i & 0xff) != 0);
}

u64 testdev_mmio_read(struct testdev *t, u64 offset, unsigned size)
{
	u64 v = 0;

	for (unsigned i = 0; i < size && i < 8; i++)
		v |= (u64)(offset < sizeof(t->page) - i ? t->page[offset + i] : 0xff) << 8 * i;
	return v;
}

void testdev_mmio_write(struct testdev *t, u64 offset, unsigned size, u64 value)
{
	for (unsigned i = 0; i < size && i < 8; i++)
		if (offset < sizeof(t->page) - i)
			t->page[offset + i] = (u8)(value >> 8 * i);
}
