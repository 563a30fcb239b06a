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
#define VMCS_ENC_HIGH  MASK(0, 0) /* the upper half of a 64-bit field, read and written as 32 bits */
#define VMCS_ENC_INDEX MASK(9, 1)
#define VMCS_ENC_TYPE  MASK(11, 10)
#define VMCS_ENC_WIDTH MASK(14, 13)
#define VMCS_WIDTH(f)  ((unsigned int)GET(VMCS_ENC_WIDTH, (u64)(f)))
#define VMCS_TYPE(f)   ((unsigned int)GET(VMCS_ENC_TYPE, (u64)(f)))
/* Only 64-bit fields have it; 64-bit code never needs it, since VMREAD moves the whole field. */
#define VMCS_HIGH(f)   ((f) | 1u)
enum { VMCS_WIDTH_16, VMCS_WIDTH_64, VMCS_WIDTH_32, VMCS_WIDTH_NATURAL };
enum { VMCS_TYPE_CONTROL, VMCS_TYPE_EXIT, VMCS_TYPE_GUEST, VMCS_TYPE_HOST };

/* ---- SDM: "Field Encoding in VMCS" ---- X(name, encoding, "the manual's name") */
#define VMCS_FIELDS(X)                                                                                                     \
	/* 16-bit control fields */                                                                                        \
	X(VPID, 0x0000, "Virtual-processor identifier (VPID)")                                                             \
	X(POSTED_INTERRUPT_VECTOR, 0x0002, "Posted-interrupt notification vector")                                         \
	X(EPTP_INDEX, 0x0004, "EPTP index")                       X(HLAT_PREFIX_SIZE, 0x0006, "HLAT prefix size")          \
	X(LAST_PID_POINTER_INDEX, 0x0008, "Last PID-pointer index")                                                        \
	/* 16-bit guest-state fields */                                                                                    \
	X(GUEST_ES_SELECTOR, 0x0800, "Guest ES selector")         X(GUEST_CS_SELECTOR, 0x0802, "Guest CS selector")        \
	X(GUEST_SS_SELECTOR, 0x0804, "Guest SS selector")         X(GUEST_DS_SELECTOR, 0x0806, "Guest DS selector")        \
	X(GUEST_FS_SELECTOR, 0x0808, "Guest FS selector")         X(GUEST_GS_SELECTOR, 0x080a, "Guest GS selector")        \
	X(GUEST_LDTR_SELECTOR, 0x080c, "Guest LDTR selector")     X(GUEST_TR_SELECTOR, 0x080e, "Guest TR selector")        \
	X(GUEST_INTERRUPT_STATUS, 0x0810, "Guest interrupt status")                                                        \
	X(PML_INDEX, 0x0812, "PML index")                         X(GUEST_UINV, 0x0814, "Guest UINV")                      \
	/* 16-bit host-state fields */                                                                                     \
	X(HOST_ES_SELECTOR, 0x0c00, "Host ES selector")           X(HOST_CS_SELECTOR, 0x0c02, "Host CS selector")          \
	X(HOST_SS_SELECTOR, 0x0c04, "Host SS selector")           X(HOST_DS_SELECTOR, 0x0c06, "Host DS selector")          \
	X(HOST_FS_SELECTOR, 0x0c08, "Host FS selector")           X(HOST_GS_SELECTOR, 0x0c0a, "Host GS selector")          \
	X(HOST_TR_SELECTOR, 0x0c0c, "Host TR selector")                                                                    \
	/* 64-bit control fields */                                                                                        \
	X(IO_BITMAP_A, 0x2000, "Address of I/O bitmap A")         X(IO_BITMAP_B, 0x2002, "Address of I/O bitmap B")        \
	X(MSR_BITMAP, 0x2004, "Address of MSR bitmaps")           X(EXIT_MSR_STORE, 0x2006, "VM-exit MSR-store address")   \
	X(EXIT_MSR_LOAD, 0x2008, "VM-exit MSR-load address")      X(ENTRY_MSR_LOAD, 0x200a, "VM-entry MSR-load address")   \
	X(EXECUTIVE_VMCS, 0x200c, "Executive-VMCS pointer")       X(PML_ADDRESS, 0x200e, "PML address")                    \
	X(TSC_OFFSET, 0x2010, "TSC offset")                       X(VIRTUAL_APIC_ADDRESS, 0x2012, "Virtual-APIC address")  \
	X(APIC_ACCESS_ADDRESS, 0x2014, "APIC-access address")                                                              \
	X(POSTED_INTERRUPT_DESC, 0x2016, "Posted-interrupt descriptor address")                                            \
	X(VM_FUNCTION_CONTROLS, 0x2018, "VM-function controls")   X(EPT_POINTER, 0x201a, "EPT pointer (EPTP)")             \
	X(EOI_EXIT_BITMAP_0, 0x201c, "EOI-exit bitmap 0")         X(EOI_EXIT_BITMAP_1, 0x201e, "EOI-exit bitmap 1")        \
	X(EOI_EXIT_BITMAP_2, 0x2020, "EOI-exit bitmap 2")         X(EOI_EXIT_BITMAP_3, 0x2022, "EOI-exit bitmap 3")        \
	X(EPTP_LIST, 0x2024, "EPTP-list address")                 X(VMREAD_BITMAP, 0x2026, "VMREAD-bitmap address")        \
	X(VMWRITE_BITMAP, 0x2028, "VMWRITE-bitmap address")                                                                \
	X(VE_INFORMATION, 0x202a, "Virtualization-exception information address")                                          \
	X(XSS_EXITING_BITMAP, 0x202c, "XSS-exiting bitmap")       X(ENCLS_EXITING_BITMAP, 0x202e, "ENCLS-exiting bitmap")  \
	X(SPPT_POINTER, 0x2030, "Sub-page-permission-table pointer")                                                       \
	X(TSC_MULTIPLIER, 0x2032, "TSC multiplier")                                                                        \
	X(PROC3_CONTROLS, 0x2034, "Tertiary processor-based VM-execution controls")                                        \
	X(ENCLV_EXITING_BITMAP, 0x2036, "ENCLV-exiting bitmap")                                                            \
	X(LOW_PASID_DIRECTORY, 0x2038, "Low PASID directory address")                                                      \
	X(HIGH_PASID_DIRECTORY, 0x203a, "High PASID directory address")                                                    \
	X(SHARED_EPT_POINTER, 0x203c, "Shared EPT pointer")                                                                \
	X(PCONFIG_EXITING_BITMAP, 0x203e, "PCONFIG-exiting bitmap")                                                        \
	X(HLAT_POINTER, 0x2040, "Hypervisor-managed linear-address translation pointer (HLATP)")                           \
	X(PID_POINTER_TABLE, 0x2042, "PID-pointer table address") X(EXIT2_CONTROLS, 0x2044, "Secondary VM-exit controls")  \
	X(SPEC_CTRL_MASK, 0x204a, "IA32_SPEC_CTRL mask")          X(SPEC_CTRL_SHADOW, 0x204c, "IA32_SPEC_CTRL shadow")     \
	X(INJECTED_EVENT_DATA, 0x2052, "Injected-event data")                                                              \
	/* 64-bit read-only data fields */                                                                                 \
	X(GUEST_PHYSICAL_ADDRESS, 0x2400, "Guest-physical address")                                                        \
	X(MSR_DATA, 0x2402, "MSR data")                           X(ORIGINAL_EVENT_DATA, 0x2404, "Original-event data")    \
	/* 64-bit guest-state fields */                                                                                    \
	X(LINK_POINTER, 0x2800, "VMCS link pointer")              X(GUEST_DEBUGCTL, 0x2802, "Guest IA32_DEBUGCTL")         \
	X(GUEST_PAT, 0x2804, "Guest IA32_PAT")                    X(GUEST_EFER, 0x2806, "Guest IA32_EFER")                 \
	X(GUEST_PERF_GLOBAL_CTRL, 0x2808, "Guest IA32_PERF_GLOBAL_CTRL")                                                   \
	X(GUEST_PDPTE0, 0x280a, "Guest PDPTE0")                   X(GUEST_PDPTE1, 0x280c, "Guest PDPTE1")                  \
	X(GUEST_PDPTE2, 0x280e, "Guest PDPTE2")                   X(GUEST_PDPTE3, 0x2810, "Guest PDPTE3")                  \
	X(GUEST_BNDCFGS, 0x2812, "Guest IA32_BNDCFGS")            X(GUEST_RTIT_CTL, 0x2814, "Guest IA32_RTIT_CTL")         \
	X(GUEST_LBR_CTL, 0x2816, "Guest IA32_LBR_CTL")            X(GUEST_PKRS, 0x2818, "Guest IA32_PKRS")                 \
	X(GUEST_FRED_CONFIG, 0x281a, "Guest IA32_FRED_CONFIG")    X(GUEST_FRED_RSP1, 0x281c, "Guest IA32_FRED_RSP1")       \
	X(GUEST_FRED_RSP2, 0x281e, "Guest IA32_FRED_RSP2")        X(GUEST_FRED_RSP3, 0x2820, "Guest IA32_FRED_RSP3")       \
	X(GUEST_FRED_STKLVLS, 0x2822, "Guest IA32_FRED_STKLVLS")  X(GUEST_FRED_SSP1, 0x2824, "Guest IA32_FRED_SSP1")       \
	X(GUEST_FRED_SSP2, 0x2826, "Guest IA32_FRED_SSP2")        X(GUEST_FRED_SSP3, 0x2828, "Guest IA32_FRED_SSP3")       \
	/* 64-bit host-state fields */                                                                                     \
	X(HOST_PAT, 0x2c00, "Host IA32_PAT")                      X(HOST_EFER, 0x2c02, "Host IA32_EFER")                   \
	X(HOST_PERF_GLOBAL_CTRL, 0x2c04, "Host IA32_PERF_GLOBAL_CTRL")                                                     \
	X(HOST_PKRS, 0x2c06, "Host IA32_PKRS")                    X(HOST_FRED_CONFIG, 0x2c08, "Host IA32_FRED_CONFIG")     \
	X(HOST_FRED_RSP1, 0x2c0a, "Host IA32_FRED_RSP1")          X(HOST_FRED_RSP2, 0x2c0c, "Host IA32_FRED_RSP2")         \
	X(HOST_FRED_RSP3, 0x2c0e, "Host IA32_FRED_RSP3")          X(HOST_FRED_STKLVLS, 0x2c10, "Host IA32_FRED_STKLVLS")   \
	X(HOST_FRED_SSP1, 0x2c12, "Host IA32_FRED_SSP1")          X(HOST_FRED_SSP2, 0x2c14, "Host IA32_FRED_SSP2")         \
	X(HOST_FRED_SSP3, 0x2c16, "Host IA32_FRED_SSP3")                                                                   \
	/* 32-bit control fields */                                                                                        \
	X(PIN_CONTROLS, 0x4000, "Pin-based VM-execution controls")                                                         \
	X(PROC_CONTROLS, 0x4002, "Primary processor-based VM-execution controls")                                          \
	X(EXCEPTION_BITMAP, 0x4004, "Exception bitmap")           X(PF_ERROR_MASK, 0x4006, "Page-fault error-code mask")   \
	X(PF_ERROR_MATCH, 0x4008, "Page-fault error-code match")  X(CR3_TARGET_COUNT, 0x400a, "CR3-target count")          \
	X(EXIT_CONTROLS, 0x400c, "Primary VM-exit controls")                                                               \
	X(EXIT_MSR_STORE_COUNT, 0x400e, "VM-exit MSR-store count")                                                         \
	X(EXIT_MSR_LOAD_COUNT, 0x4010, "VM-exit MSR-load count")  X(ENTRY_CONTROLS, 0x4012, "VM-entry controls")           \
	X(ENTRY_MSR_LOAD_COUNT, 0x4014, "VM-entry MSR-load count")                                                         \
	X(ENTRY_INTERRUPTION_INFO, 0x4016, "VM-entry interruption-information field")                                      \
	X(ENTRY_ERROR_CODE, 0x4018, "VM-entry exception error code")                                                       \
	X(ENTRY_INSTRUCTION_LENGTH, 0x401a, "VM-entry instruction length")                                                 \
	X(TPR_THRESHOLD, 0x401c, "TPR threshold")                                                                          \
	X(PROC2_CONTROLS, 0x401e, "Secondary processor-based VM-execution controls")                                       \
	X(PLE_GAP, 0x4020, "PLE_Gap")                             X(PLE_WINDOW, 0x4022, "PLE_Window")                      \
	X(INSTRUCTION_TIMEOUT, 0x4024, "Instruction-timeout control")                                                      \
	/* 32-bit read-only data fields */                                                                                 \
	X(INSTRUCTION_ERROR, 0x4400, "VM-instruction error")      X(EXIT_REASON, 0x4402, "Exit reason")                    \
	X(EXIT_INTERRUPTION_INFO, 0x4404, "VM-exit interruption information")                                              \
	X(EXIT_ERROR_CODE, 0x4406, "VM-exit interruption error code")                                                      \
	X(IDT_VECTORING_INFO, 0x4408, "IDT-vectoring information field")                                                   \
	X(IDT_VECTORING_ERROR, 0x440a, "IDT-vectoring error code")                                                         \
	X(EXIT_INSTRUCTION_LENGTH, 0x440c, "VM-exit instruction length")                                                   \
	X(EXIT_INSTRUCTION_INFO, 0x440e, "VM-exit instruction information")                                                \
	/* 32-bit guest-state fields */                                                                                    \
	X(GUEST_ES_LIMIT, 0x4800, "Guest ES limit")               X(GUEST_CS_LIMIT, 0x4802, "Guest CS limit")              \
	X(GUEST_SS_LIMIT, 0x4804, "Guest SS limit")               X(GUEST_DS_LIMIT, 0x4806, "Guest DS limit")              \
	X(GUEST_FS_LIMIT, 0x4808, "Guest FS limit")               X(GUEST_GS_LIMIT, 0x480a, "Guest GS limit")              \
	X(GUEST_LDTR_LIMIT, 0x480c, "Guest LDTR limit")           X(GUEST_TR_LIMIT, 0x480e, "Guest TR limit")              \
	X(GUEST_GDTR_LIMIT, 0x4810, "Guest GDTR limit")           X(GUEST_IDTR_LIMIT, 0x4812, "Guest IDTR limit")          \
	X(GUEST_ES_AR, 0x4814, "Guest ES access rights")          X(GUEST_CS_AR, 0x4816, "Guest CS access rights")         \
	X(GUEST_SS_AR, 0x4818, "Guest SS access rights")          X(GUEST_DS_AR, 0x481a, "Guest DS access rights")         \
	X(GUEST_FS_AR, 0x481c, "Guest FS access rights")          X(GUEST_GS_AR, 0x481e, "Guest GS access rights")         \
	X(GUEST_LDTR_AR, 0x4820, "Guest LDTR access rights")      X(GUEST_TR_AR, 0x4822, "Guest TR access rights")         \
	X(GUEST_INTERRUPTIBILITY, 0x4824, "Guest interruptibility state")                                                  \
	X(GUEST_ACTIVITY, 0x4826, "Guest activity state")         X(GUEST_SMBASE, 0x4828, "Guest SMBASE")                  \
	X(GUEST_SYSENTER_CS, 0x482a, "Guest IA32_SYSENTER_CS")                                                             \
	X(PREEMPTION_TIMER, 0x482e, "VMX-preemption timer value")                                                          \
	/* 32-bit host-state field */                                                                                      \
	X(HOST_SYSENTER_CS, 0x4c00, "Host IA32_SYSENTER_CS")                                                               \
	/* Natural-width control fields */                                                                                 \
	X(CR0_MASK, 0x6000, "CR0 guest/host mask")                X(CR4_MASK, 0x6002, "CR4 guest/host mask")               \
	X(CR0_SHADOW, 0x6004, "CR0 read shadow")                  X(CR4_SHADOW, 0x6006, "CR4 read shadow")                 \
	X(CR3_TARGET_0, 0x6008, "CR3-target value 0")             X(CR3_TARGET_1, 0x600a, "CR3-target value 1")            \
	X(CR3_TARGET_2, 0x600c, "CR3-target value 2")             X(CR3_TARGET_3, 0x600e, "CR3-target value 3")            \
	/* Natural-width read-only data fields */                                                                          \
	X(EXIT_QUALIFICATION, 0x6400, "Exit qualification")       X(IO_RCX, 0x6402, "I/O RCX")                             \
	X(IO_RSI, 0x6404, "I/O RSI")                              X(IO_RDI, 0x6406, "I/O RDI")                             \
	X(IO_RIP, 0x6408, "I/O RIP")                              X(GUEST_LINEAR_ADDRESS, 0x640a, "Guest-linear address")  \
	/* Natural-width guest-state fields */                                                                             \
	X(GUEST_CR0, 0x6800, "Guest CR0")                         X(GUEST_CR3, 0x6802, "Guest CR3")                        \
	X(GUEST_CR4, 0x6804, "Guest CR4")                         X(GUEST_ES_BASE, 0x6806, "Guest ES base")                \
	X(GUEST_CS_BASE, 0x6808, "Guest CS base")                 X(GUEST_SS_BASE, 0x680a, "Guest SS base")                \
	X(GUEST_DS_BASE, 0x680c, "Guest DS base")                 X(GUEST_FS_BASE, 0x680e, "Guest FS base")                \
	X(GUEST_GS_BASE, 0x6810, "Guest GS base")                 X(GUEST_LDTR_BASE, 0x6812, "Guest LDTR base")            \
	X(GUEST_TR_BASE, 0x6814, "Guest TR base")                 X(GUEST_GDTR_BASE, 0x6816, "Guest GDTR base")            \
	X(GUEST_IDTR_BASE, 0x6818, "Guest IDTR base")             X(GUEST_DR7, 0x681a, "Guest DR7")                        \
	X(GUEST_RSP, 0x681c, "Guest RSP")                         X(GUEST_RIP, 0x681e, "Guest RIP")                        \
	X(GUEST_RFLAGS, 0x6820, "Guest RFLAGS")                                                                            \
	X(GUEST_PENDING_DEBUG, 0x6822, "Guest pending debug exceptions")                                                   \
	X(GUEST_SYSENTER_ESP, 0x6824, "Guest IA32_SYSENTER_ESP")  X(GUEST_SYSENTER_EIP, 0x6826, "Guest IA32_SYSENTER_EIP") \
	X(GUEST_S_CET, 0x6828, "Guest IA32_S_CET")                X(GUEST_SSP, 0x682a, "Guest SSP")                        \
	X(GUEST_INTERRUPT_SSP_TABLE, 0x682c, "Guest IA32_INTERRUPT_SSP_TABLE_ADDR")                                        \
	/* Natural-width host-state fields */                                                                              \
	X(HOST_CR0, 0x6c00, "Host CR0")                           X(HOST_CR3, 0x6c02, "Host CR3")                          \
	X(HOST_CR4, 0x6c04, "Host CR4")                           X(HOST_FS_BASE, 0x6c06, "Host FS base")                  \
	X(HOST_GS_BASE, 0x6c08, "Host GS base")                   X(HOST_TR_BASE, 0x6c0a, "Host TR base")                  \
	X(HOST_GDTR_BASE, 0x6c0c, "Host GDTR base")               X(HOST_IDTR_BASE, 0x6c0e, "Host IDTR base")              \
	X(HOST_SYSENTER_ESP, 0x6c10, "Host IA32_SYSENTER_ESP")    X(HOST_SYSENTER_EIP, 0x6c12, "Host IA32_SYSENTER_EIP")   \
	X(HOST_RSP, 0x6c14, "Host RSP")                           X(HOST_RIP, 0x6c16, "Host RIP")                          \
	X(HOST_S_CET, 0x6c18, "Host IA32_S_CET")                  X(HOST_SSP, 0x6c1a, "Host SSP")                          \
	X(HOST_INTERRUPT_SSP_TABLE, 0x6c1c, "Host IA32_INTERRUPT_SSP_TABLE_ADDR")

enum vmcs_field {
#define VMCS_X(name, enc, text) VMCS_##name = (enc),
	VMCS_FIELDS(VMCS_X)
#undef VMCS_X
};

/* The eight segment registers have their fields two apart, in this order: VMCS_GUEST_ES_BASE + 2 * SEG_TR and so on. */
enum { VMX_SEG_ES, VMX_SEG_CS, VMX_SEG_SS, VMX_SEG_DS, VMX_SEG_FS, VMX_SEG_GS, VMX_SEG_LDTR, VMX_SEG_TR, VMX_SEGS };

/* ---- Controls ---- X(name, bit, "the manual's name"); the enums hold masks */
/* SDM: "Pin-Based VM-Execution Controls" */
#define VMX_PIN_BITS(X)                                                                                                \
	X(EXTERNAL_INTERRUPT_EXITING, 0, "External-interrupt exiting")                                                 \
	X(NMI_EXITING, 3, "NMI exiting")                          X(VIRTUAL_NMIS, 5, "Virtual NMIs")                   \
	X(PREEMPTION_TIMER, 6, "Activate VMX-preemption timer")   X(POSTED_INTERRUPTS, 7, "Process posted interrupts")
/* SDM: "Processor-Based VM-Execution Controls", primary */
#define VMX_PROC_BITS(X)                                                                                          \
	X(INTERRUPT_WINDOW, 2, "Interrupt-window exiting")        X(TSC_OFFSETTING, 3, "Use TSC offsetting")      \
	X(HLT_EXITING, 7, "HLT exiting")                          X(INVLPG_EXITING, 9, "INVLPG exiting")          \
	X(MWAIT_EXITING, 10, "MWAIT exiting")                     X(RDPMC_EXITING, 11, "RDPMC exiting")           \
	X(RDTSC_EXITING, 12, "RDTSC exiting")                     X(CR3_LOAD_EXITING, 15, "CR3-load exiting")     \
	X(CR3_STORE_EXITING, 16, "CR3-store exiting")             X(TERTIARY, 17, "Activate tertiary controls")   \
	X(CR8_LOAD_EXITING, 19, "CR8-load exiting")               X(CR8_STORE_EXITING, 20, "CR8-store exiting")   \
	X(TPR_SHADOW, 21, "Use TPR shadow")                       X(NMI_WINDOW, 22, "NMI-window exiting")         \
	X(MOV_DR_EXITING, 23, "MOV-DR exiting")                   X(IO_EXITING, 24, "Unconditional I/O exiting")  \
	X(IO_BITMAPS, 25, "Use I/O bitmaps")                      X(MONITOR_TRAP_FLAG, 27, "Monitor trap flag")   \
	X(MSR_BITMAPS, 28, "Use MSR bitmaps")                     X(MONITOR_EXITING, 29, "MONITOR exiting")       \
	X(PAUSE_EXITING, 30, "PAUSE exiting")                     X(SECONDARY, 31, "Activate secondary controls")
/* the same section, secondary */
#define VMX_PROC2_BITS(X)                                                                                                  \
	X(VIRTUALIZE_APIC_ACCESSES, 0, "Virtualize APIC accesses")                                                         \
	X(EPT, 1, "Enable EPT")                                                                                            \
	X(DESCRIPTOR_TABLE_EXITING, 2, "Descriptor-table exiting")                                                         \
	X(RDTSCP, 3, "Enable RDTSCP")                             X(VIRTUALIZE_X2APIC, 4, "Virtualize x2APIC mode")        \
	X(VPID, 5, "Enable VPID")                                 X(WBINVD_EXITING, 6, "WBINVD exiting")                   \
	X(UNRESTRICTED_GUEST, 7, "Unrestricted guest")                                                                     \
	X(APIC_REGISTER_VIRTUALIZATION, 8, "APIC-register virtualization")                                                 \
	X(VIRTUAL_INTERRUPT_DELIVERY, 9, "Virtual-interrupt delivery")                                                     \
	X(PAUSE_LOOP_EXITING, 10, "PAUSE-loop exiting")           X(RDRAND_EXITING, 11, "RDRAND exiting")                  \
	X(INVPCID, 12, "Enable INVPCID")                          X(VM_FUNCTIONS, 13, "Enable VM functions")               \
	X(VMCS_SHADOWING, 14, "VMCS shadowing")                   X(ENCLS_EXITING, 15, "Enable ENCLS exiting")             \
	X(RDSEED_EXITING, 16, "RDSEED exiting")                   X(PML, 17, "Enable PML")                                 \
	X(EPT_VIOLATION_VE, 18, "EPT-violation #VE")              X(CONCEAL_FROM_PT, 19, "Conceal VMX from PT")            \
	X(XSAVES, 20, "Enable XSAVES/XRSTORS")                    X(PASID_TRANSLATION, 21, "PASID translation")            \
	X(MBEC, 22, "Mode-based execute control for EPT")         X(SPP, 23, "Sub-page write permissions for EPT")         \
	X(PT_GUEST_PHYSICAL, 24, "Intel PT uses guest physical addresses")                                                 \
	X(TSC_SCALING, 25, "Use TSC scaling")                     X(USER_WAIT_AND_PAUSE, 26, "Enable user wait and pause") \
	X(PCONFIG, 27, "Enable PCONFIG")                          X(ENCLV_EXITING, 28, "Enable ENCLV exiting")             \
	X(BUS_LOCK_DETECTION, 30, "VMM bus-lock detection")       X(INSTRUCTION_TIMEOUT, 31, "Instruction timeout")
/* the same section, tertiary */
#define VMX_PROC3_BITS(X)                                                                                        \
	X(LOADIWKEY_EXITING, 0, "LOADIWKEY exiting")              X(HLAT, 1, "Enable HLAT")                      \
	X(EPT_PAGING_WRITE, 2, "EPT paging-write control")                                                       \
	X(GUEST_PAGING_VERIFICATION, 3, "Guest-paging verification")                                             \
	X(IPI_VIRTUALIZATION, 4, "IPI virtualization")            X(MSR_LIST, 6, "Enable MSR-list instructions") \
	X(VIRTUALIZE_SPEC_CTRL, 7, "Virtualize IA32_SPEC_CTRL")
/* SDM: "VM-Exit Controls", primary */
#define VMX_EXIT_BITS(X)                                                                                                   \
	X(SAVE_DEBUG_CONTROLS, 2, "Save debug controls")          X(HOST_64, 9, "Host address-space size")                 \
	X(LOAD_PERF_GLOBAL_CTRL, 12, "Load IA32_PERF_GLOBAL_CTRL (exit)")                                                  \
	X(ACK_INTERRUPT, 15, "Acknowledge interrupt on exit")     X(SAVE_PAT, 18, "Save IA32_PAT")                         \
	X(LOAD_PAT, 19, "Load IA32_PAT (exit)")                   X(SAVE_EFER, 20, "Save IA32_EFER")                       \
	X(LOAD_EFER, 21, "Load IA32_EFER (exit)")                                                                          \
	X(SAVE_PREEMPTION_TIMER, 22, "Save VMX-preemption timer value")                                                    \
	X(CLEAR_BNDCFGS, 23, "Clear IA32_BNDCFGS")                X(CONCEAL_FROM_PT, 24, "Conceal VMX from PT (exit)")     \
	X(CLEAR_RTIT_CTL, 25, "Clear IA32_RTIT_CTL")              X(CLEAR_LBR_CTL, 26, "Clear IA32_LBR_CTL")               \
	X(CLEAR_UINV, 27, "Clear UINV")                           X(LOAD_CET, 28, "Load CET state (exit)")                 \
	X(LOAD_PKRS, 29, "Load PKRS (exit)")                      X(SAVE_PERF_GLOBAL_CTL, 30, "Save IA32_PERF_GLOBAL_CTL") \
	X(SECONDARY, 31, "Activate secondary controls (exit)")
/* the same section, secondary */
#define VMX_EXIT2_BITS(X)                                                                                  \
	X(SAVE_FRED, 0, "Save IA32_FRED")                         X(LOAD_FRED, 1, "Load IA32_FRED (exit)") \
	X(BUSY_SHADOW_STACK, 3, "Prematurely busy shadow stack")
/* SDM: "VM-Entry Controls" */
#define VMX_ENTRY_BITS(X)                                                                                               \
	X(LOAD_DEBUG_CONTROLS, 2, "Load debug controls")          X(IA32E_GUEST, 9, "IA-32e mode guest")                \
	X(ENTRY_TO_SMM, 10, "Entry to SMM")                                                                             \
	X(DEACTIVATE_DUAL_MONITOR, 11, "Deactivate dual-monitor treatment")                                             \
	X(LOAD_PERF_GLOBAL_CTRL, 13, "Load IA32_PERF_GLOBAL_CTRL (entry)")                                              \
	X(LOAD_PAT, 14, "Load IA32_PAT (entry)")                  X(LOAD_EFER, 15, "Load IA32_EFER (entry)")            \
	X(LOAD_BNDCFGS, 16, "Load IA32_BNDCFGS")                  X(CONCEAL_FROM_PT, 17, "Conceal VMX from PT (entry)") \
	X(LOAD_RTIT_CTL, 18, "Load IA32_RTIT_CTL")                X(LOAD_UINV, 19, "Load UINV")                         \
	X(LOAD_CET, 20, "Load CET state (entry)")                 X(LOAD_LBR_CTL, 21, "Load guest IA32_LBR_CTL")        \
	X(LOAD_PKRS, 22, "Load PKRS (entry)")                     X(LOAD_FRED, 23, "Load IA32_FRED (entry)")
enum vmx_control_bit {
#define VMX_PIN_X(name, bit, text)   VMX_PIN_##name = 1u << (bit),
#define VMX_PROC_X(name, bit, text)  VMX_PROC_##name = 1u << (bit),
#define VMX_PROC2_X(name, bit, text) VMX_PROC2_##name = 1u << (bit),
#define VMX_PROC3_X(name, bit, text) VMX_PROC3_##name = 1u << (bit),
#define VMX_EXIT_X(name, bit, text)  VMX_EXIT_##name = 1u << (bit),
#define VMX_EXIT2_X(name, bit, text) VMX_EXIT2_##name = 1u << (bit),
#define VMX_ENTRY_X(name, bit, text) VMX_ENTRY_##name = 1u << (bit),
	VMX_PIN_BITS(VMX_PIN_X) VMX_PROC_BITS(VMX_PROC_X) VMX_PROC2_BITS(VMX_PROC2_X) VMX_PROC3_BITS(VMX_PROC3_X)
	VMX_EXIT_BITS(VMX_EXIT_X) VMX_EXIT2_BITS(VMX_EXIT2_X) VMX_ENTRY_BITS(VMX_ENTRY_X)
#undef VMX_PIN_X
#undef VMX_PROC_X
#undef VMX_PROC2_X
#undef VMX_PROC3_X
#undef VMX_EXIT_X
#undef VMX_EXIT2_X
#undef VMX_ENTRY_X
};

/* ---- SDM: "VMX Basic Exit Reasons" ---- X(name, number, "the manual's name"); 35, 38, 42 and 71 are not defined */
#define VMX_REASONS(X)                                                                                                    \
	X(EXCEPTION_NMI, 0, "Exception or non-maskable interrupt")                                                        \
	X(EXTERNAL_INTERRUPT, 1, "External interrupt")            X(TRIPLE_FAULT, 2, "Triple fault")                      \
	X(INIT, 3, "INIT signal")                                 X(SIPI, 4, "Start-up IPI (SIPI)")                       \
	X(IO_SMI, 5, "I/O system-management interrupt")           X(OTHER_SMI, 6, "Other SMI")                            \
	X(INTERRUPT_WINDOW, 7, "Interrupt window")                X(NMI_WINDOW, 8, "NMI window")                          \
	X(TASK_SWITCH, 9, "Task switch")                          X(CPUID, 10, "CPUID")                                   \
	X(GETSEC, 11, "GETSEC")                                   X(HLT, 12, "HLT")                                       \
	X(INVD, 13, "INVD")                                       X(INVLPG, 14, "INVLPG")                                 \
	X(RDPMC, 15, "RDPMC")                                     X(RDTSC, 16, "RDTSC")                                   \
	X(RSM, 17, "RSM")                                         X(VMCALL, 18, "VMCALL")                                 \
	X(VMCLEAR, 19, "VMCLEAR")                                 X(VMLAUNCH, 20, "VMLAUNCH")                             \
	X(VMPTRLD, 21, "VMPTRLD")                                 X(VMPTRST, 22, "VMPTRST")                               \
	X(VMREAD, 23, "VMREAD")                                   X(VMRESUME, 24, "VMRESUME")                             \
	X(VMWRITE, 25, "VMWRITE")                                 X(VMXOFF, 26, "VMXOFF")                                 \
	X(VMXON, 27, "VMXON")                                     X(CR_ACCESS, 28, "Control-register accesses")           \
	X(MOV_DR, 29, "MOV DR")                                   X(IO, 30, "I/O instruction")                            \
	X(RDMSR, 31, "RDMSR")                                     X(WRMSR, 32, "WRMSR")                                   \
	X(INVALID_GUEST_STATE, 33, "VM-entry failure due to invalid guest state")                                         \
	X(MSR_LOADING, 34, "VM-entry failure due to MSR loading") X(MWAIT, 36, "MWAIT")                                   \
	X(MONITOR_TRAP_FLAG, 37, "Monitor trap flag")             X(MONITOR, 39, "MONITOR")                               \
	X(PAUSE, 40, "PAUSE")                                                                                             \
	X(ENTRY_MACHINE_CHECK, 41, "VM-entry failure due to machine-check event")                                         \
	X(TPR_BELOW_THRESHOLD, 43, "TPR below threshold")         X(APIC_ACCESS, 44, "APIC access")                       \
	X(VIRTUALIZED_EOI, 45, "Virtualized EOI")                 X(GDTR_IDTR_ACCESS, 46, "Access to GDTR or IDTR")       \
	X(LDTR_TR_ACCESS, 47, "Access to LDTR or TR")             X(EPT_VIOLATION, 48, "EPT violation")                   \
	X(EPT_MISCONFIGURATION, 49, "EPT misconfiguration")       X(INVEPT, 50, "INVEPT")                                 \
	X(RDTSCP, 51, "RDTSCP")                                   X(PREEMPTION_TIMER, 52, "VMX-preemption timer expired") \
	X(INVVPID, 53, "INVVPID")                                 X(WBINVD, 54, "WBINVD or WBNOINVD")                     \
	X(XSETBV, 55, "XSETBV")                                   X(APIC_WRITE, 56, "APIC write")                         \
	X(RDRAND, 57, "RDRAND")                                   X(INVPCID, 58, "INVPCID")                               \
	X(VMFUNC, 59, "VMFUNC")                                   X(ENCLS, 60, "ENCLS")                                   \
	X(RDSEED, 61, "RDSEED")                                   X(PML_FULL, 62, "Page-modification log full")           \
	X(XSAVES, 63, "XSAVES")                                   X(XRSTORS, 64, "XRSTORS")                               \
	X(PCONFIG, 65, "PCONFIG")                                 X(SPP, 66, "SPP-related event")                         \
	X(UMWAIT, 67, "UMWAIT")                                   X(TPAUSE, 68, "TPAUSE")                                 \
	X(LOADIWKEY, 69, "LOADIWKEY")                             X(ENCLV, 70, "ENCLV")                                   \
	X(ENQCMD_PASID, 72, "ENQCMD PASID translation failure")                                                           \
	X(ENQCMDS_PASID, 73, "ENQCMDS PASID translation failure") X(BUS_LOCK, 74, "Bus lock")                             \
	X(INSTRUCTION_TIMEOUT, 75, "Instruction timeout")         X(SEAMCALL, 76, "SEAMCALL")                             \
	X(TDCALL, 77, "TDCALL")                                   X(RDMSRLIST, 78, "RDMSRLIST")                           \
	X(WRMSRLIST, 79, "WRMSRLIST")
enum vmx_reason {
#define VMX_REASON_X(name, number, text) VMX_REASON_##name = (number),
	VMX_REASONS(VMX_REASON_X)
#undef VMX_REASON_X
	VMX_REASON_END = 80, /* one more than the last */
};
/* SDM: "Basic VM-Exit Information", exit reason */
#define VMX_REASON_BASIC	     MASK(15, 0)
#define VMX_REASON_BUSY_SHADOW_STACK BIT(25)
#define VMX_REASON_BUS_LOCKED	     BIT(26)
#define VMX_REASON_ENCLAVE	     BIT(27)
#define VMX_REASON_PENDING_MTF	     BIT(28)
#define VMX_REASON_FROM_VMX_ROOT     BIT(29)
#define VMX_REASON_ENTRY_FAILURE     BIT(31)

/* ---- Exit qualifications. SDM: "Basic VM-Exit Information", tables "Exit Qualification for ..." ---- */
/* debug exceptions; the same bits in VMCS_GUEST_PENDING_DEBUG, where BD is absent and ENABLED_BP present */
#define QUAL_DEBUG_B		MASK(3, 0)
#define QUAL_DEBUG_BUS_LOCK	BIT(11)
#define QUAL_DEBUG_ENABLED_BP	BIT(12)
#define QUAL_DEBUG_BD		BIT(13)
#define QUAL_DEBUG_BS		BIT(14)
#define QUAL_DEBUG_RTM		BIT(16)
/* task switches */
#define QUAL_TASK_SELECTOR	MASK(15, 0)
#define QUAL_TASK_SOURCE	MASK(31, 30)
enum { QUAL_TASK_CALL, QUAL_TASK_IRET, QUAL_TASK_JMP, QUAL_TASK_GATE };
/* control-register accesses */
#define QUAL_CR_NUMBER		MASK(3, 0)
#define QUAL_CR_TYPE		MASK(5, 4)
#define QUAL_CR_LMSW_MEMORY	BIT(6)
#define QUAL_CR_GPR		MASK(11, 8)
#define QUAL_CR_LMSW_DATA	MASK(31, 16)
enum { QUAL_CR_MOV_TO, QUAL_CR_MOV_FROM, QUAL_CR_CLTS, QUAL_CR_LMSW };
/* MOV DR */
#define QUAL_DR_NUMBER		MASK(2, 0)
#define QUAL_DR_FROM		BIT(4) /* MOV from DR */
#define QUAL_DR_GPR		MASK(11, 8)
/* I/O instructions */
#define QUAL_IO_SIZE		MASK(2, 0) /* bytes - 1 */
#define QUAL_IO_IN		BIT(3)
#define QUAL_IO_STRING		BIT(4)
#define QUAL_IO_REP		BIT(5)
#define QUAL_IO_IMMEDIATE	BIT(6)
#define QUAL_IO_PORT		MASK(31, 16)
/* APIC-access VM exits */
#define QUAL_APIC_OFFSET	MASK(11, 0)
#define QUAL_APIC_TYPE		MASK(15, 12)
#define QUAL_APIC_ASYNC		BIT(16)
enum {
	QUAL_APIC_READ,
	QUAL_APIC_WRITE,
	QUAL_APIC_FETCH,
	QUAL_APIC_EVENT,	 /* linear access during event delivery */
	QUAL_APIC_TRACE,	 /* linear access for monitoring */
	QUAL_APIC_GPA_EVENT = 10, /* guest-physical access during event delivery */
	QUAL_APIC_GPA_TRACE = 11, /* guest-physical access for monitoring or trace */
	QUAL_APIC_GPA = 15,	 /* guest-physical access for a fetch or an instruction's execution */
};
/* EPT violations */
#define QUAL_EPT_READ		BIT(0)
#define QUAL_EPT_WRITE		BIT(1)
#define QUAL_EPT_FETCH		BIT(2)
#define QUAL_EPT_READABLE	BIT(3)
#define QUAL_EPT_WRITABLE	BIT(4)
#define QUAL_EPT_EXECUTABLE	BIT(5)
#define QUAL_EPT_USER_EXECUTABLE BIT(6)
#define QUAL_EPT_LINEAR_VALID	BIT(7) /* VMCS_GUEST_LINEAR_ADDRESS is valid */
#define QUAL_EPT_TRANSLATED	BIT(8) /* the access was to the translation of it; clear: to a paging-structure entry */
#define QUAL_EPT_USER		BIT(9) /* 9 to 11 with advanced VM-exit information only */
#define QUAL_EPT_PAGE_WRITABLE	BIT(10)
#define QUAL_EPT_PAGE_NX	BIT(11)
#define QUAL_EPT_NMI_UNBLOCKING BIT(12) /* due to IRET */
#define QUAL_EPT_SHADOW_STACK	BIT(13)
#define QUAL_EPT_SUPERVISOR_SHADOW_STACK BIT(14)
#define QUAL_EPT_VERIFICATION	BIT(15)
#define QUAL_EPT_ASYNC		BIT(16)
/* VM-entry failures due to invalid guest state: 0 where no number is given */
enum { QUAL_ENTRY_PDPTE = 2, QUAL_ENTRY_NMI = 3, QUAL_ENTRY_LINK_POINTER = 4 };

/* SDM: "Format of the VM-Exit Instruction-Information Field as Used for INS and OUTS" */
#define INSN_INFO_ADDRESS_SIZE MASK(9, 7) /* 0, 1, 2: 16, 32, 64 bits */
#define INSN_INFO_SEGMENT      MASK(17, 15) /* VMX_SEG_ES to VMX_SEG_GS */

/* ---- SDM: "VM-Entry Interruption-Information Field", "Information for VM Exits Due to Vectored Events",
 *      "Information for VM Exits That Occur During Event Delivery" ---- */
#define INTR_INFO_VECTOR	 MASK(7, 0)
#define INTR_INFO_TYPE		 MASK(10, 8)
#define INTR_INFO_ERROR_CODE	 BIT(11) /* deliver it, or: the error-code field is valid */
#define INTR_INFO_NMI_UNBLOCKING BIT(12) /* due to IRET; at VM exits only */
#define INTR_INFO_NESTED	 BIT(13)
#define INTR_INFO_VALID		 BIT(31)
enum {
	INTR_TYPE_EXTERNAL,
	INTR_TYPE_NMI = 2,
	INTR_TYPE_HARDWARE_EXCEPTION,
	INTR_TYPE_SOFTWARE_INTERRUPT,
	INTR_TYPE_PRIVILEGED_SOFTWARE_EXCEPTION, /* INT1 */
	INTR_TYPE_SOFTWARE_EXCEPTION,		 /* INT3, INTO */
	INTR_TYPE_OTHER,			 /* vector 0: pending MTF; 1 SYSCALL, 2 SYSENTER with FRED */
};

/* ---- SDM: "Guest Non-Register State" ---- */
enum { ACTIVITY_ACTIVE, ACTIVITY_HLT, ACTIVITY_SHUTDOWN, ACTIVITY_WAIT_FOR_SIPI };
#define INTERRUPTIBILITY_STI	 BIT(0)
#define INTERRUPTIBILITY_MOV_SS	 BIT(1)
#define INTERRUPTIBILITY_SMI	 BIT(2)
#define INTERRUPTIBILITY_NMI	 BIT(3)
#define INTERRUPTIBILITY_ENCLAVE BIT(4)
#define INTERRUPT_STATUS_RVI	 MASK(7, 0)
#define INTERRUPT_STATUS_SVI	 MASK(15, 8)
#define LINK_POINTER_NONE	 (~0ull)

/* ---- SDM: "Format of Access Rights" ---- */
#define AR_TYPE	    MASK(3, 0)
#define AR_S	    BIT(4) /* code or data */
#define AR_DPL	    MASK(6, 5)
#define AR_P	    BIT(7)
#define AR_RESERVED (MASK(11, 8) | MASK(31, 17))
#define AR_AVL	    BIT(12)
#define AR_L	    BIT(13)
#define AR_DB	    BIT(14)
#define AR_G	    BIT(15)
#define AR_UNUSABLE BIT(16)

/* ---- SDM: "Extended-Page-Table Pointer (EPTP)" ---- */
#define EPTP_MEMTYPE	  MASK(2, 0)
#define EPTP_WALK	  MASK(5, 3) /* page-walk length - 1 */
#define EPTP_ACCESS_DIRTY BIT(6)
#define EPTP_SHADOW_STACK BIT(7)

/* ---- SDM: "VM-Entry Controls for MSRs": an entry of each MSR area, 16-byte aligned ---- */
struct vmx_msr_entry {
	u32 index;
	u32 reserved;
	u64 value;
};
_Static_assert(sizeof(struct vmx_msr_entry) == 16, "SDM: Format of an MSR Entry");

/* ---- SDM: "Posted-Interrupt Processing", the descriptor ---- */
struct vmx_pi_desc {
	u64 pir[4];
	u64 control; /* PI_* */
	u64 reserved[3];
} __aligned(64);
_Static_assert(sizeof(struct vmx_pi_desc) == 64, "SDM: Format of Posted-Interrupt Descriptor");
#define PI_ON	  BIT(0)	/* outstanding notification */
#define PI_SN	  BIT(1)	/* suppress notification */
#define PI_NV	  MASK(23, 16)	/* notification vector */
#define PI_NDST	  MASK(63, 32)	/* x2APIC id; in xAPIC mode in bits 47:40 */

/* ---- SDM: "INVEPT", "INVVPID": types ---- */
enum { INVEPT_SINGLE = 1, INVEPT_ALL = 2 };
enum { INVVPID_ADDRESS, INVVPID_SINGLE, INVVPID_ALL, INVVPID_SINGLE_RETAINING_GLOBALS };

/* ---- SDM: "VM Instruction Error Numbers" ---- X(number, "text") */
#define VMX_ERRORS(X)                                                                                                 \
	X(1, "VMCALL executed in VMX root operation")             X(2, "VMCLEAR with invalid physical address")       \
	X(3, "VMCLEAR with VMXON pointer")                        X(4, "VMLAUNCH with non-clear VMCS")                \
	X(5, "VMRESUME with non-launched VMCS")                   X(6, "VMRESUME after VMXOFF")                       \
	X(7, "VM entry with invalid control field(s)")            X(8, "VM entry with invalid host-state field(s)")   \
	X(9, "VMPTRLD with invalid physical address")             X(10, "VMPTRLD with VMXON pointer")                 \
	X(11, "VMPTRLD with incorrect VMCS revision identifier")                                                      \
	X(12, "VMREAD/VMWRITE from/to unsupported VMCS component")                                                    \
	X(13, "VMWRITE to read-only VMCS component")              X(15, "VMXON executed in VMX root operation")       \
	X(16, "VM entry with invalid executive-VMCS pointer")     X(17, "VM entry with non-launched executive VMCS")  \
	X(18, "VM entry with executive-VMCS pointer not VMXON pointer")                                               \
	X(19, "VMCALL with non-clear VMCS")                       X(20, "VMCALL with invalid VM-exit control fields") \
	X(22, "VMCALL with incorrect MSEG revision identifier")                                                       \
	X(23, "VMXOFF under dual-monitor treatment of SMIs and SMM")                                                  \
	X(24, "VMCALL with invalid SMM-monitor features")                                                             \
	X(25, "VM entry with invalid VM-execution control fields in executive VMCS")                                  \
	X(26, "VM entry with events blocked by MOV SS")           X(28, "Invalid operand to INVEPT/INVVPID")
enum { VMX_ERROR_CONTROLS = 7, VMX_ERROR_HOST_STATE = 8, VMX_ERROR_MOV_SS = 26 };

/* ---- SDM: Appendix "VMX Capability Reporting Facility"; the numbers of the MSRs stand in regs.h ---- */
/* IA32_VMX_BASIC, "Basic VMX Information" */
#define VMX_BASIC_REVISION   MASK(30, 0)
#define VMX_BASIC_SIZE	     MASK(44, 32)
#define VMX_BASIC_32BIT	     BIT(48) /* VMX structures below 4 GiB only */
#define VMX_BASIC_DUAL	     BIT(49)
#define VMX_BASIC_MEMTYPE    MASK(53, 50)
#define VMX_BASIC_INS_OUTS   BIT(54) /* instruction information is given for them */
#define VMX_BASIC_TRUE	     BIT(55)
#define VMX_BASIC_ANY_ERRCODE BIT(56) /* hardware exceptions may be injected with or without an error code */
#define VMX_BASIC_NESTED     BIT(58)

/* The control MSRs: low half must be 1 (allowed 0-settings), high half may be 1 (allowed 1-settings) */
#define VMX_CTL_MUST MASK(31, 0)
#define VMX_CTL_MAY  MASK(63, 32)

/* IA32_VMX_MISC, "Miscellaneous Data" */
#define VMX_MISC_TIMER_SHIFT   MASK(4, 0) /* the preemption timer counts TSC ticks >> this */
#define VMX_MISC_STORE_LMA     BIT(5)
#define VMX_MISC_HLT	       BIT(6) /* activity states that may be entered */
#define VMX_MISC_SHUTDOWN      BIT(7)
#define VMX_MISC_WAIT_FOR_SIPI BIT(8)
#define VMX_MISC_PT	       BIT(14)
#define VMX_MISC_SMBASE	       BIT(15)
#define VMX_MISC_CR3_TARGETS   MASK(24, 16)
#define VMX_MISC_MSR_LIST      MASK(27, 25) /* 512 * (this + 1) entries in an MSR area are good */
#define VMX_MISC_SMI_BLOCK     BIT(28)
#define VMX_MISC_VMWRITE_ANY   BIT(29) /* exit-information fields may be written */
#define VMX_MISC_ZERO_LENGTH   BIT(30) /* injection with instruction length 0 */

/* IA32_VMX_EPT_VPID_CAP, "VPID and EPT Capabilities" ---- X(name, bit, "what") */
#define VMX_EPT_VPID_BITS(X)                                                                                           \
	X(EXEC_ONLY, 0, "EPT execute-only translations")          X(WALK_4, 6, "EPT page-walk length 4")               \
	X(WALK_5, 7, "EPT page-walk length 5")                    X(UC, 8, "EPT structures uncacheable (UC)")          \
	X(WB, 14, "EPT structures write-back (WB)")               X(2M, 16, "EPT 2-MByte pages")                       \
	X(1G, 17, "EPT 1-GByte pages")                            X(INVEPT, 20, "INVEPT")                              \
	X(ACCESS_DIRTY, 21, "EPT accessed and dirty flags")                                                            \
	X(ADVANCED_INFO, 22, "EPT-violation advanced VM-exit information")                                             \
	X(SHADOW_STACK, 23, "EPT supervisor shadow-stack control")                                                     \
	X(INVEPT_SINGLE, 25, "INVEPT single-context")             X(INVEPT_ALL, 26, "INVEPT all-context")              \
	X(INVVPID, 32, "INVVPID")                                 X(INVVPID_ADDRESS, 40, "INVVPID individual-address") \
	X(INVVPID_SINGLE, 41, "INVVPID single-context")           X(INVVPID_ALL, 42, "INVVPID all-context")            \
	X(INVVPID_RETAINING, 43, "INVVPID single-context-retaining-globals")
/* masks are 64 bits wide: BIT(VMX_EPT_VPID_BIT_INVVPID) or simply VMX_EPT_VPID(INVVPID) */
enum vmx_ept_vpid_bit {
#define VMX_EPT_VPID_X(name, bit, text) VMX_EPT_VPID_BIT_##name = (bit),
	VMX_EPT_VPID_BITS(VMX_EPT_VPID_X)
#undef VMX_EPT_VPID_X
};
#define VMX_EPT_VPID(name) BIT(VMX_EPT_VPID_BIT_##name)

/* IA32_VMX_VMFUNC, "VM Functions" */
#define VMX_VMFUNC_EPTP_SWITCHING BIT(0)

/* clang-format on */

#endif
