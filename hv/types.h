/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words that every file of the hypervisor uses.
 */
#ifndef HV_TYPES_H
#define HV_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* A guest-physical and a host-physical address never mix: each is a type of its own. */
typedef struct {
	u64 v;
} gpa_t;
typedef struct {
	u64 v;
} hpa_t;

#define GPA(x) ((gpa_t){ (x) })
#define HPA(x) ((hpa_t){ (x) })

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ul
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define SZ_2M	   (1ul << 21)
#define SZ_1G	   (1ul << 30)

#define BIT(n) (1ull << (n))
/* MASK(hi, lo): the bits of a field; the mask carries its own shift for GET and PUT. */
#define MASK(hi, lo)  ((~0ull >> (63 - (hi))) & (~0ull << (lo)))
#define MASK_SHIFT(m) (__builtin_ctzll(m))
#define GET(m, v)     (((v) & (m)) >> MASK_SHIFT(m))
#define PUT(m, v)     (((u64)(v) << MASK_SHIFT(m)) & (m))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* clang-format off */
#define ALIGN_UP(x, a)	 (((x) + (a) - 1) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
/* clang-format on */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __noinline  __attribute__((noinline))
/* Where the processor tracks indirect branches: a function that may be called through a pointer; and the type
 * of a pointer that nobody can change, so that what it points to need not begin with ENDBR64. */
#if __CET__ & 1
#define __endbr	  __attribute__((cf_check))
#define __notrack __attribute__((nocf_check))
#else
#define __endbr
#define __notrack
#endif
/* Written at boot, read-only from arch_seal() on. */
#define __ro_after_init __attribute__((section(".data.ro_after_init")))
#define __packed	__attribute__((packed))
#define __aligned(n)	__attribute__((aligned(n)))
#define __printf(f, a)	__attribute__((format(printf, f, a)))
#define __must_check	__attribute__((warn_unused_result))
#define barrier()	__asm__ volatile("" ::: "memory")

/* *p becomes `to` if it is *was, else *was what it is. A full barrier. */
#define CAS(p, was, to)	 __atomic_compare_exchange_n(p, was, to, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)
#define READ_ONCE(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#endif
