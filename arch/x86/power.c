/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/asm.h"
#include "arch/x86/hostmap.h"
#include "arch/x86/power.h"
#include "drivers/io.h"
#include "hv/arch.h"
#include "hv/console.h"
#include "hv/log.h"
#include "hv/panic.h"

/* ACPI, "PM1 Control Registers" */
#define PM1_SLP_TYP MASK(12, 10)
#define PM1_SLP_EN  BIT(13)
#define PM1_SCI_EN  BIT(0)
/* "Sleep Control and Status Registers" */
#define SLEEP_TYP      MASK(4, 2)
#define SLEEP_EN       BIT(5)
#define RESET_CONTROL  0xcf9
#define DEBUG_EXIT     0xf4    /* QEMU's isa-debug-exit */
#define BOCHS_SHUTDOWN 0x8900  /* Bochs, and Bochs's BIOS */
#define SETTLE	       2000000 /* polls until a machine that heard has stopped */

static struct acpi_info acpi; /* only its power registers */

static void map(struct acpi_gas *reg)
{
	if (reg->addr && reg->space == ACPI_SPACE_MEMORY)
		reg->addr = (u64)mmio_map(HPA(reg->addr), 1);
}

void power_init(const struct acpi_info *a)
{
	acpi = *a;
	map(&acpi.reset);
	map(&acpi.sleep);
}

static void write(const struct acpi_gas *reg, u64 v)
{
	if (reg->addr && reg->space == ACPI_SPACE_MEMORY)
		*(volatile u8 *)reg->addr = (u8)v;
	else if (reg->addr && reg->space == ACPI_SPACE_IO)
		out8((u16)reg->addr, (u8)v);
}

static void settle(void)
{
	for (u32 i = 0; i < SETTLE; i++)
		in8(0x80);
}

static void pm1_sleep(const struct acpi_gas *cnt, u8 type)
{
	u16 port = (u16)cnt->addr;

	if (port && cnt->space == ACPI_SPACE_IO)
		out16(port, (u16)((in16(port) & PM1_SCI_EN) | PUT(PM1_SLP_TYP, type) | PM1_SLP_EN));
}

void power_emulator_exit(void)
{
	for (const char *s = "Shutdown"; *s; s++)
		out8(BOCHS_SHUTDOWN, (u8)*s);
	out32(DEBUG_EXIT, 1);
}

/* Nobody runs a guest any more, and the last line is out. */
static void quiesce(void)
{
	irq_off();
	if (!panic_active())
		arch_panic_stop_others();
	console_flush(true);
}

void arch_poweroff(void)
{
	quiesce();
	if (acpi.have_s5) {
		pm1_sleep(&acpi.pm1a_cnt, acpi.s5_a);
		pm1_sleep(&acpi.pm1b_cnt, acpi.s5_b);
		write(&acpi.sleep, PUT(SLEEP_TYP, acpi.s5_a) | SLEEP_EN);
		settle();
	}
	power_emulator_exit();
	log_line(LOG_ERR, "the machine does not switch itself off: it is safe to do it by hand");
	console_flush(true);
	arch_panic_halt();
}

void arch_reboot(void)
{
	static const struct desc_ptr none = { 0, 0 };

	quiesce();
	write(&acpi.reset, acpi.reset_value);
	settle();
	out8(RESET_CONTROL, 0x02); /* "Reset Control Register": a hard reset with bit 2's change to one */
	out8(RESET_CONTROL, 0x06);
	settle();
	lidt(&none); /* and if all fails: no handler for #UD, none for #DF */
	for (;;)
		__asm__ volatile("ud2");
}
