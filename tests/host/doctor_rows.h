/* SPDX-License-Identifier: BSD-2-Clause */
/* In the place of arch/x86/doctor.c: the rows that a function adds, one by one. */
#ifndef TESTS_HOST_DOCTOR_ROWS_H
#define TESTS_HOST_DOCTOR_ROWS_H

#include <stdio.h>
#include "arch/x86/doctor.h"

static struct caisson_doctor doctor_rows[64];
static u32 doctor_count;

void doctor_add(u32 flags, const char *name, const char *value, const char *note)
{
	struct caisson_doctor *r = &doctor_rows[doctor_count++];

	*r = (struct caisson_doctor){ .flags = flags };
	snprintf(r->name, sizeof(r->name), "%s", name);
	snprintf(r->value, sizeof(r->value), "%s", value ? value : "");
	snprintf(r->note, sizeof(r->note), "%s", note ? note : "");
}

/* false: there are not so many. */
#define caps_row(add, c, i, row) \
	(doctor_count = 0, add(c), (i) < doctor_count && (*(row) = doctor_rows[i], true))

#endif
