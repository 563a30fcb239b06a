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
	for (u32 v = 0; v < vcpus; v++) {
		if (hc_stats(dom, v, kind, &s) < 0)
			continue;
		any = true;
		memcpy(row->name, s.name, sizeof(row->name));
		row->name[sizeof(row->name) - 1] = 0;
		row->count += s.count;
		row->cycles += s.cycles;
		if (s.worst > row->worst) {
			row->worst = s.worst;
			row->worst_rip = s.worst_rip;
		}
	}
	return any;
}

static void insert(struct stats_row *rows, u32 n, const struct stats_row *row)
{
	u32 at = n;

	while (at && rows[at - 1].cycles < row->cycles)
		at--;
	memmove(&rows[at + 1], &rows[at], (n - at) * sizeof(*rows));
	rows[at] = *row;
}

u32 stats_collect(u32 dom, u32 vcpus, struct stats_row rows[STATS_ROWS])
{
	struct stats_row row;
	u32 n = 0;

	for (u32 kind = 0; n < STATS_ROWS && row_read(dom, vcpus, kind, &row); kind++)
		if (row.count)
			insert(rows, n++, &row);
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
