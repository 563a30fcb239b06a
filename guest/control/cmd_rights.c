/* SPDX-License-Identifier: BSD-2-Clause */
/* The command rights: what a domain may do, to what; giving and taking of it. */
#include "guest/control/cmd_rights.h"

#include "guest/control/cons.h"
#include "guest/control/domain.h"
#include "guest/control/errors.h"
#include "guest/control/shell.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/string.h"

static const char *const names[] = {
#define NAME(bit, name) name,
	CAISSON_RIGHTS(NAME)
#undef NAME
};
#define ALL ((1u << CAISSON_RIGHT_BITS) - 1)

static u32 right(const char *word, size_t n)
{
	if (n == 3 && !memcmp(word, "all", 3))
		return ALL;
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == n && !memcmp(names[i], word, n))
			return 1u << i;
	fail("no right %.*s (all, info, console, build, life, mem-read, mem-write, regs, dm, sched, event, "
	     "machine, grant)",
	     (int)MIN(n, 40u), word);
	return 0;
}

/* "machine", "domains", "self" (of id), or a domain; -1: the error is printed. */
static int over(const char *word, u32 id)
{
	if (!strcmp(word, "machine"))
		return CAISSON_OVER_MACHINE;
	if (!strcmp(word, "domains"))
		return CAISSON_OVER_DOMAINS;
	return strcmp(word, "self") ? need_id(word) : (int)id;
}

int rights_give(u32 id, const char *list, const char *target)
{
	int where = over(target, id);
	u32 give = 0;
	s64 r;

	for (const char *p = list; where >= 0 && *p;) {
		const char *end = p;
		u32 bit;

		while (*end && *end != ',')
			end++;
		bit = right(p, (size_t)(end - p));
		if (!bit)
			return 1;
		give |= bit;
		p = *end ? end + 1 : end;
	}
	if (where < 0)
		return 1;
	r = hc_rights_set(id, (u32)where, give, 0);
	return r < 0 ? fail("giving domain %u rights: %s", id, error_name(r)) : 0;
}

static void show(u32 id, u32 where, const char *name, bool always)
{
	struct caisson_rights r;

	if (hc_rights_get(id, where, &r) < 0 || (!r.held && !always))
		return;
	out("%-16s", name);
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (r.held >> i & 1)
			out(" %s", names[i]);
	out("%s\n", r.held ? "" : " -");
}

static int show_all(u32 id)
{
	static struct caisson_domain d;
	struct caisson_rights r;

	if (hc_rights_get(id, CAISSON_OVER_MACHINE, &r) < 0)
		return fail("no domain %u", id);
	show(id, CAISSON_OVER_MACHINE, "machine", true);
	show(id, CAISSON_OVER_DOMAINS, "domains", true);
	show(id, id, "self", true);
	for (u32 n = 0; !hc_domain_next(n, &d); n = d.id + 1)
		if (d.id != id)
			show(id, d.id, d.name, false);
	out("%llu calls refused\n", (unsigned long long)r.refused);
	return interrupted();
}

static int cmd_rights(int argc, char *const argv[])
{
	const char *word[ARGS_MAX];
	int n = parse(argc, argv, NULL, 0, word, 1, ARGS_MAX), id, where = CAISSON_OVER_MACHINE;
	u32 give = 0, take = 0;
	s64 r;

	id = n < 0 ? -1 : need_id(word[0]);
	if (id < 0)
		return 1;
	if (n == 1)
		return show_all((u32)id);
	for (int i = 1; i < n; i++) {
		u32 bit;

		if (*word[i] != '+' && *word[i] != '-') {
			where = i == n - 1 && i > 1 ? over(word[i], (u32)id)
						    : fail("rights: +RIGHT or -RIGHT, then one target") - 2;
			break;
		}
		bit = right(word[i] + 1, strlen(word[i] + 1));
		if (!bit)
			return 1;
		*(*word[i] == '+' ? &give : &take) |= bit;
	}
	if (where < 0)
		return 1;
	r = hc_rights_set((u32)id, (u32)where, give, take & ~give);
	return r < 0 ? fail("changing the rights of domain %d: %s", id, error_name(r)) : 0;
}

const struct command commands_rights[] = {
	{ "rights", cmd_rights, "ID [+RIGHT|-RIGHT]... [machine|domains|self|ID]",
	  "what a domain may do, and to whom; gives and takes (target: machine). What one drops oneself is "
	  "gone for good",
	  COMPLETE_DOMAIN },
	{ 0 },
};
