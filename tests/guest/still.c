/* SPDX-License-Identifier: BSD-2-Clause */
/* One vCPU of a builder gives a domain states, another one lets it run as often as it can: what a call at
 * work holds does not run meanwhile, so that no state is seen in parts, and the domain goes on. */
/* create: --vcpus 2 --rights build */
#include "guest/lib/hypercall.h"
#include "guest/lib/runtime.h"
#include "tests/guest/common/test.h"

static const u8 code[] = { 0xeb, 0xfe }; /* in real mode at 0x1000: jmp $ */

static struct caisson_create how = { .abi_version = CAISSON_ABI_VERSION, .vcpus = 1, .pages = 16 };
static struct caisson_vcpu_context context, seen;
static struct caisson_domain info;
static volatile u32 dom, stop;

static void unpause(u32 id)
{
	for (u32 n = id; !stop; n++) {
		hc_domain_unpause(dom);
		for (u32 k = n % 61; k; k--)
			__asm__ volatile("pause");
	}
}

void test_main(void)
{
	u32 given = 0, parts = 0, rounds = on_tcg() ? 4000 : 300;
	s64 id = hc_domain_create(&how);

	CHECK(id > 0, "creating it: %ld", (long)id);
	if (id <= 0)
		return;
	dom = (u32)id;
	EQ(hc_vcpu_create(dom, 0), 0, "its vCPU");
	EQ(hc_populate(dom, 0, 16, 0), 16, "its RAM");
	EQ(hc_mem_write(dom, 0x1000, code, sizeof(code)), sizeof(code), "its code");
	EQ(hc_vcpu_get(dom, 0, &context), 0, "its state");
	context.cs = (struct caisson_segment){ .limit = 0xffff, .attr = 0x9b };
	context.rip = 0x1000;
	EQ(hc_vcpu_set(dom, 0, &context), 0, "its first state"); /* at the reset vector is nothing */
	CHECK(cpu_start(1, unpause), "vCPU 1 does not start");
	for (u32 n = 1; n <= rounds; n++) {
		while (hc_domain_pause(dom) == -CAISSON_EAGAIN)
			;
		context.gpr[3] = context.gpr[6] = context.sysenter_eip = context.lstar = n;
		context.efer = n & 1 ? 0x100 : 0; /* LME */
		if (hc_vcpu_set(dom, 0, &context))
			continue;
		given++;
		if (!hc_vcpu_get(dom, 0, &seen))
			parts += seen.gpr[3] != n || seen.gpr[6] != n || seen.sysenter_eip != n ||
				 seen.lstar != n;
	}
	stop = 1;
	CHECK(given, "no state was given");
	EQ(parts, 0, "states that were seen in parts");
	EQ(hc_domain_info(dom, &info), 0, "the domain");
	EQ(info.end, CAISSON_END_NONE, "how it ended");
	guest_printf("%u of %u\n", given, rounds);
	while (hc_domain_destroy(dom) == -CAISSON_EAGAIN)
		;
}
