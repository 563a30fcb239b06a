/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hypervisor's result codes mean (T). */
#include "guest/control/errors.h"

#include "hv/abi/caisson.h"

const char *error_name(s64 result)
{
	switch (-result) {
	case CAISSON_EPERM:
		return "not permitted";
	case CAISSON_ENOENT:
		return "no such thing";
	case CAISSON_EIO:
		return "the processor refused";
	case CAISSON_EAGAIN:
		return "not finished";
	case CAISSON_ENOMEM:
		return "not enough memory";
	case CAISSON_EFAULT:
		return "a bad address";
	case CAISSON_EBUSY:
		return "busy, or in a state that forbids it";
	case CAISSON_EEXIST:
		return "already there";
	case CAISSON_EINVAL:
		return "a value out of range";
	case CAISSON_ENOSPC:
		return "a table is full";
	case CAISSON_ENOSYS:
		return "not offered by this hypervisor";
	default:
		return "unknown error";
	}
}
