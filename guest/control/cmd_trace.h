/* SPDX-License-Identifier: BSD-2-Clause */
/* The command trace, and who else has to know. */
#ifndef CONTROL_CMD_TRACE_H
#define CONTROL_CMD_TRACE_H

#include "guest/lib/types.h"

/* A domain was made: it is traced from its first instruction on, when all are. */
void trace_created(u32 id);

#endif
