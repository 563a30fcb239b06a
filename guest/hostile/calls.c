/* SPDX-License-Identifier: BSD-2-Clause */
/* Hypercalls: every number, wrong arguments of every kind, from every mode, while another vCPU changes what
 * they point to. */
#include "guest/hostile/hostile.h"
#include "guest/lib/hypercall.h"
#include "tests/guest/common/test.h"

struct call {
	u64 nr, arg[6];
};

static void change(u32 id)
{
	u64 *p = (u64 *)SCRATCH, x = id;

	for (;; x = x * 6364136223846793005ull + 1) {
		p[x >> 55] = x >> 50 & 1 ? x : x >> 60;
		if (!(x >> 56))
			__asm__ volatile("pause");
	}
}

static void issue(void *arg)
{
	struct call *c = arg;
	register u64 r10 __asm__("r10") = c->arg[3];
	register u64 r8 __asm__("r8") = c->arg[4];
	register u64 r9 __asm__("r9") = c->arg[5];
	u64 ret = c->nr;

	if (guest_is_amd)
		__asm__ volatile("vmmcall"
				 : "+a"(ret)
				 : "D"(c->arg[0]), "S"(c->arg[1]), "d"(c->arg[2]), "r"(r10), "r"(r8), "r"(r9)
				 : "memory");
	else
		__asm__ volatile("vmcall"
				 : "+a"(ret)
				 : "D"(c->arg[0]), "S"(c->arg[1]), "d"(c->arg[2]), "r"(r10), "r"(r8), "r"(r9)
				 : "memory");
	c->nr = ret;
}

static struct call user_call_args;
static void issue_user(void)
{
	issue(&user_call_args);
}

/* What a call wants first is a domain: itself and its neighbours above all. */
static u64 domain(void)
{
	return below(3) ? CAISSON_SELF : below(3) ? below(8) : nasty();
}

static u64 number(void)
{
	switch (below(8)) {
	case 0:
		return nasty();
	case 1:
		return below(32); /* KVM's */
	case 2:
		return CAISSON_CALL_BASE - 2 + rnd() % 80;
	default:
		return CAISSON_CALL_BASE + below(48);
	}
}

/* A sleep in `wait` ends soon. */
static void bounded(struct call *c)
{
	if (c->nr == CAISSON_CALL_wait)
		c->arg[1] = below(2) ? CAISSON_DEADLINE_NOW : rdtsc() + below(20000);
}

static void run(void)
{
	scratch_open();
	helper(1, change);
	/* each number with all bits clear, all set, and itself */
	for (u32 n = 0; n < 64; n++)
		for (u32 k = 0; k < 4; k++) {
			u64 fill = k == 0 ? 0 : k == 1 ? ~0ull : k == 2 ? SCRATCH : CAISSON_SELF;
			struct call c = { CAISSON_CALL_BASE + n,
					  { k == 2 ? CAISSON_SELF : fill, fill, fill, fill, fill, fill } };

			bounded(&c);
			attempt(issue, &c);
		}
	while (go_on()) {
		struct call c = { number(), { domain(), nasty(), nasty(), nasty(), nasty(), nasty() } };

		for (u32 i = 0; i < 6; i++)
			if (!below(3))
				c.arg[i] = below(2) ? SCRATCH + below(4096) : below(4);
		bounded(&c);
		/* Not over too soon, and what was done stays counted. */
		if ((c.nr == CAISSON_CALL_domain_end && below(64)) || c.nr == CAISSON_CALL_stats_reset)
			continue;
		if (below(8)) {
			attempt(issue, &c);
		} else {
			user_call_args = c;
			user_call(issue_user);
			if ((s64)user_call_args.nr >= 0)
				hole("call %lx from CPL 3 says %lx", c.nr, user_call_args.nr);
		}
	}
}

const struct wall wall_calls = { "calls", run };
