/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port 0xf4 (T): a write of any width ends the domain with the value written as its exit code.
 */
#ifndef DEV_EXITPORT_H
#define DEV_EXITPORT_H

#include "guest/control/dev/dev.h"

struct exitport {
	const struct dev_host *host;
};

void exitport_init(struct exitport *p, const struct dev_host *host);
u32 exitport_read(struct exitport *p, unsigned offset, unsigned size);
void exitport_write(struct exitport *p, unsigned offset, unsigned size, u32 value);

#endif
