/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp.h: what pcp/ offers: per-CPU caches, filled and emptied (pcp.c), looked through and given back
 * (pcp_drain.c), and what other CPUs are asked to give back (remote.c).
 */
#ifndef QUARRY_MM_PCP_H
#define QUARRY_MM_PCP_H

#include "../state.h"

#pragma GCC visibility push(hidden)

#define NR_PCPS (NR_PAGE_ORDERS * NR_PCP_CLASSES)

/* What a request may still look at for a block that caches could complete, all zones together. */
struct scan_budget {
	unsigned long entries; /* blocks in caches */
	unsigned long blocks;  /* blocks in memory, around these */
};
#define SCAN_BUDGET ((struct scan_budget){8, 12})
/* The same for other CPUs' caches, all of them together. */
#define SCAN_BUDGET_OTHERS ((struct scan_budget){32, 64})

/* pcp.c */
void pcp_attach(struct mm_pcpu *area); /* the allocator is there: the CPU may use it */
/*
 * Slots that the caches of this area need, PCP_HAVE_SLOTS if they have some. With `slots`, `have` of
 * them, each cache gets its part; one that finds too few left, since a zone has grown meanwhile,
 * goes without.
 */
#define PCP_HAVE_SLOTS (~0UL)
unsigned long pcp_give_slots(struct mm_pcpu *area, struct page **slots, unsigned long have);
/* A page through the cache, which is empty. Interrupts masked. */
struct page *pcp_refill(struct per_cpu_pages *pcp, struct zone *zone, gfp_t class);
void pcp_return(struct per_cpu_pages *pcp, struct page *page); /* interrupts masked */
/* Of this CPU's caches of the zone, orders [order, end), the first that holds something. */
struct per_cpu_pages *pcp_first_cached(const struct zone *zone, unsigned int order,
				       unsigned int end);
/* A block of this order from another class's cache of this CPU, now in use. Interrupts masked. */
struct page *pcp_steal(struct zone *zone, uint32_t word, unsigned int order);
/* Hide the caches from the hot paths while there are debug hooks, show them again when not. */
#if CONFIG_DEBUG_HOOKS
void pcp_sync_hooks(struct mm_pcpu *cpu);
static inline void note_hooks(void)
{
	if (port_pcpu()->hooks != mm.hooks)
		pcp_sync_hooks(port_pcpu());
}
#else
static inline void pcp_sync_hooks(struct mm_pcpu *cpu)
{
	(void)cpu;
}
static inline void note_hooks(void)
{
}
#endif

/* pcp_drain.c */
/*
 * Give back one cached block of a larger order, the smallest there is. False: there is none.
 * Interrupts masked.
 */
bool pcp_give_back_larger(struct zone *zone, unsigned int order, enum migratetype type);
/*
 * Look at the newest blocks of this CPU's caches for an aligned range of this order that is whole
 * but for a few of them; if there is one, these go back to the buddy, and a HIGHATOMIC pageblock
 * they complete is of type `type` from then on. Returns whether there was one; if not, nothing
 * has changed. Bound: what SCAN_BUDGET allows (docs/bounds.md). Interrupts masked.
 */
bool pcp_assemble(struct zone *zone, unsigned int order, enum migratetype type,
		  struct scan_budget *budget);
#define ASSEMBLE_NOTHING MIGRATE_TYPES /* instead of a type: is there one? Changes nothing */
static inline bool pcp_could_assemble(struct zone *zone, unsigned int order,
				      struct scan_budget *budget)
{
	return pcp_assemble(zone, order, ASSEMBLE_NOTHING, budget);
}
/* Pages of the zone that a CPU has cached; from `enough` on it counts no more. */
unsigned long pcp_count_cpu(const struct mm_pcpu *cpu, const struct zone *zone,
			    unsigned long enough);
static inline unsigned long pcp_count_this_cpu(const struct zone *zone)
{
	return pcp_count_cpu(port_pcpu(), zone, ~0UL);
}
/* Does this CPU have so many pages of the zone cached, and one at least? */
static inline bool pcp_hold(const struct zone *zone, unsigned long pages)
{
	unsigned long needed = pages ? pages : 1;

	return pcp_count_cpu(port_pcpu(), zone, needed) >= needed;
}
unsigned long pcp_count_zone(const struct zone *zone); /* the same of all CPUs */

/* A CPU's cache, hidden or not, by order and class as a number (PCP_OFFSET_MASK). */
static inline struct per_cpu_pages *pcp_at(struct mm_pcpu *cpu, unsigned long offset)
{
	return (struct per_cpu_pages *)(void *)((char *)cpu->cache + offset);
}

/* The same with other bits of a descriptor's info around them. */
static inline struct per_cpu_pages *pcp_of(struct mm_pcpu *cpu, unsigned long offset)
{
	return pcp_at(cpu, offset & PCP_OFFSET_MASK);
}

/* Past the last CPU there ever was. Acquire: mm.pcpu[] is set before it. */
static inline unsigned int end_cpu(void)
{
	return __atomic_load_n(&mm.end_cpu, __ATOMIC_ACQUIRE);
}

static inline RACY unsigned long pcp_count(const struct per_cpu_pages *pcp)
{
	return (unsigned long)(pcp->top - pcp->base);
}

/* remote.c: thread context; interrupts may be masked */
/* Of the CPUs from number c on, without this one, the first that is online; NULL: none. */
struct mm_pcpu *next_other_cpu(unsigned int c);
#define for_each_other_cpu(other) \
	for ((other) = next_other_cpu(0); (other); (other) = next_other_cpu((other)->cpu + 1))
static inline bool remote_alone(void) /* is no other CPU online? */
{
	return !next_other_cpu(0);
}
void remote_give_back_all(void);
/*
 * Is there a block of this order, [*start, *end), that the CPUs' caches make up? All that lies in
 * them is looked at or, with `budget`, so much of what lies in other CPUs'. Changes nothing.
 */
bool remote_find(const struct zone *zone, unsigned int order, struct scan_budget *budget,
		 unsigned long *start, unsigned long *end);
/*
 * If there is, have all CPUs give back the blocks that make it up; a HIGHATOMIC pageblock they
 * complete is of type `type` from then on. False: none found.
 */
bool remote_assemble(struct zone *zone, unsigned int order, enum migratetype type,
		     struct scan_budget *budget);

#pragma GCC visibility pop
#endif
