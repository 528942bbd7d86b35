/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pages_internal.h: the pages of slabs, for slab.c: they come from the page allocator, and go back.
 */
#ifndef QUARRY_MM_SLAB_PAGES_INTERNAL_H
#define QUARRY_MM_SLAB_PAGES_INTERNAL_H

#include "slab_internal.h"

#pragma GCC visibility push(hidden)

/* The descriptor of a page, which this CPU has most likely found its last object near to. Interrupts masked. */
static inline struct page *page_near(uintptr_t address)
{
	const struct kmem_cpu *cpu = port_pcpu()->kmem;

	return mm_likely(address - cpu->start < cpu->bytes)
		       ? (struct page *)(uintptr_t)&cpu->pages[address >> PAGE_SHIFT]
		       : virt_to_page((const void *)address);
}

/* As __free_pages(), which need not ask whether it is a block in use. */
static inline int free_block_of_slab(struct page *page, unsigned int order)
{
	const uint32_t class = page->word & PAGE_CLASS_MASK;
	const unsigned long offset = class + ((unsigned long)order << PAGE_ORDER_SHIFT);
	struct per_cpu_pages *pcp;
	unsigned long flags;

	page->raw = PAGE_INFO(PAGE_ALLOC, order) | PAGE_ONE_REF | class;
	if (!FOR_SPEED)
		return __free_pages(page, order);
	flags = port_irq_save();
	pcp = pcp_hot(offset);
	if (!mm_likely(pcp->top != pcp->limit))
		return free_pages_overflow(page, offset, flags);
	*++pcp->top = page;
	page->_refcount = 0; /* allocated without a holder: in a cache */
	port_irq_restore(flags);
	return 0;
}

/* Pages for a slab: as many as it should have, or as few as one can have. */
static inline struct page *slab_pages(const struct kmem_cache *cache, gfp_t gfp,
				      unsigned int *order)
{
	const gfp_t try = gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_NOFAIL | __GFP_RETRY_MAYFAIL);
	struct page *page = NULL;

	*order = cache->order;
	if (*order > cache->min_order)
		page = alloc_pages(try | __GFP_NOWARN, *order);
	if (!page) {
		*order = cache->min_order;
		page = alloc_pages(gfp, *order);
	}
	return page;
}

#pragma GCC visibility pop
#endif
