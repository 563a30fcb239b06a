/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Posted interrupts against preemption, migration, HLT, waiting for a device and pause: each vector that is posted is taken once.
 * vlapic_post, apicv_notify, apicv_running, apicv_asleep, apicv_preempted, merge_pir, posted_wake, posted_in_root (arch/x86),
 * vcpu_wake, run_sleep, sched_wake, sched_block (hv). One vCPU, two CPUs, two posters. docs/interrupts.md has the protocol.
 * faults: ON_LAST SLEEP_LOOKS_FIRST LOAD_LOOKS_NOT LOAD_KEEPS_SN WAKER_KEPT_OUT
 */
#define NONE 2
#define RUN  0 /* NV */
#define WAKE 1

bool pir[2], irr[2], on, sn = true;
byte nv, ndst;
bool listed, pend_irq, asleep, wants = true, woken, paused;
byte list_cpu, loaded = NONE, moves = 3, got[2];
bool ipi_run[2], ipi_wake[2];

inline take(k) { atomic { pir[k] -> pir[k] = false; irr[k] = true } }

inline merge()
{
	if
	:: on ->
#ifndef ON_LAST
		on = false;
#endif
		if :: pir[0] -> atomic { pir[0] = false; irr[0] = true } :: else fi;
		if :: pir[1] -> atomic { pir[1] = false; irr[1] = true } :: else fi;
#ifdef ON_LAST
		on = false
#endif
	:: else
	fi
}

inline wake() /* vcpu_wake(SLEEP_HLT), sched_wake */
{
	if
	:: atomic { asleep -> asleep = false };
	   atomic { if :: wants -> woken = true :: else -> wants = true fi }
	:: else
	fi
}

inline pi_set(vector)
{
	atomic { nv = vector; ndst = c; sn = false }
}

inline on_wake_ipi() /* posted_wake: those of this CPU's list that have ON */
{
	if :: listed && list_cpu == c && on -> wake() :: else fi
}

inline look() /* arch_vcpu_has_work */
{
	merge();
	if :: irr[0] || irr[1] -> wake() :: else fi
}

proctype poster(byte k)
{
	bool was, s; byte n, d;

	pir[k] = true;
	atomic { was = on; on = true };
	if
	:: was
	:: else ->
		atomic { s = sn; n = nv; d = ndst };
		if
		:: s
		:: !s && n == RUN -> ipi_run[d] = true
		:: !s && n == WAKE -> ipi_wake[d] = true
		fi
	fi
}

proctype pauser()
{
	paused = true;
	paused = false
}

proctype cpu(byte c)
{
end_idle:
	do
	:: atomic { ipi_run[c] -> ipi_run[c] = false }; /* posted_in_root, or a stranger's guest */
	   if :: loaded == c -> pend_irq = true; wake() :: else fi
	:: atomic { ipi_wake[c] -> ipi_wake[c] = false }; on_wake_ipi()
	:: atomic { loaded == c && !wants -> loaded = NONE } /* evicted; it is in the list */
	:: atomic { wants && !paused && (loaded == NONE || loaded == c) -> loaded = c }; break
	od;
	if :: asleep -> goto sleepy :: else fi;

	/* apicv_running */
#ifdef LOAD_KEEPS_SN
	atomic { nv = RUN; ndst = c };
#else
	pi_set(RUN);
#endif
	listed = false;
#ifndef LOAD_LOOKS_NOT
	if :: on -> pend_irq = true :: else fi;
#endif
enter:
	if :: pend_irq -> pend_irq = false; merge() :: else fi;
end_guest:
	do
	:: irr[0] -> irr[0] = false; got[0]++; assert(got[0] == 1)
	:: irr[1] -> irr[1] = false; got[1]++; assert(got[1] == 1)
	:: atomic { ipi_run[c] -> ipi_run[c] = false }; merge() /* the processor does it */
	:: atomic { ipi_wake[c] -> ipi_wake[c] = false }; on_wake_ipi(); goto enter
	:: paused -> goto preempt
	:: atomic { moves > 0 -> moves-- }; goto preempt
	:: atomic { moves > 0 -> moves-- }; loaded = NONE; goto end_idle /* a device was asked, and has answered */
	:: atomic { moves > 0 && !irr[0] && !irr[1] -> moves-- }; asleep = true; break
	od;
sleepy:	/* run_sleep */
#ifdef SLEEP_LOOKS_FIRST
	look();
#endif
#ifndef WAKER_KEPT_OUT
	if :: !listed -> atomic { listed = true; list_cpu = c } :: else fi;
#endif
	pi_set(WAKE);
#ifndef SLEEP_LOOKS_FIRST
	look();
#endif
	atomic { if :: woken -> woken = false :: else -> wants = false fi };
	goto end_idle;
preempt: /* apicv_preempted */
	if :: !listed -> sn = true :: else fi;
	loaded = NONE;
	goto end_idle
}

init {
	atomic { run poster(0); run poster(1); run pauser(); run cpu(0); run cpu(1) };
	timeout -> assert(got[0] == 1 && got[1] == 1)
}
