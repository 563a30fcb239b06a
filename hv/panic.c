/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include "hv/arch.h"
#include "hv/console.h"
#include "hv/log.h"
#include "hv/panic.h"
#include "hv/printf.h"

static u32 panics;

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

void panic(const char *fmt, ...)
{
	char text[256];
	va_list ap;
	u32 nth = __atomic_fetch_add(&panics, 1, __ATOMIC_SEQ_CST);

	/* The first one reports; a second CPU, or the report itself failing, only ends. */
	if (nth > 0)
		arch_panic_end();
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
