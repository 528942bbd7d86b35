/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exact_internal.h: what alloc_pages_exact() and alloc_pages_exact_between() share: how much is
 * taken for a number of bytes, and the cutting of the block that was taken.
 */
#ifndef QUARRY_MM_EXACT_INTERNAL_H
#define QUARRY_MM_EXACT_INTERNAL_H

#include "alloc_internal.h"

#pragma GCC visibility push(hidden)

/* What alloc_pages_exact() takes for so many bytes: pages, and the order of a block that holds them. */
static inline unsigned long pages_of(size_t size)
{
	return size / PAGE_SIZE + !!(size % PAGE_SIZE);
}

static inline unsigned int order_of(unsigned long pages)
{
	unsigned int order = 0;

	while (order <= MAX_PAGE_ORDER && 1UL << order < pages)
		order++;
	return order;
}

/* Of a block only the first `pages` are kept, in the largest blocks there are; the rest is freed. */
MM_APART void cut_block(struct page *page, unsigned int order, unsigned long pages)
{
	unsigned long index = (unsigned long)(page - mm.memmap), flags;
	struct zone *zone = zone_of(index);
	uint32_t word = page->word & ~PAGE_ORDER_MASK;

	VM_BUG_ON(page_order(page) != order || page->_refcount != 1);
	if (RECORDING)
		record_enter(MM_RECORD_CUT, order, 0, page_to_pfn(page));
	flags = port_irq_save();
	spin_lock(&zone->lock);
	buddy_free_tails(zone, index, order, pages, gfp_migratetype(word));
	VM_BUG_ON(pages >= 1UL << order);
	while (order--) {
		if (!(pages >> order & 1))
			continue;
		trust_head(index, order);
		mm.memmap[index].raw = word | order << PAGE_ORDER_SHIFT;
		index += 1UL << order;
	}
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	if (RECORDING)
		record_done(MM_RECORD_CUT, (uint32_t)pages);
}

/*
 * Keeps the first `pages` of a block that has just been allocated for the caller at `site`, as
 * page_exact.c says. A copy in each of its users, one of which is seldom linked.
 */
static inline __attribute__((always_inline)) void *cut_exact(struct page *page, unsigned int order,
							     unsigned long pages, const void *site)
{
	if (pages != 1UL << order)
		cut_block(page, order, pages);
	if (HOOKS)
		hook_owner(page, pages, site);
	return page_address(page);
}

#pragma GCC visibility pop
#endif
