/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot CPU's way from boot.asm to hv_main().
 */
#include "arch/x86/asm.h"
#include "arch/x86/cet.h"
#include "arch/x86/cpu.h"
#include "arch/x86/doctor.h"
#include "arch/x86/hostmap.h"
#include "arch/x86/irq.h"
#include "arch/x86/lapic.h"
#include "arch/x86/percpu.h"
#include "arch/x86/power.h"
#include "arch/x86/smp.h"
#include "arch/x86/traps.h"
#include "arch/x86/tsc.h"
#include "boot/multiboot2.h"
#include "drivers/acpi.h"
#include "drivers/ioapic.h"
#include "drivers/screen.h"
#include "drivers/serial.h"
#include "hv/console.h"
#include "hv/log.h"
#include "hv/main.h"
#include "hv/panic.h"
#include "hv/printf.h"
#include "hv/version.h"

#define COM1	 0x3f8
#define COM1_IRQ 4
#define COM2	 0x2f8
#define COM2_IRQ 3
#define MIB_MAX	 SZ_2M /* of the loader's information */

extern u8 boot_start[], image_end[], boot_stack[], boot_stack_top[];

static struct bootinfo bootinfo;
static struct acpi_info acpi;
static struct serial_choice choice; /* of the console */
static struct uart_where serial;

static void __attribute__((noreturn)) boot_fail(const char *what)
{
	log_err("%s", what);
	log_err("Caisson cannot start; it ends here.");
	console_flush(true);
	arch_panic_end();
}

/* What needs no mapping: a line on ports, a screen below 4 GiB, which the boot page tables reach. */
static void console_early(void)
{
	const struct boot_screen *s = &bootinfo.screen;
	bool good = serial_parse(hv_options.serial, &choice);

	serial = serial_find(&choice);
	if (choice.kind > SERIAL_NONE && !serial.mmio && !uart_init(&serial))
		good = false;
	if (!good)
		serial_parse("", &choice);
	if (choice.kind == SERIAL_AUTO) {
		serial = serial_find(&choice);
		uart_init(&serial);
	}
	if (!uart_present() && s->addr && s->addr + screen_bytes(s) <= 1ull << 32)
		screen_init(s, (void *)(DIRECT_MAP + s->addr));
	if (!good)
		log_warn("serial=%s: no such line, or no 16550 answers there", hv_options.serial);
}

/* The direct map has no devices. */
static void console_screen(void)
{
	const struct boot_screen *s = &bootinfo.screen;
	bool first = !screen_present();

	if (uart_present() || !s->addr)
		return;
	screen_init(s, screen_map(HPA(s->addr), screen_bytes(s)));
	if (first)
		log_replay();
}

/* Registers in memory, and where the SPCR table says when the command line does not. */
static void console_late(void)
{
	const struct uart_where *spcr = &acpi.spcr;

	if (choice.kind == SERIAL_AUTO && spcr->addr &&
	    (spcr->mmio || !uart_present() || spcr->addr != serial.addr ||
	     (spcr->baud && spcr->baud != serial.baud)))
		serial = *spcr;
	else if (!serial.mmio)
		return;
	/* RAM would answer, too. */
	if (serial.mmio && !boot_in_ram(&bootinfo, HPA(serial.addr), HPA(serial.addr + 1)))
		serial.regs = mmio_map(HPA(serial.addr), PAGE_SIZE);
	if (uart_init(&serial))
		log_replay();
	else
		log_warn("no 16550 answers at %#lx", serial.addr);
}

static void init_acpi(void)
{
	const char *wrong = bootinfo.rsdp_size
				    ? acpi_parse(bootinfo.rsdp, bootinfo.rsdp_size, firmware_map, &acpi)
				    : "the boot loader gave no RSDP";
	char text[32];

	doctor_feature(!wrong, CAISSON_DOCTOR_REQUIRED, "ACPI tables", NULL, wrong);
	if (wrong) /* the doctor's verdict comes when all rows are in; until then this CPU is the machine */
		acpi.cpu_apic_id[acpi.cpu_count++] = x86_this_cpu()->apic_id;
	snprintf(text, sizeof(text), "%u enabled", acpi.cpu_count);
	doctor_feature(true, 0, "processors in the MADT", text, NULL);
	doctor_fact(FACT_S5, acpi.have_s5);
	console_late();
}

static void init_interrupts(void)
{
	u16 port = uart_port();
	bool routed;

	pic_off();
	lapic_init(HPA(acpi.lapic_base), hv_options.no_x2apic);
	lapic_cpu_init();
	x86_this_cpu()->apic_id = lapic_id();
	irq_init();
	for (u32 i = 0; i < acpi.ioapic_count; i++)
		ioapic_add(mmio_map(HPA(acpi.ioapic[i].base), 0x20), acpi.ioapic[i].gsi_base);
	irq_register(VEC_UART, console_irq);
	routed = (port == COM1 || port == COM2) && ioapic_route_isa(&acpi, port == COM1 ? COM1_IRQ : COM2_IRQ,
								    VEC_UART, x86_this_cpu()->apic_id);
	if (!routed && uart_present())
		console_set_polled();
	doctor_fact(FACT_SERIAL, uart_present());
	doctor_fact(FACT_SERIAL_IRQ, routed);
}

/* On CPU 0's own stack. */
static void boot_rest(void *arg)
{
	(void)arg;
	percpu_set_ists(&boot_cpu);
	cet_on(&boot_cpu);
	init_acpi();
	power_init(&acpi);
	init_interrupts();
	tsc_init(&acpi);
	cpu_doctor();
	cet_doctor();
	smp_prepare(&bootinfo, &acpi, (u32)MIN(hv_options.cpus, CAISSON_MAX_CPUS));
	hv_main(&bootinfo);
}

/* A zero byte first: text that runs over stops there.
 * Without RDRAND (SDM volume 1, "RDRAND") the TSC's low bits have to do. */
static u64 canary(u64 tsc)
{
	u64 r = 0;

	if (cpuid(1, 0).ecx & BIT(30))
		__asm__ volatile("rdrand %0" : "=r"(r) : : "cc");
	return ((r ^ tsc) * 0x9e3779b97f4a7c15ull) << 8;
}

/* From boot.asm: boot page tables, boot stack. mbi: physical; tsc: at the first instruction. */
void __attribute__((noreturn)) x86_boot(u32 mbi, u64 tsc);
void x86_boot(u32 mbi, u64 tsc)
{
	hpa_t start = HPA((u64)boot_start), end = HPA((u64)image_end - IMAGE_BASE);
	const char *wrong;

	cpu_detect();
	cpu_patch();
	/* Traps first: a mistake in what follows shall have words. */
	__stack_chk_guard = canary(tsc);
	boot_cpu.stack_top = (u64)boot_stack_top;
	for (u32 i = 0; i < IST_COUNT; i++)
		boot_cpu.ist_top[i] =
			(u64)boot_stack + 0x1000; /* until it has its own: better than nothing */
	traps_init();
	percpu_load(&boot_cpu);
	percpu_register(&boot_cpu);
	boot_cpu.hv.online = true;

	bootinfo.tsc = tsc;
	log_start(tsc);
	wrong = multiboot2_parse((const void *)(DIRECT_MAP + mbi), MIN(MIB_MAX, (1ull << 32) - mbi),
				 &bootinfo);
	hv_parse_options(bootinfo.cmdline, false);
	console_early();
	log_info("%s", CAISSON_VERSION);
	if (wrong)
		boot_fail(wrong);
	if (!cpu_has(CPU_APIC))
		boot_fail("the local APIC is off: switch it on in the firmware's set-up");
	cet_detect();
	cpu_setup();
	boot_cpu.apic_id = cpuid(1, 0).ebx >> 24;
	/* The loader put the image where its header says; only the map says whether that is RAM. */
	if (!boot_in_ram(&bootinfo, start, end))
		boot_fail("the memory from 2 MiB on, where the image is loaded, is not RAM by the loader's "
			  "memory map");
	boot_reserve(&bootinfo, HPA(0), HPA(0x100000));
	boot_reserve(&bootinfo, start, end);
	for (u32 i = 0; i < bootinfo.module_count; i++)
		boot_reserve(&bootinfo, bootinfo.module[i].start, bootinfo.module[i].end);
	early_init(&bootinfo);
	hostmap_init(&bootinfo);
	console_screen();
	hostmap_stacks(&boot_cpu, 0);
	stack_switch(boot_cpu.stack_top, boot_rest, NULL);
}
