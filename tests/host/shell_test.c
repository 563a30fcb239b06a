/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control domain as a whole: commands are given to its shell, guests of a few port accesses run in a fake
 * hypervisor.
 */
#include "guest/control/cpuset.h"
#include "tests/host/shell_common.h"

/* ---- guests ---- */

static const struct fake_step hello[] = { SAY("hello\r\n"), EXIT(0), STOP };
static const struct fake_step seven[] = { SAY("seven"), EXIT(7), STOP };
static const struct fake_step halt[] = { SAY("halting\r\n"), STOP };
static const struct fake_step silent[] = { STOP };
static const struct fake_step crash[] = { SAY("oops"), { FAKE_CRASH, 0, 0, 0, NULL }, STOP };
static const struct fake_step late[] = { SLEEP(3000), SAY("late\r\n"), POWEROFF, STOP };
static const struct fake_step echo[] = { UART_ON,  SAY("type: "), KEY('a'),	   SAY("A"), KEY('b'),
					 SAY("B"), KEY('\r'),	  SAY("done\r\n"), EXIT(0),  STOP };
static const struct fake_step reset[] = { SAY("first\r\n"), RESET, STOP };
static const struct fake_step again[] = { SAY("second\r\n"), EXIT(3), STOP };
static const struct fake_step button[] = { SAY("up\r\n"), BUTTON, SAY("bye\r\n"), POWEROFF, STOP };
static const struct fake_step devices[] = { INB(0x3fd, 0x60),  /* UART: transmitter empty */
					    OUTB(0x3ff, 0x5a), /* its scratch register keeps a byte ... */
					    INB(0x3ff, 0x5a),
					    { FAKE_IN, 0x3ff, 0x5a, 1, NULL },
					    OUTB(0x70, 0x0d),
					    INB(0x71, 0x80), /* RTC: the battery is good */
					    OUTB(0x70, 9),
					    INB(0x71, 0x23), /* it is 2023 */
					    INB(0x21, 0xff),
					    OUTB(0x21, 0xfb),
					    INB(0x21, 0xfb), /* PIC: the mask reads back */
					    OUTB(0xa0, 0x11),
					    OUTB(0xa1, 0x28),
					    OUTB(0xa1, 2),
					    OUTB(0xa1, 1),
					    OUTB(0xa1, 0xee),
					    INB(0xa1, 0xee),
					    INB(0x20, 0),
					    OUTB(0x20, 0x12),
					    OUTB(0x21, 8),
					    OUTB(0x21, 0x77),
					    INB(0x21, 0x77), /* single, no ICW4: one ICW */
					    { FAKE_OUT, 0x510, 5, 2, NULL },
					    INB(0x511, 2),
					    INB(0x511, 0), /* fw_cfg: two CPUs */
					    INB(0x64, 0),
					    INB(0x601, 0),
					    INB(0xcf9, 0),
					    EXIT(0),
					    STOP };
static const struct fake_step flood_[] = { SLEEP(1), { FAKE_TEXT, 0, 0, 0, NULL }, EXIT(0), STOP };
static struct fake_step flood[4];
static char flood_text[200001];

static u8 initrd_bytes[5000];
static const u8 text_file[] = "This is no kernel.\n";

static struct fake_image images[] = {
	{ "control", elf, sizeof(elf), NULL, NULL },
	{ "hello -v  two words", elf, sizeof(elf), hello, NULL },
	{ "seven", elf, sizeof(elf), seven, NULL },
	{ "initrd=hello the initrd's string", initrd_bytes, sizeof(initrd_bytes), NULL, NULL },
	{ "halt", elf, sizeof(elf), halt, NULL },
	{ "silent", elf, sizeof(elf), silent, NULL },
	{ "crash", elf, sizeof(elf), crash, NULL },
	{ "late", elf, sizeof(elf), late, NULL },
	{ "echo", elf, sizeof(elf), echo, NULL },
	{ "reset", elf, sizeof(elf), reset, again },
	{ "button", elf, sizeof(elf), button, button },
	{ "devices", elf, sizeof(elf), devices, NULL },
	{ "flood", elf, sizeof(elf), flood, NULL },
	{ "text", text_file, sizeof(text_file) - 1, NULL, NULL },
};

static int setup_all(void **state)
{
	(void)state;
	memcpy(flood, flood_, sizeof(flood));
	for (u32 i = 0; i < sizeof(flood_text) - 1; i++)
		flood_text[i] = i % 50 == 49 ? '\n' : (char)('a' + i / 50 % 26);
	flood[1].text = flood_text;
	control_start(images, ARRAY_SIZE(images));
	return 0;
}

/* ---- tests ---- */

static void unknown_words(void **state)
{
	(void)state;
	bad("crate hello", "unknown command: crate (did you mean create?)");
	bad("xyzzy", "unknown command: xyzzy (try: help)");
	bad("create hello --memry 4", "did you mean --memory?");
	bad("create", "create");
	bad("list too many", "too");
	bad("create \"hello", "error: ");
	run("xyzzy");
	assert_int_equal(run("  # nothing"), 1); /* changes nothing */
	good("status");
	says("status 1\r\n");
	good("echo a  'b  c'");
	says("a b  c\r\n");
	good("status");
	says("status 0\r\n");
	good("help");
	for (u32 i = 0; commands_domain[i].name; i++)
		says(commands_domain[i].name);
	good("help create");
	says("--no-reboot");
	bad("help crate", "did you mean create?");
}

static void images_are_listed(void **state)
{
	(void)state;
	good("images");
	says("hello");
	says("-v  two words\r\n");
	says_not("control");
	says_not("initrd=");
	good("images --json");
	says("{\"name\":\"hello\",\"bytes\":12288,\"initrd_bytes\":5000,\"args\":\"-v  two words\"}");
}

static void a_domain_runs_and_ends(void **state)
{
	(void)state;
	good("create hello --memory 16 --wait");
	says("hello\r\n");
	says("ended: exit 0\r\n");
	assert_int_equal(fake_free_pages(), PAGES);
	assert_int_equal(run("create seven --memory 16 --wait --name s"), 1);
	says("seven\r\ndomain");
	says("ended: exit 7\r\n");
	good("list");
	says_not("seven");
	good("list --all");
	says("ended");
	/* what is gone is remembered */
	assert_int_equal(run("wait s"), 1);
	says("ended: exit 7\r\n");
	good("console s --log");
	says("seven\r\n");
	good("stats s");
	says("hlt");
	good("why s");
	says("exit 7");
	bad("pause s", "has ended");
	bad("vmcs s", "has ended");
}

static void the_image_is_where_it_belongs(void **state)
{
	const struct caisson_vcpu_context *c;
	struct dom *d;
	const u8 *mem;

	(void)state;
	good("create silent --memory 16 --paused --name p");
	says("created, paused");
	d = domain_find("p");
	mem = fake_memory(d->id);
	c = fake_context(d->id);
	assert_memory_equal(mem + 0x100000, elf + 0x1000, 0x2000);
	assert_memory_equal(mem + 0xe0000, "RSD PTR ", 8);
	assert_memory_equal(mem + 0xffff0, "\xb0\x06\xba\xf9\x0c\xee", 6); /* a jump to the BIOS resets */
	assert_int_equal(c->rip, 0x100040);
	assert_int_equal(c->cr0 & 0x80000001, 1);
	assert_int_equal(c->cs.attr, 0xc09b);
	assert_memory_equal(mem + c->gpr[3], "\x78\xc5\x6e\x33", 4); /* RBX: hvm_start_info */
	good("unpause p");
	bad("unpause p", "is not paused");
	good("pause p");
	good("list");
	says("paused");
}

static void devices_answer(void **state)
{
	(void)state;
	good("create devices --memory 16 --vcpus 2 --wait");
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	bad("create nothing", "no image nothing");
	bad("create control", "no image control");
	bad("create text", "unknown format");
	bad("create hello --memory 0", "--memory");
	bad("create hello --memory x", "needs a number");
	bad("create hello --memory 1", "domain of 1024 KiB");
	bad("create hello --memory 257", "not enough memory");
	bad("create hello --vcpus 65", "--vcpus");
	bad("create hello --name 17", "not digits alone");
	bad("create hello --name 'a b'", "name \"a b\"");
	bad("create hello --name ''", "name \"\"");
	bad("create hello --name aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1 to 31 letters");
	good("create silent --memory 16 --name twin");
	bad("create silent --memory 16 --name twin", "the name twin is taken");
	good("create silent --memory 16");
	good("create silent --memory 16");
	assert_non_null(domain_find("silent"));
	assert_non_null(domain_find("silent-2"));
	bad("pause nobody", "no domain nobody");
	bad("destroy 0", "control domain");
	bad("destroy 99999", "no domain 99999");
	bad("console twin --timeout 3", "--expect");
	bad("vcpu-pin twin 1 0", "has no vCPU 1");
	bad("vcpu-pin twin 0 5", "no CPU of 5");
	bad("vcpu-pin twin 0 x", "set of CPUs");
	bad("vcpu-pin twin x 0", "no vCPU's number");
	fake_fail(CAISSON_CALL_pool, 0, -CAISSON_ENOSYS);
	bad("cpupool-list", "not offered");
	bad("sched twin --period 5", "go together");
	bad("ept twin zz", "no address");
	bad("walk twin:99 0", "no vCPU");
}

/* Whatever step fails: one line names it, and nothing is left behind. */
static void each_failure_unwinds(void **state)
{
	static const struct {
		u32 call, skip;
		const char *says;
	} step[] = {
		{ CAISSON_CALL_domain_create, 0, "creating the domain" },
		{ CAISSON_CALL_vcpu_create, 0, "making its vCPU 0" },
		{ CAISSON_CALL_vcpu_create, 1, "making its vCPU 1" },
		{ CAISSON_CALL_ioreq_map, 0, "request page" },
		{ CAISSON_CALL_ioreq_claim, 0, "claiming the UART" },
		{ CAISSON_CALL_ioreq_claim, 11, "claiming the test device" },
		{ CAISSON_CALL_populate, 0, "RAM at 0x0" },
		{ CAISSON_CALL_populate, 3, "RAM at 0x300000" },
		{ CAISSON_CALL_mem_write, 0, "writing its image" },
		{ CAISSON_CALL_mem_write, 10, "writing its" },
		{ CAISSON_CALL_vcpu_get, 0, "reading its vCPU" },
		{ CAISSON_CALL_vcpu_set, 0, "setting its vCPU" },
		{ CAISSON_CALL_domain_unpause, 0, "starting it" },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(step); i++) {
		fake_fail(step[i].call, step[i].skip, -CAISSON_EIO);
		bad("create hello --memory 16 --vcpus 2 --testdev", step[i].says);
		says("the processor refused");
		check_clean(NULL);
	}
}

static void leave(void)
{
	fake_type("\x1d");
}

static void consoles(void **state)
{
	(void)state;
	good("create echo --memory 16 --name e");
	fake_type("xab");
	fake_idle = leave; /* when all has been read and answered */
	good("console e");
	fake_idle = NULL;
	says("type: AB");
	says("Ctrl-] leaves");
	/* what was seen is not shown again; the log has all */
	fake_type("\x1d");
	good("console e");
	says_not("type:");
	good("console e --log");
	says("type: AB\r\n");
	good("console e --send \"\\r\" --expect done");
	says("done");
	good("wait e");
	says("ended: exit 0");
	bad("console e --send x", "has ended");
}

static void expectations(void **state)
{
	(void)state;
	good("create halt --memory 16 --name h");
	good("console h --expect halting --timeout 5");
	bad("console h --expect halting --timeout 5", "was not seen in 5 s"); /* it was said once */
	bad("console h --expect ''", "1 to 255 bytes");
	good("create seven --memory 16 --name s");
	bad("console s --expect eleven --timeout 100", "ended before \"eleven\"");
	good("create late --memory 16 --name l");
	bad("wait l --timeout 1", "did not end in time");
	good("console l --expect late --timeout 5");
	good("wait l");
	says("ended: power-off\r\n");
}

static void resets(void **state)
{
	(void)state;
	assert_int_equal(run("create reset --memory 16 --wait --name r"), 1);
	says("first\r\nsecond\r\n");
	says("ended: exit 3");
	assert_int_equal(run("create reset --memory 16 --wait --no-reboot --name r"), 1);
	says("first\r\n");
	says_not("second");
	says("ended: reset");
	/* a rebuild that fails leaves a domain that says why */
	fake_fail(CAISSON_CALL_vcpu_set, 1, -CAISSON_EIO);
	assert_int_equal(run("create reset --memory 16 --wait --name q"), 1);
	says("could not be rebuilt: setting its vCPU");
	says("ended: crash");
	good("destroy q");
}

static void buttons(void **state)
{
	struct dom *d;

	(void)state;
	good("create button --memory 16 --name b");
	good("console b --expect up");
	good("reboot b");
	says("rebooted");
	d = domain_find("b");
	assert_int_equal(d->rebuilds, 1);
	good("console b --expect up");
	good("shutdown b");
	says("ended: power-off");
	good("create halt --memory 16 --name deaf");
	bad("shutdown deaf --timeout 2", "did not power off within 2 s");
	bad("reboot deaf --timeout 2", "did not power off within 2 s");
	good("pause deaf");
	bad("shutdown deaf", "is paused");
	good("destroy deaf");
}

static void crashes(void **state)
{
	(void)state;
	fake_log("[0.500] domain 9999 is not this one\n");
	assert_int_equal(run("create crash --memory 16 --wait --name c"), 1);
	says("oops\r\n[1.000] domain");
	says("rip 123456\r\n");
	says_not("is not this one");
	says("triple fault\r\n");
	says("ended: crash\r\n");
	good("list");
	says("crashed");
	good("vmcs c RSP");
	says("681c  Guest RSP                                0000000000000abd");
	says_not("Guest RIP");
	bad("vmcs c nonsense", "no field");
	good("why c");
	says("crash; triple fault");
	good("destroy c");
	bad("why c", "no domain c");
}

static void json_text(void **state)
{
	(void)state;
	good("create silent --memory 16 --name j");
	good("list --json");
	says("[{\"id\":");
	says(",\"name\":\"j\",\"state\":\"blocked\",\"vcpus\":1,\"pages\":4096,");
	assert_string_equal(last + strlen(last) - 4, "}]\r\n");
	good("info --json");
	says("{\"version\":\"Caisson 0.0\"");
	good("doctor --json");
	says("\"name\":\"EPT \\\"2M\\\"\",\"found\":true,\"used\":false");
	says("\"name\":\"NMI exiting\",\"found\":true,\"used\":true,\"required\":true");
	good("vcpu-list j --json");
	says("\"affinity\":\"all\"");
	good("stats j --json");
	says("\"exits\":[{\"name\":\"hlt\",\"count\":20,\"cycles\":2000,\"worst\":400,\"worst_rip\":"
	     "\"0x1002\",\"hist\":[0,");
	says("},{\"name\":\"io\"");
	bad("stats nobody --json", "no domain nobody");
	good("ept j 0x1234");
	says("hpa 11234, mapped by 2 MiB");
	good("sched j --weight 77");
	good("sched j");
	says("weight 77, no cap");
	good("top --count 2");
	says("CPU %");
}

/* The guest prints faster than the console takes it: it is made to wait, and nothing is lost. */
static void floods(void **state)
{
	size_t n = 0;

	(void)state;
	fake_console_limit(100);
	good("create flood --memory 16 --wait --name f");
	for (const char *p = last; *p && n < sizeof(flood_text) - 1; p++)
		if (*p == flood_text[n])
			n++;
	assert_int_equal(n, sizeof(flood_text) - 1);
	says_not("lost");
	fake_console_limit(~0u);
	/* unwatched, the newest 64 KiB are kept */
	good("create flood --memory 16 --name g");
	good("wait g");
	good("console g --log");
	says("earlier bytes are lost");
	assert_string_equal(last + strlen(last) - 10, flood_text + sizeof(flood_text) - 11 + 0);
}

static void many(void **state)
{
	size_t before = alloc_left();

	(void)state;
	for (u32 i = 0; i < 60; i++)
		good("create silent --memory 4");
	assert_true((before - alloc_left()) / 60 <= 10 * 1024);
	bad("create silent --memory 200", "not enough memory");
	/* of those that ended by themselves the last sixteen are remembered */
	check_clean(NULL);
	for (u32 i = 0; i < 40; i++)
		good("create hello --memory 4 --wait");
	good("list --all --json");
	u32 n = 0;
	for (const char *p = last; (p = strstr(p, "\"ended\"")); p++)
		n++;
	assert_int_equal(n, 16);
}

/* ---- the loop ---- */

static jmp_buf idle;

static void to_idle(void)
{
	longjmp(idle, 1);
}

/* Types at the prompt until everything has been done and the shell waits. */
static void at_prompt(const char *text)
{
	fake_idle = to_idle;
	fake_type(text);
	if (!setjmp(idle))
		shell_run();
	fake_idle = NULL;
	snprintf(last, sizeof(last), "%s", fake_console());
}

/* While the shell waits at its prompt a domain ends. */
static void ends_meanwhile(void)
{
	domain_set_untold(domain_find("k"), true);
	fake_type("info --json\recho x\recho y\r");
	fake_idle = to_idle;
}

static void the_prompt(void **state)
{
	const char *p;

	(void)state;
	at_prompt("echo one\recho two\r");
	says("\r\none\r\n\rcaisson# ");
	says("\r\ntwo\r\n\rcaisson# ");
	/* an end that nobody waits for is told before the next prompt, and once */
	at_prompt("create seven --memory 4 --name n\recho x\recho y\r");
	p = strstr(last, "ended: exit 7");
	assert_non_null(p);
	assert_null(strstr(p + 1, "ended: exit 7"));
	at_prompt("create late --memory 4 --name l\rcreate halt --memory 4 --name w\rwait w --timeout 4\r");
	says("did not end in time\r\ndomain");
	says("ended: power-off\r\n\rcaisson# ");
	/* but not behind JSON, which a program reads */
	good("create seven --memory 4 --name k");
	run("wait k");
	fake_idle = ends_meanwhile;
	if (!setjmp(idle))
		shell_run();
	snprintf(last, sizeof(last), "%s", fake_console());
	says("}]}\r\n\rcaisson# ");
	says("\r\nx\r\ndomain");
	says("ended: exit 7\r\n\rcaisson# ");
	/* tab completes commands, domains, images */
	at_prompt("crea\tsi\t--name tab --memory 4\rlist\rdestroy ta\t\rlist\r");
	says("tab              blocked");
	assert_null(domain_find("tab"));
}

static void interrupts(void **state)
{
	(void)state;
	good("create halt --memory 4 --name z");
	in_ctrlc_ends = true;
	fake_type("lost\x03kept");
	bad("wait z", "interrupted");
	assert_int_equal(in_getc(), 'k');
}

/* ---- parts ---- */

static void cpu_sets(void **state)
{
	u64 set[CAISSON_CPU_WORDS];
	char text[64];

	(void)state;
	assert_true(cpuset_parse("0,2-3,64,255", set));
	assert_int_equal(set[0], 0xd);
	assert_int_equal(set[1], 1);
	assert_int_equal(set[3], 1ull << 63);
	cpuset_format(set, 4, text, sizeof(text));
	assert_string_equal(text, "0,2-3,64,255");
	cpuset_format(set, 1, text, sizeof(text));
	assert_string_equal(text, "all");
	cpuset_format(set, 4, text, 6);
	assert_true(strlen(text) < 6);
	assert_true(cpuset_parse("all", set));
	cpuset_format(set, 4, text, sizeof(text));
	assert_string_equal(text, "all");
	memset(set, 0, sizeof(set));
	cpuset_format(set, 4, text, sizeof(text));
	assert_string_equal(text, "none");
	static const char *const wrong[] = {
		"", ",", "1,", "256", "3-1", "1-", "-1", "x", "1 2", "0x1", "99999999999999999999"
	};
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(cpuset_parse(wrong[i], set));
}

/* Random sizes in random order: pieces do not overlap, and all joins again. */
static void allocation(void **state)
{
	struct {
		u8 *p;
		size_t n;
		u8 mark;
	} held[64] = { 0 };
	size_t before = alloc_left();
	u64 seed = 1;

	(void)state;
	for (u32 i = 0; i < 20000; i++) {
		u32 k = (u32)(fake_random(&seed) % 64);

		if (held[k].p) {
			for (size_t b = 0; b < held[k].n; b++)
				assert_int_equal(held[k].p[b], held[k].mark);
			alloc_free(held[k].p);
			held[k].p = NULL;
			continue;
		}
		held[k].n = fake_random(&seed) % 9000;
		held[k].mark = (u8)i;
		held[k].p = alloc(held[k].n);
		assert_non_null(held[k].p);
		assert_int_equal((u64)held[k].p % 16, 0);
		for (size_t b = 0; b < held[k].n; b++)
			assert_int_equal(held[k].p[b], 0);
		memset(held[k].p, held[k].mark, held[k].n);
	}
	for (u32 k = 0; k < 64; k++)
		alloc_free(held[k].p);
	assert_int_equal(alloc_left(), before);
	held[0].p = alloc(before - 16); /* all in one piece again */
	assert_non_null(held[0].p);
	assert_null(alloc(1));
	assert_null(alloc(~0ul));
	alloc_free(held[0].p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(allocation, check_clean),
		cmocka_unit_test_teardown(cpu_sets, check_clean),
		cmocka_unit_test_teardown(unknown_words, check_clean),
		cmocka_unit_test_teardown(images_are_listed, check_clean),
		cmocka_unit_test_teardown(a_domain_runs_and_ends, check_clean),
		cmocka_unit_test_teardown(the_image_is_where_it_belongs, check_clean),
		cmocka_unit_test_teardown(devices_answer, check_clean),
		cmocka_unit_test_teardown(what_is_wrong_is_named, check_clean),
		cmocka_unit_test_teardown(each_failure_unwinds, check_clean),
		cmocka_unit_test_teardown(consoles, check_clean),
		cmocka_unit_test_teardown(expectations, check_clean),
		cmocka_unit_test_teardown(resets, check_clean),
		cmocka_unit_test_teardown(buttons, check_clean),
		cmocka_unit_test_teardown(crashes, check_clean),
		cmocka_unit_test_teardown(json_text, check_clean),
		cmocka_unit_test_teardown(floods, check_clean),
		cmocka_unit_test_teardown(many, check_clean),
		cmocka_unit_test_teardown(the_prompt, check_clean),
		cmocka_unit_test_teardown(interrupts, check_clean),
	};

	return cmocka_run_group_tests(tests, setup_all, NULL);
}
