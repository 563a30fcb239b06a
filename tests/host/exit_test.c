/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of each exit, and the walk through a guest's own tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/pvclock.h"
#include "arch/x86/regs.h"
#include "hv/arch.h"
#include "tests/host/fake_asm.h"
#include "tests/host/guest_cpu.h"

static int setup(void **state)
{
	(void)state;
	guest_reset();
	return 0;
}

u8 in8(u16 port)
{
	(void)port;
	return 0xff;
}

void out8(u16 port, u8 v)
{
	(void)port, (void)v;
}

/* The exit, of an instruction of 3 bytes: does the vCPU go on at once? */
#define EXIT(...) exit_handle(vcpu, &(struct vm_exit){ .insn_len = 3, __VA_ARGS__ })
#define IS(k)	  EXIT(.kind = EXIT_##k)

static void each_kind(void **state)
{
	static const struct {
		enum exit_kind kind;
		bool on;
		u32 len;
		int injects;
		const char *ends;
	} t[] = {
		{ EXIT_CPUID, true, 3, -1, NULL },
		{ EXIT_RDMSR, true, 3, -1, NULL },
		{ EXIT_WRMSR, true, 3, -1, NULL },
		{ EXIT_DR, true, 3, -1, NULL },
		{ EXIT_CACHE, true, 3, -1, NULL },
		{ EXIT_UD, true, 0, X86_UD, NULL },
		{ EXIT_GP, true, 0, X86_GP, NULL },
		{ EXIT_INIT, true, 0, -1, NULL },
		{ EXIT_IRQ, true, 0, -1, NULL },
		{ EXIT_IRQ_WINDOW, true, 0, -1, NULL },
		{ EXIT_NMI_WINDOW, true, 0, -1, NULL },
		{ EXIT_PAUSE, false, 3, -1, NULL },
		{ EXIT_NMI, true, 0, -1, NULL },
		{ EXIT_MACHINE_CHECK, true, 0, -1, NULL },
		{ EXIT_TRIPLE_FAULT, false, 0, -1, "triple fault at 1234 (exit 77, 99)" },
		{ EXIT_TASK_SWITCH, false, 0, -1, "hardware task switch" },
		{ EXIT_NPF_CONFIG, false, 0, -1, "second-stage entry" },
		{ EXIT_MTF, false, 0, -1, "exit that nobody asked for" },
		{ EXIT_TPR, false, 0, -1, "exit that nobody asked for" },
		{ EXIT_TIMER, false, 0, -1, "exit that nobody asked for" },
		{ EXIT_INVALID_STATE, false, 0, -1, "exit that nobody asked for" },
		{ EXIT_OTHER, false, 0, -1, "exit that nobody asked for" },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(t); i++) {
		guest_reset();
		vcpu->exit_rip = 0x1234;
		assert_int_equal(EXIT(.kind = t[i].kind, .reason = 77, .qualification = 0x99), t[i].on);
		assert_int_equal(guest.advanced, t[i].len);
		assert_int_equal(guest.injected, t[i].injects);
		assert_int_equal(dom->hv.ended, t[i].ends ? CAISSON_END_CRASH : 0);
		if (t[i].ends)
			assert_non_null(strstr(guest.why, t[i].ends));
		assert_int_equal(guest.yields, t[i].kind == EXIT_PAUSE);
		assert_int_equal(guest.nmis, t[i].kind == EXIT_NMI ? 101 : 0);
		assert_int_equal(guest.checks, t[i].kind == EXIT_MACHINE_CHECK);
	}
	guest_reset();
	vcpu->stepping = true; /* then somebody has asked for it */
	assert_true(IS(MTF));
	assert_true(EXIT(.kind = EXIT_EOI, .apic.offset = 0x41));
	assert_int_equal(guest.eois, 0x41);
	assert_true(EXIT(.kind = EXIT_APIC_WRITE, .apic.offset = 0x80));
	for (u32 k = 0; k < EXIT_KIND_COUNT; k++)
		assert_non_null(arch_exit_name(k));
	assert_null(arch_exit_name(EXIT_KIND_COUNT));
}

/* SDM: "Interrupt 8-Double Fault Exception (#DF)", the table of classes. */
static void double_faults(void **state)
{
	static const u8 benign[] = { X86_DB, X86_UD, X86_NMI }, contributory[] = { X86_DE, X86_TS, X86_GP };
	u8 v;
	u32 e;

	(void)state;
#define NESTED(was, now, gives)                     \
	v = now, e = 5;                             \
	assert_true(hvm_nested(vcpu, was, &v, &e)); \
	assert_int_equal(v, gives);                 \
	assert_int_equal(e, (gives) == (now) ? 5 : 0)
	for (u32 i = 0; i < 3; i++)
		for (u32 k = 0; k < 3; k++) {
			NESTED(benign[i], contributory[k], contributory[k]);
			NESTED(contributory[i], benign[k], benign[k]);
			NESTED(contributory[i], contributory[k], X86_DF);
			NESTED(X86_PF, contributory[k], X86_DF);
			NESTED(contributory[i], X86_PF, X86_PF);
			NESTED(X86_PF, benign[k], benign[k]);
		}
	NESTED(X86_PF, X86_PF, X86_DF);
	assert_int_equal(dom->hv.ended, 0);
	v = X86_GP;
	assert_false(hvm_nested(vcpu, X86_DF, &v, &e));
	assert_non_null(strstr(guest.why, "triple fault"));
}

static void cpuid_answers(void **state)
{
	(void)state;
	vcpu->regs[RAX] = ~0ull << 32 | 7;
	vcpu->regs[RCX] = ~0ull << 32 | 2;
	assert_true(IS(CPUID));
	assert_int_equal(vcpu->regs[RAX], 7 * 16 + 8); /* the upper halves are cleared */
	assert_int_equal(vcpu->regs[RDX], 7 * 16 + 8 + 3);
	vcpu->regs[RAX] = 1; /* one that has a vCPU's part */
	vcpu->hv.id = 3;
	assert_true(IS(CPUID));
	assert_int_equal(vcpu->regs[RBX], 3 << 24);
}

static void halts(void **state)
{
	(void)state;
	guest.rflags = RFLAGS_IF;
	assert_false(IS(HLT));
	assert_int_equal(guest.advanced, 3);
	assert_int_equal(vcpu->hv.sleep, SLEEP_HLT);
	assert_true(vcpu->halted && vcpu->halt_open);
	guest_reset();
	assert_false(IS(HLT));
	assert_false(vcpu->halt_open); /* then no interrupt ends it */
	guest_reset();
	guest.work = true;
	vcpu->kicked = true;
	assert_true(IS(HLT));
	assert_int_equal(vcpu->hv.sleep, SLEEP_NO);
	assert_false(vcpu->halted || vcpu->kicked);
}

static void calls(void **state)
{
	(void)state;
	/* KVM's: at CPL 0 in any mode */
	vcpu->regs[RAX] = 5;
	assert_true(IS(HYPERCALL));
	assert_int_equal(vcpu->regs[RAX], 1005);
	guest.mode = 0;
	vcpu->regs[RAX] = ~0ull << 32 | 5;
	assert_true(IS(HYPERCALL));
	assert_int_equal(vcpu->regs[RAX], 2005);
	guest.mode = 3;
	vcpu->regs[RAX] = 5;
	assert_true(IS(HYPERCALL));
	assert_int_equal(vcpu->regs[RAX], (u32)-CAISSON_EPERM);
	/* ours: at CPL 0 in 64-bit mode */
	guest.mode = HVM_64 | 3;
	vcpu->regs[RAX] = CAISSON_CALL_version;
	assert_true(IS(HYPERCALL));
	assert_int_equal(vcpu->regs[RAX], -CAISSON_EPERM);
	guest.mode = 0;
	vcpu->regs[RAX] = CAISSON_CALL_version;
	assert_true(IS(HYPERCALL));
	assert_int_equal(vcpu->regs[RAX], (u32)-CAISSON_ENOSYS);
	assert_int_equal(guest.call, 0);
	guest.mode = HVM_64;
	guest.result = 77;
	vcpu->regs[RAX] = CAISSON_CALL_version;
	assert_true(IS(HYPERCALL));
	assert_int_equal(vcpu->regs[RAX], 77);
	assert_int_equal(guest.call, CAISSON_CALL_version);
	vcpu->regs[RAX] = CAISSON_CALL_wait;
	assert_true(IS(HYPERCALL));
	assert_int_equal(vcpu->regs[RAX], 77);
	/* one that sleeps is given its result when it is awake */
	guest.verdict = V_SLEEP;
	vcpu->regs[RAX] = CAISSON_CALL_wait;
	assert_false(IS(HYPERCALL));
	assert_int_equal(vcpu->regs[RAX], CAISSON_CALL_wait);
	vcpu->regs[RAX] = CAISSON_CALL_domain_end;
	assert_false(IS(HYPERCALL));
	assert_int_equal(vcpu->regs[RAX], CAISSON_CALL_domain_end);
}

/* A write to a control register: it is taken, or #GP and nothing has changed. */
static bool cr_write(u8 cr, u64 value)
{
	struct guest before = guest;

	guest.injected = -1;
	vcpu->regs[RSI] = value;
	assert_true(EXIT(.kind = EXIT_CR, .cr = { .cr = cr, .gpr = RSI, .op = CR_TO }));
	if (guest.injected < 0)
		return true;
	assert_int_equal(guest.injected, X86_GP);
	assert_int_equal(guest.advanced, before.advanced);
	assert_memory_equal(guest.cr, before.cr, sizeof(guest.cr));
	assert_int_equal(guest.efer, before.efer);
	return false;
}

static void control_register_0(void **state)
{
	(void)state;
	/* no reserved half, PG with PE, NW with CD */
	assert_false(cr_write(0, BIT(32) | CR0_PE | CR0_PG));
	assert_false(cr_write(0, CR0_PG));
	assert_false(cr_write(0, CR0_PE | CR0_PG | CR0_NW));
	assert_true(cr_write(0, CR0_PE | CR0_PG | CR0_NW | CR0_CD));
	assert_int_equal(guest.cr[0], CR0_PE | CR0_PG | CR0_NW | CR0_CD | CR0_ET);
	assert_int_equal(guest.flushes, 1);
	assert_false(cr_write(0, CR0_PE)); /* out of paging in 64-bit mode */
	guest.mode = 0;
	guest.cr[4] |= CR4_PCIDE;
	assert_false(cr_write(0, CR0_PE)); /* or with PCIDs */
	guest.cr[4] = CR4_PAE;
	assert_true(cr_write(0, CR0_PE));
	assert_int_equal(guest.efer, EFER_LME); /* and out of long mode */
	/* back: with PAE, from a segment that is not of 64 bits */
	guest.cr[4] = 0;
	assert_false(cr_write(0, CR0_PE | CR0_PG));
	guest.cr[4] = CR4_PAE;
	guest.mode = HVM_CS_L;
	assert_false(cr_write(0, CR0_PE | CR0_PG));
	guest.mode = 0;
	assert_true(cr_write(0, CR0_PE | CR0_PG));
	assert_int_equal(guest.efer, EFER_LME | EFER_LMA);
	/* outside 64-bit mode the upper half is not looked at */
	assert_true(cr_write(0, BIT(40) | CR0_PE | CR0_PG | CR0_WP));
}

/* SDM: "PAE Paging with CR3": the four entries are loaded, and checked, when they begin to count. */
static void pdptes(void **state)
{
	(void)state;
	guest.mode = 0;
	guest.efer = 0;
	guest.cr[0] = CR0_PE;
	guest.cr[3] = 0x2020;
	for (u32 i = 0; i < 4; i++)
		guest_put(0x2020 + 8 * i, 0x3001 + 0x1000 * i, 8);
	assert_true(cr_write(0, CR0_PE | CR0_PG));
	assert_int_equal(guest.pdpte[3], 0x6001);
	guest_put(0x2028, 0x4003, 8); /* a reserved bit, once it is loaded again */
	assert_false(cr_write(3, 0x2020));
	assert_false(cr_write(4, CR4_PAE | CR4_PSE));
	guest_put(0x2028, 0x4002, 8); /* not present: anything */
	assert_true(cr_write(3, 0x2020));
	guest.page[2] = NOWHERE;
	assert_false(cr_write(3, 0x2020));
	guest.cr[0] = CR0_PE;
	assert_false(cr_write(0, CR0_PE | CR0_PG));
	guest.cr[4] = 0; /* without PAE there are none */
	assert_true(cr_write(0, CR0_PE | CR0_PG));
}

static void control_registers_3_and_4(void **state)
{
	(void)state;
	assert_true(cr_write(3, 0xff000));
	assert_int_equal(guest.cr[3], 0xff000);
	assert_int_equal(guest.flushes, 1);
	assert_false(cr_write(3, BIT(40))); /* wider than memory */
	assert_false(cr_write(3, BIT(63)));
	guest.cr[4] |= CR4_PCIDE;
	assert_true(cr_write(3, BIT(63) | 0x5001));
	assert_int_equal(guest.cr[3], 0x5001);
	/* what its CPUID has not, long mode without PAE, PCIDs where there is one already or no long mode */
	guest.cr[4] = CR4_PAE;
	assert_false(cr_write(4, CR4_PAE | CR4_VMXE));
	assert_false(cr_write(4, 0));
	assert_false(cr_write(4, CR4_PAE | CR4_PCIDE)); /* CR3 has low bits */
	guest.cr[3] = 0x5000;
	assert_true(cr_write(4, CR4_PAE | CR4_PCIDE));
	guest.cr[3] = 0x5001;
	assert_true(cr_write(4, CR4_PAE | CR4_PCIDE | CR4_SMEP)); /* it is on */
	assert_int_equal(guest.cr[4], CR4_PAE | CR4_PCIDE | CR4_SMEP);
	guest.efer = 0;
	guest.cr[0] = CR0_PE;
	guest.cr[4] = 0;
	assert_false(cr_write(4, CR4_PAE | CR4_PCIDE));
	assert_true(cr_write(4, CR4_PSE));
	assert_true(cr_write(3, BIT(40))); /* and CR3 is not checked there */
}

static void other_accesses(void **state)
{
	(void)state;
	assert_true(cr_write(8, 15));
	assert_int_equal(vlapic_tpr(&vcpu->apic), 0xf0);
	assert_true(EXIT(.kind = EXIT_CR, .cr = { .cr = 8, .gpr = RDI, .op = CR_FROM }));
	assert_int_equal(vcpu->regs[RDI], 15);
	assert_false(cr_write(8, 16));
	assert_false(cr_write(2, 0));
	guest.cr[3] = 0x7000;
	assert_true(EXIT(.kind = EXIT_CR, .cr = { .cr = 3, .gpr = RSP, .op = CR_FROM }));
	assert_int_equal(vcpu->regs[RSP], 0x7000);
	assert_int_equal(guest.rsps, 1);
	guest.cr[0] |= CR0_TS;
	assert_true(EXIT(.kind = EXIT_CR, .cr = { .op = CR_CLTS }));
	assert_int_equal(guest.cr[0], CR0_PE | CR0_PG | CR0_ET);
	/* LMSW sets PE and does not clear it; MP, EM and TS both */
	assert_true(EXIT(.kind = EXIT_CR, .cr = { .op = CR_LMSW, .lmsw = 0xfffe }));
	assert_int_equal(guest.cr[0], CR0_PE | CR0_PG | CR0_ET | CR0_MP | CR0_EM | CR0_TS);
	assert_true(EXIT(.kind = EXIT_CR, .cr = { .op = CR_LMSW, .lmsw = 0 }));
	assert_int_equal(guest.cr[0], CR0_PE | CR0_PG | CR0_ET);
	guest.cr[0] = CR0_ET;
	assert_true(EXIT(.kind = EXIT_CR, .cr = { .op = CR_LMSW, .lmsw = 1 }));
	assert_int_equal(guest.cr[0], CR0_PE | CR0_ET);
	/* a state that cannot be, as a builder may have made it: #GP */
	guest.cr[0] = CR0_PG;
	guest.injected = -1;
	assert_true(EXIT(.kind = EXIT_CR, .cr = { .op = CR_LMSW, .lmsw = 0 }));
	assert_int_equal(guest.injected, X86_GP);
	guest.injected = -1;
	assert_true(EXIT(.kind = EXIT_CR, .cr = { .op = CR_CLTS }));
	assert_int_equal(guest.injected, X86_GP);
}

/* SDM: "XSETBV". */
static void extended_states(void **state)
{
	static const struct {
		u64 value;
		bool ok;
	} t[] = { { 1, true },
		  { 0, false },
		  { 2, false },
		  { 3, true },
		  { 5, false },
		  { 7, true },
		  { 0x27, false },
		  { 0xe7, true },
		  { 0xe3, false },
		  { 0x207, false },
		  { 1ull << 62 | 7, false } };

	(void)state;
	dom->cpuid.basic[0xd].r[CPUID_EAX] = 0xe7;
	fake_xsetbv = true;
	for (u32 i = 0; i < ARRAY_SIZE(t); i++) {
		guest.injected = -1;
		vcpu->xcr0 = 1;
		vcpu->regs[RAX] = (u32)t[i].value;
		vcpu->regs[RDX] = t[i].value >> 32;
		assert_true(IS(XSETBV));
		assert_int_equal(guest.injected, t[i].ok ? -1 : X86_GP);
		assert_int_equal(vcpu->xcr0, t[i].ok ? t[i].value : 1);
	}
	vcpu->regs[RAX] = 1, vcpu->regs[RDX] = 0;
	for (u32 i = 0; i < 3; i++) {
		vcpu->regs[RCX] = i == 0;
		guest.mode = i == 1 ? HVM_64 | 3 : HVM_64;
		fake_xsetbv = i != 2; /* the processor itself refuses */
		guest.injected = -1;
		assert_true(IS(XSETBV));
		assert_int_equal(guest.injected, X86_GP);
	}
}

static void exceptions(void **state)
{
	(void)state;
	assert_true(EXIT(.kind = EXIT_EXCEPTION,
			 .exception = { .vector = X86_AC, .has_error = true, .error = 0x18 }));
	assert_int_equal(guest.injected, X86_AC);
	assert_int_equal(guest.error, 0x18);
	/* so that a delivery that exits for ever keeps no interrupt out */
	assert_int_equal(guest.windows, 1);
	/* #DB: what happened is in DR6, and DR7.GD is off */
	fake_dr6 = 0xffff0ff0 | 9;
	guest.dr7 = BIT(13) | 0x400;
	assert_true(EXIT(.kind = EXIT_EXCEPTION,
			 .exception = { .vector = X86_DB, .qualification = BIT(14) | 2 | BIT(5) }));
	assert_int_equal(guest.error, NO_ERROR_CODE);
	assert_int_equal(fake_dr6, (0xffff0ff0 | BIT(14) | 2));
	assert_int_equal(guest.dr7, 0x400);
	assert_true(vcpu->dr_used);
}

/* ---- what waits before an entry ---- */

static void pending(void **state)
{
	(void)state;
	vcpu->hv.pending = PEND_LEAVE | PEND_FLUSH;
	assert_false(exit_pending(vcpu));
	assert_int_equal(guest.stale, 0); /* it is done when it comes back */
	vcpu->hv.pending = PEND_FLUSH | PEND_IRQ | PEND_ARCH;
	vcpu->clock_due = vcpu->eoi_due = vcpu->timer_fired = true;
	assert_true(exit_pending(vcpu));
	assert_int_equal(vcpu->hv.pending, PEND_IRQ); /* the vendor's */
	assert_int_equal(guest.stale, 1);
	assert_int_equal(guest.clocks, 1);
	assert_int_equal(guest.eois, 1);
	assert_false(vcpu->timer_fired || vcpu->eoi_due);
	vcpu->hv.pending = PEND_ARCH;
	assert_true(exit_pending(vcpu));
	assert_int_equal(guest.clocks + guest.eois, 2);
	/* a debugger decides */
	vcpu->hv.pending = PEND_DEBUG;
	assert_false(exit_pending(vcpu));
	guest.work = true;
	assert_true(exit_pending(vcpu));
	/* an answer finishes the access; a domain that ended meanwhile does not go on */
	vcpu->hv.pending = PEND_IO;
	vcpu->hv.io_state = IO_ANSWERED;
	vcpu->hv.io_data = 0x1234;
	vcpu->io.kind = IO_PORT_IN;
	vcpu->io.size = 2;
	vcpu->io.insn.length = 1;
	assert_true(exit_pending(vcpu));
	assert_int_equal(vcpu->hv.io_state, IO_IDLE);
	assert_int_equal(vcpu->regs[RAX], 0x1234);
	assert_int_equal(guest.advanced, 1);
	vcpu->hv.pending = PEND_IO;
	dom->hv.ended = CAISSON_END_RESET;
	assert_false(exit_pending(vcpu));
}

/* SDM: "Typical MP Initialization": INIT, then SIPI, one with the other or one alone. */
static void starting_up(void **state)
{
	(void)state;
	vcpu->halted = true;
	vcpu->io.kind = IO_PORT_IN; /* an access that a device model has answered meanwhile */
	vcpu->io.size = 2;
	vcpu->io.insn.length = 1;
	vcpu->hv.io_data = 0x1234;
	vcpu->init_sipi = VCPU_INIT;
	vcpu->hv.pending = PEND_ARCH | PEND_IO;
	assert_false(exit_pending(vcpu));
	assert_int_equal(guest.inits, 1);
	assert_true(vcpu->wait_sipi);
	assert_false(vcpu->halted);
	assert_int_equal(vcpu->hv.sleep, SLEEP_SIPI);
	assert_int_equal(vcpu->hv.pending, PEND_IO); /* waits with it */
	vcpu->hv.sleep = SLEEP_NO;
	vcpu->init_sipi = VCPU_SIPI | 0x9a;
	vcpu->hv.pending |= PEND_ARCH;
	assert_true(exit_pending(vcpu));
	assert_int_equal(guest.advanced, 0); /* it starts where SIPI says */
	assert_int_equal(vcpu->hv.pending, 0);
	assert_int_equal(guest.sipis, 0x9a);
	assert_false(vcpu->wait_sipi);
	vcpu->init_sipi = VCPU_SIPI | 0x55; /* one that runs is not started again */
	vcpu->hv.pending = PEND_ARCH;
	assert_true(exit_pending(vcpu));
	assert_int_equal(guest.sipis, 0x9a);
	vcpu->init_sipi = VCPU_INIT | VCPU_SIPI | 0x10;
	vcpu->hv.pending = PEND_ARCH;
	assert_true(exit_pending(vcpu));
	assert_int_equal(guest.inits, 2);
	assert_int_equal(guest.sipis, 0x10);
	vcpu->init_sipi = VCPU_INIT;
	vcpu->hv.pending = PEND_ARCH;
	assert_false(exit_pending(vcpu));
	assert_int_equal(vcpu->hv.pending, 0);
}

/* ---- walks ---- */

static struct hvm_regs regs;
static u64 gpa;
static u32 error;

static enum walk_result walk(u64 gva, u32 access)
{
	gpa = error = 0;
	return walk_gva(vcpu, &regs, gva, access, &gpa, &error);
}

static void walks_by_mode(void **state)
{
	(void)state;
	regs = (struct hvm_regs){ .rflags = 0 };
	assert_int_equal(walk(1ull << 32 | 0x1234, 0), WALK_OK); /* no paging, 32 bits */
	assert_int_equal(gpa, 0x1234);
	/* 32 bits: 4 KiB; 4 MiB with PSE and its bits above 4 GiB */
	regs.cr0 = CR0_PG | CR0_PE;
	regs.cr3 = 0x1018;
	guest_put(0x1000 + 4, 0x2087, 4);
	guest_put(0x2000 + 8, 0x7007, 4);
	guest_put(0x1000 + 8, 0x00c00087 | 3 << 13, 4);
	assert_int_equal(walk(0x402345, 0), WALK_OK); /* PS means nothing without PSE */
	assert_int_equal(gpa, 0x7345);
	regs.cr4 = CR4_PSE;
	assert_int_equal(walk(0x812345, 0), WALK_OK);
	assert_int_equal(gpa, 3ull << 32 | 0xc12345);
	/* PAE */
	regs.cr4 = CR4_PAE;
	regs.cr3 = 0x3020;
	guest_put(0x3020 + 24, 0x4001, 8);
	guest_put(0x4000 + 8, 0x200087, 8);
	assert_int_equal(walk(0xc0234567, PF_WRITE | PF_USER), WALK_OK); /* a PDPTE has no rights */
	assert_int_equal(gpa, 0x234567);
	assert_int_equal(walk(0x40000000, 0), WALK_FAULT); /* not present */
	assert_int_equal(error, 0);
	/* 4 levels: 1 GiB, 2 MiB, 4 KiB; PS at the top is no page */
	regs.efer = EFER_LMA;
	regs.cr3 = 0x5000;
	guest_put(0x5000, 0x6087, 8);
	guest_put(0x6000, 0x40000087, 8);
	guest_put(0x6008, 0x7007, 8);
	guest_put(0x7000, 0x600087, 8);
	guest_put(0x7008, 0x8007, 8);
	guest_put(0x8000, 0x9007, 8);
	assert_int_equal(walk(0x123456, 0), WALK_OK);
	assert_int_equal(gpa, 0x40123456);
	assert_int_equal(walk(0x40012345, 0), WALK_OK);
	assert_int_equal(gpa, 0x612345);
	assert_int_equal(walk(0x40200678, 0), WALK_OK);
	assert_int_equal(gpa, 0x9678);
	guest_put(0x7010, 0x50000007, 8); /* its table is nowhere */
	assert_int_equal(walk(0x40400000, 0), WALK_NOWHERE);
}

/* SDM: "Determination of Access Rights": one page of each kind against each access. */
static void walks_by_rights(void **state)
{
	enum { W = 2, U = 4 };
	static const struct {
		u64 leaf, upper;
		u32 access;
		u64 cr0, cr4, efer, rflags;
		bool ok;
	} t[] = {
		{ W | U, W | U, PF_USER | PF_WRITE, CR0_WP, 0, 0, 0, true },
		{ W, W | U, PF_USER, 0, 0, 0, 0, false },	     /* a supervisor's page */
		{ W | U, W, PF_USER, 0, 0, 0, 0, false },	     /* or one behind a supervisor's table */
		{ U, W | U, PF_USER | PF_WRITE, 0, 0, 0, 0, false }, /* read-only */
		{ W | U, U, PF_USER | PF_WRITE, 0, 0, 0, 0, false },
		{ U, W | U, PF_WRITE, 0, 0, 0, 0, true },	/* which a supervisor ignores */
		{ U, W | U, PF_WRITE, CR0_WP, 0, 0, 0, false }, /* but with WP */
		{ 1ull << 63 | W, W, PF_FETCH, 0, 0, EFER_NXE, 0, false },
		{ W, 1ull << 63 | W, PF_FETCH, 0, 0, EFER_NXE, 0, false },
		{ 1ull << 63 | W, W, PF_FETCH, 0, 0, 0, 0, true }, /* no NX: the bit is the guest's loss */
		{ W | U, W | U, PF_FETCH, 0, CR4_SMEP, 0, 0, false },
		{ W | U, W, PF_FETCH, 0, CR4_SMEP, 0, 0, true },
		{ W | U, W | U, PF_FETCH | PF_USER, 0, CR4_SMEP, 0, 0, true },
		{ W | U, W | U, 0, 0, CR4_SMAP, 0, 0, false },
		{ W | U, W | U, PF_WRITE, 0, CR4_SMAP, 0, RFLAGS_AC, true },
		{ W | U, W | U, PF_FETCH, 0, CR4_SMAP, 0, 0, true }, /* SMAP is not about code */
		{ W, W, 0, 0, CR4_SMAP | CR4_SMEP, 0, 0, true },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(t); i++) {
		guest_reset();
		regs = (struct hvm_regs){ .cr0 = CR0_PG | CR0_PE | t[i].cr0,
					  .cr3 = 0x5000,
					  .cr4 = CR4_PAE | t[i].cr4,
					  .efer = EFER_LMA | t[i].efer,
					  .rflags = t[i].rflags };
		guest_put(0x5000, 0x6007, 8);
		guest_put(0x6000, 0x7007, 8);
		guest_put(0x7000, 0x8001 | t[i].upper, 8);
		guest_put(0x8000, 0x9001 | t[i].leaf, 8);
		assert_int_equal(walk(0x123, t[i].access), t[i].ok ? WALK_OK : WALK_FAULT);
		if (!t[i].ok)
			assert_int_equal(error, t[i].access | PF_PRESENT);
		/* accessed, and dirty where it was written, as the processor would */
		assert_int_equal(guest_get(0x8000, 8) & 0x60, !t[i].ok		       ? 0
							      : t[i].access & PF_WRITE ? 0x60
										       : 0x20);
	}
	/* tables that cannot be written keep what they have */
	guest_reset();
	guest_put(0x5000, 0x6007, 8);
	guest_put(0x6000, 0x87, 8);
	guest.page[6] = ROM;
	regs.cr4 = CR4_PAE;
	assert_int_equal(walk(0x123, PF_WRITE), WALK_OK);
	assert_int_equal(guest_get(0x6000, 8), 0x87);
}

static void fetches(void **state)
{
	u8 code[INSN_MAX_BYTES];
	struct mmio_known k;

	(void)state;
	regs = (struct hvm_regs){ .rip = 0x9ff8, .code_bits = 16, .seg_base = { [INSN_CS] = 0x10000 } };
	for (u32 i = 0; i < 32; i++)
		guest.ram[0x19ff8 + i] = (u8)(i + 1);
	assert_int_equal(walk_fetch(vcpu, &regs, code), INSN_MAX_BYTES);
	assert_int_equal(code[14], 15);
	guest.page[0x1a] = NOWHERE; /* what is there is given */
	assert_int_equal(walk_fetch(vcpu, &regs, code), 8);
	regs = (struct hvm_regs){ .cr0 = CR0_PG,
				  .cr3 = 0x5000,
				  .cr4 = CR4_PAE,
				  .efer = EFER_LMA,
				  .rip = 0x1000,
				  .code_bits = 64,
				  .cpl = 3 };
	assert_int_equal(walk_fetch(vcpu, &regs, code), 0);
	/* remembered: the way there, with large pages or small ones, and the bytes */
	guest_put(0x5000, 0x6007, 8);
	guest_put(0x6000, 0x7007, 8);
	guest_put(0x7000, 0x8007, 8);
	guest_put(0x8008, 0x9007, 8);
	guest_put(0x9000, 0x1122334455667788, 8);
	assert_true(walk_remember(vcpu, &regs, &k));
	assert_int_equal(k.bytes[0], 0x1122334455667788);
	assert_int_equal(k.pte[3].value, 0x9007);
	regs.rip = 0x1000 + PAGE_SIZE - 15; /* its bytes cross the page */
	assert_false(walk_remember(vcpu, &regs, &k));
	regs.rip = 0x1000;
	guest_put(0x7000, 0x87, 8); /* 2 MiB from 0 */
	guest_put(0x1000, 0xabcd, 8);
	assert_true(walk_remember(vcpu, &regs, &k));
	assert_int_equal(k.bytes[0], 0xabcd);
	assert_int_equal(k.pte[3].value, k.pte[2].value);
	regs.code_bits = 32; /* compatibility mode: base and offset wrap at 4 GiB */
	regs.seg_base[INSN_CS] = 0xfffff000;
	regs.rip = 0x2000;
	assert_int_equal(walk_fetch(vcpu, &regs, code), INSN_MAX_BYTES);
	assert_int_equal(code[0], 0xcd);
	regs.rip = 0x1000;
	guest_put(0x6000, 0x7006, 8); /* not present */
	assert_false(walk_remember(vcpu, &regs, &k));
	guest_put(0x6000, 0x50000007, 8); /* a table nowhere */
	assert_false(walk_remember(vcpu, &regs, &k));
	guest_put(0x6000, 0x40000087, 8); /* code nowhere */
	assert_false(walk_remember(vcpu, &regs, &k));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(each_kind),       TEST(double_faults),
		TEST(cpuid_answers),   TEST(halts),
		TEST(calls),	       TEST(control_register_0),
		TEST(pdptes),	       TEST(control_registers_3_and_4),
		TEST(other_accesses),  TEST(extended_states),
		TEST(exceptions),      TEST(pending),
		TEST(starting_up),     TEST(walks_by_mode),
		TEST(walks_by_rights), TEST(fetches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
