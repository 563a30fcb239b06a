/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for the doctor's single bits: the manuals' names, and what it costs when one is missing.
 */
#ifndef CONTROL_DOCTOR_H
#define CONTROL_DOCTOR_H

#include "guest/lib/types.h"
#include "hv/abi/caisson.h"

#define DOCTOR_SETS 8u

/* Row i about the first of the sets that the hypervisor told of,
 * and about those behind it; false after the last. */
bool doctor_fact_row(const struct caisson_bits *set, u32 i, struct caisson_doctor *row);
bool doctor_row(bool is_svm, const struct caisson_bits *sets, u32 i, struct caisson_doctor *row);
/* Row i about speculation, from the last set: FOUND:
 * not there, or closed; USED: closed. False after the last. */
bool doctor_weakness(const struct caisson_bits *set, u32 i, struct caisson_doctor *row);
/* The measures in force: words of the command line, or "off". */
void doctor_measures(const struct caisson_bits *set, char *text, size_t size);

/* check_walls.c: looks through the hypervisor's page tables. NULL: they are as they should be; else what is
 * wrong, at *at. *pages: so many were looked at. */
const char *walls_check(u64 *at, u32 *pages);

#endif
