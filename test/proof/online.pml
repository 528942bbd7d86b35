/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * online.pml: a CPU comes online (mm_cpu_online()) while another sets hooks or limits and asks all CPUs to take note
 * (remote_give_back(), with what mm_set_hooks() and mm_set_pcp_high() write before it; mm/pcp/remote.c).
 *
 * The poster asks only CPUs that it sees, and none at all if it sees that it is alone. The CPU that comes takes note by
 * itself of what it sees.
 *
 * Checked: when both are done, the CPU has seen the request or the poster the CPU, which then waits for it; and the CPU has
 * seen what was set, or serves a request that was posted after it.
 *
 * One of these takes a safeguard away, and must be found out: NO_FENCE_POST (that after the sequence), NO_FENCE_SET (that
 * before the look whether it is alone), NO_FENCE_ONLINE.
 */
#define CPUS   2
#define WORDS  4
#define STORES 3
#define SET	 0 /* hooks, limits */
#define SEQUENCE 1
#define AREA	 2 /* mm.pcpu[1] */
#define END	 3 /* mm.end_cpu, less one */
#include "weak.pml"

bool saw_request, saw_set, saw_cpu, posted;
byte finished;

proctype poster()
{
	byte n, i, seen;

	store(0, SET, RELAXED, 1);
#ifndef NO_FENCE_SET
	fence(0);
#endif
	load(0, END, ACQUIRE, seen);
	if
	:: !seen -> skip /* alone */
	:: else ->
		posted = true;
		store(0, SEQUENCE, RELEASE, 1);
#ifndef NO_FENCE_POST
		fence(0);
#endif
		load(0, AREA, ACQUIRE, seen);
		saw_cpu = seen
	fi;
	finished = finished + 1
}

proctype comes()
{
	byte n, i, seen;

	store(1, AREA, RELEASE, 1);
	load(1, END, RELAXED, seen);
	if
	:: !seen -> exchange_if(1, END, RELEASE, seen, true, 1)
	:: else
	fi;
#ifndef NO_FENCE_ONLINE
	fence(1);
#endif
	load(1, SEQUENCE, ACQUIRE, seen);
	saw_request = seen;
	load(1, SET, RELAXED, seen); /* pcp_sync_hooks() */
	saw_set = seen;
	finished = finished + 1
}

init
{
	atomic {
		if
		:: value[AT(END, 0)] = 1 /* there are CPUs with higher numbers */
		:: true
		fi;
		run poster();
		run comes()
	}
	finished == CPUS;
	assert(!posted || saw_cpu || saw_request);
	assert(saw_set || saw_cpu || saw_request)
}
