/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's registers as GDB numbers them (T). */
#ifndef CONTROL_GDB_REGS_H
#define CONTROL_GDB_REGS_H

#include "guest/lib/types.h"
#include "hv/abi/caisson.h"

struct gdb_state {
	struct caisson_vcpu_context c;
	uint8_t fx[CAISSON_FPU_BYTES]; /* as FXSAVE64 stores it */
};

/* How many there are. */
u32 gdb_regs(void);
/* Register n in hexadecimal, as packets have it; returns the characters, 0: there is none. */
u32 gdb_reg_get(const struct gdb_state *g, u32 n, char *to);
/* The other way; returns the characters taken, 0: there is none, or too few. */
u32 gdb_reg_set(struct gdb_state *g, u32 n, const char *from);
/* At most n bytes of the target description from `offset` on; 0: that is its end. */
u32 gdb_target_xml(u32 offset, char *to, u32 n);

/* ---- hexadecimal ---- */
int hex_digit(char c); /* -1: none */
void hex_put(char *to, const void *bytes, u32 n);
bool hex_get(void *bytes, const char *from, u32 n);

#endif
