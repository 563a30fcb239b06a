/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings of records: what goes in, what a full one does, what a reader is told of what it missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hv/arch.h"
#include "hv/domain.h"
#include "hv/frame.h"
#include "hv/trace.h"
#include "tests/host/fake_arch.h"

#define RECORDS ((PAGE_SIZE << TRACE_ORDER) / sizeof(struct caisson_trace_record))
#define ON	CAISSON_TRACE_ON
#define STOP	CAISSON_TRACE_STOP
#define ALL	(~0ull)

static u8 ring[2][PAGE_SIZE << TRACE_ORDER];
static u32 rings, most; /* given, and how many there are */
static struct domain dom = { .id = 7 };
static struct vcpu v = { .domain = &dom, .id = 3, .watch = WATCH_TRACE };
static struct caisson_trace_head head;
static struct caisson_trace_record got[64];

static bool other_cpu;
static u32 given_back;
static u8 spare[8];
static int control(u32 flags, u32 types, u64 exits);

void *frame_hv_alloc(u16 owner, u32 order)
{
	assert_int_equal(owner, FRAME_OWNER_HV);
	assert_int_equal(order, TRACE_ORDER);
	if (other_cpu) { /* it makes the same call now */
		other_cpu = false;
		assert_int_equal(control(ON, ~0u, ALL), 0);
		return spare;
	}
	return rings < most ? ring[rings++] : NULL;
}

void frame_hv_free(void *p, u32 order)
{
	assert_ptr_equal(p, spare);
	assert_int_equal(order, TRACE_ORDER);
	given_back++;
}

static int control(u32 flags, u32 types, u64 exits)
{
	struct caisson_trace_control c = { flags, types, exits };

	return trace_control(&c);
}

static void add(u64 n)
{
	for (u64 i = 0; i < n; i++)
		trace(&v, CAISSON_TRACE_WAKE, 1, i, ~i);
}

/* First: without memory nothing is on, and a CPU has no ring. */
static void no_memory(void **state)
{
	(void)state;
	fake.cpus = 2;
	most = 1;
	assert_int_equal(trace_read(0, 0, &head, got, 64), -CAISSON_ENOENT);
	assert_int_equal(control(ON, ~0u, ALL), -CAISSON_ENOMEM);
	add(1);
	assert_int_equal(trace_read(0, 0, &head, got, 64), 0);
	assert_int_equal(trace_read(1, 0, &head, got, 64), -CAISSON_ENOENT);
	most = 2;
	other_cpu = true; /* two calls at once: one ring */
	assert_int_equal(control(ON, ~0u, ALL), 0);
	assert_int_equal(rings, 2);
	assert_int_equal(given_back, 1);
	assert_int_equal(trace_read(1, 0, &head, got, 64), 0);
	assert_int_equal(trace_read(2, 0, &head, got, 64), -CAISSON_ENOENT);
}

static void what_goes_in(void **state)
{
	(void)state;
	assert_int_equal(control(ON | 4, ~0u, ALL), -CAISSON_EINVAL); /* and it is off */
	add(1);
	assert_int_equal(control(ON, BIT(CAISSON_TRACE_EXIT) | BIT(CAISSON_TRACE_OUT), BIT(5) | 1ull << 63),
			 0);
	fake.now = 1234;
	fake_cpu = 1;
	trace(&v, CAISSON_TRACE_EXIT, 5, 0xaa, 0xbb);
	trace(&v, CAISSON_TRACE_EXIT, 6, 0, 0); /* not that exit */
	trace(&v, CAISSON_TRACE_WAKE, 5, 0, 0); /* nor that type */
	trace(&v, CAISSON_TRACE_OUT, 6, 1, 2);	/* the exits' filter is the exits' */
	trace(&v, CAISSON_TRACE_EXIT, 63, 3, 4);
	v.watch = WATCH_DEBUG;
	trace(&v, CAISSON_TRACE_EXIT, 5, 0, 0); /* nobody traces it */
	v.watch = WATCH_TRACE;
	fake_cpu = 0;
	assert_int_equal(trace_read(0, 0, &head, got, 64), 0); /* each CPU has its own */
	assert_int_equal(trace_read(1, 0, &head, got, 64), 3);
	assert_int_equal(got[0].tsc, 1234);
	assert_int_equal(got[0].a, 0xaa);
	assert_int_equal(got[0].b, 0xbb);
	assert_int_equal(got[0].dom, 7);
	assert_int_equal(got[0].cpu, 1);
	assert_int_equal(got[0].vcpu, 3);
	assert_int_equal(got[0].type, CAISSON_TRACE_EXIT);
	assert_int_equal(got[0].kind, 5);
	assert_int_equal(got[1].type, CAISSON_TRACE_OUT);
	assert_int_equal(got[2].kind, 63);
	assert_int_equal(control(0, 0, 0), 0);
	add(1); /* off */
	assert_int_equal(trace_read(0, 0, &head, got, 64), 0);
	assert_int_equal(trace_read(1, 0, &head, got, 64), 3); /* what there is stays to be read */
}

static void read_in_pieces(void **state)
{
	u64 at = 0;
	s64 n;

	(void)state;
	assert_int_equal(control(ON, ~0u, ALL), 0);
	add(100);
	for (u64 i = 0; (n = trace_read(0, at, &head, got, 64)); i += (u64)n) {
		assert_int_equal(n, i ? 36 : 64);
		for (s64 k = 0; k < n; k++)
			assert_int_equal(got[k].a, i + (u64)k);
		at = head.position + (u64)n;
		assert_int_equal(head.dropped, 0);
	}
	assert_int_equal(at, head.next);
	assert_int_equal(head.next - head.first, 100);
	assert_int_equal(trace_read(0, ALL, &head, got, 64), 0); /* from the future: the end */
	assert_int_equal(head.position, head.next);
	assert_int_equal(control(ON, ~0u, ALL), 0); /* begins anew */
	assert_int_equal(trace_read(0, 0, &head, got, 64), 0);
	assert_int_equal(head.position, at);
}

/* The oldest go, and the reader is told how many.
 * The very oldest may be half overwritten: it is not given. */
static void overwrites(void **state)
{
	u64 first;

	(void)state;
	assert_int_equal(control(ON, ~0u, ALL), 0);
	assert_int_equal(trace_read(0, 0, &head, got, 0), 0);
	first = head.first;
	add(RECORDS + 10);
	assert_int_equal(trace_read(0, first, &head, got, 1), 1);
	assert_int_equal(head.dropped, 11);
	assert_int_equal(head.first, first + 11);
	assert_int_equal(head.position, head.first);
	assert_int_equal(got[0].a, 11);
	assert_int_equal(control(0, 0, 0), 0); /* nobody writes any more: it is whole */
	assert_int_equal(trace_read(0, first, &head, got, 1), 1);
	assert_int_equal(head.dropped, 10);
	assert_int_equal(got[0].a, 10);
}

static void stops_when_full(void **state)
{
	u64 first;

	(void)state;
	assert_int_equal(control(ON | STOP, ~0u, ALL), 0);
	add(RECORDS - 1);
	assert_int_equal(trace_read(0, 0, &head, got, 1), 1);
	assert_int_equal(head.dropped, 0);
	first = head.first;
	add(6);
	assert_int_equal(trace_read(0, 0, &head, got, 1), 1);
	assert_int_equal(head.next - head.first, RECORDS);
	assert_int_equal(head.first, first);
	assert_int_equal(head.dropped, 5);
	assert_int_equal(got[0].a, 0);
	assert_int_equal(trace_read(0, head.next - 1, &head, got, 64), 1);
	assert_int_equal(got[0].a, 0); /* of the second piece */
	assert_int_equal(control(0, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_memory),	   cmocka_unit_test(what_goes_in),
		cmocka_unit_test(read_in_pieces),  cmocka_unit_test(overwrites),
		cmocka_unit_test(stops_when_full),
	};

	fake_reset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
