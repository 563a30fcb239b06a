/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trace or a debugger sees of a vCPU. While one of them looks, v->on_exit is watch_exit() and not the
 * vendor's own function: who is not looked at pays nothing. A debugger's stop ends in a paused domain, seen
 * to before the next entry and before anything is injected, so that nothing is lost.
 */
#include "arch/x86/asm.h"
#include "arch/x86/hvm.h"
#include "arch/x86/regs.h"
#include "hv/arch.h"
#include "hv/trace.h"

static void debug_stop(struct x86_vcpu *v, u32 why, const struct hvm_look *l)
{
	v->debug.stop = why;
	v->debug.exit_kind = l->kind;
	v->debug.dr6 = l->dr6;
	v->debug.wish &= CAISSON_DEBUG_ON;
	v->debug.exit_count = 0;
	v->stepping = v->stepped = false;
	hvm->debug(v, v->debug.wish, false);
	__atomic_and_fetch(&v->hv.pending, ~(u32)PEND_DEBUG, __ATOMIC_RELAXED);
	/* Whatever the exit's handler says, there is no entry after it. */
	__atomic_or_fetch(&v->hv.pending, PEND_LEAVE, __ATOMIC_RELEASE);
	domain_stop(v->hv.domain);
}

/* True: the exit is the debugger's alone. */
static bool debug_exit(struct x86_vcpu *v, struct hvm_look *l)
{
	struct caisson_debug *d = &v->debug;
	u32 on = (d->dr7 | d->dr7 >> 1) & 0x55;

	if (d->exit_count && l->kind == d->exit_kind && !--d->exit_count)
		debug_stop(v, CAISSON_STOP_EXIT, l);
	if (v->stepping && (l->kind == EXIT_MTF || (l->kind == EXIT_EXCEPTION && l->detail == X86_DB)))
		v->stepped = true;
	if (l->kind != EXIT_EXCEPTION)
		return false;
	on = (on & 1) | (on >> 1 & 2) | (on >> 2 & 4) | (on >> 3 & 8);
	if (l->int1)
		debug_stop(v, CAISSON_STOP_BREAK, l);
	else if (l->detail == X86_DB && v->debug_hw && (l->dr6 & on))
		debug_stop(v, CAISSON_STOP_WATCH, l);
	else
		return false;
	v->exit_rip = l->rip;
	v->stats[EXIT_EXCEPTION].count++;
	return true;
}

void watch_entry(struct x86_vcpu *v)
{
	trace(&v->hv, CAISSON_TRACE_ENTRY, 0, hvm->entry_event(v), v->regs[RAX]);
}

bool __endbr watch_exit(struct x86_vcpu *v)
{
	struct hvm_look l = { 0 };
	bool enter;

	hvm->look(v, &l);
	switch (l.kind) {
	case EXIT_CPUID:
		l.detail = (u32)v->regs[RAX] | v->regs[RCX] << 32;
		break;
	case EXIT_HYPERCALL:
		l.detail = v->regs[RAX];
		break;
	case EXIT_RDMSR:
	case EXIT_WRMSR:
		l.detail = (u32)v->regs[RCX];
		break;
	default:
		break;
	}
	trace(&v->hv, CAISSON_TRACE_EXIT, l.kind, l.rip, l.detail);
	if ((READ_ONCE(v->hv.watch) & WATCH_DEBUG) && debug_exit(v, &l))
		return false;
	enter = hvm->exit(v);
	if (enter)
		watch_entry(v);
	return enter;
}

/* The debugger's debug registers go into the processor, or the guest's come back. */
static void debug_registers(struct x86_vcpu *v)
{
	bool on = v->debug.dr7 & DR7_ENABLED;

	if (!on && !v->debug_hw)
		return;
	if (on && !v->debug_hw) {
		v->guest_dr7 = hvm->get(v, HVM_DR7);
		if (v->dr_used)
			debug_from_cpu(v);
		v->dr_used = v->switch_more = true;
		hvm->dr_exiting(v, true);
	}
	v->debug_hw = on;
	debug_to_cpu(v);
	hvm->set(v, HVM_DR7, on ? v->debug.dr7 | DR7_INIT : v->guest_dr7);
	if (!on)
		hvm->dr_exiting(v, false);
}

bool debug_pending(struct x86_vcpu *v)
{
	struct caisson_debug *d = &v->debug;
	struct hvm_look l = { .kind = d->exit_kind };
	struct hvm_regs r;

	hvm->get_regs(v, &r);
	if (!v->stepping) {
		debug_registers(v);
		hvm->debug(v, d->wish, d->wish & CAISSON_DEBUG_STEP);
		v->step_rip = r.rip;
		if (d->wish & CAISSON_DEBUG_REFLECT) {
			v->exit_rip = r.rip;
			hvm->advance(v, 1);
			hvm->inject(v, X86_DB, NO_ERROR_CODE);
			d->wish &= ~CAISSON_DEBUG_REFLECT;
		}
		v->stepping = d->wish & (CAISSON_DEBUG_STEP | CAISSON_DEBUG_ENTRY);
		if (!v->stepping)
			__atomic_and_fetch(&v->hv.pending, ~(u32)PEND_DEBUG, __ATOMIC_RELAXED);
		return true;
	}
	/* An instruction that we carried out has no trap behind it;
	 * one that exits and is run again is not done. */
	if (d->wish & CAISSON_DEBUG_ENTRY)
		debug_stop(v, CAISSON_STOP_ENTRY, &l);
	else if (v->stepped || r.rip != v->step_rip)
		debug_stop(v, CAISSON_STOP_STEP, &l);
	else
		hvm->debug(v, true, true); /* another exit came between */
	return v->stepping;
}

enum verdict exit_dr(struct x86_vcpu *v)
{
	u8 bytes[INSN_MAX_BYTES];
	struct hvm_regs r;
	struct insn i;
	u64 *reg;

	if (!v->debug_hw) { /* the first touch: run it again with the guest's registers in place */
		debug_load(v);
		return V_RESUME;
	}
	/* The processor's are the debugger's. */
	hvm->get_regs(v, &r);
	if (insn_decode(bytes, walk_fetch(v, &r, bytes), r.code_bits, &i) != INSN_OK ||
	    (i.op != INSN_MOV_FROM_DR && i.op != INSN_MOV_TO_DR))
		return V_RESUME;
	reg = i.reg < 4 ? &v->dr[i.reg & 3] : i.reg & 1 ? &v->guest_dr7 : &v->dr6;
	if (i.op == INSN_MOV_FROM_DR)
		v->regs[i.rm & 15] = *reg;
	else
		*reg = i.reg < 4   ? v->regs[i.rm & 15]
		       : i.reg & 1 ? (u32)v->regs[i.rm & 15] | DR7_INIT
				   : (u32)v->regs[i.rm & 15] | DR6_INIT;
	v->io.insn.length = i.length;
	hvm->advance(v, i.length);
	return V_RESUME;
}

/* ---- what hv/arch.h promises ---- */

void arch_vcpu_watch(struct vcpu *hv)
{
	u32 watch;

	do { /* another call may have changed it, and have told already */
		watch = READ_ONCE(hv->watch);
		__atomic_store_n(&x86_vcpu(hv)->on_exit, watch ? watch_exit : hvm->exit, __ATOMIC_SEQ_CST);
	} while (watch != READ_ONCE(hv->watch));
}

void arch_vcpu_debug_get(struct vcpu *hv, struct caisson_debug *out)
{
	lock(&hv->still);
	*out = x86_vcpu(hv)->debug;
	unlock(&hv->still);
}

int arch_vcpu_debug_set(struct vcpu *hv, const struct caisson_debug *in)
{
	struct x86_vcpu *v = x86_vcpu(hv);
	bool held, hold = in->wish & CAISSON_DEBUG_HOLD;

	if ((in->wish & ~31u) || (in->wish && !(in->wish & CAISSON_DEBUG_ON)) ||
	    in->exit_kind >= EXIT_KIND_COUNT || ((in->dr7 & DR7_ENABLED) && !(in->wish & CAISSON_DEBUG_ON)))
		return -CAISSON_EINVAL;
	lock(&hv->still); /* two that release it would resume it twice */
	held = v->debug.wish & CAISSON_DEBUG_HOLD;
	v->debug = *in;
	v->debug.stop = v->debug.pad = 0;
	/* No general detect; the bits that are fixed. */
	v->debug.dr7 = (in->dr7 & ~(u32)(BIT(13) | MASK(12, 11) | MASK(15, 14))) | (u32)DR7_INIT;
	v->stepping = v->stepped = false;
	if (hold && !held)
		sched_deschedule(&hv->sched);
	else if (held && !hold)
		sched_resume(&hv->sched);
	if (in->wish)
		__atomic_or_fetch(&hv->watch, WATCH_DEBUG, __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&hv->watch, ~(u32)WATCH_DEBUG, __ATOMIC_RELAXED);
	arch_vcpu_watch(hv);
	__atomic_or_fetch(&hv->pending, PEND_DEBUG, __ATOMIC_RELEASE);
	unlock(&hv->still);
	return 0;
}
