/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes as code, with random registers: in 64, 32 and 16 bits, at CPL 0 and 3, and in real mode. */
#include "guest/hostile/hostile.h"
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

extern u64 gdt[];
#define CODE (SCRATCH + 0x100000)

/* GDT of our own: what is there, then 16-bit and 32-bit code and data for both rings. */
static u64 descriptors[16];
static const u16 code_selector[] = { 8, 8, 8, 51, 51, 40, 80, 91, 99 };

extern u64 hostile_frame[5], hostile_regs[15];
u64 hostile_frame[5], hostile_regs[15];
/* Loads all registers from regs and goes where frame says. */
void leap(void *arg);
__asm__(".text\n.globl leap\nleap:\n"
	"lea hostile_frame(%rip), %rsp\n lea hostile_regs(%rip), %r15\n mov (%r15), %rax\n mov 8(%r15), "
	"%rcx\n mov 16(%r15), %rdx\n"
	"mov 24(%r15), %rbx\n mov 32(%r15), %rbp\n mov 40(%r15), %rsi\n mov 48(%r15), %rdi\n mov 56(%r15), "
	"%r8\n"
	"mov 64(%r15), %r9\n mov 72(%r15), %r10\n mov 80(%r15), %r11\n mov 88(%r15), %r12\n mov 96(%r15), "
	"%r13\n"
	"mov 104(%r15), %r14\n mov 112(%r15), %r15\n iretq\n");

/* Starts of instructions that reach a hypervisor, so that they are not one in thousands. */
static const struct {
	u8 n, byte[4];
} seeds[] = { { 2, { 0x0f, 0xa2 } },
	      { 2, { 0x0f, 0x32 } },
	      { 2, { 0x0f, 0x30 } },
	      { 3, { 0x0f, 0x01, 0xc1 } },
	      { 3, { 0x0f, 0x01, 0xd9 } },
	      { 2, { 0x0f, 0x22 } },
	      { 2, { 0x0f, 0x20 } },
	      { 2, { 0x0f, 0x01 } },
	      { 2, { 0x0f, 0x00 } },
	      { 2, { 0x0f, 0x23 } },
	      { 1, { 0xe6 } },
	      { 1, { 0xec } },
	      { 1, { 0xef } },
	      { 2, { 0xf3, 0x6d } },
	      { 2, { 0xf3, 0x6f } },
	      { 2, { 0xf3, 0xa4 } },
	      { 1, { 0x8b } },
	      { 1, { 0x89 } },
	      { 2, { 0xf0, 0x0f } },
	      { 2, { 0x0f, 0xb1 } },
	      { 2, { 0x0f, 0xc7 } },
	      { 2, { 0x0f, 0xae } },
	      { 1, { 0xcf } },
	      { 1, { 0xcd } },
	      { 1, { 0xf4 } },
	      { 1, { 0xfb } },
	      { 1, { 0x9d } },
	      { 2, { 0x0f, 0x05 } },
	      { 2, { 0x0f, 0x34 } },
	      { 3, { 0x66, 0x0f, 0x38 } },
	      { 2, { 0x0f, 0x09 } },
	      { 1, { 0x8e } },
	      { 1, { 0x0f } },
	      { 1, { 0xc4 } },
	      { 1, { 0x62 } },
	      { 1, { 0xa4 } } };

static void random_code(u8 *p, u32 bytes)
{
	for (u32 i = 0; i < bytes;) {
		if (below(3) == 0) {
			u32 k = below(ARRAY_SIZE(seeds));

			memcpy(p + i, seeds[k].byte, seeds[k].n);
			i += seeds[k].n;
		}
		for (u32 k = below(5); k; k--)
			p[i++] = (u8)rnd();
	}
	/* QEMU's TCG (7.2) itself aborts at LOCK with BT, BTS, BTR or BTC of a register. */
	for (u32 i = 0; on_tcg() && i < bytes; i++)
		p[i] = p[i] == 0xf0 ? 0x90 : p[i];
}

static void run(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) gdtr = { sizeof(descriptors) - 1, (u64)descriptors };

	scratch_open();
	traps_on_own_stack();
	watchdog();
	if (below(4))
		scratch_only();
	memcpy(descriptors, gdt, 64);
	descriptors[8] = 0x00009b000000ffff;
	descriptors[10] = 0x00009b000000ffff | SCRATCH << 16; /* 80: 16 bits, CPL 0 */
	descriptors[11] = 0x0000fb000000ffff | SCRATCH << 16; /* 88 */
	descriptors[12] = 0x00cffb000000ffff;		      /* 96: 32 bits, CPL 3 */
	while (go_on()) {
		u16 cs = code_selector[below(ARRAY_SIZE(code_selector))];
		u32 code16 = cs == 80 || cs == 91;

		random_code((u8 *)CODE, 64);
		memcpy((void *)(SCRATCH + 0x8000), (void *)CODE, 64);
		for (u32 i = 0; i < 15; i++)
			hostile_regs[i] = below(3) ? place() : nasty();
		if (below(2))
			hostile_regs[1] =
				below(2) ? 0x800 + below(64) : 0xc0000080 + below(8); /* RCX: an MSR */
		hostile_frame[0] = code16 ? 0x8000 : CODE;
		hostile_frame[1] = cs;
		hostile_frame[2] = 2 | (below(3) ? 0 : rnd() & 0x257fd5);
		hostile_frame[3] = SCRATCH + 0x1f000;
		hostile_frame[4] = cs & 3 ? 59 : 16;
		__asm__ volatile("lgdt %0" ::"m"(gdtr));
		tick();
		attempt(leap, NULL);
		wrmsr(0xc0000080, (rdmsr(0xc0000080) & 0x401) | 0x900);
		scratch_open();
	}
}

const struct wall wall_code = { "code", run };

/* In real mode there is no way back: it goes on until somebody ends it. All vectors lead into the code again.
 */
static void run_real(void)
{
	static u8 code[2048];

	guest_protect(0, 0x100000, GUEST_W);
	*(u64 *)guest_pt0 = 3;
	__asm__ volatile("mov %0, %%cr3" ::"r"(guest_pml4) : "memory");
	for (u32 v = 0; v < 256; v++)
		((volatile u32 *)0)[v] = 0x09000000 + below(sizeof(code));
	random_code(code, sizeof(code) - 16);
	call16(code, sizeof(code), (u32)rnd());
}

const struct wall wall_real = { "real", run_real };
