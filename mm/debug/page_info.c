/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_info.c: what a frame is, and the block that it lies in. The report of a refused free asks it
 * too.
 */
#include <quarry/errno.h>
#include "../free_map.h"
#include "debug_internal.h"

RACY int mm_page_info(pfn_t pfn, struct page_info *info)
{
	unsigned long index = pfn_to_index(pfn), head = index;
	enum section_state state;
	unsigned long flags;
	struct page page;

	if (index == NIL32)
		return -EFAULT;
	memset(info, 0, sizeof(*info));
	info->pfn = info->head_pfn = pfn;
	info->zone = (enum zone_type)(zone_of(index) - mm.zones);
	state = section_state(index >> SECTION_SHIFT);
	if (state != SECTION_OPEN) {
		info->untouched = state == SECTION_UNTOUCHED;
		info->state = info->untouched ? PAGE_FREE : PAGE_RESERVED;
		info->order = info->untouched ? MAX_PAGE_ORDER : 0;
		info->migratetype = MIGRATE_MOVABLE;
		if (info->untouched)
			info->head_pfn = ALIGN_DOWN(pfn, (pfn_t)SECTION_PAGES);
		return 0;
	}
	/*
	 * With the lock blocks stay where they are; what their holders change is read as one word. A page
	 * that a bulk request has just taken has no word yet (bulk_from_buddy()): in use, of order 0.
	 */
	flags = port_irq_save();
	spin_lock(&mm.zones[info->zone].lock);
	head = block_head(index);
	info->migratetype = (enum migratetype)mm.pageblocks[index >> pageblock_order].type;
	if (head == NIL32 && !map_test(index)) {
		head = index;
		page.raw = PAGE_INFO(PAGE_ALLOC, 0) | PAGE_ONE_REF;
		info->order = 0;
	} else if (head == NIL32) { /* free, and no whole pageblock */
		page.raw = PAGE_FREE_WORD(0);
		info->order = buddy_order(index, &head);
	} else {
		page.raw = READ_ONCE(mm.memmap[head].raw);
		info->order = page_order(&page);
	}
	spin_unlock(&mm.zones[info->zone].lock);
	port_irq_restore(flags);
	info->head_pfn = pfn - (index - head);
	info->state = page.word == PAGE_BAD_WORD ? PAGE_BAD : page_state(&page);
	if (page_allocated(&page)) {
		info->refcount = page._refcount;
		info->owner = page.owner;
		info->in_pcp = page_state(&page) == PAGE_ALLOC && !page._refcount;
		info->migratetype = gfp_migratetype(page.info);
	} else if (page_state(&page) == PAGE_FROZEN) {
		info->owner = page.owner; /* who had it last has not freed it */
	}
	return 0;
}
