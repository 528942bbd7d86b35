/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp_internal.h: what the files of pcp/ share and no other folder needs. Calls go one way:
 * remote.c calls pcp_search.c and pcp_drain.c, the first calls the second, and all call pcp.c.
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
/* Of a cache's array: one below the first page, and one for a page that goes out at once. */
#define PCP_EXTRA_SLOTS 2UL
/* A full cache returns so many pages, half of it in the slow path. */
#define PCP_RETURN_PAGES (1 << CONFIG_PCP_RETURN_ORDER)
/* From where the hot path finds a descriptor's trust byte by its address (quarry/pcp.h). */
static inline const int8_t *pcp_trust(void)
{
	/* Descriptors are 8 bytes and the memmap starts on a page. */
	return mm.trust - ((uintptr_t)mm.memmap >> (GROUP_SHIFT + 3));
}
/*
 * Blocks a cache may hold: single pages up to 1/256 of the zone, split among the CPUs and rounded
 * up to 8, so that what lies in caches is never much of it; larger blocks a few at most. Caches keep
 * what they were made with when memory goes offline, so the most is that of all the zone's memory.
 */
unsigned long pcp_most_capacity(const struct zone *zone, unsigned int order);
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
/*
 * A full cache gives so many pages back at once, from a window of its newest pages: where in it,
 * its cursor says, so that these go round and are none of the newest. A cache without room for two
 * such runs has no window: its oldest go.
 */
#define PCP_RETURN_WINDOW (8 * PCP_RETURN_PAGES)
static_assert(PCP_RETURN_WINDOW <= 256, "a cursor is a byte");
static inline long pcp_return_window(long room)
{
	return room < PCP_RETURN_WINDOW ? room & ~(PCP_RETURN_PAGES - 1L) : PCP_RETURN_WINDOW;
}
/* It lies before the newest pages of the window. */
static inline bool pcp_cursor_fits(const struct per_cpu_pages *pcp)
{
	long room = pcp->limit - pcp->base;

	return pcp->cursor % PCP_RETURN_PAGES == 0 &&
	       (!pcp->cursor || pcp->cursor < pcp_return_window(room) - PCP_RETURN_PAGES);
}

/* pcp_drain.c */
unsigned long pcp_give_back_all(void);
/*
 * A step of giving back what this CPU has cached in [start, end), from `place` on, to where it sets it; at first it is
 * zero. False: nothing is left, in this step nothing was done, and the place is zero again. Interrupts masked.
 */
bool pcp_give_back_step(struct mm_pcpu *cpu, struct mm_drain_place *place, unsigned long start,
			unsigned long end);
/*
 * Give back the cached blocks in these slots, which complete the range [start, end); HIGHATOMIC
 * pageblocks in it are of type `type` from then on. Interrupts masked.
 */
void pcp_complete(struct zone *zone, struct page **slots[], unsigned long count,
		  unsigned long start, unsigned long end, enum migratetype type);
/* pcp_search.c */
/*
 * Search one CPU's caches for a range of this order or more, [*start, *end), that is free but for
 * cached blocks, of any CPU. Without a budget all its cached blocks are tried, each for a range of
 * which it is the lowest cached block: linear in what is cached. Interrupts need not be masked, and
 * the caches may be another CPU's: then the answer is a guess.
 */
bool pcp_find_range(const struct mm_pcpu *cpu, const struct zone *zone, unsigned int order,
		    struct scan_budget *budget, unsigned long *start, unsigned long *end);

/* remote.c */
struct give_back_request {
	_Atomic uint32_t busy;	   /* a CPU posts a request, or waits for its acknowledgements */
	_Atomic uint32_t sequence; /* of the newest request */
	unsigned long start, end;  /* descriptors asked for */
	uint8_t kicked[CONFIG_NR_CPUS]; /* a kick is on its way to this CPU: atomic */
};
#if QUARRY_INSTANCES == 1
extern struct give_back_request remote_request;
#else
extern struct give_back_request remote_request_of_instance[QUARRY_INSTANCES];
#define remote_request remote_request_of_instance[this_instance()]
#endif
uint32_t remote_newest(void); /* the number of the newest request to other CPUs */

/*
 * Release: a CPU that finds the area sees what is in it, and one that does not find it any more sees
 * what its CPU has given back.
 */
static inline void set_area(unsigned int number, struct mm_pcpu *area)
{
#if CONFIG_DEBUG_HOOKS
	uintptr_t change = (uintptr_t)mm.pcpu[number] ^ (uintptr_t)area;

	__atomic_fetch_xor(&mm.pcpu_xor, change, __ATOMIC_RELAXED);
#endif
	__atomic_store_n(&mm.pcpu[number], area, __ATOMIC_RELEASE);
}

#pragma GCC visibility pop
#endif
