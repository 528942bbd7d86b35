/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy_internal.h: what the files of buddy/ share and no other folder needs.
 *
 * buddy.c and fallback.c call each other: buddy_alloc() goes on to buddy_fallback() where the
 * pageblocks of the type have no room, and that takes its block with buddy.c's own steps.
 */
#ifndef QUARRY_MM_BUDDY_INTERNAL_H
#define QUARRY_MM_BUDDY_INTERNAL_H

#include "buddy.h"

#pragma GCC visibility push(hidden)

/* open_section.c: opens the zone's next untouched section; NULL: none left. */
struct pageblock *section_take(struct zone *zone);

/* buddy.c */
unsigned int lowest_order(unsigned int mask);
/* The pageblock's buddy: its twin in the section. */
static inline struct pageblock *pb_twin(const struct pageblock *pb)
{
	return &mm.pageblocks[(unsigned long)(pb - mm.pageblocks) ^ 1];
}
static inline unsigned long pb_index(const struct pageblock *pb)
{
	return (unsigned long)(pb - mm.pageblocks) << pageblock_order;
}
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
/*
 * Steps of buddy.c that buddy_range.c takes too. So many pages of the pageblock, or of the two it starts, are
 * free now that were not, or the other way round; a block, by its first frame in the pageblock, goes off the
 * list of its order. base: the pageblock's first descriptor.
 */
void count_free(struct zone *zone, struct pageblock *pb, long pages);
void block_del(struct pageblock *pb, struct page *base, unsigned long local, unsigned long order);
/* Put it on the zone's list of this order and its type, or on none (PB_OFF_LIST). */
void pb_relist(struct zone *zone, struct pageblock *pb, long order);
/*
 * Take a block of order *order from a pageblock that is of this type from now on: from one that is
 * free as a whole, else from its free block of `lowest` or more, of which it has one: the smallest
 * that will do, split as needed. With lowest < *order the block may be smaller than asked.
 */
unsigned long pb_take(struct zone *zone, struct pageblock *pb, unsigned int *order,
		      unsigned int lowest, enum migratetype type);

/* fallback.c */
unsigned long buddy_fallback(struct zone *zone, unsigned int *order, enum migratetype type,
			     unsigned int lowest);

#pragma GCC visibility pop
#endif
