/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp.h: what pcp/ offers: one CPU's caches, filled and emptied (pcp.c) and given back
 * (pcp_drain.c), searched (pcp_search.c), and all CPUs' caches together (remote.c).
 */
#ifndef QUARRY_MM_PCP_H
#define QUARRY_MM_PCP_H

#include "../state.h"

#pragma GCC visibility push(hidden)

#define NR_PCPS (NR_PAGE_ORDERS * NR_PCP_CLASSES)
/*
 * What a request may still examine to find a range of its order that cached blocks complete, all
 * zones together.
 */
struct scan_budget {
	unsigned long entries; /* slots of caches */
	unsigned long blocks;  /* blocks of memory, around the cached ones */
};
#define SCAN_BUDGET	   ((struct scan_budget){5, 9})	  /* of this CPU's caches */
#define SCAN_BUDGET_OTHERS ((struct scan_budget){32, 64}) /* of all other CPUs' together */

/* Another CPU's caches, hidden or not. Acquire, paired with the release in move_caches(). */
static inline const struct per_cpu_pages *pcp_caches(const struct mm_pcpu *cpu)
{
	return __atomic_load_n(&cpu->cache, __ATOMIC_ACQUIRE);
}

/* This CPU's, by order and class as a number (PCP_OFFSET_MASK). */
static inline struct per_cpu_pages *pcp_at(struct mm_pcpu *cpu, unsigned long offset)
{
	return (struct per_cpu_pages *)(void *)((char *)cpu->cache + offset);
}
/* The same with other bits of a descriptor's info around them. */
static inline struct per_cpu_pages *pcp_of(struct mm_pcpu *cpu, unsigned long offset)
{
	return pcp_at(cpu, offset & PCP_OFFSET_MASK);
}

static inline RACY unsigned long pcp_count(const struct per_cpu_pages *pcp)
{
	return (unsigned long)(pcp->top - pcp->base);
}

/* ---- pcp.c ---------------------------------------------------------------------------------- */

/*
 * Slots of each class that this area's caches need; PCP_HAVE_SLOTS if these have some. With `slots`, `have` a
 * class, interrupts masked: caches get theirs, not those of a zone that has grown too much, and no other limit.
 */
#define PCP_HAVE_SLOTS (~0UL)
#define PCP_HIGH_ALL   (~0UL) /* mm.pcp_high: as much as they have room for */
unsigned long pcp_give_slots(struct mm_pcpu *area, struct page **slots, unsigned long have);
#define PCP_BATCH	(1U << CONFIG_PCP_BATCH_ORDER) /* pages a refill aims at */
#define PCP_SMALL_BATCH ((PCP_BATCH + 1) / 2) /* for requests that have had more to do already */
/* An empty cache takes up to `n` pages; a full one returns some. Interrupts masked. */
struct page *pcp_refill(struct per_cpu_pages *pcp, struct zone *zone, gfp_t class, unsigned int n);
int pcp_return(struct per_cpu_pages *pcp, struct page *page, unsigned long flags);
int pcp_return_slow(struct per_cpu_pages *pcp, struct page *page, unsigned long flags);
/* Hide the caches from the hot paths while there are debug hooks, show them again when not. */
#if CONFIG_DEBUG_HOOKS
void pcp_sync_hooks(void);
static inline void note_hooks(void)
{
	if (port_pcpu()->hooks != READ_ONCE(mm.hooks))
		pcp_sync_hooks();
}
#else
#define pcp_sync_hooks() ((void)0)
#define note_hooks()	 ((void)0)
#endif

/* ---- pcp_drain.c: interrupts masked, where nothing else is said ------------------------------ */

/* Of this CPU's caches of the zone, orders [order, end), the first that holds something. */
struct per_cpu_pages *pcp_first_cached(const struct zone *zone, unsigned int order,
				       unsigned int end);
/*
 * With the type TAKE_NOTHING these answer the same, and change nothing. `orders`: see pcp_hold().
 * Give back a cached block of this order or above, the smallest there is. False: there is none.
 */
bool pcp_give_back_one(struct zone *zone, unsigned int order, unsigned int orders,
		       enum migratetype type);
/* pcp_search.c */
/*
 * Search this CPU's caches for a range of this order that is free but for a few of their newest
 * blocks, and give these back; a HIGHATOMIC pageblock they complete is of type `type` from then on.
 * False, and nothing has changed: none was found. Bound: what the budget allows (docs/bounds.md).
 */
bool pcp_assemble(struct zone *zone, unsigned int order, unsigned int orders, enum migratetype type,
		  struct scan_budget *budget);
/* pcp_drain.c */
/* Pages of the zone that a CPU has cached, and the orders of its blocks, a bit each. Any context. */
unsigned long pcp_count_orders(const struct mm_pcpu *cpu, const struct zone *zone,
			       unsigned int *orders);
/* The orders of this CPU's cached blocks, if they are so many pages and one at least; else 0. */
static inline unsigned int pcp_hold(const struct zone *zone, unsigned long pages)
{
	unsigned int orders;

	return pcp_count_orders(port_pcpu(), zone, &orders) >= pages ? orders : 0;
}
/*
 * Give back this CPU's cached blocks that start in [start, end); returns their pages. In steps,
 * each with the lock held. Interrupts need not be masked.
 */
unsigned long pcp_give_back_range(unsigned long start, unsigned long end);
/* This CPU takes over the limit of its caches; none where it is offline. In any context. */
void pcp_sync_limits(void);

/* ---- remote.c: thread context; interrupts may be masked -------------------------------------- */

void mm_cpu_online(struct mm_pcpu *cpu); /* on that CPU, whose caches are empty */
/* Past the last CPU that was ever online. Acquire: its mm.pcpu[] is set before. */
static inline unsigned int end_cpu(void)
{
	return __atomic_load_n(&mm.end_cpu, __ATOMIC_ACQUIRE);
}
/* Of the CPUs from number c on, without this one, the first that is online; NULL: none. */
struct mm_pcpu *next_other_cpu(unsigned int c);
#define for_each_other_cpu(other) \
	for ((other) = next_other_cpu(0); (other); (other) = next_other_cpu((other)->cpu + 1))
static inline bool remote_alone(void) /* is no other CPU online? */
{
	return !next_other_cpu(0);
}
unsigned long pcp_count_zone(const struct zone *zone); /* pages that all CPUs have cached */
/* All CPUs, this one too, give back their cached blocks in [start, end); returns when they have. */
void remote_give_back(unsigned long start, unsigned long end);
/*
 * Search for a range of this order or more, [*start, *end), that is free but for blocks in any
 * CPU's caches. With a budget, so much of the other CPUs' caches; without, all caches. Changes
 * nothing.
 */
bool remote_find(const struct zone *zone, unsigned int order, struct scan_budget *budget,
		 unsigned long *start, unsigned long *end);
/*
 * The same, and all CPUs give back the cached blocks in it; a HIGHATOMIC pageblock they complete is
 * of type `type` from then on. False: none was found. With TAKE_NOTHING nothing changes.
 */
bool remote_assemble(struct zone *zone, unsigned int order, enum migratetype type,
		     struct scan_budget *budget);

#pragma GCC visibility pop
#endif
