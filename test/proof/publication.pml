/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publication.pml: a section is opened (section_take() of mm/buddy/open_section.c) while other CPUs look without a lock
 * whether it is (section_is_open() of mm/zone/sections.c) and then believe its trust map.
 *
 * Checked: a CPU that sees the section open sees the cleared trust map and the head of its one block, not what was in
 * memory before.
 *
 * One of these takes a safeguard away, and must be found out: NO_RELEASE, NO_ACQUIRE.
 */
#define CPUS   3
#define WORDS  3
#define STORES 2
#define TRUST  0 /* 0: what was in memory; 1: cleared */
#define HEAD   1
#define OPENED 2
#include "weak.pml"

#ifdef NO_RELEASE
#define PUBLISH RELAXED
#else
#define PUBLISH RELEASE
#endif
#ifdef NO_ACQUIRE
#define LOOK RELAXED
#else
#define LOOK ACQUIRE
#endif

proctype opener()
{
	byte i;

	store(0, TRUST, RELAXED, 1);
	store(0, HEAD, RELAXED, 1);
	store(0, OPENED, PUBLISH, 1)
}

proctype looker(byte me)
{
	byte n, i, seen;

	load(me, OPENED, LOOK, seen);
	if
	:: seen ->
		load(me, TRUST, RELAXED, seen);
		assert(seen == 1);
		load(me, HEAD, RELAXED, seen);
		assert(seen == 1)
	:: else
	fi
}

init
{
	atomic {
		run opener();
		run looker(1);
		run looker(2)
	}
}
