/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock_order.pml: what a zone's lock orders (mm/spinlock.h, mm/spinlock.c). Who has it is spinlock.pml's; here the line is
 * left out, as its words order nothing, and CPUs exchange `locked` until they get it.
 *
 * Checked: what is read with the lock is what the last holder wrote, so no addition is lost.
 *
 * One of these takes a safeguard away, and must be found out: NO_ACQUIRE (the exchange), NO_RELEASE (spin_unlock()).
 */
#define CPUS   3
#define WORDS  2
#define STORES 8
#define LOCKED 0
#define COUNT  1
#include "weak.pml"

#ifdef NO_ACQUIRE
#define TAKE RELAXED
#else
#define TAKE ACQUIRE
#endif
#ifdef NO_RELEASE
#define LET_GO RELAXED
#else
#define LET_GO RELEASE
#endif

byte finished;

proctype cpu(byte me)
{
	byte n, i, was, seen;

	/* a try that finds it taken changes nothing that matters: it is no step of the model */
	atomic {
		value[AT(LOCKED, newest[LOCKED])] == 0;
		exchange_if(me, LOCKED, TAKE, was, was == 0, 1)
	}
	load(me, COUNT, RELAXED, seen);
	assert(seen == newest[COUNT]);
	store(me, COUNT, RELAXED, seen + 1);
	atomic {
		store(me, LOCKED, LET_GO, 0);
		finished = finished + 1
	}
}

init
{
	atomic {
		run cpu(0);
		run cpu(1);
		run cpu(2)
	}
	finished == CPUS;
	assert(value[AT(COUNT, newest[COUNT])] == CPUS)
}
