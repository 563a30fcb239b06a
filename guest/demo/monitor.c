/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A monitor: it may look at one other domain, whose number it is given, and do nothing else to it or to
 *anybody. create monitor --rights "mem-read,regs 3" --args 3
 */
#include "guest/lib/hypercall.h"
#include "guest/lib/runtime.h"

static u8 bytes[64];
static struct caisson_vcpu_context context;

int guest_main(const struct hvm_start_info *si)
{
	u32 dom = 0;
	s64 r;

	(void)si;
	for (const char *s = guest_cmdline(); *s >= '0' && *s <= '9'; s++)
		dom = dom * 10 + (u32)(*s - '0');
	r = hc_mem_read(dom, 0x100000, bytes, sizeof(bytes));
	guest_printf("memory at 1 MiB of domain %u: %ld bytes, %02x %02x %02x %02x\n", dom, (long)r, bytes[0],
		     bytes[1], bytes[2], bytes[3]);
	r = hc_vcpu_get(dom, 0, &context);
	guest_printf("its registers: %ld, rip %lx\n", (long)r, context.rip);
	guest_printf("writing to it: %ld, pausing it: %ld, ", (long)hc_mem_write(dom, 0x100000, bytes, 1),
		     (long)hc_domain_pause(dom));
	guest_printf("handing the right on: %ld, ",
		     (long)hc_rights_set(CAISSON_SELF, dom, 1u << CAISSON_RIGHT_BIT_MEM_WRITE, 0));
	guest_printf("looking at domain 0: %ld\n", (long)hc_mem_read(CAISSON_CONTROL, 0x100000, bytes, 1));
	hc_rights_set(CAISSON_SELF, dom, 0, 1u << CAISSON_RIGHT_BIT_MEM_READ);
	guest_printf("looking again, the right dropped: %ld\n", (long)hc_mem_read(dom, 0x100000, bytes, 1));
	return 0;
}
