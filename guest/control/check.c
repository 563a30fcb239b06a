/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest/control/check.h"

#include "guest/control/domain.h"
#include "guest/control/fields.h"
#include "guest/control/pump.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/runtime.h"
#include "guest/lib/string.h"

struct at {
	u32 dom, vcpu;
};

static u64 read(void *ctx, u32 field)
{
	const struct at *at = ctx;
	u64 value;

	return field_read(at->dom, at->vcpu, field, &value) < 0 ? 0 : value;
}

static u64 read_msr(void *ctx, u32 msr)
{
	return read(ctx, CAISSON_FIELD_MSR + msr);
}

static bool vmx_passes(struct at *at, u32 phys_bits, char *text)
{
	struct vmx_caps caps;
	const struct check_vmx in = {
		.caps = &caps, .read = read, .ctx = at, .phys_bits = phys_bits, .linear_bits = 48
	};
	u32 field;

	vmx_caps_read(&caps, true, read_msr, at);
	return check_vmx(&in, &field, text, CHECK_TEXT);
}

/* The bits of CR4 that a guest can have here: a domain's CPUID tells. APM volume 2, "CR4 Register" */
static u64 cr4_here(void)
{
	u32 one[4], seven[4]; /* EAX EBX ECX EDX */

	cpuid(1, 0, one);
	cpuid(7, 0, seven);
	return MASK(10, 0) | (u64)(seven[2] >> 2 & 1) << 11 | (u64)(seven[2] >> 16 & 1) << 12 |
	       (u64)(seven[1] & 1) << 16 | (u64)(one[2] >> 17 & 1) << 17 | (u64)(one[2] >> 26 & 1) << 18 |
	       (u64)(seven[1] >> 7 & 1) << 20 | (u64)(seven[1] >> 20 & 1) << 21 |
	       (u64)(seven[2] >> 3 & 1) << 22 | (u64)(seven[2] >> 7 & 1) << 23;
}

static bool svm_passes(struct at *at, u32 phys_bits, char *text)
{
	static union {
		struct vmcb b;
		u64 word[sizeof(struct vmcb) / 8];
	} copy;

	for (u32 i = 0; i < ARRAY_SIZE(copy.word); i++)
		copy.word[i] = read(at, i * 8);
	return check_svm(&copy.b, phys_bits, cr4_here(), text, CHECK_TEXT);
}

void check_refused(struct dom *d)
{
	static struct caisson_physinfo p;
	size_t n = strlen(d->why);
	char text[CHECK_TEXT];
	struct at at = { .dom = d->id };
	bool passes = true;

	hc_physinfo(&p);
	/* The others' entries were not refused: their states pass. */
	for (; passes && at.vcpu < d->vcpus; at.vcpu++)
		passes = !strcmp(p.vendor, "SVM") ? svm_passes(&at, p.phys_bits, text)
						  : vmx_passes(&at, p.phys_bits, text);
	snprintf(d->why + n, sizeof(d->why) - n, ": %s",
		 passes ? "every check that software can make passes" : text);
}
