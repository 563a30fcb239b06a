/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The domains that this control domain built: one record each, from creation until it is destroyed or, when
 * it ended by itself, until KEEP_ENDED others have ended after it. The hypervisor gets an ended domain's
 * memory back at once, but for a crashed one, which stays to be looked at until `destroy`.
 */
#ifndef CONTROL_DOMAIN_H
#define CONTROL_DOMAIN_H

#include "guest/control/conlog.h"
#include "guest/control/devices.h"
#include "guest/lib/types.h"
#include "hv/abi/caisson.h"

struct image;

#define DOM_LIVE      (1u << 0) /* the hypervisor has it */
#define DOM_LAZY      (1u << 1)
#define DOM_TESTDEV   (1u << 2)
#define DOM_NO_REBOOT (1u << 3)
#define DOM_REBUILD   (1u << 4) /* a power-off is to be taken for a reset */
#define DOM_REPORTED  (1u << 5) /* some command waits for it and tells of its end */
#define DOM_UNSETTLED (1u << 6)
#define DOM_UNTOLD    (1u << 8) /* its end was shown nowhere yet */
#define DOM_PAUSED    (1u << 7) /* create --paused: a rebuild by `reboot` leaves it so */

struct dom {
	u32 id, flags;
	u32 slot;		       /* of its request page's window */
	struct caisson_ioreq_page *io; /* NULL: its accesses are answered no more */
	struct caisson_ring *ring;     /* its posted writes; NULL: there are none */
	struct devices dev;
	struct conlog log;
	u64 shown;    /* position in the log up to which a console has shown it */
	u64 expected; /* position up to which `console --expect` has matched */
	u64 held;     /* vCPUs whose write to the UART waits until the watching console has caught up */
	struct dom *unsettled, *same_hash;
	u32 end; /* CAISSON_END_* */
	u32 vcpus;
	u64 code;
	u64 memory;   /* bytes */
	u64 ended_at; /* order of the ends */
	u32 rebuilds;
	struct image *image;
	char *args;
	struct stats_row *kept; /* counters of a domain that the hypervisor has no more */
	u32 nkept;
	char name[CAISSON_NAME];
	char why[192]; /* the hypervisor's, and what check_refused() adds */
};

struct build {
	struct image *image;
	const char *name; /* NULL: after the image */
	const char *args; /* NULL: the image's */
	u64 memory;	  /* bytes */
	u32 vcpus;
	u32 flags; /* DOM_LAZY ... */
};

#define DOMAIN_ERR 192

/* ---- the shell's ---- */
/* NULL: nothing was left behind and err says in one line what was wrong. */
struct dom *domain_build(const struct build *b, char err[DOMAIN_ERR]);
/* Gives everything back; the record is gone too. */
void domain_remove(struct dom *d);
/* By number or name; ended ones too. The live one wins. */
struct dom *domain_find(const char *id);
struct dom *domain_by_id(u32 id);
/* The next record with an id >= id. */
struct dom *domain_from(u32 id);
bool domain_name_ok(const char *name);
void domain_name(struct dom *d, const char *name); /* once */
/* From its image again, now. */
bool domain_rebuild(struct dom *d, char err[DOMAIN_ERR]);
const char *domain_end_name(u32 end);
/* The sentence to an end: what its record knows, else the hypervisor. */
const char *domain_why(const struct caisson_domain *i);
/* Once, at the start: takes over the domains of a control domain that crashed; how many. */
u32 domain_adopt(void);

/* Does what followed from ends: rebuilds, destroys, notices. Not from inside the pump. */
void domain_settle(void);
/* The next with DOM_UNTOLD, or NULL. */
struct dom *domain_untold(void);
void domain_set_untold(struct dom *d, bool on);

/* A window for its request page, and its end; both as often as wanted. */
s64 domain_connect(struct dom *d);
s64 domain_connect_ring(struct dom *d); /* after devices_claim() */
void domain_disconnect(struct dom *d);

/* ---- the pump's ---- */
bool domain_ioreq(u32 id, u32 vcpu); /* true: answered */
void domain_posted(void);	     /* carries out what stands in the rings */
void domain_note_ends(void);
bool domain_unsettled(void);
u64 domain_timers(u64 now); /* runs what is due; when the next is */
u64 domain_next_held(void); /* a token to answer now, or 0 */

/* ---- a vCPU's ---- */
/* that often a vCPU that is just leaving its CPU is asked again; a CPU of QEMU's takes its time */
#define STILL_TRIES 100000u
/* vmcs_read of a domain that stands still, or will in a moment. */
s64 field_read(u32 id, u32 vcpu, u32 field, u64 *value);

/* ---- the devices' ---- */
void domain_wrote(struct dom *d, const u8 *bytes, size_t n); /* to its UART */

#endif
