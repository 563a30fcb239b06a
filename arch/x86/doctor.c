/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/doctor.h"
#include "hv/arch.h"
#include "hv/console.h"
#include "hv/log.h"
#include "hv/panic.h"
#include "hv/string.h"

#define DOCTOR_ROWS 64
#define DOCTOR_SETS 8

static struct caisson_doctor rows[DOCTOR_ROWS];
static struct caisson_bits sets[DOCTOR_SETS];
static u32 count, set_count = 1;

void doctor_add(u32 flags, const char *name, const char *value, const char *note)
{
	struct caisson_doctor *r = &rows[count];

	ASSERT(count < DOCTOR_ROWS, "row '%s'", name);
	count++;
	r->flags = flags;
	str_copy(r->name, name, sizeof(r->name));
	str_copy(r->value, value ? value : "", sizeof(r->value));
	str_copy(r->note, note ? note : "", sizeof(r->note));
}

void doctor_fact(enum doctor_fact fact, bool found)
{
	sets[0].found |= found ? BIT(fact) : 0;
}

void doctor_bits(u64 found, u64 used, u64 required)
{
	ASSERT(set_count < DOCTOR_SETS, "set %u", set_count);
	sets[set_count++] = (struct caisson_bits){ found, used, required };
}

int arch_doctor_bits(u32 set, struct caisson_bits *out)
{
	if (set >= set_count)
		return -CAISSON_ENOENT;
	*out = sets[set];
	return 0;
}

int arch_doctor_row(u32 index, struct caisson_doctor *out)
{
	if (index >= count)
		return -CAISSON_ENOENT;
	*out = rows[index];
	return 0;
}

void doctor_check(void)
{
	for (u32 i = 0; i < count; i++) {
		const struct caisson_doctor *r = &rows[i];

		if ((r->flags & (CAISSON_DOCTOR_REQUIRED | CAISSON_DOCTOR_FOUND)) != CAISSON_DOCTOR_REQUIRED)
			continue;
		log_err("doctor: required and missing: %s%s%s", r->name, r->value[0] ? " = " : "", r->value);
		if (r->note[0])
			log_err("doctor:   %s", r->note);
		log_err("doctor: Caisson cannot run on this machine as it is set up; it ends here.");
		console_flush(false);
		arch_poweroff();
	}
}
