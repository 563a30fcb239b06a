/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONTROL_CMD_RIGHTS_H
#define CONTROL_CMD_RIGHTS_H

#include "guest/lib/types.h"

/* Gives domain id the rights of a list "a,b" over a target, in the words of the command rights. 0, or 1: the
 * error is printed. */
int rights_give(u32 id, const char *list, const char *target);

#endif
