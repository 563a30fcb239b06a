/* SPDX-License-Identifier: BSD-2-Clause */
/* The instructions of virtualisation are not there: #UD, at CPL 0 and 3, with RF in the flags and no error
 * code. */
#include "tests/guest/common/test.h"

/* Ring 3 has no port to print at: what came is looked at later. */
static struct {
	const char *what;
	u32 vector;
	u64 rflags;
	bool amd; /* of AMD, where CPL 3 is looked at before the interception */
} got[40];
static u32 count;

#define BOTH(insn, name)                           \
	do {                                       \
		got[count].vector = TRAP_OF(insn); \
		got[count].rflags = caught.rflags; \
		got[count++].what = name;          \
	} while (0)

u64 operand[2];

static void all(void)
{
	BOTH("vmxoff", "VMXOFF");
	BOTH("vmlaunch", "VMLAUNCH");
	BOTH("vmresume", "VMRESUME");
	BOTH("vmptrld operand(%%rip)", "VMPTRLD");
	BOTH("vmptrst operand(%%rip)", "VMPTRST");
	BOTH("vmclear operand(%%rip)", "VMCLEAR");
	BOTH("vmxon operand(%%rip)", "VMXON");
	BOTH("xor %%eax, %%eax; vmread %%rax, %%rax", "VMREAD");
	BOTH("xor %%eax, %%eax; vmwrite %%rax, %%rax", "VMWRITE");
	BOTH("xor %%eax, %%eax; invept operand(%%rip), %%rax", "INVEPT");
	BOTH("xor %%eax, %%eax; invvpid operand(%%rip), %%rax", "INVVPID");
	BOTH("xor %%eax, %%eax; xor %%ecx, %%ecx; vmfunc", "VMFUNC");
	BOTH("xor %%eax, %%eax; .byte 0x0f, 0x37", "GETSEC");
	if (guest_is_amd)
		BOTH("vmcall", "VMCALL");
	else
		BOTH("vmmcall", "VMMCALL");
	u32 first = count;
	BOTH("vmrun", "VMRUN");
	BOTH("stgi", "STGI");
	BOTH("clgi", "CLGI");
	while (first < count)
		got[first++].amd = guest_is_amd;
	BOTH("ud2", "UD2");
}

static void look(const char *where)
{
	CHECK(count > 15, "%u instructions %s", count, where);
	for (u32 i = 0; i < count; i++) {
		CHECK(got[i].vector == UD || (got[i].amd && got[i].vector == GP), "%s %s: exception %u",
		      got[i].what, where, got[i].vector);
		CHECK((got[i].rflags >> 16 & 1) || on_tcg(), "%s %s: RF is clear in %lx", got[i].what, where,
		      got[i].rflags);
	}
	count = 0;
}

void test_main(void)
{
	all();
	look("at CPL 0");
	user_pages();
	user_call(all);
	if (!on_tcg())
		look("at CPL 3");
}
