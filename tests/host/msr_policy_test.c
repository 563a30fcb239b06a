/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MSRs of a guest: who answers, what is refused, what stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/msr_policy.h"
#include "arch/x86/pvclock.h"

static const struct msr_params plain = { .phys_bits = 39, .rdtscp = true };
static const struct msr_params full = { .phys_bits = 39, .rdtscp = true, .amd = true, .pv_eoi = true };

static struct msr_state fresh(const struct msr_params *p)
{
	struct msr_state s;

	msr_state_init(&s, p);
	return s;
}

static u64 value_of(const struct msr_params *p, u32 msr)
{
	struct msr_state s = fresh(p);
	u64 v = 0xdeadbeef;

	assert_int_equal(msr_policy_read(p, &s, msr, &v), MSR_OK);
	return v;
}

/* Stores v: reads back as `kept`. */
static void keeps(const struct msr_params *p, u32 msr, u64 v, u64 kept)
{
	struct msr_state s = fresh(p);
	u64 r;

	assert_int_equal(msr_policy_write(p, &s, msr, v), MSR_OK);
	assert_int_equal(msr_policy_read(p, &s, msr, &r), MSR_OK);
	assert_int_equal(r, kept);
}

/* Refuses v, and nothing of it stays anywhere. */
static void refuses(const struct msr_params *p, u32 msr, u64 v)
{
	struct msr_state s = fresh(p), before = s;

	assert_int_equal(msr_policy_write(p, &s, msr, v), MSR_GP);
	assert_memory_equal(&s, &before, sizeof(s));
}

static void values(void **state)
{
	(void)state;
	assert_int_equal(value_of(&plain, MSR_FEATURE_CONTROL), 1);
	assert_int_equal(value_of(&plain, MSR_MTRRCAP), 0x508);
	assert_int_equal(value_of(&plain, MSR_MCG_CAP), 0);
	assert_int_equal(value_of(&plain, MSR_MISC_ENABLE), 0x1801);
	assert_int_equal(value_of(&plain, MSR_BIOS_SIGN_ID), 1ull << 32);
	assert_int_equal(value_of(&plain, 0xce), 0);
	assert_int_equal(value_of(&plain, 0x34), 0);
	refuses(&plain, MSR_FEATURE_CONTROL, 5);
	refuses(&plain, MSR_MTRRCAP, 0x508);
	refuses(&plain, MSR_MCG_CAP, 0);
	keeps(&plain, 0x140, 0, 0);			/* MISC_FEATURES_ENABLES: Linux writes it */
	keeps(&plain, MSR_BIOS_SIGN_ID, 0, 1ull << 32); /* Linux writes 0 before it reads */
	keeps(&plain, 0x1fc, 0x1234, 0);
	keeps(&plain, MSR_MISC_ENABLE, 0x400c51889, 0x400c51889); /* kvm-unit-tests: msr */
	refuses(&plain, MSR_MISC_ENABLE, BIT(1));
	keeps(&plain, MSR_MCG_STATUS, 7, 7);
	refuses(&plain, MSR_MCG_STATUS, 8);
	keeps(&plain, MSR_DEBUGCTL, 3, 3);
	keeps(&plain, MSR_DEBUGCTL, 0x5fc1, 1);
	refuses(&plain, MSR_DEBUGCTL, BIT(2));
	refuses(&plain, MSR_DEBUGCTL, BIT(16));
}

/* Hidden by CPUID, or not existing: #GP in both directions. */
static void unknown(void **state)
{
	static const u32 msrs[] = { 2,		0x13,	    0x48,	0x49,	    0x4a,	0x9b,
				    0xc1,	0xe7,	    0x10a,	0x10b,	    0x122,	0x173,
				    0x177,	0x17b,	    0x1b0,	0x1ff,	    0x210,	0x24f,
				    0x257,	0x25a,	    0x267,	0x270,	    0x278,	0x2fe,
				    0x300,	0x345,	    0x38f,	0x400,	    0x403,	0x480,
				    0x491,	0x493,	    0x606,	0x6df,	    0x6e1,	0x7ff,
				    0x900,	0xd90,	    0xda0,	0x4b564d02, 0x4b564d04, 0x4b564cff,
				    0xc000007f, 0xc0000085, 0xc00000ff, 0xc0000104, 0xc0010000, 0xc0010010,
				    0xc0010015, 0xc0010114, 0xc0010117, 0xc0011029, 0x40000000, 0xffffffff };
	struct msr_state s = fresh(&plain);
	u64 v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++) {
		assert_int_equal(msr_policy_read(&plain, &s, msrs[i], &v), MSR_GP);
		assert_int_equal(msr_policy_write(&plain, &s, msrs[i], 0), MSR_GP);
	}
}

static void others_answer(void **state)
{
	static const struct {
		u32 msr;
		enum msr_verdict fn;
	} t[] = { { MSR_KVM_WALL_CLOCK_OLD, MSR_FN_WALL_CLOCK },
		  { MSR_KVM_SYSTEM_TIME_OLD, MSR_FN_SYSTEM_TIME },
		  { MSR_KVM_WALL_CLOCK, MSR_FN_WALL_CLOCK },
		  { MSR_KVM_SYSTEM_TIME, MSR_FN_SYSTEM_TIME },
		  { MSR_KVM_STEAL_TIME, MSR_FN_STEAL_TIME },
		  { MSR_APIC_BASE, MSR_FN_APIC_BASE },
		  { MSR_TSC_ADJUST, MSR_FN_TSC_ADJUST },
		  { MSR_TSC_DEADLINE, MSR_FN_TSC_DEADLINE },
		  { 0x800, MSR_FN_X2APIC },
		  { 0x80b, MSR_FN_X2APIC },
		  { 0x8ff, MSR_FN_X2APIC },
		  { MSR_PAT, MSR_FN_PASS },
		  { MSR_SYSENTER_ESP, MSR_FN_PASS },
		  { MSR_GS_BASE, MSR_FN_PASS },
		  { MSR_KERNEL_GS_BASE, MSR_FN_PASS } };
	struct msr_state s = fresh(&plain);
	u64 v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		assert_int_equal(msr_policy_read(&plain, &s, t[i].msr, &v), t[i].fn);
		assert_int_equal(msr_policy_write(&plain, &s, t[i].msr, 0), t[i].fn);
	}
	assert_int_equal(msr_policy_read(&plain, &s, MSR_EFER, &v), MSR_FN_PASS);
	assert_int_equal(msr_policy_write(&plain, &s, MSR_EFER, 0), MSR_FN_EFER);
	/* written through us: a switch between vCPUs knows them without asking the processor, which has
	 * others' where SYSCALL is off */
	for (u32 msr = MSR_STAR; msr <= MSR_SFMASK; msr++) {
		assert_int_equal(msr_policy_read(&plain, &s, msr, &v), MSR_FN_SYSCALL);
		assert_int_equal(msr_policy_write(&plain, &s, msr, 0), MSR_FN_SYSCALL);
	}
	assert_int_equal(msr_policy_read(&plain, &s, MSR_TSC_AUX, &v), MSR_FN_PASS);
	assert_int_equal(msr_policy_write(&plain, &s, MSR_TSC_AUX, 0), MSR_FN_SYSCALL);
	assert_int_equal(msr_policy_read(&plain, &s, MSR_TSC, &v), MSR_FN_PASS);
	assert_int_equal(msr_policy_write(&plain, &s, MSR_TSC, 0), MSR_FN_TSC);
}

static void depends_on_cpuid(void **state)
{
	static const struct {
		u32 msr;
		enum msr_verdict with;
	} t[] = { { MSR_TSC_AUX, MSR_FN_PASS }, { 0xc0010000, MSR_OK }, { 0xc0010007, MSR_OK },
		  { 0xc0010010, MSR_OK },	{ 0xc0011029, MSR_OK }, { MSR_KVM_PV_EOI, MSR_FN_PV_EOI } };
	const struct msr_params none = { .phys_bits = 39 };
	struct msr_state s = fresh(&full);
	u64 v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		assert_int_equal(msr_policy_read(&full, &s, t[i].msr, &v), t[i].with);
		assert_int_equal(msr_policy_read(&none, &s, t[i].msr, &v), MSR_GP);
	}
	assert_int_equal(value_of(&full, MSR_VM_CR), 0x18);
	assert_int_equal(value_of(&full, 0xc0011029) & 2, 2);
	keeps(&full, 0xc0010015, ~0ull, BIT(24) | BIT(3));
}

static void mtrrs(void **state)
{
	const u64 types[] = { 0, 1, 4, 5, 6 };

	(void)state;
	assert_int_equal(value_of(&plain, MSR_MTRR_DEF_TYPE), 0xc06);
	assert_int_equal(value_of(&plain, MSR_MTRR_PHYSBASE0), 0xc0000000);
	assert_int_equal(value_of(&plain, MSR_MTRR_PHYSMASK0), 0x7fc0000800);
	assert_int_equal(value_of(&plain, 0x203), 0);
	assert_int_equal(value_of(&plain, MSR_MTRR_FIX64K_00000), 0x0606060606060606);
	assert_int_equal(value_of(&plain, MSR_MTRR_FIX16K_80000), 0x0606060606060606);
	assert_int_equal(value_of(&plain, MSR_MTRR_FIX16K_A0000), 0);
	assert_int_equal(value_of(&plain, 0x26b), 0);		       /* 0xd8000 */
	assert_int_equal(value_of(&plain, 0x26c), 0x0505050505050505); /* 0xe0000 */
	assert_int_equal(value_of(&plain, MSR_MTRR_FIX4K_F8000), 0x0505050505050505);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		keeps(&plain, MSR_MTRR_DEF_TYPE, types[i], types[i]);
		keeps(&plain, 0x20e, types[i] | 0x7ffffff000, types[i] | 0x7ffffff000);
		keeps(&plain, MSR_MTRR_FIX4K_C0000, types[i] << 32, types[i] << 32);
	}
	for (u64 bad = 2; bad < 256; bad = bad == 3 ? 7 : bad + 1) {
		refuses(&plain, MSR_MTRR_DEF_TYPE, bad);
		refuses(&plain, 0x202, bad);
		refuses(&plain, MSR_MTRR_FIX64K_00000, bad << 56);
	}
	keeps(&plain, 0x20f, 0x7ffffff800, 0x7ffffff800);
	refuses(&plain, 0x20f, BIT(10));
	refuses(&plain, 0x20f, BIT(39)); /* beyond the physical bits */
	refuses(&plain, 0x20e, BIT(39));
	refuses(&plain, 0x20e, BIT(11));
	refuses(&plain, MSR_MTRR_DEF_TYPE, BIT(9));
	refuses(&plain, MSR_MTRR_DEF_TYPE, BIT(12));
}

/* All stored registers are different places. */
static void slots_are_apart(void **state)
{
	struct msr_state s = fresh(&full), empty;
	u32 n = 0;

	(void)state;
	memset(&empty, 0xee, sizeof(empty));
	s = empty;
	for (u32 msr = 0x1a0; msr <= 0x2ff; msr++) {
		struct msr_state t = empty;
		u32 changed = 0;

		if (msr_policy_write(&full, &t, msr, 0) != MSR_OK)
			continue;
		for (u32 i = 0; i < MSR_SLOTS; i++)
			if (t.slot[i] != empty.slot[i]) {
				changed++;
				assert_int_equal(s.slot[i], empty.slot[i]); /* nobody else's */
				s.slot[i] = 0;
			}
		assert_in_range(changed, 0, 1);
		n += changed;
	}
	assert_int_equal(n, 2 + 16 + 11 + 1);
}

static struct seen {
	u32 n, read_only;
	u32 msr[40];
} seen;

static void see(u32 msr, bool read, bool write)
{
	assert_true(read);
	seen.read_only += !write;
	seen.msr[seen.n++] = msr;
}

static void passthrough(void **state)
{
	static const u32 want[] = { MSR_TSC,	      MSR_SYSENTER_CS, MSR_SYSENTER_ESP,
				    MSR_SYSENTER_EIP, MSR_PAT,	       MSR_EFER,
				    MSR_FS_BASE,      MSR_GS_BASE,     MSR_KERNEL_GS_BASE,
				    MSR_TSC_AUX };

	(void)state;
	msr_policy_each_pass(&full, see);
	assert_int_equal(seen.n, ARRAY_SIZE(want));
	assert_memory_equal(seen.msr, want, sizeof(want)); /* in order */
	assert_int_equal(seen.read_only, 3);		   /* TSC, EFER, TSC_AUX */
	seen = (struct seen){ 0 };
	msr_policy_each_pass(&(struct msr_params){ .phys_bits = 39 }, see);
	assert_int_equal(seen.n, ARRAY_SIZE(want) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),	 cmocka_unit_test(unknown),
		cmocka_unit_test(others_answer), cmocka_unit_test(depends_on_cpuid),
		cmocka_unit_test(mtrrs),	 cmocka_unit_test(slots_are_apart),
		cmocka_unit_test(passthrough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
