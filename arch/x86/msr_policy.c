/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/msr_policy.h"
#include "arch/x86/pvclock.h"

enum read { R_GP, R_VALUE, R_SLOT, R_PASS, R_FN };
enum write { W_GP, W_DROP, W_SLOT, W_MTRR_BASE, W_MTRR_MASK, W_MTRR_FIXED, W_MTRR_DEF, W_PASS, W_FN };
enum need { ALWAYS, RDTSCP, AMD, PV_EOI };

struct row {
	u32 first, last;
	u8 read, write, need;
	u8 arg;	     /* enum msr_verdict or enum msr_slot */
	u64 value;   /* R_VALUE; W_SLOT: the writable bits */
	u64 ignored; /* W_SLOT: bits that may be written but do not change; all other bits are reserved */
};

/* clang-format off */
#define PASS(a, b, need)	 { a, b, R_PASS, W_PASS, need, MSR_FN_PASS, 0, 0 }
#define READ_PASS(msr, fn)	 { msr, msr, R_PASS, W_FN, ALWAYS, fn, 0, 0 }
#define FN(a, b, fn)		 { a, b, R_FN, W_FN, ALWAYS, fn, 0, 0 }
#define READ_ONLY(msr, v)	 { msr, msr, R_VALUE, W_GP, ALWAYS, 0, v, 0 }
#define DROP(a, b, need)	 { a, b, R_VALUE, W_DROP, need, 0, 0, 0 }
#define STORED(msr, need, slot, may, ign) { msr, msr, R_SLOT, W_SLOT, need, slot, may, ign }
#define MTRR(a, b, check, slot)	 { a, b, R_SLOT, check, ALWAYS, slot, 0, 0 }
#define VAR(n)		 MTRR(0x200 + 2 * (n), 0x200 + 2 * (n), W_MTRR_BASE, MSR_SLOT_MTRR_VARIABLE + 2 * (n)), \
			 MTRR(0x201 + 2 * (n), 0x201 + 2 * (n), W_MTRR_MASK, MSR_SLOT_MTRR_VARIABLE + 2 * (n) + 1)

#define MTRRCAP (BIT(10) | BIT(8) | 8) /* WC, fixed ranges, 8 variable ranges */

/*
 * Sorted by number. What the processor's manual has and is not here was hidden by CPUID (VMX,
 * PMU, LBR, PT, thermal, RAPL, IA32_XSS, BNDCFGS, ...) and gives #GP as on a processor
 * without it. IA32_MCG_CAP says "no banks", so none exist.
 */
static const struct row rows[] = {
	DROP(0x0, 0x1, ALWAYS), /* IA32_P5_MC_ADDR, TYPE */
	READ_PASS(MSR_TSC, MSR_FN_TSC), /* the processor adds the offset */
	FN(MSR_KVM_WALL_CLOCK_OLD, MSR_KVM_WALL_CLOCK_OLD, MSR_FN_WALL_CLOCK),
	FN(MSR_KVM_SYSTEM_TIME_OLD, MSR_KVM_SYSTEM_TIME_OLD, MSR_FN_SYSTEM_TIME),
	READ_ONLY(MSR_PLATFORM_ID, 0),
	FN(MSR_APIC_BASE, MSR_APIC_BASE, MSR_FN_APIC_BASE),
	DROP(0x2a, 0x2a, ALWAYS), /* EBL_CR_POWERON */
	READ_ONLY(0x34, 0), /* SMI_COUNT */
	READ_ONLY(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCK), /* VMX and SGX off */
	FN(MSR_TSC_ADJUST, MSR_TSC_ADJUST, MSR_FN_TSC_ADJUST),
	DROP(0x79, 0x79, ALWAYS), /* IA32_BIOS_UPDT_TRIG: guests load no microcode */
	{ MSR_BIOS_SIGN_ID, MSR_BIOS_SIGN_ID, R_VALUE, W_DROP, ALWAYS, 0, 1ull << 32, 0 }, /* some revision */
	READ_ONLY(0xce, 0), /* PLATFORM_INFO: no CPUID faulting */
	DROP(0xe2, 0xe2, ALWAYS), /* PKG_CST_CONFIG_CONTROL */
	READ_ONLY(MSR_MTRRCAP, MTRRCAP),
	DROP(0x140, 0x140, ALWAYS), /* MISC_FEATURES_ENABLES: Linux writes back what it read */
	PASS(MSR_SYSENTER_CS, MSR_SYSENTER_EIP, ALWAYS),
	READ_ONLY(MSR_MCG_CAP, 0),
	STORED(MSR_MCG_STATUS, ALWAYS, MSR_SLOT_MCG_STATUS, 7, 0),
	DROP(0x186, 0x187, ALWAYS), /* IA32_PERFEVTSEL0, 1 */
	DROP(0x198, 0x199, ALWAYS), /* IA32_PERF_STATUS, CTL */
	/* fast strings, thermal control, PMU, BTS and PEBS unavailable,
	 * EIST, MONITOR, CPUID limit, xTPR, XD disable */
	STORED(MSR_MISC_ENABLE, ALWAYS, MSR_SLOT_MISC_ENABLE, 0x400c51889, 0),
	STORED(MSR_DEBUGCTL, ALWAYS, MSR_SLOT_DEBUGCTL, 3, 0x5fc0), /* LBR, BTF are kept, without effect */
	DROP(0x1fc, 0x1fc, ALWAYS), /* POWER_CTL */
	VAR(0), VAR(1), VAR(2), VAR(3), VAR(4), VAR(5), VAR(6), VAR(7),
	MTRR(MSR_MTRR_FIX64K_00000, MSR_MTRR_FIX64K_00000, W_MTRR_FIXED, MSR_SLOT_MTRR_FIXED),
	MTRR(MSR_MTRR_FIX16K_80000, MSR_MTRR_FIX16K_A0000, W_MTRR_FIXED, MSR_SLOT_MTRR_FIXED + 1),
	MTRR(MSR_MTRR_FIX4K_C0000, MSR_MTRR_FIX4K_F8000, W_MTRR_FIXED, MSR_SLOT_MTRR_FIXED + 3),
	PASS(MSR_PAT, MSR_PAT, ALWAYS),
	MTRR(MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, W_MTRR_DEF, MSR_SLOT_MTRR_DEF_TYPE),
	FN(MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, MSR_FN_TSC_DEADLINE),
	FN(MSR_X2APIC, MSR_X2APIC_LAST, MSR_FN_X2APIC),
	FN(MSR_KVM_WALL_CLOCK, MSR_KVM_WALL_CLOCK, MSR_FN_WALL_CLOCK),
	FN(MSR_KVM_SYSTEM_TIME, MSR_KVM_SYSTEM_TIME, MSR_FN_SYSTEM_TIME),
	FN(MSR_KVM_STEAL_TIME, MSR_KVM_STEAL_TIME, MSR_FN_STEAL_TIME),
	{ MSR_KVM_PV_EOI, MSR_KVM_PV_EOI, R_FN, W_FN, PV_EOI, MSR_FN_PV_EOI, 0, 0 },
	READ_PASS(MSR_EFER, MSR_FN_EFER),
	{ MSR_STAR, MSR_SFMASK, R_FN, W_FN, ALWAYS, MSR_FN_SYSCALL, 0, 0 },
	PASS(MSR_FS_BASE, MSR_KERNEL_GS_BASE, ALWAYS),
	{ MSR_TSC_AUX, MSR_TSC_AUX, R_PASS, W_FN, RDTSCP, MSR_FN_SYSCALL, 0, 0 },
	/* PERF_CTL0 to 3, PERF_CTR0 to 3: no CPUID bit hides these four; they count nothing */
	DROP(0xc0010000, 0xc0010007, AMD),
	DROP(0xc0010010, 0xc0010010, AMD), /* SYSCFG */
	/* HWCR: TscFreqSel, TlbCacheDis are kept */
	STORED(0xc0010015, AMD, MSR_SLOT_HWCR, BIT(24) | BIT(3), ~0ull),
	DROP(0xc001001f, 0xc001001f, AMD), /* NB_CFG */
	DROP(0xc0010055, 0xc0010055, AMD), /* interrupt pending message */
	DROP(0xc0010058, 0xc0010058, AMD), /* MMIO configuration base */
	{ MSR_VM_CR, MSR_VM_CR, R_VALUE, W_DROP, AMD, 0, BIT(3) | VM_CR_SVMDIS, 0 }, /* locked off */
	DROP(0xc0011020, 0xc0011020, AMD), /* LS_CFG */
	{ 0xc0011029, 0xc0011029, R_VALUE, W_DROP, AMD, 0, BIT(1), 0 }, /* DE_CFG: LFENCE serialises */
};

/* clang-format on */

static bool exists(const struct msr_params *p, const struct row *r)
{
	const bool have[] = { [ALWAYS] = true, [RDTSCP] = p->rdtscp, [AMD] = p->amd, [PV_EOI] = p->pv_eoi };

	return r->need == ALWAYS || have[r->need];
}

static const struct row *find(const struct msr_params *p, u32 msr)
{
	u32 lo = 0, hi = ARRAY_SIZE(rows);

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (rows[mid].last < msr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == ARRAY_SIZE(rows) || rows[lo].first > msr || !exists(p, &rows[lo]))
		return NULL;
	return &rows[lo];
}

/* SDM: "MTRR Memory Types and Their Properties" */
static bool type_ok(u64 type)
{
	return type == MT_UC || type == MT_WC || type == MT_WT || type == MT_WP || type == MT_WB;
}

static bool types_ok(u64 types)
{
	for (u32 i = 0; i < 64; i += 8)
		if (!type_ok((types >> i) & 0xff))
			return false;
	return true;
}

static u64 phys_mask(const struct msr_params *p)
{
	return MASK(p->phys_bits - 1, 12);
}

void msr_state_init(struct msr_state *s, const struct msr_params *p)
{
	const u64 wb = 0x0606060606060606, wp = 0x0505050505050505;

	*s = (struct msr_state){ 0 };
	s->slot[MSR_SLOT_MISC_ENABLE] =
		BIT(0) | BIT(11) | BIT(12); /* fast strings; BTS and PEBS unavailable */
	s->slot[MSR_SLOT_MTRR_DEF_TYPE] = BIT(11) | BIT(10) | MT_WB;
	s->slot[MSR_SLOT_MTRR_VARIABLE] = 0xc0000000 | MT_UC;
	s->slot[MSR_SLOT_MTRR_VARIABLE + 1] = (phys_mask(p) & ~(SZ_1G - 1)) | BIT(11);
	s->slot[MSR_SLOT_MTRR_FIXED] = s->slot[MSR_SLOT_MTRR_FIXED + 1] = wb;
	if (p->amd)
		s->slot[MSR_SLOT_HWCR] = BIT(24); /* the TSC counts at one rate, whatever the P-state */
	for (u32 i = 7; i < 11; i++)		  /* 0xe0000 on */
		s->slot[MSR_SLOT_MTRR_FIXED + i] = wp;
}

enum msr_verdict msr_policy_read(const struct msr_params *p, const struct msr_state *s, u32 msr, u64 *value)
{
	const struct row *r = find(p, msr);

	if (!r)
		return MSR_GP;
	switch (r->read) {
	case R_VALUE:
		*value = r->value;
		return MSR_OK;
	case R_SLOT:
		*value = s->slot[r->arg + msr - r->first];
		return MSR_OK;
	case R_PASS:
		return MSR_FN_PASS;
	case R_FN:
		return r->arg;
	}
	return MSR_GP;
}

static bool value_ok(const struct msr_params *p, const struct row *r, u64 value)
{
	switch (r->write) {
	case W_SLOT:
		return !(value & ~(r->value | r->ignored));
	case W_MTRR_BASE:
		return !(value & ~(phys_mask(p) | 0xff)) && type_ok(value & 0xff);
	case W_MTRR_MASK:
		return !(value & ~(phys_mask(p) | BIT(11)));
	case W_MTRR_FIXED:
		return types_ok(value);
	case W_MTRR_DEF:
		return !(value & ~(MASK(11, 10) | 0xff)) && type_ok(value & 0xff);
	}
	return false;
}

enum msr_verdict msr_policy_write(const struct msr_params *p, struct msr_state *s, u32 msr, u64 value)
{
	const struct row *r = find(p, msr);
	u64 *slot;

	if (!r || r->write == W_GP)
		return MSR_GP;
	if (r->write == W_DROP)
		return MSR_OK;
	if (r->write == W_PASS)
		return MSR_FN_PASS;
	if (r->write == W_FN)
		return r->arg;
	if (!value_ok(p, r, value))
		return MSR_GP;
	slot = &s->slot[r->arg + msr - r->first];
	*slot = r->write == W_SLOT ? (*slot & ~r->value) | (value & r->value) : value;
	return MSR_OK;
}

void msr_policy_each_pass(const struct msr_params *p, void (*fn)(u32 msr, bool read, bool write))
{
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		bool read = rows[i].read == R_PASS, write = rows[i].write == W_PASS;

		for (u32 msr = rows[i].first; (read || write) && exists(p, &rows[i]) && msr <= rows[i].last;
		     msr++)
			fn(msr, read, write);
	}
}
