/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/mitigate.h"
#include "hv/string.h"

/* X(name, word, bit) */
/* clang-format off */
#define CAPS(X) \
	X(RTM, 7_EBX, 11) X(MD_CLEAR, 7_EDX, 10) X(SPEC_CTRL, 7_EDX, 26) X(L1D_FLUSH, 7_EDX, 28) X(BHI_CTRL, 7_2_EDX, 4) \
	X(AMD_IBPB, 8_EBX, 12) X(AMD_IBRS, 8_EBX, 14) X(IBRS_ALWAYS, 8_EBX, 16) X(AMD_SSB_NO, 8_EBX, 26) X(BTC_NO, 8_EBX, 29) \
	X(VERW_CLEAR, 21_EAX, 5) X(AUTO_IBRS, 21_EAX, 8) X(IBPB_BRTYPE, 21_EAX, 28) X(SRSO_NO, 21_EAX, 29) \
	X(TSA_SQ_NO, 21_ECX, 1) X(TSA_L1_NO, 21_ECX, 2) \
	X(RDCL_NO, ARCH_CAPS, 0) X(IBRS_ALL, ARCH_CAPS, 1) X(SKIP_L1D, ARCH_CAPS, 3) X(SSB_NO, ARCH_CAPS, 4) X(MDS_NO, ARCH_CAPS, 5) \
	X(TAA_NO, ARCH_CAPS, 8) X(SBDR_NO, ARCH_CAPS, 13) X(FBSDP_NO, ARCH_CAPS, 14) X(PSDP_NO, ARCH_CAPS, 15) X(BHI_NO, ARCH_CAPS, 20) \
	X(PBRSB_NO, ARCH_CAPS, 24) X(RFDS_NO, ARCH_CAPS, 27) X(RFDS_CLEAR, ARCH_CAPS, 28) \
	X(INTEL, MADE, 0) X(AMD, MADE, 1) X(OLD, MADE, 2) /* before Zen 3 */ X(ZEN, MADE, 3) X(ZEN34, MADE, 4)
/* clang-format on */
enum {
#define X(name, word, bit) CAP_BIT_##name,
	CAPS(X)
#undef X
};
#define C(name) BIT(CAP_BIT_##name)

u64 mit_made(bool amd, u32 family)
{
	return !amd ? 1
		    : BIT(1) | (family < 0x19 ? BIT(2) : 0) | (family >= 0x17 ? BIT(3) : 0) |
			       (family == 0x19 ? BIT(4) : 0);
}

/* A processor with all of `of` and none of `unless` has it.
 * One that says nothing has it: the words came with the cures. */
static const struct {
	u32 weak;
	u64 of, unless;
} weak[] = {
	{ WEAK_V1, 0, 0 },
	{ WEAK_V2, 0, 0 },
	{ WEAK_BHI, C(INTEL) | C(IBRS_ALL), C(BHI_NO) },
	{ WEAK_RSB, C(INTEL), C(PBRSB_NO) },
	{ WEAK_RSB, C(AMD), C(AUTO_IBRS) },
	{ WEAK_RETBLEED, C(INTEL), C(IBRS_ALL) },
	{ WEAK_RETBLEED, C(OLD), C(BTC_NO) },
	{ WEAK_SRSO, C(ZEN), C(SRSO_NO) },
	{ WEAK_MELTDOWN, C(INTEL), C(RDCL_NO) },
	{ WEAK_L1TF, C(INTEL), C(RDCL_NO) | C(SKIP_L1D) },
	{ WEAK_MDS, C(INTEL), C(MDS_NO) },
	{ WEAK_TAA, C(INTEL) | C(RTM), C(TAA_NO) },
	{ WEAK_MMIO, C(INTEL), C(SBDR_NO) },
	{ WEAK_MMIO, C(INTEL), C(FBSDP_NO) },
	{ WEAK_MMIO, C(INTEL), C(PSDP_NO) },
	{ WEAK_RFDS, C(RFDS_CLEAR), C(RFDS_NO) },
	{ WEAK_TSA, C(ZEN34), C(TSA_SQ_NO) },
	{ WEAK_TSA, C(ZEN34), C(TSA_L1_NO) },
	{ WEAK_SSB, 0, C(SSB_NO) | C(AMD_SSB_NO) },
};

/* What closes it where the processor has all of `by`:
 * the first row that fits is taken. V1 and SSB have none. */
static const struct {
	u32 weak;
	u64 by;
	u32 measures;
} cure[] = {
	{ WEAK_V2, C(SPEC_CTRL) | C(IBRS_ALL), MIT_EIBRS | MIT_IBPB },
	{ WEAK_V2, C(SPEC_CTRL), MIT_IBRS | MIT_IBPB },
	{ WEAK_V2, C(AMD_IBPB) | C(AUTO_IBRS), MIT_AIBRS | MIT_IBPB },
	{ WEAK_V2, C(AMD_IBPB) | C(AMD_IBRS) | C(IBRS_ALWAYS), MIT_EIBRS | MIT_IBPB },
	{ WEAK_V2, C(AMD_IBPB) | C(AMD_IBRS), MIT_IBRS | MIT_IBPB },
	{ WEAK_V2, C(AMD_IBPB), MIT_IBPB_EXIT | MIT_IBPB },
	{ WEAK_BHI, C(BHI_CTRL), MIT_BHI },
	{ WEAK_RSB, 0, MIT_RSB },
	{ WEAK_RETBLEED, C(INTEL) | C(SPEC_CTRL), MIT_IBRS },
	{ WEAK_RETBLEED, C(AMD) | C(AMD_IBPB), MIT_IBPB_EXIT },
	{ WEAK_SRSO, C(OLD) | C(AMD_IBPB), MIT_IBPB_EXIT },
	{ WEAK_SRSO, C(IBPB_BRTYPE) | C(AMD_IBPB), MIT_IBPB_EXIT },
	{ WEAK_MELTDOWN, 0, 0 }, /* no address of ours in a guest's space */
	{ WEAK_L1TF, 0, MIT_L1D },
	{ WEAK_MDS, C(MD_CLEAR), MIT_VERW },
	{ WEAK_TAA, C(MD_CLEAR), MIT_VERW },
	{ WEAK_MMIO, 0, 0 }, /* no guest reaches a device's registers */
	{ WEAK_RFDS, 0, MIT_VERW },
	{ WEAK_TSA, C(VERW_CLEAR), MIT_VERW },
};

static u64 caps_of(const struct mit_cpu *c)
{
	static const struct {
		u8 word, bit;
	} at[] = {
#define X(name, word, bit) { MIT_##word, bit },
		CAPS(X)
#undef X
	};
	u64 has = 0;

	for (u32 i = 0; i < ARRAY_SIZE(at); i++)
		has |= (c->word[at[i].word] >> at[i].bit & 1) << i;
	return has;
}

static u32 word_of(const char *word, size_t n)
{
	static const char *const words[] = {
#define X(name, word) word,
		MITIGATIONS(X)
#undef X
	};

	for (u32 i = 0; i < MIT_COUNT; i++)
		if (strlen(words[i]) == n && !strncmp(words[i], word, n))
			return (u32)BIT(i);
	return 0;
}

struct mit_plan mit_decide(const struct mit_cpu *c, const char *option)
{
	u64 has = caps_of(c);
	bool ibrs = has & (C(SPEC_CTRL) | C(AMD_IBRS)), ibpb = has & (C(SPEC_CTRL) | C(AMD_IBPB));
	u32 can = MIT_REGS | MIT_RSB | MIT_VERW | MIT_L1D | (ibrs ? MIT_IBRS | MIT_EIBRS : 0) |
		  (ibpb ? MIT_IBPB | MIT_IBPB_EXIT : 0) | (has & C(AUTO_IBRS) ? MIT_AIBRS : 0) |
		  (has & C(BHI_CTRL) ? MIT_BHI : 0);
	u32 seen = 0;
	struct mit_plan p = { .needed = MIT_REGS, .l1d_msr = has & C(L1D_FLUSH) };

	for (u32 i = 0; i < ARRAY_SIZE(weak); i++)
		if ((has & weak[i].of) == weak[i].of && !(has & weak[i].unless))
			p.has |= weak[i].weak;
	for (u32 i = 0; i < ARRAY_SIZE(cure); i++)
		if ((p.has & ~seen & cure[i].weak) && (has & cure[i].by) == cure[i].by) {
			seen |= cure[i].weak;
			p.needed |= cure[i].measures;
		}
	while (*option) {
		bool minus = *option == '-';
		const char *word = option + minus;
		size_t n = 0;
		u32 m;

		while (word[n] && word[n] != ',')
			n++;
		m = n == 4 && !strncmp(word, "auto", n) ? p.needed : word_of(word, n);
		p.wrong |= (!m || (m & ~can)) && !(n == 3 && !strncmp(word, "off", n));
		p.measures = minus ? p.measures & ~m : p.measures | (m & can);
		option = word + n + (word[n] == ',');
	}
	for (u32 i = 0; i < ARRAY_SIZE(cure); i++)
		if ((p.has & cure[i].weak) && (has & cure[i].by) == cure[i].by &&
		    !(cure[i].measures & ~p.measures))
			p.closed |= cure[i].weak;
	return p;
}
