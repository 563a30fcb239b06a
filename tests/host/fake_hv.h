/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hypervisor of a few pages for tests of the control domain on the host: domains with memory and vCPUs that
 * play a script of port accesses, modules, a console, time that passes only when somebody waits. It checks
 * what the real one would: addresses, states, answers that nobody asked for.
 */
#ifndef TESTS_FAKE_HV_H
#define TESTS_FAKE_HV_H

#include "guest/lib/types.h"
#include "hv/abi/caisson.h"
#include "hv/abi/trace.h"

/* What a guest does, one after the other; a read compares. */
enum fake_do {
	FAKE_END_OF_SCRIPT,
	FAKE_OUT,
	FAKE_IN,
	FAKE_TEXT,
	FAKE_CRASH,
	FAKE_UNTIL_INPUT,
	FAKE_UNTIL_BUTTON,
	FAKE_SLEEP,
	FAKE_MMIO_OUT,
	FAKE_MMIO_IN,
	FAKE_POST /* a write to memory that is claimed as posted */
};
struct fake_step {
	enum fake_do what;
	u64 port, value; /* FAKE_SLEEP: value in ms */
	u32 size;
	const char *text;
};

struct fake_image {
	const char *cmdline;
	const void *bytes;
	size_t size;
	const struct fake_step *script;	     /* by the image's name, at its first start ... */
	const struct fake_step *after_reset; /* ... and at later ones (NULL: the same) */
};

void fake_start(const struct fake_image *images, u32 n, u64 machine_pages);
void fake_type(const char *text);
/* What was written to the console since asked last. */
const char *fake_console(void);
void fake_log(const char *text);
/* The console takes so many bytes before it says that it is full (and room comes with the next wait). */
void fake_console_limit(u32 bytes);
/* The next call of that number fails so, once, or so often, after `skip` good ones. */
void fake_fail(u32 call, u32 skip, s64 error);
void fake_fail_times(u32 call, s64 error, u32 times);
extern const char *fake_vendor;
extern bool fake_walls; /* it tells of its own page tables: all is writable and executable */
/* What vmcs_read gives; NULL: some fields have a value, the others are 0. */
extern u64 (*fake_field)(u32 vcpu, u32 field);

u64 fake_free_pages(void);
u32 fake_domains(void);
u32 fake_shares(void); /* request pages that are mapped */
/* Bytes of a domain's memory below 4 MiB; NULL: there is no such domain. */
const u8 *fake_memory(u32 id);
const struct caisson_vcpu_context *fake_context(u32 id);
struct caisson_vcpu_context *fake_vcpu(u32 id, u32 vcpu);
u32 fake_buttons(u32 id);
u32 fake_pauses(u32 id);
u32 fake_watch(u32 id);
u32 fake_msi(u32 id); /* the last one's data */
u32 fake_stats_resets(void);
struct caisson_vcpu_info *fake_vcpu_info(void); /* of every vCPU; its id is filled in */
/* A CPU's trace ring gets records; the others in it and what is said of it stay. */
void fake_trace(u32 cpu, const struct caisson_trace_record *r, u32 n, u64 dropped);
const struct caisson_trace_control *fake_trace_control(void);
/* Debugging: what was asked of a vCPU; one stops its domain; called when a domain runs on. */
struct caisson_debug *fake_debug(u32 id, u32 vcpu);
void fake_stop(u32 id, u32 vcpu, u32 why);
extern void (*fake_resumed)(u32 id);
/* A domain is there that this control domain did not build. */
u32 fake_stranger(const char *name, u32 state);
bool fake_line(u32 id, u32 gsi);

/* Called when the control domain would sleep for ever:
 * types something, or is the test's way back by longjmp. */
extern void (*fake_idle)(void);

#endif
