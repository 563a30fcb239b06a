/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ends the domain whose number it is given, whoever that is: even the control domain, which is then started
 * again. create end --rights "life 3" --args 3
 */
#include "guest/lib/hypercall.h"
#include "guest/lib/runtime.h"

int guest_main(const struct hvm_start_info *si)
{
	u32 dom = 0;
	s64 r;

	(void)si;
	for (const char *s = guest_cmdline(); *s >= '0' && *s <= '9'; s++)
		dom = dom * 10 + (u32)(*s - '0');
	do
		r = hc_domain_destroy(dom);
	while (r == -CAISSON_EAGAIN);
	guest_printf("domain %u destroyed: %ld\n", dom, (long)r);
	return r ? 1 : 0;
}
