/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions on devices: every opcode with a memory operand, across pages, while another vCPU changes their
 * bytes. */
#include "guest/hostile/hostile.h"
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

#define CODE (SCRATCH + 0x100000)

static void change(u32 id)
{
	volatile u8 *p = (volatile u8 *)CODE;

	for (u64 x = id;; x = x * 6364136223846793005ull + 1) {
		for (u32 i = x >> 56; i; i--)
			__asm__ volatile("pause");
		p[PAGE_SIZE - 16 + (x >> 60)] = (u8)(x >> 40);
	}
}

struct target {
	u64 code, di, si, cx, ax;
};

static void go(void *arg)
{
	struct target *t = arg;
	u64 ax = t->ax, cx = t->cx, si = t->si, di = t->di;

	__asm__ volatile("call *%4"
			 : "+a"(ax), "+c"(cx), "+S"(si), "+D"(di)
			 : "b"(t->code), "d"(0x3f8ul)
			 : "memory", "cc", "r8", "r9", "r10", "r11");
}

static u64 device(void)
{
	static const u64 at[] = { 0xfeb00000, 0xfeb00800, 0xfec00000, 0xfee00000,
				  0xf0000000, 0xa0000,	  0xc0000000, 0xe0000 };
	u64 page = at[below(ARRAY_SIZE(at))];

	return below(3) ? page + below(0x1000) : page + (below(2) ? 0xff8 + below(8) : -(u64)below(8));
}

static void run(void)
{
	bool race;

	scratch_open();
	traps_on_own_stack();
	watchdog();
	race = helper(2, change);
	while (go_on()) {
		struct target t = { 0, device(), below(2) ? device() : SCRATCH + below(8192), 1 + below(3),
				    nasty() };
		u8 *p = (u8 *)(below(2) && race ? CODE + PAGE_SIZE - 16 + below(16) : CODE + 0x2000);
		static const u8 prefix[] = {
			0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x48, 0x44, 0x4c, 0x41, 0x2e, 0x64
		};
		/* [rsi], [rdi], [rdi + disp8], [rdi * 1 + disp32], [rsi + rdi]... */
		static const u8 modrm[] = { 0x06, 0x07, 0x47, 0x46, 0x87, 0x04 };
		/* MOV, ALU, TEST, XCHG, MOVS, STOS, LODS, CMPS, SCAS, shifts, groups, MOVZX, CMPXCHG, XADD,
		 * BT.., SETcc, MOVNTI */
		static const u16 known[] = { 0x88,  0x89,  0x8a,  0x8b,	 0x00,	0x01,  0x0a,  0x13,
					     0x21,  0x29,  0x30,  0x39,	 0x3b,	0x84,  0x85,  0x86,
					     0x87,  0xa4,  0xa5,  0xaa,	 0xab,	0xac,  0xad,  0xa6,
					     0xa7,  0xae,  0xaf,  0xc6,	 0xc7,	0x80,  0x81,  0x83,
					     0xf6,  0xf7,  0xfe,  0xff,	 0xd0,	0xc1,  0xd3,  0x1b6,
					     0x1b7, 0x1be, 0x1bf, 0x1b0, 0x1b1, 0x1c0, 0x1c1, 0x1a3,
					     0x1ab, 0x1b3, 0x1ba, 0x190, 0x1c3, 0x163, 0x8f };
		u32 n = 0;

		for (u32 k = below(3); k; k--)
			p[n++] = prefix[below(sizeof(prefix))];
		if (below(16)) {
			u32 k = below(ARRAY_SIZE(known));

			if (known[k] > 0xff)
				p[n++] = 0x0f;
			p[n++] = (u8)known[k];
		} else { /* anything: as a rule the end */
			if (below(2))
				p[n++] = 0x0f;
			p[n++] = (u8)rnd();
		}
		p[n++] = (u8)(modrm[below(sizeof(modrm))] | (rnd() & 0x38));
		for (u32 k = 0; k < 6; k++)
			p[n++] = below(2) ? 0 : (u8)rnd();
		p[n] = 0xc3;
		t.code = (u64)p;
		tick();
		attempt(go, &t);
		scratch_open();
	}
}

const struct wall wall_mmio = { "mmio", run };
