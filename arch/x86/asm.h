/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One wrapper per instruction that C cannot say.  Any context; interrupts as the caller has them.
 */
#ifndef X86_ASM_H
#define X86_ASM_H

#include "hv/types.h"

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline u64 rdmsr(u32 msr)
{
	u64 lo, hi; /* of both the upper halves are cleared */

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

/*
 * An instruction that may fault: FIXUP(1b, 2f) makes a #GP or #UD at label 1 continue at label 2.
 */
#define FIXUP(at, to)                    \
	".pushsection .fixup, \"a\"\n\t" \
	".quad " #at ", " #to "\n\t"     \
	".popsection\n\t"

/* false: the processor refused (#GP); *v is 0 then. */
static inline bool __must_check rdmsr_safe(u32 msr, u64 *v)
{
	u32 lo = 0, hi = 0;
	u8 ok = 0;

	__asm__ volatile("1: rdmsr\n\tmovb $1, %2\n2:\n\t" FIXUP(1b, 2b)
			 : "+a"(lo), "+d"(hi), "+q"(ok)
			 : "c"(msr)
			 : "memory");
	*v = ok ? (u64)hi << 32 | lo : 0;
	return ok;
}

/* false: #GP, a reserved or inconsistent bit */
#define DEFINE_SAFE_WRITE(name, insn)                                               \
	static inline bool __must_check name(u32 reg, u64 v)                        \
	{                                                                           \
		u8 ok = 0;                                                          \
		__asm__ volatile("1: " insn "\n\tmovb $1, %0\n2:\n\t" FIXUP(1b, 2b) \
				 : "+q"(ok)                                         \
				 : "c"(reg), "a"((u32)v), "d"((u32)(v >> 32))       \
				 : "memory");                                       \
		return ok;                                                          \
	}
DEFINE_SAFE_WRITE(wrmsr_safe, "wrmsr")
DEFINE_SAFE_WRITE(xsetbv_safe, "xsetbv")
#undef DEFINE_SAFE_WRITE

static inline u64 xgetbv(u32 reg)
{
	u32 lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(reg));
	return (u64)hi << 32 | lo;
}

static inline u64 rdtsc(void)
{
	u64 tsc;

	__asm__ volatile("rdtsc; shl $32, %%rdx; or %%rdx, %%rax" : "=a"(tsc) : : "rdx", "cc");
	return tsc;
}

#define DEFINE_REG(name)                                                        \
	static inline u64 read_##name(void)                                     \
	{                                                                       \
		u64 v;                                                          \
		__asm__ volatile("mov %%" #name ", %0" : "=r"(v) : : "memory"); \
		return v;                                                       \
	}                                                                       \
	static inline void write_##name(u64 v)                                  \
	{                                                                       \
		__asm__ volatile("mov %0, %%" #name : : "r"(v) : "memory");     \
	}
DEFINE_REG(cr0)
DEFINE_REG(cr2)
DEFINE_REG(cr3)
DEFINE_REG(cr4)
DEFINE_REG(cr8)
DEFINE_REG(dr0)
DEFINE_REG(dr1)
DEFINE_REG(dr2)
DEFINE_REG(dr3)
DEFINE_REG(dr6)
DEFINE_REG(dr7)
#undef DEFINE_REG

/*
 * SDM volume 2, "STAC", "CLAC": user pages within reach, out of it. Where there is no SMAP
 * they are #UD: cpu_patch() takes them out.
 */
#define SMAP_INSN(insn) "1: " insn "\n\t.pushsection .smap, \"a\"\n\t.quad 1b\n\t.popsection\n\t"
static inline void stac(void)
{
	__asm__ volatile(SMAP_INSN("stac") : : : "memory", "cc");
}

static inline void clac(void)
{
	__asm__ volatile(SMAP_INSN("clac") : : : "memory", "cc");
}

static inline void invlpg(u64 va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline void irq_off(void)
{
	__asm__ volatile("cli" : : : "memory");
}

struct desc_ptr {
	u16 limit;
	u64 base;
} __packed;

static inline void lidt(const struct desc_ptr *p)
{
	__asm__ volatile("lidt %0" : : "m"(*p));
}

#endif
