/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * campaign.h: for the campaigns of failures (test_campaign.c, test_campaign_moves.c): states of the pool that requests are
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

/* Which place of a request fails: mm_fault_point, or a callback, asks fail_here(). */
struct campaign_fault {
	unsigned int at;    /* the place to fail, counted from 1; 0: none */
	bool and_all_after; /* those after it too */
	unsigned int seen;
};
extern struct campaign_fault campaign_fault;
bool fail_here(const char *function, int line);

#define CAMPAIGN_PLACES 64
struct campaign_total {
	unsigned long tries, refused, differences;
	unsigned int most; /* places one request came to */
	struct {
		const char *function;
		int line;
	} place[CAMPAIGN_PLACES];
	unsigned int nr_places;
};
extern struct campaign_total campaign_total;
/* Says what it has come to; there must be no difference. The next one begins. */
void campaign_finish(const char *what);

#endif
