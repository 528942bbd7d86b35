/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_alloc.c: alloc_pages() from the flags to the page.
 *
 * The hot path (quarry/mm_inline.h) takes a page from this CPU's cache and never comes here. This
 * is what follows when the cache is empty: each zone in turn is asked for a block above its low
 * mark, whatever the flags. If none has one, slowpath.c goes on.
 */
#include "alloc_internal.h"

/* Where speed counts, what is rare does not burden its caller with its registers. */
#if FOR_SPEED
#define APART __attribute__((noinline))
#else
#define APART
#endif

/* Other files call it too; here, where speed counts, each of its callers has a copy. */
inline void alloc_context_init(struct alloc_context *ac, gfp_t gfp, unsigned int order)
{
	/* Single pages are never compound. */
	enum page_state state = gfp & __GFP_COMP && order ? PAGE_COMPOUND : PAGE_ALLOC;

	ac->gfp = gfp;
	ac->order = order;
	ac->alloc_flags = 0;
	ac->type = group_type(gfp);
	ac->highest = gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;
	ac->word = PAGE_INFO(state, order) | (gfp & GFP_MOVABLE_MASK) | PAGE_ONE_REF;
	ac->zonerefs = zonelist_for(gfp);
	if (FOR_SPEED)
		ac->passed = 0;
}

/*
 * A block from the zone's free lists. Single pages come here for those of the HIGHATOMIC pageblocks
 * alone: rmqueue() has tried the others. Interrupts are masked.
 */
static APART struct page *rmqueue_buddy(const struct alloc_context *ac, const struct zoneref *ref)
{
	struct zone *zone = ref->zone;
	unsigned long index = NIL32;
	struct page *page = NULL;
	unsigned int order = ac->order;

	VM_BUG_ON(!port_irqs_disabled() || ac->order > MAX_PAGE_ORDER);
	spin_lock(&zone->lock);
	if (ac->alloc_flags & ALLOC_HIGHATOMIC) {
		index = highatomic_alloc(zone, order);
		if (index == NIL32)
			index = highatomic_reserve(zone, order, ac->type);
	}
	if (index == NIL32 && order)
		index = buddy_alloc_block(zone, order, ac->type);
	/* A request that may use all reserves may use the HIGHATOMIC pageblocks too. */
	if (index == NIL32 && (!order || ac->alloc_flags & ALLOC_NO_WATERMARKS))
		index = highatomic_alloc(zone, order);
	if (index != NIL32) {
		page = &mm.memmap[index];
		VM_BUG_ON(order != ac->order || index & ((1UL << order) - 1));
		VM_BUG_ON(index < zone->start || index + (1UL << order) > zone->end);
		page->raw = ac->word | ref->class;
		VM_BUG_ON(!trusted(index) || page->_refcount != 1);
	}
	spin_unlock(&zone->lock);
	return page;
}

/* A single page that lies in the cache. Interrupts are masked. */
static inline struct page *take_cached(struct per_cpu_pages *pcp)
{
	struct page *page = *pcp->top;

	if (!page || FAULT_POINT())
		return NULL;
	VM_BUG_ON(pcp->top <= pcp->base || page_state(page) != PAGE_ALLOC || page->_refcount);
	pcp->top--;
	page->_refcount = 1;
	return page;
}

/* Is a page free that any request may have, outside the pageblocks of kept types? */
static inline RACY bool zone_has_pages(const struct zone *zone)
{
	return READ_ONCE(zone->nr_free);
}

/* The same for single pages, which come from this CPU's cache; where size counts, for all. */
MM_APART struct page *rmqueue_pcplist(const struct alloc_context *ac, const struct zoneref *ref)
{
	gfp_t class = ref->class | (ac->gfp & GFP_MOVABLE_MASK);

	if (FOR_SPEED || !ac->order) {
		struct per_cpu_pages *pcp = pcp_at(port_pcpu(), class);
		struct page *page = take_cached(pcp);

		if (!page && (!FOR_SPEED || zone_has_pages(ref->zone)))
			page = pcp_refill(pcp, ref->zone, class, PCP_SMALL_BATCH);
		/* A single page that may not wait may come from a HIGHATOMIC pageblock. */
		if (page || !(ac->alloc_flags & (ALLOC_NO_WATERMARKS | ALLOC_NON_BLOCK)))
			return page;
	}
	return rmqueue_buddy(ac, ref);
}

/* Any block, but for those of CMA areas. */
static inline struct page *rmqueue_own(const struct alloc_context *ac, const struct zoneref *ref)
{
	if (FOR_SPEED && ac->order)
		return rmqueue_buddy(ac, ref);
	return rmqueue_pcplist(ac, ref);
}

/* The zone has areas with free pages. */
static APART struct page *rmqueue_with_cma(const struct alloc_context *ac,
					   const struct zoneref *ref)
{
	struct page *page = rmqueue_cma(ac, ref);

	return page ? page : rmqueue_own(ac, ref);
}

struct page *rmqueue(const struct alloc_context *ac, const struct zoneref *ref)
{
	VM_BUG_ON(!port_irqs_disabled());
	if (dry_run(ac))
		return DRY_RUN_PAGE;
	if (zone_free_cma(ref->zone))
		return rmqueue_with_cma(ac, ref);
	return rmqueue_own(ac, ref);
}

/* What the flags open of the reserves below the min mark. Interrupts are masked. */
static unsigned int gfp_to_alloc_flags(gfp_t gfp, unsigned int order)
{
	unsigned int alloc_flags = ALLOC_WMARK_MIN;

	if (gfp & __GFP_NOMEMALLOC)
		return alloc_flags;
	if (gfp & __GFP_HIGH)
		alloc_flags |= ALLOC_MIN_RESERVE;
	if (!(gfp & __GFP_DIRECT_RECLAIM)) {
		alloc_flags |= ALLOC_NON_BLOCK;
		if (order && gfp & __GFP_HIGH)
			alloc_flags |= ALLOC_HIGHATOMIC;
	}
	/* A shrinker that needs memory is about to free some. */
	if (gfp & __GFP_MEMALLOC || (in_callback() && !port_pcpu()->irq_depth))
		alloc_flags |= ALLOC_NO_WATERMARKS;
	return alloc_flags;
}

/*
 * Does the zone keep its low mark, though no flag opens a reserve? Requests may go up to zone
 * `highest`.
 */
static inline RACY bool zone_keeps_low(const struct zone *zone, unsigned int highest,
				       unsigned int order)
{
	int64_t kept = (int64_t)(READ_ONCE(zone->mark.low) +
				 READ_ONCE(zone->lowmem_reserve[highest]) + (1UL << order));

	return (int64_t)READ_ONCE(zone->nr_free) >= kept;
}

/* In the first pass nothing is recorded. */
static inline bool zone_above_low(const struct alloc_context *ac, const struct zone *zone)
{
	return zone_keeps_low(zone, ac->highest, ac->order) &&
	       zone_has_block(zone, ac->order, false);
}

/* Does the zone leave its mark? The first pass is short where speed counts. */
static inline bool zone_may_serve(struct alloc_context *ac, const struct zoneref *ref, bool first)
{
	if (FOR_SPEED && first)
		return zone_above_low(ac, ref->zone) && !FAULT_POINT();
	return zone_watermark_ok(ac, ref);
}

/* Each zone in turn. Interrupts are masked. */
MM_OUTLINE struct page *one_pass(struct alloc_context *ac, bool first)
{
	struct page *page = NULL;

	VM_BUG_ON(!port_irqs_disabled());
	for (const struct zoneref *ref = ac->zonerefs + (FOR_SPEED && first ? ac->passed : 0);
	     ref->zone && !page; ref++)
		if (zone_may_serve(ac, ref, first))
			page = rmqueue(ac, ref);
	return page;
}

struct page *get_page_from_freelist(struct alloc_context *ac)
{
	unsigned long flags = port_irq_save();
	struct page *page = NULL;

	if (!ac->alloc_flags) {
		page = one_pass(ac, true);
		if (!page) {
			ac->stages = 0;
			ac->shrunk = 0;
			ac->gfp &= ~READ_ONCE(mm.gfp_masked);
			ac->alloc_flags = gfp_to_alloc_flags(ac->gfp, ac->order);
			if (!dry_run(ac)) {
				count_event(&mm.stats.stage[MM_STAGE_SLOW]);
				wake_balance(ac->gfp);
			}
		}
	}
	if (!page)
		page = one_pass(ac, false);
	port_irq_restore(flags);
	return page;
}

struct page *alloc_pages_request(struct alloc_context *ac)
{
	struct page *page = get_page_from_freelist(ac);

	return page ? page : alloc_pages_slowpath(ac);
}

/*
 * All that may come of an acceptable request, but for what debug options and the caller's flags want
 * done with its pages. `passed` zones do not serve it above their low marks.
 */
static APART struct page *alloc_from_zones(gfp_t gfp, unsigned int order,
					   const struct zoneref *refs, unsigned int passed)
{
	struct alloc_context ac;
	struct page *page;

	alloc_context_init(&ac, gfp, order);
	if (FOR_SPEED) {
		ac.zonerefs = refs; /* so it does not look for them again */
		ac.passed = passed;
	}
	page = alloc_pages_request(&ac);
	if (RECORDING)
		record_request_end(page);
	if (!page)
		report_refusal(&ac);
	VM_BUG_ON(page && (page_order(page) != order || !page->_refcount));
	VM_BUG_ON(page && gfp & __GFP_DMA32 && page >= &mm.memmap[mm.zones[ZONE_DMA32].end]);
	VM_BUG_ON(page && !trusted((unsigned long)(page - mm.memmap)));
	return page;
}

/* A request with all that may come of it. */
static APART struct page *alloc_with_all(gfp_t gfp, unsigned int order, const void *site)
{
	struct page *page;

	note_hooks();
	if (!gfp_acceptable(gfp, order))
		return report_bad_request(gfp, order);
	if (HOOKS)
		hook_might_sleep(gfp, order, site);
	if (HOOKS && hook_should_fail(gfp, order))
		return report_injected(gfp, order);
	if (RECORDING)
		record_request(gfp, order, site);
	page = alloc_from_zones(gfp, order, zonelist_for(gfp), 0);
	if (page && HOOKS) {
		hook_alloc(page, gfp, order);
		hook_owner(page, 1, site);
	}
	if (page && gfp & __GFP_ZERO)
		memset(page_address(page), 0, PAGE_SIZE << order);
	if (gfp & __GFP_DIRECT_RECLAIM && READ_ONCE(mm_callbacks[NOTIFIERS]))
		mm_idle(); /* shedding load early is what notifiers are for */
	return page;
}

/*
 * A request whose flags leave nothing to decide, and this zone stays above its low mark: for what
 * follows if this CPU's cache is empty. It may have been filled meanwhile, or the zone used up.
 */
static APART struct page *alloc_at_once(gfp_t gfp, unsigned int order, const struct zoneref *ref)
{
	gfp_t class = ref->class | (gfp & GFP_MOVABLE_MASK);
	unsigned long flags = port_irq_save(), index;
	struct per_cpu_pages *pcp = pcp_at(port_pcpu(), class | order << PAGE_ORDER_SHIFT);
	struct zone *zone = ref->zone;
	struct page *page = NULL;

	if (mm_likely(!*pcp->top)) {
		if (!order) {
			page = pcp_refill(pcp, zone, class, PCP_BATCH);
		} else {
			spin_lock(&zone->lock);
			index = buddy_alloc_block(zone, order, group_type(gfp));
			if (index != NIL32) {
				page = &mm.memmap[index];
				page->raw = PAGE_INFO(PAGE_ALLOC, order) | class | PAGE_ONE_REF;
			}
			spin_unlock(&zone->lock);
		}
	}
	port_irq_restore(flags);
	return page ? page : alloc_from_zones(gfp, order, ref, 0);
}

/* Nothing but what alloc_from_zones() does will come of a request: most, where no debug option is on. */
static inline bool is_plain(gfp_t gfp, unsigned int order)
{
	return gfp_acceptable(gfp, order) && !(gfp & __GFP_ZERO) &&
	       !READ_ONCE(mm_callbacks[NOTIFIERS]);
}

struct page *alloc_pages_slow(gfp_t gfp, unsigned int order)
{
	const struct zoneref *ref;
	bool below;

	/* The caller's address takes no register: nothing is called from here that comes back. */
	if (!FOR_SPEED || HOOKS || (CONFIG_DEBUG_HOOKS && port_pcpu()->hooks) ||
	    !is_plain(gfp, order))
		return alloc_with_all(gfp, order, CALL_SITE);
	ref = zonelist_for(gfp);
	if (!ref->zone)
		return alloc_from_zones(gfp, order, ref, 0);
	below = !zone_keeps_low(ref->zone, gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL, order) ||
		(order && !zone_has_block(ref->zone, order, false));
	/* One that may take a HIGHATOMIC pageblock's block, or an area's, has to be asked for more. */
	if (below || gfp & ~GFP_HOT_MASK || (order && gfp & __GFP_HIGH) || zone_free_cma(ref->zone))
		return alloc_from_zones(gfp, order, ref, below);
	return alloc_at_once(gfp, order, ref);
}

struct page *__alloc_pages(gfp_t gfp, unsigned int order)
{
	/* Class bits with both mobilities name caches that are always empty. */
	if (!(gfp & ~GFP_HOT_MASK)) {
		struct page *page = NULL;

		if (FOR_SPEED && order == 0) /* a copy of its own */
			page = pcp_take(gfp & GFP_CLASS_MASK, 0);
		else if (order <= MAX_PAGE_ORDER)
			page = pcp_take(gfp & GFP_CLASS_MASK, order);
		if (mm_likely(page))
			return page;
	}
	return alloc_pages_slow(gfp, order);
}

/* ---- bulk ---------------------------------------------------------------------------------- */

/* A bulk request takes blocks of up to so many pages under one lock. */
#define BULK_ORDER (pageblock_order > 7 ? 7 : pageblock_order - 1)

/* Where no larger block is left it takes single pages, several at once. */
#define BULK_SINGLE_ORDER 2

/*
 * Part of a bulk request straight from the buddy: one block, or a refill of single pages, in use.
 * Returns how many, 0 if the zone has none above its low mark. Interrupts are masked.
 */
MM_APART unsigned long bulk_from_buddy(gfp_t gfp, unsigned long n, struct page **pages)
{
	unsigned int order = BULK_ORDER;
	unsigned long index, end = 0;
	struct alloc_context ac;
	struct page *page;
	struct zone *zone;
	int64_t most; /* what is left must be above the mark too */
	uint64_t raw;

	alloc_context_init(&ac, gfp, 0);
	raw = ac.word | ac.zonerefs->class;
	zone = ac.zonerefs->zone;
	if (!zone || !zone_may_serve(&ac, ac.zonerefs, true))
		return 0;
	most = (int64_t)(READ_ONCE(zone->nr_free) - READ_ONCE(zone->mark.low) -
			 READ_ONCE(zone->lowmem_reserve[ac.highest]));
	if (most < 1) /* another CPU has taken it meanwhile, or raised the mark */
		return 0;
	if (most > (int64_t)n)
		most = (int64_t)n;
	while (order && 1L << order > most)
		order--;
	VM_BUG_ON(!port_irqs_disabled());
	spin_lock(&zone->lock);
	/* The largest there are: smaller ones are left to others meanwhile. */
	if (zone->nonempty[ac.type])
		while (order > BULK_SINGLE_ORDER && !(zone->nonempty[ac.type] >> order))
			order--;
	if (zone->nonempty[ac.type] && order <= BULK_SINGLE_ORDER) {
		end = buddy_alloc_pages(zone, most < PCP_BATCH ? (unsigned long)most : PCP_BATCH,
					ac.type, raw, pages - 1);
		spin_unlock(&zone->lock);
		return end;
	}
	index = buddy_alloc(zone, &order, ac.type, zone->nonempty[ac.type] ? order : 0);
	if (index != NIL32) {
		end = 1UL << order;
		VM_BUG_ON(end > n || index + end > zone->end);
		for (unsigned long i = 0; i < end; i += GROUP_PAGES)
			trust_head(index + i, 0);
	}
	spin_unlock(&zone->lock);
	if (!end)
		return 0;
	/* They are this CPU's by now: the lock is not held for what can be done without. */
	page = &mm.memmap[index];
	UNROLL(4)
	for (unsigned long i = 0; i < end; i++, page++) {
		page->raw = raw;
		pages[i] = page;
	}
	return end;
}

/*
 * Up to n pages: all that this CPU's cache has, then a block from the buddy. A last single page is
 * not worth a block.
 */
MM_OUTLINE unsigned long bulk_some(gfp_t gfp, unsigned long n, struct page **pages)
{
	unsigned long flags = port_irq_save(), got;
	struct per_cpu_pages *pcp = pcp_hot(gfp & GFP_CLASS_MASK);
	struct page **top = pcp->top;

	got = pcp_count(pcp) < n ? pcp_count(pcp) : n;
	VM_BUG_ON(pcp->top < pcp->base);
	pcp->top = top - got;
	UNROLL(4)
	for (; top > pcp->top; top--) {
		(*top)->_refcount = 1;
		*pages++ = *top;
	}
	if (n - got > 1)
		got += bulk_from_buddy(gfp, n - got, pages);
	port_irq_restore(flags);
	return got;
}

/* While debug options are on. */
static APART unsigned long bulk_with_hooks(gfp_t gfp, unsigned long n, struct page **pages,
					   const void *site)
{
	unsigned long got = 0;

	for (; got < n; got++) {
		struct page *page = alloc_with_all(gfp, 0, site);

		if (!page)
			break;
		pages[got] = page;
	}
	return got;
}

static APART unsigned long bulk_all(gfp_t gfp, unsigned long n, struct page **pages)
{
	/* Where size counts, n requests. */
	bool plain = FOR_SPEED && !(gfp & ~GFP_HOT_MASK) && gfp_acceptable(gfp, 0);
	unsigned long got = 0;

	while (got < n) {
		unsigned long more = plain ? bulk_some(gfp, n - got, pages + got) : 0;

		VM_BUG_ON(more > n - got);
		got += more;
		if (!more) { /* with its checks, and all that a single request may get */
			struct page *page = __alloc_pages(gfp, 0);

			if (!page)
				break;
			pages[got++] = page;
		}
	}
	return got;
}

unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long n, struct page **pages)
{
	struct page *page;

	if (HOOKS)
		return bulk_with_hooks(gfp, n, pages, CALL_SITE);
	if (!FOR_SPEED || n != 1)
		return bulk_all(gfp, n, pages);
	page = __alloc_pages(gfp, 0);
	if (page)
		*pages = page;
	return page != NULL;
}
