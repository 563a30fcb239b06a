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

/* ---- SDM: "Structure of VMCS Component Encoding" ---- */
#define VMCS_ENC_WIDTH MASK(14, 13)
#define VMCS_WIDTH(f)  ((unsigned int)GET(VMCS_ENC_WIDTH, (u64)(f)))
enum { VMCS_WIDTH_16, VMCS_WIDTH_64, VMCS_WIDTH_32, VMCS_WIDTH_NATURAL };

/* ---- SDM: "Field Encoding in VMCS" ---- X(name, encoding, "the manual's name") */
#define VMCS_FIELDS(X) \
	/* 16-bit control fields */                                                                                   \
	X(VPID, 0x0000, "Virtual-processor identifier (VPID)")                                                        \
	X(POSTED_INTERRUPT_VECTOR, 0x0002, "Posted-interrupt notification vector")                                    \
	/* 16-bit guest-state fields */                                                                               \
	X(GUEST_ES_SELECTOR, 0x0800, "Guest ES selector") X(GUEST_CS_SELECTOR, 0x0802, "Guest CS selector")           \
	X(GUEST_SS_SELECTOR, 0x0804, "Guest SS selector") X(GUEST_DS_SELECTOR, 0x0806, "Guest DS selector")           \
	X(GUEST_FS_SELECTOR, 0x0808, "Guest FS selector") X(GUEST_GS_SELECTOR, 0x080a, "Guest GS selector")           \
	X(GUEST_LDTR_SELECTOR, 0x080c, "Guest LDTR selector") X(GUEST_TR_SELECTOR, 0x080e, "Guest TR selector")       \
	X(GUEST_INTERRUPT_STATUS, 0x0810, "Guest interrupt status")                                                   \
	/* 16-bit host-state fields */                                                                                \
	X(HOST_ES_SELECTOR, 0x0c00, "Host ES selector") X(HOST_CS_SELECTOR, 0x0c02, "Host CS selector")               \
	X(HOST_SS_SELECTOR, 0x0c04, "Host SS selector") X(HOST_DS_SELECTOR, 0x0c06, "Host DS selector")               \
	X(HOST_FS_SELECTOR, 0x0c08, "Host FS selector") X(HOST_GS_SELECTOR, 0x0c0a, "Host GS selector")               \
	X(HOST_TR_SELECTOR, 0x0c0c, "Host TR selector")                                                               \
	/* 64-bit control fields */                                                                                   \
	X(IO_BITMAP_A, 0x2000, "Address of I/O bitmap A") X(IO_BITMAP_B, 0x2002, "Address of I/O bitmap B")           \
	X(MSR_BITMAP, 0x2004, "Address of MSR bitmaps") X(TSC_OFFSET, 0x2010, "TSC offset")                           \
	X(VIRTUAL_APIC_ADDRESS, 0x2012, "Virtual-APIC address") X(APIC_ACCESS_ADDRESS, 0x2014, "APIC-access address") \
	X(POSTED_INTERRUPT_DESC, 0x2016, "Posted-interrupt descriptor address")                                       \
	X(EPT_POINTER, 0x201a, "EPT pointer (EPTP)") X(EOI_EXIT_BITMAP_0, 0x201c, "EOI-exit bitmap 0")                \
	X(EOI_EXIT_BITMAP_1, 0x201e, "EOI-exit bitmap 1") X(EOI_EXIT_BITMAP_2, 0x2020, "EOI-exit bitmap 2")           \
	X(EOI_EXIT_BITMAP_3, 0x2022, "EOI-exit bitmap 3")                                                             \
	/* 64-bit read-only data fields */                                                                            \
	X(GUEST_PHYSICAL_ADDRESS, 0x2400, "Guest-physical address")                                                   \
	/* 64-bit guest-state fields */                                                                               \
	X(LINK_POINTER, 0x2800, "VMCS link pointer") X(GUEST_DEBUGCTL, 0x2802, "Guest IA32_DEBUGCTL")                 \
	X(GUEST_PAT, 0x2804, "Guest IA32_PAT") X(GUEST_EFER, 0x2806, "Guest IA32_EFER")                               \
	X(GUEST_PDPTE0, 0x280a, "Guest PDPTE0") X(GUEST_PDPTE1, 0x280c, "Guest PDPTE1")                               \
	X(GUEST_PDPTE2, 0x280e, "Guest PDPTE2") X(GUEST_PDPTE3, 0x2810, "Guest PDPTE3")                               \
	/* 64-bit host-state fields */                                                                                \
	X(HOST_PAT, 0x2c00, "Host IA32_PAT") X(HOST_EFER, 0x2c02, "Host IA32_EFER")                                   \
	/* 32-bit control fields */                                                                                   \
	X(PIN_CONTROLS, 0x4000, "Pin-based VM-execution controls")                                                    \
	X(PROC_CONTROLS, 0x4002, "Primary processor-based VM-execution controls")                                     \
	X(EXCEPTION_BITMAP, 0x4004, "Exception bitmap") X(EXIT_CONTROLS, 0x400c, "Primary VM-exit controls")          \
	X(ENTRY_CONTROLS, 0x4012, "VM-entry controls")                                                                \
	X(ENTRY_INTERRUPTION_INFO, 0x4016, "VM-entry interruption-information field")                                 \
	X(ENTRY_ERROR_CODE, 0x4018, "VM-entry exception error code")                                                  \
	X(ENTRY_INSTRUCTION_LENGTH, 0x401a, "VM-entry instruction length") X(TPR_THRESHOLD, 0x401c, "TPR threshold")  \
	X(PROC2_CONTROLS, 0x401e, "Secondary processor-based VM-execution controls") X(PLE_GAP, 0x4020, "PLE_Gap")    \
	X(PLE_WINDOW, 0x4022, "PLE_Window")                                                                           \
	/* 32-bit read-only data fields */                                                                            \
	X(INSTRUCTION_ERROR, 0x4400, "VM-instruction error") X(EXIT_REASON, 0x4402, "Exit reason")                    \
	X(EXIT_INTERRUPTION_INFO, 0x4404, "VM-exit interruption information")                                         \
	X(EXIT_ERROR_CODE, 0x4406, "VM-exit interruption error code")                                                 \
	X(IDT_VECTORING_INFO, 0x4408, "IDT-vectoring information field")                                              \
	X(IDT_VECTORING_ERROR, 0x440a, "IDT-vectoring error code")                                                    \
	X(EXIT_INSTRUCTION_LENGTH, 0x440c, "VM-exit instruction length")                                              \
	X(EXIT_INSTRUCTION_INFO, 0x440e, "VM-exit instruction information")                                           \
	/* 32-bit guest-state fields */                                                                               \
	X(GUEST_ES_LIMIT, 0x4800, "Guest ES limit") X(GUEST_CS_LIMIT, 0x4802, "Guest CS limit")                       \
	X(GUEST_SS_LIMIT, 0x4804, "Guest SS limit") X(GUEST_DS_LIMIT, 0x4806, "Guest DS limit")                       \
	X(GUEST_FS_LIMIT, 0x4808, "Guest FS limit") X(GUEST_GS_LIMIT, 0x480a, "Guest GS limit")                       \
	X(GUEST_LDTR_LIMIT, 0x480c, "Guest LDTR limit") X(GUEST_TR_LIMIT, 0x480e, "Guest TR limit")                   \
	X(GUEST_GDTR_LIMIT, 0x4810, "Guest GDTR limit") X(GUEST_IDTR_LIMIT, 0x4812, "Guest IDTR limit")               \
	X(GUEST_ES_AR, 0x4814, "Guest ES access rights") X(GUEST_CS_AR, 0x4816, "Guest CS access rights")             \
	X(GUEST_SS_AR, 0x4818, "Guest SS access rights") X(GUEST_DS_AR, 0x481a, "Guest DS access rights")             \
	X(GUEST_FS_AR, 0x481c, "Guest FS access rights") X(GUEST_GS_AR, 0x481e, "Guest GS access rights")             \
	X(GUEST_LDTR_AR, 0x4820, "Guest LDTR access rights") X(GUEST_TR_AR, 0x4822, "Guest TR access rights")         \
	X(GUEST_INTERRUPTIBILITY, 0x4824, "Guest interruptibility state")                                             \
	X(GUEST_ACTIVITY, 0x4826, "Guest activity state") X(GUEST_SYSENTER_CS, 0x482a, "Guest IA32_SYSENTER_CS")      \
	X(PREEMPTION_TIMER, 0x482e, "VMX-preemption timer value")                                                     \
	/* 32-bit host-state field */                                                                                 \
	X(HOST_SYSENTER_CS, 0x4c00, "Host IA32_SYSENTER_CS")                                                          \
	/* Natural-width control fields */                                                                            \
	X(CR0_MASK, 0x6000, "CR0 guest/host mask") X(CR4_MASK, 0x6002, "CR4 guest/host mask")                         \
	X(CR0_SHADOW, 0x6004, "CR0 read shadow") X(CR4_SHADOW, 0x6006, "CR4 read shadow")                             \
	/* Natural-width read-only data fields */                                                                     \
	X(EXIT_QUALIFICATION, 0x6400, "Exit qualification") X(GUEST_LINEAR_ADDRESS, 0x640a, "Guest-linear address")   \
	/* Natural-width guest-state fields */                                                                        \
	X(GUEST_CR0, 0x6800, "Guest CR0") X(GUEST_CR3, 0x6802, "Guest CR3") X(GUEST_CR4, 0x6804, "Guest CR4")         \
	X(GUEST_ES_BASE, 0x6806, "Guest ES base") X(GUEST_CS_BASE, 0x6808, "Guest CS base")                           \
	X(GUEST_SS_BASE, 0x680a, "Guest SS base") X(GUEST_DS_BASE, 0x680c, "Guest DS base")                           \
	X(GUEST_FS_BASE, 0x680e, "Guest FS base") X(GUEST_GS_BASE, 0x6810, "Guest GS base")                           \
	X(GUEST_LDTR_BASE, 0x6812, "Guest LDTR base") X(GUEST_TR_BASE, 0x6814, "Guest TR base")                       \
	X(GUEST_GDTR_BASE, 0x6816, "Guest GDTR base") X(GUEST_IDTR_BASE, 0x6818, "Guest IDTR base")                   \
	X(GUEST_DR7, 0x681a, "Guest DR7") X(GUEST_RSP, 0x681c, "Guest RSP") X(GUEST_RIP, 0x681e, "Guest RIP")         \
	X(GUEST_RFLAGS, 0x6820, "Guest RFLAGS") X(GUEST_PENDING_DEBUG, 0x6822, "Guest pending debug exceptions")      \
	X(GUEST_SYSENTER_ESP, 0x6824, "Guest IA32_SYSENTER_ESP")                                                      \
	X(GUEST_SYSENTER_EIP, 0x6826, "Guest IA32_SYSENTER_EIP")                                                      \
	/* Natural-width host-state fields */                                                                         \
	X(HOST_CR0, 0x6c00, "Host CR0") X(HOST_CR3, 0x6c02, "Host CR3") X(HOST_CR4, 0x6c04, "Host CR4")               \
	X(HOST_FS_BASE, 0x6c06, "Host FS base") X(HOST_GS_BASE, 0x6c08, "Host GS base")                               \
	X(HOST_TR_BASE, 0x6c0a, "Host TR base") X(HOST_GDTR_BASE, 0x6c0c, "Host GDTR base")                           \
	X(HOST_IDTR_BASE, 0x6c0e, "Host IDTR base") X(HOST_SYSENTER_ESP, 0x6c10, "Host IA32_SYSENTER_ESP")            \
	X(HOST_SYSENTER_EIP, 0x6c12, "Host IA32_SYSENTER_EIP") X(HOST_RSP, 0x6c14, "Host RSP")                        \
	X(HOST_RIP, 0x6c16, "Host RIP")

enum vmcs_field {
#define VMCS_X(name, enc, text) VMCS_##name = (enc),
	VMCS_FIELDS(VMCS_X)
#undef VMCS_X
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
