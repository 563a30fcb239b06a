/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ACPI tables of a domain: checksums and links walked as a guest walks them, and ACPICA's own tools as
 * judge: iasl disassembles each table without a complaint, compiles the DSDT again, and acpiexec presses the
 * button.
 */
#include "tests/host/control_common.h"
#include <sys/stat.h>
#include <unistd.h>

#include "guest/control/acpi.h"
#include "guest/control/memmap.h"
#include "guest/control/ports.h"

static u8 buf[MEMMAP_TABLES_SIZE + 16];
static size_t used;

static u16 get16(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

static u32 get32(const u8 *p)
{
	return get16(p) | (u32)get16(p + 2) << 16;
}

static u64 get64(const u8 *p)
{
	return get32(p) | (u64)get32(p + 4) << 32;
}

static u8 sum(const u8 *p, size_t n)
{
	u8 s = 0;

	while (n--)
		s = (u8)(s + *p++);
	return s;
}

/* A table at a gpa, checked as an SDT. */
static const u8 *table(u64 gpa, const char *signature)
{
	const u8 *t;

	assert_true(gpa >= MEMMAP_TABLES_START && gpa < MEMMAP_TABLES_START + MEMMAP_TABLES_SIZE - 36);
	t = buf + (gpa - MEMMAP_TABLES_START);
	assert_memory_equal(t, signature, 4);
	assert_true(get32(t + 4) >= 36 && get32(t + 4) <= MEMMAP_TABLES_SIZE - (gpa - MEMMAP_TABLES_START));
	assert_int_equal(sum(t, get32(t + 4)), 0);
	return t;
}

/* Through RSDP and XSDT; the RSDT must name the same. */
static const u8 *find(const char *signature)
{
	const u8 *rsdp = buf, *xsdt, *rsdt;
	unsigned n;

	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(sum(rsdp, 20), 0);
	assert_int_equal(sum(rsdp, 36), 0);
	assert_int_equal(rsdp[15], 2);
	rsdt = table(get32(rsdp + 16), "RSDT");
	xsdt = table(get64(rsdp + 24), "XSDT");
	n = (get32(xsdt + 4) - 36) / 8;
	assert_int_equal(n, (get32(rsdt + 4) - 36) / 4);
	for (unsigned i = 0; i < n; i++) {
		u64 gpa = get64(xsdt + 36 + 8 * i);

		assert_true(gpa == get32(rsdt + 36 + 4 * i));
		if (memcmp(buf + (gpa - MEMMAP_TABLES_START), signature, 4) == 0)
			return table(gpa, signature);
	}
	return NULL;
}

static void check_gas(const u8 *g, u8 bits, u8 access, u64 port)
{
	assert_int_equal(g[0], 1);
	assert_int_equal(g[1], bits);
	assert_int_equal(g[2], 0);
	assert_int_equal(g[3], access);
	assert_true(get64(g + 4) == port);
}

static void fadt(void **state)
{
	const u8 *f;

	(void)state;
	assert_true(acpi_build(buf, 1, &used) == 0xe0000);
	f = find("FACP");
	assert_non_null(f);
	assert_true(get32(f + 4) == 276 && f[8] == 6);
	assert_true(get32(f + 40) == get64(f + 140));
	table(get64(f + 140), "DSDT");
	assert_int_equal(get32(f + 76), PORT_PMTIMER);
	assert_int_equal(f[91], 4);
	assert_int_equal(f[108], 0x32);
	assert_int_equal(get16(f + 109), 4);	/* no VGA; the 8042 bit is clear; CMOS RTC present */
	assert_true(get32(f + 112) & 1u << 20); /* hardware-reduced */
	assert_true(get32(f + 112) & 1u << 10); /* reset register */
	assert_true(get32(f + 112) & 1u << 8);	/* 32-bit timer */
	assert_true(get32(f + 112) & 1u << 4);	/* the power button is a device */
	check_gas(f + 116, 8, 1, 0xcf9);
	assert_int_equal(f[128], 6);
	check_gas(f + 208, 32, 3, PORT_PMTIMER);
	check_gas(f + 244, 8, 1, PORT_SLEEP_CONTROL);
	check_gas(f + 256, 8, 1, PORT_SLEEP_STATUS);
	for (unsigned i = 48; i < 76; i++)
		assert_int_equal(f[i], 0); /* no fixed hardware */
}

static void madt(void **state)
{
	static const unsigned counts[] = { 1, 2, 255, 256, 300, ACPI_VCPUS_MAX };

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
		const u8 *m, *e;
		unsigned cpus = 0, ioapics = 0;

		memset(buf, 0xaa, sizeof(buf));
		assert_true(acpi_build(buf, counts[c], &used) == 0xe0000);
		assert_int_equal(buf[MEMMAP_TABLES_SIZE], 0xaa);
		assert_true(used > 64 && used <= MEMMAP_TABLES_SIZE);
		for (size_t i = used; i < MEMMAP_TABLES_SIZE; i++)
			assert_int_equal(buf[i], 0);
		m = find("APIC");
		assert_int_equal(get32(m + 36), 0xfee00000);
		for (e = m + 44; e < m + get32(m + 4); e += e[1]) {
			switch (e[0]) {
			case 0:
				assert_int_equal(e[1], 8);
				assert_int_equal(e[3], cpus);
				assert_true(cpus < 255 && get32(e + 4) == 1);
				cpus++;
				break;
			case 9:
				assert_int_equal(e[1], 16);
				assert_int_equal(get32(e + 4), cpus);
				assert_int_equal(get32(e + 8), 1);
				assert_int_equal(get32(e + 12), cpus);
				assert_true(cpus >= 255);
				cpus++;
				break;
			case 1:
				assert_int_equal(e[1], 12);
				assert_int_equal(get32(e + 4), 0xfec00000);
				assert_int_equal(get32(e + 8), 0);
				ioapics++;
				break;
			default:
				fail_msg("entry of type %u", e[0]);
			}
		}
		assert_ptr_equal(e, m + get32(m + 4));
		assert_int_equal(cpus, counts[c]);
		assert_int_equal(ioapics, 1);
	}
	assert_true(acpi_build(buf, 0, &used) == 0);
	assert_true(acpi_build(buf, ACPI_VCPUS_MAX + 1, &used) == 0);
}

/* --- the judges --- */

static char dir[] = "/tmp/acpi-test-XXXXXX";

static void write_table(const char *name, const u8 *t, size_t n)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.dat", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(t, 1, n, f), n);
	fclose(f);
}

/* Runs a shell command in the directory; returns its status, and its output in `text`. */
static int run(const char *command, char *text, size_t n)
{
	char line[1024];
	size_t got;
	FILE *f;

	snprintf(line, sizeof(line), "cd %s && { %s; } 2>&1", dir, command);
	f = popen(line, "r");
	assert_non_null(f);
	got = fread(text, 1, n - 1, f);
	text[got] = 0;
	while (fgetc(f) != EOF)
		;
	return pclose(f);
}

static void expect_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void write_all(void)
{
	const u8 *f;

	assert_true(acpi_build(buf, 300, &used) == 0xe0000);
	f = find("FACP");
	write_table("facp", f, get32(f + 4));
	f = buf + (get32(f + 40) - MEMMAP_TABLES_START);
	write_table("dsdt", f, get32(f + 4));
	f = find("APIC");
	write_table("apic", f, get32(f + 4));
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char line[64];

	(void)state;
	snprintf(line, sizeof(line), "rm -rf %s", dir);
	return system(line);
}

/* acpica-tools is one of the packages that scripts/test installs: without it this fails. */
static void disassembles(void **state)
{
	static char text[1 << 20];

	(void)state;
	write_all();
	assert_int_equal(run("iasl -d dsdt.dat && iasl -d facp.dat && iasl -d apic.dat", text, sizeof(text)),
			 0);
	for (const char *p = text; (p = strstr(p, "rror")); p++)
		fail_msg("iasl says:\n%s", text);
	assert_null(strstr(text, "arning"));
	assert_int_equal(run("iasl dsdt.dsl", text, sizeof(text)), 0);
	expect_text(text, "0 Errors, 0 Warnings");

	assert_int_equal(run("cat dsdt.dsl", text, sizeof(text)), 0);
	expect_text(text, "EisaId (\"PNP0501\")");
	expect_text(text, "EisaId (\"PNP0B00\")");
	expect_text(text, "EisaId (\"PNP0C0C\")");
	expect_text(text, "Name (_HID, \"ACPI0013\"");
	expect_text(text, "Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive");
	expect_text(text, "0x00000009,");
	expect_text(text, "{4}");
	expect_text(text, "{8}");
	expect_text(text, "0x03F8,             // Range Minimum");
	assert_int_equal(run("cat facp.dsl apic.dsl", text, sizeof(text)), 0);
	expect_text(text, "Hardware Reduced (V5) : 1");
	expect_text(text, "8042 Present on ports 60/64 (V2) : 0");
	expect_text(text, "VGA Not Present (V4) : 1");
	expect_text(text, "[Processor Local x2APIC]");
	expect_text(text, "FEC00000");
}

/* ACPICA's interpreter runs what a guest's would. */
static void interprets(void **state)
{
	static char text[1 << 20];

	(void)state;
	write_all();
	run("acpiexec -b 'evaluate \\_SB.GED._EVT 9' dsdt.dat facp.dat < /dev/null", text, sizeof(text));
	expect_text(text, "Received a Device Notify on [PWRB]");
	run("acpiexec -b 'evaluate \\_S5' dsdt.dat facp.dat < /dev/null", text, sizeof(text));
	expect_text(text, "0000000000000005");
	run("acpiexec -b 'evaluate \\_SB.GED._EVT 8' dsdt.dat facp.dat < /dev/null", text, sizeof(text));
	assert_null(strstr(text, "Notify on [PWRB]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fadt),
		cmocka_unit_test(madt),
		cmocka_unit_test(disassembles),
		cmocka_unit_test(interprets),
	};

	return cmocka_run_group_tests_name("control_acpi", tests, make_dir, remove_dir);
}
