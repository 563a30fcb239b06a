/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shell.
 */
#include "guest/control/shell.h"

#include "guest/control/cons.h"
#include "guest/control/domain.h"
#include "guest/control/images.h"
#include "guest/control/json.h"
#include "guest/control/lineedit.h"
#include "guest/control/pump.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

#define PROMPT	     "caisson# "
#define LOG_TAIL     6144u /* of the hypervisor's log, where a crash's registers are */
#define COMMANDS_MAX 64u
#define LOG_MS	     1

static struct lineedit editor;
static int status;   /* of the last command */
static u64 log_seen; /* position in the hypervisor's log: what was there before is old news */

/* ---- commands ---- */

static int cmd_help(int argc, char *const argv[]);

static int cmd_status(int argc, char *const argv[])
{
	const char *none[1];

	if (parse(argc, argv, NULL, 0, none, 0, 0) < 0)
		return 1;
	out("status %d\n", status);
	return 0;
}

static int cmd_echo(int argc, char *const argv[])
{
	for (int i = 1; i < argc; i++)
		out("%s%s", i > 1 ? " " : "", argv[i]);
	out("\n");
	return 0;
}

static int cmd_clear(int argc, char *const argv[])
{
	const char *none[1];

	if (parse(argc, argv, NULL, 0, none, 0, 0) < 0)
		return 1;
	out("\033[H\033[2J");
	return 0;
}

static const struct command commands_shell[] = {
	{ "help", cmd_help, "[COMMAND]", "what commands there are, or how one is used", COMPLETE_COMMAND },
	{ "status", cmd_status, "", "the last command's status: 0 is success", COMPLETE_NONE },
	{ "echo", cmd_echo, "[WORD]...", "prints the words", COMPLETE_NONE },
	{ "clear", cmd_clear, "", "clears the screen", COMPLETE_NONE },
	{ 0 },
};

static const struct command *const tables[] = { commands_domain, commands_machine, commands_sched,
						commands_eyes,	 commands_trace,   commands_gdb,
						commands_rights, commands_shell };

/* All of them in one row: for help, hints and Tab. */
static struct command all[COMMANDS_MAX];
static u32 count;

static void commands_init(void)
{
	count = 0;
	for (u32 t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct command *c = tables[t]; c->name && count < COMMANDS_MAX; c++)
			all[count++] = *c;
}

/* For tests, and for who wants to see it started again: not listed. */
static int cmd_crash(int argc, char *const argv[])
{
	(void)argc, (void)argv;
	out_flush();
	__builtin_trap();
}

static const struct command crash = { "crash", cmd_crash, "", "crashes the control domain", COMPLETE_NONE };

static const struct command *command_find(const char *name)
{
	for (u32 i = 0; i < count; i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	return strcmp(name, crash.name) ? NULL : &crash;
}

static int unknown_command(const char *name)
{
	const char *near = args_nearest(name, all, count, sizeof(all[0]));

	if (near)
		return fail("unknown command: %.60s (did you mean %s?)", name, near);
	return fail("unknown command: %.60s (try: help)", name);
}

static int cmd_help(int argc, char *const argv[])
{
	const char *name[1];
	int n = parse(argc, argv, NULL, 0, name, 0, 1);
	const struct command *c;

	if (n < 0)
		return 1;
	if (n == 0) {
		for (u32 i = 0; i < count; i++)
			out("  %-16s %s\n", all[i].name, all[i].help);
		out("help COMMAND says how one is used. ID is a domain's number or name. Ctrl-] leaves a "
		    "console.\n");
		return 0;
	}
	c = command_find(name[0]);
	if (!c)
		return unknown_command(name[0]);
	out("%s %s\n  %s\n", c->name, c->usage, c->help);
	return 0;
}

int shell_line(const char *line)
{
	static char buf[LINEEDIT_MAX + 1];
	char err[ARGS_ERR_SIZE];
	char *argv[ARGS_MAX];
	const struct command *c;
	int argc = args_split(line, buf, sizeof(buf), argv, err);

	if (!count)
		commands_init();
	if (argc < 0)
		return status = fail("%s", err);
	if (argc == 0)
		return status;
	c = command_find(argv[0]);
	if (!c)
		return status = unknown_command(argv[0]);
	in_ctrlc = false;
	in_ctrlc_ends = true;
	status = c->run(argc, argv);
	in_ctrlc_ends = false;
	in_ctrlc = false;
	return status;
}

/* ---- what commands share ---- */

int fail(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out("error: %s\n", text);
	return 1;
}

int parse(int argc, char *const argv[], struct args_option *options, size_t noptions, const char **positional,
	  int least, int most)
{
	char err[ARGS_ERR_SIZE];
	int n = args_parse(argc, argv, options, noptions, positional, least, most, err);

	if (n < 0)
		fail("%s", err);
	return n;
}

struct dom *need_domain(const char *id, bool live)
{
	struct dom *d = domain_find(id);

	if (!d)
		fail(strcmp(id, "0") ? "no domain %.40s (try: list)" : "domain %s is the control domain", id);
	else if (live && !(d->flags & DOM_LIVE && !d->end))
		fail("domain %u has ended (%s)", d->id, domain_end_name(d->end));
	else
		return d;
	return NULL;
}

int need_id(const char *id)
{
	struct dom *d;

	if (!strcmp(id, "0") || !strcmp(id, "control"))
		return CAISSON_CONTROL;
	d = domain_find(id);
	if (d && d->flags & DOM_LIVE)
		return (int)d->id;
	if (d)
		fail("domain %u has ended (%s) and is gone", d->id, domain_end_name(d->end));
	else
		fail("no domain %.40s (try: list)", id);
	return -1;
}

u32 shell_wait(u32 want, u64 deadline)
{
	u32 is;

	out_flush();
	is = pump(want | PUMP_DOMAIN | PUMP_CTRLC, deadline);
	domain_settle();
	return is;
}

bool interrupted(void)
{
	if (!in_ctrlc)
		return false;
	fail("interrupted");
	return true;
}

/* The registers of a crash are in the hypervisor's log, from the line on that names the domain. */
static void print_crash_log(u32 id)
{
	static struct {
		struct caisson_log head;
		char text[LOG_TAIL + 1];
	} log;
	char mark[32];
	u64 at;
	s64 n;
	size_t have = 0;
	char *from;

	/* The CPU where it crashed may still be writing it. */
	do {
		at = log.head.next;
		pump(0, time_after_ms(LOG_MS));
		if (hc_log_read(~0ull, &log, sizeof(log.head)) < 0)
			return;
	} while (log.head.next != at);
	at = log_seen;
	if (log.head.next - at > LOG_TAIL)
		at = log.head.next - LOG_TAIL;
	log_seen = log.head.next;
	while (have < LOG_TAIL) {
		struct {
			struct caisson_log head;
			char text[512];
		} piece;

		n = hc_log_read(at + have, &piece,
				sizeof(piece.head) + MIN(sizeof(piece.text), LOG_TAIL - have));
		if (n <= 0)
			break;
		memcpy(log.text + have, piece.text, (size_t)n);
		have += (size_t)n;
	}
	log.text[have] = 0;
	snprintf(mark, sizeof(mark), "domain %u ", id);
	from = strstr(log.text, mark);
	if (!from)
		return;
	while (from > log.text && from[-1] != '\n')
		from--;
	out_text(from, strlen(from));
}

int print_end(struct dom *d)
{
	domain_set_untold(d, false);
	if (d->end == CAISSON_END_CRASH) {
		print_crash_log(d->id);
		out("domain %u: %s\n", d->id, d->why);
	}
	if (d->end == CAISSON_END_EXIT)
		out("domain %u ended: exit %llu\n", d->id, (unsigned long long)d->code);
	else
		out("domain %u ended: %s\n", d->id, domain_end_name(d->end));
	return !(d->end == CAISSON_END_POWEROFF || (d->end == CAISSON_END_EXIT && !d->code));
}

/* ---- the line ---- */

static void editor_output(void *ctx, const char *text, size_t n)
{
	(void)ctx;
	out_raw(text, n);
}

static const char *candidate_domain(u32 i)
{
	for (struct dom *d = domain_from(0); d; d = domain_from(d->id + 1))
		if (i-- == 0)
			return d->name;
	return NULL;
}

static const char *candidate_image(u32 i)
{
	for (u32 k = 0; k < images_count(); k++)
		if (!images_at(k)->is_initrd && i-- == 0)
			return images_at(k)->name;
	return NULL;
}

static const char *editor_candidate(void *ctx, const char *line, size_t word, unsigned i)
{
	const struct command *c;
	char name[32];
	size_t start = 0, n = 0;

	(void)ctx;
	while (line[start] == ' ')
		start++;
	if (word <= start)
		return i < count ? all[i].name : NULL;
	while (line[start + n] && line[start + n] != ' ' && n < sizeof(name) - 1)
		n++;
	memcpy(name, line + start, n);
	name[n] = 0;
	c = command_find(name);
	switch (c ? c->complete : COMPLETE_NONE) {
	case COMPLETE_DOMAIN:
		return candidate_domain(i);
	case COMPLETE_IMAGE:
		return candidate_image(i);
	case COMPLETE_COMMAND:
		return i < count ? all[i].name : NULL;
	case COMPLETE_NONE:
		break;
	}
	return NULL;
}

static const struct lineedit_ops editor_ops = { .output = editor_output, .candidate = editor_candidate };

/*
 * Ends that no command told of, before the next prompt as a shell does with its jobs: never in the middle of
 * what is typed, and not behind JSON, which somebody reads by a program.
 */
static void print_notices(void)
{
	struct dom *d;

	if (json_printed())
		return;
	while ((d = domain_untold()))
		print_end(d);
}

static u8 next_byte(void)
{
	int c;

	while ((c = in_getc()) < 0) {
		out_flush();
		pump(PUMP_INPUT | PUMP_DOMAIN, 0);
		domain_settle();
	}
	return (u8)c;
}

void shell_run(void)
{
	struct caisson_log log;

	commands_init();
	if (hc_log_read(~0ull, &log, sizeof(log)) >= 0)
		log_seen = log.next;
	lineedit_init(&editor, &editor_ops, NULL);
	for (;;) {
		enum lineedit_result r;

		/* Whoever types ahead leaves the guests their turn. */
		pump(0, CAISSON_DEADLINE_NOW);
		domain_settle();
		print_notices();
		out_raw("\r", 1); /* whatever a guest left the cursor at */
		lineedit_start(&editor, PROMPT);
		do
			r = lineedit_byte(&editor, next_byte());
		while (r == LINEEDIT_MORE);
		out_flush(); /* the command may take minutes */
		if (r == LINEEDIT_LINE)
			shell_line(editor.line);
	}
}
