/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest/hostile/hostile.h"
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

static const struct wall *const walls[] = { &wall_calls,  &wall_msrs,  &wall_regs,  &wall_ports, &wall_code,
					    &wall_real,	  &wall_mmio,  &wall_traps, &wall_irqs,	 &wall_insns,
					    &wall_memory, &wall_build, &wall_victim };

/* ---- the seeded generator: xorshift64*, one for all (Marsaglia, "Xorshift RNGs") ---- */

static u64 state, end_tsc;

u64 rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

u32 below(u32 n)
{
	return (u32)((rnd() >> 32) * n >> 32);
}

u64 nasty(void)
{
	switch (below(9)) {
	case 0:
		return 0;
	case 1:
		return ~0ull;
	case 2:
		return 1ull << below(64);
	case 3:
		return (1ull << below(64)) - 1;
	case 4:
		return ~(1ull << below(64));
	case 5:
		return below(256);
	case 6:
		return place();
	case 7:
		return (u32)rnd();
	default:
		return rnd();
	}
}

bool go_on(void)
{
	return (s64)(rdtsc() - end_tsc) < 0;
}

void hole(const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	guest_printf("HOLE: %s\n", text);
	guest_exit(1);
}

u64 place(void)
{
	static const u64 at[] = { 0,	      0x1000,	 0x9f000,    0xa0000,	 0xe0000,    0xff000,
				  0x100000,   SCRATCH,	 0xbffff000, 0xc0000000, 0xfeb00000, 0xfec00000,
				  0xfee00000, 1ul << 32, 1ul << 39,  1ul << 46 };
	u64 a = below(3) ? at[below(ARRAY_SIZE(at))] : SCRATCH;

	return below(4) ? a + below(PAGE_SIZE) : a - below(16);
}

/* ---- exceptions ---- */

struct back {
	u64 rbx, rbp, r12, r13, r14, r15, rsp, rip;
};
extern struct back hostile_back; /* assembly reads and writes it */
struct back hostile_back;
static volatile bool trying;
static u32 attempts;
static volatile u32 caught_vector;
static u64 good_cr0, good_cr3, good_cr4;
static struct {
	u16 limit;
	u64 base;
} __attribute__((packed)) good_gdt, good_idt;

/* Saves where we are, calls fn(arg); returns 0, or comes back a second time as 1 by way of recover(). */
u32 guarded(void (*fn)(void *), void *arg);
__asm__(".text\n.globl guarded\nguarded:\n"
	"lea hostile_back(%rip), %rdx\n mov %rbx, (%rdx)\n mov %rbp, 8(%rdx)\n mov %r12, 16(%rdx)\n mov "
	"%r13, 24(%rdx)\n"
	"mov %r14, 32(%rdx)\n mov %r15, 40(%rdx)\n mov %rsp, 48(%rdx)\n lea 1f(%rip), %rax\n mov %rax, "
	"56(%rdx)\n"
	"sub $8, %rsp\n mov %rdi, %rax\n mov %rsi, %rdi\n call *%rax\n add $8, %rsp\n xor %eax, %eax\n ret\n"
	"1: mov $1, %eax\n ret\n");

static void recover(struct guest_trap *t)
{
	if (t->vector == DB)
		__asm__ volatile("mov %0, %%dr7" ::"r"(0ul));
	if (!trying && (t->vector == NMI ||
			t->vector == DB)) /* the watchdog's, late; a breakpoint on what everybody uses */
		return;
	if (!trying)
		guest_exit(0x200 + (u32)t->vector);
	trying = false;
	caught_vector = (u32)t->vector;
	t->rbx = hostile_back.rbx;
	t->rbp = hostile_back.rbp;
	t->r12 = hostile_back.r12;
	t->r13 = hostile_back.r13;
	t->r14 = hostile_back.r14;
	t->r15 = hostile_back.r15;
	t->rsp = hostile_back.rsp;
	t->rip = hostile_back.rip;
	t->rflags = 2;
	t->cs = 8;
	t->ss = 16;
}

void sane(void)
{
	u64 v;

	__asm__ volatile("lgdt %0; lidt %1" ::"m"(good_gdt), "m"(good_idt));
	__asm__ volatile("mov %0, %%cr0; mov %1, %%cr4; mov %2, %%cr3" ::"r"(good_cr0), "r"(good_cr4),
			 "r"(good_cr3)
			 : "memory");
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss; mov %1, %%fs; mov %1, %%gs" ::"r"(16),
			 "r"(0));
	__asm__ volatile("cld; mov %0, %%dr7" : "=&r"(v) : "0"(0ul));
}

u32 attempt(void (*fn)(void *), void *arg)
{
	u32 trapped;

	attempts++;
	trying = true;
	trapped = guarded(fn, arg);
	trying = false;
	sane();
	return trapped ? caught_vector : NO_TRAP;
}

void traps_on_own_stack(void)
{
	static u8 stack[2][8192] __attribute__((aligned(16)));

	for (u32 v = 0; v < 32; v++) {
		gate_ist(v, v == NMI ? 3 : 2, stack[v == NMI] + sizeof(stack[0]));
		gate_dpl(v, 3);
	}
}

/* ---- other vCPUs ---- */

static volatile u64 ticks;

bool helper(u32 id, void (*fn)(u32 id))
{
	return cpu_start(id, fn);
}

void tick(void)
{
	ticks++;
}

static void watch(u32 id)
{
	u64 seen = ~0ull;

	(void)id;
	for (;; wait_us(3000)) {
		if (seen == ticks)
			wrmsr(0x830, 4 << 8); /* an NMI for APIC 0 */
		seen = ticks;
	}
}

static void x2apic_on(u32 id)
{
	apic_mode(true);
	watch(id);
}

void watchdog(void)
{
	apic_mode(false);
	helper(1, x2apic_on);
}

/* ---- memory ---- */

void scratch_only(void)
{
	u64 *pml4 = (u64 *)guest_pml4, *pdpt = (u64 *)(pml4[0] & ~0xffful), *pd = (u64 *)(pdpt[0] & ~0xffful);

	for (u32 i = 1; i < 512; i++) {
		pdpt[i] = 0;
		if (i >= 8)
			pd[i] = 0;
	}
	__asm__ volatile("mov %0, %%cr3" ::"r"(good_cr3) : "memory");
}

void scratch_open(void)
{
	u64 *pml4 = (u64 *)guest_pml4, *pdpt = (u64 *)(pml4[0] & ~0xffful), *pd = (u64 *)(pdpt[0] & ~0xffful);

	user_pages();
	pd[SCRATCH >> 21] = SCRATCH | 0x87;
	__asm__ volatile("mov %0, %%cr3" ::"r"(good_cr3) : "memory");
}

/* ---- start ---- */

static u64 number(const char **s)
{
	u64 n = 0;

	for (; **s == ' '; ++*s)
		;
	for (; **s >= '0' && **s <= '9'; ++*s)
		n = n * 10 + (u64)(**s - '0');
	return n;
}

void test_main(void)
{
	const char *s = guest_cmdline();
	u64 seed, ms;

	for (u32 i = 0; i < ARRAY_SIZE(walls); i++) {
		size_t n = strlen(walls[i]->name);

		if (memcmp(s, walls[i]->name, n) || s[n] != ' ')
			continue;
		s += n;
		seed = number(&s);
		ms = number(&s);
		state = (seed + 1) * 0x9e3779b97f4a7c15ull;
		for (u32 k = 0; k < 16; k++)
			rnd();
		end_tsc = rdtsc() + tsc_khz() * (ms ? ms : 300);
		__asm__ volatile("sgdt %0; sidt %1" : "=m"(good_gdt), "=m"(good_idt));
		good_cr0 = read_cr(0);
		good_cr3 = read_cr(3);
		good_cr4 = read_cr(4);
		for (u32 v = 0; v < 32; v++)
			irq_handler[v] = recover;
		walls[i]->run();
		guest_printf("%u attempts\n", attempts);
		guest_exit(0);
	}
	hole("no wall of that name: %s", s);
}
