/* SPDX-License-Identifier: BSD-2-Clause */
/* GDB manual: "i386 Features", "Target Description Format", "Packets" g and p. */
#include "guest/control/gdb_regs.h"

#include "guest/lib/string.h"

#define AT(member) offsetof(struct gdb_state, c.member)
#define GPR(n)	   (AT(gpr) + 8 * (n))
/* SDM volume 1, "FXSAVE Area" */
#define FX(n)	offsetof(struct gdb_state, fx[n])
#define FX_FTAG FX(4)
#define FX_ST0	32
#define FX_XMM0 160

enum { F_CORE, F_SSE, F_SEGMENTS, F_SYSTEM };

/* In GDB's order; each feature's together. */
static const struct reg {
	const char *name;
	u16 at;	   /* in the context */
	u8 bytes;  /* as GDB has it */
	u8 stored; /* in the context */
	u8 feature;
	const char *type;
} regs[] = {
/* clang-format off */
#define R64(name, at, f, type) { name, (u16)(at), 8, 8, f, type }
#define SEG(name, member) { name, AT(member.selector), 4, 2, F_CORE, "int32" }
#define ST(n) { "st" #n, FX(FX_ST0 + 16 * (n)), 10, 10, F_CORE, "i387_ext" }
#define FPU(name, at, stored_) { name, FX(at), 4, stored_, F_CORE, "int" }
#define XMM(n) { "xmm" #n, FX(FX_XMM0 + 16 * (n)), 16, 16, F_SSE, "vec128" }
#define SYS(name, member, stored_) { name, AT(member), 8, stored_, F_SYSTEM, "int64" }
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
	ST(0), ST(1), ST(2), ST(3), ST(4), ST(5), ST(6), ST(7),
	FPU("fctrl", 0, 2),
	FPU("fstat", 2, 2),
	FPU("ftag", 4, 2), /* in two bits each; FXSAVE has one */
	FPU("fiseg", 12, 2),
	FPU("fioff", 8, 4),
	FPU("foseg", 20, 2),
	FPU("fooff", 16, 4),
	FPU("fop", 6, 2),
	XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7),
	XMM(8), XMM(9), XMM(10), XMM(11), XMM(12), XMM(13), XMM(14), XMM(15),
	{ "mxcsr", FX(24), 4, 4, F_SSE, "int" },
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
/* clang-format on */

static const char *const features[] = { "org.gnu.gdb.i386.core", "org.gnu.gdb.i386.sse",
					"org.gnu.gdb.i386.segments", "org.caisson.system" };
/* What GDB shows an XMM register as. */
static const char vec128[] =
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
	"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/><vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
	"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/><vector id=\"v2i64\" type=\"int64\" count=\"2\"/>\n"
	"<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
	"<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
	"<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
	"<field name=\"uint128\" type=\"uint128\"/></union>\n";

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

/* SDM volume 1, "x87 FPU Tag Word", of physical register n, from FXSAVE's bit. */
static u32 tag_of(const u8 *fx, u32 n)
{
	const u8 *st = fx + FX_ST0 + 16 * ((n - (fx[3] >> 3)) & 7);
	u32 exponent = (u32)(st[9] & 0x7f) << 8 | st[8];
	u64 mantissa;

	if (!(fx[4] >> n & 1))
		return 3;
	memcpy(&mantissa, st, sizeof(mantissa));
	if (!exponent)
		return mantissa ? 2 : 1;
	return exponent == 0x7fff || !(mantissa >> 63) ? 2 : 0;
}

u32 gdb_reg_get(const struct gdb_state *g, u32 n, char *to)
{
	const struct reg *r = regs + n % ARRAY_SIZE(regs);
	u8 value[16] = { 0 };

	if (n >= ARRAY_SIZE(regs))
		return 0;
	if (r->at == FX_FTAG)
		for (u32 i = 0; i < 8; i++)
			value[i / 4] |= (u8)(tag_of(g->fx, i) << i % 4 * 2);
	else
		memcpy(value, (const u8 *)g + r->at, r->stored);
	hex_put(to, value, r->bytes);
	return r->bytes * 2u;
}

u32 gdb_reg_set(struct gdb_state *g, u32 n, const char *from)
{
	const struct reg *r = regs + n % ARRAY_SIZE(regs);
	u8 value[16] = { 0 };

	if (n >= ARRAY_SIZE(regs) || strnlen(from, r->bytes * 2u) < r->bytes * 2u)
		return 0;
	if (!hex_get(value, from, r->bytes)) /* "xx": it stays */
		return r->bytes * 2u;
	if (r->at == FX_FTAG) {
		g->fx[4] = 0;
		for (u32 i = 0; i < 8; i++)
			g->fx[4] |= (u8)(((value[i / 4] >> i % 4 * 2 & 3) != 3) << i);
	} else {
		memcpy((u8 *)g + r->at, value, MIN(r->stored, r->bytes));
	}
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
			if (feature == F_SSE)
				put(&w, vec128);
		}
		snprintf(line, sizeof(line), "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"%s/>\n",
			 regs[i].name, regs[i].bytes * 8u, regs[i].type,
			 regs[i].at < FX(0) ? ""
			 : feature == F_SSE ? " group=\"vector\""
					    : " group=\"float\"");
		put(&w, line);
	}
	put(&w, "</feature>\n</target>\n");
	return w.have;
}
