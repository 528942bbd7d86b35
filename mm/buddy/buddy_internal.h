/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy_internal.h: what the files of buddy/ share and no other folder needs.
 *
 * buddy.c and fallback.c call each other: buddy_alloc() asks buddy_fallback() for a pageblock where
 * those of the type have no room, and HIGHATOMIC blocks are taken with buddy.c's own steps.
 */
#ifndef QUARRY_MM_BUDDY_INTERNAL_H
#define QUARRY_MM_BUDDY_INTERNAL_H

#include "../debug/hooks.h"
#include "buddy.h"
#include "map_internal.h"
#include "pageblock_internal.h"
#include "whole_internal.h"

#pragma GCC visibility push(hidden)

/* open_section.c: opens the zone's next untouched section; NULL: none left. */
struct pageblock *section_take(struct zone *zone);

/* buddy.c */
#if defined(__riscv) && !defined(__riscv_zbb) && FOR_SPEED
extern const uint8_t lowest_order_of[16]; /* by the mask's de Bruijn number */
#endif
/*
 * The lowest bit set in mask (not 0, 16 bits): where there is no ctz, a loop, or a de Bruijn
 * multiplication where speed counts.
 */
MM_SHARED_INLINE unsigned int lowest_order(unsigned int mask)
{
	VM_BUG_ON(!mask || mask >> 16);
#if !defined(__riscv) || defined(__riscv_zbb)
	return (unsigned int)__builtin_ctz(mask);
#elif FOR_SPEED
	return lowest_order_of[(((mask & -mask) * 0x09afU) & 0xffff) >> 12];
#else
	unsigned int order = 0;

	while (!(mask >> order & 1))
		order++;
	return order;
#endif
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
/* Put it on the zone's list of its largest free order, which is `most` or less, or on none. */
#if FOR_SPEED
static inline void pb_settle(struct zone *zone, struct pageblock *pb, long most)
{
	VM_BUG_ON(most < PB_OFF_LIST || most >= pageblock_order);
	VM_BUG_ON(pb_is_whole(pb));
	VM_BUG_ON(!pb_has_free(pb_index(pb)) != !pb->nr_free);
	VM_BUG_ON(pb_largest(pb_index(pb), most) != pb_largest(pb_index(pb), pageblock_order - 1));
	pb_relist(zone, pb, pb_largest(pb_index(pb), most));
}
#else
void pb_settle(struct zone *zone, struct pageblock *pb, long most);
#endif
/*
 * A block of order 9 or 10, by its first pageblock: one that is free, a half of a pair, or a
 * section not touched yet. It is on no list any more, but still counted. NULL: there is none.
 */
struct pageblock *whole_take(struct zone *zone, unsigned int order);
/* Take a block of this order, which it has, from a pageblock that is of this type from now on. */
unsigned long pb_take(struct zone *zone, struct pageblock *pb, unsigned int order,
		      enum migratetype type);

/* A request of this type has taken a block of another's. */
void note_fallback(unsigned long index, unsigned int order, enum migratetype type,
		   unsigned int victim);

/* fallback.c */
/*
 * The pageblock that a request of this type turns to when those of its own have no block of order
 * `lowest` or more. NULL: there is none.
 */
struct pageblock *buddy_fallback(struct zone *zone, enum migratetype type, unsigned int lowest);
/*
 * And the type that it has from then on. A movable request leaves it what it is: movable pages can be
 * moved away again. An unmovable or reclaimable one takes it over, so that pages which cannot be moved
 * stay together.
 */
static inline enum migratetype fallback_owner(const struct pageblock *pb, enum migratetype type)
{
	return type == MIGRATE_MOVABLE ? (enum migratetype)pb->type : type;
}

/* One of this type that has such a block. NULL: there is none. */
static inline struct pageblock *pb_own(const struct zone *zone, enum migratetype type,
				       unsigned int lowest)
{
	struct pageblock *pb = pb_find(zone, type, lowest);

	return pb && !FAULT_POINT() ? pb : NULL;
}

/*
 * Was a word's largest free order, before some of it was taken, that of its pageblock? A full word
 * may have been part of it. If not, the pageblock stays on its list.
 */
static inline bool may_be_largest(const struct pageblock *pb, long order)
{
	return order >= WORD_ORDER || order >= pb->list;
}

#pragma GCC visibility pop
#endif
