/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O ports, I/O APIC lines and MMIO pages of the devices that the control domain models: the same
 * numbers for whoever claims the ranges, for the device models and for the ACPI tables that tell the guest.
 */
#ifndef CONTROL_PORTS_H
#define CONTROL_PORTS_H

#define PORT_RESET_KBD	    0x64 /* command port of a keyboard controller that is not there: 0xfe resets */
#define PORT_RTC	    0x70 /* index, data */
#define PORT_RTC_COUNT	    2
#define PORT_EXIT	    0xf4 /* any width: the value is the domain's exit code */
#define PORT_EXIT_COUNT	    4
#define PORT_UART	    0x3f8
#define PORT_UART_COUNT	    8
#define PORT_FWCFG	    0x510 /* selector, data */
#define PORT_FWCFG_COUNT    2
#define PORT_SLEEP_CONTROL  0x600
#define PORT_SLEEP_STATUS   0x601
#define PORT_SLEEP_COUNT    2
#define PORT_PMTIMER	    0x608 /* 32 bits */
#define PORT_PMTIMER_COUNT  4
#define PORT_RESET	    0xcf9  /* 6: reset */
#define PORT_TESTDEV	    0x2000 /* one byte a line */
#define PORT_TESTDEV_COUNT  0x18
#define MMIO_TESTDEV	    0xfeb00000ull
#define MMIO_TESTDEV_SIZE   0x1000ull
#define MMIO_TESTDEV_POSTED 0x800ull /* from this offset on, writes are declared posted */

#define IRQ_UART 4
#define IRQ_RTC	 8
#define IRQ_GED	 9 /* the generic event device: the power button */

#define IOAPIC_BASE  0xfec00000ull
#define IOAPIC_LINES 24
#define LAPIC_BASE   0xfee00000ull

#define RESET_VALUE	0x06
#define RESET_KBD_VALUE 0xfe
#define ACPI_SLP_TYP_S5 5

#endif
