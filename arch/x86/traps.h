/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions, NMIs and interrupts that reach the hypervisor itself, in root mode.
 */
#ifndef X86_TRAPS_H
#define X86_TRAPS_H

#include "arch/x86/regs.h"
#include "hv/types.h"

struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/* Called by the stubs of stubs.asm. */
void trap_handle(struct trap_frame *f, u64 ssp);
/* An NMI has come: in root mode, or as a VM exit (then the vendor's code calls this; NMIs are blocked
 * meanwhile, and f is NULL). Stops the CPU when another one panics. Takes no lock. */
void nmi_handle(const struct trap_frame *f);
/* A machine check has come, in root mode (f) or as a VM exit (NULL):
 * reports the banks and ends in panic(). */
void machine_check(struct trap_frame *f);
/* After nmi_handle() for an NMI that came as a VM exit: an IRET lets the next one in, here of a #DB that
 * changes nothing. SDM volume 3, "Nonmaskable Interrupt (NMI)". */
static inline void nmi_unblock(void)
{
	__asm__ volatile("int %0" : : "i"(X86_DB) : "memory");
}
/* Fills the IDT; before the first percpu_load(). */
void traps_init(void);
void traps_load(void);

/* stubs.asm: one entry point per vector, 16 bytes apart */
extern u8 trap_stubs[];
/* Continues at fn on another stack; never comes back. */
void __attribute__((noreturn)) stack_switch(u64 stack_top, void (*fn)(void *), void *arg);

#endif
