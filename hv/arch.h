/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What hv asks of the machine underneath, in hv's words; arch/ implements it, tests/host/fake_arch.c too.
 * Context of every call unless said otherwise: root mode, interrupts off, on the CPU concerned.
 */
#ifndef HV_ARCH_H
#define HV_ARCH_H

#include "hv/types.h"

struct pcpu;
struct timer_queue;
struct vcpu;
struct domain;
struct caisson_vcpu_context;
struct caisson_walk;
struct caisson_bits;
struct caisson_doctor;
struct caisson_debug;

/* ---- CPU ---- */
struct pcpu *this_cpu(void);
struct pcpu *cpu_by_id(u32 id); /* NULL when there is none or it is not online */
u32 arch_cpus_found(void);	/* in the firmware's tables */
u32 cpus_online(void);		/* ids are 0 .. cpus_online() - 1 */
/* Makes the CPU leave its guest or its halt soon; any context. Kicks are never lost: one that comes before
 * the entry makes that entry end at once. */
void arch_cpu_kick(struct pcpu *c);
/* Halts until an interrupt; it is handled before this returns. Interrupts are off before and after. */
void arch_cpu_idle(void);
/* Lets pending interrupts in for a moment,
 * between the bounded pieces of a long operation. No lock may be held. */
void arch_irq_window(void);
static inline void arch_pause(void)
{
	__builtin_ia32_pause();
}

/* ---- time: the TSC ---- */
u64 arch_now(void);
u64 arch_tsc_khz(void);
u64 arch_wall_base_ns(void); /* wall time at TSC 0, from the machine's clock read once at boot */
u64 arch_ticks_to_ns(u64 ticks);
u64 arch_ns_to_ticks(u64 ns);
/* This CPU gets an interrupt at or after the TSC deadline (~0: none) and calls timer_expire(). */
void arch_timer_set(u64 deadline);

/* ---- memory ---- */
/* A frame's bytes, for the hypervisor's own pages. Frames of domains go through frame_map() only. */
void *arch_direct_map(hpa_t pa);
hpa_t arch_direct_pa(const void *va);
/* Whole blocks of 2 MiB (at boot: any pages) become the hypervisor's own and come into reach of
 * arch_direct_map(), or cease to be. Frames' lock. */
void arch_direct_set(hpa_t pa, u64 bytes, bool there);
/* Opens and closes the window on frames of domains: between the two, arch_domain_map()'s pointers may be
 * used; outside it they fault where the processor can tell (SMAP). They do not nest; no call that can block
 * or take an interrupt between them. */
void *arch_domain_map(hpa_t pa);
void arch_domain_unmap(void);

/* ---- the machine ---- */
void __attribute__((noreturn)) arch_poweroff(void);
void __attribute__((noreturn)) arch_reboot(void);
int arch_doctor_row(u32 index, struct caisson_doctor *out); /* 0, or -ENOENT after the last */
int arch_doctor_bits(u32 set, struct caisson_bits *out);    /* likewise */
const char *arch_vendor(void);				    /* "VMX" */
const char *arch_irq_path(void);			    /* "software", "apicv" */
void arch_cpu_brand(char out[48]);
u32 arch_apic_id(const struct pcpu *c);
u32 arch_phys_bits(void);
u64 arch_apic_khz(void);

/* Boot CPU, frames there: finds the processor's virtualisation and ends the boot,
 * with words, when something required is missing. */
void arch_virt_init(void);
int arch_virt_cpu_on(struct pcpu *c); /* every CPU, on itself: 0, or an error that is in the log */

/* ---- domains ---- */
/* Allocates the domain object with arch's part, zeroed, and its second-stage root, and sets aside the tables
 * that ram_pages of RAM can need. NULL: no memory. */
struct domain *arch_domain_alloc(u64 ram_pages, u32 vcpus);
u64 arch_domain_pages(const struct domain *d); /* the hypervisor's pages for it and its vCPUs */
void arch_domain_free(struct domain *d);
/* Back to what arch_domain_alloc() left, but for the second stage (I/O APIC, clocks). No vCPU of it runs. */
void arch_domain_reset(struct domain *d);
/* Second stage. Caller holds d->vm.lock. size is PAGE_SIZE, SZ_2M or SZ_1G and both addresses are aligned to
 * it (1G only where arch_s2_sizes() says so). prot: CAISSON_PROT_*, or ARCH_PROT_RO_DATA (read, not
 * executed). -ENOMEM: nothing changed; -EEXIST: something is mapped there. */
#define ARCH_PROT_RO_DATA 0x80000000u
int arch_s2_map(struct domain *d, gpa_t at, hpa_t pa, u64 size, u32 prot);
/* Removes what maps the byte at `at` and, up to `limit` bytes, entries behind it as long as they go on with
 * its memory, at most to the end of a table: bytes that were mapped, 0: none. Large entries are not split:
 * the caller unmaps whole entries. Followed by arch_s2_flush() before any frame is reused. */
u64 arch_s2_unmap(struct domain *d, gpa_t at, u64 limit);
/* What maps the byte at `at`: its physical address, the entry's size, and CAISSON_PROT_*; false when nothing
 * does (then *size is that of the aligned hole that is known around it). */
bool arch_s2_lookup(struct domain *d, gpa_t at, hpa_t *pa, u64 *size, u32 *prot);
/* arch_s2_map() into the hole, at least as large,
 * that the last arch_s2_lookup() found, under the same hold of the lock: no walk. */
int arch_s2_fill(struct domain *d, gpa_t at, hpa_t pa, u64 size, u32 prot);
/* Every CPU forgets what it knows of the domain's second stage before it next runs it; those that run it now
 * are kicked. Does not wait: arch_s2_flushed() says when all have. Any lock may be held. */
void arch_s2_flush(struct domain *d);
bool arch_s2_flushed(struct domain *d);
/* Table pages beyond the root; gives a bounded number back, false while there are more.
 * Nothing may be mapped any more. */
bool arch_s2_clear(struct domain *d);
u64 arch_s2_sizes(void); /* bit set of mapping sizes */
/* d NULL: the hypervisor's own tables, `at` is a virtual address. */
void arch_s2_walk(struct domain *d, gpa_t at, struct caisson_walk *out);
void arch_irq_line(struct domain *d, u32 gsi, bool level); /* any CPU; takes the domain's irq lock */
int arch_msi(struct domain *d, u64 address, u32 data);

/* ---- vCPUs ---- */
/* zeroed object with arch's part in its power-up state; NULL */
struct vcpu *arch_vcpu_alloc(struct domain *d, u32 id);
void arch_vcpu_free(struct vcpu *v);
void arch_vcpu_reset(struct vcpu *v); /* power-up state; vCPU 0 to run, the others wait for SIPI */
/* Puts the vCPU's state on this CPU, takes it off. A vCPU stays on a CPU until arch_vcpu_put(). */
void arch_vcpu_load(struct vcpu *v);
/* arch's timers; v is about to be loaded on that CPU */
void arch_vcpu_migrate(struct vcpu *v, struct timer_queue *to);
void arch_vcpu_put(struct vcpu *v);
/* Runs guest code until the CPU is wanted for something else: v->pending has a bit that the loop leaves for,
 * or the vCPU went to sleep or stopped (vcpu_sleep(), domain_end() were called). */
void arch_vcpu_run(struct vcpu *v);
/* The vCPU, loaded here, sleeps in HLT from now on; then comes arch_vcpu_has_work(). */
void arch_vcpu_asleep(struct vcpu *v);
/* Called by the vCPU's CPU before it lets the vCPU sleep: is there an interrupt or NMI that it would take? */
bool arch_vcpu_has_work(struct vcpu *v);
void arch_vcpu_set_result(struct vcpu *v, s64 value); /* of a hypercall that slept; v is not running */
void arch_vcpu_get_context(struct vcpu *v, struct caisson_vcpu_context *out);
/* -EINVAL: a field is not valid */
int arch_vcpu_set_context(struct vcpu *v, const struct caisson_vcpu_context *in);
/* The x87 and SSE registers in FXSAVE's form, CAISSON_FPU_BYTES. Lock: v->still.
 * -EINVAL: bits of MXCSR that the processor has not. */
int arch_vcpu_fpu(struct vcpu *v, void *image, bool set);
int arch_vcpu_field(struct vcpu *v, u32 field, u64 *value); /* -ENOENT: there is none */
/* v->watch has changed. Any CPU. */
void arch_vcpu_watch(struct vcpu *v);
void arch_vcpu_debug_get(struct vcpu *v, struct caisson_debug *out);
int arch_vcpu_debug_set(struct vcpu *v, const struct caisson_debug *in); /* v runs nowhere; -EINVAL */
u64 arch_vcpu_rip(const struct vcpu *v);				 /* at the last exit */
void arch_vcpu_dump(struct vcpu *v);	      /* all registers to the log; lets interrupts in */
const char *arch_exit_name(u32 kind);	      /* NULL after the last */
struct stat *arch_vcpu_stats(struct vcpu *v); /* one per exit kind */
struct stat_whats *arch_vcpu_whats(struct vcpu *v);
u32 arch_what_kind(u32 row); /* of those: the kind of exit that it counts for */

#endif
