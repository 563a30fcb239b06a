/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each kind of exit costs, seen from inside: the difference of two readings of the TSC around one
 * operation, less that of an empty pair, less the instructions that set the operation up. Where a tick is an
 * instruction (Bochs, one CPU), what does not exit gives 1. RDTSC stands twice, for in Bochs only the second
 * reads the TSC of its own moment.
 *
 * One line per operation, `bench NAME min= median= max= mean= n=`, after it was measured: nothing is printed
 * meanwhile. Wants 64 MiB, --testdev, --lazy for the first touches, and --vcpus 2 for what goes to another.
 */
#include "guest/lib/hypercall.h"
#include "guest/lib/runtime.h"
#include "guest/lib/string.h"

#define SAMPLES 200
#define WARM_UP 20
#define REFUSED (~0ull)
#define LAPIC	0xfee00000ul
#define IOAPIC	0xfec00000ul
#define TESTDEV 0xfeb00000ul

extern u8 bench_irq_x2[], bench_irq_silent[], bench_irq_mmio[];
extern const u8 bench_ap[], bench_ap_end[];
extern volatile u64 bench_irqs;

/* Where an operation that faults goes on */
volatile u64 bench_fixup;
static u64 fault_vector;

bool guest_trap(struct guest_trap *t)
{
	if (!bench_fixup)
		return false;
	fault_vector = t->vector;
	t->rip = bench_fixup;
	t->rax = REFUSED;
	return true;
}

/* An operation: p is in RDI, q in RSI; it may change all but RSP, RBP, R14 and R15.
 * Gives the ticks, or REFUSED. */
typedef u64 (*op_fn)(u64 p, u64 q);
#define OP(name, code)                                                                                      \
	static u64 __attribute__((noinline)) op_##name(u64 p, u64 q)                                        \
	{                                                                                                   \
		u64 ticks;                                                                                  \
                                                                                                            \
		__asm__ volatile("lea 9f(%%rip), %%rax; mov %%rax, bench_fixup(%%rip)\n\t"                  \
				 "rdtsc; rdtsc; shl $32, %%rdx; or %%rdx, %%rax; mov %%rax, %%r14\n\t" code \
				 "\n\trdtsc; rdtsc; shl $32, %%rdx; or %%rdx, %%rax; sub %%r14, %%rax\n"    \
				 "9:\tmovq $0, bench_fixup(%%rip)"                                          \
				 : "=&a"(ticks), "+D"(p), "+S"(q)                                           \
				 :                                                                          \
				 : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14",      \
				   "memory", "cc");                                                         \
		return ticks;                                                                               \
	}

OP(empty, "")
OP(loop1000, "mov $1000, %%rcx; 1: dec %%rcx; jnz 1b")
OP(rep_stos, "mov $512, %%ecx; xor %%eax, %%eax; rep stosq")
OP(rep_movs, "mov $512, %%ecx; rep movsb")
OP(pause, "pause")
OP(cpuid0, "xor %%eax, %%eax; cpuid")
OP(vmcall, "mov %%rdi, %%rax; vmcall")
OP(vmmcall, "mov %%rdi, %%rax; vmmcall")
OP(rdmsr, "mov %%edi, %%ecx; rdmsr")
OP(wrmsr, "mov %%edi, %%ecx; mov %%esi, %%eax; mov %%rsi, %%rdx; shr $32, %%rdx; wrmsr")
OP(in8, "mov %%edi, %%edx; inb %%dx, %%al")
OP(out8, "mov %%edi, %%edx; mov %%esi, %%eax; outb %%al, %%dx")
OP(read32, "mov (%%rdi), %%eax")
OP(write32, "movl %%esi, (%%rdi)")
OP(write8, "movb $1, (%%rdi)")
OP(xsetbv, "mov %%esi, %%eax; xor %%edx, %%edx; xor %%ecx, %%ecx; xsetbv")
OP(wbinvd, "wbinvd")
OP(invlpg, "invlpg (%%rdi)")
OP(rdcr4, "mov %%cr4, %%rax")
OP(wrcr0, "mov %%rdi, %%cr0")
OP(wrcr3, "mov %%rdi, %%cr3")
OP(wrcr4, "mov %%rdi, %%cr4")
OP(rddr7, "mov %%dr7, %%rax")
OP(sti_hlt, "sti; hlt; cli")
/* a write that sends this CPU an interrupt, and the wait for its handler */
OP(ipi_msr, "mov bench_irqs(%%rip), %%r12; mov %%edi, %%ecx; mov %%esi, %%eax; xor %%edx, %%edx; wrmsr;"
	    "1: cmp bench_irqs(%%rip), %%r12; je 1b")
OP(ipi_mmio, "mov bench_irqs(%%rip), %%r12; movl %%esi, (%%rdi); 1: cmp bench_irqs(%%rip), %%r12; je 1b")

/* a write that wakes another CPU, and the sleep until its answer */
OP(ipi_vcpu, "mov bench_irqs(%%rip), %%r12; mov $0x830, %%ecx; mov $0x45, %%eax; mov $1, %%edx; wrmsr;"
	     "1: sti; hlt; cli; cmp bench_irqs(%%rip), %%r12; je 1b")

/* The timer is only a way out, should the interrupt come before the HLT. */
static u64 op_hlt_pending(u64 p, u64 q)
{
	wrmsr(0x838, 2000000);
	wrmsr(0x83f, 0x40);
	return op_sti_hlt(p, q);
}

/* What the sender alone spends; then a way there and back, so that the other sleeps again. */
static u64 op_ipi_send(u64 p, u64 q)
{
	u64 ticks = op_wrmsr(0x830, 1ull << 32 | 0x47);

	op_ipi_vcpu(p, q);
	return ticks;
}

/* An EOI with an interrupt in service: 0x43 is the vector whose handler sends none. */
static u64 op_eoi_x2(u64 p, u64 q)
{
	(void)p;
	(void)q;
	wrmsr(0x83f, 0x43);
	__asm__ volatile("sti; nop; nop; cli");
	return op_wrmsr(0x80b, 0);
}

static u64 op_eoi_mmio(u64 p, u64 q)
{
	(void)p;
	(void)q;
	*(volatile u32 *)(LAPIC + 0x300) = 0x40043;
	__asm__ volatile("sti; nop; nop; cli");
	return op_write32(LAPIC + 0xb0, 0);
}

/* ---- samples ---- */

static u64 sample[1024], empty;

static void sort(u64 *s, u32 n)
{
	for (u32 i = 1; i < n; i++) {
		u64 v = s[i];
		u32 k = i;

		for (; k > 0 && s[k - 1] > v; k--)
			s[k] = s[k - 1];
		s[k] = v;
	}
}

static void report(const char *name, u32 n)
{
	u64 sum = 0;

	sort(sample, n);
	for (u32 i = 0; i < n; i++)
		sum += sample[i];
	guest_printf("bench %s min=%lu median=%lu max=%lu mean=%lu n=%u\n", name, sample[0], sample[n / 2],
		     sample[n - 1], sum / n, n);
}

/* `set_up` instructions of the operation only prepare it. */
static void measure(const char *name, op_fn op, u64 p, u64 q, u32 set_up)
{
	for (u32 i = 0; i < WARM_UP + SAMPLES; i++) {
		u64 ticks = op(p, q);

		if (ticks == REFUSED) {
			guest_printf("skip %s exception=%lu\n", name, fault_vector);
			return;
		}
		if (i >= WARM_UP)
			sample[i - WARM_UP] = ticks - empty - set_up;
	}
	report(name, SAMPLES);
}

/* Each place once, so there is no warming up. */
static void touch(const char *name, u64 from, u64 stride, u32 n)
{
	if (from + stride * n > guest_ram_end()) {
		guest_printf("skip %s memory\n", name);
		return;
	}
	for (u32 i = 0; i < n; i++)
		sample[i] = op_write8(from + i * stride, 0) - empty;
	report(name, n);
}

/* ---- groups ---- */

static void set_gate(u32 vector, const void *handler)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr;
	u64 at = (u64)handler;

	__asm__ volatile("sidt %0" : "=m"(idtr));
	u64 *gate = (u64 *)(idtr.base + 16ul * vector);
	gate[0] = (at & 0xffff) | 8ul << 16 | 0x8eul << 40 | (at >> 16 & 0xffff) << 48;
	gate[1] = at >> 32;
}

static void calibrate(void)
{
	static u8 buffer[8192];

	empty = REFUSED;
	for (u32 i = 0; i < 50; i++) {
		u64 ticks = op_empty(0, 0);

		empty = MIN(empty, ticks);
	}
	guest_printf("info empty_pair=%lu\n", empty);
	measure("calib_loop2000", op_loop1000, 0, 0, 1);
	measure("calib_repstos512", op_rep_stos, (u64)buffer, 0, 2);
	measure("calib_repmovsb512", op_rep_movs, (u64)buffer, (u64)buffer + 4096, 1);
}

static u64 cr(u32 n)
{
	u64 v;

	if (n == 0)
		__asm__ volatile("mov %%cr0, %0" : "=r"(v));
	else if (n == 3)
		__asm__ volatile("mov %%cr3, %0" : "=r"(v));
	else
		__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}

static void instructions(void)
{
	op_fn call = guest_is_amd ? op_vmmcall : op_vmcall;
	u32 r[4], lo, hi;

	measure("pause", op_pause, 0, 0, 0);
	measure("cpuid0", op_cpuid0, 0, 0, 1);
	measure("vmcall_nosys", call, 9999, 0, 1);
	measure("vmcall_caisson_version", call, CAISSON_CALL_version, 0, 1);
	measure("rdmsr_apic_base", op_rdmsr, 0x1b, 0, 1);
	measure("wrmsr_pat", op_wrmsr, 0x277, rdmsr(0x277), 4);
	measure("wrmsr_ucode_rev", op_wrmsr, 0x8b, 0, 4);
	measure("rdcr4", op_rdcr4, 0, 0, 0);
	measure("wrcr4_same", op_wrcr4, cr(4), 0, 0);
	measure("wrcr3_same", op_wrcr3, cr(3), 0, 0);
	measure("wrcr0_same", op_wrcr0, cr(0), 0, 0);
	measure("rddr7", op_rddr7, 0, 0, 0);
	cpuid(1, 0, r);
	if (r[2] >> 26 & 1) {
		__asm__ volatile("mov %0, %%cr4" ::"r"(cr(4) | 1ul << 18));
		__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
		measure("xsetbv_same", op_xsetbv, 0, lo, 3);
	}
	measure("wbinvd", op_wbinvd, 0, 0, 0);
	measure("invlpg", op_invlpg, 0x1000000, 0, 0);
}

/* 0x61, 0x21, 0xcf8: as in the peers' page; 0x3ff: the scratch register of the device model's 16550. */
static void devices(void)
{
	measure("in_61", op_in8, 0x61, 0, 1);
	measure("in_21", op_in8, 0x21, 0, 1);
	measure("in_cf8", op_in8, 0xcf8, 0, 1);
	measure("out_3ff", op_out8, 0x3ff, 0x55, 2);
	measure("in_3ff", op_in8, 0x3ff, 0, 1);
	measure("mmio_user_read", op_read32, TESTDEV, 0, 0);
	measure("mmio_user_write", op_write32, TESTDEV, 0, 0);
	measure("mmio_posted_write", op_write32, TESTDEV + 0x800, 0, 0);
	measure("mmio_nothing_read", op_read32, 0xf0000000, 0, 0);
	measure("ioapic_mmio_read", op_read32, IOAPIC, 0, 0);
}

static void xapic(void)
{
	if (rdmsr(0x1b) & 0x400) {
		guest_printf("skip lapic_mmio: already in x2APIC mode\n");
		return;
	}
	*(volatile u32 *)(LAPIC + 0xf0) = 0x1ff;
	measure("lapic_mmio_read_id", op_read32, LAPIC + 0x20, 0, 0);
	measure("lapic_mmio_read_tmcct", op_read32, LAPIC + 0x390, 0, 0);
	measure("lapic_mmio_write_tpr", op_write32, LAPIC + 0x80, 0, 0);
	measure("lapic_mmio_eoi_none_in_service", op_write32, LAPIC + 0xb0, 0, 0);
	measure("lapic_mmio_eoi", op_eoi_mmio, 0, 0, 0);
	__asm__ volatile("sti");
	measure("lapic_mmio_selfipi_icr", op_ipi_mmio, LAPIC + 0x300, 0x40044, 1);
	__asm__ volatile("cli");
	measure("lapic_mmio_write_svr", op_write32, LAPIC + 0xf0, 0x1ff, 0);
	measure("lapic_mmio_write_lvtt", op_write32, LAPIC + 0x320, 0x10042, 0);
}

static void x2apic(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] >> 21 & 1)) {
		guest_printf("skip x2apic: not in CPUID\n");
		return;
	}
	wrmsr(0x1b, rdmsr(0x1b) | 0xc00);
	wrmsr(0x80f, 0x1ff);
	wrmsr(0x808, 0);
	measure("x2apic_read_id", op_rdmsr, 0x802, 0, 1);
	measure("x2apic_read_tmcct", op_rdmsr, 0x839, 0, 1);
	measure("x2apic_write_tpr", op_wrmsr, 0x808, 0, 4);
	measure("x2apic_eoi_none_in_service", op_wrmsr, 0x80b, 0, 4);
	measure("x2apic_eoi", op_eoi_x2, 0, 0, 4);
	wrmsr(0x83e, 0xb);
	wrmsr(0x832, 0x10042);
	measure("x2apic_write_tmict", op_wrmsr, 0x838, 0x7fffffff, 4);
	wrmsr(0x838, 0);
	if (r[2] >> 24 & 1) {
		wrmsr(0x832, 0x50042);
		measure("wrmsr_tsc_deadline_far", op_wrmsr, 0x6e0, rdtsc() + (1ul << 40), 4);
		wrmsr(0x6e0, 0);
	} else {
		guest_printf("skip wrmsr_tsc_deadline_far: not in CPUID\n");
	}
	__asm__ volatile("sti");
	measure("x2apic_selfipi_msr83f", op_ipi_msr, 0x83f, 0x40, 4);
	measure("x2apic_selfipi_icr", op_ipi_msr, 0x830, 0x40040, 4);
	__asm__ volatile("cli");
	wrmsr(0x832, 0x42);
	measure("hlt_irq_pending", op_hlt_pending, 0, 0, 2);
	wrmsr(0x838, 0);
	wrmsr(0x832, 0x10042);
}

/* vCPU 1, where the domain has one, asleep in bench_ap */
static void other_vcpu(void)
{
	u64 end = rdtsc() + (1ull << 26), before = bench_irqs;

	if (!(rdmsr(0x1b) & 0x400)) {
		guest_printf("skip x2apic_ipi_vcpu: no x2APIC\n");
		return;
	}
	guest_protect(0x7000, 8192, GUEST_R | GUEST_W);
	memset((void *)0x7000, 0, 4096); /* its stack is there before an interrupt needs it */
	memcpy((void *)0x8000, bench_ap, (u64)(bench_ap_end - bench_ap));
	wrmsr(0x830, 1ull << 32 | 0x4500);
	wrmsr(0x830, 1ull << 32 | 0x4608);
	__asm__ volatile("sti");
	while (bench_irqs == before && rdtsc() < end)
		__asm__ volatile("pause");
	__asm__ volatile("cli");
	if (bench_irqs == before) {
		guest_printf("skip x2apic_ipi_vcpu: no second vCPU\n");
		return;
	}
	measure("x2apic_ipi_send", op_ipi_send, 0, 0, 4);
	measure("x2apic_ipi_vcpu", op_ipi_vcpu, 0, 0, 4);
}

/* Where nobody was before: behind us up to 2 MiB, which no large page can hold; 16 to 20 MiB page by page, 32
 * to 56 MiB by 2 MiB. */
static void first_touches(void)
{
	u64 behind = ALIGN_UP((u64)image_end, PAGE_SIZE);

	touch("touch_4k_small", behind, 4096, (u32)((0x200000 - behind) / PAGE_SIZE));
	touch("touch_4k_region4k", 16ul << 20, 4096, 1024);
	touch("touch_again_4k", 16ul << 20, 4096, 1024);
	touch("touch_2m_region2m", 32ul << 20, 2ul << 20, 12);
	touch("touch_4k_region2m", 32ul << 20, 4096, 1024);
}

int guest_main(const struct hvm_start_info *si)
{
	(void)si;
	set_gate(0x40, bench_irq_x2);
	set_gate(0x42, bench_irq_x2);
	set_gate(0x43, bench_irq_silent);
	set_gate(0x44, bench_irq_mmio);
	set_gate(0x46, bench_irq_x2);
	set_gate(0xff, bench_irq_silent);
	calibrate();
	instructions();
	devices();
	first_touches();
	xapic();
	x2apic();
	other_vcpu();
	guest_printf("bench-end\n");
	return 0;
}
