/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest/control/check.h"

#include "guest/control/fields.h"
#include "guest/lib/string.h"

struct check {
	const struct check_vmx *in;
	u64 ctl[VMX_CTLS]; /* a kind that is not activated counts as 0 */
	u64 cr0, cr4, rflags, interruption, interruptibility;
	bool ia32e, v86, unrestricted;
	u32 *field;
	char *text;
	size_t size;
};

static u64 get(const struct check *x, u32 field)
{
	return x->in->read(x->in->ctx, field);
}

static bool refuse(const struct check *x, u32 field, const char *rule)
{
	*x->field = field;
	snprintf(x->text, x->size, "%s = %#llx: %s", field_vmx_name(field), (unsigned long long)get(x, field),
		 rule);
	return false;
}

#define F(name)		       get(x, VMCS_##name)
#define MUST(cond, name, rule) MUST_AT(cond, VMCS_##name, rule)
#define MUST_AT(cond, field, rule)                     \
	do {                                           \
		if (!(cond))                           \
			return refuse(x, field, rule); \
	} while (0)
/* Control bits: PIN(NMI_EXITING), ... */
#define PIN(name)   (x->ctl[VMX_CTL_PIN] & VMX_PIN_##name)
#define PROC(name)  (x->ctl[VMX_CTL_PROC] & VMX_PROC_##name)
#define PROC2(name) (x->ctl[VMX_CTL_PROC2] & VMX_PROC2_##name)
#define EXIT(name)  (x->ctl[VMX_CTL_EXIT] & VMX_EXIT_##name)
#define ENTRY(name) (x->ctl[VMX_CTL_ENTRY] & VMX_ENTRY_##name)

static bool canonical(const struct check *x, u64 address)
{
	u32 shift = 64 - x->in->linear_bits;

	return (u64)((s64)(address << shift) >> shift) == address;
}

static bool phys(const struct check *x, u64 address)
{
	return !(address >> x->in->phys_bits);
}

/* An address of a VMX structure. */
static bool address(const struct check *x, u64 a, u64 low)
{
	return !(a & low) && phys(x, a);
}

#define PAGE_RULE	     "bits 11:0 must be 0; not beyond the physical width"
#define MUST_PAGE(on, name)  MUST(!(on) || address(x, F(name), 0xfff), name, PAGE_RULE)
#define CANONICAL_RULE	     "must be canonical"
#define MUST_CANONICAL(name) MUST(canonical(x, F(name)), name, CANONICAL_RULE)

static bool pat_ok(u64 pat)
{
	for (u32 i = 0; i < 64; i += 8) {
		u64 type = (pat >> i) & 0xff;

		if (type > MT_UC_MINUS || type == 2 || type == 3)
			return false;
	}
	return true;
}

static bool reserved_ok(const struct check *x, enum vmx_ctl kind)
{
	const struct vmx_caps *c = x->in->caps;

	return !(x->ctl[kind] & ~c->may[kind]) && !(c->must[kind] & ~x->ctl[kind]);
}

#define RESERVED_RULE "reserved bits must be as the capability MSR says"

/* ---- "VM-Execution Control Fields" ---- */

static bool check_apic(const struct check *x)
{
	MUST_PAGE(PROC(TPR_SHADOW), VIRTUAL_APIC_ADDRESS);
	MUST(!PROC(TPR_SHADOW) || PROC2(VIRTUAL_INTERRUPT_DELIVERY) || !(F(TPR_THRESHOLD) & ~0xfull),
	     TPR_THRESHOLD, "bits 31:4 must be 0");
	MUST(PROC(TPR_SHADOW) || !(PROC2(VIRTUALIZE_X2APIC) | PROC2(APIC_REGISTER_VIRTUALIZATION) |
				   PROC2(VIRTUAL_INTERRUPT_DELIVERY)),
	     PROC2_CONTROLS, "its APIC virtualization needs \"Use TPR shadow\"");
	MUST(PIN(NMI_EXITING) || !PIN(VIRTUAL_NMIS), PIN_CONTROLS, "\"Virtual NMIs\" needs \"NMI exiting\"");
	MUST(PIN(VIRTUAL_NMIS) || !PROC(NMI_WINDOW), PROC_CONTROLS,
	     "\"NMI-window exiting\" needs \"Virtual NMIs\"");
	MUST_PAGE(PROC2(VIRTUALIZE_APIC_ACCESSES), APIC_ACCESS_ADDRESS);
	MUST(!PROC2(VIRTUALIZE_X2APIC) || !PROC2(VIRTUALIZE_APIC_ACCESSES), PROC2_CONTROLS,
	     "x2APIC mode excludes \"Virtualize APIC accesses\"");
	MUST(!PROC2(VIRTUAL_INTERRUPT_DELIVERY) || PIN(EXTERNAL_INTERRUPT_EXITING), PIN_CONTROLS,
	     "virtual-interrupt delivery needs \"External-interrupt exiting\"");
	if (!PIN(POSTED_INTERRUPTS))
		return true;
	MUST(PROC2(VIRTUAL_INTERRUPT_DELIVERY), PIN_CONTROLS,
	     "posted interrupts need \"Virtual-interrupt delivery\"");
	MUST(EXIT(ACK_INTERRUPT), PIN_CONTROLS, "posted interrupts need \"Acknowledge interrupt on exit\"");
	MUST(F(POSTED_INTERRUPT_VECTOR) < 256, POSTED_INTERRUPT_VECTOR, "bits 15:8 must be 0");
	MUST(address(x, F(POSTED_INTERRUPT_DESC), 0x3f), POSTED_INTERRUPT_DESC,
	     "bits 5:0 must be 0, none beyond the physical width");
	return true;
}

static bool eptp_ok(const struct check *x, u64 eptp)
{
	u64 cap = x->in->caps->may[VMX_CTL_EPT_VPID], type = GET(EPTP_MEMTYPE, eptp),
	    walk = GET(EPTP_WALK, eptp);

	if (type != MT_WB || walk != 3) /* what the doctor requires */
		return false;
	return (!(eptp & EPTP_ACCESS_DIRTY) || cap & VMX_EPT_VPID(ACCESS_DIRTY)) && !(eptp & 0xf80) &&
	       phys(x, eptp);
}

static bool check_ept(const struct check *x)
{
	bool ept = PROC2(EPT);

	MUST(!PROC2(VPID) || F(VPID), VPID, "must not be 0");
	MUST(!ept || eptp_ok(x, F(EPT_POINTER)), EPT_POINTER,
	     "memory type, page-walk length, bits 6 and 7 as supported; the rest 0; in width");
	MUST(ept || !PROC2(UNRESTRICTED_GUEST), PROC2_CONTROLS, "unrestricted guest needs \"Enable EPT\"");
	return true;
}

static bool check_execution(const struct check *x)
{
	MUST(reserved_ok(x, VMX_CTL_PIN), PIN_CONTROLS, RESERVED_RULE);
	MUST(reserved_ok(x, VMX_CTL_PROC), PROC_CONTROLS, RESERVED_RULE);
	MUST(!PROC(SECONDARY) || reserved_ok(x, VMX_CTL_PROC2), PROC2_CONTROLS, RESERVED_RULE);
	MUST_PAGE(PROC(IO_BITMAPS), IO_BITMAP_A);
	MUST_PAGE(PROC(IO_BITMAPS), IO_BITMAP_B);
	MUST_PAGE(PROC(MSR_BITMAPS), MSR_BITMAP);
	return check_apic(x) && check_ept(x);
}

/* ---- "VM-Exit Control Fields", "VM-Entry Control Fields" ---- */

static bool check_exit(const struct check *x)
{
	MUST(reserved_ok(x, VMX_CTL_EXIT), EXIT_CONTROLS, RESERVED_RULE);
	return true;
}

static bool check_injection(const struct check *x)
{
	u64 info = x->interruption, type = GET(INTR_INFO_TYPE, info), vector = GET(INTR_INFO_VECTOR, info);
	bool has_error = vector == X86_DF || (vector >= X86_TS && vector <= X86_PF) || vector == X86_AC;

	if (!(info & INTR_INFO_VALID))
		return true;
	MUST(type != 1 && type != INTR_TYPE_OTHER, ENTRY_INTERRUPTION_INFO,
	     "the type (bits 10:8) is reserved");
	MUST(type != INTR_TYPE_NMI || vector == X86_NMI, ENTRY_INTERRUPTION_INFO,
	     "an NMI must have vector 2");
	MUST(type != INTR_TYPE_HARDWARE_EXCEPTION || vector < 32, ENTRY_INTERRUPTION_INFO,
	     "a hardware exception must have a vector below 32");
	has_error = has_error && type == INTR_TYPE_HARDWARE_EXCEPTION && x->cr0 & CR0_PE;
	MUST(!(info & INTR_INFO_ERROR_CODE) == !has_error, ENTRY_INTERRUPTION_INFO,
	     "bit 11 must be 1 for exceptions with an error code and CR0.PE only");
	MUST(!(info & MASK(30, 12)), ENTRY_INTERRUPTION_INFO, "bits 30:12 must be 0");
	MUST(!(info & INTR_INFO_ERROR_CODE) || !(F(ENTRY_ERROR_CODE) >> 16), ENTRY_ERROR_CODE,
	     "bits 31:16 must be 0");
	if (type >= INTR_TYPE_SOFTWARE_INTERRUPT && type <= INTR_TYPE_SOFTWARE_EXCEPTION)
		MUST(F(ENTRY_INSTRUCTION_LENGTH) - 1 < 15, ENTRY_INSTRUCTION_LENGTH,
		     "a software event needs 1 to 15");
	return true;
}

static bool check_entry(const struct check *x)
{
	MUST(reserved_ok(x, VMX_CTL_ENTRY), ENTRY_CONTROLS, RESERVED_RULE);
	return check_injection(x);
}

/* ---- "Checks on Host Control Registers, MSRs, and SSP", "... Segment and Descriptor-Table Registers",
 * "Checks Related to Address-Space Size" ---- */

#define EFER_BITS (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

static bool check_host(const struct check *x)
{
	u64 efer = F(HOST_EFER);

	MUST(!vmx_cr0_wrong(x->in->caps, F(HOST_CR0), false), HOST_CR0,
	     "a bit that VMX operation fixes is wrong");
	MUST(!vmx_cr4_wrong(x->in->caps, F(HOST_CR4)), HOST_CR4, "a bit that VMX operation fixes is wrong");
	MUST(phys(x, F(HOST_CR3)), HOST_CR3, "beyond the physical width");
	MUST_CANONICAL(HOST_SYSENTER_ESP);
	MUST_CANONICAL(HOST_SYSENTER_EIP);
	MUST(!EXIT(LOAD_PAT) || pat_ok(F(HOST_PAT)), HOST_PAT, "each byte must be 0, 1, 4, 5, 6 or 7");
	MUST(!EXIT(LOAD_EFER) || !(efer & ~EFER_BITS), HOST_EFER, "reserved bits must be 0");
	MUST(!EXIT(LOAD_EFER) ||
		     (!(efer & EFER_LMA) == !EXIT(HOST_64) && !(efer & EFER_LME) == !EXIT(HOST_64)),
	     HOST_EFER, "LMA and LME must equal \"Host address-space size\"");
	for (u32 f = VMCS_HOST_ES_SELECTOR; f <= VMCS_HOST_TR_SELECTOR; f += 2)
		MUST_AT(!(get(x, f) & 7), f, "RPL and TI must be 0");
	MUST(F(HOST_CS_SELECTOR), HOST_CS_SELECTOR, "must not be 0");
	MUST(F(HOST_TR_SELECTOR), HOST_TR_SELECTOR, "must not be 0");
	for (u32 f = VMCS_HOST_FS_BASE; f <= VMCS_HOST_IDTR_BASE; f += 2)
		MUST_AT(canonical(x, get(x, f)), f, CANONICAL_RULE);
	MUST(EXIT(HOST_64), EXIT_CONTROLS, "\"Host address-space size\" must be 1 in IA-32e mode");
	MUST(F(HOST_CR4) & CR4_PAE, HOST_CR4, "PAE must be 1 for a 64-bit host");
	MUST_CANONICAL(HOST_RIP);
	return true;
}

/* ---- "Checks on Guest Control Registers, Debug Registers, and MSRs" ---- */

static bool check_guest_registers(const struct check *x)
{
	u64 efer = F(GUEST_EFER);

	MUST(!vmx_cr0_wrong(x->in->caps, x->cr0, x->unrestricted), GUEST_CR0,
	     "a bit that VMX operation fixes is wrong");
	MUST(!(x->cr0 & CR0_PG) || x->cr0 & CR0_PE, GUEST_CR0, "PG needs PE");
	MUST(!vmx_cr4_wrong(x->in->caps, x->cr4), GUEST_CR4, "a bit that VMX operation fixes is wrong");
	/* LBR, BTF, BLD, TR to FREEZE_PERFMON_ON_PMI, the SMM and RTM bits: whatever some processor has */
	MUST(!ENTRY(LOAD_DEBUG_CONTROLS) || !(F(GUEST_DEBUGCTL) & ~0xffc7ull), GUEST_DEBUGCTL,
	     "reserved bits must be 0");
	MUST(!x->ia32e || x->cr0 & CR0_PG, GUEST_CR0, "\"IA-32e mode guest\" needs PG");
	MUST(!x->ia32e || x->cr4 & CR4_PAE, GUEST_CR4, "\"IA-32e mode guest\" needs PAE");
	MUST(x->ia32e || !(x->cr4 & CR4_PCIDE), GUEST_CR4, "PCIDE needs \"IA-32e mode guest\"");
	MUST(phys(x, F(GUEST_CR3)), GUEST_CR3, "beyond the physical width");
	MUST(!ENTRY(LOAD_DEBUG_CONTROLS) || !(F(GUEST_DR7) >> 32), GUEST_DR7, "bits 63:32 must be 0");
	MUST_CANONICAL(GUEST_SYSENTER_ESP);
	MUST_CANONICAL(GUEST_SYSENTER_EIP);
	MUST(!ENTRY(LOAD_PAT) || pat_ok(F(GUEST_PAT)), GUEST_PAT, "each byte must be 0, 1, 4, 5, 6 or 7");
	if (ENTRY(LOAD_EFER)) {
		MUST(!(efer & ~EFER_BITS), GUEST_EFER, "reserved bits must be 0");
		MUST(!(efer & EFER_LMA) == !x->ia32e, GUEST_EFER, "LMA must equal \"IA-32e mode guest\"");
		MUST(!(x->cr0 & CR0_PG) || !(efer & EFER_LMA) == !(efer & EFER_LME), GUEST_EFER,
		     "LMA must equal LME when CR0.PG is 1");
	}
	return true;
}

/* ---- "Checks on Guest Segment Registers" ---- */

#define SEG(part, s) get(x, VMCS_GUEST_ES_##part + 2 * (s))

static bool usable(const struct check *x, u32 s)
{
	return !(SEG(AR, s) & AR_UNUSABLE);
}

static bool check_selectors_and_bases(const struct check *x)
{
	MUST(!(F(GUEST_TR_SELECTOR) & 4), GUEST_TR_SELECTOR, "TI must be 0");
	MUST(!usable(x, VMX_SEG_LDTR) || !(F(GUEST_LDTR_SELECTOR) & 4), GUEST_LDTR_SELECTOR, "TI must be 0");
	MUST(x->v86 || x->unrestricted || !((F(GUEST_SS_SELECTOR) ^ F(GUEST_CS_SELECTOR)) & 3),
	     GUEST_SS_SELECTOR, "RPL must equal that of CS");
	for (u32 s = VMX_SEG_ES; x->v86 && s <= VMX_SEG_GS; s++)
		MUST_AT(SEG(BASE, s) == SEG(SELECTOR, s) << 4, VMCS_GUEST_ES_BASE + 2 * s,
			"must be the selector times 16 in virtual-8086 mode");
	MUST_CANONICAL(GUEST_TR_BASE);
	MUST_CANONICAL(GUEST_FS_BASE);
	MUST_CANONICAL(GUEST_GS_BASE);
	MUST(!usable(x, VMX_SEG_LDTR) || canonical(x, F(GUEST_LDTR_BASE)), GUEST_LDTR_BASE, CANONICAL_RULE);
	for (u32 s = VMX_SEG_ES; s <= VMX_SEG_DS; s++)
		MUST_AT((s != VMX_SEG_CS && !usable(x, s)) || !(SEG(BASE, s) >> 32),
			VMCS_GUEST_ES_BASE + 2 * s, "bits 63:32 must be 0");
	for (u32 s = VMX_SEG_ES; x->v86 && s <= VMX_SEG_GS; s++)
		MUST_AT(SEG(LIMIT, s) == 0xffff, VMCS_GUEST_ES_LIMIT + 2 * s,
			"must be 0xffff in virtual-8086 mode");
	return true;
}

static bool type_ok(const struct check *x, u32 s, u64 type)
{
	if (s == VMX_SEG_CS)
		return (type & 9) == 9 || (type == 3 && x->unrestricted);
	if (s == VMX_SEG_SS)
		return type == 3 || type == 7;
	return type & 1 && (!(type & 8) || type & 2); /* accessed; code must be readable */
}

static bool dpl_ok(const struct check *x, u32 s, u64 ar)
{
	u64 dpl = GET(AR_DPL, ar), type = GET(AR_TYPE, ar), rpl = SEG(SELECTOR, s) & 3;
	u64 ss_dpl = GET(AR_DPL, F(GUEST_SS_AR));

	if (s == VMX_SEG_CS)
		return type == 3 ? dpl == 0 : type < 12 ? dpl == ss_dpl : dpl <= ss_dpl;
	if (s == VMX_SEG_SS)
		return (x->unrestricted || dpl == rpl) &&
		       (!dpl || (x->cr0 & CR0_PE && GET(AR_TYPE, F(GUEST_CS_AR)) != 3));
	return x->unrestricted || type > 11 || dpl >= rpl;
}

static bool granularity_ok(const struct check *x, u32 s)
{
	u64 limit = SEG(LIMIT, s), g = SEG(AR, s) & AR_G;

	return !((limit & 0xfff) != 0xfff && g) && !(limit >> 20 && !g);
}

#define DPL_RULE "the DPL (bits 6:5) does not suit CS and SS, the RPL or CR0.PE"

static bool check_code_data(const struct check *x, u32 s)
{
	u32 f = VMCS_GUEST_ES_AR + 2 * s;
	u64 ar = get(x, f);

	if (x->v86) {
		MUST_AT(ar == 0xf3, f, "must be 0xf3 in virtual-8086 mode");
		return true;
	}
	if (s != VMX_SEG_CS && ar & AR_UNUSABLE) { /* SS.DPL is the CPL: it counts even then */
		MUST_AT(s != VMX_SEG_SS || dpl_ok(x, s, ar), f, DPL_RULE);
		return true;
	}
	MUST_AT(type_ok(x, s, GET(AR_TYPE, ar)), f, "the type (bits 3:0) does not suit this register");
	MUST_AT(ar & AR_S, f, "S (bit 4) must be 1");
	MUST_AT(dpl_ok(x, s, ar), f, DPL_RULE);
	MUST_AT(ar & AR_P, f, "P (bit 7) must be 1");
	MUST_AT(!(ar & AR_RESERVED), f, "bits 11:8 and 31:17 must be 0");
	MUST_AT(s != VMX_SEG_CS || !x->ia32e || !(ar & AR_L && ar & AR_DB), f,
		"D/B (bit 14) must be 0 in 64-bit code");
	MUST_AT(granularity_ok(x, s), f, "G (bit 15) does not suit the limit");
	return true;
}

static bool check_system_segment(const struct check *x, u32 s)
{
	u32 f = VMCS_GUEST_ES_AR + 2 * s;
	u64 ar = get(x, f), type = GET(AR_TYPE, ar);

	if (s == VMX_SEG_LDTR && ar & AR_UNUSABLE)
		return true;
	if (s == VMX_SEG_LDTR)
		MUST_AT(type == 2, f, "the type must be 2 (LDT)");
	else
		MUST_AT(type == 11 || (type == 3 && !x->ia32e), f,
			"the type must be 11 (busy TSS), or 3 outside IA-32e mode");
	MUST_AT(!(ar & AR_S), f, "S (bit 4) must be 0");
	MUST_AT(ar & AR_P, f, "P (bit 7) must be 1");
	MUST_AT(!(ar & AR_RESERVED), f, "bits 11:8 and 31:17 must be 0");
	MUST_AT(granularity_ok(x, s), f, "G (bit 15) does not suit the limit");
	MUST_AT(!(ar & AR_UNUSABLE), f, "must be usable");
	return true;
}

static bool check_segments(const struct check *x)
{
	/* The manual's order is CS, SS, DS, ES, FS, GS; the fields have ES first. */
	static const u8 order[] = { VMX_SEG_CS, VMX_SEG_SS, VMX_SEG_DS, VMX_SEG_ES, VMX_SEG_FS, VMX_SEG_GS };

	if (!check_selectors_and_bases(x))
		return false;
	for (u32 i = 0; i < ARRAY_SIZE(order); i++)
		if (!check_code_data(x, order[i]))
			return false;
	if (!check_system_segment(x, VMX_SEG_TR) || !check_system_segment(x, VMX_SEG_LDTR))
		return false;
	/* "Checks on Guest Descriptor-Table Registers" */
	MUST_CANONICAL(GUEST_GDTR_BASE);
	MUST_CANONICAL(GUEST_IDTR_BASE);
	MUST(!(F(GUEST_GDTR_LIMIT) >> 16), GUEST_GDTR_LIMIT, "bits 31:16 must be 0");
	MUST(!(F(GUEST_IDTR_LIMIT) >> 16), GUEST_IDTR_LIMIT, "bits 31:16 must be 0");
	return true;
}

/* ---- "Checks on Guest RIP, RFLAGS, and SSP" ---- */

static bool injects(const struct check *x, u32 type)
{
	return x->interruption & INTR_INFO_VALID && GET(INTR_INFO_TYPE, x->interruption) == type;
}

static bool check_flow(const struct check *x)
{
	bool code64 = x->ia32e && F(GUEST_CS_AR) & AR_L;

	MUST(code64 || !(F(GUEST_RIP) >> 32), GUEST_RIP, "bits 63:32 must be 0 outside 64-bit code");
	MUST(!code64 || canonical(x, F(GUEST_RIP)), GUEST_RIP, CANONICAL_RULE);
	MUST(!(x->rflags & (MASK(63, 22) | BIT(15) | BIT(5) | BIT(3))) && x->rflags & RFLAGS_1, GUEST_RFLAGS,
	     "bits 63:22, 15, 5, 3 must be 0, bit 1 must be 1");
	MUST(!x->v86 || (!x->ia32e && x->cr0 & CR0_PE), GUEST_RFLAGS,
	     "VM must be 0 in IA-32e mode and with CR0.PE 0");
	MUST(!injects(x, INTR_TYPE_EXTERNAL) || x->rflags & RFLAGS_IF, GUEST_RFLAGS,
	     "IF must be 1 to inject an interrupt");
	return true;
}

/* ---- "Checks on Guest Non-Register State" ---- */

static bool activity_takes(const struct check *x, u64 activity)
{
	u64 type = GET(INTR_INFO_TYPE, x->interruption), vector = GET(INTR_INFO_VECTOR, x->interruption);
	bool exception = type == INTR_TYPE_HARDWARE_EXCEPTION;

	if (!(x->interruption & INTR_INFO_VALID) || activity == ACTIVITY_ACTIVE)
		return true;
	if (activity == ACTIVITY_HLT)
		return type == INTR_TYPE_EXTERNAL || type == INTR_TYPE_NMI ||
		       (exception && (vector == X86_DB || vector == X86_MC));
	return activity == ACTIVITY_SHUTDOWN && (type == INTR_TYPE_NMI || (exception && vector == X86_MC));
}

static bool check_activity(const struct check *x)
{
	u64 activity = F(GUEST_ACTIVITY),
	    shadow = x->interruptibility & (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS);

	MUST(activity <= ACTIVITY_WAIT_FOR_SIPI &&
		     (!activity || x->in->caps->misc & (VMX_MISC_HLT << (activity - 1))),
	     GUEST_ACTIVITY, "the processor has no such activity state");
	MUST(activity != ACTIVITY_HLT || !(F(GUEST_SS_AR) & AR_DPL), GUEST_ACTIVITY,
	     "HLT needs CPL 0 (SS.DPL)");
	MUST(activity == ACTIVITY_ACTIVE || !shadow, GUEST_ACTIVITY,
	     "must be active with blocking by STI or MOV SS");
	MUST(activity_takes(x, activity), GUEST_ACTIVITY,
	     "the injected event cannot be delivered in this state");
	return true;
}

static bool check_interruptibility(const struct check *x)
{
	u64 i = x->interruptibility;
	bool sti = i & INTERRUPTIBILITY_STI, mov_ss = i & INTERRUPTIBILITY_MOV_SS;

	MUST(!(i & MASK(31, 4)), GUEST_INTERRUPTIBILITY, "bits 31:4 must be 0");
	MUST(!(sti && mov_ss), GUEST_INTERRUPTIBILITY, "blocking by STI and by MOV SS exclude each other");
	MUST(!sti || x->rflags & RFLAGS_IF, GUEST_INTERRUPTIBILITY, "blocking by STI needs RFLAGS.IF");
	MUST(!injects(x, INTR_TYPE_EXTERNAL) || !(sti || mov_ss), GUEST_INTERRUPTIBILITY,
	     "no blocking by STI or MOV SS when an interrupt is injected");
	MUST(!injects(x, INTR_TYPE_NMI) || !mov_ss, GUEST_INTERRUPTIBILITY,
	     "no blocking by MOV SS when an NMI is injected");
	MUST(!(i & INTERRUPTIBILITY_SMI), GUEST_INTERRUPTIBILITY, "blocking by SMI must be 0 outside SMM");
	MUST(!PIN(VIRTUAL_NMIS) || !injects(x, INTR_TYPE_NMI) || !(i & INTERRUPTIBILITY_NMI),
	     GUEST_INTERRUPTIBILITY, "no blocking by NMI when an NMI is injected");
	return true;
}

static bool check_pending_debug(const struct check *x)
{
	u64 pending = F(GUEST_PENDING_DEBUG);
	bool single_step = x->rflags & RFLAGS_TF && !(F(GUEST_DEBUGCTL) & BIT(1));
	bool held = x->interruptibility & (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS) ||
		    F(GUEST_ACTIVITY) == ACTIVITY_HLT;

	MUST(!(pending & (MASK(10, 4) | BIT(13) | MASK(63, 15))), GUEST_PENDING_DEBUG,
	     "bits 10:4, 13, 63:15 must be 0");
	MUST(!held || !(pending & QUAL_DEBUG_BS) == !single_step, GUEST_PENDING_DEBUG,
	     "BS (bit 14) must be TF && !BTF in HLT or an STI or MOV SS shadow");
	return true;
}

/* "Checks on Guest Page-Directory-Pointer-Table Entries" */
static bool check_pdptes(const struct check *x)
{
	if (!(x->cr0 & CR0_PG) || !(x->cr4 & CR4_PAE) || x->ia32e || !PROC2(EPT))
		return true;
	for (u32 f = VMCS_GUEST_PDPTE0; f <= VMCS_GUEST_PDPTE3; f += 2)
		MUST_AT(!(get(x, f) & 1) || (!(get(x, f) & 0x1e6) && phys(x, get(x, f))), f,
			"bits 2:1, 8:5 and those beyond the physical width must be 0");
	return true;
}

static bool check_guest(const struct check *x)
{
	u64 link = F(LINK_POINTER);

	if (!check_guest_registers(x) || !check_segments(x) || !check_flow(x) || !check_activity(x) ||
	    !check_interruptibility(x) || !check_pending_debug(x))
		return false;
	MUST(link == LINK_POINTER_NONE || address(x, link, 0xfff), LINK_POINTER,
	     "must be all ones, or " PAGE_RULE);
	if (!check_pdptes(x))
		return false;
	/* The manual leaves this one to the processor, so it comes last. */
	MUST(!injects(x, INTR_TYPE_NMI) || !(x->interruptibility & INTERRUPTIBILITY_STI),
	     GUEST_INTERRUPTIBILITY, "some processors refuse blocking by STI when an NMI is injected");
	return true;
}

bool check_vmx(const struct check_vmx *in, u32 *field, char *text, size_t size)
{
	struct check state = { .in = in, .field = field, .text = text, .size = size }, *x = &state;

	if (size)
		*text = 0;
	x->ctl[VMX_CTL_PIN] = F(PIN_CONTROLS);
	x->ctl[VMX_CTL_PROC] = F(PROC_CONTROLS);
	x->ctl[VMX_CTL_PROC2] = PROC(SECONDARY) ? F(PROC2_CONTROLS) : 0;
	x->ctl[VMX_CTL_EXIT] = F(EXIT_CONTROLS);
	x->ctl[VMX_CTL_ENTRY] = F(ENTRY_CONTROLS);
	x->cr0 = F(GUEST_CR0);
	x->cr4 = F(GUEST_CR4);
	x->rflags = F(GUEST_RFLAGS);
	x->interruption = F(ENTRY_INTERRUPTION_INFO);
	x->interruptibility = F(GUEST_INTERRUPTIBILITY);
	x->ia32e = ENTRY(IA32E_GUEST);
	x->v86 = x->rflags & RFLAGS_VM;
	x->unrestricted = PROC2(UNRESTRICTED_GUEST);
	return check_execution(x) && check_exit(x) && check_entry(x) && check_host(x) && check_guest(x);
}
