/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include "hv/arch.h"
#include "hv/console.h"
#include "hv/log.h"
#include "hv/panic.h"
#include "hv/printf.h"

static u32 panics;
static struct pcpu *reporter;

bool panic_active(void)
{
	return READ_ONCE(panics) != 0;
}

void panic_printf(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_panic_text(text);
}

/* The compiler's names. arch sets the guard once, at boot, before a function that has it is called. */
u64 __stack_chk_guard;
void __attribute__((noreturn)) __stack_chk_fail(void);

void __stack_chk_fail(void)
{
	panic("a buffer on the stack was overrun by a callee of %p", __builtin_return_address(0));
}

void panic(const char *fmt, ...)
{
	char text[256];
	va_list ap;
	u32 nth = __atomic_fetch_add(&panics, 1, __ATOMIC_SEQ_CST);

	/* The first CPU reports, any other one waits; when the report itself fails it ends. */
	if (nth > 0 && READ_ONCE(reporter) != this_cpu())
		arch_panic_halt();
	if (nth > 0)
		arch_panic_end();
	WRITE_ONCE(reporter, this_cpu());
	arch_panic_stop_others();
	console_flush(true);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	panic_printf("\n*** Caisson panic: %s\n", text);
	arch_panic_report();
	panic_printf("*** end of the panic report\n");
	console_flush(true);
	arch_panic_end();
}
