/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction decoder: one guest instruction from the bytes at its RIP (T).
 *
 * Two users. An exit on a processor that does not report the next RIP needs an instruction's length and what
 * it is. An access to memory that has no frame needs the access taken apart: what is read, what is computed,
 * what is written. Every function here is pure: no lock, any context, nothing outside its arguments is
 * touched.
 *
 * SDM: "Instruction Format", "Opcode Map", "Instruction Set Reference".
 */
#ifndef ARCH_X86_INSN_DECODE_H
#define ARCH_X86_INSN_DECODE_H

#include "hv/types.h"

#define INSN_MAX_BYTES 15

enum insn_status {
	INSN_OK,
	INSN_NEED_MORE, /* the bytes given end inside the instruction */
	INSN_UNKNOWN,	/* undefined, VEX, EVEX, XOP, 3DNow!, or a length on which the vendors differ */
	INSN_TOO_LONG,	/* not complete after 15 bytes: the processor raises #GP */
};

/* What an instruction is. INSN_OTHER: only its length is known. */
/* clang-format off */
enum insn_op {
	INSN_OTHER,
	/* Taken apart by insn_emulate(). The first eight in the order of their encoding. */
	INSN_ADD, INSN_OR, INSN_ADC, INSN_SBB, INSN_AND, INSN_SUB, INSN_XOR, INSN_CMP,
	INSN_TEST, INSN_INC, INSN_DEC, INSN_NOT, INSN_NEG, INSN_MOV, INSN_MOVZX, INSN_MOVSX,
	INSN_XCHG, INSN_XADD, INSN_CMPXCHG, INSN_BT, INSN_BTS, INSN_BTR, INSN_BTC,
	INSN_MOVS, INSN_STOS, INSN_LODS, INSN_CMPS, INSN_SCAS,
	/* Ports. INS and OUTS step with insn_string_next(). */
	INSN_INS, INSN_OUTS, INSN_IN, INSN_OUT,
	/* Known by name. */
	INSN_CPUID, INSN_HLT, INSN_PAUSE, INSN_RDMSR, INSN_WRMSR, INSN_XSETBV, INSN_VMMCALL, INSN_INVD, INSN_WBINVD,
	INSN_MOV_FROM_CR, INSN_MOV_TO_CR, INSN_MOV_FROM_DR, INSN_MOV_TO_DR, INSN_CLTS, INSN_LMSW, INSN_SMSW,
	INSN_PUSHF, INSN_POPF, INSN_INT3, INSN_INTO, INSN_INT, INSN_ICEBP, INSN_IRET, INSN_SYSCALL, INSN_SYSRET,
};
/* clang-format on */

/*
 * An operand: a register in hardware numbering (RAX RCX RDX RBX RSP RBP RSI RDI R8 to R15), one of the four
 * high bytes, or one of the words below.
 */
enum insn_operand {
	INSN_AH = 16,
	INSN_CH,
	INSN_DH,
	INSN_BH,
	INSN_RIP = 32, /* only as a base */
	INSN_MEM,
	INSN_IMM,
	INSN_NONE,
};

/* Segment registers in hardware numbering, for insn.seg and for the array of bases. */
enum insn_seg { INSN_ES, INSN_CS, INSN_SS, INSN_DS, INSN_FS, INSN_GS };

enum insn_rep { INSN_NO_REP, INSN_REPNE, INSN_REPE };

/* How an instruction that insn_emulate() knows uses memory. */
#define INSN_READ    BIT(0) /* it reads the ModRM or moffs operand, or the string at DS:rSI */
#define INSN_WRITE   BIT(1) /* it writes the ModRM or moffs operand, or the string at ES:rDI */
#define INSN_READ_DI BIT(2) /* it reads the string at ES:rDI */

struct insn {
	u8 length; /* bytes */
	u8 op;	   /* enum insn_op */
	u8 bits;   /* 16, 32 or 64: the code segment that it was decoded for */
	u8 map;	   /* 0: one-byte opcodes, 1: 0F, 2: 0F 38, 3: 0F 3A */
	u8 opcode;
	u8 modrm;
	u8 rex; /* 0 where there is none */
	u8 rep; /* enum insn_rep; for the string forms that repeat any prefix means REP */
	bool lock, opsize_prefix, adsize_prefix;
	bool string; /* a string instruction: its addresses come from insn_string_ea() */
	bool mem;    /* ModRM or moffs names memory: its address comes from insn_ea() */
	u8 opsize;   /* bytes: 1, 2, 4 or 8 */
	u8 adsize;   /* bytes: 2, 4 or 8 */
	u8 msize;    /* bytes of one access to memory, ports included; 0 where INSN_OTHER and the like */
	u8 access;   /* INSN_READ and so on; 0 where insn_emulate() does not know the instruction */
	u8 reg, rm; /* ModRM.reg and .rm with REX: also the numbers of a control or debug register and its GPR
		     */
	u8 dst, src; /* enum insn_operand or a register, for what insn_emulate() knows and for IN and OUT */
	s64 imm;     /* sign-extended */
	u8 seg;	     /* enum insn_seg: the override, else the default of the addressing form */
	u8 base, index; /* a register, INSN_RIP or INSN_NONE */
	u8 scale;	/* a shift, 0 to 3 */
	s64 disp;
};

/*
 * Decode the instruction that begins at bytes[0], of which n bytes are known (more than 15 are not looked
 * at), for a code segment of 16, 32 or 64 bits. After INSN_OK all of *i is valid, else nothing is. A length
 * is also found for instructions that would fault (a LOCK that is not allowed, a reserved ModRM form): the
 * processor says so first.
 */
enum insn_status __must_check insn_decode(const u8 *bytes, size_t n, unsigned bits, struct insn *i);

/*
 * Linear address of the ModRM or moffs operand (i->mem). rip is the address of the instruction itself,
 * seg_base the segments' bases in the order of enum insn_seg; 64-bit code uses only those of FS and GS. For
 * BT, BTS, BTR and BTC with a bit offset in a register the offset is part of the address. Limits and
 * canonical form are not checked.
 */
u64 insn_ea(const struct insn *i, const u64 regs[16], u64 rip, const u64 seg_base[6]);

/* Linear address of the string at ES:rDI (di) or at DS:rSI, where DS may be overridden. */
u64 insn_string_ea(const struct insn *i, const u64 regs[16], const u64 seg_base[6], bool di);

#define INSN_EMU_WRITE \
	BIT(0) /* i->msize bytes of *out have to be written to the operand, or to ES:rDI before the step */
#define INSN_EMU_AGAIN	BIT(1) /* a repeated string instruction is not finished: RIP stays */
#define INSN_EMU_CANNOT BIT(2) /* not an instruction of that kind: nothing was changed */

/*
 * Carry out the instruction on registers and flags, and say what is to be written. in[0] is what was read for
 * INSN_READ, in[1] for INSN_READ_DI; bits above msize do not matter. One call is one step of a repeated
 * string instruction, so take the addresses before it. A repeated one whose count is zero changes nothing and
 * writes nothing. regs and *rflags change at once: hand in copies where the write may still fail. Undefined
 * flags: AF after logic is cleared; BT leaves all but CF.
 */
unsigned insn_emulate(const struct insn *i, u64 regs[16], u64 *rflags, const u64 in[2], u64 *out);

/*
 * After one step of a string instruction, INS and OUTS too: move rSI and rDI as it does, count rCX down, and
 * return whether the instruction repeats (CMPS and SCAS: judging by ZF in rflags).
 */
bool insn_string_next(const struct insn *i, u64 regs[16], u64 rflags);

/* Whether a string instruction's step has nothing to do because it repeats and its count is zero. */
bool insn_string_idle(const struct insn *i, const u64 regs[16]);

/* Write a value of so many bytes to a register (0 to 15, or INSN_AH to INSN_BH) as instructions do: 4 bytes
 * clear the upper half, 1 and 2 leave the rest alone. */
void insn_reg_write(u64 regs[16], unsigned reg, unsigned bytes, u64 value);

/* The value of a register operand, AH to BH included; bits above the operand's size are whatever they are. */
u64 insn_reg_read(const u64 regs[16], unsigned reg);

#endif
