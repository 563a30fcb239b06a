/* SPDX-License-Identifier: BSD-2-Clause */
/* The instruction decoder and what it carries out.
 * Byte 0: the mode; then registers, operands, and the instruction. */
#include "arch/x86/insn_decode.h"
#include "tests/host/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const unsigned modes[] = { 16, 32, 64, 64 };
	struct bytes b = { data, data + size };
	unsigned bits = modes[take(&b, 1) & 3];
	u64 regs[16], in[2], base[6], before[16], flags, out = 0;
	struct insn i, shorter;
	u8 *code;
	size_t n;

	in[0] = take(&b, 8);
	in[1] = take(&b, 4);
	flags = take(&b, 2);
	for (u32 k = 0; k < 16; k++)
		regs[k] = (flags >> k & 1) ? in[0] << k : in[1] + k;
	for (u32 k = 0; k < 6; k++)
		base[k] = in[1] << (4 * k);
	n = (size_t)(b.end - b.at);
	code = malloc(n ? n : 1);
	memcpy(code, b.at, n);
	if (insn_decode(code, n, bits, &i) == INSN_OK) {
		HOLDS(i.length >= 1 && i.length <= INSN_MAX_BYTES && i.length <= n);
		/* the same from just its bytes; and one byte fewer are not enough */
		HOLDS(insn_decode(code, i.length, bits, &shorter) == INSN_OK &&
		      !memcmp(&i, &shorter, sizeof(i)));
		HOLDS(insn_decode(code, i.length - 1u, bits, &shorter) == INSN_NEED_MORE);
		if (i.mem)
			(void)insn_ea(&i, regs, 0x1000, base);
		if (i.string) {
			(void)insn_string_ea(&i, regs, base, true);
			(void)insn_string_ea(&i, regs, base, false);
			(void)insn_string_idle(&i, regs);
		}
		memcpy(before, regs, sizeof(before));
		if (insn_emulate(&i, regs, &flags, in, &out) & INSN_EMU_CANNOT)
			HOLDS(!memcmp(before, regs, sizeof(regs)));
		if (i.op == INSN_INS || i.op == INSN_OUTS)
			(void)insn_string_next(&i, regs, flags);
	}
	free(code);
	return 0;
}
