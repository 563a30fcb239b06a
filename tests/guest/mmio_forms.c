/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions on a device's memory: each form is run on the test device's page and on RAM, and registers,
 * flags and memory have to come out the same. What the processor does with RAM is what the hypervisor has to
 * do with the device.
 */
/* create: --testdev */
#include "guest/lib/string.h"
#include "tests/guest/common/test.h"

#define DEV 0xfeb00000ul

struct regs {
	u64 a, b, c, d, flags;
};

static u8 ram[4096] __attribute__((aligned(4096)));
static const u64 start[] = { 0x8877665544332211, 0xffffffffffffffff, 0x0000000080000000, 0x00ff00ff12345678 };
static const struct regs inputs[] = {
	{ 0x1122334455667788, 0, 0x0102030405060703, 0xfedcba9876543210, 0x002 },
	{ 0xffffffffffffffff, 0, 0x0000000000000001, 0x8877665544332211, 0x8d7 & ~0x100 },
	{ 0x8877665544332211, 0, 0x0000000000000040, 0x0000000000000001, 0x003 },
};

/* The operand is at RBX: +0 and its surroundings. Undefined flags are masked by `keep`. */
#define FORM(text, keep)                                                                                     \
	do {                                                                                                 \
		static const char name_[] = text;                                                            \
		for (u32 s_ = 0; s_ < ARRAY_SIZE(start); s_++)                                               \
			for (u32 i_ = 0; i_ < ARRAY_SIZE(inputs); i_++) {                                    \
				struct regs r_[2];                                                           \
				u64 after_[2][4];                                                            \
				for (u32 on_ = 0; on_ < 2; on_++) {                                          \
					u8 *at_ = on_ ? (u8 *)DEV : ram;                                     \
					r_[on_] = inputs[i_];                                                \
					r_[on_].b = (u64)at_ + 64;                                           \
					put(at_, start[s_]);                                                 \
					__asm__ volatile("push %4; popfq\n\t" text "\n\tpushfq; pop %4; cld" \
							 : "+a"(r_[on_].a), "+b"(r_[on_].b),                 \
							   "+c"(r_[on_].c), "+d"(r_[on_].d),                 \
							   "+&S"(r_[on_].flags)                              \
							 :                                                   \
							 : "memory", "cc", "rdi", "r8", "r12", "r13");       \
					r_[on_].b -= (u64)at_;                                               \
					get(at_, after_[on_]);                                               \
				}                                                                            \
				same(name_, s_, i_, r_, after_, keep);                                       \
			}                                                                                    \
	} while (0)

static void put(u8 *at, u64 value)
{
	for (u32 i = 0; i < 16; i++)
		((volatile u64 *)at)[i] = value + i * 0x0101010101010101;
}

static void get(u8 *at, u64 out[4])
{
	/* what is around the operand, added up */
	out[0] = ((volatile u64 *)at)[7];
	out[1] = ((volatile u64 *)at)[8];
	out[2] = ((volatile u64 *)at)[9];
	out[3] = 0;
	for (u32 i = 0; i < 16; i++)
		out[3] = out[3] * 31 + ((volatile u64 *)at)[i];
}

static void same(const char *name, u32 s, u32 i, const struct regs r[2], u64 after[2][4], u64 keep)
{
	CHECK(r[0].a == r[1].a && r[0].b == r[1].b && r[0].c == r[1].c && r[0].d == r[1].d,
	      "%s (%u, %u): registers %lx %lx %lx %lx on the device, %lx %lx %lx %lx in RAM", name, s, i,
	      r[1].a, r[1].b, r[1].c, r[1].d, r[0].a, r[0].b, r[0].c, r[0].d);
	CHECK(!((r[0].flags ^ r[1].flags) & keep), "%s (%u, %u): flags %lx on the device, %lx in RAM", name,
	      s, i, r[1].flags, r[0].flags);
	CHECK(!memcmp(after[0], after[1], 32),
	      "%s (%u, %u): memory %lx %lx %lx on the device, %lx %lx %lx in RAM", name, s, i, after[1][0],
	      after[1][1], after[1][2], after[0][0], after[0][1], after[0][2]);
}

#define ALL   0x8d5ul
#define LOGIC (ALL & ~0x10ul) /* AF is undefined */
#define CARRY 1ul	      /* BT and its kin */

static void moves(void)
{
	FORM("mov (%%rbx), %%al", ALL);
	FORM("mov (%%rbx), %%ah", ALL);
	FORM("mov 1(%%rbx), %%dh", ALL);
	FORM("mov 2(%%rbx), %%ax", ALL);
	FORM("mov 4(%%rbx), %%eax", ALL);
	FORM("mov (%%rbx), %%rax", ALL);
	FORM("mov %%al, (%%rbx)", ALL);
	FORM("mov %%ah, 3(%%rbx)", ALL);
	FORM("mov %%dx, 2(%%rbx)", ALL);
	FORM("mov %%edx, 4(%%rbx)", ALL);
	FORM("mov %%rdx, (%%rbx)", ALL);
	FORM("movb $0x5a, (%%rbx)", ALL);
	FORM("movw $0x5aa5, (%%rbx)", ALL);
	FORM("movl $0x80000001, (%%rbx)", ALL);
	FORM("movq $-2, (%%rbx)", ALL);
	FORM("movzbw (%%rbx), %%ax", ALL);
	FORM("movzbl (%%rbx), %%eax", ALL);
	FORM("movzbq 7(%%rbx), %%rax", ALL);
	FORM("movzwl 6(%%rbx), %%eax", ALL);
	FORM("movzwq (%%rbx), %%rdx", ALL);
	FORM("movsbw 7(%%rbx), %%ax", ALL);
	FORM("movsbl 7(%%rbx), %%eax", ALL);
	FORM("movsbq 7(%%rbx), %%rax", ALL);
	FORM("movswl 6(%%rbx), %%edx", ALL);
	FORM("movswq 6(%%rbx), %%rdx", ALL);
	FORM("movslq 4(%%rbx), %%rax", ALL);
	/* forms of addresses */
	FORM("movl %%eax, 8(%%rbx)", ALL);
	FORM("and $0x38, %%ecx; movl (%%rbx,%%rcx,1), %%eax", 0);
	FORM("and $3, %%ecx; movl -8(%%rbx,%%rcx,4), %%eax", 0);
	FORM("movl %%edx, %%fs:(%%rbx)", ALL);
	FORM("addr32 movl 4(%%ebx), %%eax", ALL);
	FORM("mov %%rbx, %%r12; movl 4(%%r12), %%eax", ALL);
	FORM("mov %%rbx, %%r13; movl %%eax, (%%r13)", ALL);
	/* not aligned */
	FORM("mov 1(%%rbx), %%eax", ALL);
	FORM("mov %%rdx, 3(%%rbx)", ALL);
}

static void arithmetic(void)
{
	FORM("addb %%al, (%%rbx)", ALL);
	FORM("addl %%eax, (%%rbx)", ALL);
	FORM("addq (%%rbx), %%rax", ALL);
	FORM("addl $0x7fffffff, (%%rbx)", ALL);
	FORM("addw $-1, (%%rbx)", ALL);
	FORM("adcl %%eax, (%%rbx)", ALL);
	FORM("adcq (%%rbx), %%rdx", ALL);
	FORM("subl %%edx, (%%rbx)", ALL);
	FORM("subb $0x80, (%%rbx)", ALL);
	FORM("sbbl %%eax, (%%rbx)", ALL);
	FORM("sbbw (%%rbx), %%dx", ALL);
	FORM("cmpl %%eax, (%%rbx)", ALL);
	FORM("cmpb (%%rbx), %%al", ALL);
	FORM("cmpq $-1, (%%rbx)", ALL);
	FORM("cmpl $0x44332211, (%%rbx)", ALL);
	FORM("orl %%eax, (%%rbx)", LOGIC);
	FORM("orb $0x80, 1(%%rbx)", LOGIC);
	FORM("andl %%eax, (%%rbx)", LOGIC);
	FORM("andq (%%rbx), %%rdx", LOGIC);
	FORM("xorl %%edx, (%%rbx)", LOGIC);
	FORM("xorw $0xffff, (%%rbx)", LOGIC);
	FORM("testl %%eax, (%%rbx)", LOGIC);
	FORM("testb $0x81, 3(%%rbx)", LOGIC);
	FORM("testq %%rdx, (%%rbx)", LOGIC);
	FORM("incl (%%rbx)", ALL);
	FORM("incb (%%rbx)", ALL);
	FORM("decl (%%rbx)", ALL);
	FORM("decq (%%rbx)", ALL);
	FORM("notl (%%rbx)", ALL);
	FORM("negl (%%rbx)", ALL);
	FORM("negw (%%rbx)", ALL);
	FORM("lock addl %%eax, (%%rbx)", ALL);
	FORM("lock orl $0x100, (%%rbx)", LOGIC);
	FORM("lock decl (%%rbx)", ALL);
}

static void exchanges(void)
{
	FORM("xchgl %%eax, (%%rbx)", ALL);
	FORM("xchgb %%ah, (%%rbx)", ALL);
	FORM("xchgq %%rdx, (%%rbx)", ALL);
	FORM("xaddl %%eax, (%%rbx)", ALL);
	FORM("lock xaddw %%dx, (%%rbx)", ALL);
	FORM("cmpxchgl %%edx, (%%rbx)", ALL);
	FORM("mov (%%rbx), %%eax; cmpxchgl %%edx, (%%rbx)", ALL);
	FORM("mov (%%rbx), %%rax; lock cmpxchgq %%rdx, (%%rbx)", ALL);
	FORM("cmpxchgb %%dl, (%%rbx)", ALL);
}

static void bits(void)
{
	FORM("btl $7, (%%rbx)", CARRY);
	FORM("btsl $31, (%%rbx)", CARRY);
	FORM("btrl $0, (%%rbx)", CARRY);
	FORM("btcq $63, (%%rbx)", CARRY);
	FORM("and $0x1ff, %%ecx; btl %%ecx, (%%rbx)", CARRY);
	FORM("and $0xff, %%ecx; btsl %%ecx, (%%rbx)", CARRY);
	FORM("and $0x7f, %%ecx; neg %%rcx; btcq %%rcx, (%%rbx)", CARRY);
	FORM("lock btsl $3, (%%rbx)", CARRY);
}

static void strings(void)
{
	FORM("mov %%rbx, %%rdi; stosb; mov %%rdi, %%rdx; sub %%rbx, %%rdx", ALL);
	FORM("mov %%rbx, %%rdi; stosl; mov %%rdi, %%rdx; sub %%rbx, %%rdx", ALL);
	FORM("mov %%rbx, %%rdi; mov $5, %%ecx; rep stosw; mov %%rdi, %%rdx; sub %%rbx, %%rdx", 0);
	FORM("mov %%rbx, %%rdi; mov $3, %%ecx; std; rep stosq; mov %%rdi, %%rdx; sub %%rbx, %%rdx", 0);
	FORM("mov %%rsi, %%r8; mov %%rbx, %%rsi; lodsl; mov %%rsi, %%rdx; sub %%rbx, %%rdx; mov %%r8, %%rsi",
	     0);
	FORM("mov %%rsi, %%r8; mov %%rbx, %%rsi; mov $3, %%ecx; rep lodsb; mov %%r8, %%rsi", 0);
	FORM("mov %%rsi, %%r8; mov %%rbx, %%rsi; lea 16(%%rbx), %%rdi; mov $4, %%ecx; rep movsl; mov %%rdi, "
	     "%%rdx; sub %%rsi, %%rdx;"
	     "mov %%r8, %%rsi",
	     0);
	FORM("mov %%rsi, %%r8; lea 24(%%rbx), %%rsi; lea 20(%%rbx), %%rdi; mov $7, %%ecx; std; rep movsb; "
	     "cld; mov %%r8, %%rsi",
	     0);
	FORM("mov %%rbx, %%rdi; mov (%%rbx), %%al; mov $8, %%ecx; repe scasb; sub %%rbx, %%rdi; mov %%rdi, "
	     "%%rdx",
	     ALL);
	FORM("mov %%rbx, %%rdi; mov 5(%%rbx), %%al; mov $8, %%ecx; repne scasb; sub %%rbx, %%rdi; mov %%rdi, "
	     "%%rdx",
	     ALL);
	FORM("mov %%rsi, %%r8; mov %%rbx, %%rsi; lea 8(%%rbx), %%rdi; mov $4, %%ecx; repne cmpsw; mov %%rsi, "
	     "%%rdx; sub %%rbx, %%rdx;"
	     "mov %%r8, %%rsi",
	     0);
	FORM("mov %%rbx, %%rdi; xor %%ecx, %%ecx; rep stosl", 0);
}

/* From the device to RAM and back, which FORM cannot do. */
static void between(void)
{
	u64 rsi = DEV + 32, rdi = (u64)ram + 5, rcx = 24;

	put((u8 *)DEV, start[0]);
	__asm__ volatile("rep movsb" : "+S"(rsi), "+D"(rdi), "+c"(rcx)::"memory");
	for (u32 i = 0; i < 24; i++)
		EQ(ram[5 + i], *(volatile u8 *)(DEV + 32 + i), "REP MOVSB from the device");
	EQ(rsi, DEV + 56, "RSI");
	EQ(rdi, (u64)ram + 29, "RDI");
	for (u32 i = 0; i < 64; i++)
		ram[i] = (u8)(i * 7);
	rsi = (u64)ram;
	rdi = DEV + 128;
	rcx = 8;
	__asm__ volatile("rep movsq" : "+S"(rsi), "+D"(rdi), "+c"(rcx)::"memory");
	for (u32 i = 0; i < 64; i++)
		EQ(*(volatile u8 *)(DEV + 128 + i), (u8)(i * 7), "REP MOVSQ to the device");
	rsi = (u64)ram;
	rdi = DEV + 128;
	rcx = 9;
	__asm__ volatile("repe cmpsq" : "+S"(rsi), "+D"(rdi), "+c"(rcx)::"memory", "cc");
	EQ(rcx, 0, "RCX after REPE CMPSQ");
	EQ(rdi, DEV + 128 + 72, "RDI after it");
	/* PUSH and POP with memory operands are not among those that reach devices; MOVs with immediate
	 * offsets are */
	u64 rax;
	__asm__ volatile("movabs 0xfeb00080, %%rax" : "=a"(rax));
	EQ(rax, *(u64 *)ram, "MOV from an absolute address");
	__asm__ volatile("movabs %%eax, 0xfeb00100" ::"a"(0x13572468));
	EQ(*(volatile u32 *)(DEV + 0x100), 0x13572468, "MOV to an absolute address");
	/* posted writes, then a read that sees them all */
	for (u32 i = 0; i < 256; i++)
		((volatile u32 *)(DEV + 0x800))[i] = i * 0x01010101;
	for (u32 i = 0; i < 256; i++)
		EQ(((volatile u32 *)(DEV + 0x800))[i], i * 0x01010101, "posted writes");
}

void test_main(void)
{
	moves();
	arithmetic();
	exchanges();
	bits();
	strings();
	between();
}
