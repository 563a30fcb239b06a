/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/asm.h"
#include "arch/x86/cet.h"
#include "arch/x86/hostmap.h"
#include "arch/x86/irq.h"
#include "arch/x86/lapic.h"
#include "arch/x86/percpu.h"
#include "arch/x86/power.h"
#include "arch/x86/regs.h"
#include "arch/x86/traps.h"
#include "hv/arch.h"
#include "hv/domain.h"
#include "hv/frame.h"
#include "hv/log.h"
#include "hv/main.h"
#include "hv/panic.h"

/* SDM volume 3, "64-Bit Mode IDT": an interrupt gate */
struct gate {
	u16 low, selector;
	u8 ist, type;
	u16 mid;
	u32 high, rsvd;
};
_Static_assert(sizeof(struct gate) == 16, "SDM: 64-Bit IDT Gate Descriptors");
#define GATE_INTERRUPT 0x8e
#define STUB_BYTES     16
/* for the other CPUs to say where they are; an emulated one may have to wait for its turn */
#define STOP_MS 1000

struct fixup {
	u64 at, to;
};
extern const struct fixup fixup_start[], fixup_end[];
extern const u8 image_text[], image_text_end[];

static struct gate idt[256] __aligned(4096) __ro_after_init;
static const struct trap_frame *panic_frame; /* the exception that is the reason */
static struct x86_pcpu *stopper;	     /* the CPU that stops all others */
static bool machine_checked;

void traps_init(void)
{
	for (u32 v = 0; v < 256; v++) {
		u64 stub = (u64)trap_stubs + v * STUB_BYTES;

		idt[v] = (struct gate){
			.low = (u16)stub,
			.mid = (u16)(stub >> 16),
			.high = (u32)(stub >> 32),
			.selector = SEL_CODE,
			.ist = v == X86_DF    ? IST_DF
			       : v == X86_NMI ? IST_NMI
			       : v == X86_MC  ? IST_MC
					      : 0,
			.type = GATE_INTERRUPT,
		};
	}
}

void traps_load(void)
{
	struct desc_ptr p = { sizeof(idt) - 1, (u64)idt };

	lidt(&p);
}

static bool fix_up(struct trap_frame *f, u64 ssp)
{
	for (const struct fixup *x = fixup_start; x < fixup_end; x++) {
		if (x->at == f->rip) {
			f->rip = x->to;
			cet_return_to(ssp, x->to);
			return true;
		}
	}
	return false;
}

static const char *exception_name(u64 v)
{
	static const char *const names[] = { "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
					     "#DF", "9",   "#TS", "#NP", "#SS", "#GP", "#PF", "15",
					     "#MF", "#AC", "#MC", "#XM", "#VE", "#CP" };

	return v < ARRAY_SIZE(names) ? names[v] : "exception";
}

void nmi_handle(const struct trap_frame *f)
{
	struct x86_pcpu *c = x86_this_cpu();

	c->nmis++;
	if (!READ_ONCE(stopper) && watchdog_nmi(&c->hv)) {
		panic_frame = f;
		panic("CPU %u hangs with interrupts off", c->hv.id);
	}
	if (!READ_ONCE(stopper) || stopper == c)
		return;
	c->stop_rip = f ? f->rip : (u64)__builtin_return_address(0);
	__atomic_store_n(&c->stop_rsp, f ? f->rsp : (u64)__builtin_frame_address(0), __ATOMIC_RELEASE);
	arch_panic_halt();
}

void machine_check(struct trap_frame *f)
{
	panic_frame = f;
	machine_checked = true;
	panic("machine check on CPU %u", this_cpu()->id);
}

void trap_handle(struct trap_frame *f, u64 ssp)
{
	hpa_t pa;

	if (likely(f->vector >= VEC_FIRST)) {
		irq_dispatch((u32)f->vector);
		return;
	}
	/* The exit switches a guest's breakpoints off.
	 * QEMU's #VMEXIT does not: also where GS is still the guest's. */
	if (f->vector == X86_DB) {
		f->rflags |= RFLAGS_RF;
		return;
	}
	if (f->vector == X86_NMI) {
		nmi_handle(f);
		return;
	}
	if ((f->vector == X86_GP || f->vector == X86_UD || f->vector == X86_PF) && fix_up(f, ssp))
		return;
	if (f->vector == X86_SX) { /* VM_CR.R_INIT: an INIT was sent to a CPU that is ours */
		log_guest("INIT signal ignored");
		return;
	}
	if (f->vector == X86_MC)
		machine_check(f);
	if (!panic_active())
		panic_frame = f;
	if (f->vector == X86_PF && hostmap_ram(read_cr2(), &pa) && frame_owner(pa) != FRAME_NO_OWNER)
		panic("frame %#lx of %u is reached outside a window on CPU %u at %#lx", pa.v, frame_owner(pa),
		      this_cpu()->id, f->rip);
	panic("%s in the hypervisor on CPU %u at %#lx, error code %#lx, CR2 %#lx", exception_name(f->vector),
	      this_cpu()->id, f->rip, f->error, read_cr2());
}

/* ---- the report ---- */
void arch_panic_stop_others(void)
{
	struct x86_pcpu *none = NULL;

	/* The first one wins; another that tries at the same time is stopped itself. */
	CAS(&stopper, &none, x86_this_cpu());
	if (cpus_online() > 1)
		lapic_nmi_others();
}

static void print_registers(const struct trap_frame *f)
{
	static const char *const names[] = { "r15", "r14", "r13", "r12", "r11", "r10", "r9 ", "r8 ",
					     "rbp", "rdi", "rsi", "rdx", "rcx", "rbx", "rax" };
	const u64 *r = &f->r15;

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		panic_printf("%s %016lx%s", names[i], r[i], i % 4 == 3 ? "\n" : "  ");
	panic_printf("\nrip %016lx  rsp %016lx  rflags %08lx\n", f->rip, f->rsp, f->rflags);
}

/* SDM volume 3, "Machine-Check Architecture": what the banks say. */
static void print_machine_check(void)
{
	u64 banks = rdmsr(MSR_MCG_CAP) & 0xff, status, addr;

	panic_printf("MCG_STATUS %016lx\n", rdmsr(MSR_MCG_STATUS));
	for (u32 i = 0; i < banks; i++) {
		if (!rdmsr_safe(MSR_MC0_STATUS + 4 * i, &status) || !(status & BIT(63)))
			continue;
		if (!(status & BIT(58)) || !rdmsr_safe(MSR_MC0_ADDR + 4 * i, &addr))
			addr = 0;
		panic_printf("bank %u: status %016lx address %016lx\n", i, status, addr);
	}
}

/* No frame pointers: every word of the stack that points into the text is a caller, or was one.
 * scripts/backtrace knows better. */
static void print_callers(const struct x86_pcpu *c, u64 sp)
{
	u64 top = c->stack_top, bottom = top - STACK_BYTES;
	u32 shown = 0;

	if (c->hv.current)
		panic_printf("has vCPU %u:%u\n", c->hv.current->domain->id, c->hv.current->id);
	if (sp < bottom && bottom - sp <= PAGE_SIZE) { /* in the guard page */
		panic_printf("the stack of this CPU is used up: %#lx is below it\n", sp);
		sp = bottom;
	}
	panic_printf("possible callers:");
	if (sp >= bottom && sp < top) {
		for (const u64 *p = (const u64 *)ALIGN_UP(sp, 8); (u64)p < top && shown < 32; p++) {
			/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a stack is not at 0 */
			if (*p > (u64)image_text && *p < (u64)image_text_end)
				panic_printf("%s%lx", shown++ % 6 ? " " : "\n  ", *p);
		}
	}
	panic_printf(shown ? "\n" : " (not on the CPU's main stack)\n");
}

void arch_panic_report(void)
{
	struct x86_pcpu *c = x86_this_cpu(), *o;
	const struct trap_frame *f = panic_frame;
	u64 until = rdtsc() + arch_tsc_khz() * STOP_MS;

	panic_printf("CPU %u, APIC id %u, %u online\n", c->hv.id, c->apic_id, cpus_online());
	if (machine_checked)
		print_machine_check();
	if (f)
		print_registers(f);
	panic_printf("cr0 %lx  cr2 %lx  cr3 %lx  cr4 %lx\n", read_cr0(), read_cr2(), read_cr3(), read_cr4());
	print_callers(c, f ? f->rsp : (u64)__builtin_frame_address(0));
	for (u32 i = 0; i < cpus_online(); i++) {
		o = x86_cpu(cpu_by_id(i));
		if (o == c)
			continue;
		while (!__atomic_load_n(&o->stop_rsp, __ATOMIC_ACQUIRE) && rdtsc() < until)
			arch_pause();
		if (o->stop_rsp)
			panic_printf("CPU %u, APIC id %u: rip %016lx\n", i, o->apic_id, o->stop_rip);
		else
			panic_printf("CPU %u, APIC id %u does not answer\n", i, o->apic_id);
		print_callers(o, o->stop_rsp);
	}
}

void arch_panic_end(void)
{
	static bool tried;

	if (hv_options.panic_reboot && !tried) {
		tried = true;
		arch_reboot();
	}
	/* Emulators can end here; a machine stays as it is for whoever reads the line. */
	power_emulator_exit();
	arch_panic_halt();
}

void arch_panic_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}
