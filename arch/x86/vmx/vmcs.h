/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of VMX, once, in the manual's order: VMCS fields, controls, exit reasons, layouts of what an
 * exit tells, capability MSRs. Data only; any context, host tests included. Section titles are those of the
 * Intel SDM, volume 3.
 */
#ifndef ARCH_X86_VMX_VMCS_H
#define ARCH_X86_VMX_VMCS_H

#include "arch/x86/regs.h"
#include "hv/types.h"

/* clang-format off */

/* ---- SDM: "Field Encoding in VMCS" ---- (the manual's names stand in guest/control/fields.c) */
enum vmcs_field {
	/* 16-bit control fields */
	VMCS_VPID = 0x0000, VMCS_POSTED_INTERRUPT_VECTOR = 0x0002,
	/* 16-bit guest-state fields */
	VMCS_GUEST_ES_SELECTOR = 0x0800, VMCS_GUEST_CS_SELECTOR = 0x0802, VMCS_GUEST_SS_SELECTOR = 0x0804,
	VMCS_GUEST_DS_SELECTOR = 0x0806, VMCS_GUEST_FS_SELECTOR = 0x0808, VMCS_GUEST_GS_SELECTOR = 0x080a,
	VMCS_GUEST_LDTR_SELECTOR = 0x080c, VMCS_GUEST_TR_SELECTOR = 0x080e, VMCS_GUEST_INTERRUPT_STATUS = 0x0810,
	/* 16-bit host-state fields */
	VMCS_HOST_ES_SELECTOR = 0x0c00, VMCS_HOST_CS_SELECTOR = 0x0c02, VMCS_HOST_SS_SELECTOR = 0x0c04,
	VMCS_HOST_DS_SELECTOR = 0x0c06, VMCS_HOST_FS_SELECTOR = 0x0c08, VMCS_HOST_GS_SELECTOR = 0x0c0a,
	VMCS_HOST_TR_SELECTOR = 0x0c0c,
	/* 64-bit control fields */
	VMCS_IO_BITMAP_A = 0x2000, VMCS_IO_BITMAP_B = 0x2002, VMCS_MSR_BITMAP = 0x2004, VMCS_TSC_OFFSET = 0x2010,
	VMCS_VIRTUAL_APIC_ADDRESS = 0x2012, VMCS_APIC_ACCESS_ADDRESS = 0x2014, VMCS_POSTED_INTERRUPT_DESC = 0x2016,
	VMCS_EPT_POINTER = 0x201a, VMCS_EOI_EXIT_BITMAP_0 = 0x201c, VMCS_EOI_EXIT_BITMAP_1 = 0x201e,
	VMCS_EOI_EXIT_BITMAP_2 = 0x2020, VMCS_EOI_EXIT_BITMAP_3 = 0x2022,
	/* 64-bit read-only data fields */
	VMCS_GUEST_PHYSICAL_ADDRESS = 0x2400,
	/* 64-bit guest-state fields */
	VMCS_LINK_POINTER = 0x2800, VMCS_GUEST_DEBUGCTL = 0x2802, VMCS_GUEST_PAT = 0x2804, VMCS_GUEST_EFER = 0x2806,
	VMCS_GUEST_PDPTE0 = 0x280a, VMCS_GUEST_PDPTE1 = 0x280c, VMCS_GUEST_PDPTE2 = 0x280e,
	VMCS_GUEST_PDPTE3 = 0x2810,
	/* 64-bit host-state fields */
	VMCS_HOST_PAT = 0x2c00, VMCS_HOST_EFER = 0x2c02,
	/* 32-bit control fields */
	VMCS_PIN_CONTROLS = 0x4000, VMCS_PROC_CONTROLS = 0x4002, VMCS_EXCEPTION_BITMAP = 0x4004,
	VMCS_EXIT_CONTROLS = 0x400c, VMCS_ENTRY_CONTROLS = 0x4012, VMCS_ENTRY_INTERRUPTION_INFO = 0x4016,
	VMCS_ENTRY_ERROR_CODE = 0x4018, VMCS_ENTRY_INSTRUCTION_LENGTH = 0x401a, VMCS_TPR_THRESHOLD = 0x401c,
	VMCS_PROC2_CONTROLS = 0x401e, VMCS_PLE_GAP = 0x4020, VMCS_PLE_WINDOW = 0x4022,
	/* 32-bit read-only data fields */
	VMCS_INSTRUCTION_ERROR = 0x4400, VMCS_EXIT_REASON = 0x4402, VMCS_EXIT_INTERRUPTION_INFO = 0x4404,
	VMCS_EXIT_ERROR_CODE = 0x4406, VMCS_IDT_VECTORING_INFO = 0x4408, VMCS_IDT_VECTORING_ERROR = 0x440a,
	VMCS_EXIT_INSTRUCTION_LENGTH = 0x440c, VMCS_EXIT_INSTRUCTION_INFO = 0x440e,
	/* 32-bit guest-state fields */
	VMCS_GUEST_ES_LIMIT = 0x4800, VMCS_GUEST_CS_LIMIT = 0x4802, VMCS_GUEST_SS_LIMIT = 0x4804,
	VMCS_GUEST_DS_LIMIT = 0x4806, VMCS_GUEST_FS_LIMIT = 0x4808, VMCS_GUEST_GS_LIMIT = 0x480a,
	VMCS_GUEST_LDTR_LIMIT = 0x480c, VMCS_GUEST_TR_LIMIT = 0x480e, VMCS_GUEST_GDTR_LIMIT = 0x4810,
	VMCS_GUEST_IDTR_LIMIT = 0x4812, VMCS_GUEST_ES_AR = 0x4814, VMCS_GUEST_CS_AR = 0x4816,
	VMCS_GUEST_SS_AR = 0x4818, VMCS_GUEST_DS_AR = 0x481a, VMCS_GUEST_FS_AR = 0x481c, VMCS_GUEST_GS_AR = 0x481e,
	VMCS_GUEST_LDTR_AR = 0x4820, VMCS_GUEST_TR_AR = 0x4822, VMCS_GUEST_INTERRUPTIBILITY = 0x4824,
	VMCS_GUEST_ACTIVITY = 0x4826, VMCS_GUEST_SYSENTER_CS = 0x482a, VMCS_PREEMPTION_TIMER = 0x482e,
	/* 32-bit host-state field */
	VMCS_HOST_SYSENTER_CS = 0x4c00,
	/* Natural-width control fields */
	VMCS_CR0_MASK = 0x6000, VMCS_CR4_MASK = 0x6002, VMCS_CR0_SHADOW = 0x6004, VMCS_CR4_SHADOW = 0x6006,
	/* Natural-width read-only data fields */
	VMCS_EXIT_QUALIFICATION = 0x6400, VMCS_GUEST_LINEAR_ADDRESS = 0x640a,
	/* Natural-width guest-state fields */
	VMCS_GUEST_CR0 = 0x6800, VMCS_GUEST_CR3 = 0x6802, VMCS_GUEST_CR4 = 0x6804, VMCS_GUEST_ES_BASE = 0x6806,
	VMCS_GUEST_CS_BASE = 0x6808, VMCS_GUEST_SS_BASE = 0x680a, VMCS_GUEST_DS_BASE = 0x680c,
	VMCS_GUEST_FS_BASE = 0x680e, VMCS_GUEST_GS_BASE = 0x6810, VMCS_GUEST_LDTR_BASE = 0x6812,
	VMCS_GUEST_TR_BASE = 0x6814, VMCS_GUEST_GDTR_BASE = 0x6816, VMCS_GUEST_IDTR_BASE = 0x6818,
	VMCS_GUEST_DR7 = 0x681a, VMCS_GUEST_RSP = 0x681c, VMCS_GUEST_RIP = 0x681e, VMCS_GUEST_RFLAGS = 0x6820,
	VMCS_GUEST_PENDING_DEBUG = 0x6822, VMCS_GUEST_SYSENTER_ESP = 0x6824, VMCS_GUEST_SYSENTER_EIP = 0x6826,
	/* Natural-width host-state fields */
	VMCS_HOST_CR0 = 0x6c00, VMCS_HOST_CR3 = 0x6c02, VMCS_HOST_CR4 = 0x6c04, VMCS_HOST_FS_BASE = 0x6c06,
	VMCS_HOST_GS_BASE = 0x6c08, VMCS_HOST_TR_BASE = 0x6c0a, VMCS_HOST_GDTR_BASE = 0x6c0c,
	VMCS_HOST_IDTR_BASE = 0x6c0e, VMCS_HOST_SYSENTER_ESP = 0x6c10, VMCS_HOST_SYSENTER_EIP = 0x6c12,
	VMCS_HOST_RSP = 0x6c14, VMCS_HOST_RIP = 0x6c16,
};

/* The eight segment registers have their fields two apart, in this order: VMCS_GUEST_ES_BASE + 2 * SEG_TR and so on. */
enum { VMX_SEG_ES, VMX_SEG_CS, VMX_SEG_SS, VMX_SEG_DS, VMX_SEG_FS, VMX_SEG_GS, VMX_SEG_LDTR, VMX_SEG_TR };

/* ---- Controls and capabilities ---- X(kind, name, bit, "the manual's name"); the enum holds masks */
#define VMX_BITS(X) \
	/* SDM: "Pin-Based VM-Execution Controls" */                                                                \
	X(PIN, EXTERNAL_INTERRUPT_EXITING, 0, "External-interrupt exiting") X(PIN, NMI_EXITING, 3, "NMI exiting")   \
	X(PIN, VIRTUAL_NMIS, 5, "Virtual NMIs") X(PIN, PREEMPTION_TIMER, 6, "Activate VMX-preemption timer")        \
	X(PIN, POSTED_INTERRUPTS, 7, "Process posted interrupts")                                                   \
	/* SDM: "Processor-Based VM-Execution Controls", primary */                                                 \
	X(PROC, INTERRUPT_WINDOW, 2, "Interrupt-window exiting") X(PROC, TSC_OFFSETTING, 3, "Use TSC offsetting")   \
	X(PROC, HLT_EXITING, 7, "HLT exiting") X(PROC, MWAIT_EXITING, 10, "MWAIT exiting")                          \
	X(PROC, RDPMC_EXITING, 11, "RDPMC exiting") X(PROC, CR8_LOAD_EXITING, 19, "CR8-load exiting")               \
	X(PROC, CR8_STORE_EXITING, 20, "CR8-store exiting") X(PROC, TPR_SHADOW, 21, "Use TPR shadow")               \
	X(PROC, NMI_WINDOW, 22, "NMI-window exiting") X(PROC, MOV_DR_EXITING, 23, "MOV-DR exiting")                 \
	X(PROC, IO_BITMAPS, 25, "Use I/O bitmaps") X(PROC, MONITOR_TRAP_FLAG, 27, "Monitor trap flag")              \
	X(PROC, MSR_BITMAPS, 28, "Use MSR bitmaps") X(PROC, MONITOR_EXITING, 29, "MONITOR exiting")                 \
	X(PROC, SECONDARY, 31, "Activate secondary controls")                                                       \
	/* the same section, secondary */                                                                           \
	X(PROC2, VIRTUALIZE_APIC_ACCESSES, 0, "Virtualize APIC accesses") X(PROC2, EPT, 1, "Enable EPT")            \
	X(PROC2, RDTSCP, 3, "Enable RDTSCP") X(PROC2, VIRTUALIZE_X2APIC, 4, "Virtualize x2APIC mode")               \
	X(PROC2, VPID, 5, "Enable VPID") X(PROC2, WBINVD_EXITING, 6, "WBINVD exiting")                              \
	X(PROC2, UNRESTRICTED_GUEST, 7, "Unrestricted guest")                                                       \
	X(PROC2, APIC_REGISTER_VIRTUALIZATION, 8, "APIC-register virtualization")                                   \
	X(PROC2, VIRTUAL_INTERRUPT_DELIVERY, 9, "Virtual-interrupt delivery")                                       \
	X(PROC2, PAUSE_LOOP_EXITING, 10, "PAUSE-loop exiting") X(PROC2, INVPCID, 12, "Enable INVPCID")              \
	X(PROC2, VM_FUNCTIONS, 13, "Enable VM functions") X(PROC2, PML, 17, "Enable PML")                           \
	X(PROC2, EPT_VIOLATION_VE, 18, "EPT-violation #VE") X(PROC2, XSAVES, 20, "Enable XSAVES/XRSTORS")           \
	X(PROC2, MBEC, 22, "Mode-based execute control for EPT")                                                    \
	X(PROC2, SPP, 23, "Sub-page write permissions for EPT") X(PROC2, TSC_SCALING, 25, "Use TSC scaling")        \
	/* SDM: "VM-Exit Controls", primary */                                                                      \
	X(EXIT, SAVE_DEBUG_CONTROLS, 2, "Save debug controls") X(EXIT, HOST_64, 9, "Host address-space size")       \
	X(EXIT, ACK_INTERRUPT, 15, "Acknowledge interrupt on exit") X(EXIT, SAVE_PAT, 18, "Save IA32_PAT")          \
	X(EXIT, LOAD_PAT, 19, "Load IA32_PAT (exit)") X(EXIT, SAVE_EFER, 20, "Save IA32_EFER")                      \
	X(EXIT, LOAD_EFER, 21, "Load IA32_EFER (exit)")                                                             \
	/* SDM: "VM-Entry Controls" */                                                                              \
	X(ENTRY, LOAD_DEBUG_CONTROLS, 2, "Load debug controls") X(ENTRY, IA32E_GUEST, 9, "IA-32e mode guest")       \
	X(ENTRY, LOAD_PAT, 14, "Load IA32_PAT (entry)") X(ENTRY, LOAD_EFER, 15, "Load IA32_EFER (entry)")           \
	/* IA32_VMX_EPT_VPID_CAP, "VPID and EPT Capabilities" */                                                    \
	X(EPT_VPID, EXEC_ONLY, 0, "EPT execute-only translations") X(EPT_VPID, WALK_4, 6, "EPT page-walk length 4") \
	X(EPT_VPID, WB, 14, "EPT structures write-back (WB)") X(EPT_VPID, 2M, 16, "EPT 2-MByte pages")              \
	X(EPT_VPID, 1G, 17, "EPT 1-GByte pages") X(EPT_VPID, INVEPT, 20, "INVEPT")                                  \
	X(EPT_VPID, ACCESS_DIRTY, 21, "EPT accessed and dirty flags")                                               \
	X(EPT_VPID, ADVANCED_INFO, 22, "EPT-violation advanced VM-exit information")                                \
	X(EPT_VPID, INVEPT_SINGLE, 25, "INVEPT single-context") X(EPT_VPID, INVEPT_ALL, 26, "INVEPT all-context")   \
	X(EPT_VPID, INVVPID, 32, "INVVPID") X(EPT_VPID, INVVPID_SINGLE, 41, "INVVPID single-context")               \
	X(EPT_VPID, INVVPID_ALL, 42, "INVVPID all-context")
enum vmx_bit {
#define VMX_X(kind, name, bit, text) VMX_##kind##_##name = BIT(bit),
	VMX_BITS(VMX_X)
#undef VMX_X
};
#define VMX_EPT_VPID(name) (u64)VMX_EPT_VPID_##name

/* ---- SDM: "VMX Basic Exit Reasons" ---- 35, 38, 42 and 71 are not defined */
enum vmx_reason {
	VMX_REASON_EXCEPTION_NMI, VMX_REASON_EXTERNAL_INTERRUPT, VMX_REASON_TRIPLE_FAULT, VMX_REASON_INIT,
	VMX_REASON_SIPI, VMX_REASON_IO_SMI, VMX_REASON_OTHER_SMI, VMX_REASON_INTERRUPT_WINDOW, VMX_REASON_NMI_WINDOW,
	VMX_REASON_TASK_SWITCH, VMX_REASON_CPUID, VMX_REASON_GETSEC, VMX_REASON_HLT, VMX_REASON_INVD,
	VMX_REASON_INVLPG, VMX_REASON_RDPMC, VMX_REASON_RDTSC, VMX_REASON_RSM, VMX_REASON_VMCALL, VMX_REASON_VMCLEAR,
	VMX_REASON_VMLAUNCH, VMX_REASON_VMPTRLD, VMX_REASON_VMPTRST, VMX_REASON_VMREAD, VMX_REASON_VMRESUME,
	VMX_REASON_VMWRITE, VMX_REASON_VMXOFF, VMX_REASON_VMXON, VMX_REASON_CR_ACCESS, VMX_REASON_MOV_DR,
	VMX_REASON_IO, VMX_REASON_RDMSR, VMX_REASON_WRMSR, VMX_REASON_INVALID_GUEST_STATE, VMX_REASON_MSR_LOADING,
	VMX_REASON_MWAIT = 36, VMX_REASON_MONITOR_TRAP_FLAG, VMX_REASON_MONITOR = 39, VMX_REASON_PAUSE,
	VMX_REASON_ENTRY_MACHINE_CHECK, VMX_REASON_TPR_BELOW_THRESHOLD = 43, VMX_REASON_APIC_ACCESS,
	VMX_REASON_VIRTUALIZED_EOI, VMX_REASON_GDTR_IDTR_ACCESS, VMX_REASON_LDTR_TR_ACCESS, VMX_REASON_EPT_VIOLATION,
	VMX_REASON_EPT_MISCONFIGURATION, VMX_REASON_INVEPT, VMX_REASON_RDTSCP, VMX_REASON_PREEMPTION_TIMER,
	VMX_REASON_INVVPID, VMX_REASON_WBINVD, VMX_REASON_XSETBV, VMX_REASON_APIC_WRITE, VMX_REASON_RDRAND,
	VMX_REASON_INVPCID, VMX_REASON_VMFUNC, VMX_REASON_ENCLS, VMX_REASON_RDSEED, VMX_REASON_PML_FULL,
	VMX_REASON_XSAVES, VMX_REASON_XRSTORS, VMX_REASON_PCONFIG, VMX_REASON_SPP, VMX_REASON_UMWAIT,
	VMX_REASON_TPAUSE, VMX_REASON_LOADIWKEY, VMX_REASON_ENCLV, VMX_REASON_ENQCMD_PASID = 72,
	VMX_REASON_ENQCMDS_PASID, VMX_REASON_BUS_LOCK, VMX_REASON_INSTRUCTION_TIMEOUT, VMX_REASON_SEAMCALL,
	VMX_REASON_TDCALL, VMX_REASON_RDMSRLIST, VMX_REASON_WRMSRLIST,
	VMX_REASON_END, /* one more than the last */
};
/* SDM: "Basic VM-Exit Information", exit reason */
#define VMX_REASON_ENTRY_FAILURE     BIT(31)

/* ---- Exit qualifications. SDM: "Basic VM-Exit Information", tables "Exit Qualification for ..." ---- */
/* debug exceptions; the same bit in VMCS_GUEST_PENDING_DEBUG */
#define QUAL_DEBUG_BS		BIT(14)
/* control-register accesses */
#define QUAL_CR_NUMBER		MASK(3, 0)
#define QUAL_CR_TYPE		MASK(5, 4)
#define QUAL_CR_GPR		MASK(11, 8)
#define QUAL_CR_LMSW_DATA	MASK(31, 16)
enum { QUAL_CR_MOV_TO, QUAL_CR_MOV_FROM, QUAL_CR_CLTS, QUAL_CR_LMSW };
/* I/O instructions */
#define QUAL_IO_SIZE		MASK(2, 0) /* bytes - 1 */
#define QUAL_IO_IN		BIT(3)
#define QUAL_IO_STRING		BIT(4)
#define QUAL_IO_REP		BIT(5)
#define QUAL_IO_PORT		MASK(31, 16)
/* APIC-access VM exits */
#define QUAL_APIC_OFFSET	MASK(11, 0)
#define QUAL_APIC_TYPE		MASK(15, 12)
enum { QUAL_APIC_READ, QUAL_APIC_WRITE, QUAL_APIC_FETCH };
/* EPT violations */
#define QUAL_EPT_WRITE		BIT(1)
#define QUAL_EPT_FETCH		BIT(2)
#define QUAL_EPT_LINEAR_VALID	BIT(7) /* VMCS_GUEST_LINEAR_ADDRESS is valid */
#define QUAL_EPT_TRANSLATED	BIT(8) /* the access was to the translation of it; clear: to a paging-structure entry */
#define QUAL_EPT_NMI_UNBLOCKING BIT(12) /* due to IRET */

/* ---- SDM: "VM-Entry Interruption-Information Field", "Information for VM Exits Due to Vectored Events",
 *      "Information for VM Exits That Occur During Event Delivery" ---- */
#define INTR_INFO_VECTOR	 MASK(7, 0)
#define INTR_INFO_TYPE		 MASK(10, 8)
#define INTR_INFO_ERROR_CODE	 BIT(11) /* deliver it, or: the error-code field is valid */
#define INTR_INFO_NMI_UNBLOCKING BIT(12) /* due to IRET; at VM exits only */
#define INTR_INFO_VALID		 BIT(31)
enum {
	INTR_TYPE_EXTERNAL, INTR_TYPE_NMI = 2, INTR_TYPE_HARDWARE_EXCEPTION, INTR_TYPE_SOFTWARE_INTERRUPT,
	INTR_TYPE_PRIVILEGED_SOFTWARE_EXCEPTION /* INT1 */, INTR_TYPE_SOFTWARE_EXCEPTION /* INT3, INTO */,
	INTR_TYPE_OTHER /* vector 0: pending MTF */,
};

/* ---- SDM: "Guest Non-Register State" ---- */
enum { ACTIVITY_ACTIVE, ACTIVITY_HLT, ACTIVITY_SHUTDOWN, ACTIVITY_WAIT_FOR_SIPI };
#define INTERRUPTIBILITY_STI	 BIT(0)
#define INTERRUPTIBILITY_MOV_SS	 BIT(1)
#define INTERRUPTIBILITY_SMI	 BIT(2)
#define INTERRUPTIBILITY_NMI	 BIT(3)
#define INTERRUPT_STATUS_RVI	 MASK(7, 0)
#define INTERRUPT_STATUS_SVI	 MASK(15, 8)
#define LINK_POINTER_NONE	 (~0ull)

/* ---- SDM: "Format of Access Rights" ---- */
#define AR_TYPE	    MASK(3, 0)
#define AR_S	    BIT(4) /* code or data */
#define AR_DPL	    MASK(6, 5)
#define AR_P	    BIT(7)
#define AR_RESERVED (MASK(11, 8) | MASK(31, 17))
#define AR_L	    BIT(13)
#define AR_DB	    BIT(14)
#define AR_G	    BIT(15)
#define AR_UNUSABLE BIT(16)

/* ---- SDM: "Extended-Page-Table Pointer (EPTP)" ---- */
#define EPTP_MEMTYPE	  MASK(2, 0)
#define EPTP_WALK	  MASK(5, 3) /* page-walk length - 1 */
#define EPTP_ACCESS_DIRTY BIT(6)

/* ---- SDM: "INVEPT", "INVVPID": types ---- */
enum { INVEPT_SINGLE = 1, INVEPT_ALL = 2 };
enum { INVVPID_ADDRESS, INVVPID_SINGLE, INVVPID_ALL };

/* ---- SDM: Appendix "VMX Capability Reporting Facility"; the numbers of the MSRs stand in regs.h ---- */
/* IA32_VMX_BASIC, "Basic VMX Information" */
#define VMX_BASIC_REVISION   MASK(30, 0)
#define VMX_BASIC_SIZE	     MASK(44, 32)
#define VMX_BASIC_MEMTYPE    MASK(53, 50)
#define VMX_BASIC_TRUE	     BIT(55)

/* The control MSRs: low half must be 1 (allowed 0-settings), high half may be 1 (allowed 1-settings) */
#define VMX_CTL_MUST MASK(31, 0)
#define VMX_CTL_MAY  MASK(63, 32)

/* IA32_VMX_MISC, "Miscellaneous Data" */
#define VMX_MISC_HLT	       BIT(6) /* activity states that may be entered */

/* clang-format on */

#endif
