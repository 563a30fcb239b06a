/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/cpu.h"
#include "arch/x86/doctor.h"
#include "arch/x86/regs.h"
#include "hv/arch.h"
#include "hv/log.h"
#include "hv/main.h"
#include "hv/string.h"

struct cpu_info cpu_info;
extern const u8 image_text[];

struct cpuid cpu_leaf(u32 leaf, u32 subleaf)
{
	if (leaf > (leaf >> 31 ? cpu_info.max_ext_leaf : cpu_info.max_leaf))
		return (struct cpuid){ 0 };
	return cpuid(leaf, subleaf);
}

static void detect_names(void)
{
	struct cpuid r = cpuid(0, 0);
	u32 vendor[] = { r.ebx, r.edx, r.ecx };

	memcpy(cpu_info.vendor, vendor, sizeof(vendor));
	for (u32 i = 0; i < 3; i++) {
		r = cpu_leaf(0x80000002 + i, 0);
		memcpy(cpu_info.brand + i * 16, &r, 16);
	}
}

/* SDM volume 1, "Managing State Using the XSAVE Feature Set":
 * AVX-512's three components come together, above AVX. */
static void detect_xsave(void)
{
	struct cpuid r = cpu_leaf(13, 0);
	u64 want = XCR0_X87 | XCR0_SSE | (r.eax & XCR0_PKRU);

	if (!cpu_has(CPU_XSAVE))
		return;
	if (r.eax & XCR0_AVX)
		want |= XCR0_AVX | ((r.eax & XCR0_AVX512) == XCR0_AVX512 ? XCR0_AVX512 : 0);
	cpu_info.xcr0 = want;
	cpu_info.xsave_size = r.ecx;
}

bool cpu_is_amd(void)
{
	return !strcmp(cpu_info.vendor, "AuthenticAMD") || !strcmp(cpu_info.vendor, "HygonGenuine");
}

void cpu_detect(void)
{
	static const struct {
		u32 leaf;
		u8 sub, reg, bit;
	} at[] = {
#define X(name, leaf, sub, reg, bit) { leaf, sub, CPUID_##reg, bit },
		CPU_FEATURES(X)
#undef X
	};
	static const struct {
		u8 feature;
		u32 bit;
	} cr4[] = { { CPU_MCE, CR4_MCE },   { CPU_PGE, CR4_PGE },   { CPU_XSAVE, CR4_OSXSAVE },
		    { CPU_SMEP, CR4_SMEP }, { CPU_SMAP, CR4_SMAP }, { CPU_UMIP, CR4_UMIP } };

	cpu_info.max_leaf = cpuid(0, 0).eax;
	cpu_info.max_ext_leaf = cpuid(0x80000000, 0).eax;
	for (u32 i = 0; i < ARRAY_SIZE(at); i++) {
		struct cpuid r = cpu_leaf(at[i].leaf, at[i].sub);

		if ((&r.eax)[at[i].reg] & BIT(at[i].bit))
			cpu_info.features |= BIT(i);
	}
	detect_names();
	cpu_info.phys_bits = cpu_leaf(0x80000008, 0).eax & 0xff;
	detect_xsave();
	cpu_info.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	for (u32 i = 0; i < ARRAY_SIZE(cr4); i++)
		cpu_info.cr4 |= cpu_has(cr4[i].feature) ? cr4[i].bit : 0;
}

void cpu_patch(void)
{
	extern u8 *const smap_start[], *const smap_end[]; /* linker.ld */

	for (u8 *const *at = smap_start; at < smap_end && !cpu_has(CPU_SMAP); at++)
		memcpy(*at, "\x0f\x1f\x00", 3); /* NOP (%rax) */
}

void cpu_setup(void)
{
	write_cr0(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
	write_cr4(cpu_info.cr4);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE | EFER_SCE);
	wrmsr(MSR_PAT, HOST_PAT);
	if (cpu_info.xcr0 && !xsetbv_safe(0, cpu_info.xcr0)) {
		log_warn("XSETBV refuses %#lx: only x87 and SSE are used", cpu_info.xcr0);
		cpu_info.xcr0 = xgetbv(0);
	}
}

/* ---- speculation ---- */

u32 mitigations __ro_after_init;
const u16 mitigate_selector = SEL_DATA; /* VERW's operand */
static struct mit_plan plan __ro_after_init;

void mitigate_init(void)
{
	u32 sign = cpuid(1, 0).eax,
	    family = (sign >> 8 & 0xf) + ((sign >> 8 & 0xf) == 0xf ? sign >> 20 & 0xff : 0);
	struct cpuid l7 = cpu_leaf(7, 0), l21 = cpu_leaf(0x80000021, 0);
	struct mit_cpu c = { .word = { [MIT_7_EBX] = l7.ebx,
				       [MIT_7_EDX] = l7.edx,
				       [MIT_7_2_EDX] = l7.eax >= 2 ? cpu_leaf(7, 2).edx : 0,
				       [MIT_8_EBX] = cpu_leaf(0x80000008, 0).ebx,
				       [MIT_21_EAX] = l21.eax,
				       [MIT_21_ECX] = l21.ecx,
				       [MIT_MADE] = mit_made(cpu_is_amd(), family) } };

	if (!rdmsr_safe(MSR_ARCH_CAPABILITIES, &c.word[MIT_ARCH_CAPS]))
		c.word[MIT_ARCH_CAPS] = 0;
	plan = mit_decide(&c, hv_options.mitigations);
	mitigations = plan.measures;
	if (plan.wrong)
		log_warn("mitigations=%s: not all of it is known, or can be done here",
			 hv_options.mitigations);
	doctor_bits(plan.has, plan.closed, plan.measures | (u64)plan.needed << 32);
}

void mitigate_cpu_on(void)
{
	u64 ctrl = (mitigations & MIT_EIBRS ? SPEC_CTRL_IBRS : 0) |
		   (mitigations & MIT_BHI ? SPEC_CTRL_BHI_DIS_S : 0);

	if (ctrl)
		wrmsr(MSR_SPEC_CTRL, ctrl);
	if (mitigations & MIT_AIBRS)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AIBRSE);
}

/* Without the MSR 64 KiB are read that are nobody's secret: more than any first-level cache has. */
void mitigate_l1d(void)
{
	if (plan.l1d_msr)
		wrmsr(MSR_FLUSH_CMD, 1);
	else
		for (const u8 *p = image_text; p < image_text + 0x10000; p += 64)
			(void)READ_ONCE(*p);
}

void cpu_doctor(void)
{
	static const u8 features[] = {
		CPU_X2APIC,  CPU_TSC_DEADLINE, CPU_INVARIANT_TSC, CPU_XSAVE, CPU_AVX,
		CPU_AVX512F, CPU_SMEP,	       CPU_SMAP,	  CPU_UMIP,  CPU_RDTSCP
	};

	for (u32 i = 0; i < ARRAY_SIZE(features); i++)
		doctor_fact(FACT_X2APIC + i, cpu_has(features[i]));
}

void arch_cpu_brand(char out[48])
{
	const char *s = cpu_info.brand;

	while (*s == ' ')
		s++;
	str_copy(out, s, 48);
}

u32 arch_phys_bits(void)
{
	return cpu_info.phys_bits;
}
