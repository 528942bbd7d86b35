/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.h: the one state of the allocator. All folders but memblock/ have a part of it, so it
 * belongs to none; here are also the few steps from an index to its zone and its trust byte that
 * all of them take.
 */
#ifndef QUARRY_MM_STATE_H
#define QUARRY_MM_STATE_H

#include <quarry/mm.h>
#include <quarry/port.h>
#include "compiler.h"
#include "descriptor.h"
#include "zone/zone.h"

struct pageblock;
struct kmem;

/* The allocator's number, and is an area one of an allocator that there is? */
#if QUARRY_INSTANCES == 1
#define instance_exists(area) ((void)(area), true)
#else
#define instance_exists(area) ((area)->instance < QUARRY_INSTANCES)

static inline unsigned int this_instance(void)
{
	return port_pcpu()->instance;
}
#endif

/* A run of sections with descriptors; holes are between banks. */
struct bank {
	pfn_t start;	/* first frame, a multiple of SECTION_PAGES */
	uint32_t first; /* its index in mm.memmap */
	uint32_t pages;
	struct page *page; /* its first descriptor */
};

struct mm {
	/* zone/ and, of the pageblocks, buddy/ */
	struct page *memmap;
	int8_t *trust;
	struct pageblock *pageblocks;
	uint64_t *map;	    /* of free pages: a bit a page, a word 64 pages */
	uint8_t *map_order; /* for each word of the map, the largest order free in it plus one */
	struct bank *banks;
	struct span *spans;
#if CONFIG_PAGE_PRIVATE
	uintptr_t *page_private; /* of each descriptor's owner */
#endif
	uint32_t nr_pages /* descriptors */, nr_banks, nr_spans, max_spans;
	uint64_t memmap_bytes, pcp_bytes;
	bool grouping; /* pageblocks have types: there is memory enough for it */

	/* debug/ */
	bool misuse_panic, poison_check; /* the latter: all free memory is poisoned */
	unsigned int hooks;		 /* MM_HOOK_*: what the slow paths do besides */

	/* pcp/ */
	unsigned long pcp_high; /* vm.percpu_pagelist */
	unsigned int nr_cpus;	/* that share what caches may hold */
	unsigned int end_cpu;	/* past the highest number that ever came online */

	/* slab/ */
	struct kmem *kmem; /* all there is; NULL before kmem_cache_init() */
	/* alloc/ */
	const void *callbacks_thread; /* port_thread() of the thread whose callbacks run, or NULL */

	/* zone/: set by sysctls */
	unsigned int watermark_scale_factor;
	unsigned int lowmem_reserve_ratio[MAX_NR_ZONES];
	uint64_t min_free_kbytes;
	bool user_min_free_kbytes; /* the user has set it: it stays when memory is added */

	struct zone zones[MAX_NR_ZONES];
	struct zonelist zonelists[NR_ZONELISTS][MAX_NR_ZONES]; /* [list][highest zone allowed] */
	struct mm_stats stats;
	struct mm_fail fail;
	struct mm_pcpu *pcpu[CONFIG_NR_CPUS];
#if CONFIG_DEBUG_HOOKS
	uintptr_t pcpu_xor;	/* of all these: by itself a wild one cannot be told */
	struct kmem *kmem_copy; /* the same as kmem, for the same reason */
#endif
	struct compaction compaction; /* of those that move pages */
	struct mm_zone_stats zone_stats[MAX_NR_ZONES];
	gfp_t gfp_masked; /* bits that requests do not have (gfp_mask.c) */
};

#pragma GCC visibility push(hidden)

#if QUARRY_INSTANCES == 1
extern struct mm mm; /* zone/sections.c */
#else
extern struct mm mm_of_instance[QUARRY_INSTANCES];
#define mm mm_of_instance[this_instance()]
#endif

/* zone/sections.c, where speed counts: */
extern const struct bank no_bank; /* has no page */
/* The last bank that starts at a frame or before; NULL before there are any. */
const struct bank *bank_of_pfn(pfn_t pfn);
/* This CPU looks here first from now on, for a page by its address. */
void bank_note(const struct bank *bank);

#define for_each_zone(z) for ((z) = mm.zones; (z) < mm.zones + MAX_NR_ZONES; (z)++)

static inline struct zone *zone_of(unsigned long index)
{
	struct zone *zone = &mm.zones[ZONE_NORMAL];

	__asm__("" : "+r"(zone)); /* one pointer, not an address to calculate for each access */
	VM_BUG_ON(index >= mm.nr_pages);
	return index < zone->start ? zone - 1 : zone;
}

/*
 * For assertions: this CPU holds the zone's lock, with interrupts masked, or memory is still being
 * handed over at boot, which is done by one CPU without it and ends when the marks are set.
 */
static inline bool zone_locked(const struct zone *zone)
{
	return (spin_lock_held(&zone->lock) && port_irqs_disabled()) || !zone->mark.high;
}

static inline RACY bool trusted(unsigned long index)
{
	VM_BUG_ON(index >= mm.nr_pages);
	/* The first of a group, TRUST_HEAD or better; another, TRUST_ALL. */
	return mm.trust[index >> GROUP_SHIFT] < !(index & (GROUP_PAGES - 1));
}

/* Make sure a head of this order may be written at index and will be believed. Bound 60. */
MM_SHARED_INLINE void trust_head(unsigned long index, unsigned int order)
{
	int8_t *trust = &mm.trust[index >> GROUP_SHIFT];

	VM_BUG_ON(index >= mm.nr_pages);
	VM_BUG_ON(order > MAX_PAGE_ORDER);
	VM_BUG_ON(index & ((1UL << order) - 1));
	VM_BUG_ON(*trust < TRUST_ALL || *trust > TRUST_NONE);
	if (order < GROUP_SHIFT) {
		if (*trust != TRUST_ALL)
			trust_group(index);
	} else if (*trust == TRUST_NONE) {
		*trust = TRUST_HEAD;
	}
}

#pragma GCC visibility pop
#endif
