/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The devices of one domain: which model answers which port or page. The models themselves (dev/) know
 * nothing of domains.
 */
#ifndef CONTROL_DEVICES_H
#define CONTROL_DEVICES_H

#include "guest/control/dev/dev.h"
#include "guest/control/dev/exitport.h"
#include "guest/control/dev/fwcfg.h"
#include "guest/control/dev/pmtimer.h"
#include "guest/control/dev/power.h"
#include "guest/control/dev/rtc.h"
#include "guest/control/dev/testdev.h"
#include "guest/control/dev/uart.h"
#include "hv/abi/caisson.h"

struct dom;

/*
 * An 8259A: its mask reads back, for that is how guests find out that it is there. It raises nothing, but for
 * the lines of the test device (pic_line() in devices.c).
 */
struct pic {
	u8 mask, icw_left;
	u8 base;       /* of its eight vectors */
	bool icw_base; /* ICW2 has come */
};

struct devices {
	struct dev_host host, test_host;
	struct pmtimer pmtimer;
	struct power power;
	struct exitport exitport;
	struct fwcfg fwcfg;
	struct pic pic[2];
	struct rtc rtc;
	u64 rtc_at;	      /* TSC ticks, ~0: never */
	struct testdev *test; /* NULL without --testdev */
	struct uart uart;
};

/* Power-up state. False: no memory for the test device. */
bool devices_init(struct dom *d, u64 memory, u32 vcpus, bool testdev);
void devices_free(struct dom *d);
/* Asks the hypervisor for their ranges; the domain is paused. 0 or its error, and then *what says which. */
s64 devices_claim(struct dom *d, const char **what);
/* Writes the state of all and d->flags where a later control domain finds them;
 * done from then on as they change. */
void devices_keep(struct dom *d);
/* Were they kept, and the flags. */
bool devices_kept(const struct dom *d, u32 *flags);
/* After devices_init(): the state that was kept. */
void devices_adopt(struct dom *d);
/* Answers one access. */
void devices_access(struct dom *d, struct caisson_ioreq *q);
/* Runs what is due at `now` (TSC ticks); when the next is, or ~0. */
u64 devices_timers(struct dom *d, u64 now);
void devices_button(struct dom *d);

#endif
