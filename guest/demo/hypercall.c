/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a guest finds Caisson and calls it: CPUID tells that it is there, guest/lib/hypercall.h has the calls
 * of hv/abi/caisson.h, and what a domain may not do is answered by an error, not by a fault.
 */
#include "guest/lib/hypercall.h"
#include "guest/lib/runtime.h"

static u32 find_caisson(void)
{
	u32 r[4];

	for (u32 leaf = 0x40000000; leaf <= 0x4000ff00; leaf += 0x100) {
		cpuid(leaf, 0, r);
		if (r[1] == CAISSON_CPUID_EBX && r[2] == CAISSON_CPUID_ECX && r[3] == CAISSON_CPUID_EDX)
			return leaf;
	}
	return 0;
}

int guest_main(const struct hvm_start_info *si)
{
	static struct caisson_time
		time; /* static: the call takes a guest-physical address, and ours are the same */
	u32 leaf = find_caisson();

	(void)si;
	if (!leaf) {
		guest_printf("this is not Caisson\n");
		return 1;
	}
	guest_printf("Caisson at CPUID leaf %x, ABI version %ld\n", leaf, (long)hc_version());
	if (hc_time(&time))
		return 2;
	guest_printf("TSC %lu kHz, up %lu us, %lu seconds since 1970\n", time.tsc_khz, time.uptime_ns / 1000,
		     time.wall_ns / 1000000000);
	guest_printf("switching the machine off: %ld (-EPERM is %d)\n", (long)hc_power(CAISSON_POWER_OFF),
		     -CAISSON_EPERM);
	return 0;
}
