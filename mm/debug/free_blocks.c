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
		const struct pageblock *head = pb;

		for (order = pageblock_order; order < MAX_PAGE_ORDER; order++) {
			head = &mm.pageblocks[index >> order << (order - pageblock_order)];
			if (head->list == (int)order)
				break;
		}
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

/* From the runs of 2^order units go those that are half of a larger one; the others are counted. */
static uint64_t count_runs(uint64_t runs, unsigned int order, uint64_t *nr_free)
{
	uint64_t pairs = map_pairs(runs, order);

	runs &= ~(pairs | pairs << (1UL << order));
	for (; runs; runs &= runs - 1)
		++*nr_free;
	return pairs;
}

void pb_count_blocks(const struct pageblock *pb, uint64_t nr_free[pageblock_order])
{
	const uint64_t *map = &mm.map[(unsigned long)(pb - mm.pageblocks) * PB_WORDS];
	uint64_t full = 0; /* words, a bit each */

	for (unsigned long w = 0; w < PB_WORDS; w++) {
		uint64_t runs = map[w];

		for (unsigned int order = 0; order < WORD_ORDER; order++)
			runs = count_runs(runs, order, &nr_free[order]);
		full |= runs << w;
	}
	for (unsigned int order = WORD_ORDER; order < pageblock_order; order++)
		full = count_runs(full, order - WORD_ORDER, &nr_free[order]);
}
