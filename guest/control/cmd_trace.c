/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command trace: what the hypervisor's rings are to take, and what they hold, as text for scripts/trace.
 */
#include "guest/control/cmd_trace.h"

#include "guest/control/cons.h"
#include "guest/control/errors.h"
#include "guest/control/pump.h"
#include "guest/control/shell.h"
#include "guest/control/stats.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

typedef unsigned long long ull;

#define ALL	 (~0ull)
#define TOP_ROWS 256u
#define TOP_MS	 2  /* the rings are emptied so often by top --for */
#define LINE	 3u /* records in a line of a dump: 96 bytes are 128 characters */

static struct caisson_trace_control control = { .types = ~0u, .exits = ALL };
static bool all; /* domains to come are traced too */

/* What trace_read gives. */
static struct {
	struct caisson_trace_head head;
	struct caisson_trace_record record[15];
} got;

static const char *const types[] = {
#define NAME(n, name) [n] = #name,
	CAISSON_TRACE_TYPES(NAME)
#undef NAME
};

void trace_created(u32 id)
{
	if (all)
		hc_watch(id, CAISSON_WATCH_TRACE, 0);
}

static bool same(const char *name, const char *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((name[i] | 0x20) != (word[i] | 0x20))
			return false;
	return !name[n];
}

/* "a,b" as a bit set; 0: the error is printed. */
static u64 set_of(const char *list, bool exits)
{
	u64 set = 0;

	for (const char *w = list, *end; *w; w = *end ? end + 1 : end) {
		u64 before = set;
		const char *name;

		end = strchr(w, ',');
		if (!end)
			end = w + strlen(w);
		for (u32 i = 0; i < 64; i++) {
			name = exits ? stats_exit_name(i) : i < ARRAY_SIZE(types) ? types[i] : NULL;
			if (name && (same(name, w, (size_t)(end - w)) || same("all", w, (size_t)(end - w))))
				set |= 1ull << i;
		}
		if (set == before)
			return fail("trace: '%.*s' is no kind of %s", (int)(end - w), w,
				    exits ? "exit (see stats)" : "record"),
			       0;
	}
	return set;
}

static int apply(void)
{
	s64 r = hc_trace_control(&control);

	return r < 0 ? fail("trace: %s", error_name(r)) : 0;
}

static int trace_on(const char *const *ids, int n)
{
	struct caisson_domain d;

	all = n == 0;
	for (u32 i = 0; !hc_domain_next(i, &d); i = d.id + 1)
		hc_watch(d.id, all && d.id != CAISSON_CONTROL ? CAISSON_WATCH_TRACE : 0, CAISSON_WATCH_TRACE);
	for (int i = 0; i < n; i++) {
		int id = need_id(ids[i]);
		s64 r = id < 0 ? 0 : hc_watch((u32)id, CAISSON_WATCH_TRACE, 0);

		if (id < 0 || r < 0)
			return id < 0 ? 1 : fail("trace: %s", error_name(r));
	}
	control.flags |= CAISSON_TRACE_ON;
	return apply();
}

static int trace_off(void)
{
	struct caisson_domain d;

	all = false;
	control.flags &= ~CAISSON_TRACE_ON;
	for (u32 i = 0; !hc_domain_next(i, &d); i = d.id + 1)
		hc_watch(d.id, 0, CAISSON_WATCH_TRACE);
	return apply();
}

static int trace_status(void)
{
	const char *name;

	out("trace is %s; a full ring %s; %s\n", control.flags & CAISSON_TRACE_ON ? "on" : "off",
	    control.flags & CAISSON_TRACE_STOP ? "takes no more" : "drops the oldest",
	    all ? "every domain" : "domains by name");
	out("records:");
	for (u32 i = 1; i < ARRAY_SIZE(types); i++)
		if (control.types >> i & 1)
			out(" %s", types[i]);
	out("\nexits:");
	for (u32 i = 0; (name = stats_exit_name(i)); i++)
		if (control.exits >> i & 1)
			out(" %s", name);
	out("\n");
	for (u32 cpu = 0; hc_trace_read(cpu, 0, &got, sizeof(got.head)) >= 0; cpu++)
		out("CPU %u: %llu records, %llu lost\n", cpu, (ull)(got.head.next - got.head.first),
		    (ull)got.head.dropped);
	return 0;
}

/* ---- dump ---- */

/* IEEE 802.3 */
static u32 crc32(u32 crc, const void *bytes, size_t n)
{
	const u8 *p = bytes;

	for (crc = ~crc; n--; p++) {
		crc ^= *p;
		for (u32 i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void base64(const void *bytes, size_t n)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const u8 *p = bytes;
	char text[LINE * 43 + 2];
	size_t k = 0;

	for (size_t i = 0; i < n; i += 3) {
		u32 left = (u32)MIN(n - i, 3),
		    v = (u32)p[i] << 16 | (left > 1 ? (u32)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);

		for (u32 c = 0; c < 4; c++)
			text[k++] = c <= left ? digit[v >> (18 - 6 * c) & 63] : '=';
	}
	text[k++] = '\n';
	out_text(text, k);
}

static void dump_cpu(u32 cpu, u64 last)
{
	u64 end = got.head.next, at = got.head.first, lost = 0, count = 0;
	u32 crc = 0;

	if (end - at > last)
		at = end - last;
	out("cpu %u first=%llu next=%llu dropped=%llu\n", cpu, (ull)at, (ull)end, (ull)got.head.dropped);
	while (at < end && !in_ctrlc) {
		s64 n = hc_trace_read(cpu, at, &got, sizeof(got));

		if (n <= 0)
			break;
		lost += got.head.position - at;
		n = (s64)MIN((u64)n, end > got.head.position ? end - got.head.position : 0);
		for (s64 i = 0; i < n; i += LINE) {
			size_t bytes = (size_t)MIN(n - i, (s64)LINE) * sizeof(got.record[0]);

			base64(&got.record[i], bytes);
			crc = crc32(crc, &got.record[i], bytes);
		}
		count += (u64)n;
		at = got.head.position + (u64)n;
		pump_poll();
	}
	out("end records=%llu lost=%llu crc32=%08x\n", (ull)count, (ull)lost, crc);
}

static int trace_dump(u64 last)
{
	struct caisson_domain d;
	const char *name;

	out("caisson-trace 1 tsc_khz=%llu\nkinds", (ull)time_khz);
	for (u32 i = 0; (name = stats_exit_name(i)); i++)
		out(" %s", name);
	out("\ntypes -");
	for (u32 i = 1; i < ARRAY_SIZE(types); i++)
		out(" %s", types[i]);
	out("\n");
	for (u32 i = 0; !hc_domain_next(i, &d); i = d.id + 1)
		out("domain %u %s\n", d.id, d.name);
	for (u32 cpu = 0; !in_ctrlc && hc_trace_read(cpu, 0, &got, sizeof(got.head)) >= 0; cpu++)
		dump_cpu(cpu, last);
	out("caisson-trace end\n");
	return interrupted();
}

/* ---- top ---- */

/* Exits by kind and what about: which MSR, port, leaf, call ... */
static struct {
	u64 position[CAISSON_MAX_CPUS];
	u64 others, lost; /* for which there was no row; overwritten before they were read */
	u32 rows;
	struct {
		u64 detail, count;
		u32 kind;
	} row[TOP_ROWS];
} top;

static void top_count(const struct caisson_trace_record *r)
{
	u32 k;

	if (r->type != CAISSON_TRACE_EXIT)
		return;
	for (k = 0; k < top.rows && (top.row[k].kind != r->kind || top.row[k].detail != r->b); k++)
		;
	if (k == TOP_ROWS) {
		top.others++;
		return;
	}
	if (k == top.rows) {
		top.row[k].kind = r->kind;
		top.row[k].detail = r->b;
		top.row[k].count = 0;
		top.rows++;
	}
	top.row[k].count++;
}

/* What the rings have behind the positions. */
static void top_take(void)
{
	for (u32 cpu = 0; cpu < CAISSON_MAX_CPUS && hc_trace_read(cpu, 0, &got, sizeof(got.head)) >= 0;
	     cpu++) {
		u64 end = got.head.next; /* our own calls may be in it, too: there would be no end */
		s64 n;

		while (!in_ctrlc && top.position[cpu] < end &&
		       (n = hc_trace_read(cpu, top.position[cpu], &got, sizeof(got))) > 0) {
			top.lost += got.head.position - top.position[cpu];
			top.position[cpu] = got.head.position + (u64)n;
			for (s64 i = 0; i < n; i++)
				top_count(&got.record[i]);
			pump_poll();
		}
	}
}

static int trace_top(u64 most, u64 seconds)
{
	u64 end = time_after_ms(seconds * MS_PER_S);

	memset(&top, 0, sizeof(top));
	for (u32 cpu = 0; cpu < CAISSON_MAX_CPUS && hc_trace_read(cpu, 0, &got, sizeof(got.head)) >= 0; cpu++)
		top.position[cpu] = seconds ? got.head.next : got.head.first;
	do
		top_take();
	while (seconds && !in_ctrlc && time_tsc() < end && shell_wait(0, MIN(end, time_after_ms(TOP_MS))));
	out("%12s  %-16s %s\n", "COUNT", "EXIT", "WHAT");
	for (u64 shown = 0; shown < most; shown++) {
		u32 best = 0;

		for (u32 k = 1; k < top.rows; k++)
			if (top.row[k].count > top.row[best].count)
				best = k;
		if (!top.rows || !top.row[best].count)
			break;
		out("%12llu  %-16s %llx\n", (ull)top.row[best].count, stats_exit_name(top.row[best].kind),
		    (ull)top.row[best].detail);
		top.row[best].count = 0;
	}
	if (top.others || top.lost)
		out("%12llu  of more kinds, %llu lost\n", (ull)top.others, (ull)top.lost);
	return interrupted();
}

static int filter(const struct args_option *o)
{
	u64 set;

	if (o[0].set) {
		set = set_of(o[0].string, true);
		if (!set)
			return 1;
		control.exits = set;
	}
	if (o[1].set) {
		set = set_of(o[1].string, false);
		if (!set)
			return 1;
		control.types = (u32)set;
	}
	if (o[2].set)
		control.flags |= CAISSON_TRACE_STOP;
	if (o[3].set)
		control.flags &= ~CAISSON_TRACE_STOP;
	return 0;
}

static int cmd_trace(int argc, char *const argv[])
{
	struct args_option o[] = { { .name = "exits", .type = ARGS_STRING },
				   { .name = "records", .type = ARGS_STRING },
				   { .name = "stop", .type = ARGS_FLAG },
				   { .name = "overwrite", .type = ARGS_FLAG },
				   { .name = "last", .type = ARGS_NUMBER, .min = 1, .max = ALL >> 1 },
				   { .name = "for", .type = ARGS_NUMBER, .min = 1, .max = MAX_TIMEOUT } };
	const char *word[17];
	int n = parse(argc, argv, o, ARRAY_SIZE(o), word, 1, ARRAY_SIZE(word));

	if (n < 0)
		return 1;
	if (n > 1 && strcmp(word[0], "on") != 0)
		return fail("trace %.20s takes no domains", word[0]);
	if (filter(o))
		return 1;
	if (!strcmp(word[0], "on"))
		return trace_on(word + 1, n - 1);
	if (!strcmp(word[0], "off"))
		return trace_off();
	if (!strcmp(word[0], "status"))
		return trace_status();
	if (!strcmp(word[0], "filter"))
		return control.flags & CAISSON_TRACE_ON ? apply() : 0;
	if (!strcmp(word[0], "dump"))
		return trace_dump(o[4].set ? o[4].number : ALL);
	if (!strcmp(word[0], "top"))
		return trace_top(o[4].set ? o[4].number : 20, o[5].set ? o[5].number : 0);
	return fail("trace: '%.20s' is none of on, off, filter, status, dump, top", word[0]);
}

const struct command commands_trace[] = {
	{ "trace", cmd_trace,
	  "on [ID...]|off|filter|status|dump|top [--exits A,B] [--records A,B] [--stop|--overwrite] [--last "
	  "N]",
	  "records of exits, injections, scheduling; dump is for scripts/trace", COMPLETE_DOMAIN },
	{ 0 },
};
