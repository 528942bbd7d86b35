/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * free_blocks.c: the free blocks that the map (free_map.h) stands for, one by one, for those who
 * show them. The allocator itself only asks where one is that will do.
 */
#include "../free_map.h"
#include "debug_internal.h"

unsigned int buddy_order(unsigned long index, unsigned long *start)
{
	const struct pageblock *pb = &mm.pageblocks[index >> pageblock_order];
	unsigned int order = 0;
	unsigned long n;

	if (pb->nr_free == pageblock_nr_pages) {
		bool pair = pb->list == MAX_PAGE_ORDER ||
			    (pb->list == PB_OFF_LIST && pb_twin(pb)->list == MAX_PAGE_ORDER);

		order = pair ? MAX_PAGE_ORDER : pageblock_order;
	} else {
		for (; order + 1 < pageblock_order; order++) {
			unsigned long at = index & ~((2UL << order) - 1);

			for (n = 0; n < 2UL << order && map_test(at + n); n++)
				;
			if (n < 2UL << order)
				break;
		}
	}
	*start = index & ~((1UL << order) - 1);
	return order;
}

RACY unsigned int buddy_block_at(unsigned long index, bool *free)
{
	struct page head = {.word = READ_ONCE(mm.memmap[index].word)};
	unsigned long start;

	*free = map_test(index);
	return *free ? buddy_order(index, &start) : page_order(&head);
}

void pb_count_blocks(const struct pageblock *pb, uint64_t nr_free[pageblock_order])
{
	unsigned long index = (unsigned long)(pb - mm.pageblocks) << pageblock_order;
	unsigned long end = index + pageblock_nr_pages;

	for (unsigned long start; index < end; index++) {
		unsigned int order;

		if (!map_test(index))
			continue;
		order = buddy_order(index, &start);
		nr_free[order]++;
		index += (1UL << order) - 1;
	}
}
