/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of hv/abi/caisson.h as C functions: one inline function per call, hc_NAME(). Each returns the
 * call's result, a negative CAISSON_E code on failure. Pointers are passed as guest-physical addresses: our
 * guests map memory to itself. The tests on the host replace hypercall() by a hypervisor of their own
 * (CAISSON_FAKE).
 */
#ifndef GUEST_LIB_HYPERCALL_H
#define GUEST_LIB_HYPERCALL_H

#include "guest/lib/types.h"
#include "hv/abi/caisson.h"
#include "hv/abi/trace.h"

#ifdef CAISSON_FAKE
s64 fake_hypercall(u32 nr, u64 a, u64 b, u64 c, u64 d, u64 e);
static inline s64 hypercall(u32 nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	return fake_hypercall(nr, a, b, c, d, e);
}
#else
extern u8 guest_is_amd; /* runtime.c; the other vendor's instruction gives #UD */

static inline s64 hypercall(u32 nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	register u64 r10 __asm__("r10") = d;
	register u64 r8 __asm__("r8") = e;
	u64 ret = nr;

	if (__builtin_expect(guest_is_amd, 0))
		__asm__ volatile("vmmcall"
				 : "+a"(ret)
				 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
				 : "memory");
	else
		__asm__ volatile("vmcall" : "+a"(ret) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "memory");
	return (s64)ret;
}
#endif

#define HC(name, a, b, c, d, e) \
	hypercall(CAISSON_CALL_##name, (u64)(a), (u64)(b), (u64)(c), (u64)(d), (u64)(e))

static inline s64 hc_version(void)
{
	return HC(version, 0, 0, 0, 0, 0);
}
static inline s64 hc_console_write(const void *from, u64 bytes)
{
	return HC(console_write, from, bytes, 0, 0, 0);
}
static inline s64 hc_console_read(void *to, u64 bytes)
{
	return HC(console_read, to, bytes, 0, 0, 0);
}
static inline s64 hc_log_read(u64 position, void *to, u64 bytes)
{
	return HC(log_read, position, to, bytes, 0, 0);
}
static inline s64 hc_physinfo(struct caisson_physinfo *to)
{
	return HC(physinfo, to, 0, 0, 0, 0);
}
static inline s64 hc_cpuinfo(u32 cpu, struct caisson_cpuinfo *to)
{
	return HC(cpuinfo, cpu, to, 0, 0, 0);
}
static inline s64 hc_doctor(u32 index, struct caisson_doctor *to)
{
	return HC(doctor, index, to, 0, 0, 0);
}
static inline s64 hc_module_info(u32 index, struct caisson_module *to)
{
	return HC(module_info, index, to, 0, 0, 0);
}
static inline s64 hc_module_map(u32 index, u64 local, u64 first, u64 pages)
{
	return HC(module_map, index, local, first, pages, 0);
}
static inline s64 hc_power(u32 how)
{
	return HC(power, how, 0, 0, 0, 0);
}
static inline s64 hc_time(struct caisson_time *to)
{
	return HC(time, to, 0, 0, 0, 0);
}
static inline s64 hc_wait(u64 answer, u64 deadline)
{
	return HC(wait, answer, deadline, 0, 0, 0);
}
static inline s64 hc_domain_create(const struct caisson_create *how)
{
	return HC(domain_create, how, 0, 0, 0, 0);
}
static inline s64 hc_domain_destroy(u32 dom)
{
	return HC(domain_destroy, dom, 0, 0, 0, 0);
}
static inline s64 hc_domain_pause(u32 dom)
{
	return HC(domain_pause, dom, 0, 0, 0, 0);
}
static inline s64 hc_domain_unpause(u32 dom)
{
	return HC(domain_unpause, dom, 0, 0, 0, 0);
}
static inline s64 hc_domain_info(u32 dom, struct caisson_domain *to)
{
	return HC(domain_info, dom, to, 0, 0, 0);
}
static inline s64 hc_domain_next(u32 id, struct caisson_domain *to)
{
	return HC(domain_next, id, to, 0, 0, 0);
}
static inline s64 hc_domain_event(struct caisson_domain *to)
{
	return HC(domain_event, to, 0, 0, 0, 0);
}
static inline s64 hc_domain_reset(u32 dom)
{
	return HC(domain_reset, dom, 0, 0, 0, 0);
}
static inline s64 hc_domain_end(u32 dom, u32 how, u64 code)
{
	return HC(domain_end, dom, how, code, 0, 0);
}
static inline s64 hc_populate(u32 dom, u64 gpa, u64 pages, u32 flags)
{
	return HC(populate, dom, gpa, pages, flags, 0);
}
static inline s64 hc_mem_write(u32 dom, u64 gpa, const void *from, u64 bytes)
{
	return HC(mem_write, dom, gpa, from, bytes, 0);
}
static inline s64 hc_mem_read(u32 dom, u64 gpa, void *to, u64 bytes)
{
	return HC(mem_read, dom, gpa, to, bytes, 0);
}
static inline s64 hc_foreign_map(u32 dom, u64 gpa, u64 local, u64 pages, u32 prot)
{
	return HC(foreign_map, dom, gpa, local, pages, prot);
}
static inline s64 hc_foreign_unmap(u64 local)
{
	return HC(foreign_unmap, local, 0, 0, 0, 0);
}
static inline s64 hc_vcpu_create(u32 dom, u32 vcpu)
{
	return HC(vcpu_create, dom, vcpu, 0, 0, 0);
}
static inline s64 hc_vcpu_get(u32 dom, u32 vcpu, struct caisson_vcpu_context *to)
{
	return HC(vcpu_get, dom, vcpu, to, 0, 0);
}
static inline s64 hc_vcpu_set(u32 dom, u32 vcpu, const struct caisson_vcpu_context *from)
{
	return HC(vcpu_set, dom, vcpu, from, 0, 0);
}
static inline s64 hc_vcpu_info(u32 dom, u32 vcpu, struct caisson_vcpu_info *to)
{
	return HC(vcpu_info, dom, vcpu, to, 0, 0);
}
static inline s64 hc_vcpu_pin(u32 dom, u32 vcpu, const u64 mask[CAISSON_CPU_WORDS])
{
	return HC(vcpu_pin, dom, vcpu, mask, 0, 0);
}
static inline s64 hc_sched_set(u32 dom, const struct caisson_sched *from)
{
	return HC(sched_set, dom, from, 0, 0, 0);
}
static inline s64 hc_sched_get(u32 dom, struct caisson_sched *to)
{
	return HC(sched_get, dom, to, 0, 0, 0);
}
static inline s64 hc_event_bind(u32 from_dom, u32 port)
{
	return HC(event_bind, from_dom, port, 0, 0, 0);
}
static inline s64 hc_event_send(u32 dom, u32 port)
{
	return HC(event_send, dom, port, 0, 0, 0);
}
static inline s64 hc_ioreq_map(u32 dom, u64 local, u32 which)
{
	return HC(ioreq_map, dom, local, which, 0, 0);
}
static inline s64 hc_ioreq_claim(u32 dom, u32 kind, u64 base, u64 bytes, u32 flags)
{
	return HC(ioreq_claim, dom, kind, base, bytes, flags);
}
static inline s64 hc_irq_line(u32 dom, u32 gsi, u32 level)
{
	return HC(irq_line, dom, gsi, level, 0, 0);
}
static inline s64 hc_msi(u32 dom, u64 address, u32 data)
{
	return HC(msi, dom, address, data, 0, 0);
}
static inline s64 hc_stats(u32 dom, u32 vcpu, u32 kind, struct caisson_stat *to)
{
	return HC(stats, dom, vcpu, kind, to, 0);
}
static inline s64 hc_doctor_bits(u32 set, struct caisson_bits *to)
{
	return HC(doctor, CAISSON_DOCTOR_BITS + set, to, 0, 0, 0);
}
static inline s64 hc_vmcs_read(u32 dom, u32 vcpu, u32 field, u64 *to)
{
	return HC(vmcs_read, dom, vcpu, field, to, 0);
}
static inline s64 hc_s2_walk(u32 dom, u64 gpa, struct caisson_walk *to)
{
	return HC(s2_walk, dom, gpa, to, 0, 0);
}
static inline s64 hc_host_walk(u64 va, struct caisson_walk *to)
{
	return HC(host_walk, va, to, 0, 0, 0);
}
static inline s64 hc_pool(u32 what, u32 pool, u32 arg, struct caisson_pool *io)
{
	return HC(pool, what, pool, arg, io, 0);
}
static inline s64 hc_stats_reset(u32 dom)
{
	return HC(stats_reset, dom, 0, 0, 0, 0);
}

static inline s64 hc_trace_control(const struct caisson_trace_control *from)
{
	return HC(trace_control, from, 0, 0, 0, 0);
}
static inline s64 hc_trace_read(u32 cpu, u64 position, void *to, u64 bytes)
{
	return HC(trace_read, cpu, position, to, bytes, 0);
}
static inline s64 hc_watch(u32 dom, u32 add, u32 remove)
{
	return HC(watch, dom, add, remove, 0, 0);
}
static inline s64 hc_vcpu_fpu(u32 dom, u32 vcpu, void *image, bool set)
{
	return HC(vcpu_fpu, dom, vcpu, image, set, 0);
}
static inline s64 hc_stats_what(u32 dom, u32 vcpu, u32 index, struct caisson_what *to)
{
	return HC(stats_what, dom, vcpu, index, to, 0);
}
static inline s64 hc_debug(u32 dom, u32 vcpu, u32 op, struct caisson_debug *io)
{
	return HC(debug, dom, vcpu, op, io, 0);
}

static inline s64 hc_rights_set(u32 holder, u32 over, u32 give, u32 take)
{
	return HC(rights_set, holder, over, give, take, 0);
}
static inline s64 hc_rights_get(u32 holder, u32 over, struct caisson_rights *to)
{
	return HC(rights_get, holder, over, to, 0, 0);
}

#undef HC

#endif
