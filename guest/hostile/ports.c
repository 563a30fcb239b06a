/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports: all of them, each size, direction and string form; the devices of the control domain most. */
#include "guest/hostile/hostile.h"
#include "tests/guest/common/test.h"

struct io {
	u16 port;
	u32 form;
	u64 value, at, count;
};

static void touch(void *arg)
{
	struct io *x = arg;
	u64 a = x->value, c = x->count, s = x->at, d = x->at;

#define FORM(n, insn)                                                                                        \
	case n:                                                                                              \
		__asm__ volatile(insn : "+a"(a), "+c"(c), "+S"(s), "+D"(d) : "d"(x->port) : "memory", "cc"); \
		break;
	switch (x->form) {
		FORM(0, "inb %%dx, %%al")
		FORM(1, "inw %%dx, %%ax")
		FORM(2, "inl %%dx, %%eax")
		FORM(3, "outb %%al, %%dx")
		FORM(4, "outw %%ax, %%dx")
		FORM(5, "outl %%eax, %%dx")
		FORM(6, "insb")
		FORM(7, "insw")
		FORM(8, "insl")
		FORM(9, "outsb")
		FORM(10, "outsw")
		FORM(11, "outsl")
		FORM(12, "rep insb")
		FORM(13, "rep insw")
		FORM(14, "rep insl")
		FORM(15, "rep outsb")
		FORM(16, "rep outsw")
		FORM(17, "rep outsl")
		FORM(18, "std; rep insl; cld")
		FORM(19, "std; rep outsb; cld")
		FORM(20, "addr32 rep insb")
		FORM(21, "addr32 rep outsl")
	}
}

/* What ends the domain is legal and dull: the exit port, sleep and reset. */
static bool the_end(u16 port, u32 form)
{
	bool in =
		form < 3 || (form >= 6 && form < 9) || (form >= 12 && form < 15) || form == 18 || form == 20;

	return !in && ((port >= 0xf1 && port < 0xf8) || (port >= 0xcf6 && port <= 0xcf9) ||
		       (port >= 0x61 && port <= 0x64) || (port >= 0x5fd && port < 0x602));
}

static void run(void)
{
	static const u16 device[] = { 0x20,  0x40,  0x60,  0x70,  0x80,	 0xa0,	 0xf0,
				      0x3f8, 0x510, 0x600, 0x608, 0xcf8, 0x2000, 0xfffc };

	scratch_open();
	while (go_on()) {
		struct io x = { .form = below(22),
				.value = nasty(),
				.count = below(4) ? below(20) : nasty() };

		x.port = below(4) ? (u16)(device[below(ARRAY_SIZE(device))] + below(below(2) ? 12 : 3))
				  : (u16)rnd();
		x.at = below(4) ? SCRATCH + below(8192) : nasty();
		if (x.count > 4096 && (x.at & ~0xfffffful) == 0 && x.at >= 0x100000)
			x.at = SCRATCH + 0x80000; /* not over us, or it is over at once */
		if (x.count > 300)
			x.at |= 0x7ffffff000000000; /* a fault soon */
		if (x.at < SCRATCH || the_end(x.port, x.form))
			continue;
		attempt(touch, &x);
	}
}

const struct wall wall_ports = { "ports", run };
