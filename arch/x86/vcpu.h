/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU and a domain, as x86 sees them. Fields belong to the CPU that has the vCPU loaded, or to whoever
 * holds it while it is loaded nowhere, unless said otherwise.
 */
#ifndef ARCH_X86_VCPU_H
#define ARCH_X86_VCPU_H

#include "arch/x86/cpuid_policy.h"
#include "arch/x86/insn_decode.h"
#include "arch/x86/msr_policy.h"
#include "arch/x86/pgtable.h"
#include "arch/x86/vioapic.h"
#include "arch/x86/vlapic.h"
#include "hv/domain.h"
#include "hv/stats.h"
#include "hv/timer.h"
#include "hv/vcpu.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* MSRs that a guest writes rarely and only through us: the CPU's are written when they differ. */
enum { SYSCALL_STAR, SYSCALL_LSTAR, SYSCALL_CSTAR, SYSCALL_SFMASK, SYSCALL_TSC_AUX, SYSCALL_MSRS };

/* An access to a device that is not finished:
 * what was decoded stays decoded, whatever the guest does to its code meanwhile. */
struct io_state {
	enum { IO_NONE, IO_PORT_IN, IO_PORT_OUT, IO_STRING, IO_MMIO } kind;
	u8 size;
	u8 step; /* IO_STRING, IO_MMIO: what the next answer is */
	u8 reg;	 /* IO_PORT_IN: where the answer goes */
	u16 port;
	bool page_write;	/* what the exit said of the page below: the processor allowed a write */
	u64 page_gva, page_gpa; /* IO_MMIO: a translation that the processor made; page_gva 1: none */
	u64 in[2];
	struct insn insn;
};

/*
 * A MOV between a register and a device that was carried out before, in 64-bit mode: it is
 * known again without a walk, a fetch and a decoding as long as its bytes and the entries of
 * the guest's tables that lead to them are what they were.
 */
struct mmio_known {
	u64 rip; /* 1: nothing is known */
	u64 cr3;
	u64 page; /* of the device, where no RAM was */
	/* x86_domain.s2_changes then: as long as it stands, the frames and the claim below are the guest's */
	u64 changes;
	const u64 *code; /* domain_ptr()s */
	u64 bytes[2];
	struct {
		const u64 *at;
		u64 value;
	} pte[4];
	const struct claim *claim; /* whose writes are posted, and where the last one went; or an empty one */
	u64 disp, zero, imm, mask, what;
	u32 align;
	u16 base, from; /* where in struct x86_vcpu the base register, and what is written, stand */
	u8 reg, size, length;
	bool write, device; /* not one of the interrupt controllers' pages */
} __attribute__((aligned(256)));
#define MMIO_KNOWN 4u

struct x86_vcpu {
	struct vcpu hv; /* first */
	u64 regs[16];	/* hardware numbering; RSP is the vendor's block's while loaded */
	bool (*on_exit)(struct x86_vcpu *v); /* what the entry code calls: hvm->exit, or watch_exit */
	u64 exit_tsc;			     /* at the last exit */
	u64 tsc_offset;			     /* guest TSC minus host TSC */
	u64 tsc_adjust;
	struct vlapic apic;
	struct msr_state msrs;
	struct timer apic_timer;
	/* switched by load and put */
	u64 cr2, xcr0, dr[4], dr6;
	/* load and put have more to do than for most: dr_used, pv_load() and pv_put(), or a barrier */
	bool switch_more;
	bool dr_used; /* the guest has touched its debug registers: from then on they are switched */
	u64 kernel_gs_base;
	u64 syscall[SYSCALL_MSRS];
	/* EFER.SCE has been set: what SYSCALL uses is in the CPU.
	 * Else only TSC_AUX is, and RDMSR does not see it */
	bool syscall_live;
	void *xsave;
	u32 nmi_pending;   /* (a) */
	u32 extint;	   /* (a) an interrupt by ExtINT waits: VCPU_EXTINT | vector */
	u32 init_sipi;	   /* (a) latched: bit 8 INIT, bit 9 SIPI, low byte its vector */
	bool halted;	   /* in HLT: runs on only with an event */
	bool halt_open;	   /* and that may be an interrupt */
	bool wait_sipi;	   /* runs on only with SIPI */
	bool timer_fired;  /* (a) the APIC timer's time has come */
	bool clock_due;	   /* the clock page is to be written */
	bool apicv;	   /* the processor virtualises its APIC */
	bool apic_touched; /* apicv: software has changed IRR or ISR since the processor did */
	bool apic_away;	   /* its APIC is not in xAPIC mode at the usual place (domain's vm.lock) */
	bool eoi_due;	   /* apicv: the EOI-exit bitmap is to be written */
	u64 exit_rip;
	struct io_state io;
	struct caisson_debug debug; /* what a debugger wants, and got */
	u64 step_rip, guest_dr7;
	bool stepping, stepped; /* a step is under way, done */
	bool debug_hw;		/* the debugger's debug registers are in the processor, the guest's here */
	struct mmio_known known[MMIO_KNOWN]; /* by RIP */
	u64 clock_msr;			     /* KVM_SYSTEM_TIME as written */
	u64 wall_clock_msr;
	u64 eoi_msr, steal_msr;
	hpa_t eoi_at, steal_at;	  /* what they point to in the domain's own RAM, or FRAME_NONE */
	u64 wait_base, wait_told; /* sched.wait_ticks at the last reset, and as the guest knows them */
	bool preempted;		  /* its struct pv_steal says that it is off its CPU */
	bool kicked;		  /* (a) KVM_HC_KICK_CPU: its next HLT, or the one that it is in, ends */
	struct stat stats[STATS_KINDS];
	struct stat_whats whats; /* by EXIT_WHATS */
	u32 *apic_page;
	void *vendor; /* vmx/: struct vmx_vcpu */
};

struct x86_domain {
	struct domain hv; /* first */
	struct pgtable s2;
	struct pg_leaf hole; /* that the last look-up found in it (vm.lock) */
	u64 table_reserve;   /* pages set aside for s2 tables and not used (vm.lock) */
	/* (a) CPUs that must drop second-stage translations before they run it */
	u64 flush[CAISSON_CPU_WORDS];
	/* (a) arch_s2_flush() was called: what is tagged by vCPU and not by domain compares this */
	u64 s2_changes;
	u64 serial;	      /* no other domain has, or had, the same */
	u32 apics_away;	      /* vCPUs with apic_away (vm.lock) */
	struct lock irq_lock; /* ioapic */
	struct vioapic ioapic;
	struct msr_params msrs;
	struct cpuid_table cpuid;
	struct vlapic *apics[CAISSON_MAX_VCPUS]; /* by vCPU, NULL where there is none yet */
};

static inline struct x86_vcpu *x86_vcpu(const struct vcpu *v)
{
	return container_of((struct vcpu *)(uintptr_t)v, struct x86_vcpu, hv);
}
static inline struct x86_domain *x86_domain(const struct domain *d)
{
	return container_of((struct domain *)(uintptr_t)d, struct x86_domain, hv);
}
static inline struct x86_vcpu *apic_vcpu(struct vlapic *a)
{
	return container_of(a, struct x86_vcpu, apic);
}

#define VCPU_INIT BIT(8)
#define VCPU_SIPI BIT(9)
/* x86_vcpu.extint: below it the vector */
#define VCPU_EXTINT BIT(8)
/* vcpu.c. SDM: "Processor State After Reset", column INIT; "Start-Up IPI" */
void x86_vcpu_init_state(struct x86_vcpu *v);
void x86_vcpu_sipi_state(struct x86_vcpu *v, u8 vector);

/* ---- handlers of exit.c's switch, each in the file named; context: on v's CPU in an exit ---- */
struct vm_exit;
/* One access to a port, not by a string instruction. */
enum verdict io_port(struct x86_vcpu *v, u32 port, u32 size, bool in, u32 insn_len); /* io.c */
enum verdict exit_cpuid(struct x86_vcpu *v);					     /* exit.c */
enum verdict exit_hypercall(struct x86_vcpu *v);				     /* exit.c */
bool xcr0_valid(const struct x86_vcpu *v, u64 value); /* exit.c: may the guest have it in XCR0? */
enum verdict exit_io(struct x86_vcpu *v, const struct vm_exit *x);  /* io.c */
enum verdict exit_npf(struct x86_vcpu *v, const struct vm_exit *x); /* io.c */
/* A MOV at RIP, in 64-bit mode under cr3, reached gpa, where the processor found nothing mapped: is it known,
 * and does it go the short way? Its length: it is done; -1: it waits for a device model (V_BLOCK); 0: no. */
s64 io_mmio_again(struct x86_vcpu *v, u64 gpa, u64 cr3, bool write); /* io.c */
/* A device model has answered: goes on with v->io. V_BLOCK: another request is under way. */
enum verdict io_continue(struct x86_vcpu *v); /* io.c */
enum verdict exit_rdmsr(struct x86_vcpu *v);  /* msr.c */
enum verdict exit_wrmsr(struct x86_vcpu *v);  /* msr.c */
static inline u32 syscall_index(u32 msr)
{
	return msr == MSR_TSC_AUX ? (u32)SYSCALL_TSC_AUX : msr - MSR_STAR;
}
/* EFER.SCE was set, on v's CPU. */
void syscall_enable(struct x86_vcpu *v); /* vcpu.c */
/* Writes one of the MSRs above, on v's CPU; false: #GP. */
bool syscall_write(struct x86_vcpu *v, u32 msr, u64 value); /* vcpu.c */
/* One of the reasons for switch_more has come or gone. v is loaded nowhere, or here. */
void x86_switch_more(struct x86_vcpu *v); /* vcpu.c */
/* The guest's debug registers are in the processor from now on. */
void debug_load(struct x86_vcpu *v);	  /* vcpu.c */
void debug_to_cpu(struct x86_vcpu *v);	  /* vcpu.c: those that the processor is to have */
void debug_from_cpu(struct x86_vcpu *v);  /* vcpu.c: the guest's, as they are */
enum verdict exit_dr(struct x86_vcpu *v); /* watch.c */
bool watch_exit(struct x86_vcpu *v);	  /* watch.c: instead of hvm->exit */
void watch_entry(struct x86_vcpu *v);	  /* watch.c: the guest is entered, and v is looked at */
/* watch.c: in exit_pending(), with PEND_DEBUG. False: stopped. */
bool debug_pending(struct x86_vcpu *v);
/* msr.c: rewrites the guest's clock page */
void clock_update(struct x86_vcpu *v);

/* ---- walk.c ---- */
/* SDM: "Page-Fault Exceptions": error code */
#define PF_PRESENT 1u
#define PF_WRITE   2u
#define PF_USER	   4u
#define PF_FETCH   16u
struct hvm_regs;
enum walk_result { WALK_OK, WALK_FAULT, WALK_NOWHERE };
/* Guest-linear to guest-physical by the guest's own tables. access: PF_WRITE, PF_USER, PF_FETCH as it is.
 * WALK_FAULT: *error and the address for #PF; WALK_NOWHERE: a table lies where no RAM is. */
enum walk_result walk_gva(struct x86_vcpu *v, const struct hvm_regs *r, u64 gva, u32 access, u64 *gpa,
			  u32 *error);
/* How the code at r->rip is reached, in 64-bit mode: all but rip, cr3, page and insn of *k. False: it cannot
 * be remembered. Lock: vm.lock. */
bool walk_remember(struct x86_vcpu *v, const struct hvm_regs *r, struct mmio_known *k);
/* The bytes at CS:RIP, up to 15: how many could be read. */
size_t walk_fetch(struct x86_vcpu *v, const struct hvm_regs *r, u8 out[INSN_MAX_BYTES]);

#endif
