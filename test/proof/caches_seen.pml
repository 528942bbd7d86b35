/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caches_seen.pml: a CPU gets its caches (deal() of mm/pcp/pcp.c) and moves them (move_caches()) while another looks at them
 * without a lock (pcp_caches() of mm/pcp/pcp.h, search_next_block() of mm/pcp/pcp_drain.c).
 *
 * Checked: a `top` that the other CPU finds leads to slots that end with a NULL, not with what was in memory before.
 *
 * The address of the slot is the value of `top`, so no CPU loads the slot first: the load of `top` is an acquire here. One of
 * these takes a safeguard away, and must be found out: NO_FENCE (deal(), between the NULL and `top`), NO_RELEASE (the store
 * of `cache`), NO_ACQUIRE (its load), NO_DEPENDENCY.
 */
#define CPUS   2
#define WORDS  4
#define STORES 2
#define SLOT  0 /* 1: NULL */
#define CACHE 1 /* which of the two places the caches are in */
#define TOP   2 /* TOP + place; 0: none was dealt */
#include "weak.pml"

#ifdef NO_FENCE
#define DEAL RELAXED
#else
#define DEAL RELEASE
#endif
#ifdef NO_RELEASE
#define MOVE RELAXED
#else
#define MOVE RELEASE
#endif
#ifdef NO_ACQUIRE
#define FIND RELAXED
#else
#define FIND ACQUIRE
#endif
#ifdef NO_DEPENDENCY
#define FOLLOW RELAXED
#else
#define FOLLOW ACQUIRE
#endif

proctype owner()
{
	byte i;

	store(0, SLOT, RELAXED, 1);
	store(0, TOP, DEAL, 1);
	store(0, TOP + 1, RELAXED, 1);
	store(0, CACHE, MOVE, 1)
}

proctype other()
{
	byte n, i, cache, top, seen;

	load(1, CACHE, FIND, cache);
	load(1, TOP + cache, FOLLOW, top);
	if
	:: top ->
		load(1, SLOT, RELAXED, seen);
		assert(seen == 1)
	:: else
	fi
}

init
{
	atomic {
		run owner();
		run other()
	}
}
