/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands about the machine.
 */
#include "guest/control/alloc.h"
#include "guest/control/cons.h"
#include "guest/control/doctor.h"
#include "guest/control/errors.h"
#include "guest/control/json.h"
#include "guest/control/pump.h"
#include "guest/control/shell.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

typedef unsigned long long ull;

/* The measures against speculation; and how often a CPU went from one domain to another behind a barrier. */
static u64 measures(const struct caisson_physinfo *p, char words[64])
{
	struct caisson_bits set = { 0 };
	struct caisson_cpuinfo c;
	u64 barriers = 0;

	for (u32 n = 0; n < DOCTOR_SETS && !hc_doctor_bits(n, &set); n++)
		;
	doctor_measures(&set, words, 64);
	for (u32 i = 0; i < p->cpus; i++)
		barriers += hc_cpuinfo(i, &c) ? 0 : c.barriers;
	return barriers;
}

static void cpus_json(u32 cpus)
{
	struct caisson_cpuinfo c;

	json_open("cpu_list", '[');
	for (u32 i = 0; i < cpus; i++) {
		if (hc_cpuinfo(i, &c))
			continue;
		json_open(NULL, '{');
		json_number("id", c.cpu);
		json_number("apic_id", c.apic_id);
		json_number("pool", c.pool);
		json_number("idle_ns", c.idle_ns);
		json_number("guest_ns", c.guest_ns);
		json_number("root_ns", c.root_ns);
		json_number("interrupts", c.interrupts);
		json_number("switches", c.switches);
		json_number("queued", c.runnable);
		json_number("barriers", c.barriers);
		json_close('}');
	}
	json_close(']');
}

#define SECONDS(ns) (ull)((ns) / 1000000000u), (ull)((ns) / 1000000u % 1000u)

static void cpus_text(u32 cpus)
{
	struct caisson_cpuinfo c;

	out("CPU  APIC  POOL    IDLE(s)   GUEST(s)    ROOT(s)   INTERRUPTS     SWITCHES  QUEUED\n");
	for (u32 i = 0; i < cpus && !in_ctrlc; i++)
		if (!hc_cpuinfo(i, &c))
			out("%3u  %4u  %4u %6llu.%03llu %6llu.%03llu %6llu.%03llu %12llu %12llu  %6u\n",
			    c.cpu, c.apic_id, c.pool, SECONDS(c.idle_ns), SECONDS(c.guest_ns),
			    SECONDS(c.root_ns), (ull)c.interrupts, (ull)c.switches, c.runnable);
}

static void info_json(const struct caisson_physinfo *p)
{
	char words[64];
	u64 barriers = measures(p, words);

	json_open(NULL, '{');
	json_string("version", p->version);
	json_number("abi", p->abi_version);
	json_string("vendor", p->vendor);
	json_string("cpu", p->cpu_brand);
	json_number("cpus", p->cpus);
	json_number("cpus_found", p->cpus_found);
	json_string("interrupts", p->irq_path);
	json_number("frames_total", p->frames_total);
	json_number("frames_free", p->frames_free);
	json_number("frames_reserved", p->frames_reserved);
	json_number("frames_hv", p->frames_hv);
	json_number("control_bytes_free", alloc_left());
	json_number("tsc_khz", p->tsc_khz);
	json_number("apic_khz", p->apic_khz);
	json_number("phys_bits", p->phys_bits);
	json_number("uptime_ns", p->uptime_ns);
	json_number("domains", p->domains);
	json_string("mitigations", words);
	json_number("barriers", barriers);
	json_string("cmdline", p->cmdline);
	cpus_json(p->cpus);
	json_close('}');
}

static void info_text(const struct caisson_physinfo *p)
{
	ull ms = p->uptime_ns / NS_PER_MS;
	char words[64];
	u64 barriers = measures(p, words);

	out("version      %s, interface %u\n", p->version, p->abi_version);
	out("processor    %s\n", p->cpu_brand);
	out("             %s, interrupts by %s, %u physical address bits\n", p->vendor, p->irq_path,
	    p->phys_bits);
	out("CPUs         %u online, %u found\n", p->cpus, p->cpus_found);
	out("memory       %llu MiB: %llu free, %llu of these promised, %llu the hypervisor's\n",
	    (ull)p->frames_total >> 8, (ull)p->frames_free >> 8, (ull)p->frames_reserved >> 8,
	    (ull)p->frames_hv >> 8);
	out("             in pages: %llu total, %llu free, %llu promised, %llu hypervisor\n",
	    (ull)p->frames_total, (ull)p->frames_free, (ull)p->frames_reserved, (ull)p->frames_hv);
	out("control      %zu KiB free in the control domain\n", alloc_left() >> 10);
	out("clocks       TSC %llu.%03llu MHz, APIC %llu.%03llu MHz\n", (ull)p->tsc_khz / 1000,
	    (ull)p->tsc_khz % 1000, (ull)p->apic_khz / 1000, (ull)p->apic_khz % 1000);
	out("uptime       %llu.%03llu s\n", ms / 1000, ms % 1000);
	out("domains      %u\n", p->domains);
	out("mitigations  %s; %llu barriers between domains\n", words, (ull)barriers);
	out("command line %s\n", p->cmdline);
	cpus_text(p->cpus);
}

static int cmd_info(int argc, char *const argv[])
{
	struct args_option o[] = { OPTION_JSON };
	static struct caisson_physinfo p;
	const char *none[1];
	s64 r;

	if (parse(argc, argv, o, 1, none, 0, 0) < 0)
		return 1;
	r = hc_physinfo(&p);
	if (r < 0)
		return fail("info: %s", error_name(r));
	if (o[0].set)
		info_json(&p);
	else
		info_text(&p);
	return 0;
}

static void print_row(const struct caisson_doctor *row, bool json)
{
	bool found = row->flags & CAISSON_DOCTOR_FOUND, used = row->flags & CAISSON_DOCTOR_USED;
	bool needed = row->flags & CAISSON_DOCTOR_REQUIRED;

	if (!json) {
		out("%-40s %-8s %-6s %-8s %s%s%s\n", row->name, found ? "found" : "missing",
		    used ? "used" : "-", needed ? "needed" : "-", row->value,
		    *row->value && *row->note ? "; " : "", row->note);
		return;
	}
	json_open(NULL, '{');
	json_string("name", row->name);
	json_bool("found", found);
	json_bool("used", used);
	json_bool("required", needed);
	json_string("value", row->value);
	json_string("note", row->note);
	json_close('}');
}

/* false: it does not tell. */
static bool walls_row(struct caisson_doctor *row)
{
	struct caisson_walk w;
	u64 at;
	u32 pages;
	const char *wrong;

	if (hc_host_walk(0, &w) < 0)
		return false;
	wrong = walls_check(&at, &pages);
	memset(row, 0, sizeof(*row));
	snprintf(row->name, sizeof(row->name), "W^X, guard pages, windows");
	if (wrong)
		snprintf(row->note, sizeof(row->note), "at %llx: %s", (ull)at, wrong);
	else
		row->flags = CAISSON_DOCTOR_FOUND | CAISSON_DOCTOR_USED;
	if (!wrong)
		snprintf(row->value, sizeof(row->value), "%u pages", pages);
	return true;
}

static int cmd_doctor(int argc, char *const argv[])
{
	struct args_option o[] = { OPTION_JSON };
	static struct caisson_bits sets[DOCTOR_SETS];
	static struct caisson_physinfo p;
	struct caisson_doctor row;
	const char *none[1];
	u32 n = 0;
	bool json;

	if (parse(argc, argv, o, 1, none, 0, 0) < 0)
		return 1;
	json = o[0].set;
	if (json)
		json_open(NULL, '[');
	else
		out("%-40s %-8s %-6s %-8s %s\n", "CAPABILITY", "IS", "USED", "NEEDED", "FIGURE, NOTE");
	for (u32 i = 0; !in_ctrlc && !hc_doctor(i, &row); i++)
		print_row(&row, json);
	if (walls_row(&row))
		print_row(&row, json);
	while (n < DOCTOR_SETS && !hc_doctor_bits(n, &sets[n]))
		n++;
	hc_physinfo(&p);
	for (u32 i = 0; !in_ctrlc && n && doctor_fact_row(sets, i, &row); i++)
		print_row(&row, json);
	for (u32 i = 0; !in_ctrlc && n && doctor_row(!strcmp(p.vendor, "SVM"), sets + 1, i, &row); i++)
		print_row(&row, json);
	for (u32 i = 0; !in_ctrlc && n && doctor_weakness(&sets[n - 1], i, &row); i++)
		if (json)
			print_row(&row, true);
		else
			out("%-40s %s%s%s\n", row.name, row.value, *row.note ? ": " : "", row.note);
	if (json)
		json_close(']');
	return interrupted();
}

static int cmd_dmesg(int argc, char *const argv[])
{
	struct {
		struct caisson_log head;
		char text[512];
	} piece;
	const char *none[1];
	u64 at = 0;
	s64 n;

	if (parse(argc, argv, NULL, 0, none, 0, 0) < 0)
		return 1;
	while (!in_ctrlc && (n = hc_log_read(at, &piece, sizeof(piece))) > 0) {
		out_text(piece.text, (size_t)n);
		at = MAX(at, piece.head.first) + (u64)n;
	}
	return interrupted();
}

static int cmd_poweroff(int argc, char *const argv[])
{
	struct args_option o[] = { { .name = "reboot", .type = ARGS_FLAG } };
	const char *none[1];
	s64 r;

	if (parse(argc, argv, o, 1, none, 0, 0) < 0)
		return 1;
	out_flush();
	r = hc_power(o[0].set ? CAISSON_POWER_REBOOT : CAISSON_POWER_OFF);
	return fail("poweroff: %s", error_name(r));
}

const struct command commands_machine[] = {
	{ "info", cmd_info, "[--json]", "the machine: CPUs, memory, clocks", COMPLETE_NONE },
	{ "doctor", cmd_doctor, "[--json]",
	  "what of the processor Caisson needs and can use, and what it found", COMPLETE_NONE },
	{ "dmesg", cmd_dmesg, "", "the hypervisor's log", COMPLETE_NONE },
	{ "poweroff", cmd_poweroff, "[--reboot]", "ends everything and turns the machine off, or restarts it",
	  COMPLETE_NONE },
	{ 0 },
};
