/* SPDX-License-Identifier: BSD-2-Clause */
/* SYSCALL and SYSRET, SYSENTER: to where their MSRs say, with the flags that SFMASK leaves; without EFER.SCE
 * they are #UD. */
#include "tests/guest/common/test.h"

#define EFER 0xc0000080u

extern u8 on_syscall[], on_sysenter[];
extern volatile u64 sys_seen, sys_rcx, sys_r11, sys_flags, sys_rsp;
static volatile u32 vector;
static volatile u64 came_back, user_rip;

static void by_syscall(void)
{
	u64 back, want;

	__asm__ volatile("lea 1f(%%rip), %1; mov %1, user_rip(%%rip); stc; syscall\n1:\tmov $0x77, %0"
			 : "=&r"(back), "=&r"(want)
			 :
			 : "rcx", "r11", "memory", "cc");
	came_back = back;
}

static void by_syscall_off(void)
{
	vector = TRAP_OF("syscall");
}

static void by_sysenter(void)
{
	__asm__ volatile("sysenter" ::: "memory");
}

__asm__(".text\n"
	"on_syscall:\n\t"
	"incq sys_seen(%rip)\n\tmov %rcx, sys_rcx(%rip)\n\tmov %r11, sys_r11(%rip)\n\t"
	"pushfq\n\tpopq sys_flags(%rip)\n\tsysretq\n"
	"on_sysenter:\n\t"
	"incq sys_seen(%rip)\n\tmov %rsp, sys_rsp(%rip)\n\tint $0x81\n"
	".data\nsys_seen: .quad 0\nsys_rcx: .quad 0\nsys_r11: .quad 0\nsys_flags: .quad 0\nsys_rsp: .quad "
	"0\n.text\n");

static u8 sysenter_stack[1024] __attribute__((aligned(16)));

void test_main(void)
{
	user_pages();
	wrmsr(0xc0000081, 40ul << 48 | 8ul << 32); /* SYSRET: CS 40 + 16, SS 40 + 8 */
	wrmsr(0xc0000082, (u64)on_syscall);
	wrmsr(0xc0000084, 1);
	user_call(by_syscall_off);
	EQ(vector, UD, "SYSCALL without EFER.SCE");
	wrmsr(EFER, rdmsr(EFER) | 1);
	/* our GDT has user code at 48 and user data at 56; SYSRET wants data below code: what it loads are
	 * fixed descriptors, so only the selectors differ */
	for (u32 i = 1; i <= 3; i++) {
		user_call(by_syscall);
		EQ(sys_seen, i, "SYSCALLs");
		EQ(came_back, 0x77, "what stands behind SYSCALL");
		EQ(sys_rcx, user_rip, "RCX");
		EQ(sys_r11 & 1, 1, "CF in R11");
		EQ(sys_flags & 1, 0, "CF that SFMASK takes");
		came_back = 0;
	}
	if (guest_is_amd) {
		test_skip("SYSENTER in long mode");
		return;
	}
	wrmsr(0x174, 8);
	wrmsr(0x175, (u64)(sysenter_stack + sizeof(sysenter_stack)));
	wrmsr(0x176, (u64)on_sysenter);
	user_call(by_sysenter);
	EQ(sys_seen, 4, "SYSENTERs");
	EQ(sys_rsp, (u64)(sysenter_stack + sizeof(sysenter_stack)), "RSP");
	wrmsr(0x174, 0);
	static u32 got;
	got = TRAP_OF("sysenter");
	EQ(got, GP, "SYSENTER with a null selector");
}
