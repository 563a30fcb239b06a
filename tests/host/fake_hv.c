/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hypervisor of a few pages for tests of the control domain on the host.
 */
#include "tests/host/fake_hv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/control/layout.h"
#include "guest/control/serial2.h"
#include "guest/lib/hypercall.h"

#define DOMS	 64u
#define TSC_KHZ	 1000000ull
#define LOW	 0x400000ull
#define MODULES	 16u
#define PIECES	 64u
#define RANGES	 8u
#define GED_LINE 9u
#define VCPUS	 8u
#define POOLS	 4u
#define RIGHTS	 64u
#define RECORDS	 512u

enum asking { ASK_NOTHING, ASK_QUEUED, ASK_TAKEN };

struct fdom {
	bool used, ended_told;
	u32 id, pauses, end, vcpus, max_vcpus;
	u64 code, charged, populated;
	char name[CAISSON_NAME], origin[CAISSON_ORIGIN], args[CAISSON_ARGS], why[160];
	struct {
		u64 base, pages;
		u32 flags;
	} range[RANGES];
	u32 ranges;
	u8 *low;
	struct caisson_ioreq_page io;
	struct caisson_ring ring;
	struct caisson_vcpu_context ctx[VCPUS];
	u8 fpu[VCPUS][512];
	struct caisson_debug debug[VCPUS];
	bool stopped;
	u32 watch, msi, state;
	struct {
		u64 base, bytes;
		u32 kind, flags;
	} claim[32];
	u32 claims, buttons;
	bool line[24], was_reset;
	const struct fake_step *step;
	u32 text_at;
	u64 wake_at;
	enum asking asking;
	struct caisson_sched sched;
};

static struct fdom doms[DOMS], control = { .used = true, .vcpus = 1, .max_vcpus = 1 };
static u32 next_id;
static const struct fake_image *images;
static u32 nimages;
static u64 pages_total, pages_free, tsc;
static struct {
	u64 at, pages;
	u32 module;
	u64 first;
} piece[PIECES];
static u32 pieces;
static struct {
	u64 at;
	struct fdom *d;
	bool ring;
} window[2 * DOMS];
static struct {
	bool used;
	u64 cpus;
	u32 domains;
} pool[POOLS];
static struct {
	u32 holder, over, held;
} right[RIGHTS];
static struct {
	struct caisson_trace_record record[RECORDS];
	u64 n, dropped;
} trace[2];
static struct caisson_trace_control trace_control;
static struct caisson_vcpu_info vcpu_info;
static u32 stats_resets;
static char console[1 << 20];
static size_t console_n, console_shown;
static u32 console_room, console_limit;
static bool console_full;
static char typed[65536];
static size_t typed_n, typed_at;
static char log_text[16384];
static size_t log_n;
static u32 events;
static struct {
	u32 call, skip, times;
	s64 error;
} failing;
void (*fake_idle)(void);
void (*fake_resumed)(u32 id);
const char *fake_vendor = "";
bool fake_walls;
u64 (*fake_field)(u32 vcpu, u32 field);

/* ---- the test's side ---- */

void fake_start(const struct fake_image *list, u32 n, u64 machine_pages)
{
	for (u32 i = 0; i < DOMS; i++)
		free(doms[i].low);
	memset(doms, 0, sizeof(doms));
	memset(window, 0, sizeof(window));
	next_id = 1;
	images = list;
	nimages = n;
	pages_total = pages_free = machine_pages;
	pieces = 0;
	console_n = console_shown = typed_n = typed_at = log_n = 0;
	console_limit = console_room = ~0u;
	console_full = false;
	events = 0;
	tsc = 1000;
	memset(&failing, 0, sizeof(failing));
	memset(trace, 0, sizeof(trace));
	memset(right, 0, sizeof(right));
	memset(pool, 0, sizeof(pool));
	pool[0].used = true;
	pool[0].cpus = 3;
	vcpu_info = (struct caisson_vcpu_info){ .state = CAISSON_VCPU_BLOCKED, .rip = 0x1234 };
	memset(vcpu_info.affinity, 0xff, sizeof(vcpu_info.affinity));
}

void fake_type(const char *text)
{
	size_t n = strlen(text);

	if (typed_at == typed_n)
		typed_at = typed_n = 0;
	assert(typed_n + n <= sizeof(typed));
	memcpy(typed + typed_n, text, n);
	typed_n += n;
	events |= 1u << CAISSON_EVENT_CONSOLE_RX;
}

const char *fake_console(void)
{
	const char *from = console + console_shown;

	console[console_n] = 0;
	console_shown = console_n;
	return from;
}

void fake_log(const char *text)
{
	assert(log_n + strlen(text) < sizeof(log_text));
	memcpy(log_text + log_n, text, strlen(text));
	log_n += strlen(text);
}

void fake_console_limit(u32 bytes)
{
	console_limit = console_room = bytes;
}

void fake_fail(u32 call, u32 skip, s64 error)
{
	failing.call = call;
	failing.skip = skip;
	failing.error = error;
	failing.times = 1;
}

void fake_fail_times(u32 call, s64 error, u32 times)
{
	fake_fail(call, 0, error);
	failing.times = times;
}

/* The second serial line is not there, unless a test has one. */
__attribute__((weak)) bool serial2_init(void)
{
	return false;
}

__attribute__((weak)) int serial2_get(void)
{
	return -1;
}

__attribute__((weak)) void serial2_put(const void *bytes, u32 n)
{
	(void)bytes, (void)n;
}

u64 fake_free_pages(void)
{
	return pages_free;
}

static struct fdom *dom(u64 id)
{
	if (id == CAISSON_CONTROL)
		return &control;
	for (u32 i = 0; i < DOMS; i++)
		if (doms[i].used && doms[i].id == id)
			return &doms[i];
	return NULL;
}

u32 fake_domains(void)
{
	u32 n = 0;

	for (u32 i = 0; i < DOMS; i++)
		n += doms[i].used;
	return n;
}

u32 fake_shares(void)
{
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_SIZE(window); i++)
		n += window[i].d != NULL;
	return n;
}

const u8 *fake_memory(u32 id)
{
	return dom(id) ? dom(id)->low : NULL;
}

const struct caisson_vcpu_context *fake_context(u32 id)
{
	return &dom(id)->ctx[0];
}

struct caisson_vcpu_context *fake_vcpu(u32 id, u32 vcpu)
{
	return &dom(id)->ctx[vcpu];
}

u32 fake_pauses(u32 id)
{
	return dom(id)->pauses;
}

u32 fake_watch(u32 id)
{
	return dom(id)->watch;
}

u32 fake_msi(u32 id)
{
	return dom(id)->msi;
}

u32 fake_stats_resets(void)
{
	return stats_resets;
}

struct caisson_vcpu_info *fake_vcpu_info(void)
{
	return &vcpu_info;
}

void fake_trace(u32 cpu, const struct caisson_trace_record *r, u32 n, u64 dropped)
{
	for (u32 i = 0; i < n; i++)
		trace[cpu].record[trace[cpu].n++ % RECORDS] = r[i];
	trace[cpu].dropped += dropped;
}

const struct caisson_trace_control *fake_trace_control(void)
{
	return &trace_control;
}

struct caisson_debug *fake_debug(u32 id, u32 vcpu)
{
	return &dom(id)->debug[vcpu];
}

void fake_stop(u32 id, u32 vcpu, u32 why)
{
	struct fdom *d = dom(id);

	d->debug[vcpu].stop = why;
	if (d->stopped)
		return;
	d->stopped = true;
	d->pauses++;
	events |= 1u << CAISSON_EVENT_DEBUG;
}

u32 fake_buttons(u32 id)
{
	return dom(id)->buttons;
}

bool fake_line(u32 id, u32 gsi)
{
	return dom(id)->line[gsi];
}

u64 fake_tsc(void)
{
	return tsc += 100;
}

void *layout_ptr(u64 at)
{
	for (u32 i = 0; i < pieces; i++)
		if (at >= piece[i].at && at - piece[i].at < piece[i].pages * PAGE_SIZE)
			return (u8 *)images[piece[i].module].bytes + piece[i].first * PAGE_SIZE +
			       (at - piece[i].at);
	for (u32 i = 0; i < ARRAY_SIZE(window); i++)
		if (window[i].d && window[i].at == at)
			return window[i].ring ? (void *)&window[i].d->ring : (void *)&window[i].d->io;
	assert(!"an address where nothing is mapped");
}

/* ---- guests ---- */

static void end(struct fdom *d, u32 how, u64 code, const char *why)
{
	if (d->end)
		return;
	d->end = how;
	d->code = code;
	d->ended_told = false;
	snprintf(d->why, sizeof(d->why), "%s", why);
	events |= 1u << CAISSON_EVENT_DOMAIN;
	if (how == CAISSON_END_CRASH) {
		char line[256];

		snprintf(line, sizeof(line), "[1.000] domain %u (%s) crashed: %s\n[1.000]   rip 123456\n",
			 d->id, d->name, why);
		fake_log(line);
	}
}

static void ask(struct fdom *d, const struct fake_step *s, u32 size, u64 value)
{
	u8 kind = s->what == FAKE_MMIO_OUT || s->what == FAKE_MMIO_IN ? CAISSON_IO_MMIO : CAISSON_IO_PORT;
	struct caisson_ioreq *q = &d->io.slot[0];
	bool claimed = false;

	for (u32 i = 0; i < d->claims; i++)
		claimed |= d->claim[i].kind == kind && s->port - d->claim[i].base < d->claim[i].bytes;
	assert(claimed);
	*q = (struct caisson_ioreq){ .keep = { q->keep[0], q->keep[1], q->keep[2] },
				     .addr = s->port,
				     .data = value,
				     .size = size,
				     .kind = kind,
				     .write = s->what != FAKE_IN && s->what != FAKE_MMIO_IN &&
					      s->what != FAKE_UNTIL_INPUT };
	d->asking = ASK_QUEUED;
}

/* Lets a guest run until it asks for something or sleeps; false: it sleeps. */
static bool run(struct fdom *d)
{
	if (!d->used || d->pauses || d->end || d->asking || !d->step)
		return false;
	switch (d->step->what) {
	case FAKE_END_OF_SCRIPT:
		return false;
	case FAKE_POST:
		d->ring.entry[d->ring.head % CAISSON_RING] =
			(struct caisson_posted){ .addr = d->step->port,
						 .data = d->step->value,
						 .size = d->step->size,
						 .kind = CAISSON_IO_MMIO };
		d->ring.head++;
		events |= 1u << CAISSON_EVENT_POSTED;
		d->step++;
		return run(d);
	case FAKE_OUT:
	case FAKE_IN:
	case FAKE_MMIO_OUT:
	case FAKE_MMIO_IN:
		ask(d, d->step, d->step->size, d->step->value);
		return true;
	case FAKE_TEXT:
		ask(d, &(struct fake_step){ .what = FAKE_OUT, .port = 0x3f8 }, 1,
		    (u8)d->step->text[d->text_at]);
		return true;
	case FAKE_UNTIL_INPUT: /* data ready in LSR */
		if (!d->line[4])
			return false;
		ask(d, &(struct fake_step){ .what = FAKE_IN, .port = 0x3f8 }, 1, 0);
		return true;
	case FAKE_UNTIL_BUTTON:
		if (!d->buttons)
			return false;
		d->buttons--;
		d->step++;
		return run(d);
	case FAKE_SLEEP:
		if (!d->wake_at)
			d->wake_at = tsc + d->step->value * TSC_KHZ;
		if (tsc < d->wake_at)
			return false;
		d->wake_at = 0;
		d->step++;
		return run(d);
	case FAKE_CRASH:
		end(d, CAISSON_END_CRASH, 0, "triple fault");
		return true;
	}
	return false;
}

static void answered(struct fdom *d)
{
	const struct fake_step *s = d->step;

	d->asking = ASK_NOTHING;
	if (d->end)
		return;
	if ((s->what == FAKE_IN || s->what == FAKE_MMIO_IN) && d->io.slot[0].data != s->value) {
		fprintf(stderr, "guest %s: port 0x%llx reads 0x%llx and not 0x%llx\n", d->name,
			(unsigned long long)s->port, (unsigned long long)d->io.slot[0].data,
			(unsigned long long)s->value);
		abort();
	}
	if (s->what == FAKE_UNTIL_INPUT && (u8)d->io.slot[0].data != s->value)
		return; /* not the one */
	if (s->what == FAKE_TEXT && s->text[++d->text_at])
		return;
	d->text_at = 0;
	d->step++;
}

/* ---- calls ---- */

static s64 call_wait(u64 token, u64 deadline)
{
	u64 soonest = ~0ull;

	if (token) {
		struct fdom *d = dom(CAISSON_WAIT_DOM(token));

		if (!d || CAISSON_WAIT_VCPU(token) || d->asking != ASK_TAKEN)
			return -CAISSON_EINVAL;
		answered(d);
	}
	for (;;) {
		if (console_full) {
			console_full = false;
			console_room = console_limit;
			events |= 1u << CAISSON_EVENT_CONSOLE_TX;
		}
		if (events) {
			u32 e = events;

			events = 0;
			return (s64)((u64)CAISSON_WAIT_EVENTS << 56 | e);
		}
		for (u32 i = 0; i < DOMS; i++) {
			struct fdom *d = &doms[(i + tsc / 100) % DOMS];

			run(d);
			if (events || d->asking != ASK_QUEUED)
				continue;
			d->asking = ASK_TAKEN;
			return (s64)((u64)CAISSON_WAIT_IOREQ << 56 | d->id << 16);
		}
		if (events)
			continue;
		if (deadline && (deadline == CAISSON_DEADLINE_NOW || deadline <= tsc))
			return 0;
		soonest = deadline ? deadline : ~0ull;
		for (u32 i = 0; i < DOMS; i++)
			if (doms[i].used && doms[i].wake_at && !doms[i].end && !doms[i].pauses &&
			    doms[i].wake_at < soonest)
				soonest = doms[i].wake_at;
		if (soonest == ~0ull) {
			assert(fake_idle);
			fake_idle();
			assert(events);
			continue;
		}
		tsc = soonest;
	}
}

static s64 call_create(const struct caisson_create *c)
{
	struct fdom *d = doms;

	if (c->abi_version != CAISSON_ABI_VERSION || c->flags || !c->vcpus || c->vcpus > CAISSON_MAX_VCPUS)
		return -CAISSON_EINVAL;
	if (c->pages > pages_free)
		return -CAISSON_ENOMEM;
	while (d < doms + DOMS && d->used)
		d++;
	if (d == doms + DOMS)
		return -CAISSON_ENOSPC;
	free(d->low);
	memset(d, 0, sizeof(*d));
	pages_free -= c->pages;
	d->used = true;
	d->id = next_id++;
	d->pauses = 1;
	d->charged = c->pages;
	d->max_vcpus = c->vcpus;
	d->low = calloc(1, LOW);
	d->sched.weight = 256;
	memcpy(d->name, c->name, sizeof(d->name));
	memcpy(d->origin, c->origin, sizeof(d->origin));
	memcpy(d->args, c->args, sizeof(d->args));
	return d->id;
}

u32 fake_stranger(const char *name, u32 state)
{
	struct caisson_create c = { .abi_version = CAISSON_ABI_VERSION, .vcpus = 1, .pages = 1 };
	u32 id;

	snprintf(c.name, sizeof(c.name), "%s", name);
	id = (u32)call_create(&c);
	dom(id)->state = state;
	return id;
}

static void unmap_window(struct fdom *d)
{
	for (u32 i = 0; i < ARRAY_SIZE(window); i++)
		if (window[i].d == d)
			window[i].d = NULL;
}

static s64 call_destroy(struct fdom *d)
{
	static u32 calls;

	if (++calls % 2)
		return -CAISSON_EAGAIN;
	/* The real one ends the share too; but whoever looks into the window afterwards has lost. */
	unmap_window(d);
	pages_free += d->charged;
	d->used = false;
	return 0;
}

static s64 call_reset(struct fdom *d)
{
	static u32 calls;

	if (++calls % 2)
		return -CAISSON_EAGAIN;
	unmap_window(d);
	d->ranges = d->claims = d->buttons = 0;
	d->populated = 0;
	d->pauses = 1;
	d->end = 0;
	d->asking = ASK_NOTHING;
	d->step = NULL;
	d->text_at = 0;
	d->wake_at = 0;
	d->was_reset = true;
	memset(d->line, 0, sizeof(d->line));
	memset(d->low, 0, LOW);
	return 0;
}

static void info(struct fdom *d, struct caisson_domain *out)
{
	memset(out, 0, sizeof(*out));
	out->id = d->id;
	out->state = d->state	 ? d->state
		     : d->end	 ? CAISSON_STATE_ENDED
		     : d->pauses ? CAISSON_STATE_PAUSED
				 : CAISSON_STATE_BLOCKED;
	out->end = d->end;
	out->code = d->code;
	out->pauses = d->pauses;
	out->vcpus = d->vcpus;
	out->max_vcpus = d->max_vcpus;
	out->pages = d->charged;
	out->populated = d->populated;
	out->exits = 42;
	memcpy(out->name, d->name, sizeof(out->name));
	memcpy(out->origin, d->origin, sizeof(out->origin));
	memcpy(out->args, d->args, sizeof(out->args));
	memcpy(out->why, d->why, sizeof(out->why));
}

static s64 call_next(u64 id, struct caisson_domain *out)
{
	struct fdom *found = NULL;

	for (u32 i = 0; i < DOMS; i++)
		if (doms[i].used && doms[i].id >= id && (!found || doms[i].id < found->id))
			found = &doms[i];
	if (!found)
		return -CAISSON_ENOENT;
	info(found, out);
	return 0;
}

static s64 call_event(struct caisson_domain *out)
{
	for (u32 i = 0; i < DOMS; i++)
		if (doms[i].used && doms[i].end && !doms[i].ended_told) {
			doms[i].ended_told = true;
			info(&doms[i], out);
			return 0;
		}
	return -CAISSON_ENOENT;
}

static s64 call_unpause(struct fdom *d)
{
	if (!d->pauses)
		return -CAISSON_EINVAL;
	if (--d->pauses)
		return 0;
	if (fake_resumed)
		fake_resumed(d->id);
	if (d->step)
		return 0;
	for (u32 i = 0; i < nimages; i++) {
		size_t n = strcspn(images[i].cmdline, " ");

		if (strlen(d->origin) == n && !memcmp(d->origin, images[i].cmdline, n))
			d->step = d->was_reset && images[i].after_reset ? images[i].after_reset
									: images[i].script;
	}
	return 0;
}

static s64 call_populate(struct fdom *d, u64 gpa, u64 pages, u32 flags)
{
	u64 n = pages > 512 ? 512 : pages; /* a piece at a time */

	if (gpa % PAGE_SIZE || !pages || d->end)
		return -CAISSON_EINVAL;
	if (flags & CAISSON_POP_LAZY)
		n = pages;
	if (d->populated + n > d->charged)
		return -CAISSON_ENOMEM;
	d->populated += n;
	for (u32 i = 0; i < d->ranges; i++)
		if (d->range[i].base + d->range[i].pages * PAGE_SIZE == gpa && d->range[i].flags == flags) {
			d->range[i].pages += n;
			return (s64)n;
		}
	assert(d->ranges < RANGES);
	d->range[d->ranges].base = gpa;
	d->range[d->ranges].pages = n;
	d->range[d->ranges++].flags = flags;
	return (s64)n;
}

static bool in_ram(const struct fdom *d, u64 gpa, u64 bytes)
{
	for (u32 i = 0; i < d->ranges; i++)
		if (gpa >= d->range[i].base &&
		    gpa + bytes <= d->range[i].base + d->range[i].pages * PAGE_SIZE)
			return true;
	return false;
}

static s64 call_mem(struct fdom *d, u64 gpa, void *local, u64 bytes, bool write)
{
	u64 n = bytes > 1000 ? 1000 : bytes;

	if (!in_ram(d, gpa, n))
		return -CAISSON_EFAULT;
	if (gpa + n <= LOW && write)
		memcpy(d->low + gpa, local, n);
	else if (gpa + n <= LOW)
		memcpy(local, d->low + gpa, n);
	return (s64)n;
}

static s64 call_claim(struct fdom *d, u32 kind, u64 base, u64 bytes, u64 flags)
{
	if (!d->pauses)
		return -CAISSON_EBUSY;
	for (u32 i = 0; i < d->claims; i++)
		if (d->claim[i].kind == kind && base < d->claim[i].base + d->claim[i].bytes &&
		    d->claim[i].base < base + bytes)
			return -CAISSON_EBUSY;
	assert(d->claims < 32);
	d->claim[d->claims].kind = kind;
	d->claim[d->claims].base = base;
	d->claim[d->claims].flags = (u32)flags;
	d->claim[d->claims++].bytes = bytes;
	return 0;
}

static s64 call_module_map(u64 index, u64 at, u64 first, u64 pages)
{
	u64 n = pages > 2 ? 2 : pages;

	if (index >= nimages || first * PAGE_SIZE >= images[index].size || at < LAYOUT_MODULES ||
	    at % PAGE_SIZE)
		return -CAISSON_EINVAL;
	assert(pieces < PIECES);
	piece[pieces].at = at;
	piece[pieces].pages = n;
	piece[pieces].module = (u32)index;
	piece[pieces++].first = first;
	return (s64)n;
}

static s64 call_ioreq_map(struct fdom *d, u64 at, u64 what)
{
	bool posted = false;

	for (u32 i = 0; i < d->claims; i++)
		posted |= d->claim[i].flags & CAISSON_CLAIM_POSTED;
	if (what == CAISSON_IOREQ_RING && !posted)
		return -CAISSON_ENOENT;
	for (u32 i = 0; i < ARRAY_SIZE(window); i++)
		if (window[i].d && window[i].at == at)
			return -CAISSON_EEXIST;
	for (u32 i = 0; i < ARRAY_SIZE(window); i++)
		if (!window[i].d) {
			window[i].d = d;
			window[i].at = at;
			window[i].ring = what == CAISSON_IOREQ_RING;
			return 0;
		}
	return -CAISSON_ENOMEM;
}

static s64 call_unmap(u64 at)
{
	static u32 calls;

	for (u32 i = 0; i < ARRAY_SIZE(window); i++)
		if (window[i].d && window[i].at == at) {
			if (++calls % 2)
				return -CAISSON_EAGAIN;
			window[i].d = NULL;
			return 0;
		}
	return -CAISSON_ENOENT;
}

static s64 call_log_read(u64 position, void *to, u64 bytes)
{
	struct caisson_log head = { 0, log_n };
	u64 at = position < log_n ? position : log_n, n = bytes - sizeof(head);

	assert(bytes >= sizeof(head));
	n = n > log_n - at ? log_n - at : n;
	n = n > 100 ? 100 : n;
	memcpy(to, &head, sizeof(head));
	memcpy((u8 *)to + sizeof(head), log_text + at, n);
	return (s64)n;
}

static s64 call_stats(struct fdom *d, u64 vcpu, u64 kind, struct caisson_stat *to)
{
	static const char *const name[] = { "cpuid", "io", "hlt" };

	if (vcpu >= d->vcpus || kind >= 3)
		return -CAISSON_ENOENT;
	memset(to, 0, sizeof(*to));
	snprintf(to->name, sizeof(to->name), "%s", name[kind]);
	to->count = kind * 10;
	to->cycles = kind * 1000 + (kind == 1) * 500;
	to->worst = kind * 200 + vcpu;
	to->worst_rip = 0x1000 + kind;
	to->hist[5] = (u32)kind * 10;
	to->hist[7] = (u32)kind;
	return 0;
}

static s64 call_vcpu_info(struct fdom *d, u64 vcpu, struct caisson_vcpu_info *to)
{
	if (vcpu >= d->vcpus)
		return -CAISSON_ENOENT;
	*to = vcpu_info;
	to->id = (u32)vcpu;
	return 0;
}

static s64 call_debug(struct fdom *d, u64 vcpu, u64 op, struct caisson_debug *x)
{
	if (op == CAISSON_DEBUG_RESUME) {
		d->pauses -= d->stopped;
		d->stopped = false;
		return 0;
	}
	if (vcpu >= d->vcpus)
		return -CAISSON_ENOENT;
	if (!d->pauses)
		return -CAISSON_EBUSY;
	if (op == CAISSON_DEBUG_GET) {
		*x = d->debug[vcpu];
	} else {
		d->debug[vcpu] = *x;
		d->debug[vcpu].stop = CAISSON_STOP_NONE;
	}
	return 0;
}

/* Half of what three kinds are about, and a row that counts nothing. */
static s64 call_stats_what(struct fdom *d, u64 vcpu, u64 index, struct caisson_what *to)
{
	if (vcpu >= d->vcpus || index > 3)
		return -CAISSON_ENOENT;
	*to = (struct caisson_what){ .what = 0x100 + index,
				     .count = index == 3 ? 0 : index * 5,
				     .kind = (u32)index };
	return 0;
}

static u32 *right_of(u32 holder, u32 over)
{
	for (u32 i = 0; i < RIGHTS; i++)
		if (right[i].held && right[i].holder == holder && right[i].over == over)
			return &right[i].held;
	for (u32 i = 0; i < RIGHTS; i++)
		if (!right[i].held) {
			right[i].holder = holder;
			right[i].over = over;
			return &right[i].held;
		}
	abort();
}

static bool over_ok(u64 over)
{
	return over == CAISSON_OVER_MACHINE || over == CAISSON_OVER_DOMAINS || dom(over);
}

static s64 call_pool(u64 what, u64 id, u64 arg, struct caisson_pool *p)
{
	u32 i = 0;

	if (what == CAISSON_POOL_CREATE) {
		while (i < POOLS && pool[i].used)
			i++;
		if (i == POOLS)
			return -CAISSON_ENOSPC;
		pool[i].used = true;
		return i;
	}
	if (id >= POOLS || !pool[id].used)
		return -CAISSON_ENOENT;
	switch (what) {
	case CAISSON_POOL_INFO:
		p->cpus[0] = pool[id].cpus;
		p->domains = pool[id].domains;
		return 0;
	case CAISSON_POOL_DESTROY:
		if (!id || pool[id].cpus)
			return -CAISSON_EBUSY;
		pool[id].used = false;
		return 0;
	case CAISSON_POOL_ADD:
		if (arg > 1)
			return -CAISSON_ENOENT;
		for (; i < POOLS; i++)
			pool[i].cpus &= ~(1ull << arg);
		pool[id].cpus |= 1ull << arg;
		return 0;
	case CAISSON_POOL_MOVE:
		if (!dom(arg))
			return -CAISSON_ENOENT;
		dom(arg)->sched.pool = (u32)id;
		return 0;
	}
	return -CAISSON_EINVAL;
}

static s64 call_trace_read(u64 cpu, u64 position, void *to, u64 bytes)
{
	struct caisson_trace_head head;
	u64 n = (bytes - sizeof(head)) / sizeof(struct caisson_trace_record), done = 0;

	if (cpu > 1)
		return -CAISSON_ENOENT;
	head.next = trace[cpu].n;
	head.first = head.next > RECORDS ? head.next - RECORDS : 0;
	head.dropped = trace[cpu].dropped;
	position = position < head.first ? head.first : position > head.next ? head.next : position;
	head.position = position;
	for (; done < n && position + done < head.next; done++)
		memcpy((u8 *)to + sizeof(head) + done * sizeof(trace[0].record[0]),
		       &trace[cpu].record[(position + done) % RECORDS], sizeof(trace[0].record[0]));
	memcpy(to, &head, sizeof(head));
	return (s64)done;
}

static s64 on_domain(u32 nr, struct fdom *d, u64 b, u64 c, u64 e, u64 f)
{
	switch (nr) {
	case CAISSON_CALL_domain_destroy:
		return call_destroy(d);
	case CAISSON_CALL_domain_pause:
		d->pauses++;
		return 0;
	case CAISSON_CALL_domain_unpause:
		return call_unpause(d);
	case CAISSON_CALL_domain_info:
		info(d, (void *)b);
		return 0;
	case CAISSON_CALL_domain_reset:
		return call_reset(d);
	case CAISSON_CALL_domain_end:
		end(d, (u32)b, c, "");
		return 0;
	case CAISSON_CALL_populate:
		return call_populate(d, b, c, (u32)e);
	case CAISSON_CALL_mem_write:
		return call_mem(d, b, (void *)c, e, true);
	case CAISSON_CALL_mem_read:
		return call_mem(d, b, (void *)c, e, false);
	case CAISSON_CALL_vcpu_create:
		if (b != d->vcpus || b >= d->max_vcpus)
			return -CAISSON_EINVAL;
		d->vcpus++;
		return 0;
	case CAISSON_CALL_vcpu_get:
		if (b >= d->vcpus)
			return -CAISSON_ENOENT;
		memcpy((void *)c, &d->ctx[b], sizeof(d->ctx[b]));
		return d->pauses ? 0 : -CAISSON_EBUSY;
	case CAISSON_CALL_vcpu_set:
		if (b >= d->vcpus)
			return -CAISSON_ENOENT;
		memcpy(&d->ctx[b], (void *)c, sizeof(d->ctx[b]));
		return d->pauses ? 0 : -CAISSON_EBUSY;
	case CAISSON_CALL_vcpu_info:
		return call_vcpu_info(d, b, (void *)c);
	case CAISSON_CALL_vcpu_pin:
		return b < d->vcpus ? (*(u64 *)c & 3 ? 0 : -CAISSON_EINVAL) : -CAISSON_ENOENT;
	case CAISSON_CALL_sched_get:
		*(struct caisson_sched *)b = d->sched;
		return 0;
	case CAISSON_CALL_sched_set:
		d->sched = *(struct caisson_sched *)b;
		return 0;
	case CAISSON_CALL_ioreq_map:
		return call_ioreq_map(d, b, c);
	case CAISSON_CALL_ioreq_claim:
		return call_claim(d, (u32)b, c, e, f);
	case CAISSON_CALL_irq_line:
		assert(b < 24 && c < 2);
		d->buttons += b == GED_LINE && c && !d->line[b];
		d->line[b] = c;
		return 0;
	case CAISSON_CALL_stats:
		return call_stats(d, b, c, (void *)e);
	case CAISSON_CALL_watch:
		d->watch = (u32)((d->watch & ~c) | b);
		return 0;
	case CAISSON_CALL_msi:
		assert(b == 0xfee00000);
		d->msi = (u32)c;
		return 0;
	case CAISSON_CALL_vcpu_fpu:
		if (b >= d->vcpus)
			return -CAISSON_ENOENT;
		memcpy(e ? d->fpu[b] : (void *)c, e ? (void *)c : d->fpu[b], sizeof(d->fpu[b]));
		return d->pauses ? 0 : -CAISSON_EBUSY;
	case CAISSON_CALL_debug:
		return call_debug(d, b, c, (void *)e);
	case CAISSON_CALL_stats_reset:
		stats_resets++;
		return 0;
	case CAISSON_CALL_stats_what:
		return call_stats_what(d, b, c, (void *)e);
	case CAISSON_CALL_rights_set:
		if (!over_ok(b))
			return -CAISSON_ENOENT;
		*right_of(d->id, (u32)b) = (u32)((*right_of(d->id, (u32)b) & ~e) | c);
		return 0;
	case CAISSON_CALL_rights_get:
		if (!over_ok(b))
			return -CAISSON_ENOENT;
		*(struct caisson_rights *)c =
			(struct caisson_rights){ .held = *right_of(d->id, (u32)b), .refused = 3 };
		return 0;
	case CAISSON_CALL_vmcs_read:
		if (b >= d->vcpus)
			return -CAISSON_ENOENT;
		if (fake_field) {
			*(u64 *)e = fake_field((u32)b, (u32)c);
			return 0;
		}
		*(u64 *)e = c == 0x681c ? 0xabd : c == 0x681e ? 0xabc : c == 0x4000 ? 0x16 : 0;
		return 0;
	case CAISSON_CALL_s2_walk:
		*(struct caisson_walk *)c = (struct caisson_walk){
			.levels = 2, .leaf = b < LOW, .hpa = b + 0x10000, .size = 1 << 21
		};
		return 0;
	}
	return -CAISSON_ENOSYS;
}

static s64 call_console_write(const char *from, u64 n)
{
	n = n > console_room ? console_room : n;
	assert(console_n + n < sizeof(console));
	memcpy(console + console_n, from, n);
	console_n += n;
	if (console_limit != ~0u)
		console_room -= (u32)n;
	console_full = console_room == 0;
	return (s64)n;
}

static s64 call_console_read(void *to, u64 n)
{
	n = n > typed_n - typed_at ? typed_n - typed_at : n;
	memcpy(to, typed + typed_at, n);
	typed_at += n;
	return (s64)n;
}

static s64 call_module_info(u64 index, struct caisson_module *to)
{
	if (index >= nimages)
		return -CAISSON_ENOENT;
	memset(to, 0, sizeof(*to));
	to->bytes = images[index].size;
	snprintf(to->cmdline, sizeof(to->cmdline), "%s", images[index].cmdline);
	return 0;
}

static s64 call_physinfo(struct caisson_physinfo *to)
{
	memset(to, 0, sizeof(*to));
	to->abi_version = CAISSON_ABI_VERSION;
	to->cpus = to->cpus_found = 2;
	to->phys_bits = 40;
	to->frames_total = pages_total;
	to->frames_free = pages_free;
	to->tsc_khz = TSC_KHZ;
	snprintf(to->vendor, sizeof(to->vendor), "%s", fake_vendor);
	snprintf(to->version, sizeof(to->version), "Caisson 0.0");
	return 0;
}

static s64 call_doctor(u64 index, struct caisson_doctor *to)
{
	if (index == CAISSON_DOCTOR_BITS) /* facts */
		*(struct caisson_bits *)to = (struct caisson_bits){ .found = 1 };
	if (index == CAISSON_DOCTOR_BITS + 1)
		*(struct caisson_bits *)to = (struct caisson_bits){ 8, 8, 8 };
	if (index == CAISSON_DOCTOR_BITS + 6) /* weaknesses: each third is open */
		*(struct caisson_bits *)to = (struct caisson_bits){ 0xffffff, 0xb6db6d, 0 };
	if (index == 1) {
		*to = (struct caisson_doctor){ .flags = CAISSON_DOCTOR_USED | CAISSON_DOCTOR_REQUIRED,
					       .name = "ASIDs",
					       .value = "64",
					       .note = "few" };
		return 0;
	}
	if (index)
		return index - CAISSON_DOCTOR_BITS < 7 ? 0 : -CAISSON_ENOENT;
	*to = (struct caisson_doctor){ .flags = CAISSON_DOCTOR_FOUND, .name = "EPT \"2M\"", .note = "slow" };
	return 0;
}

s64 fake_hypercall(u32 nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	tsc += 1000;
	if (failing.call == nr && !failing.skip--) {
		failing.skip = 0;
		if (!--failing.times)
			failing.call = 0;
		return failing.error;
	}
	switch (nr) {
	case CAISSON_CALL_version:
		return CAISSON_ABI_VERSION;
	case CAISSON_CALL_console_write:
		return call_console_write((void *)a, b);
	case CAISSON_CALL_console_read:
		return call_console_read((void *)a, b);
	case CAISSON_CALL_log_read:
		return call_log_read(a, (void *)b, c);
	case CAISSON_CALL_physinfo:
		return call_physinfo((void *)a);
	case CAISSON_CALL_doctor:
		return call_doctor(a, (void *)b);
	case CAISSON_CALL_module_info:
		return call_module_info(a, (void *)b);
	case CAISSON_CALL_module_map:
		return call_module_map(a, b, c, d);
	case CAISSON_CALL_time:
		*(struct caisson_time *)a =
			(struct caisson_time){ tsc, TSC_KHZ, tsc, 1700000000ull * 1000000000 };
		return 0;
	case CAISSON_CALL_wait:
		return call_wait(a, b);
	case CAISSON_CALL_domain_create:
		return call_create((void *)a);
	case CAISSON_CALL_domain_next:
		return call_next(a, (void *)b);
	case CAISSON_CALL_domain_event:
		return call_event((void *)a);
	case CAISSON_CALL_foreign_unmap:
		return call_unmap(a);
	case CAISSON_CALL_host_walk:
		if (!fake_walls)
			return -CAISSON_ENOSYS;
		*(struct caisson_walk *)b = (struct caisson_walk){
			.levels = 2, .leaf = a >> 63, .entry = { 3, 3 }, .hpa = 4096, .size = 1ull << 30
		};
		return 0xffff;
	case CAISSON_CALL_cpuinfo:
		*(struct caisson_cpuinfo *)b = (struct caisson_cpuinfo){ .cpu = (u32)a, .barriers = 5 };
		return a < 2 ? 0 : -CAISSON_ENOENT;
	case CAISSON_CALL_pool:
		return call_pool(a, b, c, (void *)d);
	case CAISSON_CALL_trace_control:
		trace_control = *(struct caisson_trace_control *)a;
		return 0;
	case CAISSON_CALL_trace_read:
		return call_trace_read(a, b, (void *)c, d);
	case CAISSON_CALL_power:
		return -CAISSON_ENOSYS;
	}
	return dom(a) ? on_domain(nr, dom(a), b, c, d, e) : -CAISSON_ENOENT;
}
