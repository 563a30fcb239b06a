/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine that hv/arch.h asks for, as a host test sees it: time that the test moves, memory that it
 * makes, kicks counted. */
#ifndef FAKE_ARCH_H
#define FAKE_ARCH_H

#include <setjmp.h>
#include "hv/pcpu.h"
#include "hv/types.h"

#define FAKE_CPUS    64
#define FAKE_REGIONS 64

struct fake {
	u64 now;   /* TSC; unless `real` */
	u64 step;  /* by which each look moves it */
	bool real; /* the host's clock instead */
	u64 khz;
	u32 cpus;		/* online */
	bool kicked[FAKE_CPUS]; /* set by arch_cpu_kick(), cleared by the test */
	u64 kicks[FAKE_CPUS];
	u64 timer[FAKE_CPUS]; /* what arch_timer_set() was told */
	u64 timer_sets[FAKE_CPUS];
	u32 turns[FAKE_CPUS]; /* run_turn_ends() */
	u64 windows;	      /* calls of arch_irq_window() */
	void (*window)(void); /* what happens in them */
	u64 mapped;	      /* calls of arch_domain_map() */
	/* windows of frames from there on show the 2 MiB there, whatever their number; 0: none does */
	u64 fold;
	struct {
		u64 base, bytes;
		char *mem, *direct; /* two views; the second only where arch_direct_set() said so */
	} region[FAKE_REGIONS];
	u32 regions;
	u64 panics;
	char panic_text[256];
};

extern struct fake fake;
extern struct pcpu fake_pcpu[FAKE_CPUS];
extern _Thread_local u32 fake_cpu;   /* which CPU the calling thread is */
extern _Thread_local bool fake_open; /* a window on a domain's frames is open */
extern _Thread_local jmp_buf *fake_panic_jump;

/* Back to the beginning: no memory, one CPU of 1 GHz at time 0. */
void fake_reset(void);
/* RAM at a physical address,
 * filled with a pattern that is not zero (where touched: it is mapped lazily when `lazy`). */
void *fake_memory(u64 base, u64 bytes, bool lazy);
void *fake_at(u64 pa);

/* The statement must panic. Locks that it held stay held. */
#define assert_panics(statement)                            \
	do {                                                \
		jmp_buf jump_;                              \
		u64 before_ = fake.panics;                  \
		fake_panic_jump = &jump_;                   \
		if (!setjmp(jump_)) {                       \
			statement;                          \
		}                                           \
		fake_panic_jump = NULL;                     \
		assert_int_equal(fake.panics, before_ + 1); \
	} while (0)

#endif
