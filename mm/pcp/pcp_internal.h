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
/* The slot below the first page of caches that hold nothing. Never written. */
extern struct page *pcp_empty_slot[1];
#define PCP_BATCH (1U << CONFIG_PCP_BATCH_ORDER) /* pages a refill aims at */
static inline uint16_t pcp_batch(unsigned int order)
{
	return order ? 1 : PCP_BATCH;
}
/* From where the hot path finds a descriptor's trust byte by its address (quarry/pcp.h). */
static inline const int8_t *pcp_trust(void)
{
	/* Descriptors are 8 bytes and the memmap starts on a page. */
	return mm.trust - ((uintptr_t)mm.memmap >> (GROUP_SHIFT + 3));
}
/*
 * Blocks a cache may hold: single pages up to 1/256 of the zone, split among the CPUs, so that
 * what lies in caches is never much of it; larger blocks a few at most.
 */
unsigned long pcp_capacity(const struct zone *zone, unsigned int order);
/* Blocks of an order that count as so many single pages: a larger one as half of what it holds. */
static inline unsigned long pcp_blocks_for(unsigned long pages, unsigned int order)
{
	return order ? pages >> (order - 1) : pages;
}
/* Blocks a cache of this order may hold, which counts as so many pages. */
static inline unsigned long pcp_high_of(const struct per_cpu_pages *pcp, unsigned int order,
					unsigned long pages)
{
	unsigned long high = pcp_blocks_for(pages, order);

	return pcp->capacity < high ? pcp->capacity : high;
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

/* remote.c */
uint32_t remote_newest(void); /* the number of the newest request to other CPUs */

#pragma GCC visibility pop
#endif
