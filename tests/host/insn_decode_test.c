/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction decoder: lengths against objdump, results and flags against the processor that runs the
 * test, and what each form means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "arch/x86/insn_decode.h"

static const struct {
	unsigned bits;
	const char *hex, *name;
} lengths[] = {
#include "tests/host/insn_lengths.h"
};

/* Bytes on the heap, exactly as long as they are, so that the sanitizer sees one read too many. */
static u8 *from_hex(const char *hex, size_t *n)
{
	u8 *b;

	*n = strlen(hex) / 2;
	b = malloc(*n);
	for (size_t k = 0; k < *n; k++) {
		char byte[3] = { hex[2 * k], hex[2 * k + 1], 0 };

		b[k] = strtoul(byte, NULL, 16);
	}
	return b;
}

static enum insn_status decode(unsigned bits, const char *hex, struct insn *i)
{
	size_t n;
	u8 *b = from_hex(hex, &n);
	enum insn_status s = insn_decode(b, n, bits, i);

	free(b);
	return s;
}

static struct insn good(unsigned bits, const char *hex)
{
	struct insn i;

	if (decode(bits, hex, &i) != INSN_OK || i.length != strlen(hex) / 2)
		fail_msg("%u bits: %s", bits, hex);
	return i;
}

/* What the decoder leaves out on purpose. */
static bool left_out(unsigned bits, const u8 *b, size_t n, const char *name)
{
	bool opsize = false, rep = false;

	for (; n; b++, n--) {
		if (*b == 0x66)
			opsize = true;
		else if (*b == 0xf2 || *b == 0xf3)
			rep = true;
		else if (!memchr("\x26\x2e\x36\x3e\x64\x65\x67\xf0", *b, 8) &&
			 !(bits == 64 && (*b & 0xf0) == 0x40))
			break;
	}
	if (*b == 0xc4 || *b == 0xc5 || *b == 0x62 || *b == 0x8f) /* VEX, EVEX, XOP */
		return strcmp(name, "les") && strcmp(name, "lds") && strcmp(name, "bound") &&
		       strcmp(name, "pop");
	if (bits == 64 && opsize &&
	    (*b == 0xe8 || *b == 0xe9 || (*b == 0x0f && (b[1] & 0xf0) == 0x80) ||
	     (*b == 0xc7 && b[1] == 0xf8)))
		return true;
	return *b == 0x0f &&
	       (b[1] == 0x0f || b[1] == 0xa6 || b[1] == 0xa7 || ((opsize || rep) && (b[1] & 0xfe) == 0x78));
}

static void test_lengths(void **state)
{
	unsigned wrong = 0, skipped = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(lengths); k++) {
		struct insn i;
		size_t n;
		u8 *b = from_hex(lengths[k].hex, &n);
		enum insn_status s = insn_decode(b, n, lengths[k].bits, &i);

		if (left_out(lengths[k].bits, b, n, lengths[k].name)) {
			skipped++;
			if (s == INSN_OK && b[0] != 0xc7) {
				printf("%u bits: %s %s: not left out\n", lengths[k].bits, lengths[k].hex,
				       lengths[k].name);
				wrong++;
			}
		} else if (s != INSN_OK || i.length != n) {
			printf("%u bits: %s %s: status %d, length %u\n", lengths[k].bits, lengths[k].hex,
			       lengths[k].name, s, s == INSN_OK ? i.length : 0);
			wrong++;
		}
		free(b);
	}
	assert_int_equal(wrong, 0);
	assert_true(skipped < ARRAY_SIZE(lengths) / 20);
}

/* Every proper prefix of an instruction asks for more. */
static void test_need_more(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(lengths); k++) {
		size_t n;
		u8 *b = from_hex(lengths[k].hex, &n);
		struct insn i;

		if (insn_decode(b, n, lengths[k].bits, &i) == INSN_OK)
			for (size_t m = 0; m < n; m++) {
				u8 *part = malloc(m + !m);

				memcpy(part, b, m);
				if (insn_decode(part, m, lengths[k].bits, &i) != INSN_NEED_MORE)
					fail_msg("%s cut to %zu", lengths[k].hex, m);
				free(part);
			}
		free(b);
	}
}

static void test_limits(void **state)
{
	struct insn i;

	(void)state;
	assert_int_equal(decode(64,
				"6666666666666666666666666666"
				"90",
				&i),
			 INSN_OK);
	assert_int_equal(i.length, 15);
	assert_int_equal(decode(64,
				"666666666666666666666666666666"
				"90",
				&i),
			 INSN_TOO_LONG);
	assert_int_equal(decode(64,
				"6666666666666666666666666666"
				"890406",
				&i),
			 INSN_TOO_LONG);
	assert_int_equal(decode(64,
				"2e2e2e2e2e2e2e"
				"48b81122334455667788",
				&i),
			 INSN_TOO_LONG);
	assert_int_equal(decode(64, "", &i), INSN_NEED_MORE);
	assert_int_equal(decode(64, "6666", &i), INSN_NEED_MORE);
	/* VEX, EVEX, XOP, REX2, opcodes that 64-bit code has lost, undefined ones */
	assert_int_equal(decode(64, "c5f877", &i), INSN_UNKNOWN);
	assert_int_equal(decode(32, "c5f877", &i), INSN_UNKNOWN);
	assert_int_equal(decode(32, "c506", &i), INSN_OK);
	assert_int_equal(decode(64, "62f17c48280600", &i), INSN_UNKNOWN);
	assert_int_equal(decode(64, "8fe97012c100", &i), INSN_UNKNOWN);
	assert_int_equal(decode(64, "d5009090", &i), INSN_UNKNOWN);
	assert_int_equal(decode(64, "06", &i), INSN_UNKNOWN);
	assert_int_equal(decode(64, "9a0000000000000000", &i), INSN_UNKNOWN);
	assert_int_equal(decode(64, "ea0000000000000000", &i), INSN_UNKNOWN);
	assert_int_equal(decode(64, "0f0a", &i), INSN_UNKNOWN);
	assert_int_equal(decode(64, "66e900000000", &i), INSN_UNKNOWN);
}

static void test_random(void **state)
{
	u64 seed = 88172645463325252ull;

	(void)state;
	for (unsigned k = 0; k < 300000; k++) {
		u8 bytes[16];
		struct insn i;
		u64 regs[16], flags = 2, in[2] = { seed, ~seed }, out, base[6] = { 0 };
		size_t n = k % 17;
		u8 *b = malloc(n + !n);

		for (unsigned m = 0; m < 16; m++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			bytes[m] = seed >> 32;
			regs[m] = seed * 0x9e3779b97f4a7c15ull;
		}
		memcpy(b, bytes, n);
		if (insn_decode(b, n, 16u << (k % 3), &i) == INSN_OK) {
			assert_in_range(i.length, 1, MIN(n, INSN_MAX_BYTES));
			insn_ea(&i, regs, seed, base);
			insn_string_ea(&i, regs, base, true);
			insn_emulate(&i, regs, &flags, in, &out);
		}
		free(b);
	}
}

static void test_names(void **state)
{
	static const struct {
		unsigned bits;
		const char *hex;
		enum insn_op op;
	} t[] = {
		{ 64, "0fa2", INSN_CPUID },
		{ 16, "660fa2", INSN_CPUID },
		{ 64, "f4", INSN_HLT },
		{ 64, "f390", INSN_PAUSE },
		{ 64, "90", INSN_OTHER },
		{ 64, "f34190", INSN_OTHER },
		{ 64, "0f32", INSN_RDMSR },
		{ 64, "0f30", INSN_WRMSR },
		{ 64, "0f31", INSN_OTHER },
		{ 64, "0f01f9", INSN_OTHER },
		{ 64, "0f33", INSN_OTHER },
		{ 64, "0f01fd", INSN_OTHER },
		{ 64, "0f20c0", INSN_MOV_FROM_CR },
		{ 64, "0f22c0", INSN_MOV_TO_CR },
		{ 64, "0f2100", INSN_MOV_FROM_DR },
		{ 64, "0f23ff", INSN_MOV_TO_DR },
		{ 64, "0f06", INSN_CLTS },
		{ 64, "0f01f0", INSN_LMSW },
		{ 64, "0f0130", INSN_LMSW },
		{ 64, "0f01e0", INSN_SMSW },
		{ 64, "0f0120", INSN_SMSW },
		{ 64, "0f0100", INSN_OTHER },
		{ 64, "0f0108", INSN_OTHER },
		{ 64, "0f0110", INSN_OTHER },
		{ 64, "0f0118", INSN_OTHER },
		{ 64, "0f0138", INSN_OTHER },
		{ 64, "0f00c0", INSN_OTHER },
		{ 64, "0f00c8", INSN_OTHER },
		{ 64, "0f00d0", INSN_OTHER },
		{ 64, "0f00d8", INSN_OTHER },
		{ 64, "0f00e0", INSN_OTHER },
		{ 64, "660f388206", INSN_OTHER },
		{ 64, "0f08", INSN_INVD },
		{ 64, "0f09", INSN_WBINVD },
		{ 64, "0f01c8", INSN_OTHER },
		{ 64, "0f01c9", INSN_OTHER },
		{ 64, "0f01fa", INSN_OTHER },
		{ 64, "0f01fb", INSN_OTHER },
		{ 64, "0f01d0", INSN_OTHER },
		{ 64, "0f01d1", INSN_XSETBV },
		{ 64, "0faa", INSN_OTHER },
		{ 64, "0f37", INSN_OTHER },
		{ 64, "9c", INSN_PUSHF },
		{ 64, "9d", INSN_POPF },
		{ 64, "0fc7f0", INSN_OTHER },
		{ 64, "0fc7f8", INSN_OTHER },
		{ 64, "f30fc7f8", INSN_OTHER },
		{ 64, "cc", INSN_INT3 },
		{ 32, "ce", INSN_INTO },
		{ 64, "cd80", INSN_INT },
		{ 64, "f1", INSN_ICEBP },
		{ 64, "48cf", INSN_IRET },
		{ 32, "ea112233445566", INSN_OTHER },
		{ 16, "ea11223344", INSN_OTHER },
		{ 32, "9a112233445566", INSN_OTHER },
		{ 64, "ff2e", INSN_OTHER },
		{ 64, "ff1e", INSN_OTHER },
		{ 64, "ff26", INSN_OTHER },
		{ 64, "0f05", INSN_SYSCALL },
		{ 64, "480f07", INSN_SYSRET },
		{ 64, "0f34", INSN_OTHER },
		{ 64, "0f35", INSN_OTHER },
		{ 64, "0f01c1", INSN_OTHER },
		{ 64, "0f01c2", INSN_OTHER },
		{ 64, "0f01c3", INSN_OTHER },
		{ 64, "0f01c4", INSN_OTHER },
		{ 64, "f30fc736", INSN_OTHER },
		{ 64, "660fc736", INSN_OTHER },
		{ 64, "0fc736", INSN_OTHER },
		{ 64, "0fc73e", INSN_OTHER },
		{ 64, "0f78c3", INSN_OTHER },
		{ 64, "0f79c3", INSN_OTHER },
		{ 64, "0f01d4", INSN_OTHER },
		{ 64, "660f388006", INSN_OTHER },
		{ 64, "660f388106", INSN_OTHER },
		{ 64, "0f01d9", INSN_VMMCALL },
		{ 64, "0f01d8", INSN_OTHER },
		{ 64, "0f01da", INSN_OTHER },
		{ 64, "0f01db", INSN_OTHER },
		{ 64, "0f01dc", INSN_OTHER },
		{ 64, "0f01dd", INSN_OTHER },
		{ 64, "0f01de", INSN_OTHER },
		{ 64, "0f01df", INSN_OTHER },
		{ 64, "0f01d5", INSN_OTHER },
		{ 64, "0fc70e", INSN_OTHER },
		{ 64, "0fc3c0", INSN_OTHER },
		{ 64, "f6e0", INSN_OTHER },
		{ 32, "6300", INSN_OTHER },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(t); k++) {
		struct insn i = good(t[k].bits, t[k].hex);

		if (i.op != t[k].op)
			fail_msg("%s: %u, not %u", t[k].hex, i.op, t[k].op);
	}
}

static void test_registers(void **state)
{
	struct insn i = good(64, "440f20c3"); /* mov rbx, cr8 */

	(void)state;
	assert_int_equal(i.reg, 8);
	assert_int_equal(i.rm, 3);
	assert_int_equal(i.opsize, 8);
	i = good(32, "f00f22c1"); /* lock mov cr0, ecx: CR8 */
	assert_int_equal(i.reg, 8);
	assert_int_equal(i.rm, 1);
	assert_int_equal(i.opsize, 4);
	i = good(64, "0f22c4");
	assert_int_equal(i.reg, 0);
	assert_int_equal(i.rm, 4);
	i = good(64, "410f23f9"); /* mov dr7, r9 */
	assert_int_equal(i.reg, 7);
	assert_int_equal(i.rm, 9);
}

static void test_ports(void **state)
{
	struct insn i = good(64, "e4f4"); /* in al, 0xf4 */

	(void)state;
	assert_int_equal(i.op, INSN_IN);
	assert_int_equal(i.msize, 1);
	assert_int_equal(i.dst, INSN_IMM);
	assert_int_equal(i.imm, 0xf4);
	i = good(64, "66ef"); /* out dx, ax */
	assert_int_equal(i.op, INSN_OUT);
	assert_int_equal(i.msize, 2);
	assert_int_equal(i.dst, 2);
	assert_int_equal(i.src, 0);
	assert_int_equal(good(64, "48ed").msize, 4);
	assert_int_equal(good(16, "ed").msize, 2);
	i = good(64, "f36e"); /* rep outsb */
	assert_int_equal(i.op, INSN_OUTS);
	assert_int_equal(i.rep, INSN_REPE);
	assert_int_equal(i.access, INSN_READ);
	assert_true(i.string);
	i = good(32, "64f3676f"); /* rep outsw/d fs:[si] */
	assert_int_equal(i.seg, INSN_FS);
	assert_int_equal(i.adsize, 2);
	assert_int_equal(i.msize, 4);
	i = good(16, "6c");
	assert_int_equal(i.op, INSN_INS);
	assert_int_equal(i.rep, INSN_NO_REP);
	assert_int_equal(i.access, INSN_WRITE);
}

/* The linear address of each addressing form. */
static void test_addresses(void **state)
{
	static const struct {
		unsigned bits;
		const char *hex;
		u64 address;
	} t[] = {
		{ 64, "8b00", 0x1000 },
		{ 64, "8b4610", 0x6010 },
		{ 64, "8b46f0", 0x5ff0 },
		{ 64, "8b8600010000", 0x6100 },
		{ 64, "8b0500010000", 0x400106 }, /* RIP */
		{ 64,
		  "67"
		  "8b0500010000",
		  0x400107 },
		{ 64, "8b042500010000", 0x100 }, /* absolute */
		{ 64, "8b0425000000f0", 0xfffffffff0000000 },
		{ 64,
		  "67"
		  "8b0425000000f0",
		  0xf0000000 },
		{ 64, "8b0424", 0x5000 },		    /* RSP */
		{ 64, "8b44d010", 0x1000 + 3 * 8 + 0x10 },  /* [rax + rdx*8 + 16] */
		{ 64, "428b0420", 0x1000 + 0xd000 },	    /* [rax + r12]: with REX.X there is an index 4 */
		{ 64, "418b0424", 0xd000 },		    /* [r12] */
		{ 64, "418b4500", 0xe000 },		    /* [r13 + 0] */
		{ 64, "418b0500010000", 0x400107 },	    /* RIP whatever REX.B */
		{ 64, "8b04ad00010000", 0x3100 + 0x15000 }, /* [rbp*4 + disp32] */
		{ 64, "8b4500", 0x6000 - 0x200 },	    /* [rbp] */
		{ 64, "658b00", 0x71000 },		    /* GS */
		{ 64, "648b00", 0x61000 },
		{ 64, "642e8b00", 0x61000 }, /* CS after it changes nothing */
		{ 64, "2e8b00", 0x1000 },
		{ 64, "a1000000f0ffffffff", 0xfffffffff0000000 },
		{ 64, "67a1000000f0", 0xf0000000 },
		{ 32, "8b00", 0x51000 },
		{ 32, "8b4500", 0x40000 + 0x5e00 }, /* SS */
		{ 32, "8b0424", 0x40000 + 0x5000 },
		{ 32, "3e8b0424", 0x50000 + 0x5000 },
		{ 32, "268b00", 0x21000 },
		{ 32, "2e8b00", 0x31000 },
		{ 32, "8b0500010000", 0x50100 },
		{ 32, "a100010000", 0x50100 },
		{ 32, "67a10001", 0x50100 },
		{ 32, "8b80000000f8", 0xf8051000 },
		{ 32, "8b8000f0ffff", 0x50000 },	   /* wraps at 4 GiB */
		{ 16, "8b00", 0x50000 + 0x4000 + 0x6000 }, /* [bx + si] */
		{ 16, "8b01", 0x50000 + 0x4000 + 0x7000 },
		{ 16, "8b02", 0x40000 + 0x5e00 + 0x6000 }, /* [bp + si]: SS */
		{ 16, "8b03", 0x40000 + 0x5e00 + 0x7000 },
		{ 16, "8b04", 0x50000 + 0x6000 },
		{ 16, "8b05", 0x50000 + 0x7000 },
		{ 16, "8b063412", 0x50000 + 0x1234 },
		{ 16, "8b07", 0x50000 + 0x4000 },
		{ 16, "8b46f0", 0x40000 + 0x5df0 },
		{ 16, "8b8700f0", 0x50000 + 0x3000 }, /* wraps at 64 KiB */
		{ 16, "678b00", 0x50000 + 0x1000 },
		{ 64, "0fa308", 0x1000 + 0x40 },    /* bt [rax], ecx; ecx = 0x200 */
		{ 64, "480fab10", 0x1000 },	    /* bts [rax], rdx; rdx = 3 */
		{ 64, "660fa338", 0x1000 + 0xe00 }, /* bt word [rax], di; di = 0x7000 */
		{ 64, "4c0fa338", 0x1000 - 8 },	    /* bt [rax], r15; r15 = -1 */
		{ 64, "0fba2045", 0x1000 },	    /* bt [rax], 0x45: no offset */
	};
	static const u64 regs[16] = { 0x1000, 0x200,  3,      0x4000, 0x5000, 0x5e00, 0x6000, 0x7000,
				      0x8000, 0x9000, 0xa000, 0xb000, 0xd000, 0xe000, 0xf000, -1ull };
	static const u64 base[6] = { 0x20000, 0x30000, 0x40000, 0x50000, 0x60000, 0x70000 };

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(t); k++) {
		struct insn i = good(t[k].bits, t[k].hex);
		u64 got = insn_ea(&i, regs, 0x400000, base), want = t[k].address;

		if (!strcmp(t[k].hex, "8b04ad00010000"))
			want = 0x5e00 * 4 + 0x100;
		if (t[k].bits == 64 && !strcmp(t[k].hex, "8b4500"))
			want = 0x5e00;
		if (got != want)
			fail_msg("%u %s: %#lx, not %#lx", t[k].bits, t[k].hex, (unsigned long)got,
				 (unsigned long)want);
	}
}

/* Who reads, who writes, how much, and what else takes part. */
static void test_accesses(void **state)
{
	static const struct {
		unsigned bits;
		const char *hex;
		enum insn_op op;
		unsigned access, msize, opsize, dst, src;
		s64 imm;
	} t[] = {
		{ 64, "8806", INSN_MOV, INSN_WRITE, 1, 1, INSN_MEM, 0, 0 },
		{ 64, "8826", INSN_MOV, INSN_WRITE, 1, 1, INSN_MEM, INSN_AH, 0 },
		{ 64, "408826", INSN_MOV, INSN_WRITE, 1, 1, INSN_MEM, 4, 0 },
		{ 64, "448906", INSN_MOV, INSN_WRITE, 4, 4, INSN_MEM, 8, 0 },
		{ 64, "48890e", INSN_MOV, INSN_WRITE, 8, 8, INSN_MEM, 1, 0 },
		{ 64, "66890e", INSN_MOV, INSN_WRITE, 2, 2, INSN_MEM, 1, 0 },
		{ 16, "890e3412", INSN_MOV, INSN_WRITE, 2, 2, INSN_MEM, 1, 0 },
		{ 16, "66890e3412", INSN_MOV, INSN_WRITE, 4, 4, INSN_MEM, 1, 0 },
		{ 64, "8a3e", INSN_MOV, INSN_READ, 1, 1, INSN_BH, INSN_MEM, 0 },
		{ 64, "8b3e", INSN_MOV, INSN_READ, 4, 4, 7, INSN_MEM, 0 },
		{ 64, "a0ff00000000000000", INSN_MOV, INSN_READ, 1, 1, 0, INSN_MEM, 0 },
		{ 64, "48a3ff00000000000000", INSN_MOV, INSN_WRITE, 8, 8, INSN_MEM, 0, 0 },
		{ 64, "c60680", INSN_MOV, INSN_WRITE, 1, 1, INSN_MEM, INSN_IMM, -128 },
		{ 64, "c70610000000", INSN_MOV, INSN_WRITE, 4, 4, INSN_MEM, INSN_IMM, 16 },
		{ 64, "48c706ffffffff", INSN_MOV, INSN_WRITE, 8, 8, INSN_MEM, INSN_IMM, -1 },
		{ 64, "0fc306", INSN_MOV, INSN_WRITE, 4, 4, INSN_MEM, 0, 0 },
		{ 64, "0fb606", INSN_MOVZX, INSN_READ, 1, 4, 0, INSN_MEM, 0 },
		{ 64, "480fb726", INSN_MOVZX, INSN_READ, 2, 8, 4, INSN_MEM, 0 },
		{ 64, "0fb626", INSN_MOVZX, INSN_READ, 1, 4, 4, INSN_MEM, 0 },
		{ 64, "0fbfe4", INSN_MOVSX, 0, 2, 4, 4, 4, 0 },
		{ 64, "0fbee4", INSN_MOVSX, 0, 1, 4, 4, INSN_AH, 0 },
		{ 64, "666306", INSN_MOVSX, INSN_READ, 2, 2, 0, INSN_MEM, 0 },
		{ 64, "48668b06", INSN_MOV, INSN_READ, 2, 2, 0, INSN_MEM,
		  0 }, /* that REX counts for nothing */
		{ 64, "486306", INSN_MOVSX, INSN_READ, 4, 8, 0, INSN_MEM, 0 },
		{ 64, "0006", INSN_ADD, INSN_READ | INSN_WRITE, 1, 1, INSN_MEM, 0, 0 },
		{ 64, "0b06", INSN_OR, INSN_READ, 4, 4, 0, INSN_MEM, 0 },
		{ 64, "3b06", INSN_CMP, INSN_READ, 4, 4, 0, INSN_MEM, 0 },
		{ 64, "3906", INSN_CMP, INSN_READ, 4, 4, INSN_MEM, 0, 0 },
		{ 64, "a810", INSN_TEST, 0, 1, 1, 0, INSN_IMM, 16 },
		{ 64, "0510000000", INSN_ADD, 0, 4, 4, 0, INSN_IMM, 16 },
		{ 64, "8406", INSN_TEST, INSN_READ, 1, 1, INSN_MEM, 0, 0 },
		{ 64, "8506", INSN_TEST, INSN_READ, 4, 4, INSN_MEM, 0, 0 },
		{ 64, "f60601", INSN_TEST, INSN_READ, 1, 1, INSN_MEM, INSN_IMM, 1 },
		{ 64, "66f7060100", INSN_TEST, INSN_READ, 2, 2, INSN_MEM, INSN_IMM, 1 },
		{ 64, "8326f0", INSN_AND, INSN_READ | INSN_WRITE, 4, 4, INSN_MEM, INSN_IMM, -16 },
		{ 64, "813e78563412", INSN_CMP, INSN_READ, 4, 4, INSN_MEM, INSN_IMM, 0x12345678 },
		{ 64, "fe06", INSN_INC, INSN_READ | INSN_WRITE, 1, 1, INSN_MEM, INSN_IMM, 1 },
		{ 64, "f716", INSN_NOT, INSN_READ | INSN_WRITE, 4, 4, INSN_MEM, INSN_IMM, 1 },
		{ 64, "8706", INSN_XCHG, INSN_READ | INSN_WRITE, 4, 4, INSN_MEM, 0, 0 },
		{ 64, "8626", INSN_XCHG, INSN_READ | INSN_WRITE, 1, 1, INSN_MEM, INSN_AH, 0 },
		{ 64, "0fc10e", INSN_XADD, INSN_READ | INSN_WRITE, 4, 4, INSN_MEM, 1, 0 },
		{ 64, "0fb00e", INSN_CMPXCHG, INSN_READ | INSN_WRITE, 1, 1, INSN_MEM, 1, 0 },
		{ 64, "0fa30e", INSN_BT, INSN_READ, 4, 4, INSN_MEM, 1, 0 },
		{ 64, "0fba2e03", INSN_BTS, INSN_READ | INSN_WRITE, 4, 4, INSN_MEM, INSN_IMM, 3 },
		{ 64, "a4", INSN_MOVS, INSN_READ | INSN_WRITE, 1, 1, INSN_NONE, INSN_NONE, 0 },
		{ 64, "48ab", INSN_STOS, INSN_WRITE, 8, 8, INSN_NONE, INSN_NONE, 0 },
		{ 64, "66ad", INSN_LODS, INSN_READ, 2, 2, INSN_NONE, INSN_NONE, 0 },
		{ 64, "a6", INSN_CMPS, INSN_READ | INSN_READ_DI, 1, 1, INSN_NONE, INSN_NONE, 0 },
		{ 64, "af", INSN_SCAS, INSN_READ_DI, 4, 4, INSN_NONE, INSN_NONE, 0 },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(t); k++) {
		struct insn i = good(t[k].bits, t[k].hex);

		if (i.op != t[k].op || i.access != t[k].access || i.msize != t[k].msize ||
		    i.opsize != t[k].opsize || i.dst != t[k].dst || i.src != t[k].src || i.imm != t[k].imm)
			fail_msg("%s: op %u access %u msize %u opsize %u dst %u src %u imm %ld", t[k].hex,
				 i.op, i.access, i.msize, i.opsize, i.dst, i.src, (long)i.imm);
	}
	assert_true(good(64, "f00106").lock);
	assert_int_equal(good(64, "f2a6").rep, INSN_REPNE);
}

/*
 * The processor as the judge: run one instruction on given registers and flags. Its bytes stand in an
 * executable page between a load and a store of the registers; RSP stays the test's own.
 */
struct cpu_state {
	u64 regs[16];
	u64 flags;
};

extern void run_code(struct cpu_state *s, void *code);
__asm__(".text\n.globl run_code\nrun_code:\n"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rdi\n"
	"sub $128, %rsp; mov %rsi, 120(%rsp)\n"
	"pushq 128(%rdi); popfq\n"
	"mov (%rdi), %rax; mov 8(%rdi), %rcx; mov 16(%rdi), %rdx; mov 24(%rdi), %rbx; mov 40(%rdi), %rbp\n"
	"mov 48(%rdi), %rsi; mov 64(%rdi), %r8; mov 72(%rdi), %r9; mov 80(%rdi), %r10; mov 88(%rdi), %r11\n"
	"mov 96(%rdi), %r12; mov 104(%rdi), %r13; mov 112(%rdi), %r14; mov 120(%rdi), %r15; mov 56(%rdi), "
	"%rdi\n"
	"call *120(%rsp)\n"
	"mov %rdi, 112(%rsp); mov 128(%rsp), %rdi\n"
	"mov %rax, (%rdi); mov %rcx, 8(%rdi); mov %rdx, 16(%rdi); mov %rbx, 24(%rdi); mov %rbp, 40(%rdi)\n"
	"mov %rsi, 48(%rdi); mov %r8, 64(%rdi); mov %r9, 72(%rdi); mov %r10, 80(%rdi); mov %r11, 88(%rdi)\n"
	"mov %r12, 96(%rdi); mov %r13, 104(%rdi); mov %r14, 112(%rdi); mov %r15, 120(%rdi)\n"
	"mov 112(%rsp), %rax; mov %rax, 56(%rdi); pushfq; popq 128(%rdi); cld\n"
	"add $128, %rsp; pop %rdi; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

static u64 seed = 0x2545f4914f6cdd1dull;

static u64 rnd(void)
{
	static const u64 edge[] = { 0,	    1,	    -1ull,	0x80,	    0x7f,
				    0x8000, 0x7fff, 0x80000000, 0x7fffffff, 1ull << 63 };

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 60) < 5 ? edge[(seed >> 32) % ARRAY_SIZE(edge)] : seed;
}

#define STATUS 0x8d5ull

/* Run the bytes on the processor and through the emulator with one state, and compare all that came out. */
static void compare(u8 *page, const u8 *bytes, size_t n, u64 *mem, u64 undefined)
{
	struct cpu_state real, ours;
	struct insn i;
	u64 before[2], in[2], out = 0;
	bool again = true;
	unsigned did = 0;

	assert_int_equal(insn_decode(bytes, n, 64, &i), INSN_OK);
	assert_int_equal(i.length, n);
	for (unsigned k = 0; k < 16; k++)
		real.regs[k] = rnd();
	mem[0] = rnd();
	mem[1] = rnd();
	real.regs[6] = (u64)&mem[0];
	real.regs[7] = (u64)&mem[1];
	real.regs[4] = 0;
	if (rnd() & 1) /* let CMPXCHG, CMPS and SCAS find equals now and then */
		real.regs[0] = mem[1] = mem[0];
	if (i.string)
		real.regs[1] = 1;
	if (i.op >= INSN_BT && i.op <= INSN_BTC && i.src < 16)
		real.regs[i.src] &= 7;
	real.flags = (rnd() & STATUS) | 2;
	ours = real;
	memcpy(page, bytes, n);
	page[n] = 0xc3;
	before[0] = mem[0];
	before[1] = mem[1];
	run_code(&real, page);
	real.flags &= STATUS;
	while (again) {
		in[0] = before[0];
		in[1] = before[1];
		did = insn_emulate(&i, ours.regs, &ours.flags, in, &out);
		assert_int_equal(did & INSN_EMU_CANNOT, 0);
		assert_int_equal(!!(did & INSN_EMU_WRITE), !!(i.access & INSN_WRITE));
		again = did & INSN_EMU_AGAIN;
		if (did & INSN_EMU_WRITE)
			memcpy(i.string ? &before[1] : &before[0], &out, i.msize);
	}
	ours.flags &= STATUS;
	if (memcmp(real.regs, ours.regs, sizeof real.regs) || ((real.flags ^ ours.flags) & ~undefined) ||
	    memcmp(mem, before, 16)) {
		for (size_t k = 0; k < n; k++)
			printf("%02x", bytes[k]);
		printf(": flags %lx, not %lx; mem %lx %lx, not %lx %lx\n", (long)ours.flags, (long)real.flags,
		       (long)before[0], (long)before[1], (long)mem[0], (long)mem[1]);
		for (unsigned k = 0; k < 16; k++)
			if (real.regs[k] != ours.regs[k])
				printf("  r%u %lx, not %lx\n", k, (long)ours.regs[k], (long)real.regs[k]);
		fail();
	}
}

static void test_against_processor(void **state)
{
	/* opcode bytes, then ModRM.reg where it is part of the opcode (else -1),
	 * bytes of an immediate (9: as z) */
	static const struct {
		u8 op[2];
		s8 group;
		u8 imm;
		u64 undefined;
	} t[] = {
		{ { 0x00 }, -1, 0, 0 },
		{ { 0x08 }, -1, 0, 0x10 },
		{ { 0x10 }, -1, 0, 0 },
		{ { 0x18 }, -1, 0, 0 },
		{ { 0x20 }, -1, 0, 0x10 },
		{ { 0x28 }, -1, 0, 0 },
		{ { 0x30 }, -1, 0, 0x10 },
		{ { 0x38 }, -1, 0, 0 },
		{ { 0x02 }, -1, 0, 0 },
		{ { 0x0a }, -1, 0, 0x10 },
		{ { 0x12 }, -1, 0, 0 },
		{ { 0x1a }, -1, 0, 0 },
		{ { 0x22 }, -1, 0, 0x10 },
		{ { 0x2a }, -1, 0, 0 },
		{ { 0x32 }, -1, 0, 0x10 },
		{ { 0x3a }, -1, 0, 0 },
		{ { 0x84 }, -1, 0, 0x10 },
		{ { 0x86 }, -1, 0, 0 },
		{ { 0x88 }, -1, 0, 0 },
		{ { 0x8a }, -1, 0, 0 },
		{ { 0x80 }, 0, 1, 0 },
		{ { 0x80 }, 2, 1, 0 },
		{ { 0x80 }, 4, 1, 0x10 },
		{ { 0x80 }, 7, 1, 0 },
		{ { 0x81 }, 1, 9, 0x10 },
		{ { 0x81 }, 3, 9, 0 },
		{ { 0x81 }, 5, 9, 0 },
		{ { 0x81 }, 6, 9, 0x10 },
		{ { 0x83 }, 0, 1, 0 },
		{ { 0x83 }, 3, 1, 0 },
		{ { 0x83 }, 4, 1, 0x10 },
		{ { 0x83 }, 7, 1, 0 },
		{ { 0xc6 }, 0, 1, 0 },
		{ { 0xc7 }, 0, 9, 0 },
		{ { 0xf6 }, 0, 1, 0x10 },
		{ { 0xf7 }, 0, 9, 0x10 },
		{ { 0xf6 }, 2, 0, 0 },
		{ { 0xf6 }, 3, 0, 0 },
		{ { 0xfe }, 0, 0, 0 },
		{ { 0xfe }, 1, 0, 0 },
		{ { 0x0f, 0xb0 }, -1, 0, 0 },
		{ { 0x0f, 0xc0 }, -1, 0, 0 },
		{ { 0x0f, 0xb6 }, -1, 0, 0 },
		{ { 0x0f, 0xbe }, -1, 0, 0 },
		{ { 0x0f, 0xa3 }, -1, 0, STATUS - 1 },
		{ { 0x0f, 0xab }, -1, 0, STATUS - 1 },
		{ { 0x0f, 0xb3 }, -1, 0, STATUS - 1 },
		{ { 0x0f, 0xbb }, -1, 0, STATUS - 1 },
		{ { 0x0f, 0xba }, 4, 1, STATUS - 1 },
		{ { 0x0f, 0xba }, 5, 1, STATUS - 1 },
		{ { 0x0f, 0xba }, 6, 1, STATUS - 1 },
		{ { 0x0f, 0xba }, 7, 1, STATUS - 1 },
		{ { 0x63 }, -1, 0, 0 },
		{ { 0x0f, 0xc3 }, -1, 0, 0 },
	};
	u8 *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static u64 mem[4];

	(void)state;
	assert_ptr_not_equal(page, MAP_FAILED);
	for (unsigned turn = 0; turn < 120000; turn++) {
		unsigned k = turn % ARRAY_SIZE(t), n = 0, reg;
		u8 b[16], rex = 0, opsize = rnd() & 1;
		bool wide = rnd() & 1;
		u8 op = t[k].op[0] == 0x0f ? t[k].op[1] : t[k].op[0];
		bool fixed =
			t[k].group >= 0 && t[k].imm && op != 0xba; /* both widths of these are in the table */
		unsigned imm;

		if (t[k].op[0] == 0x0f
			    ? op == 0xba || op == 0xc3 || (op & 0xf7) == 0xa3 || (op & 0xf7) == 0xb3
			    : op == 0x63)
			fixed = true;
		if (!fixed && wide)
			op |= 1;
		if (opsize)
			b[n++] = 0x66;
		if (op == 0xc3 && t[k].op[0] == 0x0f && opsize)
			n = opsize = 0;
		if (rnd() & 1)
			b[n++] = rex = 0x40 | (rnd() & 0xc);
		if (t[k].op[0] == 0x0f)
			b[n++] = 0x0f;
		b[n++] = op;
		reg = t[k].group >= 0 ? (unsigned)t[k].group : rnd() & 7;
		if (t[k].group < 0 && reg == 4 &&
		    (rex || (op & 1) || (op & 0xf7) == 0xb6)) /* leave RSP alone */
			reg = 3;
		if (t[k].group < 0 && (reg == 6 || reg == 7)) /* and where RSI points */
			reg -= 5;
		b[n++] = reg << 3 | 6;
		imm = t[k].imm == 9 ? (opsize && !(rex & 8) ? 2 : 4) : t[k].imm;
		for (unsigned m = 0; m < imm; m++)
			b[n++] = rnd();
		compare(page, b, n, mem, t[k].undefined);
	}
	for (unsigned turn = 0; turn < 8000; turn++) {
		static const u8 ops[] = { 0xa4, 0xa6, 0xaa, 0xac, 0xae };
		u8 b[4], n = 0;

		if (rnd() & 1)
			b[n++] = 0x66;
		if (rnd() & 1)
			b[n++] = rnd() & 1 ? 0xf2 : 0xf3;
		if (rnd() & 1)
			b[n++] = 0x48;
		b[n++] = ops[turn % ARRAY_SIZE(ops)] | (rnd() & 1);
		compare(page, b, n, mem, 0);
	}
	munmap(page, 4096);
}

static void test_strings(void **state)
{
	u64 regs[16] = { [0] = 0x1122334455667788, [1] = 0x100000002, [6] = 0x10000fffe, [7] = 0x20000 };
	u64 base[6] = { 0x1000, 0, 0, 0x2000, 0x300000, 0 }, flags = 2, out = 0, in[2] = { 0xabcd, 0x12 };
	struct insn i = good(16, "f364a5"); /* rep movsw es:[di], fs:[si] */

	(void)state;
	assert_int_equal(insn_string_ea(&i, regs, base, false), 0x300000 + 0xfffe);
	assert_int_equal(insn_string_ea(&i, regs, base, true), 0x1000);
	assert_int_equal(insn_emulate(&i, regs, &flags, in, &out), INSN_EMU_WRITE | INSN_EMU_AGAIN);
	assert_int_equal(out, 0xabcd);
	assert_int_equal(regs[6], 0x100000000); /* only SI moved */
	assert_int_equal(regs[7], 0x20002);
	assert_int_equal(regs[1], 0x100000001);
	assert_int_equal(insn_emulate(&i, regs, &flags, in, &out), INSN_EMU_WRITE);
	assert_int_equal(regs[1], 0x100000000);
	assert_true(insn_string_idle(&i, regs));
	assert_int_equal(insn_emulate(&i, regs, &flags, in, &out), 0);
	assert_int_equal(regs[7], 0x20004);

	/* backwards, and a 32-bit address clears the upper half of the registers */
	i = good(64, "67f3ab");
	flags |= BIT(10);
	regs[1] = 5;
	regs[7] = 0x500001000;
	assert_int_equal(insn_string_ea(&i, regs, base, true), 0x1000);
	assert_int_equal(insn_emulate(&i, regs, &flags, in, &out), INSN_EMU_WRITE | INSN_EMU_AGAIN);
	assert_int_equal(out, 0x55667788);
	assert_int_equal(regs[7], 0xffc);
	assert_int_equal(regs[1], 4);

	/* REPE SCASB stops at the first difference, REPNE at the first match */
	i = good(64, "f3ae");
	assert_int_equal(insn_emulate(&i, regs, &flags, in, &out), 0);
	assert_int_equal(regs[1], 3);
	in[1] = 0x88;
	assert_int_equal(insn_emulate(&i, regs, &flags, in, &out), INSN_EMU_AGAIN);
	i = good(64, "f2ae");
	assert_int_equal(insn_emulate(&i, regs, &flags, in, &out), 0);
	assert_int_equal(regs[1], 1);
	in[1] = 0;
	assert_int_equal(insn_emulate(&i, regs, &flags, in, &out), 0); /* the count ran out */
	assert_int_equal(regs[1], 0);

	/* INS steps without the emulator */
	i = good(64, "f36d");
	regs[1] = 2;
	regs[7] = 0x1000;
	assert_true(insn_string_next(&i, regs, 2));
	assert_false(insn_string_next(&i, regs, 2));
	assert_int_equal(regs[7], 0x1008);
	assert_int_equal(insn_emulate(&i, regs, &flags, in, &out), INSN_EMU_CANNOT);
	i = good(64, "0fa2");
	assert_int_equal(insn_emulate(&i, regs, &flags, in, &out), INSN_EMU_CANNOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_need_more),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_accesses),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_against_processor),
	};

	return cmocka_run_group_tests_name("insn_decode", tests, NULL, NULL);
}
