/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/hypercall.h"
#include "hv/arch.h"
#include "hv/console.h"
#include "hv/control.h"
#include "hv/debug.h"
#include "hv/domain.h"
#include "hv/frame.h"
#include "hv/ioreq.h"
#include "hv/log.h"
#include "hv/pcpu.h"
#include "hv/rights.h"
#include "hv/stats.h"
#include "hv/string.h"
#include "hv/trace.h"

/* One call under way. Handlers for a domain find it in `d`,
 * with a reference that the dispatcher gives back. */
struct call {
	struct vcpu *v;
	struct domain *self, *d;
	struct vcpu *on; /* of d: the one that argument 1 names */
	const u64 *arg;
	u32 held; /* the caller's rights over the machine, or over d */
	enum verdict verdict;
};

/* Console text passes through a buffer on the stack: one piece per call. */
#define TEXT_MAX 512u

/* An argument of 32 bits: what is larger names nothing. */
static u32 word(u64 arg)
{
	return (u32)MIN(arg, ~0u);
}

static s64 give(struct call *c, u64 gpa, const void *from, u64 bytes)
{
	return memory_write(c->self, gpa, from, bytes) ? 0 : -CAISSON_EFAULT;
}

/* The domain is paused, or over, and stays so until domain_unpause():
 * another vCPU of the caller must not let it run meanwhile. */
static bool still(struct domain *d)
{
	return (READ_ONCE(d->pauses) || READ_ONCE(d->ended)) && !domain_pause(d, true);
}

static s64 call_console_write(struct call *c)
{
	char text[TEXT_MAX];
	u64 n = MIN(c->arg[1], TEXT_MAX);

	if (!memory_read(c->self, c->arg[0], text, n))
		return -CAISSON_EFAULT;
	return (s64)console_write(text, n);
}

static s64 call_console_read(struct call *c)
{
	char text[TEXT_MAX];
	u64 n = console_read(text, MIN(c->arg[1], TEXT_MAX));

	return memory_write(c->self, c->arg[0], text, n) ? (s64)n : -CAISSON_EFAULT;
}

static s64 call_log_read(struct call *c)
{
	struct {
		struct caisson_log head;
		char text[TEXT_MAX];
	} out;
	u64 n;

	if (c->arg[2] < sizeof(out.head))
		return -CAISSON_EINVAL;
	n = MIN(c->arg[2] - sizeof(out.head), TEXT_MAX);
	n = log_read(c->arg[0], out.text, n, &out.head.first, &out.head.next);
	return memory_write(c->self, c->arg[1], &out, sizeof(out.head) + n) ? (s64)n : -CAISSON_EFAULT;
}

static s64 call_physinfo(struct call *c)
{
	struct caisson_physinfo p;

	control_physinfo(&p);
	return give(c, c->arg[0], &p, sizeof(p));
}

static s64 call_cpuinfo(struct call *c)
{
	struct caisson_cpuinfo out = { 0 };
	struct pcpu *p = cpu_by_id(word(c->arg[0]));
	u64 now = arch_now(), from, idle;

	if (!p)
		return -CAISSON_ENOENT;
	from = READ_ONCE(p->idle_from);
	idle = p->idle_ticks + (from && now > from ? now - from : 0);
	out.cpu = p->id;
	out.apic_id = arch_apic_id(p);
	out.online = p->online;
	out.idle_ns = arch_ticks_to_ns(idle);
	out.guest_ns = arch_ticks_to_ns(now - p->since - idle - p->root_ticks);
	out.root_ns = arch_ticks_to_ns(p->root_ticks);
	out.interrupts = p->interrupts;
	out.switches = p->switches;
	out.barriers = p->barriers;
	out.runnable = READ_ONCE(p->sched.runnable);
	out.pool = READ_ONCE(p->sched.pool);
	return give(c, c->arg[1], &out, sizeof(out));
}

static s64 call_doctor(struct call *c)
{
	u64 set = c->arg[0] - CAISSON_DOCTOR_BITS;
	struct caisson_doctor row;
	struct caisson_bits bits;

	if (set < CAISSON_DOCTOR_BITS)
		return arch_doctor_bits((u32)set, &bits) ? -CAISSON_ENOENT
							 : give(c, c->arg[1], &bits, sizeof(bits));
	memset(&row, 0, sizeof(row));
	if (c->arg[0] > 0xffff || arch_doctor_row((u32)c->arg[0], &row))
		return -CAISSON_ENOENT;
	return give(c, c->arg[1], &row, sizeof(row));
}

static s64 call_module_info(struct call *c)
{
	const struct boot_module *m = control_module(c->arg[0]);
	u64 bytes;

	if (!m)
		return -CAISSON_ENOENT;
	bytes = m->end.v - m->start.v;
	if (give(c, c->arg[1], &bytes, sizeof(bytes)))
		return -CAISSON_EFAULT;
	return give(c, c->arg[1] + sizeof(bytes), m->cmdline, CAISSON_ARGS);
}

static s64 call_module_map(struct call *c)
{
	const struct boot_module *m = control_module(c->arg[0]);
	u64 pages = m ? ALIGN_UP(m->end.v - m->start.v, PAGE_SIZE) / PAGE_SIZE : 0;
	u64 first = c->arg[2], n = c->arg[3];
	int r;

	if (!m)
		return -CAISSON_ENOENT;
	if (first >= pages || n == 0 || n > pages - first || (c->arg[1] & ~PAGE_MASK))
		return -CAISSON_EINVAL;
	n = MIN(n, SHARE_MACHINE_PIECE);
	r = share_map_machine(c->self, c->arg[1], NULL, HPA(m->start.v + first * PAGE_SIZE), n,
			      CAISSON_PROT_READ);
	return r ? r : (s64)n;
}

static s64 call_power(struct call *c)
{
	if (c->arg[0] > CAISSON_POWER_REBOOT)
		return -CAISSON_EINVAL;
	log_info("machine %s by domain %u", c->arg[0] == CAISSON_POWER_OFF ? "power-off" : "reboot",
		 c->self->id);
	console_flush(false);
	if (c->arg[0] == CAISSON_POWER_OFF)
		arch_poweroff();
	arch_reboot();
}

static s64 call_time(struct call *c)
{
	struct caisson_time t;

	t.tsc = arch_now();
	t.tsc_khz = arch_tsc_khz();
	t.uptime_ns = arch_ticks_to_ns(t.tsc - control_boot_tsc());
	t.wall_ns = arch_wall_base_ns() + arch_ticks_to_ns(t.tsc);
	return give(c, c->arg[0], &t, sizeof(t));
}

static s64 call_wait(struct call *c)
{
	s64 result = 0;

	c->verdict = ioreq_wait(c->v, c->arg[0], c->arg[1], &result);
	return result;
}

static s64 call_domain_create(struct call *c)
{
	struct caisson_create in;
	struct domain *d;
	int r;

	if (!memory_read(c->self, c->arg[0], &in, sizeof(in)))
		return -CAISSON_EFAULT;
	if (in.abi_version != CAISSON_ABI_VERSION || in.flags)
		return -CAISSON_EINVAL;
	r = domain_create(&in, c->self, &d);
	if (r)
		return r;
	r = d->id;
	domain_put(d);
	return r;
}

/* With d's reference. */
static s64 give_domain(struct call *c, struct domain *d, u64 gpa)
{
	struct caisson_domain out;

	if (!d)
		return -CAISSON_ENOENT;
	domain_info(d, &out);
	domain_put(d);
	return give(c, gpa, &out, sizeof(out));
}

static s64 destroy_control(struct call *c)
{
	domain_end(c->d, CAISSON_END_DESTROY, 0, "destroyed by domain %u", c->self->id);
	return control_again();
}

static s64 call_domain_end(struct call *c)
{
	u64 how = c->arg[1];

	if (how < CAISSON_END_POWEROFF || how > CAISSON_END_DESTROY)
		return -CAISSON_EINVAL;
	domain_end(c->d, (u32)how, c->arg[2], "ended by domain %u", c->self->id);
	return c->d->id == CAISSON_CONTROL && c->d != c->self ? control_again() : 0;
}

static s64 call_foreign_map(struct call *c)
{
	if (c->d == c->self || (c->arg[4] & ~3ull) || !(c->arg[4] & CAISSON_PROT_READ))
		return -CAISSON_EINVAL;
	if ((c->arg[4] & CAISSON_PROT_WRITE) && !(c->held & RIGHT_MEM_WRITE))
		return -CAISSON_EPERM;
	return share_map(c->self, c->arg[2], c->d, c->arg[1], c->arg[3], (u32)c->arg[4]);
}

static s64 call_vcpu_get(struct call *c)
{
	struct caisson_vcpu_context ctx;

	memset(&ctx, 0, sizeof(ctx));
	arch_vcpu_get_context(c->on, &ctx);
	return give(c, c->arg[2], &ctx, sizeof(ctx));
}

static s64 call_vcpu_set(struct call *c)
{
	struct vcpu *v = c->on;
	struct caisson_vcpu_context ctx;

	if (!memory_read(c->self, c->arg[2], &ctx, sizeof(ctx)))
		return -CAISSON_EFAULT;
	if (v->io_state != IO_IDLE || v->sleep == SLEEP_WAIT)
		return -CAISSON_EBUSY;
	return arch_vcpu_set_context(v, &ctx);
}

static s64 call_vcpu_fpu(struct call *c)
{
	u8 image[CAISSON_FPU_BYTES];
	bool set = c->arg[3] == 1;
	int r;

	if (c->arg[3] > 1)
		return -CAISSON_EINVAL;
	if (set && !memory_read(c->self, c->arg[2], image, sizeof(image)))
		return -CAISSON_EFAULT;
	lock(&c->on->still);
	r = arch_vcpu_fpu(c->on, image, set);
	unlock(&c->on->still);
	return r || set ? r : give(c, c->arg[2], image, sizeof(image));
}

static u32 vcpu_state(struct vcpu *v)
{
	static const u8 by_sleep[] = {
		[SLEEP_NO] = CAISSON_VCPU_RUNNABLE,  [SLEEP_HLT] = CAISSON_VCPU_BLOCKED,
		[SLEEP_SIPI] = CAISSON_VCPU_OFF,     [SLEEP_IOREQ] = CAISSON_VCPU_IOREQ,
		[SLEEP_WAIT] = CAISSON_VCPU_BLOCKED, [SLEEP_AGAIN] = CAISSON_VCPU_PAUSED
	};

	/* a sleeping one may have been left where it was */
	if (READ_ONCE(v->cpu) && READ_ONCE(v->sleep) == SLEEP_NO)
		return CAISSON_VCPU_RUNNING;
	if (READ_ONCE(v->domain->pauses) || READ_ONCE(v->domain->ended))
		return CAISSON_VCPU_PAUSED;
	return by_sleep[READ_ONCE(v->sleep)];
}

static s64 call_vcpu_info(struct call *c)
{
	struct vcpu *v = c->on;
	struct caisson_vcpu_info out = { 0 };
	struct sched_times s;

	sched_times(&v->sched, arch_now(), &s);
	out.id = v->id;
	out.cpu = v->sched.cpu ? v->sched.cpu->id : 0;
	out.state = vcpu_state(v);
	out.run_ns = arch_ticks_to_ns(s.run);
	out.wait_ns = arch_ticks_to_ns(s.wait);
	out.exits = stats_total(arch_vcpu_stats(v));
	out.wakeups = v->wakeups;
	out.switches = v->sched.switches;
	out.missed = (u32)MIN(v->sched.rt.missed, ~0u);
	out.rip = arch_vcpu_rip(v);
	memcpy(out.affinity, v->sched.affinity, sizeof(out.affinity));
	return give(c, c->arg[2], &out, sizeof(out));
}

static s64 call_vcpu_pin(struct call *c)
{
	u64 mask[CAISSON_CPU_WORDS];

	return memory_read(c->self, c->arg[2], mask, sizeof(mask)) ? sched_set_affinity(&c->on->sched, mask)
								   : -CAISSON_EFAULT;
}

/* All or nothing: what can be refused comes first, and only one such.
 * A domain that changes its pool has no reservation. */
static s64 call_sched_set(struct call *c)
{
	struct sched_group *g = &c->d->sched;
	struct caisson_sched in;
	int r;

	if (!memory_read(c->self, c->arg[1], &in, sizeof(in)))
		return -CAISSON_EFAULT;
	if (!in.weight || in.weight > SCHED_WEIGHT_MAX || in.cap > SCHED_CAP_MAX)
		return -CAISSON_EINVAL;
	if (in.pool == g->pool)
		r = sched_set_reservation(g, in.budget_us, in.period_us);
	else
		r = in.budget_us || in.period_us ? -CAISSON_EBUSY : sched_set_pool(g, in.pool);
	if (!r)
		r = sched_set_weight(g, in.weight);
	return r ? r : sched_set_cap(g, in.cap);
}

static s64 call_sched_get(struct call *c)
{
	const struct vcpu *v = c->d->vcpu[0];
	struct caisson_sched out = { .weight = c->d->sched.weight,
				     .cap = c->d->sched.cap,
				     .pool = c->d->sched.pool };

	if (v && v->sched.rt.period) {
		out.period_us = (u32)((arch_ticks_to_ns(v->sched.rt.period) + 500) / 1000);
		out.budget_us = (u32)((arch_ticks_to_ns(v->sched.rt.budget) + 500) / 1000);
	}
	return give(c, c->arg[1], &out, sizeof(out));
}

static s64 call_event_send(struct call *c)
{
	u32 port = word(c->arg[1]);

	if (!event_allowed(&c->d->events, port, c->self->id))
		return -CAISSON_EPERM;
	event_send(c->d, port);
	return 0;
}

static s64 call_ioreq_map(struct call *c)
{
	const void *page =
		c->arg[2] == CAISSON_IOREQ_SLOTS ? (void *)c->d->ioreq : (void *)READ_ONCE(c->d->posted.ring);

	if (c->arg[2] > CAISSON_IOREQ_RING)
		return -CAISSON_EINVAL;
	if (!page)
		return -CAISSON_ENOENT;
	return share_map_machine(c->self, c->arg[1], c->d, arch_direct_pa(page), 1,
				 CAISSON_PROT_READ | CAISSON_PROT_WRITE);
}

static s64 call_ioreq_claim(struct call *c)
{
	u64 kind = c->arg[1], flags = c->arg[4];
	int r;

	if (kind > CAISSON_IO_MMIO || (flags & ~3ull))
		return -CAISSON_EINVAL;
	if (!still(c->d))
		return -CAISSON_EBUSY;
	arch_s2_flush(c->d);  /* x86 remembers accesses, and claims with them */
	lock(&c->d->vm.lock); /* against other claims; the domain's vCPUs read it and do not run */
	if (READ_ONCE(c->d->dying))
		r = -CAISSON_EBUSY;
	else if (flags & CAISSON_CLAIM_DROP)
		r = ioreq_asks(c->d, c->self) ? -CAISSON_EBUSY
					      : bus_drop(&c->d->bus, (u32)kind, c->arg[2], c->self);
	else if (!(flags & CAISSON_CLAIM_POSTED) || !(r = ioreq_ring(c->d, c->self)))
		r = bus_claim(&c->d->bus, (u32)kind, c->arg[2], c->arg[3], c->self, (u32)flags);
	if (!r && !(flags & CAISSON_CLAIM_DROP))
		domain_ref(c->self);
	unlock(&c->d->vm.lock);
	if (!r && (flags & CAISSON_CLAIM_DROP))
		domain_put(c->self);
	domain_unpause(c->d, true);
	return r;
}

static s64 call_irq_line(struct call *c)
{
	if (c->arg[1] > 23 || c->arg[2] > 1)
		return -CAISSON_EINVAL;
	arch_irq_line(c->d, (u32)c->arg[1], c->arg[2]);
	return 0;
}

static s64 call_stats(struct call *c)
{
	struct caisson_stat out;
	const char *name = c->arg[2] < 256 ? arch_exit_name((u32)c->arg[2]) : NULL;

	if (!name)
		return -CAISSON_ENOENT;
	memset(&out, 0, sizeof(out));
	str_copy(out.name, name, sizeof(out.name));
	stats_get(arch_vcpu_stats(c->on), (u32)c->arg[2], &out);
	return give(c, c->arg[3], &out, sizeof(out));
}

static s64 call_stats_reset(struct call *c)
{
	domain_each_vcpu(c->d, v) {
		stats_clear(arch_vcpu_stats(v));
		memset(arch_vcpu_whats(v), 0, sizeof(struct stat_whats));
		arch_irq_window(); /* 9 KiB each, and there may be 64 */
	}
	return 0;
}

static s64 call_vmcs_read(struct call *c)
{
	u64 value;
	int r = arch_vcpu_field(c->on, word(c->arg[2]), &value);

	return r ? r : give(c, c->arg[3], &value, sizeof(value));
}

static s64 call_s2_walk(struct call *c)
{
	struct caisson_walk out;

	memset(&out, 0, sizeof(out));
	lock(&c->d->vm.lock);
	arch_s2_walk(c->d, GPA(c->arg[1]), &out);
	unlock(&c->d->vm.lock);
	return give(c, c->arg[2], &out, sizeof(out));
}

static s64 call_host_walk(struct call *c)
{
	struct caisson_walk out;
	s64 r;

	memset(&out, 0, sizeof(out));
	arch_s2_walk(NULL, GPA(c->arg[0]), &out);
	r = give(c, c->arg[1], &out, sizeof(out));
	return r ? r : frame_owner(HPA(out.hpa));
}

static s64 call_pool(struct call *c)
{
	u32 op = word(c->arg[0]), pool = word(c->arg[1]), what = word(c->arg[2]);
	struct caisson_pool p = { .id = pool };
	struct domain *d;
	int r;

	switch (op) {
	case CAISSON_POOL_INFO:
		r = sched_pool_info(pool, p.cpus, &p.domains);
		return r ? r : give(c, c->arg[3], &p, sizeof(p));
	case CAISSON_POOL_CREATE:
		return sched_pool_create();
	case CAISSON_POOL_DESTROY:
		return sched_pool_destroy(pool);
	case CAISSON_POOL_ADD:
		return sched_pool_move_cpu(pool, what);
	case CAISSON_POOL_MOVE:
		d = domain_get(what);
		if (!d)
			return -CAISSON_ENOENT;
		r = sched_set_pool(&d->sched, pool);
		domain_put(d);
		return r;
	default:
		return -CAISSON_EINVAL;
	}
}

static s64 call_trace_control(struct call *c)
{
	struct caisson_trace_control in;

	return memory_read(c->self, c->arg[0], &in, sizeof(in)) ? trace_control(&in) : -CAISSON_EFAULT;
}

static s64 call_trace_read(struct call *c)
{
	struct {
		struct caisson_trace_head head;
		struct caisson_trace_record record[TEXT_MAX / sizeof(struct caisson_trace_record)];
	} out;
	s64 n;

	if (c->arg[3] < sizeof(out.head))
		return -CAISSON_EINVAL;
	n = trace_read(
		word(c->arg[0]), c->arg[1], &out.head, out.record,
		(u32)MIN((c->arg[3] - sizeof(out.head)) / sizeof(out.record[0]), ARRAY_SIZE(out.record)));
	if (n < 0)
		return n;
	return give(c, c->arg[2], &out, sizeof(out.head) + (u64)n * sizeof(out.record[0])) ? -CAISSON_EFAULT
											   : n;
}

static s64 call_watch(struct call *c)
{
	if ((c->arg[1] | c->arg[2]) & ~(u64)CAISSON_WATCH_TRACE)
		return -CAISSON_EINVAL;
	domain_watch(c->d, (u32)c->arg[1], (u32)c->arg[2]);
	return 0;
}

static s64 call_stats_what(struct call *c)
{
	struct caisson_what out = { 0 };
	const struct stat_whats *t = arch_vcpu_whats(c->on);

	if (c->arg[2] >= STATS_WHATS)
		return -CAISSON_ENOENT;
	out.what = t->what[c->arg[2]];
	out.count = t->count[c->arg[2]];
	out.kind = arch_what_kind((u32)c->arg[2]);
	return give(c, c->arg[3], &out, sizeof(out));
}

static s64 call_debug(struct call *c)
{
	struct vcpu *v = c->on;
	struct caisson_debug x;
	int r;

	if (c->arg[2] == CAISSON_DEBUG_RESUME)
		return __atomic_exchange_n(&c->d->stopped, false, __ATOMIC_SEQ_CST)
			       ? domain_unpause(c->d, false)
			       : 0;
	if (!v)
		return -CAISSON_ENOENT;
	if (c->arg[2] != CAISSON_DEBUG_GET && c->arg[2] != CAISSON_DEBUG_SET)
		return -CAISSON_EINVAL;
	if (!still(c->d))
		return -CAISSON_EBUSY;
	if (c->arg[2] == CAISSON_DEBUG_GET) {
		arch_vcpu_debug_get(v, &x);
		r = (int)give(c, c->arg[3], &x, sizeof(x));
	} else {
		r = memory_read(c->self, c->arg[3], &x, sizeof(x)) ? arch_vcpu_debug_set(v, &x)
								   : -CAISSON_EFAULT;
	}
	domain_unpause(c->d, true);
	return r;
}

/* What argument 1 of these two names:
 * a place, or a domain in *d, with a reference, NULL when there is none. */
static u32 over_arg(struct call *c, struct domain **d)
{
	u32 over = word(c->arg[1]);

	*d = NULL;
	if (over == CAISSON_OVER_MACHINE || over == CAISSON_OVER_DOMAINS)
		return over;
	*d = over == CAISSON_SELF ? domain_ref(c->self) : domain_get(over);
	return 0;
}

static s64 call_rights_set(struct call *c)
{
	struct domain *d;
	u32 over = over_arg(c, &d);
	int r = -CAISSON_ENOENT;

	if ((c->arg[2] | c->arg[3]) >> 32)
		r = -CAISSON_EINVAL;
	else if (d || over)
		r = rights_change(&c->self->rights, &c->d->rights, over, d ? &d->rights : NULL,
				  (u32)c->arg[2], (u32)c->arg[3]);
	if (d)
		domain_put(d);
	return r;
}

static s64 call_rights_get(struct call *c)
{
	struct domain *d;
	u32 over = over_arg(c, &d);
	struct caisson_rights out = { .refused = READ_ONCE(c->d->rights.refused) };

	if (!d && !over)
		return -CAISSON_ENOENT;
	out.held = rights_held(&c->d->rights, over, d ? &d->rights : NULL);
	if (d)
		domain_put(d);
	return give(c, c->arg[2], &out, sizeof(out));
}

/* Those that need no words. */
#define CALL(name, result)                     \
	static s64 call_##name(struct call *c) \
	{                                      \
		(void)c;                       \
		return result;                 \
	}
CALL(version, CAISSON_ABI_VERSION)
CALL(domain_destroy, c->d == c->self		   ? -CAISSON_EBUSY
		     : c->d->id == CAISSON_CONTROL ? destroy_control(c)
						   : domain_destroy(c->d))
CALL(domain_pause, c->d == c->self ? -CAISSON_EBUSY : domain_pause(c->d, false))
CALL(domain_reset, c->d == c->self || c->d->id == CAISSON_CONTROL ? -CAISSON_EBUSY : domain_reset(c->d))
CALL(domain_unpause, domain_unpause(c->d, false))
CALL(domain_info, give_domain(c, domain_ref(c->d), c->arg[1]))
CALL(domain_next, give_domain(c, domain_get_next((u32)MIN(c->arg[0], CAISSON_MAX_DOMS)), c->arg[1]))
CALL(domain_event, give_domain(c, domain_take_ended(), c->arg[0]))
CALL(populate, memory_populate(c->d, c->arg[1], c->arg[2], word(c->arg[3])))
CALL(mem_write, memory_copy(c->d, c->arg[1], c->self, c->arg[2], c->arg[3]))
CALL(mem_read, memory_copy(c->self, c->arg[2], c->d, c->arg[1], c->arg[3]))
CALL(foreign_unmap, share_unmap(c->self, c->arg[0]))
CALL(vcpu_create, domain_vcpu_create(c->d, word(c->arg[1])))
CALL(event_bind, event_bind(&c->self->events, word(c->arg[1]), c->d->id))
CALL(msi, arch_msi(c->d, c->arg[1], (u32)c->arg[2]))

static const struct {
	s64 (*fn)(struct call *);
	u32 need;
	enum hypercall_target on;
} table[] = {
#define ROW(call, right, target) [CAISSON_CALL_##call - CAISSON_CALL_BASE] = { call_##call, right, target }
	ROW(version, RIGHT_NONE, ON_SELF),
	ROW(console_write, RIGHT_CONSOLE, ON_MACHINE),
	ROW(console_read, RIGHT_CONSOLE, ON_MACHINE),
	ROW(log_read, RIGHT_CONSOLE, ON_MACHINE),
	ROW(physinfo, RIGHT_INFO, ON_MACHINE),
	ROW(cpuinfo, RIGHT_INFO, ON_MACHINE),
	ROW(doctor, RIGHT_INFO, ON_MACHINE),
	ROW(module_info, RIGHT_BUILD, ON_MACHINE),
	ROW(module_map, RIGHT_BUILD, ON_MACHINE),
	ROW(power, RIGHT_MACHINE, ON_MACHINE),
	ROW(time, RIGHT_NONE, ON_SELF),
	ROW(wait, RIGHT_NONE, ON_SELF),
	ROW(domain_create, RIGHT_BUILD, ON_MACHINE),
	ROW(domain_destroy, RIGHT_LIFE, ON_DOMAIN),
	ROW(domain_pause, RIGHT_LIFE, ON_DOMAIN),
	ROW(domain_unpause, RIGHT_LIFE, ON_DOMAIN),
	ROW(domain_info, RIGHT_INFO, ON_DOMAIN),
	ROW(domain_next, RIGHT_INFO, ON_MACHINE),
	ROW(domain_event, RIGHT_LIFE, ON_MACHINE),
	ROW(domain_reset, RIGHT_LIFE, ON_DOMAIN),
	ROW(domain_end, RIGHT_LIFE, ON_DOMAIN),
	ROW(populate, RIGHT_MEM_WRITE, ON_DOMAIN),
	ROW(mem_write, RIGHT_MEM_WRITE, ON_DOMAIN),
	ROW(mem_read, RIGHT_MEM_READ, ON_DOMAIN),
	ROW(foreign_map, RIGHT_MEM_READ, ON_DOMAIN),
	ROW(foreign_unmap, RIGHT_NONE, ON_SELF),
	ROW(vcpu_create, RIGHT_BUILD, ON_DOMAIN),
	ROW(vcpu_get, RIGHT_REGS, ON_STILL),
	ROW(vcpu_set, RIGHT_REGS, ON_STILL),
	ROW(vcpu_info, RIGHT_INFO, ON_VCPU),
	ROW(vcpu_pin, RIGHT_SCHED, ON_VCPU),
	ROW(sched_set, RIGHT_SCHED, ON_DOMAIN),
	ROW(sched_get, RIGHT_INFO, ON_DOMAIN),
	ROW(event_bind, RIGHT_EVENT, ON_DOMAIN),
	ROW(event_send, RIGHT_EVENT, ON_DOMAIN),
	ROW(ioreq_map, RIGHT_DM, ON_DOMAIN),
	ROW(ioreq_claim, RIGHT_DM, ON_DOMAIN),
	ROW(irq_line, RIGHT_DM, ON_DOMAIN),
	ROW(msi, RIGHT_DM, ON_DOMAIN),
	ROW(stats, RIGHT_INFO, ON_VCPU),
	ROW(vmcs_read, RIGHT_REGS, ON_STILL),
	ROW(s2_walk, RIGHT_INFO, ON_DOMAIN),
	ROW(pool, RIGHT_MACHINE, ON_MACHINE),
	ROW(stats_reset, RIGHT_INFO, ON_DOMAIN),
	ROW(trace_control, RIGHT_MACHINE, ON_MACHINE),
	ROW(trace_read, RIGHT_MACHINE, ON_MACHINE),
	ROW(watch, RIGHT_REGS, ON_DOMAIN),
	ROW(debug, RIGHT_REGS, ON_DOMAIN),
	ROW(host_walk, RIGHT_MACHINE, ON_MACHINE),
	ROW(stats_what, RIGHT_INFO, ON_VCPU),
	ROW(vcpu_fpu, RIGHT_REGS, ON_STILL),
	ROW(rights_set, RIGHT_INFO, ON_DOMAIN),
	ROW(rights_get, RIGHT_INFO, ON_DOMAIN),
#undef ROW
};

bool hypercall_row(u32 index, u32 *need, enum hypercall_target *on)
{
	if (index >= ARRAY_SIZE(table))
		return false;
	*need = table[index].need;
	*on = table[index].on;
	return true;
}

enum verdict hypercall_dispatch(struct vcpu *v, u64 nr, const u64 arg[6], s64 *result)
{
	u64 index = nr - CAISSON_CALL_BASE;
	struct call c = { .v = v, .self = v->domain, .d = NULL, .arg = arg, .verdict = V_ADVANCE };
	if (index >= ARRAY_SIZE(table)) {
		*result = -CAISSON_ENOSYS;
		return V_ADVANCE;
	}
	if (table[index].on >= ON_DOMAIN) {
		c.d = arg[0] == CAISSON_SELF ? domain_ref(c.self) : domain_get(word(arg[0]));
		c.held = rights_over(&c.self->rights, c.d ? &c.d->rights : NULL);
		c.on = c.d && arg[1] < c.d->max_vcpus ? READ_ONCE(c.d->vcpu[arg[1]]) : NULL;
	} else if (table[index].on == ON_MACHINE) {
		c.held = READ_ONCE(c.self->rights.machine);
	}
	debug_call((u32)index);
	/* Who lacks the right does not learn whether the domain exists. */
	if (table[index].need & ~c.held)
		*result = -CAISSON_EPERM;
	else if ((table[index].on >= ON_DOMAIN && !c.d) || (table[index].on >= ON_VCPU && !c.on))
		*result = -CAISSON_ENOENT;
	else if (table[index].on == ON_STILL && !still(c.d))
		*result = -CAISSON_EBUSY;
	else {
		*result = ((s64(__notrack *)(struct call *))table[index].fn)(&c);
		if (table[index].on == ON_STILL)
			domain_unpause(c.d, true);
	}
	debug_call_ends(c.d);
	if (unlikely(*result == -CAISSON_EPERM))
		__atomic_add_fetch(&c.self->rights.refused, 1, __ATOMIC_RELAXED);
	if (c.d)
		domain_put(c.d);
	return c.verdict;
}
