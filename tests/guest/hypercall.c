/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hypercalls of a domain without rights: what everybody may do works, everything else is -EPERM and does
 * nothing, whatever its arguments; wrong numbers are -ENOSYS; ring 3 gets -EPERM, other modes -ENOSYS; no
 * register but RAX changes.
 */
#include "guest/lib/hypercall.h"
#include "tests/guest/common/test.h"

static const u64 odd[] = {
	0, 3000, CAISSON_SELF, 0x100000, 0xfee00000, 0xffffffffffffffff, 0x8000000000000000, 0x7fffffffffff
};

static s64 call(u64 nr)
{
	return hypercall((u32)nr, 0, 0, 0, 0, 0);
}

static void open_ones(void)
{
	static struct caisson_time t[3] __attribute__((aligned(4096)));
	struct caisson_time *over = (struct caisson_time *)((u64)t + 4096 - 8);

	EQ(hc_version(), CAISSON_ABI_VERSION, "version");
	EQ(hc_time(t), 0, "time");
	CHECK(t[0].tsc_khz == tsc_khz(), "time's frequency is %lu", t[0].tsc_khz);
	static u8 room[2 * 4096] __attribute__((aligned(4096)));
	over = (struct caisson_time *)(room + 4096 - 8);
	EQ(hc_time(over), 0, "time over two pages");
	EQ(over->tsc_khz, tsc_khz(), "what stands in the second page");
	/* addresses that are not its RAM */
	EQ(hypercall(CAISSON_CALL_time, 0xf0000000, 0, 0, 0, 0), -CAISSON_EFAULT, "time to nowhere");
	EQ(hypercall(CAISSON_CALL_time, 0xe0000, 0, 0, 0, 0), -CAISSON_EFAULT, "time to ROM");
	EQ(hypercall(CAISSON_CALL_time, guest_ram_end() - 8, 0, 0, 0, 0), -CAISSON_EFAULT,
	   "time over the end of RAM");
	EQ(hypercall(CAISSON_CALL_time, ~0ul - 7, 0, 0, 0, 0), -CAISSON_EFAULT, "time over the end of all");
	EQ(hc_wait(0, CAISSON_DEADLINE_NOW), 0, "wait with a deadline that has passed");
	CHECK(hc_wait(CAISSON_ANSWER | 5 << 16, CAISSON_DEADLINE_NOW) <= 0, "answering for another domain");
	CHECK(hc_foreign_unmap(0x100000) < 0, "unmapping what was never mapped");
}

static void closed_ones(void)
{
	static const struct {
		u64 nr;
		const char *name;
	} closed[] = {
#define CLOSED(n, name) { CAISSON_CALL_BASE + n, #name },
		CAISSON_CALLS(CLOSED)
#undef CLOSED
	};

	for (u32 i = 0; i < ARRAY_SIZE(closed); i++) {
		u64 nr = closed[i].nr;

		if (nr == CAISSON_CALL_version || nr == CAISSON_CALL_time || nr == CAISSON_CALL_wait ||
		    nr == CAISSON_CALL_foreign_unmap)
			continue;
		for (u32 a = 0; a < ARRAY_SIZE(odd); a++) {
			/* for domain 0, for one that is not there, for itself */
			s64 r = hypercall((u32)nr, odd[a] == CAISSON_SELF ? 0 : odd[a], odd[(a + 3) % 8],
					  odd[(a + 5) % 8], 1, odd[a]);

			CHECK(r == -CAISSON_EPERM || r == -CAISSON_ENOENT || r == -CAISSON_EINVAL ||
				      r == -CAISSON_EFAULT,
			      "%s(%lx): %ld", closed[i].name, odd[a], (long)r);
		}
		CHECK(hypercall((u32)nr, CAISSON_CONTROL, 0, 0, 0, 0) == -CAISSON_EPERM,
		      "%s of the control domain is not refused", closed[i].name);
	}
#define ONE(n, name) [n] = true,
	static const bool is_call[] = { CAISSON_CALLS(ONE) };
	static const u64 none[] = { CAISSON_CALL_BASE + ARRAY_SIZE(is_call), CAISSON_CALL_BASE + 0xffff,
				    0x10000, 0x43520000, 0xffffffff };
	for (u32 i = 0; i < ARRAY_SIZE(none); i++)
		EQ(call(none[i]), -CAISSON_ENOSYS, "a number that is none");
	/* KVM's numbers have KVM's errors */
	EQ(call(0), -1000, "KVM's call 0");
	EQ(call(9999), -1000, "KVM's call 9999");
	EQ(call(4), -1000, "KVM's call 4"); /* between those that are offered (pv_*.c) */
	EQ(call(12), -1000, "KVM's call 12");
	/* the whole of RAX is the number in 64-bit mode */
	s64 ret = 0x100000000 | CAISSON_CALL_version;
	if (guest_is_amd)
		__asm__ volatile("vmmcall" : "+a"(ret)::"memory");
	else
		__asm__ volatile("vmcall" : "+a"(ret)::"memory");
	EQ(ret, -CAISSON_ENOSYS, "a number above 32 bits");
}

static s64 user_result[4];
static void from_ring3(void)
{
	user_result[0] = call(CAISSON_CALL_version);
	user_result[1] = call(0);
	user_result[2] = call(CAISSON_CALL_power);
	user_result[3] = call(11);
}

static void registers(void)
{
	u64 b = 0x1b, c = 0x1c, d = 0x1d, si = 0x51, di = 0xd1, r;
	register u64 r8 __asm__("r8") = 8;
	register u64 r11 __asm__("r11") = 11;
	register u64 r15 __asm__("r15") = 15;

	r = CAISSON_CALL_version;
	if (guest_is_amd)
		__asm__ volatile("vmmcall"
				 : "+a"(r), "+b"(b), "+c"(c), "+d"(d), "+S"(si), "+D"(di), "+r"(r8),
				   "+r"(r11), "+r"(r15));
	else
		__asm__ volatile("vmcall"
				 : "+a"(r), "+b"(b), "+c"(c), "+d"(d), "+S"(si), "+D"(di), "+r"(r8),
				   "+r"(r11), "+r"(r15));
	bool same = b == 0x1b && c == 0x1c && d == 0x1d && si == 0x51 && di == 0xd1 && r8 == 8 && r11 == 11 &&
		    r15 == 15;

	EQ(r, CAISSON_ABI_VERSION, "RAX");
	CHECK(same, "a register other than RAX changed");
}

extern u8 code32[];

void test_main(void)
{
	open_ones();
	closed_ones();
	registers();
	user_pages();
	user_call(from_ring3);
	EQ(user_result[0], -CAISSON_EPERM, "version at CPL 3");
	EQ(user_result[1], -CAISSON_EPERM, "KVM's call 0 at CPL 3");
	EQ(user_result[2], -CAISSON_EPERM, "power at CPL 3");
	EQ(user_result[3], -CAISSON_EPERM, "KVM's yield at CPL 3");
	EQ(call32(code32, CAISSON_CALL_version), (u32)-CAISSON_ENOSYS, "version in 32-bit mode");
	EQ(call32(code32, 9999), (u32)-1000, "KVM's call in 32-bit mode");
	EQ(call32(code32, 11), 0, "KVM's yield in 32-bit mode");
}
