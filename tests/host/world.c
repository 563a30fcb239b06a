/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hv/arch.h"
#include "hv/console.h"
#include "hv/control.h"
#include "hv/debug.h"
#include "hv/frame.h"
#include "hv/hypercall.h"
#include "hv/ioreq.h"
#include "hv/log.h"
#include "hv/main.h"
#include "hv/panic.h"
#include "hv/pcpu.h"
#include "hv/stats.h"
#include "tests/host/fake_arch.h"
#include "tests/host/world.h"

#define PAGES  (1ull << (world_phys_bits - 12))
#define MEMORY (64ull << 20)

enum { MAPPED = 1, WRITE = 2, FIRST = 4, LARGE = 8, HUGE = 16 };
u32 world_phys_bits = 26;
u64 world_sizes = PAGE_SIZE | SZ_2M;
u32 world_fails, world_lines, world_again;
void (*world_meanwhile)(void);
char world_power;
void (*world_lacks)(void);
bool world_flushed;
s64 world_result;

struct fake_domain {
	struct domain hv;
	u64 *s2; /* of each page: frame and the flags above */
};
struct fake_vcpu {
	struct vcpu hv;
	struct stat stats[STATS_KINDS];
	struct stat_whats whats;
};

static struct domain *control;
static u32 domains;
static struct frame_counts counts;
static u64 first_hv;
static u32 idles;
static jmp_buf idle;
static struct boot_module module = { .start = { MEMORY * 2 }, .end = { MEMORY * 2 + 0x5123 } };
enum verdict (*world_next)(struct vcpu *v);

static u64 *entries(struct domain *d)
{
	return container_of(d, struct fake_domain, hv)->s2;
}

static void die(const char *what)
{
	fprintf(stderr, "world: %s\n", what);
	abort();
}

/* Does this allocation find no memory? */
static bool fails(void)
{
	return (world_fails && world_fails--) || debug_refuse();
}

#ifdef CAISSON_CHECKS
struct hv_options hv_options = { .checks = 1 };

bool panic_active(void)
{
	return false;
}
#endif

/* ---- hv/arch.h, what fake_arch.c has not ---- */

struct domain *arch_domain_alloc(u64 ram_pages, u32 vcpus)
{
	struct fake_domain *d = domains < WORLD_DOMS && !fails() ? calloc(1, sizeof(*d)) : NULL;

	(void)ram_pages, (void)vcpus;
	if (!d)
		return NULL;
	domains++;
	d->s2 = calloc(PAGES, sizeof(u64));
	return &d->hv;
}

void arch_domain_free(struct domain *d)
{
	if (d == control)
		control = NULL;
	domains--;
	free(entries(d));
	free(d);
}

u64 arch_domain_pages(const struct domain *d)
{
	(void)d;
	return 1;
}

void arch_domain_reset(struct domain *d)
{
	(void)d;
}

int arch_s2_map(struct domain *d, gpa_t at, hpa_t pa, u64 size, u32 prot)
{
	u64 *e = entries(d) + at.v / PAGE_SIZE;

	if (at.v + size > 1ull << world_phys_bits || at.v % size || pa.v % size || !(size & world_sizes))
		die("a mapping out of bounds");
	for (u64 i = 0; i < size / PAGE_SIZE; i++)
		if (e[i])
			return -CAISSON_EEXIST;
	/* Tables for a domain's own RAM were set aside. */
	if ((world_fails && world_fails--) || (frame_owner(pa) != d->id && debug_refuse()))
		return -CAISSON_ENOMEM;
	for (u64 i = 0; i < size / PAGE_SIZE; i++)
		e[i] = (pa.v + i * PAGE_SIZE) | MAPPED | (prot & CAISSON_PROT_WRITE ? WRITE : 0) |
		       (i ? 0 : FIRST) |
		       (size == SZ_2M	? LARGE
			: size == SZ_1G ? HUGE
					: 0);
	return 0;
}

static u64 *entry(struct domain *d, u64 at, u64 *size)
{
	u64 *e = at >> world_phys_bits ? NULL : entries(d) + at / PAGE_SIZE;

	*size = e && (*e & HUGE) ? SZ_1G : e && (*e & LARGE) ? SZ_2M : PAGE_SIZE;
	return e && *e ? e : NULL;
}

int arch_s2_fill(struct domain *d, gpa_t at, hpa_t pa, u64 size, u32 prot)
{
	return arch_s2_map(d, at, pa, size, prot);
}

bool arch_s2_lookup(struct domain *d, gpa_t at, hpa_t *pa, u64 *size, u32 *prot)
{
	u64 *e = entry(d, at.v, size);

	if (!e) { /* is there nothing in all of the 2 MiB? */
		bool none = !(at.v >> world_phys_bits);

		if (world_lacks)
			world_lacks();
		for (u64 i = at.v / SZ_2M * 512; none && i < (at.v / SZ_2M + 1) * 512; i++)
			none = !entries(d)[i];
		*size = none ? SZ_2M : PAGE_SIZE;
		return false;
	}
	*pa = HPA((*e & PAGE_MASK) | (at.v & ~PAGE_MASK));
	*prot = CAISSON_PROT_READ | (*e & WRITE ? CAISSON_PROT_WRITE : 0);
	return true;
}

u64 arch_s2_unmap(struct domain *d, gpa_t at, u64 limit)
{
	u64 size, bytes = 0, *e = entry(d, at.v & PAGE_MASK, &size), want = e ? *e : 0;

	while (e && !(*e & FIRST)) {
		want -= PAGE_SIZE;
		e--;
	}
	for (; e && (!bytes || bytes + size <= limit) && (*e & ~0ull << 12) == (want & ~0ull << 12);
	     want += size) {
		memset(e, 0, size / PAGE_SIZE * sizeof(*e));
		bytes += size;
		e = entry(d, at.v + bytes, &size);
	}
	return bytes;
}

void arch_s2_flush(struct domain *d)
{
	(void)d;
}

bool arch_s2_flushed(struct domain *d)
{
	(void)d;
	return world_flushed || rand() % 4; /* now and then a CPU has not */
}

bool arch_s2_clear(struct domain *d)
{
	if (rand() % 2)
		return false;
	free(entries(d));
	container_of(d, struct fake_domain, hv)->s2 = calloc(PAGES, sizeof(u64));
	return true;
}

u64 arch_s2_sizes(void)
{
	return world_sizes;
}

void arch_s2_walk(struct domain *d, gpa_t at, struct caisson_walk *out)
{
	(void)at;
	out->hpa = d ? 0 : ~0ull & PAGE_MASK; /* of the hypervisor's nothing is RAM */
}

struct vcpu *arch_vcpu_alloc(struct domain *d, u32 id)
{
	(void)d, (void)id;
	return fails() ? NULL : calloc(1, sizeof(struct fake_vcpu));
}

void arch_vcpu_free(struct vcpu *v)
{
	free(container_of(v, struct fake_vcpu, hv));
}

struct stat *arch_vcpu_stats(struct vcpu *v)
{
	return container_of(v, struct fake_vcpu, hv)->stats;
}

struct stat_whats *arch_vcpu_whats(struct vcpu *v)
{
	return &container_of(v, struct fake_vcpu, hv)->whats;
}

u32 arch_what_kind(u32 row)
{
	return row / 8;
}

const char *arch_exit_name(u32 kind)
{
	return kind < 3 ? "kind" : NULL;
}

int arch_vcpu_field(struct vcpu *v, u32 field, u64 *value)
{
	(void)v;
	*value = field;
	return field < 3 ? 0 : -CAISSON_ENOENT;
}

void arch_vcpu_get_context(struct vcpu *v, struct caisson_vcpu_context *out)
{
	(void)v, (void)out;
}

int arch_vcpu_fpu(struct vcpu *v, void *image, bool set)
{
	static u8 kept[CAISSON_FPU_BYTES];

	if (trylock(&v->still))
		die("another CPU's call could mix in");
	memcpy(set ? kept : image, set ? image : kept, sizeof(kept));
	return set && kept[27] ? -CAISSON_EINVAL : 0;
}

int arch_vcpu_set_context(struct vcpu *v, const struct caisson_vcpu_context *in)
{
	if (in->activity > CAISSON_ACT_WAIT_SIPI)
		return -CAISSON_EINVAL;
	if (world_meanwhile)
		world_meanwhile();
	v->sleep = in->activity == CAISSON_ACT_WAIT_SIPI ? SLEEP_SIPI : SLEEP_NO;
	if (v->sleep == SLEEP_NO)
		sched_wake(&v->sched);
	return 0;
}

int arch_doctor_bits(u32 set, struct caisson_bits *out)
{
	*out = (struct caisson_bits){ 0 };
	return set < 3 ? 0 : -CAISSON_ENOENT;
}

int arch_doctor_row(u32 index, struct caisson_doctor *out)
{
	(void)out;
	return index < 3 ? 0 : -CAISSON_ENOENT;
}

int arch_msi(struct domain *d, u64 address, u32 data)
{
	(void)d, (void)data;
	return address >> 20 == 0xfee ? 0 : -CAISSON_EINVAL;
}

void arch_vcpu_set_result(struct vcpu *v, s64 value)
{
	(void)v;
	world_result = value;
}

/* clang-format off */
void arch_vcpu_reset(struct vcpu *v) { (void)v; }
void arch_vcpu_load(struct vcpu *v) { (void)v; }
void arch_vcpu_migrate(struct vcpu *v, struct timer_queue *to) { (void)v, (void)to; }
void arch_vcpu_put(struct vcpu *v) { (void)v; }
void arch_vcpu_asleep(struct vcpu *v) { (void)v; }
void arch_vcpu_watch(struct vcpu *v) { (void)v; }
void arch_vcpu_debug_get(struct vcpu *v, struct caisson_debug *out) { (void)v; memset(out, 0, sizeof(*out)); }
int arch_vcpu_debug_set(struct vcpu *v, const struct caisson_debug *in) { (void)v, (void)in; return 0; }
bool arch_vcpu_has_work(struct vcpu *v) { return v->pending; }
u64 arch_vcpu_rip(const struct vcpu *v) { (void)v; return 0; }
void arch_irq_line(struct domain *d, u32 gsi, bool level) { (void)d; if (gsi > 23) die("no such line"); world_lines = (world_lines & ~BIT(gsi)) | (u32)level << gsi; }
u32 arch_apic_id(const struct pcpu *c) { return c->id; }
u32 arch_phys_bits(void) { return world_phys_bits; }
u64 arch_wall_base_ns(void) { return 0; }
void arch_poweroff(void) { world_power = 'o'; longjmp(idle, 1); }
void arch_reboot(void) { world_power = 'r'; longjmp(idle, 1); }
size_t console_write(const void *p, size_t n) { (void)p; return n; }
size_t console_read(void *p, size_t n) { memset(p, 'x', n); return n; }
void console_flush(bool force) { (void)force; }
size_t log_read(u64 pos, char *p, size_t n, u64 *first, u64 *next) { (void)pos; memset(p, 'x', n); *first = *next = 0; return n; }
void log_line(enum log_level level, const char *fmt, ...) { (void)level, (void)fmt; }
void log_guest(const char *fmt, ...) { (void)fmt; }
const struct boot_module *control_module(u64 index) { return index ? NULL : &module; }
u64 control_boot_tsc(void) { return 0; }
void control_physinfo(struct caisson_physinfo *p) { memset(p, 0, sizeof(*p)); }
void control_ended(struct domain *d) { (void)d; }
int control_again(void) { return -CAISSON_EBUSY; }
void control_again_now(void) { world_again++; }
void event_control(u32 port) { if (control) event_send(control, port); }
void str_copy(char *to, const char *from, size_t n) { snprintf(to, n, "%s", from); }
/* clang-format on */

void event_send(struct domain *d, u32 port)
{
	if (!(__atomic_fetch_or(&d->events.pending, BIT(port), __ATOMIC_SEQ_CST) & BIT(port)))
		ioreq_notify(d);
}

/* Nobody can run: the nearest timer, or the end. */
void arch_cpu_idle(void)
{
	if (fake.timer[0] == ~0ull ||
	    ++idles > 200) /* what the scheduler does at the end of periods never ends */
		longjmp(idle, 1);
	fake.now = MAX(fake.now, fake.timer[0]);
	timer_expire(&fake_pcpu[0].timers, fake.now);
}

void arch_vcpu_run(struct vcpu *v)
{
	idles = 0;
	for (u32 n = 0; n < 50; n++) {
		fake.now += 1000;
		if (fake.now >= fake.timer[0])
			timer_expire(&fake_pcpu[0].timers, fake.now);
		if (v->pending & PEND_IO)
			v->io_state = IO_IDLE;
		v->pending &= PEND_LEAVE;
		if (v->pending || world_next(v) != V_ADVANCE)
			return;
	}
}

/* ---- the world ---- */

void world_init(void)
{
	/* More than the RAM below only for who wants pages of 1 GiB:
	 * it is there, but all that domains see of it is the same 2 MiB. */
	struct frame_range ram[] = { { 0x1000, MEMORY }, { SZ_1G, 4 * SZ_1G } };

	fake_reset();
	fake.now = 1000000000;
	fake_memory(0, MEMORY, false);
	fake_memory(module.start.v, 0x6000, false);
	if (world_sizes & SZ_1G) {
		fake_memory(SZ_1G, 3 * SZ_1G, true);
		fake.fold = 2 * SZ_1G;
	}
	if (frame_init(ram, world_sizes & SZ_1G ? 2 : 1))
		die("no memory");
	sched_init(1000000);
	fake_pcpu[0].online = true;
	sched_init_cpu(&fake_pcpu[0].sched, 0, &fake_pcpu[0]);
	run_init(&fake_pcpu[0]);
	memory_init();
}

static struct domain *make(const struct domain *creator, u32 vcpus)
{
	static const char words[64] = { CAISSON_ABI_VERSION };
	struct caisson_create c = { .abi_version = CAISSON_ABI_VERSION,
				    .vcpus = 2,
				    .pages = WORLD_RAM + 1024 };
	struct domain *d;

	if (domain_create(&c, creator, &d))
		die("no domain");
	domain_put(d); /* the table has it */
	for (u32 i = 0; i < vcpus; i++)
		if (domain_vcpu_create(d, i))
			die("no vCPU");
	if (memory_populate(d, 0, WORLD_RAM, 0) != WORLD_RAM || !memory_write(d, 0, words, sizeof(words)))
		die("no RAM");
	c.pages = 4;
	memory_write(d, PAGE_SIZE, &c, sizeof(c)); /* what a caller of domain_create wants */
	return d;
}

void world_begin(struct world *w)
{
	srand(1);
	frame_count(&counts);
	first_hv = first_hv ? first_hv : counts.hv;
	w->control = control = make(NULL, 1);
	control->rights.machine = control->rights.domains = RIGHT_ALL;
	w->a = make(control, 2);
	w->b = make(w->a, 1);
}

s64 world_call(struct domain *d, u64 nr, const u64 arg[6])
{
	s64 result = 1;

	hypercall_dispatch(d->vcpu[0], nr, arg, &result);
	return result;
}

void world_destroy(struct domain *d)
{
	domain_ref(d);
	while (domain_destroy(d))
		;
	domain_put(d);
}

void world_run(void)
{
	if (!setjmp(idle))
		run_loop(&fake_pcpu[0]);
}

bool world_end(void)
{
	struct frame_counts now;
	struct pcpu *c = &fake_pcpu[0];
	struct domain *d;

	c->lender = NULL;
	if (c->current) {
		c->current->cpu = NULL;
		c->current = NULL;
		sched_put(&c->sched);
	}
	while ((d = domain_get_next(0))) {
		for (u32 n = 0; domain_destroy(d); n++)
			if (n > 100000)
				die("a domain does not go");
		domain_put(d);
	}
	frame_count(&now);
	/* Records of shares and the rings of the trace are made once and kept. */
	if (now.free - now.reserved + now.hv == counts.free - counts.reserved + counts.hv &&
	    now.hv < first_hv + 100 && domains == 0)
		return true;
	fprintf(stderr,
		"world: %u domains left; free frames: %lu - %lu, before: %lu - %lu; the hypervisor's: %lu\n",
		domains, now.free, now.reserved, counts.free, counts.reserved, now.hv);
	return false;
}
