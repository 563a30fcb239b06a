/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted text: %d %u %x %c %s %% with flags '0' and '#', a width, a precision for %s, and l ll z.  What is
 * none of these is printed as it stands.  Any context, no locks.
 */
#ifndef HV_PRINTF_H
#define HV_PRINTF_H

#include <stdarg.h>
#include "hv/types.h"

/* As C99's: returns what the whole text would need; size > 0 always leaves a NUL. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#endif
