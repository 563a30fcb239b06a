/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where boot/boot.asm leaves for C.
 */
#ifndef X86_INIT_H
#define X86_INIT_H

#include "hv/types.h"

/* Boot CPU, boot page tables, boot stack. mbi: physical; tsc: at the first instruction. */
void __attribute__((noreturn)) x86_boot(u32 mbi, u64 tsc);

#endif
