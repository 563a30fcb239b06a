/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measures against what processors leak across the walls by speculation: which a processor has need of, which
 * it can take. (T) Data and a decision; any context, no locks. Intel: "Speculative Execution Side Channel
 * Mitigations"; AMD: "Software Techniques for Managing Speculation on AMD Processors".
 */
#ifndef ARCH_X86_MITIGATE_H
#define ARCH_X86_MITIGATE_H

#include "hv/types.h"

/* clang-format off */
/* X(NAME, its word on the command line). After an exit and before an entry (entry.asm): */
#define MITIGATIONS(X) \
	X(REGS, "regs") /* a guest's are cleared at its exit; with any other of entry.asm's, too */ \
	X(RSB, "rsb") /* 32 calls at the exit */ X(IBRS, "ibrs") /* SPEC_CTRL written at exit and entry */ \
	X(IBPB_EXIT, "ibpb_exit") X(VERW, "verw") /* at the entry */ \
	X(L1D, "l1d") /* flushed at an entry from hv, after which other domains' data may be there */ \
	/* at a switch from one domain to another: */ X(IBPB, "ibpb") \
	/* once, at boot: */ X(EIBRS, "eibrs") X(AIBRS, "aibrs") X(BHI, "bhi_dis_s")
/* X(NAME, what guest/control/doctor.c calls it) */
#define WEAKNESSES(X) \
	X(V1, "Spectre v1") X(V2, "Spectre v2") X(BHI, "BHI") X(RSB, "return stack across exits") \
	X(RETBLEED, "Retbleed") X(SRSO, "SRSO") X(MELTDOWN, "Meltdown") X(L1TF, "L1TF") X(MDS, "MDS") \
	X(TAA, "TAA") X(MMIO, "MMIO stale data") X(RFDS, "RFDS") X(TSA, "TSA") X(SSB, "SSB")

enum {
#define X(name, word) MIT_BIT_##name,
	MITIGATIONS(X)
#undef X
	MIT_COUNT,
#define X(name, word) MIT_##name = BIT(MIT_BIT_##name),
	MITIGATIONS(X)
#undef X
	MIT_ENTRY = MIT_REGS | MIT_RSB | MIT_IBRS | MIT_IBPB_EXIT | MIT_VERW | MIT_L1D,
#define X(name, text) WEAK_BIT_##name,
	MIT_FIRST_WEAK = -1, WEAKNESSES(X)
#undef X
	WEAK_COUNT,
#define X(name, text) WEAK_##name = BIT(WEAK_BIT_##name),
	WEAKNESSES(X)
#undef X
};
/* clang-format on */

/* What a processor says of itself:
 * CPUID 7.0 EBX and EDX, 7.2 EDX, 80000008H EBX, 80000021H EAX and ECX, IA32_ARCH_CAPABILITIES. */
/* clang-format off */
enum { MIT_7_EBX, MIT_7_EDX, MIT_7_2_EDX, MIT_8_EBX, MIT_21_EAX, MIT_21_ECX, MIT_ARCH_CAPS, MIT_MADE, MIT_WORDS };
/* clang-format on */
struct mit_cpu {
	u64 word[MIT_WORDS]; /* MIT_MADE: by mit_made() */
};
u64 mit_made(bool amd, u32 family);

struct mit_plan {
	u32 measures, needed; /* MIT_*: in force; what "auto" takes */
	/* WEAK_*: of this processor;
	 * of these, what the measures close, or what is closed as Caisson is made */
	u32 has, closed;
	bool l1d_msr, wrong; /* IA32_FLUSH_CMD is there; the option names what is unknown or not there */
};
/* option: "auto", "off", or a list of words, of which one with a minus is left out:
 * "auto,-ibpb_exit", "verw,rsb" */
struct mit_plan mit_decide(const struct mit_cpu *c, const char *option);

#endif
