/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * isolation.pml: a range is taken (take_range() of mm/alloc/contig.c) while two CPUs allocate from their caches, fill them from
 * the zone, free what either of them holds, and give back what they are asked for. Pages 0 and 1 are the range, of one
 * pageblock; page 2 is of another. Memory is sequentially consistent here; interrupts are a worker's steps between its own, so
 * a cache is touched with interrupts masked (pcp.pml has what happens otherwise).
 *
 * Checked: pages that are taken are free at that moment and nobody else's until they are given back; a range that nobody
 * holds a page of is taken; nobody waits for ever.
 *
 * One of these takes a step away, and must be found out: IGNORE_TYPE (caches are filled from an isolated pageblock), NO_LOCK
 * (a pageblock is isolated without the zone's lock), NO_DRAIN (the caches are not asked), DRAIN_LOCKED (they are asked with the
 * zone's lock held), NO_LOOK (what is in use is not looked for).
 */
#define PAGES 3
#define RANGE 2 /* of them */
#define STEPS 2 /* requests and frees of each worker */
#define TRIES 2 /* GIVEN_BACK_TRIES is more */

#define FREE  0 /* in the zone */
#define CACHE 0 /* + the number of a worker, 1 or 2 */
#define USED  3 /* somebody holds it */
#define TAKEN 4 /* of the range */

byte state[PAGES];
bool locked, isolated;
byte sequence, acknowledged[3];
byte finished;

#define LOCK   atomic { !locked -> locked = true }
#define UNLOCK locked = false
#define ALL_FREE (state[0] == FREE && state[1] == FREE)

/* A page goes from one state to the next, and was in no other. */
#define CHANGE(page, from, to) atomic { assert(state[page] == (from)); state[page] = to }

/* Page `page` of a cache goes to the zone, whatever its pageblock's type. */
inline give_back(me)
{
	LOCK;
	CHANGE(page, CACHE + me, FREE);
	UNLOCK
}

/* mm_ipi() */
inline serve(me)
{
	seen = sequence;
	page = 0;
	do
	:: page < RANGE && state[page] == CACHE + me -> give_back(me)
	:: page < RANGE && state[page] != CACHE + me -> page++
	:: page == RANGE -> break
	od;
	atomic {
		acknowledged[me] = seen;
		seen = 0;
		page = 0
	}
}

/* May a cache be filled from it? pb_find() passes over isolated pageblocks, which are on no list. */
#ifdef IGNORE_TYPE
#define MAY_HAVE(page) (state[page] == FREE)
#else
#define MAY_HAVE(page) (state[page] == FREE && (page >= RANGE || !isolated))
#endif

inline any_page()
{
	page = 0;
	do
	:: page < PAGES - 1 -> page++
	:: break
	od
}

proctype worker(byte me)
{
	byte page, seen, steps;
	bool found;

	do
	:: steps < STEPS ->
		steps++;
		atomic { any_page() };
		if
		:: atomic { state[page] == CACHE + me -> state[page] = USED } /* a request that the cache serves */
		:: atomic { state[page] == USED -> state[page] = CACHE + me } /* a free, whoever had it */
		:: state[page] == USED -> /* one that finds the cache full */
			LOCK;
			if
			:: atomic { state[page] == USED -> state[page] = FREE }
			:: else
			fi;
			UNLOCK
		:: state[page] == FREE -> /* pcp_refill() */
			LOCK;
			found = MAY_HAVE(page);
			if
			:: found -> CHANGE(page, FREE, CACHE + me)
			:: else
			fi;
			UNLOCK;
			found = false
		:: else
		fi;
		page = 0
	:: acknowledged[me] != sequence -> serve(me)
	:: steps == STEPS -> break
	od;
	finished++;
end:	do
	:: acknowledged[me] != sequence -> serve(me)
	od
}

/* isolate(), drain() and take(), or undo_isolate(). */
inline take_range()
{
	taken = false;
#ifdef NO_LOCK
	isolated = true;
#else
	LOCK;
	isolated = true;
	UNLOCK;
#endif
	tries = 0;
	do
#ifdef NO_LOOK
	:: taken = true; break
#else
	:: ALL_FREE -> taken = true; break /* buddy_range_free(), without the lock */
	:: !ALL_FREE && tries == TRIES -> break
	:: !ALL_FREE && tries < TRIES ->
		tries++;
#ifdef DRAIN_LOCKED
		LOCK;
#endif
#ifndef NO_DRAIN
		sequence = sequence % 2 + 1;
		(acknowledged[1] == sequence && acknowledged[2] == sequence);
#endif
#ifdef DRAIN_LOCKED
		UNLOCK;
#endif
		/* first_busy(): somebody holds one */
		if
		:: tries > 1 && (state[0] == USED || state[1] == USED) -> tries = TRIES
		:: else
		fi
#endif
	od;
	LOCK;
	if
	:: taken ->
		CHANGE(0, FREE, TAKEN);
		CHANGE(1, FREE, TAKEN)
	:: else
	fi;
	isolated = false; /* buddy_take_range() gives the pageblock its type again */
	UNLOCK
}

/* buddy_return_range() */
inline return_range()
{
	LOCK;
	CHANGE(0, TAKEN, FREE);
	CHANGE(1, TAKEN, FREE);
	UNLOCK
}

init
{
	byte tries;
	bool taken;

	atomic {
		run worker(1);
		run worker(2)
	};
	take_range();
	if
	:: taken -> return_range()
	:: else
	fi;
	/* when the workers have done what they do, what is cached alone is not in the way */
	finished == 2;
	if
	:: state[0] != USED && state[1] != USED ->
		take_range();
		assert(taken);
		return_range()
	:: else
	fi
}
