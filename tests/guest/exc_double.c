/* SPDX-License-Identifier: BSD-2-Clause */
/* A page fault whose delivery faults is a double fault with error code 0, on its own stack, and the guest
 * goes on. */
#include "tests/guest/common/test.h"

static volatile u32 seen;
static volatile u64 error, resume_rsp;
static u8 df_stack[4096] __attribute__((aligned(16)));
extern u8 after_df[];

static void on_df(struct guest_trap *t)
{
	seen++;
	error = t->error;
	t->rip = (u64)after_df;
	t->rsp = resume_rsp;
}

static void overflow(void)
{
	/* A stack of no page: pushing the #PF's frame faults again. */
	__asm__ volatile("push %%rbp\n\t"
			 "mov %%rsp, %0\n\t"
			 "mov %1, %%rsp\n\t"
			 "push %%rax\n\t"
			 "ud2\n"
			 ".globl after_df\n"
			 "after_df:\n\t"
			 "pop %%rbp"
			 : "=m"(resume_rsp)
			 : "r"(0xc00000000ul) /* beyond what is mapped */
			 : "memory", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
			   "r12", "r13", "r14", "r15");
}

void test_main(void)
{
	gate_ist(DF, 1, df_stack + sizeof(df_stack));
	irq_handler[DF] = on_df;
	for (u32 i = 1; i <= 3; i++) {
		overflow();
		EQ(seen, i, "double faults");
		EQ(error, 0, "the error code");
	}
	EQ(irq_count[PF], 0, "page faults that were delivered");
}
