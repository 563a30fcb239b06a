/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMCB and every number of SVM, each once, in the manual's order. APM volume 2, "Secure Virtual Machine", appendices "VMCB
 * Layout" and "SVM Intercept Exit Codes".
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
#define VMCB_ATTR_AVL BIT(8)
#define VMCB_ATTR_L   BIT(9)
#define VMCB_ATTR_DB  BIT(10)
#define VMCB_ATTR_G   BIT(11)

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

/* X(member, offset, bytes): what the `vmcs` command shows, and what proves the layout. */
/* clang-format off */
#define VMCB_SEGMENT(X, name, at) \
	X(name.selector, (at), 2) X(name.attr, (at) + 2, 2) X(name.limit, (at) + 4, 4) X(name.base, (at) + 8, 8)
#define VMCB_FIELDS(X) \
	X(cr_read, 0x000, 2) X(cr_write, 0x002, 2) X(dr_read, 0x004, 2) X(dr_write, 0x006, 2) X(exceptions, 0x008, 4) \
	X(intercept[0], 0x00c, 4) X(intercept[1], 0x010, 4) X(intercept[2], 0x014, 4) X(pause_threshold, 0x03c, 2) \
	X(pause_count, 0x03e, 2) X(iopm, 0x040, 8) X(msrpm, 0x048, 8) X(tsc_offset, 0x050, 8) X(asid, 0x058, 4) \
	X(tlb_control, 0x05c, 4) X(vintr, 0x060, 8) X(int_state, 0x068, 8) X(exit_code, 0x070, 8) X(exit_info1, 0x078, 8) \
	X(exit_info2, 0x080, 8) X(exit_int_info, 0x088, 4) X(exit_int_error, 0x08c, 4) X(nested, 0x090, 8) \
	X(avic_bar, 0x098, 8) X(ghcb, 0x0a0, 8) X(event, 0x0a8, 4) X(event_error, 0x0ac, 4) X(nested_cr3, 0x0b0, 8) \
	X(virt_ext, 0x0b8, 8) X(clean, 0x0c0, 4) X(next_rip, 0x0c8, 8) X(fetched, 0x0d0, 1) \
	VMCB_SEGMENT(X, es, 0x400) VMCB_SEGMENT(X, cs, 0x410) VMCB_SEGMENT(X, ss, 0x420) VMCB_SEGMENT(X, ds, 0x430) \
	VMCB_SEGMENT(X, fs, 0x440) VMCB_SEGMENT(X, gs, 0x450) X(gdtr.limit, 0x464, 4) X(gdtr.base, 0x468, 8) \
	VMCB_SEGMENT(X, ldtr, 0x470) X(idtr.limit, 0x484, 4) X(idtr.base, 0x488, 8) VMCB_SEGMENT(X, tr, 0x490) \
	X(cpl, 0x4cb, 1) X(efer, 0x4d0, 8) X(cr4, 0x548, 8) X(cr3, 0x550, 8) X(cr0, 0x558, 8) X(dr7, 0x560, 8) \
	X(dr6, 0x568, 8) X(rflags, 0x570, 8) X(rip, 0x578, 8) X(rsp, 0x5d8, 8) X(s_cet, 0x5e0, 8) X(ssp, 0x5e8, 8) \
	X(isst_addr, 0x5f0, 8) X(rax, 0x5f8, 8) X(star, 0x600, 8) X(lstar, 0x608, 8) X(cstar, 0x610, 8) \
	X(sfmask, 0x618, 8) X(kernel_gs_base, 0x620, 8) X(sysenter_cs, 0x628, 8) X(sysenter_esp, 0x630, 8) \
	X(sysenter_eip, 0x638, 8) X(cr2, 0x640, 8) X(g_pat, 0x668, 8) X(debugctl, 0x670, 8) X(br_from, 0x678, 8) \
	X(br_to, 0x680, 8) X(last_exception_from, 0x688, 8) X(last_exception_to, 0x690, 8)
#define VMCB_CHECK(member, offset, bytes) \
	_Static_assert(offsetof(struct vmcb, member) == (offset) && sizeof(((struct vmcb *)0)->member) == (bytes), "APM: VMCB Layout");
VMCB_FIELDS(VMCB_CHECK)
#undef VMCB_CHECK

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
#define V_TPR		MASK(7, 0)
#define V_IRQ		BIT(8)
#define V_GIF		BIT(9)
#define V_INTR_PRIO	MASK(19, 16)
#define V_IGN_TPR	BIT(20)
#define V_INTR_MASKING	BIT(24) /* the host's RFLAGS.IF masks physical interrupts, the guest's the virtual one */
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
#define CLEAN_CR2  BIT(9)
#define CLEAN_LBR  BIT(10)
#define CLEAN_AVIC BIT(11)

/* ---- "SVM Intercept Exit Codes" ---- X(NAME, number, "name") */
#define SVM_EXITS(X) \
	X(CR_READ,       0x000, "Read of CR0 to CR15")          X(CR_WRITE,     0x010, "Write of CR0 to CR15") \
	X(DR_READ,       0x020, "Read of DR0 to DR15")          X(DR_WRITE,     0x030, "Write of DR0 to DR15") \
	X(EXCEPTION,     0x040, "Exception vector 0 to 31")     X(INTR,         0x060, "Physical INTR") \
	X(NMI,           0x061, "Physical NMI")                 X(SMI,          0x062, "Physical SMI") \
	X(INIT,          0x063, "Physical INIT")                X(VINTR,        0x064, "Virtual INTR") \
	X(CR0_SEL_WRITE, 0x065, "Selective write of CR0")       X(IDTR_READ,    0x066, "Read of IDTR") \
	X(GDTR_READ,     0x067, "Read of GDTR")                 X(LDTR_READ,    0x068, "Read of LDTR") \
	X(TR_READ,       0x069, "Read of TR")                   X(IDTR_WRITE,   0x06a, "Write of IDTR") \
	X(GDTR_WRITE,    0x06b, "Write of GDTR")                X(LDTR_WRITE,   0x06c, "Write of LDTR") \
	X(TR_WRITE,      0x06d, "Write of TR")                  X(RDTSC,        0x06e, "RDTSC") \
	X(RDPMC,         0x06f, "RDPMC")                        X(PUSHF,        0x070, "PUSHF") \
	X(POPF,          0x071, "POPF")                         X(CPUID,        0x072, "CPUID") \
	X(RSM,           0x073, "RSM")                          X(IRET,         0x074, "IRET") \
	X(SWINT,         0x075, "INTn")                         X(INVD,         0x076, "INVD") \
	X(PAUSE,         0x077, "PAUSE")                        X(HLT,          0x078, "HLT") \
	X(INVLPG,        0x079, "INVLPG")                       X(INVLPGA,      0x07a, "INVLPGA") \
	X(IOIO,          0x07b, "IN or OUT")                    X(MSR,          0x07c, "RDMSR or WRMSR") \
	X(TASK_SWITCH,   0x07d, "Task switch")                  X(FERR_FREEZE,  0x07e, "FP error freeze") \
	X(SHUTDOWN,      0x07f, "Shutdown")                     X(VMRUN,        0x080, "VMRUN") \
	X(VMMCALL,       0x081, "VMMCALL")                      X(VMLOAD,       0x082, "VMLOAD") \
	X(VMSAVE,        0x083, "VMSAVE")                       X(STGI,         0x084, "STGI") \
	X(CLGI,          0x085, "CLGI")                         X(SKINIT,       0x086, "SKINIT") \
	X(RDTSCP,        0x087, "RDTSCP")                       X(ICEBP,        0x088, "ICEBP") \
	X(WBINVD,        0x089, "WBINVD or WBNOINVD")           X(MONITOR,      0x08a, "MONITOR or MONITORX") \
	X(MWAIT,         0x08b, "MWAIT or MWAITX")              X(MWAIT_ARMED,  0x08c, "MWAIT, armed") \
	X(XSETBV,        0x08d, "XSETBV")                       X(RDPRU,        0x08e, "RDPRU") \
	X(EFER_TRAP,     0x08f, "Write of EFER, after it")      X(CR_TRAP,      0x090, "Write of CR0 to CR15, after it") \
	X(INVLPGB,       0x0a0, "INVLPGB")                      X(INVLPGB_ILLEGAL, 0x0a1, "INVLPGB, illegal") \
	X(INVPCID,       0x0a2, "INVPCID")                      X(MCOMMIT,      0x0a3, "MCOMMIT") \
	X(TLBSYNC,       0x0a4, "TLBSYNC")                      X(NPF,          0x400, "Nested page fault") \
	X(AVIC_IPI,      0x401, "AVIC: incomplete IPI")         X(AVIC_ACCESS,  0x402, "AVIC: access not accelerated") \
	X(VMGEXIT,       0x403, "VMGEXIT")                      X(INVALID,      0xffffffff, "Invalid guest state in the VMCB")
/* clang-format on */
enum svm_exit_code {
#define SVM_EXIT_X(name, number, text) SVM_EXIT_##name = (number),
	SVM_EXITS(SVM_EXIT_X)
#undef SVM_EXIT_X
	SVM_EXIT_TABLE = 0x0a5, /* one more than the last of the low block */
};

/* exit_info1 of IOIO ("IN and OUT Instructions" under "Instruction Intercepts"); exit_info2 is the next RIP */
#define IOIO_IN	    BIT(0)
#define IOIO_STRING BIT(2)
#define IOIO_REP    BIT(3)
#define IOIO_SIZE   MASK(6, 4) /* one bit each: 1, 2, 4 bytes */
#define IOIO_PORT   MASK(31, 16)

/* exit_info1 of MSR */
#define MSR_IS_WRITE BIT(0)

/* exit_info1 of CR and DR accesses, with decode assists */
#define CR_INFO_MOV BIT(63)
#define CR_INFO_GPR MASK(3, 0)

/* exit_info1 of NPF: a page fault's error code and these. "Nested versus Guest Page Faults, Fault Ordering" */
#define NPF_WRITE    BIT(1)
#define NPF_RESERVED BIT(3)
#define NPF_FETCH    BIT(4)
#define NPF_FINAL    BIT(32) /* the translation of the guest-physical address itself */
#define NPF_TABLES   BIT(33) /* of the guest's page tables */

/* ---- "Permission maps" ---- */
#define IOPM_BYTES  0x3000u
#define MSRPM_BYTES 0x2000u

/* ---- CPUID Fn8000_000A_EDX, "SVM Revision and Feature Identification" ---- */
#define SVM_NP		     BIT(0)
#define SVM_LBR		     BIT(1)
#define SVM_LOCK	     BIT(2)
#define SVM_NRIPS	     BIT(3)
#define SVM_TSC_RATE	     BIT(4)
#define SVM_CLEAN	     BIT(5)
#define SVM_FLUSH_ASID	     BIT(6)
#define SVM_DECODE	     BIT(7)
#define SVM_PAUSE_FILTER     BIT(10)
#define SVM_PAUSE_THRESHOLD  BIT(12)
#define SVM_AVIC	     BIT(13)
#define SVM_VIRTUAL_VMLOAD   BIT(15)
#define SVM_VGIF	     BIT(16)
#define SVM_GMET	     BIT(17)
#define SVM_X2AVIC	     BIT(18)
#define SVM_SPEC_CTRL	     BIT(20)
#define SVM_VNMI	     BIT(25)

#endif
