/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * campaign.h: for the campaign of failures (test_campaign.c): states of the pool that requests are
 * made in, and copies of all of mm/'s state, so that each try starts alike.
 */
#ifndef QUARRY_TEST_CAMPAIGN_H
#define QUARRY_TEST_CAMPAIGN_H

#include <stdbool.h>
#include <stddef.h>

#include <quarry/mm.h>

struct campaign_state {
	const char *name;
	void (*make)(void); /* from a machine just started */
	bool grouped;	    /* only where pageblocks have types */
	bool other_cpu;	    /* starts CPU 1 */
};
extern const struct campaign_state states[];
extern const size_t nr_states;
void state_mixed(
	void); /* pageblocks of all types, with holes of several sizes, and a HIGHATOMIC reserve */

/* CPU 1 comes online; its requests are made on this thread. */
extern struct mm_pcpu second_cpu;
void start_other_cpu(void);

/* A copy of memblock and of all that mm/ has, caches included. */
void keep_all(void);
void put_back(void);
void keep_none(void);

#endif
