/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/abi/caisson.h"
#include "hv/arch.h"
#include "hv/bootinfo.h"
#include "hv/console.h"
#include "hv/control.h"
#include "hv/domain.h"
#include "hv/frame.h"
#include "hv/log.h"
#include "hv/main.h"
#include "hv/panic.h"
#include "hv/pcpu.h"
#include "hv/string.h"

#define MIB (1024 * 1024ul)

/* ---- command line ---- */
struct hv_options hv_options __ro_after_init = { .cpus = CAISSON_MAX_CPUS,
						 .control_mib = 64,
						 .mitigations = "auto" };

/* One row per word: a flag, which gets 1, or name=NUMBER from min to max. */
static const struct option {
	const char *name;
	u64 *value, min, max;
} options[] = {
	{ "quiet", &hv_options.quiet, 1, 1 },	       /* warnings and errors only on the console */
	{ "exit", &hv_options.exit, 1, 1 },	       /* power off instead of starting the control domain */
	{ "apicv=off", &hv_options.no_apicv, 1, 1 },   /* interrupts of guests by the software path */
	{ "x2apic=off", &hv_options.no_x2apic, 1, 1 }, /* for firmware that fails otherwise */
#ifdef CAISSON_CHECKS
	{ "hang", &hv_options.hang, 1, 1 },	  /* in the first domain_destroy */
	{ "overrun", &hv_options.overrun, 1, 1 }, /* there, of a buffer on the stack */
	{ "ret", &hv_options.ret, 1, 1 },	  /* there, with another return address */
	{ "jump", &hv_options.jump, 1, 1 },	  /* there, into the middle of a function */
	{ "poke", &hv_options.poke, 1, 1 },	  /* there, at what is read-only after boot */
	/* there, into a domain's frame: 1 in a window, 2 outside, 3 by the direct map */
	{ "stray=", &hv_options.stray, 1, 3 },
	{ "fail_alloc", &hv_options.fail_alloc, 1, 1 }, /* each allocation of each call is refused once */
#endif
	{ "panic=reboot", &hv_options.panic_reboot, 1, 1 }, /* instead of standing still */
	{ "cpus=", &hv_options.cpus, 1, CAISSON_MAX_CPUS },
	{ "control_mem=", &hv_options.control_mib, 8, 65536 }, /* MiB */
};

static bool take_option(const char *word)
{
	if (strncmp(word, "serial=", 7) == 0) { /* arch reads it */
		str_copy(hv_options.serial, word + 7, sizeof(hv_options.serial));
		return true;
	}
	if (strncmp(word, "mitigations=", 12) == 0) { /* this, too */
		str_copy(hv_options.mitigations, word + 12, sizeof(hv_options.mitigations));
		return true;
	}
	for (const struct option *o = options; o < options + ARRAY_SIZE(options); o++) {
		size_t n = strlen(o->name);
		const char *rest = word + n;
		u64 v = 1;

		if (strncmp(word, o->name, n) != 0 || (rest[-1] == '=' && !str_to_u64(&rest, &v)))
			continue;
		if (!*rest && v >= o->min && v <= o->max) {
			*o->value = v;
			return true;
		}
	}
	return false;
}

void hv_parse_options(const char *cmdline, bool complain)
{
	char word[64];

	while (str_word(&cmdline, word, sizeof(word))) {
		if (!take_option(word) && complain)
			log_warn("command line: '%s' is no option, or its value is out of range", word);
	}
	if (hv_options.quiet)
		log_set_console_level(LOG_WARN);
}

/* ---- boot ---- */
static void print_memory(const struct bootinfo *bi)
{
	static const char *const type[] = { "?", "RAM", "reserved", "ACPI", "ACPI NVS", "bad" };
	u64 ram = 0;

	for (u32 i = 0; i < bi->mem_count; i++) {
		const struct boot_range *m = &bi->mem[i];

		log_info("memory %012lx - %012lx %s", m->start.v, m->end.v - 1, type[m->type]);
		if (m->type == BOOT_MEM_RAM)
			ram += m->end.v - m->start.v;
	}
	if (bi->mem_dropped)
		log_warn("%u ranges of the boot loader's memory map are left out", bi->mem_dropped);
	log_info("%lu MiB of RAM, %u modules", ram / MIB, bi->module_count);
}

static void init_memory(const struct bootinfo *bi)
{
	static struct frame_range ranges[FRAME_RANGES];
	struct frame_counts f;
	u32 n;
	int err;

	arch_memory_final();
	n = boot_free_ranges(bi, ranges, FRAME_RANGES);
	err = frame_init(ranges, n);
	if (err)
		panic("the machine's memory cannot be used (%d, %u ranges)", err, n);
	memory_init();
	frame_count(&f);
	log_info("%lu MiB for domains", f.free * PAGE_SIZE / MIB);
}

void hv_main(const struct bootinfo *bi)
{
	struct pcpu *c = this_cpu();
	char brand[48];

	hv_parse_options(bi->cmdline, true);
	hv_options.checks = true;
	arch_cpu_brand(brand);
	log_info("started by %s: %s", bi->loader[0] ? bi->loader : "an unnamed loader", bi->cmdline);
	print_memory(bi);
	init_memory(bi);
	sched_init(arch_tsc_khz());
	run_init(c);
	arch_virt_init();
	arch_cpus_start();
	log_info("%u of %u CPUs, %s", cpus_online(), arch_cpus_found(), brand);
	if (arch_virt_cpu_on(c))
		panic("virtualisation cannot be switched on");
	console_async();
	if (hv_options.exit)
		arch_poweroff();
	arch_seal();
	control_start(bi, hv_options.control_mib, hv_options.quiet);
	arch_cpus_release();
	watchdog_start(c);
	run_loop(c);
}

void hv_cpu_main(struct pcpu *c)
{
	if (arch_virt_cpu_on(c)) {
		log_err("CPU %u stays idle", c->id);
		for (;;)
			arch_cpu_idle();
	}
	run_init(c);
	watchdog_start(c);
	run_loop(c);
}
