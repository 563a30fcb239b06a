/* SPDX-License-Identifier: BSD-2-Clause */
/* Rights: what one domain may do to the machine and to others. Checked in one place, hypercall_dispatch(). (T) */
#ifndef HV_RIGHTS_H
#define HV_RIGHTS_H

#include "hv/types.h"

enum {
	RIGHT_NONE = 0,		/* everybody */
	RIGHT_INFO = BIT(0),	/* read what the hypervisor knows of a domain or the machine */
	RIGHT_CONSOLE = BIT(1), /* the machine's console */
	RIGHT_BUILD = BIT(2),	/* create domains, see modules */
	RIGHT_LIFE = BIT(3),	/* pause, unpause, end, reset, destroy */
	RIGHT_MEM_READ = BIT(4),
	RIGHT_MEM_WRITE = BIT(5), /* includes giving it RAM */
	RIGHT_REGS = BIT(6),
	RIGHT_DM = BIT(7),	/* answer its accesses, raise its interrupts */
	RIGHT_SCHED = BIT(8),
	RIGHT_EVENT = BIT(9),
	RIGHT_MACHINE = BIT(10), /* power, pools */
	RIGHT_ALL = BIT(11) - 1,
};

/* 0 or -EPERM: does somebody who holds `held` pass a call that needs `need`, on itself when `self`? */
int rights_check(u32 held, u32 need, bool self);
const char *rights_name(u32 bit);

#endif
