/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request.pml: the drain request and its acknowledgement (remote_give_back() and mm_ipi() of mm/pcp/remote.c) in memory that
 * is not sequentially consistent. CPUs 0 and 1 each post one request, for the range of their own number; CPU 2 serves. That
 * the posters serve each other meanwhile, and that nobody waits for ever, is pcp.pml's.
 *
 * Checked: CPU 2 gives back the range that the request it acknowledges asks for; a poster whose request is acknowledged
 * sees what was given back for it; no request is taken for another one.
 *
 * One of these takes a safeguard away, and must be found out: POST_RELAXED (the sequence is stored without release),
 * SERVE_RELAXED (and read without acquire), ACK_RELAXED, SEEN_RELAXED (the same of the acknowledgement), FREE_RELAXED,
 * BUSY_RELAXED (of `busy`).
 */
#define CPUS   3
#define WORDS  6
#define STORES 5
#define BUSY	     0
#define SEQUENCE     1
#define RANGE	     2 /* start and end */
#define ACKNOWLEDGED 3
#define GIVEN	     4 /* GIVEN + range: 1 when it was given back */
#include "weak.pml"

#ifdef POST_RELAXED
#define POST RELAXED
#else
#define POST RELEASE
#endif
#ifdef SERVE_RELAXED
#define SERVE RELAXED
#else
#define SERVE ACQUIRE
#endif
#ifdef ACK_RELAXED
#define ACK RELAXED
#else
#define ACK RELEASE
#endif
#ifdef SEEN_RELAXED
#define SEEN RELAXED
#else
#define SEEN ACQUIRE
#endif
#ifdef FREE_RELAXED
#define FREE RELAXED
#else
#define FREE RELEASE
#endif
#ifdef BUSY_RELAXED
#define TAKE RELAXED
#else
#define TAKE ACQUIRE
#endif

proctype poster(byte me)
{
	byte n, i, was, sequence, seen;

	/* a try that finds it busy changes nothing that matters: it is no step of the model */
	atomic {
		value[AT(BUSY, newest[BUSY])] == 0;
		exchange_if(me, BUSY, TAKE, was, was == 0, 1)
	}
	store(me, RANGE, RELAXED, me);
	load(me, SEQUENCE, RELAXED, sequence);
	sequence = sequence + 1;
	store(me, SEQUENCE, POST, sequence);
	fence(me);
	seen = 0;
	do
	:: seen != sequence -> load(me, ACKNOWLEDGED, SEEN, seen)
	:: else -> break
	od;
	load(me, GIVEN + me, RELAXED, seen);
	assert(seen == 1);
	store(me, BUSY, FREE, 0)
}

proctype server()
{
	byte n, i, sequence, range, done;

end:	do
	:: newest[SEQUENCE] > view[OF(2, SEQUENCE)] -> /* or it would see what it has seen */
		load(2, SEQUENCE, SERVE, sequence);
		if
		:: sequence != done ->
			load(2, RANGE, RELAXED, range);
			if
			:: newest[GIVEN + range] == 0 -> store(2, GIVEN + range, RELAXED, 1)
			:: else
			fi;
			store(2, ACKNOWLEDGED, ACK, sequence);
			done = sequence
		:: else
		fi
	od
}

init
{
	atomic {
		run poster(0);
		run poster(1);
		run server()
	}
}
