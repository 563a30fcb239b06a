/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capability MSRs of real Bochs models (dumps of its 13 CPU models) against what Caisson needs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/vmx/caps.h"
#include "guest/control/doctor.h"
#include "tests/host/doctor_rows.h"
#include "guest/control/fields.h"

#define GP 0xdeaddeaddeaddeadull /* the MSR does not exist: reading it is a bug */

struct machine {
	u64 feature_control, msr[0x14];
	u32 reads;
};

/* clang-format off */
static const struct machine skylake_x = { 0, { 0xd810000000002b, 0xff00000016, 0xfff9fffe0401e172, 0x407fffff00036dff,
	0xffff000011ff, 0x600401e0, 0x80000021, 0xffffffff, 0x2000, 0x3727ff, 0x50, 0x2577fff00000000, 0xf0106734141,
	0xff00000016, 0xfff9fffe04006172, 0x407fffff00036dfb, 0xffff000011fb, 0x1, GP, GP }, 0 };
static const struct machine sapphire_rapids = { 0, { 0xd8100000000004, 0xff00000016, 0xfffbfffe0401e172, 0xe07fffff00036dff,
	0x40ffff000011ff, 0x600401e0, 0x80000021, 0xffffffff, 0x2000, 0x1773fff, 0x50, 0x6d77fff00000000, 0xf0106734141,
	0xff00000016, 0xfffbfffe04006172, 0xe07fffff00036dfb, 0x40ffff000011fb, 0x1, 0x80, 0x1000004 }, 0 };
static const struct machine sandy_bridge = { 5, { 0xd810000000002b, 0x7f00000016, 0xfff9fffe0401e172, 0x407fffff00036dff,
	0xffff000011ff, 0x401e0, 0x80000021, 0xffffffff, 0x2000, 0x627ff, 0x50, 0xef00000000, 0xf0106114141, 0x7f00000016,
	0xfff9fffe04006172, 0x407fffff00036dfb, 0xffff000011fb, GP, GP, GP }, 0 };
static const struct machine lynnfield = { 5, { 0xd810000000002b, 0x7f00000016, 0xfff9fffe0401e172, 0x407fffff00036dff,
	0xffff000011ff, 0x401e0, 0x80000021, 0xffffffff, 0x2000, 0x67ff, 0x50, 0x7f00000000, 0xf0106114141, 0x7f00000016,
	0xfff9fffe04006172, 0x407fffff00036dfb, 0xffff000011fb, GP, GP, GP }, 0 };
static const struct machine penryn = { 5, { 0xd810000000002b, 0x3f00000016, 0xf7f9fffe0401e172, 0x4003ffff00036dff,
	0x3fff000011ff, 0x401e0, 0x80000021, 0xffffffff, 0x2000, 0x427ff, 0x50, 0x4100000000, GP, 0x3f00000016,
	0xf7f9fffe04006172, 0x4003ffff00036dfb, 0x3fff000011fb, GP, GP, GP }, 0 };

/* clang-format on */

static u64 rdmsr(void *ctx, u32 msr)
{
	struct machine *m = ctx;

	m->reads++;
	if (msr == MSR_FEATURE_CONTROL)
		return m->feature_control;
	assert_in_range(msr, MSR_VMX_BASIC, MSR_VMX_EXIT_CTLS2);
	assert_int_not_equal(m->msr[msr - MSR_VMX_BASIC], GP);
	return m->msr[msr - MSR_VMX_BASIC];
}

static struct vmx_caps caps_of(const struct machine *model)
{
	struct machine m = *model;
	struct vmx_caps c;

	vmx_caps_read(&c, true, rdmsr, &m);
	return c;
}

/* The hypervisor's rows, then those that the control domain makes of its sets. */
static bool all_rows(const struct vmx_caps *c, u32 i, struct caisson_doctor *row)
{
	struct caisson_bits sets[VMX_CTLS];
	struct caisson_doctor none;
	u32 own = 0;

	while (caps_row(vmx_caps_doctor, c, own, &none))
		own++;
	for (u32 k = 0; k < VMX_CTLS; k++)
		sets[k] = (struct caisson_bits){ c->may[k], c->use[k], vmx_required[k] };
	return i < own ? caps_row(vmx_caps_doctor, c, i, row) : doctor_row(false, sets, i - own, row);
}

static struct caisson_doctor row_of(const struct vmx_caps *c, const char *name)
{
	struct caisson_doctor row;

	for (u32 i = 0; all_rows(c, i, &row); i++)
		if (!strcmp(row.name, name))
			return row;
	fail_msg("no row %s", name);
	return row;
}

static bool vmx_caps_sufficient(const struct vmx_caps *c, struct caisson_doctor *out)
{
	u32 both = CAISSON_DOCTOR_REQUIRED | CAISSON_DOCTOR_FOUND;
	struct caisson_doctor row;

	for (u32 i = 0; caps_row(vmx_caps_doctor, c, i, &row); i++)
		if ((row.flags & both) == CAISSON_DOCTOR_REQUIRED) {
			if (out)
				*out = row;
			return false;
		}
	return true;
}

/* The true variants win: default1 bits that may be 0 are not forced. */
static void true_variants(void **s)
{
	struct vmx_caps c = caps_of(&skylake_x);

	(void)s;
	assert_int_equal(c.must[VMX_CTL_PIN], 0x16);
	assert_int_equal(c.must[VMX_CTL_PROC], 0x04006172);
	assert_int_equal(c.may[VMX_CTL_PROC], 0xfff9fffe);
	assert_int_equal(c.must[VMX_CTL_EXIT], 0x36dfb);
	assert_int_equal(c.must[VMX_CTL_ENTRY], 0x11fb);
	assert_int_equal(c.may[VMX_CTL_PROC2], 0x2577fff);
	assert_int_equal(c.may[VMX_CTL_EPT_VPID], 0xf0106734141);
}

static void without_true(void **s)
{
	struct machine m = skylake_x;
	struct caisson_doctor row;
	struct vmx_caps c;

	(void)s;
	m.msr[0] &= ~VMX_BASIC_TRUE;
	for (int i = 0xd; i <= 0x10; i++)
		m.msr[i] = GP;
	vmx_caps_read(&c, true, rdmsr, &m);
	assert_int_equal(c.must[VMX_CTL_PROC], 0x0401e172);
	assert_int_equal(c.must[VMX_CTL_EXIT], 0x36dff);
	assert_false(vmx_caps_sufficient(&c, &row));
	assert_string_equal(row.name, "VMX TRUE control MSRs");
}

static void models(void **s)
{
	static const struct {
		const struct machine *m;
		const char *lacks; /* NULL: good enough */
	} t[] = {
		{ &skylake_x, NULL },
		{ &sapphire_rapids, NULL },
		{ &sandy_bridge, NULL },
		{ &lynnfield, "VMX control PROC2.UNRESTRICTED_GUEST" },
		{ &penryn, "VMX control PROC2.EPT" },
	};

	(void)s;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct vmx_caps c = caps_of(t[i].m);
		struct caisson_doctor row = { .name = "none" };

		assert_int_equal(vmx_caps_sufficient(&c, &row), !t[i].lacks);
		assert_string_equal(row.name, t[i].lacks ? t[i].lacks : "none");
		if (t[i].lacks)
			assert_non_null(strstr(row.note, "-cpu host"));
	}
}

static void no_vmx(void **s)
{
	struct machine m = skylake_x;
	struct caisson_doctor row;
	struct vmx_caps c;

	(void)s;
	vmx_caps_read(&c, false, rdmsr, &m);
	assert_int_equal(m.reads, 0);
	assert_false(vmx_caps_sufficient(&c, &row));
	assert_string_equal(row.name, "VMX (CPUID.1:ECX.VMX, CR4.VMXE)");
	assert_non_null(strstr(row.note, "Intel Virtualization Technology (VT-x)"));
	for (u32 i = 0; all_rows(&c, i, &row); i++)
		assert_false(row.flags & (CAISSON_DOCTOR_FOUND | CAISSON_DOCTOR_USED));
}

static void feature_control(void **s)
{
	static const struct {
		u64 value;
		bool ok;
		const char *text;
	} t[] = { { 0, true, "0, not locked" },
		  { 5, true, "0x5, locked" },
		  { 4, true, "0x4, not locked" },
		  { 1, false, "0x1, locked" },
		  { 3, false, "0x3, locked" } };

	(void)s;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct machine m = skylake_x;
		struct caisson_doctor row;
		struct vmx_caps c;

		m.feature_control = t[i].value;
		vmx_caps_read(&c, true, rdmsr, &m);
		assert_int_equal(vmx_caps_sufficient(&c, &row), t[i].ok);
		row = row_of(&c, "IA32_FEATURE_CONTROL: VMX outside SMX");
		assert_string_equal(row.value, t[i].text);
		assert_int_equal(!!(row.flags & CAISSON_DOCTOR_FOUND), t[i].ok);
		assert_int_equal(!!strstr(row.note, "locked off"), !t[i].ok);
	}
}

static void controls(void **s)
{
	struct vmx_caps c = caps_of(&skylake_x);
	u64 want = VMX_PIN_NMI_EXITING | VMX_PIN_POSTED_INTERRUPTS;

	(void)s;
	assert_int_equal(vmx_controls(&c, VMX_CTL_PIN, want), 0x16 | 0x08 | 0x80);
	c = caps_of(&sandy_bridge); /* has no posted interrupts */
	assert_int_equal(vmx_controls(&c, VMX_CTL_PIN, want), 0x16 | 0x08);
}

/* VPID without an INVVPID that flushes is of no use. */
static void vpid_needs_invvpid(void **s)
{
	struct machine m = skylake_x;
	struct vmx_caps c;

	(void)s;
	vmx_caps_read(&c, true, rdmsr, &m);
	assert_true(vmx_uses(&c, VMX_CTL_PROC2, VMX_PROC2_VPID));
	m.msr[0xc] &= ~VMX_EPT_VPID(INVVPID_ALL);
	vmx_caps_read(&c, true, rdmsr, &m);
	assert_true(vmx_has(&c, VMX_CTL_PROC2, VMX_PROC2_VPID));
	assert_false(vmx_uses(&c, VMX_CTL_PROC2, VMX_PROC2_VPID));
	assert_false(row_of(&c, "Enable VPID").flags & CAISSON_DOCTOR_USED);
	assert_true(vmx_caps_sufficient(&c, NULL));
}

/* Taking away any one required control is noticed under its own name. */
static void each_required(void **s)
{
	static const struct {
		int msr;
	} t[] = { { 0xd }, { 0xe }, { 0xb }, { 0xf }, { 0x10 } }; /* pin, proc, proc2, exit, entry */
	u32 tried = 0;

	(void)s;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		for (int bit = 0; bit < 32; bit++) {
			struct machine m = skylake_x;
			struct caisson_doctor row;
			struct vmx_caps c;

			m.msr[t[i].msr] &= ~BIT(bit + 32);
			vmx_caps_read(&c, true, rdmsr, &m);
			if (vmx_caps_sufficient(&c, &row))
				continue;
			tried++;
			assert_false(row.flags & (CAISSON_DOCTOR_FOUND | CAISSON_DOCTOR_USED));
			assert_true(strlen(row.note) > 10);
		}
	assert_int_equal(tried, 3 + 12 + 2 + 7 + 4);
}

/* No text is cut, no name appears twice, every unused or missing row that is required has a note. */
static void rows(void **s)
{
	struct vmx_caps c, none;
	struct caisson_doctor a, b;
	struct machine m = skylake_x;
	u32 n = 0;

	(void)s;
	vmx_caps_read(&c, true, rdmsr, &m);
	vmx_caps_read(&none, false, rdmsr, &m);
	for (; all_rows(&none, n, &a); n++) {
		assert_in_range(strlen(a.name), 1, sizeof(a.name) - 2);
		assert_true(strlen(a.note) < sizeof(a.note) - 1);
		if (a.flags & CAISSON_DOCTOR_REQUIRED)
			assert_true(strlen(a.note) > 10);
		for (u32 j = 0; j < n; j++) {
			all_rows(&none, j, &b);
			assert_string_not_equal(a.name, b.name);
		}
		assert_true(all_rows(&c, n, &b));
		assert_true(strlen(b.value) < sizeof(b.value) - 1);
		if (b.flags & CAISSON_DOCTOR_USED)
			assert_true(b.flags & CAISSON_DOCTOR_FOUND);
	}
	assert_false(all_rows(&c, n, &a));
	assert_true(n > 60);
	assert_int_equal(row_of(&c, "Enable EPT").flags,
			 CAISSON_DOCTOR_FOUND | CAISSON_DOCTOR_USED | CAISSON_DOCTOR_REQUIRED);
	assert_int_equal(row_of(&c, "Enable PML").flags, CAISSON_DOCTOR_FOUND);
	c.use[VMX_CTL_PROC2] |= VMX_PROC2_PML;
	assert_int_equal(row_of(&c, "Enable PML").flags, CAISSON_DOCTOR_FOUND | CAISSON_DOCTOR_USED);
}

static void fixed_bits(void **s)
{
	struct vmx_caps c = caps_of(&skylake_x);

	(void)s;
	assert_int_equal(vmx_cr0_wrong(&c, 0x80000031, false), 0);
	assert_int_equal(vmx_cr0_wrong(&c, 0x30, false), 0x80000001);
	assert_int_equal(vmx_cr0_wrong(&c, 0x30, true), 0);
	assert_int_equal(vmx_cr0_wrong(&c, 0x10, true), 0x20);
	assert_int_equal(vmx_cr0_wrong(&c, BIT(32) | 0x30, true), BIT(32));
	assert_int_equal(vmx_cr4_wrong(&c, 0x2000), 0);
	assert_int_equal(vmx_cr4_wrong(&c, 0), 0x2000);
	assert_int_equal(vmx_cr4_wrong(&c, 0x2800), 0x800);
}

/* The table of fields is in the manual's order, without repetition, and knows its widths. */
static void field_table(void **s)
{
	u32 n;
	const struct field *f = fields_of(false, &n);

	(void)s;
	for (u32 i = 0; i < n; i++) {
		if (i)
			assert_true(f[i].id > f[i - 1].id);
		assert_int_equal(f[i].id & ~(MASK(9, 1) | MASK(14, 10)), 0); /* index, type, width */
		if (f[i].id == VMCS_GUEST_TR_SELECTOR)
			assert_int_equal(f[i].bytes, 2);
		if (f[i].id == VMCS_GUEST_TR_AR)
			assert_int_equal(f[i].bytes, 4);
		if (f[i].id == VMCS_EPT_POINTER || f[i].id == VMCS_HOST_RIP)
			assert_int_equal(f[i].bytes, 8);
	}
	assert_int_equal(VMCS_GUEST_ES_BASE + 2 * VMX_SEG_TR, VMCS_GUEST_TR_BASE);
	assert_int_equal(VMCS_GUEST_ES_AR + 2 * VMX_SEG_LDTR, VMCS_GUEST_LDTR_AR);
	assert_int_equal(VMX_REASON_WRMSRLIST + 1, VMX_REASON_END);
}

/* clang-format off */
#define VMX_REASONS(X) \
	X(EXCEPTION_NMI, 0, "Exception or non-maskable interrupt") \
	X(EXTERNAL_INTERRUPT, 1, "External interrupt") \
	X(TRIPLE_FAULT, 2, "Triple fault") \
	X(INIT, 3, "INIT signal") \
	X(SIPI, 4, "Start-up IPI (SIPI)") \
	X(IO_SMI, 5, "I/O system-management interrupt") \
	X(OTHER_SMI, 6, "Other SMI") \
	X(INTERRUPT_WINDOW, 7, "Interrupt window") \
	X(NMI_WINDOW, 8, "NMI window") \
	X(TASK_SWITCH, 9, "Task switch") \
	X(CPUID, 10, "CPUID") \
	X(GETSEC, 11, "GETSEC") \
	X(HLT, 12, "HLT") \
	X(INVD, 13, "INVD") \
	X(INVLPG, 14, "INVLPG") \
	X(RDPMC, 15, "RDPMC") \
	X(RDTSC, 16, "RDTSC") \
	X(RSM, 17, "RSM") \
	X(VMCALL, 18, "VMCALL") \
	X(VMCLEAR, 19, "VMCLEAR") \
	X(VMLAUNCH, 20, "VMLAUNCH") \
	X(VMPTRLD, 21, "VMPTRLD") \
	X(VMPTRST, 22, "VMPTRST") \
	X(VMREAD, 23, "VMREAD") \
	X(VMRESUME, 24, "VMRESUME") \
	X(VMWRITE, 25, "VMWRITE") \
	X(VMXOFF, 26, "VMXOFF") \
	X(VMXON, 27, "VMXON") \
	X(CR_ACCESS, 28, "Control-register accesses") \
	X(MOV_DR, 29, "MOV DR") \
	X(IO, 30, "I/O instruction") \
	X(RDMSR, 31, "RDMSR") \
	X(WRMSR, 32, "WRMSR") \
	X(INVALID_GUEST_STATE, 33, "VM-entry failure due to invalid guest state") \
	X(MSR_LOADING, 34, "VM-entry failure due to MSR loading") \
	X(MWAIT, 36, "MWAIT") \
	X(MONITOR_TRAP_FLAG, 37, "Monitor trap flag") \
	X(MONITOR, 39, "MONITOR") \
	X(PAUSE, 40, "PAUSE") \
	X(ENTRY_MACHINE_CHECK, 41, "VM-entry failure due to machine-check event") \
	X(TPR_BELOW_THRESHOLD, 43, "TPR below threshold") \
	X(APIC_ACCESS, 44, "APIC access") \
	X(VIRTUALIZED_EOI, 45, "Virtualized EOI") \
	X(GDTR_IDTR_ACCESS, 46, "Access to GDTR or IDTR") \
	X(LDTR_TR_ACCESS, 47, "Access to LDTR or TR") \
	X(EPT_VIOLATION, 48, "EPT violation") \
	X(EPT_MISCONFIGURATION, 49, "EPT misconfiguration") \
	X(INVEPT, 50, "INVEPT") \
	X(RDTSCP, 51, "RDTSCP") \
	X(PREEMPTION_TIMER, 52, "VMX-preemption timer expired") \
	X(INVVPID, 53, "INVVPID") \
	X(WBINVD, 54, "WBINVD or WBNOINVD") \
	X(XSETBV, 55, "XSETBV") \
	X(APIC_WRITE, 56, "APIC write") \
	X(RDRAND, 57, "RDRAND") \
	X(INVPCID, 58, "INVPCID") \
	X(VMFUNC, 59, "VMFUNC") \
	X(ENCLS, 60, "ENCLS") \
	X(RDSEED, 61, "RDSEED") \
	X(PML_FULL, 62, "Page-modification log full") \
	X(XSAVES, 63, "XSAVES") \
	X(XRSTORS, 64, "XRSTORS") \
	X(PCONFIG, 65, "PCONFIG") \
	X(SPP, 66, "SPP-related event") \
	X(UMWAIT, 67, "UMWAIT") \
	X(TPAUSE, 68, "TPAUSE") \
	X(LOADIWKEY, 69, "LOADIWKEY") \
	X(ENCLV, 70, "ENCLV") \
	X(ENQCMD_PASID, 72, "ENQCMD PASID translation failure") \
	X(ENQCMDS_PASID, 73, "ENQCMDS PASID translation failure") \
	X(BUS_LOCK, 74, "Bus lock") \
	X(INSTRUCTION_TIMEOUT, 75, "Instruction timeout") \
	X(SEAMCALL, 76, "SEAMCALL") \
	X(TDCALL, 77, "TDCALL") \
	X(RDMSRLIST, 78, "RDMSRLIST") \
	X(WRMSRLIST, 79, "WRMSRLIST")
/* clang-format on */

/* docs/exits.md has a row for each basic exit reason,
 * under the manual's name and with one of the five answers. */
static void exits_are_documented(void **s)
{
	static const char *const reasons[VMX_REASON_END] = {
#define X(name, number, text) [VMX_REASON_##name] = VMX_REASON_##name == (number) ? (text) : NULL,
		VMX_REASONS(X)
#undef X
	};
	static const char *const answers[] = { "handled", "#UD", "#GP", "off", "stopped" };
	FILE *f = fopen("docs/exits.md", "r");
	char line[1024], name[80], answer[16];
	u32 number, rows = 0, known = 0;

	(void)s;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		bool good = false;

		if (sscanf(line, "| %u | %79[^|]| %15[^ |] |", &number, name, answer) != 3)
			continue;
		rows++;
		assert_in_range(number, 0, VMX_REASON_END - 1);
		assert_non_null(reasons[number]);
		name[strlen(name) - 1] = 0;
		assert_string_equal(name, reasons[number]);
		for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
			good = good || !strcmp(answer, answers[i]);
		assert_true(good);
	}
	fclose(f);
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		known += reasons[i] != NULL;
	assert_int_equal(rows, known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(true_variants),
		cmocka_unit_test(without_true),
		cmocka_unit_test(models),
		cmocka_unit_test(no_vmx),
		cmocka_unit_test(feature_control),
		cmocka_unit_test(controls),
		cmocka_unit_test(vpid_needs_invvpid),
		cmocka_unit_test(each_required),
		cmocka_unit_test(rows),
		cmocka_unit_test(fixed_bits),
		cmocka_unit_test(field_table),
		cmocka_unit_test(exits_are_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
