/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/svm/vmcb.h"
#include "arch/x86/vmx/vmcs.h"
#include "guest/control/fields.h"

/* clang-format off */
/* SDM: "Structure of VMCS Component Encoding": the width in bits 14:13 */
#define BYTES(f) (((f) >> 13 & 3) == 0 ? 2 : ((f) >> 13 & 3) == 2 ? 4 : 8)
#define F(name, text) { VMCS_##name, text, BYTES(VMCS_##name) }
static const struct field vmx[] = {
	/* 16-bit control fields */
	F(VPID, "Virtual-processor identifier (VPID)"),
	F(POSTED_INTERRUPT_VECTOR, "Posted-interrupt notification vector"),
	/* 16-bit guest-state fields */
	F(GUEST_ES_SELECTOR, "Guest ES selector"), F(GUEST_CS_SELECTOR, "Guest CS selector"),
	F(GUEST_SS_SELECTOR, "Guest SS selector"), F(GUEST_DS_SELECTOR, "Guest DS selector"),
	F(GUEST_FS_SELECTOR, "Guest FS selector"), F(GUEST_GS_SELECTOR, "Guest GS selector"),
	F(GUEST_LDTR_SELECTOR, "Guest LDTR selector"), F(GUEST_TR_SELECTOR, "Guest TR selector"),
	F(GUEST_INTERRUPT_STATUS, "Guest interrupt status"),
	/* 16-bit host-state fields */
	F(HOST_ES_SELECTOR, "Host ES selector"), F(HOST_CS_SELECTOR, "Host CS selector"),
	F(HOST_SS_SELECTOR, "Host SS selector"), F(HOST_DS_SELECTOR, "Host DS selector"),
	F(HOST_FS_SELECTOR, "Host FS selector"), F(HOST_GS_SELECTOR, "Host GS selector"),
	F(HOST_TR_SELECTOR, "Host TR selector"),
	/* 64-bit control fields */
	F(IO_BITMAP_A, "Address of I/O bitmap A"), F(IO_BITMAP_B, "Address of I/O bitmap B"),
	F(MSR_BITMAP, "Address of MSR bitmaps"), F(TSC_OFFSET, "TSC offset"),
	F(VIRTUAL_APIC_ADDRESS, "Virtual-APIC address"), F(APIC_ACCESS_ADDRESS, "APIC-access address"),
	F(POSTED_INTERRUPT_DESC, "Posted-interrupt descriptor address"), F(EPT_POINTER, "EPT pointer (EPTP)"),
	F(EOI_EXIT_BITMAP_0, "EOI-exit bitmap 0"), F(EOI_EXIT_BITMAP_1, "EOI-exit bitmap 1"),
	F(EOI_EXIT_BITMAP_2, "EOI-exit bitmap 2"), F(EOI_EXIT_BITMAP_3, "EOI-exit bitmap 3"),
	/* 64-bit read-only data fields */
	F(GUEST_PHYSICAL_ADDRESS, "Guest-physical address"),
	/* 64-bit guest-state fields */
	F(LINK_POINTER, "VMCS link pointer"), F(GUEST_DEBUGCTL, "Guest IA32_DEBUGCTL"),
	F(GUEST_PAT, "Guest IA32_PAT"), F(GUEST_EFER, "Guest IA32_EFER"), F(GUEST_PDPTE0, "Guest PDPTE0"),
	F(GUEST_PDPTE1, "Guest PDPTE1"), F(GUEST_PDPTE2, "Guest PDPTE2"), F(GUEST_PDPTE3, "Guest PDPTE3"),
	/* 64-bit host-state fields */
	F(HOST_PAT, "Host IA32_PAT"), F(HOST_EFER, "Host IA32_EFER"),
	/* 32-bit control fields */
	F(PIN_CONTROLS, "Pin-based VM-execution controls"),
	F(PROC_CONTROLS, "Primary processor-based VM-execution controls"), F(EXCEPTION_BITMAP, "Exception bitmap"),
	F(EXIT_CONTROLS, "Primary VM-exit controls"), F(ENTRY_CONTROLS, "VM-entry controls"),
	F(ENTRY_INTERRUPTION_INFO, "VM-entry interruption-information field"),
	F(ENTRY_ERROR_CODE, "VM-entry exception error code"),
	F(ENTRY_INSTRUCTION_LENGTH, "VM-entry instruction length"), F(TPR_THRESHOLD, "TPR threshold"),
	F(PROC2_CONTROLS, "Secondary processor-based VM-execution controls"), F(PLE_GAP, "PLE_Gap"),
	F(PLE_WINDOW, "PLE_Window"),
	/* 32-bit read-only data fields */
	F(INSTRUCTION_ERROR, "VM-instruction error"), F(EXIT_REASON, "Exit reason"),
	F(EXIT_INTERRUPTION_INFO, "VM-exit interruption information"),
	F(EXIT_ERROR_CODE, "VM-exit interruption error code"),
	F(IDT_VECTORING_INFO, "IDT-vectoring information field"), F(IDT_VECTORING_ERROR, "IDT-vectoring error code"),
	F(EXIT_INSTRUCTION_LENGTH, "VM-exit instruction length"),
	F(EXIT_INSTRUCTION_INFO, "VM-exit instruction information"),
	/* 32-bit guest-state fields */
	F(GUEST_ES_LIMIT, "Guest ES limit"), F(GUEST_CS_LIMIT, "Guest CS limit"),
	F(GUEST_SS_LIMIT, "Guest SS limit"), F(GUEST_DS_LIMIT, "Guest DS limit"),
	F(GUEST_FS_LIMIT, "Guest FS limit"), F(GUEST_GS_LIMIT, "Guest GS limit"),
	F(GUEST_LDTR_LIMIT, "Guest LDTR limit"), F(GUEST_TR_LIMIT, "Guest TR limit"),
	F(GUEST_GDTR_LIMIT, "Guest GDTR limit"), F(GUEST_IDTR_LIMIT, "Guest IDTR limit"),
	F(GUEST_ES_AR, "Guest ES access rights"), F(GUEST_CS_AR, "Guest CS access rights"),
	F(GUEST_SS_AR, "Guest SS access rights"), F(GUEST_DS_AR, "Guest DS access rights"),
	F(GUEST_FS_AR, "Guest FS access rights"), F(GUEST_GS_AR, "Guest GS access rights"),
	F(GUEST_LDTR_AR, "Guest LDTR access rights"), F(GUEST_TR_AR, "Guest TR access rights"),
	F(GUEST_INTERRUPTIBILITY, "Guest interruptibility state"), F(GUEST_ACTIVITY, "Guest activity state"),
	F(GUEST_SYSENTER_CS, "Guest IA32_SYSENTER_CS"), F(PREEMPTION_TIMER, "VMX-preemption timer value"),
	/* 32-bit host-state field */
	F(HOST_SYSENTER_CS, "Host IA32_SYSENTER_CS"),
	/* Natural-width control fields */
	F(CR0_MASK, "CR0 guest/host mask"), F(CR4_MASK, "CR4 guest/host mask"), F(CR0_SHADOW, "CR0 read shadow"),
	F(CR4_SHADOW, "CR4 read shadow"),
	/* Natural-width read-only data fields */
	F(EXIT_QUALIFICATION, "Exit qualification"), F(GUEST_LINEAR_ADDRESS, "Guest-linear address"),
	/* Natural-width guest-state fields */
	F(GUEST_CR0, "Guest CR0"), F(GUEST_CR3, "Guest CR3"), F(GUEST_CR4, "Guest CR4"),
	F(GUEST_ES_BASE, "Guest ES base"), F(GUEST_CS_BASE, "Guest CS base"), F(GUEST_SS_BASE, "Guest SS base"),
	F(GUEST_DS_BASE, "Guest DS base"), F(GUEST_FS_BASE, "Guest FS base"), F(GUEST_GS_BASE, "Guest GS base"),
	F(GUEST_LDTR_BASE, "Guest LDTR base"), F(GUEST_TR_BASE, "Guest TR base"),
	F(GUEST_GDTR_BASE, "Guest GDTR base"), F(GUEST_IDTR_BASE, "Guest IDTR base"), F(GUEST_DR7, "Guest DR7"),
	F(GUEST_RSP, "Guest RSP"), F(GUEST_RIP, "Guest RIP"), F(GUEST_RFLAGS, "Guest RFLAGS"),
	F(GUEST_PENDING_DEBUG, "Guest pending debug exceptions"), F(GUEST_SYSENTER_ESP, "Guest IA32_SYSENTER_ESP"),
	F(GUEST_SYSENTER_EIP, "Guest IA32_SYSENTER_EIP"),
	/* Natural-width host-state fields */
	F(HOST_CR0, "Host CR0"), F(HOST_CR3, "Host CR3"), F(HOST_CR4, "Host CR4"), F(HOST_FS_BASE, "Host FS base"),
	F(HOST_GS_BASE, "Host GS base"), F(HOST_TR_BASE, "Host TR base"), F(HOST_GDTR_BASE, "Host GDTR base"),
	F(HOST_IDTR_BASE, "Host IDTR base"), F(HOST_SYSENTER_ESP, "Host IA32_SYSENTER_ESP"),
	F(HOST_SYSENTER_EIP, "Host IA32_SYSENTER_EIP"), F(HOST_RSP, "Host RSP"), F(HOST_RIP, "Host RIP"),
};

/* X(member, offset, bytes), which also proves the layout. APM volume 2, "VMCB Layout" */
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
#define CHECK(member, offset, bytes) \
	_Static_assert(offsetof(struct vmcb, member) == (offset) && sizeof(((struct vmcb *)0)->member) == (bytes), "APM: VMCB Layout");
VMCB_FIELDS(CHECK)

static const struct field svm[] = {
#define FIELD(member, offset, bytes) { offset, #member, bytes },
	VMCB_FIELDS(FIELD)
};
/* clang-format on */

const struct field *fields_of(bool is_svm, u32 *count)
{
	*count = is_svm ? ARRAY_SIZE(svm) : ARRAY_SIZE(vmx);
	return is_svm ? svm : vmx;
}

const char *field_vmx_name(u32 id)
{
	for (u32 i = 0; i < ARRAY_SIZE(vmx); i++)
		if (vmx[i].id == id)
			return vmx[i].name;
	return "field";
}
