/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/doctor.h"
#include "arch/x86/mitigate.h"
#include "arch/x86/svm/vmcb.h"
#include "arch/x86/vmx/caps.h"
#include "guest/control/doctor.h"

#include "guest/lib/string.h"

#define SINCE_2010 "Intel cores of 2010 on have it; QEMU/KVM: -cpu host, kvm_intel nested=1"

/* What the hypervisor has no use for. APM volume 3, "CPUID Fn8000_000A_EDX" */
#define SVM_LBR		   BIT(1)
#define SVM_LOCK	   BIT(2)
#define SVM_TSC_RATE	   BIT(4)
#define SVM_AVIC	   BIT(13)
#define SVM_VIRTUAL_VMLOAD BIT(15)
#define SVM_VGIF	   BIT(16)
#define SVM_GMET	   BIT(17)
#define SVM_X2AVIC	   BIT(18)
#define SVM_SPEC_CTRL	   BIT(20)
#define SVM_VNMI	   BIT(25)

struct word {
	u32 set;
	u64 bit;
	const char *name, *note; /* the manual's name; what it costs when it is missing */
};

/* clang-format off */
#define VMX(kind, field, name, note) { VMX_CTL_##kind, (u64)VMX_##kind##_##field, name, note }
static const struct word vmx[] = {
	/* SDM: "Pin-Based VM-Execution Controls" */
	VMX(PIN, EXTERNAL_INTERRUPT_EXITING, "External-interrupt exiting", SINCE_2010),
	VMX(PIN, NMI_EXITING, "NMI exiting", SINCE_2010),
	VMX(PIN, VIRTUAL_NMIS, "Virtual NMIs", "guests cannot be given NMIs; " SINCE_2010),
	VMX(PIN, PREEMPTION_TIMER, "Activate VMX-preemption timer", "time slices end by the local APIC's timer instead"),
	VMX(PIN, POSTED_INTERRUPTS, "Process posted interrupts", "an interrupt for a running vCPU costs it an exit"),
	/* SDM: "Processor-Based VM-Execution Controls", primary */
	VMX(PROC, INTERRUPT_WINDOW, "Interrupt-window exiting", SINCE_2010),
	VMX(PROC, TSC_OFFSETTING, "Use TSC offsetting", SINCE_2010),
	VMX(PROC, HLT_EXITING, "HLT exiting", SINCE_2010),
	VMX(PROC, MWAIT_EXITING, "MWAIT exiting", SINCE_2010),
	VMX(PROC, RDPMC_EXITING, "RDPMC exiting", SINCE_2010),
	VMX(PROC, CR8_LOAD_EXITING, "CR8-load exiting", SINCE_2010),
	VMX(PROC, CR8_STORE_EXITING, "CR8-store exiting", SINCE_2010),
	VMX(PROC, TPR_SHADOW, "Use TPR shadow", "moves to and from CR8 cost an exit each"),
	VMX(PROC, NMI_WINDOW, "NMI-window exiting", SINCE_2010),
	VMX(PROC, MOV_DR_EXITING, "MOV-DR exiting", NULL),
	VMX(PROC, IO_BITMAPS, "Use I/O bitmaps", SINCE_2010),
	VMX(PROC, MONITOR_TRAP_FLAG, "Monitor trap flag", "no single steps that the guest cannot see"),
	VMX(PROC, MSR_BITMAPS, "Use MSR bitmaps", SINCE_2010),
	VMX(PROC, MONITOR_EXITING, "MONITOR exiting", SINCE_2010),
	VMX(PROC, SECONDARY, "Activate secondary controls", "needed for EPT; " SINCE_2010),
	/* the same section, secondary */
	VMX(PROC2, VIRTUALIZE_APIC_ACCESSES, "Virtualize APIC accesses", "accesses to the local APIC cost an exit each"),
	VMX(PROC2, EPT, "Enable EPT", "guest memory cannot be virtualised; " SINCE_2010),
	VMX(PROC2, RDTSCP, "Enable RDTSCP", "RDTSCP and RDPID are hidden from guests"),
	VMX(PROC2, VIRTUALIZE_X2APIC, "Virtualize x2APIC mode", "accesses to the local APIC cost an exit each"),
	VMX(PROC2, VPID, "Enable VPID", "each entry and exit flushes the guest's translations"),
	VMX(PROC2, WBINVD_EXITING, "WBINVD exiting", "a guest's WBINVD flushes the real caches"),
	VMX(PROC2, UNRESTRICTED_GUEST, "Unrestricted guest", "guests start in real mode; " SINCE_2010),
	VMX(PROC2, APIC_REGISTER_VIRTUALIZATION, "APIC-register virtualization", "accesses to the local APIC cost an exit each"),
	VMX(PROC2, VIRTUAL_INTERRUPT_DELIVERY, "Virtual-interrupt delivery", "interrupts wait for an interrupt window; EOI costs an exit"),
	VMX(PROC2, PAUSE_LOOP_EXITING, "PAUSE-loop exiting", "a vCPU that spins on a lock burns its whole time slice"),
	VMX(PROC2, INVPCID, "Enable INVPCID", "INVPCID is hidden from guests"),
	VMX(PROC2, VM_FUNCTIONS, "Enable VM functions", "views are switched by hypercall"),
	VMX(PROC2, PML, "Enable PML", "dirty logging costs an exit for each page"),
	VMX(PROC2, EPT_VIOLATION_VE, "EPT-violation #VE", "EPT violations of views go to the hypervisor"),
	VMX(PROC2, XSAVES, "Enable XSAVES/XRSTORS", "XSAVES is hidden from guests"),
	VMX(PROC2, MBEC, "Mode-based execute control for EPT", "no execute control by guest privilege"),
	VMX(PROC2, SPP, "Sub-page write permissions for EPT", "write protection by whole pages"),
	VMX(PROC2, TSC_SCALING, "Use TSC scaling", "a guest moved here keeps a wrong TSC frequency"),
	/* SDM: "VM-Exit Controls", primary */
	VMX(EXIT, SAVE_DEBUG_CONTROLS, "Save debug controls", SINCE_2010),
	VMX(EXIT, HOST_64, "Host address-space size", SINCE_2010),
	VMX(EXIT, ACK_INTERRUPT, "Acknowledge interrupt on exit", SINCE_2010),
	VMX(EXIT, SAVE_PAT, "Save IA32_PAT", SINCE_2010),
	VMX(EXIT, LOAD_PAT, "Load IA32_PAT (exit)", SINCE_2010),
	VMX(EXIT, SAVE_EFER, "Save IA32_EFER", SINCE_2010),
	VMX(EXIT, LOAD_EFER, "Load IA32_EFER (exit)", SINCE_2010),
	/* SDM: "VM-Entry Controls" */
	VMX(ENTRY, LOAD_DEBUG_CONTROLS, "Load debug controls", SINCE_2010),
	VMX(ENTRY, IA32E_GUEST, "IA-32e mode guest", "no 64-bit guests; " SINCE_2010),
	VMX(ENTRY, LOAD_PAT, "Load IA32_PAT (entry)", SINCE_2010),
	VMX(ENTRY, LOAD_EFER, "Load IA32_EFER (entry)", SINCE_2010),
	/* IA32_VMX_EPT_VPID_CAP, "VPID and EPT Capabilities" */
	VMX(EPT_VPID, EXEC_ONLY, "EPT execute-only translations", "no pages that can be executed but not read"),
	VMX(EPT_VPID, WALK_4, "EPT page-walk length 4", SINCE_2010),
	VMX(EPT_VPID, WB, "EPT structures write-back (WB)", SINCE_2010),
	VMX(EPT_VPID, 2M, "EPT 2-MByte pages", "guest memory is mapped in 4-KByte pages: slower page walks, more tables"),
	VMX(EPT_VPID, 1G, "EPT 1-GByte pages", "guest memory is mapped in 2-MByte pages at most"),
	VMX(EPT_VPID, INVEPT, "INVEPT", SINCE_2010),
	VMX(EPT_VPID, ACCESS_DIRTY, "EPT accessed and dirty flags", "no record of which pages a guest used or changed"),
	VMX(EPT_VPID, ADVANCED_INFO, "EPT-violation advanced VM-exit information", "an EPT violation does not tell user from supervisor"),
	VMX(EPT_VPID, INVEPT_SINGLE, "INVEPT single-context", "a change for one domain flushes the translations of all"),
	VMX(EPT_VPID, INVEPT_ALL, "INVEPT all-context", SINCE_2010),
	VMX(EPT_VPID, INVVPID, "INVVPID", "VPID cannot be used: each entry and exit flushes the guest's translations"),
	VMX(EPT_VPID, INVVPID_SINGLE, "INVVPID single-context", "VPID cannot be used: each entry and exit flushes the guest's translations"),
	VMX(EPT_VPID, INVVPID_ALL, "INVVPID all-context", "VPID cannot be used: each entry and exit flushes the guest's translations"),
};

#define SVM(bit, name, note) { 0, bit, name, note }
static const struct word svm[] = {
	SVM(SVM_NRIPS, "SVM next-RIP save", "the length of an intercepted instruction is found by decoding it"),
	SVM(SVM_FLUSH_ASID, "SVM flush by ASID", "a flush costs a new ASID, and all of them a flush of the whole TLB"),
	SVM(SVM_CLEAN, "SVM VMCB clean bits", "each entry loads the whole VMCB"),
	SVM(SVM_DECODE, "SVM decode assists", "moves to and from CR are decoded from the guest's memory"),
	SVM(SVM_PAUSE_FILTER, "SVM PAUSE filter", "a vCPU that spins keeps its CPU until its time is up"),
	SVM(SVM_PAUSE_THRESHOLD, "SVM PAUSE filter threshold", "PAUSEs far apart count as spinning"),
	SVM(SVM_AVIC, "SVM AVIC", "not used yet: interrupts of guests take the software path"),
	SVM(SVM_X2AVIC, "SVM x2AVIC", NULL),
	SVM(SVM_VGIF, "SVM virtual GIF", NULL),
	SVM(SVM_VNMI, "SVM virtual NMI", "not used: the end of a guest's NMI is found by its IRET"),
	SVM(SVM_LBR, "SVM LBR virtualisation", NULL),
	SVM(SVM_LOCK, "SVM lock by key", NULL),
	SVM(SVM_TSC_RATE, "SVM TSC ratio", NULL),
	SVM(SVM_VIRTUAL_VMLOAD, "SVM virtual VMLOAD and VMSAVE", NULL),
	SVM(SVM_GMET, "SVM guest mode execute trap", NULL),
	SVM(SVM_SPEC_CTRL, "SVM virtual SPEC_CTRL", NULL),
};
/* clang-format on */

bool doctor_fact_row(const struct caisson_bits *set, u32 i, struct caisson_doctor *row)
{
	/* clang-format off */
	static const struct {
		const char *name, *note;
	} words[] = {
		[FACT_X2APIC] = { "x2APIC", "each access to the local APIC costs more, and ids end at 254; QEMU: +x2apic" },
		[FACT_TSC_DEADLINE] = { "TSC-deadline timer", "the APIC's one-shot timer is used, with a coarser clock" },
		[FACT_INVARIANT_TSC] = { "invariant TSC", "time is wrong if the processor changes its frequency" },
		[FACT_XSAVE] = { "XSAVE", "guests get x87 and SSE only" },
		[FACT_AVX] = { "AVX", "guests have none" },
		[FACT_AVX512] = { "AVX-512", "guests have none" },
		[FACT_SMEP] = { "SMEP", "less hardening of the hypervisor itself" },
		[FACT_SMAP] = { "SMAP", "a stray access of the hypervisor to guests' memory is not caught" },
		[FACT_UMIP] = { "UMIP", "less hardening of the hypervisor itself" },
		[FACT_RDTSCP] = { "RDTSCP", "guests have none" },
		[FACT_SHADOW_STACKS] = { "CET supervisor shadow stacks", "with VMX only: less hardening of the hypervisor itself" },
		[FACT_BRANCH_TRACKING] = { "CET supervisor indirect-branch tracking", "with VMX only: less hardening of the hypervisor itself" },
		[FACT_S5] = { "\\_S5_ in the DSDT", "the machine cannot be switched off by software" },
		[FACT_SERIAL] = { "a serial line", "there is nothing to type at: see serial= in docs/boot.md" },
		[FACT_SERIAL_IRQ] = { "interrupt of the serial line", "the line is polled every millisecond" },
		[FACT_SAME_TSC] = { "same TSC on all CPUs", "time jumps when a vCPU changes its CPU: the firmware should not write the TSC" },
	};
	/* clang-format on */
	bool found = set->found >> (i & 63) & 1;

	if (i >= ARRAY_SIZE(words))
		return false;
	memset(row, 0, sizeof(*row));
	row->flags = found ? CAISSON_DOCTOR_FOUND | CAISSON_DOCTOR_USED : 0;
	snprintf(row->name, sizeof(row->name), "%s", words[i].name);
	snprintf(row->note, sizeof(row->note), "%s", found ? "" : words[i].note);
	return true;
}

bool doctor_row(bool is_svm, const struct caisson_bits *sets, u32 i, struct caisson_doctor *row)
{
	const struct word *w = is_svm ? &svm[i] : &vmx[i];
	const struct caisson_bits *s;
	bool found, used;

	if (i >= (is_svm ? ARRAY_SIZE(svm) : ARRAY_SIZE(vmx)))
		return false;
	s = &sets[w->set];
	found = s->found & w->bit;
	used = s->used & w->bit;
	memset(row, 0, sizeof(*row));
	row->flags = (found ? CAISSON_DOCTOR_FOUND : 0) | (used ? CAISSON_DOCTOR_USED : 0) |
		     (s->required & w->bit ? CAISSON_DOCTOR_REQUIRED : 0);
	snprintf(row->name, sizeof(row->name), "%s", w->name);
	/* AMD's also say why they are not used. */
	if (w->note && (!found || (is_svm && !used)))
		snprintf(row->note, sizeof(row->note), "%s", w->note);
	return true;
}

/* ---- speculation ---- */

void doctor_measures(const struct caisson_bits *set, char *text, size_t size)
{
	static const char *const words[] = {
#define X(name, word) word,
		MITIGATIONS(X)
#undef X
	};
	size_t n = 0;

	snprintf(text, size, "off");
	for (u32 i = 0; i < ARRAY_SIZE(words) && n < size; i++)
		if (set->required & BIT(i))
			n += (size_t)snprintf(text + n, size - n, "%s%s", n ? "," : "", words[i]);
}

bool doctor_weakness(const struct caisson_bits *set, u32 i, struct caisson_doctor *row)
{
	static const char *const names[] = {
#define X(name, text) text,
		WEAKNESSES(X)
#undef X
	};
	/* by what it is closed, and why it is not */
	static const struct {
		u32 by;
		const char *made, *open;
	} about[] = {
		[WEAK_BIT_V1] = { 0, NULL,
				  "what guests index with is checked, not masked; their registers are cleared at exits by `regs`" },
		[WEAK_BIT_V2] = { MIT_EIBRS | MIT_AIBRS | MIT_IBRS | MIT_IBPB | MIT_IBPB_EXIT, NULL,
				  "no IBRS or IBPB: newer microcode may bring them" },
		[WEAK_BIT_BHI] = { MIT_BHI, NULL,
				   "no BHI_DIS_S, and the branch history is not cleared by software" },
		[WEAK_BIT_RSB] = { MIT_RSB, NULL, NULL },
		[WEAK_BIT_RETBLEED] = { MIT_IBRS | MIT_IBPB_EXIT, NULL,
					"no IBRS (Intel) or IBPB (AMD): newer microcode may bring it" },
		[WEAK_BIT_SRSO] = { MIT_IBPB_EXIT, NULL,
				    "IBPB does not flush types of branches: newer microcode may make it" },
		[WEAK_BIT_MELTDOWN] = { 0, "a guest's address space holds nothing of the hypervisor's",
					NULL },
		[WEAK_BIT_L1TF] = { MIT_L1D,
				    "; siblings of a core that run different domains still see each other",
				    NULL },
		[WEAK_BIT_MDS] = { MIT_VERW,
				   "; siblings of a core that run different domains still see each other",
				   "no MD_CLEAR: newer microcode may bring it" },
		[WEAK_BIT_TAA] = { MIT_VERW, NULL, "no MD_CLEAR: newer microcode may bring it" },
		[WEAK_BIT_MMIO] = { 0, "no guest reaches a device's registers", NULL },
		[WEAK_BIT_RFDS] = { MIT_VERW, NULL, NULL },
		[WEAK_BIT_TSA] = { MIT_VERW, NULL, "no VERW_CLEAR: newer microcode may bring it" },
		[WEAK_BIT_SSB] = { 0, NULL, "inside a guest only: guests are not given SSBD" },
	};
	u64 bit = BIT(i);
	struct caisson_bits by;
	char words[64];

	if (i >= WEAK_COUNT)
		return false;
	memset(row, 0, sizeof(*row));
	snprintf(row->name, sizeof(row->name), "%s", names[i]);
	if (!(set->found & bit) || (set->used & bit))
		row->flags = CAISSON_DOCTOR_FOUND | (set->found & bit ? CAISSON_DOCTOR_USED : 0);
	snprintf(row->value, sizeof(row->value), "%s",
		 !(set->found & bit) ? "not affected"
		 : set->used & bit   ? "mitigated"
				     : "vulnerable");
	by.required = set->required & about[i].by;
	doctor_measures(&by, words, sizeof(words));
	if (set->found & set->used & bit)
		snprintf(row->note, sizeof(row->note), "%s%s", about[i].by ? words : "",
			 about[i].made ? about[i].made : "");
	else if (set->found & bit)
		snprintf(row->note, sizeof(row->note), "%s",
			 about[i].by & set->required >> 32 & ~set->required ? "switched off by mitigations="
									    : about[i].open);
	return true;
}
