/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual CPU as hv sees it: who it belongs to, whether it may run, what waits for it.
 * arch/ puts this first in its own.
 *
 * Who may write: (o) the CPU that has it loaded, or anybody while it is loaded nowhere; (a)
 * atomic; (q) the queue's lock named.
 */
#ifndef HV_VCPU_H
#define HV_VCPU_H

#include "hv/lock.h"
#include "hv/abi/caisson.h"
#include "hv/types.h"
#include "hv/sched.h"
#include "hv/timer.h"

/* What a handler answers; one function (exit_apply) acts on it. */
enum verdict {
	V_RESUME,  /* enter the guest again where it stands */
	V_ADVANCE, /* first step over the instruction: RIP += length, STI and MOV SS shadows end */
	V_SLEEP,   /* step over it and leave the CPU: vcpu_sleep() was called */
	V_BLOCK,   /* leave the CPU without stepping: the instruction is finished, or run again, afterwards */
	V_STOP,	   /* the domain was stopped */
};

/* Pending work: one word, looked at with interrupts off right before every entry. */
enum {
	PEND_LEAVE = BIT(0), /* give the CPU back to hv (scheduler, pause, stop) */
	PEND_IRQ = BIT(1),   /* the local APIC was posted something */
	PEND_NMI = BIT(2),
	PEND_FLUSH = BIT(3), /* second-stage translations are stale */
	PEND_IO = BIT(4),    /* a device model has answered */
	PEND_ARCH = BIT(5),  /* arch's own: INIT, SIPI, clock update */
	PEND_EVENT = BIT(6), /* an exception is to be injected */
	PEND_DEBUG = BIT(7), /* a debugger wants something of it; stays until it has it */
};

/* Who looks at each of its exits. */
enum { WATCH_TRACE = CAISSON_WATCH_TRACE, WATCH_DEBUG = BIT(1) };

/* Why a vCPU is not runnable. */
enum vcpu_sleep {
	SLEEP_NO,
	SLEEP_HLT,   /* until an interrupt */
	SLEEP_SIPI,  /* until a start-up IPI */
	SLEEP_IOREQ, /* until a device model answers */
	SLEEP_WAIT,  /* in hypercall wait */
	SLEEP_AGAIN, /* the control domain's, that crashed: until it is started again */
};

enum ioreq_state { IO_IDLE, IO_QUEUED, IO_TAKEN, IO_ANSWERED };

struct vcpu {
	struct domain *domain;
	u32 id;
	u32 pending;	  /* (a) PEND_* */
	u32 watch;	  /* (a) WATCH_* */
	struct pcpu *cpu; /* where it is loaded, or NULL (o) */
	u32 sleep;	  /* enum vcpu_sleep (o) */
	u32 io_state;	  /* enum ioreq_state (a) */
	struct sched_unit sched;
	/* as a requester: its place in the device model's queue */
	struct vcpu *io_next; /* (q dm->ioq.lock) */
	struct domain *io_dm; /* whose answer it waits for; the claim holds the reference (q) */
	u64 io_data;	      /* the answer (o) */
	u64 io_word;	      /* what `wait` says of its requests */
	/* as a device model in `wait` */
	struct timer wait_timer;
	u64 wait_deadline;    /* of the `wait` that it sleeps in, 0: none (q) */
	struct vcpu *handoff; /* who shall have the CPU when this one leaves it asleep (o) */
	u64 wakeups;
	struct lock still; /* outermost: its state while no CPU has it, which calls on several may look at */
};

/* Sets pending bits and makes the vCPU see them soon:
 * kicks its CPU, or wakes it where `wake` says that the bits end its sleep. Any CPU. */
void vcpu_pend(struct vcpu *v, u32 bits, bool wake);
/* The vCPU itself, in an exit handler: it will sleep for this reason when it leaves the CPU. */
static inline void vcpu_sleep(struct vcpu *v, enum vcpu_sleep why)
{
	__atomic_store_n(&v->sleep, why, __ATOMIC_SEQ_CST);
}

/* Its sleep for the reason `why` ends, or the one that it is about to begin does. Nothing happens when it
 * sleeps for another reason, or not. Any CPU. */
void vcpu_wake(struct vcpu *v, u32 why);

static inline struct vcpu *vcpu_of(struct sched_unit *u)
{
	return container_of(u, struct vcpu, sched);
}

#endif
