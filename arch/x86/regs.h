/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control registers, flags, exception vectors and MSRs by the manual's names, each number once.
 * Intel SDM volume 3, "Control Registers", "Extended Control Registers", "Exception and Interrupt Reference";
 * volume 4, "Architectural MSRs".  Plain numbers only: nasm gets what it needs through asm-offsets.c.
 */
#ifndef X86_REGS_H
#define X86_REGS_H

#include "hv/types.h"

#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)

#define CR4_VME	       BIT(0)
#define CR4_PVI	       BIT(1)
#define CR4_TSD	       BIT(2)
#define CR4_DE	       BIT(3)
#define CR4_PSE	       BIT(4)
#define CR4_PAE	       BIT(5)
#define CR4_MCE	       BIT(6)
#define CR4_PGE	       BIT(7)
#define CR4_PCE	       BIT(8)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_VMXE       BIT(13)
#define CR4_SMXE       BIT(14)
#define CR4_FSGSBASE   BIT(16)
#define CR4_PCIDE      BIT(17)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)
#define CR4_PKE	       BIT(22)
#define CR4_CET	       BIT(23)

#define XCR0_X87    BIT(0)
#define XCR0_SSE    BIT(1)
#define XCR0_AVX    BIT(2)
#define XCR0_PKRU   BIT(9)
#define XCR0_AVX512 MASK(7, 5) /* opmask, upper halves of ZMM0-15, ZMM16-31 */

#define RFLAGS_1  BIT(1) /* always set */
#define RFLAGS_TF BIT(8)
#define RFLAGS_IF BIT(9)
#define RFLAGS_RF BIT(16)
#define RFLAGS_VM BIT(17)
#define RFLAGS_AC BIT(18)

#define DR6_INIT    0xffff0ff0ull
#define DR6_BD	    BIT(13)
#define DR6_BS	    BIT(14)
#define DR7_INIT    0x400ull
#define DR7_ENABLED 0xffu

#define EFER_SCE    BIT(0)
#define EFER_LME    BIT(8)
#define EFER_LMA    BIT(10)
#define EFER_NXE    BIT(11)
#define EFER_SVME   BIT(12)
#define EFER_AIBRSE BIT(21)

/* clang-format off */
enum {
	X86_DE = 0, X86_DB = 1, X86_NMI = 2, X86_BP = 3, X86_OF = 4, X86_UD = 6, X86_DF = 8, X86_TS = 10,
	X86_GP = 13, X86_PF = 14, X86_AC = 17, X86_MC = 18, X86_CP = 21, X86_SX = 30, /* AMD's */
};
/* clang-format on */

/* clang-format off */
/* MSRs; from MSR_X2APIC on the local APIC's registers, by offset / 16. */
enum {
	MSR_TSC = 0x10, MSR_PLATFORM_ID = 0x17, MSR_APIC_BASE = 0x1b, MSR_FEATURE_CONTROL = 0x3a,
	MSR_TSC_ADJUST = 0x3b, MSR_SPEC_CTRL = 0x48, MSR_PRED_CMD = 0x49, MSR_BIOS_SIGN_ID = 0x8b, MSR_MTRRCAP = 0xfe, MSR_ARCH_CAPABILITIES = 0x10a, MSR_FLUSH_CMD = 0x10b,
	MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP = 0x175, MSR_SYSENTER_EIP = 0x176, MSR_MCG_CAP = 0x179,
	MSR_MCG_STATUS = 0x17a, MSR_MISC_ENABLE = 0x1a0, MSR_DEBUGCTL = 0x1d9, MSR_MTRR_PHYSBASE0 = 0x200,
	MSR_MTRR_PHYSMASK0 = 0x201, MSR_MTRR_FIX64K_00000 = 0x250, MSR_MTRR_FIX16K_80000 = 0x258,
	MSR_MTRR_FIX16K_A0000 = 0x259, MSR_MTRR_FIX4K_C0000 = 0x268, MSR_MTRR_FIX4K_F8000 = 0x26f,
	MSR_PAT = 0x277, MSR_MTRR_DEF_TYPE = 0x2ff, MSR_MC0_STATUS = 0x401, MSR_MC0_ADDR = 0x402,
	MSR_VMX_BASIC = 0x480, MSR_VMX_PINBASED_CTLS = 0x481, MSR_VMX_PROCBASED_CTLS = 0x482,
	MSR_VMX_EXIT_CTLS = 0x483, MSR_VMX_ENTRY_CTLS = 0x484, MSR_VMX_MISC = 0x485,
	MSR_VMX_CR0_FIXED0 = 0x486, MSR_VMX_CR0_FIXED1 = 0x487, MSR_VMX_CR4_FIXED0 = 0x488,
	MSR_VMX_CR4_FIXED1 = 0x489, MSR_VMX_PROCBASED_CTLS2 = 0x48b, MSR_VMX_EPT_VPID_CAP = 0x48c,
	MSR_VMX_TRUE_PINBASED = 0x48d, MSR_VMX_TRUE_PROCBASED = 0x48e, MSR_VMX_TRUE_EXIT = 0x48f,
	MSR_VMX_TRUE_ENTRY = 0x490, MSR_VMX_EXIT_CTLS2 = 0x493, MSR_S_CET = 0x6a2, MSR_PL0_SSP = 0x6a4, MSR_INTERRUPT_SSP_TABLE = 0x6a8, MSR_TSC_DEADLINE = 0x6e0, MSR_X2APIC = 0x800,
	MSR_X2APIC_LAST = 0x8ff, MSR_EFER = 0xc0000080, MSR_STAR = 0xc0000081, MSR_LSTAR = 0xc0000082,
	MSR_CSTAR = 0xc0000083, MSR_SFMASK = 0xc0000084, MSR_FS_BASE = 0xc0000100, MSR_GS_BASE = 0xc0000101,
	MSR_KERNEL_GS_BASE = 0xc0000102, MSR_TSC_AUX = 0xc0000103, MSR_VM_CR = 0xc0010114,
	MSR_VM_HSAVE_PA = 0xc0010117,
};

/* "Local APIC Register Address Map": offsets in the memory-mapped page */
enum {
	APIC_ID = 0x20, APIC_VERSION = 0x30, APIC_TPR = 0x80, APIC_PPR = 0xa0, APIC_EOI = 0xb0,
	APIC_LDR = 0xd0, APIC_DFR = 0xe0, APIC_SVR = 0xf0, APIC_ISR = 0x100, APIC_TMR = 0x180,
	APIC_IRR = 0x200, APIC_ESR = 0x280, APIC_ICR = 0x300, APIC_ICR_HIGH = 0x310, APIC_LVT_TIMER = 0x320,
	APIC_LVT_THERMAL = 0x330, APIC_LVT_PERF = 0x340, APIC_LVT_LINT0 = 0x350, APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370, APIC_TMICT = 0x380, APIC_TMCCT = 0x390, APIC_TDCR = 0x3e0,
	APIC_SELF_IPI = 0x3f0,
};
/* clang-format on */

#define APIC_BASE_BSP			 BIT(8)
#define APIC_BASE_EXTD			 BIT(10)
#define APIC_BASE_EN			 BIT(11)
#define APIC_BASE_ADDR			 MASK(51, 12)
#define FEATURE_CONTROL_LOCK		 BIT(0)
#define FEATURE_CONTROL_VMX		 BIT(2)
#define ARCH_CAPABILITIES_PSCHANGE_MC_NO BIT(6) /* no machine check by a change of page size */
#define S_CET_SH_STK_EN			 BIT(0)
#define S_CET_WR_SHSTK_EN		 BIT(1) /* WRSS: for cet_return_to() */
#define S_CET_ENDBR_EN			 BIT(2)
#define S_CET_NO_TRACK_EN		 BIT(4) /* for jump tables and __notrack */
#define SPEC_CTRL_IBRS			 BIT(0)
#define SPEC_CTRL_BHI_DIS_S		 BIT(10)
#define VM_CR_R_INIT			 BIT(1) /* an INIT that no guest intercepts becomes #SX */
#define VM_CR_LOCK			 BIT(3)
#define VM_CR_SVMDIS			 BIT(4)

/* Memory types: "Methods of Caching Available", encodings of PAT and MTRR. */
#define MT_UC	    0ull
#define MT_WC	    1ull
#define MT_WT	    4ull
#define MT_WP	    5ull
#define MT_WB	    6ull
#define MT_UC_MINUS 7ull

/* The hypervisor's own PAT: the power-up layout with WC in the place of UC-, which nobody uses. Entry n is
 * chosen by PAT:PCD:PWT of a mapping. */
#define HOST_PAT                                                                                    \
	(MT_WB | MT_WT << 8 | MT_WC << 16 | MT_UC << 24 | MT_WB << 32 | MT_WC << 40 | MT_WC << 48 | \
	 MT_UC << 56)
#define PAT_RESET 0x0007040600070406ull

/* Segments of the hypervisor's GDT. */
#define SEL_CODE 0x08
#define SEL_DATA 0x10
#define SEL_TSS	 0x18

#endif
