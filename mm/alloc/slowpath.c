/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slowpath.c: what is tried, stage by stage, when no zone is above its low mark.
 *
 *   1. Each zone is asked for a block above its min mark. __GFP_HIGH, __GFP_MEMALLOC and requests
 *      that may not wait go below it, by what Linux lets them (gfp_to_alloc_flags()).
 *   2. The caches of this CPU, then those of all CPUs, give back the pages that complete a block.
 *      All CPUs are asked by a request that may wait; if there is one CPU only, by
 *      __GFP_RETRY_MAYFAIL and __GFP_NOFAIL, which search its caches to the end. If these two find
 *      a block in the free lists, and all that is missing lies in the zone's caches, the caches
 *      give back all of it, as Linux drains them.
 *   3. A request that may wait has pages moved that can (compact_direct.c), or else calls the
 *      shrinkers; after each round of either that came to something, 1 and 2 again.
 *   4. A request that may wait and does not set __GFP_NORETRY takes back a HIGHATOMIC pageblock.
 *   5. __GFP_NOFAIL uses all that is kept.
 *
 * Each stage either serves the request or changes nothing, so a refused request leaves the
 * allocator as it was, but for what its shrinkers freed and the places of pages that can move. A dry
 * run (alloc_context.h) goes through the same stages, but calls no shrinker and moves nothing.
 */
#include "alloc_internal.h"

/* Rounds of moves or shrinkers that free something but not enough; __GFP_NORETRY has one. */
#define ROUNDS_DEFAULT 4
#define ROUNDS_MAYFAIL 16
#define ROUNDS_NOFAIL  (~0U) /* as long as shrinkers free anything */

/* An interrupt or another CPU may take what was given back for a request: then once more. */
#define GIVEN_BACK_TRIES 3

compact_direct_fn *mm_compact_direct;

/*
 * May this request wait, so that shrinkers run? In an interrupt it may not: that it asks for it is
 * a mistake, and counted.
 */
static bool may_wait(const struct alloc_context *ac)
{
	if (!(ac->gfp & __GFP_DIRECT_RECLAIM) || in_callback())
		return false;
	if (!in_interrupt())
		return true;
	if (!dry_run(ac))
		count_event(&mm.stats.might_sleep);
	return false;
}

void enter_stage(struct alloc_context *ac, enum mm_stage stage)
{
	ac->stages |= 1U << stage;
	if (!dry_run(ac))
		count_event(&mm.stats.stage[stage]);
}

/* What the zone answered last that it lacks, in pages. */
static inline unsigned long missing_in(const struct alloc_context *ac, const struct zoneref *ref)
{
	return (unsigned long)ac->answer[ref - ac->zonerefs].missing;
}

/* And what it had free then. */
static inline uint64_t free_in(const struct alloc_context *ac, const struct zoneref *ref)
{
	return ac->answer[ref - ac->zonerefs].free;
}

/* The newest block of a cache that holds some; `word` is its first from now on. */
static inline struct page *pcp_pop(struct per_cpu_pages *pcp, uint32_t word)
{
	struct page *page = *pcp->top--;

	VM_BUG_ON(page_state(page) != PAGE_ALLOC || page->_refcount);
	VM_BUG_ON(word >> 16 != 1);
	page->word = word;
	return page;
}

/*
 * This CPU's caches: a block of this order, whatever its class, where its own pages are all that is
 * missing; else blocks that complete one, where all pages in the zone's caches make up what is
 * missing.
 */
static struct page *get_page_from_caches(struct alloc_context *ac)
{
	unsigned long flags = port_irq_save();
	struct scan_budget budget = SCAN_BUDGET;
	struct page *page = NULL;

	enter_stage(ac, MM_STAGE_ASSEMBLE);
	for (const struct zoneref *ref = ac->zonerefs; ref->zone && !page; ref++) {
		struct per_cpu_pages *pcp = pcp_first_cached(ref->zone, ac->order, ac->order + 1);

		if (pcp && missing_in(ac, ref) <= 1UL << ac->order && !FAULT_POINT())
			page = dry_run(ac) ? DRY_RUN_PAGE : pcp_pop(pcp, ac->word | ref->class);
	}
	for (const struct zoneref *ref = ac->zonerefs; ref->zone && !page; ref++) {
		struct zone *zone = ref->zone;
		unsigned int orders = pcp_hold(zone, missing_in(ac, ref));

		if (!orders || FAULT_POINT() ||
		    (!pcp_give_back_one(zone, ac->order, orders, ac->type) &&
		     !pcp_assemble(zone, ac->order, orders, ac->type, &budget)))
			continue;
		FAULT_CERTAIN(true);
		page = rmqueue(ac, ref);
		FAULT_CERTAIN(false);
	}
	port_irq_restore(flags);
	return page;
}

/*
 * From a zone that has got its cached pages back: they all count as free, so no mark is asked again
 * for these few.
 */
static struct page *rmqueue_given_back(const struct alloc_context *ac, const struct zoneref *ref)
{
	unsigned long flags = port_irq_save();
	struct page *page;

	FAULT_CERTAIN(true);
	page = rmqueue(ac, ref);
	FAULT_CERTAIN(false);
	port_irq_restore(flags);
	return page;
}

/*
 * A block lies in the free lists, and the zone leaves its mark if the caches give back what they
 * have of it.
 */
static struct page *get_page_after_drain(struct alloc_context *ac, const struct zoneref *ref)
{
	struct zone *zone = ref->zone;

	if (!zone_has_block(zone, ac->order, false))
		return NULL;
	enter_stage(ac, MM_STAGE_DRAIN);
	if (!dry_run(ac))
		remote_give_back(zone->start, zone->end);
	return rmqueue_given_back(ac, ref);
}

/*
 * The caches of all CPUs, which give back the blocks that complete one: a bounded part of other
 * CPUs' is searched, or all caches to the end if the request is thorough. Interrupts are let in.
 */
static struct page *get_page_from_all_caches(struct alloc_context *ac, bool thorough)
{
	struct scan_budget budget = SCAN_BUDGET_OTHERS;
	struct page *page = NULL;

	ac->stages |= STAGE_ALL_CPUS;
	for (const struct zoneref *ref = ac->zonerefs; ref->zone && !page; ref++) {
		struct zone *zone = ref->zone;
		unsigned long cached = pcp_count_zone(zone);
		unsigned int tries = GIVEN_BACK_TRIES;

		if (!cached || missing_in(ac, ref) > cached || FAULT_POINT())
			continue;
		while (!page && tries-- &&
		       remote_assemble(zone, ac->order, ac->type, thorough ? NULL : &budget)) {
			enter_stage(ac, MM_STAGE_DRAIN);
			page = rmqueue_given_back(ac, ref);
		}
		if (!page && thorough)
			page = get_page_after_drain(ac, ref);
	}
	return page;
}

/* Does the zone leave what is kept if it gives up a HIGHATOMIC pageblock? Then it does. */
static bool give_up_highatomic(struct alloc_context *ac, const struct zoneref *ref)
{
	struct zone *zone = ref->zone;
	unsigned long flags = port_irq_save();
	unsigned long missing;
	bool done = false;

	spin_lock(&zone->lock);
	VM_BUG_ON(!zone_locked(zone));
	if (zone->nr_highatomic) {
		/* How many pages are missing now; as before, if as many are free. */
		if (!FOR_SPEED ||
		    free_in(ac, ref) != zone->nr_free + nr_free_of(zone, MIGRATE_HIGHATOMIC))
			zone_watermark_ok(ac, ref);
		missing = missing_in(ac, ref);
		/* To a request with ALLOC_MIN_RESERVE these pages count as free already. */
		if (missing && ac->alloc_flags & ALLOC_MIN_RESERVE)
			missing = pageblock_nr_pages + 1; /* more than any has */
		done = highatomic_unreserve(zone, ac->order, missing, ac->type);
	}
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	return done;
}

MM_APART struct page *get_page_from_highatomic(struct alloc_context *ac)
{
	const struct zoneref *ref = ac->zonerefs;
	struct page *page = NULL;

	enter_stage(ac, MM_STAGE_HIGHATOMIC);
	for (; ref->zone && !page; ref++) {
		if (!give_up_highatomic(ac, ref))
			continue;
		FAULT_CERTAIN(true);
		page = dry_run(ac) ? DRY_RUN_PAGE : get_page_from_freelist(ac);
		FAULT_CERTAIN(false);
	}
	return page;
}

/* Stage 2. */
MM_APART struct page *try_caches(struct alloc_context *ac, bool wait, bool thorough)
{
	struct page *page = get_page_from_caches(ac);

	if (page || !(remote_alone() ? thorough : wait))
		return page;
	return get_page_from_all_caches(ac, thorough);
}

/* One round of all shrinkers: did they free anything? */
static bool reclaim(struct alloc_context *ac)
{
	unsigned long freed;

	if (dry_run(ac)) {
		if (READ_ONCE(mm_callbacks[SHRINKERS]))
			ac->stages |= STAGE_SHRINKERS_LEFT;
		return false;
	}
	enter_stage(ac, MM_STAGE_RECLAIM);
	count_event(&mm.zone_stats[ac->highest].allocstall);
	if (FOR_SPEED && !READ_ONCE(mm_callbacks[SHRINKERS]))
		return false;
	freed = shrink_all(ac->gfp);
	ac->shrunk += freed;
	return freed;
}

/* Has something changed, so that the request finds a block now? Pages moved, or objects are free. */
static inline bool make_room(struct alloc_context *ac)
{
	unsigned int (*compact)(struct alloc_context *ac) = READ_ONCE(mm_compact_direct);

	return (compact && compact(ac)) || reclaim(ac);
}

struct page *alloc_pages_slowpath(struct alloc_context *ac)
{
	bool wait = may_wait(ac), thorough = ac->gfp & (__GFP_RETRY_MAYFAIL | __GFP_NOFAIL);
	unsigned int rounds = ac->gfp & __GFP_NORETRY  ? 1
			      : ac->gfp & __GFP_NOFAIL ? ROUNDS_NOFAIL
			      : thorough	       ? ROUNDS_MAYFAIL
						       : ROUNDS_DEFAULT;
	bool last = false;
	struct page *page;

	VM_BUG_ON(!ac->alloc_flags);
	VM_BUG_ON(wait && in_interrupt());
	/* One loop, with one call each: it is short where size counts. */
	while (!(page = try_caches(ac, wait, thorough)) && !last) {
		if (!wait || !rounds-- || !make_room(ac)) {
			last = true;
			if (wait && !(ac->gfp & __GFP_NORETRY))
				page = get_page_from_highatomic(ac);
			if (page || !(ac->gfp & __GFP_NOFAIL))
				break;
			ac->alloc_flags |= ALLOC_NO_WATERMARKS;
		}
		page = get_page_from_freelist(ac);
		if (page)
			break;
	}
	return page;
}
