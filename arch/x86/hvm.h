/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seam between x86 and its vendors: what an exit is (struct vm_exit), and the one table of operations
 * that vmx/ or svm/ exports. A vendor decodes, x86 decides (exit.c), hv schedules.
 */
#ifndef ARCH_X86_HVM_H
#define ARCH_X86_HVM_H

#include "arch/x86/asm.h"
#include "arch/x86/vcpu.h"
#include "hv/pcpu.h"
#include "hv/types.h"
#include "hv/vcpu.h"

/* X(NAME, "name"): the neutral kinds of exit; counters, histograms and traces speak of these. */
/* clang-format off */
#define EXIT_KINDS(X) \
	X(OTHER, "other") /* what nobody asked for */ X(IRQ, "interrupt") /* an interrupt of the hypervisor's came */ \
	X(NMI, "nmi") /* an NMI of the hypervisor's */ X(MACHINE_CHECK, "machine-check") \
	X(EXCEPTION, "exception") /* an intercepted one of the guest's */ \
	X(IRQ_WINDOW, "irq-window") /* the guest takes interrupts again */ X(NMI_WINDOW, "nmi-window") \
	X(TRIPLE_FAULT, "triple-fault") X(INIT, "init") X(CPUID, "cpuid") X(HLT, "hlt") X(PAUSE, "pause") \
	X(HYPERCALL, "hypercall") X(IO, "io") X(RDMSR, "rdmsr") X(WRMSR, "wrmsr") X(CR, "cr-access") X(DR, "dr-access") \
	X(XSETBV, "xsetbv") X(CACHE, "wbinvd") /* WBINVD, INVD, WBNOINVD */ \
	X(NPF, "page-violation") /* nothing, or not that, at a guest-physical address: memory or a device */ \
	X(NPF_CONFIG, "page-misconfig") /* a second-stage entry that cannot be */ X(APIC_ACCESS, "apic-access") \
	X(APIC_WRITE, "apic-write") X(EOI, "virtual-eoi") X(TPR, "tpr-threshold") \
	X(UD, "forbidden-insn") /* an instruction that the guest's processor does not have */ \
	X(GP, "refused-insn") /* one that this guest may not use: #GP */ X(INVALID_STATE, "entry-refused") \
	X(TASK_SWITCH, "task-switch") X(MTF, "monitor-trap") X(TIMER, "preemption-timer")
/* clang-format on */

enum exit_kind {
#define EXIT_X(name, text) EXIT_##name,
	EXIT_KINDS(EXIT_X) EXIT_KIND_COUNT,
#undef EXIT_X
};

/* X(NAME, first, bits): kinds whose exits are about something (leaf, MSR, call, port, page, vector,
 * register), and their rows of x86_vcpu.whats. */
/* clang-format off */
#define EXIT_WHATS(X) \
	X(CPUID, 0, 3) X(RDMSR, 8, 3) X(WRMSR, 16, 3) X(HYPERCALL, 24, 3) X(IO, 32, 3) X(NPF, 40, 3) \
	X(EXCEPTION, 48, 2) X(IRQ, 52, 2) X(APIC_ACCESS, 56, 2) X(APIC_WRITE, 60, 2)
/* clang-format on */
#define EXIT_WHAT_X(name, first, bits)                                              \
	static inline void exit_what_##name(struct x86_vcpu *v, u64 what)           \
	{                                                                           \
		_Static_assert((first) + (1 << (bits)) <= STATS_WHATS, "its rows"); \
		stats_what(&v->whats, first, bits, what);                           \
	}
EXIT_WHATS(EXIT_WHAT_X)
#undef EXIT_WHAT_X

/* The last thing before an entry, or on the way to hv. */
static inline void exit_account(struct x86_vcpu *v, struct stat *s)
{
#ifndef CAISSON_NO_COUNTERS
	u64 cycles = rdtsc() - v->exit_tsc;

	v->hv.cpu->root_ticks += cycles;
	stats_add(s, cycles, &v->exit_rip);
#endif
	(void)v, (void)s;
}

/* What an exit tells. Filled by the vendor; `insn_len` 0: not known. */
struct vm_exit {
	enum exit_kind kind;
	u32 insn_len;
	u32 reason; /* the vendor's own number, for messages */
	union {
		struct {
			u16 port;
			u8 size;
			bool in, string;
		} io;
		struct {
			u64 gpa, gva;
			bool write, fetch;
			bool gva_valid; /* gva is the access's own address, not that of a page-table walk */
			bool walk;	/* the access was to a page-table entry */
		} npf;
		struct {
			u8 vector;
			bool has_error;
			u32 error;
			u64 qualification; /* #DB: bits for DR6 */
		} exception;
		struct {
			u8 cr, gpr;
			enum { CR_TO, CR_FROM, CR_CLTS, CR_LMSW } op;
			u16 lmsw;
		} cr;
		struct {
			u32 offset;
			bool write;
		} apic;
		u64 qualification;
	};
};

/* What slow handlers want to know of a loaded vCPU, in one call. */
struct hvm_regs {
	u64 rip, rflags, cr0, cr3, cr4, efer;
	u64 seg_base[6]; /* ES CS SS DS FS GS */
	u8 cpl;
	u8 code_bits; /* 16, 32, 64 */
};

/* What VMCS and VMCB hold just as a context does: X(context, VMCS: SDM's name, VMCB) */
/* clang-format off */
#define HVM_CONTEXT(X) \
	X(rip, RIP, rip) X(rflags, RFLAGS, rflags) X(dr7, DR7, dr7) X(pat, PAT, g_pat) \
	X(sysenter_cs, SYSENTER_CS, sysenter_cs) X(sysenter_esp, SYSENTER_ESP, sysenter_esp) \
	X(sysenter_eip, SYSENTER_EIP, sysenter_eip) X(gdtr_base, GDTR_BASE, gdtr.base) \
	X(gdtr_limit, GDTR_LIMIT, gdtr.limit) X(idtr_base, IDTR_BASE, idtr.base) \
	X(idtr_limit, IDTR_LIMIT, idtr.limit)
/* clang-format on */
enum { HVM_SEGMENTS = 8 };
/* Segment i of a context: ES CS SS DS FS GS LDTR TR. */
static inline struct caisson_segment *hvm_segment(struct caisson_vcpu_context *c, u32 i)
{
	struct caisson_segment *const s[HVM_SEGMENTS] = { &c->es, &c->cs, &c->ss,   &c->ds,
							  &c->fs, &c->gs, &c->ldtr, &c->tr };

	return s[i];
}

/* hvm_ops.mode(): what the running code is */
#define HVM_CPL	 3u
#define HVM_64	 BIT(2) /* 64-bit mode */
#define HVM_CS_L BIT(3) /* CS.L, whatever the mode */

/* hvm_ops.get() and set(): the register's number; DR7; larger ones are MSRs */
enum { HVM_CR0 = 0, HVM_CR3 = 3, HVM_CR4 = 4, HVM_DR7 = 7 };

#define NO_ERROR_CODE (~0u)

/* An exit as watch.c sees it, before anybody handles it. */
struct hvm_look {
	enum exit_kind kind;
	u64 rip;
	/* EXCEPTION, IRQ: vector; NPF: address; IO: port | bytes << 16 | in << 24;
	 * else the processor's qualification; AMD's CR and DR: its number */
	u64 detail;
	bool int1; /* EXCEPTION by that instruction, where RIP is */
	u32 dr6;   /* #DB: bits 3:0 */
};

struct x86_pcpu;
/* What a vendor does: X(returns, operation, arguments, VMX's function, SVM's). */
/* clang-format off */
#define HVM_OPS(X) \
	/* Boot CPU, before the doctor's verdict: reads capabilities, adds rows. False: the extension is not there. */ \
	X(bool, probe, (void), vmx_probe, svm_probe) \
	/* Every CPU: switches virtualisation on. 0, or -EIO after a line in the log. */ \
	X(int, cpu_on, (struct x86_pcpu *c), vmx_cpu_on, svm_cpu_on) \
	X(int, vcpu_init, (struct x86_vcpu *v), vmcs_init, vmcb_init) /* 0 or -ENOMEM */ \
	X(void, vcpu_free, (struct x86_vcpu *v), vmcs_free, vmcb_free) \
	/* Power-up values of what the vendor's block holds, c those of its context. */ \
	X(void, vcpu_reset, (struct x86_vcpu *v, const struct caisson_vcpu_context *c), vmcs_reset, vmcb_reset) \
	/* On v's CPU. */ \
	X(void, load, (struct x86_vcpu *v), vmx_load, svm_load) \
	X(void, put, (struct x86_vcpu *v), vmx_put, vmcb_save) \
	X(void, run, (struct x86_vcpu *v), vmx_run, svm_run) /* until hv is wanted */ \
	X(void, look, (struct x86_vcpu *v, struct hvm_look *out), vmx_look, svm_look) /* after an exit, before exit() */ \
	X(u32, entry_event, (struct x86_vcpu *v), vmx_entry_event, svm_entry_event) /* what goes in, 0: nothing */ \
	X(void, debug, (struct x86_vcpu *v, bool on, bool step), vmx_debug, svm_debug) /* INT1; one instruction */ \
	X(void, flush, (struct x86_vcpu *v), vmx_tlb_flush, svm_flush) /* stale second-stage ones */ \
	/* The rest: on a vCPU that is loaded here, or loaded nowhere. */ \
	X(void, get_regs, (struct x86_vcpu *v, struct hvm_regs *out), vmcs_get_regs, vmcb_get_regs) \
	X(void, set_rip_flags, (struct x86_vcpu *v, u64 rip, u64 rflags), vmcs_set_rip_flags, vmcb_set_rip_flags) \
	X(void, advance, (struct x86_vcpu *v, u32 insn_len), vmx_advance, svm_advance) \
	/* An exception; error NO_ERROR_CODE: none. */ \
	X(void, inject, (struct x86_vcpu *v, u8 vector, u32 error), vmx_inject, svm_inject) \
	X(u32, mode, (struct x86_vcpu *v), vmcs_mode, vmcb_mode) \
	X(u64, flags, (struct x86_vcpu *v), vmcs_flags, vmcb_flags) /* RFLAGS */ \
	X(void, set_rsp, (struct x86_vcpu *v), vmcs_set_rsp, vmcb_set_rsp) /* from regs[RSP] */ \
	X(void, set_pdptes, (struct x86_vcpu *v, const u64 pdpte[4]), vmcs_set_pdptes, vmcb_set_pdptes) \
	X(void, flush_guest, (struct x86_vcpu *v), vmx_flush_guest, svm_flush_asid) /* its own translations */ \
	/* HVM_CR0 and so on as the guest sees them, or an MSR that the block holds: EFER, SYSENTER, PAT, \
	 * DEBUGCTL, FS and GS base. What is set was checked before. */ \
	X(u64, get, (struct x86_vcpu *v, u32 what), vmcs_get, vmcb_get) \
	X(void, set, (struct x86_vcpu *v, u32 what, u64 value), vmcs_set, vmcb_set) \
	X(void, set_tsc_offset, (struct x86_vcpu *v), vmcs_tsc_offset, vmcb_tsc_offset) \
	X(void, dr_exiting, (struct x86_vcpu *v, bool on), vmx_dr_exiting, vmcb_dr_exiting) /* MOV DR exits */ \
	X(void, get_context, (struct x86_vcpu *v, struct caisson_vcpu_context *out), vmcs_get_context, vmcb_get_context) \
	X(void, set_context, (struct x86_vcpu *v, const struct caisson_vcpu_context *in), vmcs_set_context, vmcb_set_context) \
	X(bool, field, (struct x86_vcpu *v, u32 field, u64 *value), vmcs_field, vmcb_field) /* or none */
/* clang-format on */

struct hvm_ops {
	const char *name;
	u32 vcpu_bytes; /* of the vendor's part of a vCPU */
	const struct pg_format *s2_format;
	/* The vendor's block holds STAR to SFMASK, KERNEL_GS_BASE and DR6: load takes them from v, put brings
	 * back what the guest may have changed. */
	bool holds_syscall;
#define OPS_X(ret, op, args, vmx, svm) ret(*op) args __notrack;
	HVM_OPS(OPS_X)
#undef OPS_X
	bool (*exit)(struct x86_vcpu *v); /* after every exit: true: enter again */
	/* Where the processor virtualises the APIC (v->apicv); NULL elsewhere.
	 * On v's CPU, but for notify: any. */
	void (*apicv_mode)(struct x86_vcpu *v);	  /* IA32_APIC_BASE has changed */
	void (*apicv_eoi)(struct x86_vcpu *v);	  /* the I/O APIC's level-triggered vectors have changed */
	bool (*apicv_waits)(struct x86_vcpu *v);  /* in HLT: is there an interrupt to take? */
	void (*apicv_asleep)(struct x86_vcpu *v); /* it sleeps from now on */
	void (*apicv_awake)(struct x86_vcpu *v);  /* ... no more */
	void (*apicv_notify)(struct x86_vcpu *v); /* PI_ON was set */
};

/* That domain alone stops, with a sentence and this vCPU's registers.
 * Lets interrupts in: no lock may be held. */
#define hvm_crash(v, code, ...) \
	(domain_end((v)->hv.domain, CAISSON_END_CRASH, code, __VA_ARGS__), arch_vcpu_dump(&(v)->hv))
/* An exception while `was` is on its way in. SDM: "Interrupt 8-Double Fault Exception (#DF)". True: *vector,
 * *error go in; false: a triple fault, the domain has ended. */
bool hvm_nested(struct x86_vcpu *v, u32 was, u8 *vector, u32 *error);

extern const struct hvm_ops *hvm; /* chosen once at boot */
/* What it offers guests, and second-stage pages of 1 GiB;
 * apicv: the processor virtualises the APIC. By probe(). */
extern struct hvm_has {
	bool rdtscp, invpcid, pages_1g, apicv;
} hvm_has;
extern const struct hvm_ops vmx_ops, svm_ops;

/* exit.c: the one switch. On v's CPU, right after the exit. Acts on RIP; tells whether to enter again at once
 * (true) or to leave for hv. */
bool exit_handle(struct x86_vcpu *v, struct vm_exit *x);
/* Before an entry, when v->hv.pending is not 0: does what x86 has to do. True: the vendor injects what there
 * is and enters; false: leave for hv. */
bool exit_pending(struct x86_vcpu *v);
/* Pending interrupt state for the vendor's entry: the vector that the guest's APIC offers, or -1. */
static inline int hvm_extint(struct x86_vcpu *v)
{
	u32 e = READ_ONCE(v->extint);

	return unlikely(e) ? (int)(e & 0xff) : -1;
}
static inline int hvm_irq_vector(struct x86_vcpu *v)
{
	if (unlikely(READ_ONCE(v->extint)))
		return hvm_extint(v);
	return vlapic_pending_vector(&v->apic);
}
/* The guest handles an NMI: behind it the processor latches one more, however many come. */
static inline void hvm_nmi_latch(struct x86_vcpu *v)
{
	u32 two = 2;

	if (READ_ONCE(v->nmi_pending) == two)
		CAS(&v->nmi_pending, &two, 1);
}
/* It goes in now. */
static inline void hvm_irq_ack(struct x86_vcpu *v, u8 vector)
{
	u32 e = VCPU_EXTINT | vector;

	if (likely(!READ_ONCE(v->extint)) || !CAS(&v->extint, &e, 0))
		vlapic_ack(&v->apic, vector);
}

#endif
