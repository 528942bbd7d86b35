/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * offline.pml: a CPU leaves (mm_cpu_offline()) while another waits for what lies in its caches (remote_give_back()). The poster
 * does not wait for a CPU that it does not find any more.
 *
 * Checked: a poster that goes on, because the CPU has acknowledged or because it is gone, sees what the CPU gave back.
 *
 * One of these takes a safeguard away, and must be found out: NO_RELEASE (set_area()), NO_ACQUIRE (next_cpu()).
 */
#define CPUS   2
#define WORDS  4
#define STORES 3
#define GIVEN	     0 /* 1: the CPU's block was given back */
#define SEQUENCE     1
#define ACKNOWLEDGED 2
#define GONE	     3 /* mm.pcpu[1] is NULL */
#include "weak.pml"

#ifdef NO_RELEASE
#define LEAVE RELAXED
#else
#define LEAVE RELEASE
#endif
#ifdef NO_ACQUIRE
#define FIND RELAXED
#else
#define FIND ACQUIRE
#endif

proctype poster()
{
	byte n, i, gone, done;

	store(0, SEQUENCE, RELEASE, 1);
	fence(0);
	do
	:: load(0, GONE, FIND, gone);
		if
		:: gone -> break
		:: else
		fi;
		load(0, ACKNOWLEDGED, ACQUIRE, done);
		if
		:: done -> break
		:: else
		fi
	od;
	load(0, GIVEN, RELAXED, done);
	assert(done == 1)
}

proctype leaves()
{
	byte n, i, asked;

	if
	:: load(1, SEQUENCE, ACQUIRE, asked); /* mm_ipi(), or it is not interrupted before it leaves */
		if
		:: asked ->
			store(1, GIVEN, RELAXED, 1);
			store(1, ACKNOWLEDGED, RELEASE, 1)
		:: else
		fi
	:: true
	fi;
	if
	:: newest[GIVEN] == 0 -> store(1, GIVEN, RELAXED, 1)
	:: else
	fi;
	store(1, GONE, LEAVE, 1)
}

init
{
	atomic {
		run poster();
		run leaves()
	}
}
