/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shell: reads lines, runs commands, and what its commands share.
 */
#ifndef CONTROL_SHELL_H
#define CONTROL_SHELL_H

#include "guest/control/args.h"
#include "guest/lib/types.h"

struct dom;

/* For ever. */
void __attribute__((noreturn)) shell_run(void);
/* One line as if typed, without the prompt. The command's status: 0 ok. */
int shell_line(const char *line);

/* What Tab offers for a command's words. */
enum shell_complete { COMPLETE_NONE, COMPLETE_DOMAIN, COMPLETE_IMAGE, COMPLETE_COMMAND };

struct command {
	const char *name; /* first: args_nearest() finds it there */
	int (*run)(int argc, char *const argv[]);
	const char *usage; /* what follows the name */
	const char *help;
	enum shell_complete complete;
};
/* A NULL name ends each table. */
extern const struct command commands_domain[], commands_machine[], commands_sched[], commands_eyes[],
	commands_trace[], commands_rights[], commands_gdb[];

/* ---- for the commands ---- */

/* Prints "error: " and the text, returns 1. */
int fail(const char *fmt, ...) __printf(1, 2);
/* Returns how many positionals there are; -1: the error is printed. */
int parse(int argc, char *const argv[], struct args_option *options, size_t noptions, const char **positional,
	  int least, int most);
/* NULL: the error is printed. `live`: ended ones will not do. */
struct dom *need_domain(const char *id, bool live);
/* As need_domain() for what the hypervisor alone answers: the control domain, 0, is allowed too. -1: the
 * error is printed. */
int need_id(const char *id);
/* "ID" or "ID:VCPU", as need_id(). */
int parse_vcpu(const char *word, u32 *vcpu);
/* Shows what was printed, waits for what `want` says (pump.h), an end or Ctrl-C, and settles ends. */
u32 shell_wait(u32 want, u64 deadline);
/* Ctrl-C was typed: prints so and returns true. Loops over much output ask. */
bool interrupted(void);
/* Prints how an ended domain ended, the registers of a crash first. 0: power-off or exit 0. */
int print_end(struct dom *d);

#define OPTION_JSON                               \
	{                                         \
		.name = "json", .type = ARGS_FLAG \
	}
#define MS_PER_S    1000ull
#define NS_PER_MS   1000000ull
#define MAX_TIMEOUT 86400ull /* s */

#endif
