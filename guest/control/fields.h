/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields of a vCPU's control structure by name. Their numbers are the hypervisor's own headers', so that
 * each is written once: these hold nothing but numbers. Where they are included, they come first.
 */
#ifndef CONTROL_FIELDS_H
#define CONTROL_FIELDS_H

#include "guest/lib/types.h"

struct field {
	u32 id; /* for vmcs_read: encoding of a VMCS field, offset in a VMCB */
	const char *name;
	u32 bytes;
};

/* All, in the manual's order. */
const struct field *fields_of(bool is_svm, u32 *count);
/* SDM: "Field Encoding in VMCS"; "field" for an unknown one */
const char *field_vmx_name(u32 id);

#endif
