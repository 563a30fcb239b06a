/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first guest: a line on COM1, and an exit code by port 0xf4. Its command line may name another code:
 *	create hello --args 7 --wait
 */
#include "guest/lib/runtime.h"
#include "guest/lib/string.h"

int guest_main(const struct hvm_start_info *si)
{
	guest_printf("Hello from a domain with %lu KiB of RAM above 1 MiB, started with \"%s\".\n",
		     (guest_ram_end() - 0x100000) / 1024, guest_cmdline());
	(void)si;
	return (int)strtoul(guest_cmdline(), NULL, 10);
}
