/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands about the life of domains and their consoles.
 */
#include "guest/control/cmd_rights.h"
#include "guest/control/cons.h"
#include "guest/control/domain.h"
#include "guest/control/errors.h"
#include "guest/control/images.h"
#include "guest/control/json.h"
#include "guest/control/memmap.h"
#include "guest/control/pump.h"
#include "guest/control/shell.h"
#include "guest/control/watch.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

#define DEFAULT_MIB 128
#define MAX_MIB	    (MEMMAP_MEMORY_MAX >> 20)
#define SHUTDOWN_S  20
#define EXPECT_S    60
#define IDS_MAX	    32
#define NS_PER_S    1000000000ull

/* ---- images, list ---- */

static int cmd_images(int argc, char *const argv[])
{
	struct args_option o[] = { OPTION_JSON };
	const char *none[1];

	if (parse(argc, argv, o, 1, none, 0, 0) < 0)
		return 1;
	if (o[0].set)
		json_open(NULL, '[');
	else
		out("%-20s %9s %9s  %s\n", "NAME", "KIB", "INITRD", "ARGUMENTS");
	for (u32 i = 0; i < images_count(); i++) {
		const struct image *m = images_at(i);

		if (m->is_initrd)
			continue;
		if (o[0].set) {
			json_open(NULL, '{');
			json_string("name", m->name);
			json_number("bytes", m->bytes);
			json_number("initrd_bytes", m->initrd ? m->initrd->bytes : 0);
			json_string("args", m->args);
			json_close('}');
			continue;
		}
		out("%-20s %9llu ", m->name, (unsigned long long)(m->bytes + 1023) >> 10);
		if (m->initrd)
			out("%9llu  %s\n", (unsigned long long)(m->initrd->bytes + 1023) >> 10, m->args);
		else
			out("%9s  %s\n", "-", m->args);
	}
	if (o[0].set)
		json_close(']');
	return 0;
}

static const char *state_name(const struct caisson_domain *i)
{
	static const char *const name[] = { "paused", "running", "blocked", "ended", "dying" };

	if (i->state == CAISSON_STATE_ENDED && i->end == CAISSON_END_CRASH)
		return "crashed";
	return i->state < ARRAY_SIZE(name) ? name[i->state] : "unknown";
}

static void list_live(const struct caisson_domain *i, bool json)
{
	u64 ms = i->run_ns / NS_PER_MS;

	if (!json) {
		out("%4u  %-16s %-8s %5u %7llu %6llu.%03llu %12llu  %s\n", i->id, i->name, state_name(i),
		    i->vcpus, (unsigned long long)i->pages >> 8, (unsigned long long)ms / 1000,
		    (unsigned long long)ms % 1000, (unsigned long long)i->exits, i->origin);
		return;
	}
	json_open(NULL, '{');
	json_number("id", i->id);
	json_string("name", i->name);
	json_string("state", state_name(i));
	json_number("vcpus", i->vcpus);
	json_number("pages", i->pages);
	json_number("populated", i->populated);
	json_number("hv_pages", i->hv_pages);
	json_number("run_ns", i->run_ns);
	json_number("exits", i->exits);
	json_number("created_ns", i->created_ns);
	json_string("image", i->origin);
	json_string("args", i->args);
	if (i->end) {
		json_string("end", domain_end_name(i->end));
		json_number("code", i->code);
		json_string("why", domain_why(i));
	}
	json_close('}');
}

static void list_kept(const struct dom *d, bool json)
{
	if (!json) {
		out("%4u  %-16s %-8s %5u %7s %10s %12s  %s\n", d->id, d->name, "ended", d->vcpus, "-", "-",
		    "-", d->image->name);
		return;
	}
	json_open(NULL, '{');
	json_number("id", d->id);
	json_string("name", d->name);
	json_string("state", "ended");
	json_string("end", domain_end_name(d->end));
	json_number("code", d->code);
	json_string("image", d->image->name);
	json_close('}');
}

static int cmd_list(int argc, char *const argv[])
{
	struct args_option o[] = { OPTION_JSON, { .name = "all", .type = ARGS_FLAG } };
	static struct caisson_domain info;
	const char *none[1];
	bool json;

	if (parse(argc, argv, o, ARRAY_SIZE(o), none, 0, 0) < 0)
		return 1;
	json = o[0].set;
	if (json)
		json_open(NULL, '[');
	else
		out("%4s  %-16s %-8s %5s %7s %10s %12s  %s\n", "ID", "NAME", "STATE", "VCPUS", "MIB",
		    "TIME(s)", "EXITS", "IMAGE");
	for (u32 id = 0; !in_ctrlc && !hc_domain_next(id, &info); id = info.id + 1)
		list_live(&info, json);
	for (struct dom *d = o[1].set ? domain_from(0) : NULL; d; d = domain_from(d->id + 1))
		if (!(d->flags & DOM_LIVE))
			list_kept(d, json);
	if (json)
		json_close(']');
	return interrupted();
}

/* ---- create ---- */

enum {
	C_NAME,
	C_MEMORY,
	C_VCPUS,
	C_ARGS,
	C_PAUSED,
	C_LAZY,
	C_TESTDEV,
	C_NO_REBOOT,
	C_CONSOLE,
	C_WAIT,
	C_RIGHTS,
	C_OPTIONS
};

static int created(struct dom *d, const struct args_option *o)
{
	int r = 0;

	if (o[C_CONSOLE].set)
		r = watch_attach(d);
	else if (o[C_WAIT].set)
		r = watch_end(d, true, 0);
	else
		out("domain %u (%s) created%s\n", d->id, d->name, d->flags & DOM_PAUSED ? ", paused" : "");
	return r;
}

/* "RIGHT,RIGHT [TARGET]" */
static int create_rights(struct dom *d, const char *text, bool paused)
{
	char word[64];
	size_t n = 0;

	while (text[n] && text[n] != ' ')
		n++;
	snprintf(word, sizeof(word), "%.*s", (int)n, text);
	if (rights_give(d->id, word, text[n] ? text + n + 1 : "machine"))
		return 1;
	if (!paused) {
		d->flags &= ~DOM_PAUSED;
		hc_domain_unpause(d->id);
	}
	return 0;
}

static int cmd_create(int argc, char *const argv[])
{
	struct args_option o[C_OPTIONS] = {
		[C_NAME] = { .name = "name", .type = ARGS_STRING },
		[C_MEMORY] = { .name = "memory", .type = ARGS_NUMBER, .min = 1, .max = MAX_MIB },
		[C_VCPUS] = { .name = "vcpus", .type = ARGS_NUMBER, .min = 1, .max = CAISSON_MAX_VCPUS },
		[C_ARGS] = { .name = "args", .type = ARGS_STRING },
		[C_PAUSED] = { .name = "paused", .type = ARGS_FLAG },
		[C_LAZY] = { .name = "lazy", .type = ARGS_FLAG },
		[C_TESTDEV] = { .name = "testdev", .type = ARGS_FLAG },
		[C_NO_REBOOT] = { .name = "no-reboot", .type = ARGS_FLAG },
		[C_CONSOLE] = { .name = "console", .type = ARGS_FLAG },
		[C_WAIT] = { .name = "wait", .type = ARGS_FLAG },
		[C_RIGHTS] = { .name = "rights", .type = ARGS_STRING },
	};
	char err[DOMAIN_ERR];
	const char *image[1];
	struct build b = { 0 };
	struct dom *d;

	if (parse(argc, argv, o, C_OPTIONS, image, 1, 1) < 0)
		return 1;
	b.image = images_find(image[0]);
	if (!b.image)
		return fail("no image %.60s (try: images)", image[0]);
	b.name = o[C_NAME].string;
	b.args = o[C_ARGS].string;
	b.memory = (o[C_MEMORY].set ? o[C_MEMORY].number : DEFAULT_MIB) << 20;
	b.vcpus = o[C_VCPUS].set ? (u32)o[C_VCPUS].number : 1;
	b.flags = (o[C_PAUSED].set ? DOM_PAUSED : 0) | (o[C_LAZY].set ? DOM_LAZY : 0) |
		  (o[C_TESTDEV].set ? DOM_TESTDEV : 0) | (o[C_NO_REBOOT].set ? DOM_NO_REBOOT : 0);
	if (o[C_RIGHTS].set)
		b.flags |= DOM_PAUSED; /* it does nothing before it may */
	d = domain_build(&b, err);
	if (!d)
		return fail("%s", err);
	if (o[C_RIGHTS].set && create_rights(d, o[C_RIGHTS].string, o[C_PAUSED].set)) {
		domain_remove(d);
		return 1;
	}
	return created(d, o);
}

/* ---- console ---- */

static int cmd_console(int argc, char *const argv[])
{
	enum { LOG, SEND, EXPECT, TIMEOUT };
	struct args_option o[] = {
		[LOG] = { .name = "log", .type = ARGS_FLAG },
		[SEND] = { .name = "send", .type = ARGS_STRING },
		[EXPECT] = { .name = "expect", .type = ARGS_STRING },
		[TIMEOUT] = { .name = "timeout", .type = ARGS_NUMBER, .min = 0, .max = MAX_TIMEOUT },
	};
	const char *id[1];
	struct dom *d;

	if (parse(argc, argv, o, ARRAY_SIZE(o), id, 1, 1) < 0)
		return 1;
	d = need_domain(id[0], o[SEND].set);
	if (!d)
		return 1;
	if (o[TIMEOUT].set && !o[EXPECT].set)
		return fail("console: --timeout goes with --expect");
	if (o[LOG].set)
		watch_log(d);
	if (o[SEND].set) {
		size_t n = strlen(o[SEND].string);

		if (uart_room(&d->dev.uart) < n)
			return fail("domain %u has not read what was sent before", d->id);
		d->expected = d->log.total; /* an answer comes after the question */
		uart_input(&d->dev.uart, (const u8 *)o[SEND].string, n);
	}
	if (o[EXPECT].set)
		return watch_expect(d, o[EXPECT].string, o[TIMEOUT].set ? o[TIMEOUT].number : EXPECT_S);
	if (o[LOG].set || o[SEND].set)
		return interrupted();
	return watch_attach(d);
}

/* ---- life ---- */

static int each(int argc, char *const argv[], int (*one)(const char *id))
{
	const char *id[IDS_MAX];
	int n = parse(argc, argv, NULL, 0, id, 1, IDS_MAX), r = n < 0;

	for (int i = 0; i < n && !r; i++)
		r = one(id[i]);
	return r;
}

static int pause_one(const char *id)
{
	struct dom *d = need_domain(id, true);
	s64 r;

	if (!d)
		return 1;
	r = hc_domain_pause(d->id);
	/* "Not finished": it is paused, and a vCPU is just leaving its CPU. */
	if (r < 0 && r != -CAISSON_EAGAIN)
		return fail("pausing domain %u: %s", d->id, error_name(r));
	return 0;
}

static int unpause_one(const char *id)
{
	struct dom *d = need_domain(id, true);
	s64 r;

	if (!d)
		return 1;
	r = hc_domain_unpause(d->id);
	if (r == -CAISSON_EINVAL)
		return fail("domain %u is not paused", d->id);
	if (r < 0)
		return fail("unpausing domain %u: %s", d->id, error_name(r));
	return 0;
}

static int destroy_one(const char *id)
{
	struct dom *d;
	u64 n;
	s64 r;

	/* One that another domain built is not in our books. */
	if (args_number(id, &n) && n && !domain_find(id) && n < CAISSON_MAX_DOMS) {
		while ((r = hc_domain_destroy((u32)n)) == -CAISSON_EAGAIN)
			pump_poll();
		if (r != -CAISSON_ENOENT)
			return r < 0 ? fail("destroying domain %s: %s", id, error_name(r)) : 0;
	}
	d = need_domain(id, false);
	if (!d)
		return 1;
	domain_remove(d);
	return 0;
}

static int cmd_pause(int argc, char *const argv[])
{
	return each(argc, argv, pause_one);
}

static int cmd_unpause(int argc, char *const argv[])
{
	return each(argc, argv, unpause_one);
}

static int cmd_destroy(int argc, char *const argv[])
{
	return each(argc, argv, destroy_one);
}

static int cmd_wait(int argc, char *const argv[])
{
	struct args_option o[] = { { .name = "timeout", .type = ARGS_NUMBER, .min = 0, .max = MAX_TIMEOUT } };
	const char *id[1];
	struct dom *d;

	if (parse(argc, argv, o, 1, id, 1, 1) < 0)
		return 1;
	d = need_domain(id[0], false);
	if (!d)
		return 1;
	return watch_end(d, false, o[0].set ? time_after_ms(o[0].number * MS_PER_S) : 0);
}

/* The domain that a button press is for: it runs. */
static struct dom *button_target(int argc, char *const argv[], u64 *timeout)
{
	struct args_option o[] = { { .name = "timeout", .type = ARGS_NUMBER, .min = 0, .max = MAX_TIMEOUT } };
	static struct caisson_domain info;
	const char *id[1];
	struct dom *d;

	if (parse(argc, argv, o, 1, id, 1, 1) < 0)
		return NULL;
	d = need_domain(id[0], true);
	if (!d)
		return NULL;
	if (!hc_domain_info(d->id, &info) && info.state == CAISSON_STATE_PAUSED) {
		fail("domain %u is paused", d->id);
		return NULL;
	}
	*timeout = o[0].set ? o[0].number : SHUTDOWN_S;
	return d;
}

static int cmd_shutdown(int argc, char *const argv[])
{
	u64 timeout, deadline;
	u32 is = 0, before;
	struct dom *d = button_target(argc, argv, &timeout);

	if (!d)
		return 1;
	deadline = time_after_ms(timeout * MS_PER_S);
	before = d->rebuilds;
	d->flags |= DOM_REPORTED;
	devices_button(d);
	while (!d->end && d->rebuilds == before && !in_ctrlc && !(is & PUMP_TIME))
		is = shell_wait(0, deadline);
	d->flags &= ~DOM_REPORTED;
	if (d->end)
		return print_end(d);
	if (interrupted())
		return 1;
	if (d->rebuilds != before)
		return fail("domain %u rebooted instead", d->id);
	return fail("domain %u did not power off within %llu s", d->id, (unsigned long long)timeout);
}

static int cmd_reboot(int argc, char *const argv[])
{
	u64 timeout, deadline;
	u32 is = 0, before;
	struct dom *d = button_target(argc, argv, &timeout);

	if (!d)
		return 1;
	deadline = time_after_ms(timeout * MS_PER_S);
	before = d->rebuilds;
	d->flags |= DOM_REBUILD | DOM_REPORTED;
	devices_button(d);
	while (!d->end && d->rebuilds == before && !in_ctrlc && !(is & PUMP_TIME))
		is = shell_wait(0, deadline);
	d->flags &= ~(DOM_REBUILD | DOM_REPORTED);
	if (d->end) {
		print_end(d);
		return fail("domain %u ended and was not rebuilt", d->id);
	}
	if (interrupted())
		return 1;
	if (d->rebuilds == before)
		return fail("domain %u did not power off within %llu s", d->id, (unsigned long long)timeout);
	out("domain %u rebooted\n", d->id);
	return 0;
}

const struct command commands_domain[] = {
	{ "images", cmd_images, "[--json]", "what domains can be made from", COMPLETE_NONE },
	{ "list", cmd_list, "[--all] [--json]", "the domains; --all: also those that ended lately",
	  COMPLETE_NONE },
	{ "create", cmd_create,
	  "IMAGE [--name N] [--memory MIB] [--vcpus N] [--args \"...\"] [--paused] [--lazy] [--testdev]\n"
	  "       [--no-reboot] [--rights \"RIGHT,... [TARGET]\"] [--console] [--wait]",
	  "makes a domain and starts it; --console attaches at once, --wait shows its console until it ends",
	  COMPLETE_IMAGE },
	{ "console", cmd_console, "ID [--log] [--send \"TEXT\"] [--expect \"TEXT\" [--timeout S]]",
	  "attaches to a domain's console (Ctrl-] leaves), or prints, types, waits for a text",
	  COMPLETE_DOMAIN },
	{ "pause", cmd_pause, "ID...", "stops a domain's vCPUs", COMPLETE_DOMAIN },
	{ "unpause", cmd_unpause, "ID...", "lets them go on", COMPLETE_DOMAIN },
	{ "shutdown", cmd_shutdown, "ID [--timeout S]", "presses the power button and waits for the end",
	  COMPLETE_DOMAIN },
	{ "reboot", cmd_reboot, "ID [--timeout S]", "the same, and starts it again", COMPLETE_DOMAIN },
	{ "destroy", cmd_destroy, "ID...", "ends a domain at once and gives back all that it had",
	  COMPLETE_DOMAIN },
	{ "wait", cmd_wait, "ID [--timeout S]", "waits for a domain's end; succeeds for power-off and exit 0",
	  COMPLETE_DOMAIN },
	{ 0 },
};
