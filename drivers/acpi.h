/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Caisson needs of the firmware's ACPI tables. (T)  Every table is checked (signature, length, checksum)
 * before it is believed, and what is copied out is all that is kept. ACPI specification 6.5, "Root System
 * Description Pointer", "Multiple APIC Description Table (MADT)", "Fixed ACPI Description Table (FADT)", "_Sx
 * (System States)"; "IA-PC HPET Specification"; Microsoft's SPCR.
 */
#ifndef DRIVERS_ACPI_H
#define DRIVERS_ACPI_H

#include "drivers/uart.h"

#define ACPI_CPUS_MAX	 512
#define ACPI_IOAPICS_MAX 16
#define ACPI_ISOS_MAX	 32

enum { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_IO = 1 };

/* "Generic Address Structure" */
struct acpi_gas {
	u8 space;
	u64 addr; /* 0: not there */
};

struct acpi_info {
	/* MADT */
	u64 lapic_base;
	u32 cpu_count;
	u32 cpu_apic_id[ACPI_CPUS_MAX]; /* of the enabled ones, in the table's order */
	u32 ioapic_count;
	struct {
		u32 base, gsi_base;
	} ioapic[ACPI_IOAPICS_MAX];
	u32 iso_count;
	struct {
		u8 irq;
		u16 flags; /* MPS INTI flags: polarity 1:0, trigger 3:2 */
		u32 gsi;
	} iso[ACPI_ISOS_MAX];
	/* FADT */
	struct acpi_gas pm1a_cnt, pm1b_cnt, pm_timer, reset,
		sleep;		 /* sleep: hardware-reduced machines have it */
	u8 reset_value, century; /* century: CMOS index, 0: none */
	/* \_S5_ in the DSDT */
	bool have_s5;
	u8 s5_a, s5_b;		/* SLP_TYP for PM1a and PM1b */
	u64 hpet_base;		/* 0: none */
	struct uart_where spcr; /* addr 0: none, or no 16550; regs is not filled in */
};

/* map gives `bytes` at a physical address, or NULL; what it gives is not kept. rsdp: 20 or 36 bytes. NULL, or
 * a sentence that says what is wrong; a table that is not there or broken and that one can live without is no
 * error: its members are 0. */
const char *acpi_parse(const void *rsdp, u32 rsdp_size, const void *(*map)(hpa_t pa, u64 bytes),
		       struct acpi_info *out);

#endif
