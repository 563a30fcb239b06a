/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests that attack the walls. One image; its command line says which wall, with which seed, for how many
 * milliseconds: "WALL SEED [MS]". Equal words try equal things in equal order. How it ends is open: by itself
 * (exit 0), or the domain crashes; but exit 1 says that a wall had a hole: something was seen, or done, that
 * must not be. What holds outside is for whoever starts it to check (tests/system/hostile.py, scripts/soak).
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "guest/lib/runtime.h"

struct wall {
	const char *name;
	void (*run)(void);
};

/* ---- the seeded generator ---- */
u64 rnd(void);	  /* 64 random bits */
u32 below(u32 n); /* 0 to n - 1 */
u64 nasty(void);  /* a value that programs trip over: 0, all ones, one bit, a bound, small, random */
bool go_on(void); /* there is time left */
void hole(const char *fmt, ...) __printf(1, 2) __attribute__((noreturn)); /* a wall has one */

/* ---- exceptions ---- */
#define NO_TRAP 256u
/* Runs fn(arg); the first exception ends it. The vector, or NO_TRAP. Descriptor tables, control registers,
 * page tables and segments are ours again afterwards. Only on vCPU 0, and it does not nest. */
u32 attempt(void (*fn)(void *), void *arg);
/* Exceptions and NMIs get a stack of their own: for code that loses RSP. Only vCPU 0 may get any from then
 * on. */
void traps_on_own_stack(void);
void sane(void);

/* ---- other vCPUs ---- */
/* Starts vCPU id at fn(id), interrupts off; false where there is none. What it does raises no exception. */
bool helper(u32 id, void (*fn)(u32 id));
/* A helper that sends vCPU 0 an NMI when tick() was not called for a while. */
void watchdog(void);
void tick(void);

/* ---- memory ---- */
#define SCRATCH	      0x400000ul /* 2 MiB of RAM to ruin, mapped writable and executable for everybody */
#define SCRATCH_BYTES 0x200000ul
void scratch_open(void);
void scratch_only(
	void);	 /* nothing but 16 MiB is mapped any more: a stray access is a page fault, and not the end */
u64 place(void); /* an address: RAM of ours, a device, nothing, or nonsense */

extern const struct wall wall_calls, wall_msrs, wall_regs, wall_ports, wall_code, wall_real, wall_mmio,
	wall_traps, wall_irqs, wall_insns, wall_memory, wall_build, wall_victim;

#endif
