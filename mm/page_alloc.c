/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_alloc.c: alloc_pages() from the flags to the page.
 *
 * The hot path (quarry/mm_inline.h) takes a page from this CPU's cache and never comes here. This is what
 * follows when it cannot: the zones are tried in order against their watermarks, and if none has a page,
 * slowpath.c goes on.
 */
#include <errno.h>
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

/* Orders above 0 come from the buddy. Interrupts are masked. */
static struct page *rmqueue_buddy(const struct alloc_context *ac, const struct zone_choice *choice)
{
	enum page_state state = ac->gfp & __GFP_COMP ? PAGE_COMPOUND : PAGE_ALLOC;
	struct zone *zone = choice->zone;
	unsigned long index = NIL32;
	struct page *page = NULL;
	unsigned int order = ac->order;

	spin_lock(&zone->lock);
	if (ac->alloc_flags & ALLOC_HIGHATOMIC)
		index = highatomic_alloc(zone, &order);
	if (index == NIL32) {
		index = buddy_alloc(zone, &order, ac->type, false);
		/* What may use all reserves may use that of the HIGHATOMIC pageblocks too. */
		if (index == NIL32 && ac->alloc_flags & ALLOC_NO_WATERMARKS)
			index = highatomic_alloc(zone, &order);
	}
	if (index != NIL32) {
		page = &mm.memmap[index];
		page->word = PAGE_INFO(state, order) | choice->class |
			     (ac->gfp & GFP_MOVABLE_MASK) | PAGE_ONE_REF;
		page->owner = 0;
		if (ac->alloc_flags & ALLOC_HIGHATOMIC)
			highatomic_reserve(zone, index);
	}
	spin_unlock(&zone->lock);
	return page;
}

/* Order 0 comes from the zone's cache, filled from the buddy when it is empty. Interrupts are masked. */
static struct page *rmqueue_pcp(const struct alloc_context *ac, const struct zone_choice *choice,
				uint64_t mark)
{
	gfp_t class = choice->class | (ac->gfp & GFP_MOVABLE_MASK);
	struct per_cpu_pages *pcp = pcp_of(port_pcpu(), class);
	struct page *page = *pcp->top;

	if (page) {
		pcp->top--;
		page->_refcount = 1;
		return page;
	}
	if (zone_watermark(choice->zone, ac, mark, 0) != WMARK_OK)
		return NULL;
	page = pcp_refill(pcp, choice->zone, class);
	if (!page && ac->alloc_flags & (ALLOC_NO_WATERMARKS | ALLOC_NON_BLOCK))
		page = pcp_from_highatomic(choice->zone, class);
	return page;
}

struct page *get_page_from_freelist(const struct alloc_context *ac, enum freelist_stage stage)
{
	unsigned long flags = port_irq_save();
	struct page *page = NULL;

	for (const struct zone_choice *choice = ac->choices; choice->zone && !page; choice++) {
		const struct zone *zone = choice->zone;
		uint64_t mark = stage == STAGE_LOW ? zone->mark.low : zone->mark.min;

		if (!ac->order)
			page = rmqueue_pcp(ac, choice, mark);
		else if (zone_watermark(zone, ac, mark, 0) == WMARK_OK)
			page = rmqueue_buddy(ac, choice);
	}
	port_irq_restore(flags);
	return page;
}

/* Blocks in caches that a request looks at which cannot wait: a bound on what it costs to fail. */
#define ASSEMBLE_LOOK 32

struct page *get_page_from_caches(const struct alloc_context *ac, bool wait)
{
	struct page *page = NULL;

	for (const struct zone_choice *choice = ac->choices; choice->zone && !page; choice++) {
		gfp_t class = choice->class | (ac->gfp & GFP_MOVABLE_MASK);
		struct zone *zone = choice->zone;
		uint64_t cached = pcp_count_this_cpu(zone);
		unsigned long flags, start, end;

		if (!cached)
			continue;
		flags = port_irq_save();
		if (!ac->order || !(ac->gfp & __GFP_COMP)) /* a cached block is not compound */
			page = pcp_steal(zone, class, ac->order);
		port_irq_restore(flags);
		if (page || zone_watermark(zone, ac, zone->mark.min, cached) != WMARK_OK ||
		    !pcp_find_block(port_pcpu(), zone, ac->order, wait ? ~0UL : ASSEMBLE_LOOK,
				    &start, &end))
			continue;
		flags = port_irq_save();
		pcp_give_back_range(port_pcpu(), start, end);
		spin_lock(&zone->lock);
		highatomic_unreserve_range(zone, start, end, ac->type);
		spin_unlock(&zone->lock);
		page = ac->order ? rmqueue_buddy(ac, choice)
				 : pcp_refill(pcp_of(port_pcpu(), class), zone, class);
		port_irq_restore(flags);
	}
	return page;
}

struct page *alloc_pages_slow(gfp_t gfp, unsigned int order)
{
	const char *wrong = gfp_check(gfp, order);
	struct alloc_context ac;
	struct page *page = NULL;

	if (port_pcpu()->hooks != mm.hooks)
		pcp_sync_hooks(port_pcpu());
	if (wrong) {
		count_event(&mm.stats.bad_request);
		report_refusal(gfp, order, wrong);
		return NULL;
	}
	if (mm.hooks && hook_should_fail(gfp, order)) {
		count_event(&mm.stats.alloc_failed);
		report_refusal(gfp, order, "fault injection");
		return NULL;
	}
	alloc_context_init(&ac, gfp, order);
	page = get_page_from_freelist(&ac, STAGE_LOW);
	if (!page)
		page = alloc_pages_slowpath(&ac);
	if (page && mm.hooks)
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

unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long n, struct page **pages)
{
	unsigned long got = 0;

	while (got < n) {
		struct page *page;

		if (!(gfp & ~GFP_HOT_MASK)) { /* all that the cache has, in one go */
			unsigned long flags = port_irq_save();
			struct per_cpu_pages *pcp = pcp_hot(gfp & GFP_CLASS_MASK);
			struct page **top = pcp->top;

			while (got < n && (page = *top)) {
				top--;
				page->_refcount = 1;
				pages[got++] = page;
			}
			pcp->top = top;
			port_irq_restore(flags);
			if (got == n)
				break;
		}
		page = alloc_pages_slow(gfp, 0);
		if (!page)
			break;
		pages[got++] = page;
	}
	return got;
}
