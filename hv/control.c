/* SPDX-License-Identifier: BSD-2-Clause */
#include "hv/control.h"
#include "hv/arch.h"
#include "hv/console.h"
#include "hv/domain.h"
#include "hv/event.h"
#include "hv/frame.h"
#include "hv/ioreq.h"
#include "hv/log.h"
#include "hv/panic.h"
#include "hv/pcpu.h"
#include "hv/rights.h"
#include "hv/string.h"
#include "hv/version.h"
#include "hv/trace.h"

/* One that crashes sooner after its start would do so again. */
#define AGAIN_NS 500000000ull

static const struct bootinfo *boot;
static struct domain *control;
static u64 ram_end, started; /* of the control domain: bytes, TSC of its last start */
static bool boot_quiet;

/* ELF64, as far as the one image that the hypervisor itself loads needs it.
 * TIS: "Object Files", "Program Header". */
struct elf64 {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct elf64_ph {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};
#define ELF_MACHINE_X86_64 62
#define ELF_PT_LOAD	   1

/* PVH: "x86/HVM direct boot ABI" */
struct pvh_start {
	u32 magic, version, flags, nr_modules;
	u64 modlist, cmdline, rsdp, memmap;
	u32 memmap_entries, reserved;
};
struct pvh_memmap {
	u64 addr, size;
	u32 type, reserved;
};
#define PVH_MAGIC 0x336ec578u
#define LOW_RAM	  0xa0000ull
#define HIGH_RAM  0x100000ull
/* Where the start information stands in its low memory. */
#define START_GPA 0x1000ull

const struct boot_module *control_module(u64 index)
{
	return index < boot->module_count ? &boot->module[index] : NULL;
}

u64 control_boot_tsc(void)
{
	return boot->tsc;
}

/* Module bytes are the machine's, in no domain:
 * the one reader of them here goes page by page like everybody else. */
static bool module_read(const struct boot_module *m, u64 offset, void *to, u64 bytes)
{
	if (offset > m->end.v - m->start.v || bytes > m->end.v - m->start.v - offset)
		return false;
	memcpy(to, (char *)arch_domain_map(HPA(m->start.v + offset)), bytes);
	arch_domain_unmap();
	return true;
}

static void control_segment(struct domain *d, const struct boot_module *m, const struct elf64_ph *ph)
{
	static char page[PAGE_SIZE];

	for (u64 done = 0, n; done < ph->filesz; done += n) {
		n = MIN(PAGE_SIZE, ph->filesz - done);
		if (!module_read(m, ph->offset + done, page, n))
			panic("control image: a segment lies outside the file");
		if (!memory_write(d, ph->paddr + done, page, n))
			panic("control image: segment at %lx is outside its memory", ph->paddr + done);
	}
}

static u64 control_load(struct domain *d, const struct boot_module *m)
{
	struct elf64 e;

	if (!module_read(m, 0, &e, sizeof(e)) || memcmp(e.ident, "\177ELF\2\1", 6) ||
	    e.machine != ELF_MACHINE_X86_64)
		panic("control image: not an ELF64 file for x86-64");
	if (e.phentsize != sizeof(struct elf64_ph) || e.phnum > 16)
		panic("control image: odd program headers");
	for (u32 i = 0; i < e.phnum; i++) {
		struct elf64_ph ph;

		if (!module_read(m, e.phoff + i * sizeof(ph), &ph, sizeof(ph)))
			panic("control image: program headers lie outside the file");
		if (ph.type == ELF_PT_LOAD)
			control_segment(d, m, &ph);
	}
	return e.entry;
}

static void control_start_info(struct domain *d)
{
	const char *cmdline = boot->module[0].cmdline;
	struct {
		struct pvh_start s;
		struct pvh_memmap map[2];
		char cmdline[BOOT_CMDLINE];
	} info;

	memset(&info, 0, sizeof(info));
	info.s.magic = PVH_MAGIC;
	info.s.version = 1;
	info.s.cmdline = START_GPA + offsetof(__typeof__(info), cmdline);
	info.s.memmap = START_GPA + offsetof(__typeof__(info), map);
	info.s.memmap_entries = 2;
	info.map[0] = (struct pvh_memmap){ 0, LOW_RAM, 1, 0 };
	info.map[1] = (struct pvh_memmap){ HIGH_RAM, ram_end - HIGH_RAM, 1, 0 };
	str_copy(info.cmdline, cmdline, sizeof(info.cmdline));
	if (!memory_write(d, START_GPA, &info, sizeof(info)))
		panic("control domain: no low memory");
}

static void control_populate(struct domain *d, u64 gpa, u64 pages)
{
	while (pages) {
		s64 n = memory_populate(d, gpa, pages, 0);

		if (n <= 0)
			panic("control domain: no memory (%lld)", (long long)n);
		gpa += (u64)n * PAGE_SIZE;
		pages -= (u64)n;
	}
}

/* Paused and empty: its image, and its vCPU at the image's start. */
static void control_fill(struct domain *d)
{
	static struct caisson_vcpu_context ctx;
	int r;

	control_populate(d, 0, LOW_RAM / PAGE_SIZE);
	control_populate(d, HIGH_RAM, (ram_end - HIGH_RAM) / PAGE_SIZE);
	arch_vcpu_get_context(d->vcpu[0], &ctx);
	ctx.rip = control_load(d, &boot->module[0]);
	control_start_info(d);
	/* PVH: "x86/HVM direct boot ABI":
	 * 32-bit protected mode, flat segments, paging off, EBX = start info */
	ctx.gpr[3] = START_GPA;
	ctx.rflags = 2;
	ctx.cr0 = 1;
	ctx.cs = (struct caisson_segment){ 0, ~0u, 8, 0xc09b };
	ctx.ds = ctx.es = ctx.fs = ctx.gs = ctx.ss = (struct caisson_segment){ 0, ~0u, 16, 0xc093 };
	ctx.tr = (struct caisson_segment){ 0, 0x67, 0, 0x8b };
	ctx.activity = CAISSON_ACT_RUN;
	r = arch_vcpu_set_context(d->vcpu[0], &ctx);
	if (r)
		panic("control domain: its start state is refused (%d)", r);
	control = d;
	started = arch_now();
	domain_unpause(d, false);
}

void control_start(const struct bootinfo *bi, u64 ram_mib, bool quiet)
{
	static struct caisson_create c = { .abi_version = CAISSON_ABI_VERSION,
					   .vcpus = 1,
					   .name = "control" };
	struct domain *d;
	int r;

	boot = bi;
	boot_quiet = quiet;
	ram_end = ram_mib << 20;
	if (!bi->module_count)
		panic("no control domain: the boot loader gave no module (module2 control.elf control)");
	c.pages = ram_end / PAGE_SIZE;
	r = domain_create(&c, NULL, &d);
	if (r)
		panic("control domain: cannot be made (%d); control_mem=%lu is too much?", r, ram_mib);
	d->rights.machine = d->rights.domains = RIGHT_ALL;
	r = domain_vcpu_create(d, 0);
	if (r)
		panic("control domain: no vCPU (%d)", r);
	control_fill(d);
}

void control_ended(struct domain *d)
{
	struct vcpu *v = this_cpu()->current;

	log_err("the control domain ended: %s", d->why);
	if (d->ended == CAISSON_END_RESET)
		arch_reboot();
	if (d->ended != CAISSON_END_CRASH && d->ended != CAISSON_END_DESTROY)
		arch_poweroff();
	/* Itself, in an exit: it is started again when it has left the CPU.
	 * Else whoever ended it calls control_again(). */
	if (v && v->domain == d)
		vcpu_sleep(v, SLEEP_AGAIN);
}

int control_again(void)
{
	struct domain *d = __atomic_exchange_n(&control, NULL, __ATOMIC_SEQ_CST); /* one CPU at a time */
	int r = -CAISSON_EAGAIN;

	if (!d)
		return r;
	if (!READ_ONCE(d->ended)) { /* another CPU was first */
		r = 0;
	} else if (arch_now() - started < arch_ns_to_ticks(AGAIN_NS)) {
		log_err("guests go on without their device models; switch the machine off");
		r = -CAISSON_EBUSY;
	}
	/* Its claims on other domains, its rights and its id stay; all that it had mapped goes. */
	if (r == -CAISSON_EAGAIN)
		r = domain_reset(d) ? -CAISSON_EAGAIN : 1;
	if (r <= 0) {
		control = d;
		return r;
	}
	events_init(&d->events);
	control_fill(d);
	/* Whatever happened meanwhile. */
	for (u32 port = 0; port < CAISSON_EVENT_FREE; port++)
		event_send(d, port);
	return 0;
}

void control_again_now(void)
{
	while (control_again() == -CAISSON_EAGAIN)
		arch_irq_window();
}

void event_control(u32 port)
{
	struct domain *d = READ_ONCE(control);

	if (d)
		event_send(d, port);
}

void event_send(struct domain *d, u32 port)
{
	if (d->vcpu[0])
		trace(d->vcpu[0], CAISSON_TRACE_EVENT, port, 0, 0);
	if (__atomic_fetch_or(&d->events.pending, BIT(port), __ATOMIC_SEQ_CST) & BIT(port))
		return;
	ioreq_notify(d);
}

void console_rx_notify(void)
{
	event_control(CAISSON_EVENT_CONSOLE_RX);
}

void console_tx_notify(void)
{
	event_control(CAISSON_EVENT_CONSOLE_TX);
}

void control_physinfo(struct caisson_physinfo *p)
{
	struct frame_counts f;

	memset(p, 0, sizeof(*p));
	frame_count(&f);
	p->abi_version = CAISSON_ABI_VERSION;
	p->cpus = cpus_online();
	p->cpus_found = arch_cpus_found();
	p->frames_total = f.total;
	p->frames_free = f.free;
	p->frames_reserved = f.reserved;
	p->frames_hv = f.hv;
	p->tsc_khz = arch_tsc_khz();
	p->apic_khz = arch_apic_khz();
	p->uptime_ns = arch_ticks_to_ns(arch_now() - boot->tsc);
	p->domains = domain_count();
	p->boot_flags = boot_quiet ? CAISSON_BOOT_QUIET : 0;
	p->phys_bits = arch_phys_bits();
	p->prompt_tsc = boot->tsc;
	str_copy(p->version, CAISSON_VERSION, sizeof(p->version));
	str_copy(p->vendor, arch_vendor(), sizeof(p->vendor));
	arch_cpu_brand(p->cpu_brand);
	str_copy(p->irq_path, arch_irq_path(), sizeof(p->irq_path));
	str_copy(p->cmdline, boot->cmdline, sizeof(p->cmdline));
}
