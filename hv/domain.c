/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include "hv/domain.h"
#include "hv/arch.h"
#include "hv/control.h"
#include "hv/frame.h"
#include "hv/ioreq.h"
#include "hv/log.h"
#include "hv/panic.h"
#include "hv/pcpu.h"
#include "hv/printf.h"
#include "hv/rights.h"
#include "hv/stats.h"
#include "hv/string.h"
#include "hv/trace.h"

static struct lock table_lock; /* T: what follows */
static struct domain *table[CAISSON_MAX_DOMS];
static u32 table_count, table_next = 1, table_end; /* no id from table_end on was ever given */
static u32 table_untold;			   /* domains with untold set */

/* ---- table ---- */

struct domain *domain_get(u32 id)
{
	struct domain *d;

	if (id >= CAISSON_MAX_DOMS)
		return NULL;
	lock(&table_lock);
	d = table[id];
	if (d)
		domain_ref(d);
	unlock(&table_lock);
	return d;
}

struct domain *domain_get_next(u32 id)
{
	struct domain *d = NULL;

	lock(&table_lock);
	while (id < table_end && !table[id])
		id++;
	if (id < table_end)
		d = domain_ref(table[id]);
	unlock(&table_lock);
	return d;
}

u32 domain_count(void)
{
	return READ_ONCE(table_count);
}

static void set_untold(struct domain *d, bool untold)
{
	table_untold += (u32)untold - (u32)d->untold;
	d->untold = untold;
}

/* The last reference is gone: nobody can find the domain or run in it any more. */
void domain_free(struct domain *d)
{
	domain_each_vcpu(d, v) {
		timer_cancel_wait(&v->wait_timer);
		sched_remove(&v->sched);
		arch_vcpu_free(v);
	}
	frame_hv_free(d->ioreq, 0);
	if (d->posted.ring)
		frame_hv_free(d->posted.ring, 0);
	frame_unreserve(d->vm.charged - d->vm.populated, 0);
	arch_domain_free(d);
}

static int table_insert(struct domain *d, u32 id, const struct domain *creator)
{
	int r = -CAISSON_ENOSPC;

	lock(&table_lock);
	if (id == DOMID_NONE)
		for (u32 i = 0; i < CAISSON_MAX_DOMS - 1 && id == DOMID_NONE; i++) {
			u32 try = table_next;

			table_next = table_next == CAISSON_MAX_DOMS - 1 ? 1 : table_next + 1;
			if (!table[try])
				id = try;
		}
	if (id < CAISSON_MAX_DOMS && !table[id]) {
		d->id = (u16)id;
		rights_init(&d->rights, id, creator ? &creator->rights : NULL);
		table[id] = d;
		table_end = MAX(table_end, id + 1);
		table_count++;
		r = 0;
	}
	unlock(&table_lock);
	return r;
}

/* ---- making ---- */

/* Names are shown, in the log too: nothing in them moves a terminal's cursor. */
static bool text_ok(const char *s, size_t n, bool shown)
{
	size_t i = 0;

	while (i < n && s[i] && (!shown || ((u8)s[i] >= ' ' && s[i] != 0x7f)))
		i++;
	return i < n && !s[i];
}

int domain_create(const struct caisson_create *c, const struct domain *creator, struct domain **out)
{
	u32 id = creator ? DOMID_NONE : CAISSON_CONTROL;
	struct domain *d;
	int r = -CAISSON_ENOMEM;

	if (c->vcpus < 1 || c->vcpus > CAISSON_MAX_VCPUS || c->pages == 0 || c->pages > (1ull << 36))
		return -CAISSON_EINVAL;
	if (!text_ok(c->name, sizeof(c->name), true) || !text_ok(c->origin, sizeof(c->origin), true) ||
	    !text_ok(c->args, sizeof(c->args), false))
		return -CAISSON_EINVAL;
	if (frame_reserve(c->pages, 0)) /* first: it is known at once whether there are so many */
		return r;
	d = arch_domain_alloc(c->pages, c->vcpus);
	if (!d)
		goto no_domain;
	d->refs = 2; /* the table's and the caller's */
	d->pauses = 1;
	d->max_vcpus = c->vcpus;
	d->created = arch_now();
	memcpy(d->name, c->name, sizeof(d->name));
	memcpy(d->origin, c->origin, sizeof(d->origin));
	memcpy(d->args, c->args, sizeof(d->args));
	events_init(&d->events);
	d->vm.charged = c->pages;
	d->ioreq = frame_hv_alloc(FRAME_OWNER_HV, 0);
	if (!d->ioreq)
		goto no_page;
	r = -CAISSON_EINVAL;
	sched_group_init(&d->sched, id == CAISSON_CONTROL);
	if (c->weight && sched_set_weight(&d->sched, c->weight))
		goto no_slot;
	r = table_insert(d, id, creator);
	if (r)
		goto no_slot;
	*out = d;
	return 0;
no_slot:
	frame_hv_free(d->ioreq, 0);
no_page:
	arch_domain_free(d);
no_domain:
	frame_unreserve(c->pages, 0);
	return r;
}

static int vcpu_create(struct domain *d, u32 id)
{
	struct vcpu *v;
	int r;

	if (READ_ONCE(d->ended) || !READ_ONCE(d->pauses))
		return -CAISSON_EBUSY;
	if (d->vcpu[id])
		return -CAISSON_EEXIST;
	if (id != d->vcpus) /* in order: whoever looks through them finds no gap */
		return -CAISSON_EINVAL;
	v = arch_vcpu_alloc(d, id);
	if (!v)
		return -CAISSON_ENOMEM;
	v->domain = d;
	v->id = id;
	v->watch = d->watch;
	arch_vcpu_watch(v);
	v->sleep = id == 0 ? SLEEP_NO : SLEEP_SIPI;
	ioreq_init(v);
	r = sched_add(&v->sched, &d->sched);
	if (r)
		goto out;
	lock(&d->vm.lock);
	if (!d->pauses || d->ended) {
		/* another call at the same time; whose end would not hold it */
		unlock(&d->vm.lock);
		sched_remove(&v->sched);
		r = -CAISSON_EBUSY;
		goto out;
	}
	sched_deschedule(&v->sched); /* until domain_unpause() */
	if (v->sleep == SLEEP_NO)
		sched_wake(&v->sched);
	WRITE_ONCE(d->vcpu[id], v);
	d->vcpus++;
	unlock(&d->vm.lock);
	return 0;
out:
	arch_vcpu_free(v);
	return r;
}

/* One at a time: the second of two for the same id would leave its APIC,
 * freed again, where that of the first is looked for. */
int domain_vcpu_create(struct domain *d, u32 id)
{
	int r = -CAISSON_EBUSY;

	if (id >= d->max_vcpus)
		return -CAISSON_EINVAL;
	if (!__atomic_exchange_n(&d->making, true, __ATOMIC_ACQUIRE)) {
		r = vcpu_create(d, id);
		__atomic_store_n(&d->making, false, __ATOMIC_RELEASE);
	}
	return r;
}

/* ---- running and not ---- */

void vcpu_pend(struct vcpu *v, u32 bits, bool wake)
{
	struct pcpu *c;
	u32 why;

	/* Full barrier: the bits are visible before `sleep` and `cpu` are read;
	 * the vCPU's CPU does it the other way round. */
	__atomic_or_fetch(&v->pending, bits, __ATOMIC_SEQ_CST);
	why = __atomic_load_n(&v->sleep, __ATOMIC_SEQ_CST);
	if (why == SLEEP_HLT || why == SLEEP_SIPI) {
		if (wake)
			vcpu_wake(v, why);
		return;
	}
	c = READ_ONCE(v->cpu);
	if (c && c != this_cpu())
		arch_cpu_kick(c);
}

void vcpu_wake(struct vcpu *v, u32 why)
{
	trace(v, CAISSON_TRACE_WAKE, why, 0, 0);
	/* Only from the sleep that the caller saw: a late waker must not end another one. */
	if (!CAS(&v->sleep, &why, SLEEP_NO))
		return;
	v->wakeups++;
	sched_wake(&v->sched); /* remembered when its domain is paused */
}

bool domain_quiet(struct domain *d)
{
	domain_each_vcpu(d, v)
		if (sched_on_cpu(&v->sched))
			return false;
	return true;
}

/* All vCPUs leave their CPUs soon and stay away until domain_release(); these nest. */
static void domain_hold(struct domain *d)
{
	domain_each_vcpu(d, v)
		sched_deschedule(&v->sched);
}

static void domain_release(struct domain *d)
{
	domain_each_vcpu(d, v)
		sched_resume(&v->sched);
}

/* Under the lock: who finds it paused finds its vCPUs held. */
static void pause_begin(struct domain *d, bool call)
{
	lock(&d->vm.lock);
	d->calls += call;
	if (d->pauses++ == 0)
		domain_hold(d);
	unlock(&d->vm.lock);
}

int domain_pause(struct domain *d, bool call)
{
	pause_begin(d, call);
	/* Other CPUs leave within an exit's time; but they may wait for us likewise, so not for ever. */
	for (u32 i = 0; i < 2000; i++) {
		if (domain_quiet(d))
			return 0;
		arch_pause();
		if (i % 16 == 15) /* a look takes 400 instructions when there are many vCPUs */
			arch_irq_window();
	}
	domain_unpause(d, call);
	return -CAISSON_EAGAIN;
}

int domain_unpause(struct domain *d, bool call)
{
	bool paused;

	lock(&d->vm.lock);
	d->calls -= call;
	paused = d->pauses > d->calls;
	if (paused && --d->pauses == 0)
		domain_release(d);
	unlock(&d->vm.lock);
	return paused ? 0 : -CAISSON_EINVAL;
}

void domain_watch(struct domain *d, u32 add, u32 remove)
{
	d->watch = (d->watch & ~remove) | add;
	domain_each_vcpu(d, v) {
		__atomic_and_fetch(&v->watch, ~remove, __ATOMIC_RELAXED);
		__atomic_or_fetch(&v->watch, add, __ATOMIC_RELAXED);
		arch_vcpu_watch(v);
	}
}

void domain_stop(struct domain *d)
{
	pause_begin(d, false); /* first: who takes `stopped` away takes it */
	if (__atomic_exchange_n(&d->stopped, true, __ATOMIC_SEQ_CST))
		domain_unpause(d, false);
	else
		event_control(CAISSON_EVENT_DEBUG);
}

void domain_end(struct domain *d, u32 how, u64 code, const char *why, ...)
{
	bool first;
	va_list ap;

	lock(&table_lock);
	first = !d->ended;
	if (first) {
		va_start(ap, why);
		vsnprintf(d->why, sizeof(d->why), why, ap);
		va_end(ap);
		d->code = code;
		/* In one step: who finds it ended finds its vCPUs held,
		 * and one that is being made is there, or sees the end. */
		lock(&d->vm.lock);
		__atomic_store_n(&d->ended, how, __ATOMIC_SEQ_CST);
		domain_hold(d);
		unlock(&d->vm.lock);
		set_untold(d, !d->dying);
	}
	unlock(&table_lock);
	if (!first)
		return;
	if (how == CAISSON_END_CRASH)
		log_guest("domain %u (%s) crashed: %s", d->id, d->name, d->why);
	if (d->id == CAISSON_CONTROL)
		control_ended(d);
	else
		event_control(CAISSON_EVENT_DOMAIN);
}

struct domain *domain_take_ended(void)
{
	struct domain *d = NULL;

	lock(&table_lock);
	for (u32 id = 0; table_untold && id < table_end && !d; id++)
		if (table[id] && table[id]->untold)
			d = domain_ref(table[id]);
	if (d)
		set_untold(d, false);
	unlock(&table_lock);
	return d;
}

/* ---- unmaking ---- */

/* What destroy and reset share: no vCPU runs, none waits for a device, no RAM is left. */
static int domain_empty(struct domain *d)
{
	int r;

	if (!domain_quiet(d))
		return -CAISSON_EAGAIN;
	domain_each_vcpu(d, v)
		if (!ioreq_cancel(v))
			return -CAISSON_EAGAIN;
	r = share_drop_all(d);
	if (!r)
		r = memory_depopulate(d);
	if (!r && d->posted.ring) { /* nobody sees it now */
		memset(d->posted.ring, 0, sizeof(*d->posted.ring));
		d->posted.head = 0;
	}
	return r;
}

/* False: there were none. */
static bool drop_claims(struct domain *d)
{
	struct domain *dm;
	bool any = false;

	do {
		lock(&d->vm.lock);
		dm = bus_take(&d->bus);
		unlock(&d->vm.lock);
		if (dm)
			domain_put(dm);
		any |= dm != NULL;
	} while (dm);
	return any;
}

static int destroy(struct domain *d)
{
	int r;

	lock(&table_lock);
	d->dying = true;
	set_untold(d, false);
	unlock(&table_lock);
	domain_end(d, CAISSON_END_DESTROY, 0, "destroyed");
	r = domain_empty(d);
	if (r)
		return r;
	ioreq_orphan(d);
	if (drop_claims(d))
		return -CAISSON_EAGAIN;
	lock(&table_lock);
	if (table[d->id] == d) {
		table[d->id] = NULL;
		table_count--;
		rights_exit(&d->rights);
		domain_put(d); /* the caller has one more */
	}
	unlock(&table_lock);
	return 0;
}

static int reset(struct domain *d)
{
	int r;

	if (READ_ONCE(d->dying))
		return -CAISSON_EBUSY;
	/* Paused for the builder, as after domain_create(); `ended` keeps the vCPUs away until then. */
	domain_end(d, CAISSON_END_RESET, 0, "reset");
	r = domain_empty(d);
	if (r)
		return r;
	drop_claims(d);
	if (READ_ONCE(d->refs) > 2) /* others than the table and the caller: claims, perhaps */
		ioreq_again(d);
	arch_domain_reset(d);
	domain_each_vcpu(d, v) {
		v->pending = 0;
		v->handoff = NULL;
		v->sleep = v->id == 0 ? SLEEP_NO : SLEEP_SIPI;
		arch_vcpu_reset(v);
		if (v->id == 0)
			sched_wake(&v->sched);
		arch_irq_window();
	}
	pause_begin(d, false);
	lock(&table_lock);
	set_untold(d, false);
	d->why[0] = 0;
	d->code = 0;
	lock(&d->vm.lock);
	__atomic_store_n(&d->ended, CAISSON_END_NONE, __ATOMIC_SEQ_CST);
	domain_release(d); /* the end's hold */
	unlock(&d->vm.lock);
	unlock(&table_lock);
	return 0;
}

/* One at a time: two callers would give the same things back twice. */
static int unmake(struct domain *d, int (*piece)(struct domain *))
{
	int r = -CAISSON_EAGAIN;

	if (!__atomic_exchange_n(&d->unmaking, true, __ATOMIC_ACQUIRE)) {
		r = piece(d);
		__atomic_store_n(&d->unmaking, false, __ATOMIC_RELEASE);
	}
	return r;
}

int domain_destroy(struct domain *d)
{
	return unmake(d, destroy);
}

int domain_reset(struct domain *d)
{
	return unmake(d, reset);
}

/* ---- telling ---- */

static u32 domain_state(const struct domain *d)
{
	if (READ_ONCE(d->dying))
		return CAISSON_STATE_DYING;
	if (READ_ONCE(d->ended))
		return CAISSON_STATE_ENDED;
	if (READ_ONCE(d->pauses))
		return CAISSON_STATE_PAUSED;
	domain_each_vcpu(d, v)
		if (READ_ONCE(v->sleep) == SLEEP_NO)
			return CAISSON_STATE_RUNNING;
	return CAISSON_STATE_BLOCKED;
}

void domain_info(struct domain *d, struct caisson_domain *out)
{
	u64 ticks = 0;

	memset(out, 0, sizeof(*out));
	out->id = d->id;
	out->state = domain_state(d);
	out->end = READ_ONCE(d->ended);
	out->pauses = READ_ONCE(d->pauses);
	out->code = d->code;
	out->vcpus = d->vcpus;
	out->max_vcpus = d->max_vcpus;
	out->pages = d->vm.charged;
	out->populated = d->vm.populated;
	out->hv_pages = arch_domain_pages(d);
	domain_each_vcpu(d, v) {
		struct sched_times s;

		sched_times(&v->sched, arch_now(), &s);
		ticks += s.run;
		out->exits += stats_total(arch_vcpu_stats(v));
	}
	out->run_ns = arch_ticks_to_ns(ticks);
	out->created_ns = arch_ticks_to_ns(d->created - control_boot_tsc());
	memcpy(out->name, d->name, sizeof(out->name));
	memcpy(out->origin, d->origin, sizeof(out->origin));
	memcpy(out->args, d->args, sizeof(out->args));
	lock(&table_lock);
	memcpy(out->why, d->why, sizeof(out->why));
	unlock(&table_lock);
}
