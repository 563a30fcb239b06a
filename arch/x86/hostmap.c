/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/asm.h"
#include "arch/x86/cet.h"
#include "arch/x86/cpu.h"
#include "arch/x86/hostmap.h"
#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/main.h"
#include "hv/panic.h"
#include "hv/string.h"

#define RW	 (PG_READ | PG_WRITE)
#define BELOW_4G (1ull << 32)

/* linker.ld */
extern u8 boot_start[], image_text[], image_text_end[], image_rodata[], image_rodata_end[], image_sealed[],
	image_sealed_end[], image_data[], image_end[];

struct pgtable host_pgtable __ro_after_init;

/* ---- early memory: the largest gap below 4 GiB, which the boot page tables map ---- */
static struct boot_range *early; /* in the reserved list: grows */
static u64 early_end;

void early_init(struct bootinfo *bi)
{
	static struct frame_range gaps[FRAME_RANGES];
	u32 n = boot_free_ranges(bi, gaps, FRAME_RANGES);
	u64 start = 0;

	for (u32 i = 0; i < n; i++) {
		u64 top = MIN(gaps[i].end, BELOW_4G);

		if (gaps[i].base < top && top - gaps[i].base > early_end - start) {
			start = gaps[i].base;
			early_end = top;
		}
	}
	boot_reserve(bi, HPA(start), HPA(start));
	early = &bi->reserved[bi->reserved_count - 1];
}

void *early_alloc(u64 bytes)
{
	void *p = (void *)(DIRECT_MAP + early->end.v);

	bytes = ALIGN_UP(bytes, PAGE_SIZE);
	if (early_end - early->end.v < bytes)
		panic("no memory for the hypervisor itself: %lu KiB more are needed below 4 GiB",
		      bytes / 1024);
	early->end.v += bytes;
	return memset(p, 0, bytes);
}

/* ---- tables ---- */
static hpa_t __endbr table_alloc(void *ctx)
{
	(void)ctx;
	return arch_direct_pa(early_alloc(PAGE_SIZE));
}

/* Nothing gives tables back, and table_alloc() never fails half-way: it panics. */
static const struct pg_mem host_mem = { table_alloc, NULL, (u8 *)DIRECT_MAP };

static void map(u64 va, u64 pa, u64 bytes, u64 max_leaf, u32 prot, u32 memtype)
{
	int err = pg_map_range(&host_pgtable, va, HPA(pa), bytes,
			       cpu_has(CPU_PAGE1GB) ? max_leaf : MIN(max_leaf, SZ_2M), prot, memtype);

	ASSERT(!err, "mapping %#lx bytes of %#lx at %#lx: %d", bytes, pa, va, err);
}

/* [from, to) of the image, where it is linked. */
static void map_image(u64 from, u64 to, u32 prot)
{
	map(from, from - IMAGE_BASE, to - from, SZ_2M, prot, MT_WB);
}

/* All RAM but the image, which has no second view: what cannot be written there can be written nowhere. */
static void map_ram(const struct bootinfo *bi, u64 at, u64 max_leaf, u32 prot)
{
	const u64 image = (u64)boot_start, behind = (u64)image_end - IMAGE_BASE;

	for (u32 i = 0; i < bi->mem_count; i++) {
		const struct boot_range *m = &bi->mem[i];

		for (u32 n = 0; n < 2 && m->type == BOOT_MEM_RAM; n++) {
			u64 start = MAX(m->start.v, n ? behind : 0), end = MIN(m->end.v, n ? ~0ull : image);

			if (start < end)
				map(at + start, start, end - start, max_leaf, prot, MT_WB);
		}
	}
}

void hostmap_init(const struct bootinfo *bi)
{
	pg_init(&host_pgtable, &pg_format_host, &host_mem, NULL); /* or early_alloc() panics */
	map_image((u64)image_text, (u64)image_text_end, PG_READ | PG_EXEC);
	map_image((u64)image_rodata, (u64)image_rodata_end, PG_READ);
	map_image((u64)image_sealed, (u64)image_sealed_end, RW);
	map_image((u64)image_data, (u64)image_end, RW);
	map_ram(bi, DIRECT_MAP, SZ_2M, RW); /* arch_memory_final() takes out again what is not ours */
	map_ram(bi, DOMAIN_MAP, SZ_1G, RW | PG_USER);
	hostmap_load();
}

/* Takes every leaf in [va, end) out; the tables stay. */
static void hide(u64 va, u64 end)
{
	struct pg_leaf l;

	for (; va < end; va = (va | (l.size - 1)) + 1)
		pg_unmap(&host_pgtable, va, 0, &l);
}

void arch_memory_final(void)
{
	/* A table for either edge, if it lies inside a large page, makes the early memory longer. */
	pg_split(&host_pgtable, DIRECT_MAP + early->start.v);
	for (u64 end = 0; end != early->end.v;) {
		end = early->end.v;
		pg_split(&host_pgtable, DIRECT_MAP + end);
	}
	early_end = early->end.v;
	hide(DIRECT_MAP, DIRECT_MAP + early->start.v);
	hide(DIRECT_MAP + early_end, DOMAIN_MAP);
	hostmap_load();
}

static void seal(u64 va, u64 bytes)
{
	struct pg_leaf l;

	for (u64 end = va + bytes; va < end; va += PAGE_SIZE) {
		bool there = pg_lookup(&host_pgtable, va, &l);

		ASSERT(there && l.size == PAGE_SIZE, "%#lx", va);
		*l.entry &= ~(BIT(1) | BIT(6)); /* R/W, and D, or it were a shadow stack */
	}
}

void arch_seal(void)
{
	seal((u64)image_sealed, (u64)(image_sealed_end - image_sealed));
	hostmap_load();
}

void hostmap_load(void)
{
	write_cr3(host_pgtable.root.v);
}

/* One stack of `bytes` whose top is *va + bytes; *va goes past it and past the next guard page. */
static u64 map_stack(u64 *va, u64 bytes)
{
	u64 top = *va + bytes;

	map(*va, (u64)early_alloc(bytes) - DIRECT_MAP, bytes, PAGE_SIZE, RW, MT_WB);
	*va = top + PAGE_SIZE;
	return top;
}

void *hostmap_shadow(u64 va, u64 bytes)
{
	u8 *p = early_alloc(bytes);

	map(va, (u64)p - DIRECT_MAP, bytes, PAGE_SIZE, PG_WRITE, MT_WB);
	return p;
}

void hostmap_stacks(struct x86_pcpu *c, u32 n)
{
	u64 slot = STACK_AREA + n * STACK_SLOT, va = slot + PAGE_SIZE;

	_Static_assert(PAGE_SIZE + STACK_BYTES + IST_COUNT * (PAGE_SIZE + IST_BYTES) + SHADOW_BYTES <=
			       STACK_SLOT,
		       "a slot holds them, and the shadow stacks");
	c->stack_top = map_stack(&va, STACK_BYTES);
	for (u32 i = 0; i < IST_COUNT; i++)
		c->ist_top[i] = map_stack(&va, IST_BYTES);
	cet_stacks(c, slot);
}

/* ---- devices and firmware tables ---- */
static void *window(hpa_t pa, u64 bytes, u32 prot, u32 memtype)
{
	static u64 next = MMIO_AREA;
	u64 first = ALIGN_DOWN(pa.v, PAGE_SIZE), va = next + (pa.v - first);

	if (pa.v + bytes < pa.v || pa.v + bytes > BIT(cpu_info.phys_bits))
		return NULL;
	map(next, first, ALIGN_UP(pa.v + bytes, PAGE_SIZE) - first, SZ_1G, prot, memtype);
	next = ALIGN_UP(va + bytes, PAGE_SIZE) + PAGE_SIZE;
	return (void *)va;
}

void *mmio_map(hpa_t pa, u64 bytes)
{
	return window(pa, bytes, RW, MT_UC);
}

void *screen_map(hpa_t pa, u64 bytes)
{
	return window(pa, bytes, RW, MT_WC);
}

const void *__endbr firmware_map(hpa_t pa, u64 bytes)
{
	return bytes > SZ_2M ? NULL : window(pa, bytes, PG_READ, MT_WB);
}

/* ---- hv/arch.h ---- */
void *arch_direct_map(hpa_t pa)
{
	return (void *)(DIRECT_MAP + pa.v);
}

hpa_t arch_direct_pa(const void *va)
{
	return HPA((u64)va - DIRECT_MAP);
}

static u64 left; /* how often something left the direct map */

void arch_direct_set(hpa_t pa, u64 bytes, bool there)
{
	u64 va = DIRECT_MAP + pa.v;

	if (there) { /* its tables are there since boot */
		map(va, pa.v, bytes, SZ_2M, RW, MT_WB);
		return;
	}
	for (hide(va, va + bytes); bytes; bytes -= SZ_2M, va += SZ_2M)
		invlpg(va);
	__atomic_add_fetch(&left, 1, __ATOMIC_SEQ_CST);
}

/* A stale translation of another CPU's shows what the hypervisor has no business with any more, and nothing
 * else is wrong with it: it goes with the next kick. The watchdog's come every two seconds. */
void hostmap_kicked(struct x86_pcpu *c)
{
	u64 now = __atomic_load_n(&left, __ATOMIC_SEQ_CST);

	if (c->left_seen == now)
		return;
	c->left_seen = now;
	hostmap_load();
}

void *arch_domain_map(hpa_t pa)
{
	domain_open();
	return domain_ptr(pa);
}

void arch_domain_unmap(void)
{
	domain_close();
}
