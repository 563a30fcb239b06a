/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a domain against everything else: no vCPU of it runs while its RAM is taken back, holds and references come out even,
 * it is freed once and nobody uses it afterwards. domain_get, domain_put, domain_pause, domain_unpause, domain_end, domain_hold,
 * domain_release, domain_vcpu_create, destroy, reset, unmake (hv/domain.c), sched_deschedule, sched_resume, sched_wake
 * sched_put, sched_remove (hv/sched.c). Two vCPUs, of which the second is made on the way, and a CPU for each; what a lock holds together is atomic.
 * faults: HOLD_LATE CREATE_BLIND RELEASE_LATE LOOK_NOT PUT_TWICE REMOVE_NO_LOCK
 */
byte refs = 1; /* the table's */
bool table = true, ended, dying, unmaking, freed, ram = true;
byte pauses = 1, vcpus = 1;
byte holds[2];
bool running[2];
bool leaving[2]; /* sched_put() holds its CPU's lock and looks at the unit once more */
byte turns = 2;

/* Lock: vm */
inline hold()
{
	holds[0]++; if :: vcpus == 2 -> holds[1]++ :: else fi
}

inline release()
{
	assert(holds[0] > 0); holds[0]--;
	if :: vcpus == 2 -> assert(holds[1] > 0); holds[1]-- :: else fi
}

inline get() /* ok */
{
	atomic { ok = table; if :: ok -> refs++ :: else fi }
}

inline put()
{
	atomic {
		assert(refs > 0 && !freed);
		refs--;
		if
		:: refs == 0 ->
			assert(!running[0] && !running[1]); assert(!ram);
#ifndef REMOVE_NO_LOCK
			(!leaving[0] && !leaving[1]);
#endif
			freed = true
		:: else
		fi
	}
}

inline end()
{
	atomic {
		assert(!freed);
		first = !ended;
		ended = true;
#ifndef HOLD_LATE
		if :: first -> hold() :: else fi
#endif
	};
#ifdef HOLD_LATE
	if :: first -> atomic { hold() } :: else fi
#endif
}

inline is_quiet() /* ok; one after the other */
{
	ok = !running[0];
	if :: ok && vcpus == 2 -> ok = !running[1] :: else fi
}

/* domain_empty; ok */
inline take_back()
{
	assert(!freed);
#ifdef LOOK_NOT
	ok = true;
#else
	is_quiet();
#endif
	if
	:: ok ->
		assert(!running[0] && !running[1]);
		ram = false; /* piece by piece: nobody may begin to run meanwhile, see cpu() */
	:: else
	fi
}

proctype cpu(byte n)
{
	bool first;

end_cpu:
	do
	:: atomic { !freed && n < vcpus && holds[n] == 0 && turns > 0 -> turns--; running[n] = true; assert(ram && !pauses && !ended) };
	   if
	   :: true -> end() /* crashes */
	   :: true
	   fi;
	   assert(ram && !freed);
	   atomic { running[n] = false; leaving[n] = true };
	   assert(!freed);
	   leaving[n] = false
	od
}

proctype builder() /* makes the second vCPU, starts */
{
	bool ok;

	get();
	if
	:: ok ->
		atomic {
			if
#ifdef CREATE_BLIND
			:: pauses > 0 && !dying ->
#else
			:: pauses > 0 && !dying && !ended ->
#endif
				vcpus = 2; holds[1] = 1
			:: else
			fi
		};
		atomic { if :: pauses > 0 -> pauses--; if :: pauses == 0 -> release() :: else fi :: else fi };
		put()
	:: else
	fi
}

proctype pauser()
{
	bool ok;

	get();
	if
	:: ok ->
		atomic { pauses++; if :: pauses == 1 -> hold() :: else fi };
		atomic { if :: pauses > 0 -> pauses--; if :: pauses == 0 -> release() :: else fi :: else fi };
		put()
	:: else
	fi
}

proctype resetter() /* one piece of work, whatever comes of it */
{
	bool ok, first;

	get();
	if
	:: ok ->
		atomic { ok = !unmaking; unmaking = true };
		if
		:: ok && !dying ->
			end();
			take_back();
			if
			:: ok ->
				atomic { pauses++; if :: pauses == 1 -> hold() :: else fi };
				ram = true; /* the builder gives it some again before it unpauses */
#ifdef RELEASE_LATE
				ended = false;
				atomic { release() };
#else
				atomic { ended = false; release() };
#endif
			:: else
			fi;
			unmaking = false
		:: ok && dying -> unmaking = false
		:: else
		fi;
		put()
	:: else
	fi
}

proctype destroyer()
{
	bool ok, first;

	get();
	if
	:: ok ->
		do
		:: atomic { !unmaking -> unmaking = true };
		   dying = true;
		   end();
		   take_back();
		   if
		   :: ok ->
#ifdef PUT_TWICE
			table = false; put();
#else
			atomic { ok = table; table = false };
			if :: ok -> put() :: else fi;
#endif
			unmaking = false; break
		   :: else -> unmaking = false; (!running[0] && !running[1])
		   fi
		od;
		put()
	:: else
	fi
}

init {
	atomic {
		hold(); /* its first pause */
		run cpu(0); run cpu(1); run builder(); run pauser(); run resetter(); run destroyer(); run destroyer()
	};
	timeout -> assert(freed && !running[0] && !running[1])
}
