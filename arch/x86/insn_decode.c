/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction decoder. Lengths come from one table of letters, an opcode each; identities from a second;
 * what is left are the groups that ModRM.reg selects. SDM: "Opcode Map", "Opcode Extensions for One-byte and
 * Two-byte Opcodes".
 */
#include "arch/x86/insn_decode.h"

#define REX_B 0x1
#define REX_X 0x2
#define REX_R 0x4
#define REX_W 0x8

#define FL_CF BIT(0)
#define FL_PF BIT(2)
#define FL_AF BIT(4)
#define FL_ZF BIT(6)
#define FL_SF BIT(7)
#define FL_DF BIT(10)
#define FL_OF BIT(11)

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

/*
 * What follows an opcode; a capital letter has ModRM in front:
 *   .M nothing   bB imm8   w imm16   zZ imm16/32   v imm16/32/64   e imm16 and imm8 (ENTER)   o moffs
 *   j relative offset of 16/32 bits   f far pointer   G imm8/16/32 where ModRM.reg is 0 or 1 (TEST)
 *   R nothing, and ModRM.mod is taken as 3   x undefined, or a prefix that is not decoded
 */
static const char one_byte[] = "MMMMbz..MMMMbz.xMMMMbz..MMMMbz.."
			       "MMMMbzx.MMMMbzx.MMMMbzx.MMMMbzx."
			       "................................"
			       "..MMxxxxzZbB....bbbbbbbbbbbbbbbb"
			       "BZBBMMMMMMMMMMMM..........f....."
			       "oooo....bz......bbbbbbbbvvvvvvvv"
			       "BBw.MMBZe.w..b..MMMMbb..MMMMMMMM"
			       "bbbbbbbbjjfb....x.xx..GG......MM";
static const char two_byte[] = "MMMMx.....x.xM.xMMMMMMMMMMMMMMMM"
			       "RRRRxxxxMMMMMMMM......x.xxxxxxxx"
			       "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM"
			       "MMMMMMMMMMMMMMMMBBBBMMM.MMxxMMMM"
			       "jjjjjjjjjjjjjjjjMMMMMMMMMMMMMMMM"
			       "...MBMxx...MBMMMMMMMMMMMMMBMMMMM"
			       "MMBMBBBM........MMMMMMMMMMMMMMMM"
			       "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM";

/* One-byte opcodes that 64-bit code has not, or has as prefixes (VEX, EVEX, REX2): one bit each. */
static const u16 not_in_64[16] = { 0x40c0, 0xc0c0, 0x8080, 0x8080, 0,	   0,	   0x0007, 0,
				   0x0004, 0x0400, 0,	   0,	   0x4030, 0x0070, 0x0400, 0 };

/* clang-format off */
static const u8 one_byte_op[256] = {
	[0x6c ... 0x6d] = INSN_INS, [0x6e ... 0x6f] = INSN_OUTS, [0x84 ... 0x85] = INSN_TEST, [0x86 ... 0x87] = INSN_XCHG,
	[0x88 ... 0x8b] = INSN_MOV, [0x9c] = INSN_PUSHF, [0x9d] = INSN_POPF, [0xa0 ... 0xa3] = INSN_MOV,
	[0xa4 ... 0xa5] = INSN_MOVS, [0xa6 ... 0xa7] = INSN_CMPS, [0xa8 ... 0xa9] = INSN_TEST, [0xaa ... 0xab] = INSN_STOS,
	[0xac ... 0xad] = INSN_LODS, [0xae ... 0xaf] = INSN_SCAS, [0xcc] = INSN_INT3, [0xcd] = INSN_INT, [0xce] = INSN_INTO,
	[0xcf] = INSN_IRET, [0xe4 ... 0xe5] = INSN_IN, [0xe6 ... 0xe7] = INSN_OUT, [0xec ... 0xed] = INSN_IN,
	[0xee ... 0xef] = INSN_OUT, [0xf1] = INSN_ICEBP, [0xf4] = INSN_HLT,
};

static const u8 two_byte_op[256] = {
	[0x05] = INSN_SYSCALL, [0x06] = INSN_CLTS, [0x07] = INSN_SYSRET, [0x08] = INSN_INVD, [0x09] = INSN_WBINVD,
	[0x20] = INSN_MOV_FROM_CR, [0x21] = INSN_MOV_FROM_DR, [0x22] = INSN_MOV_TO_CR, [0x23] = INSN_MOV_TO_DR,
	[0x30] = INSN_WRMSR, [0x32] = INSN_RDMSR, [0xa2] = INSN_CPUID, [0xa3] = INSN_BT, [0xab] = INSN_BTS,
	[0xb0 ... 0xb1] = INSN_CMPXCHG, [0xb3] = INSN_BTR, [0xb6 ... 0xb7] = INSN_MOVZX, [0xbb] = INSN_BTC,
	[0xbe ... 0xbf] = INSN_MOVSX, [0xc0 ... 0xc1] = INSN_XADD,
};
/* clang-format on */
static const u8 group8_op[8] = { 0, 0, 0, 0, INSN_BT, INSN_BTS, INSN_BTR, INSN_BTC };

/* The bytes of the instruction.
 * Past the end it hands out zeros and remembers why, so that only the end asks. */
struct cursor {
	const u8 *bytes;
	size_t n, pos;
	enum insn_status status;
};

static u8 fetch(struct cursor *c)
{
	if (c->pos < c->n && c->pos < INSN_MAX_BYTES)
		return c->bytes[c->pos++];
	c->status = c->pos >= INSN_MAX_BYTES ? INSN_TOO_LONG : INSN_NEED_MORE;
	return 0;
}

static s64 fetch_signed(struct cursor *c, unsigned bytes)
{
	u64 v = 0;

	for (unsigned k = 0; k < bytes; k++)
		v |= (u64)fetch(c) << (8 * k);
	return bytes == 8 ? (s64)v : bytes == 4 ? (s32)v : bytes == 2 ? (s16)v : (s8)v;
}

/* Legacy prefixes and REX; returns the first byte of the opcode. */
static u8 prefixes(struct cursor *c, struct insn *i)
{
	for (;;) {
		u8 b = fetch(c);

		if (i->bits == 64 && (b & 0xf0) == 0x40) {
			i->rex = b;
			continue;
		}
		if ((b & 0xe7) == 0x26 && i->bits != 64)
			i->seg = (b >> 3) & 3;
		else if ((b & 0xfe) == 0x64)
			i->seg = b - 0x64 + INSN_FS;
		else if (b == 0x66)
			i->opsize_prefix = true;
		else if (b == 0x67)
			i->adsize_prefix = true;
		else if (b == 0xf0)
			i->lock = true;
		else if ((b & 0xfe) == 0xf2)
			i->rep = b == 0xf2 ? INSN_REPNE : INSN_REPE;
		else if ((b & 0xe7) != 0x26) /* 64-bit code ignores these four and keeps an FS before them */
			return b;
		i->rex = 0; /* a REX that does not touch the opcode counts for nothing */
	}
}

static void set_sizes(struct insn *i)
{
	bool code16 = i->bits == 16;

	i->opsize = i->rex & REX_W ? 8 : i->opsize_prefix != code16 ? 2 : 4;
	i->adsize = i->bits == 64 ? (i->adsize_prefix ? 4 : 8) : i->adsize_prefix != code16 ? 2 : 4;
}

/* SDM: "16-Bit Addressing Forms with the ModR/M Byte". */
static void address16(struct cursor *c, struct insn *i, u8 mod)
{
	static const u8 base[8] = { RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX };
	static const u8 index[8] = { RSI, RDI, RSI, RDI, INSN_NONE, INSN_NONE, INSN_NONE, INSN_NONE };
	u8 rm = i->rm;

	if (mod == 0 && rm == 6) {
		mod = 2;
	} else {
		/* rm has three bits here, REX is for 64-bit code.
		 * NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign) */
		i->base = base[rm];
		i->index = index[rm];
	}
	i->disp = fetch_signed(c, mod);
}

/* SDM: "32-Bit Addressing Forms with the ModR/M Byte" and "… the SIB Byte";
 * 64-bit code differs by REX and RIP. */
static void address32(struct cursor *c, struct insn *i, u8 mod)
{
	u8 base = i->modrm & 7;

	i->base = i->rm;
	if (base == RSP) {
		u8 sib = fetch(c);
		u8 index = ((sib >> 3) & 7) | (i->rex & REX_X ? 8 : 0);

		base = sib & 7;
		i->base = base | (i->rex & REX_B ? 8 : 0);
		i->scale = sib >> 6;
		if (index != RSP)
			i->index = index;
	}
	if (mod == 0 && base == RBP) {
		i->base = i->bits == 64 && (i->modrm & 7) == RBP ? INSN_RIP : INSN_NONE;
		mod = 2;
	}
	i->disp = fetch_signed(c, mod == 2 ? 4 : mod);
}

static void modrm(struct cursor *c, struct insn *i, bool registers)
{
	u8 m = fetch(c);
	u8 mod = registers ? 3 : m >> 6;

	i->modrm = m;
	i->reg = ((m >> 3) & 7) | (i->rex & REX_R ? 8 : 0);
	i->rm = (m & 7) | (i->rex & REX_B ? 8 : 0);
	if (mod == 3)
		return;
	i->mem = true;
	if (i->adsize == 2)
		address16(c, i, mod);
	else
		address32(c, i, mod);
	if (i->seg == INSN_NONE && (i->base == RSP || i->base == RBP))
		i->seg = INSN_SS;
}

/* The letter of the opcode, of which b is the first byte. VEX, EVEX and XOP begin with bytes that have other
 * meanings in other places: where they are prefixes, the answer is x. */
static char opcode(struct cursor *c, struct insn *i, u8 b)
{
	u8 next = c->pos < c->n ? c->bytes[c->pos] : 0;

	i->opcode = b;
	if (b != 0x0f) {
		if (i->bits == 64 ? not_in_64[b >> 4] & (1 << (b & 15))
				  : (b == 0xc4 || b == 0xc5 || b == 0x62) && next >= 0xc0)
			return 'x';
		if (b == 0x8f && (next & 0x38)) /* XOP; POP has 0 in ModRM.reg */
			return 'x';
		return one_byte[b];
	}
	b = fetch(c);
	i->map = b == 0x38 ? 2 : b == 0x3a ? 3 : 1;
	if (i->map > 1) {
		i->opcode = fetch(c);
		return i->map == 2 ? 'M' : 'B';
	}
	i->opcode = b;
	if ((b & 0xfe) == 0x78 && (i->opsize_prefix || i->rep)) /* EXTRQ, INSERTQ: not VMREAD */
		return 'x';
	return two_byte[b];
}

/*
 * ModRM, displacement and immediate. False where the length is not known: 66 makes a near branch's offset 16
 * bits wide on AMD's processors and changes nothing on Intel's.
 */
static bool operands(struct cursor *c, struct insn *i, char form)
{
	unsigned z = i->opsize == 2 ? 2 : 4;

	if (form == 'x' || (form == 'j' && i->bits == 64 && i->opsize_prefix))
		return false;
	if (form >= 'A' && form <= 'Z')
		modrm(c, i, form == 'R');
	if (form == 'G')
		form = i->reg & 6 ? '.' : i->opcode & 1 ? 'z' : 'b';
	form |= 0x20;
	if (form == 'o') {
		i->mem = true;
		i->disp = fetch_signed(c, i->adsize);
	}
	if (form == 'b')
		z = 1;
	else if (form == 'w' || form == 'e')
		z = 2;
	else if (form == 'v')
		z = i->opsize;
	else if (form != 'z' && form != 'j' && form != 'f')
		z = 0;
	i->imm = fetch_signed(c, z);
	fetch_signed(c, form == 'f' ? 2 : form == 'e');
	return true;
}

static u8 identify_one(const struct insn *i)
{
	u8 b = i->opcode, reg = i->reg & 7;

	if (b < 0x40)
		return (b & 7) < 6 ? INSN_ADD + (b >> 3) : INSN_OTHER;
	switch (b) {
	case 0x63:
		return i->bits == 64 ? INSN_MOVSX : INSN_OTHER;
	case 0x80 ... 0x83:
		return INSN_ADD + reg;
	case 0x90:
		return i->rep == INSN_REPE && !(i->rex & REX_B) ? INSN_PAUSE : INSN_OTHER;
	case 0xc6 ... 0xc7:
		return reg == 0 ? INSN_MOV : INSN_OTHER;
	case 0xf6 ... 0xf7:
		return reg < 2 ? INSN_TEST : reg == 2 ? INSN_NOT : reg == 3 ? INSN_NEG : INSN_OTHER;
	case 0xfe ... 0xff:
		return reg < 2 ? INSN_INC + reg : INSN_OTHER;
	}
	return one_byte_op[b];
}

static u8 identify_two(const struct insn *i)
{
	u8 reg = i->reg & 7;

	switch (i->opcode) {
	case 0x01:
		if (reg == 4 || reg == 6)
			return reg == 4 ? INSN_SMSW : INSN_LMSW;
		return i->modrm == 0xd1 ? INSN_XSETBV : i->modrm == 0xd9 ? INSN_VMMCALL : INSN_OTHER;
	case 0xba:
		return group8_op[reg];
	case 0xc3: /* MOVNTI */
		return i->mem ? INSN_MOV : INSN_OTHER;
	}
	return two_byte_op[i->opcode];
}

/* A register as an operand of so many bytes: without REX, 4 to 7 of a byte are AH to BH. */
static u8 reg_operand(const struct insn *i, u8 reg, unsigned bytes)
{
	return bytes == 1 && !i->rex && reg >= 4 ? INSN_AH + reg - 4 : reg;
}

/*
 * Who is read and who is written. SDM: "Instruction Set Reference": bit 0 of an opcode is the size, bit 1
 * mostly the way, and what differs is named here.
 */
static void roles(struct insn *i)
{
	static const u8 string[] = { INSN_READ | INSN_WRITE, INSN_WRITE, INSN_READ, INSN_READ | INSN_READ_DI,
				     INSN_READ_DI,	     INSN_WRITE, INSN_READ };
	bool one = i->map == 0, group8 = i->map == 1 && i->opcode == 0xba;
	bool extends = i->op == INSN_MOVZX || i->op == INSN_MOVSX;
	bool reads_only = i->op == INSN_CMP || i->op == INSN_TEST || i->op == INSN_BT;
	u8 b = i->opcode, reg;

	i->msize = (b & 1) || group8 ? i->opsize : 1;
	if (extends)
		i->msize = one ? MIN(i->opsize, 4) : 1 + (b & 1);
	else if (i->op >= INSN_INS)
		i->msize = i->opsize = MIN(i->msize, 4);
	else
		i->opsize = i->msize;
	if (i->op >= INSN_MOVS && i->op <= INSN_OUTS) {
		i->string = true;
		i->access = string[i->op - INSN_MOVS];
		return;
	}
	reg = reg_operand(i, i->reg, i->opsize);
	i->dst = i->mem ? INSN_MEM : reg_operand(i, i->rm, i->msize);
	i->src = INSN_IMM;
	if (i->op >= INSN_IN) {
		i->imm = (u8)i->imm;
		i->dst = b & 8 ? RDX : INSN_IMM; /* the port, for both */
		i->src = RAX;
	} else if (i->op >= INSN_INC && i->op <= INSN_NEG) {
		i->imm = 1; /* what INC and DEC count by */
	} else if (one && ((b < 0x40 && (b & 4)) || (b & 0xfe) == 0xa8)) {
		i->dst = RAX;
	} else if (one && (b & 0xfc) == 0xa0) {
		i->dst = b & 2 ? INSN_MEM : RAX;
		i->src = b & 2 ? RAX : INSN_MEM;
	} else if (extends || (one && (b & 2) && (b < 0x40 || (b & 0xfc) == 0x88))) {
		i->src = i->dst;
		i->dst = reg;
	} else if (!group8 && !(one && ((b & 0xfc) == 0x80 || b >= 0xc6))) {
		i->src = reg;
	}
	if (i->src == INSN_MEM || (i->dst == INSN_MEM && i->op != INSN_MOV))
		i->access = INSN_READ;
	if (i->dst == INSN_MEM && !reads_only)
		i->access |= INSN_WRITE;
}

enum insn_status insn_decode(const u8 *bytes, size_t n, unsigned bits, struct insn *i)
{
	struct cursor c = { .bytes = bytes, .n = n };
	bool known;
	u8 b;

	*i = (struct insn){ .bits = bits };
	i->seg = i->base = i->index = i->dst = i->src = INSN_NONE;
	b = prefixes(&c, i);
	set_sizes(i);
	known = operands(&c, i, opcode(&c, i, b));
	if (c.status != INSN_OK || !known)
		return c.status != INSN_OK ? c.status : INSN_UNKNOWN;
	i->length = c.pos;
	if (i->seg == INSN_NONE)
		i->seg = INSN_DS;
	i->op = i->map == 0 ? identify_one(i) : i->map == 1 ? identify_two(i) : INSN_OTHER;
	if (i->op >= INSN_MOV_FROM_CR && i->op <= INSN_MOV_TO_DR) {
		i->opsize = i->bits == 64 ? 8 : 4;
		if (i->lock && i->op <= INSN_MOV_TO_CR) /* APM: LOCK names CR8 from code that has no REX */
			i->reg |= 8;
	}
	if (i->op >= INSN_ADD && i->op <= INSN_OUT)
		roles(i);
	return INSN_OK;
}

static u64 truncate(u64 v, unsigned bytes)
{
	return bytes >= 8 ? v : v & (BIT(8 * bytes) - 1);
}

static u64 extend(u64 v, unsigned bytes)
{
	return bytes == 8 ? v : bytes == 4 ? (u64)(s32)v : bytes == 2 ? (u64)(s16)v : (u64)(s8)v;
}

static u64 linear(const struct insn *i, u64 offset, unsigned seg, const u64 seg_base[6])
{
	offset = truncate(offset, i->adsize);
	if (i->bits == 64)
		return seg >= INSN_FS ? offset + seg_base[seg] : offset;
	return (u32)(offset + seg_base[seg]);
}

u64 insn_ea(const struct insn *i, const u64 regs[16], u64 rip, const u64 seg_base[6])
{
	u64 offset = i->disp;

	if (i->base == INSN_RIP)
		offset += rip + i->length;
	else if (i->base != INSN_NONE)
		offset += regs[i->base];
	if (i->index != INSN_NONE)
		offset += regs[i->index] << i->scale;
	if (i->op >= INSN_BT && i->op <= INSN_BTC && i->src < 16)
		offset += ((s64)extend(regs[i->src], i->opsize) >> 3) & ~(u64)(i->opsize - 1);
	return linear(i, offset, i->seg, seg_base);
}

u64 insn_string_ea(const struct insn *i, const u64 regs[16], const u64 seg_base[6], bool di)
{
	return linear(i, regs[di ? RDI : RSI], di ? INSN_ES : i->seg, seg_base);
}

u64 insn_reg_read(const u64 regs[16], unsigned reg)
{
	return reg >= INSN_AH ? regs[reg - INSN_AH] >> 8 : regs[reg];
}

void insn_reg_write(u64 regs[16], unsigned reg, unsigned bytes, u64 value)
{
	unsigned shift = reg >= INSN_AH ? 8 : 0;
	u64 mask = truncate(~0ull, bytes) << shift;
	u64 *r = &regs[shift ? reg - INSN_AH : reg];

	*r = bytes == 4 ? (u32)value : (*r & ~mask) | ((value << shift) & mask);
}

/* SDM: "Status Flags". carry holds the carry, or the borrow, out of each bit. */
static u64 alu(unsigned op, u64 a, u64 b, unsigned bytes, u64 *rflags)
{
	u64 in = op == INSN_ADC || op == INSN_SBB ? *rflags & FL_CF : 0;
	u64 keep = op == INSN_INC || op == INSN_DEC ? FL_CF : 0;
	unsigned top = bytes * 8 - 1;
	u64 r, carry = 0, set = 0;

	if (op == INSN_NEG) { /* from zero */
		b = a;
		a = 0;
	}
	switch (op) {
	case INSN_ADD:
	case INSN_ADC:
	case INSN_INC:
	case INSN_XADD:
		r = a + b + in;
		carry = (a & b) | ((a | b) & ~r);
		break;
	case INSN_OR:
		r = a | b;
		break;
	case INSN_AND:
	case INSN_TEST:
		r = a & b;
		break;
	case INSN_XOR:
		r = a ^ b;
		break;
	default: /* subtraction, and what compares */
		r = a - b - in;
		carry = (~a & b) | ((~a | b) & r);
	}
	r = truncate(r, bytes);
	set |= (carry >> top) & 1 ? FL_CF : 0;
	set |= (carry >> 3) & 1 ? FL_AF : 0;
	set |= ((carry >> top) ^ (carry >> (top - 1))) & 1 ? FL_OF : 0;
	set |= (r >> top) & 1 ? FL_SF : 0;
	set |= r == 0 ? FL_ZF : 0;
	set |= __builtin_parity(r & 0xff) ? 0 : FL_PF;
	keep |= ~(FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF | FL_OF);
	*rflags = (*rflags & keep) | (set & ~keep);
	return r;
}

static u64 bit_op(unsigned op, u64 a, u64 n, unsigned bytes, u64 *rflags)
{
	u64 bit = BIT(n & (bytes * 8 - 1));

	*rflags = (*rflags & ~FL_CF) | (a & bit ? FL_CF : 0);
	return op == INSN_BTS ? a | bit : op == INSN_BTR ? a & ~bit : op == INSN_BTC ? a ^ bit : a;
}

static bool repeats(const struct insn *i)
{
	return i->string && i->rep != INSN_NO_REP;
}

bool insn_string_idle(const struct insn *i, const u64 regs[16])
{
	return repeats(i) && truncate(regs[RCX], i->adsize) == 0;
}

bool insn_string_next(const struct insn *i, u64 regs[16], u64 rflags)
{
	u64 step = rflags & FL_DF ? -(u64)i->msize : i->msize;
	bool compares = i->op == INSN_CMPS || i->op == INSN_SCAS;

	if (i->access & INSN_READ)
		insn_reg_write(regs, RSI, i->adsize, regs[RSI] + step);
	if (i->access & (INSN_WRITE | INSN_READ_DI))
		insn_reg_write(regs, RDI, i->adsize, regs[RDI] + step);
	if (!repeats(i))
		return false;
	insn_reg_write(regs, RCX, i->adsize, regs[RCX] - 1);
	if (compares && !(rflags & FL_ZF) == (i->rep == INSN_REPE))
		return false;
	return truncate(regs[RCX], i->adsize) != 0;
}

static unsigned emulate_string(const struct insn *i, u64 regs[16], u64 *rflags, const u64 in[2], u64 *out)
{
	unsigned todo = 0;

	if (insn_string_idle(i, regs))
		return 0;
	if (i->op == INSN_MOVS || i->op == INSN_STOS) {
		*out = truncate(i->op == INSN_MOVS ? in[0] : regs[RAX], i->msize);
		todo = INSN_EMU_WRITE;
	} else if (i->op == INSN_LODS) {
		insn_reg_write(regs, RAX, i->msize, in[0]);
	} else {
		alu(INSN_CMP, i->op == INSN_CMPS ? in[0] : regs[RAX], in[1], i->msize, rflags);
	}
	return todo | (insn_string_next(i, regs, *rflags) ? INSN_EMU_AGAIN : 0);
}

static u64 operand(const struct insn *i, unsigned which, const u64 regs[16], u64 mem)
{
	if (which == INSN_MEM)
		return mem;
	return which == INSN_IMM ? (u64)i->imm : insn_reg_read(regs, which);
}

unsigned insn_emulate(const struct insn *i, u64 regs[16], u64 *rflags, const u64 in[2], u64 *out)
{
	u64 a, b, r;

	if (i->op == INSN_OTHER || i->op >= INSN_INS)
		return INSN_EMU_CANNOT;
	if (i->string)
		return emulate_string(i, regs, rflags, in, out);
	a = operand(i, i->dst, regs, in[0]);
	b = operand(i, i->src, regs, in[0]);
	switch (i->op) {
	case INSN_MOV:
		r = b;
		break;
	case INSN_MOVZX:
		r = truncate(b, i->msize);
		break;
	case INSN_MOVSX:
		r = extend(b, i->msize);
		break;
	case INSN_NOT:
		r = ~a;
		break;
	case INSN_BT ... INSN_BTC:
		r = bit_op(i->op, a, b, i->opsize, rflags);
		break;
	case INSN_XCHG:
		insn_reg_write(regs, i->src, i->opsize, a);
		r = b;
		break;
	case INSN_XADD:
		r = alu(INSN_XADD, a, b, i->opsize, rflags);
		insn_reg_write(regs, i->src, i->opsize, a);
		break;
	case INSN_CMPXCHG: /* the processor writes in both cases: the old value where they differ */
		r = alu(INSN_CMP, regs[RAX], a, i->opsize, rflags) == 0 ? b : a;
		if (!(*rflags & FL_ZF))
			insn_reg_write(regs, RAX, i->opsize, a);
		break;
	default:
		r = alu(i->op, a, b, i->opsize, rflags);
	}
	if (i->op == INSN_CMP || i->op == INSN_TEST || i->op == INSN_BT)
		return 0;
	if (i->dst != INSN_MEM) {
		insn_reg_write(regs, i->dst, i->opsize, r);
		return 0;
	}
	*out = truncate(r, i->msize);
	return INSN_EMU_WRITE;
}
