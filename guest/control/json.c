/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON to the console.
 */
#include "guest/control/json.h"

#include "guest/control/cons.h"
#include "guest/lib/string.h"

static u32 depth;
static bool printed;
static bool first = true; /* of the innermost object or array */

static void quoted(const char *s)
{
	out_raw("\"", 1);
	for (; *s; s++) {
		u8 c = (u8)*s;

		if (c == '"' || c == '\\')
			out("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			out("\\u%04x", c);
		else
			out_raw(s, 1);
	}
	out_raw("\"", 1);
}

static void start(const char *key)
{
	if (!first)
		out(",");
	first = false;
	if (key) {
		quoted(key);
		out(":");
	}
}

void json_open(const char *key, char bracket)
{
	start(key);
	out("%c", bracket);
	depth++;
	first = true;
}

void json_close(char bracket)
{
	out("%c", bracket);
	first = false;
	if (--depth == 0) {
		printed = true;
		out("\n");
		first = true;
	}
}

void json_string(const char *key, const char *s)
{
	start(key);
	quoted(s);
}

void json_number(const char *key, u64 n)
{
	start(key);
	out("%llu", (unsigned long long)n);
}

void json_hex(const char *key, u64 n)
{
	start(key);
	out("\"0x%llx\"", (unsigned long long)n);
}

void json_bool(const char *key, bool b)
{
	start(key);
	out("%s", b ? "true" : "false");
}

bool json_printed(void)
{
	bool was = printed;

	printed = false;
	return was;
}
