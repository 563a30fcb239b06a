/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command gdb, as a debugger on the second serial line sees it: packets and their
 * answers, and what becomes of the domain.
 */
#include "guest/control/gdb_regs.h"
#include "guest/control/serial2.h"
#include "guest/lib/hypercall.h"
#include "tests/host/shell_common.h"

static const struct fake_step silent[] = { STOP };
static const struct fake_step goes[] = { RESET, STOP };
static struct fake_image images[] = {
	{ "control", elf, sizeof(elf), NULL, NULL },
	{ "silent", elf, sizeof(elf), silent, NULL },
	{ "goes", elf, sizeof(elf), goes, silent },
};

/* ---- the line ---- */

/* What GDB says, and what it is answered.
 * An answer that ends with * begins so; NULL: there is none to wait for. */
struct line {
	const char *send, *wants;
};
static const struct line *script;
static u32 lines, line, answers;
static char out_[16384], got[8192], notes[65536];
static size_t out_n, out_at, got_n;
static u32 dry;
static bool present = true, no_ack;
static u32 nacks;

bool serial2_init(void)
{
	return present;
}

static void frame(const char *text)
{
	u8 sum = 0;

	if (*text == 3 || *text == '!') { /* as it stands */
		out_n = (size_t)snprintf(out_, sizeof(out_), "%s", text + (*text == '!'));
	} else {
		for (const char *p = text; *p; p++)
			sum = (u8)(sum + (u8)*p);
		out_n = (size_t)snprintf(out_, sizeof(out_), "$%s#%02x", text, no_ack ? sum ^ 1 : sum);
	}
	out_at = 0;
}

int serial2_get(void)
{
	if (out_at == out_n && line < lines && (answers == line || *script[line].send == 3)) {
		if (*script[line].send == 3)
			answers++; /* its answer is the running one's */
		frame(script[line++].send);
	}
	if (out_at < out_n) {
		dry = 0;
		return (u8)out_[out_at++];
	}
	if (++dry > 3000) /* nobody says anything more: the user has enough */
		in_ctrlc = true;
	return -1;
}

static void answer(const char *text)
{
	const char *wants = NULL;
	size_t n;

	if (*text == 'O' && strcmp(text, "OK")) {
		n = strlen(notes);
		assert_true(hex_get(notes + n, text + 1, (u32)strlen(text + 1) / 2));
		notes[n + strlen(text + 1) / 2] = 0;
		return;
	}
	assert_true(line > 0);
	for (u32 i = line; i-- && !wants;)
		wants = script[i].wants;
	n = strlen(wants);
	if (n && wants[n - 1] == '*' ? strncmp(text, wants, n - 1) : strcmp(text, wants))
		fail_msg("`%s` is answered %s and not %s", script[line - 1].send, text, wants);
	if (answers < line)
		answers++;
	if (!strcmp(script[line - 1].send, "QStartNoAckMode"))
		no_ack = true;
}

void serial2_put(const void *bytes, u32 n)
{
	const char *p = bytes;

	for (; n; n--, p++) {
		if (!got_n && *p != '$') {
			assert_true(*p == '+' || *p == '-');
			assert_false(no_ack);
			nacks += *p == '-';
			if (*p == '-' && line < lines) /* GDB says it again: here the next line */
				answers = line;
			continue;
		}
		got[got_n++] = *p;
		if (got_n > 2 && got[got_n - 3] == '#') {
			u8 sum = 0;

			for (size_t i = 1; i < got_n - 3; i++)
				sum = (u8)(sum + (u8)got[i]);
			assert_int_equal(sum, hex_digit(got[got_n - 2]) * 16 + hex_digit(got[got_n - 1]));
			got[got_n - 3] = 0;
			got_n = 0;
			answer(got + 1);
		}
		assert_true(got_n < sizeof(got));
	}
}

static int talk(const char *command, const struct line *l, u32 n)
{
	int r;

	script = l;
	lines = n;
	line = answers = dry = nacks = 0;
	out_n = out_at = got_n = 0;
	no_ack = false;
	notes[0] = 0;
	r = run(command);
	if (line != n)
		fail_msg("the session ended before `%s`: %s", script[line].send, last);
	return r;
}

#define TALK(command, ...)                                       \
	({                                                       \
		static const struct line l_[] = { __VA_ARGS__ }; \
		talk(command, l_, ARRAY_SIZE(l_));               \
	})

/* ---- the domain ---- */

static u32 id;

static int setup(void **state)
{
	(void)state;
	if (!id)
		control_start(images, ARRAY_SIZE(images));
	present = true;
	fake_vendor = "VMX";
	fake_resumed = NULL;
	fake_field = NULL;
	good("create silent --paused --vcpus 2 --memory 16 --name d");
	id = domain_find("d")->id;
	return 0;
}

static u8 *memory(u64 at)
{
	return (u8 *)(uintptr_t)fake_memory(id) + at;
}

/* What the domain does when it goes on: each time the next of these. */
static u32 stop_vcpu[8], stop_why[8], stops, stopped;
static u64 stop_dr6, stop_rip;

static void stops_again(u32 dom)
{
	if (dom != id || stopped == stops)
		return;
	if (stop_rip)
		fake_vcpu(id, stop_vcpu[stopped])->rip = stop_rip;
	fake_debug(id, stop_vcpu[stopped])->dr6 = (u32)stop_dr6;
	fake_stop(id, stop_vcpu[stopped], stop_why[stopped]);
	stopped++;
}

static void will_stop(u32 vcpu, u32 why)
{
	if (stopped == stops)
		stopped = stops = 0;
	stop_vcpu[stops] = vcpu;
	stop_why[stops++] = why;
	fake_resumed = stops_again;
}

/* ---- tests ---- */

static void asks_what_there_is(void **state)
{
	(void)state;
	fake_vcpu_info()->state = CAISSON_VCPU_OFF;
	assert_int_equal(
		TALK("gdb d", { "qSupported:multiprocess+", "PacketSize=ff8;*" }, { "?", "T05thread:1;" },
		     { "qC", "QC1" }, { "qAttached", "1" }, { "qfThreadInfo", "m1,2" },
		     { "qsThreadInfo", "l" }, { "qThreadExtraInfo,2", "7643505520312c206f6666" },
		     { "qThreadExtraInfo,9", "" }, { "qXfer:features:read:target.xml:0,8", "m<?xml ve" },
		     { "qXfer:features:read:target.xml:8,4", "mrsio" },
		     { "qXfer:features:read:target.xml:fffff,8", "l" },
		     { "qXfer:features:read:other.xml:0,8", "" }, { "vCont?", "vCont;c;C;s;S" },
		     { "vMustReplyEmpty", "" }, { "X0,0:", "" }, { "qNothing", "" }, { "QOther", "" },
		     { "Hg2", "OK" }, { "qC", "QC2" }, { "Hg0", "OK" }, { "Hc-1", "OK" }, { "qC", "QC2" },
		     { "Hg3", "E02" }, { "T2", "OK" }, { "T3", "E02" }, { "T1", "OK" }, { "qC", "QC2" },
		     { "D", "OK" }),
		0);
	assert_int_equal(fake_pauses(id), 0);
	fake_vcpu_info()->state = CAISSON_VCPU_BLOCKED;
	/* one that runs is halted for it, and goes on when GDB has left */
	assert_int_equal(
		TALK("gdb d:1", { "qC", "QC2" }, { "qThreadExtraInfo,1", "764350552030" }, { "D", "OK" }), 0);
	assert_int_equal(fake_pauses(id), 0);
}

/* What is lost on the line is asked for again, until both sides trust it. */
static void the_line(void **state)
{
	static char longest[4200];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	static struct line l[] = { { "!noise$qC#00", NULL },
				   { "!$qA$qC#b4", "QC1" },
				   { "!+++$qC#b4", "QC1" },
				   { longest, "" },
				   { "QStartNoAckMode", "OK" },
				   { "qC", "QC1" },
				   { "D", "OK" } };
	assert_int_equal(talk("gdb d", l, ARRAY_SIZE(l)), 0);
	assert_int_equal(nacks, 1);
}

static void registers(void **state)
{
	struct caisson_vcpu_context *c = fake_vcpu(id, 0);

	(void)state;
	c->gpr[0] = 0x1122334455667788;
	assert_int_equal(TALK("gdb d", { "g", "8877665544332211*" }, { "p10", "4000100000000000" },
			      { "p999", "E16" }, { "P10=0100200000000000", "OK" }, { "P10", "E16" },
			      { "P10=12", "E16" }, { "P999=00", "E16" }, { "G0102030405060708", "OK" },
			      { "G12", "E16" }, { "D", "OK" }),
			 0);
	assert_int_equal(c->rip, 0x200001);
	assert_int_equal(c->gpr[0], 0x0807060504030201);
	good("pause d");
	fake_fail_times(CAISSON_CALL_vcpu_get, -CAISSON_EIO, 1);
	assert_int_equal(TALK("gdb d", { "g", "E01" }, { "g", "0102*" }, { "D", "OK" }), 0);
	good("pause d");
	fake_fail_times(CAISSON_CALL_vcpu_set, -CAISSON_EIO, 1);
	assert_int_equal(TALK("gdb d", { "P0=0000000000000000", "E16" }, { "D", "OK" }), 0);
	assert_int_equal(c->gpr[0], 0x0807060504030201);
	good("pause d");
	fake_fail_times(CAISSON_CALL_vcpu_fpu, -CAISSON_EIO, 1);
	assert_int_equal(TALK("gdb d", { "p0", "E01" }, { "D", "OK" }), 0);
	good("pause d");
	fake_fail(CAISSON_CALL_vcpu_fpu, 1, -CAISSON_EIO);
	assert_int_equal(TALK("gdb d", { "P0=0000000000000000", "E16" }, { "D", "OK" }), 0);
	assert_int_equal(c->gpr[0], 0x0807060504030201);
	/* a vCPU that is just leaving its CPU is waited for, not for ever */
	good("pause d");
	fake_fail_times(CAISSON_CALL_vcpu_get, -CAISSON_EBUSY, 50);
	assert_int_equal(TALK("gdb d", { "p0", "0102*" }, { "D", "OK" }), 0);
	good("pause d");
	fake_fail_times(CAISSON_CALL_vcpu_get, -CAISSON_EAGAIN, 100001);
	assert_int_equal(TALK("gdb d", { "p0", "E01" }, { "p0", "0102*" }, { "D", "OK" }), 0);
}

static void memory_is_read_and_written(void **state)
{
	(void)state;
	memcpy(memory(0x101ffe), "\x01\x02\x03\x04", 4);
	assert_int_equal(TALK("gdb d", { "m101ffe,4", "01020304" }, { "m7fff0000,4", "E0e" },
			      { "m100040,ffff", "*" }, { "M101fff,2:abcd", "OK" }, { "M101fff,2:ab", "E16" },
			      { "M101fff,2", "E16" }, { "M101fff,1:zz", "E16" }, { "M101fff,ffff:00", "E16" },
			      { "M7fff0000,1:00", "E0e" }, { "D", "OK" }),
			 0);
	assert_memory_equal(memory(0x101ffe), "\x01\xab\xcd\x04", 4);
	/* by the guest's own tables: two pages that are not neighbours, one that is not there */
	good("pause d");
	fake_vcpu(id, 0)->cr0 |= 0x80000000;
	fake_vcpu(id, 0)->cr3 = 0x200000;
	*(u32 *)memory(0x200000) = 0x201003; /* 4 MiB from 0 */
	*(u32 *)memory(0x201000 + 4 * 5) = 0x101003;
	*(u32 *)memory(0x201000 + 4 * 6) = 0x103003;
	memory(0x103000)[0] = 0x77;
	memory(0x101fff)[0] = 0x66;
	assert_int_equal(TALK("gdb d", { "m5fff,2", "6677" }, { "m6fff,2", "E0e" }, { "M6fff,2:0000", "E0e" },
			      { "Z0,7000,1", "E0e" }, { "D", "OK" }),
			 0);
	good("pause d");
	fake_fail_times(CAISSON_CALL_vcpu_get, -CAISSON_EIO, 1);
	assert_int_equal(TALK("gdb d", { "m5000,1", "E0e" }, { "D", "OK" }), 0);
}

/* A breakpoint stands in memory, and is not seen there. */
static void breakpoints(void **state)
{
	static char text[80][24];
	static struct line l[80];
	u32 n = 0;

	(void)state;
	*memory(0x100100) = 0x90;
	will_stop(1, CAISSON_STOP_BREAK);
	stop_rip = 0x100100;
	assert_int_equal(TALK("gdb d", { "Z0,100100,1", "OK" }, { "Z0,100100,1", "OK" },
			      { "m100100,1", "90" }, { "M100100,1:91", "OK" }, { "m100100,1", "91" },
			      { "c", "T05thread:2;swbreak:;" }, { "?", "T05thread:2;swbreak:;" },
			      { "z0,100101,1", "OK" }, { "z0,100100,1", "OK" }, { "m100100,1", "91" },
			      { "Z0,100102,1", "OK" }, { "D", "OK" }),
			 0);
	assert_int_equal(*memory(0x100100), 0x91);
	assert_int_not_equal(*memory(0x100102), 0xf1); /* who leaves takes them along */
	stop_rip = 0;
	/* as many as there is room for */
	good("pause d");
	for (; n < 65; n++) {
		snprintf(text[n], sizeof(text[n]), "Z0,%x,1", 0x100200 + n);
		l[n] = (struct line){ text[n], n < 64 ? "OK" : "E0e" };
	}
	l[n++] = (struct line){ "z0,100200,1", "OK" };
	l[n++] = (struct line){ "Z0,100300,1", "OK" };
	l[n++] = (struct line){ "Z0,7fff0000,1", "E0e" };
	l[n++] = (struct line){ "D", "OK" };
	assert_int_equal(talk("gdb d", l, n), 0);
	good("pause d");
	fake_fail_times(CAISSON_CALL_vcpu_get, -CAISSON_EIO, 1);
	assert_int_equal(TALK("gdb d", { "Z0,100100,1", "E0e" }, { "D", "OK" }), 0);
}

static void debug_registers(void **state)
{
	const struct caisson_debug *x = fake_debug(id, 0);

	(void)state;
	will_stop(0, CAISSON_STOP_WATCH);
	will_stop(0, CAISSON_STOP_WATCH);
	stop_dr6 = 2; /* the second one: a write */
	assert_int_equal(TALK("gdb d", { "Z1,100040,1", "OK" }, { "Z2,1000,4", "OK" }, { "Z4,2000,8", "OK" },
			      { "Z2,3000,2", "OK" }, { "Z1,100050,1", "E1c" }, { "z1,100051,1", "OK" },
			      { "Z2,1001,4", "E16" }, { "Z2,1000,3", "E16" }, { "Z3,1000,4", "" },
			      { "c", "T05thread:1;watch:1000;" }, { "z2,1000,1", "OK" },
			      { "z2,1000,4", "OK" }, { "z4,2000,8", "OK" }, { "s", "T05thread:1;hwbreak:;" },
			      { "D", "OK" }),
			 0);
	stop_dr6 = 0;
	assert_int_equal(x->wish, 0); /* nothing is left of it */
	assert_int_equal(x->dr7, 0);
}

static u32 wish[2][8], wishes;
static void note_wishes(u32 dom)
{
	if (dom != id || wishes == 8)
		return;
	for (u32 v = 0; v < 2; v++)
		wish[v][wishes] = fake_debug(id, v)->wish;
	wishes++;
	fake_debug(id, 0)->dr6 = 0;
	fake_stop(id, 0, CAISSON_STOP_STEP);
}

/* Who goes on, and how. */
static void going_on(void **state)
{
	enum { ON = CAISSON_DEBUG_ON, STEP = ON | CAISSON_DEBUG_STEP, HOLD = ON | CAISSON_DEBUG_HOLD };
	static const u32 want[2][8] = { { ON, STEP, STEP, HOLD, ON, STEP, ON, HOLD },
					{ ON, HOLD, ON, ON, STEP, STEP, ON, HOLD } };

	(void)state;
	wishes = 0;
	fake_resumed = note_wishes;
	assert_int_equal(TALK("gdb d", { "c", "T05thread:1;" }, { "s", "T05*" }, { "vCont;s:1;c", "T05*" },
			      { "vCont;c:2", "T05*" }, { "vCont;S05:2;c:-1", "T05*" }, { "vCont;s", "T05*" },
			      { "vCont;C05:1;x;c:2", "T05*" }, { "vCont;t", "T05*" }, { "D", "OK" }),
			 0);
	for (u32 i = 0; i < 8; i++) {
		assert_int_equal(wish[0][i], want[0][i]);
		assert_int_equal(wish[1][i], want[1][i]);
	}
}

static void broken_in_upon(void **state)
{
	(void)state;
	assert_int_equal(TALK("gdb d", { "c", "T02thread:1;" }, { "\x03", NULL }, { "?", "T02thread:1;" },
			      { "D", "OK" }),
			 0);
	/* a guest's own INT1 is the guest's: it runs on with its exception */
	good("pause d");
	will_stop(0, CAISSON_STOP_BREAK);
	will_stop(0, CAISSON_STOP_STEP);
	assert_int_equal(TALK("gdb d", { "c", "T05thread:1;" }, { "D", "OK" }), 0);
	assert_int_equal(stopped, 2);
	/* Ctrl-C at the console ends it, whether the domain stands or runs */
	good("pause d");
	fake_resumed = NULL;
	assert_int_equal(TALK("gdb d", { "?", "T05*" }), 1);
	assert_int_equal(fake_pauses(id), 0);
	assert_int_equal(TALK("gdb d", { "c", NULL }), 1);
	assert_int_equal(fake_pauses(id), 0);
}

static u32 how;
static u64 code;
static void ends(u32 dom)
{
	if (dom == id)
		hc_domain_end(id, how, code);
}

/* How a domain ends is how a program ends. */
static void it_ends(void **state)
{
	static const struct {
		u32 how;
		u64 code;
		const char *wants;
	} end[] = { { CAISSON_END_EXIT, 7, "W07" },
		    { CAISSON_END_EXIT, 0x1ff, "Wff" },
		    { CAISSON_END_CRASH, 0, "X0b" },
		    { CAISSON_END_DESTROY, 0, "X09" },
		    { CAISSON_END_POWEROFF, 0, "W00" } };

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(end); i++) {
		struct line l[] = { { "vCont;c", end[i].wants } };

		how = end[i].how;
		code = end[i].code;
		fake_resumed = ends;
		assert_int_equal(talk("gdb d", l, 1), 0);
		fake_resumed = NULL;
		if (domain_find("d"))
			run("destroy d");
		good("create silent --paused --vcpus 2 --memory 16 --name d");
		id = domain_find("d")->id;
	}
	/* killed */
	assert_int_equal(TALK("gdb d", { "k", NULL }), 0);
	assert_null(domain_find("d"));
	good("create silent --paused --vcpus 2 --memory 16 --name d");
	id = domain_find("d")->id;
	assert_int_equal(TALK("gdb d", { "vKill;1", "OK" }), 0);
	assert_null(domain_find("d"));
}

/* Built again it has other memory: no breakpoint of ours is in it, and none is taken out of it. */
static void it_is_rebuilt(void **state)
{
	(void)state;
	good("destroy d");
	good("create goes --paused --vcpus 2 --memory 16 --name d");
	id = domain_find("d")->id;
	assert_int_equal(TALK("gdb d", { "Z0,100100,1", "OK" }, { "c", "T02*" }, { "\x03", NULL },
			      { "M100100,1:55", "OK" }, { "D", "OK" }),
			 0);
	assert_int_equal(domain_find("d")->rebuilds, 1);
	assert_int_equal(*memory(0x100100), 0x55);
}

#define RCMD_EXIT_HLT_3 "qRcmd,6578697420686c742033"
static void monitor(void **state)
{
	(void)state;
	will_stop(0, CAISSON_STOP_EXIT);
	fake_debug(id, 0)->exit_kind = 2;
	assert_int_equal(TALK("gdb d", { RCMD_EXIT_HLT_3, "OK" }, { "c", "T05thread:1;" }, { "?", "T05*" },
			      { "D", "OK" }),
			 0);
	assert_non_null(strstr(notes, "stops after 3 of them"));
	assert_non_null(strstr(notes, "vCPU 0: after exit hlt"));
	good("pause d");
	will_stop(1, CAISSON_STOP_ENTRY);
	assert_int_equal(TALK("gdb d", { "qRcmd,656e747279", "OK" }, { "c", "T05thread:2;" }, { "D", "OK" }),
			 0);
	assert_non_null(strstr(notes, "before the second entry"));
	assert_non_null(strstr(notes, "vCPU 1: before an entry"));
	good("pause d");
	assert_int_equal(TALK("gdb d", { "qRcmd,6578697420686c74", "OK" },
			      { "qRcmd,65786974206e6f6e65", "OK" },	/* exit hlt, exit none */
			      { "qRcmd,766d637320525350", "OK" },	/* vmcs RSP */
			      { "qRcmd,61706963", "OK" },		/* apic */
			      { "qRcmd,77616c6b20313030303030", "OK" }, /* walk 100000 */
			      { "qRcmd,6570742030783132333435", "OK" }, /* ept 0x12345 */
			      { "qRcmd,7374617473", "OK" },		/* stats */
			      { "qRcmd,78797a", "OK" }, { "qRcmd,657869746564", "OK" }, /* xyz, exited */
			      { "qRcmd,zz", "E16" }, { "D", "OK" }),
			 0);
	assert_non_null(strstr(notes, "stops after 1 of them"));
	assert_non_null(strstr(notes, "no such kind of exit"));
	assert_non_null(strstr(notes, "Guest RSP"));
	assert_non_null(strstr(notes, "version"));
	assert_non_null(strstr(notes, "va 186a0 is gpa 186a0"));
	assert_non_null(strstr(notes, "gpa 12345 is at hpa"));
	assert_non_null(strstr(notes, "WORST AT RIP"));
	assert_non_null(strstr(notes, "exit KIND [N], entry"));
	says_not("Guest RSP"); /* it was GDB's, not the console's */
}

/* Steps by RFLAGS.TF: wherever the stepped instruction stored the flags, the guest does not find TF there. */
static void steps_leave_no_trace(void **state)
{
	struct caisson_vcpu_context *c = fake_vcpu(id, 0);
	static const struct {
		const char *code;
		u32 at; /* of TF's byte, above the stack pointer; 0: in R11 */
		bool is_64;
	} step[] = {
		{ "\x9c", 1, false },	 { "\x66\x9c", 1, false }, { "\x48\x9c", 1, true },
		{ "\x0f\x05", 0, true }, { "\xcd\x80", 17, true }, { "\xcc", 9, false },
		{ "\x90", 99, false },	 { "\x0f\x06", 99, true },
	};

	(void)state;
	fake_vendor = "SVM";
	for (u32 i = 0; i < ARRAY_SIZE(step); i++) {
		c->rflags = 2;
		c->rip = 0x100800;
		c->gpr[4] = 0x180000;
		c->gpr[11] = 0x346;
		c->efer = step[i].is_64 ? 0x400 : 0;
		c->cs.attr = step[i].is_64 ? 0xa09b : 0xc09b;
		c->cs.base = step[i].is_64 ? 0x5000 : 0;
		memcpy(memory(0x100800), step[i].code, 2);
		memset(memory(0x180000), 0xff, 32);
		will_stop(0, CAISSON_STOP_STEP);
		assert_int_equal(TALK("gdb d", { "s", "T05thread:1;" }, { "D", "OK" }), 0);
		for (u32 k = 0; k < 32; k++)
			assert_int_equal(memory(0x180000)[k], step[i].at && k == step[i].at ? 0xfe : 0xff);
		assert_int_equal(c->gpr[11], step[i].at ? 0x346 : 0x246);
		good("pause d");
	}
	/* a guest that steps itself sees its own */
	c->rflags = 0x102;
	c->cs.base = 0;
	c->efer = 0;
	c->cs.attr = 0xc09b;
	memcpy(memory(0x100800), "\x9c", 1);
	will_stop(0, CAISSON_STOP_STEP);
	assert_int_equal(TALK("gdb d", { "s", "T05thread:1;" }, { "D", "OK" }), 0);
	assert_int_equal(memory(0x180000)[1], 0xff);
	/* a stack that is not there is no reason to fail */
	good("pause d");
	c->rflags = 2;
	c->gpr[4] = 0x7fff0000;
	will_stop(0, CAISSON_STOP_STEP);
	assert_int_equal(TALK("gdb d", { "s", "T05thread:1;" }, { "D", "OK" }), 0);
}

static void refusals(void **state)
{
	(void)state;
	bad("gdb", "gdb");
	bad("gdb nobody", "no domain nobody");
	bad("gdb 0", "cannot debug itself");
	bad("gdb d:2", "has no vCPU 2");
	bad("gdb d:x", "is no vCPU");
	present = false;
	bad("gdb d", "no second serial line");
	present = true;
	how = CAISSON_END_CRASH;
	ends(id);
	run("wait d");
	bad("gdb d", "has ended");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, check_clean)
	const struct CMUnitTest tests[] = {
		TEST(asks_what_there_is),
		TEST(the_line),
		TEST(registers),
		TEST(memory_is_read_and_written),
		TEST(breakpoints),
		TEST(debug_registers),
		TEST(going_on),
		TEST(broken_in_upon),
		TEST(it_ends),
		TEST(it_is_rebuilt),
		TEST(monitor),
		TEST(steps_leave_no_trace),
		TEST(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
