/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done against speculation, by what processors say of themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/mitigate.h"
#include "guest/control/doctor.h"

#define SPEC	    (BIT(26) | BIT(27) | BIT(31)) /* SPEC_CTRL, STIBP, SSBD */
#define CLEAN	    (BIT(10) | BIT(28))		  /* MD_CLEAR, L1D_FLUSH */
#define CAPS	    BIT(29)
#define CURED	    (BIT(0) | BIT(1) | BIT(3) | BIT(5)) /* RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY, MDS_NO */
#define MMIO_NO	    (BIT(13) | BIT(14) | BIT(15))
#define OPEN	    (WEAK_V1 | WEAK_SSB) /* on all of them */
#define MADE_CLOSED (WEAK_MELTDOWN | WEAK_MMIO)

static const struct mit_cpu skylake_old = { .word = { [MIT_7_EBX] = BIT(11), [MIT_MADE] = 1 } };
static const struct mit_cpu skylake = {
	.word = { [MIT_7_EBX] = BIT(11), [MIT_7_EDX] = SPEC | CLEAN, [MIT_MADE] = 1 }
};
static const struct mit_cpu cascade_lake = { .word = { [MIT_7_EBX] = BIT(11),
						       [MIT_7_EDX] = SPEC | CLEAN | CAPS,
						       [MIT_MADE] = 1,
						       [MIT_ARCH_CAPS] = CURED } };
static const struct mit_cpu ice_lake = { .word = { [MIT_7_EBX] = BIT(11),
						   [MIT_7_EDX] = SPEC | CLEAN | CAPS,
						   [MIT_MADE] = 1,
						   [MIT_ARCH_CAPS] = CURED | BIT(8) } };
static const struct mit_cpu sapphire_rapids = { .word = { [MIT_7_EBX] = BIT(11),
							  [MIT_7_EDX] = SPEC | CLEAN | CAPS,
							  [MIT_7_2_EDX] = BIT(4),
							  [MIT_MADE] = 1,
							  [MIT_ARCH_CAPS] =
								  CURED | BIT(8) | MMIO_NO | BIT(24) } };
static const struct mit_cpu gracemont = { .word = { [MIT_7_EDX] = SPEC | CLEAN | CAPS,
						    [MIT_7_2_EDX] = BIT(4),
						    [MIT_MADE] = 1,
						    [MIT_ARCH_CAPS] =
							    CURED | MMIO_NO | BIT(20) | BIT(24) | BIT(28) } };
static struct mit_cpu amd(u32 family, u64 ext8_ebx, u64 ext21_eax)
{
	return (struct mit_cpu){ .word = { [MIT_8_EBX] = ext8_ebx,
					   [MIT_21_EAX] = ext21_eax,
					   [MIT_MADE] = mit_made(true, family) } };
}
#define ZEN1 amd(0x17, BIT(12), 0)
#define ZEN2 amd(0x17, BIT(12) | BIT(14) | BIT(15), 0)
#define ZEN3 amd(0x19, BIT(12) | BIT(14) | BIT(15) | BIT(29), BIT(28))
#define ZEN4 amd(0x19, BIT(12) | BIT(14) | BIT(15) | BIT(29), BIT(5) | BIT(8) | BIT(28))

static void expect(struct mit_cpu c, const char *option, u32 measures, u32 has, u32 open)
{
	struct mit_plan p = mit_decide(&c, option);

	assert_int_equal(p.measures, measures);
	assert_int_equal(p.has, has);
	assert_int_equal(p.has & ~p.closed, open);
	assert_int_equal(p.closed & ~p.has, 0);
}

static void intel(void **state)
{
	u32 before =
		WEAK_V2 | WEAK_RSB | WEAK_RETBLEED | WEAK_L1TF | WEAK_MDS | WEAK_TAA | MADE_CLOSED | OPEN;

	(void)state;
	expect(skylake_old, "auto", MIT_REGS | MIT_RSB | MIT_L1D, before,
	       WEAK_V2 | WEAK_RETBLEED | WEAK_MDS | WEAK_TAA | OPEN);
	assert_false(mit_decide(&skylake_old, "auto").l1d_msr);
	expect(skylake, "auto", MIT_REGS | MIT_RSB | MIT_IBRS | MIT_IBPB | MIT_VERW | MIT_L1D, before, OPEN);
	assert_true(mit_decide(&skylake, "auto").l1d_msr);
	expect(cascade_lake, "auto", MIT_REGS | MIT_RSB | MIT_EIBRS | MIT_IBPB | MIT_VERW,
	       WEAK_V2 | WEAK_BHI | WEAK_RSB | WEAK_TAA | WEAK_MMIO | OPEN, WEAK_BHI | OPEN);
	expect(ice_lake, "auto", MIT_REGS | MIT_RSB | MIT_EIBRS | MIT_IBPB,
	       WEAK_V2 | WEAK_BHI | WEAK_RSB | WEAK_MMIO | OPEN, WEAK_BHI | OPEN);
	expect(sapphire_rapids, "auto", MIT_REGS | MIT_EIBRS | MIT_IBPB | MIT_BHI, WEAK_V2 | WEAK_BHI | OPEN,
	       OPEN);
	expect(gracemont, "auto", MIT_REGS | MIT_EIBRS | MIT_IBPB | MIT_VERW, WEAK_V2 | WEAK_RFDS | OPEN,
	       OPEN);
}

static void zen(void **state)
{
	(void)state;
	expect(ZEN1, "auto", MIT_REGS | MIT_RSB | MIT_IBPB | MIT_IBPB_EXIT,
	       WEAK_V2 | WEAK_RSB | WEAK_RETBLEED | WEAK_SRSO | OPEN, OPEN);
	expect(ZEN2, "auto", MIT_REGS | MIT_RSB | MIT_IBRS | MIT_IBPB | MIT_IBPB_EXIT,
	       WEAK_V2 | WEAK_RSB | WEAK_RETBLEED | WEAK_SRSO | OPEN, OPEN);
	expect(ZEN3, "auto", MIT_REGS | MIT_RSB | MIT_IBRS | MIT_IBPB | MIT_IBPB_EXIT,
	       WEAK_V2 | WEAK_RSB | WEAK_SRSO | WEAK_TSA | OPEN, WEAK_TSA | OPEN);
	expect(ZEN4, "auto", MIT_REGS | MIT_AIBRS | MIT_IBPB | MIT_IBPB_EXIT | MIT_VERW,
	       WEAK_V2 | WEAK_SRSO | WEAK_TSA | OPEN, OPEN);
	/* old microcode: an IBPB that leaves the types of branches, or none */
	expect(amd(0x19, BIT(12) | BIT(14) | BIT(29), 0), "auto", MIT_REGS | MIT_RSB | MIT_IBRS | MIT_IBPB,
	       WEAK_V2 | WEAK_RSB | WEAK_SRSO | WEAK_TSA | OPEN, WEAK_SRSO | WEAK_TSA | OPEN);
	expect(amd(0x17, 0, 0), "auto", MIT_REGS | MIT_RSB,
	       WEAK_V2 | WEAK_RSB | WEAK_RETBLEED | WEAK_SRSO | OPEN,
	       WEAK_V2 | WEAK_RETBLEED | WEAK_SRSO | OPEN);
	/* a later one, which needs nothing of it */
	expect(amd(0x1a, BIT(12) | BIT(26) | BIT(29), BIT(8) | BIT(29)), "auto",
	       MIT_REGS | MIT_AIBRS | MIT_IBPB, WEAK_V1 | WEAK_V2, WEAK_V1);
}

static void option(void **state)
{
	u32 has = mit_decide(&skylake, "off").has, made = MADE_CLOSED;

	(void)state;
	expect(skylake, "off", 0, has, has & ~made);
	expect(skylake, "", 0, has, has & ~made);
	expect(skylake, "verw,rsb", MIT_VERW | MIT_RSB, has,
	       has & ~(made | (u32)(WEAK_MDS | WEAK_TAA | WEAK_RSB)));
	expect(skylake, "auto,-l1d", MIT_REGS | MIT_RSB | MIT_IBRS | MIT_IBPB | MIT_VERW, has,
	       WEAK_L1TF | OPEN);
	expect(skylake, "auto,ibpb_exit",
	       MIT_REGS | MIT_RSB | MIT_IBRS | MIT_IBPB | MIT_VERW | MIT_L1D | MIT_IBPB_EXIT, has, OPEN);
	assert_false(mit_decide(&skylake, "auto,-l1d,regs").wrong);
	assert_false(mit_decide(&skylake, "off").wrong);
	assert_true(mit_decide(&skylake, "of").wrong);
	assert_true(mit_decide(&skylake, "rsbx").wrong);
	/* what the processor would refuse is not done */
	assert_true(mit_decide(&skylake_old, "ibpb").wrong);
	assert_int_equal(mit_decide(&skylake_old, "ibpb,ibrs,aibrs,bhi_dis_s,ibpb_exit,eibrs,rsb").measures,
			 MIT_RSB);
	assert_int_equal(mit_decide(&sapphire_rapids, "aibrs,bhi_dis_s").measures, MIT_BHI);
}

static struct caisson_doctor row_of(struct mit_cpu c, const char *text, const char *name)
{
	struct mit_plan p = mit_decide(&c, text);
	struct caisson_bits set = { p.has, p.closed, p.measures | (u64)p.needed << 32 };
	struct caisson_doctor row;

	for (u32 i = 0; doctor_weakness(&set, i, &row); i++)
		if (!strcmp(row.name, name))
			return row;
	fail_msg("no row %s", name);
	return row;
}

static void words(void **state)
{
	struct caisson_bits set = { .required = MIT_RSB | MIT_IBPB | MIT_BHI };
	struct caisson_doctor row;
	char text[64], small[6];

	(void)state;
	doctor_measures(&set, text, sizeof(text));
	assert_string_equal(text, "rsb,ibpb,bhi_dis_s");
	doctor_measures(&set, small, sizeof(small));
	assert_string_equal(small, "rsb,i");
	doctor_measures(&(struct caisson_bits){ 0 }, text, sizeof(text));
	assert_string_equal(text, "off");
	row = row_of(skylake, "auto", "Spectre v2");
	assert_string_equal(row.value, "mitigated");
	assert_string_equal(row.note, "ibrs,ibpb");
	assert_int_equal(row.flags, CAISSON_DOCTOR_FOUND | CAISSON_DOCTOR_USED);
	row = row_of(skylake, "auto,-ibrs", "Spectre v2");
	assert_string_equal(row.value, "vulnerable");
	assert_string_equal(row.note, "switched off by mitigations=");
	assert_int_equal(row.flags, 0);
	assert_non_null(strstr(row_of(skylake_old, "auto", "MDS").note, "no MD_CLEAR"));
	assert_string_equal(row_of(sapphire_rapids, "auto", "L1TF").value, "not affected");
	assert_int_equal(row_of(sapphire_rapids, "off", "L1TF").flags, CAISSON_DOCTOR_FOUND);
	assert_non_null(strstr(row_of(ice_lake, "auto", "MMIO stale data").note, "no guest reaches"));
	assert_string_equal(row_of(ZEN3, "auto", "SRSO").note, "ibpb_exit");
	/* each has words in each case */
	for (u32 i = 0; i < WEAK_COUNT; i++) {
		set = (struct caisson_bits){ BIT(i), 0, 0 };
		assert_true(doctor_weakness(&set, i, &row));
		assert_string_equal(row.value, "vulnerable");
	}
	assert_false(doctor_weakness(&set, WEAK_COUNT, &row));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(intel), cmocka_unit_test(zen),
					    cmocka_unit_test(option), cmocka_unit_test(words) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
