/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions, NMIs and interrupts that reach the hypervisor itself, in root mode.
 */
#ifndef X86_TRAPS_H
#define X86_TRAPS_H

#include "hv/types.h"

struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/* Called by the stubs of stubs.asm. */
void trap_handle(struct trap_frame *f);
/* An NMI has come: in root mode, or as a VM exit (then the vendor's code calls this; NMIs are blocked meanwhile). Counts it,
 * stops the CPU when another one panics. Takes no lock. */
void nmi_handle(void);
/* Fills the IDT; before the first percpu_load(). */
void traps_init(void);
void traps_load(void);

/* stubs.asm: one entry point per vector, 16 bytes apart */
extern u8 trap_stubs[];
/* Continues at fn on another stack; never comes back. */
void __attribute__((noreturn)) stack_switch(u64 stack_top, void (*fn)(void *), void *arg);

#endif
