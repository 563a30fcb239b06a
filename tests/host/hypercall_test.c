/* SPDX-License-Identifier: BSD-2-Clause */
/* Every call: what it gives, and what it says to each argument that is wrong.
 * Rights are rights_test's matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hv/abi/trace.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/hypercall.h"
#include "hv/ioreq.h"
#include "hv/pcpu.h"
#include "hv/stats.h"
#include "tests/host/fake_arch.h"
#include "tests/host/world.h"

#define P      PAGE_SIZE
#define BUF    (8 * P)	   /* a page of RAM */
#define FAR    (4 * SZ_2M) /* where windows come */
#define BAD    (~0ull - 4 * P)
#define HUGE   (1ull << 40) /* its low 32 bits name something */
#define EBUSY  -CAISSON_EBUSY
#define EFAULT -CAISSON_EFAULT
#define EINVAL -CAISSON_EINVAL
#define ENOENT -CAISSON_ENOENT
#define EPERM  -CAISSON_EPERM

static struct world w;

static int setup(void **state)
{
	(void)state;
	world_flushed = true;
	world_begin(&w);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_flushed = false;
	assert_true(world_end());
	return 0;
}

static void put(struct domain *d, const void *from, u64 n)
{
	assert_true(memory_write(d, BUF, from, n));
}

static void get(struct domain *d, void *to, u64 n)
{
	assert_true(memory_read(d, BUF, to, n));
}

static void no_such_call(void **state)
{
	(void)state;
	assert_int_equal(world_call(w.control, CAISSON_CALL_BASE + 53, (u64[6]){ 0 }), -CAISSON_ENOSYS);
	assert_int_equal(world_call(w.control, CAISSON_CALL_BASE - 1, (u64[6]){ 0 }), -CAISSON_ENOSYS);
	assert_int_equal(world_call(w.control, ~0ull, (u64[6]){ 0 }), -CAISSON_ENOSYS);
	assert_int_equal(CALL(w.b, version, 0), CAISSON_ABI_VERSION);
	/* what is no domain, no vCPU */
	assert_int_equal(CALL(w.control, domain_pause, 77), ENOENT);
	assert_int_equal(CALL(w.control, domain_pause, HUGE), ENOENT);
	assert_int_equal(CALL(w.control, domain_pause, CAISSON_MAX_DOMS), ENOENT);
	assert_int_equal(CALL(w.control, vcpu_info, w.a->id, 2, BUF), ENOENT);
	assert_int_equal(CALL(w.control, vcpu_info, w.b->id, 1, BUF), ENOENT); /* it may have one */
	assert_int_equal(CALL(w.control, vcpu_info, w.a->id, HUGE, BUF), ENOENT);
}

static void console_and_log(void **state)
{
	struct caisson_log head;

	(void)state;
	assert_int_equal(CALL(w.control, console_write, BUF, 10), 10);
	assert_int_equal(CALL(w.control, console_write, BUF, ~0ull), 512); /* a piece */
	assert_int_equal(CALL(w.control, console_write, BAD, 10), EFAULT);
	assert_int_equal(CALL(w.control, console_read, BUF, 10), 10);
	assert_int_equal(CALL(w.control, console_read, BUF, HUGE), 512);
	assert_int_equal(CALL(w.control, console_read, BAD, 10), EFAULT);
	assert_int_equal(CALL(w.control, log_read, 0, BUF, sizeof(head) - 1), EINVAL);
	assert_int_equal(CALL(w.control, log_read, 0, BUF, sizeof(head) + 5), 5);
	get(w.control, &head, sizeof(head));
	assert_int_equal(head.next, 0);
	assert_int_equal(CALL(w.control, log_read, 0, BUF, HUGE), 512);
	assert_int_equal(CALL(w.control, log_read, 0, BAD, 100), EFAULT);
}

static void the_machine(void **state)
{
	struct caisson_cpuinfo cpu;
	struct caisson_time t;

	(void)state;
	assert_int_equal(CALL(w.control, physinfo, BUF), 0);
	assert_int_equal(CALL(w.control, physinfo, BAD), EFAULT);
	fake_pcpu[0].switches = 5;
	assert_int_equal(CALL(w.control, cpuinfo, 0, BUF), 0);
	get(w.control, &cpu, sizeof(cpu));
	assert_int_equal(cpu.switches, 5);
	assert_int_equal(cpu.online, 1);
	assert_int_equal(CALL(w.control, cpuinfo, 1, BUF), ENOENT);
	assert_int_equal(CALL(w.control, cpuinfo, HUGE, BUF), ENOENT);
	assert_int_equal(CALL(w.control, cpuinfo, 0, BAD), EFAULT);
	assert_int_equal(CALL(w.control, doctor, 2, BUF), 0);
	assert_int_equal(CALL(w.control, doctor, 3, BUF), ENOENT);
	assert_int_equal(CALL(w.control, doctor, HUGE, BUF), ENOENT);
	assert_int_equal(CALL(w.control, doctor, 0, BAD), EFAULT);
	assert_int_equal(CALL(w.control, doctor, CAISSON_DOCTOR_BITS + 2, BUF), 0);
	assert_int_equal(CALL(w.control, doctor, CAISSON_DOCTOR_BITS + 3, BUF), ENOENT);
	assert_int_equal(CALL(w.control, doctor, CAISSON_DOCTOR_BITS, BAD), EFAULT);
	assert_int_equal(CALL(w.b, time, BUF), 0);
	get(w.b, &t, sizeof(t));
	assert_int_equal(t.tsc, fake.now);
	assert_int_equal(t.tsc_khz, fake.khz);
	assert_int_equal(CALL(w.b, time, BAD), EFAULT);
}

static enum verdict switches_off(struct vcpu *v)
{
	if (world_power != 'r') {
		CALL(v->domain, power, world_power ? CAISSON_POWER_REBOOT : CAISSON_POWER_OFF);
		fail(); /* it does not come back */
	}
	domain_end(v->domain, CAISSON_END_POWEROFF, 0, "the end");
	return V_STOP;
}

static void power(void **state)
{
	(void)state;
	assert_int_equal(CALL(w.control, power, 2), EINVAL);
	world_power = 0;
	world_next = switches_off;
	assert_int_equal(domain_unpause(w.control, false), 0);
	world_run();
	assert_int_equal(world_power, 'o');
	world_run();
	assert_int_equal(world_power, 'r');
	world_run();
}

/* Modules are the machine's: seen read-only, page by page, by who may build. */
static void modules(void **state)
{
	u64 bytes, size;
	u32 prot;
	hpa_t pa;

	(void)state;
	assert_int_equal(CALL(w.control, module_info, 0, BUF), 0);
	get(w.control, &bytes, sizeof(bytes));
	assert_int_equal(bytes, 0x5123);
	assert_int_equal(CALL(w.control, module_info, 1, BUF), ENOENT);
	assert_int_equal(CALL(w.control, module_info, 0, BAD), EFAULT);
	/* its words find no room */
	assert_int_equal(CALL(w.control, module_info, 0, WORLD_RAM * P - 8), EFAULT);
	assert_int_equal(CALL(w.control, module_map, 1, FAR, 0, 1), ENOENT);
	assert_int_equal(CALL(w.control, module_map, 0, FAR, 6, 1), EINVAL);
	assert_int_equal(CALL(w.control, module_map, 0, FAR, 5, 2), EINVAL);
	assert_int_equal(CALL(w.control, module_map, 0, FAR, 0, 0), EINVAL);
	assert_int_equal(CALL(w.control, module_map, 0, FAR + 1, 0, 1), EINVAL);
	assert_int_equal(CALL(w.control, module_map, 0, 1ull << world_phys_bits, 0, 1), EINVAL);
	assert_int_equal(CALL(w.control, module_map, 0, 0, 0, 1), -CAISSON_EEXIST); /* RAM is there */
	assert_int_equal(CALL(w.control, module_map, 0, FAR, 1, 5), 5);
	assert_int_equal(CALL(w.control, module_map, 0, FAR, 1, 5), -CAISSON_EEXIST);
	assert_true(arch_s2_lookup(w.control, GPA(FAR + 4 * P), &pa, &size, &prot));
	assert_int_equal(prot, CAISSON_PROT_READ);
	assert_int_equal(CALL(w.control, foreign_unmap, FAR + P), ENOENT);
	assert_int_equal(CALL(w.control, foreign_unmap, FAR), 0);
	assert_false(arch_s2_lookup(w.control, GPA(FAR), &pa, &size, &prot));
	assert_int_equal(CALL(w.control, foreign_unmap, FAR), ENOENT);
}

static s64 create(struct caisson_create c)
{
	put(w.control, &c, sizeof(c));
	return CALL(w.control, domain_create, BUF);
}

#define CREATE(...)                     \
	create((struct caisson_create){ \
		.abi_version = CAISSON_ABI_VERSION, .vcpus = 1, .pages = 8, __VA_ARGS__ })
#pragma GCC diagnostic ignored "-Woverride-init"

static void domains_are_made(void **state)
{
	struct frame_counts before, after;
	struct caisson_domain info;
	s64 id;

	(void)state;
	frame_count(&before);
	assert_int_equal(CALL(w.control, domain_create, BAD), EFAULT);
	assert_int_equal(CREATE(.abi_version = CAISSON_ABI_VERSION + 1), EINVAL);
	assert_int_equal(CREATE(.flags = CAISSON_CREATE_CONTROL), EINVAL);
	assert_int_equal(CREATE(.vcpus = 0), EINVAL);
	assert_int_equal(CREATE(.vcpus = CAISSON_MAX_VCPUS + 1), EINVAL);
	assert_int_equal(CREATE(.weight = 10001), EINVAL);
	assert_int_equal(CREATE(.pages = 0), EINVAL);
	assert_int_equal(CREATE(.pages = (1ull << 36) + 1), EINVAL);
	assert_int_equal(CREATE(.pages = 1ull << 36), -CAISSON_ENOMEM); /* more than the machine has */
	assert_int_equal(CREATE(.origin = "\n"), EINVAL);
	world_fails = 1;
	assert_int_equal(CREATE(.weight = 1), -CAISSON_ENOMEM);
	frame_count(&after);
	assert_memory_equal(&before, &after, sizeof(before));
	id = CREATE(.weight = 512, .args = "a\nb", .name = "new", .vcpus = 3);
	assert_true(id > 0);
	assert_int_equal(CALL(w.control, domain_info, (u64)id, BUF), 0);
	get(w.control, &info, sizeof(info));
	assert_int_equal(info.id, id);
	assert_int_equal(info.state, CAISSON_STATE_PAUSED);
	assert_int_equal(info.max_vcpus, 3);
	assert_int_equal(info.pages, 8);
	assert_string_equal(info.name, "new");
	assert_string_equal(info.args, "a\nb");
	/* vCPUs: in order, once, while it is still */
	assert_int_equal(CALL(w.control, vcpu_create, (u64)id, 1), EINVAL);
	assert_int_equal(CALL(w.control, vcpu_create, (u64)id, 3), EINVAL);
	assert_int_equal(CALL(w.control, vcpu_create, (u64)id, HUGE), EINVAL);
	world_fails = 1;
	assert_int_equal(CALL(w.control, vcpu_create, (u64)id, 0), -CAISSON_ENOMEM);
	assert_int_equal(CALL(w.control, vcpu_create, (u64)id, 0), 0);
	assert_int_equal(CALL(w.control, vcpu_create, (u64)id, 0), -CAISSON_EEXIST);
	assert_int_equal(CALL(w.control, domain_unpause, (u64)id), 0);
	assert_int_equal(CALL(w.control, vcpu_create, (u64)id, 1), EBUSY);
	assert_int_equal(CALL(w.control, domain_unpause, (u64)id), EINVAL);
}

/* All that the hypervisor could take for itself is taken:
 * each call that needs a page says so, and loses nothing. */
static void no_memory(void **state)
{
	static struct {
		void *page;
		u32 order;
	} hog[4096];
	struct frame_counts before, after;
	u32 n = 0;
	s64 r;

	(void)state;
	for (u32 order = 9; order < 10; order--)
		while (n < ARRAY_SIZE(hog) && (hog[n].page = frame_hv_alloc(FRAME_OWNER_HV, order)))
			hog[n++].order = order;
	assert_true(n < ARRAY_SIZE(hog));
	frame_count(&before);
	assert_int_equal(CREATE(.pages = 1), -CAISSON_ENOMEM);
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, 1, P, P, CAISSON_CLAIM_POSTED), -CAISSON_ENOMEM);
	for (u64 i = 0; (r = CALL(w.control, foreign_map, w.b->id, 0, FAR + i * P, 1, 1)) == 1; i++)
		;
	assert_int_equal(r, -CAISSON_ENOMEM); /* no record of it */
	assert_int_equal(share_drop_all(w.control), -CAISSON_EAGAIN);
	while (share_drop_all(w.control))
		;
	frame_count(&after);
	assert_memory_equal(&before, &after, sizeof(before));
	while (n--)
		frame_hv_free(hog[n].page, hog[n].order);
}

/* A share that failed at its second page leaves nothing at its place,
 * whether or not each CPU forgets the first at once. */
static void place_of_a_failure(void **state)
{
	u32 later = 0;

	(void)state;
	assert_int_equal(CALL(w.a, ioreq_map, w.b->id, FAR + P, CAISSON_IOREQ_SLOTS), 0);
	world_flushed = false;
	for (u32 i = 0; i < 100; i++) {
		s64 r = CALL(w.a, foreign_map, w.b->id, 0, FAR, 2, 1);

		assert_true(r == -CAISSON_EAGAIN || (r == -CAISSON_EEXIST && w.a->held.count <= 2));
		later += r == -CAISSON_EAGAIN;
	}
	assert_true(later);
	while ((CALL(w.a, foreign_unmap, FAR + P)) == -CAISSON_EAGAIN)
		;
	world_flushed = true;
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, FAR, 2, 1), 2);
}

/* Ids are not used again before all others were, and each is found. */
static void domains_are_listed(void **state)
{
	struct caisson_domain info;
	u64 id = 0, seen = 0;
	s64 first = CREATE(.pages = 1), second;

	(void)state;
	assert_int_equal(CALL(w.control, domain_destroy, (u64)first), -CAISSON_EAGAIN);
	while (CALL(w.control, domain_destroy, (u64)first) == -CAISSON_EAGAIN)
		;
	second = CREATE(.pages = 1);
	assert_true(first > 0 && second > 0 && second != first);
	for (; !CALL(w.control, domain_next, id, BUF); id = info.id + 1ull, seen++)
		get(w.control, &info, sizeof(info));
	assert_int_equal(seen, 4);
	assert_int_equal(info.id, second);
	assert_int_equal(CALL(w.control, domain_next, HUGE, BUF), ENOENT);
	assert_int_equal(CALL(w.control, domain_next, 0, BAD), EFAULT);
}

static void ends(void **state)
{
	struct caisson_domain info;

	(void)state;
	assert_int_equal(CALL(w.control, domain_event, BUF), ENOENT);
	assert_int_equal(CALL(w.control, domain_end, w.b->id, CAISSON_END_NONE, 0), EINVAL);
	assert_int_equal(CALL(w.control, domain_end, w.b->id, CAISSON_END_DESTROY + 1, 0), EINVAL);
	assert_int_equal(CALL(w.control, domain_end, w.b->id, HUGE + CAISSON_END_EXIT, 0), EINVAL);
	assert_int_equal(CALL(w.a, domain_end, w.b->id, CAISSON_END_EXIT, 7), 0);
	assert_int_equal(CALL(w.a, domain_end, w.b->id, CAISSON_END_CRASH, 8), 0); /* the first counts */
	assert_int_equal(CALL(w.control, domain_event, BUF), 0);
	get(w.control, &info, sizeof(info));
	assert_int_equal(info.id, w.b->id);
	assert_int_equal(info.state, CAISSON_STATE_ENDED);
	assert_int_equal(info.end, CAISSON_END_EXIT);
	assert_int_equal(info.code, 7);
	assert_int_equal(CALL(w.control, domain_event, BUF), ENOENT); /* told once */
	/* not to oneself, and the control domain's end is its own matter
	 * or that of its start again, which is refused here */
	assert_int_equal(CALL(w.control, domain_destroy, CAISSON_SELF), EBUSY);
	assert_int_equal(CALL(w.control, domain_pause, CAISSON_SELF), EBUSY);
	assert_int_equal(CALL(w.control, domain_reset, CAISSON_SELF), EBUSY);
	w.a->rights.domains = RIGHT_ALL;
	assert_int_equal(CALL(w.a, domain_reset, CAISSON_CONTROL), EBUSY);
	assert_int_equal(w.control->ended, CAISSON_END_NONE);
	assert_int_equal(CALL(w.a, domain_destroy, CAISSON_CONTROL), EBUSY);
	assert_int_equal(w.control->ended, CAISSON_END_DESTROY);
	assert_int_equal(CALL(w.a, domain_end, CAISSON_CONTROL, CAISSON_END_CRASH, 0), EBUSY);
	assert_int_equal(CALL(w.control, domain_end, CAISSON_SELF, CAISSON_END_CRASH, 0), 0);
}

static void ended_before_it_is_told(void **state)
{
	(void)state;
	domain_end(w.b, CAISSON_END_POWEROFF, 0, "power");
	assert_int_equal(CALL(w.control, domain_event, BAD), EFAULT);
	domain_end(w.a, CAISSON_END_POWEROFF, 0, "power");
	world_destroy(w.a);
	assert_int_equal(CALL(w.control, domain_event, BUF), ENOENT); /* its end was its destruction's */
}

static void memory(void **state)
{
	u64 word = 0x1122334455667788, got;

	(void)state;
	put(w.a, &word, sizeof(word));
	assert_int_equal(CALL(w.a, mem_write, w.b->id, 3 * P, BUF, 8), 8);
	assert_int_equal(CALL(w.a, mem_read, w.b->id, 3 * P, BUF + 64, 8), 8);
	assert_true(memory_read(w.a, BUF + 64, &got, 8));
	assert_int_equal(got, word);
	assert_int_equal(CALL(w.a, mem_read, w.b->id, FAR, BUF, 8), EFAULT);
	assert_int_equal(CALL(w.a, mem_write, w.b->id, 0, FAR, 8), EFAULT);
	assert_int_equal(CALL(w.a, populate, w.b->id, FAR, 1, HUGE), EINVAL); /* its flags */
}

/* Frames of another: for reading, or for both by who may write them; its own frames only. */
static void shares(void **state)
{
	u64 at = FAR, word = 77, got;

	(void)state;
	assert_int_equal(CALL(w.a, foreign_map, CAISSON_SELF, 0, at, 1, 1), EPERM);
	w.a->rights.self = RIGHT_ALL;
	assert_int_equal(CALL(w.a, foreign_map, CAISSON_SELF, 0, at, 1, 1), EINVAL);
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, at, 1, 0), EINVAL);
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, at, 1, CAISSON_PROT_WRITE), EINVAL);
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, at, 1, 5), EINVAL);
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 8, at, 1, 1), EINVAL);
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, at + 8, 1, 1), EINVAL);
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, at, 0, 1), EINVAL);
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, 1ull << world_phys_bits, 1, 1), EINVAL);
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, FAR, at, 1, 1), EFAULT);
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, P, 1, 1), -CAISSON_EEXIST); /* RAM is there */
	/* not all of it is RAM */
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, (WORLD_RAM - 1) * P, at, 2, 1), EFAULT);
	assert_false(memory_read(w.a, at, &got, 8));
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, at, ~0ull, 3), 32); /* a piece */
	assert_true(memory_write(w.a, at + 3 * P, &word, 8));
	assert_true(memory_read(w.b, 3 * P, &got, 8));
	assert_int_equal(got, 77);
	/* part of its place is taken: what was mapped of it goes again */
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, at - 2 * P, 4, 1), -CAISSON_EEXIST);
	assert_false(memory_read(w.a, at - 2 * P, &got, 8));
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, at, 1, 1), -CAISSON_EEXIST);
	/* what was granted is not granted on */
	assert_int_equal(CALL(w.control, foreign_map, w.a->id, at, FAR, 1, 1), EPERM);
	/* nor written by who may only read */
	w.b->rights.grant[0].held = RIGHT_MEM_READ;
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, 2 * FAR, 1, 3), EPERM);
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, 2 * FAR, 1, 1), 1);
	assert_false(memory_write(w.a, 2 * FAR, &word, 8));
	/* several at one granter end in any order, or with it */
	assert_int_equal(CALL(w.control, foreign_map, w.b->id, 0, FAR, 1, 1), 1);
	assert_int_equal(CALL(w.a, foreign_unmap, 2 * FAR), 0);
	w.b->dying = true;
	assert_int_equal(CALL(w.control, foreign_map, w.b->id, 0, 2 * FAR, 1, 1), EBUSY);
	world_destroy(w.b);
	assert_false(memory_read(w.a, at, &got, 8));
	assert_int_equal(CALL(w.a, foreign_unmap, at), ENOENT);
	assert_int_equal(CALL(w.control, foreign_unmap, FAR), ENOENT);
}

/* ROM may be shared for writing by who builds it; a share whose table finds no memory leaves nothing. */
static void shares_of_rom(void **state)
{
	struct frame_counts before, after;
	u64 word = 9;

	(void)state;
	assert_int_equal(memory_populate(w.b, FAR, 2, CAISSON_POP_ROM | CAISSON_POP_LAZY), 2);
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, FAR, FAR, 2, 3), 2);
	assert_true(memory_write(w.a, FAR + P, &word, 8));
	frame_count(&before);
	world_fails = 1;
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, 2 * FAR, 2, 1), -CAISSON_ENOMEM);
	world_fails = 1;
	assert_int_equal(CALL(w.control, module_map, 0, 2 * FAR, 0, 2), -CAISSON_ENOMEM);
	frame_count(&after);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void vcpus(void **state)
{
	static struct caisson_vcpu_context ctx;
	struct caisson_vcpu_info info;
	struct vcpu *v = w.b->vcpu[0];
	static const u8 by_sleep[] = { CAISSON_VCPU_RUNNABLE, CAISSON_VCPU_BLOCKED, CAISSON_VCPU_OFF,
				       CAISSON_VCPU_IOREQ, CAISSON_VCPU_BLOCKED };
	u64 mask[CAISSON_CPU_WORDS] = { 0 };
	u8 fpu[CAISSON_FPU_BYTES];

	(void)state;
	assert_int_equal(CALL(w.a, vcpu_get, w.b->id, 0, BUF), 0);
	assert_int_equal(CALL(w.a, vcpu_get, w.b->id, 0, BAD), EFAULT);
	assert_int_equal(CALL(w.a, vcpu_set, w.b->id, 0, BAD), EFAULT);
	memset(fpu, 5, sizeof(fpu));
	put(w.a, fpu, sizeof(fpu));
	assert_int_equal(CALL(w.a, vcpu_fpu, w.b->id, 0, BUF, 2), EINVAL);
	assert_int_equal(CALL(w.a, vcpu_fpu, w.b->id, 0, BAD, 0), EFAULT);
	assert_int_equal(CALL(w.a, vcpu_fpu, w.b->id, 0, BAD, 1), EFAULT);
	assert_int_equal(CALL(w.a, vcpu_fpu, w.b->id, 1, BUF, 1), ENOENT);
	assert_int_equal(CALL(w.a, vcpu_fpu, w.b->id, 0, BUF, 1), EINVAL); /* arch's word */
	memset(fpu, 0, 28);
	put(w.a, fpu, sizeof(fpu));
	assert_int_equal(CALL(w.a, vcpu_fpu, w.b->id, 0, BUF, 1), 0);
	put(w.a, &ctx, sizeof(ctx));
	assert_int_equal(CALL(w.a, vcpu_fpu, w.b->id, 0, BUF, 0), 0);
	get(w.a, fpu, sizeof(fpu));
	assert_int_equal(fpu[27] + fpu[28] + fpu[511], 10);
	ctx.activity = 3;
	put(w.a, &ctx, sizeof(ctx));
	assert_int_equal(CALL(w.a, vcpu_set, w.b->id, 0, BUF), EINVAL);
	assert_int_equal(w.b->pauses, 1); /* as it was */
	v->sleep = SLEEP_WAIT;		  /* a device model in its wait cannot be moved out of it */
	ctx.activity = 0;
	put(w.a, &ctx, sizeof(ctx));
	assert_int_equal(CALL(w.a, vcpu_set, w.b->id, 0, BUF), EBUSY);
	v->sleep = SLEEP_NO;
	/* states */
	assert_int_equal(CALL(w.a, vcpu_info, w.b->id, 0, BUF), 0);
	get(w.a, &info, sizeof(info));
	assert_int_equal(info.state, CAISSON_VCPU_PAUSED);
	assert_int_equal(CALL(w.a, domain_unpause, w.b->id), 0);
	assert_int_equal(CALL(w.a, vcpu_get, w.b->id, 0, BUF), EBUSY);
	assert_int_equal(CALL(w.a, vcpu_fpu, w.b->id, 0, BUF, 0), EBUSY);
	for (u32 sleep = SLEEP_NO; sleep <= SLEEP_WAIT; sleep++) {
		v->sleep = sleep;
		assert_int_equal(CALL(w.a, vcpu_info, w.b->id, 0, BUF), 0);
		get(w.a, &info, sizeof(info));
		assert_int_equal(info.state, by_sleep[sleep]);
		v->cpu = &fake_pcpu[0]; /* one that sleeps may have been left there */
		CALL(w.a, vcpu_info, w.b->id, 0, BUF);
		get(w.a, &info, sizeof(info));
		assert_int_equal(info.state, sleep ? by_sleep[sleep] : CAISSON_VCPU_RUNNING);
		v->cpu = NULL;
	}
	v->sleep = SLEEP_NO;
	domain_end(w.b, CAISSON_END_CRASH, 0, "a crash");
	CALL(w.a, vcpu_info, w.b->id, 0, BUF);
	get(w.a, &info, sizeof(info));
	assert_int_equal(info.state, CAISSON_VCPU_PAUSED);
	assert_int_equal(CALL(w.a, vcpu_info, w.b->id, 0, BAD), EFAULT);
	/* where it may run */
	assert_int_equal(CALL(w.a, vcpu_pin, w.b->id, 0, BAD), EFAULT);
	put(w.a, mask, sizeof(mask));
	assert_int_equal(CALL(w.a, vcpu_pin, w.b->id, 0, BUF), EINVAL);
	mask[0] = 1;
	put(w.a, mask, sizeof(mask));
	assert_int_equal(CALL(w.a, vcpu_pin, w.b->id, 0, BUF), 0);
	CALL(w.a, vcpu_info, w.b->id, 0, BUF);
	get(w.a, &info, sizeof(info));
	assert_int_equal(info.affinity[0], 1);
}

static s64 sched(struct caisson_sched s)
{
	struct caisson_sched now;

	put(w.a, &s, sizeof(s));
	if (CALL(w.a, sched_set, w.b->id, BUF))
		return world_call(w.a, CAISSON_CALL_sched_set, (u64[6]){ w.b->id, BUF });
	assert_int_equal(CALL(w.a, sched_get, w.b->id, BUF), 0);
	get(w.a, &now, sizeof(now));
	assert_memory_equal(&now, &s, sizeof(s));
	return 0;
}

/* All of it or nothing. */
static void scheduling(void **state)
{
	struct caisson_pool p;
	s64 pool;
	u64 id;

	(void)state;
	assert_int_equal(CALL(w.a, sched_set, w.b->id, BAD), EFAULT);
	assert_int_equal(sched((struct caisson_sched){ .weight = 0 }), EINVAL);
	assert_int_equal(sched((struct caisson_sched){ .weight = 10001 }), EINVAL);
	assert_int_equal(sched((struct caisson_sched){ .weight = 1, .cap = SCHED_CAP_MAX + 1 }), EINVAL);
	assert_int_equal(sched((struct caisson_sched){ .weight = 1, .budget_us = 2000, .period_us = 1000 }),
			 EINVAL);
	assert_int_equal(sched((struct caisson_sched){ .weight = 1, .budget_us = 0, .period_us = 1000 }),
			 EINVAL);
	assert_int_equal(sched((struct caisson_sched){ .weight = 1, .pool = 9 }), ENOENT);
	assert_int_equal(w.b->sched.weight, 256);
	assert_int_equal(sched((struct caisson_sched){ .weight = 10000, .cap = 50 }), 0);
	assert_int_equal(sched((struct caisson_sched){ .weight = 1, .budget_us = 2000, .period_us = 10000 }),
			 0);
	/* pools */
	pool = CALL(w.control, pool, CAISSON_POOL_CREATE);
	assert_true(pool > 0);
	/* it has a reservation */
	assert_int_equal(sched((struct caisson_sched){ .weight = 1, .pool = (u32)pool }), EBUSY);
	assert_int_equal(sched((struct caisson_sched){
				 .weight = 1, .budget_us = 1, .period_us = 1, .pool = (u32)pool }),
			 EBUSY);
	assert_int_equal(sched((struct caisson_sched){ .weight = 1 }), 0);
	/* it has no CPU */
	assert_int_equal(sched((struct caisson_sched){ .weight = 1, .pool = (u32)pool }), EINVAL);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_MOVE, (u64)pool, w.b->id), EINVAL);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_MOVE, 0, w.b->id), 0);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_MOVE, 0, 77), ENOENT);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_ADD, (u64)pool, 0), EBUSY); /* the others' last */
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_ADD, (u64)pool, 9), ENOENT);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_ADD, 9, 0), ENOENT);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_ADD, 0, 0), 0); /* it is there */
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_INFO, 0, 0, BUF), 0);
	get(w.control, &p, sizeof(p));
	assert_int_equal(p.cpus[0], 1);
	assert_int_equal(p.domains, 3);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_INFO, 0, 0, BAD), EFAULT);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_INFO, 9, 0, BUF), ENOENT);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_INFO, HUGE, 0, BUF), ENOENT);
	assert_int_equal(CALL(w.control, pool, 4), EINVAL);
	assert_int_equal(CALL(w.control, pool, HUGE), EINVAL);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_DESTROY, 0), EBUSY);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_DESTROY, (u64)pool), 0);
	/* nobody holds a pool for a domain that has no vCPU yet: its first finds no CPU there */
	pool = CALL(w.control, pool, CAISSON_POOL_CREATE);
	id = (u64)CREATE(.vcpus = 1);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_MOVE, (u64)pool, id), 0);
	assert_int_equal(CALL(w.control, vcpu_create, id, 0), EINVAL);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_DESTROY, (u64)pool), 0);
	assert_int_equal(CALL(w.control, vcpu_create, id, 0), EINVAL);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_MOVE, 0, id), 0);
	assert_int_equal(CALL(w.control, vcpu_create, id, 0), 0);
	assert_int_equal(CALL(w.control, pool, CAISSON_POOL_DESTROY, (u64)pool), ENOENT);
}

static void events(void **state)
{
	(void)state;
	assert_int_equal(CALL(w.a, event_send, w.b->id, 9), EPERM);
	assert_int_equal(CALL(w.b, event_bind, CAISSON_SELF, 9), 0);
	assert_int_equal(CALL(w.a, event_send, w.b->id, 9), EPERM); /* it is b's own */
	assert_int_equal(CALL(w.b, event_send, CAISSON_SELF, 9), 0);
	assert_int_equal(w.b->events.pending, BIT(9));
	assert_int_equal(CALL(w.b, event_send, CAISSON_SELF, HUGE + 9), EPERM);
	assert_int_equal(CALL(w.b, event_send, CAISSON_SELF, 0), EPERM); /* the hypervisor's */
	assert_int_equal(CALL(w.b, event_bind, CAISSON_SELF, 7), EINVAL);
	assert_int_equal(CALL(w.b, event_bind, CAISSON_SELF, 32), EINVAL);
	assert_int_equal(CALL(w.a, event_bind, w.b->id, 9), 0);
	assert_int_equal(CALL(w.a, event_bind, CAISSON_SELF, 9), -CAISSON_EEXIST);
	assert_int_equal(CALL(w.a, event_bind, w.b->id, 9), 0); /* again */
}

static void claims(void **state)
{
	u64 x = 0x3f8;

	(void)state;
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, 2, x, 8, 0), EINVAL);
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, HUGE, x, 8, 0), EINVAL);
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, 0, x, 8, 4), EINVAL);
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, 0, x, 0, 0), EINVAL);
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, 0, x, 8, 0), 0);
	assert_int_equal(CALL(w.control, ioreq_claim, w.b->id, 0, x + 7, 8, 0), EBUSY);
	/* another's */
	assert_int_equal(CALL(w.control, ioreq_claim, w.b->id, 0, x, 8, CAISSON_CLAIM_DROP), ENOENT);
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, 1, x, 8, CAISSON_CLAIM_DROP), ENOENT);
	/* pages: the requests always, the ring from the first posted claim on, which is one model's */
	assert_int_equal(CALL(w.a, ioreq_map, w.b->id, FAR, CAISSON_IOREQ_SLOTS), 0);
	assert_int_equal(CALL(w.a, ioreq_map, w.b->id, FAR, CAISSON_IOREQ_SLOTS), -CAISSON_EEXIST);
	assert_int_equal(CALL(w.a, ioreq_map, w.b->id, 2 * FAR, CAISSON_IOREQ_RING), ENOENT);
	assert_int_equal(CALL(w.a, ioreq_map, w.b->id, 2 * FAR, 2), EINVAL);
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, 1, P, P, CAISSON_CLAIM_POSTED), 0);
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, 1, 3 * P, P, CAISSON_CLAIM_POSTED), 0);
	assert_int_equal(CALL(w.control, ioreq_claim, w.b->id, 1, 5 * P, P, CAISSON_CLAIM_POSTED), EBUSY);
	assert_int_equal(CALL(w.control, ioreq_claim, w.b->id, 1, 5 * P, P, 0), 0);
	assert_int_equal(CALL(w.a, ioreq_map, w.b->id, 2 * FAR, CAISSON_IOREQ_RING), 0);
	w.b->dying = true;
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, 0, 0x60, 1, 0), EBUSY);
	w.b->dying = false;
	/* lines and messages */
	assert_int_equal(CALL(w.a, irq_line, w.b->id, 24, 1), EINVAL);
	assert_int_equal(CALL(w.a, irq_line, w.b->id, HUGE, 1), EINVAL);
	assert_int_equal(CALL(w.a, irq_line, w.b->id, 4, 2), EINVAL);
	assert_int_equal(CALL(w.a, irq_line, w.b->id, 4, 1), 0);
	assert_int_equal(world_lines, BIT(4));
	assert_int_equal(CALL(w.a, irq_line, w.b->id, 4, 0), 0);
	assert_int_equal(world_lines, 0);
	assert_int_equal(CALL(w.a, msi, w.b->id, 0xfee00000, 0x41), 0);
	assert_int_equal(CALL(w.a, msi, w.b->id, 0xfed00000, 0x41), EINVAL);
}

static void counters(void **state)
{
	struct stat *s = arch_vcpu_stats(w.b->vcpu[0]);
	struct stat_whats *t = arch_vcpu_whats(w.b->vcpu[0]);
	struct caisson_what what;
	struct caisson_stat out;
	u64 sum = 0;

	(void)state;
	s[2] = (struct stat){ .count = 5, .cycles = 500, .worst = 300, .worst_rip = 0x1234 };
	assert_int_equal(CALL(w.a, stats, w.b->id, 0, 2, BUF), 0);
	get(w.a, &out, sizeof(out));
	assert_string_equal(out.name, "kind");
	assert_int_equal(out.count, 5);
	assert_int_equal(out.worst_rip, 0x1234);
	assert_int_equal(CALL(w.a, stats, w.b->id, 0, 3, BUF), ENOENT);
	assert_int_equal(CALL(w.a, stats, w.b->id, 0, 256, BUF), ENOENT);
	assert_int_equal(CALL(w.a, stats, w.b->id, 0, HUGE, BUF), ENOENT);
	assert_int_equal(CALL(w.a, stats, w.b->id, 0, 2, BAD), EFAULT);
	/* by what they are about: a row each where there are as many */
	for (u64 n = 0; n < 8; n++)
		for (u64 m = 0; m <= n; m++)
			stats_what(t, 8, 3, 0x1000 + n * 8);
	for (u64 i = 0; i < STATS_WHATS; i++) {
		assert_int_equal(CALL(w.a, stats_what, w.b->id, 0, i, BUF), 0);
		get(w.a, &what, sizeof(what));
		sum += what.count;
		assert_int_equal(what.kind, arch_what_kind((u32)i));
		assert_int_equal(what.count, i / 8 == 1 ? (what.what - 0x1000) / 8 + 1 : 0);
	}
	assert_int_equal(sum, 36);
	assert_int_equal(CALL(w.a, stats_what, w.b->id, 0, STATS_WHATS, BUF), ENOENT);
	assert_int_equal(CALL(w.a, stats_what, w.b->id, 0, HUGE, BUF), ENOENT);
	assert_int_equal(CALL(w.a, stats_what, w.b->id, 0, 0, BAD), EFAULT);
	assert_int_equal(CALL(w.a, stats_reset, w.b->id), 0);
	assert_int_equal(s[2].count, 0);
	for (u32 i = 0; i < STATS_WHATS; i++)
		assert_int_equal(t->count[i], 0);
}

static void eyes(void **state)
{
	struct caisson_trace_control on = { CAISSON_TRACE_ON, ~0u, ~0ull }, wrong = { 8, 0, 0 };
	struct caisson_trace_head head;
	u64 value;

	(void)state;
	assert_int_equal(CALL(w.a, vmcs_read, w.b->id, 0, 2, BUF), 0);
	get(w.a, &value, sizeof(value));
	assert_int_equal(value, 2);
	assert_int_equal(CALL(w.a, vmcs_read, w.b->id, 0, 3, BUF), ENOENT);
	assert_int_equal(CALL(w.a, vmcs_read, w.b->id, 0, HUGE + 2, BUF), ENOENT);
	assert_int_equal(CALL(w.a, vmcs_read, w.b->id, 0, 2, BAD), EFAULT);
	assert_int_equal(CALL(w.a, s2_walk, w.b->id, 0, BUF), 0);
	assert_int_equal(CALL(w.a, s2_walk, w.b->id, 0, BAD), EFAULT);
	assert_int_equal(CALL(w.control, host_walk, 0, BUF), FRAME_NO_OWNER);
	assert_int_equal(CALL(w.control, host_walk, 0, BAD), EFAULT);
	assert_int_equal(CALL(w.a, host_walk, 0, BUF), EPERM);
	assert_int_equal(CALL(w.a, watch, w.b->id, 2, 0), EINVAL); /* the debugger's own bit */
	assert_int_equal(CALL(w.a, watch, w.b->id, 0, 8), EINVAL);
	assert_int_equal(CALL(w.a, watch, w.b->id, 4, 0), EINVAL);
	assert_int_equal(CALL(w.a, watch, w.b->id, CAISSON_WATCH_TRACE, 0), 0);
	assert_int_equal(w.b->vcpu[0]->watch, CAISSON_WATCH_TRACE);
	assert_int_equal(w.b->watch, CAISSON_WATCH_TRACE);
	assert_int_equal(CALL(w.control, trace_control, BAD), EFAULT);
	put(w.control, &wrong, sizeof(wrong));
	assert_int_equal(CALL(w.control, trace_control, BUF), EINVAL);
	put(w.control, &on, sizeof(on));
	assert_int_equal(CALL(w.control, trace_control, BUF), 0);
	vcpu_wake(w.b->vcpu[0], SLEEP_HLT); /* it does not sleep: nothing but the record */
	assert_int_equal(CALL(w.control, trace_read, 0, 0, BUF, sizeof(head) - 1), EINVAL);
	assert_int_equal(CALL(w.control, trace_read, 0, 0, BUF, sizeof(head)), 0);
	get(w.control, &head, sizeof(head));
	assert_int_equal(head.next - head.first, 1);
	assert_int_equal(CALL(w.control, trace_read, 0, 0, BUF, HUGE), 1);
	assert_int_equal(CALL(w.control, trace_read, 0, 0, BAD, 100), EFAULT);
	assert_int_equal(CALL(w.control, trace_read, 1, 0, BUF, 100), ENOENT);
	on.flags = 0;
	put(w.control, &on, sizeof(on));
	assert_int_equal(CALL(w.control, trace_control, BUF), 0);
	/* while it runs nobody looks into it */
	CALL(w.a, domain_unpause, w.b->id);
	assert_int_equal(CALL(w.a, vmcs_read, w.b->id, 0, 2, BUF), EBUSY);
	assert_int_equal(CALL(w.a, debug, w.b->id, 0, CAISSON_DEBUG_GET, BUF), EBUSY);
}

static void debugger(void **state)
{
	struct caisson_debug x = { .wish = CAISSON_DEBUG_ON };

	(void)state;
	put(w.a, &x, sizeof(x));
	assert_int_equal(CALL(w.a, debug, w.b->id, 0, 3, BUF), EINVAL);
	assert_int_equal(CALL(w.a, debug, w.b->id, 1, CAISSON_DEBUG_GET, BUF), ENOENT);
	assert_int_equal(CALL(w.a, debug, w.b->id, 0, CAISSON_DEBUG_SET, BAD), EFAULT);
	assert_int_equal(CALL(w.a, debug, w.b->id, 0, CAISSON_DEBUG_SET, BUF), 0);
	assert_int_equal(CALL(w.a, debug, w.b->id, 0, CAISSON_DEBUG_GET, BUF), 0);
	assert_int_equal(CALL(w.a, debug, w.b->id, 0, CAISSON_DEBUG_GET, BAD), EFAULT);
	assert_int_equal(w.b->pauses, 1);
	/* a stop is one pause, undone once, and told */
	w.control->events.pending = 0;
	assert_int_equal(CALL(w.a, debug, w.b->id, 0, CAISSON_DEBUG_RESUME), 0);
	assert_int_equal(w.b->pauses, 1);
	domain_stop(w.b);
	domain_stop(w.b);
	assert_int_equal(w.b->pauses, 2);
	assert_int_equal(w.control->events.pending, BIT(CAISSON_EVENT_DEBUG));
	assert_int_equal(CALL(w.a, debug, w.b->id, 77, CAISSON_DEBUG_RESUME), 0);
	assert_int_equal(CALL(w.a, debug, w.b->id, 0, CAISSON_DEBUG_RESUME), 0);
	assert_int_equal(w.b->pauses, 1);
}

static void rights(void **state)
{
	struct caisson_rights r;
	struct domain *holder = NULL;

	(void)state;
	assert_int_equal(CALL(w.control, rights_set, w.b->id, CAISSON_OVER_MACHINE, HUGE, 0), EINVAL);
	assert_int_equal(CALL(w.control, rights_set, w.b->id, CAISSON_OVER_MACHINE, 0, HUGE), EINVAL);
	assert_int_equal(
		CALL(w.control, rights_set, w.b->id, CAISSON_OVER_MACHINE, BIT(CAISSON_RIGHT_BITS), 0),
		EINVAL);
	assert_int_equal(CALL(w.control, rights_set, w.b->id, 77, RIGHT_INFO, 0), ENOENT);
	assert_int_equal(
		CALL(w.control, rights_set, w.b->id, CAISSON_OVER_MACHINE, RIGHT_INFO | RIGHT_GRANT, 0), 0);
	assert_int_equal(CALL(w.control, rights_set, w.b->id, w.a->id, RIGHT_LIFE, 0), 0);
	assert_int_equal(CALL(w.control, rights_get, w.b->id, CAISSON_OVER_MACHINE, BUF), 0);
	get(w.control, &r, sizeof(r));
	assert_int_equal(r.held, RIGHT_INFO | RIGHT_GRANT);
	assert_int_equal(CALL(w.control, rights_get, w.b->id, w.a->id, BUF), 0);
	get(w.control, &r, sizeof(r));
	assert_int_equal(r.held, RIGHT_LIFE);
	assert_int_equal(CALL(w.control, rights_get, w.b->id, w.b->id, BUF), 0);
	get(w.control, &r, sizeof(r));
	assert_int_equal(r.held, RIGHT_EVENT | RIGHTS_SELF);
	assert_int_equal(CALL(w.b, rights_get, CAISSON_SELF, CAISSON_SELF, BUF), 0);
	assert_int_equal(CALL(w.control, rights_get, w.b->id, 77, BUF), ENOENT);
	assert_int_equal(CALL(w.control, rights_get, w.b->id, CAISSON_OVER_DOMAINS, BAD), EFAULT);
	/* nobody grants over a domain on more than its table has room for */
	for (u32 i = 1; i < RIGHTS_GRANTS; i++) {
		assert_int_equal(
			domain_create(&(struct caisson_create){ .vcpus = 1, .pages = 1 }, w.control, &holder),
			0);
		assert_int_equal(CALL(w.control, rights_set, holder->id, w.b->id, RIGHT_LIFE, 0), 0);
		domain_put(holder);
	}
	assert_int_equal(CALL(w.control, rights_set, w.control->id, w.b->id, RIGHT_INFO, 0), -CAISSON_ENOSPC);
	/* one that goes makes room, and leaves nothing of what it had; another with its number is not it */
	world_destroy(holder);
	assert_int_equal(CALL(w.control, rights_set, w.control->id, w.b->id, RIGHT_INFO, 0), 0);
	assert_int_equal(rights_held(&w.control->rights, w.b->id, &w.b->rights), RIGHT_INFO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(no_such_call),
		TEST(console_and_log),
		TEST(the_machine),
		TEST(power),
		TEST(modules),
		TEST(domains_are_made),
		TEST(no_memory),
		TEST(place_of_a_failure),
		TEST(domains_are_listed),
		TEST(ends),
		TEST(ended_before_it_is_told),
		TEST(memory),
		TEST(shares),
		TEST(shares_of_rom),
		TEST(vcpus),
		TEST(scheduling),
		TEST(events),
		TEST(claims),
		TEST(counters),
		TEST(eyes),
		TEST(debugger),
		TEST(rights),
	};

	world_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
