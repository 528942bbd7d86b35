/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp_internal.h: what the files of pcp/ share and no other folder needs. Calls go one way: remote.c
 * calls pcp_drain.c, and both call pcp.c.
 */
#ifndef QUARRY_MM_PCP_INTERNAL_H
#define QUARRY_MM_PCP_INTERNAL_H

#include "../buddy/buddy.h"
#include "../debug/hooks.h"
#include "pcp.h"

#pragma GCC visibility push(hidden)

/* pcp.c */
/* Blocks of an order that count as so many single pages: a larger one as half of what it holds. */
static inline unsigned long pcp_blocks_for(unsigned long pages, unsigned int order)
{
	return order ? pages >> (order - 1) : pages;
}
/* A cached block goes to the buddy; the zone's lock is held. Returns how often it merged. */
unsigned int pcp_give_back(struct zone *zone, struct page *page);

/* pcp_drain.c */
/*
 * Give back this CPU's cached blocks that start in [start, end); returns their pages. In steps, each with the
 * lock held.
 */
unsigned long pcp_give_back_range(unsigned long start, unsigned long end);
unsigned long pcp_give_back_all(void);
/*
 * Give back the cached blocks in these slots, which complete the range [start, end); HIGHATOMIC
 * pageblocks in it are of type `type` from then on. Interrupts masked.
 */
void pcp_complete(struct zone *zone, struct page **slots[], unsigned long count,
		  unsigned long start, unsigned long end, enum migratetype type);
/*
 * Search one CPU's caches for a range of this order or more, [*start, *end), that is free but for cached
 * blocks, of any CPU. Without a budget all its cached blocks are tried, each for a range of which it is
 * the lowest cached block: linear in what is cached. Interrupts need not be masked, and the caches may be
 * another CPU's: then the answer is a guess.
 */
bool pcp_find_range(const struct mm_pcpu *cpu, const struct zone *zone, unsigned int order,
		    struct scan_budget *budget, unsigned long *start, unsigned long *end);

#pragma GCC visibility pop
#endif
