/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* memfd_create() */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "hv/arch.h"
#include "hv/panic.h"
#include "tests/host/fake_arch.h"

struct fake fake;
struct pcpu fake_pcpu[FAKE_CPUS];
_Thread_local u32 fake_cpu;
_Thread_local bool fake_open;
_Thread_local jmp_buf *fake_panic_jump;

static void die(const char *what, u64 value)
{
	fprintf(stderr, "fake_arch: %s 0x%lx\n", what, value);
	abort();
}

void fake_reset(void)
{
	for (u32 i = 0; i < fake.regions; i++) {
		munmap(fake.region[i].mem, fake.region[i].bytes);
		munmap(fake.region[i].direct, fake.region[i].bytes);
	}
	memset(&fake, 0, sizeof(fake));
	memset(fake_pcpu, 0, sizeof(fake_pcpu));
	for (u32 i = 0; i < FAKE_CPUS; i++) {
		fake_pcpu[i].id = i;
		fake.timer[i] = ~0ull;
	}
	fake.cpus = 1;
	fake.khz = 1000000;
	fake_cpu = 0;
	fake_open = false;
}

/* Where hv/run.c is linked, its own. */
__attribute__((weak)) void run_turn_ends(struct pcpu *c)
{
	fake.turns[c->id]++;
}

void *fake_memory(u64 base, u64 bytes, bool lazy)
{
	int fd = memfd_create("ram", 0);
	char *m, *direct;

	if (fd < 0 || ftruncate(fd, (off_t)bytes))
		die("no memory for", base);
	m = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	direct = mmap(NULL, bytes, PROT_NONE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	close(fd);
	if (m == MAP_FAILED || direct == MAP_FAILED || fake.regions == FAKE_REGIONS)
		die("no memory for", base);
	if (!lazy)
		memset(m, 0xa5, bytes);
	fake.region[fake.regions].base = base;
	fake.region[fake.regions].bytes = bytes;
	fake.region[fake.regions].direct = direct;
	fake.region[fake.regions++].mem = m;
	return m;
}

void *fake_at(u64 pa)
{
	for (u32 i = 0; i < fake.regions; i++)
		if (pa - fake.region[i].base < fake.region[i].bytes)
			return fake.region[i].mem + (pa - fake.region[i].base);
	die("no memory at", pa);
	return NULL;
}

struct pcpu *this_cpu(void)
{
	return &fake_pcpu[fake_cpu];
}

struct pcpu *cpu_by_id(u32 id)
{
	return id < fake.cpus ? &fake_pcpu[id] : NULL;
}

u32 cpus_online(void)
{
	return fake.cpus;
}

void arch_cpu_kick(struct pcpu *c)
{
	__atomic_add_fetch(&fake.kicks[c->id], 1, __ATOMIC_RELAXED);
	__atomic_store_n(&fake.kicked[c->id], true, __ATOMIC_RELEASE);
}

void arch_irq_window(void)
{
	if (fake_open)
		die("a window on domains' frames is open across an interrupt window", 0);
	fake.windows++;
	if (fake.window)
		fake.window();
}

u64 arch_now(void)
{
	struct timespec t;

	if (!fake.real)
		return fake.now += fake.step;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

u64 arch_tsc_khz(void)
{
	return fake.khz;
}

u64 arch_ticks_to_ns(u64 ticks)
{
	return (u64)((unsigned __int128)ticks * 1000000 / fake.khz);
}

u64 arch_ns_to_ticks(u64 ns)
{
	return (u64)((unsigned __int128)ns * fake.khz / 1000000);
}

void arch_timer_set(u64 deadline)
{
	fake.timer[fake_cpu] = deadline;
	fake.timer_sets[fake_cpu]++;
}

void *arch_direct_map(hpa_t pa)
{
	for (u32 i = 0; i < fake.regions; i++)
		if (pa.v - fake.region[i].base < fake.region[i].bytes)
			return fake.region[i].direct + (pa.v - fake.region[i].base);
	die("no memory at", pa.v);
	return NULL;
}

hpa_t arch_direct_pa(const void *va)
{
	for (u32 i = 0; i < fake.regions; i++)
		if ((u64)va - (u64)fake.region[i].direct < fake.region[i].bytes)
			return HPA(fake.region[i].base + ((u64)va - (u64)fake.region[i].direct));
	die("not in the direct map", (u64)va);
	return HPA(0);
}

void arch_direct_set(hpa_t pa, u64 bytes, bool there)
{
	if (mprotect(arch_direct_map(pa), bytes, there ? PROT_READ | PROT_WRITE : PROT_NONE))
		die("mprotect at", pa.v);
}

void *arch_domain_map(hpa_t pa)
{
	fake_open = true;
	fake.mapped++;
	return fake_at(fake.fold && pa.v >= fake.fold ? fake.fold + pa.v % SZ_2M : pa.v);
}

void arch_domain_unmap(void)
{
	if (!fake_open)
		die("no window on domains' frames to close", 0);
	fake_open = false;
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake.panic_text, sizeof(fake.panic_text), fmt, ap);
	va_end(ap);
	if (fake_panic_jump) {
		fake.panics++;
		longjmp(*fake_panic_jump, 1);
	}
	fprintf(stderr, "panic: %s\n", fake.panic_text);
	abort();
}
