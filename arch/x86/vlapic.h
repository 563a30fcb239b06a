/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC of a vCPU, in xAPIC and x2APIC mode (T). SDM: "Advanced Programmable Interrupt Controller
 * (APIC)".
 *
 * The registers live in one page laid out as the architectural register page, which is also what VMX calls
 * the virtual-APIC page. They belong to the owner: the CPU that runs the vCPU, or whoever holds the vCPU
 * while it does not run. Every other CPU only posts: a bit in the posted-interrupt descriptor, the bit in TMR
 * that says whether the interrupt is level-triggered, and a bit in the error status, all by atomic operations
 * and without a lock. The owner merges what was posted into IRR with vlapic_sync().
 *
 * Why no interrupt is lost: a poster sets the vector in PIR and then ON, and kicks if ON was clear. The owner
 * clears ON and then takes PIR. So a vector that the owner did not see was followed by an ON that was clear,
 * and a kick.
 *
 * Context letters: (o) the owner, (a) any CPU. No function takes a lock or sleeps.
 */
#ifndef ARCH_X86_VLAPIC_H
#define ARCH_X86_VLAPIC_H

#include "arch/x86/regs.h"

#define APIC_BASE_POWER_UP 0xfee00000ull

#define APIC_SVR_ENABLE BIT(8)
#define APIC_DFR_FLAT	0xfu /* bits 31:28 */

#define APIC_LVT_MASKED	    BIT(16)
#define APIC_LVT_TIMER_MODE MASK(18, 17)
enum { APIC_TIMER_ONE_SHOT, APIC_TIMER_PERIODIC, APIC_TIMER_TSC_DEADLINE };

#define APIC_ICR_VECTOR	   MASK(7, 0)
#define APIC_ICR_MODE	   MASK(10, 8)
#define APIC_ICR_LOGICAL   BIT(11)
#define APIC_ICR_LEVEL	   BIT(14)
#define APIC_ICR_TRIGGER   BIT(15)
#define APIC_ICR_SHORTHAND MASK(19, 18)
#define APIC_ICR_DEST	   MASK(63, 32)
enum { APIC_TO_DEST, APIC_TO_SELF, APIC_TO_ALL, APIC_TO_OTHERS };

/* Delivery modes, of the ICR, the LVT, I/O APIC entries and MSIs. */
enum { APIC_FIXED, APIC_LOWEST, APIC_SMI, APIC_NMI = 4, APIC_INIT, APIC_SIPI, APIC_EXTINT };

/* SDM: "Error Status Register (ESR)". */
#define APIC_ESR_SEND_VECTOR BIT(5)
#define APIC_ESR_RECV_VECTOR BIT(6)
#define APIC_ESR_REGISTER    BIT(7)

/* SDM: "Posted-Interrupt Processing", format of the posted-interrupt descriptor. */
struct pi_desc {
	u64 pir[4];
	u64 control; /* PI_ON, PI_SN, notification vector and destination */
	u64 reserved[3];
} __aligned(64);
#define PI_ON	BIT(0)
#define PI_SN	BIT(1)
#define PI_NV	MASK(23, 16)
#define PI_NDST MASK(63, 32)
_Static_assert(sizeof(struct pi_desc) == 64, "SDM: Posted-Interrupt Processing");

/* An interrupt on its way to local APICs. dest is APIC_BROADCAST for everyone, in either mode. */
#define APIC_BROADCAST 0xffffffffu
struct irq_msg {
	u32 dest;
	u8 vector;
	u8 mode; /* delivery mode */
	bool logical;
	bool level; /* level-triggered: its EOI goes to the I/O APICs */
};

struct vlapic {
	struct pi_desc pi; /* (a), atomic */
	u32 *regs;	   /* (o), except TMR: (a), atomic */
	u64 base;	   /* (o) IA32_APIC_BASE; others read it */
	u32 id;		   /* constant: the x2APIC ID */
	u32 errors;	   /* (a), atomic: what the next write to ESR will show */
	u32 irr_words;	   /* (o) bit n: word n of IRR is not zero */
	u32 isr_words;	   /* (o) the same for ISR */
	s32 isr_top;	   /* (o) the highest vector in ISR, or -1 */
	u32 divide_shift;  /* (o) log2 of the divide configuration */
	bool pv_eoi;	   /* (o) the guest may end an interrupt by clearing a bit: vlapic_pv_eoi() */
	bool pv_offered;   /* (o) and was told so of the one on top of ISR */
	u32 timer_mode;	   /* (o) of LVT Timer; what the register had before, where the processor writes it */
	u64 base_reserved; /* constant: bits of IA32_APIC_BASE that must be zero */
	u64 deadline;	   /* (o) host TSC at which the timer fires, 0: not armed */
	u64 period;	   /* (o) host TSC ticks that the initial count stands for */
	u64 tsc_deadline;  /* (o) IA32_TSC_DEADLINE, in the guest's TSC */
	u64 tsc_offset;	   /* (o) guest TSC minus host TSC */
	u64 min_period; /* constant: a periodic timer that is set faster fires at this rate, in TSC ticks */
};

/*
 * What the APIC calls: written by whoever owns vCPUs, and by the test.
 * vlapic_now (o): the host's TSC. vlapic_timer_arm (o): call vlapic_timer_expired() at that host TSC or as
 * soon as possible after it, replacing an earlier time. vlapic_timer_cancel (o): not any more. vlapic_kick
 * (a): this vector was posted where none was; make the vCPU, running, preempted or halted, look at it.
 * vlapic_send_ipi (o): find the domain's APICs and call vlapic_ipi(). vlapic_eoi_broadcast (o): the I/O
 * APIC's EOI. vlapic_nmi (a): latch an NMI. vlapic_pv_eoi (o): sets the guest's bit, tells whether it was
 * set. vlapic_extint (a): an interrupt past the APIC's registers, its vector told by an 8259.
 * vlapic_init_sipi (a): latch INIT, or SIPI with its vector; for INIT the owner then calls vlapic_reset(v,
 * true).
 */
u64 vlapic_now(struct vlapic *v);
void vlapic_timer_arm(struct vlapic *v, u64 deadline_tsc);
void vlapic_timer_cancel(struct vlapic *v);
void vlapic_kick(struct vlapic *v, u8 vector);
void vlapic_send_ipi(struct vlapic *from, u64 icr);
void vlapic_eoi_broadcast(struct vlapic *v, u8 vector);
bool vlapic_pv_eoi(struct vlapic *v, bool offer);
void vlapic_nmi(struct vlapic *v);
void vlapic_extint(struct vlapic *v, u8 vector);
void vlapic_init_sipi(struct vlapic *v, bool sipi, u8 vector);

/*
 * (o) Power-up of a new APIC. page: 4 KiB, aligned, kept. The divide configuration divides the TSC's clock.
 * phys_bits: the guest's MAXPHYADDR.
 */
void vlapic_init(struct vlapic *v, u32 *page, u32 id, u64 tsc_hz, unsigned phys_bits);

/* (o) SDM: "Local APIC State After Power-Up or Reset";
 * init: "… After an INIT Reset": mode, base and ID stay. */
void vlapic_reset(struct vlapic *v, bool init);

static inline bool vlapic_x2apic(const struct vlapic *v)
{
	return v->base & APIC_BASE_EXTD;
}

/* (o) Whether MMIO at the guest-physical page v->base & APIC_BASE_ADDR is this APIC's: not in x2APIC mode. */
static inline bool vlapic_xapic(const struct vlapic *v)
{
	return (v->base & (APIC_BASE_EN | APIC_BASE_EXTD)) == APIC_BASE_EN;
}

/*
 * (o) xAPIC registers; off is below 4096, size in bytes. Architecture defines aligned 32-bit accesses only:
 * other reads give the bytes asked for, other writes are dropped. Outside xAPIC mode there is nothing: all
 * ones.
 */
u32 vlapic_mmio_read(struct vlapic *v, unsigned off, unsigned size);
void vlapic_mmio_write(struct vlapic *v, unsigned off, unsigned size, u32 value);

/* (o) x2APIC MSRs 0x800 to 0x8ff.
 * False: #GP (not in x2APIC mode, no such register, wrong way, reserved bits). */
bool __must_check vlapic_msr_read(struct vlapic *v, u32 msr, u64 *value);
bool __must_check vlapic_msr_write(struct vlapic *v, u32 msr, u64 value);

/*
 * (o) Write IA32_APIC_BASE; reading is v->base. False: #GP (reserved bits, or a transition that SDM "x2APIC
 * State Transitions" has not). The caller compares v->base before and after where it maps the page or shows
 * CPUID.
 */
bool __must_check vlapic_base_msr_write(struct vlapic *v, u64 value);

/* (o) APIC-write VM exit: the processor has stored to the register at off already;
 * do what the store means. */
void vlapic_apic_write(struct vlapic *v, unsigned off);

/* (o) IA32_TSC_DEADLINE (MSR 0x6e0),
 * and a change of the guest's TSC (guest minus host), which moves its deadline. */
u64 vlapic_tscdeadline_read(struct vlapic *v);
void vlapic_tscdeadline_write(struct vlapic *v, u64 value);
void vlapic_tsc_offset_set(struct vlapic *v, u64 offset);

/* (o) The armed time has come. Too early a call does no harm: it arms again. */
void vlapic_timer_expired(struct vlapic *v);

/* (o) TPR as the register and as CR8. */
static inline u8 vlapic_tpr(const struct vlapic *v)
{
	return v->regs[APIC_TPR / 4];
}
void vlapic_tpr_set(struct vlapic *v, u8 tpr);

/* (o) Merge what was posted into IRR.
 * Due before each of the three below, and cheap where nothing was posted. */
void vlapic_sync(struct vlapic *v);

/* (o) The highest vector in IRR and in ISR, or -1: RVI and SVI. */
int vlapic_irr_top(const struct vlapic *v);
static inline int vlapic_isr_top(const struct vlapic *v)
{
	return v->isr_top;
}

/* (o) The vector that the processor would take now if it took interrupts, or -1. Syncs. */
int vlapic_pending_vector(struct vlapic *v);

/* (o) The processor takes that vector: from IRR to ISR. SDM: "Interrupt Acceptance for Fixed Interrupts". */
void vlapic_ack(struct vlapic *v, u8 vector);
void vlapic_eoi(struct vlapic *v);

/*
 * (o) KVM's paravirtual EOI, for APICs that the processor does not virtualise. An interrupt that nothing
 * waits behind is offered with it: the guest clears a bit and writes no EOI. That is looked at (and the offer
 * withdrawn) only when it matters: when another interrupt comes, at an EOI, at a look at the registers.
 */
void vlapic_pv_eoi_enable(struct vlapic *v, bool on);

/* (o) The processor has changed IRR
 * and ISR in the page by itself (virtual-interrupt delivery): look again. */
void vlapic_resync(struct vlapic *v);

/* (a) Set a vector, whatever the state of the APIC. */
void vlapic_post(struct vlapic *v, u8 vector, bool level);

/* (a) An interrupt message arrives at this APIC. False where it is not accepted. */
bool vlapic_deliver(struct vlapic *v, const struct irq_msg *m);

/* (a) A local source fires: off is its LVT register. LINT pins count as edges. (o) for APIC_LVT_PERF, which
 * the delivery masks. */
void vlapic_lvt_raise(struct vlapic *v, unsigned off);

/* (a) SDM: "Determining IPI Destination". */
bool vlapic_match_dest(const struct vlapic *v, u32 dest, bool logical);

/* (a) Hand a message to those of n APICs that it names, lowest priority resolved; how many accepted it. It is
 * quickest where all[k] has ID k. */
unsigned vlapic_route(struct vlapic *const *all, unsigned n, const struct irq_msg *m);

/* (a) The same for an ICR value,
 * its destination in bits 63:32 whatever the sender's mode, with shorthands. */
void vlapic_ipi(struct vlapic *const *all, unsigned n, struct vlapic *from, u64 icr);

/*
 * (a) Decode an MSI. SDM: "Message Signalled Interrupts". False where the address is not one, or where the
 * message is a level's de-assertion: nothing is to be delivered.
 */
bool __must_check vlapic_msi_decode(u64 address, u32 data, struct irq_msg *m);

#endif
