/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each allocation of each hypercall is refused once: the call fails, everything is as before, and the next
 * try succeeds. Which calls allocate is not believed but seen: all are made with arguments of all kinds, and
 * whoever asks for memory has to have a row here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "hv/abi/trace.h"
#include "hv/arch.h"
#include "hv/debug.h"
#include "hv/frame.h"
#include "hv/hypercall.h"
#include "hv/lock.h"
#include "tests/host/fake_arch.h"
#include "tests/host/world.h"

#define CALLS  64u
#define BUF    (8 * PAGE_SIZE)
#define FAR    (4 * SZ_2M)
#define LAZY   (8 * SZ_2M)
#define ROUNDS 200u

/* ---- what hv/debug.c does on the machine ---- */

static u32 in_call = CALLS; /* none: what is allocated then is the world's */
static u32 left, refused, asked[CALLS];

void debug_call(u32 call)
{
	in_call = call;
}

void debug_call_ends(struct domain *d)
{
	(void)d;
	in_call = CALLS;
}

bool debug_refuse(void)
{
	if (in_call == CALLS)
		return false;
	asked[in_call]++;
	if (!left || --left)
		return false;
	refused++;
	return true;
}

/* clang-format off */
bool debug_irqs_off(u32 why) { (void)why; return false; }
void debug_irqs_on(void) { }
void debug_lock(const struct lock *l, const char *name, u8 *site) { (void)l, (void)name, (void)site; }
void debug_unlock(const struct lock *l) { (void)l; }
void debug_site(const char *site) { (void)site; }
/* All of it, where the hypervisor looks at some. */
void debug_zero(hpa_t pa, u32 order, bool hv)
{
	const u64 *p = hv ? arch_direct_map(pa) : fake_at(pa.v);

	for (u64 i = 0; i < (PAGE_SIZE << order) / sizeof(u64); i++)
		assert_int_equal(p[i], 0);
}
/* clang-format on */

/* ---- the calls ---- */

static struct world w;
static struct caisson_trace_control trace_on = { CAISSON_TRACE_ON, ~0u, ~0ull };

static void lazy(void)
{
	assert_int_equal(memory_populate(w.b, LAZY, 512, CAISSON_POP_LAZY), 512);
}

static void posted(void)
{
	assert_int_equal(
		CALL(w.control, ioreq_claim, w.b->id, CAISSON_IO_PORT, 0x100, 8, CAISSON_CLAIM_POSTED), 0);
}

static void tracing(void)
{
	assert_true(memory_write(w.control, BUF, &trace_on, sizeof(trace_on)));
}

/* d: b's id. falls: what is refused may have a substitute, and the call then succeeds. */
static const struct row {
	const char *name;
	u64 nr;
	bool d, falls;
	u64 arg[6];
	void (*before)(void);
} rows[] = {
/* clang-format off */
#define ROW(call, d, falls, before, ...) { #call, CAISSON_CALL_##call, d, falls, { __VA_ARGS__ }, before }
	ROW(domain_create, false, false, NULL, PAGE_SIZE),
	ROW(vcpu_create, true, false, NULL, 0, 1),
	ROW(populate, true, true, NULL, 0, PAGE_SIZE * WORLD_RAM, 40, 0),
	ROW(populate, true, true, NULL, 0, FAR, 512, 0),
	ROW(mem_write, true, true, lazy, 0, LAZY, BUF, 3 * PAGE_SIZE),
	ROW(mem_read, true, true, lazy, 0, LAZY, BUF, 3 * PAGE_SIZE),
	ROW(foreign_map, true, true, NULL, 0, 0, FAR, 4, CAISSON_PROT_READ),
	ROW(foreign_map, true, true, lazy, 0, LAZY, FAR, 4, CAISSON_PROT_READ | CAISSON_PROT_WRITE),
	ROW(ioreq_map, true, false, NULL, 0, FAR, CAISSON_IOREQ_SLOTS),
	ROW(ioreq_map, true, false, posted, 0, FAR, CAISSON_IOREQ_RING),
	ROW(module_map, false, false, NULL, 0, FAR, 0, 5),
	ROW(ioreq_claim, true, false, NULL, 0, CAISSON_IO_PORT, 0x3f8, 8, CAISSON_CLAIM_POSTED),
	ROW(trace_control, false, false, tracing, BUF),
#undef ROW
};
/* clang-format on */

/* All that a call can leave behind. Records of shares are made a page at a time and kept. */
struct left {
	u64 frames, populated[3], charged[3];
	u32 domains, vcpus[3], regions[3], shares[3], claims, refs[3];
};

static struct left look(void)
{
	struct domain *d[] = { w.control, w.a, w.b };
	struct frame_counts f;
	struct left l;

	memset(&l, 0, sizeof(l));
	frame_count(&f);
	l.frames = f.free - f.reserved + f.hv;
	l.domains = domain_count();
	for (u32 i = 0; i < 3; i++) {
		l.populated[i] = d[i]->vm.populated;
		l.charged[i] = d[i]->vm.charged;
		l.vcpus[i] = d[i]->vcpus;
		l.regions[i] = d[i]->vm.regions;
		l.shares[i] = d[i]->held.count;
		l.refs[i] = d[i]->refs;
	}
	l.claims = w.b->bus.count[0] + w.b->bus.count[1];
	return l;
}

static u32 try(const struct row *r)
{
	for (u32 n = 1;; n++) {
		u64 arg[6];
		struct left before, after;
		s64 result;

		world_begin(&w);
		if (r->before)
			r->before();
		memcpy(arg, r->arg, sizeof(arg));
		if (r->d)
			arg[0] = w.b->id;
		before = look();
		left = n;
		refused = 0;
		result = world_call(w.control, r->nr, arg);
		left = 0;
		after = look();
		if (refused && result < 0) {
			assert_int_equal(result, r->nr == CAISSON_CALL_mem_write ||
								 r->nr == CAISSON_CALL_mem_read ||
								 r->nr == CAISSON_CALL_foreign_map
							 ? result
							 : -CAISSON_ENOMEM);
			/* pages that were touched before are there to stay */
			for (u32 i = 0; i < 3 && r->falls; i++)
				before.populated[i] = after.populated[i];
			assert_memory_equal(&before, &after, sizeof(before));
			result = world_call(w.control, r->nr, arg);
		} else {
			assert_true(!refused || r->falls);
		}
		assert_true(result >= 0);
		assert_true(world_end());
		if (!refused)
			return n - 1;
	}
}

static void nothing_is_left(void **state)
{
	(void)state;
	world_flushed = true;
	for (const struct row *r = rows; r < rows + sizeof(rows) / sizeof(*rows); r++) {
		u32 n = try(r);

		printf("%s: %u allocations, each refused once\n", r->name, n);
		assert_true(n);
	}
	world_flushed = false;
}

/* Calls with arguments that mean something, in any order, with any allocation of them refused. */
static u64 any(u32 n)
{
	static u64 x = 1;

	x ^= x << 13; /* Marsaglia, "Xorshift RNGs" */
	x ^= x >> 7;
	x ^= x << 17;
	return (x >> 20) % n;
}

static u64 argument(void)
{
	static const u64 values[] = {
		0,	   1,	2,   3,	  4, 8, 16, 40, 512, 0x3f8, CAISSON_SELF, CAISSON_OVER_DOMAINS,
		PAGE_SIZE, BUF, FAR, LAZY
	};
	u64 v = values[any(sizeof(values) / sizeof(*values))];

	return v >= FAR ? v + any(64) * PAGE_SIZE : v;
}

static void who_allocates(void **state)
{
	u32 all = 0, calls = 0, b;

	(void)state;
	memset(asked, 0, sizeof(asked));
	for (u32 round = 0; round < ROUNDS; round++) {
		world_begin(&w);
		lazy();
		tracing();
		b = w.b->id;
		for (u32 i = 0; i < 100; i++) {
			u64 nr = any(CALLS), arg[6];
			s64 result;

			for (u32 k = 0; k < 6; k++)
				arg[k] = argument();
			if (any(4))
				arg[0] = any(2) ? b : BUF;
			if (any(4) == 0) { /* one that does, with one argument another */
				const struct row *r = &rows[any(sizeof(rows) / sizeof(*rows))];
				u32 k = (u32)any(12);

				for (u32 n = 0; n < 6; n++)
					arg[n] = n == k ? arg[n] : r->d && !n ? b : r->arg[n];
				nr = r->nr - CAISSON_CALL_BASE;
			}
			if (nr + CAISSON_CALL_BASE == CAISSON_CALL_power ||
			    nr + CAISSON_CALL_BASE == CAISSON_CALL_wait ||
			    (any(8) && nr + CAISSON_CALL_BASE == CAISSON_CALL_domain_destroy))
				continue;
			left = (u32)any(8);
			refused = 0;
			hypercall_dispatch(w.control->vcpu[0], nr + CAISSON_CALL_BASE, arg, &result);
			all += refused;
			calls++;
		}
		left = 0;
		assert_true(world_end());
	}
	printf("%u allocations refused in %u calls of any kind; those that allocate:", all, calls);
	for (u32 call = 0; call < CALLS; call++) {
		bool row = false;

		for (const struct row *r = rows; r < rows + sizeof(rows) / sizeof(*rows); r++)
			row |= r->nr == CAISSON_CALL_BASE + call;
		if (asked[call])
			printf(" %u", call);
		if (asked[call] && !row)
			fail_msg("call %u allocates and has no row", call);
	}
	printf("\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left),
		cmocka_unit_test(who_allocates),
	};

	world_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
