/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translations against what is used again: a domain is reset, or destroyed and another made whose root table has the same page,
 * while CPUs remember translations under that root's address; no guest reaches a frame that was given back by them, and none finds
 * what it has itself dropped on another CPU. memory_depopulate (hv/memory.c), domain_quiet, reset, destroy (hv/domain.c), s2_init,
 * arch_s2_flush (arch/x86/s2.c), vmx_load, vmx_tlb_flush, vmx_flush_guest (arch/x86/vmx/vmx.c), run_load, run_put, run_idle
 * (hv/run.c). One vCPU, two CPUs, and the builder.
 * faults: RESET_FORGETS ROOT_TRUSTED SLEEPER_IS_QUIET BACK_UNSEEN FLUSHED_BY_OTHER
 */
#define NONE 2

byte tlb[2], frame = 1; /* 0: none; which one is the guest's, counted: one given back is never its own again */
byte own[2], pages = 1; /* by VPID: what the guest's own tables said */
bool flush[2], mapped = true, hold, asleep;
byte cpu_of = NONE, last = NONE, moves = 5, lives = 2;

proctype cpu(byte c)
{
end_idle:
	do
	:: cpu_of == c && asleep && hold -> cpu_of = NONE /* evicted */
	:: atomic { cpu_of == c && asleep && moves > 0 -> moves--; cpu_of = NONE }
	:: atomic { asleep && moves > 0 -> moves--; asleep = false } /* somebody wakes it */
	:: atomic { cpu_of == c && !asleep && !hold }; goto guest    /* still loaded */
	:: atomic { cpu_of == c && !asleep && hold -> cpu_of = NONE }
	:: atomic { cpu_of == NONE && !asleep && !hold -> cpu_of = c }; break
	od;
	/* vmx_load */
	if
	:: last != c ->
#ifndef BACK_UNSEEN
		own[c] = 0;
#endif
		last = c
	:: else
	fi;
	if
	:: flush[c] ->
		flush[c] = false; tlb[c] = 0
#ifdef FLUSHED_BY_OTHER
		; flush[1 - c] = false
#endif
	:: else
	fi;
guest:
end_guest:
	do
	:: atomic { moves > 0 && tlb[c] -> moves--; assert(tlb[c] == frame) }
	:: atomic { moves > 0 && !tlb[c] && mapped -> moves--; tlb[c] = frame }
	:: atomic { moves > 0 && own[c] -> moves--; assert(own[c] == pages) }
	:: atomic { moves > 0 && !own[c] -> moves--; own[c] = pages }
	:: atomic { moves > 0 -> moves--; pages++; own[c] = 0 } /* changes its tables, INVLPG */
	:: atomic { hold -> cpu_of = NONE }; goto end_idle
	:: atomic { moves > 0 -> moves--; cpu_of = NONE }; goto end_idle /* preempted */
	:: atomic { moves > 0 -> moves--; asleep = true }; goto end_idle /* stays loaded while its CPU idles */
	od
}

proctype builder()
{
end_builder:
	do
	:: lives > 0 ->
		lives--;
		hold = true;
#ifdef SLEEPER_IS_QUIET
		cpu_of == NONE || asleep;
#else
		cpu_of == NONE; /* domain_quiet */
#endif
		mapped = false;
		frame++; /* given back: whoever gets it, it is not this domain's */
		if
		:: /* reset */
#ifndef RESET_FORGETS
			flush[0] = true; flush[1] = true;
#endif
			asleep = false
		:: /* destroyed; another has its root's page and its VPID */
			last = NONE; asleep = false; pages++;
#ifdef ROOT_TRUSTED
			flush[0] = false; flush[1] = false
#else
			flush[0] = true; flush[1] = true
#endif
		fi;
		mapped = true;
		hold = false
	od
}

init {
	atomic { run cpu(0); run cpu(1); run builder() };
	timeout -> assert(lives == 0 && !hold)
}
