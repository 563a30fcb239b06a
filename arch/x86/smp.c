/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86/asm.h"
#include "arch/x86/cet.h"
#include "arch/x86/cpu.h"
#include "arch/x86/doctor.h"
#include "arch/x86/hostmap.h"
#include "arch/x86/lapic.h"
#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"
#include "arch/x86/smp.h"
#include "arch/x86/tsc.h"
#include "drivers/clocks.h"
#include "hv/abi/caisson.h"
#include "hv/arch.h"
#include "hv/bootinfo.h"
#include "hv/log.h"
#include "hv/main.h"
#include "hv/panic.h"
#include "hv/string.h"

#define INIT_WAIT_US   10000 /* "MP Initialization Example" */
#define SIPI_WAIT_US   200
#define ANSWER_WAIT_US 200000
#define NMI_TEST_US    100
#define NMI_WAIT_MS    10
#define NMI_US	       1000000

/* boot/trampoline.asm */
extern const u8 trampoline[], trampoline_prot[], trampoline_long[], trampoline_end[];

static struct x86_pcpu *cpus[CAISSON_MAX_CPUS]; /* of the MADT, without the boot CPU */
static u32 count, found;			/* in cpus; in the MADT */
static u64 page;				/* of the trampoline, below 1 MiB */
static struct x86_pcpu *offer;			/* to the CPU that is called: it takes it */
static bool released;
static u64 tsc_adjust; /* of the boot CPU */
static const struct acpi_info *tables;

u32 arch_cpus_found(void)
{
	return found;
}

/* The highest free page of RAM below 1 MiB;
 * page 0 and what the firmware keeps are not in the map, or not taken. */
static u64 find_low_page(const struct bootinfo *bi)
{
	u64 at = 0x9f000;

	while (at && !boot_in_ram(bi, HPA(at), HPA(at + PAGE_SIZE)))
		at -= PAGE_SIZE;
	return at;
}

/* Page tables of the way in:
 * the trampoline's page at its own address, and all of the hypervisor's upper half. */
static u64 trampoline_tables(void)
{
	struct pgtable t;
	int err = pg_init(&t, &pg_format_host, host_pgtable.mem, NULL);
	u64 *root;

	if (!err)
		err = pg_map(&t, page, HPA(page), PAGE_SIZE, PG_READ | PG_EXEC, MT_WB);
	ASSERT(!err, "%d", err);
	root = arch_direct_map(t.root);
	memcpy(root + 256, (u64 *)arch_direct_map(host_pgtable.root) + 256, PAGE_SIZE / 2);
	return t.root.v;
}

static void ap_main(void *cpu);

static void fill_trampoline(void)
{
	u8 *to = arch_direct_map(HPA(page));
	struct ap_start *a = (struct ap_start *)(to + AP_START_OFFSET);
	u32 at = (u32)page;

	ASSERT(trampoline_end - trampoline <= AP_START_OFFSET && sizeof(*a) <= PAGE_SIZE - AP_START_OFFSET,
	       "size %ld", trampoline_end - trampoline);
	memcpy(to, trampoline, (u64)(trampoline_end - trampoline));
	*a = (struct ap_start){
		.gdt = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff },
		.gdt_ptr = { sizeof(a->gdt) - 1, at + AP_START_OFFSET },
		.prot = { at + (u32)(trampoline_prot - trampoline), SEL_CODE },
		.longmode = { at + (u32)(trampoline_long - trampoline), SEL_AP_LONG },
		.cr3 = trampoline_tables(),
		.offer = &offer,
		.entry = ap_main,
	};
}

void smp_prepare(struct bootinfo *bi, const struct acpi_info *acpi, u32 want)
{
	u32 self = x86_this_cpu()->apic_id;

	tables = acpi;
	found = acpi->cpu_count;
	for (u32 i = 0; i < acpi->cpu_count && count + 1 < want; i++) {
		u32 id = acpi->cpu_apic_id[i];

		if (id == self)
			continue;
		if (id > 254 && !lapic_is_x2apic()) {
			log_warn("CPU with APIC id %u is left out: no x2APIC to reach it by", id);
			continue;
		}
		cpus[count] = early_alloc(sizeof(struct x86_pcpu));
		cpus[count]->apic_id = id;
		hostmap_stacks(cpus[count], count + 1);
		count++;
	}
	page = find_low_page(bi);
	if (count && !page) {
		log_warn("no free page below 1 MiB: one CPU only");
		count = 0;
	}
	if (count)
		fill_trampoline();
}

/* Until the offer is taken, or that time is over. */
static bool wait_answer(u64 us)
{
	u64 end = arch_now() + us * arch_tsc_khz() / 1000;

	while (__atomic_load_n(&offer, __ATOMIC_ACQUIRE) && arch_now() < end)
		arch_pause();
	return !__atomic_load_n(&offer, __ATOMIC_ACQUIRE);
}

static bool start(struct x86_pcpu *c)
{
	u32 startup = IPI_STARTUP | (u32)(page >> PAGE_SHIFT);

	__atomic_store_n(&offer, c, __ATOMIC_SEQ_CST);
	lapic_ipi(c->apic_id, startup);
	if (wait_answer(SIPI_WAIT_US))
		return true;
	lapic_ipi(c->apic_id, startup); /* only where the first was not heard */
	return wait_answer(ANSWER_WAIT_US) || !__atomic_exchange_n(&offer, NULL, __ATOMIC_SEQ_CST);
}

/* Who finds a CPU that hangs: another one, or a timer that was seen to make an NMI of this one. */
static void find_watchdog(void)
{
	struct x86_pcpu *c = x86_this_cpu();
	const char *name = cpus_online() > 1 ? "the next CPU" : NULL;

	for (const struct nmi_timer *t = nmi_timers; !name && t < nmi_timers + NMI_TIMERS; t++) {
		u32 before = READ_ONCE(c->nmis);
		u64 end = arch_now() + arch_tsc_khz() * NMI_WAIT_MS;

		if (t->start(tables, NMI_TEST_US, c->apic_id))
			while (READ_ONCE(c->nmis) == before && arch_now() < end)
				arch_pause();
		if (READ_ONCE(c->nmis) != before && t->start(tables, NMI_US, c->apic_id))
			name = t->name;
		else
			t->start(tables, 0, c->apic_id);
	}
	doctor_feature(name, 0, "watchdog", name,
		       "one CPU alone: nobody finds it when it hangs with interrupts off");
}

/* How many have another TSC. */
static u32 cpus_start(void)
{
	u64 called = arch_now();
	u32 apart = 0;

	tsc_adjust = cpu_has(CPU_TSC_ADJUST) ? rdmsr(MSR_TSC_ADJUST) : 0;
	offer = cpus[0];
	for (u32 i = 0; i < count; i++)
		lapic_ipi(cpus[i]->apic_id, IPI_INIT);
	wait_answer(INIT_WAIT_US); /* once for all of them; an INIT alone is not answered */
	for (u32 i = 0; i < count; i++) {
		if (!start(cpus[i])) {
			log_warn("CPU with APIC id %u does not answer: left out", cpus[i]->apic_id);
			lapic_ipi(cpus[i]->apic_id,
				  IPI_INIT); /* it shall not take what is meant for another */
			continue;
		}
		percpu_register(cpus[i]);
		while (!__atomic_load_n(&cpus[i]->ready, __ATOMIC_ACQUIRE))
			arch_pause();
		/* Between the call and now, or its clock is another one. */
		if (cpus[i]->tsc_at_start < called || cpus[i]->tsc_at_start > arch_now())
			apart++;
		called = arch_now();
	}
	return apart;
}

void arch_cpus_start(void)
{
	u32 apart = cpus_start();

	doctor_fact(FACT_SAME_TSC, !apart);
	if (apart)
		log_warn("the TSCs of %u CPUs are not that of the boot CPU", apart);
	find_watchdog();
}

void arch_cpus_release(void)
{
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
}

/* On its own stack already, with the trampoline's page tables. */
static void ap_main(void *cpu)
{
	struct x86_pcpu *c = cpu;

	hostmap_load();
	cpu_setup();
	/* Firmware may have moved the TSCs apart, and left the way back. */
	if (cpu_has(CPU_TSC_ADJUST) && rdmsr(MSR_TSC_ADJUST) != tsc_adjust)
		wrmsr(MSR_TSC_ADJUST, tsc_adjust);
	c->tsc_at_start = arch_now();
	percpu_load(c);
	cet_on(c);
	lapic_cpu_init();
	tsc_cpu_init();
	__atomic_store_n(&c->ready, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE))
		arch_pause();
	hostmap_load(); /* some of it was sealed meanwhile */
	c->hv.online = true;
	hv_cpu_main(&c->hv);
}
