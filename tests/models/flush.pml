/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a share: no guest reaches a frame after it was given back, and it is given back. share_end (hv/share.c),
 * arch_s2_flush, arch_s2_flushed (arch/x86/s2.c), vmx_load, vmx_tlb_flush (arch/x86/vmx/vmx.c), vcpu_pend (hv/domain.c), run_load,
 * run_idle (hv/run.c), exit_pending (arch/x86/exit.c). One vCPU of the holder on two CPUs; a third CPU ends the share.
 * faults: NO_WAIT CPU_FIRST SLEEPER_WAITED_FOR NO_LOOK_AT_LOAD
 */
#define NONE 2

bool mapped = true, freed, pend_flush, kick[2], asleep, turn = true;
bool tlb[2], flush[2];
byte cpu_of = NONE, on = NONE, moves = 4;

inline tlb_flush() /* vmx_tlb_flush */
{
	if
	:: flush[c] ->
		flush[c] = false; tlb[c] = false
	:: else
	fi
}

proctype cpu(byte c)
{
end_idle:
	do
	:: atomic { kick[c] -> kick[c] = false }
	:: on == c && asleep && moves > 0 -> cpu_of = NONE; on = NONE /* evicted */
	:: atomic { asleep && moves > 0 -> moves--; asleep = false } /* somebody wakes it */
	:: atomic { on == c && !asleep }; goto enter
	:: atomic { on == NONE && !asleep -> on = c }; break
	od;
	cpu_of = c;
#ifndef NO_LOOK_AT_LOAD
	tlb_flush();
#endif
enter:
	if :: pend_flush -> pend_flush = false; tlb_flush() :: else fi;
	if :: pend_flush || kick[c] -> kick[c] = false; goto enter :: else fi; /* one that comes later ends the entry */
end_guest:
	do
	:: atomic { tlb[c] && moves > 0 -> moves--; assert(!freed) } /* an access */
	:: atomic { !tlb[c] && mapped && moves > 0 -> moves--; tlb[c] = true; assert(!freed) }
	:: atomic { kick[c] -> kick[c] = false }; goto enter
	:: atomic { moves > 0 -> moves-- }; cpu_of = NONE; on = NONE; goto end_idle /* preempted */
	:: atomic { moves > 0 -> moves--; asleep = true }; goto end_idle	       /* stays loaded while its CPU idles */
	od
}

proctype ender()
{
	byte i;

	mapped = false;
#ifdef CPU_FIRST
	i = cpu_of;
#endif
	flush[0] = true;
	flush[1] = true;
#ifndef CPU_FIRST
	i = cpu_of;
#endif
	if
	:: i != NONE ->
		pend_flush = true;
		if
		:: asleep /* vcpu_pend: looks before it enters, whenever that is */
		:: else -> i = cpu_of; if :: i != NONE -> kick[i] = true :: else fi
		fi
	:: else
	fi;
#ifndef NO_WAIT
	/* arch_s2_flushed, asked again while no answer can be yes */
#ifdef SLEEPER_WAITED_FOR
#define SLEEPS false
#else
#define SLEEPS asleep
#endif
	do
	:: cpu_of == NONE || !pend_flush || SLEEPS ->
		if :: cpu_of == NONE -> break :: else fi;
		if :: !pend_flush -> break :: else fi;
		if :: SLEEPS -> break :: else fi
	od;
#endif
	freed = true
}

init {
	atomic { run cpu(0); run cpu(1); run ender() };
	timeout -> assert(freed)
}
