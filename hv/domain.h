/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains: their table, their life, their memory.
 *
 * Lock order, outermost first; no lock is taken while one to its right is held:
 *   vcpu.still > domain table > shares > domain.vm > domain.irq (arch) > ioreq queue > frames
 *   > scheduler > timers > console > log
 *
 * Root mode runs with interrupts off, so a lock is held for a bounded stretch and never across a guest entry.
 */
#ifndef HV_DOMAIN_H
#define HV_DOMAIN_H

#include "hv/types.h"
#include "hv/abi/caisson.h"
#include "hv/bus.h"
#include "hv/event.h"
#include "hv/heap.h"
#include "hv/lock.h"
#include "hv/rights.h"
#include "hv/sched.h"
#include "hv/vcpu.h"

#define DOMID_NONE     0xffffu
#define DOMAIN_REGIONS 8

struct region { /* of guest-physical addresses that are RAM */
	u64 base, pages;
	u32 flags; /* CAISSON_POP_* */
};

struct domain {
	u16 id;
	/* (a) the table's one, each claim, each vCPU on its way to be woken, each call at work on it */
	u32 refs;
	u32 pauses;    /* (vm lock) while not zero no vCPU of it runs */
	u32 calls;     /* (vm lock) of the pauses: those of calls at work, which only they end */
	u32 ended;     /* (a) CAISSON_END_*: set once, reset by domain_reset */
	bool dying;    /* destroy has begun: nothing new may hold it */
	bool stopped;  /* (a) a debugged vCPU holds one of the pauses */
	u32 watch;     /* CAISSON_WATCH_*, for vCPUs to come */
	bool making;   /* (a) vcpu_create is at work */
	bool unmaking; /* (a) destroy or reset is at work */
	struct rights rights;
	u64 code; /* of the end */
	u32 max_vcpus, vcpus;
	struct vcpu *vcpu[CAISSON_MAX_VCPUS]; /* set once by vcpu_create, cleared by destroy */
	struct sched_group sched;
	struct {
		struct lock lock;
		struct region region[DOMAIN_REGIONS];
		u32 regions;
		u64 charged;   /* pages reserved at creation */
		u64 populated; /* of them given, or in the hand of who is to give them */
		struct giant { /* a 1 GiB page in the making */
			hpa_t pa;
			u64 gpa, bytes; /* zeroed so far; 0: there is none */
			bool busy;
		} giant;
	} vm;
	struct bus bus;
	struct events events;
	struct ioreq_queue {
		struct lock lock;
		struct vcpu *head, *tail; /* requesters of other domains that this domain is to answer */
		struct vcpu *taken;	  /* the requester taken last and not yet answered */
		struct vcpu *waiter;	  /* the vCPU of this domain that sleeps in `wait` */
	} ioq;
	struct caisson_ioreq_page *ioreq; /* a hypervisor page, shown to the device model */
	struct {
		struct lock lock; /* innermost */
		u32 head;
		struct caisson_ring *ring; /* another one, from the first posted claim on; NULL: none */
	} posted;
	struct share *granted; /* (share lock) */
	struct heap held;      /* (share lock) by address */
	bool untold;	       /* (table lock) its end was not yet told by domain_event */
	u64 created;	       /* TSC */
	u64 nothing;	       /* accesses to where nothing is */
	char name[CAISSON_NAME];
	char origin[CAISSON_ORIGIN];
	char args[CAISSON_ARGS];
	char why[160];
};

/* ---- table ---- */
/* The domain with a reference, or NULL. Any CPU. */
struct domain *domain_get(u32 id);
/* The first with an id >= id, with a reference, or NULL. O(distance). */
struct domain *domain_get_next(u32 id);
static inline struct domain *domain_ref(struct domain *d)
{
	__atomic_add_fetch(&d->refs, 1, __ATOMIC_RELAXED);
	return d;
}
void domain_free(struct domain *d); /* by domain_put() alone */
static inline void domain_put(struct domain *d)
{
	if (unlikely(__atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) == 0))
		domain_free(d);
}
u32 domain_count(void);

/* ---- life ---- */
/* Makes a paused domain without vCPUs; its RAM is charged; its creator holds all rights over it (none: the
 * hypervisor's own, with the id CAISSON_CONTROL). Error: -EINVAL, -ENOMEM, -ENOSPC. */
int domain_create(const struct caisson_create *c, const struct domain *creator, struct domain **out);
int domain_vcpu_create(struct domain *d, u32 id);
/* A bounded piece of the work:
 * 0 when all is gone (the caller's reference remains), -EAGAIN to be called again. */
int domain_destroy(struct domain *d);
/* The same, back to where domain_create() and domain_vcpu_create() left it, with one more pause. */
int domain_reset(struct domain *d);
/* Counted. 0: no vCPU of it is on a CPU; -EAGAIN: one is still leaving; nothing has changed, call again.
 * call: for the time of a call, whose pause nobody else's domain_unpause() takes. */
int domain_pause(struct domain *d, bool call);
int domain_unpause(struct domain *d, bool call); /* -EINVAL: it is not paused */
bool domain_quiet(struct domain *d);		 /* no vCPU of it is on a CPU */
/* What is looked at from now on: adds and removes WATCH_* of all its vCPUs. */
void domain_watch(struct domain *d, u32 add, u32 remove);
/* One of its vCPUs, in an exit: all leave their CPUs, the control domain is told. */
void domain_stop(struct domain *d);
/* The domain ends: its vCPUs stop, the control domain is told.
 * The first end counts. Any context, also a vCPU of its own. */
void domain_end(struct domain *d, u32 how, u64 code, const char *why, ...) __printf(4, 5);
void domain_info(struct domain *d, struct caisson_domain *out);
struct domain *domain_take_ended(void); /* one that ended and was not taken yet, with a reference */

/* ---- memory (memory.c) ---- */
#define MEMORY_PIECE 512u					      /* pages done by one call at most */
s64 memory_populate(struct domain *d, u64 gpa, u64 pages, u32 flags); /* pages done, or an error */
/* Copies between a domain's RAM and the hypervisor's; fills lazy pages. false: not all of it is RAM of the
 * domain (or ROM, for a write with `rom` unset). At most a page is mapped at a time. */
bool memory_read(struct domain *d, u64 gpa, void *to, u64 bytes);
bool memory_write(struct domain *d, u64 gpa, const void *from, u64 bytes);
/* Between two domains, at most MEMORY_COPY bytes: bytes copied, or -EFAULT. ROM of `to` may be written. */
#define MEMORY_COPY 65536u
s64 memory_copy(struct domain *to, u64 to_gpa, struct domain *from, u64 from_gpa, u64 bytes);
/* The frame behind a page of the domain's RAM, filled when lazy, that stays until memory_unpin(); FRAME_NONE:
 * it is not RAM, or may not be written (`rom`: its own ROM may). */
hpa_t memory_pin(struct domain *d, u64 gpa, bool write, bool rom);
void memory_unpin(hpa_t pa);
/* A guest touched gpa: what is there? */
enum memory_fault { MEM_MAPPED, MEM_ROM, MEM_NOTHING, MEM_NOMEM };
enum memory_fault memory_fault(struct domain *d, u64 gpa, bool write);
bool memory_is_rom(const struct domain *d, u64 gpa); /* the domain's own vCPU */
void memory_init(void);				     /* boot CPU, once */
/* A guest reads where a PC's option ROMs are and nothing is: true when a page of ones is mapped there now. */
bool memory_hole(struct domain *d, u64 gpa);
#ifdef CAISSON_CHECKS
void memory_check(struct domain *d); /* a few of its pages at a time: they are its own */
#endif
/* Gives back a bounded number of the domain's frames; -EAGAIN while there are more. */
int memory_depopulate(struct domain *d);

/* ---- shares (share.c): frames of one domain seen by another ---- */
/* At most SHARE_PIECE pages: pages mapped, or -EINVAL, -EEXIST (the place is taken), -EFAULT (not RAM there),
 * -EPERM (not its own), -EBUSY (it is dying), -EAGAIN (the share before at this place is ending), -ENOMEM. */
#define SHARE_PIECE	    32u
#define SHARE_MACHINE_PIECE 40u
s64 share_map(struct domain *holder, u64 at, struct domain *granter, u64 from, u64 pages, u32 prot);
/* Frames of the machine (granter NULL: they stay for ever)
 * or a page of the hypervisor that belongs to granter. */
int share_map_machine(struct domain *holder, u64 at, struct domain *granter, hpa_t pa, u64 pages, u32 prot);
/* -EAGAIN: call again until every CPU has forgotten the translation. */
int share_unmap(struct domain *holder, u64 at);
int share_drop_all(struct domain *d); /* granted and held; -EAGAIN while there are more */

/* For each vCPU that d has. */
#define domain_each_vcpu(d, v)                                                                           \
	for (struct vcpu * v, *const *v##_at = (d)->vcpu; v##_at < (d)->vcpu + (d)->max_vcpus; v##_at++) \
		if (!(v = READ_ONCE(*v##_at)))                                                           \
			;                                                                                \
		else

#endif
