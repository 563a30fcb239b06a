/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command gdb: a debugger on the second serial line looks at a domain. GDB manual: "Remote Protocol". The
 * hypervisor gives registers, memory, INT1 exits, single steps and debug registers (call debug); everything
 * else is here.
 */
#include "guest/control/cons.h"
#include "guest/control/domain.h"
#include "guest/control/errors.h"
#include "guest/control/gdb_regs.h"
#include "guest/control/gva.h"
#include "guest/control/pump.h"
#include "guest/control/serial2.h"
#include "guest/control/shell.h"
#include "guest/control/stats.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

typedef unsigned long long ull;

#define PACKET	4096u
#define MEMORY	2000u /* bytes read or written at once */
#define BREAKS	64u
#define WATCHES 4u
#define INT1	0xf1 /* and not INT3, which guests use, and QEMU does not intercept */
#define CTRL_C	3
#define LOOKS	2000u /* at a quiet line before the CPU is left to others for POLL_US */
#define POLL_US 200u
#define RUN_US	2000u /* the line is looked at so often while the domain runs */
#define TRIES	100000u
#define SIGTRAP 5
#define SIGINT	2

static struct {
	u32 dom, vcpus;
	u32 cur; /* the vCPU that registers and memory are of */
	bool running, no_ack, over;
	u32 stop; /* CAISSON_STOP_*, ~0: broken in upon */
	u64 stop_at;
	struct {
		u64 va, gpa;
		u8 old;
	} brk[BREAKS];
	u32 breaks;
	u64 dr[WATCHES];
	u32 dr7;
	u32 exit_kind;
	u32 rebuilds; /* of the domain, when breakpoints were last looked at */
	u64 exit_count;
	bool entry;
	bool amd;		      /* steps are by RFLAGS.TF, of which the guest is to see nothing */
	u8 stored[CAISSON_MAX_VCPUS]; /* where the instruction that is stepped stores the flags */
} g;

/* A received packet's text, and the one to send. */
static char in[PACKET + 1], reply[PACKET + 8];
static u32 reply_n;

/* ---- packets ---- */

static void say(const char *fmt, ...) __printf(1, 2);
static void say(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(reply + reply_n, PACKET - reply_n, fmt, ap);
	va_end(ap);
	reply_n = MIN(reply_n + (u32)n, PACKET - 1);
}

static void send(void)
{
	static char frame[PACKET + 16];
	u8 sum = 0;

	frame[0] = '$';
	memcpy(frame + 1, reply, reply_n);
	for (u32 i = 0; i < reply_n; i++)
		sum = (u8)(sum + (u8)reply[i]);
	snprintf(frame + 1 + reply_n, 4, "#%02x", sum);
	serial2_put(frame, reply_n + 4);
	reply_n = 0;
}

/* Text for the user of GDB. */
static void note(const void *text, size_t n)
{
	const u8 *p = text;

	while (n) {
		u32 piece = (u32)MIN(n, PACKET / 2 - 8);

		reply[0] = 'O';
		hex_put(reply + 1, p, piece);
		reply_n = 1 + 2 * piece;
		send();
		p += piece;
		n -= piece;
	}
}

/* A byte of the line, or -1 when the session shall end, or one has not come where `wait` is not set. */
static int byte(bool wait)
{
	for (u32 looks = 0;; looks++) {
		int c = serial2_get();

		if (c >= 0)
			return c;
		if (!wait || in_ctrlc)
			return -1;
		if (looks < LOOKS)
			pump_poll();
		else
			pump(PUMP_CTRLC, time_tsc() + time_khz * POLL_US / 1000);
	}
}

/* The next packet into `in`; false: Ctrl-C at the console. */
static bool receive(void)
{
	for (;;) {
		u32 n = 0;
		u8 sum = 0;
		char tail[2];
		int c;

		while ((c = byte(true)) != '$' && c >= 0)
			;
		while ((c = byte(true)) != '#' && c >= 0) {
			if (c == '$') {
				n = sum = 0;
				continue;
			}
			sum = (u8)(sum + c);
			if (n < PACKET)
				in[n++] = (char)c;
		}
		for (u32 i = 0; i < 2; i++)
			tail[i] = (char)(c = byte(true));
		if (c < 0)
			return false;
		in[n] = 0;
		if (g.no_ack)
			return true;
		if (hex_digit(tail[0]) * 16 + hex_digit(tail[1]) == sum) {
			serial2_put("+", 1);
			return true;
		}
		serial2_put("-", 1);
	}
}

/* A number in hexadecimal at *s, which moves behind it. */
static u64 number(const char **s)
{
	u64 v = 0;
	int d;

	for (; (d = hex_digit(**s)) >= 0; ++*s)
		v = v << 4 | (u64)d;
	return v;
}

static bool skip(const char **s, char c)
{
	if (**s != c)
		return false;
	++*s;
	return true;
}

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* ---- the domain ---- */

static s64 try_again(s64 r, u32 *tries)
{
	if ((r != -CAISSON_EBUSY && r != -CAISSON_EAGAIN) || ++*tries > TRIES)
		return r;
	pump_poll();
	return 1;
}

static s64 context_get(u32 vcpu, struct caisson_vcpu_context *c)
{
	u32 tries = 0;
	s64 r;

	while ((r = try_again(hc_vcpu_get(g.dom, vcpu, c), &tries)) > 0)
		;
	return r;
}

static s64 debug(u32 vcpu, u32 op, struct caisson_debug *d)
{
	u32 tries = 0;
	s64 r;

	while ((r = try_again(hc_debug(g.dom, vcpu, op, d), &tries)) > 0)
		;
	return r;
}

/* All vCPUs stand when this returns, by one pause of ours. */
static void halt(void)
{
	struct caisson_debug d;
	u32 tries = 0;

	while (try_again(hc_domain_pause(g.dom), &tries) > 0)
		;
	debug(0, CAISSON_DEBUG_RESUME, &d); /* the pause that a stop brought */
	g.running = false;
}

/* INT1 into the guest's memory, or what was there. */
static void plant(u32 i, bool in_place)
{
	u8 byte_ = INT1;

	if (in_place)
		hc_mem_read(g.dom, g.brk[i].gpa, &g.brk[i].old, 1);
	hc_mem_write(g.dom, g.brk[i].gpa, in_place ? &byte_ : &g.brk[i].old, 1);
}

static bool our_break(u64 va)
{
	for (u32 i = 0; i < g.breaks; i++)
		if (g.brk[i].va == va)
			return true;
	return false;
}

static void step_begins(u32 v);
static void step_ends(void);

/* How vCPU v goes on: 's', 'c', or 0: not at all. */
static void vcpu_go(u32 v, char how, bool reflect)
{
	struct caisson_debug d = { .wish = CAISSON_DEBUG_ON, .dr7 = g.dr7 };

	d.wish |= how == 's' ? CAISSON_DEBUG_STEP : 0;
	d.wish |= how ? 0 : CAISSON_DEBUG_HOLD;
	d.wish |= g.entry && how == 'c' ? CAISSON_DEBUG_ENTRY : 0;
	d.wish |= reflect ? CAISSON_DEBUG_REFLECT : 0;
	memcpy(d.dr, g.dr, sizeof(d.dr));
	if (how == 's' && g.amd)
		step_begins(v);
	if (how == 'c') {
		d.exit_kind = g.exit_kind;
		d.exit_count = g.exit_count;
	}
	debug(v, CAISSON_DEBUG_SET, &d);
}

static void go(void)
{
	g.running = true;
	g.entry = false;
	g.exit_count = 0;
	hc_domain_unpause(g.dom);
}

/* ---- stops ---- */

static void say_stop(void)
{
	say("T%02xthread:%x;", g.stop == ~0u ? SIGINT : SIGTRAP, g.cur + 1);
	if (g.stop == CAISSON_STOP_BREAK)
		say("swbreak:;");
	else if (g.stop == CAISSON_STOP_WATCH && g.stop_at)
		say("watch:%llx;", (ull)g.stop_at);
	else if (g.stop == CAISSON_STOP_WATCH)
		say("hwbreak:;");
}

/* A vCPU has stopped the domain: which one, and why? False:
 * it was nobody's business but the guest's, and it runs on. */
static bool look_why(void)
{
	static struct caisson_vcpu_context c;
	struct caisson_debug d;
	char text[80];

	halt();
	for (u32 v = 0; v < g.vcpus; v++) {
		if (debug(v, CAISSON_DEBUG_GET, &d) < 0 || d.stop == CAISSON_STOP_NONE)
			continue;
		context_get(v, &c);
		if (d.stop == CAISSON_STOP_BREAK && !our_break(c.cs.base + c.rip)) {
			vcpu_go(v, 'c', true);
			continue;
		}
		g.cur = v;
		g.stop = d.stop;
		step_ends();
		g.stop_at = 0;
		for (u32 i = 0; i < WATCHES; i++)
			if ((d.dr6 >> i & 1) && (d.dr7 >> (16 + 4 * i) & 3))
				g.stop_at = g.dr[i];
		if (d.stop == CAISSON_STOP_EXIT || d.stop == CAISSON_STOP_ENTRY) {
			const char *kind = d.stop == CAISSON_STOP_EXIT ? stats_exit_name(d.exit_kind) : NULL;

			note(text,
			     (size_t)snprintf(text, sizeof(text), "vCPU %u: %s%s\n", v,
					      kind ? "after exit " : "before an entry", kind ? kind : ""));
		}
		return true;
	}
	go();
	return false;
}

/* A domain that was built again has no breakpoint of ours in its memory. */
static void forget_breaks(void)
{
	const struct dom *d = domain_by_id(g.dom);

	if (d && d->rebuilds != g.rebuilds) {
		g.rebuilds = d->rebuilds;
		g.breaks = 0;
	}
}

static const struct dom *ended(void)
{
	const struct dom *d = domain_by_id(g.dom);

	return !d || d->end ? d : NULL;
}

/* While it runs: until it stops, ends, or GDB breaks in. */
static void run(void)
{
	while (g.running) {
		u32 is = shell_wait(PUMP_DEBUG, time_tsc() + time_khz * RUN_US / 1000);
		int c;

		forget_breaks();
		if (is & PUMP_DEBUG && !look_why())
			continue;
		if (!domain_by_id(g.dom) || ended()) {
			const struct dom *d = ended();

			if (d && d->end == CAISSON_END_EXIT)
				say("W%02x", (u32)d->code & 0xff);
			else
				say("%s", d && d->end == CAISSON_END_CRASH     ? "X0b"
					  : d && d->end == CAISSON_END_DESTROY ? "X09"
									       : "W00");
			send();
			g.over = true;
			return;
		}
		if (!g.running)
			break;
		if (in_ctrlc)
			return;
		while ((c = byte(false)) >= 0 && c != CTRL_C)
			;
		if (c == CTRL_C) {
			halt();
			g.stop = ~0u;
		}
	}
	say_stop();
	send();
}

/* ---- memory ---- */

static bool memory(u64 va, u8 *bytes, u32 n, bool write)
{
	static struct caisson_vcpu_context c;

	if (context_get(g.cur, &c) < 0)
		return false;
	for (u32 done = 0; done < n;) {
		u32 piece = MIN(n - done, 4096u - (u32)((va + done) & 4095));
		u64 gpa;
		s64 r;

		if (!gva_to_gpa(g.dom, &c, va + done, &gpa))
			return false;
		/* What a breakpoint covers is seen and changed behind it. */
		for (u32 i = 0; i < g.breaks; i++)
			plant(i, false);
		r = write ? hc_mem_write(g.dom, gpa, bytes + done, piece)
			  : hc_mem_read(g.dom, gpa, bytes + done, piece);
		for (u32 i = 0; i < g.breaks; i++)
			plant(i, true);
		if (r != (s64)piece)
			return false;
		done += piece;
	}
	return true;
}

/* ---- steps by RFLAGS.TF ---- */

enum { STORED_NOT, STORED_PUSHF, STORED_SYSCALL, STORED_INT };
#define FLAGS_TF 0x100u
#define ATTR_L	 0x2000u

static bool in_64(const struct caisson_vcpu_context *c)
{
	return (c->efer >> 10 & 1) && (c->cs.attr & ATTR_L);
}

static void step_begins(u32 v)
{
	static struct caisson_vcpu_context c;
	u8 code[4] = { 0 };
	u32 i = 0, cur = g.cur;

	g.stored[v] = STORED_NOT;
	if (context_get(v, &c) < 0 || (c.rflags & FLAGS_TF))
		return;
	g.cur = v;
	memory((in_64(&c) ? 0 : c.cs.base) + c.rip, code, sizeof(code), false);
	g.cur = cur;
	while (i < 2 && (code[i] == 0x66 || (in_64(&c) && (code[i] & 0xf0) == 0x40)))
		i++;
	if (code[i] == 0x9c)
		g.stored[v] = STORED_PUSHF;
	else if (code[i] == 0x0f && code[i + 1] == 0x05)
		g.stored[v] = STORED_SYSCALL;
	else if (code[i] >= 0xcc && code[i] <= 0xce)
		g.stored[v] = STORED_INT;
}

/* The current vCPU has made its step. */
static void step_ends(void)
{
	static struct caisson_vcpu_context c;
	u8 stored = g.stored[g.cur], flags;
	u64 at;

	g.stored[g.cur] = STORED_NOT;
	if (!stored || context_get(g.cur, &c) < 0)
		return;
	if (stored == STORED_SYSCALL) {
		c.gpr[11] &= ~(u64)FLAGS_TF;
		hc_vcpu_set(g.dom, g.cur, &c);
		return;
	}
	at = in_64(&c) ? c.gpr[4] : c.ss.base + (u32)c.gpr[4];
	if (stored == STORED_INT)
		at += in_64(&c) ? 16 : 8;
	if (memory(at + 1, &flags, 1, false)) { /* the byte that TF is in */
		flags &= (u8) ~(FLAGS_TF >> 8);
		memory(at + 1, &flags, 1, true);
	}
}

static void read_memory(const char *s)
{
	static u8 bytes[MEMORY];
	u64 va = number(&s), n;

	skip(&s, ',');
	n = number(&s);
	n = MIN(n, MEMORY);
	if (!memory(va, bytes, (u32)n, false)) {
		say("E0e");
		return;
	}
	hex_put(reply, bytes, (u32)n);
	reply_n = 2 * (u32)n;
}

static void write_memory(const char *s)
{
	static u8 bytes[MEMORY];
	u64 va = number(&s), n;

	skip(&s, ',');
	n = number(&s);
	if (n > MEMORY || !skip(&s, ':') || !hex_get(bytes, s, (u32)n))
		say("E16");
	else
		say(memory(va, bytes, (u32)n, true) ? "OK" : "E0e");
}

/* ---- registers ---- */

static bool registers_get(struct gdb_state *s)
{
	return context_get(g.cur, &s->c) >= 0 && hc_vcpu_fpu(g.dom, g.cur, s->fx, false) >= 0;
}

static void read_registers(const char *s, bool one)
{
	static struct gdb_state state;
	u32 first = one ? (u32)number(&s) : 0;

	if (!registers_get(&state)) {
		say("E01");
		return;
	}
	for (u32 n = first; n < (one ? first + 1 : gdb_regs()); n++)
		reply_n += gdb_reg_get(&state, n, reply + reply_n);
	if (!reply_n)
		say("E16");
}

static void write_registers(const char *s, bool one)
{
	static struct gdb_state state;
	u32 n = one ? (u32)number(&s) : 0, took = 1;

	if (!registers_get(&state) || (one && !skip(&s, '='))) {
		say("E16");
		return;
	}
	for (; took && *s; n++) {
		took = gdb_reg_set(&state, n, s);
		s += took;
	}
	say(took && hc_vcpu_fpu(g.dom, g.cur, state.fx, true) >= 0 && hc_vcpu_set(g.dom, g.cur, &state.c) >= 0
		    ? "OK"
		    : "E16");
}

/* ---- breakpoints ---- */

static void breakpoint(u64 va, bool set)
{
	static struct caisson_vcpu_context c;
	u64 gpa;
	u32 i;

	for (i = 0; i < g.breaks && g.brk[i].va != va; i++)
		;
	if (!set) {
		if (i < g.breaks) {
			plant(i, false);
			g.brk[i] = g.brk[--g.breaks];
		}
		say("OK");
		return;
	}
	if (i == BREAKS || context_get(g.cur, &c) < 0 || !gva_to_gpa(g.dom, &c, va, &gpa)) {
		say("E0e");
		return;
	}
	if (i == g.breaks) {
		g.brk[g.breaks].va = va;
		g.brk[g.breaks++].gpa = gpa;
		plant(i, true);
	}
	say("OK");
}

/* SDM: "Debug Control Register (DR7)"; type: 0 execution, 1 writing, 3 reading and writing. */
static void hardware(u64 va, u32 type, u32 bytes, bool set)
{
	static const u8 length[] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
	u32 want = type ? type | (u32)length[bytes] << 2 : 0;

	for (u32 i = 0; i < WATCHES; i++) {
		bool used = g.dr7 >> 2 * i & 3,
		     same = used && g.dr[i] == va && (g.dr7 >> (16 + 4 * i) & 15) == want;

		if (set ? used : !same)
			continue;
		g.dr7 &= ~(3u << 2 * i | 15u << (16 + 4 * i));
		if (set) {
			g.dr[i] = va;
			g.dr7 |= 2u << 2 * i | want << (16 + 4 * i);
		}
		say("OK");
		return;
	}
	say(set ? "E1c" : "OK");
}

static void point(const char *s, bool set)
{
	char type = *s++;
	u64 va, n;

	skip(&s, ',');
	va = number(&s);
	skip(&s, ',');
	n = number(&s);
	if (type == '0')
		breakpoint(va, set);
	else if (type == '1')
		hardware(va, 0, 1, set);
	else if ((type == '2' || type == '4') && (n == 1 || n == 2 || n == 4 || n == 8) && !(va & (n - 1)))
		hardware(va, type == '2' ? 1 : 3, (u32)n, set);
	else if (type == '2' || type == '4')
		say("E16");
}

/* ---- going on ---- */

/* "s:1;c": the first that fits a vCPU counts; whom none fits stays. */
static void actions(const char *list)
{
	for (u32 v = 0; v < g.vcpus; v++) {
		char how = 0;

		for (const char *s = list; *s && !how;) {
			char what = *s++ | 0x20;
			u64 thread = 0;

			if (what == 's' || what == 'c') {
				while (*s && *s != ':' && *s != ';')
					s++; /* a signal */
				if (skip(&s, ':') && !starts(s, "-1"))
					thread = number(&s);
				if (!thread || thread == v + 1)
					how = what;
			}
			while (*s && *s++ != ';')
				;
		}
		vcpu_go(v, how, false);
	}
	go();
	run();
}

/* `c` and `s` of old: the current one, the others run or stand. */
static void go_on(char how)
{
	for (u32 v = 0; v < g.vcpus; v++)
		vcpu_go(v, how == 's' && v != g.cur ? 0 : how, false);
	go();
	run();
}

/* ---- monitor ---- */

static bool word(const char **s, const char *w)
{
	size_t n = strlen(w);

	if (strncmp(*s, w, n) != 0 || ((*s)[n] && (*s)[n] != ' '))
		return false;
	*s += n;
	while (**s == ' ')
		++*s;
	return true;
}

static void stop_at_exit(const char *s)
{
	const char *name;
	char *end;

	for (u32 i = 0; (name = stats_exit_name(i)); i++)
		if (word(&s, name)) {
			g.exit_kind = i;
			g.exit_count = *s ? strtoul(s, &end, 0) : 1;
			out("the next continue stops after %llu of them on a vCPU\n", (ull)g.exit_count);
			return;
		}
	out("no such kind of exit; stats has the names\n");
}

static void monitor(const char *hex)
{
	char text[160], line[200];
	u32 n = (u32)MIN(strlen(hex) / 2, sizeof(text) - 1);
	const char *s = text;

	if (!hex_get(text, hex, n)) {
		say("E16");
		return;
	}
	text[n] = 0;
	out_taker = note;
	line[0] = 0;
	if (word(&s, "exit")) {
		stop_at_exit(s);
	} else if (word(&s, "entry")) {
		g.entry = true;
		out("the next continue stops before the second entry\n");
	} else if (word(&s, "vmcs")) {
		snprintf(line, sizeof(line), "vmcs %u:%u %s", g.dom, g.cur, s);
	} else if (word(&s, "apic")) {
		snprintf(line, sizeof(line), "apic %u:%u", g.dom, g.cur);
	} else if (word(&s, "walk")) {
		snprintf(line, sizeof(line), "walk %u:%u %s", g.dom, g.cur, s);
	} else if (word(&s, "ept")) {
		snprintf(line, sizeof(line), "ept %u %s", g.dom, s);
	} else if (word(&s, "stats")) {
		snprintf(line, sizeof(line), "stats %u %s", g.dom, s);
	} else {
		out("exit KIND [N], entry, vmcs [TEXT], apic, walk VA, ept GPA, stats\n");
	}
	if (line[0])
		shell_line(line);
	out_taker = NULL;
	say("OK");
}

/* ---- queries ---- */

static void query(const char *s)
{
	u32 n;

	if (starts(s, "qSupported")) {
		say("PacketSize=%x;qXfer:features:read+;vContSupported+;swbreak+;hwbreak+;QStartNoAckMode+",
		    PACKET - 8);
	} else if (starts(s, "qXfer:features:read:target.xml:")) {
		u64 offset, most;

		s = strrchr(s, ':') + 1;
		offset = number(&s);
		skip(&s, ',');
		most = number(&s);
		n = gdb_target_xml((u32)offset, reply + 1, (u32)MIN(most, PACKET - 16));
		reply[0] = n ? 'm' : 'l';
		reply_n = n + 1;
	} else if (starts(s, "qfThreadInfo")) {
		for (u32 v = 0; v < g.vcpus; v++)
			say("%c%x", v ? ',' : 'm', v + 1);
	} else if (starts(s, "qsThreadInfo")) {
		say("l");
	} else if (starts(s, "qThreadExtraInfo,")) {
		char text[40];
		struct caisson_vcpu_info i;

		s = strchr(s, ',') + 1;
		n = (u32)number(&s) - 1;
		if (hc_vcpu_info(g.dom, n, &i) < 0)
			return;
		n = (u32)snprintf(text, sizeof(text), "vCPU %u%s", n,
				  i.state == CAISSON_VCPU_OFF ? ", off" : "");
		hex_put(reply, text, n);
		reply_n = 2 * n;
	} else if (starts(s, "qRcmd,")) {
		monitor(strchr(s, ',') + 1);
	} else if (!strcmp(s, "qC")) {
		say("QC%x", g.cur + 1);
	} else if (starts(s, "qAttached")) {
		say("1");
	}
}

/* ---- the session ---- */

static void leave(bool kill)
{
	struct caisson_debug none = { 0 };
	char line[24];

	for (u32 i = 0; i < g.breaks; i++)
		plant(i, false);
	for (u32 v = 0; v < g.vcpus; v++)
		debug(v, CAISSON_DEBUG_SET, &none);
	g.over = true;
	if (!kill) {
		hc_domain_unpause(g.dom);
		return;
	}
	hc_domain_unpause(g.dom);
	snprintf(line, sizeof(line), "destroy %u", g.dom);
	shell_line(line);
}

/* One packet. Its answer is in `reply`, unless it is `run()` that gave it. False: none is to be sent. */
static bool packet(const char *s)
{
	u64 thread;

	switch (*s++) {
	case '?':
		say_stop();
		return true;
	case 'g':
		read_registers(s, false);
		return true;
	case 'G':
		write_registers(s, false);
		return true;
	case 'p':
		read_registers(s, true);
		return true;
	case 'P':
		write_registers(s, true);
		return true;
	case 'm':
		read_memory(s);
		return true;
	case 'M':
		write_memory(s);
		return true;
	case 'Z':
	case 'z':
		point(s, s[-1] == 'Z');
		return true;
	case 'H':
	case 'T':
		if (s[-1] == 'H')
			s++;
		thread = *s == '-' ? 0 : number(&s);
		if (thread > g.vcpus) {
			say("E02");
			return true;
		}
		if (thread && in[0] == 'H')
			g.cur = (u32)thread - 1;
		say("OK");
		return true;
	case 'c':
	case 's':
		go_on(s[-1]);
		return false;
	case 'v':
		if (!strcmp(s, "Cont?")) {
			say("vCont;c;C;s;S");
		} else if (starts(s, "Cont;")) {
			actions(s + 5);
			return false;
		} else if (starts(s, "Kill")) {
			leave(true);
			say("OK");
		}
		return true;
	case 'k':
		leave(true);
		return false;
	case 'D':
		leave(false);
		say("OK");
		return true;
	case 'Q':
		if (!strcmp(s, "StartNoAckMode"))
			say("OK");
		return true;
	case 'q':
		query(s - 1);
		return true;
	default:
		return true; /* an empty answer: not known */
	}
}

static int session(void)
{
	while (!g.over && receive()) {
		bool answer = packet(in);

		if (answer)
			send();
		if (!strcmp(in, "QStartNoAckMode"))
			g.no_ack = true;
		if (in_ctrlc)
			break;
	}
	if (!g.over) {
		if (g.running)
			halt();
		leave(false);
		return interrupted();
	}
	return 0;
}

static int cmd_gdb(int argc, char *const argv[])
{
	static struct caisson_physinfo p;
	struct caisson_domain info;
	const char *name[1];
	u32 vcpu;
	int id;

	if (parse(argc, argv, NULL, 0, name, 1, 1) < 0)
		return 1;
	id = parse_vcpu(name[0], &vcpu);
	if (id < 0)
		return 1;
	if (id == CAISSON_CONTROL || !domain_by_id((u32)id))
		return fail("gdb: the control domain cannot debug itself");
	if (hc_domain_info((u32)id, &info) < 0 || info.end)
		return fail("gdb: domain %d has ended", id);
	if (vcpu >= info.vcpus)
		return fail("domain %d has no vCPU %u", id, vcpu);
	if (!serial2_init())
		return fail("gdb: there is no second serial line (scripts/run --gdb PORT)");
	memset(&g, 0, sizeof(g));
	g.dom = (u32)id;
	g.vcpus = info.vcpus;
	g.cur = vcpu;
	g.stop = CAISSON_STOP_STEP;
	g.amd = hc_physinfo(&p) >= 0 && !strcmp(p.vendor, "SVM");
	g.rebuilds = domain_by_id((u32)id)->rebuilds;
	/* One that was made with --paused waits for `continue`. */
	if (!info.pauses)
		halt();
	out("Domain %d waits for a debugger on the second serial line; Ctrl-C ends the session.\n", id);
	out_flush();
	return session();
}

const struct command commands_gdb[] = {
	{ "gdb", cmd_gdb, "ID[:VCPU]", "lets GDB on the second serial line debug a domain", COMPLETE_DOMAIN },
	{ 0 },
};
