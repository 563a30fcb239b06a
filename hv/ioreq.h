/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of an access that a device model answers, and the one call by which a device model lives.
 *
 *   requester: IO_IDLE -> ioreq_submit: slot filled, IO_QUEUED, in dm's queue, sleeps
 *   dm: `wait` takes it: IO_TAKEN          dm: `wait` with its token: answer read once, IO_ANSWERED,
 * requester woken requester, back on its CPU: PEND_IO -> arch completes the instruction, IO_IDLE The state is
 * the hypervisor's alone; the shared page carries only data, and each datum is read once.
 */
#ifndef HV_IOREQ_H
#define HV_IOREQ_H

#include "hv/types.h"
#include "hv/abi/caisson.h"
#include "hv/vcpu.h"
#include "hv/bus.h"
#include "hv/domain.h"

/* The vCPU (on its CPU, in an exit at rip) asks the claim's device model. what: ioreq_what(), and
 * IOREQ_WRITE. V_BLOCK: it sleeps and PEND_IO will follow with v->io_data; V_STOP: its domain was stopped. */
enum verdict ioreq_submit(struct vcpu *v, const struct claim *c, u64 addr, u64 data, u64 what, u64 rip);
/* A ring for d, whose claims with posted writes are dm's.
 * d is paused. -EBUSY: another has such claims; -ENOMEM. */
int ioreq_ring(struct domain *d, const struct domain *dm);
/* The hypercall: answers `token` (0: nothing), then gives the next thing or sleeps. */
enum verdict ioreq_wait(struct vcpu *v, u64 token, u64 deadline, s64 *result);
/* Wakes the sleeper in `wait` of d, if any, with what is there now. Any CPU. */
void ioreq_notify(struct domain *d);
/* Has a vCPU of d, which is still, a request under way to dm? Then dm's claims on d hold it. */
bool ioreq_asks(const struct domain *d, const struct domain *dm);
/* A domain goes away or is reset: its requests are taken out of every queue, and nobody
 * waits. Its vCPUs run nowhere. False: another CPU is about to wake this one, which might end a
 * sleep of its next life. */
bool ioreq_cancel(struct vcpu *v);
/* The device model ends: nobody is in its queue any more;
 * those who were stay asleep. Its vCPUs run nowhere. */
void ioreq_orphan(struct domain *dm);
/* The device model dm was reset and runs nowhere: who waited for its answer is in its queue again. */
void ioreq_again(struct domain *dm);
/* A new vCPU. */
void ioreq_init(struct vcpu *v);

/* size, kind and write of struct caisson_ioreq, in one word; size, kind and vcpu of struct caisson_posted. */
#define IOREQ_WRITE   (1ull << 40)
#define IOREQ_VCPU(v) ((u64)(v)->id << 48)
static inline u64 ioreq_what(u32 kind, u32 size)
{
	return size | (u64)kind << 32;
}

/* A write to a range of the claim c, whose writes are posted: goes into the ring, and true.
 * False: the ring is full. On its CPU. */
static inline bool ioreq_post(struct vcpu *v, const struct claim *c, u64 addr, u64 data, u64 what, u64 rip)
{
	struct domain *d = v->domain;
	struct caisson_ring *ring = d->posted.ring;
	u32 head;

	lock(&d->posted.lock);
	head = d->posted.head;
	if (unlikely(head - READ_ONCE(ring->tail) >= CAISSON_RING)) {
		/* or the model's word is wrong: it harms its own ring */
		unlock(&d->posted.lock);
		return false;
	}
	struct caisson_posted *e = &ring->entry[head % CAISSON_RING];

	e->addr = addr;
	e->data = data;
	__builtin_memcpy(&e->size, &what, sizeof(what));
	e->rip = rip;
	d->posted.head = head + 1;
	__atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
	unlock(&d->posted.lock);
	/* A locked access: the model takes the event, then looks at head. */
	if (unlikely(
		    !(__atomic_fetch_or(&c->dm->events.pending, BIT(CAISSON_EVENT_POSTED), __ATOMIC_SEQ_CST) &
		      BIT(CAISSON_EVENT_POSTED))))
		ioreq_notify(c->dm);
	return true;
}

#endif
