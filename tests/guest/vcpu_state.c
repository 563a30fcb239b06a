/* SPDX-License-Identifier: BSD-2-Clause */
/* Two vCPUs of a builder give a third states and look at it at once: what is there is always the one's or the
 * other's as a whole. */
/* create: --vcpus 2 --rights build */
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

#define GUEST_RIP 0x681e /* of a VMCS */

static struct caisson_create how = { .abi_version = CAISSON_ABI_VERSION, .vcpus = 1, .pages = 16 };
static struct caisson_vcpu_context base, context[2];
static volatile u32 dom, mixed[2], refused[2], done;

static void fill(struct caisson_vcpu_context *c, u64 n)
{
	*c = base;
	for (u32 i = 0; i < 16; i++)
		c->gpr[i] = n;
	c->rip = c->cr2 = c->sysenter_esp = c->sysenter_eip = n;
	c->gdtr_base = c->idtr_base = c->lstar = c->cstar = c->kernel_gs_base = n;
	c->dr[0] = c->dr[3] = n;
}

static bool whole(const struct caisson_vcpu_context *c)
{
	struct caisson_vcpu_context want;

	fill(&want, c->gpr[0]);
	return !memcmp(&want.gpr, c->gpr, sizeof(want.gpr)) && want.rip == c->rip && want.cr2 == c->cr2 &&
	       want.sysenter_esp == c->sysenter_esp && want.sysenter_eip == c->sysenter_eip &&
	       want.gdtr_base == c->gdtr_base && want.idtr_base == c->idtr_base && want.lstar == c->lstar &&
	       want.cstar == c->cstar && want.kernel_gs_base == c->kernel_gs_base && want.dr[0] == c->dr[0] &&
	       want.dr[3] == c->dr[3];
}

static void work(u32 id)
{
	struct caisson_vcpu_context *c = &context[id];
	u64 field;

	for (u32 n = 0, rounds = on_tcg() ? 4000 : 400; n < rounds; n++) {
		/* not in step with each other, as two CPUs of Bochs are */
		for (u32 k = n * (37 + id * 16) % 101; k; k--)
			__asm__ volatile("pause");
		fill(c, 2 * n + id + 1);
		refused[id] += hc_vcpu_set(dom, 0, c) != 0;
		hc_vmcs_read(dom, 0, GUEST_RIP, &field);
		refused[id] += hc_vcpu_get(dom, 0, c) != 0;
		mixed[id] += !whole(c);
	}
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
}

void test_main(void)
{
	s64 id = hc_domain_create(&how);
	u64 end;

	CHECK(id > 0, "creating it: %ld", (long)id);
	if (id <= 0)
		return;
	dom = (u32)id;
	EQ(hc_vcpu_create(dom, 0), 0, "its vCPU");
	EQ(hc_vcpu_get(dom, 0, &base), 0, "its state");
	CHECK(cpu_start(1, work), "vCPU 1 does not start");
	work(0);
	end = rdtsc() + tsc_khz() * 20000;
	while (done < 2 && rdtsc() < end)
		__asm__ volatile("pause");
	EQ(done, 2, "vCPUs that came to their end");
	for (u32 i = 0; i < 2; i++) {
		EQ(refused[i], 0, "refused calls");
		EQ(mixed[i], 0, "states of which a part is another's");
	}
	while (hc_domain_destroy(dom) == -CAISSON_EAGAIN)
		;
}
