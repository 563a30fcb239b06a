/* SPDX-License-Identifier: BSD-2-Clause */
/* Lives of domains under the shell: their devices, what fails on the way to one, consoles, ends, and the
 * control domain's own second start. */
#include <asm/bootparam.h>

#include "guest/control/build.h"
#include "guest/lib/hypercall.h"
#include "tests/host/shell_common.h"

#define CTRL_LEAVE "\x1d"
#define OUTW(what, p, v, n)         \
	{                           \
		what, p, v, n, NULL \
	}
#define PAGE_TEST 0xfeb00000

static const struct fake_step silent[] = { STOP };
static const struct fake_step hello[] = { SAY("hello\r\n"), EXIT(0), STOP };
static const struct fake_step late[] = { SLEEP(500), EXIT(0), STOP };
static const struct fake_step crash[] = { SAY("oops"), { FAKE_CRASH, 0, 0, 0, NULL }, STOP };
static const struct fake_step reset[] = { SAY("first\r\n"), RESET, STOP };
static const struct fake_step again[] = { SAY("second\r\n"), STOP };
static const struct fake_step resets[] = { BUTTON, RESET, STOP };
static const struct fake_step exits[] = { BUTTON, EXIT(3), STOP };
static const struct fake_step kbd[] = { INB(0x64, 0), OUTB(0x64, 0xd1), OUTB(0x64, 0xfe), STOP };
static const struct fake_step echo[] = { UART_ON,  SAY("type: "), KEY('a'),	     SAY("A"),
					 KEY('b'), SAY("B"),	  OUTB(0x3ff, 0x5a), STOP };
/* The test device: lines and their messages, its page,
 * writes that are posted before what is asked behind them. */
static const struct fake_step lines[] = { OUTB(0x2003, 1), INB(0x2003, 1), STOP };
static const struct fake_step masked[] = { OUTB(0x21, 8), OUTB(0x2003, 1), OUTB(0x2003, 0), OUTB(0x2014, 1),
					   STOP };
static const struct fake_step second[] = { OUTB(0x200a, 1), STOP };
static const struct fake_step cascade[] = { OUTB(0x21, 4), OUTB(0x200a, 1), STOP };
static const struct fake_step moved[] = { OUTB(0x20, 0x11), OUTB(0x21, 0x33), OUTB(0x21, 4), OUTB(0x21, 1),
					  OUTB(0x20, 0x20), OUTB(0x2001, 1),  STOP };
static const struct fake_step paged[] = { OUTW(FAKE_MMIO_OUT, PAGE_TEST + 0x10, 0x12345678, 4),
					  OUTW(FAKE_MMIO_IN, PAGE_TEST + 0x12, 0x1234, 2),
					  OUTW(FAKE_POST, PAGE_TEST + 0x800, 0xaabb, 2),
					  OUTW(FAKE_POST, PAGE_TEST + 0x801, 0xcc, 1),
					  OUTW(FAKE_MMIO_IN, PAGE_TEST + 0x800, 0xccbb, 2),
					  EXIT(0),
					  STOP };
/* The RTC's interrupt after each update, until it is looked at. */
static const struct fake_step clock[] = { OUTB(0x70, 0x0b), OUTB(0x71, 0x12), SLEEP(3000), STOP };
static const struct fake_step flood_[] = { { FAKE_TEXT, 0, 0, 0, NULL }, STOP };
static struct fake_step flood[2];
static char flood_text[100001];

static u8 kernel[0xa00 + 0x3000] __attribute__((aligned(4096)));
static const u8 text_file[] = "This is no kernel.\n";

static struct fake_image images[] = {
	{ "control", elf, sizeof(elf), NULL, NULL },
	{ "silent", elf, sizeof(elf), silent, NULL },
	{ "hello", elf, sizeof(elf), hello, NULL },
	{ "crash", elf, sizeof(elf), crash, NULL },
	{ "late", elf, sizeof(elf), late, NULL },
	{ "reset", elf, sizeof(elf), reset, again },
	{ "resets", elf, sizeof(elf), resets, silent },
	{ "exits", elf, sizeof(elf), exits, NULL },
	{ "kbd", elf, sizeof(elf), kbd, NULL },
	{ "echo", elf, sizeof(elf), echo, NULL },
	{ "lines", elf, sizeof(elf), lines, NULL },
	{ "masked", elf, sizeof(elf), masked, NULL },
	{ "second", elf, sizeof(elf), second, NULL },
	{ "cascade", elf, sizeof(elf), cascade, NULL },
	{ "moved", elf, sizeof(elf), moved, NULL },
	{ "paged", elf, sizeof(elf), paged, NULL },
	{ "clock", elf, sizeof(elf), clock, NULL },
	{ "flood", elf, sizeof(elf), flood, NULL },
	{ "linux", kernel, sizeof(kernel), silent, NULL },
	{ "huge", text_file, 100ull << 30, silent, NULL }, /* there is no room to map it */
	{ "initrd=hello", text_file, sizeof(text_file), NULL, NULL },
	{ "initrd=hello", text_file, sizeof(text_file), NULL, NULL }, /* the first one counts */
	{ "initrd=kbd", text_file, 100ull << 30, NULL, NULL },
	{ "initrd=nothing", text_file, sizeof(text_file), NULL, NULL },
};

static int setup_all(void **state)
{
	struct setup_header *h = (void *)(kernel + 0x1f1);

	(void)state;
	memcpy(flood, flood_, sizeof(flood));
	for (u32 i = 0; i < sizeof(flood_text) - 1; i++)
		flood_text[i] = i % 50 == 49 ? '\n' : (char)('a' + i / 50 % 26);
	flood[0].text = flood_text;
	h->setup_sects = 4;
	h->syssize = 0x300;
	h->boot_flag = 0xaa55;
	h->header = 0x53726448;
	h->version = 0x20f;
	h->loadflags = 0x81;
	h->code32_start = 0x100000;
	h->initrd_addr_max = 0x7fffffff;
	h->kernel_alignment = 0x200000;
	h->relocatable_kernel = 1;
	h->min_alignment = 21;
	h->xloadflags = 0x7f;
	h->cmdline_size = 2047;
	h->pref_address = 0x1000000;
	h->init_size = 0x2000000;
	kernel[0x200] = 0xeb;
	kernel[0x201] = 0x6a;
	control_start(images, ARRAY_SIZE(images));
	return 0;
}

static struct dom *made(const char *line, const char *name)
{
	good(line);
	return domain_find(name);
}

/* Lets guests do what they have to do for so long. */
static void let_run(u64 ms)
{
	pump(0, time_after_ms(ms));
}

/* ---- devices ---- */

static void the_test_device(void **state)
{
	static const struct {
		const char *image;
		u32 msi, line;
	} t[] = { { "lines", 0x700 | (8 + 3), 3 },
		  { "masked", 0, 20 },
		  { "second", 0x700 | (0x70 + 2), 10 },
		  { "cascade", 0, 10 },
		  { "moved", 0x700 | (0x30 + 1), 1 } };
	struct dom *d;
	char line[80];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(t); i++) {
		snprintf(line, sizeof(line), "create %s --memory 4 --testdev --name t", t[i].image);
		d = made(line, "t");
		let_run(10);
		assert_int_equal(fake_msi(d->id), t[i].msi);
		assert_true(fake_line(d->id, t[i].line));
		good("destroy t");
	}
	good("create paged --memory 4 --testdev --wait");
}

static u64 io(struct dom *d, u32 kind, u64 addr, u32 size, bool write, u64 data)
{
	struct caisson_ioreq q = {
		.addr = addr, .data = data, .size = size, .kind = (u8)kind, .write = write
	};

	devices_access(d, &q);
	return q.data;
}

/* What is not there reads all ones and takes all writes. */
static void devices_that_are_not_there(void **state)
{
	struct dom *d = made("create silent --memory 4 --name t", "t");
	u64 before;

	(void)state;
	assert_int_equal(io(d, CAISSON_IO_PORT, 0x2000, 4, false, 0), 0xffffffff);
	assert_int_equal(io(d, CAISSON_IO_PORT, 0x2000, 1, true, 1), 1);
	assert_int_equal(io(d, CAISSON_IO_PORT, 0x1234, 2, false, 0), 0xffff);
	io(d, CAISSON_IO_PORT, 0x1234, 2, true, 0);
	assert_int_equal(io(d, CAISSON_IO_MMIO, PAGE_TEST, 4, false, 0), 0xffffffff);
	io(d, CAISSON_IO_MMIO, PAGE_TEST, 4, true, 5);
	/* with one: behind its page is nothing */
	good("destroy t");
	d = made("create silent --memory 4 --testdev --name t", "t");
	io(d, CAISSON_IO_MMIO, PAGE_TEST, 4, true, 5);
	assert_int_equal(io(d, CAISSON_IO_MMIO, PAGE_TEST, 4, false, 0), 5);
	assert_int_equal(io(d, CAISSON_IO_MMIO, PAGE_TEST + 0x1000, 4, false, 0), 0xffffffff);
	assert_int_equal(io(d, CAISSON_IO_MMIO, PAGE_TEST - 4, 4, false, 0), 0xffffffff);
	/* the PM timer runs, and cannot be set; the exit port reads what no device gives */
	before = io(d, CAISSON_IO_PORT, 0x608, 4, false, 0);
	let_run(100);
	io(d, CAISSON_IO_PORT, 0x608, 4, true, 0);
	assert_in_range(io(d, CAISSON_IO_PORT, 0x608, 4, false, 0) - before, 350000, 370000);
	io(d, CAISSON_IO_PORT, 0xf4, 1, false, 0);
	assert_int_equal(d->end, CAISSON_END_NONE);
}

static void the_clock_interrupts(void **state)
{
	struct dom *d = made("create clock --memory 4 --name c", "c");

	(void)state;
	let_run(500);
	assert_false(fake_line(d->id, 8));
	let_run(2500);
	assert_true(fake_line(d->id, 8));
	io(d, CAISSON_IO_PORT, 0x70, 1, true, 0x0c);
	assert_int_equal(io(d, CAISSON_IO_PORT, 0x71, 1, false, 0) & 0x90, 0x90);
	assert_false(fake_line(d->id, 8));
	io(d, CAISSON_IO_PORT, 0x70, 1, true, 0x0b); /* no more */
	io(d, CAISSON_IO_PORT, 0x71, 1, true, 0x02);
	let_run(3000);
	assert_false(fake_line(d->id, 8));
}

static void the_keyboard_resets(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(images); i++) /* without its initrd, which is too large */
		if (!strcmp(images[i].cmdline, "reset"))
			images[i].script = kbd;
	run("create reset --memory 4 --no-reboot --wait");
	says("ended: reset");
	for (u32 i = 0; i < ARRAY_SIZE(images); i++)
		if (!strcmp(images[i].cmdline, "reset"))
			images[i].script = reset;
}

/* ---- what fails ---- */

static void images_that_cannot_be(void **state)
{
	(void)state;
	bad("create huge", "image huge is not mapped: a table is full");
	bad("create kbd --memory 4", "image kbd is not mapped");
	good("images");
	says("huge                 104857600         -");
	assert_null(images_at(images_count()));
	assert_int_equal(images_find("hello")->initrd->bytes, sizeof(text_file));
	assert_null(images_find("nothing"));
}

/* A kernel by the 64-bit protocol starts in long mode, with tables and segments. */
static void linux_starts_in_64_bits(void **state)
{
	struct dom *d = made("create linux --memory 64 --name l --paused", "l");
	const struct caisson_vcpu_context *c = fake_context(d->id);

	(void)state;
	assert_int_equal(c->efer, 0x500);
	assert_int_equal(c->cr0, 0x80000031);
	assert_int_equal(c->cr4, 0x20);
	assert_true(c->cr3 && c->gdtr_base);
	assert_int_equal(c->cs.attr, 0xa09b);
	assert_int_equal(c->cs.selector, 0x10);
	assert_int_equal(c->rip, 0x1000200);
	good("create linux --memory 64 --lazy --name lazy");
}

/* No memory in the control domain itself: for the record, for a device, for what a guest prints. */
static void control_is_full(void **state)
{
	void *hog, *rest[64];
	struct dom *d;
	u32 n = 0;

	(void)state;
	hog = alloc(alloc_left() - 1024);
	bad("create silent --memory 4 --name d", "not enough memory in the control domain for its record");
	assert_int_equal(fake_domains(), 0);
	alloc_free(hog);
	hog = alloc(alloc_left() - sizeof(struct dom) - 1024);
	bad("create silent --memory 4 --testdev --name d",
	    "not enough memory in the control domain for its devices");
	assert_int_equal(fake_domains(), 0);
	/* without a test device it is made, and what it prints is lost */
	d = made("create hello --memory 4 --name d", "d");
	while (n < ARRAY_SIZE(rest) && (rest[n] = alloc(64)))
		n++;
	assert_int_equal(run("wait d"), 0);
	assert_int_equal(d->log.size, 0);
	says("ended: exit 0");
	alloc_free(hog);
	while (n)
		alloc_free(rest[--n]);
	good("console d --log");
	says_not("hello");
}

static void rebuilds_that_fail(void **state)
{
	static const struct {
		u32 call, skip;
		const char *says;
	} step[] = { { CAISSON_CALL_domain_reset, 0, "could not be rebuilt: resetting it" },
		     { CAISSON_CALL_domain_unpause, 1, "could not be rebuilt: starting it" },
		     { CAISSON_CALL_ioreq_map, 2, "could not be rebuilt: mapping its request page" } };

	(void)state;
	fake_fail(CAISSON_CALL_ioreq_map, 1, -CAISSON_EIO);
	bad("create silent --memory 4 --testdev", "mapping its ring of posted writes");
	for (u32 i = 0; i < ARRAY_SIZE(step); i++) {
		fake_fail(step[i].call, step[i].skip, -CAISSON_EIO);
		assert_int_equal(run("create reset --memory 4 --testdev --wait --name q"), 1);
		says(step[i].says);
		good("destroy q");
	}
	/* its image is known no more */
	good("create reset --memory 4 --paused --name q");
	domain_find("q")->image = NULL;
	good("unpause q");
	assert_int_equal(run("wait q"), 1);
	says("its image is unknown");
	domain_find("q")->image = images_find("reset");
}

static void wrong_words(void **state)
{
	static char line[1200] = "create silent --args ";

	(void)state;
	memset(line + strlen(line), 'x', 1024);
	bad(line, "too long");
	good("create silent --memory 4 --name s --args \"a b\"");
	assert_string_equal(domain_find("s")->args, "a b");
	fake_fail(CAISSON_CALL_domain_pause, 0, -CAISSON_EPERM);
	bad("pause s", "pausing domain");
	fake_fail(CAISSON_CALL_domain_pause, 0, -CAISSON_EAGAIN); /* it is, and a vCPU is just leaving */
	good("pause s");
	bad("unpause nobody", "no domain nobody");
	fake_fail(CAISSON_CALL_domain_unpause, 0, -CAISSON_EPERM);
	bad("unpause s", "unpausing domain");
	bad("wait nobody", "no domain nobody");
	bad("wait s --timeout x", "--timeout");
	bad("reboot nobody", "no domain nobody");
	bad("shutdown", "shutdown");
	bad("console nobody", "no domain nobody");
	bad("domain-of-a-name-that-is-longer-than-any-command", "unknown command");
	assert_false(domain_name_ok("a/b"));
	assert_true(domain_name_ok("A-z_0.9"));
	assert_false(domain_name_ok("a:b") || domain_name_ok("a[") || domain_name_ok("{a"));
	assert_null(domain_find("123456"));
	assert_null(domain_by_id(CAISSON_MAX_DOMS));
	assert_null(domain_record(CAISSON_MAX_DOMS, ""));
	assert_string_equal(domain_end_name(99), "unknown");
}

/* Domains that somebody else built are listed, and can be destroyed by their number. */
static void strangers(void **state)
{
	u32 id = fake_stranger("strange", 9);
	char line[40];

	(void)state;
	good("list");
	says("strange          unknown");
	snprintf(line, sizeof(line), "destroy %u", id);
	fake_fail(CAISSON_CALL_domain_destroy, 0, -CAISSON_EPERM);
	bad(line, "destroying domain");
	good(line);
	assert_int_equal(fake_domains(), 0);
	bad(line, "no domain");
}

/* ---- ends ---- */

static void buttons(void **state)
{
	(void)state;
	good("create resets --memory 4 --name r");
	bad("shutdown r", "rebooted instead");
	good("create exits --memory 4 --name e");
	bad("reboot e", "ended and was not rebuilt");
	says("ended: exit 3");
	good("create exits --memory 4 --name f");
	assert_int_equal(run("shutdown f"), 1);
	says("ended: exit 3");
	good("create silent --memory 4 --name deaf");
	fake_type("\x03");
	bad("shutdown deaf", "interrupted");
	fake_type("\x03");
	bad("reboot deaf", "interrupted");
	fake_type("\x03");
	bad("console deaf --expect x", "interrupted");
	fake_type("\x03");
	bad("wait deaf", "interrupted");
}

/* Of those that ended the first to end are forgotten first, whatever their numbers;
 * a name means the living one. */
static void remembered(void **state)
{
	struct dom *d, *e;
	char line[64];
	u32 id;

	(void)state;
	good("create late --memory 4 --name slow");
	for (u32 i = 0; i < 16; i++) {
		snprintf(line, sizeof(line), "create hello --memory 4 --name h%u --wait", i);
		good(line);
	}
	good("wait slow");
	assert_null(domain_find("h0"));
	assert_non_null(domain_find("slow"));
	assert_non_null(domain_find("h1"));
	good("create hello --memory 4 --name same --wait");
	good("create hello --memory 4 --name same --wait");
	d = made("create silent --memory 4 --name same", "same");
	assert_true(d->flags & DOM_LIVE);
	/* its number, come round again, is another's */
	id = domain_find("h9")->id;
	e = domain_record(id, "x");
	assert_null(domain_find("h9"));
	assert_ptr_equal(domain_by_id(id), e);
	domain_forget(e);
	/* who asks for a vCPU or a domain that is not there is not answered */
	assert_false(domain_ioreq(4000, 0));
	assert_false(domain_ioreq(d->id, CAISSON_MAX_VCPUS));
	assert_true(domain_ioreq(d->id, 0));
	/* a reset that `reboot` asked for is one, also with --no-reboot */
	good("create resets --memory 4 --name r --no-reboot");
	good("reboot r");
	says("rebooted");
}

static void lists(void **state)
{
	(void)state;
	run("create crash --memory 4 --wait --name c");
	good("list --json");
	says("\"state\":\"crashed\"");
	says("\"end\":\"crash\",\"code\":0,\"why\":\"triple fault\"}]");
	run("create hello --memory 4 --wait --name h");
	good("list --all");
	says("ended");
	good("list --all --json");
	says("\"name\":\"h\",\"state\":\"ended\",\"end\":\"exit\",\"code\":0,\"image\":\"hello\"}]");
	good("create silent --memory 4 --name s --args \"\x01\x7f\\\\\"");
	good("list --json");
	says("\"args\":\"\\u0001\\u007f\\\\\"");
}

/* A crash's lines are the last of a long log. */
static void a_long_log(void **state)
{
	(void)state;
	for (u32 i = 0; i < 300; i++)
		fake_log("[0.900] a line that is not about it at all\n");
	assert_int_equal(run("create crash --memory 4 --wait --name c"), 1);
	says("rip 123456");
	says_not("not about it");
	good("destroy c");
	fake_fail(CAISSON_CALL_log_read, 0, -CAISSON_EPERM);
	run("create crash --memory 4 --wait --name c");
	says("triple fault");
	says_not("rip 123456");
}

/* ---- consoles ---- */

static void leave(void)
{
	fake_type(CTRL_LEAVE);
}

static void attached(void **state)
{
	static char much[9000];

	(void)state;
	/* create --console: attached at once, until the end */
	good("create hello --memory 4 --console --name h");
	says("Console of domain");
	says("hello\r\ndomain");
	says("ended: exit 0");
	good("console h");
	says_not("Console of"); /* it has ended: what it said, and how */
	says("ended: exit 0");
	assert_int_equal(run("create crash --memory 4 --console --name c"), 1);
	assert_int_equal(run("console c"), 1);
	says("ended: crash");
	/* a guest that reads nothing does not lock the user in */
	memset(much, 'x', sizeof(much) - 1);
	good("create silent --memory 4 --name deaf");
	fake_type(much);
	leave();
	good("console deaf");
	in_drop();
	bad("console deaf --send y", "has not read what was sent before");
	/* and who typed too much stays attached */
	fake_type(much);
	good("create late --memory 4 --console --name l");
	says("ended: exit 0");
	in_drop();
	/* Ctrl-C is the guest's there */
	good("create echo --memory 4 --name e");
	fake_type("a\x03"
		  "b");
	fake_idle = leave;
	good("console e");
	fake_idle = NULL;
	says("type: A");
}

/* What was overwritten before anybody looked is told, not passed over. */
static void lost_output(void **state)
{
	(void)state;
	good("create flood --memory 4 --name f");
	fake_idle = leave;
	let_run(1000);
	good("console f");
	fake_idle = NULL;
	says("bytes of output are lost]");
	assert_non_null(strstr(last, flood_text + sizeof(flood_text) - 1000));
	good("console f --log");
	says("earlier bytes are lost]");
}

static void the_console_is_gone(void **state)
{
	(void)state;
	/* a hypervisor that takes no output keeps nobody */
	fake_fail_times(CAISSON_CALL_console_write, -CAISSON_EPERM, 10);
	assert_int_equal(run("echo lost"), 0);
	fake_fail(0, 0, 0);
	says_not("lost");
	good("echo kept");
	says("kept");
	/* last words: in pieces, and given up */
	fake_console_limit(3);
	out_last_words("the end", 7);
	assert_string_equal(fake_console(), "the");
	fake_console_limit(~0u);
	out_last_words("the end", 7);
	assert_string_equal(fake_console(), "the end");
	fake_fail(CAISSON_CALL_console_write, 0, -CAISSON_EPERM);
	out_last_words("the end", 7);
	assert_string_equal(fake_console(), "");
	/* more than one print takes is cut */
	static char much[2000];
	memset(much, 'y', sizeof(much) - 1);
	out("%s", much);
	out_flush();
	assert_int_equal(strlen(fake_console()), 1023);
}

/* More is typed than there is room for: it waits in the hypervisor, and comes. */
static void typed_ahead(void **state)
{
	static char much[6001];
	u32 n = 0;
	int c;

	(void)state;
	for (u32 i = 0; i < 6000; i++)
		much[i] = (char)('a' + i % 26);
	fake_type(much);
	let_run(1);
	assert_true(in_any());
	assert_int_equal(in_peek(), 'a');
	assert_true(in_has('z'));
	assert_false(in_has('!'));
	for (; (c = in_getc()) >= 0; n++)
		assert_int_equal(c, 'a' + (int)n % 26);
	assert_int_equal(n, 6000);
	assert_int_equal(in_peek(), -1);
}

static jmp_buf idle;
static void to_idle(void)
{
	longjmp(idle, 1);
}

static void at_prompt(const char *text)
{
	fake_idle = to_idle;
	fake_type(text);
	if (!setjmp(idle))
		shell_run();
	fake_idle = NULL;
	out_flush();
	snprintf(last, sizeof(last), "%s", fake_console());
}

static void completion(void **state)
{
	(void)state;
	at_prompt("help crea\t\r");
	says("--no-reboot");
	at_prompt("  create sil\t--memory 4 --name s\r");
	assert_non_null(domain_find("s"));
	at_prompt("echo crea\t.\r"); /* nothing is completed there */
	says("\r\ncrea.\r\n");
	at_prompt("nonsense crea\t\r");
	says("unknown command: nonsense");
	at_prompt("a-word-that-is-longer-than-any-command-of-the-shell \t\x03");
	at_prompt("\x03\r");
	says_not("error");
	fake_fail(CAISSON_CALL_log_read, 0, -CAISSON_EPERM);
	at_prompt("echo x\r");
	says("\r\nx\r\n");
}

/* ---- the control domain's second start ---- */

/* All that it knew is gone; the hypervisor has its domains. */
static void forgets(void)
{
	struct dom *d;

	while ((d = domain_from(0))) {
		domain_disconnect(d);
		domain_forget(d);
	}
}

static void adopted(void **state)
{
	u32 echo_id, ended_id;
	struct dom *d;
	void *hog;

	(void)state;
	d = made("create echo --memory 4 --name e --no-reboot", "e");
	echo_id = d->id;
	fake_type("ab");
	fake_idle = leave;
	good("console e");
	fake_idle = NULL;
	says("type: AB");
	good("create silent --memory 4 --testdev --name t");
	good("create reset --memory 4 --paused --name r");
	ended_id = made("create silent --memory 4 --name x", "x")->id;
	forgets();
	hc_domain_end(ended_id, CAISSON_END_EXIT, 5);
	fake_stranger("dying", CAISSON_STATE_DYING);
	fake_stranger("no device model of ours", CAISSON_STATE_PAUSED);
	assert_int_equal(fake_domains(), 6);
	assert_int_equal(domain_adopt(), 4);
	assert_int_equal(fake_domains(), 5); /* what was half destroyed is gone */
	d = domain_by_id(echo_id);
	assert_string_equal(d->name, "e");
	assert_true(d->flags & DOM_NO_REBOOT);
	assert_int_equal(io(d, CAISSON_IO_PORT, 0x3ff, 1, false, 0), 0x5a); /* the UART is as it was */
	assert_int_equal(io(d, CAISSON_IO_PORT, 0x3f9, 1, false, 0), 1);
	assert_non_null(domain_find("t")->dev.test);
	/* the one that ended meanwhile is told of */
	assert_int_equal(run("wait x"), 1);
	says("ended: exit 5");
	/* and one can be built again from its image */
	good("unpause r");
	good("console r --expect second");
	assert_int_equal(domain_find("r")->rebuilds, 1);
	/* what cannot be taken over is left alone */
	forgets();
	fake_fail_times(CAISSON_CALL_ioreq_map, -CAISSON_EPERM, 100);
	assert_int_equal(domain_adopt(), 0);
	fake_fail(0, 0, 0);
	assert_int_equal(domain_adopt(), 3);
	forgets();
	hog = alloc(alloc_left() - 512);
	assert_int_equal(domain_adopt(), 0); /* no memory for their records */
	alloc_free(hog);
	assert_int_equal(domain_adopt(), 3);
	for (u32 id = 1; id < 200; id++)
		if (!domain_by_id(id))
			while (hc_domain_destroy(id) == -CAISSON_EAGAIN)
				;
}

/* A guest of a watched console that is far behind is held:
 * its access is answered when the console has caught up, or not at all. */
static void held(void **state)
{
	struct dom *d = made("create flood --memory 4 --name f", "f");

	(void)state;
	pump_watch(d);
	fake_idle = to_idle;
	if (!setjmp(idle))
		pump(0, 0); /* nothing is shown: it comes to stand */
	fake_idle = NULL;
	assert_true(d->held);
	assert_in_range(d->log.total, 32 * 1024, 34 * 1024);
	good("destroy f");
	assert_int_equal(domain_next_held(), 0);
	d = made("create flood --memory 4 --name g", "g");
	pump_watch(d);
	fake_idle = to_idle;
	if (!setjmp(idle))
		pump(0, 0);
	fake_idle = NULL;
	assert_int_equal(domain_next_held(), 0);
	pump_watch(NULL); /* nobody looks any more: on it goes */
	let_run(1000);
	assert_false(d->held);
	assert_int_equal(d->log.total, sizeof(flood_text) - 1);
}

static void time_passes(void **state)
{
	u64 ns = time_ns();

	(void)state;
	assert_int_equal(time_ns_to_tsc(0), time_ns_to_tsc(time_tsc_to_ns(0))); /* not before the beginning */
	assert_in_range(time_tsc_to_ns(time_ns_to_tsc(ns)), ns, ns + 2);
	assert_in_range(time_wall_ns() / 1000000000, 1700000000, 1800000000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, check_clean)
	const struct CMUnitTest tests[] = {
		TEST(the_test_device),
		TEST(devices_that_are_not_there),
		TEST(the_clock_interrupts),
		TEST(the_keyboard_resets),
		TEST(images_that_cannot_be),
		TEST(linux_starts_in_64_bits),
		TEST(control_is_full),
		TEST(rebuilds_that_fail),
		TEST(wrong_words),
		TEST(strangers),
		TEST(buttons),
		TEST(remembered),
		TEST(lists),
		TEST(a_long_log),
		TEST(attached),
		TEST(lost_output),
		TEST(the_console_is_gone),
		TEST(typed_ahead),
		TEST(completion),
		TEST(adopted),
		TEST(held),
		TEST(time_passes),
	};

	return cmocka_run_group_tests(tests, setup_all, NULL);
}
