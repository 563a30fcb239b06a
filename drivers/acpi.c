/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/acpi.h"
#include "hv/log.h"
#include "hv/string.h"

#define TABLE_MAX  (1u << 20) /* no honest table is larger */
#define TABLES_MAX 256

struct sdt {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
} __packed;
_Static_assert(sizeof(struct sdt) == 36, "ACPI: System Description Table Header");

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt, length;
	u64 xsdt;
	u8 checksum2, rsvd[3];
} __packed;
_Static_assert(sizeof(struct rsdp) == 36, "ACPI: RSDP Structure");

typedef const void *map_fn(hpa_t pa, u64 bytes);

static bool sum_ok(const void *p, u32 n)
{
	const u8 *b = p;
	u8 sum = 0;

	while (n--)
		sum += *b++;
	return sum == 0;
}

/* Little-endian field of a table, 0 where the table ends before it. */
static u64 field(const struct sdt *t, u32 offset, u32 bytes)
{
	u64 v = 0;

	if (offset + bytes <= t->length)
		memcpy(&v, (const u8 *)t + offset, bytes);
	return v;
}

/* A whole, checked table at pa, or NULL. */
static const struct sdt *table_map(u64 pa, map_fn *map)
{
	const struct sdt *head = pa ? map(HPA(pa), sizeof(*head)) : NULL, *t = NULL;
	u32 length = head ? head->length : 0;

	if (!head)
		return NULL;
	if (length >= sizeof(*t) && length <= TABLE_MAX)
		t = map(HPA(pa), length);
	if (!t || !sum_ok(t, length)) {
		log_warn("ACPI table '%.4s' at %#lx (length %u) is broken: left out", head->signature, pa,
			 length);
		return NULL;
	}
	return t;
}

/* ---- MADT ---- */
enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_ISO = 2, MADT_LAPIC_ADDR = 5, MADT_X2APIC = 9 };
#define MADT_ENABLED BIT(0)

static void add_cpu(struct acpi_info *a, u32 apic_id, u32 flags)
{
	if (!(flags & MADT_ENABLED))
		return;
	for (u32 i = 0; i < a->cpu_count; i++) {
		if (a->cpu_apic_id[i] == apic_id) /* listed in both forms */
			return;
	}
	if (a->cpu_count < ACPI_CPUS_MAX)
		a->cpu_apic_id[a->cpu_count++] = apic_id;
}

static void madt_entry(struct acpi_info *a, const struct sdt *t, u32 at, u32 type, u32 len)
{
	if (type == MADT_LAPIC && len >= 8) {
		if (field(t, at + 3, 1) != 0xff)
			add_cpu(a, (u32)field(t, at + 3, 1), (u32)field(t, at + 4, 4));
	} else if (type == MADT_X2APIC && len >= 16) {
		if (field(t, at + 4, 4) != 0xffffffff)
			add_cpu(a, (u32)field(t, at + 4, 4), (u32)field(t, at + 8, 4));
	} else if (type == MADT_IOAPIC && len >= 12 && a->ioapic_count < ACPI_IOAPICS_MAX) {
		a->ioapic[a->ioapic_count].base = (u32)field(t, at + 4, 4);
		a->ioapic[a->ioapic_count++].gsi_base = (u32)field(t, at + 8, 4);
	} else if (type == MADT_ISO && len >= 10 && a->iso_count < ACPI_ISOS_MAX) {
		a->iso[a->iso_count].irq = (u8)field(t, at + 3, 1);
		a->iso[a->iso_count].gsi = (u32)field(t, at + 4, 4);
		a->iso[a->iso_count++].flags = (u16)field(t, at + 8, 2);
	} else if (type == MADT_LAPIC_ADDR && len >= 12) {
		a->lapic_base = field(t, at + 4, 8);
	}
}

static void parse_madt(struct acpi_info *a, const struct sdt *t)
{
	a->lapic_base = field(t, 36, 4);
	for (u32 at = 44, len; at + 2 <= t->length; at += len) {
		len = (u32)field(t, at + 1, 1);
		if (len < 2 || len > t->length - at) {
			log_warn("ACPI MADT: an entry at offset %u with length %u: the rest is left out", at,
				 len);
			return;
		}
		madt_entry(a, t, at, (u32)field(t, at, 1), len);
	}
}

/* ---- FADT and DSDT ---- */
#define FADT_RESET_REG_SUP BIT(10)
#define FADT_HW_REDUCED	   BIT(20)

static struct acpi_gas gas_field(const struct sdt *t, u32 offset)
{
	return (struct acpi_gas){ (u8)field(t, offset, 1), field(t, offset + 4, 8) };
}

/* The extended block where it is given, else the old port. */
static struct acpi_gas gas_or_port(const struct sdt *t, u32 x_offset, u32 port_offset)
{
	struct acpi_gas g = gas_field(t, x_offset);
	u64 port = field(t, port_offset, 4);

	return g.addr ? g : (struct acpi_gas){ ACPI_SPACE_IO, port };
}

/* An integer object of AML: Zero, One, Ones, BytePrefix, WordPrefix, DWordPrefix.
 * Returns its bytes, 0: something else. */
static u32 aml_integer(const u8 *p, const u8 *end, u8 *value)
{
	u32 n = 1;

	if (p >= end)
		return 0;
	if (*p >= 0x0a && *p <= 0x0c) /* 2, 3, 5 bytes with the prefix; the lowest of the value comes first */
		n += 1u << (*p - 0x0a);
	else if (*p != 0x00 && *p != 0x01 && *p != 0xff)
		return 0;
	if ((size_t)(end - p) < n)
		return 0;
	*value = p[n > 1] & 7; /* SLP_TYP has three bits */
	return n;
}

/* Name (\_S5_, Package () { SLP_TYPa, SLP_TYPb, ... }): found by its bytes, no interpreter. p: PackageOp,
 * "Package Length Encoding", NumElements, the elements. */
static bool parse_s5_at(struct acpi_info *a, const u8 *p, const u8 *end)
{
	u32 n;

	if (end - p < 3 || p[0] != 0x12)
		return false;
	p += 2 + (p[1] >> 6) + 1;
	n = aml_integer(p, end, &a->s5_a);
	if (n == 0)
		return false;
	if (aml_integer(p + n, end, &a->s5_b) == 0)
		a->s5_b = a->s5_a;
	return true;
}

static void parse_dsdt(struct acpi_info *a, const struct sdt *t)
{
	const u8 *p = (const u8 *)t + sizeof(*t), *end = (const u8 *)t + t->length;

	for (; end - p > 6 && !a->have_s5; p++) {
		const u8 *name = p + (p[1] == '\\' ? 2 : 1); /* perhaps a root prefix */

		if (*p == 0x08 && memcmp(name, "_S5_", 4) == 0) /* NameOp */
			a->have_s5 = parse_s5_at(a, name + 4, end);
	}
}

static void parse_fadt(struct acpi_info *a, const struct sdt *t, map_fn *map)
{
	u32 flags = (u32)field(t, 112, 4);
	const struct sdt *dsdt;

	a->century = (u8)field(t, 108, 1);
	if (flags & FADT_RESET_REG_SUP) {
		a->reset = gas_field(t, 116);
		a->reset_value = (u8)field(t, 128, 1);
	}
	if (flags & FADT_HW_REDUCED) {
		a->sleep = gas_field(t, 244);
	} else {
		a->pm1a_cnt = gas_or_port(t, 172, 64);
		a->pm1b_cnt = gas_or_port(t, 184, 68);
		a->pm_timer = gas_or_port(t, 208, 76);
	}
	dsdt = table_map(field(t, 140, 8) ? field(t, 140, 8) : field(t, 40, 4), map);
	if (dsdt && memcmp(dsdt->signature, "DSDT", 4) == 0)
		parse_dsdt(a, dsdt);
}

/* "Serial Port Console Redirection Table": interface type, generic address, baud rate. */
static void parse_spcr(struct acpi_info *a, const struct sdt *t, struct acpi_gas g)
{
	enum { FULL_16550 = 0, DBGP_16550 = 1, GAS_16550 = 0x12 };
	static const u32 baud[] = { [3] = 9600, [4] = 19200, [6] = 57600, [7] = 115200 };
	u8 type = (u8)field(t, 36, 1), rate = (u8)field(t, 58, 1);
	bool wide = field(t, 41, 1) == 32 || field(t, 43, 1) == 3; /* registers; accesses */
	bool mmio = g.space == ACPI_SPACE_MEMORY;

	if ((type != FULL_16550 && type != DBGP_16550 && type != GAS_16550) || g.space > ACPI_SPACE_IO ||
	    g.addr > (mmio ? BIT(52) - PAGE_SIZE : 0xfff8))
		return;
	a->spcr = (struct uart_where){ g.addr, NULL, mmio, wide ? 4 : 1,
				       rate < ARRAY_SIZE(baud) ? baud[rate] : 0 };
}

static void parse_table(struct acpi_info *a, u64 pa, map_fn *map)
{
	const struct sdt *t = table_map(pa, map);
	struct acpi_gas g;

	if (!t)
		return;
	g = gas_field(t, 40); /* where HPET and SPCR have their registers' */
	if (memcmp(t->signature, "APIC", 4) == 0) {
		parse_madt(a, t);
	} else if (memcmp(t->signature, "FACP", 4) == 0) {
		parse_fadt(a, t, map);
	} else if (memcmp(t->signature, "HPET", 4) == 0) {
		a->hpet_base = g.space == ACPI_SPACE_MEMORY ? g.addr : 0;
	} else if (memcmp(t->signature, "SPCR", 4) == 0) {
		parse_spcr(a, t, g);
	}
}

const char *acpi_parse(const void *rsdp, u32 rsdp_size, map_fn *map, struct acpi_info *a)
{
	const struct sdt *root = NULL;
	struct rsdp r = { 0 };
	u32 width = 8, n;

	memset(a, 0, sizeof(*a));
	memcpy(&r, rsdp, MIN(rsdp_size, (u32)sizeof(r)));
	if (rsdp_size < 20 || memcmp(r.signature, "RSD PTR ", 8) != 0)
		return "the RSDP has no signature";
	if (!sum_ok(&r, 20))
		return "the RSDP has a wrong checksum";
	if (r.revision >= 2 && rsdp_size >= sizeof(r) && r.xsdt) {
		if (r.length < sizeof(r) || !sum_ok(&r, sizeof(r)))
			log_warn("ACPI: the second half of the RSDP has a wrong checksum: the RSDT is used");
		else
			root = table_map(r.xsdt, map);
		if (root && memcmp(root->signature, "XSDT", 4) != 0)
			root = NULL;
	}
	if (!root) {
		root = table_map(r.rsdt, map);
		width = 4;
		if (!root || memcmp(root->signature, "RSDT", 4) != 0)
			return "neither XSDT nor RSDT is whole";
	}
	n = (root->length - (u32)sizeof(*root)) / width;
	for (u32 i = 0; i < MIN(n, TABLES_MAX); i++)
		parse_table(a, field(root, (u32)sizeof(*root) + i * width, width), map);
	if (a->cpu_count == 0)
		return "no MADT that lists a processor";
	return NULL;
}
