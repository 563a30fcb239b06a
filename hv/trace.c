/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/trace.h"
#include "hv/arch.h"
#include "hv/domain.h"
#include "hv/frame.h"
#include "hv/pcpu.h"
#include "hv/string.h"

#define RECORDS ((PAGE_SIZE << TRACE_ORDER) / sizeof(struct caisson_trace_record))

static struct caisson_trace_control control;
static struct ring {
	struct caisson_trace_record *record; /* from the first trace on */
	u64 next;			     /* (a) its CPU's */
	u64 first;			     /* where the trace began */
	u64 dropped;
} rings[CAISSON_MAX_CPUS];

void trace_add(const struct vcpu *v, u32 type, u32 kind, u64 a, u64 b)
{
	u32 flags = READ_ONCE(control.flags);
	struct pcpu *c = this_cpu();
	struct ring *r = &rings[c->id];

	if (!(flags & CAISSON_TRACE_ON) || !(control.types >> type & 1) ||
	    (type == CAISSON_TRACE_EXIT && !(control.exits >> (kind & 63) & 1)))
		return;
	if ((flags & CAISSON_TRACE_STOP) && r->next - r->first >= RECORDS) {
		r->dropped++;
		return;
	}
	r->record[r->next % RECORDS] = (struct caisson_trace_record){ .tsc = arch_now(),
								      .a = a,
								      .b = b,
								      .dom = v->domain->id,
								      .cpu = (u16)c->id,
								      .vcpu = (u8)v->id,
								      .type = (u8)type,
								      .kind = (u8)kind };
	__atomic_store_n(&r->next, r->next + 1, __ATOMIC_RELEASE);
}

int trace_control(const struct caisson_trace_control *in)
{
	WRITE_ONCE(control.flags, 0);
	if (in->flags & ~(CAISSON_TRACE_ON | CAISSON_TRACE_STOP))
		return -CAISSON_EINVAL;
	if (!(in->flags & CAISSON_TRACE_ON))
		return 0;
	for (u32 i = 0; i < cpus_online(); i++) {
		struct caisson_trace_record *none = NULL, *new = NULL;

		if (!rings[i].record)
			new = frame_hv_alloc(FRAME_OWNER_HV, TRACE_ORDER);
		if (new && !CAS(&rings[i].record, &none, new)) /* another CPU's call was first */
			frame_hv_free(new, TRACE_ORDER);
		if (!rings[i].record)
			return -CAISSON_ENOMEM;
		rings[i].first = READ_ONCE(rings[i].next);
		rings[i].dropped = 0;
	}
	control.types = in->types;
	control.exits = in->exits;
	__atomic_store_n(&control.flags, in->flags, __ATOMIC_RELEASE);
	return 0;
}

static void ring_ends(struct ring *r, struct caisson_trace_head *head)
{
	head->next = __atomic_load_n(&r->next, __ATOMIC_ACQUIRE);
	/* The oldest may be in the middle of being overwritten. */
	head->first = MAX(r->first, head->next + 1 > RECORDS ? head->next + 1 - RECORDS : 0);
	if (READ_ONCE(control.flags) & CAISSON_TRACE_STOP || !READ_ONCE(control.flags))
		head->first = MAX(r->first, head->next > RECORDS ? head->next - RECORDS : 0);
}

s64 trace_read(u32 cpu, u64 position, struct caisson_trace_head *head, struct caisson_trace_record *out,
	       u32 n)
{
	struct ring *r = cpu < cpus_online() ? &rings[cpu] : NULL;
	u32 got;

	if (!r || !r->record)
		return -CAISSON_ENOENT;
	ring_ends(r, head);
	head->position = position = MIN(MAX(position, head->first), head->next);
	for (got = 0; got < n && position + got < head->next; got++)
		out[got] = r->record[(position + got) % RECORDS];
	/* What was overwritten meanwhile does not count. */
	ring_ends(r, head);
	head->dropped = r->dropped + (head->first - r->first);
	if (head->first > position) {
		u64 lost = MIN(head->first - position, got);

		got -= (u32)lost;
		head->position += lost;
		memmove(out, out + lost, got * sizeof(*out));
	}
	return got;
}
