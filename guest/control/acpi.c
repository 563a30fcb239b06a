/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ACPI tables of a domain (T).
 */
#include "guest/control/acpi.h"

#include "guest/control/memmap.h"
#include "guest/control/ports.h"
#include "guest/lib/string.h"

/* Scanners step by 16 bytes from 0xe0000; the RSDP is the first thing that they meet. */
#define RSDP_SIZE   36
#define TABLES_FROM 64

/* ACPI: "System Description Table Header" */
#define SDT_HEADER   36
#define SDT_LENGTH   4
#define SDT_CHECKSUM 9

#define FADT_SIZE 276

/* "Fixed ACPI Description Table (FADT)", Fixed Feature Flags */
#define FADT_WBINVD	 (1u << 0)
#define FADT_PWR_BUTTON	 (1u << 4) /* no fixed power button: it is a control-method device */
#define FADT_SLP_BUTTON	 (1u << 5) /* no fixed sleep button */
#define FADT_TMR_VAL_EXT (1u << 8) /* the PM timer has 32 bits */
#define FADT_RESET_REG	 (1u << 10)
#define FADT_HEADLESS	 (1u << 12)
#define FADT_HW_REDUCED	 (1u << 20)
/* "IA-PC Boot Architecture Flags": bit 0 legacy devices, bit 1 8042, both absent */
#define BOOT_NO_VGA (1u << 2)

/* "Generic Address Structure" */
#define GAS_IO	  1
#define GAS_BYTE  1
#define GAS_DWORD 3

/* "Multiple APIC Description Table (MADT)" */
#define MADT_LAPIC	  0
#define MADT_IOAPIC	  1
#define MADT_X2APIC	  9
#define MADT_ENABLED	  1
#define MADT_XAPIC_ID_MAX 254 /* 255 is the broadcast */

/* Where the next byte goes; nothing is written behind the end. */
struct emit {
	u8 *buf;
	size_t size;
	size_t at;
};

static void put8(struct emit *e, u8 v)
{
	if (e->at < e->size)
		e->buf[e->at] = v;
	e->at++;
}

static void put16(struct emit *e, u16 v)
{
	put8(e, (u8)v);
	put8(e, (u8)(v >> 8));
}

static void put32(struct emit *e, u32 v)
{
	put16(e, (u16)v);
	put16(e, (u16)(v >> 16));
}

static void put64(struct emit *e, u64 v)
{
	put32(e, (u32)v);
	put32(e, (u32)(v >> 32));
}

static void put_bytes(struct emit *e, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put8(e, ((const u8 *)p)[i]);
}

/* Exactly n characters, filled with blanks. */
static void put_name(struct emit *e, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put8(e, *s ? (u8)*s++ : ' ');
}

static void put_zeros(struct emit *e, size_t n)
{
	while (n--)
		put8(e, 0);
}

static void patch32(struct emit *e, size_t at, u32 v)
{
	struct emit p = { e->buf, e->size, at };

	put32(&p, v);
}

static u8 checksum(const u8 *p, size_t n)
{
	u8 sum = 0;

	while (n--)
		sum = (u8)(sum + *p++);
	return (u8)(0 - sum);
}

static u32 gpa_of(size_t at)
{
	return (u32)(MEMMAP_TABLES_START + at);
}

/* Starts a table on a 16-byte boundary; returns its offset. */
static size_t table_begin(struct emit *e, const char *signature, u8 revision)
{
	size_t start;

	put_zeros(e, ALIGN_UP(e->at, 16ul) - e->at);
	start = e->at;
	put_name(e, signature, 4);
	put32(e, 0); /* length */
	put8(e, revision);
	put8(e, 0); /* checksum */
	put_name(e, "CAISSN", 6);
	put_name(e, "CAISSON", 8);
	put32(e, 1);
	put_name(e, "CSSN", 4);
	put32(e, 1);
	return start;
}

static void table_end(struct emit *e, size_t start)
{
	patch32(e, start + SDT_LENGTH, (u32)(e->at - start));
	e->buf[start + SDT_CHECKSUM] = checksum(e->buf + start, e->at - start);
}

static void put_gas_io(struct emit *e, u8 bits, u8 access, u16 port)
{
	put8(e, GAS_IO);
	put8(e, bits);
	put8(e, 0);
	put8(e, access);
	put64(e, port);
}

/* --- AML: ACPI "ACPI Machine Language (AML) Specification" --- */

#define AML_ZERO       0x00
#define AML_ONE	       0x01
#define AML_NAME       0x08
#define AML_BYTE       0x0a
#define AML_STRING     0x0d
#define AML_DWORD      0x0c
#define AML_SCOPE      0x10
#define AML_BUFFER     0x11
#define AML_PACKAGE    0x12
#define AML_METHOD     0x14
#define AML_EXT	       0x5b
#define AML_EXT_DEVICE 0x82
#define AML_ARG0       0x68
#define AML_NOTIFY     0x86
#define AML_LEQUAL     0x93
#define AML_IF	       0xa0
#define AML_SERIALIZED 0x08

#define NOTIFY_POWER_BUTTON 0x80

/*
 * "Package Length Encoding": the length counts its own bytes. Two of them always (4095 bytes), so that they
 * can be reserved here and filled in by aml_close().
 */
static size_t aml_open(struct emit *e)
{
	size_t at = e->at;

	put16(e, 0);
	return at;
}

static void aml_close(struct emit *e, size_t at)
{
	size_t n = e->at - at;
	struct emit p = { e->buf, e->size, at };

	put8(&p, (u8)(0x40 | (n & 0xf)));
	put8(&p, (u8)(n >> 4));
}

static void aml_byte(struct emit *e, u8 v)
{
	if (v > 1)
		put8(e, AML_BYTE);
	put8(e, v);
}

/* Name (seg, …): the caller writes the value. `seg` has four characters, fewer are filled up with '_'. */
static void aml_seg(struct emit *e, const char *seg)
{
	for (int i = 0; i < 4; i++)
		put8(e, *seg ? (u8)*seg++ : '_');
}

static void aml_name(struct emit *e, const char *seg)
{
	put8(e, AML_NAME);
	aml_seg(e, seg);
}

/* "_HID (Hardware ID)": EISAID, three letters in five bits each and four hex digits, big-endian. */
static void aml_eisaid(struct emit *e, const char *id)
{
	u32 v = (u32)(id[0] - '@') << 26 | (u32)(id[1] - '@') << 21 | (u32)(id[2] - '@') << 16 |
		(u32)strtoul(id + 3, NULL, 16);

	put8(e, AML_DWORD);
	put32(e, __builtin_bswap32(v));
}

static size_t aml_device(struct emit *e, const char *seg)
{
	size_t at;

	put8(e, AML_EXT);
	put8(e, AML_EXT_DEVICE);
	at = aml_open(e);
	aml_seg(e, seg);
	return at;
}

/* A resource template: the descriptors, each with its tag, are `n` bytes; the end tag is added here. */
static void aml_crs(struct emit *e, const u8 *descriptors, u8 n)
{
	size_t at;

	aml_name(e, "_CRS");
	put8(e, AML_BUFFER);
	at = aml_open(e);
	aml_byte(e, (u8)(n + 2));
	put_bytes(e, descriptors, n);
	put8(e, 0x79); /* "End Tag", checksum 0: not used */
	put8(e, 0);
	aml_close(e, at);
}

/* A device with ports and an ISA interrupt:
 * "I/O Port Descriptor", "IRQ Descriptor" (two bytes of mask: edge, high). */
static void aml_isa_device(struct emit *e, const char *seg, const char *hid, u16 port, u8 ports, u8 irq)
{
	const u8 crs[] = { 0x47,  0x01, (u8)port,	 (u8)(port >> 8),     (u8)port, (u8)(port >> 8), 1,
			   ports, 0x22, (u8)(1u << irq), (u8)(1u << irq >> 8) };
	size_t at = aml_device(e, seg);

	aml_name(e, "_HID");
	aml_eisaid(e, hid);
	aml_name(e, "_UID");
	put8(e, AML_ONE);
	aml_crs(e, crs, sizeof(crs));
	aml_close(e, at);
}

static void aml_power_button(struct emit *e)
{
	size_t at = aml_device(e, "PWRB");

	aml_name(e, "_HID");
	aml_eisaid(e, "PNP0C0C");
	aml_name(e, "_UID");
	put8(e, AML_ZERO);
	aml_close(e, at);
}

/*
 * "Generic Event Device": an interrupt, edge-triggered and active high, whose _EVT method tells the power
 * button. This is how a hardware-reduced machine has one: there is no SCI and no fixed button.
 */
static void aml_event_device(struct emit *e)
{
	/* "Extended Interrupt Descriptor": length 6, consumer | edge, one interrupt */
	static const u8 crs[] = { 0x89, 6, 0, 0x03, 1, IRQ_GED, 0, 0, 0 };
	size_t device = aml_device(e, "GED"), method, branch;

	aml_name(e, "_HID");
	put8(e, AML_STRING);
	put_bytes(e, "ACPI0013", 9);
	aml_name(e, "_UID");
	put8(e, AML_ZERO);
	aml_crs(e, crs, sizeof(crs));

	put8(e, AML_METHOD);
	method = aml_open(e);
	aml_seg(e, "_EVT");
	put8(e, 1 | AML_SERIALIZED);
	put8(e, AML_IF);
	branch = aml_open(e);
	put8(e, AML_LEQUAL);
	put8(e, AML_ARG0);
	aml_byte(e, IRQ_GED);
	put8(e, AML_NOTIFY);
	aml_seg(e, "PWRB"); /* found upwards, in \_SB */
	aml_byte(e, NOTIFY_POWER_BUTTON);
	aml_close(e, branch);
	aml_close(e, method);
	aml_close(e, device);
}

/* "\_S5 (S5 System State)": what SLP_TYP of the sleep control register is for power-off. */
static void aml_s5(struct emit *e)
{
	size_t at;

	aml_name(e, "_S5_");
	put8(e, AML_PACKAGE);
	at = aml_open(e);
	put8(e, 4);
	aml_byte(e, ACPI_SLP_TYP_S5);
	aml_byte(e, 0);
	aml_byte(e, 0);
	aml_byte(e, 0);
	aml_close(e, at);
}

static size_t put_dsdt(struct emit *e)
{
	size_t start = table_begin(e, "DSDT", 2), scope;

	put8(e, AML_SCOPE);
	scope = aml_open(e);
	put8(e, '\\');
	aml_seg(e, "_SB_");
	/* Without these two a hardware-reduced Linux has no IRQ 4 and 8. */
	aml_isa_device(e, "COM1", "PNP0501", PORT_UART, PORT_UART_COUNT, IRQ_UART);
	aml_isa_device(e, "RTC0", "PNP0B00", PORT_RTC, PORT_RTC_COUNT, IRQ_RTC);
	aml_power_button(e);
	aml_event_device(e);
	aml_close(e, scope);
	aml_s5(e);
	table_end(e, start);
	return start;
}

/* --- the other tables --- */

static size_t put_fadt(struct emit *e, size_t dsdt)
{
	size_t start = table_begin(e, "FACP", 6);

	put32(e, 0); /* FIRMWARE_CTRL */
	put32(e, gpa_of(dsdt));
	put8(e, 0);
	put8(e, 0);  /* Preferred_PM_Profile: unspecified */
	put16(e, 0); /* SCI_INT: none */
	put_zeros(e, 76 - 48);
	/*
	 * PM_TMR_BLK, the 32-bit field as well: test kernels read only this one. Linux takes the timer from
	 * the 64-bit one, hardware-reduced or not.
	 */
	put32(e, PORT_PMTIMER);
	put_zeros(e, 91 - 80);
	put8(e, PORT_PMTIMER_COUNT); /* PM_TMR_LEN */
	put_zeros(e, 96 - 92);
	put16(e, 0xffff); /* P_LVL2_LAT, P_LVL3_LAT: no C2, no C3 */
	put16(e, 0xffff);
	put_zeros(e, 108 - 100);
	put8(e, 0x32); /* CENTURY: its index in CMOS RAM */
	put16(e, BOOT_NO_VGA);
	put8(e, 0);
	put32(e, FADT_WBINVD | FADT_PWR_BUTTON | FADT_SLP_BUTTON | FADT_TMR_VAL_EXT | FADT_RESET_REG |
			 FADT_HEADLESS | FADT_HW_REDUCED);
	put_gas_io(e, 8, GAS_BYTE, PORT_RESET);
	put8(e, RESET_VALUE);
	put16(e, 0); /* ARM_BOOT_ARCH */
	put8(e, 5);  /* minor version: 6.5 */
	put64(e, 0); /* X_FIRMWARE_CTRL */
	put64(e, gpa_of(dsdt));
	put_zeros(e, 208 - 148);
	put_gas_io(e, 32, GAS_DWORD, PORT_PMTIMER);
	put_zeros(e, 244 - 220);
	put_gas_io(e, 8, GAS_BYTE, PORT_SLEEP_CONTROL);
	put_gas_io(e, 8, GAS_BYTE, PORT_SLEEP_STATUS);
	put_bytes(e, "Caisson", 8); /* Hypervisor Vendor Identity */
	table_end(e, start);
	return start;
}

/*
 * No interrupt source overrides: there is no PIT whose IRQ 0 could be elsewhere, no SCI, and the other ISA
 * lines are where they are without an entry. PCAT_COMPAT is 0: nothing is ever raised through a PIC.
 */
static size_t put_madt(struct emit *e, unsigned vcpus)
{
	size_t start = table_begin(e, "APIC", 5);

	put32(e, (u32)LAPIC_BASE);
	put32(e, 0);
	for (unsigned i = 0; i < vcpus; i++) {
		if (i <= MADT_XAPIC_ID_MAX) {
			put8(e, MADT_LAPIC);
			put8(e, 8);
			put8(e, (u8)i);
			put8(e, (u8)i);
			put32(e, MADT_ENABLED);
		} else {
			put8(e, MADT_X2APIC);
			put8(e, 16);
			put16(e, 0);
			put32(e, i);
			put32(e, MADT_ENABLED);
			put32(e, i);
		}
	}
	put8(e, MADT_IOAPIC);
	put8(e, 12);
	put8(e, 0); /* its APIC ID; it shares no bus with the local APICs */
	put8(e, 0);
	put32(e, (u32)IOAPIC_BASE);
	put32(e, 0);
	table_end(e, start);
	return start;
}

static size_t put_sdt(struct emit *e, bool wide, const size_t *table, unsigned n)
{
	size_t start = table_begin(e, wide ? "XSDT" : "RSDT", 1);

	for (unsigned i = 0; i < n; i++) {
		if (wide)
			put64(e, gpa_of(table[i]));
		else
			put32(e, gpa_of(table[i]));
	}
	table_end(e, start);
	return start;
}

/* "Root System Description Pointer (RSDP)" */
static void put_rsdp(u8 *buf, size_t rsdt, size_t xsdt)
{
	struct emit e = { buf, RSDP_SIZE, 0 };

	put_bytes(&e, "RSD PTR ", 8);
	put8(&e, 0);
	put_name(&e, "CAISSN", 6);
	put8(&e, 2);
	put32(&e, gpa_of(rsdt));
	put32(&e, RSDP_SIZE);
	put64(&e, gpa_of(xsdt));
	put32(&e, 0);
	buf[8] = checksum(buf, 20);
	buf[32] = checksum(buf, RSDP_SIZE);
}

u64 acpi_build(u8 *buf, unsigned vcpus, size_t *used)
{
	struct emit e = { buf, MEMMAP_TABLES_SIZE, TABLES_FROM };
	size_t table[2], dsdt, rsdt, xsdt;

	if (vcpus == 0 || vcpus > ACPI_VCPUS_MAX)
		return 0;
	memset(buf, 0, MEMMAP_TABLES_SIZE);
	dsdt = put_dsdt(&e);
	table[0] = put_fadt(&e, dsdt);
	table[1] = put_madt(&e, vcpus);
	rsdt = put_sdt(&e, false, table, 2);
	xsdt = put_sdt(&e, true, table, 2);
	put_rsdp(buf, rsdt, xsdt);
	*used = e.at;
	return MEMMAP_TABLES_START;
}
