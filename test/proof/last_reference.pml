/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * last_reference.pml: two holders of a block let go (put_page() of mm/alloc/page_ref.c: page_ref_change(), and free_block() of
 * mm/alloc/free.c for the last one). Each has written to the block's pages before.
 *
 * Checked: one of them, and one only, frees the block, and what comes after (the page's next owner, who may be the same CPU
 * without any lock) sees what both have written.
 *
 * One of these takes a safeguard away, and must be found out: NO_RELEASE (the compare and swap of page_ref_change()),
 * NO_ACQUIRE (the load of free_block()), NO_SWAP (a load and a store take the place of the compare and swap).
 */
#define CPUS   2
#define WORDS  3
#define STORES 4
#define COUNT  0
#define PAGE   1 /* PAGE + cpu: 1 when that holder wrote it */
#include "weak.pml"

#ifdef NO_RELEASE
#define CHANGE ACQUIRE
#else
#define CHANGE ACQ_REL
#endif
#ifdef NO_ACQUIRE
#define LAST RELAXED
#else
#define LAST ACQUIRE
#endif

byte freed, finished;

proctype holder(byte me)
{
	byte n, i, holders, seen;
	bool dropped;

	store(me, PAGE + me, RELAXED, 1);
	/* page_ref_change(head, 2, -1, 0): not if it is the last */
	load(me, COUNT, RELAXED, holders);
	do
	:: holders >= 2 ->
#ifdef NO_SWAP
		store(me, COUNT, CHANGE, holders - 1);
		dropped = true;
		break
#else
		exchange_if(me, COUNT, CHANGE, seen, seen == holders, holders - 1);
		if
		:: seen == holders -> dropped = true; break
		:: else -> holders = seen
		fi
#endif
	:: else -> break
	od;
	if
	:: !dropped ->
		load(me, COUNT, LAST, holders);
		assert(holders == 1);
		store(me, COUNT, RELAXED, 0);
		freed = freed + 1;
		load(me, PAGE, RELAXED, seen);
		assert(seen == 1);
		load(me, PAGE + 1, RELAXED, seen);
		assert(seen == 1)
	:: else
	fi;
	finished = finished + 1
}

init
{
	atomic {
		value[AT(COUNT, 0)] = 2;
		run holder(0);
		run holder(1)
	}
	finished == CPUS;
	assert(freed == 1)
}
