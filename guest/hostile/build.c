/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A builder, and device model of what it builds, that means ill: domains with impossible states, claims and
 * requests out of order, answers that nobody asked for, rubbish in request pages, and two vCPUs at it at
 * once. Needs --rights build.
 */
#include "guest/hostile/hostile.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

#define CHILDREN 6
#define PAGES	 12
/* Where a child's request page and shares of it are mapped: no RAM of ours. */
#define WINDOWS 0x80000000ul

/* What differs between our two vCPUs. */
struct self {
	u64 x;
	u64 token;
	struct caisson_create create;
	struct caisson_vcpu_context context;
	struct caisson_domain info;
	struct caisson_sched sched;
	u8 code[256];
};
static struct self selves[2];
static volatile u32 child[CHILDREN];

static u64 any(struct self *s)
{
	s->x ^= s->x >> 12;
	s->x ^= s->x << 25;
	s->x ^= s->x >> 27;
	return s->x * 0x2545f4914f6cdd1dull;
}

static u32 under(struct self *s, u32 n)
{
	return (u32)((any(s) >> 32) * n >> 32);
}

static u64 odd(struct self *s)
{
	u64 x = any(s);

	switch (x >> 60) {
	case 0 ... 5:
		return x & 0xf;
	case 6 ... 9:
		return x & 0xf000;
	case 10:
		return ~0ull;
	case 11:
		return 1ull << (x & 63);
	case 12:
		return WINDOWS + (x & 0x7f000);
	default:
		return x;
	}
}

/* IN, OUT and stores to where no RAM is, for ever; in real mode at 0x1000. */
static const u8 io_loop[] = { 0xba, 0xf8, 0x03, 0xec, 0xee, 0xed, 0xa1, 0x00, 0xf0,
			      0x89, 0x07, 0xa2, 0x00, 0xe0, 0x6c, 0x6e, 0xeb, 0xf1 };

static void make(struct self *s, volatile u32 *id)
{
	s64 r;

	s->create = (struct caisson_create){ .abi_version = CAISSON_ABI_VERSION,
					     .vcpus = 1 + under(s, 3),
					     .pages = PAGES + under(s, 4) };
	if (!under(s, 16))
		s->create.pages = odd(s);
	r = hc_domain_create(&s->create);
	if (r < 0)
		return;
	*id = (u32)r;
	for (u32 i = 0; i < s->create.vcpus; i++)
		hc_vcpu_create((u32)r, i);
	hc_populate((u32)r, 0, PAGES, under(s, 4) ? 0 : CAISSON_POP_LAZY);
	for (u32 i = 0; i < sizeof(s->code); i++)
		s->code[i] = (u8)any(s);
	if (under(s, 3))
		memcpy(s->code, io_loop, sizeof(io_loop));
	hc_mem_write((u32)r, 0x1000, s->code, sizeof(s->code));
	hc_ioreq_claim((u32)r, CAISSON_IO_PORT, 0x3f8, 8, 0);
	hc_ioreq_claim((u32)r, CAISSON_IO_MMIO, 0xe000, 0x1000, 0);
}

/* A state: real mode at 0x1000, with none to many fields changed. */
static void state(struct self *s, u32 id)
{
	u64 *p = (u64 *)&s->context;

	if (hc_vcpu_get(id, under(s, 2), &s->context))
		return;
	s->context.cs = (struct caisson_segment){ .limit = 0xffff, .attr = 0x9b };
	s->context.rip = 0x1000;
	s->context.gpr[3] = 0xf000; /* RBX */
	if (!under(s, 3))
		for (u32 n = under(s, 8); n; n--)
			p[under(s, sizeof(s->context) / 8)] = odd(s);
	if (!under(s, 3))
		((u32 *)p)[under(s, sizeof(s->context) / 4)] ^= 1u << under(s, 32);
	hc_vcpu_set(id, under(s, 8) ? 0 : under(s, 4), &s->context);
}

static void step(struct self *s)
{
	volatile u32 *slot = &child[under(s, CHILDREN)];
	u32 id = under(s, 32) ? *slot : under(s, 2) ? under(s, 8) : CAISSON_SELF;
	s64 r;

	switch (under(s, 20)) {
	case 0:
	case 1:
		if (!*slot) {
			make(s, slot);
			break;
		}
		if (hc_domain_destroy(*slot) == 0)
			*slot = 0;
		break;
	case 2:
	case 3:
		state(s, id);
		hc_domain_unpause(id);
		break;
	case 4:
	case 5:
	case 6:
	case 7: /* the next request, and an answer to this one, an older one or to nobody */
		r = hc_wait(under(s, 4)	  ? s->token
			    : under(s, 4) ? 0
					  : odd(s) | CAISSON_ANSWER,
			    under(s, 2) ? CAISSON_DEADLINE_NOW : rdtsc() + under(s, 30000));
		if (r > 0 && CAISSON_WAIT_KIND(r) == CAISSON_WAIT_IOREQ && under(s, 8))
			s->token = (u32)r | CAISSON_ANSWER;
		break;
	case 8:
		hc_ioreq_map(id, under(s, 4) ? WINDOWS + (odd(s) & 0x7f000) : odd(s), under(s, 3));
		break;
	case 9:
		hc_ioreq_claim(id, under(s, 2), under(s, 2) ? 0x3f8 : odd(s), under(s, 2) ? 8 : odd(s),
			       under(s, 4));
		break;
	case 10:
		hc_foreign_map(id, odd(s), WINDOWS + (odd(s) & 0x7f000), under(s, 16), under(s, 4));
		break;
	case 11:
		hc_foreign_unmap(WINDOWS + (odd(s) & 0x7f000));
		break;
	case 12:
		hc_populate(id, odd(s), odd(s), under(s, 4));
		break;
	case 13:
		hc_irq_line(id, under(s, 26), under(s, 3));
		hc_msi(id, 0xfee00000 | (any(s) & 0xfffff), (u32)odd(s));
		break;
	case 14:
		hc_domain_pause(id);
		if (!under(s, 4))
			hc_domain_reset(id);
		break;
	case 15:
		hc_event_bind(id, under(s, 40));
		hc_event_send(id, under(s, 40));
		break;
	case 16:
		hc_rights_set(id, under(s, 2) ? child[0] : (u32)odd(s), (u32)odd(s), (u32)odd(s));
		break;
	case 17:
		s->sched = (struct caisson_sched){ (u32)odd(s), (u32)odd(s), (u32)odd(s),
						   (u32)odd(s), (u32)odd(s), 0 };
		hc_sched_set(id, &s->sched);
		break;
	case 18:
		if (id != CAISSON_SELF && !under(s, 4))
			hc_domain_end(id, under(s, 7), any(s));
		hc_domain_info(id, &s->info);
		break;
	default: /* rubbish in request pages: whatever is mapped at a place, and nothing else, may change */
		r = hc_mem_write(id, odd(s) & 0xffff, s->code, odd(s) & 0xffff);
		if (r > 0 && hc_mem_read(id, 0, s->code, 64) < 0)
			break;
	}
}

/* What is mapped in the windows goes and comes: a store there is never a fault, for where no share is there
 * is nothing. */
static void scribble(struct self *s)
{
	volatile u64 *p = (volatile u64 *)(WINDOWS + (any(s) & 0x7fff8));

	*p = odd(s);
}

static void second(u32 id)
{
	for (;; step(&selves[id]))
		scribble(&selves[id]);
}

static void run(void)
{
	selves[0].x = rnd();
	selves[1].x = rnd();
	/* Shares that take tables of their own, more than were set aside for us. */
	make(&selves[0], &child[0]);
	for (u64 i = 3; i < 19; i++)
		hc_foreign_map(child[0], 0, i << 30, 1, CAISSON_PROT_READ);
	helper(1, second);
	while (go_on()) {
		step(&selves[0]);
		scribble(&selves[0]);
	}
}

const struct wall wall_build = { "build", run };
