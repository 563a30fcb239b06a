/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The first line of init: the kernel's release, and the time-stamp counter as user space reads it there.
 * The same line is printed natively and in a domain, so that the two boots can be compared in ticks.  No C
 * library: this has to be small and the first thing that runs.
 */
struct utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

static long syscall3(long n, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return r;
}

static char *put(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	return to;
}

static char *put_number(char *to, unsigned long n)
{
	char digits[20];
	int i = 0;

	do
		digits[i++] = (char)('0' + n % 10);
	while (n /= 10);
	while (i)
		*to++ = digits[--i];
	return to;
}

__attribute__((noreturn, force_align_arg_pointer)) void _start(void)
{
	unsigned int lo, hi;
	struct utsname u;
	char line[200], *end = line;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	syscall3(63, (long)&u, 0, 0); /* uname */
	end = put(end, "init: Caisson test initramfs, Linux ");
	end = put(end, u.release);
	end = put(end, ", tick ");
	end = put_number(end, (unsigned long)hi << 32 | lo);
	end = put(end, "\n");
	syscall3(1, 1, (long)line, end - line); /* write */
	for (;;)
		syscall3(60, 0, 0, 0); /* exit */
}
