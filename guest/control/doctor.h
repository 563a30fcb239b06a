/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for the doctor's single bits: the manuals' names, and what it costs when one is missing.
 */
#ifndef CONTROL_DOCTOR_H
#define CONTROL_DOCTOR_H

#include "guest/lib/types.h"
#include "hv/abi/caisson.h"

#define DOCTOR_SETS 8u

/* Row i about the sets that the hypervisor told of; false after the last. */
bool doctor_row(bool is_svm, const struct caisson_bits *sets, u32 i, struct caisson_doctor *row);

#endif
