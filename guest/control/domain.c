/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The domains that this control domain built: their records and what follows from their ends. build.c makes
 * them.
 */
#include "guest/control/check.h"

#include "guest/control/domain.h"

#include "guest/control/alloc.h"
#include "guest/control/build.h"
#include "guest/control/layout.h"
#include "guest/control/pump.h"
#include "guest/control/stats.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

#define NEVER	   (~0ull)
#define KEEP_ENDED 16u		 /* records of domains that the hypervisor has no more */
#define HOLD_ABOVE (32u * 1024u) /* output that a watching console is behind */
#define HOLD_BELOW (16u * 1024u)
#define LOG_START  1024u

static struct dom *table[CAISSON_MAX_DOMS];
static u32 table_end;	       /* no id from here on is in use */
static struct dom *named[256]; /* by hash */
static u32 untold;	       /* domains with DOM_UNTOLD */
static struct dom *unsettled;
static u32 ended_kept;
static u64 ends;
static u32 holding; /* domains with held != 0 */

/* ---- vCPUs whose accesses are answered later ---- */

static void hold(struct dom *d, u32 vcpu)
{
	if (!d->held)
		holding++;
	d->held |= 1ull << vcpu;
}

static void hold_end(struct dom *d)
{
	if (d->held)
		holding--;
	d->held = 0;
}

/* ---- records ---- */

struct dom *domain_by_id(u32 id)
{
	return id < table_end ? table[id] : NULL;
}

struct dom *domain_from(u32 id)
{
	for (; id < table_end; id++)
		if (table[id])
			return table[id];
	return NULL;
}

bool domain_name_ok(const char *name)
{
	bool digits = true;
	size_t n = 0;

	for (; name[n]; n++) {
		char c = name[n];

		if (c >= '0' && c <= '9')
			continue;
		digits = false;
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '-' && c != '_' && c != '.')
			return false;
	}
	return n && n < CAISSON_NAME && !digits;
}

static struct dom **named_as(const char *name)
{
	u32 h = 0;

	while (*name)
		h = h * 31 + (u8)*name++;
	return &named[h % ARRAY_SIZE(named)];
}

void domain_name(struct dom *d, const char *name)
{
	struct dom **at = named_as(name);

	snprintf(d->name, sizeof(d->name), "%s", name);
	d->same_hash = *at;
	*at = d;
}

static void unname(struct dom *d)
{
	struct dom **at = named_as(d->name);

	while (*at && *at != d)
		at = &(*at)->same_hash;
	if (*at)
		*at = d->same_hash;
}

struct dom *domain_find(const char *id)
{
	struct dom *found = NULL;
	u64 n = 0;
	size_t i;

	for (i = 0; id[i] >= '0' && id[i] <= '9' && i < 5; i++)
		n = n * 10 + (u64)(id[i] - '0');
	if (i && !id[i])
		return domain_by_id((u32)n);
	for (struct dom *d = *named_as(id); d; d = d->same_hash)
		if (!strcmp(d->name, id) && (!found || d->flags & DOM_LIVE))
			found = d;
	return found;
}

struct dom *domain_record(u32 id, const char *args)
{
	size_t n = strlen(args) + 1;
	struct dom *d;

	if (id >= CAISSON_MAX_DOMS)
		return NULL;
	if (table[id])
		domain_forget(table[id]); /* ended long ago, and the ids have come round */
	d = alloc(sizeof(*d) + n);
	if (!d)
		return NULL;
	d->id = id;
	d->args = (char *)(d + 1);
	memcpy(d->args, args, n);
	table[id] = d;
	table_end = MAX(table_end, id + 1);
	return d;
}

static void unsettled_remove(struct dom *d)
{
	struct dom **at = &unsettled;

	while (*at && *at != d)
		at = &(*at)->unsettled;
	if (*at)
		*at = d->unsettled;
	d->flags &= ~DOM_UNSETTLED;
}

void domain_forget(struct dom *d)
{
	unsettled_remove(d);
	unname(d);
	domain_set_untold(d, false);
	if (d->end && !(d->flags & DOM_LIVE))
		ended_kept--;
	if (pump_watched == d)
		pump_watch(NULL);
	devices_free(d);
	alloc_free(d->log.ring);
	alloc_free(d->kept);
	table[d->id] = NULL;
	while (table_end && !table[table_end - 1])
		table_end--;
	alloc_free(d);
}

static void forget_oldest(void)
{
	struct dom *oldest = NULL;

	for (u32 i = 0; i < table_end; i++)
		if (table[i] && table[i]->end && !(table[i]->flags & DOM_LIVE) &&
		    (!oldest || table[i]->ended_at < oldest->ended_at))
			oldest = table[i];
	if (oldest)
		domain_forget(oldest);
}

/* ---- windows on request pages ---- */

/* The lowest free one: the hypervisor needs table pages for no more windows than were ever in use at once. */
static u64 slots[CAISSON_MAX_DOMS / 64];

static u64 slot_take(u32 *slot)
{
	u32 word = 0;

	while (!~slots[word])
		word++; /* there are as many as domains */
	*slot = word * 64 + (u32)__builtin_ctzll(~slots[word]);
	slots[word] |= 1ull << *slot % 64;
	return LAYOUT_IOREQ + *slot * PAGE_SIZE;
}

s64 domain_connect(struct dom *d)
{
	u64 at = slot_take(&d->slot);
	s64 r = hc_ioreq_map(d->id, at, CAISSON_IOREQ_SLOTS);

	if (r < 0)
		slots[d->slot / 64] &= ~(1ull << d->slot % 64);
	else
		d->io = layout_ptr(at);
	return r;
}

static u32 rings; /* domains with one */

s64 domain_connect_ring(struct dom *d)
{
	u64 at = LAYOUT_RING + d->slot * PAGE_SIZE;
	s64 r = hc_ioreq_map(d->id, at, CAISSON_IOREQ_RING);

	if (r < 0)
		return r == -CAISSON_ENOENT ? 0 : r;
	d->ring = layout_ptr(at);
	rings++;
	return 0;
}

static void unmap(u64 at)
{
	while (hc_foreign_unmap(at) == -CAISSON_EAGAIN)
		pump_poll();
}

void domain_disconnect(struct dom *d)
{
	if (!d->io)
		return;
	d->io = NULL;
	if (d->ring) {
		d->ring = NULL;
		rings--;
		unmap(LAYOUT_RING + d->slot * PAGE_SIZE);
	}
	unmap(LAYOUT_IOREQ + d->slot * PAGE_SIZE);
	slots[d->slot / 64] &= ~(1ull << d->slot % 64);
}

/* The hypervisor gives back all of it. */
static void destroy(struct dom *d)
{
	/* Its page goes away with it: nobody may look into it any more. */
	domain_disconnect(d);
	while (hc_domain_destroy(d->id) == -CAISSON_EAGAIN)
		pump_poll();
	d->flags &= ~DOM_LIVE;
	hold_end(d);
	devices_free(d);
}

void domain_remove(struct dom *d)
{
	if (d->flags & DOM_LIVE) {
		destroy(d);
		if (d->end)
			ended_kept++; /* for domain_forget(), which takes it for one that was kept */
	}
	domain_forget(d);
}

/* ---- ends ---- */

const char *domain_end_name(u32 end)
{
	static const char *const name[] = { "not ended", "power-off", "exit", "crash", "reset", "destroy" };

	return end < ARRAY_SIZE(name) ? name[end] : "unknown";
}

const char *domain_why(const struct caisson_domain *i)
{
	const struct dom *d = domain_by_id(i->id);

	return d && *d->why ? d->why : i->why;
}

struct dom *domain_untold(void)
{
	for (u32 i = 0; untold && i < table_end; i++)
		if (table[i] && table[i]->flags & DOM_UNTOLD)
			return table[i];
	return NULL;
}

void domain_set_untold(struct dom *d, bool on)
{
	untold += (u32)on - !!(d->flags & DOM_UNTOLD);
	d->flags = (d->flags & ~DOM_UNTOLD) | (on ? DOM_UNTOLD : 0);
}

void domain_note_end(struct dom *d, const struct caisson_domain *info)
{
	d->end = info->end;
	d->code = info->code;
	snprintf(d->why, sizeof(d->why), "%.*s", (int)sizeof(info->why), info->why);
	hold_end(d);
	d->flags |= DOM_UNSETTLED;
	d->unsettled = unsettled;
	unsettled = d;
}

void domain_note_ends(void)
{
	static struct caisson_domain info;

	while (!hc_domain_event(&info)) {
		struct dom *d = domain_by_id(info.id);

		if (d && d->flags & DOM_LIVE && !d->end)
			domain_note_end(d, &info);
	}
}

bool domain_unsettled(void)
{
	return unsettled;
}

static bool wants_rebuild(const struct dom *d)
{
	if (d->end == CAISSON_END_RESET)
		return !(d->flags & DOM_NO_REBOOT) || d->flags & DOM_REBUILD;
	return d->end == CAISSON_END_POWEROFF && d->flags & DOM_REBUILD;
}

static void settle(struct dom *d)
{
	char err[DOMAIN_ERR];

	if (wants_rebuild(d)) {
		if (domain_rebuild(d, err))
			return;
		d->end = CAISSON_END_CRASH;
		d->code = 0;
		snprintf(d->why, sizeof(d->why), "could not be rebuilt: %.120s", err);
	}
	if (d->end == CAISSON_END_CRASH && d->code == CAISSON_CRASH_REFUSED)
		check_refused(d);
	d->ended_at = ++ends;
	if (!(d->flags & DOM_REPORTED))
		domain_set_untold(d, true);
	if (d->end == CAISSON_END_CRASH)
		return;
	d->nkept = stats_keep(d->id, d->vcpus, &d->kept);
	destroy(d);
	if (++ended_kept > KEEP_ENDED)
		forget_oldest();
}

void domain_settle(void)
{
	while (unsettled) {
		struct dom *d = unsettled;

		unsettled_remove(d);
		settle(d);
	}
}

s64 field_read(u32 id, u32 vcpu, u32 field, u64 *value)
{
	s64 r;

	/* A vCPU that is just leaving its CPU is gone in a moment. */
	for (u32 tries = 0;
	     (r = hc_vmcs_read(id, vcpu, field, value)) == -CAISSON_EBUSY && tries < STILL_TRIES; tries++)
		pump_poll();
	return r;
}

/* ---- accesses ---- */

bool domain_ioreq(u32 id, u32 vcpu)
{
	struct dom *d = domain_by_id(id);

	if (!d || !d->io || vcpu >= CAISSON_MAX_VCPUS)
		return false;
	devices_access(d, &d->io->slot[vcpu]);
	/* Whoever prints faster than the console that shows it waits for it:
	 * nothing of the output is lost. */
	if (d == pump_watched && d->log.total - d->shown > HOLD_ABOVE) {
		hold(d, vcpu);
		return false;
	}
	return true;
}

static void carry_out(struct dom *d)
{
	struct caisson_ring *r = d->ring;

	for (u32 tail = r->tail; tail != __atomic_load_n(&r->head, __ATOMIC_ACQUIRE); tail++) {
		const struct caisson_posted *e = &r->entry[tail % CAISSON_RING];
		struct caisson_ioreq q = { .addr = e->addr,
					   .data = e->data,
					   .size = e->size,
					   .kind = e->kind,
					   .write = 1,
					   .rip = e->rip };

		__atomic_store_n(&r->tail, tail + 1, __ATOMIC_RELEASE);
		devices_access(d, &q);
	}
}

void domain_posted(void)
{
	for (u32 i = 0, left = rings; i < table_end && left; i++)
		if (table[i] && table[i]->ring) {
			carry_out(table[i]);
			left--;
		}
}

u64 domain_next_held(void)
{
	struct dom *d;
	u32 vcpu;

	if (!holding)
		return 0;
	for (u32 i = 0; i < table_end; i++) {
		d = table[i];
		if (!d || !d->held || (d == pump_watched && d->log.total - d->shown > HOLD_BELOW))
			continue;
		vcpu = (u32)__builtin_ctzll(d->held);
		d->held &= d->held - 1;
		if (!d->held)
			holding--;
		return CAISSON_ANSWER | d->id << 16 | vcpu;
	}
	return 0;
}

/* The log grows with what is printed: an idle domain has none.
 * Without memory the oldest text goes earlier. */
static void log_grow(struct dom *d)
{
	size_t size = d->log.size ? d->log.size * 2 : LOG_START;
	u8 *ring = alloc(size);

	if (ring)
		alloc_free(conlog_storage(&d->log, ring, size));
}

void domain_wrote(struct dom *d, const u8 *bytes, size_t n)
{
	if (conlog_wants_more(&d->log))
		log_grow(d);
	conlog_write(&d->log, bytes, n);
	if (d == pump_watched)
		pump_output(d->log.total - d->shown);
}

/* Few domains have a timer set, but those that might are found only by asking all:
 * this runs when one is due. */
u64 domain_timers(u64 now)
{
	u64 next = NEVER;

	for (u32 i = 0; i < table_end; i++)
		if (table[i] && table[i]->io)
			next = MIN(next, devices_timers(table[i], now));
	return next;
}
