/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request to a device model against the end, or the reset, of either domain, and against the claim's: it is answered while both are
 * there; nobody uses a domain that was freed; no wake-up, no result and no answer reaches the next life of who was to have it.
 * ioreq_submit, ioreq_ready, ioreq_notify, ioreq_wait, wait_other, ioreq_asks, ioreq_cancel, ioreq_orphan, ioreq_again (hv/ioreq.c),
 * call_ioreq_claim (hv/hypercall.c), run_sleep, run_awake (hv/run.c), vcpu_wake, domain_empty, destroy, reset (hv/domain.c). One
 * requester, a vCPU of the device model and one that gives the claim back, an event; each domain is reset, or destroyed. What a lock holds together
 * is atomic.
 * faults: WOKEN_LATE WAITER_KEPT TAKEN_KEPT NOT_ASKED_AGAIN UNHELD CLAIM_DROPPED ORPHAN_BUSY
 */
#define D 0 /* asks */
#define M 1 /* answers */
mtype = { NO, SIPI, IOREQ, WAIT, IDLE, QUEUED, TAKEN, ANSWERED };

mtype sleep[2] = NO, state = IDLE;
bool running[2], freed[2], table[2] = true, io_dm, pend_io, claim = true;
byte holds[2], refs[2] = 1, life[2], asks = 2;
bool second; /* the model's other vCPU is in a call */
bool waiter, taken, event, res; /* the model's queue, where the requester stands when it is QUEUED; a token in its vCPU's register */

inline put(d)
{
	atomic {
		assert(refs[d] > 0 && !freed[d]);
		refs[d]--;
		if
		:: refs[d] == 0 ->
			freed[d] = true;
			assert(!table[d] && !running[d]);
			assert(d == M || (state != QUEUED && !taken)) /* in nobody's queue */
		:: else
		fi
	}
}

/* Of who is to be woken. */
#ifdef UNHELD
#define hold(d)	  skip
#define let_go(d) skip
#else
#define hold(d)	  refs[d]++
#define let_go(d) put(d)
#endif

/* What was taken out of a queue in life l of its domain is woken: by a store, or by compare and exchange where `seen` is what it was. */
inline awake(d, seen)
{
	atomic {
		assert(!freed[d]);
		if
		:: sleep[d] != NO && (seen == NO || sleep[d] == seen) -> assert(life[d] == l); sleep[d] = NO
		:: else
		fi
	};
	assert(!freed[d]) /* sched_wake, or the CPU is given to it */
}

inline given() /* the waiter has something; lock: the model's queue */
{
	waiter = false;
	assert(sleep[M] == WAIT && !freed[M]);
	hold(M);
	l = life[M]; w = true
}

inline ready()
{
	atomic {
		if
		:: waiter && event -> event = false; res = false; given()
		:: waiter && !event && state == QUEUED && io_dm -> state = TAKEN; taken = true; res = true; given()
		:: else
		fi
	}
}

inline wake_model(seen)
{
	awake(M, seen);
	let_go(M);
	w = false
}

proctype requester()
{
	bool w; byte l;

end_left:
	do
	:: atomic { sleep[D] == SIPI && holds[D] == 0 && !freed[D] -> sleep[D] = NO } /* its domain starts it */
	:: atomic { sleep[D] == NO && holds[D] == 0 && !freed[D] && (pend_io || (asks > 0 && claim)) -> running[D] = true };
	   if
	   :: pend_io -> atomic { pend_io = false; assert(state == ANSWERED); state = IDLE }
	   :: else ->
		atomic {
			asks--;
			sleep[D] = IOREQ;
			assert(!freed[M] && state == IDLE);
			io_dm = true;
			if
			:: waiter && !event -> taken = true; state = TAKEN; res = true; given()
			:: else -> state = QUEUED
			fi
		};
		if :: w :: else -> ready() fi;
		if :: w -> wake_model(NO) :: else fi
	   fi;
	   running[D] = false
	od
}

proctype model()
{
	bool w, got, slept; byte l;

end_left:
	do
	:: atomic { sleep[M] == NO && holds[M] == 0 && !freed[M] -> running[M] = true };
	   got = false;
	   if /* not the one taken last, or it does as if */
	   :: atomic { res -> got = table[D]; if :: got -> refs[D]++ :: else fi }
	   :: true
	   fi;
	   atomic {
		if
		:: res && (taken || got) && state == TAKEN && io_dm ->
			assert(!freed[D]);
			taken = false;
			hold(D);
			state = ANSWERED; pend_io = true; w = true; l = life[D]
		:: else
		fi;
		res = false;
		slept = false;
		if
		:: event -> event = false
		:: !event && state == QUEUED && io_dm -> state = TAKEN; taken = true; res = true
		:: else -> sleep[M] = WAIT; waiter = true; slept = true
		fi
	   };
	   if :: got -> put(D) :: else fi;
	   if
	   :: w && slept -> awake(D, NO); let_go(D); w = false
	   :: w && !slept -> awake(D, IOREQ); let_go(D); w = false
	   :: else
	   fi;
	   running[M] = false
	od
}

proctype notifier()
{
	bool w; byte l;

	atomic { if :: table[M] -> refs[M]++ :: else -> goto done fi };
	event = true;
	ready();
	if :: w -> wake_model(WAIT) :: else fi;
	put(M);
done:	skip
}

/* The model gives its claim back, on its second vCPU. */
proctype dropper()
{
	bool ok;

	atomic { if :: holds[M] == 0 && !freed[M] -> second = true :: else -> goto done fi };
	atomic { if :: table[D] -> refs[D]++ :: else -> second = false; goto done fi };
	atomic { holds[D]++ };
	if
	:: !running[D] ->
		atomic {
#ifdef CLAIM_DROPPED
			ok = claim;
#else
			ok = claim && (state == IDLE || !io_dm);
#endif
			if :: ok -> claim = false :: else fi
		};
		if :: ok -> put(M) :: else fi
	:: running[D] /* later */
	fi;
	atomic { holds[D]-- };
	put(D);
	second = false;
done:	skip
}

/* ok: nothing of d is in a queue, and nobody is about to wake it */
inline cancel(d)
{
	if
	:: d == M ->
#ifdef WAITER_KEPT
		ok = true
#else
		atomic { if :: waiter -> waiter = false; sleep[M] = NO :: else fi };
		ok = sleep[M] != WAIT
#endif
	:: d == D && (!io_dm || state == IDLE) ->
#ifndef ORPHAN_BUSY
		state = IDLE;
#endif
		ok = true
	:: d == D && io_dm && state != IDLE ->
		atomic {
			assert(!freed[M]);
#ifndef TAKEN_KEPT
			taken = false;
#endif
			ok = state != ANSWERED || sleep[D] != IOREQ;
#ifdef WOKEN_LATE
			ok = true;
#endif
			if :: ok -> state = IDLE; io_dm = false :: else fi
		}
	fi
}

proctype maker(byte d)
{
	bool ok;

	if :: true :: goto done fi;
	atomic { holds[d]++ };
	do
	:: !running[d] && !(d == M && second) -> cancel(d); if :: ok -> break :: else fi
	od;
	if
	:: d == D -> atomic { ok = claim; claim = false }; if :: ok -> put(M) :: else fi
	:: else
	fi;
	if
	:: true -> /* reset */
	   atomic {
		if
		:: d == M ->
			taken = false;
#ifndef NOT_ASKED_AGAIN
			if :: state == TAKEN && io_dm -> state = QUEUED :: else fi
#endif
		:: else
		fi
	   };
	   atomic {
		life[d]++; sleep[d] = NO;
		if
		:: d == M -> res = false
		:: d == D ->
			pend_io = false;
			assert(state == IDLE);
			if :: sleep[D] = SIPI :: true fi;
			if :: table[M] && !claim -> claim = true; refs[M]++ :: else fi /* by the builder */
		fi;
		holds[d]--
	   }
	:: true -> /* destroy */
	   if
	   :: d == M -> atomic { if :: state == QUEUED && io_dm -> io_dm = false :: else fi; taken = false } /* orphan */
	   :: else
	   fi;
	   table[d] = false;
	   put(d)
	fi;
done:	skip
}

init {
	atomic {
		refs[M]++; /* the claim */
		run requester(); run model(); run notifier(); run dropper(); run maker(D); run maker(M)
	};
	timeout ->
	assert(table[D] || freed[D]);
	assert(table[M] || claim || freed[M]);
	assert(!table[M] || !table[D] || sleep[D] != IOREQ)
}
