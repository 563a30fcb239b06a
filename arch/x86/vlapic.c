/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC of a vCPU. The registers that guests write at every interrupt (EOI, timer, ICR) are first in
 * each switch; what is read at every entry is summed up in one bit per word of IRR and ISR.
 */
#include "arch/x86/vlapic.h"

#define VERSION	   0x00050014u /* integrated, six LVT entries, no suppression of EOI broadcasts */
#define MIN_PERIOD 10000       /* a periodic timer fires so many times a second at most */

/* What the registers allow: reads and writes in xAPIC and in x2APIC mode. */
#define R      BIT(0)
#define W      BIT(1)
#define R2     BIT(2)
#define W2     BIT(3)
#define RW     (R | W | R2 | W2)
#define LVT    BIT(4)
#define LVT_RO (BIT(12) | BIT(14)) /* delivery status, remote IRR: may be written, are not stored */

#define X2_ICR_RESERVED (MASK(31, 20) | MASK(17, 16) | MASK(13, 12))

static const struct {
	u32 stored; /* the bits that a write stores; any other is reserved in x2APIC mode */
	u8 flags;
} rules[64] = {
	[APIC_ID >> 4] = { 0, R | R2 },
	[APIC_VERSION >> 4] = { 0, R | R2 },
	[APIC_TPR >> 4] = { 0xff, RW },
	[APIC_PPR >> 4] = { 0, R | R2 },
	[APIC_EOI >> 4] = { 0, W | W2 },
	[APIC_LDR >> 4] = { 0xff000000, R | W | R2 },
	[APIC_DFR >> 4] = { 0xf0000000, R | W },
	[APIC_SVR >> 4] = { 0x3ff, RW },
	[APIC_ISR >> 4 ...(APIC_ISR >> 4) + 23] = { 0, R | R2 }, /* and TMR and IRR */
	[APIC_ESR >> 4] = { 0, RW },
	[APIC_ICR >> 4] = { 0xccfff & ~BIT(12), RW },
	[APIC_ICR_HIGH >> 4] = { 0xff000000, R | W },
	[APIC_LVT_TIMER >> 4] = { 0x700ff, RW | LVT },
	[APIC_LVT_THERMAL >> 4] = { 0x107ff, RW | LVT },
	[APIC_LVT_PERF >> 4] = { 0x107ff, RW | LVT },
	[APIC_LVT_LINT0 >> 4] = { 0x1a7ff, RW | LVT },
	[APIC_LVT_LINT1 >> 4] = { 0x1a7ff, RW | LVT },
	[APIC_LVT_ERROR >> 4] = { 0x100ff, RW | LVT },
	[APIC_TMICT >> 4] = { 0xffffffff, RW },
	[APIC_TMCCT >> 4] = { 0, R | R2 },
	[APIC_TDCR >> 4] = { 0xb, RW },
	[APIC_SELF_IPI >> 4] = { 0xff, W2 },
};

static u32 *reg(const struct vlapic *v, unsigned off)
{
	return &v->regs[off / 4];
}

static bool software_enabled(const struct vlapic *v)
{
	return READ_ONCE(*reg(v, APIC_SVR)) & APIC_SVR_ENABLE;
}

/* The highest of the 256 bits at off, of which words says where they are. */
static inline int top(const struct vlapic *v, unsigned off, u32 words)
{
	unsigned w;

	if (!words)
		return -1;
	w = 31 - __builtin_clz(words);
	return w * 32 + 31 - __builtin_clz(*reg(v, off + w * 16));
}

static u32 summary(const struct vlapic *v, unsigned off)
{
	u32 words = 0;

	for (unsigned w = 0; w < 8; w++)
		words |= (u32) !!*reg(v, off + w * 16) << w;
	return words;
}

/* SDM: "Task and Processor Priorities". Where the classes are equal, as "PPR Virtualization" has it. */
static inline void update_ppr(struct vlapic *v)
{
	u32 tpr = *reg(v, APIC_TPR);
	u32 class = v->isr_top < 0 ? 0 : v->isr_top & 0xf0;

	*reg(v, APIC_PPR) = (tpr & 0xf0) >= class ? tpr : class;
}

int vlapic_irr_top(const struct vlapic *v)
{
	return top(v, APIC_IRR, v->irr_words);
}

void vlapic_resync(struct vlapic *v)
{
	v->irr_words = summary(v, APIC_IRR);
	v->isr_words = summary(v, APIC_ISR);
	v->isr_top = top(v, APIC_ISR, v->isr_words);
	update_ppr(v);
}

void vlapic_tpr_set(struct vlapic *v, u8 tpr)
{
	*reg(v, APIC_TPR) = tpr;
	update_ppr(v);
}

/* Has the guest ended it? If not, the offer is withdrawn: what it has not done by now it has to do by EOI. */
static __attribute__((noinline)) void pv_settle(struct vlapic *v)
{
	v->pv_offered = false;
	if (!vlapic_pv_eoi(v, false))
		vlapic_eoi(v);
}

void vlapic_pv_eoi_enable(struct vlapic *v, bool on)
{
	if (v->pv_offered)
		pv_settle(v);
	v->pv_eoi = on;
}

void vlapic_sync(struct vlapic *v)
{
	if (likely(!(READ_ONCE(v->pi.control) & PI_ON)))
		return;
	__atomic_fetch_and(&v->pi.control, ~PI_ON, __ATOMIC_SEQ_CST); /* before PIR is read */
	for (unsigned k = 0; k < 4; k++) {
		u64 bits;

		if (likely(!READ_ONCE(v->pi.pir[k])))
			continue;
		bits = __atomic_exchange_n(&v->pi.pir[k], 0, __ATOMIC_SEQ_CST);
		*reg(v, APIC_IRR + k * 32) |= (u32)bits;
		*reg(v, APIC_IRR + k * 32 + 16) |= (u32)(bits >> 32);
		v->irr_words |= ((u32)bits ? 1u : 0) << (2 * k) | (bits >> 32 ? 2u : 0) << (2 * k);
	}
}

int vlapic_pending_vector(struct vlapic *v)
{
	int vector;

	vlapic_sync(v);
	if (unlikely(v->pv_offered) && v->irr_words)
		pv_settle(v);
	vector = vlapic_irr_top(v);
	if (vector < 0 || (u32)(vector & 0xf0) <= (*reg(v, APIC_PPR) & 0xf0) || !(v->base & APIC_BASE_EN))
		return -1;
	return vector;
}

void vlapic_ack(struct vlapic *v, u8 vector)
{
	unsigned w = vector >> 5;
	u32 bit = 1u << (vector & 31);

	*reg(v, APIC_IRR + w * 16) &= ~bit;
	v->irr_words &= ~((u32) !*reg(v, APIC_IRR + w * 16) << w);
	*reg(v, APIC_ISR + w * 16) |= bit;
	v->isr_words |= 1u << w;
	v->isr_top = vector;
	*reg(v, APIC_PPR) = vector & 0xf0; /* it was above PPR, so above TPR and all of ISR */
	/* A level's EOI has to be heard, and so has one that lets in what waits. */
	if (unlikely(v->pv_eoi) && !v->irr_words && !(READ_ONCE(*reg(v, APIC_TMR + w * 16)) & bit)) {
		v->pv_offered = true;
		vlapic_pv_eoi(v, true);
	}
}

void vlapic_eoi(struct vlapic *v)
{
	int vector;
	unsigned w;
	u32 bit;

	if (unlikely(v->pv_offered))
		pv_settle(v);
	vector = v->isr_top;
	w = (unsigned)vector >> 5;
	bit = 1u << (vector & 31);
	if (unlikely(vector < 0))
		return;
	*reg(v, APIC_ISR + w * 16) &= ~bit;
	v->isr_words &= ~((u32) !*reg(v, APIC_ISR + w * 16) << w);
	v->isr_top = top(v, APIC_ISR, v->isr_words);
	update_ppr(v);
	if (unlikely(READ_ONCE(*reg(v, APIC_TMR + w * 16)) & bit))
		vlapic_eoi_broadcast(v, vector);
}

void vlapic_post(struct vlapic *v, u8 vector, bool level)
{
	u32 *tmr = reg(v, APIC_TMR + (vector >> 5) * 16);
	u32 bit = 1u << (vector & 31);

	if (unlikely(level != !!(READ_ONCE(*tmr) & bit))) {
		if (level)
			__atomic_fetch_or(tmr, bit, __ATOMIC_SEQ_CST);
		else
			__atomic_fetch_and(tmr, ~bit, __ATOMIC_SEQ_CST);
	}
	__atomic_fetch_or(&v->pi.pir[vector >> 6], BIT(vector & 63), __ATOMIC_SEQ_CST);
	if (!(__atomic_fetch_or(&v->pi.control, PI_ON, __ATOMIC_SEQ_CST) & PI_ON))
		vlapic_kick(v, vector);
}

/* SDM: "Error Handling": the error interrupt is armed again by the next write to ESR. */
static void esr_set(struct vlapic *v, u32 bits)
{
	if (__atomic_fetch_or(&v->errors, bits, __ATOMIC_SEQ_CST) == 0)
		vlapic_lvt_raise(v, APIC_LVT_ERROR);
}

bool vlapic_deliver(struct vlapic *v, const struct irq_msg *m)
{
	switch (m->mode) {
	case APIC_FIXED:
	case APIC_LOWEST:
		if (!software_enabled(v))
			return false;
		if (m->vector < 16)
			esr_set(v, APIC_ESR_RECV_VECTOR);
		else
			vlapic_post(v, m->vector, m->level);
		return m->vector >= 16;
	case APIC_NMI:
		vlapic_nmi(v);
		return true;
	case APIC_EXTINT: /* LINT0 takes it as firmware left it, until an operating system switches the APIC
			     on */
		if (software_enabled(v))
			return false;
		vlapic_extint(v, m->vector);
		return true;
	case APIC_INIT:
	case APIC_SIPI:
		vlapic_init_sipi(v, m->mode == APIC_SIPI, m->vector);
		return true;
	}
	return false; /* SMI: the machine has no SMM */
}

void vlapic_lvt_raise(struct vlapic *v, unsigned off)
{
	u32 lvt = READ_ONCE(*reg(v, off));
	struct irq_msg m = { .vector = lvt, .mode = (lvt >> 8) & 7 };

	if ((lvt & APIC_LVT_MASKED) || !(v->base & APIC_BASE_EN))
		return;
	if (off == APIC_LVT_PERF) /* SDM: "Local Vector Table": delivering it sets the mask */
		*reg(v, off) = lvt | APIC_LVT_MASKED;
	vlapic_deliver(v, &m);
}

bool vlapic_match_dest(const struct vlapic *v, u32 dest, bool logical)
{
	u64 base = READ_ONCE(v->base);
	u32 ldr;

	if (unlikely(!(base & APIC_BASE_EN)))
		return false;
	if (dest == APIC_BROADCAST)
		return true;
	if (!logical)
		return dest == v->id;
	ldr = READ_ONCE(*reg(v, APIC_LDR));
	if (base & APIC_BASE_EXTD)
		return ldr >> 16 == dest >> 16 && (ldr & dest & 0xffff);
	if (dest > 0xff)
		return false;
	if (READ_ONCE(*reg(v, APIC_DFR)) >> 28 == APIC_DFR_FLAT)
		return (ldr >> 24) & dest;
	return ldr >> 28 == dest >> 4 && ((ldr >> 24) & dest & 0xf);
}

/* SDM: "Lowest Priority Delivery Mode": the lowest processor priority; the first of equals. */
static struct vlapic *lowest(struct vlapic *const *all, unsigned n, const struct irq_msg *m)
{
	struct vlapic *best = NULL;

	for (unsigned k = 0; k < n; k++)
		if (vlapic_match_dest(all[k], m->dest, m->logical) && software_enabled(all[k]) &&
		    (!best || READ_ONCE(*reg(all[k], APIC_PPR)) < READ_ONCE(*reg(best, APIC_PPR))))
			best = all[k];
	return best;
}

unsigned vlapic_route(struct vlapic *const *all, unsigned n, const struct irq_msg *m)
{
	unsigned taken = 0;

	if (likely(!m->logical && m->dest < n && all[m->dest]->id == m->dest))
		return vlapic_match_dest(all[m->dest], m->dest, false) && vlapic_deliver(all[m->dest], m);
	if (m->mode == APIC_LOWEST) {
		struct vlapic *v = lowest(all, n, m);

		return v && vlapic_deliver(v, m);
	}
	for (unsigned k = 0; k < n; k++)
		if (vlapic_match_dest(all[k], m->dest, m->logical))
			taken += vlapic_deliver(all[k], m);
	return taken;
}

void vlapic_ipi(struct vlapic *const *all, unsigned n, struct vlapic *from, u64 icr)
{
	struct irq_msg m = { .dest = icr >> 32,
			     .vector = icr,
			     .mode = GET(APIC_ICR_MODE, icr),
			     .logical = icr & APIC_ICR_LOGICAL };
	bool self_too = m.mode != APIC_INIT && m.mode != APIC_SIPI;

	/* the common one, short: a vector for one APIC */
	if (likely(!(icr & (APIC_ICR_MODE | APIC_ICR_LOGICAL | APIC_ICR_SHORTHAND)) && m.dest < n &&
		   all[m.dest]->id == m.dest && m.vector >= 16)) {
		if ((READ_ONCE(all[m.dest]->base) & APIC_BASE_EN) && software_enabled(all[m.dest]))
			vlapic_post(all[m.dest], m.vector, false);
		return;
	}
	switch (GET(APIC_ICR_SHORTHAND, icr)) {
	case APIC_TO_DEST:
		vlapic_route(all, n, &m);
		return;
	case APIC_TO_SELF:
		n = 0;
		break;
	case APIC_TO_OTHERS:
		self_too = false;
	}
	for (unsigned k = 0; k < n; k++)
		if (all[k] != from && (READ_ONCE(all[k]->base) & APIC_BASE_EN))
			vlapic_deliver(all[k], &m);
	if (self_too)
		vlapic_deliver(from, &m);
}

bool vlapic_msi_decode(u64 address, u32 data, struct irq_msg *m)
{
	u32 dest = (address >> 12) & 0xff;

	*m = (struct irq_msg){ .dest = dest == 0xff ? APIC_BROADCAST : dest,
			       .vector = data,
			       .mode = (data >> 8) & 7,
			       .logical = address & BIT(2),
			       .level = data & BIT(15) };
	if (m->mode == APIC_FIXED && m->logical && (address & BIT(3))) /* the redirection hint */
		m->mode = APIC_LOWEST;
	return address >> 20 == 0xfee && !(m->level && !(data & BIT(14)));
}

/* SDM: "Interrupt Command Register (ICR)". The destination is in bits 63:32 in both modes. */
static void icr_send(struct vlapic *v, u64 icr)
{
	unsigned mode = GET(APIC_ICR_MODE, icr);

	if (unlikely((icr & APIC_ICR_VECTOR) < 16 && mode <= APIC_LOWEST)) {
		esr_set(v, APIC_ESR_SEND_VECTOR);
		return;
	}
	/* INIT Level De-assert only set arbitration IDs, long ago */
	if (unlikely(mode == APIC_INIT && (icr & (APIC_ICR_TRIGGER | APIC_ICR_LEVEL)) == APIC_ICR_TRIGGER))
		return;
	vlapic_send_ipi(v, icr);
}

static void timer_disarm(struct vlapic *v)
{
	if (v->deadline)
		vlapic_timer_cancel(v);
	v->deadline = v->tsc_deadline = 0;
}

/* Start counting down from count, which is the initial count or what is left of it. */
static void timer_start(struct vlapic *v, u32 count)
{
	v->period = MAX((u64)*reg(v, APIC_TMICT) << v->divide_shift, v->min_period);
	v->deadline = vlapic_now(v) + ((u64)count << v->divide_shift);
	vlapic_timer_arm(v, v->deadline);
}

/* SDM: "APIC Timer": writing the initial count starts the timer, or stops it with 0. */
static void tmict_write(struct vlapic *v, u32 count)
{
	if (v->timer_mode == APIC_TIMER_TSC_DEADLINE) {
		*reg(v, APIC_TMICT) = 0; /* the processor may have stored the count */
		return;
	}
	*reg(v, APIC_TMICT) = count;
	if (count)
		timer_start(v, count);
	else
		timer_disarm(v);
}

/* The next multiple of the period after now, for a timer whose deadline has passed. */
static u64 next_period(const struct vlapic *v, u64 now)
{
	return now + v->period - (now - v->deadline) % v->period;
}

static u32 tmcct_read(struct vlapic *v)
{
	u64 now, end = v->deadline, left;

	if (!end || v->timer_mode == APIC_TIMER_TSC_DEADLINE)
		return 0;
	now = vlapic_now(v);
	if (now >= end && v->timer_mode == APIC_TIMER_PERIODIC)
		end = next_period(v, now);
	if (now >= end)
		return 0;
	left = (end - now + BIT(v->divide_shift) - 1) >> v->divide_shift; /* 0 only when its time has come */
	return MIN(left, *reg(v, APIC_TMICT));
}

/* SDM: "Divide Configuration Register". The count goes on from where it is, at the new rate. */
static void tdcr_write(struct vlapic *v, u32 value)
{
	u32 count = tmcct_read(v);

	*reg(v, APIC_TDCR) = value;
	v->divide_shift = (((value & 3) | ((value >> 1) & 4)) + 1) & 7;
	if (count)
		timer_start(v, count);
}

/*
 * SDM: "TSC-Deadline Mode": changing from or to it disarms the timer. Between the two others the count goes
 * on, as on processors.
 */
static void lvt_timer_write(struct vlapic *v, u32 value)
{
	unsigned mode = v->timer_mode, next = GET(APIC_LVT_TIMER_MODE, value);

	v->timer_mode = next;
	if ((mode == APIC_TIMER_TSC_DEADLINE) != (next == APIC_TIMER_TSC_DEADLINE)) {
		timer_disarm(v);
		*reg(v, APIC_TMICT) = 0;
	}
	*reg(v, APIC_LVT_TIMER) = value;
}

void vlapic_timer_expired(struct vlapic *v)
{
	u64 now = vlapic_now(v);

	if (!v->deadline)
		return;
	if (now >= v->deadline) {
		vlapic_lvt_raise(v, APIC_LVT_TIMER);
		if (v->timer_mode != APIC_TIMER_PERIODIC) {
			v->deadline = v->tsc_deadline = 0;
			return;
		}
		v->deadline = next_period(v, now);
	}
	vlapic_timer_arm(v, v->deadline);
}

u64 vlapic_tscdeadline_read(struct vlapic *v)
{
	return v->tsc_deadline;
}

void vlapic_tscdeadline_write(struct vlapic *v, u64 value)
{
	u64 now, left;

	if (unlikely(v->timer_mode != APIC_TIMER_TSC_DEADLINE))
		return;
	if (!value) {
		timer_disarm(v);
		return;
	}
	now = vlapic_now(v);
	if (value <= now + v->tsc_offset) { /* at once */
		timer_disarm(v);
		vlapic_lvt_raise(v, APIC_LVT_TIMER);
		return;
	}
	v->tsc_deadline = value;
	left = value - (now + v->tsc_offset);
	v->deadline = now + left < now ? ~0ull : now + left;
	vlapic_timer_arm(v, v->deadline);
}

void vlapic_tsc_offset_set(struct vlapic *v, u64 offset)
{
	v->tsc_offset = offset;
	if (v->tsc_deadline)
		vlapic_tscdeadline_write(v, v->tsc_deadline);
}

/* SDM: "Local APIC State After It Has Been Software Disabled". */
static void svr_write(struct vlapic *v, u32 value)
{
	*reg(v, APIC_SVR) = value;
	if (value & APIC_SVR_ENABLE)
		return;
	for (unsigned off = APIC_LVT_TIMER; off <= APIC_LVT_ERROR; off += 16)
		*reg(v, off) |= APIC_LVT_MASKED;
}

/*
 * A write, in either mode, of the bits that the register stores. What guests write at every interrupt does
 * not come by here, or only from the slow ways in.
 */
static __attribute__((noinline)) void reg_write(struct vlapic *v, unsigned off, u32 value)
{
	u32 dest;

	if ((rules[off >> 4].flags & LVT) && !software_enabled(v))
		value |= APIC_LVT_MASKED;
	switch (off) {
	case APIC_EOI:
		vlapic_eoi(v);
		return;
	case APIC_TMICT:
		tmict_write(v, value);
		return;
	case APIC_ICR: /* of xAPIC mode; that of x2APIC mode has 64 bits and goes its own way */
		dest = *reg(v, APIC_ICR_HIGH) >> 24;
		*reg(v, off) = value;
		icr_send(v, value | PUT(APIC_ICR_DEST, dest == 0xff ? APIC_BROADCAST : dest));
		return;
	case APIC_TPR:
		vlapic_tpr_set(v, value);
		return;
	case APIC_LVT_TIMER:
		lvt_timer_write(v, value);
		return;
	case APIC_TDCR:
		tdcr_write(v, value);
		return;
	case APIC_SVR:
		svr_write(v, value);
		return;
	case APIC_ESR:
		*reg(v, off) = __atomic_exchange_n(&v->errors, 0, __ATOMIC_SEQ_CST);
		return;
	case APIC_SELF_IPI:
		icr_send(v, PUT(APIC_ICR_SHORTHAND, APIC_TO_SELF) | value);
		return;
	case APIC_DFR:
		value |= 0x0fffffff;
	}
	*reg(v, off) = value;
}

static u32 reg_read(struct vlapic *v, unsigned off)
{
	if (off == APIC_TMCCT)
		return tmcct_read(v);
	if (unlikely(v->pv_offered)) /* what ISR and PPR show is what the guest has done */
		pv_settle(v);
	return *reg(v, off);
}

void vlapic_apic_write(struct vlapic *v, unsigned off)
{
	off &= 0x3f0;
	if (off == APIC_ID) /* read-only, but the processor stores it */
		*reg(v, off) = v->id << 24;
	else if (off == APIC_ICR && vlapic_x2apic(v))
		icr_send(v, *reg(v, off) | (u64)*reg(v, off + 4) << 32);
	else
		reg_write(v, off, *reg(v, off) & rules[off >> 4].stored);
}

bool vlapic_msr_write(struct vlapic *v, u32 msr, u64 value)
{
	unsigned off = (msr & 0xff) << 4, flags;

	if (unlikely(!vlapic_x2apic(v) || off >= 0x400))
		return false;
	if (off == APIC_EOI && !value) {
		vlapic_eoi(v);
		return true;
	}
	if (off == APIC_TMICT && value == (u32)value) {
		tmict_write(v, value);
		return true;
	}
	if (off == APIC_ICR) {
		if (value & X2_ICR_RESERVED)
			return false;
		*reg(v, off) = value;
		*reg(v, off + 4) = value >> 32;
		icr_send(v, value);
		return true;
	}
	flags = rules[off >> 4].flags;
	if (!(flags & W2) || (value & ~(rules[off >> 4].stored | (flags & LVT ? LVT_RO : 0))))
		return false;
	reg_write(v, off, value & rules[off >> 4].stored);
	return true;
}

bool vlapic_msr_read(struct vlapic *v, u32 msr, u64 *value)
{
	unsigned off = (msr & 0xff) << 4;

	if (!vlapic_x2apic(v) || off >= 0x400 || !(rules[off >> 4].flags & R2))
		return false;
	*value = reg_read(v, off);
	if (off == APIC_ICR)
		*value |= (u64)*reg(v, off + 4) << 32;
	return true;
}

void vlapic_mmio_write(struct vlapic *v, unsigned off, unsigned size, u32 value)
{
	unsigned flags = off < 0x400 ? rules[off >> 4].flags : 0;

	if (unlikely(!vlapic_xapic(v) || size != 4 || (off & 15)))
		return;
	if (off == APIC_EOI)
		vlapic_eoi(v);
	else if (flags & W)
		reg_write(v, off, value & rules[off >> 4].stored);
	else if (!(flags & R))
		esr_set(v, APIC_ESR_REGISTER);
}

u32 vlapic_mmio_read(struct vlapic *v, unsigned off, unsigned size)
{
	unsigned flags = off < 0x400 ? rules[off >> 4].flags : 0;
	u32 value = 0;

	if (!vlapic_xapic(v))
		return ~0u >> (size < 4 ? 32 - 8 * size : 0);
	if (flags & R)
		value = off & 0xc ? 0 : reg_read(v, off & 0x3f0) >> (8 * (off & 3));
	else if (!(flags & W))
		esr_set(v, APIC_ESR_REGISTER);
	return size < 4 ? value & ((1u << (8 * size)) - 1) : value;
}

/* The ID and the logical ID as the mode has them.
 * SDM: "Deriving Logical x2APIC ID from the Local x2APIC ID". */
static void set_ids(struct vlapic *v)
{
	bool x2 = vlapic_x2apic(v);

	*reg(v, APIC_ID) = x2 ? v->id : v->id << 24;
	*reg(v, APIC_LDR) = x2 ? (v->id >> 4) << 16 | 1u << (v->id & 15) : 0;
	*reg(v, APIC_ICR + 4) = *reg(v, APIC_ICR_HIGH) = 0;
}

void vlapic_reset(struct vlapic *v, bool init)
{
	timer_disarm(v);
	if (v->pv_offered)
		pv_settle(v);
	v->timer_mode = APIC_TIMER_ONE_SHOT;
	if (!init)
		v->base =
			APIC_BASE_POWER_UP | APIC_BASE_EN | (v->id ? 0 : APIC_BASE_BSP); /* guests write it */
	for (unsigned k = 0; k < 0x400 / 4; k++)
		WRITE_ONCE(v->regs[k], 0);
	__atomic_fetch_and(&v->pi.control, ~PI_ON, __ATOMIC_SEQ_CST); /* whose kick may be forgotten, too */
	for (unsigned k = 0; k < 4; k++)
		__atomic_store_n(&v->pi.pir[k], 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&v->errors, 0, __ATOMIC_SEQ_CST);
	v->irr_words = v->isr_words = 0;
	v->isr_top = -1;
	*reg(v, APIC_VERSION) = VERSION;
	*reg(v, APIC_DFR) = ~0u;
	svr_write(v, 0xff); /* masks the LVT */
	tdcr_write(v, 0);
	set_ids(v);
}

void vlapic_init(struct vlapic *v, u32 *page, u32 id, u64 tsc_hz, unsigned phys_bits)
{
	*v = (struct vlapic){ .regs = page, .id = id };
	v->base_reserved = ~MASK(phys_bits - 1, 12) & ~(APIC_BASE_BSP | APIC_BASE_EXTD | APIC_BASE_EN);
	v->min_period = MAX(tsc_hz / MIN_PERIOD, 1);
	vlapic_reset(v, false);
}

bool vlapic_base_msr_write(struct vlapic *v, u64 value)
{
	u64 mode = value & (APIC_BASE_EN | APIC_BASE_EXTD), was = v->base & (APIC_BASE_EN | APIC_BASE_EXTD);
	u64 both = APIC_BASE_EN | APIC_BASE_EXTD;

	if ((value & v->base_reserved) || mode == APIC_BASE_EXTD)
		return false;
	if ((mode == both && was == 0) || (mode == APIC_BASE_EN && was == both))
		return false;
	WRITE_ONCE(v->base, value);
	if (mode == 0 && was) /* disabled: all is lost, the next mode starts from reset */
		vlapic_reset(v, true);
	else if (mode != was)
		set_ids(v);
	return true;
}
