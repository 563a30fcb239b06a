/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's second serial line,
 * a 16550 at 0x2f8 that the hypervisor lets the control domain drive; polled. */
#ifndef CONTROL_SERIAL2_H
#define CONTROL_SERIAL2_H

#include "guest/lib/types.h"

bool serial2_init(void); /* false: nothing answers there, or it is the console */
int serial2_get(void);	 /* -1: nothing has come */
void serial2_put(const void *bytes, u32 n);

#endif
