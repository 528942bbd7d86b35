/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_alloc.c: alloc_pages() from the flags to the page.
 *
 * The hot path (quarry/mm_inline.h) takes a page from this CPU's cache and never comes here. This
 * is what follows when it cannot: the zones are tried in order against their watermarks, and if
 * none has a page, slowpath.c goes on.
 */
#include <string.h>
#include "internal.h"

const char *gfp_check(gfp_t gfp, unsigned int order)
{
	if (order > MAX_PAGE_ORDER)
		return "order above 10";
	if (gfp & ~__GFP_BITS_MASK)
		return "unknown flag";
	if ((gfp & GFP_MOVABLE_MASK) == GFP_MOVABLE_MASK)
		return "__GFP_MOVABLE and __GFP_RECLAIMABLE exclude each other";
	return NULL;
}

/* Linux's gfp_to_alloc_flags(): what the flags allow when the low mark is passed. */
void alloc_context_init(struct alloc_context *ac, gfp_t gfp, unsigned int order)
{
	ac->gfp = gfp;
	ac->order = order;
	ac->type = group_type(gfp);
	ac->highest = gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;
	ac->choices = zonelist_for(gfp);
	ac->alloc_flags = 0;
	if (gfp & __GFP_HIGH)
		ac->alloc_flags |= ALLOC_MIN_RESERVE;
	if (!(gfp & (__GFP_DIRECT_RECLAIM | __GFP_NOMEMALLOC))) {
		ac->alloc_flags |= ALLOC_NON_BLOCK;
		if (order && gfp & __GFP_HIGH)
			ac->alloc_flags |= ALLOC_HIGHATOMIC;
	}
	if (gfp & __GFP_NOMEMALLOC)
		ac->alloc_flags &= ~ALLOC_MIN_RESERVE;
	else if (gfp & __GFP_MEMALLOC || (port_pcpu()->in_reclaim && !port_pcpu()->irq_depth))
		ac->alloc_flags |= ALLOC_NO_WATERMARKS;
}

/* The first word of the block that serves a request. Single pages are never compound. */
static uint32_t word_of(const struct alloc_context *ac, const struct zone_choice *choice)
{
	enum page_state state = ac->gfp & __GFP_COMP && ac->order ? PAGE_COMPOUND : PAGE_ALLOC;

	return PAGE_INFO(state, ac->order) | choice->class | (ac->gfp & GFP_MOVABLE_MASK) |
	       PAGE_ONE_REF;
}

/* Orders above 0 come from the buddy. Interrupts are masked. */
static struct page *rmqueue_buddy(const struct alloc_context *ac, const struct zone_choice *choice)
{
	struct zone *zone = choice->zone;
	unsigned long index = NIL32;
	struct page *page = NULL;
	unsigned int order = ac->order;

	spin_lock(&zone->lock);
	if (ac->alloc_flags & ALLOC_HIGHATOMIC) {
		if (zone->nonempty[MIGRATE_HIGHATOMIC])
			index = highatomic_alloc(zone, &order);
		if (index == NIL32)
			index = highatomic_reserve(zone, &order, ac->type);
	}
	if (index == NIL32) {
		index = buddy_alloc(zone, &order, ac->type, false);
		/* What may use all reserves may use that of the HIGHATOMIC pageblocks too. */
		if (index == NIL32 && ac->alloc_flags & ALLOC_NO_WATERMARKS)
			index = highatomic_alloc(zone, &order);
	}
	if (index != NIL32) {
		page = &mm.memmap[index];
		page->raw = word_of(ac, choice);
	}
	spin_unlock(&zone->lock);
	return page;
}

/* A single page that the zone's cache has. Interrupts are masked. */
static inline struct page *take_cached(struct per_cpu_pages *pcp)
{
	struct page *page = *pcp->top;

	if (!page || FAULT_POINT())
		return NULL;
	pcp->top--;
	page->_refcount = 1;
	return page;
}

/* From the buddy, single pages through the cache. Interrupts are masked. */
static struct page *rmqueue(const struct alloc_context *ac, const struct zone_choice *choice)
{
	gfp_t class = choice->class | (ac->gfp & GFP_MOVABLE_MASK);
	struct page *page = NULL;

	if (ac->order)
		return rmqueue_buddy(ac, choice);
	if (buddy_has(choice->zone, 0, false))
		page = pcp_refill(pcp_of(port_pcpu(), class), choice->zone, class);
	if (!page && ac->alloc_flags & (ALLOC_NO_WATERMARKS | ALLOC_NON_BLOCK))
		page = pcp_from_highatomic(choice->zone, class);
	return page;
}

struct page *get_page_from_freelist(const struct alloc_context *ac)
{
	const struct zone_choice *choice = ac->choices, *reserve = NULL;
	unsigned long flags = port_irq_save();
	struct per_cpu_pages *first = pcp_of(port_pcpu(), ac->gfp & GFP_MOVABLE_MASK);
	struct page *page = NULL;

	for (; choice->zone && !page; choice++) {
		enum wmark_level level;

		if (!ac->order && (page = take_cached((void *)((char *)first + choice->class))))
			break;
		level = zone_level(choice->zone, ac);
		if (level == WMARK_ABOVE_LOW)
			page = rmqueue(ac, choice);
		else if (level && !reserve)
			reserve = choice;
	}
	if (!page)
		count_event(&mm.stats.stage[MM_STAGE_SLOW]);
	/* No zone is above its low mark: down to min, from the first that may be. */
	for (choice = reserve; !page && choice && choice->zone; choice++)
		if (choice == reserve || zone_level(choice->zone, ac))
			page = rmqueue(ac, choice);
	port_irq_restore(flags);
	return page;
}

struct page *get_page_given_back(const struct alloc_context *ac, const struct zone_choice *choice)
{
	gfp_t class = choice->class | (ac->gfp & GFP_MOVABLE_MASK);
	unsigned long flags = port_irq_save();
	struct page *page;

	FAULT_CERTAIN(true);
	page = ac->order ? rmqueue_buddy(ac, choice)
			 : pcp_refill(pcp_of(port_pcpu(), class), choice->zone, class);
	FAULT_CERTAIN(false);
	port_irq_restore(flags);
	return page;
}

/* Do this CPU's caches give the buddy what is missing? Interrupts are masked. */
static bool complete_from_caches(const struct alloc_context *ac, struct zone *zone,
				 struct look *look)
{
	unsigned long start, end;

	if (FAULT_POINT())
		return false;
	if (pcp_give_back_larger(zone, ac->order, ac->type) ||
	    pcp_assemble(zone, ac->order, ac->type, look))
		return true;
	if (!(ac->gfp & (__GFP_RETRY_MAYFAIL | __GFP_NOFAIL)) ||
	    !pcp_find_block(port_pcpu(), zone, ac->order, &start, &end))
		return false;
	pcp_give_back_range(port_pcpu(), start, end);
	spin_lock(&zone->lock);
	highatomic_unreserve_range(zone, start, end, ac->type);
	spin_unlock(&zone->lock);
	return true;
}

struct page *get_page_from_caches(const struct alloc_context *ac)
{
	const struct zone_choice *choice = ac->choices;
	unsigned long flags = port_irq_save();
	struct look look = LOOK_BUDGET;
	struct page *page = NULL;

	for (; choice->zone && !page; choice++)
		page = pcp_steal(choice->zone, word_of(ac, choice), ac->order);
	for (choice = ac->choices; choice->zone && !page; choice++) {
		struct zone *zone = choice->zone;

		if (pcp_hold(zone, zone_shortfall(zone, ac, zone->mark.min)) &&
		    complete_from_caches(ac, zone, &look))
			page = get_page_given_back(ac, choice);
	}
	port_irq_restore(flags);
	return page;
}

struct page *alloc_pages_slow(gfp_t gfp, unsigned int order)
{
	const char *wrong = gfp_check(gfp, order);
	struct alloc_context ac;
	struct page *page = NULL;

	note_hooks();
	if (wrong) {
		count_event(&mm.stats.bad_request);
		report_refusal(gfp, order, wrong);
		return NULL;
	}
	if (HOOKS && hook_should_fail(gfp, order)) {
		count_event(&mm.stats.alloc_failed);
		report_refusal(gfp, order, "fault injection");
		return NULL;
	}
	alloc_context_init(&ac, gfp, order);
	page = get_page_from_freelist(&ac);
	if (!page)
		page = alloc_pages_slowpath(&ac);
	if (notifiers_due(&ac))
		mm_idle(); /* shedding load early is what notifiers are for */
	if (page && HOOKS)
		hook_alloc(page, gfp, order);
	if (page && gfp & __GFP_ZERO)
		memset(page_address(page), 0, PAGE_SIZE << order);
	return page;
}

struct page *__alloc_pages(gfp_t gfp, unsigned int order)
{
	/* Class bits with both mobilities name caches that are always empty. */
	if (!(gfp & ~GFP_HOT_MASK)) {
		struct page *page = NULL;

		if (order == 0)
			page = pcp_take(gfp & GFP_CLASS_MASK, 0);
		else if (order <= MAX_PAGE_ORDER)
			page = pcp_take(gfp & GFP_CLASS_MASK, order);
		if (mm_likely(page))
			return page;
	}
	return alloc_pages_slow(gfp, order);
}

unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp, order);

	return page ? (unsigned long)(uintptr_t)page_address(page) : 0;
}

/* A bulk request takes blocks of up to so many pages under one lock. */
#define BULK_ORDER 7

/*
 * Part of a bulk request straight from the buddy: one block, its pages in use. Returns how many,
 * 0 if the zone has none above its low mark. Interrupts are masked.
 */
static unsigned long bulk_from_buddy(const struct alloc_context *ac, unsigned long n,
				     struct page **pages)
{
	const struct zone_choice *choice = ac->choices;
	unsigned int order = BULK_ORDER;
	struct zone *zone = choice->zone;
	uint64_t raw = PAGE_INFO(PAGE_ALLOC, 0) | choice->class | (ac->gfp & GFP_MOVABLE_MASK) |
		       PAGE_ONE_REF;
	unsigned long index;

	if (!zone || zone_watermark(zone, ac, zone->mark.low, 0) != WMARK_OK)
		return 0;
	while (1UL << order > n)
		order--;
	/* What is left must be above the mark too. */
	while (order && zone->nr_free < zone->mark.low + zone->lowmem_reserve[ac->highest] +
						zone->nr_free_highatomic + (1UL << order))
		order--;
	spin_lock(&zone->lock);
	index = buddy_alloc(zone, &order, ac->type, ANY_SMALLER);
	if (index != NIL32) {
		struct page *page = &mm.memmap[index], *end = page + (1UL << order);

		for (unsigned long i = index; i < index + (1UL << order); i += GROUP_PAGES)
			trust_head(i, 0);
		UNROLL(4)
		for (; page < end; page++) {
			page->raw = raw;
			*pages++ = page;
		}
	}
	spin_unlock(&zone->lock);
	return index == NIL32 ? 0 : 1UL << order;
}

unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long n, struct page **pages)
{
	unsigned long got = 0;
	struct alloc_context ac;
	struct page *page;

	if (n == 1 || gfp & ~GFP_HOT_MASK || gfp_check(gfp, 0) ||
	    HOOKS) { /* with its checks, one by one */
		while (got < n && (page = __alloc_pages(gfp, 0)))
			pages[got++] = page;
		return got;
	}
	alloc_context_init(&ac, gfp, 0);
	while (got < n) {
		unsigned long flags = port_irq_save(), more;
		struct per_cpu_pages *pcp = pcp_hot(gfp & GFP_CLASS_MASK);
		struct page **top = pcp->top, **lowest = (unsigned long)(top - pcp->base) > n - got
								 ? top - (n - got)
								 : pcp->base;

		UNROLL(4)
		for (; top > lowest; top--) { /* all that the cache has, in one go */
			page = *top;
			page->_refcount = 1;
			pages[got++] = page;
		}
		pcp->top = top;
		more = n - got > 1 ? bulk_from_buddy(&ac, n - got, pages + got) : 0;
		port_irq_restore(flags);
		got += more;
		if (got < n && !more) { /* what a single request may still get */
			page = alloc_pages_slow(gfp, 0);
			if (!page)
				break;
			pages[got++] = page;
		}
	}
	return got;
}
