/* SPDX-License-Identifier: BSD-2-Clause */
/* GDB manual: "i386 Features", "Target Description Format", "Packets" g and p. */
#include "guest/control/gdb_regs.h"

#include "guest/lib/string.h"

#define AT(member) offsetof(struct caisson_vcpu_context, member)
#define GPR(n)	   (AT(gpr) + 8 * (n))
#define UNKNOWN	   0xffff /* of the FPU: GDB wants to hear of them */

enum { F_CORE, F_SEGMENTS, F_SYSTEM };

/* In GDB's order; each feature's together. */
static const struct reg {
	const char *name;
	u16 at;	   /* in the context */
	u8 bytes;  /* as GDB has it */
	u8 stored; /* in the context */
	u8 feature;
	const char *type;
} regs[] = {
#define R64(name, at, f, type)                 \
	{                                      \
		name, (u16)(at), 8, 8, f, type \
	}
#define SEG(name, member)                                        \
	{                                                        \
		name, AT(member.selector), 4, 2, F_CORE, "int32" \
	}
#define FPU(name, bytes, type)                        \
	{                                             \
		name, UNKNOWN, bytes, 0, F_CORE, type \
	}
#define SYS(name, member, stored_)                              \
	{                                                       \
		name, AT(member), 8, stored_, F_SYSTEM, "int64" \
	}
	R64("rax", GPR(0), F_CORE, "int64"),
	R64("rbx", GPR(3), F_CORE, "int64"),
	R64("rcx", GPR(1), F_CORE, "int64"),
	R64("rdx", GPR(2), F_CORE, "int64"),
	R64("rsi", GPR(6), F_CORE, "int64"),
	R64("rdi", GPR(7), F_CORE, "int64"),
	R64("rbp", GPR(5), F_CORE, "data_ptr"),
	R64("rsp", GPR(4), F_CORE, "data_ptr"),
	R64("r8", GPR(8), F_CORE, "int64"),
	R64("r9", GPR(9), F_CORE, "int64"),
	R64("r10", GPR(10), F_CORE, "int64"),
	R64("r11", GPR(11), F_CORE, "int64"),
	R64("r12", GPR(12), F_CORE, "int64"),
	R64("r13", GPR(13), F_CORE, "int64"),
	R64("r14", GPR(14), F_CORE, "int64"),
	R64("r15", GPR(15), F_CORE, "int64"),
	R64("rip", AT(rip), F_CORE, "code_ptr"),
	{ "eflags", AT(rflags), 4, 8, F_CORE, "int32" },
	SEG("cs", cs),
	SEG("ss", ss),
	SEG("ds", ds),
	SEG("es", es),
	SEG("fs", fs),
	SEG("gs", gs),
	FPU("st0", 10, "i387_ext"),
	FPU("st1", 10, "i387_ext"),
	FPU("st2", 10, "i387_ext"),
	FPU("st3", 10, "i387_ext"),
	FPU("st4", 10, "i387_ext"),
	FPU("st5", 10, "i387_ext"),
	FPU("st6", 10, "i387_ext"),
	FPU("st7", 10, "i387_ext"),
	FPU("fctrl", 4, "int"),
	FPU("fstat", 4, "int"),
	FPU("ftag", 4, "int"),
	FPU("fiseg", 4, "int"),
	FPU("fioff", 4, "int"),
	FPU("foseg", 4, "int"),
	FPU("fooff", 4, "int"),
	FPU("fop", 4, "int"),
	R64("fs_base", AT(fs.base), F_SEGMENTS, "int"),
	R64("gs_base", AT(gs.base), F_SEGMENTS, "int"),
	SYS("cr0", cr0, 8),
	SYS("cr2", cr2, 8),
	SYS("cr3", cr3, 8),
	SYS("cr4", cr4, 8),
	SYS("cr8", cr8, 8),
	SYS("efer", efer, 8),
	SYS("xcr0", xcr0, 8),
	SYS("pat", pat, 8),
	SYS("star", star, 8),
	SYS("lstar", lstar, 8),
	SYS("cstar", cstar, 8),
	SYS("sfmask", sfmask, 8),
	SYS("kernel_gs_base", kernel_gs_base, 8),
	SYS("sysenter_cs", sysenter_cs, 8),
	SYS("sysenter_esp", sysenter_esp, 8),
	SYS("sysenter_eip", sysenter_eip, 8),
	SYS("dr0", dr[0], 8),
	SYS("dr1", dr[1], 8),
	SYS("dr2", dr[2], 8),
	SYS("dr3", dr[3], 8),
	SYS("dr6", dr6, 8),
	SYS("dr7", dr7, 8),
	SYS("gdtr_base", gdtr_base, 8),
	SYS("gdtr_limit", gdtr_limit, 4),
	SYS("idtr_base", idtr_base, 8),
	SYS("idtr_limit", idtr_limit, 4),
	SYS("tr", tr.selector, 2),
	SYS("tr_base", tr.base, 8),
	SYS("ldtr", ldtr.selector, 2),
	SYS("ldtr_base", ldtr.base, 8),
	SYS("cs_base", cs.base, 8),
	SYS("cs_attr", cs.attr, 2),
	SYS("activity", activity, 4),
};

static const char *const features[] = { "org.gnu.gdb.i386.core", "org.gnu.gdb.i386.segments",
					"org.caisson.system" };

u32 gdb_regs(void)
{
	return ARRAY_SIZE(regs);
}

/* ---- hexadecimal ---- */

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void hex_put(char *to, const void *bytes, u32 n)
{
	static const char digit[] = "0123456789abcdef";
	const u8 *p = bytes;

	for (u32 i = 0; i < n; i++) {
		*to++ = digit[p[i] >> 4];
		*to++ = digit[p[i] & 15];
	}
}

bool hex_get(void *bytes, const char *from, u32 n)
{
	u8 *p = bytes;

	for (u32 i = 0; i < n; i++) {
		int high = hex_digit(from[2 * i]), low = high < 0 ? -1 : hex_digit(from[2 * i + 1]);

		if (low < 0)
			return false;
		p[i] = (u8)(high << 4 | low);
	}
	return true;
}

/* ---- registers ---- */

u32 gdb_reg_get(const struct caisson_vcpu_context *c, u32 n, char *to)
{
	const struct reg *r = &regs[n];
	u64 value = 0;

	if (n >= ARRAY_SIZE(regs))
		return 0;
	if (r->at == UNKNOWN) {
		memset(to, 'x', r->bytes * 2u);
		return r->bytes * 2u;
	}
	memcpy(&value, (const u8 *)c + r->at, r->stored);
	hex_put(to, &value, r->bytes);
	return r->bytes * 2u;
}

u32 gdb_reg_set(struct caisson_vcpu_context *c, u32 n, const char *from)
{
	const struct reg *r = &regs[n];
	u64 value = 0;

	if (n >= ARRAY_SIZE(regs) || strnlen(from, r->bytes * 2u) < r->bytes * 2u)
		return 0;
	if (r->at != UNKNOWN && hex_get(&value, from, r->bytes))
		memcpy((u8 *)c + r->at, &value, MIN(r->stored, r->bytes));
	return r->bytes * 2u;
}

/* ---- description ---- */

/* Where the text goes: only what is from `skip` on is kept. */
struct window {
	u32 skip, n, have;
	char *to;
};

static void put(struct window *w, const char *s)
{
	for (; *s; s++) {
		if (w->skip)
			w->skip--;
		else if (w->have < w->n)
			w->to[w->have++] = *s;
	}
}

u32 gdb_target_xml(u32 offset, char *to, u32 n)
{
	struct window w = { .skip = offset, .n = n, .to = to };
	char line[120];
	u32 feature = ~0u;

	put(&w,
	    "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n"
	    "<architecture>i386:x86-64</architecture>\n");
	for (u32 i = 0; i < ARRAY_SIZE(regs); i++) {
		if (regs[i].feature != feature) {
			if (i)
				put(&w, "</feature>\n");
			feature = regs[i].feature;
			snprintf(line, sizeof(line), "<feature name=\"%s\">\n", features[feature]);
			put(&w, line);
		}
		snprintf(line, sizeof(line), "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"%s/>\n",
			 regs[i].name, regs[i].bytes * 8u, regs[i].type,
			 regs[i].at == UNKNOWN ? " group=\"float\"" : "");
		put(&w, line);
	}
	put(&w, "</feature>\n</target>\n");
	return w.have;
}
