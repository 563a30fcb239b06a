/* SPDX-License-Identifier: BSD-2-Clause */
/* The doctor's rows of SVM; a VMCB that passes, and one rule broken at a time; docs/svm.md against the list of exits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/regs.h"
#include "arch/x86/svm/caps.h"
#include "arch/x86/svm/check.h"

/* ---- the doctor ---- */

/* QEMU 7.2 -cpu EPYC-v3,+svm,+npt */
static const struct svm_caps qemu = { .svm = true, .revision = 1, .asids = 16, .features = SVM_NP };

static struct caisson_doctor row_of(const struct svm_caps *c, const char *text)
{
	struct caisson_doctor row;

	for (u32 i = 0; !svm_caps_row(c, i, &row); i++)
		if (strstr(row.name, text))
			return row;
	fail_msg("no row speaks of %s", text);
	return row;
}

static const char *missing(const struct svm_caps *c)
{
	static struct caisson_doctor row;
	const u32 mask = CAISSON_DOCTOR_REQUIRED | CAISSON_DOCTOR_FOUND;

	for (u32 i = 0; !svm_caps_row(c, i, &row); i++)
		if ((row.flags & mask) == CAISSON_DOCTOR_REQUIRED)
			return row.name;
	return "nothing";
}

static void what_is_required(void **s)
{
	struct svm_caps c = qemu;

	(void)s;
	assert_string_equal(missing(&c), "nothing");
	c.features = 0;
	assert_string_equal(missing(&c), "SVM nested paging");
	c = qemu;
	c.asids = 1;
	assert_non_null(strstr(missing(&c), "ASIDs"));
	c = (struct svm_caps){ .svm = false };
	assert_non_null(strstr(missing(&c), "ECX.SVM"));
}

static void locked_and_disabled(void **s)
{
	struct svm_caps c = qemu;

	(void)s;
	c.vm_cr = VM_CR_SVMDIS | VM_CR_LOCK;
	assert_string_equal(missing(&c), "VM_CR: SVM is not disabled");
	assert_string_equal(row_of(&c, "VM_CR: SVM").value, "0x18, locked");
	assert_non_null(strstr(row_of(&c, "VM_CR: SVM").note, "locked"));
	assert_non_null(strstr(row_of(&c, "VM_CR: SVM").note, "firmware"));
	c.vm_cr = VM_CR_SVMDIS; /* and could not be cleared */
	assert_string_equal(missing(&c), "VM_CR: SVM is not disabled");
	assert_string_equal(row_of(&c, "VM_CR: SVM").value, "0x10, not locked");
	c.vm_cr = VM_CR_LOCK;
	assert_string_equal(missing(&c), "nothing");
}

static void what_is_used(void **s)
{
	struct svm_caps c = qemu;
	struct caisson_doctor row;

	(void)s;
	c.features = ~0u;
	c.init_redirect = true;
	for (u32 i = 0; !svm_caps_row(&c, i, &row); i++) {
		assert_true(row.flags & CAISSON_DOCTOR_FOUND);
		assert_true(row.name[0] && strlen(row.name) < sizeof(row.name) - 1);
	}
	/* Left out for now, and said so. */
	row = row_of(&c, "SVM AVIC");
	assert_false(row.flags & CAISSON_DOCTOR_USED);
	assert_non_null(strstr(row.note, "software path"));
	row = row_of(&c, "next-RIP");
	assert_true(row.flags & CAISSON_DOCTOR_USED);
	assert_string_equal(row.note, "");
	row = row_of(&qemu, "next-RIP");
	assert_int_equal(row.flags, 0);
	assert_non_null(strstr(row.note, "decoding"));
}

/* ---- consistency checks ---- */

#define PHYS_BITS 40
#define HOST_CR4  (CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_MCE)

static struct vmcb good(void)
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

static void passes(void **s)
{
	struct vmcb b = good();
	char why[100] = "";

	(void)s;
	assert_false(svm_check_vmcb(&b, PHYS_BITS, HOST_CR4, why, sizeof(why)));
	b.cr0 = CR0_ET; /* real mode */
	b.efer = EFER_SVME;
	b.cr4 = 0;
	assert_false(svm_check_vmcb(&b, PHYS_BITS, HOST_CR4, why, sizeof(why)));
	b.event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_EXCEPTION) | X86_GP);
	assert_false(svm_check_vmcb(&b, PHYS_BITS, HOST_CR4, why, sizeof(why)));
	b.event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_INTR) | 0xff);
	assert_false(svm_check_vmcb(&b, PHYS_BITS, HOST_CR4, why, sizeof(why)));
	b.event = (u32)PUT(EVENT_TYPE, 7); /* not valid: nothing is looked at */
	assert_false(svm_check_vmcb(&b, PHYS_BITS, HOST_CR4, why, sizeof(why)));
}

#define BROKEN(change, text)                                                                \
	do {                                                                                \
		struct vmcb b = good();                                                     \
		char why[100] = "";                                                         \
		change;                                                                     \
		assert_true(svm_check_vmcb(&b, PHYS_BITS, HOST_CR4, why, sizeof(why)));     \
		if (!strstr(why, text))                                                     \
			fail_msg("'%s' does not speak of '%s'", why, text);                 \
	} while (0)

static void each_rule(void **s)
{
	(void)s;
	BROKEN(b.efer &= ~EFER_SVME, "EFER.SVME is 0");
	BROKEN(b.efer |= BIT(1), "EFER has a reserved bit (0x1d02)");
	BROKEN(b.cr0 |= BIT(32), "CR0 is more than 32 bits");
	BROKEN(b.cr0 |= CR0_NW, "CR0.NW is set without CR0.CD");
	BROKEN(b.cr3 |= BIT(PHYS_BITS), "CR3 has a reserved bit");
	BROKEN(b.cr4 |= CR4_SMEP, "CR4 has a bit");
	BROKEN(b.dr6 |= BIT(32), "DR6");
	BROKEN(b.dr7 |= BIT(32), "DR7");
	BROKEN(b.cr4 &= ~CR4_PAE, "without CR4.PAE");
	BROKEN(b.cr0 &= ~CR0_PE, "without CR0.PE");
	BROKEN(b.cs.attr |= VMCB_ATTR_DB, "CS.L and CS.D");
	BROKEN(b.intercept[1] = 0, "VMRUN is not intercepted");
	BROKEN(b.asid = 0, "ASID");
	BROKEN(b.iopm = BIT(PHYS_BITS) - PAGE_SIZE, "I/O permission map");
	BROKEN(b.msrpm = BIT(PHYS_BITS) - PAGE_SIZE, "MSR permission map");
	BROKEN(b.event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, 1)), "event");
	BROKEN(b.event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_EXCEPTION) | X86_NMI), "event");
	BROKEN(b.event = (u32)(EVENT_VALID | PUT(EVENT_TYPE, EVENT_EXCEPTION) | 32), "event");
	BROKEN(b.g_pat = 2, "G_PAT");
	BROKEN(b.nested_cr3 |= BIT(PHYS_BITS), "nCR3");
}

/* ---- docs/svm.md has a row for each exit code, under the manual's name and with one of the five answers ---- */
static void exits_are_documented(void **s)
{
	static const struct {
		u32 number;
		const char *text;
	} exits[] = {
#define X(name, number, text) { number, text },
		SVM_EXITS(X)
#undef X
	};
	static const char *const answers[] = { "handled", "#UD", "#GP", "off", "stopped" };
	FILE *f = fopen("docs/svm.md", "r");
	char line[1024], name[80], answer[16];
	u32 number, rows = 0;

	(void)s;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		bool good_answer = false;

		if (sscanf(line, "| %xh | %79[^|]| %15[^ |] |", &number, name, answer) != 3)
			continue;
		name[strlen(name) - 1] = 0;
		if (rows >= ARRAY_SIZE(exits))
			fail_msg("docs/svm.md has a row too many: %s", name);
		assert_int_equal(number, exits[rows].number);
		assert_string_equal(name, exits[rows].text);
		for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
			good_answer = good_answer || !strcmp(answer, answers[i]);
		if (!good_answer)
			fail_msg("%s: '%s' is no answer", name, answer);
		rows++;
	}
	fclose(f);
	assert_int_equal(rows, ARRAY_SIZE(exits));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_required), cmocka_unit_test(locked_and_disabled), cmocka_unit_test(what_is_used),
		cmocka_unit_test(passes),	    cmocka_unit_test(each_rule),	   cmocka_unit_test(exits_are_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
