/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's exit counters.
 */
#include "guest/control/stats.h"

#include "guest/control/alloc.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

const char *stats_exit_name(u32 kind)
{
	static struct caisson_stat s;

	return hc_stats(CAISSON_CONTROL, 0, kind, &s) < 0 ? NULL : s.name;
}

static bool row_read(u32 dom, u32 vcpus, u32 kind, struct stats_row *row)
{
	struct caisson_stat s;
	bool any = false;

	memset(row, 0, sizeof(*row));
	row->kind = kind;
	for (u32 v = 0; v < vcpus; v++) {
		if (hc_stats(dom, v, kind, &s) < 0)
			continue;
		any = true;
		memcpy(row->name, s.name, sizeof(row->name));
		row->name[sizeof(row->name) - 1] = 0;
		row->count += s.count;
		row->cycles += s.cycles;
		for (u32 i = 0; i < CAISSON_HIST; i++)
			row->hist[i] += s.hist[i];
		if (s.worst > row->worst) {
			row->worst = s.worst;
			row->worst_rip = s.worst_rip;
		}
	}
	return any;
}

static bool before(const struct stats_row *a, const struct stats_row *b, enum stats_order by)
{
	switch (by) {
	case STATS_BY_COUNT:
		return a->count > b->count;
	case STATS_BY_AVERAGE:
		return a->cycles / (a->count | !a->count) > b->cycles / (b->count | !b->count);
	case STATS_BY_WORST:
		return a->worst > b->worst;
	case STATS_BY_NAME:
		return strcmp(a->name, b->name) < 0;
	case STATS_BY_CYCLES:
		break;
	}
	return a->cycles > b->cycles;
}

void stats_sort(struct stats_row *rows, u32 n, enum stats_order by)
{
	for (u32 i = 1; i < n; i++) {
		struct stats_row row = rows[i];
		u32 at = i;

		while (at && before(&row, &rows[at - 1], by))
			at--;
		memmove(&rows[at + 1], &rows[at], (i - at) * sizeof(*rows));
		rows[at] = row;
	}
}

/* One vCPU's count joins those of the others, or the least frequent makes room. */
static void what_add(struct stats_what *what, const struct caisson_what *w)
{
	struct stats_what new = { w->what, w->count };
	u32 at = 0;

	while (at < STATS_WHAT - 1 && what[at].count && what[at].what != w->what)
		at++;
	if (what[at].what == w->what)
		new.count += what[at].count;
	else if (what[at].count > new.count)
		return;
	for (; at && what[at - 1].count < new.count; at--)
		what[at] = what[at - 1];
	what[at] = new;
}

static void whats_read(u32 dom, u32 vcpus, struct stats_row *rows, u32 n)
{
	struct caisson_what w;

	for (u32 v = 0; v < vcpus; v++)
		for (u32 i = 0; hc_stats_what(dom, v, i, &w) >= 0; i++)
			for (u32 k = 0; k < n && w.count; k++)
				if (rows[k].kind == w.kind)
					what_add(rows[k].what, &w);
}

u32 stats_collect(u32 dom, u32 vcpus, struct stats_row rows[STATS_ROWS])
{
	struct stats_row row;
	u32 n = 0;

	for (u32 kind = 0; n < STATS_ROWS && row_read(dom, vcpus, kind, &row); kind++)
		if (row.count)
			rows[n++] = row;
	whats_read(dom, vcpus, rows, n);
	stats_sort(rows, n, STATS_BY_CYCLES);
	return n;
}

u32 stats_keep(u32 dom, u32 vcpus, struct stats_row **kept)
{
	static struct stats_row rows[STATS_ROWS];
	u32 n = stats_collect(dom, vcpus, rows);

	*kept = alloc(n * sizeof(*rows));
	if (!*kept)
		return 0;
	memcpy(*kept, rows, n * sizeof(*rows));
	return n;
}
