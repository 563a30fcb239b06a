/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control domain: where it starts.
 */
#include "guest/control/alloc.h"
#include "guest/control/cons.h"
#include "guest/control/domain.h"
#include "guest/control/images.h"
#include "guest/control/pump.h"
#include "guest/control/shell.h"
#include "guest/lib/hypercall.h"
#include "guest/lib/runtime.h"
#include "guest/lib/string.h"

/* Text of the runtime, which speaks only when we crash. */
void guest_write(const char *text, size_t n)
{
	out_last_words(text, n);
}

void guest_exit(u32 code)
{
	static bool tried;

	if (!tried) {
		tried = true;
		hc_domain_end(CAISSON_SELF, CAISSON_END_CRASH, code);
	}
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* The same extended state as the guests have:
 * XCR0 is not written then whenever the CPU goes from one of them to us and back. */
static void xstate_as_guests(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] & 1u << 26)) /* XSAVE */
		return;
	cpuid(0xd, 0, r);
	__asm__ volatile("mov %%cr4, %%rbx; or $0x40000, %%ebx; mov %%rbx, %%cr4; xsetbv" /* OSXSAVE */
			 :
			 : "a"(r[0]), "d"(r[3]), "c"(0)
			 : "rbx", "memory");
}

static u32 images_usable(void)
{
	u32 n = 0;

	for (u32 i = 0; i < images_count(); i++)
		n += !images_at(i)->is_initrd;
	return n;
}

static void banner(void)
{
	static struct caisson_physinfo p;
	u32 adopted = domain_adopt();

	if (hc_physinfo(&p) < 0)
		return;
	out("%s: %u CPU%s, %llu MiB free, %u image%s. Try: help\n", p.version, p.cpus, p.cpus == 1 ? "" : "s",
	    (unsigned long long)(p.frames_free >> 8), images_usable(), images_usable() == 1 ? "" : "s");
	if (adopted)
		out("%u domain%s taken over\n", adopted, adopted == 1 ? "" : "s");
}

int guest_main(const struct hvm_start_info *si)
{
	u64 end = guest_ram_end();

	(void)si;
	if (hc_version() != CAISSON_ABI_VERSION) {
		guest_printf("control domain: the hypervisor speaks another version of the interface\n");
		return 1;
	}
	xstate_as_guests();
	alloc_init(image_end, end - (u64)image_end);
	time_init();
	images_init();
	banner();
	shell_run();
}
