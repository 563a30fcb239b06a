/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands about vCPUs, their scheduling and CPU pools.
 */
#include "guest/control/cons.h"
#include "guest/control/cpuset.h"
#include "guest/control/domain.h"
#include "guest/control/errors.h"
#include "guest/control/json.h"
#include "guest/control/shell.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

typedef unsigned long long ull;

#define SET_TEXT  64
#define MAX_POOLS 256u

static u32 cpus_online(void)
{
	static struct caisson_physinfo p;

	return hc_physinfo(&p) < 0 ? 1 : p.cpus;
}

/* ---- vcpu-list, vcpu-pin ---- */

static const char *vcpu_state(u32 state)
{
	static const char *const name[] = { "running", "runnable", "blocked", "device", "paused", "off" };

	return state < ARRAY_SIZE(name) ? name[state] : "unknown";
}

static void vcpu_print(const struct caisson_domain *d, const struct caisson_vcpu_info *v, u32 cpus, bool json)
{
	char set[SET_TEXT];
	ull ms = v->run_ns / NS_PER_MS;

	cpuset_format(v->affinity, cpus, set, sizeof(set));
	if (!json) {
		out("%4u  %-16s %4u %4u  %-8s %6llu.%03llu %12llu %10llu  %016llx  %s\n", d->id, d->name,
		    v->id, v->cpu, vcpu_state(v->state), ms / 1000, ms % 1000, (ull)v->exits, (ull)v->wakeups,
		    (ull)v->rip, set);
		return;
	}
	json_open(NULL, '{');
	json_number("domain", d->id);
	json_string("name", d->name);
	json_number("vcpu", v->id);
	json_number("cpu", v->cpu);
	json_string("state", vcpu_state(v->state));
	json_number("run_ns", v->run_ns);
	json_number("wait_ns", v->wait_ns);
	json_number("exits", v->exits);
	json_number("wakeups", v->wakeups);
	json_number("switches", v->switches);
	json_number("missed", v->missed);
	json_hex("rip", v->rip);
	json_string("affinity", set);
	json_close('}');
}

static int cmd_vcpu_list(int argc, char *const argv[])
{
	struct args_option o[] = { OPTION_JSON };
	static struct caisson_domain info;
	struct caisson_vcpu_info v;
	const char *id[1];
	int n = parse(argc, argv, o, 1, id, 0, 1), only = -1;
	u32 cpus = cpus_online();

	if (n < 0)
		return 1;
	if (n == 1 && (only = need_id(id[0])) < 0)
		return 1;
	if (o[0].set)
		json_open(NULL, '[');
	else
		out("%4s  %-16s %4s %4s  %-8s %10s %12s %10s  %-16s  %s\n", "ID", "NAME", "VCPU", "CPU",
		    "STATE", "TIME(s)", "EXITS", "WAKEUPS", "RIP", "MAY RUN ON");
	for (u32 d = only < 0 ? 0 : (u32)only; !in_ctrlc && !hc_domain_next(d, &info); d = info.id + 1) {
		if (only >= 0 && info.id != (u32)only)
			break;
		for (u32 i = 0; i < info.max_vcpus; i++)
			if (!hc_vcpu_info(info.id, i, &v))
				vcpu_print(&info, &v, cpus, o[0].set);
	}
	if (o[0].set)
		json_close(']');
	return interrupted();
}

static int cmd_vcpu_pin(int argc, char *const argv[])
{
	const char *word[3];
	u64 vcpu, set[CAISSON_CPU_WORDS];
	int id;
	s64 r;

	if (parse(argc, argv, NULL, 0, word, 3, 3) < 0)
		return 1;
	id = need_id(word[0]);
	if (id < 0)
		return 1;
	if (!args_number(word[1], &vcpu) || vcpu >= CAISSON_MAX_VCPUS)
		return fail("vcpu-pin: '%.40s' is no vCPU's number", word[1]);
	if (!cpuset_parse(word[2], set))
		return fail("vcpu-pin: '%.40s' is no set of CPUs (like 0,2-3 or all)", word[2]);
	r = hc_vcpu_pin((u32)id, (u32)vcpu, set);
	if (r == -CAISSON_ENOENT)
		return fail("domain %d has no vCPU %llu", id, (ull)vcpu);
	if (r == -CAISSON_EINVAL)
		return fail("no CPU of %.40s is online in the domain's pool", word[2]);
	return r < 0 ? fail("vcpu-pin: %s", error_name(r)) : 0;
}

/* ---- sched ---- */

static int sched_print(int id)
{
	struct caisson_sched s = { 0 };
	struct caisson_vcpu_info v;
	s64 r = hc_sched_get((u32)id, &s);
	ull missed = 0;

	if (r < 0)
		return fail("sched: %s", error_name(r));
	for (u32 i = 0; i < CAISSON_MAX_VCPUS && !hc_vcpu_info((u32)id, i, &v); i++)
		missed += v.missed;
	out("domain %d: weight %u, ", id, s.weight);
	if (s.cap)
		out("cap %u%%, ", s.cap);
	else
		out("no cap, ");
	if (s.period_us)
		out("%u us of each %u us reserved (%llu deadlines missed), ", s.budget_us, s.period_us,
		    missed);
	else
		out("no reservation, ");
	out("pool %u\n", s.pool);
	return 0;
}

static int cmd_sched(int argc, char *const argv[])
{
	enum { WEIGHT, CAP, PERIOD, BUDGET, OPTIONS };
	struct args_option o[OPTIONS] = {
		[WEIGHT] = { .name = "weight", .type = ARGS_NUMBER, .min = 1, .max = 10000 },
		[CAP] = { .name = "cap", .type = ARGS_NUMBER, .min = 0, .max = 100 * CAISSON_MAX_CPUS },
		[PERIOD] = { .name = "period", .type = ARGS_NUMBER, .min = 0, .max = 10000000 },
		[BUDGET] = { .name = "budget", .type = ARGS_NUMBER, .min = 0, .max = 10000000 },
	};
	struct caisson_sched s;
	const char *word[1];
	bool any = false;
	int id;
	s64 r;

	if (parse(argc, argv, o, OPTIONS, word, 1, 1) < 0)
		return 1;
	id = need_id(word[0]);
	if (id < 0)
		return 1;
	for (u32 i = 0; i < OPTIONS; i++)
		any |= o[i].set;
	if (!any)
		return sched_print(id);
	if (o[PERIOD].set != o[BUDGET].set)
		return fail("sched: --period and --budget go together");
	r = hc_sched_get((u32)id, &s);
	if (r < 0)
		return fail("sched: %s", error_name(r));
	s.weight = o[WEIGHT].set ? (u32)o[WEIGHT].number : s.weight;
	s.cap = o[CAP].set ? (u32)o[CAP].number : s.cap;
	s.period_us = o[PERIOD].set ? (u32)o[PERIOD].number : s.period_us;
	s.budget_us = o[BUDGET].set ? (u32)o[BUDGET].number : s.budget_us;
	r = hc_sched_set((u32)id, &s);
	if (r == -CAISSON_ENOSPC)
		return fail("sched: the CPUs of its pool have not so much time left to promise");
	return r < 0 ? fail("sched: %s", error_name(r)) : 0;
}

/* ---- pools ---- */

static int pool_fail(const char *const argv0, s64 r)
{
	if (r == -CAISSON_ENOENT)
		return fail("%s: no such pool, CPU or domain", argv0);
	if (r == -CAISSON_EBUSY)
		return fail("%s: in use", argv0);
	return fail("%s: %s", argv0, error_name(r));
}

static int cmd_pool_list(int argc, char *const argv[])
{
	const char *none[1];
	u32 cpus = cpus_online(), found = 0;
	struct caisson_pool p;
	char set[SET_TEXT];
	s64 r = -CAISSON_ENOENT;

	if (parse(argc, argv, NULL, 0, none, 0, 0) < 0)
		return 1;
	for (u32 i = 0; i < MAX_POOLS; i++) {
		memset(&p, 0, sizeof(p));
		r = hc_pool(CAISSON_POOL_INFO, i, 0, &p);
		if (r < 0 && r != -CAISSON_ENOENT)
			break;
		if (r < 0)
			continue;
		if (!found++)
			out("%4s  %7s  %s\n", "POOL", "DOMAINS", "CPUS");
		cpuset_format(p.cpus, cpus, set, sizeof(set));
		out("%4u  %7u  %s\n", i, p.domains, set);
	}
	return found ? 0 : pool_fail(argv[0], r);
}

static int cmd_pool_create(int argc, char *const argv[])
{
	struct caisson_pool p = { 0 };
	const char *none[1];
	s64 r;

	if (parse(argc, argv, NULL, 0, none, 0, 0) < 0)
		return 1;
	r = hc_pool(CAISSON_POOL_CREATE, 0, 0, &p);
	if (r < 0)
		return pool_fail(argv[0], r);
	out("pool %llu created\n", (ull)r);
	return 0;
}

/* Commands with one or two numbers behind the pool's. */
static int pool_op(int argc, char *const argv[], u32 what, int words, u64 number[2])
{
	struct caisson_pool p = { 0 };
	const char *word[2];
	s64 r;

	if (parse(argc, argv, NULL, 0, word, words, words) < 0)
		return 1;
	number[1] = 0;
	for (int i = 0; i < words; i++)
		if (!args_number(word[i], &number[i]) || number[i] > 0xffff)
			return fail("%s: '%.40s' is no number of a %s", argv[0], word[i], i ? "CPU" : "pool");
	r = hc_pool(what, (u32)number[0], (u32)number[1], &p);
	return r < 0 ? pool_fail(argv[0], r) : 0;
}

static int cmd_pool_destroy(int argc, char *const argv[])
{
	u64 number[2];

	return pool_op(argc, argv, CAISSON_POOL_DESTROY, 1, number);
}

static int cmd_pool_add(int argc, char *const argv[])
{
	u64 number[2];

	return pool_op(argc, argv, CAISSON_POOL_ADD, 2, number);
}

/* What leaves a pool goes to pool 0, where every CPU begins. */
static int cmd_pool_remove(int argc, char *const argv[])
{
	struct caisson_pool p = { 0 };
	u64 number[2];
	s64 r;

	if (pool_op(argc, argv, CAISSON_POOL_INFO, 2, number))
		return 1;
	r = hc_pool(CAISSON_POOL_INFO, (u32)number[0], 0, &p);
	if (r < 0)
		return pool_fail(argv[0], r);
	if (number[1] >= CAISSON_MAX_CPUS || !cpuset_has(p.cpus, (u32)number[1]))
		return fail("%s: pool %llu has no CPU %llu", argv[0], (ull)number[0], (ull)number[1]);
	if (!number[0])
		return fail("%s: a CPU leaves pool 0 only into another (try: cpupool-cpu-add)", argv[0]);
	r = hc_pool(CAISSON_POOL_ADD, 0, (u32)number[1], &p);
	return r < 0 ? pool_fail(argv[0], r) : 0;
}

static int cmd_pool_migrate(int argc, char *const argv[])
{
	struct caisson_pool p = { 0 };
	const char *word[2];
	u64 pool;
	int id;
	s64 r;

	if (parse(argc, argv, NULL, 0, word, 2, 2) < 0)
		return 1;
	id = need_id(word[0]);
	if (id < 0)
		return 1;
	if (!args_number(word[1], &pool) || pool > 0xffff)
		return fail("%s: '%.40s' is no pool's number", argv[0], word[1]);
	r = hc_pool(CAISSON_POOL_MOVE, (u32)pool, (u32)id, &p);
	return r < 0 ? pool_fail(argv[0], r) : 0;
}

const struct command commands_sched[] = {
	{ "vcpu-list", cmd_vcpu_list, "[ID] [--json]", "the vCPUs, where they run and how much",
	  COMPLETE_DOMAIN },
	{ "vcpu-pin", cmd_vcpu_pin, "ID VCPU CPUS", "lets a vCPU run on some CPUs only (0,2-3 or all)",
	  COMPLETE_DOMAIN },
	{ "sched", cmd_sched, "ID [--weight W] [--cap PERCENT] [--period US --budget US]",
	  "shows or sets a domain's share of the CPUs; cap is in percent of one", COMPLETE_DOMAIN },
	{ "cpupool-list", cmd_pool_list, "", "the pools of CPUs", COMPLETE_NONE },
	{ "cpupool-create", cmd_pool_create, "", "makes an empty pool", COMPLETE_NONE },
	{ "cpupool-destroy", cmd_pool_destroy, "POOL", "removes a pool without CPUs and domains",
	  COMPLETE_NONE },
	{ "cpupool-cpu-add", cmd_pool_add, "POOL CPU", "takes a CPU into a pool, out of the one it is in",
	  COMPLETE_NONE },
	{ "cpupool-cpu-remove", cmd_pool_remove, "POOL CPU", "gives a CPU back to pool 0", COMPLETE_NONE },
	{ "cpupool-migrate", cmd_pool_migrate, "ID POOL", "moves a domain to a pool", COMPLETE_DOMAIN },
	{ 0 },
};
