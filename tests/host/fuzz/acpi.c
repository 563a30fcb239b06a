/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware's ACPI tables.
 * The input is a machine's memory from 0xe0000 on, the root pointer first; sums are made right. */
#include "drivers/acpi.h"
#include "hv/log.h"
#include "tests/host/fuzz/fuzz.h"

#define BASE 0xe0000u

static const u8 *mem;
static size_t bytes;
static u8 *given[1024];
static u32 count;

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level, (void)fmt;
}

static void sum(u8 *p, size_t n, size_t at)
{
	u8 s = 0;

	p[at] = 0;
	for (size_t i = 0; i < n; i++)
		s = (u8)(s + p[i]);
	p[at] = (u8)-s;
}

static u32 load_length(const u8 *table)
{
	u32 n;

	memcpy(&n, table + 4, 4);
	return n;
}

/* A copy of its very size, so that a read beyond is seen. */
static const void *map(hpa_t pa, u64 n)
{
	u8 *p;

	if (pa.v < BASE || n > bytes || pa.v - BASE > bytes - n || count == ARRAY_SIZE(given))
		return NULL;
	p = given[count++] = malloc(n ? n : 1);
	memcpy(p, mem + (pa.v - BASE), n);
	if (n > 36 && load_length(p) == n)
		sum(p, n, 9);
	return p;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct acpi_info info;
	u8 *rsdp;
	u32 n = size > 36 && (data[15] & 2) ? 36 : 20;

	if (size < n)
		return 0;
	mem = data;
	bytes = size;
	count = 0;
	rsdp = malloc(n);
	memcpy(rsdp, data, n);
	memcpy(rsdp, "RSD PTR ", 8);
	sum(rsdp, 20, 8);
	if (n == 36)
		sum(rsdp, 36, 32);
	memset(&info, 0, sizeof(info));
	if (!acpi_parse(rsdp, n, map, &info))
		HOLDS(info.cpu_count <= ACPI_CPUS_MAX && info.ioapic_count <= ACPI_IOAPICS_MAX &&
		      info.iso_count <= ACPI_ISOS_MAX);
	free(rsdp);
	while (count)
		free(given[--count]);
	return 0;
}
