/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SVM's ASIDs, which a CPU gives out and begins anew, against vCPUs that move, a domain's table that changes, a guest's own tables and
 * entries that the processor refuses: no vCPU finds another's translations, none of a frame that was given back, and none that it had
 * dropped, and what is dropped is given back. new_asid, svm_flush_due, svm_flush_asid, svm_flush, svm_load (arch/x86/svm/svm.c),
 * svm_pending, svm_enter, svm_exit, svm_refused (arch/x86/svm/run.c), arch_s2_flush, arch_s2_flushed (arch/x86/s2.c), vcpu_pend
 * (hv/domain.c), run_load (hv/run.c). Vcpus of two domains, two CPUs with two ASIDs, with and without a flush by ASID; a
 * third CPU ends a share of A's.
 * faults: NEW_UNFLUSHED NEW_BY_ONE OLD_ONE_KEPT BACK_UNSEEN CHANGES_FIRST CHANGE_UNSEEN REFUSED_FLUSHES GUEST_UNSEEN NOT_PENDING
 */
#define NONE  2
#define A     0
#define B     1
#define OTHER 99
#define ASIDS 3 /* with the hypervisor's own, 0 */
mtype = { KEEP, ALL, ONE };

typedef percpu {
	byte generation, next, tlb[ASIDS]; /* 0: nothing, OTHER: B's, else A's, from when that was its version */
	bool flush, kick
}
percpu p[2];

bool freed, by_asid;
/* A's second stage and own tables: each change makes another version, and what it sees has to be of `need` or later. */
byte changes, version = 1, need = 1;
/* of a vCPU */
byte asid[2], generation[2], last[2] = NONE, seen[2], cpu_of[2] = NONE, on[2] = NONE;
mtype ctl[2] = KEEP;
bool pend_flush[2], pend_event[2];
byte moves = 2, refusals = 1;

inline new_asid()
{
	if
	:: p[c].next >= ASIDS ->
		p[c].generation++; p[c].next = 1;
#ifdef NEW_BY_ONE
		ctl[v] = ALL;
#else
		ctl[v] = KEEP;
#ifndef NEW_UNFLUSHED
		p[c].flush = true;
#endif
#endif
#ifndef NOT_PENDING
		pend_event[v] = true
#endif
	:: else -> ctl[v] = KEEP
	fi;
	generation[v] = p[c].generation;
	asid[v] = p[c].next;
	p[c].next++
}

inline flush_asid()
{
	if :: by_asid -> ctl[v] = ONE :: else -> new_asid() fi
}

inline svm_flush() /* n: the count */
{
	if :: seen[v] != n -> seen[v] = n; flush_asid() :: else fi
}

inline flush_due()
{
	if :: p[c].flush -> p[c].flush = false; ctl[v] = ALL :: else fi
}

/* n: whether it is refused */
inline vmrun()
{
	if
	:: n ->
#ifndef REFUSED_FLUSHES
		p[c].flush = true;
#endif
		generation[v] = 0 /* the builder gives it another state */
	:: !n && ctl[v] == ALL ->
		p[c].tlb[1] = 0; p[c].tlb[2] = 0
	:: !n && ctl[v] == ONE -> p[c].tlb[asid[v]] = 0
	:: else
	fi;
	ctl[v] = KEEP /* svm_exit */
}

/* What is not there is walked for; what is there is used. */
inline access()
{
	if
	:: !p[c].tlb[asid[v]] -> p[c].tlb[asid[v]] = (v == A -> version : OTHER)
	:: else
	fi;
	assert((v == B) == (p[c].tlb[asid[v]] == OTHER) && (v == B || p[c].tlb[asid[v]] >= need))
}

/* Steps are what others can come between: all but `cpu`, `pending`, `sleep` and the count of changes is the CPU's own. */
proctype cpu(byte c)
{
	byte v, n;
	bool again; /* it is svm_loop that enters, and not svm_enter */

end_idle:
	again = false;
end_pick:
	do
	:: atomic { p[c].kick -> p[c].kick = false }
	:: atomic { on[A] == NONE && on[B] != c -> on[A] = c; v = A }; break
	:: atomic { c == 0 && on[B] == NONE && on[A] != c -> on[B] = c; v = B }; break
	od;
#ifdef CHANGES_FIRST
	n = (v == A -> changes : 0);
#endif
	cpu_of[v] = c;
	/* svm_load */
	d_step {
#ifndef CHANGES_FIRST
		n = (v == A -> changes : 0);
#endif
		if
#ifdef OLD_ONE_KEPT
		:: last[v] != c ->
#else
#ifdef BACK_UNSEEN
		:: generation[v] != p[c].generation ->
#else
		:: last[v] != c || generation[v] != p[c].generation ->
#endif
#endif
			last[v] = c; seen[v] = n; new_asid()
		:: else ->
#ifndef CHANGE_UNSEEN
			svm_flush()
#endif
		fi
	};
enter:
	if
	:: atomic { moves > 0 -> moves-- }; goto leaves /* before it enters */
	:: true
	fi;
	/* svm_pending, once; what comes behind it ends the entry */
	if
	:: atomic { pend_flush[v] -> pend_flush[v] = false }; d_step { n = (v == A -> changes : 0); svm_flush(); pend_event[v] = true }
	:: else
	fi;
	atomic {
		if :: pend_event[v] || !again -> pend_event[v] = false; flush_due() :: else fi;
		n = 0;
		if :: v == B && refusals > 0 -> refusals--; n = 1 :: true fi;
		vmrun();
		again = true
	};
	if :: n -> n = 0; goto leaves :: else fi;
end_guest:
	do
	:: atomic { p[c].kick -> p[c].kick = false }; goto enter
	:: d_step { true -> access() }
	:: d_step {
		v == A && moves > 0 -> moves--; version++; need = version; /* writes CR3 */
#ifndef GUEST_UNSEEN
		flush_asid()
#endif
	   };
	   goto enter
	:: atomic { moves > 0 -> moves-- }; goto leaves
	od;
leaves:
	atomic { cpu_of[v] = NONE; on[v] = NONE };
	goto end_idle
}

proctype ender()
{
	byte i, gone;

	d_step { version++; gone = version };
	changes++;
	i = cpu_of[A];
	if
	:: i != NONE ->
		pend_flush[A] = true;
		i = cpu_of[A];
		if :: i != NONE -> p[i].kick = true :: else fi
	:: else
	fi;
	do
	:: cpu_of[A] == NONE -> break
	:: !pend_flush[A] -> break
	od;
	atomic { if :: need < gone -> need = gone :: else fi; freed = true }
}

init {
	atomic {
		p[0].generation = 1; p[1].generation = 1; p[0].next = ASIDS; p[1].next = ASIDS;
		if :: by_asid = true :: true fi;
		run cpu(0); run cpu(1); run ender()
	};
	timeout -> assert(freed)
}
