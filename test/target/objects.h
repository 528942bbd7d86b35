/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * objects.h: all CPUs, and their interrupts, allocate and free objects of all kinds at once, each other's
 * too. Slabs and free blocks must be afterwards what they were before.
 */
#ifndef QUARRY_TEST_OBJECTS_H
#define QUARRY_TEST_OBJECTS_H

#include <quarry/types.h>

struct objects_sums {
	uint64_t operations, in_interrupts, exchanged; /* an allocation or a free is one */
	uint64_t refused, mismatches;
	bool same_slabs, same_blocks; /* slabinfo and buddyinfo are as before */
	int violations;		      /* of mm_check() */
	unsigned int cpus;
};

/* So many operations, of all CPUs that are online together. 0, or -ENOMEM. Context: thread of CPU 0. */
int objects_run(uint64_t operations, uint64_t seed, struct objects_sums *sums);

#endif
