/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_cma.c: movable requests are served from CMA areas, by Linux's rule of balance: when more than
 * half of the zone's free pages are there, and when the others are below their mark. Such pages go
 * to no cache: another request might take them from there, and they would not move.
 */
#include "alloc_internal.h"

#if CONFIG_CMA
/* Is more than half of what is free in areas? A figure of the moment. */
static RACY bool is_most_free(const struct zone *zone)
{
	return zone_free_cma(zone) > READ_ONCE(zone->nr_free);
}

struct page *rmqueue_cma(const struct alloc_context *ac, const struct zoneref *ref)
{
	struct zone *zone = ref->zone;
	unsigned int order = ac->order;
	struct page *page = NULL;
	unsigned long index;

	VM_BUG_ON(!port_irqs_disabled());
	if (!cma_serves(ac->gfp, order) || (!ac->alloc_flags && !is_most_free(zone)))
		return NULL;
	spin_lock(&zone->lock);
	index = buddy_alloc_cma(zone, order);
	if (index != NIL32) {
		page = &mm.memmap[index];
		/* compound, so that it is cached nowhere */
		page->raw =
			(ac->word & ~PAGE_STATE_MASK) | PAGE_INFO(PAGE_COMPOUND, 0) | ref->class;
	}
	spin_unlock(&zone->lock);
	return page;
}
#endif
