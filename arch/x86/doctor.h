/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of what Caisson needs or can use, and what of it this machine has.  Each part adds its rows at
 * boot, on the boot CPU; the `doctor` command reads them (arch_doctor_row).
 */
#ifndef X86_DOCTOR_H
#define X86_DOCTOR_H

#include "hv/abi/caisson.h"
#include "hv/types.h"

/* The first of the sets below, and its own words in guest/control/doctor.c:
 * what is used where it is there. */
enum doctor_fact {
	/* clang-format off */
	FACT_X2APIC, FACT_TSC_DEADLINE, FACT_INVARIANT_TSC, FACT_XSAVE, FACT_AVX, FACT_AVX512, FACT_SMEP,
	FACT_SMAP, FACT_UMIP, FACT_RDTSCP, FACT_SHADOW_STACKS, FACT_BRANCH_TRACKING, FACT_S5, FACT_SERIAL,
	FACT_SERIAL_IRQ, FACT_SAME_TSC,
	/* clang-format on */
};
void doctor_fact(enum doctor_fact fact, bool found);

/* flags: CAISSON_DOCTOR_*.  name: the manual's; value: a figure or NULL; note: what its absence costs, or for
 * a required one what to switch on. The texts are copied. */
void doctor_add(u32 flags, const char *name, const char *value, const char *note);
/* A set of single bits, whose words the control domain has: in its order, see CAISSON_DOCTOR_BITS. */
void doctor_bits(u64 found, u64 used, u64 required);
/* FOUND and USED when it is there; the note only when it is not. */
static inline void doctor_feature(bool found, u32 flags, const char *name, const char *value,
				  const char *note)
{
	doctor_add(flags | (found ? CAISSON_DOCTOR_FOUND | CAISSON_DOCTOR_USED : 0), name, value,
		   found ? NULL : note);
}
/* Goes on, or prints the first required row that is missing (others often follow from it) and ends the boot.
 * Boot CPU; called when all rows are in. */
void doctor_check(void);

#endif
