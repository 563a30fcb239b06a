/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/asm.h"
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
extern u8 image_text[], image_text_end[], image_rodata[], image_rodata_end[], image_sealed[], image_sealed_end[], image_data[], image_end[];

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

void arch_memory_final(void)
{
	early_end = early->end.v;
}

/* ---- tables ---- */
static hpa_t table_alloc(void *ctx)
{
	(void)ctx;
	return arch_direct_pa(early_alloc(PAGE_SIZE));
}

/* Nothing gives tables back, and table_alloc() never fails half-way: it panics. */
static const struct pg_mem host_mem = { table_alloc, NULL, (u8 *)DIRECT_MAP };

static void map(u64 va, u64 pa, u64 bytes, u32 prot, u32 memtype)
{
	int err = pg_map_range(&host_pgtable, va, HPA(pa), bytes, cpu_has(CPU_PAGE1GB) ? SZ_1G : SZ_2M, prot,
			       memtype);

	ASSERT(!err, "mapping %#lx bytes of %#lx at %#lx: %d", bytes, pa, va, err);
}

/* [from, to) of the image, where it is linked. */
static void map_image(u64 from, u64 to, u32 prot)
{
	map(from, from - IMAGE_BASE, to - from, prot, MT_WB);
}

/* What of RAM lies between two addresses into the direct map. */
static void map_direct(const struct bootinfo *bi, u64 from, u64 to, u32 prot)
{
	for (u32 i = 0; i < bi->mem_count; i++) {
		u64 start = MAX(bi->mem[i].start.v, from), end = MIN(bi->mem[i].end.v, to);

		if (bi->mem[i].type == BOOT_MEM_RAM && start < end)
			map(DIRECT_MAP + start, start, end - start, prot, MT_WB);
	}
}

void hostmap_init(const struct bootinfo *bi)
{
	u64 fixed = (u64)image_text - IMAGE_BASE, fixed_end = (u64)image_rodata_end - IMAGE_BASE;
	u64 sealed_end = (u64)image_sealed_end - IMAGE_BASE;

	pg_init(&host_pgtable, &pg_format_host, &host_mem, NULL); /* or early_alloc() panics */
	map_image((u64)image_text, (u64)image_text_end, PG_READ | PG_EXEC);
	map_image((u64)image_rodata, (u64)image_rodata_end, PG_READ);
	map_image((u64)image_sealed, (u64)image_sealed_end, RW);
	map_image((u64)image_data, (u64)image_end, RW);
	/* What is read-only in the image is read-only in the direct map, too. */
	map_direct(bi, 0, fixed, RW);
	map_direct(bi, fixed, fixed_end, PG_READ);
	map_direct(bi, fixed_end, sealed_end, RW);
	map_direct(bi, sealed_end, ~0ull, RW);
	hostmap_load();
}

static void seal(u64 va, u64 bytes)
{
	struct pg_leaf l;

	for (u64 end = va + bytes; va < end; va += PAGE_SIZE) {
		bool there = pg_lookup(&host_pgtable, va, &l);

		ASSERT(there && l.size == PAGE_SIZE, "%#lx", va);
		*l.entry &= ~BIT(1); /* SDM volume 3, "4-Level Paging": R/W */
	}
}

void arch_seal(void)
{
	seal((u64)image_sealed, (u64)(image_sealed_end - image_sealed));
	seal(DIRECT_MAP + (u64)image_sealed - IMAGE_BASE, (u64)(image_sealed_end - image_sealed));
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

	map(*va, (u64)early_alloc(bytes) - DIRECT_MAP, bytes, RW, MT_WB);
	*va = top + PAGE_SIZE;
	return top;
}

void hostmap_stacks(struct x86_pcpu *c, u32 n)
{
	u64 va = STACK_AREA + n * STACK_SLOT + PAGE_SIZE;

	_Static_assert(PAGE_SIZE + STACK_BYTES + IST_COUNT * (PAGE_SIZE + IST_BYTES) <= STACK_SLOT,
		       "a slot holds them");
	c->stack_top = map_stack(&va, STACK_BYTES);
	for (u32 i = 0; i < IST_COUNT; i++)
		c->ist_top[i] = map_stack(&va, IST_BYTES);
}

/* ---- devices and firmware tables ---- */
static void *window(hpa_t pa, u64 bytes, u32 prot, u32 memtype)
{
	static u64 next = MMIO_AREA;
	u64 first = ALIGN_DOWN(pa.v, PAGE_SIZE), va = next + (pa.v - first);

	if (pa.v + bytes < pa.v || pa.v + bytes > BIT(cpu_info.phys_bits))
		return NULL;
	map(next, first, ALIGN_UP(pa.v + bytes, PAGE_SIZE) - first, prot, memtype);
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

const void *firmware_map(hpa_t pa, u64 bytes)
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

/*
 * The one place that knows how frames of domains are reached. Today they are in the direct map; when they
 * leave it, these two open and close the window (STAC and CLAC around a mapping that CPL 3 could use, or a
 * per-CPU mapping).
 */
void *arch_domain_map(hpa_t pa)
{
	return domain_ptr(pa);
}

void arch_domain_unmap(void)
{
}
