/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wake-up against sleep: two requesters and their device model hand over to each other on two CPUs, by the loan, by the scheduler,
 * or through the queue, while an event comes for the model: everybody gets its answer, nobody runs twice. ioreq_submit, ioreq_wait,
 * ioreq_ready, ioreq_notify (hv/ioreq.c), run_loop, run_sleep, run_loan_ends, run_awake (hv/run.c), vcpu_wake (hv/domain.c),
 * sched_pick, sched_wake, sched_block, sched_lend, sched_handoff, sched_give_back (hv/sched.c). What a lock holds together is atomic.
 * faults: HANDOFF_LOST LOAN_FORGETS WOKEN_IGNORED WAITER_KEPT
 */
#define NONE 3
#define M    2 /* the model; 0 and 1 ask */
mtype = { NO, IOREQ, WAIT, DONE };

mtype sleep[3] = NO;
bool wants[3] = true, woken[3], running[3], pend_io[3];
byte on[3] = NONE, at[3], handoff[3] = NONE; /* at: unit.cpu */
byte turns = 1;
byte current[2] = NONE;			     /* the scheduler's */
byte answered[2];
/* ioq of the model, under its lock */
bool waiter, queued[2], event, event_seen;
byte taken = NONE;
byte res = NONE; /* what its `wait` gave: whom to answer */

inline sched_wake(x)
{
	atomic { if :: wants[x] -> woken[x] = true :: else -> wants[x] = true fi }
}

inline vcpu_wake(x, why)
{
	if
	:: atomic { sleep[x] == why -> sleep[x] = NO }; sched_wake(x)
	:: else
	fi
}

/* The next thing for the model, if there is one; under the lock. */
inline ioreq_next(word)
{
	if
	:: event -> event = false; event_seen = true; word = NONE; got = true
	:: !event && queued[0] -> queued[0] = false; taken = 0; word = 0; got = true
	:: !event && !queued[0] && queued[1] -> queued[1] = false; taken = 1; word = 1; got = true
	:: else -> got = false
	fi
}

/* w: the model, if it waited and there is something for it */
inline ioreq_ready()
{
	atomic {
		w = NONE;
		if
		:: waiter ->
			ioreq_next(res);
			if
			:: got -> w = M;
#ifndef WAITER_KEPT
				waiter = false
#endif
			:: else
			fi
		:: else
		fi
	}
}

inline sched_block() /* ok: blocked */
{
	atomic {
		x = current[c];
		if
#ifndef WOKEN_IGNORED
		:: woken[x] -> woken[x] = false; ok = false
#endif
		:: else -> wants[x] = false; current[c] = NONE; ok = true
		fi
	}
}

proctype notifier()
{
	byte w; bool got;

	event = true;
	ioreq_ready();
	if :: w != NONE -> vcpu_wake(M, WAIT) :: else fi
}

proctype cpu(byte c)
{
	byte v, w, x, l, lender = NONE; bool got, ok;

pick:	/* sched_pick: the current goes on, or another; what stays loaded is put first */
	v = NONE;
end_idle:
	atomic {
		if
		:: wants[0] && on[0] == NONE -> v = 0
		:: wants[1] && on[1] == NONE -> v = 1
		:: wants[M] && on[M] == NONE -> v = M
		fi;
		on[v] = c; at[v] = c; current[c] = v
	}
loop:
	if
	:: sleep[v] == NO ->
		assert(!running[v] && on[v] == c);
		running[v] = true;
		if
		:: v == M -> goto model
		:: else
		fi;
		if
		:: pend_io[v] -> pend_io[v] = false; answered[v]++; sleep[v] = DONE
		:: !pend_io[v] && answered[v] == 0 ->
			/* ioreq_submit */
			sleep[v] = IOREQ;
			atomic {
				if
				:: waiter && !queued[0] && !queued[1] && !event ->
					waiter = false; taken = v; res = v; handoff[v] = M; got = true
				:: else -> queued[v] = true; got = false
				fi
			};
			if
			:: got
			:: else -> ioreq_ready(); handoff[v] = w
			fi
		:: else
		fi;
		goto left;
model:		if :: atomic { turns > 0 && lender != NONE -> turns-- }; goto left /* the end of a turn */ :: true fi;
		/* what `wait` told it is done; ioreq_wait */
		do
		:: atomic {
			w = res;
			if
			:: w != NONE -> assert(taken == w); taken = NONE; pend_io[w] = true
			:: else
			fi;
			ioreq_next(res);
			if :: !got -> sleep[M] = WAIT; res = NONE; waiter = true :: else fi
		   };
		   if
		   :: !got -> handoff[M] = w; break
		   :: got && w != NONE -> vcpu_wake(w, IOREQ)
		   :: else
		   fi
		od;
left:
		running[v] = false
	:: else
	fi;
	if :: lender != NONE -> goto loan_ends :: else fi;
#ifdef HANDOFF_LOST
	if :: sleep[v] == NO -> goto yield :: else fi;
#else
	if :: sleep[v] == NO && handoff[v] == NONE -> goto yield :: else fi;
#endif
	/* run_sleep */
	w = handoff[v];
	if
	:: w != NONE ->
		handoff[v] = NONE;
		sleep[w] = NO;
		atomic {
			ok = sleep[v] == IOREQ && at[w] == c && !woken[v] && !wants[w];
			if
			:: ok -> on[w] = c
			:: true -> ok = false /* somebody is to preempt */
			fi
		};
		if
		:: ok -> lender = v; v = w; goto loop /* the lender stays the current of the scheduler */
		:: else
		fi;
		atomic {
			ok = !woken[v] && !wants[w] && (on[w] == NONE || on[w] == c);
			if
			:: ok -> wants[v] = false; wants[w] = true; on[w] = c; at[w] = c; current[c] = w
			:: true -> ok = false
			fi
		};
		if
		:: ok -> on[v] = NONE; v = w; goto loop
		:: else -> sched_wake(w)
		fi
	:: else
	fi;
	sched_block();
	if :: !ok -> goto loop :: else fi;
	on[v] = NONE; /* run_put, by the idle loop or the next load */
	goto pick;
yield:
	atomic { current[c] = NONE; on[v] = NONE };
	goto pick;
loan_ends:
	l = lender; w = handoff[v]; lender = NONE; handoff[v] = NONE;
	ok = true; /* the lender goes on */
	if
	:: w == l -> sleep[l] = NO
	:: else ->
		if :: w != NONE -> sleep[w] = NO; sched_wake(w) :: else fi;
		if
		:: sleep[l] == NO
		:: else -> sched_block(); ok = !ok
		fi
	fi;
	on[v] = NONE; /* sched_give_back */
	x = v;
	if :: ok -> v = l :: else -> on[l] = NONE; v = NONE fi;
#ifndef LOAN_FORGETS
	if :: sleep[x] == NO -> sched_wake(x) :: else fi;
#endif
	if :: v == NONE -> goto pick :: else -> goto loop fi
}

init {
	atomic { run cpu(0); run cpu(1); run notifier() };
	timeout -> assert(answered[0] == 1 && answered[1] == 1 && event_seen)
}
