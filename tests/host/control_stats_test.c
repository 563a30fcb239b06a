/* SPDX-License-Identifier: BSD-2-Clause */
/* Exit counters of several vCPUs taken together: sums, the worst of all, what they were about. */
#include "guest/control/alloc.h"
#include "guest/control/stats.h"
#include "guest/lib/hypercall.h"
#include "tests/host/control_common.h"

#define VCPUS 2u

static struct caisson_stat stat[VCPUS][4];
static struct caisson_what what[VCPUS][16];
static u32 kinds = 4, whats[VCPUS];
static bool no_memory;

s64 fake_hypercall(u32 nr, u64 dom, u64 vcpu, u64 index, u64 to, u64 e)
{
	(void)dom, (void)e;
	if (nr == CAISSON_CALL_stats) {
		if (vcpu >= VCPUS || index >= kinds)
			return -CAISSON_ENOENT;
		*(struct caisson_stat *)to = stat[vcpu][index];
		return 0;
	}
	assert_int_equal(nr, CAISSON_CALL_stats_what);
	if (index >= whats[vcpu])
		return -CAISSON_ENOENT;
	*(struct caisson_what *)to = what[vcpu][index];
	return 0;
}

void *alloc(size_t n)
{
	return no_memory ? NULL : calloc(1, n);
}

static int setup(void **state)
{
	(void)state;
	memset(stat, 0, sizeof(stat));
	memset(what, 0, sizeof(what));
	whats[0] = whats[1] = 0;
	no_memory = false;
	for (u32 v = 0; v < VCPUS; v++)
		for (u32 k = 0; k < 4; k++)
			snprintf(stat[v][k].name, sizeof(stat[v][k].name), "kind%u", k);
	return 0;
}

static void add(u32 v, u32 kind, u64 about, u64 count)
{
	what[v][whats[v]++] = (struct caisson_what){ .what = about, .count = count, .kind = kind };
}

static void sums(void **state)
{
	struct stats_row rows[STATS_ROWS], *kept;

	(void)state;
	stat[0][1] = (struct caisson_stat){
		.name = "one", .count = 3, .cycles = 30, .worst = 20, .worst_rip = 0x10, .hist = { [4] = 3 }
	};
	stat[1][1] = (struct caisson_stat){
		.name = "one", .count = 2, .cycles = 50, .worst = 40, .worst_rip = 0x20, .hist = { [4] = 1 }
	};
	stat[1][3] = (struct caisson_stat){ .name = "three", .count = 1, .cycles = 1000, .worst = 1000 };
	assert_int_equal(stats_collect(5, VCPUS, rows), 2); /* what did not occur is no row */
	assert_string_equal(rows[0].name, "three");	    /* the costliest first */
	assert_string_equal(rows[1].name, "one");
	assert_int_equal(rows[1].count, 5);
	assert_int_equal(rows[1].cycles, 80);
	assert_int_equal(rows[1].worst, 40);
	assert_int_equal(rows[1].worst_rip, 0x20);
	assert_int_equal(rows[1].hist[4], 4);
	assert_int_equal(stats_keep(5, VCPUS, &kept), 2);
	assert_memory_equal(kept, rows, 2 * sizeof(*rows));
	free(kept);
	no_memory = true;
	assert_int_equal(stats_keep(5, VCPUS, &kept), 0);
	assert_null(kept);
	assert_string_equal(stats_exit_name(3), "kind3");
	assert_null(stats_exit_name(4));
}

/* The same thing of two vCPUs is one; the most frequent come first;
 * the least frequent makes room for a more frequent one. */
static void abouts(void **state)
{
	struct stats_row rows[STATS_ROWS];

	(void)state;
	stat[0][2].count = stat[1][2].count = 100;
	add(0, 2, 0x10, 5);
	add(0, 2, 0x20, 9);
	add(0, 2, 0x30, 1);
	add(0, 1, 0x99, 77); /* of a kind that did not occur */
	add(0, 2, 0x40, 0);  /* nothing */
	add(1, 2, 0x10, 6);
	assert_int_equal(stats_collect(5, VCPUS, rows), 1);
	assert_int_equal(rows[0].what[0].what, 0x10);
	assert_int_equal(rows[0].what[0].count, 11);
	assert_int_equal(rows[0].what[1].what, 0x20);
	assert_int_equal(rows[0].what[2].what, 0x30);
	assert_int_equal(rows[0].what[3].count, 0);
	/* more than there is room for */
	whats[0] = whats[1] = 0;
	for (u32 i = 0; i < STATS_WHAT; i++)
		add(0, 2, 0x100 + i, 10 + i);
	add(1, 2, 0x200, 5); /* too few */
	add(1, 2, 0x201, 50);
	assert_int_equal(stats_collect(5, VCPUS, rows), 1);
	assert_int_equal(rows[0].what[0].what, 0x201);
	assert_int_equal(rows[0].what[1].what, 0x107);
	for (u32 i = 1; i < STATS_WHAT; i++) {
		assert_true(rows[0].what[i - 1].count >= rows[0].what[i].count);
		assert_true(rows[0].what[i].what != 0x100 && rows[0].what[i].what != 0x200);
	}
}

static void orders(void **state)
{
	struct stats_row r[3] = { { .name = "b", .count = 1, .cycles = 90, .worst = 90 },
				  { .name = "c", .count = 10, .cycles = 100, .worst = 30 },
				  { .name = "a", .count = 0, .cycles = 0, .worst = 95 } };
	static const struct {
		enum stats_order by;
		const char *first, *last;
	} t[] = { { STATS_BY_CYCLES, "c", "a" },
		  { STATS_BY_COUNT, "c", "a" },
		  { STATS_BY_AVERAGE, "b", "a" },
		  { STATS_BY_WORST, "a", "c" },
		  { STATS_BY_NAME, "a", "c" } };

	(void)state;
	for (u32 i = 0; i < 5; i++) {
		stats_sort(r, 3, t[i].by);
		assert_string_equal(r[0].name, t[i].first);
		assert_string_equal(r[2].name, t[i].last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(sums, setup),
					    cmocka_unit_test_setup(abouts, setup),
					    cmocka_unit_test_setup(orders, setup) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
