/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest tests share. A test is one file tests/guest/NAME.c with one property: test_main() checks it
 * and returns; the domain's exit code is 0 when every check held, the number of those that did not (at most
 * 37), or 38 when there was none to make. What differed is said in a line each.
 *
 * Lines in a test's source that the runner reads:
 *	create: OPTIONS		how its domain is created
 *	ends: REGEX		how its domain has to end, where that is not "exit 0"
 */
#ifndef TEST_H
#define TEST_H

#include "guest/lib/runtime.h"

void test_main(void);

/* ---- checks ---- */
void test_check(bool good, const char *file, int line, const char *fmt, ...) __printf(4, 5);
#define CHECK(cond, ...) test_check(cond, __FILE__, __LINE__, __VA_ARGS__)
#define EQ(got, want, what)                                                                                 \
	({                                                                                                  \
		u64 got_ = (u64)(got), want_ = (u64)(want);                                                 \
		test_check(got_ == want_, __FILE__, __LINE__, "%s: %lx instead of %lx", what, got_, want_); \
	})
/* QEMU without KVM: its processor does not check all that processors check, and its time is the host's. What
 * is left out for its sake says so. */
bool on_tcg(void);
void test_skip(const char *why); /* says so; counts as no check */
void __attribute__((noreturn)) test_end(void);

/* ---- exceptions that a test wants ---- */
#define NO_TRAP 256u
struct caught {
	u32 vector, error;
	u64 rip, rflags, cr2, rsp;
};
extern volatile struct caught caught;
extern volatile u64 trap_fixup;

/* Assembly that may fault: the first exception ends it, and `caught` says which; NO_TRAP if none came.
 * Changes R11. */
#define GUARD(insn)                                                       \
	"movl $256, caught(%%rip)\n\tlea 9f(%%rip), %%r11\n\tmov %%r11, " \
	"trap_fixup(%%rip)\n\t" insn "\n9:\tmovq $0, trap_fixup(%%rip)\n\t"
#define GUARD_CLOBBERS "r11", "memory", "cc"
/* Runs instructions without operands and gives the vector that came. */
#define TRAP_OF(insn)                                                                        \
	({                                                                                   \
		__asm__ volatile(GUARD(insn)::: GUARD_CLOBBERS, "rax", "rbx", "rcx", "rdx"); \
		caught.vector;                                                               \
	})
#define DE  0
#define DB  1
#define NMI 2
#define BP  3
#define UD  6
#define NM  7
#define DF  8
#define NP  11
#define SS  12
#define GP  13
#define PF  14
#define AC  17

/* MSRs and control registers that may refuse. True: no exception. */
bool rdmsr_ok(u32 msr, u64 *value);
bool wrmsr_ok(u32 msr, u64 value);
u64 read_cr(unsigned n);
bool write_cr_ok(unsigned n, u64 value);

/* ---- interrupts ---- */
typedef void (*irq_fn)(struct guest_trap *t);
extern irq_fn irq_handler[256];	    /* instead of counting and EOI; exceptions too */
extern volatile u32 irq_count[256]; /* how often each came */
extern volatile u8 irq_order[64];   /* the last vectors, in their order */
extern volatile u32 irq_orders;
void irq_on(void);
void irq_off(void);
void irq_let_in(void); /* STI and some instructions, then CLI */
void gate_dpl(unsigned vector, unsigned dpl);
void gate_ist(unsigned vector, unsigned ist, void *stack_top); /* 0: none */

/* ---- local and I/O APIC ---- */
#define APIC_ID		 0x20
#define APIC_VER	 0x30
#define APIC_TPR	 0x80
#define APIC_PPR	 0xa0
#define APIC_EOI	 0xb0
#define APIC_LDR	 0xd0
#define APIC_DFR	 0xe0
#define APIC_SVR	 0xf0
#define APIC_ISR	 0x100
#define APIC_TMR	 0x180
#define APIC_IRR	 0x200
#define APIC_ESR	 0x280
#define APIC_ICR	 0x300
#define APIC_ICR2	 0x310
#define APIC_LVTT	 0x320
#define APIC_LINT0	 0x350
#define APIC_LINT1	 0x360
#define APIC_LVTE	 0x370
#define APIC_TMICT	 0x380
#define APIC_TMCCT	 0x390
#define APIC_TDCR	 0x3e0
#define LVT_MASKED	 0x10000u
#define LVT_PERIODIC	 0x20000u
#define LVT_DEADLINE	 0x40000u
#define MSR_APIC_BASE	 0x1bu
#define MSR_TSC_DEADLINE 0x6e0u

void apic_mode(bool x2); /* enabled in that mode, by way of "off"; SVR 0x1ff, TPR 0 */
bool apic_is_x2(void);
u32 apic_read(unsigned reg);
void apic_write(unsigned reg, u32 value);
void apic_icr(u32 low, u32 dest);	/* waits until it was sent */
void apic_self(u8 vector);		/* a fixed interrupt to this CPU */
bool apic_bit(unsigned reg, u8 vector); /* of ISR, TMR, IRR */
u32 ioapic_read(u32 reg);
void ioapic_write(u32 reg, u32 value);
void ioapic_entry(unsigned line, u32 low, u8 dest);
#define IOAPIC_LEVEL  (1u << 15)
#define IOAPIC_RIRR   (1u << 14)
#define IOAPIC_MASKED (1u << 16)
void line_set(unsigned line, bool level); /* the test device's */

/* ---- time ---- */
u64 tsc_khz(void);    /* as CPUID leaf 0x40000010 has it */
void wait_us(u32 us); /* busy */
u32 pm_timer(void);   /* 3579545 Hz */

/* ---- other CPUs and modes (modes.asm) ---- */
/* Starts the next vCPU at fn(id) with a stack of its own, interrupts off; true when it has got there. */
bool cpu_start(u32 id, void (*fn)(u32 id));
/* Sets U in every page-table entry, so that ring 3 sees what we see. */
void user_pages(void);
/* Runs fn at CPL 3, interrupts off, until it returns; its exceptions go to GUARD or end the test. */
void user_call(void (*fn)(void));
/* Down to 32-bit protected mode without paging, flat; fn32 is a 32-bit function at an address below 4 GiB
 * that is called with `arg` in EAX and returns EAX by a near return. And back. */
u32 call32(const void *fn32, u32 arg);
/* Further down to real mode: copies code[0..bytes) to 0x9000 and calls it there (CS 0x900, IP 0, DS ES SS 0)
 * with `arg` in EAX; it returns EAX by a far return (RETF). Page 0, with the interrupt vectors, is its own.
 */
u32 call16(const void *code, u32 bytes, u32 arg);

#endif
