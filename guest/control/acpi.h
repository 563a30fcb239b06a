/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ACPI tables of a domain (T): what a guest finds between 0xe0000 and 0xfffff. Standard: ACPI 6.5.
 *
 * One hardware-reduced machine: RSDP, RSDT, XSDT, FADT, MADT, DSDT; no FACS (hardware-reduced machines may
 * leave it out), no HPET, no PCI.
 */
#ifndef CONTROL_ACPI_H
#define CONTROL_ACPI_H

#include "guest/lib/types.h"

#define ACPI_VCPUS_MAX 1024

/*
 * Fills `buf` (MEMMAP_TABLES_SIZE bytes, which appear at MEMMAP_TABLES_START) for a domain with vCPUs 1 to
 * ACPI_VCPUS_MAX, whose APIC IDs are their numbers. Returns the RSDP's gpa, or 0 when `vcpus` is out of
 * range; *used: how many of the bytes hold something.
 */
u64 acpi_build(u8 *buf, unsigned vcpus, size_t *used);

#endif
