/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include "drivers/acpi.h"
#include "hv/log.h"
#include "hv/string.h"
#include <cmocka.h>

static u32 warnings;

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
	warnings++;
}

/* ---- a machine's memory from 0xe0000 on; what is mapped is copied to exactly so many bytes, so that a read
 * beyond is caught ---- */
#define BASE 0xe0000u
static u8 mem[65536];
static u32 used;
static void *mapped[4096];
static u32 maps;

static const void *map(hpa_t pa, u64 bytes)
{
	if (pa.v < BASE || bytes > sizeof(mem) || pa.v - BASE > sizeof(mem) - bytes ||
	    maps == ARRAY_SIZE(mapped))
		return NULL;
	mapped[maps] = malloc(bytes);
	memcpy(mapped[maps], mem + (pa.v - BASE), bytes);
	return mapped[maps++];
}

static void fix_sum(u32 at, u32 n, u32 sum_at)
{
	u8 sum = 0;

	mem[at + sum_at] = 0;
	for (u32 i = 0; i < n; i++)
		sum += mem[at + i];
	mem[at + sum_at] = (u8)-sum;
}

/* Adds a table; returns its physical address. */
static u32 table(const char *signature, const void *body, u32 n)
{
	u32 at = used, length = 36 + n;

	memset(mem + at, 0, 36);
	memcpy(mem + at, signature, 4);
	memcpy(mem + at + 4, &length, 4);
	memcpy(mem + at + 36, body, n);
	fix_sum(at, length, 9);
	used = ALIGN_UP(at + length, 16u);
	return BASE + at;
}

static u8 rsdp[36];
static struct acpi_info info;

static void make_rsdp(u32 rsdt, u64 xsdt)
{
	u32 n = 36;
	u8 s = 0;

	memset(rsdp, 0, sizeof(rsdp));
	memcpy(rsdp, "RSD PTR ", 8);
	rsdp[15] = xsdt ? 2 : 0;
	memcpy(rsdp + 16, &rsdt, 4);
	memcpy(rsdp + 20, &n, 4);
	memcpy(rsdp + 24, &xsdt, 8);
	for (u32 i = 0; i < 20; i++)
		s += rsdp[i];
	rsdp[8] = (u8)-s;
	s = 0;
	for (u32 i = 0; i < 36; i++)
		s += rsdp[i];
	rsdp[32] = (u8)-s;
}

static const char *parse(u32 rsdp_size)
{
	const char *wrong;

	maps = warnings = 0;
	wrong = acpi_parse(rsdp, rsdp_size, map, &info);
	while (maps)
		free(mapped[--maps]);
	return wrong;
}

static void reset(void)
{
	memset(mem, 0, sizeof(mem));
	used = 0;
}

static const u8 madt_body[] = {
	0,  0,	0xe0, 0xfe, 1,	  0,	0,    0,			       /* address, flags */
	0,  8,	0,    0,    1,	  0,	0,    0,			       /* CPU, id 0, enabled */
	0,  8,	1,    2,    1,	  0,	0,    0,			       /* id 2 */
	0,  8,	2,    4,    0,	  0,	0,    0,			       /* id 4, not enabled */
	0,  8,	3,    0xff, 1,	  0,	0,    0,			       /* no id */
	9,  16, 0,    0,    2,	  0,	0,    0,    1,	  0, 0, 0, 0, 0, 0, 0, /* x2APIC id 2 again */
	9,  16, 0,    0,    0x34, 0x12, 0,    0,    1,	  0, 0, 0, 0, 0, 0, 0, /* x2APIC id 0x1234 */
	1,  12, 5,    0,    0,	  0,	0xc0, 0xfe, 0x10, 0, 0, 0,	       /* I/O APIC */
	2,  10, 0,    4,    9,	  0,	0,    0,    0x0f, 0,	   /* IRQ 4 on GSI 9, level, low */
	77, 3,	1,						   /* unknown */
	5,  12, 0,    0,    0,	  0,	0xe1, 0xfe, 1,	  0, 0, 0, /* local APIC at 0x1fee10000 */
};

static u32 xsdt_of(const u64 *tables, u32 n)
{
	return table("XSDT", tables, 8 * n);
}

static u32 rsdt_of(const u32 *tables, u32 n)
{
	return table("RSDT", tables, 4 * n);
}

static void test_madt(void **state)
{
	u64 x[2];

	(void)state;
	reset();
	x[0] = table("APIC", madt_body, sizeof(madt_body));
	x[1] = 0; /* an empty slot */
	make_rsdp(0, xsdt_of(x, 2));
	assert_null(parse(36));
	assert_int_equal(info.cpu_count, 3);
	assert_int_equal(info.cpu_apic_id[0], 0);
	assert_int_equal(info.cpu_apic_id[1], 2);
	assert_int_equal(info.cpu_apic_id[2], 0x1234);
	assert_int_equal(info.ioapic_count, 1);
	assert_int_equal(info.ioapic[0].base, 0xfec00000);
	assert_int_equal(info.ioapic[0].gsi_base, 16);
	assert_int_equal(info.iso_count, 1);
	assert_int_equal(info.iso[0].irq, 4);
	assert_int_equal(info.iso[0].gsi, 9);
	assert_int_equal(info.iso[0].flags, 15);
	assert_int_equal(info.lapic_base, 0x1fee10000);
}

static void test_madt_broken_entries(void **state)
{
	u8 body[sizeof(madt_body) + 8];
	u64 x;

	(void)state;
	for (u32 len = 0; len < 2; len++) { /* would never end */
		reset();
		memcpy(body, madt_body, sizeof(madt_body));
		body[17] = (u8)len;
		x = table("APIC", body, sizeof(madt_body));
		make_rsdp(0, xsdt_of(&x, 1));
		assert_null(parse(36));
		assert_int_equal(info.cpu_count, 1);
		assert_int_equal(warnings, 1);
	}
	reset();
	body[17] = 200; /* beyond the table */
	x = table("APIC", body, sizeof(madt_body));
	make_rsdp(0, xsdt_of(&x, 1));
	assert_null(parse(36));
	assert_int_equal(info.cpu_count, 1);
}

static void test_many_cpus(void **state)
{
	static u8 body[8 + 600 * 16];
	u64 x;

	(void)state;
	reset();
	for (u32 i = 0; i < 600; i++) {
		u8 *e = body + 8 + i * 16;

		e[0] = 9, e[1] = 16, e[8] = 1;
		memcpy(e + 4, &i, 4);
	}
	x = table("APIC", body, sizeof(body));
	make_rsdp(0, xsdt_of(&x, 1));
	assert_null(parse(36));
	assert_int_equal(info.cpu_count, ACPI_CPUS_MAX);
}

static void test_roots(void **state)
{
	u32 madt, rsdt, x32[1];
	u64 x[1], xsdt;

	(void)state;
	reset();
	madt = table("APIC", madt_body, sizeof(madt_body));
	x32[0] = madt, x[0] = madt;
	rsdt = rsdt_of(x32, 1);
	xsdt = xsdt_of(x, 1);
	make_rsdp(rsdt, 0); /* ACPI 1.0 */
	assert_null(parse(20));
	make_rsdp(rsdt, xsdt);
	assert_null(parse(20)); /* only 20 bytes of a new one: the RSDT */
	rsdp[32]++;		/* second checksum wrong: the RSDT */
	assert_null(parse(36));
	assert_int_equal(warnings, 1);
	make_rsdp(rsdt, xsdt);
	mem[xsdt - BASE + 12]++; /* the XSDT's own sum */
	assert_null(parse(36));
	make_rsdp(0, xsdt); /* and no RSDT */
	assert_non_null(__builtin_strstr(parse(36), "neither"));
	make_rsdp(madt, 0); /* points to another table */
	assert_non_null(__builtin_strstr(parse(36), "neither"));
	make_rsdp(0x1000, 0); /* nothing mapped there */
	assert_non_null(__builtin_strstr(parse(36), "neither"));
	make_rsdp(rsdt, 0);
	rsdp[0] = 'X';
	assert_non_null(__builtin_strstr(parse(36), "signature"));
	make_rsdp(rsdt, 0);
	rsdp[16]++;
	assert_non_null(__builtin_strstr(parse(36), "checksum"));
	assert_non_null(__builtin_strstr(parse(8), "signature"));
	mem[madt - BASE + 40]++; /* the MADT's sum */
	make_rsdp(rsdt, 0);
	assert_non_null(__builtin_strstr(parse(36), "MADT"));
}

static const u8 s5_zero[] = { 0x08, '_', 'S', '5', '_', 0x12, 6, 4, 0, 0, 0, 0 };
static const u8 s5_byte[] = { 0x08, '\\', '_', 'S', '5', '_', 0x12, 8, 4, 0x0a, 7, 0x0a, 5, 0, 0 };
static const u8 s5_long[] = { 0x10, 3,	  0x08, '_', 'S',  '5', '_', 0x12, 0x4b, 0,
			      4,    0x0b, 3,	0,   0x0c, 6,	0,   0,	   0 };
static const u8 s5_one[] = { 0x08, '_', 'S', '5', '_', 0x12, 3, 1, 1 };
static const u8 s5_name[] = { '_', 'S', '5', '_', 0x12, 6, 4, 0, 0, 0, 0 }; /* no NameOp: a reference */
static const u8 s5_cut[] = {
	0x08, '_', 'S', '5', '_', 0x12, 60, 4, 0, 0, 0, 0
}; /* says it is longer than the table */
static const u8 s5_call[] = {
	0x08, '_', 'S', '5', '_', 0x12, 7, 2, 'A', 'B', 'C', 'D', 0
}; /* not integers */

static const char *with_fadt(const u8 *dsdt, u32 dsdt_n, u8 *fadt, u32 fadt_n)
{
	u32 at;
	u64 x[2];

	reset();
	at = table("DSDT", dsdt, dsdt_n);
	memcpy(fadt + 4, &at, 4); /* DSDT, offset 40 */
	x[0] = table("APIC", madt_body, sizeof(madt_body));
	x[1] = table("FACP", fadt, fadt_n);
	make_rsdp(0, xsdt_of(x, 2));
	return parse(36);
}

static void test_s5(void **state)
{
	static const struct {
		const u8 *aml;
		u32 n;
		bool found;
		u8 a, b;
	} rows[] = {
		{ s5_zero, sizeof(s5_zero), true, 0, 0 },  { s5_byte, sizeof(s5_byte), true, 7, 5 },
		{ s5_long, sizeof(s5_long), true, 3, 6 },  { s5_one, sizeof(s5_one), true, 1, 1 },
		{ s5_name, sizeof(s5_name), false, 0, 0 }, { s5_cut, sizeof(s5_cut), true, 0, 0 },
		{ s5_call, sizeof(s5_call), false, 0, 0 },
	};
	u8 fadt[80] = { 0 };

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_null(with_fadt(rows[i].aml, rows[i].n, fadt, sizeof(fadt)));
		if (info.have_s5 != rows[i].found)
			fail_msg("row %u", i);
		if (rows[i].found) {
			assert_int_equal(info.s5_a, rows[i].a);
			assert_int_equal(info.s5_b, rows[i].b);
		}
		for (u32 n = 0; n < rows[i].n; n++) /* cut anywhere: no read beyond */
			assert_null(with_fadt(rows[i].aml, n, fadt, sizeof(fadt)));
	}
}

static void put_gas(u8 *fadt, u32 offset, u8 space, u64 addr)
{
	fadt[offset - 36] = space;
	fadt[offset - 36 + 1] = 8;
	memcpy(fadt + offset - 36 + 4, &addr, 8);
}

static void test_fadt(void **state)
{
	u8 fadt[268 - 36] = { 0 };
	u32 port = 0x604, flags = 1u << 10 | 1u << 8;

	(void)state;
	memcpy(fadt + 64 - 36, &port, 4); /* PM1a_CNT_BLK */
	port = 0x608;
	memcpy(fadt + 76 - 36, &port, 4); /* PM_TMR_BLK */
	fadt[108 - 36] = 0x32;
	assert_null(with_fadt(s5_zero, sizeof(s5_zero), fadt,
			      116 - 36)); /* ACPI 1.0: ends before the reset register */
	assert_int_equal(info.pm1a_cnt.addr, 0x604);
	assert_int_equal(info.pm1a_cnt.space, ACPI_SPACE_IO);
	assert_int_equal(info.pm1b_cnt.addr, 0);
	assert_int_equal(info.pm_timer.addr, 0x608);
	assert_int_equal(info.reset.addr, 0);
	assert_int_equal(info.century, 0x32);
	memcpy(fadt + 112 - 36, &flags, 4);
	put_gas(fadt, 116, ACPI_SPACE_IO, 0xcf9);
	fadt[128 - 36] = 6;
	put_gas(fadt, 172, ACPI_SPACE_IO, 0xb004);
	put_gas(fadt, 208, ACPI_SPACE_MEMORY, 0xfed80808);
	assert_null(with_fadt(s5_zero, sizeof(s5_zero), fadt, sizeof(fadt)));
	assert_int_equal(info.pm1a_cnt.addr, 0xb004); /* the extended one goes before */
	assert_int_equal(info.pm_timer.space, ACPI_SPACE_MEMORY);
	assert_int_equal(info.reset.addr, 0xcf9);
	assert_int_equal(info.reset_value, 6);
	assert_int_equal(info.sleep.addr, 0);
	fadt[112 - 36 + 2] |= 0x10; /* hardware-reduced: none of these, but a sleep register */
	put_gas(fadt, 244, ACPI_SPACE_MEMORY, 0xfea00200);
	assert_null(with_fadt(s5_zero, sizeof(s5_zero), fadt, sizeof(fadt)));
	assert_int_equal(info.pm1a_cnt.addr, 0);
	assert_int_equal(info.pm_timer.addr, 0);
	assert_int_equal(info.sleep.addr, 0xfea00200);
}

static void test_hpet_spcr_lengths(void **state)
{
	u8 hpet[20] = { 0 }, spcr[44] = { 0 };
	u64 x[4], base = 0xfed00000;
	u32 huge = 2 << 20;

	(void)state;
	reset();
	memcpy(hpet + 8, &base, 8);
	spcr[4] = ACPI_SPACE_IO, spcr[8] = 0xf8, spcr[9] = 2;
	x[0] = table("APIC", madt_body, sizeof(madt_body));
	x[1] = table("HPET", hpet, sizeof(hpet));
	x[2] = table("SPCR", spcr, sizeof(spcr));
	x[3] = table("HPET", hpet, 4); /* a second one, cut */
	make_rsdp(0, xsdt_of(x, 3));
	assert_null(parse(36));
	assert_int_equal(info.hpet_base, 0xfed00000);
	assert_int_equal(info.spcr.addr, 0x2f8);
	assert_false(info.spcr.mmio);
	make_rsdp(0, xsdt_of(x + 3, 1));
	assert_non_null(parse(36)); /* no MADT */
	assert_int_equal(info.hpet_base, 0);
	memcpy(mem + (x[1] - BASE) + 4, &huge, 4);
	make_rsdp(0, xsdt_of(x, 3));
	assert_null(parse(36));
	assert_int_equal(info.hpet_base, 0);
	assert_int_equal(warnings, 1);
}

static struct uart_where with_spcr(const u8 *body, u32 n)
{
	u64 x[2];

	reset();
	x[0] = table("APIC", madt_body, sizeof(madt_body));
	x[1] = table("SPCR", body, n);
	make_rsdp(0, xsdt_of(x, 2));
	assert_null(parse(36));
	return info.spcr;
}

static void test_spcr(void **state)
{
	/* interface type, 3 reserved, address: space, width, offset, access size, 8 bytes;
	 * interrupt type, IRQ, GSI, baud */
	u8 spcr[44] = { 0, 0, 0, 0, 1, 8, 0, 1, 0xf8, 3, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 7 };
	struct uart_where w = with_spcr(spcr, sizeof(spcr));

	(void)state;
	assert_int_equal(w.addr, 0x3f8);
	assert_int_equal(w.baud, 115200);
	spcr[4] = 0; /* in memory, at 0x12000003f8 */
	spcr[12] = 0x12;
	spcr[22] = 3;
	w = with_spcr(spcr, sizeof(spcr));
	assert_true(w.mmio);
	assert_int_equal(w.addr, 0x12000003f8);
	assert_int_equal(w.stride, 1);
	assert_int_equal(w.baud, 9600);
	spcr[0] = 0x12;
	spcr[5] = 32; /* wide registers */
	spcr[22] = 0; /* the speed that it has */
	w = with_spcr(spcr, sizeof(spcr));
	assert_int_equal(w.stride, 4);
	assert_int_equal(w.baud, 0);
	spcr[5] = 8, spcr[7] = 3; /* wide accesses */
	assert_int_equal(with_spcr(spcr, sizeof(spcr)).stride, 4);
	spcr[22] = 200; /* no known speed */
	assert_int_equal(with_spcr(spcr, sizeof(spcr)).baud, 0);
	spcr[14] = 0xff; /* an address beyond all */
	assert_int_equal(with_spcr(spcr, sizeof(spcr)).addr, 0);
	spcr[4] = 1;
	assert_int_equal(with_spcr(spcr, sizeof(spcr)).addr, 0);
	spcr[14] = 0, spcr[12] = 0;
	assert_int_equal(with_spcr(spcr, sizeof(spcr)).addr, 0x3f8);
	assert_int_equal(with_spcr(spcr, 15).addr, 0); /* the address is cut off */
	spcr[0] = 3;				       /* an ARM PL011 */
	assert_int_equal(with_spcr(spcr, sizeof(spcr)).addr, 0);
	spcr[0] = 0, spcr[4] = 4; /* in a controller of its own */
	assert_int_equal(with_spcr(spcr, sizeof(spcr)).addr, 0);
	spcr[4] = 1;
	assert_int_equal(with_spcr(spcr, sizeof(spcr)).addr, 0x3f8);
	mem[used - 64 - 8]++; /* the table before the XSDT: its checksum is wrong now */
	assert_null(parse(36));
	assert_int_equal(info.spcr.addr, 0);
}

static void test_random_bytes(void **state)
{
	u8 fadt[268 - 36] = { 0 };
	u32 fine = 0;

	(void)state;
	srand(3);
	for (u32 round = 0; round < 20000; round++) {
		with_fadt(s5_long, sizeof(s5_long), fadt, sizeof(fadt));
		for (u32 i = 0; i < 1 + (u32)rand() % 4; i++)
			mem[(u32)rand() % used] = (u8)(rand() % 3 ? rand() : rand() % 16);
		if (rand() % 4) { /* mostly with right checksums, so that the inside is reached */
			for (u32 at = 0; at < used;) {
				u32 n;

				memcpy(&n, mem + at + 4, 4);
				if (n < 36 || n > used - at)
					break;
				fix_sum(at, n, 9);
				at = ALIGN_UP(at + n, 16u);
			}
		}
		fine += !parse(36);
	}
	assert_true(fine > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_madt),
		cmocka_unit_test(test_madt_broken_entries),
		cmocka_unit_test(test_many_cpus),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_s5),
		cmocka_unit_test(test_fadt),
		cmocka_unit_test(test_hpet_spcr_lengths),
		cmocka_unit_test(test_spcr),
		cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
