/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end, with a complete report: message, registers, possible callers, all other CPUs stopped.  Never
 * reachable by what a guest does.  Any context, NMI too.
 */
#ifndef HV_PANIC_H
#define HV_PANIC_H

#include "hv/types.h"

void panic(const char *fmt, ...) __printf(1, 2) __attribute__((noreturn, cold));
/* Is one under way? Its CPU prints without locks. */
bool panic_active(void);
void panic_printf(const char *fmt, ...) __printf(1, 2);

extern u64 __stack_chk_guard; /* the canary of functions with buffers: arch sets it, another at each boot */

/* ASSERT(cond, "what it means, with values: %u", x) */
#define ASSERT(cond, fmt, ...)                                                              \
	do {                                                                                \
		if (unlikely(!(cond)))                                                      \
			panic("%s:%d: %s: " fmt, __FILE__, __LINE__, #cond, ##__VA_ARGS__); \
	} while (0)

/* arch: stops the other CPUs; prints this one's registers and callers; ends an emulator or halts; halts. */
void arch_panic_stop_others(void);
void arch_panic_report(void);
void arch_panic_end(void) __attribute__((noreturn));
void arch_panic_halt(void) __attribute__((noreturn));

#endif
