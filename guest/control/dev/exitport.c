/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port 0xf4 (T).
 */
#include "guest/control/dev/exitport.h"

void exitport_init(struct exitport *p, const struct dev_host *host)
{
	p->host = host;
}

u32 exitport_read(struct exitport *p, unsigned offset, unsigned size)
{
	(void)p;
	(void)offset;
	return (u32)dev_mask(size);
}

/* Only the first port: a write to its neighbours is meant for something else. */
void exitport_write(struct exitport *p, unsigned offset, unsigned size, u32 value)
{
	if (offset == 0)
		p->host->ops->end(p->host->ctx, DEV_EXIT, value & (u32)dev_mask(size));
}
