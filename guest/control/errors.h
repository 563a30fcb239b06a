/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hypervisor's result codes mean, in words for a message (T). */
#ifndef CONTROL_ERRORS_H
#define CONTROL_ERRORS_H

#include "guest/lib/types.h"

const char *error_name(s64 result);

#endif
