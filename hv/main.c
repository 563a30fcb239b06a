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
struct hv_options hv_options = { .cpus = CAISSON_MAX_CPUS, .control_mib = 64, .loglevel = LOG_INFO };
static char unknown[4][32]; /* words nobody knows, until they can be printed */
static u32 unknown_count;

/* One row per word: a flag, or name=NUMBER from min to max. */
static const struct option {
	const char *name;
	bool *flag;
	u64 *value, min, max;
} options[] = {
	{ "quiet", &hv_options.quiet, NULL, 0, 0 }, /* warnings and errors only on the console */
	{ "exit", &hv_options.exit, NULL, 0, 0 },   /* power off instead of starting the control domain */
	{ "apicv=off", &hv_options.no_apicv, NULL, 0, 0 }, /* interrupts of guests by the software path */
	{ "x2apic=off", &hv_options.no_x2apic, NULL, 0,
	  0 }, /* the memory-mapped APIC, for firmware that fails otherwise */
	{ "cpus", NULL, &hv_options.cpus, 1, CAISSON_MAX_CPUS },
	{ "control_mem", NULL, &hv_options.control_mib, 8, 65536 }, /* MiB */
	{ "com1", NULL, &hv_options.com1, 1, 0xffff },		    /* port of the console */
	{ "loglevel", NULL, &hv_options.loglevel, LOG_ERR, LOG_DEBUG },
};

static bool take_option(const char *word)
{
	for (const struct option *o = options; o < options + ARRAY_SIZE(options); o++) {
		size_t n = strlen(o->name);
		const char *number = word + n + 1;
		u64 v;

		if (o->flag && strcmp(word, o->name) == 0)
			return *o->flag = true;
		if (!o->value || strncmp(word, o->name, n) != 0 || word[n] != '=')
			continue;
		if (!str_to_u64(&number, &v) || *number || v < o->min || v > o->max)
			return false;
		*o->value = v;
		return true;
	}
	return false;
}

void hv_parse_options(const char *cmdline)
{
	char word[64];

	while (str_word(&cmdline, word, sizeof(word))) {
		if (!take_option(word) && unknown_count < ARRAY_SIZE(unknown))
			str_copy(unknown[unknown_count++], word, sizeof(unknown[0]));
	}
	log_set_level((enum log_level)MAX(hv_options.loglevel, LOG_INFO));
	log_set_console_level((enum log_level)hv_options.loglevel);
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

/* ---- memory: what is RAM and not in use becomes frames ---- */
static struct frame_range free_ranges[FRAME_RANGES];
static u32 free_count;

static void free_add(u64 base, u64 end)
{
	if (base < end && free_count < FRAME_RANGES)
		free_ranges[free_count++] = (struct frame_range){ base, end };
}

/* [base, end) without the reserved ranges: cut at the first that overlaps, then the rest likewise. */
static void free_cut(const struct bootinfo *bi, u64 base, u64 end)
{
	while (base < end) {
		u64 cut = end, next = end;

		for (u32 i = 0; i < bi->reserved_count; i++) {
			u64 rs = ALIGN_DOWN(bi->reserved[i].start.v, PAGE_SIZE),
			    re = ALIGN_UP(bi->reserved[i].end.v, PAGE_SIZE);

			if (re > base && rs < cut) {
				cut = MAX(rs, base);
				next = re;
			}
		}
		free_add(base, cut);
		base = next;
	}
}

static void *boot_page(void)
{
	return frame_hv_alloc(FRAME_OWNER_HV, 0);
}

static void init_memory(const struct bootinfo *bi)
{
	struct frame_counts f;
	int r;

	arch_memory_final(boot_page);
	for (u32 i = 0; i < bi->mem_count; i++)
		if (bi->mem[i].type == BOOT_MEM_RAM)
			free_cut(bi, bi->mem[i].start.v, bi->mem[i].end.v);
	r = frame_init(free_ranges, free_count);
	if (r)
		panic("the machine's memory cannot be used (%d, %u ranges)", r, free_count);
	memory_init();
	frame_count(&f);
	log_info("%lu MiB for domains", f.free * PAGE_SIZE / MIB);
}

void hv_main(const struct bootinfo *bi)
{
	struct pcpu *c = this_cpu();
	char brand[48];

	for (u32 i = 0; i < unknown_count; i++)
		log_warn("command line: '%s' is no option, or its value is out of range", unknown[i]);
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
	control_start(bi, hv_options.control_mib, hv_options.quiet);
	arch_cpus_release();
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
	run_loop(c);
}
