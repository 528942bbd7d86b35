/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy_internal.h: what the files of buddy/ share and no other folder needs.
 *
 * buddy.c and fallback.c call each other: buddy_alloc() asks buddy_fallback() for a pageblock where
 * those of the type have no room, and HIGHATOMIC blocks are taken with buddy.c's own steps.
 */
#ifndef QUARRY_MM_BUDDY_INTERNAL_H
#define QUARRY_MM_BUDDY_INTERNAL_H

#include "buddy.h"
#include "map_internal.h"
#include "pageblock_internal.h"

#pragma GCC visibility push(hidden)

/* open_section.c: opens the zone's next untouched section; NULL: none left. */
struct pageblock *section_take(struct zone *zone);

/* buddy.c */
unsigned int lowest_order(unsigned int mask);
/*
 * A pageblock on the lists of this type with a free block of this order or above: one whose largest
 * is the smallest that will do. NULL: there is none.
 */
MM_SHARED_INLINE struct pageblock *pb_find(const struct zone *zone, unsigned int type,
					   unsigned int order)
{
	unsigned int mask = (unsigned int)zone->nonempty[type] >> order;

	return mask ? &mm.pageblocks[zone->list[type][order + lowest_order(mask)]] : NULL;
}
/* Put it on the zone's list of its largest free order, which is `most` or less, or on none. */
void pb_settle(struct zone *zone, struct pageblock *pb, long most);
/*
 * One that is free as a whole, and on no list, goes on that of order 9 or, with its twin, of order
 * 10: of the block's order, whose first pageblock it is.
 */
void whole_add(struct zone *zone, struct pageblock *pb, unsigned long order);

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

/*
 * Take a block of order *order from a pageblock that is of this type from now on. With lowest <
 * *order it may be smaller, of an order that the pageblock has: `lowest` it has in any case.
 */
unsigned long pb_take(struct zone *zone, struct pageblock *pb, unsigned int *order,
		      unsigned int lowest, enum migratetype type);

/* fallback.c */
/*
 * The pageblock that a request of this type turns to when those of its own have no block of order
 * `lowest` or more, and *owner, its type from now on. NULL: there is none.
 */
struct pageblock *buddy_fallback(struct zone *zone, enum migratetype type, unsigned int lowest,
				 enum migratetype *owner);

#pragma GCC visibility pop
#endif
