/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC model: registers by mode, priorities, timer against a clock of the test's own, destinations,
 * mode switches, and posting from other threads.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86/vlapic.h"

#define N      20
#define TSC_HZ 3000000000ull

static struct vlapic apic[N], *all[N];
static u32 page[N][1024] __aligned(4096);
static struct fake {
	u64 armed; /* 0: not */
	unsigned extint, kicks, nmis, inits, sipis, cancels;
	u8 sipi_vector;
} fake[N];
static u64 now;
static unsigned eois;
static int eoi_vector;

u64 vlapic_now(struct vlapic *v)
{
	(void)v;
	return now;
}

void vlapic_timer_arm(struct vlapic *v, u64 deadline)
{
	fake[v->id].armed = deadline;
}

void vlapic_timer_cancel(struct vlapic *v)
{
	fake[v->id].armed = 0;
	fake[v->id].cancels++;
}

void vlapic_kick(struct vlapic *v, u8 vector)
{
	(void)vector;
	__atomic_fetch_add(&fake[v->id].kicks, 1, __ATOMIC_SEQ_CST);
}

void vlapic_send_ipi(struct vlapic *from, u64 icr)
{
	vlapic_ipi(all, N, from, icr);
}

static bool pv_bit;

bool vlapic_pv_eoi(struct vlapic *v, bool offer)
{
	bool was = pv_bit;

	assert_true(v->pv_eoi || !offer);
	pv_bit = offer;
	return was;
}

void vlapic_eoi_broadcast(struct vlapic *v, u8 vector)
{
	(void)v;
	eois++;
	eoi_vector = vector;
}

void vlapic_nmi(struct vlapic *v)
{
	fake[v->id].nmis++;
}

void vlapic_extint(struct vlapic *v, u8 vector)
{
	fake[v->id].extint = vector;
}

void vlapic_init_sipi(struct vlapic *v, bool sipi, u8 vector)
{
	if (sipi) {
		fake[v->id].sipis++;
		fake[v->id].sipi_vector = vector;
	} else {
		fake[v->id].inits++;
	}
}

static int setup(void **state)
{
	(void)state;
	memset(fake, 0, sizeof fake);
	memset(page, 0xee, sizeof page);
	now = 1000000;
	eois = 0;
	eoi_vector = -1;
	for (unsigned k = 0; k < N; k++) {
		all[k] = &apic[k];
		vlapic_init(&apic[k], page[k], k, TSC_HZ, 40);
	}
	return 0;
}

static u32 get(unsigned n, unsigned off)
{
	return vlapic_mmio_read(&apic[n], off, 4);
}

static void put(unsigned n, unsigned off, u32 value)
{
	vlapic_mmio_write(&apic[n], off, 4, value);
}

static bool wr(unsigned n, unsigned off, u64 value)
{
	return vlapic_msr_write(&apic[n], 0x800 + (off >> 4), value);
}

static u64 rd(unsigned n, unsigned off)
{
	u64 value = 0;

	assert_true(vlapic_msr_read(&apic[n], 0x800 + (off >> 4), &value));
	return value;
}

static bool no_rd(unsigned n, unsigned off)
{
	u64 value;

	return !vlapic_msr_read(&apic[n], 0x800 + (off >> 4), &value);
}

static void enable(unsigned n)
{
	put(n, APIC_SVR, 0x1ff);
}

static void x2(unsigned n)
{
	assert_true(vlapic_base_msr_write(&apic[n], apic[n].base | APIC_BASE_EXTD));
}

static void enable_all(bool x2apic)
{
	for (unsigned k = 0; k < N; k++) {
		enable(k);
		if (x2apic)
			x2(k);
	}
}

/* Who has that vector pending, as a bit each; takes it away. */
static u64 who(u8 vector)
{
	u64 set = 0;

	for (unsigned k = 0; k < N; k++) {
		if (vlapic_pending_vector(&apic[k]) == vector) {
			set |= BIT(k);
			vlapic_ack(&apic[k], vector);
			vlapic_eoi(&apic[k]);
		}
	}
	return set;
}

static void test_power_up(void **state)
{
	(void)state;
	assert_int_equal(apic[0].base, 0xfee00900);
	assert_int_equal(apic[1].base, 0xfee00800);
	assert_int_equal(get(3, APIC_ID), 3 << 24);
	assert_int_equal(get(0, APIC_VERSION), 0x50014);
	assert_int_equal(get(0, APIC_SVR), 0xff);
	assert_int_equal(get(0, APIC_DFR), 0xffffffff);
	assert_int_equal(get(0, APIC_LDR), 0);
	assert_int_equal(get(0, APIC_TPR), 0);
	for (unsigned off = APIC_LVT_TIMER; off <= APIC_LVT_ERROR; off += 16)
		assert_int_equal(get(0, off), 0x10000);
	for (unsigned off = APIC_ISR; off < APIC_ESR; off += 16)
		assert_int_equal(get(0, off), 0);
	assert_int_equal(vlapic_pending_vector(&apic[0]), -1);
}

static void test_registers_xapic(void **state)
{
	(void)state;
	enable(0);
	put(0, APIC_ID, 0x55000000); /* read-only here */
	assert_int_equal(get(0, APIC_ID), 0);
	put(0, APIC_LDR, 0xffffffff);
	assert_int_equal(get(0, APIC_LDR), 0xff000000);
	put(0, APIC_DFR, 0);
	assert_int_equal(get(0, APIC_DFR), 0x0fffffff);
	put(0, APIC_TPR, 0xffffff35);
	assert_int_equal(get(0, APIC_TPR), 0x35);
	assert_int_equal(get(0, APIC_PPR), 0x35);
	put(0, APIC_VERSION, 0);
	assert_int_equal(get(0, APIC_VERSION), 0x50014);
	put(0, APIC_LVT_LINT0, 0xffffffff);
	assert_int_equal(get(0, APIC_LVT_LINT0), 0x1a7ff);
	put(0, APIC_LVT_ERROR, 0xffffffff);
	assert_int_equal(get(0, APIC_LVT_ERROR), 0x100ff);
	put(0, APIC_LVT_TIMER, 0xffffffff);
	assert_int_equal(get(0, APIC_LVT_TIMER), 0x700ff);
	put(0, APIC_TDCR, 0xffffffff);
	assert_int_equal(get(0, APIC_TDCR), 0xb);
	put(0, APIC_ICR_HIGH, 0x12345678);
	assert_int_equal(get(0, APIC_ICR_HIGH), 0x12000000);
	put(0, APIC_ICR, 0xfff33000 | 0x4030);
	assert_int_equal(get(0, APIC_ICR), 0x4030);
	/* parts of a register, bytes between registers, other sizes */
	put(0, APIC_LVT_LINT0, 0x1a7fe);
	assert_int_equal(vlapic_mmio_read(&apic[0], APIC_LVT_LINT0, 1), 0xfe);
	assert_int_equal(vlapic_mmio_read(&apic[0], APIC_LVT_LINT0 + 1, 1), 0xa7);
	assert_int_equal(vlapic_mmio_read(&apic[0], APIC_LVT_LINT0 + 1, 2), 0x01a7);
	assert_int_equal(vlapic_mmio_read(&apic[0], APIC_LVT_LINT0 + 4, 4), 0);
	vlapic_mmio_write(&apic[0], APIC_TPR, 1, 0x77);
	vlapic_mmio_write(&apic[0], APIC_TPR, 8, 0x77);
	vlapic_mmio_write(&apic[0], APIC_TPR + 4, 4, 0x77);
	assert_int_equal(get(0, APIC_TPR), 0x35);
	/* MSRs are not there */
	assert_true(no_rd(0, APIC_ID));
	assert_false(wr(0, APIC_EOI, 0));
}

static void test_registers_x2apic(void **state)
{
	(void)state;
	enable(17);
	put(17, APIC_ICR_HIGH, 0x5000000);
	x2(17);
	assert_int_equal(rd(17, APIC_ID), 17);
	assert_int_equal(rd(17, APIC_LDR), 0x10002);
	assert_int_equal(rd(17, APIC_ICR), 0);
	assert_int_equal(rd(17, APIC_SVR), 0x1ff);
	assert_int_equal(get(17, APIC_VERSION), 0xffffffff); /* no MMIO any more */
	assert_int_equal(vlapic_mmio_read(&apic[17], APIC_VERSION, 1), 0xff);
	put(17, APIC_TPR, 0x50);
	assert_int_equal(rd(17, APIC_TPR), 0);
	/* not there at all, or only in the other mode */
	for (unsigned off = 0; off < 0x1000; off += 16) {
		bool readable = off == 0x20 || off == 0x30 || off == 0x80 || off == 0xa0 || off == 0xd0 ||
				off == 0xf0 || (off >= 0x100 && off <= 0x280) || off == 0x300 ||
				(off >= 0x320 && off <= 0x390) || off == 0x3e0;
		bool writable = off == 0x80 || off == 0xb0 || off == 0xf0 || off == 0x280 || off == 0x300 ||
				(off >= 0x320 && off <= 0x380) || off == 0x3e0 || off == 0x3f0;

		assert_int_equal(no_rd(17, off), !readable);
		if (off != 0x3f0)
			assert_int_equal(wr(17, off, 0), writable);
		/* a reserved bit in every register but the ICR */
		if (off != 0x300)
			assert_false(wr(17, off, 1ull << 40));
	}
	assert_true(wr(17, APIC_SVR, 0x1ff));
	assert_false(wr(17, APIC_EOI, 1));
	assert_false(wr(17, APIC_ESR, 1));
	assert_false(wr(17, APIC_TPR, 0x100));
	assert_false(wr(17, APIC_SVR, 0x1000));
	assert_false(wr(17, APIC_TDCR, 4));
	assert_false(wr(17, APIC_SELF_IPI, 0x100));
	assert_false(wr(17, APIC_LVT_TIMER, 1 << 8));
	assert_false(wr(17, APIC_LVT_ERROR, 1 << 15));
	assert_false(wr(17, APIC_LVT_LINT0, 1 << 11));
	assert_true(wr(17, APIC_LVT_LINT0, 0x1f7ff)); /* read-only bits may be written */
	assert_int_equal(rd(17, APIC_LVT_LINT0), 0x1a7ff);
	for (unsigned bit = 0; bit < 32; bit++)
		if ((bit > 11 && bit < 14) || bit == 16 || bit == 17 || bit > 19)
			assert_false(wr(17, APIC_ICR, 1ull << bit | 0x30));
	assert_true(wr(17, APIC_ICR, 0x7700000040ull));
	assert_int_equal(rd(17, APIC_ICR), 0x7700000040ull);
}

static void test_modes(void **state)
{
	struct vlapic *v = &apic[1];
	const u64 addr = 0xfee00000, en = APIC_BASE_EN, ex = APIC_BASE_EXTD;

	(void)state;
	assert_true(vlapic_xapic(v));
	assert_false(vlapic_base_msr_write(v, addr | ex)); /* never */
	assert_false(vlapic_base_msr_write(v, addr | en | 1));
	assert_false(vlapic_base_msr_write(v, addr | en | BIT(9)));
	assert_false(vlapic_base_msr_write(v, addr | en | BIT(40)));
	assert_true(vlapic_base_msr_write(v, 0x8000000000ull | en));
	assert_int_equal(v->base & APIC_BASE_ADDR, 0x8000000000ull);
	/* xAPIC to x2APIC keeps the state */
	put(1, APIC_SVR, 0x1e0);
	put(1, APIC_TPR, 0x20);
	assert_true(vlapic_base_msr_write(v, addr | en | ex));
	assert_int_equal(rd(1, APIC_SVR), 0x1e0);
	assert_int_equal(rd(1, APIC_TPR), 0x20);
	assert_false(vlapic_base_msr_write(v, addr | en)); /* no way back but off */
	assert_true(vlapic_x2apic(v));
	assert_true(vlapic_base_msr_write(v, addr | en | ex)); /* no change */
	assert_int_equal(rd(1, APIC_TPR), 0x20);
	assert_true(vlapic_base_msr_write(v, addr));
	assert_false(vlapic_xapic(v) || vlapic_x2apic(v));
	assert_false(vlapic_base_msr_write(v, addr | en | ex));
	assert_int_equal(get(1, APIC_ID), 0xffffffff);
	assert_true(vlapic_base_msr_write(v, addr | en));
	assert_int_equal(get(1, APIC_ID), 1 << 24);
	assert_int_equal(get(1, APIC_SVR), 0xff); /* as after reset */
	assert_int_equal(get(1, APIC_TPR), 0);
	assert_int_equal(get(1, APIC_LDR), 0);
}

static void test_disabled(void **state)
{
	struct irq_msg m = { .vector = 0x40, .mode = APIC_FIXED };

	(void)state;
	assert_false(vlapic_deliver(&apic[0], &m)); /* software-disabled since power-up */
	assert_int_equal(vlapic_pending_vector(&apic[0]), -1);
	m.mode = APIC_NMI;
	assert_true(vlapic_deliver(&apic[0], &m));
	assert_int_equal(fake[0].nmis, 1);
	m.mode = APIC_EXTINT;
	assert_true(vlapic_deliver(&apic[0], &m));
	assert_int_equal(fake[0].extint, 0x40);
	enable(0);
	m.vector = 0x41;
	assert_false(vlapic_deliver(&apic[0], &m));
	assert_int_equal(fake[0].extint, 0x40);
	m.vector = 0x40;
	put(0, APIC_LVT_TIMER, 0x31);
	assert_int_equal(get(0, APIC_LVT_TIMER), 0x31);
	m.mode = APIC_FIXED;
	assert_true(vlapic_deliver(&apic[0], &m));
	put(0, APIC_SVR, 0xff);
	assert_int_equal(get(0, APIC_LVT_TIMER), 0x10031);
	put(0, APIC_LVT_TIMER, 0x31); /* cannot be unmasked */
	assert_int_equal(get(0, APIC_LVT_TIMER), 0x10031);
	assert_int_equal(vlapic_pending_vector(&apic[0]), 0x40); /* what was there is held */
	/* hardware-disabled: no vector, no destination */
	assert_true(vlapic_base_msr_write(&apic[0], 0xfee00000));
	assert_int_equal(vlapic_pending_vector(&apic[0]), -1);
	assert_false(vlapic_match_dest(&apic[0], APIC_BROADCAST, false));
	enable(1);
	put(1, APIC_ICR, 0x40 | PUT(APIC_ICR_SHORTHAND, APIC_TO_ALL));
	assert_int_equal(apic[0].pi.pir[1], 0);
}

/* Against the plain definition, over random posts, acks, EOIs and TPRs. */
static void test_priorities(void **state)
{
	u8 irr[256] = { 0 }, isr[256] = { 0 };
	struct vlapic *v = &apic[0];
	unsigned tpr = 0, took = 0, x = 12345;

	(void)state;
	enable(0);
	for (unsigned turn = 0; turn < 200000; turn++) {
		int want = -1, service = -1, best = -1;
		unsigned ppr, r;

		x = x * 1103515245 + 12345;
		r = (x >> 8) % 100;
		if (r < 40) {
			u8 vector = 16 + (x >> 16) % 240;

			vlapic_post(v, vector, false);
			irr[vector] = 1;
		} else if (r < 50) {
			tpr = (x >> 16) & 0xff;
			put(0, APIC_TPR, tpr);
		} else if (r < 75) {
			put(0, APIC_EOI, 0);
			for (int k = 255; k >= 0; k--)
				if (isr[k]) {
					isr[k] = 0;
					break;
				}
		}
		for (int k = 0; k < 256; k++) {
			if (isr[k])
				service = k;
			if (irr[k])
				best = k;
		}
		ppr = service < 0 || (tpr >> 4) >= ((unsigned)service >> 4) ? tpr : (unsigned)service & 0xf0;
		if (best >= 0 && (unsigned)best >> 4 > ppr >> 4)
			want = best;
		assert_int_equal(vlapic_pending_vector(v), want);
		assert_int_equal(get(0, APIC_PPR), ppr);
		assert_int_equal(vlapic_isr_top(v), service);
		assert_int_equal(vlapic_irr_top(v), best);
		if (want >= 0 && r < 95) {
			vlapic_ack(v, want);
			irr[want] = 0;
			isr[want] = 1;
			took++;
		}
		for (unsigned w = 0; w < 8; w++) {
			u32 i = 0, s = 0;

			for (unsigned b = 0; b < 32; b++) {
				i |= (u32)irr[w * 32 + b] << b;
				s |= (u32)isr[w * 32 + b] << b;
			}
			assert_int_equal(get(0, APIC_IRR + w * 16), i);
			assert_int_equal(get(0, APIC_ISR + w * 16), s);
		}
	}
	assert_true(took > 10000);
	assert_int_equal(eois, 0);
}

static void test_level(void **state)
{
	struct irq_msg m = { .vector = 0x51, .level = true };

	(void)state;
	enable(0);
	assert_true(vlapic_deliver(&apic[0], &m));
	assert_int_equal(get(0, APIC_TMR + 0x20), 1 << 17);
	assert_int_equal(vlapic_pending_vector(&apic[0]), 0x51);
	vlapic_ack(&apic[0], 0x51);
	assert_int_equal(eois, 0);
	put(0, APIC_EOI, 0);
	assert_int_equal(eois, 1);
	assert_int_equal(eoi_vector, 0x51);
	m.level = false; /* the same vector as an edge */
	assert_true(vlapic_deliver(&apic[0], &m));
	assert_int_equal(get(0, APIC_TMR + 0x20), 0);
	assert_int_equal(vlapic_pending_vector(&apic[0]), 0x51);
	vlapic_ack(&apic[0], 0x51);
	put(0, APIC_EOI, 0);
	assert_int_equal(eois, 1);
	put(0, APIC_EOI, 0); /* nothing in service */
	assert_int_equal(eois, 1);
}

static void test_kick_once(void **state)
{
	(void)state;
	enable(0);
	vlapic_post(&apic[0], 0x40, false);
	vlapic_post(&apic[0], 0x41, false);
	assert_int_equal(fake[0].kicks, 1); /* ON was still set */
	assert_int_equal(apic[0].pi.control, PI_ON);
	vlapic_sync(&apic[0]);
	assert_int_equal(apic[0].pi.control, 0);
	vlapic_post(&apic[0], 0x42, false);
	assert_int_equal(fake[0].kicks, 2);
	vlapic_reset(&apic[0], false); /* what was posted is gone: the next one kicks again */
	vlapic_post(&apic[0], 0x43, false);
	assert_int_equal(fake[0].kicks, 3);
}

static void test_errors(void **state)
{
	struct irq_msg m = { .vector = 15 };

	(void)state;
	enable(0);
	put(0, APIC_LVT_ERROR, 0xfe);
	assert_false(vlapic_deliver(&apic[0], &m));
	assert_int_equal(get(0, APIC_ESR), 0); /* not before it is written */
	assert_int_equal(who(0xfe), 1);
	put(0, APIC_ICR,
	    0x0f | PUT(APIC_ICR_SHORTHAND, APIC_TO_SELF)); /* a second error: no second interrupt */
	assert_int_equal(who(0xfe), 0);
	put(0, APIC_ESR, 0xff);
	assert_int_equal(get(0, APIC_ESR), APIC_ESR_RECV_VECTOR | APIC_ESR_SEND_VECTOR);
	put(0, APIC_ESR, 0);
	assert_int_equal(get(0, APIC_ESR), 0);
	assert_int_equal(get(0, 0x040), 0); /* reserved registers */
	put(0, 0x3f0, 0x40);
	assert_int_equal(who(0xfe), 1);
	put(0, APIC_ESR, 0);
	assert_int_equal(get(0, APIC_ESR), APIC_ESR_REGISTER);
	put(0, APIC_VERSION, 0); /* read-only is no error, nor is reading what can only be written */
	get(0, APIC_EOI);
	put(0, APIC_ESR, 0);
	assert_int_equal(get(0, APIC_ESR), 0);
	/* an error vector that is itself illegal does not run in circles */
	put(0, APIC_LVT_ERROR, 3);
	vlapic_deliver(&apic[0], &m);
	put(0, APIC_ESR, 0);
	assert_int_equal(get(0, APIC_ESR), APIC_ESR_RECV_VECTOR);
	put(0, APIC_LVT_ERROR, 0x10000);
	x2(0);
	assert_true(wr(0, APIC_SELF_IPI, 2));
	assert_true(wr(0, APIC_ESR, 0));
	assert_int_equal(rd(0, APIC_ESR), APIC_ESR_SEND_VECTOR);
}

static void test_lvt(void **state)
{
	(void)state;
	enable(0);
	vlapic_lvt_raise(&apic[0], APIC_LVT_LINT1); /* masked */
	assert_int_equal(fake[0].nmis, 0);
	put(0, APIC_LVT_LINT1, 0x400);
	vlapic_lvt_raise(&apic[0], APIC_LVT_LINT1);
	assert_int_equal(fake[0].nmis, 1);
	put(0, APIC_LVT_LINT0, 0x700); /* ExtINT: no PIC */
	vlapic_lvt_raise(&apic[0], APIC_LVT_LINT0);
	assert_int_equal(vlapic_pending_vector(&apic[0]), -1);
	put(0, APIC_LVT_LINT0, 0x61);
	vlapic_lvt_raise(&apic[0], APIC_LVT_LINT0);
	assert_int_equal(who(0x61), 1);
	put(0, APIC_LVT_PERF, 0x62);
	vlapic_lvt_raise(&apic[0], APIC_LVT_PERF);
	vlapic_lvt_raise(&apic[0], APIC_LVT_PERF);
	assert_int_equal(who(0x62), 1);
	assert_int_equal(who(0x62), 0);
	assert_int_equal(get(0, APIC_LVT_PERF), 0x10062); /* masked by its delivery */
}

/* All divide values: counts go down at the right rate, from start to zero. */
static void test_count(void **state)
{
	static const u8 tdcr[8] = { 0xb, 0, 1, 2, 3, 8, 9, 0xa };

	(void)state;
	for (unsigned d = 0; d < 8; d++) {
		const u32 counts[] = { 1, 2, 1000, 0x12345678, 0xffffffff };

		for (unsigned c = 0; c < ARRAY_SIZE(counts); c++) {
			double ticks = (double)counts[c] * (1u << d);
			u64 start;

			setup(state);
			enable(0);
			put(0, APIC_TDCR, tdcr[d]);
			put(0, APIC_LVT_TIMER, 0x30);
			start = now;
			put(0, APIC_TMICT, counts[c]);
			assert_int_equal(get(0, APIC_TMCCT), counts[c]);
			assert_true(fake[0].armed - start + 0.01 >= ticks &&
				    fake[0].armed - start <= ticks + 1);
			now = start + (u64)(ticks / 2);
			if (counts[c] > 100)
				assert_in_range(get(0, APIC_TMCCT), counts[c] / 2 - 60, counts[c] / 2 + 60);
			now = fake[0].armed - 1;
			assert_true(get(0, APIC_TMCCT) > 0);
			vlapic_timer_expired(&apic[0]); /* too early */
			assert_int_equal(vlapic_pending_vector(&apic[0]), -1);
			now++;
			assert_int_equal(get(0, APIC_TMCCT), 0);
			vlapic_timer_expired(&apic[0]);
			assert_int_equal(who(0x30), 1);
			now += 1000000000;
			vlapic_timer_expired(&apic[0]);
			assert_int_equal(who(0x30), 0);
		}
	}
}

static void test_periodic(void **state)
{
	u64 start = now;

	(void)state;
	enable(0);
	put(0, APIC_TDCR, 0xb);
	put(0, APIC_LVT_TIMER, 0x20030);
	put(0, APIC_TMICT, 3000000);
	assert_int_equal(fake[0].armed, start + 3000000);
	now = start + 3000010;
	assert_int_equal(get(0, APIC_TMCCT), 3000000 - 10); /* even before the host noticed */
	vlapic_timer_expired(&apic[0]);
	assert_int_equal(who(0x30), 1);
	assert_int_equal(fake[0].armed, start + 6000000); /* no drift */
	now = start + 15000001; /* three were missed: one interrupt, and back in step */
	vlapic_timer_expired(&apic[0]);
	assert_int_equal(who(0x30), 1);
	assert_int_equal(fake[0].armed, start + 18000000);
	/* masked it goes on counting */
	put(0, APIC_LVT_TIMER, 0x30030);
	now = start + 18000000;
	vlapic_timer_expired(&apic[0]);
	assert_int_equal(who(0x30), 0);
	assert_int_equal(fake[0].armed, start + 21000000);
	/* to one-shot: the count goes on, and then ends */
	put(0, APIC_LVT_TIMER, 0x30);
	assert_int_equal(get(0, APIC_TMCCT), 3000000);
	now = start + 21000000;
	vlapic_timer_expired(&apic[0]);
	assert_int_equal(who(0x30), 1);
	assert_int_equal(get(0, APIC_TMCCT), 0);
	put(0, APIC_LVT_TIMER, 0x20030); /* an ended count stays at zero */
	now += 5000000;
	assert_int_equal(get(0, APIC_TMCCT), 0);
	vlapic_timer_expired(&apic[0]);
	assert_int_equal(who(0x30), 0);
	/* zero stops it */
	put(0, APIC_TMICT, 1000);
	put(0, APIC_TMICT, 0);
	assert_int_equal(fake[0].armed, 0);
	assert_int_equal(get(0, APIC_TMCCT), 0);
	/* a guest cannot ask for more than 10,000 a second */
	put(0, APIC_TMICT, 1);
	now++;
	vlapic_timer_expired(&apic[0]);
	assert_int_equal(fake[0].armed, now + 300000);
}

static void test_divide_while_counting(void **state)
{
	u64 start = now;

	(void)state;
	enable(0);
	put(0, APIC_TDCR, 0xb);
	put(0, APIC_LVT_TIMER, 0x30);
	put(0, APIC_TMICT, 1000000);
	now = start + 400000;
	put(0, APIC_TDCR, 1); /* by 4 */
	assert_int_equal(get(0, APIC_TMCCT), 600000);
	assert_int_equal(fake[0].armed, now + 2400000);
}

static void test_tsc_deadline(void **state)
{
	struct vlapic *v = &apic[0];

	(void)state;
	enable(0);
	vlapic_tsc_offset_set(v, -500000ull);
	vlapic_tscdeadline_write(v, 600000); /* not in that mode */
	assert_int_equal(vlapic_tscdeadline_read(v), 0);
	assert_int_equal(fake[0].armed, 0);
	put(0, APIC_LVT_TIMER, 0x30);
	put(0, APIC_TMICT, 1000);
	put(0, APIC_LVT_TIMER, 0x40030); /* the switch disarms */
	assert_int_equal(fake[0].armed, 0);
	assert_int_equal(get(0, APIC_TMICT), 0);
	put(0, APIC_TMICT, 1000); /* ignored */
	assert_int_equal(fake[0].armed, 0);
	assert_int_equal(get(0, APIC_TMICT), 0);
	vlapic_tscdeadline_write(v, 600000);
	assert_int_equal(fake[0].armed, 1100000);
	assert_int_equal(vlapic_tscdeadline_read(v), 600000);
	assert_int_equal(get(0, APIC_TMCCT), 0);
	vlapic_tsc_offset_set(v, -400000ull); /* the guest's TSC went forward */
	assert_int_equal(fake[0].armed, 0);
	assert_int_equal(who(0x30), 1);
	vlapic_tscdeadline_write(v, 700000);
	vlapic_tsc_offset_set(v, -500000ull); /* and back */
	assert_int_equal(fake[0].armed, 1200000);
	now = 1200000;
	vlapic_timer_expired(v);
	assert_int_equal(who(0x30), 1);
	now = 1000000;
	assert_int_equal(vlapic_tscdeadline_read(v), 0);
	/* in the past: at once */
	vlapic_tscdeadline_write(v, 1);
	assert_int_equal(who(0x30), 1);
	assert_int_equal(vlapic_tscdeadline_read(v), 0);
	/* an armed one that is replaced by a past one does not fire twice */
	vlapic_tscdeadline_write(v, 5000000);
	vlapic_tscdeadline_write(v, 1);
	assert_int_equal(who(0x30), 1);
	assert_int_equal(fake[0].armed, 0);
	/* far away, and never */
	vlapic_tscdeadline_write(v, ~0ull);
	assert_int_equal(fake[0].armed, ~0ull);
	vlapic_tscdeadline_write(v, 0);
	assert_int_equal(fake[0].armed, 0);
	vlapic_tscdeadline_write(v, 5000000);
	put(0, APIC_LVT_TIMER, 0x30);
	assert_int_equal(fake[0].armed, 0);
	assert_int_equal(vlapic_tscdeadline_read(v), 0);
}

/* Send from APIC 2, and say who got it. */
static u64 sent(u32 dest, u32 low)
{
	low = (low & ~0xffu) | 0x77;
	if (vlapic_x2apic(&apic[2])) {
		assert_true(wr(2, APIC_ICR, (u64)dest << 32 | low));
	} else {
		put(2, APIC_ICR_HIGH, dest << 24);
		put(2, APIC_ICR, low);
	}
	return who(0x77);
}

#define SHORT(x) ((u32)PUT(APIC_ICR_SHORTHAND, x))
#define ALL	 (BIT(N) - 1)

static void test_destinations_xapic(void **state)
{
	(void)state;
	enable_all(false);
	assert_int_equal(sent(5, 0), BIT(5));
	assert_int_equal(sent(2, 0), BIT(2));
	assert_int_equal(sent(N, 0), 0);
	assert_int_equal(sent(0xff, 0), ALL);
	assert_int_equal(sent(9, SHORT(APIC_TO_SELF)), BIT(2));
	assert_int_equal(sent(9, SHORT(APIC_TO_ALL)), ALL);
	assert_int_equal(sent(9, SHORT(APIC_TO_OTHERS)), ALL & ~BIT(2));
	/* flat */
	for (unsigned k = 0; k < 8; k++)
		put(k, APIC_LDR, 1u << (24 + k));
	assert_int_equal(sent(0x83, APIC_ICR_LOGICAL), 0x83);
	assert_int_equal(sent(0xff, APIC_ICR_LOGICAL), ALL);
	assert_int_equal(sent(0, APIC_ICR_LOGICAL), 0);
	/* cluster */
	for (unsigned k = 0; k < N; k++) {
		put(k, APIC_DFR, 0x0fffffff);
		put(k, APIC_LDR, (k / 4) << 28 | 1u << (24 + k % 4));
	}
	assert_int_equal(sent(0x25, APIC_ICR_LOGICAL), BIT(8) | BIT(10));
	assert_int_equal(sent(0x0f, APIC_ICR_LOGICAL), 0xf);
	assert_int_equal(sent(0x70, APIC_ICR_LOGICAL), 0);
	assert_int_equal(sent(0xff, APIC_ICR_LOGICAL), ALL);
}

static void test_destinations_x2apic(void **state)
{
	(void)state;
	enable_all(true);
	assert_int_equal(sent(18, 0), BIT(18));
	assert_int_equal(sent(0xff, 0), 0);
	assert_int_equal(sent(0xffffffff, 0), ALL);
	assert_int_equal(sent(0x0000800a, APIC_ICR_LOGICAL), BIT(1) | BIT(3) | BIT(15));
	assert_int_equal(sent(0x0001000a, APIC_ICR_LOGICAL), BIT(17) | BIT(19));
	assert_int_equal(sent(0x00020001, APIC_ICR_LOGICAL), 0);
	assert_int_equal(sent(0xffffffff, APIC_ICR_LOGICAL), ALL);
	assert_int_equal(sent(9, SHORT(APIC_TO_SELF)), BIT(2));
	assert_int_equal(sent(9, SHORT(APIC_TO_ALL)), ALL);
	assert_int_equal(sent(9, SHORT(APIC_TO_OTHERS)), ALL & ~BIT(2));
	assert_true(wr(2, APIC_SELF_IPI, 0x66));
	assert_int_equal(who(0x66), BIT(2));
	/* one that is in xAPIC mode still answers to its ID */
	setup(state);
	enable_all(false);
	x2(2);
	assert_int_equal(sent(3, 0), BIT(3));
	put(3, APIC_LDR, 0x01000000);
	assert_int_equal(sent(0x00010001, APIC_ICR_LOGICAL), 0);
	assert_int_equal(sent(0xffffffff, 0), ALL);
}

static void test_lowest_priority(void **state)
{
	const u32 low = PUT(APIC_ICR_MODE, APIC_LOWEST);

	(void)state;
	enable_all(true);
	for (unsigned k = 0; k < N; k++)
		assert_true(wr(k, APIC_TPR, 0x40));
	assert_true(wr(3, APIC_TPR, 0x20));
	assert_int_equal(sent(0xf, APIC_ICR_LOGICAL | low), BIT(3));
	assert_int_equal(sent(0xf0, APIC_ICR_LOGICAL | low), BIT(4)); /* the first of equals */
	assert_true(wr(1, APIC_TPR, 0x10));
	assert_int_equal(sent(0xf, APIC_ICR_LOGICAL | low), BIT(1));
	assert_true(wr(1, APIC_SVR, 0xff)); /* a disabled one is not chosen */
	assert_int_equal(sent(0xf, APIC_ICR_LOGICAL | low), BIT(3));
	assert_int_equal(sent(0x10001, APIC_ICR_LOGICAL | low), BIT(16));
	assert_int_equal(sent(0x20001, APIC_ICR_LOGICAL | low), 0);
	assert_int_equal(sent(4, low), BIT(4));
}

static void test_other_modes(void **state)
{
	(void)state;
	enable_all(true);
	assert_true(wr(2, APIC_ICR, PUT(APIC_ICR_DEST, 5) | PUT(APIC_ICR_MODE, APIC_NMI)));
	assert_int_equal(fake[5].nmis, 1);
	assert_true(wr(2, APIC_ICR, PUT(APIC_ICR_MODE, APIC_NMI) | SHORT(APIC_TO_SELF)));
	assert_int_equal(fake[2].nmis, 1);
	assert_true(wr(2, APIC_ICR, PUT(APIC_ICR_DEST, 5) | PUT(APIC_ICR_MODE, APIC_INIT) | APIC_ICR_LEVEL));
	assert_int_equal(fake[5].inits, 1);
	/* level de-assert does nothing */
	assert_true(
		wr(2, APIC_ICR, PUT(APIC_ICR_DEST, 5) | PUT(APIC_ICR_MODE, APIC_INIT) | APIC_ICR_TRIGGER));
	assert_int_equal(fake[5].inits, 1);
	assert_true(wr(2, APIC_ICR, PUT(APIC_ICR_DEST, 5) | PUT(APIC_ICR_MODE, APIC_SIPI) | 8));
	assert_int_equal(fake[5].sipis, 1);
	assert_int_equal(fake[5].sipi_vector, 8);
	assert_true(wr(2, APIC_ICR, PUT(APIC_ICR_MODE, APIC_SIPI) | SHORT(APIC_TO_OTHERS) | 9));
	assert_int_equal(fake[0].sipi_vector, 9);
	assert_int_equal(fake[2].sipis, 0);
	assert_true(wr(2, APIC_ICR, PUT(APIC_ICR_MODE, APIC_INIT) | SHORT(APIC_TO_ALL) | APIC_ICR_LEVEL));
	assert_int_equal(fake[2].inits, 0);
	assert_int_equal(fake[0].inits, 1);
	/* SMI, ExtINT, the reserved mode: nobody hears them */
	assert_true(wr(2, APIC_ICR, PUT(APIC_ICR_DEST, 5) | PUT(APIC_ICR_MODE, APIC_SMI) | 0x40));
	assert_true(wr(2, APIC_ICR, PUT(APIC_ICR_DEST, 5) | PUT(APIC_ICR_MODE, APIC_EXTINT) | 0x40));
	assert_true(wr(2, APIC_ICR, PUT(APIC_ICR_DEST, 5) | PUT(APIC_ICR_MODE, 3) | 0x40));
	assert_int_equal(vlapic_pending_vector(&apic[5]), -1);
}

static void test_reset(void **state)
{
	(void)state;
	enable(7);
	x2(7);
	assert_true(wr(7, APIC_LVT_TIMER, 0x30));
	assert_true(wr(7, APIC_TMICT, 100000));
	vlapic_post(&apic[7], 0x40, true);
	assert_int_equal(vlapic_pending_vector(&apic[7]), 0x40);
	vlapic_ack(&apic[7], 0x40);
	vlapic_post(&apic[7], 0x41, false);
	vlapic_reset(&apic[7], true);
	assert_true(vlapic_x2apic(&apic[7])); /* INIT leaves the mode */
	assert_int_equal(rd(7, APIC_ID), 7);
	assert_int_equal(rd(7, APIC_LDR), 0x80);
	assert_int_equal(rd(7, APIC_SVR), 0xff);
	assert_int_equal(rd(7, APIC_LVT_TIMER), 0x10000);
	assert_int_equal(fake[7].armed, 0);
	assert_int_equal(vlapic_pending_vector(&apic[7]), -1);
	assert_int_equal(vlapic_isr_top(&apic[7]), -1);
	for (unsigned off = APIC_ISR; off < APIC_ESR; off += 16)
		assert_int_equal(rd(7, off), 0);
	/* which is the BSP says the machine, whatever the guest has written */
	assert_true(vlapic_base_msr_write(&apic[7], apic[7].base | APIC_BASE_BSP));
	vlapic_reset(&apic[7], false);
	assert_int_equal(apic[7].base, 0xfee00800);
	assert_true(vlapic_base_msr_write(&apic[0], apic[0].base & ~(u64)APIC_BASE_BSP));
	vlapic_reset(&apic[0], false);
	assert_int_equal(apic[0].base, 0xfee00900);
}

static void test_apicv(void **state)
{
	struct vlapic *v = &apic[0];

	(void)state;
	/* the processor has stored already */
	apic[6].regs[APIC_ID / 4] = 0x55 << 24;
	vlapic_apic_write(&apic[6], APIC_ID);
	assert_int_equal(get(6, APIC_ID), 6 << 24);
	enable_all(true);
	v->regs[APIC_ICR / 4] = 0x55;
	v->regs[APIC_ICR / 4 + 1] = 6;
	vlapic_apic_write(v, APIC_ICR);
	assert_int_equal(who(0x55), BIT(6));
	v->regs[APIC_TMICT / 4] = 3000;
	vlapic_apic_write(v, APIC_TMICT);
	assert_int_equal(fake[0].armed, now + 6000);
	/* and the mode that the timer leaves stands nowhere else */
	v->regs[APIC_LVT_TIMER / 4] = APIC_TIMER_TSC_DEADLINE << 17 | 0x44;
	vlapic_apic_write(v, APIC_LVT_TIMER);
	assert_int_equal(v->deadline, 0);
	vlapic_tscdeadline_write(v, vlapic_now(v) + v->tsc_offset + 1000);
	assert_int_not_equal(v->deadline, 0);
	v->regs[APIC_TMICT / 4] = 3000;
	vlapic_apic_write(v, APIC_TMICT);
	assert_int_equal(rd(0, APIC_TMICT), 0);
	v->regs[APIC_LVT_TIMER / 4] = 0x44;
	vlapic_apic_write(v, APIC_LVT_TIMER);
	assert_int_equal(v->deadline, 0);
	/* the processor has taken an interrupt and another has come */
	v->regs[(APIC_ISR + 0x30) / 4] = 1u << 5;
	v->regs[(APIC_IRR + 0x70) / 4] = 1u << 31;
	vlapic_resync(v);
	assert_int_equal(vlapic_isr_top(v), 0x65);
	assert_int_equal(vlapic_irr_top(v), 0xff);
	assert_int_equal(rd(0, APIC_PPR), 0x60);
}

static void test_msi(void **state)
{
	struct irq_msg m;

	(void)state;
	assert_true(vlapic_msi_decode(0xfee05000, 0x41, &m));
	assert_int_equal(m.dest, 5);
	assert_int_equal(m.vector, 0x41);
	assert_int_equal(m.mode, APIC_FIXED);
	assert_false(m.logical);
	assert_false(m.level);
	assert_true(vlapic_msi_decode(0xfeeff00c, 0xc441, &m));
	assert_int_equal(m.dest, APIC_BROADCAST);
	assert_int_equal(m.mode, APIC_NMI);
	assert_true(m.logical);
	assert_true(m.level);
	assert_true(vlapic_msi_decode(0xfee0300c, 0x41, &m));
	assert_int_equal(m.mode, APIC_LOWEST);
	assert_false(vlapic_msi_decode(0xfee03000, 0x8041, &m)); /* de-asserted */
	assert_false(vlapic_msi_decode(0xfed03000, 0x41, &m));
	assert_false(vlapic_msi_decode(0x1fee03000, 0x41, &m));
}

/* Many posters, one owner: no vector is lost, and none is left without a kick. */
#define POSTS 40000
static unsigned posted[4];

static void *poster(void *arg)
{
	unsigned t = (unsigned)(size_t)arg;

	for (unsigned k = 0; k < POSTS; k++) {
		/* the next only when the last was taken, so that each can be counted */
		while (__atomic_load_n(&posted[t], __ATOMIC_SEQ_CST))
			;
		__atomic_store_n(&posted[t], 1, __ATOMIC_SEQ_CST);
		vlapic_post(&apic[0], 0x40 + t * 0x30, false);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t t[4];
	unsigned taken[4] = { 0 }, total = 0, seen = 0;

	(void)state;
	enable(0);
	for (size_t k = 0; k < 4; k++)
		assert_int_equal(pthread_create(&t[k], NULL, poster, (void *)k), 0);
	while (total < 4 * POSTS) {
		/* like a halted vCPU: looks only after a kick that it has not seen */
		unsigned kicks = __atomic_load_n(&fake[0].kicks, __ATOMIC_SEQ_CST);
		int vector;

		if (kicks == seen)
			continue;
		seen = kicks;
		while ((vector = vlapic_pending_vector(&apic[0])) >= 0) {
			unsigned k = (vector - 0x40) / 0x30;

			vlapic_ack(&apic[0], vector);
			vlapic_eoi(&apic[0]);
			taken[k]++;
			total++;
			__atomic_store_n(&posted[k], 0, __ATOMIC_SEQ_CST);
		}
	}
	for (unsigned k = 0; k < 4; k++) {
		pthread_join(t[k], NULL);
		assert_int_equal(taken[k], POSTS);
	}
}

static void take(struct vlapic *v, u8 vector)
{
	assert_int_equal(vlapic_pending_vector(v), vector);
	vlapic_ack(v, vector);
}

/* An interrupt that the guest may end by clearing a bit:
 * when that is offered, and that no end is lost or counted twice. */
static void test_pv_eoi(void **state)
{
	struct vlapic *v = &apic[0];

	(void)state;
	put(0, APIC_SVR, 0x1ff);
	pv_bit = false;
	vlapic_post(v, 0x41, false);
	take(v, 0x41);
	assert_false(pv_bit); /* not asked for */
	vlapic_eoi(v);
	vlapic_pv_eoi_enable(v, true);

	/* ended by the bit; the next comes */
	vlapic_post(v, 0x41, false);
	take(v, 0x41);
	assert_true(pv_bit);
	assert_int_equal(vlapic_pending_vector(v), -1);
	assert_true(pv_bit); /* a look that finds nothing leaves it */
	pv_bit = false;
	vlapic_post(v, 0x42, false);
	take(v, 0x42);
	/* not ended when one of its class comes: the offer is withdrawn, and the EOI lets that in */
	assert_true(pv_bit);
	vlapic_post(v, 0x43, false);
	assert_int_equal(vlapic_pending_vector(v), -1);
	assert_false(pv_bit);
	assert_int_equal(vlapic_isr_top(v), 0x42);
	vlapic_eoi(v);
	take(v, 0x43);
	/* one above it: the inner by the bit, the outer by EOI, which ends both */
	vlapic_post(v, 0x81, false);
	take(v, 0x81);
	assert_true(pv_bit);
	pv_bit = false;
	vlapic_eoi(v);
	assert_int_equal(vlapic_isr_top(v), -1);
	/* an EOI while the bit is set ends one, and takes the bit back */
	vlapic_post(v, 0x41, false);
	take(v, 0x41);
	vlapic_eoi(v);
	assert_false(pv_bit);
	assert_int_equal(vlapic_isr_top(v), -1);
	/* not with another behind it, nor for a level */
	vlapic_post(v, 0x41, false);
	vlapic_post(v, 0x31, false);
	take(v, 0x41);
	assert_false(pv_bit);
	vlapic_eoi(v);
	take(v, 0x31);
	vlapic_eoi(v);
	vlapic_post(v, 0x51, true);
	take(v, 0x51);
	assert_false(pv_bit);
	vlapic_eoi(v);
	assert_int_equal(eois, 1);
	/* who looks sees what is so */
	vlapic_post(v, 0x51, false);
	take(v, 0x51);
	pv_bit = false;
	assert_int_equal(get(0, APIC_ISR + 0x20), 0);
	assert_int_equal(get(0, APIC_PPR), 0);
	/* switched off or reset in between */
	vlapic_post(v, 0x51, false);
	take(v, 0x51);
	vlapic_pv_eoi_enable(v, false);
	assert_false(pv_bit);
	assert_int_equal(vlapic_isr_top(v), 0x51);
	vlapic_eoi(v);
	vlapic_pv_eoi_enable(v, true);
	vlapic_post(v, 0x51, false);
	take(v, 0x51);
	vlapic_reset(v, true);
	assert_false(pv_bit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_power_up, setup),
		cmocka_unit_test_setup(test_registers_xapic, setup),
		cmocka_unit_test_setup(test_registers_x2apic, setup),
		cmocka_unit_test_setup(test_modes, setup),
		cmocka_unit_test_setup(test_disabled, setup),
		cmocka_unit_test_setup(test_priorities, setup),
		cmocka_unit_test_setup(test_level, setup),
		cmocka_unit_test_setup(test_kick_once, setup),
		cmocka_unit_test_setup(test_errors, setup),
		cmocka_unit_test_setup(test_lvt, setup),
		cmocka_unit_test_setup(test_count, setup),
		cmocka_unit_test_setup(test_periodic, setup),
		cmocka_unit_test_setup(test_divide_while_counting, setup),
		cmocka_unit_test_setup(test_tsc_deadline, setup),
		cmocka_unit_test_setup(test_destinations_xapic, setup),
		cmocka_unit_test_setup(test_destinations_x2apic, setup),
		cmocka_unit_test_setup(test_lowest_priority, setup),
		cmocka_unit_test_setup(test_other_modes, setup),
		cmocka_unit_test_setup(test_reset, setup),
		cmocka_unit_test_setup(test_apicv, setup),
		cmocka_unit_test_setup(test_msi, setup),
		cmocka_unit_test_setup(test_pv_eoi, setup),
		cmocka_unit_test_setup(test_threads, setup),
	};

	return cmocka_run_group_tests_name("vlapic", tests, NULL, NULL);
}
