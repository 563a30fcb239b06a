/* SPDX-License-Identifier: BSD-2-Clause */
/* The general registers are after an exit what they were before it. At regs_full all of them hold the
 * pattern: from there tests/system/speculation.py looks what the hypervisor finds in its own. */
#include "tests/guest/common/test.h"

#define PATTERN 0x5ec4e75ec4e70000ul

extern u64 regs_seen[16];
void regs_exits(void);

void test_main(void)
{
	for (u32 n = 0; n < 100; n++) {
		regs_exits();
		for (u32 i = 0; i < 16; i++)
			if (i != 4) /* RSP */
				EQ(regs_seen[i], PATTERN + i, "a register");
	}
}
