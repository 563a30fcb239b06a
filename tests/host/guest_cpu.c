/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/host/guest_cpu.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/x86/hostmap.h"
#include "arch/x86/hvm.h"
#include "arch/x86/pv.h"
#include "drivers/uart.h"
#include "hv/arch.h"
#include "hv/frame.h"
#include "hv/hypercall.h"
#include "hv/ioreq.h"
#include "hv/log.h"
#include "hv/pcpu.h"

struct guest guest;
static struct x86_domain domain_;
static struct x86_vcpu vcpu_;
static u32 apic_page[1024];
static struct pcpu cpu;
struct x86_vcpu *const vcpu = &vcpu_;
struct x86_domain *const dom = &domain_;
u64 fake_cr2, fake_dr6, fake_msr, fake_tsc_now;
bool fake_xsetbv, fake_msr_ok;
struct hvm_has hvm_has;

/* ---- the vendor ---- */

static void get_regs(struct x86_vcpu *v, struct hvm_regs *out)
{
	(void)v;
	*out = (struct hvm_regs){ .rip = guest.rip,
				  .rflags = guest.rflags,
				  .cr0 = guest.cr[0],
				  .cr3 = guest.cr[3],
				  .cr4 = guest.cr[4],
				  .efer = guest.efer,
				  .cpl = guest.cpl,
				  .code_bits = guest.code_bits };
	memcpy(out->seg_base, guest.seg_base, sizeof(out->seg_base));
}

static void advance(struct x86_vcpu *v, u32 n)
{
	(void)v;
	guest.advanced += n;
	guest.rip += n;
}

static void inject(struct x86_vcpu *v, u8 vector, u32 error)
{
	(void)v;
	guest.injected = vector;
	guest.error = error;
}

static void set_rip_flags(struct x86_vcpu *v, u64 rip, u64 rflags)
{
	(void)v;
	guest.rip = rip;
	guest.rflags = rflags;
}

static void set_pdptes(struct x86_vcpu *v, const u64 p[4])
{
	(void)v;
	memcpy(guest.pdpte, p, sizeof(guest.pdpte));
}

/* clang-format off */
static u32 mode(struct x86_vcpu *v) { (void)v; return guest.mode; }
static u64 flags(struct x86_vcpu *v) { (void)v; return guest.rflags; }
static void set_rsp(struct x86_vcpu *v) { (void)v; guest.rsps++; }
static void flush_guest(struct x86_vcpu *v) { (void)v; guest.flushes++; }
static void flush(struct x86_vcpu *v) { (void)v; guest.stale++; }
static void set_tsc_offset(struct x86_vcpu *v) { (void)v; guest.tsc_offsets++; }
static void apicv_eoi(struct x86_vcpu *v) { (void)v; guest.eois++; }
/* clang-format on */

static u64 *held(u32 what)
{
	return what < 5		  ? &guest.cr[what]
	       : what == HVM_DR7  ? &guest.dr7
	       : what == MSR_EFER ? &guest.efer
				  : &guest.msr;
}

static u64 get(struct x86_vcpu *v, u32 what)
{
	(void)v;
	return *held(what);
}

static void set(struct x86_vcpu *v, u32 what, u64 value)
{
	(void)v;
	*held(what) = value;
}

static const struct hvm_ops ops = { .get_regs = get_regs,
				    .advance = advance,
				    .inject = inject,
				    .set_rip_flags = set_rip_flags,
				    .set_pdptes = set_pdptes,
				    .mode = mode,
				    .flags = flags,
				    .set_rsp = set_rsp,
				    .flush_guest = flush_guest,
				    .flush = flush,
				    .get = get,
				    .set = set,
				    .set_tsc_offset = set_tsc_offset,
				    .apicv_eoi = apicv_eoi };
const struct hvm_ops *hvm = &ops;

/* ---- memory ---- */

static u8 kind(u64 gpa)
{
	return gpa / PAGE_SIZE < GUEST_PAGES ? guest.page[gpa / PAGE_SIZE] : NOWHERE;
}

bool memory_read(struct domain *d, u64 gpa, void *to, u64 bytes)
{
	(void)d;
	for (u64 i = 0; i < bytes; i++)
		if (kind(gpa + i) == NOWHERE)
			return false;
		else
			((u8 *)to)[i] = guest.ram[gpa + i];
	return true;
}

bool memory_write(struct domain *d, u64 gpa, const void *from, u64 bytes)
{
	(void)d;
	for (u64 i = 0; i < bytes; i++)
		if (kind(gpa + i) != RAM)
			return false;
	memcpy(guest.ram + gpa, from, bytes);
	return true;
}

hpa_t memory_pin(struct domain *d, u64 gpa, bool write, bool rom)
{
	(void)d, (void)rom;
	return kind(gpa) == RAM || (kind(gpa) == ROM && !write) ? HPA(gpa & PAGE_MASK) : FRAME_NONE;
}

enum memory_fault memory_fault(struct domain *d, u64 gpa, bool write)
{
	(void)d;
	if (guest.no_memory)
		return MEM_NOMEM;
	return kind(gpa) == RAM	  ? MEM_MAPPED
	       : kind(gpa) == ROM ? (write ? MEM_ROM : MEM_MAPPED)
				  : MEM_NOTHING;
}

bool arch_s2_lookup(struct domain *d, gpa_t at, hpa_t *pa, u64 *size, u32 *prot)
{
	(void)d;
	*pa = HPA(at.v);
	*size = PAGE_SIZE;
	*prot = 3;
	return kind(at.v) != NOWHERE;
}

/* clang-format off */
void memory_unpin(hpa_t pa) { (void)pa; }
bool memory_is_rom(const struct domain *d, u64 gpa) { (void)d; return kind(gpa) == ROM; }
bool memory_hole(struct domain *d, u64 gpa) { (void)d, (void)gpa; return guest.hole; }
void *frame_map(hpa_t pa, u16 owner) { (void)owner; return guest.ram + pa.v; }
void frame_unmap(void) { }
u16 frame_owner(hpa_t pa) { (void)pa; return guest.owner; }
void *domain_ptr(hpa_t pa) { return guest.ram + pa.v; }
/* clang-format on */

void guest_put(u64 gpa, u64 value, u32 bytes)
{
	memcpy(guest.ram + gpa, &value, bytes);
}

u64 guest_get(u64 gpa, u32 bytes)
{
	u64 v = 0;

	memcpy(&v, guest.ram + gpa, bytes);
	return v;
}

/* ---- hv and the rest of x86; what is weak some tests link ---- */

void domain_end(struct domain *d, u32 how, u64 code, const char *why, ...)
{
	va_list ap;

	(void)code;
	d->ended = how;
	va_start(ap, why);
	vsnprintf(guest.why, sizeof(guest.why), why, ap);
	va_end(ap);
}

enum verdict hypercall_dispatch(struct vcpu *v, u64 nr, const u64 arg[6], s64 *result)
{
	(void)v, (void)arg;
	guest.call = nr;
	*result = guest.result;
	return guest.verdict;
}

enum verdict ioreq_wait(struct vcpu *v, u64 token, u64 deadline, s64 *result)
{
	(void)v, (void)token, (void)deadline;
	*result = guest.result;
	return guest.verdict;
}

enum verdict ioreq_submit(struct vcpu *v, const struct claim *c, u64 addr, u64 data, u64 what, u64 rip)
{
	(void)c, (void)rip;
	guest.asked++;
	guest.addr = addr;
	guest.data = data;
	guest.what = what;
	v->io_state = IO_TAKEN;
	return V_BLOCK;
}

/* clang-format off */
void ioreq_notify(struct domain *d) { (void)d; guest.posted++; }
void vcpu_pend(struct vcpu *v, u32 bits, bool wake) { (void)wake; v->pending |= bits; }
void sched_give_way(struct sched_cpu *c, u64 now) { (void)c, (void)now; guest.yields++; }
struct pcpu *this_cpu(void) { return &cpu; }
void arch_irq_window(void) { guest.windows++; }
u32 arch_phys_bits(void) { return 40; }
void arch_vcpu_dump(struct vcpu *v) { (void)v; }
bool arch_vcpu_has_work(struct vcpu *v) { (void)v; return guest.work; }
void log_guest(const char *fmt, ...) { (void)fmt; }
__attribute__((weak)) void clock_update(struct x86_vcpu *v) { v->clock_due = false; guest.clocks++; }
void debug_load(struct x86_vcpu *v) { v->dr_used = true; }
bool debug_pending(struct x86_vcpu *v) { (void)v; return guest.work; }
enum verdict exit_dr(struct x86_vcpu *v) { (void)v; return V_ADVANCE; }
__attribute__((weak)) enum verdict exit_rdmsr(struct x86_vcpu *v) { (void)v; return V_ADVANCE; }
__attribute__((weak)) enum verdict exit_wrmsr(struct x86_vcpu *v) { (void)v; return V_ADVANCE; }
__attribute__((weak)) s64 pv_call(struct x86_vcpu *v, u64 nr, bool wide) { (void)v; return (s64)nr + (wide ? 1000 : 2000); }
__attribute__((weak)) void pv_reset(struct x86_vcpu *v) { (void)v; }
void x86_vcpu_init_state(struct x86_vcpu *v) { (void)v; guest.inits++; }
void x86_vcpu_sipi_state(struct x86_vcpu *v, u8 vector) { (void)v; guest.sipis = vector; }
void nmi_handle(const struct trap_frame *f) { (void)f; guest.nmis++; }
void nmi_unblock(void) { guest.nmis += 100; }
void machine_check(struct trap_frame *f) { (void)f; guest.checks++; }
u16 uart_port(void) { return 0x3f8; }
void vlapic_timer_arm(struct vlapic *a, u64 at) { (void)a, (void)at; }
void vlapic_timer_cancel(struct vlapic *a) { (void)a; }
void vlapic_kick(struct vlapic *a, u8 vector) { (void)a, (void)vector; }
void vlapic_send_ipi(struct vlapic *a, u64 icr) { (void)a, (void)icr; }
void vlapic_eoi_broadcast(struct vlapic *a, u8 vector) { (void)a; guest.eois += vector; }
__attribute__((weak)) bool vlapic_pv_eoi(struct vlapic *a, bool offer) { (void)a, (void)offer; return false; }
void vlapic_nmi(struct vlapic *a) { (void)a; }
void vlapic_extint(struct vlapic *a, u8 vector) { (void)a, (void)vector; }
void vlapic_init_sipi(struct vlapic *a, bool sipi, u8 vector) { (void)a, (void)sipi, (void)vector; }
u64 arch_now(void) { return 1000; }
u64 arch_tsc_khz(void) { return 1000000; }
u64 arch_ticks_to_ns(u64 ticks) { return ticks; }
u64 arch_wall_base_ns(void) { return 1700000000ull * 1000000000; }
void vcpu_wake(struct vcpu *v, u32 why) { (void)v, (void)why; guest.woken++; }
void syscall_enable(struct x86_vcpu *v) { v->syscall_live = true; guest.syscalls++; }
bool syscall_write(struct x86_vcpu *v, u32 msr, u64 value) { v->syscall[syscall_index(msr)] = value; return true; }
void x86_switch_more(struct x86_vcpu *v) { (void)v; }
u64 vlapic_now(struct vlapic *a) { (void)a; return 1000; }
bool vioapic_deliver(struct vioapic *io, const struct irq_msg *m) { (void)io; guest.told = m->level && vcpu->eoi_due; return true; }
/* clang-format on */

/* A guest's CPUID is what its tests say. */
u32 cpuid_lookup(const struct cpuid_table *t, u32 leaf, u32 sub, u32 out[4])
{
	(void)t;
	for (u32 i = 0; i < 4; i++)
		out[i] = leaf * 16 + sub * 4 + i;
	return leaf == 1;
}

void cpuid_fixup(const struct cpuid_table *t, u32 fix, const struct cpuid_state *s, u32 out[4])
{
	(void)t, (void)fix;
	out[1] = s->apic_id << 24;
}

u64 cpuid_cr4_allowed(const struct cpuid_table *t)
{
	(void)t;
	return CR4_PSE | CR4_PAE | CR4_PCIDE | CR4_SMEP | CR4_SMAP | BIT(9);
}

void guest_reset(void)
{
	memset(&guest, 0, sizeof(guest));
	memset(guest.page, RAM, sizeof(guest.page));
	memset(&vcpu_, 0, sizeof(vcpu_));
	memset(&domain_, 0, sizeof(domain_));
	guest.injected = -1;
	guest.verdict = V_ADVANCE;
	guest.mode = HVM_64 | HVM_CS_L;
	guest.code_bits = 64;
	guest.cr[0] = CR0_PE | CR0_PG;
	guest.cr[4] = CR4_PAE;
	guest.efer = EFER_LME | EFER_LMA;
	vcpu_.hv.domain = &domain_.hv;
	domain_.hv.id = guest.owner = 5;
	domain_.hv.vcpus = domain_.hv.max_vcpus = 1;
	domain_.hv.vcpu[0] = &vcpu_.hv;
	domain_.apics[0] = &vcpu_.apic;
	vcpu_.hv.cpu = &cpu;
	for (u32 i = 0; i < MMIO_KNOWN; i++)
		vcpu_.known[i].rip = 1;
	vlapic_init(&vcpu_.apic, apic_page, 0, 1000000000, 40);
}
