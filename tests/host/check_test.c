/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VMCS and a VMCB that pass, in several modes of the guest; one field at a time is broken
 * and must be the one that is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "guest/control/check.h"
#include "guest/control/fields.h"

static u64 vmcs[0x8000];
static struct vmx_caps caps;

#define SET(name, v) (vmcs[VMCS_##name] = (v))
#define VALID	     INTR_INFO_VALID
#define TYPE(t)	     PUT(INTR_INFO_TYPE, INTR_TYPE_##t)

static u64 vmread(void *ctx, u32 field)
{
	assert_ptr_equal(ctx, vmcs);
	assert_in_range(field, 0, ARRAY_SIZE(vmcs) - 1);
	return vmcs[field];
}

/* Controls as on Bochs' corei7_skylake_x, and all of the newer ones besides. */
static void set_caps(void)
{
	caps = (struct vmx_caps){ .vmx = 1,
				  .basic = 0xd810000000002b,
				  .misc = 0x600401e0,
				  .cr0_fixed0 = 0x80000021,
				  .cr0_fixed1 = 0xffffffff,
				  .cr4_fixed0 = 0x2000,
				  .cr4_fixed1 = 0xb727ff };
	caps.must[VMX_CTL_PIN] = 0x16;
	caps.may[VMX_CTL_PIN] = 0xff;
	caps.must[VMX_CTL_PROC] = 0x04006172;
	caps.may[VMX_CTL_PROC] = 0xfffbfffe;
	caps.may[VMX_CTL_PROC2] = 0xdfffffff;
	caps.must[VMX_CTL_EXIT] = 0x36dfb;
	caps.may[VMX_CTL_EXIT] = 0xffffffff & ~BIT(31);
	caps.must[VMX_CTL_ENTRY] = 0x11fb;
	caps.may[VMX_CTL_ENTRY] = 0xffffff;
	caps.may[VMX_CTL_EPT_VPID] = 0xf0106734141;
}

static void set_segment(u32 s, u64 selector, u64 base, u64 limit, u64 ar)
{
	vmcs[VMCS_GUEST_ES_SELECTOR + 2 * s] = selector;
	vmcs[VMCS_GUEST_ES_BASE + 2 * s] = base;
	vmcs[VMCS_GUEST_ES_LIMIT + 2 * s] = limit;
	vmcs[VMCS_GUEST_ES_AR + 2 * s] = ar;
}

static void host(void)
{
	SET(HOST_CR0, 0x80050033);
	SET(HOST_CR3, 0x1000);
	SET(HOST_CR4, 0x26b0);
	SET(HOST_CS_SELECTOR, 8);
	SET(HOST_TR_SELECTOR, 0x18);
	SET(HOST_TR_BASE, 0xffff800000002000);
	SET(HOST_RIP, 0xffff800000100000);
	SET(HOST_PAT, 0x0007040600070406);
	SET(HOST_EFER, 0xd01);
}

/* A 64-bit guest with everything that can be on switched on. */
static void long_mode(void)
{
	memset(vmcs, 0, sizeof(vmcs));
	set_caps();
	host();
	SET(PIN_CONTROLS, 0x16 | VMX_PIN_EXTERNAL_INTERRUPT_EXITING | VMX_PIN_NMI_EXITING |
				  VMX_PIN_VIRTUAL_NMIS | VMX_PIN_POSTED_INTERRUPTS);
	SET(PROC_CONTROLS, 0x04006172 | VMX_PROC_TPR_SHADOW | VMX_PROC_IO_BITMAPS | VMX_PROC_MSR_BITMAPS |
				   VMX_PROC_SECONDARY);
	SET(PROC2_CONTROLS, VMX_PROC2_EPT | VMX_PROC2_VPID | VMX_PROC2_UNRESTRICTED_GUEST |
				    VMX_PROC2_VIRTUALIZE_APIC_ACCESSES |
				    VMX_PROC2_APIC_REGISTER_VIRTUALIZATION |
				    VMX_PROC2_VIRTUAL_INTERRUPT_DELIVERY);
	SET(EXIT_CONTROLS,
	    0x36dfb | VMX_EXIT_HOST_64 | VMX_EXIT_ACK_INTERRUPT | VMX_EXIT_LOAD_PAT | VMX_EXIT_LOAD_EFER);
	SET(ENTRY_CONTROLS, 0x11fb | VMX_ENTRY_IA32E_GUEST | VMX_ENTRY_LOAD_DEBUG_CONTROLS |
				    VMX_ENTRY_LOAD_PAT | VMX_ENTRY_LOAD_EFER);
	SET(VPID, 1);
	SET(EPT_POINTER, 0x100005e);
	SET(LINK_POINTER, ~0ull);
	SET(GUEST_CR0, 0x80050033);
	SET(GUEST_CR3, 0x2000);
	SET(GUEST_CR4, 0x26b0);
	SET(GUEST_EFER, 0xd01);
	SET(GUEST_PAT, 0x0007040600070406);
	SET(GUEST_DR7, 0x400);
	SET(GUEST_RFLAGS, 0x202);
	SET(GUEST_RIP, 0xffffffff81000000);
	set_segment(VMX_SEG_CS, 0x10, 0, 0xffffffff, 0xa09b);
	for (u32 s = VMX_SEG_ES; s <= VMX_SEG_GS; s++)
		if (s != VMX_SEG_CS)
			set_segment(s, 0x18, 0, 0xffffffff, 0xc093);
	set_segment(VMX_SEG_TR, 0x40, 0xfffffe0000003000, 0x206f, 0x8b);
	set_segment(VMX_SEG_LDTR, 0, 0, 0, AR_UNUSABLE);
	SET(GUEST_GDTR_LIMIT, 0x7f);
	SET(GUEST_IDTR_LIMIT, 0xfff);
}

static void with_ldt(void)
{
	long_mode();
	set_segment(VMX_SEG_LDTR, 0x50, 0xfffffe0000004000, 0xf, 0x82);
}

static void user(void)
{
	long_mode();
	set_segment(VMX_SEG_CS, 0x33, 0, 0xffffffff, 0xa0fb);
	set_segment(VMX_SEG_SS, 0x2b, 0, 0xffffffff, 0xc0f3);
}

/* Without unrestricted guest the levels of selectors count. */
static void restricted(void)
{
	long_mode();
	vmcs[VMCS_PROC2_CONTROLS] &= ~(u64)VMX_PROC2_UNRESTRICTED_GUEST;
}

static void no_ept(void)
{
	restricted();
	vmcs[VMCS_PROC2_CONTROLS] &= ~(u64)VMX_PROC2_EPT;
}

static void no_apicv(void)
{
	long_mode();
	vmcs[VMCS_PIN_CONTROLS] &= ~(u64)VMX_PIN_POSTED_INTERRUPTS;
	vmcs[VMCS_PROC2_CONTROLS] &=
		~(u64)(VMX_PROC2_VIRTUALIZE_APIC_ACCESSES | VMX_PROC2_APIC_REGISTER_VIRTUALIZATION |
		       VMX_PROC2_VIRTUAL_INTERRUPT_DELIVERY);
}

static void efer_by_hand(void)
{
	long_mode();
	vmcs[VMCS_EXIT_CONTROLS] &= ~(u64)VMX_EXIT_LOAD_EFER;
}

static void no_nmi(void)
{
	long_mode();
	vmcs[VMCS_PIN_CONTROLS] &= ~(u64)(VMX_PIN_NMI_EXITING | VMX_PIN_VIRTUAL_NMIS);
}

static void protected_pae(void)
{
	long_mode();
	vmcs[VMCS_ENTRY_CONTROLS] &= ~(u64)VMX_ENTRY_IA32E_GUEST;
	SET(GUEST_EFER, 0);
	SET(GUEST_RIP, 0x100000);
	set_segment(VMX_SEG_CS, 0x10, 0, 0xffffffff, 0xc09b);
	SET(GUEST_PDPTE0, 0x3001);
}

static void real_mode(void)
{
	protected_pae();
	SET(GUEST_CR0, 0x20);
	SET(GUEST_CR4, 0x2000);
	SET(GUEST_RIP, 0xfff0);
	SET(GUEST_RFLAGS, 2);
	for (u32 s = VMX_SEG_ES; s <= VMX_SEG_GS; s++)
		set_segment(s, 0, 0, 0xffff, 0x93);
	set_segment(VMX_SEG_CS, 0xf000, 0xffff0000, 0xffff, 0x93);
	set_segment(VMX_SEG_TR, 0, 0, 0xffff, 0x8b);
}

static void virtual_8086(void)
{
	protected_pae();
	SET(GUEST_RFLAGS, RFLAGS_VM | 2);
	SET(GUEST_RIP, 0x100);
	for (u32 s = VMX_SEG_ES; s <= VMX_SEG_GS; s++)
		set_segment(s, 0x1000, 0x10000, 0xffff, 0xf3);
}

static void virtual_8086_efer_by_hand(void)
{
	virtual_8086();
	vmcs[VMCS_ENTRY_CONTROLS] &= ~(u64)VMX_ENTRY_LOAD_EFER;
}

static void interrupt(void)
{
	long_mode();
	SET(ENTRY_INTERRUPTION_INFO, VALID | TYPE(EXTERNAL) | 0xec);
}

static void nmi(void)
{
	long_mode();
	SET(ENTRY_INTERRUPTION_INFO, VALID | TYPE(NMI) | 2);
}

static void page_fault(void)
{
	long_mode();
	SET(ENTRY_INTERRUPTION_INFO, VALID | TYPE(HARDWARE_EXCEPTION) | INTR_INFO_ERROR_CODE | 14);
	SET(ENTRY_ERROR_CODE, 2);
}

static void int3(void)
{
	long_mode();
	SET(ENTRY_INTERRUPTION_INFO, VALID | TYPE(SOFTWARE_EXCEPTION) | 3);
	SET(ENTRY_INSTRUCTION_LENGTH, 1);
}

static void halted(void)
{
	long_mode();
	SET(GUEST_ACTIVITY, ACTIVITY_HLT);
}

static void sti_shadow(void)
{
	long_mode();
	SET(GUEST_INTERRUPTIBILITY, INTERRUPTIBILITY_STI);
}

static void sti_trap(void)
{
	sti_shadow();
	SET(GUEST_RFLAGS, 0x302);
	SET(GUEST_PENDING_DEBUG, BIT(14));
}

#define S(part, s)   (VMCS_GUEST_ES_##part + 2 * VMX_SEG_##s)
#define NONCANONICAL 0x800000000000ull
#define BEYOND	     (1ull << 40)

static const struct broken {
	void (*base)(void);
	u32 field;
	u64 value;
	u64 flip;  /* not 0: value is ignored, these bits of the field are flipped */
	u32 named; /* 0: the field itself */
	const char *rule;
} broken[] = {
	/* clang-format off */
	/* VM-execution controls */
	{ long_mode, VMCS_PIN_CONTROLS, 0, BIT(8), 0, "reserved" },
	{ long_mode, VMCS_PIN_CONTROLS, 0, BIT(1), 0, "reserved" },
	{ long_mode, VMCS_PROC_CONTROLS, 0, BIT(18), 0, "reserved" },
	{ long_mode, VMCS_PROC_CONTROLS, 0, BIT(4), 0, "reserved" },
	{ long_mode, VMCS_PROC2_CONTROLS, 0, BIT(29), 0, "reserved" },
	{ long_mode, VMCS_IO_BITMAP_A, 0x800, 0, 0, "bits 11:0" },
	{ long_mode, VMCS_IO_BITMAP_B, BEYOND, 0, 0, "physical width" },
	{ long_mode, VMCS_MSR_BITMAP, 1, 0, 0, "bits 11:0" },
	{ long_mode, VMCS_VIRTUAL_APIC_ADDRESS, 0x10, 0, 0, "bits 11:0" },
	{ no_apicv, VMCS_TPR_THRESHOLD, 0x10, 0, 0, "bits 31:4" },
	{ long_mode, VMCS_PROC_CONTROLS, 0, VMX_PROC_TPR_SHADOW, VMCS_PROC2_CONTROLS, "TPR shadow" },
	{ no_nmi, VMCS_PIN_CONTROLS, 0, VMX_PIN_VIRTUAL_NMIS, 0, "NMI exiting" },
	{ no_nmi, VMCS_PROC_CONTROLS, 0, VMX_PROC_NMI_WINDOW, 0, "Virtual NMIs" },
	{ long_mode, VMCS_APIC_ACCESS_ADDRESS, 8, 0, 0, "bits 11:0" },
	{ long_mode, VMCS_PROC2_CONTROLS, 0, VMX_PROC2_VIRTUALIZE_X2APIC, 0, "excludes" },
	{ long_mode, VMCS_PIN_CONTROLS, 0, VMX_PIN_EXTERNAL_INTERRUPT_EXITING, 0, "External-interrupt" },
	{ long_mode, VMCS_PROC2_CONTROLS, 0, VMX_PROC2_VIRTUAL_INTERRUPT_DELIVERY, VMCS_PIN_CONTROLS, "Virtual-interrupt" },
	{ long_mode, VMCS_EXIT_CONTROLS, 0, VMX_EXIT_ACK_INTERRUPT, VMCS_PIN_CONTROLS, "Acknowledge" },
	{ long_mode, VMCS_POSTED_INTERRUPT_VECTOR, 0x100, 0, 0, "bits 15:8" },
	{ long_mode, VMCS_POSTED_INTERRUPT_DESC, 0x20, 0, 0, "bits 5:0" },
	{ long_mode, VMCS_VPID, 0, 0, 0, "not be 0" },
	{ long_mode, VMCS_EPT_POINTER, 0x100005f, 0, 0, "memory type" },
	{ long_mode, VMCS_EPT_POINTER, 0x1000056, 0, 0, "page-walk" },
	{ long_mode, VMCS_EPT_POINTER, 0x1000066, 0, 0, "page-walk" },
	{ long_mode, VMCS_EPT_POINTER, 0x10000de, 0, 0, "bits 6 and 7" },
	{ long_mode, VMCS_EPT_POINTER, 0x100015e, 0, 0, "the rest 0" },
	{ long_mode, VMCS_EPT_POINTER, BEYOND | 0x5e, 0, 0, "in width" },
	{ no_ept, VMCS_PROC2_CONTROLS, 0, VMX_PROC2_UNRESTRICTED_GUEST, 0, "needs \"Enable EPT\"" },
	/* VM-exit controls */
	{ long_mode, VMCS_EXIT_CONTROLS, 0, BIT(31), 0, "reserved" },
	{ long_mode, VMCS_EXIT_CONTROLS, 0, BIT(0), 0, "reserved" },
	/* VM-entry controls */
	{ long_mode, VMCS_ENTRY_CONTROLS, 0, BIT(25), 0, "reserved" },
	{ long_mode, VMCS_ENTRY_CONTROLS, 0, BIT(0), 0, "reserved" },
	{ long_mode, VMCS_ENTRY_INTERRUPTION_INFO, VALID | 1 << 8, 0, 0, "type" },
	{ long_mode, VMCS_ENTRY_INTERRUPTION_INFO, VALID | TYPE(OTHER), 0, 0, "type" },
	{ long_mode, VMCS_ENTRY_INTERRUPTION_INFO, VALID | TYPE(NMI) | 3, 0, 0, "vector 2" },
	{ long_mode, VMCS_ENTRY_INTERRUPTION_INFO, VALID | TYPE(HARDWARE_EXCEPTION) | 32, 0, 0, "below 32" },
	{ page_fault, VMCS_ENTRY_INTERRUPTION_INFO, 0, INTR_INFO_ERROR_CODE, 0, "bit 11" },
	{ long_mode, VMCS_ENTRY_INTERRUPTION_INFO, VALID | TYPE(HARDWARE_EXCEPTION) | INTR_INFO_ERROR_CODE | 6, 0, 0, "bit 11" },
	{ interrupt, VMCS_ENTRY_INTERRUPTION_INFO, 0, INTR_INFO_ERROR_CODE, 0, "bit 11" },
	{ real_mode, VMCS_ENTRY_INTERRUPTION_INFO, VALID | TYPE(HARDWARE_EXCEPTION) | INTR_INFO_ERROR_CODE | 13, 0, 0, "CR0.PE" },
	{ interrupt, VMCS_ENTRY_INTERRUPTION_INFO, 0, BIT(12), 0, "bits 30:12" },
	{ page_fault, VMCS_ENTRY_ERROR_CODE, 0x10000, 0, 0, "bits 31:16" },
	{ int3, VMCS_ENTRY_INSTRUCTION_LENGTH, 16, 0, 0, "1 to 15" },
	/* host state */
	{ long_mode, VMCS_HOST_CR0, 0, CR0_NE, 0, "fixes" },
	{ long_mode, VMCS_HOST_CR0, 0, CR0_PG, 0, "fixes" },
	{ long_mode, VMCS_HOST_CR0, 0, BIT(32), 0, "fixes" },
	{ long_mode, VMCS_HOST_CR4, 0, CR4_VMXE, 0, "fixes" },
	{ long_mode, VMCS_HOST_CR4, 0, BIT(11), 0, "fixes" },
	{ long_mode, VMCS_HOST_CR3, BEYOND, 0, 0, "physical" },
	{ long_mode, VMCS_HOST_SYSENTER_ESP, NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, VMCS_HOST_SYSENTER_EIP, NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, VMCS_HOST_PAT, 0x2, 0, 0, "each byte" },
	{ long_mode, VMCS_HOST_PAT, 0x08ull << 56, 0, 0, "each byte" },
	{ long_mode, VMCS_HOST_EFER, 0xd03, 0, 0, "reserved" },
	{ long_mode, VMCS_HOST_EFER, 0x901, 0, 0, "LMA and LME" },
	{ long_mode, VMCS_HOST_EFER, 0xc01, 0, 0, "LMA and LME" },
	{ long_mode, VMCS_HOST_ES_SELECTOR, 3, 0, 0, "RPL and TI" },
	{ long_mode, VMCS_HOST_CS_SELECTOR, 0xb, 0, 0, "RPL and TI" },
	{ long_mode, VMCS_HOST_SS_SELECTOR, 4, 0, 0, "RPL and TI" },
	{ long_mode, VMCS_HOST_DS_SELECTOR, 1, 0, 0, "RPL and TI" },
	{ long_mode, VMCS_HOST_FS_SELECTOR, 1, 0, 0, "RPL and TI" },
	{ long_mode, VMCS_HOST_GS_SELECTOR, 1, 0, 0, "RPL and TI" },
	{ long_mode, VMCS_HOST_TR_SELECTOR, 0x1c, 0, 0, "RPL and TI" },
	{ long_mode, VMCS_HOST_CS_SELECTOR, 0, 0, 0, "not be 0" },
	{ long_mode, VMCS_HOST_TR_SELECTOR, 0, 0, 0, "not be 0" },
	{ long_mode, VMCS_HOST_FS_BASE, NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, VMCS_HOST_GS_BASE, NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, VMCS_HOST_TR_BASE, NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, VMCS_HOST_GDTR_BASE, NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, VMCS_HOST_IDTR_BASE, 0x7fffffffffffffff, 0, 0, "canonical" },
	{ efer_by_hand, VMCS_EXIT_CONTROLS, 0, VMX_EXIT_HOST_64, 0, "IA-32e mode" },
	{ long_mode, VMCS_HOST_CR4, 0, CR4_PAE, 0, "PAE" },
	{ long_mode, VMCS_HOST_RIP, NONCANONICAL, 0, 0, "canonical" },
	/* guest control registers, debug registers, MSRs */
	{ long_mode, VMCS_GUEST_CR0, 0, CR0_NE, 0, "fixes" },
	{ restricted, VMCS_GUEST_CR0, 0, CR0_PE, 0, "fixes" },
	{ protected_pae, VMCS_GUEST_CR0, 0, CR0_PE, 0, "PG needs PE" },
	{ long_mode, VMCS_GUEST_CR4, 0, CR4_VMXE, 0, "fixes" },
	{ long_mode, VMCS_GUEST_CR4, 0, BIT(12), 0, "fixes" },
	{ long_mode, VMCS_GUEST_DEBUGCTL, BIT(3), 0, 0, "reserved" },
	{ long_mode, VMCS_GUEST_CR0, 0, CR0_PG, 0, "needs PG" },
	{ long_mode, VMCS_GUEST_CR4, 0, CR4_PAE, 0, "needs PAE" },
	{ protected_pae, VMCS_GUEST_CR4, 0, CR4_PCIDE, 0, "PCIDE" },
	{ long_mode, VMCS_GUEST_CR3, BEYOND, 0, 0, "physical" },
	{ long_mode, VMCS_GUEST_DR7, 1ull << 32, 0, 0, "bits 63:32" },
	{ long_mode, VMCS_GUEST_SYSENTER_ESP, NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, VMCS_GUEST_SYSENTER_EIP, NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, VMCS_GUEST_PAT, 0x0307ull << 8, 0, 0, "each byte" },
	{ long_mode, VMCS_GUEST_EFER, 0x1d01, 0, 0, "reserved" },
	{ long_mode, VMCS_GUEST_EFER, 0x901, 0, 0, "LMA must equal \"IA" },
	{ real_mode, VMCS_GUEST_EFER, 0x400, 0, 0, "LMA must equal \"IA" },
	{ long_mode, VMCS_GUEST_EFER, 0xc01, 0, 0, "LMA must equal LME" },
	{ protected_pae, VMCS_GUEST_EFER, 0x100, 0, 0, "LMA must equal LME" },
	/* guest segments */
	{ long_mode, S(SELECTOR, TR), 0x44, 0, 0, "TI" },
	{ with_ldt, S(SELECTOR, LDTR), 0x54, 0, 0, "TI" },
	{ restricted, S(SELECTOR, SS), 0x1b, 0, 0, "RPL" },
	{ virtual_8086, S(BASE, CS), 0x20000, 0, 0, "times 16" },
	{ virtual_8086, S(BASE, ES), 0, 0, 0, "times 16" },
	{ virtual_8086, S(SELECTOR, GS), 0x1001, 0, S(BASE, GS), "times 16" },
	{ virtual_8086, S(LIMIT, SS), 0xfffff, 0, 0, "0xffff" },
	{ virtual_8086, S(AR, DS), 0x93, 0, 0, "0xf3" },
	{ long_mode, S(BASE, TR), NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, S(BASE, FS), NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, S(BASE, GS), NONCANONICAL, 0, 0, "canonical" },
	{ with_ldt, S(BASE, LDTR), NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, S(BASE, CS), 1ull << 32, 0, 0, "bits 63:32" },
	{ long_mode, S(BASE, SS), 1ull << 32, 0, 0, "bits 63:32" },
	{ long_mode, S(BASE, DS), 1ull << 32, 0, 0, "bits 63:32" },
	{ long_mode, S(BASE, ES), 1ull << 32, 0, 0, "bits 63:32" },
	{ long_mode, S(AR, CS), 0xa099 & ~1, 0, 0, "type" },
	{ restricted, S(AR, CS), 0xc093, 0, 0, "type" },
	{ long_mode, S(AR, SS), 0xc091, 0, 0, "type" },
	{ long_mode, S(AR, DS), 0xc092, 0, 0, "type" },
	{ long_mode, S(AR, ES), 0xc099, 0, 0, "type" },
	{ long_mode, S(AR, CS), 0xa08b, 0, 0, "S (bit 4)" },
	{ long_mode, S(AR, FS), 0xc083, 0, 0, "S (bit 4)" },
	{ long_mode, S(AR, CS), 0xa0fb, 0, 0, "DPL" },
	{ user, S(AR, CS), 0xa09b, 0, 0, "DPL" },
	{ real_mode, S(AR, CS), 0xf3, 0, 0, "DPL" },
	{ real_mode, S(AR, SS), 0xf3, 0, 0, "DPL" },
	{ real_mode, S(AR, SS), AR_UNUSABLE | 0x60, 0, 0, "DPL" },
	{ restricted, S(SELECTOR, DS), 0x1b, 0, S(AR, DS), "DPL" },
	{ long_mode, S(AR, CS), 0xa01b, 0, 0, "P (bit 7)" },
	{ long_mode, S(AR, GS), 0xc013, 0, 0, "P (bit 7)" },
	{ long_mode, S(AR, DS), 0xc193, 0, 0, "bits 11:8" },
	{ long_mode, S(AR, CS), 0x2a09b, 0, 0, "31:17" },
	{ long_mode, S(AR, CS), 0xe09b, 0, 0, "D/B" },
	{ long_mode, S(LIMIT, CS), 0xfffffffe, 0, S(AR, CS), "G (bit 15)" },
	{ long_mode, S(AR, ES), 0x4093, 0, 0, "G (bit 15)" },
	{ real_mode, S(LIMIT, DS), 0xfffff000, 0, S(AR, DS), "G (bit 15)" },
	{ long_mode, S(AR, TR), 0x83, 0, 0, "busy TSS" },
	{ protected_pae, S(AR, TR), 0x89, 0, 0, "busy TSS" },
	{ long_mode, S(AR, TR), 0x9b, 0, 0, "S (bit 4)" },
	{ long_mode, S(AR, TR), 0x0b, 0, 0, "P (bit 7)" },
	{ long_mode, S(AR, TR), 0x18b, 0, 0, "bits 11:8" },
	{ long_mode, S(AR, TR), 0x808b, 0, 0, "G (bit 15)" },
	{ long_mode, S(AR, TR), AR_UNUSABLE | 0x8b, 0, 0, "usable" },
	{ with_ldt, S(AR, LDTR), 0x8b, 0, 0, "LDT" },
	{ with_ldt, S(AR, LDTR), 0x92, 0, 0, "S (bit 4)" },
	{ with_ldt, S(AR, LDTR), 0x02, 0, 0, "P (bit 7)" },
	{ with_ldt, S(AR, LDTR), 0x282, 0, 0, "bits 11:8" },
	{ with_ldt, S(AR, LDTR), 0x8082, 0, 0, "G (bit 15)" },
	{ long_mode, VMCS_GUEST_GDTR_BASE, NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, VMCS_GUEST_IDTR_BASE, NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, VMCS_GUEST_GDTR_LIMIT, 0x10000, 0, 0, "bits 31:16" },
	{ long_mode, VMCS_GUEST_IDTR_LIMIT, 0x10000, 0, 0, "bits 31:16" },
	/* RIP and RFLAGS */
	{ protected_pae, VMCS_GUEST_RIP, 1ull << 32, 0, 0, "bits 63:32" },
	{ long_mode, VMCS_GUEST_RIP, NONCANONICAL, 0, 0, "canonical" },
	{ long_mode, S(AR, CS), 0xc09b, 0, VMCS_GUEST_RIP, "bits 63:32" },
	{ long_mode, VMCS_GUEST_RFLAGS, 0x200, 0, 0, "bit 1" },
	{ long_mode, VMCS_GUEST_RFLAGS, 0x20a, 0, 0, "bits 63:22" },
	{ long_mode, VMCS_GUEST_RFLAGS, 0x400202, 0, 0, "bits 63:22" },
	{ virtual_8086_efer_by_hand, VMCS_ENTRY_CONTROLS, 0, VMX_ENTRY_IA32E_GUEST, VMCS_GUEST_RFLAGS, "VM must be 0" },
	{ interrupt, VMCS_GUEST_RFLAGS, 2, 0, 0, "IF" },
	/* activity, interruptibility, pending debug exceptions, link pointer, PDPTEs */
	{ long_mode, VMCS_GUEST_ACTIVITY, 4, 0, 0, "no such" },
	{ user, VMCS_GUEST_ACTIVITY, ACTIVITY_HLT, 0, 0, "CPL 0" },
	{ sti_shadow, VMCS_GUEST_ACTIVITY, ACTIVITY_SHUTDOWN, 0, 0, "must be active" },
	{ page_fault, VMCS_GUEST_ACTIVITY, ACTIVITY_HLT, 0, 0, "cannot be delivered" },
	{ interrupt, VMCS_GUEST_ACTIVITY, ACTIVITY_SHUTDOWN, 0, 0, "cannot be delivered" },
	{ nmi, VMCS_GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI, 0, 0, "cannot be delivered" },
	{ long_mode, VMCS_GUEST_INTERRUPTIBILITY, BIT(5), 0, 0, "bits 31:4" },
	{ long_mode, VMCS_GUEST_INTERRUPTIBILITY, 3, 0, 0, "exclude" },
	{ sti_shadow, VMCS_GUEST_RFLAGS, 2, 0, VMCS_GUEST_INTERRUPTIBILITY, "RFLAGS.IF" },
	{ interrupt, VMCS_GUEST_INTERRUPTIBILITY, INTERRUPTIBILITY_STI, 0, 0, "interrupt is injected" },
	{ interrupt, VMCS_GUEST_INTERRUPTIBILITY, INTERRUPTIBILITY_MOV_SS, 0, 0, "interrupt is injected" },
	{ nmi, VMCS_GUEST_INTERRUPTIBILITY, INTERRUPTIBILITY_MOV_SS, 0, 0, "NMI is injected" },
	{ long_mode, VMCS_GUEST_INTERRUPTIBILITY, INTERRUPTIBILITY_SMI, 0, 0, "SMM" },
	{ nmi, VMCS_GUEST_INTERRUPTIBILITY, INTERRUPTIBILITY_NMI, 0, 0, "blocking by NMI" },
	{ nmi, VMCS_GUEST_INTERRUPTIBILITY, INTERRUPTIBILITY_STI, 0, 0, "some processors" },
	{ long_mode, VMCS_GUEST_PENDING_DEBUG, BIT(4), 0, 0, "bits 10:4" },
	{ long_mode, VMCS_GUEST_PENDING_DEBUG, BIT(13), 0, 0, "bits 10:4" },
	{ sti_shadow, VMCS_GUEST_PENDING_DEBUG, BIT(14), 0, 0, "BS" },
	{ sti_shadow, VMCS_GUEST_RFLAGS, 0x302, 0, VMCS_GUEST_PENDING_DEBUG, "BS" },
	{ sti_trap, VMCS_GUEST_DEBUGCTL, 2, 0, VMCS_GUEST_PENDING_DEBUG, "BS" },
	{ halted, VMCS_GUEST_PENDING_DEBUG, BIT(14), 0, 0, "BS" },
	{ long_mode, VMCS_LINK_POINTER, 0x10, 0, 0, "all ones" },
	{ long_mode, VMCS_LINK_POINTER, BEYOND, 0, 0, "all ones" },
	{ protected_pae, VMCS_GUEST_PDPTE0, 0x3003, 0, 0, "bits 2:1" },
	{ protected_pae, VMCS_GUEST_PDPTE1, 0x3021, 0, 0, "bits 2:1" },
	{ protected_pae, VMCS_GUEST_PDPTE2, BEYOND | 1, 0, 0, "physical" },
	{ protected_pae, VMCS_GUEST_PDPTE3, 0x101, 0, 0, "bits 2:1" },
	/* a refused state of several causes: the manual's first */
	{ real_mode, VMCS_GUEST_RFLAGS, RFLAGS_VM | 2, 0, S(BASE, CS), "times 16" },
	/* clang-format on */
};

static bool check(u32 *field, char *text, size_t size)
{
	const struct check_vmx in = {
		.caps = &caps, .read = vmread, .ctx = vmcs, .phys_bits = 40, .linear_bits = 48
	};

	return check_vmx(&in, field, text, size);
}

static void each_broken(void **state)
{
	char text[160], want[128];
	u32 field;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		const struct broken *b = &broken[i];
		u32 named = b->named ? b->named : b->field;
		u64 value;

		b->base();
		if (!check(&field, text, sizeof(text)))
			fail_msg("case %zu: the base fails: %s", i, text);
		assert_string_equal(text, "");
		value = b->flip ? vmcs[b->field] ^ b->flip : b->value;
		assert_int_not_equal(vmcs[b->field], value);
		vmcs[b->field] = value;
		if (check(&field, text, sizeof(text)))
			fail_msg("case %zu: %s = %#lx passes", i, field_vmx_name(b->field), value);
		if (field != named || !strstr(text, b->rule))
			fail_msg("case %zu: wanted %s, %s; got %s", i, field_vmx_name(named), b->rule, text);
		snprintf(want, sizeof(want), "%s = %#lx: ", field_vmx_name(named), vmcs[named]);
		assert_memory_equal(text, want, strlen(want));
		assert_true(strlen(text) <= 120);
	}
	assert_true(ARRAY_SIZE(broken) >= 80);
}

/* What looks odd but is allowed. */
static void allowed(void **state)
{
	static const struct {
		void (*base)(void);
		u32 field;
		u64 value;
	} t[] = {
		{ long_mode, VMCS_EPT_POINTER, 0x100001e }, /* no A/D */
		{ long_mode, S(AR, DS), AR_UNUSABLE },
		{ long_mode, S(BASE, FS), 0xffff888000000000 },
		{ long_mode, S(SELECTOR, SS), 0x1b }, /* unrestricted guest: levels of selectors are free */
		{ long_mode, VMCS_GUEST_PDPTE0, 0x1e7 },
		{ long_mode, VMCS_LINK_POINTER, 0x5000 },
		{ long_mode, VMCS_GUEST_PENDING_DEBUG, BIT(14) | BIT(12) | 0xf },
		{ long_mode, VMCS_ENTRY_INTERRUPTION_INFO, TYPE(NMI) | 77 }, /* not valid: not looked at */
		{ real_mode, VMCS_ENTRY_INTERRUPTION_INFO, VALID | TYPE(HARDWARE_EXCEPTION) | 13 },
		{ halted, VMCS_ENTRY_INTERRUPTION_INFO, VALID | TYPE(EXTERNAL) | 0x20 },
		{ halted, VMCS_ENTRY_INTERRUPTION_INFO, VALID | TYPE(HARDWARE_EXCEPTION) | 1 },
		{ real_mode, S(AR, CS), 0x9b },
		{ real_mode, S(LIMIT, DS), 0xfffff },
		{ no_apicv, VMCS_APIC_ACCESS_ADDRESS, 1 },		  /* the control is off */
		{ protected_pae, VMCS_GUEST_PDPTE1, 0xfffffffffffffffe }, /* not present */
		{ protected_pae, S(AR, TR), 0x83 },
		{ user, VMCS_GUEST_ACTIVITY, ACTIVITY_SHUTDOWN },
	};
	static void (*const bases[])(void) = { restricted, no_ept,     virtual_8086, interrupt,
					       nmi,	   page_fault, int3,	     halted,
					       sti_trap,   no_nmi,     with_ldt };
	char text[160];
	u32 field;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		t[i].base();
		vmcs[t[i].field] = t[i].value;
		if (!check(&field, text, sizeof(text)))
			fail_msg("allowed case %zu: %s", i, text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		bases[i]();
		if (!check(&field, text, sizeof(text)))
			fail_msg("base %zu: %s", i, text);
	}
}

/* A short buffer is not overrun. */
static void short_buffer(void **state)
{
	char text[16];
	u32 field;

	(void)state;
	long_mode();
	SET(VPID, 0);
	memset(text, 'x', sizeof(text));
	assert_false(check(&field, text, 8));
	assert_string_equal(text, "Virtual");
	assert_int_equal(text[8], 'x');
	assert_int_equal(field, VMCS_VPID);
	assert_string_equal(field_vmx_name(0x7ffe), "field");
}

/* ---- AMD: a VMCB that passes, and one rule broken at a time ---- */

#define PHYS_BITS 40
#define HOST_CR4  (CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_MCE)

static struct vmcb vmcb_good(void)
{
	struct vmcb b;

	memset(&b, 0, sizeof(b));
	b.intercept[1] = BIT(SVM_INTERCEPT_VMRUN % 32);
	b.asid = 1;
	b.iopm = 0x10000;
	b.msrpm = 0x20000;
	b.nested = NESTED_PAGING;
	b.nested_cr3 = 0x30000;
	b.g_pat = PAT_RESET;
	b.efer = EFER_SVME | EFER_LME | EFER_LMA | EFER_NXE;
	b.cr0 = CR0_PE | CR0_PG | CR0_ET;
	b.cr3 = 0x1000;
	b.cr4 = CR4_PAE | CR4_MCE;
	b.dr6 = DR6_INIT;
	b.dr7 = DR7_INIT;
	b.cs.attr = VMCB_ATTR_L | VMCB_ATTR_P;
	return b;
}

static void vmcb_passes(void **s)
{
	struct vmcb b = vmcb_good();
	char why[100] = "";

	(void)s;
	assert_true(check_svm(&b, PHYS_BITS, HOST_CR4, why, sizeof(why)));
	b.cr0 = CR0_ET; /* real mode */
	b.efer = EFER_SVME;
	b.cr4 = 0;
	assert_true(check_svm(&b, PHYS_BITS, HOST_CR4, why, sizeof(why)));
	b.event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_EXCEPTION) | X86_GP);
	assert_true(check_svm(&b, PHYS_BITS, HOST_CR4, why, sizeof(why)));
	b.event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_INTR) | 0xff);
	assert_true(check_svm(&b, PHYS_BITS, HOST_CR4, why, sizeof(why)));
	b.event = (u32)PUT(EVENT_TYPE, 7); /* not valid: nothing is looked at */
	assert_true(check_svm(&b, PHYS_BITS, HOST_CR4, why, sizeof(why)));
}

#define VMCB_BROKEN(change, text)                                                   \
	do {                                                                        \
		struct vmcb b = vmcb_good();                                        \
		char why[100] = "";                                                 \
		change;                                                             \
		assert_false(check_svm(&b, PHYS_BITS, HOST_CR4, why, sizeof(why))); \
		if (!strstr(why, text))                                             \
			fail_msg("'%s' does not speak of '%s'", why, text);         \
	} while (0)

/* Each bit of a rule alone is no offence. */
static void vmcb_allowed(void **s)
{
	char why[100];
#define VMCB_PASSES(change)                                                \
	do {                                                               \
		struct vmcb b = vmcb_good();                               \
		change;                                                    \
		if (!check_svm(&b, PHYS_BITS, HOST_CR4, why, sizeof(why))) \
			fail_msg("refused: %s", why);                      \
	} while (0)

	(void)s;
	VMCB_PASSES(b.cr0 |= CR0_NW | CR0_CD);
	VMCB_PASSES(b.cr0 |= CR0_CD);
	/* paging without LME */
	VMCB_PASSES(b.efer &= ~(u64)(EFER_LME | EFER_LMA); b.cr4 &= ~(u64)CR4_PAE);
	/* LME without paging */
	VMCB_PASSES(b.efer &= ~(u64)EFER_LMA; b.cr0 &= ~(u64)(CR0_PG | CR0_PE); b.cr4 &= ~(u64)CR4_PAE);
	VMCB_PASSES(b.efer &= ~(u64)(EFER_LME | EFER_LMA); b.cs.attr |= VMCB_ATTR_DB);
	VMCB_PASSES(b.cs.attr = VMCB_ATTR_DB | VMCB_ATTR_P);
	VMCB_PASSES(b.nested = 0; b.g_pat = 2; b.nested_cr3 = ~0ull);
	VMCB_PASSES(b.event = (u32)PUT(EVENT_TYPE, 1)); /* not valid */
	VMCB_PASSES(b.event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_SOFT) | 0x80));
	VMCB_PASSES(b.g_pat = 0x0007060504010600);
}

static void vmcb_rules(void **s)
{
	(void)s;
	VMCB_BROKEN(b.efer &= ~EFER_SVME, "EFER.SVME is 0");
	VMCB_BROKEN(b.efer |= BIT(1), "EFER has a reserved bit (0x1d02)");
	VMCB_BROKEN(b.cr0 |= BIT(32), "CR0 is more than 32 bits");
	VMCB_BROKEN(b.cr0 |= CR0_NW, "CR0.NW is set without CR0.CD");
	VMCB_BROKEN(b.cr3 |= BIT(PHYS_BITS), "CR3 has a reserved bit");
	VMCB_BROKEN(b.cr4 |= CR4_SMEP, "CR4 has a bit");
	VMCB_BROKEN(b.dr6 |= BIT(32), "DR6");
	VMCB_BROKEN(b.dr7 |= BIT(32), "DR7");
	VMCB_BROKEN(b.cr4 &= ~CR4_PAE, "without CR4.PAE");
	VMCB_BROKEN(b.cr0 &= ~CR0_PE, "without CR0.PE");
	VMCB_BROKEN(b.cs.attr |= VMCB_ATTR_DB, "CS.L and CS.D");
	VMCB_BROKEN(b.intercept[1] = 0, "VMRUN is not intercepted");
	VMCB_BROKEN(b.asid = 0, "ASID");
	VMCB_BROKEN(b.iopm = BIT(PHYS_BITS) - PAGE_SIZE, "I/O permission map");
	VMCB_BROKEN(b.msrpm = BIT(PHYS_BITS) - PAGE_SIZE, "MSR permission map");
	VMCB_BROKEN(b.event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, 1)), "event");
	VMCB_BROKEN(b.event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_EXCEPTION) | X86_NMI), "event");
	VMCB_BROKEN(b.event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_EXCEPTION) | 32), "event");
	VMCB_BROKEN(b.g_pat = 2, "G_PAT");
	for (u32 i = 0; i < 64; i += 8) {
		VMCB_BROKEN(b.g_pat = 3ull << i, "G_PAT");
		VMCB_BROKEN(b.g_pat = 8ull << i, "G_PAT");
	}
	VMCB_BROKEN(b.nested_cr3 |= BIT(PHYS_BITS), "nCR3");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_broken),  cmocka_unit_test(allowed),
					    cmocka_unit_test(short_buffer), cmocka_unit_test(vmcb_passes),
					    cmocka_unit_test(vmcb_rules),   cmocka_unit_test(vmcb_allowed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
