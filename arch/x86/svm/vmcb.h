/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMCB and every number of SVM, each once, in the manual's order. APM volume 2, "Secure Virtual Machine",
 * appendices "VMCB Layout" and "SVM Intercept Exit Codes".
 */
#ifndef ARCH_X86_SVM_VMCB_H
#define ARCH_X86_SVM_VMCB_H

#include "hv/types.h"

/* ---- "VMCB State Save Area": segments; attr has bits 55:52 and 47:40 of a descriptor ---- */
struct vmcb_segment {
	u16 selector, attr;
	u32 limit;
	u64 base;
};
#define VMCB_ATTR_DPL MASK(6, 5)
#define VMCB_ATTR_P   BIT(7)
#define VMCB_TSS      BIT(0) /* the types of a TSS: these, BUSY once it is in TR, 32 or 64 bits */
#define VMCB_TSS_BUSY BIT(1)
#define VMCB_TSS_32   BIT(3)
#define VMCB_ATTR_L   BIT(9)
#define VMCB_ATTR_DB  BIT(10)

struct vmcb {
	/* control area */
	u16 cr_read, cr_write, dr_read, dr_write; /* intercepts: bit n is CRn, DRn */
	u32 exceptions;
	u32 intercept[3]; /* SVM_INTERCEPT_* / 32 */
	u8 reserved_018[0x03c - 0x018];
	u16 pause_threshold, pause_count;
	u64 iopm, msrpm;
	u64 tsc_offset;
	u32 asid;
	u32 tlb_control; /* TLB_* in the low byte */
	u64 vintr;	 /* V_* */
	u64 int_state;	 /* INT_STATE_* */
	u64 exit_code, exit_info1, exit_info2;
	u32 exit_int_info, exit_int_error; /* EVENT_* */
	u64 nested;			   /* NESTED_* */
	u64 avic_bar, ghcb;
	u32 event, event_error; /* EVENT_* */
	u64 nested_cr3;
	u64 virt_ext;
	u32 clean; /* CLEAN_*: what has not changed since this CPU's last VMRUN of this VMCB */
	u32 reserved_0c4;
	u64 next_rip;
	u8 fetched, bytes[15];
	u8 reserved_0e0[0x400 - 0x0e0];
	/* state save area */
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved_4a0[0x4cb - 0x4a0];
	u8 cpl;
	u32 reserved_4cc;
	u64 efer;
	u8 reserved_4d8[0x548 - 0x4d8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 reserved_580[0x5d8 - 0x580];
	u64 rsp, s_cet, ssp, isst_addr, rax;
	u64 star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp, sysenter_eip, cr2;
	u8 reserved_648[0x668 - 0x648];
	u64 g_pat, debugctl, br_from, br_to, last_exception_from, last_exception_to;
	u8 reserved_698[0x1000 - 0x698];
};
_Static_assert(sizeof(struct vmcb) == 0x1000, "APM: VMCB Layout");

/* Where each member is, guest/control/fields.c proves. */

/* clang-format off */
/* ---- control area: intercepts; bit n of intercept[n / 32] ---- */
enum svm_intercept {
	SVM_INTERCEPT_INTR, SVM_INTERCEPT_NMI, SVM_INTERCEPT_SMI, SVM_INTERCEPT_INIT, SVM_INTERCEPT_VINTR,
	SVM_INTERCEPT_CR0_SEL_WRITE, /* changes of CR0 but of TS and MP */
	SVM_INTERCEPT_IDTR_READ, SVM_INTERCEPT_GDTR_READ, SVM_INTERCEPT_LDTR_READ, SVM_INTERCEPT_TR_READ,
	SVM_INTERCEPT_IDTR_WRITE, SVM_INTERCEPT_GDTR_WRITE, SVM_INTERCEPT_LDTR_WRITE, SVM_INTERCEPT_TR_WRITE,
	SVM_INTERCEPT_RDTSC, SVM_INTERCEPT_RDPMC, SVM_INTERCEPT_PUSHF, SVM_INTERCEPT_POPF, SVM_INTERCEPT_CPUID,
	SVM_INTERCEPT_RSM, SVM_INTERCEPT_IRET, SVM_INTERCEPT_SOFTINT, SVM_INTERCEPT_INVD, SVM_INTERCEPT_PAUSE,
	SVM_INTERCEPT_HLT, SVM_INTERCEPT_INVLPG, SVM_INTERCEPT_INVLPGA, SVM_INTERCEPT_IO, SVM_INTERCEPT_MSR,
	SVM_INTERCEPT_TASK_SWITCH, SVM_INTERCEPT_FERR_FREEZE, SVM_INTERCEPT_SHUTDOWN,
	SVM_INTERCEPT_VMRUN, SVM_INTERCEPT_VMMCALL, SVM_INTERCEPT_VMLOAD, SVM_INTERCEPT_VMSAVE, SVM_INTERCEPT_STGI,
	SVM_INTERCEPT_CLGI, SVM_INTERCEPT_SKINIT, SVM_INTERCEPT_RDTSCP, SVM_INTERCEPT_ICEBP, SVM_INTERCEPT_WBINVD,
	SVM_INTERCEPT_MONITOR, SVM_INTERCEPT_MWAIT, SVM_INTERCEPT_MWAIT_ARMED, SVM_INTERCEPT_XSETBV, SVM_INTERCEPT_RDPRU,
	SVM_INTERCEPT_EFER_WRITE_TRAP,
	SVM_INTERCEPT_INVLPGB = 64, SVM_INTERCEPT_INVLPGB_ILLEGAL, SVM_INTERCEPT_INVPCID, SVM_INTERCEPT_MCOMMIT,
	SVM_INTERCEPT_TLBSYNC,
};

/* tlb_control */
enum { TLB_KEEP = 0, TLB_FLUSH_ALL = 1, TLB_FLUSH_ASID = 3, TLB_FLUSH_ASID_LOCAL = 7 };

/* vintr */
#define V_IRQ		BIT(8)
#define V_INTR_PRIO	MASK(19, 16)
#define V_IGN_TPR	BIT(20)
/* the host's RFLAGS.IF masks physical interrupts, the guest's the virtual one */
#define V_INTR_MASKING	BIT(24)
#define V_INTR_VECTOR	MASK(39, 32)

#define INT_STATE_SHADOW BIT(0) /* STI or MOV SS came last */

#define NESTED_PAGING BIT(0)

/* event, exit_int_info. "Event Injection" */
#define EVENT_VECTOR MASK(7, 0)
#define EVENT_TYPE   MASK(10, 8)
#define EVENT_ERROR  BIT(11)
#define EVENT_VALID  BIT(31)
enum { EVENT_INTR = 0, EVENT_NMI = 2, EVENT_EXCEPTION = 3, EVENT_SOFT = 4 };

/* clean. "VMCB Clean Field" */
#define CLEAN_I    BIT(0) /* intercepts, TSC offset, PAUSE filter */
#define CLEAN_IOPM BIT(1)
#define CLEAN_ASID BIT(2)
#define CLEAN_TPR  BIT(3) /* vintr */
#define CLEAN_NP   BIT(4)
#define CLEAN_CR   BIT(5) /* CR0, CR3, CR4, EFER */
#define CLEAN_DR   BIT(6)
#define CLEAN_DT   BIT(7)
#define CLEAN_SEG  BIT(8) /* ES CS SS DS, CPL */
#define CLEAN_LBR  BIT(10)

/* ---- "SVM Intercept Exit Codes" ---- */
enum svm_exit_code {
	SVM_EXIT_CR_READ = 0x000, SVM_EXIT_CR_WRITE = 0x010, SVM_EXIT_DR_READ = 0x020, SVM_EXIT_DR_WRITE = 0x030,
	SVM_EXIT_EXCEPTION = 0x040, SVM_EXIT_INTR = 0x060, SVM_EXIT_NMI, SVM_EXIT_SMI, SVM_EXIT_INIT, SVM_EXIT_VINTR,
	SVM_EXIT_CR0_SEL_WRITE, SVM_EXIT_IDTR_READ, SVM_EXIT_GDTR_READ, SVM_EXIT_LDTR_READ, SVM_EXIT_TR_READ,
	SVM_EXIT_IDTR_WRITE, SVM_EXIT_GDTR_WRITE, SVM_EXIT_LDTR_WRITE, SVM_EXIT_TR_WRITE, SVM_EXIT_RDTSC, SVM_EXIT_RDPMC,
	SVM_EXIT_PUSHF, SVM_EXIT_POPF, SVM_EXIT_CPUID, SVM_EXIT_RSM, SVM_EXIT_IRET, SVM_EXIT_SWINT, SVM_EXIT_INVD,
	SVM_EXIT_PAUSE, SVM_EXIT_HLT, SVM_EXIT_INVLPG, SVM_EXIT_INVLPGA, SVM_EXIT_IOIO, SVM_EXIT_MSR,
	SVM_EXIT_TASK_SWITCH, SVM_EXIT_FERR_FREEZE, SVM_EXIT_SHUTDOWN, SVM_EXIT_VMRUN, SVM_EXIT_VMMCALL, SVM_EXIT_VMLOAD,
	SVM_EXIT_VMSAVE, SVM_EXIT_STGI, SVM_EXIT_CLGI, SVM_EXIT_SKINIT, SVM_EXIT_RDTSCP, SVM_EXIT_ICEBP, SVM_EXIT_WBINVD,
	SVM_EXIT_MONITOR, SVM_EXIT_MWAIT, SVM_EXIT_MWAIT_ARMED, SVM_EXIT_XSETBV, SVM_EXIT_RDPRU, SVM_EXIT_EFER_TRAP,
	SVM_EXIT_CR_TRAP, SVM_EXIT_INVLPGB = 0x0a0, SVM_EXIT_INVLPGB_ILLEGAL, SVM_EXIT_INVPCID, SVM_EXIT_MCOMMIT,
	SVM_EXIT_TLBSYNC, SVM_EXIT_NPF = 0x400, SVM_EXIT_AVIC_IPI, SVM_EXIT_AVIC_ACCESS, SVM_EXIT_VMGEXIT,
	SVM_EXIT_INVALID = 0xffffffff,
	SVM_EXIT_TABLE = 0x0a5, /* one more than the last of the low block */
};
/* clang-format on */

/* exit_info1 of IOIO ("IN and OUT Instructions" under "Instruction Intercepts");
 * exit_info2 is the next RIP */
#define IOIO_IN	    BIT(0)
#define IOIO_STRING BIT(2)
#define IOIO_SIZE   MASK(6, 4) /* one bit each: 1, 2, 4 bytes */
#define IOIO_PORT   MASK(31, 16)

/* exit_info1 of MSR */
#define MSR_IS_WRITE BIT(0)

/* exit_info1 of CR and DR accesses, with decode assists */
#define CR_INFO_MOV BIT(63)
#define CR_INFO_GPR MASK(3, 0)

/* exit_info1 of NPF: a page fault's error code and these.
 * "Nested versus Guest Page Faults, Fault Ordering" */
#define NPF_WRITE    BIT(1)
#define NPF_RESERVED BIT(3)
#define NPF_FETCH    BIT(4)
#define NPF_TABLES   BIT(33) /* of the guest's page tables */

/* ---- "Permission maps" ---- */
#define IOPM_BYTES  0x3000u
#define MSRPM_BYTES 0x2000u

/* ---- CPUID Fn8000_000A_EDX, "SVM Revision and Feature Identification" ---- */
#define SVM_NP		    BIT(0)
#define SVM_NRIPS	    BIT(3)
#define SVM_CLEAN	    BIT(5)
#define SVM_FLUSH_ASID	    BIT(6)
#define SVM_DECODE	    BIT(7)
#define SVM_PAUSE_FILTER    BIT(10)
#define SVM_PAUSE_THRESHOLD BIT(12)

#endif
