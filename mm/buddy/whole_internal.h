/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * whole_internal.h: pageblocks that are free as a whole, and the blocks of order 9 and above that they
 * make up. The caller holds the zone's lock.
 */
#ifndef QUARRY_MM_BUDDY_WHOLE_INTERNAL_H
#define QUARRY_MM_BUDDY_WHOLE_INTERNAL_H

#include "map_internal.h"
#include "pageblock_internal.h"

#pragma GCC visibility push(hidden)
/* buddy.c */
/*
 * One that is free as a whole, and on no list, goes on that of order 9 or, with its twin, of order
 * 10: of the block's order, whose first pageblock it is.
 */
void whole_add(struct zone *zone, struct pageblock *pb, unsigned long order);
#pragma GCC visibility pop

/* The first pageblock of the aligned block of this order, pageblock_order or more, that it lies in. */
static inline struct pageblock *pb_aligned(struct pageblock *pb, unsigned long order)
{
	unsigned long number = (unsigned long)(pb - mm.pageblocks);

	return &mm.pageblocks[number & ~((1UL << (order - pageblock_order)) - 1)];
}

/* And that of the block's buddy. */
static inline struct pageblock *pb_buddy(struct pageblock *pb, unsigned long order)
{
	unsigned long number = (unsigned long)(pb_aligned(pb, order) - mm.pageblocks);

	return &mm.pageblocks[number ^ 1UL << (order - pageblock_order)];
}

/* Of one that is free as a whole: the first of its free block, which is on a list for all of them. */
static inline struct pageblock *whole_head(struct pageblock *pb)
{
	unsigned long order = pageblock_order;

	if (SECTION_PAGEBLOCKS == 2)
		return pb->list == PB_OFF_LIST ? pb_twin(pb) : pb;
	while (order < MAX_PAGE_ORDER && pb_aligned(pb, order)->list != (long)order)
		order++;
	return pb_aligned(pb, order);
}

/*
 * Of the free block that head is the first pageblock of, the part of this order, pageblock_order or
 * more, that pb lies in is on no list any more; the rest of it stays free.
 */
static inline void whole_cut(struct zone *zone, struct pageblock *head, struct pageblock *pb,
			     unsigned long order)
{
	unsigned long have = (unsigned long)head->list;

	mm.memmap[pb_index(head)].word = PAGE_NONE;
	pb_relist(zone, head, PB_OFF_LIST);
	if (SECTION_PAGEBLOCKS > 2)
		while (have-- > order)
			whole_add(zone, pb_buddy(pb, have), have);
	else if (have > order)
		whole_add(zone, pb_twin(pb), pageblock_order);
}

#endif
