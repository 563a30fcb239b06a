/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes are what vCPUs of three domains do: hypercalls with any arguments, accesses to devices, sleeps.
 * Afterwards everything is destroyed, and each frame is there. */
#include "hv/arch.h"
#include "hv/hypercall.h"
#include "hv/ioreq.h"
#include "hv/pcpu.h"
#include "tests/host/fuzz/fuzz.h"
#include "tests/host/world.h"

static const u8 *in, *end;
static u64 token;

static u64 byte(void)
{
	return in < end ? *in++ : 0;
}

static u64 value(void)
{
	u64 kind = byte(), x = byte();

	switch (kind % 8) {
	case 0:
	case 1:
		return x & 15;
	case 2: /* a page, or into one: RAM, the windows behind it */
		return (x & 63) * PAGE_SIZE + (kind & 0x80 ? x : 0);
	case 3:
		return kind & 8 ? CAISSON_SELF : kind & 16 ? CAISSON_OVER_MACHINE : CAISSON_OVER_DOMAINS;
	case 4:
		return kind & 8 ? 1ull << (x & 63) : ~0ull << (x & 63);
	case 5:
		return token;
	case 6:
		return x << 20;
	default:
		return x | byte() << 8 | byte() << 16 | byte() << 48;
	}
}

static enum verdict next(struct vcpu *v)
{
	u64 what = byte(), arg[6], at;
	const struct claim *c;
	enum verdict vd;
	s64 result = 0;
	u8 text[16];

	if (in == end) { /* nobody does anything any more */
		domain_end(v->domain, CAISSON_END_CRASH, 0, "the end");
		return V_STOP;
	}
	switch (what >> 6) {
	case 0: /* an access to a device */
		at = what & 32 ? value() : 0x3f8;
		c = bus_find(&v->domain->bus, what & 1, at, 1 << (what >> 1 & 3));
		if (c && (what & 8) && (c->flags & CAISSON_CLAIM_POSTED) &&
		    ioreq_post(v, c, at, at, ioreq_what(what & 1, 1) | IOREQ_VCPU(v), 0))
			return V_ADVANCE;
		return c && v->io_state == IO_IDLE
			       ? ioreq_submit(v, c, at, 0,
					      ioreq_what(what & 1, 1) | (what & 8 ? IOREQ_WRITE : 0), 0)
			       : V_ADVANCE;
	case 1:
		if (what & 32) {
			vcpu_sleep(v, SLEEP_HLT);
			return V_SLEEP;
		}
		for (u32 i = 0; i < sizeof(text); i++)
			text[i] = (u8)byte();
		memory_write(v->domain, value(), text, sizeof(text));
		return V_ADVANCE;
	default:
		for (u32 i = 0; i < 6; i++)
			arg[i] = value();
		if (CAISSON_CALL_BASE + (what & 63) == CAISSON_CALL_power)
			return V_ADVANCE;
		if (CAISSON_CALL_BASE + (what & 63) == CAISSON_CALL_wait &&
		    arg[1]) /* the clock jumps to deadlines */
			arg[1] = arch_now() + (arg[1] & 0xffffff);
		vd = hypercall_dispatch(v, CAISSON_CALL_BASE + (what & 63), arg, &result);
		if (result > 0 && CAISSON_WAIT_KIND(result) == CAISSON_WAIT_IOREQ)
			token = (u32)result | CAISSON_ANSWER;
		return vd;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static bool ready;
	struct world w;

	if (!ready) {
		world_init();
		world_next = next;
		ready = true;
	}
	in = data;
	end = data + size;
	token = 0;
	world_begin(&w);
	domain_unpause(w.control, false);
	domain_unpause(w.a, false);
	domain_unpause(w.b, false);
	world_run();
	if (!world_end())
		abort();
	return 0;
}
