/* SPDX-License-Identifier: BSD-2-Clause */
/* What the guest tests share: checks, exceptions, interrupts, APICs, other CPUs. */
#include "tests/guest/common/test.h"
#include "guest/lib/string.h"

static u32 checks, failures;
static bool tcg, bochs_svm;

void test_check(bool good, const char *file, int line, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	checks++;
	if (good)
		return;
	failures++;
	if (failures > 37)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	guest_printf("FAIL %s:%d: %s\n", file, line, text);
}

void test_skip(const char *why)
{
	guest_printf("skipped: %s\n", why);
}

bool on_tcg(void)
{
	return tcg;
}

void test_end(void)
{
	guest_printf("%u checks, %u failed\n", checks, failures);
	guest_exit(failures ? MIN(failures, 37u) : checks ? 0 : 38);
}

int guest_main(const struct hvm_start_info *si)
{
	(void)si;
	/* now: a test may need the memory where the command line is */
	tcg = strstr(guest_cmdline(), "on=qemu");
	bochs_svm = strstr(guest_cmdline(), "on=ryzen");
	test_main();
	test_end();
}

/* ---- exceptions and interrupts ---- */

volatile struct caught caught;
volatile u64 trap_fixup;
irq_fn irq_handler[256];
volatile u32 irq_count[256];
volatile u8 irq_order[64];
volatile u32 irq_orders;

bool guest_trap(struct guest_trap *t)
{
	u8 vector = (u8)t->vector;

	irq_count[vector]++;
	irq_order[irq_orders++ % 64] = vector;
	if (irq_handler[vector]) {
		irq_handler[vector](t);
		return true;
	}
	if (vector >= 32) {
		if (vector != 0xff)
			apic_write(APIC_EOI, 0);
		return true;
	}
	if (!trap_fixup)
		return false;
	caught.vector = vector;
	caught.error = (u32)t->error;
	caught.rip = t->rip;
	caught.rflags = t->rflags;
	caught.rsp = t->rsp;
	__asm__ volatile("mov %%cr2, %0" : "=r"(caught.cr2));
	t->rip = trap_fixup;
	trap_fixup = 0;
	return true;
}

void irq_on(void)
{
	__asm__ volatile("sti" ::: "memory");
}

void irq_off(void)
{
	__asm__ volatile("cli" ::: "memory");
}

void irq_let_in(void)
{
	__asm__ volatile("sti; nop; nop; nop; nop; cli" ::: "memory");
}

static u8 *gate(unsigned vector)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr;

	__asm__ volatile("sidt %0" : "=m"(idtr));
	return (u8 *)idtr.base + vector * 16;
}

extern u64 gdt_tss[2];
static u8 *tss(void)
{
	u64 low = gdt_tss[0];

	return (u8 *)((low >> 16 & 0xffffff) | (low >> 56 & 0xff) << 24 | gdt_tss[1] << 32);
}

void gate_dpl(unsigned vector, unsigned dpl)
{
	gate(vector)[5] = (u8)(0x8e | dpl << 5);
}

void gate_ist(unsigned vector, unsigned ist, void *stack_top)
{
	if (ist)
		*(u64 *)(tss() + 36 + 8 * (ist - 1)) = (u64)stack_top;
	gate(vector)[4] = (u8)ist;
}

/* ---- registers ---- */

bool rdmsr_ok(u32 msr, u64 *value)
{
	u32 lo = 0, hi = 0;

	__asm__ volatile(GUARD("rdmsr") : "+a"(lo), "+d"(hi) : "c"(msr) : GUARD_CLOBBERS);
	*value = lo | (u64)hi << 32;
	return caught.vector == NO_TRAP;
}

bool wrmsr_ok(u32 msr, u64 value)
{
	__asm__ volatile(GUARD("wrmsr")::"c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : GUARD_CLOBBERS);
	return caught.vector == NO_TRAP;
}

u64 read_cr(unsigned n)
{
	u64 v = 0;

	switch (n) {
	case 0:
		__asm__ volatile("mov %%cr0, %0" : "=r"(v));
		break;
	case 2:
		__asm__ volatile("mov %%cr2, %0" : "=r"(v));
		break;
	case 3:
		__asm__ volatile("mov %%cr3, %0" : "=r"(v));
		break;
	case 4:
		__asm__ volatile("mov %%cr4, %0" : "=r"(v));
		break;
	case 8:
		__asm__ volatile("mov %%cr8, %0" : "=r"(v));
		break;
	}
	return v;
}

bool write_cr_ok(unsigned n, u64 value)
{
	switch (n) {
	case 0:
		__asm__ volatile(GUARD("mov %0, %%cr0")::"a"(value) : GUARD_CLOBBERS);
		break;
	case 3:
		__asm__ volatile(GUARD("mov %0, %%cr3")::"a"(value) : GUARD_CLOBBERS);
		break;
	case 4:
		__asm__ volatile(GUARD("mov %0, %%cr4")::"a"(value) : GUARD_CLOBBERS);
		break;
	case 8:
		__asm__ volatile(GUARD("mov %0, %%cr8")::"a"(value) : GUARD_CLOBBERS);
		break;
	}
	return caught.vector == NO_TRAP;
}

/* ---- APICs ---- */

#define XAPIC ((volatile u32 *)0xfee00000ul)

bool apic_is_x2(void)
{
	return rdmsr(MSR_APIC_BASE) & 0x400;
}

u32 apic_read(unsigned reg)
{
	return apic_is_x2() ? (u32)rdmsr(0x800 + reg / 16) : XAPIC[reg / 4];
}

void apic_write(unsigned reg, u32 value)
{
	if (apic_is_x2())
		wrmsr(0x800 + reg / 16, value);
	else
		XAPIC[reg / 4] = value;
}

void apic_icr(u32 low, u32 dest)
{
	if (apic_is_x2()) {
		wrmsr(0x830, (u64)dest << 32 | low);
		return;
	}
	XAPIC[APIC_ICR2 / 4] = dest << 24;
	XAPIC[APIC_ICR / 4] = low;
	while (XAPIC[APIC_ICR / 4] & 1u << 12)
		__asm__ volatile("pause");
}

void apic_self(u8 vector)
{
	apic_icr(1u << 18 | 1u << 14 | vector, 0);
}

bool apic_bit(unsigned reg, u8 vector)
{
	return apic_read(reg + vector / 32 * 16) >> (vector % 32) & 1;
}

void apic_mode(bool x2)
{
	u64 base = rdmsr(MSR_APIC_BASE) & ~0xc00ul;

	wrmsr(MSR_APIC_BASE, base);
	wrmsr(MSR_APIC_BASE, base | 0x800);
	if (x2)
		wrmsr(MSR_APIC_BASE, base | 0xc00);
	apic_write(APIC_SVR, 0x1ff);
	apic_write(APIC_TPR, 0);
}

#define IOAPIC ((volatile u32 *)0xfec00000ul)

u32 ioapic_read(u32 reg)
{
	IOAPIC[0] = reg;
	return IOAPIC[4];
}

void ioapic_write(u32 reg, u32 value)
{
	IOAPIC[0] = reg;
	IOAPIC[4] = value;
}

void ioapic_entry(unsigned line, u32 low, u8 dest)
{
	ioapic_write(0x10 + 2 * line, IOAPIC_MASKED);
	ioapic_write(0x11 + 2 * line, (u32)dest << 24);
	ioapic_write(0x10 + 2 * line, low);
}

void line_set(unsigned line, bool level)
{
	outb((u16)(0x2000 + line), level);
}

/* ---- time ---- */

u64 tsc_khz(void)
{
	u32 r[4];

	cpuid(0x40000010, 0, r);
	return r[0];
}

void wait_us(u32 us)
{
	u64 end = rdtsc() + tsc_khz() * us / 1000;

	while ((s64)(rdtsc() - end) < 0)
		;
}

u32 pm_timer(void)
{
	return inl(0x608);
}

/* ---- other CPUs and modes ---- */

extern u8 low_blob[], low_blob_end[], low_ap_idtr[];
extern u64 low_ap_stack, low_ap_fn;
extern u32 low_ap_id;
static volatile u32 ap_running;

#define AP_STACK 8192
#define AP_MAX	 8
static u8 ap_stacks[AP_MAX][AP_STACK] __attribute__((aligned(16)));

/* The code of modes.asm that has to lie below 1 MiB, at 0x8000 */
static void low_init(void)
{
	guest_protect(0x8000, 0x2000, GUEST_W | GUEST_X);
	memcpy((void *)0x8000, low_blob, (size_t)(low_blob_end - low_blob));
}

void ap_main(u32 id, void (*fn)(u32 id));
void ap_main(u32 id, void (*fn)(u32 id))
{
	__atomic_store_n(&ap_running, id, __ATOMIC_SEQ_CST);
	fn(id);
	for (;;)
		__asm__ volatile("cli; hlt");
}

bool cpu_start(u32 id, void (*fn)(u32 id))
{
	u64 end;

	low_init();
	__asm__ volatile("sidt (%0)" ::"r"(low_ap_idtr) : "memory");
	low_ap_stack = (u64)(ap_stacks[id % AP_MAX] + AP_STACK);
	low_ap_fn = (u64)fn;
	low_ap_id = id;
	ap_running = 0;
	apic_icr(0x4500, id);
	wait_us(200);
	apic_icr(0x4608, id);
	wait_us(200);
	apic_icr(0x4608, id);
	end = rdtsc() + tsc_khz() * 2000;
	while (ap_running != id)
		if (rdtsc() > end)
			return false;
	return true;
}

void user_pages(void)
{
	u64 *pml4 = (u64 *)guest_pml4, *pdpt = (u64 *)(pml4[0] & ~0xffful), *pt = (u64 *)guest_pt0;

	pml4[0] |= 4;
	for (u32 i = 0; i < 512; i++)
		if (pdpt[i] & 1) {
			u64 *pd = (u64 *)(pdpt[i] & ~0xffful);

			pdpt[i] |= 4;
			for (u32 k = 0; k < 512; k++)
				if (pd[k] & 1)
					pd[k] |= 4;
		}
	for (u32 i = 0; i < 512; i++)
		if (pt[i] & 1)
			pt[i] |= 4;
	__asm__ volatile("mov %0, %%cr3" ::"r"((u64)pml4) : "memory");
}

extern u64 user_saved_rsp;
extern u8 user_back[];
void user_enter(void (*fn)(void), void *stack_top);
static u8 user_stack[4096] __attribute__((aligned(16))), kernel_stack[8192] __attribute__((aligned(16)));

#define USER_DONE 0x81
static void user_done(struct guest_trap *t)
{
	t->cs = 8;
	t->ss = 16;
	t->rflags = 2;
	t->rip = (u64)user_back;
	t->rsp = user_saved_rsp;
}

void user_call(void (*fn)(void))
{
	*(u64 *)(tss() + 4) = (u64)(kernel_stack + sizeof(kernel_stack));
	irq_handler[USER_DONE] = user_done;
	gate_dpl(USER_DONE, 3);
	user_enter(fn, user_stack + sizeof(user_stack));
}

u32 low_call32(const void *fn32, u32 arg);
u32 low_enter16(u32 arg);

u32 call32(const void *fn32, u32 arg)
{
	low_init();
	return low_call32(fn32, arg);
}

u32 call16(const void *code, u32 bytes, u32 arg)
{
	low_init();
	memcpy((void *)0x9000, code, bytes);
	return low_enter16(arg);
}
