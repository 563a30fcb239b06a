/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/cpuid_policy.h"
#include "hv/abi/caisson.h"
#include "hv/string.h"

/* FORCED: the hypervisor makes it, whatever the host has */
enum when { ALWAYS, FORCED, AMD, AVX, AVX512, XSAVE, PKU, RDTSCP, INVPCID };

#define B(n)	   (1u << (n))
#define XCR0_KNOWN (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512 | XCR0_PKRU)

/*
 * What passes. A bit without a row is hidden: among them VMX, SVM, IBRS and its like, ARCH_CAPABILITIES, SMX,
 * MONITOR/MWAIT, EIST and thermal monitoring, DS, PDCM and the PMU, MPX, HLE and RTM (deprecated, and aborts
 * are visible), RDT, SGX, PT, CET, AMX, UINTR, WAITPKG, TME, PCONFIG, Key Locker, ENQCMD, bus-lock detection,
 * LA57, LAM, FRED, PKS, hybrid.
 * FSRM and its like (7.1:EAX[12:10]) are hidden because Linux hangs early in Bochs models that show FSRM
 * (testbench page, "Not tested").
 */
static const struct pass {
	u32 leaf;
	u8 subleaf, reg, when;
	u32 mask;
} passes[] = {
	/* clang-format off */
	/* SSE3 PCLMULQDQ SSSE3 CX16 PCID SSE4.1 SSE4.2 MOVBE POPCNT AES RDRAND */
	{ 1, 0, CPUID_ECX, ALWAYS, B(0) | B(1) | B(9) | B(13) | B(17) | B(19) | B(20) | B(22) | B(23) | B(25) | B(30) },
	{ 1, 0, CPUID_ECX, FORCED, B(21) | B(24) | B(31) }, /* x2APIC, TSC-deadline, hypervisor */
	{ 1, 0, CPUID_ECX, XSAVE, B(26) },
	{ 1, 0, CPUID_ECX, AVX, B(12) | B(28) | B(29) }, /* FMA AVX F16C */
	/* FPU VME DE PSE TSC MSR PAE MCE CX8 APIC,
	 * SEP MTRR PGE MCA CMOV PAT PSE36, CLFSH, MMX FXSR SSE SSE2 SS */
	{ 1, 0, CPUID_EDX, ALWAYS, 0x3ff | 0x3f800 | B(19) | 0xf800000 },
	/* FSGSBASE BMI1 FDP_EXCPTN_ONLY SMEP BMI2 ERMS, no FPU CS/DS, RDSEED ADX SMAP CLFLUSHOPT CLWB SHA */
	{ 7, 0, CPUID_EBX, ALWAYS, B(0) | B(3) | 0x3c0 | B(13) | 0x1c0000 | B(23) | B(24) | B(29) },
	{ 7, 0, CPUID_EBX, FORCED, B(1) }, /* TSC_ADJUST */
	{ 7, 0, CPUID_EBX, INVPCID, B(10) },
	{ 7, 0, CPUID_EBX, AVX, B(5) }, /* AVX2 */
	/* AVX512: F DQ IFMA PF ER CD BW VL */
	{ 7, 0, CPUID_EBX, AVX512, B(16) | B(17) | B(21) | B(26) | B(27) | B(28) | B(30) | B(31) },
	/* PREFETCHWT1 UMIP GFNI CLDEMOTE MOVDIRI MOVDIR64B */
	{ 7, 0, CPUID_ECX, ALWAYS, B(0) | B(2) | B(8) | B(25) | B(27) | B(28) },
	{ 7, 0, CPUID_ECX, PKU, B(3) },
	{ 7, 0, CPUID_ECX, RDTSCP, B(22) }, /* RDPID */
	{ 7, 0, CPUID_ECX, AVX, B(9) | B(10) }, /* VAES VPCLMULQDQ */
	/* VBMI VBMI2 VNNI BITALG VPOPCNTDQ */
	{ 7, 0, CPUID_ECX, AVX512, B(1) | B(6) | B(11) | B(12) | B(14) },
	{ 7, 0, CPUID_EDX, ALWAYS, B(10) | B(14) }, /* MD_CLEAR SERIALIZE */
	{ 7, 0, CPUID_EDX, AVX512, B(2) | B(3) | B(8) | B(23) }, /* 4VNNIW 4FMAPS VP2INTERSECT FP16 */
	{ 7, 1, CPUID_EAX, ALWAYS, B(3) | B(7) }, /* RAO-INT CMPCCXADD */
	{ 7, 1, CPUID_EAX, AVX, B(0) | B(1) | B(2) | B(4) | B(23) }, /* SHA512 SM3 SM4 AVX-VNNI AVX-IFMA */
	{ 7, 1, CPUID_EAX, AVX512, B(5) }, /* BF16 */
	{ 7, 1, CPUID_EDX, ALWAYS, B(14) }, /* PREFETCHI */
	{ 7, 1, CPUID_EDX, AVX, B(4) | B(5) | B(10) }, /* AVX-VNNI-INT8 AVX-NE-CONVERT AVX-VNNI-INT16 */
	{ 0xd, 1, CPUID_EAX, XSAVE, B(0) | B(1) | B(2) }, /* XSAVEOPT XSAVEC XGETBV(1); not XSAVES and XFD */
	{ 0x80000001, 0, CPUID_EAX, ALWAYS, ~0u },
	{ 0x80000001, 0, CPUID_EBX, AMD, ~0u },
	{ 0x80000001, 0, CPUID_ECX, ALWAYS, B(0) | B(5) | B(8) }, /* LAHF LZCNT PREFETCHW */
	/* MOV CR8 by LOCK, SSE4A, misaligned SSE, TBM */
	{ 0x80000001, 0, CPUID_ECX, AMD, B(4) | B(6) | B(7) | B(21) },
	{ 0x80000001, 0, CPUID_ECX, AVX, B(11) | B(16) }, /* XOP FMA4 */
	/* SYSCALL NX 1-GByte pages, 64-bit mode */
	{ 0x80000001, 0, CPUID_EDX, ALWAYS, B(11) | B(20) | B(26) | B(29) },
	{ 0x80000001, 0, CPUID_EDX, RDTSCP, B(27) },
	/* AMD repeats leaf 1 and adds MMXEXT 3DNOWEXT 3DNOW */
	{ 0x80000001, 0, CPUID_EDX, AMD, 0x3ff | 0x3f000 | B(22) | B(23) | B(24) | B(30) | B(31) },
	{ 0x80000007, 0, CPUID_EDX, FORCED, B(8) }, /* invariant TSC */
	{ 0x80000008, 0, CPUID_EBX, AMD, B(0) | B(2) }, /* CLZERO, FP error pointers */
	/* clang-format on */
};

struct build {
	struct cpuid_table *t;
	const struct cpuid_params *p;
	void (*host)(void *ctx, u32 leaf, u32 subleaf, u32 out[4]);
	void *ctx;
	u32 max, ext_max; /* the host's */
	u64 xcr0;
};

static void ask(const struct build *b, u32 leaf, u32 subleaf, u32 out[4])
{
	u32 max = leaf & BIT(31) ? b->ext_max : b->max;

	memset(out, 0, 16);
	if (leaf <= max) /* beyond it Intel repeats the last leaf */
		b->host(b->ctx, leaf, subleaf, out);
}

static struct cpuid_entry *leaf_of(struct cpuid_table *t, u32 leaf)
{
	return leaf & BIT(31) ? &t->ext[leaf & 0xff] : &t->basic[leaf];
}

/* All subleaves of one leaf have to be asked for before those of the next.
 * There is room for those of every known XCR0. */
static struct cpuid_entry *subleaf_of(struct cpuid_table *t, u32 leaf, u32 subleaf)
{
	struct cpuid_entry *e = leaf_of(t, leaf);

	if (!subleaf)
		return e;
	if (!e->count)
		e->first = (u8)t->subs;
	e->fix |= CPUID_SUBLEAVES;
	t->subs += subleaf > e->count ? subleaf - e->count : 0;
	e->count = MAX(e->count, subleaf);
	return &t->sub[e->first + subleaf - 1];
}

static bool holds(const struct build *b, enum when when)
{
	const bool have[] = {
		[ALWAYS] = true,
		[FORCED] = true,
		[AMD] = b->t->amd,
		[AVX] = b->xcr0 & XCR0_AVX,
		[AVX512] = (b->xcr0 & XCR0_AVX512) == XCR0_AVX512,
		[XSAVE] = b->xcr0,
		[PKU] = b->xcr0 & XCR0_PKRU,
		[RDTSCP] = b->p->rdtscp,
		[INVPCID] = b->p->invpcid,
	};

	return have[when];
}

static void apply_passes(const struct build *b)
{
	for (const struct pass *s = passes; s < passes + ARRAY_SIZE(passes); s++) {
		u32 host[4], have;

		if (!holds(b, s->when))
			continue;
		ask(b, s->leaf, s->subleaf, host);
		have = s->when == FORCED ? ~0u : host[s->reg];
		subleaf_of(b->t, s->leaf, s->subleaf)->r[s->reg] |= have & s->mask;
	}
}

/* Bits of an APIC id that number n vCPUs. */
static u32 id_bits(u32 n)
{
	return n > 1 ? 32u - (u32)__builtin_clz(n - 1) : 0;
}

static void build_identity(const struct build *b)
{
	struct cpuid_table *t = b->t;
	u32 *r = t->basic[1].r, host[4];
	u32 ids = 1u << id_bits(b->p->vcpus);

	ask(b, 0, 0, t->basic[0].r);
	t->basic[0].r[CPUID_EAX] = t->basic_max;
	ask(b, 1, 0, host);
	r[CPUID_EAX] = host[CPUID_EAX];
	r[CPUID_EBX] = (host[CPUID_EBX] & 0xffff) |
		       (b->p->vcpus > 1 ? ids << 16 : 0); /* brand, CLFLUSH bytes, ids */
	if (b->p->vcpus > 1)
		r[CPUID_EDX] |= B(28); /* HTT: the ids in EBX mean something */
	t->basic[1].fix = CPUID_FIX_FEATURES;
	if (!t->amd)
		ask(b, 2, 0, t->basic[2].r);
	t->basic[6].r[CPUID_EAX] = B(2); /* ARAT */
	t->basic[7].r[CPUID_EAX] = 1;	 /* subleaves */
	t->basic[7].fix |= CPUID_FIX_OSPKE;
}

/* Leaf 4: the host's caches; those of level 3 and beyond are shared by all vCPUs. */
static void build_caches(const struct build *b)
{
	u32 ids = (1u << id_bits(b->p->vcpus)) - 1, r[4];

	for (u32 i = 0; i < 6 && !b->t->amd; i++) {
		ask(b, 4, i, r);
		if (!(r[CPUID_EAX] & 0x1f))
			break;
		r[CPUID_EAX] = (r[CPUID_EAX] & 0x3fff) | (MIN(ids, 63u) << 26);
		if (((r[CPUID_EAX] >> 5) & 7) >= 3)
			r[CPUID_EAX] |= ids << 14;
		memcpy(subleaf_of(b->t, 4, i)->r, r, sizeof(r));
	}
	b->t->basic[4].fix |= CPUID_SUBLEAVES;
}

static void build_topology(struct cpuid_table *t, u32 leaf, u32 vcpus)
{
	struct cpuid_entry *smt = &t->basic[leaf], *core = subleaf_of(t, leaf, 1);

	smt->r[CPUID_EBX] = 1;
	smt->r[CPUID_ECX] = 1 << 8;
	core->r[CPUID_EAX] = id_bits(vcpus);
	core->r[CPUID_EBX] = vcpus;
	core->r[CPUID_ECX] = 2 << 8 | 1;
	smt->fix |= CPUID_FIX_TOPOLOGY;
	core->fix |= CPUID_FIX_TOPOLOGY;
}

/* Bytes of an XSAVE area for the components of xcr0. SDM volume 1, "XSAVE Area". */
static u32 xsave_bytes(const struct cpuid_table *t, u64 xcr0, bool compacted)
{
	const struct cpuid_entry *d = &t->basic[0xd];
	u32 bytes = 512 + 64;

	for (u32 i = 2; i <= d->count; i++) {
		const u32 *c = t->sub[d->first + i - 1].r;

		if (!(xcr0 & BIT(i)))
			continue;
		if (compacted)
			bytes = (c[CPUID_ECX] & B(1) ? ALIGN_UP(bytes, 64u) : bytes) + c[CPUID_EAX];
		else
			bytes = MAX(bytes, c[CPUID_EBX] + c[CPUID_EAX]);
	}
	return bytes;
}

static void build_xsave(const struct build *b)
{
	struct cpuid_table *t = b->t;
	u32 *d = t->basic[0xd].r;

	if (!b->xcr0)
		return;
	for (u32 i = 2; i < 64 && b->xcr0 >> i; i++) {
		u32 *r = subleaf_of(t, 0xd, i)->r;

		if (!(b->xcr0 & BIT(i)))
			continue;
		ask(b, 0xd, i, r);
		r[CPUID_ECX] &= B(1); /* aligned to 64 */
		r[CPUID_EDX] = 0;
	}
	d[CPUID_EAX] = (u32)b->xcr0;
	d[CPUID_EDX] = (u32)(b->xcr0 >> 32);
	d[CPUID_ECX] = xsave_bytes(t, b->xcr0, false);
	t->basic[0xd].fix |= CPUID_FIX_XSAVE;
	if (subleaf_of(t, 0xd, 1)->r[CPUID_EAX] & B(1))
		subleaf_of(t, 0xd, 1)->fix |= CPUID_FIX_XSAVEC;
}

/* Linux takes leaf 15H's crystal, in Hz, for the APIC timer's frequency too: where that does not fit the leaf
 * stays empty, and 16H, 40000010H and the clock page tell. */
static void build_time(const struct build *b)
{
	u32 tsc = b->p->tsc_khz, *r = b->t->basic[0x15].r;

	if (tsc <= ~0u / 1000) {
		r[CPUID_EAX] = r[CPUID_EBX] = 1;
		r[CPUID_ECX] = tsc * 1000;
	}
	r = b->t->basic[0x16].r;
	r[CPUID_EAX] = r[CPUID_EBX] = (tsc + 500) / 1000; /* base and maximum, MHz */
	r[CPUID_ECX] = 100;				  /* bus, MHz */
}

static void build_extended(const struct build *b)
{
	struct cpuid_table *t = b->t;
	u32 r[4];

	t->ext[0].r[CPUID_EAX] = 0x80000008;
	if (t->amd)
		memcpy(&t->ext[0].r[CPUID_EBX], &t->basic[0].r[CPUID_EBX], 12);
	for (u32 i = 2; i <= 6; i++) /* brand string, AMD's L1, L2 */
		ask(b, 0x80000000 + i, 0, t->ext[i].r);
	ask(b, 0x80000008, 0, r);
	t->ext[8].r[CPUID_EAX] = b->p->phys_bits | MIN((r[CPUID_EAX] >> 8) & 0xff, 48u) << 8;
	if (t->amd && b->p->vcpus > 1) {
		t->ext[1].r[CPUID_ECX] |= B(1); /* CmpLegacy: HTT counts cores */
		t->ext[8].r[CPUID_ECX] = id_bits(b->p->vcpus) << 12 | (b->p->vcpus - 1);
	}
}

static void build_hypervisor(const struct build *b)
{
	struct cpuid_table *t = b->t;

	t->kvm[0] = (struct cpuid_entry){ .r = { CPUID_KVM_BASE + 0x10, 0x4b4d564b, 0x564b4d56,
						 0x4d } }; /* KVMKVMKVM */
	t->kvm[1].r[CPUID_EAX] = b->p->kvm_features;
	t->kvm[0x10].r[CPUID_EAX] = t->kvm[0x10].r[CPUID_EBX] = b->p->tsc_khz;
	t->own[0] = (struct cpuid_entry){ .r = { CPUID_OWN_BASE + 1, CAISSON_CPUID_EBX, CAISSON_CPUID_ECX,
						 CAISSON_CPUID_EDX } };
	t->own[1].r[CPUID_EAX] = CAISSON_ABI_VERSION;
}

void cpuid_build(struct cpuid_table *t, const struct cpuid_params *p,
		 void (*host)(void *ctx, u32 leaf, u32 subleaf, u32 out[4]), void *ctx)
{
	struct build b = { .t = t, .p = p, .host = host, .ctx = ctx };
	u32 r[4];

	memset(t, 0, sizeof(*t));
	host(ctx, 0, 0, r);
	b.max = r[CPUID_EAX];
	t->amd = r[CPUID_ECX] == 0x444d4163 || r[CPUID_ECX] == 0x656e6975; /* AuthenticAMD, HygonGenuine */
	host(ctx, 0x80000000, 0, r);
	b.ext_max = r[CPUID_EAX];
	ask(&b, 1, 0, r);
	if (r[CPUID_ECX] & B(26)) { /* XSAVE */
		ask(&b, 0xd, 0, r);
		b.xcr0 = p->xcr0 & XCR0_KNOWN & (r[CPUID_EAX] | (u64)r[CPUID_EDX] << 32);
		if ((b.xcr0 & XCR0_AVX512) != XCR0_AVX512 || !(b.xcr0 & XCR0_AVX))
			b.xcr0 &= ~XCR0_AVX512; /* all or none */
	}
	t->basic_max = b.max >= 0x1f ? 0x1f : 0x16; /* 15H and 16H are made here */
	apply_passes(&b);
	build_xsave(&b); /* next, because passes[] ends with subleaf 1 of leaf 0DH */
	build_identity(&b);
	build_caches(&b);
	build_topology(t, 0xb, p->vcpus);
	if (t->basic_max >= 0x1f)
		build_topology(t, 0x1f, p->vcpus);
	build_time(&b);
	build_extended(&b);
	build_hypervisor(&b);
}

static const struct cpuid_entry nothing;

static inline const struct cpuid_entry *find(const struct cpuid_table *t, u32 leaf)
{
	if (leaf <= t->basic_max)
		return &t->basic[leaf];
	if (leaf - CPUID_KVM_BASE < ARRAY_SIZE(t->kvm))
		return &t->kvm[leaf - CPUID_KVM_BASE];
	if (leaf - 0x80000000u < ARRAY_SIZE(t->ext))
		return &t->ext[leaf - 0x80000000u];
	if (leaf - CPUID_OWN_BASE < ARRAY_SIZE(t->own))
		return &t->own[leaf - CPUID_OWN_BASE];
	return t->amd ? &nothing : &t->basic[t->basic_max];
}

static inline u32 give(u32 out[4], const struct cpuid_entry *e)
{
	memcpy(out, e->r, sizeof(e->r));
	return e->fix & ~CPUID_SUBLEAVES;
}

static __attribute__((noinline)) u32 give_subleaf(const struct cpuid_table *t, const struct cpuid_entry *e,
						  u32 subleaf, u32 out[4])
{
	u32 fix = e->fix & CPUID_FIX_TOPOLOGY;

	if (subleaf <= e->count)
		return give(out, &t->sub[e->first + subleaf - 1]);
	give(out, &nothing);
	if (fix) /* a level beyond the last repeats ECX and tells the x2APIC id */
		out[CPUID_ECX] = subleaf & 0xff;
	return fix;
}

u32 cpuid_lookup(const struct cpuid_table *t, u32 leaf, u32 subleaf, u32 out[4])
{
	const struct cpuid_entry *e = find(t, leaf);

	if (e->fix & CPUID_SUBLEAVES && subleaf)
		return give_subleaf(t, e, subleaf, out);
	return give(out, e);
}

void cpuid_fixup(const struct cpuid_table *t, u32 fix, const struct cpuid_state *s, u32 out[4])
{
	if (fix & CPUID_FIX_FEATURES) {
		out[CPUID_EBX] |= s->apic_id << 24;
		out[CPUID_ECX] |= s->cr4 & CR4_OSXSAVE ? B(27) : 0;
		out[CPUID_EDX] &= s->apic_enabled ? ~0u : ~B(9);
	}
	if (fix & CPUID_FIX_OSPKE)
		out[CPUID_ECX] |= s->cr4 & CR4_PKE ? B(4) : 0;
	if (fix & CPUID_FIX_TOPOLOGY)
		out[CPUID_EDX] = s->apic_id;
	if (fix & (CPUID_FIX_XSAVE | CPUID_FIX_XSAVEC))
		out[CPUID_EBX] = xsave_bytes(t, s->xcr0, fix & CPUID_FIX_XSAVEC);
}

u64 cpuid_cr4_allowed(const struct cpuid_table *t)
{
	static const struct {
		u8 leaf, reg, bit;
		u64 cr4;
	} by[] = {
		{ 1, CPUID_EDX, 1, CR4_VME | CR4_PVI },
		{ 1, CPUID_EDX, 4, CR4_TSD },
		{ 1, CPUID_EDX, 2, CR4_DE },
		{ 1, CPUID_EDX, 3, CR4_PSE },
		{ 1, CPUID_EDX, 6, CR4_PAE },
		{ 1, CPUID_EDX, 7, CR4_MCE },
		{ 1, CPUID_EDX, 13, CR4_PGE },
		{ 1, CPUID_EDX, 24, CR4_OSFXSR },
		{ 1, CPUID_EDX, 25, CR4_OSXMMEXCPT },
		{ 1, CPUID_ECX, 17, CR4_PCIDE },
		{ 1, CPUID_ECX, 26, CR4_OSXSAVE },
		{ 7, CPUID_EBX, 0, CR4_FSGSBASE },
		{ 7, CPUID_EBX, 7, CR4_SMEP },
		{ 7, CPUID_EBX, 20, CR4_SMAP },
		{ 7, CPUID_ECX, 2, CR4_UMIP },
		{ 7, CPUID_ECX, 3, CR4_PKE },
	};
	u64 cr4 = CR4_PCE;

	for (u32 i = 0; i < ARRAY_SIZE(by); i++)
		if (t->basic[by[i].leaf].r[by[i].reg] & B(by[i].bit))
			cr4 |= by[i].cr4;
	return cr4;
}
