/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C half of the start of our own guests: descriptor tables, exceptions, and the ways to print and to end.
 */
#include "guest/lib/runtime.h"
#include "guest/lib/string.h"

#define weak __attribute__((weak))

u8 guest_is_amd;

struct idt_gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, reserved;
} __attribute__((packed));

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, iomap;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "SDM: 64-Bit TSS Format");

#define SEL_CODE 8
#define SEL_TSS	 24
#define GATE_INT 0x8e
#define DF	 8

static struct idt_gate idt[256];
static struct tss tss;
static u8 df_stack[2048] __attribute__((aligned(16)));

extern u8 trap_stubs[]; /* 16 bytes each */
extern u64 gdt_tss[2];

void guest_trap_entry(struct guest_trap *t);
void guest_start(const struct hvm_start_info *si);

static void tables_init(void)
{
	const struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (u64)idt };
	u64 base = (u64)&tss;

	for (u32 v = 0; v < 256; v++) {
		u64 at = (u64)trap_stubs + 16ul * v;

		idt[v] = (struct idt_gate){ .offset_low = (u16)at,
					    .selector = SEL_CODE,
					    .type = GATE_INT,
					    .offset_mid = (u16)(at >> 16),
					    .offset_high = (u32)(at >> 32) };
	}
	/* A stack overflow runs into the guard page
	 * and has no stack to push its page fault on: #DF brings its own. */
	tss.ist[0] = (u64)(df_stack + sizeof(df_stack));
	tss.iomap = sizeof(tss);
	idt[DF].ist = 1;
	gdt_tss[0] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
	gdt_tss[1] = base >> 32;
	__asm__ volatile("lidt %0; ltr %w1" ::"m"(idtr), "r"(SEL_TSS));
}

/* A null pointer faults, unless the loader put something
 * into page zero (QEMU puts the command line there). */
static void page_zero_init(const struct hvm_start_info *si)
{
	if ((u64)si >= PAGE_SIZE && si->cmdline - 1 >= PAGE_SIZE - 1 && si->memmap - 1 >= PAGE_SIZE - 1)
		*(u64 *)guest_pt0 = 0;
	__asm__ volatile("invlpg (%0)" ::"r"(0ul) : "memory");
}

void guest_start(const struct hvm_start_info *si)
{
	u32 r[4];

	tables_init();
	page_zero_init(si);
	cpuid(0, 0, r);
	guest_is_amd =
		r[2] == 0x444d4163 || r[2] == 0x656e6975; /* "cAMD" and "uine" of AMD's and Hygon's names */
	guest_exit((u32)guest_main(si));
}

weak void guest_write(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			outb(0x3f8, '\r');
		outb(0x3f8, (u8)text[i]);
	}
}

weak void guest_exit(u32 code)
{
	for (;;) {
		outl(0xf4, code);
		__asm__ volatile("cli; hlt");
	}
}

weak bool guest_trap(struct guest_trap *t)
{
	(void)t;
	return false;
}

void guest_printf(const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	guest_write(buf, MIN((size_t)n, sizeof(buf) - 1));
}

void guest_trap_entry(struct guest_trap *t)
{
	static bool dying;
	u64 cr2;

	if (!dying && guest_trap(t))
		return;
	if (dying) /* printing it fails too */
		guest_exit(0x100 + (u32)t->vector);
	dying = true;
	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	guest_printf("\nexception %lu error %lx at %lx:%lx cr2 %lx flags %lx\n", t->vector, t->error, t->cs,
		     t->rip, cr2, t->rflags);
	guest_printf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", t->rax, t->rbx, t->rcx, t->rdx);
	guest_printf("rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", t->rsi, t->rdi, t->rbp, t->rsp);
	guest_printf("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", t->r8, t->r9, t->r10, t->r11);
	guest_printf("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", t->r12, t->r13, t->r14, t->r15);
	guest_exit(0x100 + (u32)t->vector);
}

void guest_protect(u64 at, u64 bytes, u32 prot)
{
	u64 *pt = (u64 *)guest_pt0;

	for (u64 a = ALIGN_DOWN(at, PAGE_SIZE); a < at + bytes && a < 0x200000; a += PAGE_SIZE) {
		pt[a / PAGE_SIZE] = a | 1 | (prot & GUEST_W ? 2 : 0) | (prot & GUEST_X ? 0 : 1ull << 63);
		__asm__ volatile("invlpg (%0)" ::"r"(a) : "memory");
	}
}

const char *guest_cmdline(void)
{
	return guest_start_info->cmdline ? (const char *)guest_start_info->cmdline : "";
}

u64 guest_ram_end(void)
{
	const struct hvm_memmap *m = (const struct hvm_memmap *)guest_start_info->memmap;

	for (u32 i = 0; i < guest_start_info->memmap_entries; i++)
		if (m[i].type == 1 && m[i].addr <= 0x100000 && m[i].addr + m[i].size > 0x100000)
			return m[i].addr + m[i].size;
	return 0;
}
