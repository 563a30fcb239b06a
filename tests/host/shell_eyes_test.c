/* SPDX-License-Identifier: BSD-2-Clause */
/* The shell's commands that look and that rule:
 * exits, vCPUs, page tables, traces, rights, shares of CPUs, the machine. */
#include "guest/lib/hypercall.h"
#include "tests/host/shell_common.h"

static const struct fake_step hello[] = { SAY("hello\r\n"), EXIT(0), STOP };
static const struct fake_step silent[] = { STOP };
static struct fake_image images[] = {
	{ "control", elf, sizeof(elf), NULL, NULL },
	{ "hello", elf, sizeof(elf), hello, NULL },
	{ "silent", elf, sizeof(elf), silent, NULL },
};
static u32 id; /* of domain r */

static int setup(void **state)
{
	static bool ready;

	(void)state;
	if (!ready)
		control_start(images, ARRAY_SIZE(images));
	ready = true;
	fake_vendor = "VMX";
	fake_field = NULL;
	good("create silent --memory 16 --vcpus 2 --name r");
	id = domain_find("r")->id;
	return 0;
}

/* `line` fails when call `nr` does, and says why. */
static void bad_when(u32 nr, s64 error, const char *line, const char *text)
{
	fake_fail(nr, 0, -error);
	bad(line, text);
	fake_fail(0, 0, 0);
}

static void every_error_has_words(void **state)
{
	static const struct {
		s64 error;
		const char *text;
	} e[] = {
		{ CAISSON_EPERM, "not permitted" },
		{ CAISSON_ENOENT, "no such thing" },
		{ CAISSON_EIO, "the processor refused" },
		{ CAISSON_EAGAIN, "not finished" },
		{ CAISSON_ENOMEM, "not enough memory" },
		{ CAISSON_EFAULT, "a bad address" },
		{ CAISSON_EBUSY, "busy" },
		{ CAISSON_EEXIST, "already there" },
		{ CAISSON_EINVAL, "a value out of range" },
		{ CAISSON_ENOSPC, "a table is full" },
		{ CAISSON_ENOSYS, "not offered" },
		{ 999, "unknown error" },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(e); i++)
		bad_when(CAISSON_CALL_physinfo, e[i].error, "info", e[i].text);
}

static void the_machine(void **state)
{
	(void)state;
	good("info");
	says("Caisson 0.0");
	says("2 online");
	says("10 barriers between domains"); /* of both CPUs */
	fake_fail(CAISSON_CALL_cpuinfo, 1, -CAISSON_ENOENT);
	good("info --json");
	says("barriers\":5");
	good("doctor");
	says("EPT \"2M\"");
	says("x2APIC                                   found    used");
	says("same TSC on all CPUs                     missing  -      -        time jumps");
	says("found    -      -        slow");
	says("missing  used   needed   64; few");
	says("NMI exiting");
	says("vulnerable: ");
	says("mitigated");
	says_not("W^X");
	fake_walls = true;
	good("doctor");
	says("a page is writable and executable");
	fake_walls = false;
	fake_vendor = "SVM";
	good("doctor");
	says_not("NMI exiting");
	good("doctor --json");
	fake_fail_times(CAISSON_CALL_doctor, -CAISSON_ENOENT, 1000); /* a hypervisor that tells nothing */
	good("doctor --json");
	says("[]");
	fake_fail(0, 0, 0);
	fake_vendor = "VMX";
	fake_log("[0.700] one line\n[0.800] another\n");
	good("dmesg");
	says("[0.700] one line\r\n[0.800] another\r\n");
	bad("poweroff", "poweroff: not offered");
	bad("poweroff --reboot", "poweroff: not offered");
	good("clear");
	says("\033[2J");
	good("help status");
	static const char *const none[] = { "info",  "doctor",	     "dmesg",	       "poweroff", "status",
					    "clear", "cpupool-list", "cpupool-create", "images",   "list" };
	for (u32 i = 0; i < ARRAY_SIZE(none); i++) {
		char line[40];

		snprintf(line, sizeof(line), "%s x y", none[i]);
		bad(line, "error: ");
	}
	static const char *const some[] = { "help a b",
					    "vcpu-list a b",
					    "vcpu-pin r 0",
					    "sched",
					    "cpupool-destroy",
					    "cpupool-cpu-add 1",
					    "cpupool-cpu-remove 1",
					    "cpupool-migrate r",
					    "stats a b",
					    "top x",
					    "vmcs",
					    "apic",
					    "ept r",
					    "walk r",
					    "why",
					    "trace",
					    "rights",
					    "console",
					    "pause",
					    "wait",
					    "shutdown",
					    "reboot" };
	for (u32 i = 0; i < ARRAY_SIZE(some); i++)
		bad(some[i], "error: ");
}

/* ---- rights ---- */

static void rights(void **state)
{
	(void)state;
	good("rights r");
	says("machine          -\r\ndomains          -\r\nself             -\r\n3 calls refused\r\n");
	good("rights r +info +console");
	good("rights r +mem-read -info machine");
	good("rights r +all self");
	good("rights r +life domains");
	good("create silent --memory 4 --name other");
	good("rights r +dm +event other");
	good("rights r");
	says("machine          console mem-read\r\n");
	says("domains          life\r\n");
	says("self             info console build life mem-read mem-write regs dm sched event machine grant\r\n");
	says("other            dm event\r\n");
	good("rights other");
	says_not("r      ");
	bad("rights nobody", "no domain nobody");
	bad("rights r info", "+RIGHT or -RIGHT");
	bad("rights r +info machine self", "then one target");
	bad("rights r +nonsense", "no right nonsense");
	bad("rights r -inf", "no right inf");
	bad("rights r +info nobody", "no domain nobody");
	bad_when(CAISSON_CALL_rights_set, CAISSON_EPERM, "rights r +info", "changing the rights of domain");
	bad_when(CAISSON_CALL_rights_get, CAISSON_ENOENT, "rights r", "no domain");
	/* given before it runs */
	good("create silent --memory 4 --name s --rights info,life");
	assert_int_equal(fake_pauses(domain_find("s")->id), 0);
	good("rights s");
	says("machine          info life\r\n");
	good("create silent --memory 4 --name t --paused --rights \"dm r\"");
	assert_int_equal(fake_pauses(domain_find("t")->id), 1);
	good("rights t");
	says("r                dm\r\n");
	/* or it does not begin */
	bad("create silent --memory 4 --name u --rights info,nonsense", "no right nonsense");
	bad("create silent --memory 4 --name u --rights \"info nobody\"", "no domain nobody");
	bad_when(CAISSON_CALL_rights_set, CAISSON_EPERM, "create silent --memory 4 --name u --rights info",
		 "giving domain");
	assert_null(domain_find("u"));
}

/* ---- CPUs ---- */

static void pools(void **state)
{
	(void)state;
	good("cpupool-list");
	says("   0        0  all\r\n");
	good("cpupool-create");
	says("pool 1 created");
	good("cpupool-cpu-add 1 1");
	good("cpupool-list");
	says("   0        0  0\r\n   1        0  1\r\n");
	good("cpupool-migrate r 1");
	good("sched r");
	says("pool 1\r\n");
	bad("cpupool-destroy 1", "in use");
	good("cpupool-cpu-remove 1 1");
	bad("cpupool-cpu-remove 1 1", "pool 1 has no CPU 1");
	bad("cpupool-cpu-remove 1 9999", "pool 1 has no CPU 9999");
	bad("cpupool-cpu-remove 0 0", "only into another");
	bad("cpupool-cpu-remove 7 0", "no such pool");
	good("cpupool-destroy 1");
	bad("cpupool-destroy 1", "no such pool");
	bad("cpupool-destroy x", "'x' is no number of a pool");
	bad("cpupool-destroy 70000", "is no number of a pool");
	bad("cpupool-cpu-add 0 x", "'x' is no number of a CPU");
	bad("cpupool-cpu-add 0 9", "no such pool, CPU");
	bad("cpupool-migrate r x", "is no pool's number");
	bad("cpupool-migrate r 70000", "is no pool's number");
	bad("cpupool-migrate r 9", "no such pool");
	bad("cpupool-migrate nobody 0", "no domain nobody");
	for (u32 i = 0; i < 3; i++)
		good("cpupool-create");
	bad("cpupool-create", "a table is full");
	for (u32 i = 1; i < 4; i++) {
		char line[32];

		snprintf(line, sizeof(line), "cpupool-destroy %u", i);
		good(line);
	}
	bad_when(CAISSON_CALL_pool, CAISSON_EPERM, "cpupool-list", "not permitted");
	fake_fail_times(CAISSON_CALL_pool, -CAISSON_EPERM, 1);
	bad("cpupool-cpu-remove 0 0", "not permitted");
	fake_fail(CAISSON_CALL_pool, 1, -CAISSON_EPERM); /* asked again, it is gone */
	bad("cpupool-cpu-remove 0 0", "not permitted");
}

static void shares_of_cpus(void **state)
{
	(void)state;
	good("sched r");
	says("weight 256, no cap, no reservation, pool 0\r\n");
	fake_vcpu_info()->missed = 4;
	good("sched r --cap 50 --period 10000 --budget 2000");
	good("sched r");
	says("cap 50%, 2000 us of each 10000 us reserved (8 deadlines missed)");
	fake_vcpu_info()->missed = 0;
	bad("sched r --budget 5", "go together");
	bad("sched nobody", "no domain");
	bad("sched r --weight 0", "--weight");
	bad_when(CAISSON_CALL_sched_get, CAISSON_EPERM, "sched r", "not permitted");
	bad_when(CAISSON_CALL_sched_get, CAISSON_EPERM, "sched r --weight 5", "not permitted");
	bad_when(CAISSON_CALL_sched_set, CAISSON_ENOSPC, "sched r --weight 5", "not so much time left");
	bad_when(CAISSON_CALL_sched_set, CAISSON_EPERM, "sched r --weight 5", "not permitted");
	good("vcpu-pin r 1 0-1");
	bad_when(CAISSON_CALL_vcpu_pin, CAISSON_EPERM, "vcpu-pin r 0 0", "vcpu-pin: not permitted");
	bad("vcpu-pin nobody 0 0", "no domain");
	bad("vcpu-pin r 64 0", "no vCPU's number");
}

static void vcpus(void **state)
{
	static const char *const name[] = { "running", "runnable", "blocked", "device",
					    "paused",  "off",	   "unknown" };

	(void)state;
	good("create silent --memory 4 --name other");
	for (u32 i = 0; i < ARRAY_SIZE(name); i++) {
		char text[24];

		fake_vcpu_info()->state = i;
		good("vcpu-list r");
		snprintf(text, sizeof(text), "  %-8s ", name[i]);
		says(text);
		says_not("other");
	}
	fake_vcpu_info()->state = CAISSON_VCPU_BLOCKED;
	good("vcpu-list");
	says("r                   1    0  blocked");
	says("other               0    0  blocked");
	says("all");
	bad("vcpu-list nobody", "no domain nobody");
	good("vcpu-list --json");
	says("},{\"domain\":");
	fake_fail(CAISSON_CALL_physinfo, 0, -CAISSON_EPERM); /* then there is one CPU */
	good("vcpu-list r");
}

/* ---- exits ---- */

static void counters(void **state)
{
	static const struct {
		const char *how;
		bool hlt_first;
	} order[] = { { "cycles", true },
		      { "count", true },
		      { "worst", true },
		      { "name", true },
		      { "average", false } };

	(void)state;
	good("create hello --memory 4 --name h --wait");
	for (u32 i = 0; i < ARRAY_SIZE(order); i++) {
		char line[40];

		snprintf(line, sizeof(line), "stats r --sort %s", order[i].how);
		good(line);
		assert_int_equal(strstr(last, "  hlt ") < strstr(last, "  io "), order[i].hlt_first);
	}
	bad("stats r --sort size", "--sort takes");
	good("stats r");
	says("hlt                                40             4000       100       401  1002\r\n");
	says_not("cpuid"); /* there were none */
	good("stats r --histogram");
	says("2^5            40  ########################################\r\n");
	says("2^7             4  ####\r\n");
	/* all, also those that ended lately */
	good("stats");
	says("(r)");
	says("(h)");
	good("stats --json");
	says("\"name\":\"r\"");
	says(",{\"domain\":");
	says("\"name\":\"h\"");
	good("stats h");
	says_not("(r)");
	bad("stats nobody", "no domain nobody");
	bad_when(CAISSON_CALL_domain_info, CAISSON_ENOENT, "stats r", "no domain");
	good("stats --reset r");
	good("stats --reset");
	assert_int_equal(fake_stats_resets(), 2);
	bad("stats --reset nobody", "no domain nobody");
	/* what they are about */
	good("stats r");
	says("\r\n      102: 20, others: 20\r\n");
	says("\r\n      101: 10, others: 10\r\n");
	good("stats r --json");
	says("\"what\":[{\"what\":\"0x102\",\"count\":20}]");
}

static void quits(void)
{
	fake_type("q");
}

static void the_top(void **state)
{
	(void)state;
	good("top --count 2");
	says("2 CPUs");
	says("r                blocked");
	says("CPU   1:   0.0 % in guests,   0.0 % in root mode,   0.0 % idle; 0 interrupts/s");
	assert_null(strstr(strstr(strstr(last, "CPU %") + 1, "CPU %") + 1, "CPU %")); /* two pages */
	fake_type("xq");
	good("top");
	says_not("CPU %");
	fake_type("\x03");
	good("top");
	quits();
	good("top --count 5");
	says_not("CPU %");
}

/* ---- a vCPU ---- */

static u64 irr(u32 vcpu, u32 field)
{
	(void)vcpu;
	return field == CAISSON_FIELD_APIC + 0x21 ? 0x8000 : 0;
}

static void registers(void **state)
{
	(void)state;
	good("vmcs r:1 RSP");
	says("681c  Guest RSP                                0000000000000abd");
	assert_int_equal(fake_pauses(id), 0);
	good("vmcs r");
	says("0000  Virtual-processor identifier (VPID)      0000\r\n");
	fake_vendor = "SVM";
	good("vmcs r rip");
	says("0578  rip");
	fake_vendor = "VMX";
	bad("vmcs r:2", "has no vCPU 2");
	bad("vmcs r:64", "is no vCPU: ID:NUMBER");
	bad("vmcs r:x", "is no vCPU: ID:NUMBER");
	bad("vmcs nobody", "no domain nobody");
	fake_fail_times(CAISSON_CALL_vmcs_read, -CAISSON_EBUSY, 500); /* it is leaving its CPU */
	good("vmcs r RSP");
	fake_fail_times(CAISSON_CALL_vmcs_read, -CAISSON_EBUSY, STILL_TRIES + 1);
	bad("vmcs r RSP", "busy");
	bad_when(CAISSON_CALL_domain_pause, CAISSON_EPERM, "vmcs r", "pausing domain");
	fake_fail(CAISSON_CALL_domain_pause, 0, -CAISSON_EAGAIN); /* paused, a vCPU is just leaving */
	run("vmcs r RSP");
	good("pause r");
	fake_field = irr;
	good("apic r");
	says("030  version");
	says("210  IRR                  00008000\r\n");
	says_not("ISR"); /* nothing in it */
	bad("apic r:2", "apic: no such thing");
	bad("apic nobody", "no domain");
	bad_when(CAISSON_CALL_vmcs_read, CAISSON_EPERM, "apic r", "not permitted");
	assert_int_equal(fake_pauses(id), 1);
}

static u8 *memory(u64 at)
{
	return (u8 *)(uintptr_t)fake_memory(id) + at;
}

static void put64(u64 at, u64 v)
{
	memcpy(memory(at), &v, 8);
}

static void put32(u64 at, u32 v)
{
	memcpy(memory(at), &v, 4);
}

/* A guest's own tables, in each way of paging. SDM: "Paging" */
static void page_tables(void **state)
{
	struct caisson_vcpu_context *c = fake_vcpu(id, 0);
	const u64 PG = 0x80000001, PSE = 0x10, PAE = 0x20, LA57 = 0x1000, LMA = 0x500;

	(void)state;
	good("walk r 0x1234");
	says("no paging, cr3 0\r\nva 1234 is gpa 1234\r\n");
	c->cr0 = PG;
	c->cr3 = 0x100018; /* the low bits are no address */
	/* 32-bit: 4 KiB, a bit 7 that means nothing, 4 MiB above 4 GiB */
	put32(0x100000 + 4 * 1, 0x101083);
	put32(0x101000 + 4 * 2, 0x7003);
	put32(0x100000 + 4 * 2, 0x00c00083 | 0x5 << 13);
	good("walk r 0x402345");
	says("32-bit paging, cr3 100018\r\nlevel 2  entry 00101083  at gpa 100004\r\nlevel 1  entry 00007003  at gpa 101008\r\n"
	     "va 402345 is gpa 7345: writable, supervisor\r\n");
	c->cr4 = PSE;
	good("walk r 0x812345");
	says("va 812345 is gpa 500c12345: writable, supervisor\r\n");
	good("walk r 0xc00000");
	says("va c00000 is not mapped\r\n");
	put32(0x100000 + 4 * 3, 0x50000003); /* its table is nowhere */
	bad("walk r 0xc01000", "level 1: the entry at gpa 50000004 is not in the domain's RAM");
	/* PAE: four entries in the first, aligned to 32 bytes; a bit 7 there is none */
	c->cr4 = PAE;
	c->cr3 = 0x102020;
	put64(0x102020 + 8 * 3, 0x103081);
	put64(0x103000 + 8 * 1, 0x200000 | 0x83);
	put64(0x103000 + 8 * 2, 0x104003);
	put64(0x104000, 0x123000 | 1ull << 63 | 3);
	good("walk r 0xc0234567");
	says("PAE paging");
	says("level 2  entry 0000000000200083");
	says("va c0234567 is gpa 234567: writable, supervisor\r\n");
	good("walk r 0xc0400abc");
	says("va c0400abc is gpa 123abc: writable, supervisor, no execute\r\n");
	/* 4 levels: 4 KiB, 2 MiB, 1 GiB; bit 7 at the top is none */
	c->efer = LMA;
	c->cr3 = 0x110000;
	put64(0x110000 + 8 * 1, 0x111083);
	put64(0x111000 + 8 * 2, 0x40000083);
	put64(0x111000 + 8 * 3, 0x112003);
	put64(0x112000 + 8 * 4, 0x600083);
	put64(0x112000 + 8 * 5, 0x113003);
	put64(0x113000 + 8 * 6, 0x321003);
	good("walk r 0x8080123456");
	says("4-level paging");
	says("va 8080123456 is gpa 40123456: writable, supervisor\r\n");
	good("walk r 0x80c0812345");
	says("va 80c0812345 is gpa 612345: writable, supervisor\r\n");
	good("walk r 0x80c0a06789");
	says("level 1  entry 0000000000321003  at gpa 113030\r\nva 80c0a06789 is gpa 321789: writable, supervisor\r\n");
	put64(0x113000 + 8 * 6, 0x321005);
	good("walk r 0x80c0a06789");
	says("va 80c0a06789 is gpa 321789: read-only, supervisor\r\n");
	put64(0x113000 + 8 * 6, 0x321003);
	bad("walk r 0x808080c0a06789", "va 808080c0a06789 is not canonical");
	/* 5 levels */
	c->cr4 = PAE | LA57;
	c->cr3 = 0x120000;
	put64(0x120000 + 8 * 1, 0x110003);
	good("walk r 0x10080c0a06789");
	says("5-level paging");
	says("level 5  entry 0000000000110003  at gpa 120008\r\n");
	says("is gpa 321789: writable, supervisor\r\n");
	bad("walk r 0x1000080c0a067890", "is not canonical");
	/* refusals */
	bad("walk r x", "is no address");
	bad("walk nobody 0", "no domain");
	bad("walk r:2 0", "has no vCPU 2");
	bad_when(CAISSON_CALL_vcpu_get, CAISSON_EPERM, "walk r 0", "walk: not permitted");
	bad_when(CAISSON_CALL_domain_pause, CAISSON_EPERM, "walk r 0", "pausing domain");
	fake_fail_times(CAISSON_CALL_vcpu_get, -CAISSON_EBUSY, 5);
	good("walk r 0x10080c0a06789");
	fake_fail_times(CAISSON_CALL_vcpu_get, -CAISSON_EBUSY, STILL_TRIES + 1);
	bad("walk r 0", "busy");
	fake_fail(0, 0, 0);
	assert_int_equal(fake_pauses(id), 0);
	good("ept r 0x1234");
	says("level 4  entry");
	says(", mapped by 2 MiB, ---\r\n");
	good("ept r 0x500000");
	says("gpa 500000 is not mapped\r\n");
	bad("ept nobody 0", "no domain");
	bad_when(CAISSON_CALL_s2_walk, CAISSON_EPERM, "ept r 0", "ept: not permitted");
}

static void why_not(void **state)
{
	static const char *const text[] = { "runs",	 "waits for a CPU", "sleeps", "waits for a device",
					    "is paused", "is off",	    "?" };

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(text); i++) {
		fake_vcpu_info()->state = i;
		good("why r");
		says("is alive\r\n");
		says(text[i]);
	}
	fake_vcpu_info()->state = CAISSON_VCPU_BLOCKED;
	good("pause r");
	good("why r");
	says("is paused\r\n");
	bad("why nobody", "no domain nobody");
	bad_when(CAISSON_CALL_domain_info, CAISSON_EPERM, "why r", "why: not permitted");
	run("create hello --memory 4 --name h --wait");
	good("why h");
	says("ended: exit 0\r\n");
	/* power-off has no code, and a crash is still there */
	hc_domain_end(id, CAISSON_END_POWEROFF, 0);
	run("wait r");
	good("why r");
	says("ended: power-off\r\n");
}

/* ---- refused entries ---- */

static u64 vmcb_words[512];
static u64 vmcb_field(u32 vcpu, u32 field)
{
	(void)vcpu;
	return vmcb_words[field / 8 % 512];
}

/* An entry that the processor refused: the first check that fails is named, or that none does. */
static void refused(void **state)
{
	struct dom *d;

	(void)state;
	hc_domain_end(id, CAISSON_END_CRASH, CAISSON_CRASH_REFUSED);
	run("wait r");
	says("ended: crash");
	d = domain_find("r");
	assert_non_null(strstr(d->why, ": "));
	assert_null(strstr(d->why, "every check"));
	/* on AMD: a state that is in order, but for its EFER.SVME */
	fake_vendor = "SVM";
	fake_field = vmcb_field;
	for (u32 i = 0; i < 2; i++) {
		good("create silent --memory 4 --vcpus 2 --name q");
		vmcb_words[0x4d0 / 8] = i ? 0x1000 : 0;
		vmcb_words[0x10 / 8] = 1; /* VMRUN is intercepted */
		vmcb_words[0x58 / 8] = 1; /* an ASID */
		vmcb_words[0x668 / 8] = 0x0007040600070406;
		vmcb_words[0x558 / 8] = 0x10;
		hc_domain_end(domain_find("q")->id, CAISSON_END_CRASH, CAISSON_CRASH_REFUSED);
		run("wait q");
		d = domain_find("q");
		assert_non_null(
			strstr(d->why, i ? "every check that software can make passes" : "EFER.SVME is 0"));
		good("why q");
		says(d->why);
		good("destroy q");
	}
	/* what cannot be read is 0 */
	fake_vendor = "VMX";
	fake_field = NULL;
	good("create silent --memory 4 --name q");
	hc_domain_end(domain_find("q")->id, CAISSON_END_CRASH, CAISSON_CRASH_REFUSED);
	fake_fail_times(CAISSON_CALL_vmcs_read, -CAISSON_EPERM, 1000000);
	run("wait q");
	says("ended: crash");
	fake_fail(0, 0, 0);
}

/* ---- traces ---- */

static u32 crc(const u8 *p, size_t n)
{
	u32 r = ~0u;

	for (; n--; p++) {
		r ^= *p;
		for (u32 i = 0; i < 8; i++)
			r = r >> 1 ^ (r & 1 ? 0xedb88320u : 0);
	}
	return ~r;
}

/* The records behind the header of a CPU, decoded: their number. */
static size_t decode(const char *text, u8 *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	u32 bits = 0, have = 0;
	size_t n = 0;

	for (text = strchr(text, '\n') + 1; strncmp(text, "end ", 4); text++) {
		const char *d = strchr(digits, *text);

		if (*text == '\r' || *text == '\n' || *text == '=') {
			have = *text == '=' ? 0 : have;
			continue;
		}
		assert_non_null(d);
		bits = bits << 6 | (u32)(d - digits);
		have += 6;
		if (have >= 8)
			to[n++] = (u8)(bits >> (have -= 8));
	}
	return n / sizeof(struct caisson_trace_record);
}

static void traces(void **state)
{
	static struct caisson_trace_record r[40], back[700];
	char line[128];
	u32 other;

	(void)state;
	good("trace status");
	says("trace is off; a full ring drops the oldest; domains by name");
	says("records: EXIT ENTRY");
	says("exits: cpuid io hlt\r\n");
	says("CPU 1: 0 records, 0 lost\r\n");
	good("trace on");
	assert_int_equal(fake_trace_control()->flags, CAISSON_TRACE_ON);
	assert_int_equal(fake_watch(id), CAISSON_WATCH_TRACE);
	good("create silent --memory 4 --name other"); /* those to come, too */
	other = domain_find("other")->id;
	assert_int_equal(fake_watch(other), CAISSON_WATCH_TRACE);
	good("trace status");
	says("trace is on");
	says("every domain");
	good("trace off");
	assert_int_equal(fake_trace_control()->flags, 0);
	assert_int_equal(fake_watch(id) | fake_watch(other), 0);
	good("trace on other");
	assert_int_equal(fake_watch(id), 0);
	assert_int_equal(fake_watch(other), CAISSON_WATCH_TRACE);
	good("create silent --memory 4 --name third");
	assert_int_equal(fake_watch(domain_find("third")->id), 0);
	/* what is taken */
	good("trace filter --exits hlt,IO --records Exit,wake --stop");
	assert_int_equal(fake_trace_control()->exits, 6);
	assert_int_equal(fake_trace_control()->types, 1u << CAISSON_TRACE_EXIT | 1u << CAISSON_TRACE_WAKE);
	assert_int_equal(fake_trace_control()->flags, CAISSON_TRACE_ON | CAISSON_TRACE_STOP);
	good("trace status");
	says("a full ring takes no more");
	says("records: EXIT WAKE\r\nexits: io hlt\r\n");
	good("trace off --overwrite --exits all --records all");
	assert_int_equal(fake_trace_control()->flags, 0);
	good("trace filter --exits cpuid"); /* off: for the next time */
	bad("trace filter --exits hlt,nonsense", "'nonsense' is no kind of exit");
	bad("trace filter --records nonsense", "is no kind of record");
	bad("trace filter --records hl", "is no kind of record");
	bad("trace nonsense", "is none of on, off");
	bad("trace off r", "takes no domains");
	bad("trace on nobody", "no domain nobody");
	bad_when(CAISSON_CALL_trace_control, CAISSON_ENOMEM, "trace on", "trace: not enough memory");
	fake_fail(CAISSON_CALL_watch, 3, -CAISSON_EPERM);
	bad("trace on r", "trace: not permitted");
	fake_fail(0, 0, 0);
	good("trace off --exits all");
	/* the stream that scripts/trace reads */
	for (u32 i = 0; i < ARRAY_SIZE(r); i++)
		r[i] = (struct caisson_trace_record){ .tsc = i * 1000003,
						      .a = ~(u64)i,
						      .b = i % 7,
						      .dom = (u16)id,
						      .type = i % 5 ? CAISSON_TRACE_EXIT : CAISSON_TRACE_WAKE,
						      .kind = (u8)(i % 3) };
	fake_trace(0, r, 40, 0);
	fake_trace(1, r, 2, 5);
	good("trace dump");
	says("caisson-trace 1 tsc_khz=1000000\r\nkinds cpuid io hlt\r\ntypes - EXIT ENTRY");
	snprintf(line, sizeof(line), "domain %u r\r\n", id);
	says(line);
	assert_int_equal(decode(strstr(last, "cpu 0 first=0 next=40 dropped=0"), (u8 *)back), 40);
	assert_memory_equal(back, r, sizeof(r));
	snprintf(line, sizeof(line), "end records=40 lost=0 crc32=%08x\r\ncpu 1 first=0 next=2 dropped=5\r\n",
		 crc((const u8 *)r, sizeof(r)));
	says(line);
	says("end records=2 lost=0");
	says("caisson-trace end\r\n");
	good("trace dump --last 4");
	assert_int_equal(decode(strstr(last, "cpu 0 first=36 next=40"), (u8 *)back), 4);
	assert_memory_equal(back, r + 36, 4 * sizeof(*r));
	/* by what they are about */
	good("trace top --last 3");
	assert_int_equal(strncmp(strchr(last, '\n') + 1, "           3  ", 14), 0);
	says_not("more kinds");
	for (u32 i = 0; i < 300; i++) {
		r[0] = (struct caisson_trace_record){ .type = CAISSON_TRACE_EXIT,
						      .kind = 2,
						      .b = 0x1000 + i };
		fake_trace(0, r, 1, 0);
	}
	r[0].b = 0x1007;
	fake_trace(0, r, 1, 0);
	good("trace top --last 1");
	says("           3  io               "); /* of the first ones */
	says("of more kinds, 0 lost\r\n");
	good("trace top --for 1"); /* from now on there is nothing */
	assert_string_equal(strchr(last, '\n') + 1, "");
}

/* ---- Ctrl-C ---- */

static u32 printed, pieces_until;
static void ctrl_c(const void *bytes, size_t n)
{
	(void)bytes, (void)n;
	if (++printed > pieces_until)
		in_ctrlc = true;
}

/* Whoever prints much stops soon after it was pressed, and says so. */
static void ctrl_c_ends_each_print(void **state)
{
	static const char *const line[] = {
		"list",		"list --all --json",   "vcpu-list", "vcpu-list --json", "stats",
		"stats --json", "stats r --histogram", "doctor",    "doctor --json",	"dmesg",
		"vmcs r",	"trace dump"
	};
	struct caisson_trace_record r[20] = { 0 };
	u32 all, n;

	(void)state;
	good("create silent --memory 4 --name other");
	run("create hello --memory 4 --name gone --wait");
	for (u32 i = 0; i < 40; i++)
		fake_log("[0.600] a line, one of many\n");
	fake_trace(0, r, 20, 0);
	for (u32 i = 0; i < ARRAY_SIZE(line); i++) {
		out_taker = ctrl_c;
		printed = 0;
		pieces_until = ~0u;
		assert_int_equal(shell_line(line[i]), 0);
		all = printed;
		for (pieces_until = 0; pieces_until < all; pieces_until += 1 + all / 16) {
			printed = 0;
			n = (u32)shell_line(line[i]);
			if (n != 1)
				fail_msg("`%s` goes on behind Ctrl-C at %u of %u", line[i], pieces_until,
					 all);
			assert_true(printed <= pieces_until + 60 + all / 2); /* a row at most */
		}
		out_taker = NULL;
	}
	assert_int_equal(fake_pauses(id), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, check_clean)
	const struct CMUnitTest tests[] = {
		TEST(every_error_has_words),
		TEST(the_machine),
		TEST(rights),
		TEST(pools),
		TEST(shares_of_cpus),
		TEST(vcpus),
		TEST(counters),
		TEST(the_top),
		TEST(registers),
		TEST(page_tables),
		TEST(why_not),
		TEST(refused),
		TEST(traces),
		TEST(ctrl_c_ends_each_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
