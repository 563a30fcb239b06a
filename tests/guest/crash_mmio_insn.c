/* SPDX-License-Identifier: BSD-2-Clause */
/* An instruction that the hypervisor does not carry out, on a device: the domain ends, its bytes are named;
 * nothing is skipped. */
/* create: --testdev */
/* ends: crash.* */
/* says: instruction that .* reaches a device */
#include "tests/guest/common/test.h"

void test_main(void)
{
	__asm__ volatile("mov %%cr4, %%rax; or $0x600, %%rax; mov %%rax, %%cr4; movdqa %%xmm0, (%0)" ::"r"(
				 0xfeb00000ul)
			 : "rax", "memory");
}
