/* SPDX-License-Identifier: BSD-2-Clause */
/* In the place of arch/x86/asm.h, hostmap.h and traps.h:
 * registers that are variables, windows that are open. */
#ifndef X86_ASM_H
#define X86_ASM_H
#define X86_HOSTMAP_H
#define X86_TRAPS_H

#include "tests/host/fake_io.h"

struct trap_frame;
extern u64 fake_cr2, fake_dr6, fake_msr, fake_tsc_now;
extern bool fake_xsetbv, fake_msr_ok;

static inline void write_cr2(u64 v)
{
	fake_cr2 = v;
}
static inline u64 read_dr6(void)
{
	return fake_dr6;
}
static inline void write_dr6(u64 v)
{
	fake_dr6 = v;
}
static inline bool xsetbv_safe(u32 reg, u64 v)
{
	(void)reg, (void)v;
	return fake_xsetbv;
}
static inline u64 rdtsc(void)
{
	return fake_tsc_now;
}
static inline bool rdmsr_safe(u32 msr, u64 *v)
{
	(void)msr;
	*v = fake_msr;
	return fake_msr_ok;
}
static inline bool wrmsr_safe(u32 msr, u64 v)
{
	(void)msr;
	fake_msr = v;
	return fake_msr_ok;
}
void *domain_ptr(hpa_t pa);
static inline void domain_open(void)
{
}
static inline void domain_close(void)
{
}
void nmi_handle(const struct trap_frame *f);
void nmi_unblock(void);
void machine_check(struct trap_frame *f);

#endif
