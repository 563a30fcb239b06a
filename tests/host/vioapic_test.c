/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O APIC model: registers, edges, levels with their EOIs, masking, and what is delivered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "arch/x86/vioapic.h"

static struct vioapic io;
static struct irq_msg last;
static unsigned delivered;
static bool accepts;

bool vioapic_deliver(struct vioapic *from, const struct irq_msg *m)
{
	assert_ptr_equal(from, &io);
	last = *m;
	delivered++;
	return accepts;
}

static int setup(void **state)
{
	(void)state;
	vioapic_init(&io, 1);
	delivered = 0;
	accepts = true;
	return 0;
}

static u32 get(unsigned reg)
{
	vioapic_mmio_write(&io, 0, 4, reg);
	return vioapic_mmio_read(&io, 0x10, 4);
}

static void put(unsigned reg, u32 value)
{
	vioapic_mmio_write(&io, 0, 4, reg);
	vioapic_mmio_write(&io, 0x10, 4, value);
}

static void entry(unsigned line, u64 e)
{
	put(0x11 + 2 * line, e >> 32);
	put(0x10 + 2 * line, e);
}

static bool remote_irr(unsigned line)
{
	return get(0x10 + 2 * line) & IOAPIC_REMOTE_IRR;
}

static void test_registers(void **state)
{
	(void)state;
	assert_int_equal(get(0), 1 << 24);
	assert_int_equal(get(1), 0x170011);
	assert_int_equal(get(2), 1 << 24);
	for (unsigned line = 0; line < 24; line++) {
		assert_int_equal(get(0x10 + 2 * line), 0x10000);
		assert_int_equal(get(0x11 + 2 * line), 0);
	}
	put(0, 0xffffffff);
	assert_int_equal(get(0), 0x0f000000);
	put(1, 0);
	assert_int_equal(get(1), 0x170011);
	put(0x10, 0xffffffff);
	put(0x11, 0xffffffff);
	assert_int_equal(get(0x10), 0x1afff); /* neither delivery status nor remote IRR */
	assert_int_equal(get(0x11), 0xff000000);
	assert_int_equal(get(0x12), 0x10000);
	put(0x40, 0xffffffff); /* past the table */
	put(0xff, 0xffffffff);
	assert_int_equal(get(0x40), 0);
	assert_int_equal(get(0x0f), 0);
	assert_int_equal(get(0x3f), 0);
	put(0x3f, 0x12345678);
	assert_int_equal(get(0x3f), 0x12000000);
	vioapic_mmio_write(&io, 0, 4, 0x12345601);
	assert_int_equal(vioapic_mmio_read(&io, 0, 4), 1);
	vioapic_mmio_write(&io, 0x40, 4, 0x30); /* version 0x11 has no EOI register */
	assert_int_equal(vioapic_mmio_read(&io, 0x40, 4), 0);
	assert_int_equal(delivered, 0);
}

static void test_narrow(void **state)
{
	(void)state;
	put(0x10, 0x1a7b3);
	assert_int_equal(vioapic_mmio_read(&io, 0x10, 1), 0xb3);
	assert_int_equal(vioapic_mmio_read(&io, 0x11, 1), 0xa7);
	assert_int_equal(vioapic_mmio_read(&io, 0x12, 2), 0x0001);
	vioapic_mmio_write(&io, 0x10, 1, 0xffffff44);
	assert_int_equal(get(0x10), 0x1a744);
	vioapic_mmio_write(&io, 0x11, 1, 0x00);
	assert_int_equal(get(0x10), 0x10044);
	vioapic_mmio_write(&io, 0x10, 2, 0x0155);
	assert_int_equal(get(0x10), 0x10155);
	vioapic_mmio_write(&io, 0, 1, 0xff01);
	assert_int_equal(vioapic_mmio_read(&io, 0x10, 4), 0x170011);
	vioapic_mmio_write(&io, 1, 1, 0x55); /* the other bytes of IOREGSEL hold nothing */
	assert_int_equal(vioapic_mmio_read(&io, 0, 4), 1);
	assert_int_equal(vioapic_mmio_read(&io, 0x14, 4), 0);
}

static void test_edge(void **state)
{
	(void)state;
	entry(4, 0x44 | PUT(IOAPIC_DEST, 3));
	vioapic_set_line(&io, 4, true);
	assert_int_equal(delivered, 1);
	assert_int_equal(last.vector, 0x44);
	assert_int_equal(last.dest, 3);
	assert_int_equal(last.mode, APIC_FIXED);
	assert_false(last.logical || last.level);
	assert_false(remote_irr(4));
	vioapic_set_line(&io, 4, true); /* no new edge */
	assert_int_equal(delivered, 1);
	vioapic_set_line(&io, 4, false);
	assert_int_equal(delivered, 1);
	vioapic_set_line(&io, 4, true); /* no EOI is needed in between */
	assert_int_equal(delivered, 2);
	vioapic_eoi(&io, 0x44);
	assert_int_equal(delivered, 2);
	/* an edge while masked is lost, also where the input stays asserted */
	vioapic_set_line(&io, 4, false);
	entry(4, 0x44 | IOAPIC_MASKED);
	vioapic_set_line(&io, 4, true);
	entry(4, 0x44);
	assert_int_equal(delivered, 2);
	vioapic_set_line(&io, 24, true); /* no such inputs */
	vioapic_set_line(&io, 36, true);
	assert_int_equal(delivered, 2);
	assert_int_equal(io.lines, 1 << 4);
}

static void test_level(void **state)
{
	(void)state;
	entry(9, 0x49 | IOAPIC_LEVEL | IOAPIC_ACTIVE_LOW | IOAPIC_LOGICAL | PUT(IOAPIC_MODE, APIC_LOWEST) |
			 PUT(IOAPIC_DEST, 0xff));
	vioapic_set_line(&io, 9, true);
	assert_int_equal(delivered, 1);
	assert_int_equal(last.dest, APIC_BROADCAST);
	assert_int_equal(last.mode, APIC_LOWEST);
	assert_true(last.logical && last.level);
	assert_true(remote_irr(9));
	vioapic_set_line(&io, 9, false); /* toggling under remote IRR delivers nothing */
	vioapic_set_line(&io, 9, true);
	assert_int_equal(delivered, 1);
	vioapic_eoi(&io, 0x48); /* another's */
	assert_true(remote_irr(9));
	vioapic_eoi(&io, 0x49); /* still asserted: again */
	assert_int_equal(delivered, 2);
	assert_true(remote_irr(9));
	vioapic_set_line(&io, 9, false);
	vioapic_eoi(&io, 0x49);
	assert_int_equal(delivered, 2);
	assert_false(remote_irr(9));
	vioapic_set_line(&io, 9, true);
	assert_int_equal(delivered, 3);
}

static void test_level_masked(void **state)
{
	const u64 e = 0x50 | IOAPIC_LEVEL;

	(void)state;
	entry(5, e | IOAPIC_MASKED);
	vioapic_set_line(&io, 5, true);
	assert_int_equal(delivered, 0);
	entry(5, e); /* unmasking delivers what waits */
	assert_int_equal(delivered, 1);
	/* an EOI while masked: delivered at the next unmasking, once */
	entry(5, e | IOAPIC_MASKED);
	assert_true(remote_irr(5));
	vioapic_eoi(&io, 0x50);
	assert_false(remote_irr(5));
	assert_int_equal(delivered, 1);
	entry(5, e);
	assert_int_equal(delivered, 2);
	entry(5, e);
	assert_int_equal(delivered, 2);
	/* gone before the unmasking */
	entry(5, e | IOAPIC_MASKED);
	vioapic_eoi(&io, 0x50);
	vioapic_set_line(&io, 5, false);
	entry(5, e);
	assert_int_equal(delivered, 2);
	/* writing it as an edge and back clears remote IRR, which delivers again while it is asserted */
	vioapic_set_line(&io, 5, true);
	assert_int_equal(delivered, 3);
	entry(5, (e & ~IOAPIC_LEVEL) | IOAPIC_MASKED);
	assert_false(remote_irr(5));
	entry(5, e);
	assert_int_equal(delivered, 4);
	assert_true(remote_irr(5));
	/* a guest's write cannot set or clear it */
	put(0x1a, (u32)(e & ~IOAPIC_REMOTE_IRR));
	assert_true(remote_irr(5));
	put(0x1b, 0x07000000);
	assert_true(remote_irr(5));
	assert_int_equal(delivered, 4);
}

static void test_shared_vector(void **state)
{
	(void)state;
	entry(10, 0x60 | IOAPIC_LEVEL);
	entry(11, 0x60 | IOAPIC_LEVEL);
	entry(12, 0x60);
	vioapic_set_line(&io, 10, true);
	vioapic_set_line(&io, 11, true);
	vioapic_set_line(&io, 12, true);
	assert_int_equal(delivered, 3);
	vioapic_set_line(&io, 10, false);
	vioapic_eoi(&io, 0x60);
	assert_false(remote_irr(10));
	assert_true(remote_irr(11));
	assert_int_equal(delivered, 4);
}

static void test_refused(void **state)
{
	(void)state;
	accepts = false;
	entry(3, 0x33 | IOAPIC_LEVEL);
	vioapic_set_line(&io, 3, true);
	assert_int_equal(delivered, 1);
	assert_false(remote_irr(3)); /* nobody will send the EOI */
	accepts = true;
	vioapic_set_line(&io, 3, true); /* a device model that repeats itself is heard */
	assert_int_equal(delivered, 2);
	assert_true(remote_irr(3));
}

static void test_other_modes(void **state)
{
	static const u8 modes[] = { APIC_SMI, APIC_NMI, APIC_INIT, APIC_EXTINT };

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(modes); k++) {
		entry(6, IOAPIC_LEVEL | PUT(IOAPIC_MODE, modes[k]));
		delivered = 0;
		vioapic_set_line(&io, 6, true);
		assert_int_equal(delivered, 1);
		assert_int_equal(last.mode, modes[k]);
		assert_false(last.level); /* edges, whatever the entry says */
		assert_false(remote_irr(6));
		vioapic_set_line(&io, 6, true);
		assert_int_equal(delivered, 1);
		vioapic_set_line(&io, 6, false);
	}
}

static void test_eoi_vectors(void **state)
{
	u64 v[4];

	(void)state;
	entry(1, 0x31);
	entry(2, 0x3f | IOAPIC_LEVEL | IOAPIC_MASKED); /* may still be in service */
	entry(3, 0xff | IOAPIC_LEVEL);
	entry(4, 0x80 | IOAPIC_LEVEL | PUT(IOAPIC_MODE, APIC_NMI));
	vioapic_eoi_vectors(&io, v);
	assert_int_equal(v[0], BIT(63));
	assert_int_equal(v[1], 0);
	assert_int_equal(v[2], 0);
	assert_int_equal(v[3], BIT(63));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_registers, setup),
		cmocka_unit_test_setup(test_narrow, setup),
		cmocka_unit_test_setup(test_edge, setup),
		cmocka_unit_test_setup(test_level, setup),
		cmocka_unit_test_setup(test_level_masked, setup),
		cmocka_unit_test_setup(test_shared_vector, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_other_modes, setup),
		cmocka_unit_test_setup(test_eoi_vectors, setup),
	};

	return cmocka_run_group_tests_name("vioapic", tests, NULL, NULL);
}
