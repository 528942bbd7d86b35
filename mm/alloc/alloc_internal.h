/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_internal.h: what the files of alloc/ share and no other folder needs.
 *
 * page_alloc.c and slowpath.c call each other: a request that no zone serves above its low mark
 * goes on in alloc_pages_slowpath(), which comes back to get_page_from_freelist() with other
 * alloc_flags, and after each step that has changed something.
 * shrinker.c and slowpath.c call each other: a request asks shrinkers, and a recording is told what a
 * request may ask, shrinkers and what moves pages.
 */
#ifndef QUARRY_MM_ALLOC_INTERNAL_H
#define QUARRY_MM_ALLOC_INTERNAL_H

#include "../buddy/buddy.h"
#include "../debug/hooks.h"
#include "../pcp/pcp.h"
#include "alloc.h"

#pragma GCC visibility push(hidden)

/* page_alloc.c */
static inline const struct zoneref *zonelist_for(gfp_t gfp)
{
	const struct zonelist *list =
		&mm.zonelists[0][gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL];

	if (gfp & __GFP_THISNODE)
		list += MAX_NR_ZONES; /* the same in zonelists[1] */
	return list->zonerefs;
}

/* From a zone, whatever its marks say; a single page from its cache first. Interrupts masked. */
struct page *rmqueue(const struct alloc_context *ac, const struct zoneref *ref);
/*
 * A block from a zone: in the first pass above its low mark, then above its min mark or below, as
 * the gfp flags allow. Called again, it begins with the second pass.
 */
struct page *get_page_from_freelist(struct alloc_context *ac);

/* page_cma.c: a page of a CMA area for a movable request, if it is its turn. Interrupts masked. */
#if CONFIG_CMA
struct page *rmqueue_cma(const struct alloc_context *ac, const struct zoneref *ref);
#else
static inline struct page *rmqueue_cma(const struct alloc_context *ac, const struct zoneref *ref)
{
	(void)ac;
	(void)ref;
	return NULL;
}
#endif

/* A request that found no zone above its low mark: work for balance.c (Linux: wake_all_kswapds()). */
static inline void wake_balance(gfp_t gfp)
{
	if (gfp & __GFP_KSWAPD_RECLAIM && READ_ONCE(mm.compaction.balance) != BALANCE_WOKEN) {
		WRITE_ONCE(mm.compaction.balance, BALANCE_WOKEN);
		port_balance();
	}
}

/* slowpath.c */
/* The request comes to this stage: recorded, and counted unless it is a dry run. */
void enter_stage(struct alloc_context *ac, enum mm_stage stage);
/*
 * Makes room for a request that may wait by moving pages; 0: it has not. NULL until there is an
 * owner of pages that can (movable.c), so that whoever has none links none of it.
 */
typedef unsigned int compact_direct_fn(struct alloc_context *ac);
extern compact_direct_fn *mm_compact_direct;
/* What is tried when get_page_from_freelist() found nothing. NULL: refused. */
struct page *alloc_pages_slowpath(struct alloc_context *ac);

/* shrinker.c */
enum {
	SHRINKERS,
	NOTIFIERS,
	NR_CALLBACKS,
};
/* What is registered, the newest first. */
#if QUARRY_INSTANCES == 1
extern void *mm_callbacks[NR_CALLBACKS];
#else
extern void *mm_callbacks_of_instance[QUARRY_INSTANCES][NR_CALLBACKS];
#define mm_callbacks mm_callbacks_of_instance[this_instance()]
#endif
/* Asks every shrinker once. Returns the objects freed; 0 also where no callback may run. */
unsigned long shrink_all(gfp_t gfp);

/*
 * contig.c: alloc_contig_range() without a count or a report, for the call site `site`; -EBUSY: *busy is in the
 * way, else it is start.
 */
int contig_try_range(pfn_t start, pfn_t end, enum migratetype type, gfp_t gfp, const void *site,
		     pfn_t *busy);

/* The zone's next untouched section is opened; false: there is none. */
static inline bool open_section(struct zone *zone)
{
	struct record_call *recorded = record_begin(MM_RECORD_OPEN, 0, 0);
	unsigned long flags = port_irq_save();
	bool more;

	spin_lock(&zone->lock);
	more = buddy_open_section(zone);
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	record_end(recorded, (uint64_t)(zone - mm.zones), more);
	return more;
}

/* page_ref.c */
/*
 * Change a count, if it is `least` at least, by `add`, 1 or -1, and clear bits of the word in the
 * same step; a count that becomes 0 freezes the block. Returns the word as it was; 0: nobody held
 * it, or too few or too many did, and nothing has changed.
 */
MM_SHARED_INLINE uint32_t page_ref_change(struct page *head, unsigned int least, int add,
					  uint32_t clear)
{
	uint32_t word = __atomic_load_n(&head->word, __ATOMIC_RELAXED), next;

	VM_BUG_ON(add != 1 && add != -1);
	do {
		next = (word + (uint32_t)add * PAGE_ONE_REF) & ~clear;
		if (word >> 16 < least || (add > 0 && !(next >> 16)))
			return 0;
		if (!(next >> 16))
			next = (next & ~PAGE_STATE_MASK) | PAGE_INFO(PAGE_FROZEN, 0);
		/*
		 * Acquire and release: what other holders did to the pages is over before the last
		 * frees them.
		 */
	} while (!__atomic_compare_exchange_n(&head->word, &word, next, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return word;
}

#pragma GCC visibility pop
#endif
