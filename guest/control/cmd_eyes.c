/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands that look: at exits, at load, into a vCPU, into page tables.
 */
#include "guest/control/cons.h"
#include "guest/control/domain.h"
#include "guest/control/errors.h"
#include "guest/control/fields.h"
#include "guest/control/gva.h"
#include "guest/control/json.h"
#include "guest/control/pump.h"
#include "guest/control/shell.h"
#include "guest/control/stats.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

typedef unsigned long long ull;

static struct caisson_domain info;

/* ---- stats ---- */

/* How what follows is shown. */
static struct {
	bool json, histogram;
	enum stats_order by;
} stats_how;

#define BAR 40u

static void stats_histogram(const struct stats_row *row)
{
	static const char bar[BAR + 1] = "########################################";
	u32 most = 1;

	for (u32 i = 0; i < CAISSON_HIST; i++)
		most = MAX(most, row->hist[i]);
	for (u32 i = 0; i < CAISSON_HIST; i++)
		if (row->hist[i])
			out("  %22s%-2u %12u  %.*s\n", "2^", i, row->hist[i],
			    (int)((u64)row->hist[i] * BAR / most), bar);
}

/* What they were about, the most frequent first. A vCPU counts the most frequent ones of a kind. */
static void stats_what(const struct stats_row *row)
{
	u64 others = row->count;
	u32 i;

	if (stats_how.json)
		json_open("what", '[');
	for (i = 0; i < STATS_WHAT && row->what[i].count; i++) {
		u64 n = row->what[i].count;

		others -= MIN(n, others);
		if (!stats_how.json) {
			out("%s%llx: %llu", i ? ", " : "      ", (ull)row->what[i].what, (ull)n);
			continue;
		}
		json_open(NULL, '{');
		json_hex("what", row->what[i].what);
		json_number("count", n);
		json_close('}');
	}
	if (stats_how.json)
		json_close(']');
	else if (i)
		out(others ? ", others: %llu\n" : "\n", (ull)others);
}

static void stats_print(u32 id, const char *name, struct stats_row *row, u32 n)
{
	bool json = stats_how.json;

	stats_sort(row, n, stats_how.by);
	if (json) {
		json_open(NULL, '{');
		json_number("domain", id);
		json_string("name", name);
		json_open("exits", '[');
	} else {
		out("domain %u (%s)\n  %-24s %12s %16s %9s %9s  %s\n", id, name, "EXIT", "COUNT", "CYCLES",
		    "AVERAGE", "WORST", "WORST AT RIP");
	}
	for (u32 i = 0; i < n; i++) {
		if (!json) {
			out("  %-24s %12llu %16llu %9llu %9llu  %llx\n", row[i].name, (ull)row[i].count,
			    (ull)row[i].cycles, (ull)(row[i].cycles / row[i].count), (ull)row[i].worst,
			    (ull)row[i].worst_rip);
			stats_what(&row[i]);
			if (stats_how.histogram)
				stats_histogram(&row[i]);
			continue;
		}
		json_open(NULL, '{');
		json_string("name", row[i].name);
		json_number("count", row[i].count);
		json_number("cycles", row[i].cycles);
		json_number("worst", row[i].worst);
		json_hex("worst_rip", row[i].worst_rip);
		json_open("hist", '[');
		for (u32 k = 0; k < CAISSON_HIST; k++)
			json_number(NULL, row[i].hist[k]);
		json_close(']');
		stats_what(&row[i]);
		json_close('}');
	}
	if (json) {
		json_close(']');
		json_close('}');
	}
}

static void stats_live(void)
{
	static struct stats_row rows[STATS_ROWS];

	stats_print(info.id, info.name, rows, stats_collect(info.id, info.max_vcpus, rows));
}

static void stats_kept(const struct dom *d)
{
	stats_print(d->id, d->name, d->kept, d->nkept);
}

/* The live ones from the hypervisor, then those that ended lately. */
static void stats_all(void)
{
	for (u32 i = 0; !in_ctrlc && !hc_domain_next(i, &info); i = info.id + 1)
		stats_live();
	for (struct dom *d = domain_from(0); d && !in_ctrlc; d = domain_from(d->id + 1))
		if (!(d->flags & DOM_LIVE))
			stats_kept(d);
}

static int stats_one(const char *word)
{
	struct dom *d = domain_find(word);
	int id;

	if (d && !(d->flags & DOM_LIVE)) {
		stats_kept(d);
		return 0;
	}
	id = need_id(word);
	if (id < 0)
		return 1;
	if (hc_domain_info((u32)id, &info) < 0)
		return fail("no domain %d", id);
	stats_live();
	return 0;
}

static int stats_reset(const char *word)
{
	int id = word ? need_id(word) : -1;

	if (word)
		return id < 0 ? 1 : hc_stats_reset((u32)id) < 0;
	for (u32 i = 0; !hc_domain_next(i, &info); i = info.id + 1)
		hc_stats_reset(info.id);
	return 0;
}

static int cmd_stats(int argc, char *const argv[])
{
	static const char *const orders[] = { "cycles", "count", "average", "worst", "name" };
	struct args_option o[] = { OPTION_JSON,
				   { .name = "reset", .type = ARGS_FLAG },
				   { .name = "sort", .type = ARGS_STRING },
				   { .name = "histogram", .type = ARGS_FLAG } };
	const char *word[1] = { NULL };
	u32 by = 0;
	int r = 0;

	if (parse(argc, argv, o, ARRAY_SIZE(o), word, 0, 1) < 0)
		return 1;
	while (o[2].set && by < ARRAY_SIZE(orders) && strcmp(o[2].string, orders[by]) != 0)
		by++;
	if (by == ARRAY_SIZE(orders))
		return fail("stats: --sort takes cycles, count, average, worst or name");
	if (o[1].set)
		return stats_reset(word[0]);
	/* What does not exist is an error, and no half of a JSON text. */
	if (o[0].set && word[0] && !domain_find(word[0]) && need_id(word[0]) < 0)
		return 1;
	stats_how.json = o[0].set;
	stats_how.histogram = o[3].set;
	stats_how.by = by;
	if (o[0].set)
		json_open(NULL, '[');
	if (word[0])
		r = stats_one(word[0]);
	else
		stats_all();
	if (o[0].set)
		json_close(']');
	return r ? r : interrupted();
}

/* ---- top ---- */

static struct {
	u64 run_ns, exits;
} top_last[CAISSON_MAX_DOMS];

static void top_row(u64 ns)
{
	u64 run = info.run_ns - top_last[info.id].run_ns, exits = info.exits - top_last[info.id].exits;
	u64 permille = ns ? run * 1000 / ns : 0;
	static const char *const state[] = { "paused", "running", "blocked", "ended", "dying" };

	top_last[info.id].run_ns = info.run_ns;
	top_last[info.id].exits = info.exits;
	out("%4u  %-16s %-8s %5llu.%llu %5u %7llu %12llu\033[K\n", info.id, info.name,
	    info.state < ARRAY_SIZE(state) ? state[info.state] : "?", (ull)permille / 10, (ull)permille % 10,
	    info.vcpus, (ull)info.pages >> 8, ns ? (ull)(exits * 1000000 / (ns / 1000 ? ns / 1000 : 1)) : 0);
}

#define TOP_CPUS 16u /* so many have a line */
static struct caisson_cpuinfo cpu_last[TOP_CPUS];

static void top_cpu(u32 cpu, u64 ns)
{
	struct caisson_cpuinfo *last = &cpu_last[cpu], c;
	u64 ms = MAX(ns / 1000000, 1);

	if (hc_cpuinfo(cpu, &c))
		return;
#define PERMILLE(name) ((c.name - last->name) / ms / 1000)
#define SHARE(name)    (ull)(PERMILLE(name) / 10), (ull)(PERMILLE(name) % 10)
	out("CPU %3u: %3llu.%llu %% in guests, %3llu.%llu %% in root mode, %3llu.%llu %% idle; %llu interrupts/s, %llu switches/s, "
	    "%u queued\033[K\n",
	    cpu, SHARE(guest_ns), SHARE(root_ns), SHARE(idle_ns),
	    (ull)((c.interrupts - last->interrupts) * 1000 / ms),
	    (ull)((c.switches - last->switches) * 1000 / ms), c.runnable);
	*last = c;
}

static void top_page(u64 ns)
{
	static struct caisson_physinfo p;

	hc_physinfo(&p);
	out("\033[H%s: up %llu s, %u CPUs, %u domains, %llu of %llu MiB free (q ends)\033[K\n\033[K\n",
	    p.version, (ull)(p.uptime_ns / (NS_PER_MS * MS_PER_S)), p.cpus, p.domains,
	    (ull)p.frames_free >> 8, (ull)p.frames_total >> 8);
	for (u32 cpu = 0; cpu < MIN(p.cpus, TOP_CPUS); cpu++)
		top_cpu(cpu, ns);
	out("\033[K\n%4s  %-16s %-8s %7s %5s %7s %12s\033[K\n", "ID", "NAME", "STATE", "CPU %", "VCPUS",
	    "MIB", "EXITS/s");
	for (u32 i = 0; !in_ctrlc && !hc_domain_next(i, &info); i = info.id + 1)
		top_row(ns);
	out("\033[J");
}

static bool top_quit(void)
{
	int c;

	while ((c = in_getc()) >= 0)
		if (c == 'q' || c == 'Q')
			return true;
	return in_ctrlc;
}

static int cmd_top(int argc, char *const argv[])
{
	struct args_option o[] = { { .name = "count", .type = ARGS_NUMBER, .min = 1, .max = 1000000 } };
	u64 last = time_ns(), now, next, left;
	const char *none[1];

	if (parse(argc, argv, o, 1, none, 0, 0) < 0)
		return 1;
	for (u32 i = 0; !hc_domain_next(i, &info); i = info.id + 1) {
		top_last[info.id].run_ns = info.run_ns;
		top_last[info.id].exits = info.exits;
	}
	for (u32 cpu = 0; cpu < TOP_CPUS; cpu++)
		hc_cpuinfo(cpu, &cpu_last[cpu]);
	left = o[0].set ? o[0].number : ~0ull;
	out("\033[2J");
	while (left) {
		next = time_after_ms(MS_PER_S);
		while (!top_quit() && !(shell_wait(PUMP_INPUT, next) & PUMP_TIME))
			;
		if (in_ctrlc || time_tsc() < next)
			break;
		now = time_ns();
		top_page(now - last);
		last = now;
		left--;
	}
	return 0;
}

/* ---- one vCPU ---- */

int parse_vcpu(const char *word, u32 *vcpu)
{
	const char *colon = strchr(word, ':');
	char id[CAISSON_NAME];
	u64 n = 0;

	if (colon && (!args_number(colon + 1, &n) || n >= CAISSON_MAX_VCPUS)) {
		fail("'%.40s' is no vCPU: ID:NUMBER", word);
		return -1;
	}
	snprintf(id, sizeof(id), "%.*s", colon ? (int)(colon - word) : (int)sizeof(id) - 1, word);
	*vcpu = (u32)n;
	return need_id(id);
}

/* For reading registers a domain stands still. */
static bool still(u32 id)
{
	s64 r = hc_domain_pause(id);

	if (r < 0 && r != -CAISSON_EAGAIN)
		fail("pausing domain %u: %s", id, error_name(r));
	return r >= 0 || r == -CAISSON_EAGAIN;
}

/* Whatever the case of its letters, text is in name. */
static bool within(const char *name, const char *text)
{
	size_t n = strlen(text), k = 0;

	for (; *name && k < n; name++)
		for (k = 0; k < n && (name[k] | 0x20) == (text[k] | 0x20); k++)
			;
	return k == n;
}

static int cmd_vmcs(int argc, char *const argv[])
{
	static struct caisson_physinfo p;
	const char *word[2] = { 0 };
	const struct field *f;
	u32 vcpu, n, shown = 0;
	u64 value;
	int id;
	s64 r = 0;

	if (parse(argc, argv, NULL, 0, word, 1, 2) < 0)
		return 1;
	id = parse_vcpu(word[0], &vcpu);
	if (id < 0 || !still((u32)id))
		return 1;
	hc_physinfo(&p);
	for (f = fields_of(!strcmp(p.vendor, "SVM"), &n); n-- && !in_ctrlc; f++) {
		if (word[1] && !within(f->name, word[1]))
			continue;
		r = field_read((u32)id, vcpu, f->id, &value);
		if (r < 0 && r != -CAISSON_ENOENT)
			break;
		if (r < 0) /* this processor has it not */
			continue;
		out("%04x  %-40s %0*llx\n", f->id, f->name, (int)f->bytes * 2,
		    (ull)(value & (~0ull >> (64 - 8 * f->bytes))));
		shown++;
	}
	hc_domain_unpause((u32)id);
	if (r < 0 && r != -CAISSON_ENOENT)
		return fail("vmcs: %s", error_name(r));
	if (!shown && word[1])
		return fail("no field has \"%.40s\" in its name", word[1]);
	if (!shown)
		return fail("domain %d has no vCPU %u", id, vcpu);
	return interrupted();
}

/* SDM: "Local APIC Register Address Map", by offset / 16 */
static const char *const apic_names[CAISSON_APIC_REGS] = {
	[0x02] = "ID",
	[0x03] = "version",
	[0x08] = "TPR",
	[0x09] = "APR",
	[0x0a] = "PPR",
	[0x0d] = "LDR",
	[0x0e] = "DFR",
	[0x0f] = "SVR",
	[0x10 ... 0x17] = "ISR",
	[0x18 ... 0x1f] = "TMR",
	[0x28] = "ESR",
	[0x20 ... 0x27] = "IRR",
	[0x30] = "ICR",
	[0x31] = "ICR, high half",
	[0x32] = "LVT timer",
	[0x33] = "LVT thermal",
	[0x34] = "LVT performance",
	[0x35] = "LVT LINT0",
	[0x36] = "LVT LINT1",
	[0x37] = "LVT error",
	[0x38] = "initial count",
	[0x3e] = "divide configuration",
};

static int cmd_apic(int argc, char *const argv[])
{
	const char *word[1];
	u32 vcpu;
	u64 value;
	int id;
	s64 r = 0;

	if (parse(argc, argv, NULL, 0, word, 1, 1) < 0)
		return 1;
	id = parse_vcpu(word[0], &vcpu);
	if (id < 0 || !still((u32)id))
		return 1;
	for (u32 i = 0; i < CAISSON_APIC_REGS && r >= 0; i++) {
		if (!apic_names[i])
			continue;
		r = field_read((u32)id, vcpu, CAISSON_FIELD_APIC + i, &value);
		/* of the 256 bits of ISR, TMR and IRR those words that have one */
		if (r >= 0 && (value || i < 0x10 || i >= 0x28))
			out("%03x  %-20s %08llx\n", i * 16, apic_names[i], (ull)value);
	}
	hc_domain_unpause((u32)id);
	return r < 0 ? fail("apic: %s", error_name(r)) : 0;
}

/* ---- page tables ---- */

static const char *size_name(u64 size)
{
	return size == 1ull << 12   ? "4 KiB"
	       : size == 1ull << 21 ? "2 MiB"
	       : size == 1ull << 30 ? "1 GiB"
				    : "a page";
}

/* EPT has read, write and execute in bits 2:0; nested paging what page tables have. */
static const char *s2_rights(const struct caisson_walk *w)
{
	static struct caisson_physinfo p;
	static char text[4];
	bool svm = hc_physinfo(&p) >= 0 && !strcmp(p.vendor, "SVM");
	u64 all = ~0ull, any = 0;

	for (u32 i = 0; i < w->levels && i < ARRAY_SIZE(w->entry); i++) {
		all &= w->entry[i];
		any |= w->entry[i];
	}
	snprintf(text, sizeof(text), "%c%c%c", all & 1 ? 'r' : '-', all & 2 ? 'w' : '-',
		 (svm ? !(any >> 63) : all >> 2 & 1) ? 'x' : '-');
	return text;
}

static int cmd_ept(int argc, char *const argv[])
{
	struct caisson_walk w = { 0 };
	const char *word[2];
	u64 gpa;
	int id;
	s64 r;

	if (parse(argc, argv, NULL, 0, word, 2, 2) < 0)
		return 1;
	id = need_id(word[0]);
	if (id < 0)
		return 1;
	if (!args_number(word[1], &gpa))
		return fail("ept: '%.40s' is no address", word[1]);
	r = hc_s2_walk((u32)id, gpa, &w);
	if (r < 0)
		return fail("ept: %s", error_name(r));
	for (u32 i = 0; i < w.levels && i < ARRAY_SIZE(w.entry); i++)
		out("level %u  entry %016llx\n", 4 - i, (ull)w.entry[i]);
	if (w.leaf)
		out("gpa %llx is at hpa %llx, mapped by %s, %s\n", (ull)gpa, (ull)w.hpa, size_name(w.size),
		    s2_rights(&w));
	else
		out("gpa %llx is not mapped\n", (ull)gpa);
	return 0;
}

/* What all levels allow together. */
static const char *pt_rights(const struct gva_walk *w)
{
	static char text[40];
	u64 all = 6, any = 0;

	for (u32 i = w->levels == 3; i < w->steps; i++) {
		all &= w->entry[i];
		any |= w->entry[i];
	}
	snprintf(text, sizeof(text), "%s, %s%s", all & 2 ? "writable" : "read-only",
		 all & 4 ? "user" : "supervisor", w->bytes == 8 && any >> 63 ? ", no execute" : "");
	return text;
}

static int walk(u32 id, const struct caisson_vcpu_context *c, u64 va)
{
	struct gva_walk w;

	gva_walk(id, c, va, &w);
	out("%s, cr3 %llx\n", w.mode, (ull)c->cr3);
	if (w.levels >= 4 && (u64)((s64)(va << (w.levels == 4 ? 16 : 7)) >> (w.levels == 4 ? 16 : 7)) != va)
		return fail("va %llx is not canonical", (ull)va);
	for (u32 i = 0; i < w.steps; i++)
		out("level %u  entry %0*llx  at gpa %llx\n", w.levels - i, (int)w.bytes * 2, (ull)w.entry[i],
		    (ull)w.at[i]);
	if (w.end == GVA_NOWHERE)
		return fail("level %u: the entry at gpa %llx is not in the domain's RAM", w.levels - w.steps,
			    (ull)w.at[w.steps]);
	if (w.end == GVA_ABSENT)
		out("va %llx is not mapped\n", (ull)va);
	else if (w.steps)
		out("va %llx is gpa %llx: %s\n", (ull)va, (ull)w.gpa, pt_rights(&w));
	else
		out("va %llx is gpa %llx\n", (ull)va, (ull)w.gpa);
	return 0;
}

static int cmd_walk(int argc, char *const argv[])
{
	static struct caisson_vcpu_context c;
	const char *word[2];
	u32 vcpu;
	u64 va;
	int id, result;
	s64 r;

	if (parse(argc, argv, NULL, 0, word, 2, 2) < 0)
		return 1;
	if (!args_number(word[1], &va))
		return fail("walk: '%.40s' is no address", word[1]);
	id = parse_vcpu(word[0], &vcpu);
	if (id < 0 || !still((u32)id))
		return 1;
	for (u32 tries = 0; (r = hc_vcpu_get((u32)id, vcpu, &c)) == -CAISSON_EBUSY && tries < STILL_TRIES;
	     tries++)
		pump_poll();
	if (r < 0)
		result = r == -CAISSON_ENOENT ? fail("domain %d has no vCPU %u", id, vcpu)
					      : fail("walk: %s", error_name(r));
	else
		result = walk((u32)id, &c, va);
	hc_domain_unpause((u32)id);
	return result;
}

/* ---- why ---- */

static void why_vcpu(const struct caisson_vcpu_info *v)
{
	static const char *const text[] = { "runs",
					    "could run and waits for a CPU",
					    "sleeps: halted until an interrupt, or waiting in a hypercall",
					    "waits for a device model's answer",
					    "is paused",
					    "is off: it waits to be started" };

	out("  vCPU %u %s", v->id, v->state < ARRAY_SIZE(text) ? text[v->state] : "?");
	if (v->exits)
		out("; last exit at rip %llx", (ull)v->rip);
	out("\n");
}

static int why_live(u32 id)
{
	struct caisson_vcpu_info v;
	s64 r = hc_domain_info(id, &info);

	if (r < 0)
		return fail("why: %s", error_name(r));
	if (info.end)
		out("domain %u ended: %s; %s\n", id, domain_end_name(info.end), domain_why(&info));
	else if (info.state == CAISSON_STATE_PAUSED)
		out("domain %u is paused\n", id);
	else
		out("domain %u is alive\n", id);
	for (u32 i = 0; i < info.max_vcpus; i++)
		if (!hc_vcpu_info(id, i, &v))
			why_vcpu(&v);
	return 0;
}

static int cmd_why(int argc, char *const argv[])
{
	const char *word[1];
	struct dom *d;
	int id;

	if (parse(argc, argv, NULL, 0, word, 1, 1) < 0)
		return 1;
	d = domain_find(word[0]);
	if (d && !(d->flags & DOM_LIVE)) {
		out("domain %u ended: %s", d->id, domain_end_name(d->end));
		if (d->end == CAISSON_END_EXIT)
			out(" %llu", (ull)d->code);
		out("%s%s\n", *d->why ? "; " : "", d->why);
		return 0;
	}
	id = need_id(word[0]);
	return id < 0 ? 1 : why_live((u32)id);
}

const struct command commands_eyes[] = {
	{ "stats", cmd_stats,
	  "[ID] [--sort cycles|count|average|worst|name] [--histogram] [--reset] "
	  "[--json]",
	  "exits of a domain, or of all: how many, what they cost", COMPLETE_DOMAIN },
	{ "top", cmd_top, "[--count N]", "who uses the CPUs, every second, until q", COMPLETE_NONE },
	{ "why", cmd_why, "ID", "why a domain does not run", COMPLETE_DOMAIN },
	{ "vmcs", cmd_vmcs, "ID[:VCPU] [TEXT]",
	  "a vCPU's control structure; TEXT: fields with it in their name", COMPLETE_DOMAIN },
	{ "apic", cmd_apic, "ID[:VCPU]", "a vCPU's local APIC registers", COMPLETE_DOMAIN },
	{ "ept", cmd_ept, "ID GPA", "how a guest-physical address is mapped", COMPLETE_DOMAIN },
	{ "walk", cmd_walk, "ID[:VCPU] VA", "the guest's own page tables for an address", COMPLETE_DOMAIN },
	{ 0 },
};
