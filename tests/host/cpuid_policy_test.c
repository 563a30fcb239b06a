/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's CPUID, built from hosts that are all ones, a Skylake-X, an old Intel and an AMD.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/cpuid_policy.h"
#include "hv/abi/caisson.h"

struct host {
	u32 max, ext_max;
	bool amd, all_ones; /* all_ones: every feature word */
	u32 l1c, l1d, l7b, l7c, l7d, x1c, x1d;
	u64 xcr0;
};

static const struct host skylake_x = { 0x16,	   0x80000008, false, false, 0x77faf3bf, 0xbfebfbff,
				       0xd19f4fbb, 0,	       0x10,  0x121, 0x2c100000, 0xe7 };
static const struct host sandy_bridge = { 0xd, 0x80000008, false, false, 0x17bae3bf, 0xbfebfbff,
					  0,   0,	   0,	  1,	 0x28100000, 7 };
static const struct host penryn = { 0xd, 0x80000008, false, false, 0x0408e3fd, 0xbfebfbff,
				    0,	 0,	     0,	    1,	   0x20100000, 0 };
static const struct host zen = { 0x10,	     0x80000020, true, false,	   0x7ed8320b, 0x178bfbff,
				 0x219c91a9, 0x0040069c, 0x10, 0x75c237ff, 0x2fd3fbff, 0x207 };
static const struct host everything = { 0x20, 0x80000008, false, true, ~0u, ~0u,
					~0u,  ~0u,	  ~0u,	 ~0u,  ~0u, ~0ull };

static void ask(void *ctx, u32 leaf, u32 subleaf, u32 out[4])
{
	/* size, offset, flags of the XSAVE components as processors have them */
	static const u32 xsave[][3] = {
		[2] = { 256, 576, 0 },	[3] = { 64, 960, 0 },	 [4] = { 64, 1024, 0 }, [5] = { 64, 1088, 0 },
		[6] = { 512, 1152, 0 }, [7] = { 1024, 1664, 0 }, [9] = { 8, 2688, 0 }
	};
	static const u32 caches[][4] = { { 0x1c004121, 0x01c0003f, 0x3f, 0 },
					 { 0x1c004122, 0x01c0003f, 0x3f, 0 },
					 { 0x1c004143, 0x03c0003f, 0x3ff, 0 },
					 { 0x1c03c163, 0x0280003f, 0x2fff, 4 } };
	static const u32 intel[] = { 0x756e6547, 0x6c65746e, 0x49656e69 },
			 amd[] = { 0x68747541, 0x444d4163, 0x69746e65 };
	const struct host *h = ctx;
	u32 max = leaf & BIT(31) ? h->ext_max : h->max;
	u32 zero[4] = { 0 };

	if (leaf > max && !h->amd) { /* Intel repeats its last leaf: the policy must not take that for data */
		memset(out, 0xa5, 16);
		return;
	}
	memcpy(out, zero, sizeof(zero));
	if (leaf > max)
		return;
	if (h->all_ones)
		memset(out, 0xff, 16);
	switch (leaf) {
	case 0:
		out[0] = h->max;
		memcpy(&out[1], h->amd ? amd : intel, 12);
		break;
	case 1:
		out[0] = 0x50654;
		out[1] = 0x05100800;
		out[2] = h->l1c;
		out[3] = h->l1d;
		break;
	case 2:
		out[0] = 0x76036301;
		break;
	case 4:
		memcpy(out, subleaf < 4 ? caches[subleaf] : zero, 16);
		break;
	case 7:
		if (h->all_ones)
			break;
		if (!subleaf) {
			out[1] = h->l7b;
			out[2] = h->l7c;
			out[3] = h->l7d;
		}
		break;
	case 0xd:
		memcpy(out, zero, 16);
		if (subleaf == 0) {
			out[0] = (u32)h->xcr0;
			out[3] = (u32)(h->xcr0 >> 32);
			out[1] = out[2] = 0xdead;
		} else if (subleaf == 1) {
			out[0] = 0x1f;
			out[1] = 0xdead;
		} else if (subleaf < ARRAY_SIZE(xsave) && xsave[subleaf][0]) {
			memcpy(out, xsave[subleaf], 12);
			out[3] = 0xdead;
		}
		break;
	case 0x80000000:
		out[0] = h->ext_max;
		break;
	case 0x80000001:
		out[0] = h->amd ? 0x00a20f10 : 0;
		out[2] = h->x1c;
		out[3] = h->x1d;
		break;
	case 0x80000002:
		memcpy(out, "Test CPU @ 3 GHz", 16);
		break;
	case 0x80000008:
		out[0] = 0x3930 | (h->amd ? 0x100000 : 0); /* 57 linear bits, 48 physical */
		break;
	}
}

static const struct cpuid_params params = { .vcpus = 1,
					    .tsc_khz = 50000,
					    .kvm_features = 0x01000009,
					    .phys_bits = 39,
					    .xcr0 = 0x2e7,
					    .rdtscp = true,
					    .invpcid = true };

static struct cpuid_table *build(const struct host *h, struct cpuid_params p)
{
	static struct cpuid_table t;

	cpuid_build(&t, &p, ask, (void *)(uintptr_t)h);
	return &t;
}

static u32 look(const struct cpuid_table *t, u32 leaf, u32 subleaf, u32 reg)
{
	u32 r[4];

	cpuid_lookup(t, leaf, subleaf, r);
	return r[reg];
}

static u32 look_as(const struct cpuid_table *t, u32 leaf, u32 subleaf, u32 reg, struct cpuid_state s)
{
	u32 r[4];

	cpuid_fixup(t, cpuid_lookup(t, leaf, subleaf, r), &s, r);
	return r[reg];
}

#define HAS(t, leaf, sub, reg, bit) (look(t, leaf, sub, reg) >> (bit)&1)

/* On a host that has every bit there is, none of these appears;
 * and everything else that is meant to, does. */
static void hidden(void **state)
{
	static const struct {
		u32 leaf, sub, reg, allowed;
	} t[] = {
		{ 1, 0, CPUID_ECX, 0xf7fa3203 },
		{ 1, 0, CPUID_EDX, 0xf8bfbff },
		{ 7, 0, CPUID_EBX, 0xfdbf27eb },
		{ 7, 0, CPUID_ECX, 0x1a405f4f },
		{ 7, 0, CPUID_EDX, 0x80450c },
		{ 7, 1, CPUID_EAX, 0x8000bf },
		{ 7, 1, CPUID_EBX, 0 },
		{ 7, 1, CPUID_ECX, 0 },
		{ 7, 1, CPUID_EDX, 0x4430 },
		{ 0xd, 1, CPUID_EAX, 7 },
		{ 0x80000001, 0, CPUID_ECX, 0x10921 },
		{ 0x80000001, 0, CPUID_EDX, 0x2c100800 },
		{ 0x80000007, 0, CPUID_EDX, 0x100 },
		{ 0x80000007, 0, CPUID_EAX, 0 },
		{ 0x80000008, 0, CPUID_EBX, 0 },
	};
	struct cpuid_params p = params;
	struct cpuid_table *c;

	(void)state;
	c = build(&everything, p);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(look(c, t[i].leaf, t[i].sub, t[i].reg), t[i].allowed);
	/* by name, the ones that would be dangerous */
	assert_false(HAS(c, 1, 0, CPUID_ECX, 5));	   /* VMX */
	assert_false(HAS(c, 1, 0, CPUID_ECX, 6));	   /* SMX */
	assert_false(HAS(c, 1, 0, CPUID_ECX, 3));	   /* MONITOR */
	assert_false(HAS(c, 1, 0, CPUID_ECX, 15));	   /* PDCM */
	assert_false(HAS(c, 7, 0, CPUID_EBX, 2));	   /* SGX */
	assert_false(HAS(c, 7, 0, CPUID_EBX, 25));	   /* PT */
	assert_false(HAS(c, 7, 0, CPUID_EBX, 11));	   /* RTM */
	assert_false(HAS(c, 7, 0, CPUID_EBX, 14));	   /* MPX */
	assert_false(HAS(c, 7, 0, CPUID_ECX, 5));	   /* WAITPKG */
	assert_false(HAS(c, 7, 0, CPUID_ECX, 7));	   /* CET_SS */
	assert_false(HAS(c, 7, 0, CPUID_ECX, 13));	   /* TME */
	assert_false(HAS(c, 7, 0, CPUID_ECX, 16));	   /* LA57 */
	assert_false(HAS(c, 7, 0, CPUID_ECX, 31));	   /* PKS */
	assert_false(HAS(c, 7, 0, CPUID_EDX, 4));	   /* FSRM */
	assert_false(HAS(c, 7, 0, CPUID_EDX, 5));	   /* UINTR */
	assert_false(HAS(c, 7, 0, CPUID_EDX, 18));	   /* PCONFIG */
	assert_false(HAS(c, 7, 0, CPUID_EDX, 20));	   /* CET_IBT */
	assert_false(HAS(c, 7, 0, CPUID_EDX, 24));	   /* AMX-TILE */
	assert_false(HAS(c, 0xd, 1, CPUID_EAX, 3));	   /* XSAVES */
	assert_false(HAS(c, 0x80000001, 0, CPUID_ECX, 2)); /* SVM */
	/* leaves that say nothing */
	static const u32 empty[] = { 3,	   5,	 8,    9,    0xa,  0xc,	       0xe,	  0xf,
				     0x10, 0x11, 0x12, 0x13, 0x14, 0x17,       0x18,	  0x19,
				     0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x40000002, 0x4000000f };
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++)
		for (u32 sub = 0; sub < 3; sub++)
			for (u32 reg = 0; reg < 4; reg++)
				assert_int_equal(look(c, empty[i], sub, reg), 0);
	assert_int_equal(look(c, 6, 0, CPUID_EAX), 4); /* ARAT alone */
	assert_int_equal(look(c, 6, 0, CPUID_ECX), 0);
}

static void conditions(void **state)
{
	struct cpuid_params p = params;
	struct cpuid_table *c = build(&everything, p);

	(void)state;
	assert_true(HAS(c, 0x80000001, 0, CPUID_EDX, 27) && HAS(c, 7, 0, CPUID_ECX, 22) &&
		    HAS(c, 7, 0, CPUID_EBX, 10));
	assert_int_equal(look(c, 7, 0, CPUID_EDX) & 0xac000000, 0); /* IBRS, STIBP, SSBD, ARCH_CAPABILITIES */
	p.rdtscp = p.invpcid = false;
	c = build(&everything, p);
	assert_false(HAS(c, 0x80000001, 0, CPUID_EDX, 27) || HAS(c, 7, 0, CPUID_ECX, 22) ||
		     HAS(c, 7, 0, CPUID_EBX, 10));
	p.xcr0 = 7; /* no AVX-512, no PKRU */
	c = build(&everything, p);
	assert_true(HAS(c, 1, 0, CPUID_ECX, 28));
	assert_false(HAS(c, 7, 0, CPUID_EBX, 16) || HAS(c, 7, 0, CPUID_ECX, 3));
	p.xcr0 = 0x67; /* a part of AVX-512 is none */
	c = build(&everything, p);
	assert_false(HAS(c, 7, 0, CPUID_EBX, 16));
	assert_int_equal(cpuid_xcr0(c), 7);
	p.xcr0 = 3;
	c = build(&everything, p);
	assert_true(HAS(c, 1, 0, CPUID_ECX, 26));
	assert_false(HAS(c, 1, 0, CPUID_ECX, 28) || HAS(c, 7, 0, CPUID_EBX, 5));
	p.xcr0 = 0;
	c = build(&everything, p);
	assert_false(HAS(c, 1, 0, CPUID_ECX, 26));
	assert_int_equal(look(c, 0xd, 1, CPUID_EAX), 0);
	c = build(&penryn, params);
	assert_int_equal(cpuid_xcr0(c), 0);
	assert_false(HAS(c, 1, 0, CPUID_ECX, 26));
}

/* What the hypervisor makes appears on every host. */
static void forced(void **state)
{
	static const struct host *const hosts[] = { &skylake_x, &sandy_bridge, &penryn, &zen };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct cpuid_table *c = build(hosts[i], params);

		assert_true(HAS(c, 1, 0, CPUID_ECX, 21) && HAS(c, 1, 0, CPUID_ECX, 24) &&
			    HAS(c, 1, 0, CPUID_ECX, 31));
		assert_true(HAS(c, 7, 0, CPUID_EBX, 1) && HAS(c, 0x80000007, 0, CPUID_EDX, 8));
		assert_int_equal(look(c, 0, 0, CPUID_EAX), 0x16);
		assert_int_equal(look(c, 0x80000000, 0, CPUID_EAX), 0x80000008);
	}
}

static void skylake(void **state)
{
	struct cpuid_table *c = build(&skylake_x, params);
	char brand[16];

	(void)state;
	assert_int_equal(look(c, 0, 0, CPUID_EBX), 0x756e6547);
	assert_int_equal(look(c, 1, 0, CPUID_EAX), 0x50654);
	assert_int_equal(look(c, 1, 0, CPUID_EBX), 0x0800);
	assert_int_equal(look(c, 1, 0, CPUID_ECX), 0xf7fa3203);
	assert_int_equal(look(c, 7, 0, CPUID_EDX), 0);
	assert_int_equal(look(c, 7, 1, CPUID_EAX), 0);
	assert_int_equal(look(c, 7, 0, CPUID_EAX), 1);
	assert_int_equal(look(c, 2, 0, CPUID_EAX), 0x76036301);
	cpuid_lookup(c, 0x80000002, 0, (u32 *)brand);
	assert_memory_equal(brand, "Test CPU @ 3 GHz", 16);
	assert_int_equal(look(c, 0x80000008, 0, CPUID_EAX),
			 0x3027); /* 39 physical; 57 linear bits become 48 */
	assert_int_equal(cpuid_cr4_allowed(c), 0x3727ff & ~(CR4_VMXE | CR4_SMXE));
	assert_int_equal(cpuid_cr4_allowed(build(&sandy_bridge, params)), 0x627ff & ~CR4_VMXE);
	assert_int_equal(cpuid_cr4_allowed(build(&everything, params)), 0x770fff);
}

static void vcpu_part(void **state)
{
	struct cpuid_params p = params;
	struct cpuid_table *c;

	(void)state;
	p.vcpus = 6;
	c = build(&everything, p);
	assert_int_equal(look_as(c, 1, 0, CPUID_EBX, (struct cpuid_state){ .apic_id = 5 }), 0x05080800);
	assert_true(HAS(c, 1, 0, CPUID_EDX, 28));
	assert_false(look_as(c, 1, 0, CPUID_ECX, (struct cpuid_state){ 0 }) & BIT(27));
	assert_true(look_as(c, 1, 0, CPUID_ECX, (struct cpuid_state){ .cr4 = CR4_OSXSAVE }) & BIT(27));
	assert_false(look_as(c, 1, 0, CPUID_EDX, (struct cpuid_state){ 0 }) & BIT(9));
	assert_true(look_as(c, 1, 0, CPUID_EDX, (struct cpuid_state){ .apic_enabled = true }) & BIT(9));
	assert_false(look_as(c, 7, 0, CPUID_ECX, (struct cpuid_state){ .cr4 = CR4_OSXSAVE }) & BIT(4));
	assert_true(look_as(c, 7, 0, CPUID_ECX, (struct cpuid_state){ .cr4 = CR4_PKE }) & BIT(4));
	assert_false(look_as(c, 7, 1, CPUID_ECX, (struct cpuid_state){ .cr4 = CR4_PKE }) & BIT(4));
}

static void topology(void **state)
{
	static const struct {
		u32 vcpus, shift;
	} t[] = { { 1, 0 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { 5, 3 }, { 64, 6 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		for (u32 leaf = 0xb; leaf <= 0x1f; leaf += 0x14) {
			struct cpuid_params p = params;
			struct cpuid_table *c;
			u32 r[4], ids = 1u << t[i].shift;

			p.vcpus = t[i].vcpus;
			c = build(&everything, p);
			assert_int_equal(cpuid_lookup(c, leaf, 0, r), CPUID_FIX_TOPOLOGY);
			assert_int_equal(r[0], 0);
			assert_int_equal(r[1], 1);
			assert_int_equal(r[2], 0x100);
			assert_int_equal(cpuid_lookup(c, leaf, 1, r), CPUID_FIX_TOPOLOGY);
			assert_int_equal(r[0], t[i].shift);
			assert_int_equal(r[1], t[i].vcpus);
			assert_int_equal(r[2], 0x201);
			assert_int_equal(look_as(c, leaf, 1, CPUID_EDX, (struct cpuid_state){ .apic_id = 3 }),
					 3);
			cpuid_lookup(c, leaf, 7, r);
			assert_int_equal(r[0] | r[1], 0);
			assert_int_equal(r[2], 7);
			assert_int_equal(look_as(c, leaf, 7, CPUID_EDX, (struct cpuid_state){ .apic_id = 3 }),
					 3);
			/* caches: own L1 and L2, L3 of all; cores in the package */
			assert_int_equal(look(c, 4, 0, CPUID_EAX), 0x121 | (ids - 1) << 26);
			assert_int_equal(look(c, 4, 2, CPUID_EAX), 0x143 | (ids - 1) << 26);
			assert_int_equal(look(c, 4, 3, CPUID_EAX), 0x163 | (ids - 1) << 26 | (ids - 1) << 14);
			assert_int_equal(look(c, 4, 3, CPUID_ECX), 0x2fff);
			assert_int_equal(look(c, 4, 4, CPUID_EAX), 0);
			assert_int_equal(look(c, 4, 0xffffffff, CPUID_EAX), 0);
			assert_int_equal(look(c, 1, 0, CPUID_EBX) >> 16, t[i].vcpus > 1 ? ids : 0);
		}
}

static void xsave(void **state)
{
	struct cpuid_table *c = build(&everything, params);
	static const struct {
		u64 xcr0;
		u32 bytes, compacted;
	} t[] = { { 1, 576, 576 },	{ 3, 576, 576 },      { 7, 832, 832 },
		  { 0xe7, 2688, 2432 }, { 0x203, 2696, 584 }, { 0x2e7, 2696, 2440 } };

	(void)state;
	assert_int_equal(cpuid_xcr0(c), 0x2e7);
	assert_int_equal(look(c, 0xd, 0, CPUID_ECX), 2696);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct cpuid_state s = { .xcr0 = t[i].xcr0 };

		assert_int_equal(look_as(c, 0xd, 0, CPUID_EBX, s), t[i].bytes);
		assert_int_equal(look_as(c, 0xd, 1, CPUID_EBX, s), t[i].compacted);
	}
	assert_int_equal(look(c, 0xd, 2, CPUID_EAX), 256);
	assert_int_equal(look(c, 0xd, 2, CPUID_EBX), 576);
	assert_int_equal(look(c, 0xd, 2, CPUID_EDX), 0);
	assert_int_equal(look(c, 0xd, 3, CPUID_EAX), 0); /* MPX is hidden */
	assert_int_equal(look(c, 0xd, 9, CPUID_EAX), 8);
	assert_int_equal(look(c, 0xd, 10, CPUID_EAX), 0);
	assert_int_equal(look(c, 0xd, 63, CPUID_EAX), 0);
	assert_int_equal(look(c, 0xd, 1, CPUID_ECX) | look(c, 0xd, 1, CPUID_EDX), 0); /* no XSS */
	c = build(&skylake_x, params);
	assert_int_equal(cpuid_xcr0(c), 0xe7);
	assert_int_equal(look(c, 0xd, 0, CPUID_ECX), 2688);
}

static void time_leaves(void **state)
{
	static const struct {
		u32 tsc;
		bool leaf15;
	} t[] = {
		{ 50000, true }, { 3500123, true }, { 4294967, true }, { 4294968, false }, { 5000000, false }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct cpuid_params p = params;
		struct cpuid_table *c;
		u32 r[4];

		p.tsc_khz = t[i].tsc;
		c = build(&skylake_x, p);
		cpuid_lookup(c, 0x15, 0, r);
		if (t[i].leaf15) {
			assert_int_equal(r[2], t[i].tsc * 1000);
			/* as Linux computes it, in 32 bits */
			assert_int_equal(r[2] / 1000 * r[1] / r[0], t[i].tsc);
		} else {
			assert_int_equal(r[0] | r[1] | r[2], 0);
		}
		assert_int_equal(look(c, 0x16, 0, CPUID_EAX), (t[i].tsc + 500) / 1000);
		assert_int_equal(look(c, 0x40000010, 0, CPUID_EAX), t[i].tsc);
		assert_int_equal(look(c, 0x40000010, 0, CPUID_EBX), t[i].tsc);
	}
}

static void hypervisor(void **state)
{
	struct cpuid_table *c = build(&skylake_x, params);
	u32 r[4];

	(void)state;
	cpuid_lookup(c, 0x40000000, 0, r);
	assert_int_equal(r[0], 0x40000010);
	assert_memory_equal(&r[1], "KVMKVMKVM\0\0\0", 12);
	assert_int_equal(look(c, 0x40000001, 0, CPUID_EAX), params.kvm_features);
	assert_int_equal(look(c, 0x40000001, 0, CPUID_EDX), 0);
	cpuid_lookup(c, 0x40000100, 0, r);
	assert_int_equal(r[0], 0x40000101);
	assert_memory_equal(&r[1], "CaissonHyper", 12);
	assert_int_equal(look(c, 0x40000101, 0, CPUID_EAX), CAISSON_ABI_VERSION);
}

/* Out of range: Intel gives the data of the highest basic leaf (and heeds ECX there), AMD zeros. */
static void out_of_range(void **state)
{
	static const u32 leaves[] = { 0x17,	  0x20,	      0x3fffffff, 0x40000011, 0x400000ff,
				      0x40000102, 0x4000ff00, 0x7fffffff, 0x80000009, 0x8000001d,
				      0x8000001e, 0x80860000, 0xffffffff };
	struct cpuid_table *c = build(&skylake_x, params);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
		assert_int_equal(look(c, leaves[i], 0, CPUID_EAX), 50);
	c = build(&zen, params);
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
		for (u32 reg = 0; reg < 4; reg++)
			assert_int_equal(look(c, leaves[i], 1, reg), 0);
	c = build(&everything, params);
	assert_int_equal(look(c, 0, 0, CPUID_EAX), 0x1f);
	assert_int_equal(look(c, 0x20, 0, CPUID_ECX), 0x100);
	assert_int_equal(look(c, 0x20, 1, CPUID_ECX), 0x201);
}

static void amd(void **state)
{
	struct cpuid_params p = params;
	struct cpuid_table *c;
	u32 r[4], v[4];

	(void)state;
	p.vcpus = 5;
	c = build(&zen, p);
	cpuid_lookup(c, 0, 0, v);
	cpuid_lookup(c, 0x80000000, 0, r);
	assert_memory_equal(&r[1], &v[1], 12);
	assert_int_equal(look(c, 0x80000001, 0, CPUID_EAX), 0x00a20f10);
	assert_false(HAS(c, 0x80000001, 0, CPUID_ECX, 2)); /* SVM */
	assert_false(
		HAS(c, 0x80000001, 0, CPUID_ECX, 22)); /* topology extensions: leaf 8000001DH is hidden */
	assert_true(HAS(c, 0x80000001, 0, CPUID_ECX, 1));
	assert_int_equal(look(c, 0x80000001, 0, CPUID_EDX) & 0x0183f3ff, 0x0183f3ff);
	assert_int_equal(look(c, 0x80000008, 0, CPUID_ECX), 0x3004);
	assert_int_equal(look(c, 4, 0, CPUID_EAX), 0);
	assert_int_equal(look(c, 2, 0, CPUID_EAX), 0);
	assert_int_equal(cpuid_xcr0(c), 0x207);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hidden),	cmocka_unit_test(conditions),  cmocka_unit_test(forced),
		cmocka_unit_test(skylake),	cmocka_unit_test(vcpu_part),   cmocka_unit_test(topology),
		cmocka_unit_test(xsave),	cmocka_unit_test(time_leaves), cmocka_unit_test(hypervisor),
		cmocka_unit_test(out_of_range), cmocka_unit_test(amd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
