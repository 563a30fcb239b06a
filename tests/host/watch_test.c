/* SPDX-License-Identifier: BSD-2-Clause */
/* What a debugger asks of a vCPU, from several CPUs at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/hvm.h"
#include "hv/arch.h"
#include "hv/trace.h"
#include "tests/host/fake_asm.h"

static struct x86_vcpu v;
static u32 holds, calls;

static bool vendor_exit(struct x86_vcpu *x)
{
	(void)x;
	return true;
}

static const struct hvm_ops ops = { .exit = vendor_exit };
const struct hvm_ops *hvm = &ops;

/* By what it was decided to come here, another CPU's call cannot have changed: it has to wait. */
static void nobody_else(struct sched_unit *u)
{
	assert_ptr_equal(u, &v.hv.sched);
	assert_false(trylock(&v.hv.still));
	calls++;
}

bool sched_deschedule(struct sched_unit *u)
{
	nobody_else(u);
	holds++;
	return false;
}

void sched_resume(struct sched_unit *u)
{
	nobody_else(u);
	assert_int_not_equal(holds, 0);
	holds--;
}

/* clang-format off */
void domain_stop(struct domain *d) { (void)d; }
void trace_add(const struct vcpu *x, u32 type, u32 kind, u64 a, u64 b) { (void)x, (void)type, (void)kind, (void)a, (void)b; }
void debug_load(struct x86_vcpu *x) { (void)x; }
void debug_to_cpu(struct x86_vcpu *x) { (void)x; }
void debug_from_cpu(struct x86_vcpu *x) { (void)x; }
size_t walk_fetch(struct x86_vcpu *x, const struct hvm_regs *r, u8 out[INSN_MAX_BYTES]) { (void)x, (void)r, (void)out; return 0; }
/* clang-format on */

static int set(u32 wish)
{
	return arch_vcpu_debug_set(&v.hv, &(struct caisson_debug){ .wish = wish });
}

/* Held once and released once, however often it is asked for. */
static void hold(void **state)
{
	struct caisson_debug d;

	(void)state;
	for (u32 i = 0; i < 2; i++) {
		assert_int_equal(set(CAISSON_DEBUG_ON | CAISSON_DEBUG_HOLD), 0);
		assert_int_equal(holds, 1);
		assert_true(v.on_exit == watch_exit);
	}
	assert_int_equal(set(CAISSON_DEBUG_HOLD), -CAISSON_EINVAL);
	for (u32 i = 0; i < 2; i++) {
		assert_int_equal(set(0), 0);
		assert_int_equal(holds, 0);
		assert_true(v.on_exit == vendor_exit);
	}
	assert_int_equal(calls, 2);
	arch_vcpu_debug_get(&v.hv, &d);
	assert_int_equal(d.wish, 0);
	assert_true(trylock(&v.hv.still)); /* and is left */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(hold) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
