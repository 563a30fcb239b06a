/* SPDX-License-Identifier: BSD-2-Clause */
/* LTR: a null selector is #GP, whatever the emulator thinks, and TR and the stack of ring 3's exceptions are
 * what they were; of others it does what it does. */
#include "tests/guest/common/test.h"

extern u64 gdt[];
static u32 vector;

static void fault(void)
{
	vector = TRAP_OF("ud2");
}

static u16 str(void)
{
	u64 tr;

	__asm__ volatile("str %0" : "=r"(tr));
	return (u16)tr;
}

void test_main(void)
{
	u16 was = str();

	user_pages();
	for (u32 i = 0; i < 20; i++) {
		EQ(TRAP_OF("mov $3, %%eax; ltr %%ax"), GP, "LTR of a null selector");
		EQ(caught.error, 0, "its error code");
		EQ(str(), was, "TR");
		vector = NO_TRAP;
		user_call(fault);
		EQ(vector, UD, "the exception of ring 3");
		EQ(TRAP_OF("str %%eax; ltr %%ax"), GP, "LTR of what is busy");
		EQ(caught.error, was, "its error code");
		gdt[was / 8] &= ~(1ul << 41);
		EQ(TRAP_OF("str %%eax; ltr %%ax"), NO_TRAP, "LTR");
		CHECK(gdt[was / 8] & 1ul << 41, "it is not busy");
	}
}
