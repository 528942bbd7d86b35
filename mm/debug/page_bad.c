/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_bad.c: pages that are never handed out again, because their memory is bad.
 *
 * Such a page is reserved as boot memory is, so whatever looks for free memory, moves blocks or refuses a free passes it over by
 * the rule there is; one bit more in its word says why.
 */
#include <quarry/errno.h>
#include <quarry/mm_debug.h>
#include "debug_internal.h"

static unsigned long nr_bad;

int mm_page_set_bad(pfn_t pfn)
{
	unsigned long index = pfn_to_index(pfn), flags;
	struct page *page;
	struct zone *zone;
	int error = -EINVAL;

	if (index == NIL32 || section_state(index >> SECTION_SHIFT) != SECTION_OPEN)
		return -EINVAL;
	page = &mm.memmap[index];
	zone = zone_of(index);
	/* with the lock, reports read the block as it was, or as it is */
	flags = port_irq_save();
	spin_lock(&zone->lock);
	if (block_head(index) == index && page_state(page) == PAGE_ALLOC && !page_order(page) &&
	    page->_refcount == 1) {
		WRITE_ONCE(page->raw, (uint64_t)PAGE_BAD_WORD);
		__atomic_fetch_add(&nr_bad, 1, __ATOMIC_RELAXED);
		error = 0;
	}
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	return error;
}

unsigned long mm_nr_bad_pages(void)
{
	return __atomic_load_n(&nr_bad, __ATOMIC_RELAXED);
}
