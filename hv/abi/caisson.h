/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypercall interface of Caisson: what a domain and a tool may know. docs/abi.md describes it.
 *
 * A call: VMCALL (Intel) or VMMCALL (AMD) at CPL 0 in 64-bit mode, number in RAX, arguments in RDI RSI RDX
 * R10 R8 R9, result in RAX: a value >= 0 or a negative CAISSON_E code. No other register changes. "gpa"
 * arguments are guest-physical addresses of the caller; structures are copied once and must lie in the
 * caller's own RAM (they may cross pages).
 * All integers are little-endian; every structure has the same layout in C99 and C++, 32 and 64 bits.
 */
#ifndef CAISSON_ABI_H
#define CAISSON_ABI_H

#ifdef __cplusplus
#include <cstddef>
#include <cstdint>
#define CAISSON_ASSERT(c, s) static_assert(c, s)
#else
#include <stddef.h>
#include <stdint.h>
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define CAISSON_ASSERT(c, s) _Static_assert(c, s)
#else
#define CAISSON_ASSERT_2(c, l) typedef char caisson_assert_##l[(c) ? 1 : -1] __attribute__((unused))
#define CAISSON_ASSERT_1(c, l) CAISSON_ASSERT_2(c, l)
#define CAISSON_ASSERT(c, s)   CAISSON_ASSERT_1(c, __LINE__)
#endif
#endif

#define CAISSON_ABI_VERSION 1u

/* CPUID leaf (from 0x40000000 to 0x4000ff00 in steps of 0x100): EAX = last leaf, EBX ECX EDX =
 * "CaissonHyper". Leaf + 1: EAX = ABI version. */
#define CAISSON_CPUID_EBX 0x73696143u /* "Cais" */
#define CAISSON_CPUID_ECX 0x486e6f73u /* "sonH" */
#define CAISSON_CPUID_EDX 0x72657079u /* "yper" */

/* Result codes: the negative of these. */
#define CAISSON_EPERM  1  /* the right is not held, or the caller is not at CPL 0 */
#define CAISSON_ENOENT 2  /* no such domain, vCPU, module or port */
#define CAISSON_EIO    5  /* the processor refused */
#define CAISSON_EAGAIN 11 /* part of the work is done: call again */
#define CAISSON_ENOMEM 12 /* no memory, or the domain's charge is used up */
#define CAISSON_EFAULT 14 /* an address that is not the caller's RAM */
#define CAISSON_EBUSY  16 /* taken, or in a state that forbids it */
#define CAISSON_EEXIST 17 /* already there */
#define CAISSON_EINVAL 22 /* a value out of range */
#define CAISSON_ENOSPC 28 /* a table is full */
#define CAISSON_ENOSYS 38 /* no such call */

#define CAISSON_CALL_BASE 0x43530000u
/*
 * X(number, name): one row per call; the arguments stand beside each handler in hv/hypercall.c and in
 * docs/abi.md. "dom" is a domain's id, CAISSON_SELF the caller.
 */
/* clang-format off */
#define CAISSON_CALLS(X) \
	X(0, version)	      /* () -> CAISSON_ABI_VERSION */ \
	X(1, console_write)   /* (gpa, bytes) -> bytes taken (0: full, wait for CAISSON_EVENT_CONSOLE_TX) */ \
	X(2, console_read)    /* (gpa, bytes) -> bytes given */ \
	X(3, log_read)	      /* (u64 position, gpa, bytes) -> bytes given; first struct caisson_log at gpa */ \
	X(4, physinfo)	      /* (gpa of struct caisson_physinfo) */ \
	X(5, cpuinfo)	      /* (cpu, gpa of struct caisson_cpuinfo) */ \
	X(6, doctor)	      /* (index, gpa of struct caisson_doctor) -> ENOENT after the last row */ \
	X(7, module_info)     /* (index, gpa of struct caisson_module) -> ENOENT after the last */ \
	X(8, module_map)      /* (index, local gpa, first page, pages) -> pages mapped read-only */ \
	X(9, power)	      /* (CAISSON_POWER_*) */ \
	X(10, time)	      /* (gpa of struct caisson_time) */ \
	X(11, wait)	      /* (answer token or 0, deadline in TSC ticks or 0) -> CAISSON_WAIT_* word */ \
	X(12, domain_create)  /* (gpa of struct caisson_create) -> id */ \
	X(13, domain_destroy) /* (dom) -> 0, or EAGAIN: call again */ \
	X(14, domain_pause)   /* (dom): counted; on return no vCPU of it runs */ \
	X(15, domain_unpause) /* (dom) */ \
	X(16, domain_info)    /* (dom, gpa of struct caisson_domain): that one */ \
	X(17, domain_next)    /* (id, gpa of struct caisson_domain): the first with an id >= it */ \
	X(18, domain_event)   /* (gpa of struct caisson_domain): a domain that ended since asked last; ENOENT when none */ \
	X(19, domain_reset)   /* (dom): back to after domain_create + vcpu_create, its RAM given back; EAGAIN: call again */ \
	X(20, domain_end)     /* (dom, CAISSON_END_*, code): the device model saw it end */ \
	X(21, populate)	      /* (dom, gpa, pages, CAISSON_POP_*) -> pages done (restart with the rest) */ \
	X(22, mem_write)      /* (dom, gpa there, local gpa, bytes) -> bytes copied (restart with the rest) */ \
	X(23, mem_read)	      /* (dom, gpa there, local gpa, bytes) -> bytes copied */ \
	X(24, foreign_map)    /* (dom, gpa there, local gpa, pages, CAISSON_PROT_*) */ \
	X(25, foreign_unmap)  /* (local gpa): the whole share that was mapped there */ \
	X(26, vcpu_create)    /* (dom, vcpu): in order, from 0 */ \
	X(27, vcpu_get)	      /* (dom, vcpu, gpa of struct caisson_vcpu_context): of a paused domain */ \
	X(28, vcpu_set)	      /* (dom, vcpu, gpa of struct caisson_vcpu_context): the same */ \
	X(29, vcpu_info)      /* (dom, vcpu, gpa of struct caisson_vcpu_info) */ \
	X(30, vcpu_pin)	      /* (dom, vcpu, gpa of u64[CAISSON_CPU_WORDS] mask) */ \
	X(31, sched_set)      /* (dom, gpa of struct caisson_sched) */ \
	X(32, sched_get)      /* (dom, gpa of struct caisson_sched) */ \
	X(33, event_bind)     /* (dom that may send, local port): makes the port; CAISSON_SELF allowed */ \
	X(34, event_send)     /* (dom, port there) */ \
	X(35, ioreq_map)      /* (dom, local gpa, CAISSON_IOREQ_*): its page of requests, or its ring */ \
	X(36, ioreq_claim)    /* (dom, CAISSON_IO_*, base, bytes, CAISSON_CLAIM_*): caller answers from now on */ \
	X(37, irq_line)	      /* (dom, gsi, level 0|1) */ \
	X(38, msi)	      /* (dom, address, data) */ \
	X(39, stats)	      /* (dom, vcpu, exit kind, gpa of struct caisson_stat) -> ENOENT after the last kind */ \
	X(40, vmcs_read)      /* (dom, vcpu, field, gpa of uint64_t) -> ENOENT: the processor has no such field */ \
	X(41, s2_walk)	      /* (dom, gpa there, gpa of struct caisson_walk) */ \
	X(42, pool)	      /* (CAISSON_POOL_*, pool, cpu or dom, gpa of struct caisson_pool) */ \
	X(43, stats_reset)    /* (dom) */ \
	X(44, trace_control)  /* (gpa of struct caisson_trace_control), see trace.h */ \
	X(45, trace_read)     /* (cpu, u64 position, gpa, bytes) -> records given; first struct caisson_trace_head at gpa */ \
	X(46, watch)	      /* (dom, CAISSON_WATCH_* to add, to remove): what of it is looked at */ \
	X(47, debug)	      /* (dom, vcpu, CAISSON_DEBUG_*, gpa of struct caisson_debug) */ \
	X(48, rights_set)     /* (holder, over, give, take): CAISSON_RIGHT_* over a domain or CAISSON_OVER_* */ \
	X(49, rights_get)     /* (holder, over, gpa of struct caisson_rights) */ \
	X(50, stats_what)     /* (dom, vcpu, index, gpa of struct caisson_what) -> ENOENT after the last */ \
	X(51, vcpu_fpu)	      /* (dom, vcpu, gpa of an image of FXSAVE64, 1: it is written): of a paused domain */ \
	X(52, host_walk)      /* (virtual address of the hypervisor's, gpa of struct caisson_walk) -> whose frame: docs/abi.md */
/* clang-format on */

enum caisson_call {
#define CAISSON_X(n, name) CAISSON_CALL_##name = CAISSON_CALL_BASE + (n),
	CAISSON_CALLS(CAISSON_X)
#undef CAISSON_X
};

#define CAISSON_SELF	     0xffffu
#define CAISSON_OVER_MACHINE 0xfffeu /* rights over the machine */
#define CAISSON_OVER_DOMAINS 0xfffdu /* rights over each domain, also those to come */
#define CAISSON_CONTROL	     0u	     /* the id of the control domain */
#define CAISSON_MAX_DOMS     4096u
#define CAISSON_MAX_VCPUS    64u
#define CAISSON_MAX_CPUS     256u
#define CAISSON_CPU_WORDS    (CAISSON_MAX_CPUS / 64u)
#define CAISSON_NAME	     32u /* bytes with the final NUL */
#define CAISSON_ORIGIN	     48u
#define CAISSON_ARGS	     1024u

/* ---- wait: one call answers the current request and waits for the next thing ---- */
/* result: kind in bits 63:56 (a positive number), the rest as said */
#define CAISSON_WAIT_KIND(r) ((uint32_t)((uint64_t)(r) >> 56))
#define CAISSON_WAIT_TIMEOUT 0u /* the deadline has passed */
#define CAISSON_WAIT_EVENTS  1u /* bits 31:0: event ports that were sent since; they are cleared by this */
/* bits 31:16 domain, 15:0 vCPU: its slot in the domain's ioreq page is to be answered */
#define CAISSON_WAIT_IOREQ   2u
#define CAISSON_WAIT_DOM(r)  ((uint32_t)((uint64_t)(r) >> 16) & 0xffffu)
#define CAISSON_WAIT_VCPU(r) ((uint32_t)(r)&0xffffu)
/* answer token: the low 32 bits of a CAISSON_WAIT_IOREQ result with this bit; 0 answers nothing */
#define CAISSON_ANSWER	     (1ull << 32)
#define CAISSON_DEADLINE_NOW 1ull /* a deadline in the past: look, do not wait */

/* Event ports of the control domain that the hypervisor sends; 8 to 31 are free for event_bind. */
#define CAISSON_EVENT_CONSOLE_RX 0u /* console_read has bytes */
#define CAISSON_EVENT_CONSOLE_TX 1u /* console_write has room again */
#define CAISSON_EVENT_DOMAIN	 2u /* domain_event has an answer */
#define CAISSON_EVENT_DEBUG	 3u /* a debugged domain has stopped */
/* of any device model: there are posted writes in the rings that it maps */
#define CAISSON_EVENT_POSTED 4u
#define CAISSON_EVENT_FREE   8u
#define CAISSON_EVENTS	     32u

/* ---- machine ---- */
struct caisson_log {
	uint64_t first; /* position of the oldest byte kept */
	uint64_t next;	/* position after the newest */
};			/* the text from max(position, first) follows at gpa + 16 */

struct caisson_physinfo {
	uint32_t abi_version;
	uint32_t cpus;	       /* online */
	uint64_t frames_total; /* 4 KiB */
	uint64_t frames_free;
	uint64_t frames_reserved; /* of the free ones: charged to domains but not yet touched */
	uint64_t frames_hv;	  /* in use by the hypervisor itself */
	uint64_t tsc_khz;
	uint64_t apic_khz;
	uint64_t uptime_ns;
	uint32_t domains;
	uint32_t boot_flags; /* CAISSON_BOOT_* */
	uint32_t phys_bits;
	uint32_t cpus_found; /* in the MADT */
	uint64_t prompt_tsc; /* TSC at the hypervisor's first instruction */
	char version[32];    /* "Caisson 0.1" */
	char vendor[16];     /* "VMX" or "SVM" */
	char cpu_brand[48];
	char irq_path[16]; /* "software" or "apicv" ... */
	char cmdline[256];
};
CAISSON_ASSERT(sizeof(struct caisson_physinfo) == 456, "layout");
#define CAISSON_BOOT_QUIET 1u

struct caisson_cpuinfo {
	uint32_t cpu, apic_id;
	uint32_t online, pool;
	uint64_t idle_ns, guest_ns, root_ns;
	uint64_t interrupts, switches;
	uint32_t runnable; /* vCPUs queued there now */
	uint32_t barriers; /* between domains, against speculation: IBPB */
};
CAISSON_ASSERT(sizeof(struct caisson_cpuinfo) == 64, "layout");

#define CAISSON_DOCTOR_FOUND	1u
#define CAISSON_DOCTOR_USED	2u
#define CAISSON_DOCTOR_REQUIRED 4u
struct caisson_doctor {
	uint32_t flags;
	uint32_t pad;
	char name[48];	/* the manual's name */
	char value[32]; /* a figure where there is one */
	char note[120]; /* what its absence costs, or what to switch on */
};
CAISSON_ASSERT(sizeof(struct caisson_doctor) == 208, "layout");
/* From this index on the call tells of sets of bits. First FACT_* of arch/x86/doctor.h (found). VMX:
 * pin-based, primary, secondary, exit and entry controls, IA32_VMX_EPT_VPID_CAP; SVM: CPUID Fn8000_000A_EDX.
 * The last is of speculation, WEAK_* and MIT_* of arch/x86/mitigate.h: what the processor has, what of that
 * is closed, and by which measures (required; in its high half those that mitigations=auto takes). */
#define CAISSON_DOCTOR_BITS 0x10000u
struct caisson_bits {
	uint64_t found, used, required;
};
CAISSON_ASSERT(sizeof(struct caisson_bits) == 24, "layout");

struct caisson_module {
	uint64_t bytes;
	char cmdline[CAISSON_ARGS]; /* name, then arguments, NUL-terminated */
};
CAISSON_ASSERT(sizeof(struct caisson_module) == 8 + 1024, "layout");

#define CAISSON_POWER_OFF    0u
#define CAISSON_POWER_REBOOT 1u

struct caisson_time {
	uint64_t tsc;
	uint64_t tsc_khz;
	uint64_t uptime_ns; /* since boot */
	uint64_t wall_ns;   /* since 1970-01-01, from the machine's CMOS clock read at boot */
};
CAISSON_ASSERT(sizeof(struct caisson_time) == 32, "layout");

/* ---- rights: what a domain may do to the machine, to each domain, or to one ---- */
#define CAISSON_RIGHTS(X)                                                                \
	X(INFO, "info")	      /* read what the hypervisor knows */                       \
	X(CONSOLE, "console") /* the machine's serial line and the log */                \
	X(BUILD, "build")     /* machine: create domains, boot modules; domain: vCPUs */ \
	X(LIFE, "life")	      /* pause, unpause, end, reset, destroy */                  \
	X(MEM_READ, "mem-read")                                                          \
	X(MEM_WRITE, "mem-write") /* includes giving it RAM */                           \
	X(REGS, "regs")                                                                  \
	X(DM, "dm") /* answer its accesses, raise its interrupts */                      \
	X(SCHED, "sched")                                                                \
	X(EVENT, "event")                                                                \
	X(MACHINE, "machine") /* power, pools, trace */                                  \
	X(GRANT, "grant")     /* hand on to others what one holds there, and take it back */
enum caisson_right_bit {
#define CAISSON_X(name, text) CAISSON_RIGHT_BIT_##name,
	CAISSON_RIGHTS(CAISSON_X) CAISSON_RIGHT_BITS
#undef CAISSON_X
};
struct caisson_rights {
	uint32_t held; /* given over just that: over a domain, what is held over all comes to it */
	uint32_t pad;
	uint64_t refused; /* calls of the holder that were refused for want of a right */
};
CAISSON_ASSERT(sizeof(struct caisson_rights) == 16, "layout");

/* ---- domains ---- */
#define CAISSON_CREATE_CONTROL 1u /* reserved to the hypervisor */
struct caisson_create {
	uint32_t abi_version;
	uint32_t flags;
	uint32_t vcpus;	 /* 1 to CAISSON_MAX_VCPUS: at most so many vcpu_create */
	uint32_t weight; /* 1 to 10000; 0 = 256 */
	uint64_t pages;	 /* RAM that populate may give: charged now */
	char name[CAISSON_NAME];
	char origin[CAISSON_ORIGIN]; /* image name; opaque to the hypervisor */
	char args[CAISSON_ARGS];     /* opaque */
};
CAISSON_ASSERT(sizeof(struct caisson_create) == 1128, "layout");

#define CAISSON_STATE_PAUSED  0u
#define CAISSON_STATE_RUNNING 1u /* at least one vCPU may run */
#define CAISSON_STATE_BLOCKED 2u /* all vCPUs sleep */
#define CAISSON_STATE_ENDED   3u
#define CAISSON_STATE_DYING   4u
#define CAISSON_END_NONE      0u
#define CAISSON_END_POWEROFF  1u
#define CAISSON_END_EXIT      2u
#define CAISSON_END_CRASH     3u /* triple fault, refused entry, unanswered exit */
/* its code: the processor refused the entry of a vCPU, whose state vmcs_read tells; else 0 */
#define CAISSON_CRASH_REFUSED 1u
#define CAISSON_END_RESET     4u /* asked for a reset: the builder decides */
#define CAISSON_END_DESTROY   5u
struct caisson_domain {
	uint32_t id;
	uint32_t state;
	uint32_t end; /* CAISSON_END_* */
	uint32_t pauses;
	uint64_t code; /* of an exit */
	uint32_t vcpus, max_vcpus;
	uint64_t pages;	    /* charged */
	uint64_t populated; /* given so far */
	uint64_t hv_pages;  /* used by the hypervisor for this domain */
	uint64_t run_ns;    /* guest and root time of all vCPUs */
	uint64_t exits;
	uint64_t created_ns; /* uptime at creation */
	char name[CAISSON_NAME];
	char origin[CAISSON_ORIGIN];
	char args[CAISSON_ARGS];
	char why[160]; /* of a crash, a sentence */
};
CAISSON_ASSERT(sizeof(struct caisson_domain) == 1344, "layout");

#define CAISSON_POP_LAZY 1u /* charge only; give at first touch */
#define CAISSON_POP_ROM	 2u /* the guest may only read (writes are dropped) */

#define CAISSON_PROT_READ  1u
#define CAISSON_PROT_WRITE 2u

struct caisson_segment {
	uint64_t base;
	uint32_t limit;
	uint16_t selector;
	uint16_t attr; /* VMX "access rights" format without the unusable bit: type, S, DPL, P, AVL, L, D/B, G
			  in bits 7:0, 15:12 */
};
struct caisson_vcpu_context {
	uint64_t gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8 to r15 */
	uint64_t rip, rflags;
	uint64_t cr0, cr2, cr3, cr4, cr8;
	uint64_t efer;
	uint64_t dr[4], dr6, dr7;
	uint64_t xcr0;
	uint64_t pat;
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t tsc_offset;
	struct caisson_segment cs, ss, ds, es, fs, gs, ldtr, tr;
	uint64_t gdtr_base, idtr_base;
	uint32_t gdtr_limit, idtr_limit;
	uint32_t activity; /* CAISSON_ACT_* */
	uint32_t pad;
};
CAISSON_ASSERT(sizeof(struct caisson_segment) == 16, "layout");
CAISSON_ASSERT(sizeof(struct caisson_vcpu_context) == 488, "layout");
#define CAISSON_FPU_BYTES     512u
#define CAISSON_ACT_RUN	      0u
#define CAISSON_ACT_HLT	      1u
#define CAISSON_ACT_WAIT_SIPI 2u

struct caisson_vcpu_info {
	uint32_t id, cpu; /* cpu: where it runs or ran last */
	uint32_t state;	  /* CAISSON_VCPU_* */
	/* deadlines of its reservation, by which it had not got its budget though it wanted it */
	uint32_t missed;
	uint64_t run_ns, wait_ns;
	uint64_t exits, wakeups, switches;
	uint64_t rip; /* at its last exit */
	uint64_t affinity[CAISSON_CPU_WORDS];
};
CAISSON_ASSERT(sizeof(struct caisson_vcpu_info) == 96, "layout");
#define CAISSON_VCPU_RUNNING  0u
#define CAISSON_VCPU_RUNNABLE 1u
#define CAISSON_VCPU_BLOCKED  2u /* HLT, or waiting for SIPI */
#define CAISSON_VCPU_IOREQ    3u /* waits for a device model */
#define CAISSON_VCPU_PAUSED   4u
#define CAISSON_VCPU_OFF      5u

struct caisson_sched {
	uint32_t weight;    /* 1 to 10000 */
	uint32_t cap;	    /* percent of one CPU, 0: none */
	uint32_t period_us; /* real-time reservation per vCPU, 0: none */
	uint32_t budget_us;
	uint32_t pool;
	uint32_t pad;
};
CAISSON_ASSERT(sizeof(struct caisson_sched) == 24, "layout");

/* ---- device models ---- */
#define CAISSON_IO_PORT 0u
#define CAISSON_IO_MMIO 1u
/* writes go into the ring and do not wait; one device model of a domain has such ranges */
#define CAISSON_CLAIM_POSTED 1u
#define CAISSON_CLAIM_DROP   2u /* give the claim back */
struct caisson_ioreq {
	uint64_t addr; /* port or guest-physical address */
	uint64_t data; /* written value, or the answer to a read; zero-extended */
	uint32_t size; /* 1, 2, 4 (ports, MMIO) or 8 (MMIO) */
	uint8_t kind;  /* CAISSON_IO_* */
	uint8_t write;
	uint8_t pad[2];
	uint64_t rip; /* of the requester, for messages */
	uint64_t seq;
	/* the device model's own: stays until the domain goes, also when the device model is started again */
	uint64_t keep[3];
};
CAISSON_ASSERT(sizeof(struct caisson_ioreq) == 64, "layout");
struct caisson_ioreq_page {
	/* indexed by vCPU; the hypervisor fills it, the device model answers in data */
	struct caisson_ioreq slot[CAISSON_MAX_VCPUS];
};
CAISSON_ASSERT(sizeof(struct caisson_ioreq_page) == 4096, "layout");

/* ioreq_map's third argument */
#define CAISSON_IOREQ_SLOTS 0u /* struct caisson_ioreq_page */
#define CAISSON_IOREQ_RING  1u /* struct caisson_ring; there from the first posted claim on */
#define CAISSON_RING	    64u
struct caisson_posted {
	uint64_t addr;
	uint64_t data;
	uint32_t size;
	uint8_t kind; /* CAISSON_IO_* */
	uint8_t pad;
	uint16_t vcpu;
	uint64_t rip;
};
CAISSON_ASSERT(sizeof(struct caisson_posted) == 32, "layout");
/* Entries [tail, head) modulo CAISSON_RING are to be carried out, in this order. When it is
 * full a write waits like another. A posted write comes before whatever the same vCPU asks
 * for later: the event is given before the request. */
struct caisson_ring {
	uint32_t head; /* the hypervisor writes it after the entry */
	uint32_t rsvd[15];
	uint32_t tail; /* the device model writes it when it has read the entry */
	uint32_t rsvd2[15];
	struct caisson_posted entry[CAISSON_RING];
	uint8_t unused[1920];
};
CAISSON_ASSERT(sizeof(struct caisson_ring) == 4096, "layout");

/* ---- eyes ---- */
#define CAISSON_HIST 32u
struct caisson_stat {
	char name[24];
	uint64_t count;
	uint64_t cycles;	     /* in root mode, TSC */
	uint64_t worst;		     /* longest single one */
	uint64_t worst_rip;	     /* guest RIP of that one */
	uint32_t hist[CAISSON_HIST]; /* [n]: 2^n <= cycles < 2^(n+1) */
};
CAISSON_ASSERT(sizeof(struct caisson_stat) == 184, "layout");

/* Exits by what they are about:
 * CPUID leaf, MSR, call, port, page, vector, else the processor's qualification. */
struct caisson_what {
	uint64_t what, count;
	uint32_t kind, pad;
};
CAISSON_ASSERT(sizeof(struct caisson_what) == 24, "layout");

/* Fields for vmcs_read: below FIELD_APIC the encoding of a VMCS field or the offset of 8
 * bytes of the VMCB, from there on the registers of the local APIC by offset / 16, from
 * FIELD_MSR on the processor's IA32_VMX_* MSRs by number. */
#define CAISSON_FIELD_APIC 0x10000u
#define CAISSON_APIC_REGS  64u
#define CAISSON_FIELD_MSR  0x20000u

struct caisson_walk {
	uint32_t levels; /* entries that follow, from the root down */
	uint32_t leaf;	 /* 1 when the last one maps */
	uint64_t entry[5];
	uint64_t hpa;  /* of the byte asked for, when mapped */
	uint64_t size; /* of the mapping */
};
CAISSON_ASSERT(sizeof(struct caisson_walk) == 64, "layout");

#define CAISSON_WATCH_TRACE 1u

/* Debugging: operations of call `debug`. */
#define CAISSON_DEBUG_GET    0u
#define CAISSON_DEBUG_SET    1u /* what is wanted of the vCPU from its next entry on; the domain is paused */
#define CAISSON_DEBUG_RESUME 2u /* undoes the pause that came with a stop; vcpu and gpa do not matter */
/* wish: */
#define CAISSON_DEBUG_ON      1u  /* INT1 stops it, and what the fields below say */
#define CAISSON_DEBUG_STEP    2u  /* one instruction, then stop */
#define CAISSON_DEBUG_ENTRY   4u  /* one stretch in the guest, then stop before the next entry */
#define CAISSON_DEBUG_HOLD    8u  /* it stays where it is while others of its domain run */
#define CAISSON_DEBUG_REFLECT 16u /* the INT1 at its RIP is the guest's own: it gets its #DB */
/* stop: why the vCPU stopped the domain, with one more pause and CAISSON_EVENT_DEBUG */
#define CAISSON_STOP_NONE  0u
#define CAISSON_STOP_BREAK 1u /* INT1, RIP at it */
#define CAISSON_STOP_STEP  2u
#define CAISSON_STOP_WATCH 3u /* one of dr[]: dr6 says which */
#define CAISSON_STOP_EXIT  4u /* the exit_count-th exit of exit_kind; it is handled */
#define CAISSON_STOP_ENTRY 5u
struct caisson_debug {
	uint32_t wish; /* CAISSON_DEBUG_ON ... */
	uint32_t stop; /* CAISSON_STOP_*; SET clears it */
	/* the debugger's own; while dr7 has one enabled the guest's rest, and it does not see these */
	uint64_t dr[4];
	uint32_t dr7, dr6;
	uint32_t exit_kind, pad;
	uint64_t exit_count; /* 0: none */
};
CAISSON_ASSERT(sizeof(struct caisson_debug) == 64, "layout");

#define CAISSON_POOL_INFO    0u
#define CAISSON_POOL_CREATE  1u
#define CAISSON_POOL_DESTROY 2u
#define CAISSON_POOL_ADD     3u /* a CPU, out of the pool that has it */
#define CAISSON_POOL_MOVE    5u /* a domain */
struct caisson_pool {
	uint32_t id, domains;
	uint64_t cpus[CAISSON_CPU_WORDS];
};
CAISSON_ASSERT(sizeof(struct caisson_pool) == 40, "layout");

/* ---- how a domain of ours starts ---- The control domain is an ELF64 with the PVH note; it is entered as
 * PVH says (32-bit protected mode, EBX = hvm_start_info) with its memory map and command line. Modules are
 * found by module_info and mapped by module_map. */

#endif
