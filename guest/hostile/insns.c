/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions of VMX, SVM, SMX, SGX and the like, privileged ones and waits, with random registers, at CPL 0
 * and 3. */
#include "guest/hostile/hostile.h"
#include "tests/guest/common/test.h"

#define INSNS(X)                                            \
	X(".byte 0x0f,0x01,0xc1")	    /* vmcall */    \
	X(".byte 0x0f,0x01,0xc2")	    /* vmlaunch */  \
	X(".byte 0x0f,0x01,0xc3")	    /* vmresume */  \
	X(".byte 0x0f,0x01,0xc4")	    /* vmxoff */    \
	X(".byte 0x0f,0x01,0xd4")	    /* vmfunc */    \
	X(".byte 0x0f,0x01,0xd8")	    /* vmrun */     \
	X(".byte 0x0f,0x01,0xd9")	    /* vmmcall */   \
	X(".byte 0x0f,0x01,0xda")	    /* vmload */    \
	X(".byte 0x0f,0x01,0xdb")	    /* vmsave */    \
	X(".byte 0x0f,0x01,0xdc")	    /* stgi */      \
	X(".byte 0x0f,0x01,0xdd")	    /* clgi */      \
	X(".byte 0x0f,0x01,0xde")	    /* skinit */    \
	X(".byte 0x0f,0x01,0xdf")	    /* invlpga */   \
	X(".byte 0x0f,0x78,0xc1")	    /* vmread */    \
	X(".byte 0x0f,0x79,0xc1")	    /* vmwrite */   \
	X(".byte 0x0f,0xc7,0x37")	    /* vmptrld */   \
	X(".byte 0x66,0x0f,0xc7,0x37")	    /* vmclear */   \
	X(".byte 0xf3,0x0f,0xc7,0x37")	    /* vmxon */     \
	X(".byte 0x0f,0xc7,0x3f")	    /* vmptrst */   \
	X(".byte 0x66,0x0f,0x38,0x80,0x07") /* invept */    \
	X(".byte 0x66,0x0f,0x38,0x81,0x07") /* invvpid */   \
	X(".byte 0x66,0x0f,0x38,0x82,0x07") /* invpcid */   \
	X(".byte 0x0f,0x37")		    /* getsec */    \
	X(".byte 0x0f,0xaa")		    /* rsm */       \
	X(".byte 0x0f,0x01,0xcf")	    /* encls */     \
	X(".byte 0x0f,0x01,0xd7")	    /* enclu */     \
	X(".byte 0x0f,0x01,0xc0")	    /* enclv */     \
	X(".byte 0x0f,0x01,0xc5")	    /* pconfig */   \
	X(".byte 0x0f,0x01,0xc8")	    /* monitor */   \
	X(".byte 0x0f,0x01,0xc9")	    /* mwait */     \
	X(".byte 0x0f,0x01,0xfa")	    /* monitorx */  \
	X(".byte 0x0f,0x01,0xfb")	    /* mwaitx */    \
	X(".byte 0x0f,0x01,0xd0")	    /* xgetbv */    \
	X(".byte 0x0f,0x01,0xd1")	    /* xsetbv */    \
	X(".byte 0x0f,0x01,0xf9")	    /* rdtscp */    \
	X(".byte 0x0f,0x01,0xfd")	    /* rdpru */     \
	X(".byte 0x0f,0x31")		    /* rdtsc */     \
	X(".byte 0x0f,0x33")		    /* rdpmc */     \
	X(".byte 0x0f,0x09")		    /* wbinvd */    \
	X(".byte 0x0f,0x08")		    /* invd */      \
	X(".byte 0xf3,0x0f,0x09")	    /* wbnoinvd */  \
	X(".byte 0x0f,0x01,0x3f")	    /* invlpg */    \
	X(".byte 0x0f,0xc7,0x2f")	    /* xsaves */    \
	X(".byte 0x0f,0xc7,0x1f")	    /* xrstors */   \
	X(".byte 0x0f,0xae,0x27")	    /* xsave */     \
	X(".byte 0x0f,0xae,0x2f")	    /* xrstor */    \
	X(".byte 0x0f,0xc7,0xf0")	    /* rdrand */    \
	X(".byte 0x0f,0xc7,0xf8")	    /* rdseed */    \
	X(".byte 0xf3,0x0f,0xc7,0xf8")	    /* rdpid */     \
	X(".byte 0x66,0x0f,0xae,0xf1")	    /* tpause */    \
	X(".byte 0xf3,0x0f,0xae,0xf1")	    /* umonitor */  \
	X(".byte 0xf2,0x0f,0xae,0xf1")	    /* umwait */    \
	X(".byte 0x0f,0x01,0x17")	    /* lgdt */      \
	X(".byte 0x0f,0x01,0x1f")	    /* lidt */      \
	X(".byte 0x0f,0x00,0xd0")	    /* lldt */      \
	X(".byte 0x0f,0x00,0xd8")	    /* ltr */       \
	X(".byte 0x0f,0x05")		    /* syscall */   \
	X(".byte 0x0f,0x07")		    /* sysret */    \
	X(".byte 0x0f,0x34")		    /* sysenter */  \
	X(".byte 0x0f,0x35")		    /* sysexit */   \
	X(".byte 0xf2,0x0f,0x01,0xff")	    /* pvalidate */ \
	X(".byte 0xf2,0x0f,0x01,0xfe")	    /* rmpupdate */ \
	X(".byte 0xf2,0x0f,0x01,0xca")	    /* erets */     \
	X(".byte 0xf4")			    /* hlt */

#define STUB(code) code "\n ret\n .balign 16\n"
extern u8 stubs[], stubs_end[];
__asm__(".section .text\n .balign 16\nstubs:\n" INSNS(STUB) "stubs_end: .previous");

struct insn {
	u64 at, ax, bx, cx, dx, si, di;
};
static struct insn now;

static void go(void *arg)
{
	struct insn *i = arg;
	u64 ax = i->ax, bx = i->bx, cx = i->cx, dx = i->dx, si = i->si, di = i->di;

	__asm__ volatile("call *%6"
			 : "+a"(ax), "+b"(bx), "+c"(cx), "+d"(dx), "+S"(si), "+D"(di)
			 : "r"(i->at)
			 : "memory", "cc", "r11");
}

static void go_user(void)
{
	go(&now);
}

static void enter_user(void *arg)
{
	(void)arg;
	user_call(go_user);
}

static void run(void)
{
	u32 n = (u32)(stubs_end - stubs) / 16, i = 0;
	u64 *p = (u64 *)SCRATCH;

	scratch_open();
	watchdog();
	if (below(4))
		scratch_only();
	while (go_on()) {
		u32 k = i < 2 * n ? i / 2 : below(n);

		now = (struct insn){ (u64)stubs + 16 * k,
				     nasty(),
				     nasty(),
				     nasty(),
				     nasty(),
				     nasty(),
				     below(4) ? SCRATCH + 64 * below(64) : place() };
		for (u32 j = 0; j < 16; j++)
			p[below(512)] = nasty();
		tick();
		attempt((i & 1) ? enter_user : go, &now);
		wrmsr(0xc0000080, (rdmsr(0xc0000080) & 0x401) | 0x900);
		i++;
	}
}

const struct wall wall_insns = { "insns", run };
