/* SPDX-License-Identifier: BSD-2-Clause */
/* What a builder and device model could once do to the hypervisor,
 * in the order in which it has to be done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/hypercall.h"
#include "hv/ioreq.h"
#include "hv/pcpu.h"
#include "hv/stats.h"
#include "tests/host/fake_arch.h"
#include "tests/host/world.h"

static struct world w;

static int setup(void **state)
{
	(void)state;
	world_begin(&w);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(world_end());
	return 0;
}

/* A port of b asked for, up to where its device model has taken the request: the token. */
static u64 request(struct domain *dm)
{
	struct vcpu *v = w.b->vcpu[0];

	ioreq_submit(v, bus_find(&w.b->bus, CAISSON_IO_PORT, 0x3f8, 1), 0x3f8, 0,
		     ioreq_what(CAISSON_IO_PORT, 1), 0);
	return (u32)CALL(dm, wait, 0, CAISSON_DEADLINE_NOW) | CAISSON_ANSWER;
}

/* The claim holds the device model: it is not given back under a request, and who was asked before is not
 * asked when it is gone. */
static void claim_and_request(void **state)
{
	u64 token;

	(void)state;
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, CAISSON_IO_PORT, 0x3f8, 8, 0), 0);
	token = request(w.a);
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, CAISSON_IO_PORT, 0x3f8, 8, CAISSON_CLAIM_DROP),
			 -CAISSON_EBUSY);
	/* nor does it get another state meanwhile, in which it would ask again */
	assert_int_equal(CALL(w.a, vcpu_set, w.b->id, 0, PAGE_SIZE * 2), -CAISSON_EBUSY);
	assert_int_equal(CALL(w.a, wait, token, CAISSON_DEADLINE_NOW), 0);
	w.b->vcpu[0]->io_state = IO_IDLE; /* it has run since */
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, CAISSON_IO_PORT, 0x3f8, 8, CAISSON_CLAIM_DROP), 0);
	world_destroy(w.a);
	world_destroy(w.b); /* does not look at the one that is freed */
}

/* What exits are about: exact while there is room, and what is frequent stays when what is rare has none. */
static void what_is_frequent_stays(void **state)
{
	enum { FIRST = 8, BITS = 3, ROWS = 1 << BITS };
	static struct stat_whats t;
	u64 sum = 0;

	(void)state;
	memset(&t, 0, sizeof(t));
	for (u32 round = 0; round < 100; round++)
		for (u32 k = 0; k < ROWS; k++) /* 0 is one like others */
			stats_what(&t, FIRST, BITS, k * 0x830);
	for (u32 i = FIRST; i < FIRST + ROWS; i++) {
		assert_int_equal(t.count[i], 100);
		sum += t.what[i];
	}
	assert_int_equal(sum, 28 * 0x830);
	for (u32 k = 0; k < 1000; k++) {
		stats_what(&t, FIRST, BITS, 0x100000 + k);
		for (u32 n = 0; n < 7; n++)
			stats_what(&t, FIRST, BITS, n * 0x830);
	}
	for (u32 n = 0; n < 7; n++) {
		u32 i = FIRST;

		while (i < FIRST + ROWS && t.what[i] != n * 0x830)
			i++;
		assert_true(i < FIRST + ROWS);
		assert_int_equal(t.count[i], 1100);
	}
	for (u32 i = 0; i < STATS_WHATS; i++)
		assert_true((i >= FIRST && i < FIRST + ROWS) || !t.count[i]);
}

/* A device model that is started again is asked again for what it had taken
 * and what stood in its queue, each once. */
static void asked_again(void **state)
{
	u64 token;

	(void)state;
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, CAISSON_IO_PORT, 0x3f8, 8, 0), 0);
	token = request(w.a);
	for (u32 i = 0; i < 2; i++) {
		ioreq_again(w.a);
		assert_int_equal((u32)CALL(w.a, wait, 0, CAISSON_DEADLINE_NOW) | CAISSON_ANSWER, token);
	}
	ioreq_again(w.a);
	ioreq_again(w.a);
	assert_int_equal((u32)CALL(w.a, wait, 0, CAISSON_DEADLINE_NOW) | CAISSON_ANSWER, token);
	assert_int_equal((u64)CALL(w.a, wait, token, CAISSON_DEADLINE_NOW), (u64)CAISSON_WAIT_TIMEOUT << 56);
	ioreq_again(w.a); /* answered: not asked again */
	assert_int_equal((u64)CALL(w.a, wait, 0, CAISSON_DEADLINE_NOW), (u64)CAISSON_WAIT_TIMEOUT << 56);
}

/* The builder's other vCPU wants it to run while it is given a state. */
static void unpauses(void)
{
	world_meanwhile = NULL;
	assert_int_equal(CALL(w.a, domain_unpause, w.b->id), 0);
	assert_int_equal(CALL(w.a, domain_unpause, w.b->id), -CAISSON_EINVAL);
	assert_int_equal(w.b->vcpu[0]->sched.holds, 1);
}

/* A domain that runs gets no claims and no state, and one that is paused stays so while it gets them. */
static void only_while_it_is_still(void **state)
{
	(void)state;
	assert_int_equal(CALL(w.a, domain_unpause, w.b->id), 0);
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, CAISSON_IO_PORT, 0x3f8, 8, 0), -CAISSON_EBUSY);
	assert_int_equal(CALL(w.a, vcpu_set, w.b->id, 0, PAGE_SIZE * 2), -CAISSON_EBUSY);
	assert_int_equal(CALL(w.a, domain_pause, w.b->id), 0);
	assert_int_equal(CALL(w.a, vcpu_set, w.b->id, 0, PAGE_SIZE * 2), 0);
	assert_int_equal(w.b->pauses, 1);
	world_meanwhile = unpauses;
	assert_int_equal(CALL(w.a, vcpu_set, w.b->id, 0, PAGE_SIZE * 2), 0);
	assert_int_equal(w.b->pauses, 0);
	assert_int_equal(w.b->vcpu[0]->sched.holds, 0);
	assert_int_equal(CALL(w.a, domain_pause, w.b->id), 0);
	for (u32 i = 0; i < BUS_CLAIMS; i++)
		assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, CAISSON_IO_PORT, 16 * i, 8, 0), 0);
	assert_int_equal(CALL(w.a, ioreq_claim, w.b->id, CAISSON_IO_PORT, 0x8000, 8, 0), -CAISSON_ENOSPC);
}

/* What shares cost is charged to nobody: a domain has so many, and one that ends makes room. */
static void shares_are_counted(void **state)
{
	u64 n, at = PAGE_SIZE * WORLD_RAM * 2;
	s64 r = 0;

	(void)state;
	for (n = 0; n < 2000 && r >= 0; n++)
		r = CALL(w.a, foreign_map, w.b->id, 0, at + n * PAGE_SIZE, 1, CAISSON_PROT_READ);
	assert_int_equal(r, -CAISSON_ENOSPC);
	assert_int_equal(n - 1, 1024);
	while (CALL(w.a, foreign_unmap, at))
		;
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, at, 1, CAISSON_PROT_READ), 1);
}

/* The page of the hole is the hypervisor's, also where a region comes over it later. */
static void the_hole_is_nobodys(void **state)
{
	u64 size;
	u32 prot;
	hpa_t pa;

	(void)state;
	assert_true(memory_hole(w.b, 0xa0000));
	assert_true(arch_s2_lookup(w.b, GPA(0xa0000), &pa, &size, &prot));
	assert_int_equal(CALL(w.a, populate, w.b->id, 0x9f000, 4, 0), 4);
	world_destroy(w.b);
	assert_int_equal(frame_owner(pa), FRAME_OWNER_HV);
}

/* A domain's own ROM is written by who builds it. What it sees read-only of others, or of nobody,
 * is not, where a region of ROM comes over it. */
static void only_its_own_rom(void **state)
{
	u64 at = 2 * SZ_2M, word = 77, got;

	(void)state;
	assert_true(memory_write(w.b, 0, &at, 8));
	assert_true(memory_hole(w.a, 0xa0000));
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, 0, at, 1, CAISSON_PROT_READ), 1);
	assert_int_equal(memory_populate(w.a, 0xa0000, 2, CAISSON_POP_ROM), 2);
	assert_int_equal(memory_populate(w.a, at, 2, CAISSON_POP_ROM), 2);
	assert_true(memory_write(w.a, 0, &word, 8));
	assert_int_equal(memory_copy(w.a, 0xa0000, w.a, 0, 8), -CAISSON_EFAULT);
	assert_int_equal(memory_copy(w.a, 0xa1000, w.a, 0, 8), 8);
	assert_true(memory_read(w.a, 0xa0000, &got, 8));
	assert_int_equal(got, ~0ull);
	assert_int_equal(memory_copy(w.a, at, w.a, 0, 8), -CAISSON_EFAULT);
	assert_int_equal(memory_copy(w.a, at + PAGE_SIZE, w.a, 0, 8), 8);
	assert_true(memory_read(w.b, 0, &got, 8));
	assert_int_equal(got, at);
}

/* A device model sees the page of requests of a domain that is destroyed
 * while another CPU copies from there: nothing keeps the page. */
static void destroyed_in_between(void)
{
	fake.window = NULL;
	world_destroy(w.b);
}

static void pages_of_requests_go(void **state)
{
	u64 at = 4 * SZ_2M, word;

	(void)state;
	assert_int_equal(CALL(w.a, ioreq_map, w.b->id, at, CAISSON_IOREQ_SLOTS), 0);
	assert_true(memory_read(w.a, at, &word, 8));
	assert_int_equal(CALL(w.control, populate, CAISSON_SELF, at, 512, CAISSON_POP_LAZY), 512);
	fake.window = destroyed_in_between;
	assert_int_equal(CALL(w.control, mem_read, w.a->id, at, at, 8), -CAISSON_EFAULT);
	fake.window = NULL;
}

/* What is taken back goes from hole to hole:
 * one that is known as 2 MiB ends where it ends, not 2 MiB after the region's begin. */
static void nothing_is_left_behind_a_hole(void **state)
{
	(void)state;
	assert_int_equal(CALL(w.a, populate, w.b->id, 2 * SZ_2M - PAGE_SIZE, 514, CAISSON_POP_LAZY), 514);
	assert_int_equal(memory_fault(w.b, 3 * SZ_2M, true), MEM_MAPPED);
	assert_int_equal(memory_fault(w.b, 2 * SZ_2M, true), MEM_MAPPED);
	assert_int_equal(w.b->vm.populated, WORLD_RAM + 1 + 512);
	world_destroy(w.b); /* teardown counts the frames */
}

/* Blocks of 64 KiB of which a part was there before, is a share's, or is all that the region has of it. */
static void parts_of_blocks(void **state)
{
	u64 at = SZ_2M, p = PAGE_SIZE;

	(void)state;
	assert_int_equal(CALL(w.a, populate, w.b->id, at, 40, CAISSON_POP_LAZY), 40);
	assert_int_equal(memory_fault(w.b, at + 3 * p, true), MEM_MAPPED);
	assert_int_equal(CALL(w.a, populate, w.b->id, at, 40, CAISSON_POP_LAZY), 40); /* the same again */
	assert_int_equal(memory_fault(w.b, at + 17 * p, true), MEM_MAPPED);
	assert_int_equal(CALL(w.a, populate, w.b->id, at + 64 * p, 21, 0), 21);
	assert_int_equal(w.b->vm.populated, WORLD_RAM + 2 + 21);
	assert_int_equal(CALL(w.a, foreign_map, w.b->id, at + 66 * p, 2 * SZ_2M, 1, CAISSON_PROT_READ), 1);
	world_destroy(w.b);
}

/* A domain is reset while a page of it is being made, by a call that began before: it does not get it. */
static void reset_in_between(void)
{
	fake.window = NULL;
	domain_ref(w.b);
	while (domain_reset(w.b))
		;
	domain_put(w.b);
}

static void no_page_from_before_the_reset(void **state)
{
	(void)state;
	fake.window = reset_in_between;
	assert_true(CALL(w.a, populate, w.b->id, SZ_2M, 512, 0) < 0);
	fake.window = NULL;
	assert_int_equal(w.b->vm.populated, 0);
}

/* While the last of a domain's memory is being made for one vCPU,
 * another takes nothing of what was promised to others. */
static void touched_in_between(void)
{
	struct frame_counts before, after;

	fake.window = NULL;
	frame_count(&before);
	assert_int_equal(memory_fault(w.b, SZ_2M + PAGE_SIZE, true),
			 MEM_MAPPED); /* it will be: touched again */
	frame_count(&after);
	assert_int_equal(after.reserved, before.reserved);
	assert_int_equal(w.b->vm.populated, w.b->vm.charged);
}

static void no_more_than_was_promised(void **state)
{
	struct caisson_create in = { .abi_version = CAISSON_ABI_VERSION, .vcpus = 1, .pages = 512 };
	struct domain *d, *b = w.b;

	(void)state;
	assert_int_equal(domain_create(&in, w.a, &d), 0);
	w.b = d;
	fake.window = touched_in_between;
	assert_int_equal(CALL(w.a, populate, d->id, SZ_2M, 512, 0), 512);
	assert_null(fake.window);
	assert_int_equal(d->vm.populated, 512);
	w.b = b;
	domain_put(d);
}

/* Nor is one told meanwhile that there is no RAM where the domain's page will be:
 * what looks at it waits until the page, or its room, is given back. */
static u32 looks;

static void given_back(void)
{
	if (++looks % 5 == 0)
		w.b->vm.populated = WORLD_RAM;
}

static void in_others_hands(void **state)
{
	u64 word = 77, windows;
	hpa_t pa;

	(void)state;
	looks = 0;
	assert_int_equal(CALL(w.a, populate, w.b->id, SZ_2M, 2, CAISSON_POP_LAZY), 2);
	world_lacks = given_back;
	w.b->vm.populated = w.b->vm.charged;
	windows = fake.windows;
	assert_true(memory_write(w.b, SZ_2M, &word, sizeof(word)));
	assert_true(fake.windows > windows); /* that may take long */
	w.b->vm.populated = w.b->vm.charged;
	windows = fake.windows;
	pa = memory_pin(w.b, SZ_2M + PAGE_SIZE, false, false);
	assert_true(frame_ok(pa));
	memory_unpin(pa);
	assert_true(fake.windows > windows);
	world_lacks = NULL;
	w.b->vm.populated = WORLD_RAM + 2;
}

static void names_are_shown(void **state)
{
	struct caisson_create c = {
		.abi_version = CAISSON_ABI_VERSION, .vcpus = 1, .pages = 1, .name = "a\x1b[2J"
	};
	struct domain *d;

	(void)state;
	assert_int_equal(domain_create(&c, w.control, &d), -CAISSON_EINVAL);
	memset(c.args, 'a', sizeof(c.args)); /* without an end */
	c.name[1] = 0;
	assert_int_equal(domain_create(&c, w.control, &d), -CAISSON_EINVAL);
	c.args[sizeof(c.args) - 1] = 0;
	c.name[0] = 0x7f;
	assert_int_equal(domain_create(&c, w.control, &d), -CAISSON_EINVAL);
	memset(c.name, 'n', sizeof(c.name));
	assert_int_equal(domain_create(&c, w.control, &d), -CAISSON_EINVAL);
	c.name[sizeof(c.name) - 1] = 0;
	assert_int_equal(domain_create(&c, w.control, &d), 0);
	domain_put(d);
}

/* Behind its end a domain gets neither pages nor claims: nobody would take them back. */
static void nothing_behind_the_end(void **state)
{
	struct domain *b = domain_ref(w.b);

	(void)state;
	assert_int_equal(CALL(w.a, populate, b->id, PAGE_SIZE * WORLD_RAM, 1, 0), 1);
	domain_end(b, CAISSON_END_CRASH, 0, "a crash");
	assert_int_equal(CALL(w.a, populate, b->id, PAGE_SIZE * (WORLD_RAM + 1), 1, 0), -CAISSON_EBUSY);
	assert_int_equal(CALL(w.a, vcpu_create, b->id, 1), -CAISSON_EBUSY); /* its end would not hold it */
	while (domain_reset(b))
		;
	b->making = true; /* another CPU makes one */
	assert_int_equal(CALL(w.a, vcpu_create, b->id, 1), -CAISSON_EBUSY);
	b->making = false;
	assert_int_equal(CALL(w.a, vcpu_create, b->id, 1), 0);
	assert_int_equal(CALL(w.a, populate, b->id, 0, 1, 0), 1);
	/* one caller at a time takes it apart */
	b->unmaking = true;
	assert_int_equal(domain_destroy(b), -CAISSON_EAGAIN);
	assert_int_equal(domain_reset(b), -CAISSON_EAGAIN);
	b->unmaking = false;
	world_destroy(b);
	assert_int_equal(CALL(w.control, ioreq_claim, b->id, CAISSON_IO_PORT, 0, 8, 0), -CAISSON_ENOENT);
	domain_put(b);
}

/* Bits set for a vCPU reach it:
 * where it runs elsewhere by a kick, where it sleeps and they end that, by waking it. */
static void pending_bits(void **state)
{
	struct vcpu *v = w.b->vcpu[0];

	(void)state;
	vcpu_pend(v, PEND_IRQ, true); /* on no CPU: it looks when it comes */
	assert_int_equal(v->pending, PEND_IRQ);
	v->cpu = &fake_pcpu[0];
	vcpu_pend(v, PEND_NMI, true); /* on this one: it looks before it enters */
	v->cpu = &fake_pcpu[1];
	assert_int_equal(fake.kicks[0] + fake.kicks[1], 0);
	vcpu_pend(v, PEND_FLUSH, false);
	assert_int_equal(fake.kicks[1], 1);
	v->cpu = NULL;
	for (u32 why = SLEEP_HLT; why <= SLEEP_SIPI; why++) {
		v->sleep = why;
		vcpu_pend(v, PEND_FLUSH, false);
		assert_int_equal(v->sleep, why);
		vcpu_pend(v, PEND_ARCH, true);
		assert_int_equal(v->sleep, SLEEP_NO);
	}
	assert_int_equal(v->pending, PEND_IRQ | PEND_NMI | PEND_FLUSH | PEND_ARCH);
	v->sleep = SLEEP_IOREQ; /* an interrupt does not end it, nor does a waker that comes late */
	vcpu_pend(v, PEND_IRQ, true);
	vcpu_wake(v, SLEEP_WAIT);
	assert_int_equal(v->sleep, SLEEP_IOREQ);
	v->sleep = SLEEP_NO;
}

/* A vCPU that does not leave another CPU in time: nothing has changed, the caller asks again. */
static void still_leaving(void **state)
{
	struct sched_unit *u = &w.b->vcpu[0]->sched;
	u64 windows = fake.windows;

	(void)state;
	u->on = &fake_pcpu[1].sched;
	assert_int_equal(CALL(w.a, domain_pause, w.b->id), -CAISSON_EAGAIN);
	assert_int_equal(fake.windows - windows, 2000 / 16);
	assert_int_equal(w.b->pauses, 1);
	assert_int_equal(CALL(w.a, vcpu_get, w.b->id, 0, PAGE_SIZE * 2), -CAISSON_EBUSY);
	assert_int_equal(CALL(w.a, domain_reset, w.b->id), -CAISSON_EAGAIN);
	assert_int_equal(w.b->vm.populated, WORLD_RAM);
	u->on = NULL;
	assert_int_equal(CALL(w.a, domain_pause, w.b->id), 0);
	assert_int_equal(w.b->pauses, 2);
}

/* What is to be done for each vCPU, of which there may be many, lets interrupts in after each. */
static void one_by_one(void **state)
{
	struct domain *b = w.b;
	u64 windows = fake.windows;

	(void)state;
	assert_true(b->vcpus > 0);
	assert_int_equal(CALL(b, stats_reset, CAISSON_SELF), 0);
	assert_int_equal(fake.windows - windows, b->vcpus);
	do
		windows = fake.windows;
	while (domain_reset(b));
	assert_int_equal(fake.windows - windows, b->vcpus);
}

/* What is destroyed is not reset, and who still has a reference may ask for its destruction again. */
static void destroyed_once(void **state)
{
	struct caisson_domain info;
	struct domain *b = domain_ref(w.b);
	u32 n = domain_count();

	(void)state;
	assert_int_equal(domain_destroy(b), -CAISSON_EAGAIN);
	domain_info(b, &info);
	assert_int_equal(info.state, CAISSON_STATE_DYING);
	assert_int_equal(domain_reset(b), -CAISSON_EBUSY);
	while (domain_destroy(b))
		;
	assert_int_equal(domain_count(), n - 1);
	assert_null(domain_get(b->id));
	while (domain_destroy(b))
		;
	assert_int_equal(domain_count(), n - 1);
	domain_put(b);
}

/* What list shows: a domain runs when one of its vCPUs may. */
static void states(void **state)
{
	struct caisson_domain info;

	(void)state;
	assert_int_equal(CALL(w.control, domain_unpause, w.a->id), 0);
	domain_info(w.a, &info);
	assert_int_equal(info.state, CAISSON_STATE_RUNNING);
	w.a->vcpu[0]->sleep = SLEEP_HLT;
	domain_info(w.a, &info);
	assert_int_equal(info.state, CAISSON_STATE_BLOCKED);
	w.a->vcpu[1]->sleep = SLEEP_NO;
	domain_info(w.a, &info);
	assert_int_equal(info.state, CAISSON_STATE_RUNNING);
	domain_end(w.a, CAISSON_END_EXIT, 3, "exit");
	domain_info(w.a, &info);
	assert_int_equal(info.state, CAISSON_STATE_ENDED);
	/* back to the beginning: the first vCPU is to run, the others wait for SIPI */
	while (domain_reset(w.a))
		;
	assert_int_equal(w.a->vcpu[0]->sleep, SLEEP_NO);
	assert_int_equal(w.a->vcpu[1]->sleep, SLEEP_SIPI);
	domain_info(w.a, &info);
	assert_int_equal(info.state, CAISSON_STATE_PAUSED);
	assert_int_equal(info.end, CAISSON_END_NONE);
	assert_int_equal(info.code, 0);
	assert_string_equal(info.why, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(claim_and_request, setup, teardown),
		cmocka_unit_test(what_is_frequent_stays),
		cmocka_unit_test_setup_teardown(asked_again, setup, teardown),
		cmocka_unit_test_setup_teardown(only_while_it_is_still, setup, teardown),
		cmocka_unit_test_setup_teardown(the_hole_is_nobodys, setup, teardown),
		cmocka_unit_test_setup_teardown(only_its_own_rom, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_of_requests_go, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_left_behind_a_hole, setup, teardown),
		cmocka_unit_test_setup_teardown(parts_of_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(no_page_from_before_the_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(no_more_than_was_promised, setup, teardown),
		cmocka_unit_test_setup_teardown(in_others_hands, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(shares_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_behind_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(pending_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(still_leaving, setup, teardown),
		cmocka_unit_test_setup_teardown(one_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(destroyed_once, setup, teardown),
		cmocka_unit_test_setup_teardown(states, setup, teardown),
	};

	world_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
