/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain with the right to build, and no other, builds one and serves its device; the state that it gives
 * it holds in all of its registers, the debug registers too; what is not its own it does not touch.
 */
/* create: --rights build */
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

#define PORT 0x70
#define PAGE ((struct caisson_ioreq_page *)0x80000000ul)

/* In real mode at 0x1000: in al, PORT; mov [0x2000], al; nop (0x1005); mov byte [0x2001], 0x11; cli; hlt */
static const u8 code[] = { 0xe4, PORT, 0xa2, 0x00, 0x20, 0x90, 0xc6, 0x06, 0x01, 0x20, 0x11, 0xfa, 0xf4 };
/* its #DB, at 0x1100: mov byte [0x2001], 0xdb; cli; hlt */
static const u8 handler[] = { 0xc6, 0x06, 0x01, 0x20, 0xdb, 0xfa, 0xf4 };
static const u16 vector[2] = { 0x1100, 0 };

static struct caisson_create how = { .abi_version = CAISSON_ABI_VERSION, .vcpus = 1, .pages = 16 };
static struct caisson_vcpu_context context;
static struct caisson_domain info;

void test_main(void)
{
	s64 id = hc_domain_create(&how), r;
	u32 dom = (u32)id;
	u8 seen[2];

	CHECK(id > 0, "creating it: %ld", (long)id);
	if (id <= 0)
		return;
	EQ(hc_vcpu_create(dom, 0), 0, "its vCPU");
	EQ(hc_populate(dom, 0, 16, 0), 16, "its RAM");
	EQ(hc_mem_write(dom, 0x1000, code, sizeof(code)), sizeof(code), "its code");
	EQ(hc_mem_write(dom, 0x1100, handler, sizeof(handler)), sizeof(handler), "its handler");
	EQ(hc_mem_write(dom, 4, vector, sizeof(vector)), sizeof(vector), "its vector 1");
	EQ(hc_ioreq_map(dom, (u64)PAGE, 0), 0, "its request page");
	EQ(hc_ioreq_claim(dom, CAISSON_IO_PORT, PORT, 1, 0), 0, "its port");
	EQ(hc_vcpu_get(dom, 0, &context), 0, "its state");
	context.cs = (struct caisson_segment){ .limit = 0xffff, .attr = 0x9b };
	context.rip = 0x1000;
	context.dr[0] = 0x1005;
	context.dr7 = 0x401; /* L0: execution */
	EQ(hc_vcpu_set(dom, 0, &context), 0, "its new state");
	EQ(hc_domain_unpause(dom), 0, "its start");

	r = hc_wait(0, rdtsc() + tsc_khz() * 5000);
	EQ(CAISSON_WAIT_KIND(r), CAISSON_WAIT_IOREQ, "its request");
	EQ(CAISSON_WAIT_DOM(r), dom, "whose");
	EQ(PAGE->slot[0].addr, PORT, "for which port");
	PAGE->slot[0].data = 0x5a;
	hc_wait((u32)r | CAISSON_ANSWER, rdtsc() + tsc_khz() * 50);
	for (u32 i = 0; i < 100; i++) {
		hc_wait(0, rdtsc() + tsc_khz() * 10);
		if (!hc_domain_info(dom, &info) && info.state == CAISSON_STATE_BLOCKED)
			break;
	}
	EQ(hc_mem_read(dom, 0x2000, seen, 2), 2, "what it wrote");
	EQ(seen[0], 0x5a, "the device's answer");
	if (!on_tcg()) /* VMRUN arms no breakpoint there */
		EQ(seen[1], 0xdb, "the breakpoint of its first state");

	EQ(hc_domain_pause(CAISSON_CONTROL), -CAISSON_EPERM, "pausing another domain");
	EQ(hc_vcpu_create(CAISSON_CONTROL, 1), -CAISSON_EPERM, "a vCPU for another domain");
	EQ(hc_power(0), -CAISSON_EPERM, "switching the machine off");
	while ((r = hc_domain_destroy(dom)) == -CAISSON_EAGAIN)
		;
	EQ(r, 0, "destroying it");
}
