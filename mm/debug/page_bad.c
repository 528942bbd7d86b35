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

/* Of each zone, written with its lock. */
#if QUARRY_INSTANCES == 1
static unsigned long nr_bad[MAX_NR_ZONES];
#else
static unsigned long nr_bad_of_instance[QUARRY_INSTANCES][MAX_NR_ZONES];
#define nr_bad nr_bad_of_instance[this_instance()]
#endif

int mm_page_set_bad(pfn_t pfn)
{
	unsigned long index = pfn_to_index(pfn), flags;
	struct record_call *recorded;
	struct page *page;
	struct zone *zone;
	int error = -EINVAL;

	if (index == NIL32 || section_state(index >> SECTION_SHIFT) != SECTION_OPEN)
		return -EINVAL;
	page = &mm.memmap[index];
	zone = zone_of(index);
	recorded = record_begin(MM_RECORD_BAD, 0, 0);
	/* with the lock, reports read the block as it was, or as it is */
	flags = port_irq_save();
	spin_lock(&zone->lock);
	if (block_head(index) == index && page_state(page) == PAGE_ALLOC && !page_order(page) &&
	    page->_refcount == 1) {
		if (recorded)
			recorded->event.gfp = page->word;
		WRITE_ONCE(page->raw, (uint64_t)PAGE_BAD_WORD);
		WRITE_ONCE(nr_bad[zone - mm.zones], nr_bad[zone - mm.zones] + 1);
		error = 0;
	}
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	record_end(recorded, pfn, !error);
	return error;
}

unsigned long mm_nr_bad_pages(void)
{
	unsigned long pages = 0;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		pages += READ_ONCE(nr_bad[zone]);
	return pages;
}
